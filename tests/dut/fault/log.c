// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the faults did, a line each:
 *
 *   NANOSECONDS rule=ID action=NAME ctrl=N queue=N cid=N opcode=NAME slba=N nlb=N: what exactly
 */
#include <stdlib.h>
#include <string.h>

#include "fault/faults.h"
#include "nvme/cmd.h"

#define LINE_MAX_LENGTH	512

static void print_start(const struct faults *faults, FILE *out)
{
	fprintf(out, "# nanoseconds since CLOCK_MONOTONIC %llu\n",
		(unsigned long long)faults->start_ns);
}

static void keep_line(struct fault_lines *log, const char *line)
{
	char **place;

	if (log->file) {
		fprintf(log->file, "%s\n", line);
		fflush(log->file);
	}
	if (!log->lines)
		log->lines = calloc(LOG_LINES, sizeof(*log->lines));
	if (!log->lines)
		return;
	place = &log->lines[log->total++ % LOG_LINES];
	free(*place);
	*place = strdup(line);
}

/* @head is all up to the text. */
static void add_line(struct faults *faults, const char *head, const char *fmt, va_list args)
{
	uint64_t now_ns = loop_now(faults->subsys->loop) - faults->start_ns;
	char line[LINE_MAX_LENGTH];
	int n;

	n = snprintf(line, sizeof(line), "%llu %s", (unsigned long long)now_ns, head);
	if (n < (int)sizeof(line))
		vsnprintf(line + n, sizeof(line) - n, fmt, args);
	keep_line(&faults->log, line);
}

static void add_rule_line(struct rule *rule, const char *where, const char *fmt, va_list args)
{
	char head[200];

	rule->acted++;
	snprintf(head, sizeof(head), "rule=%u action=%s %s: ", rule->id, rule->action->name, where);
	add_line(rule->faults, head, fmt, args);
}

void log_rule(struct rule *rule, const char *where, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_rule_line(rule, where, fmt, args);
	va_end(args);
}

void log_ctrl(struct rule *rule, const struct ctrl *ctrl, const char *fmt, ...)
{
	char where[32];
	va_list args;

	snprintf(where, sizeof(where), "ctrl=%u", ctrl->cntid);
	va_start(args, fmt);
	add_rule_line(rule, where, fmt, args);
	va_end(args);
}

static void describe_command(const struct cmd *cmd, char *text, size_t size)
{
	char opcode[8];
	int n;

	snprintf(opcode, sizeof(opcode), "0x%02x", cmd->sqe.opcode);
	n = snprintf(text, size, "ctrl=%u queue=%u cid=%u opcode=%s nsid=%u", cmd->ctrl->cntid,
		     cmd->sqid, cmd->sqe.cid, cmd->command ? cmd->command->name : opcode,
		     cmd->sqe.nsid);
	if (cmd->nlb && n < (int)size)
		snprintf(text + n, size - n, " slba=%llu nlb=%u", (unsigned long long)cmd->slba,
			 cmd->nlb);
}

void fault_log(struct cmd *cmd, const struct fault_shot *shot, const char *fmt, ...)
{
	struct rule *rule = cmd->ctrl->subsys->faults->rules;
	char where[128];
	va_list args;

	/* Cleared meanwhile: it acts all the same, as a fault without a rule. */
	while (rule && rule->id != shot->rule)
		rule = rule->next;
	describe_command(cmd, where, sizeof(where));
	va_start(args, fmt);
	if (rule) {
		add_rule_line(rule, where, fmt, args);
	} else {
		char head[160];

		snprintf(head, sizeof(head), "rule=%u %s: ", shot->rule, where);
		add_line(cmd->ctrl->subsys->faults, head, fmt, args);
	}
	va_end(args);
}

void faults_note(struct faults *faults, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_line(faults, "", fmt, args);
	va_end(args);
}

void faults_log_to(struct faults *faults, FILE *log)
{
	faults->log.file = log;
	if (log) {
		print_start(faults, log);
		fflush(log);
	}
}

void faults_print_log(struct faults *faults, FILE *out)
{
	const struct fault_lines *log = &faults->log;
	uint64_t i = log->total > LOG_LINES ? log->total - LOG_LINES : 0;

	print_start(faults, out);
	if (i)
		fprintf(out, "# %llu earlier lines are no longer here\n", (unsigned long long)i);
	for (; i < log->total; i++)
		if (log->lines[i % LOG_LINES])
			fprintf(out, "%s\n", log->lines[i % LOG_LINES]);
}

void log_free(struct fault_lines *log)
{
	size_t i;

	for (i = 0; log->lines && i < LOG_LINES; i++)
		free(log->lines[i]);
	free(log->lines);
}
