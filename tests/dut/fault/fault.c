// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The rules that are armed: their life, and the commands that they choose. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault/faults.h"
#include "fault/vendor_command.h"
#include "nvme/cmd.h"
#include "options.h"

#define MAX_RULES	1000
#define RANDOM_STREAM	0x66000000	/* each rule has one of its own above it */

struct faults *faults_new(struct subsys *subsys)
{
	struct faults *faults = calloc(1, sizeof(*faults));

	if (!faults)
		return NULL;
	faults->subsys = subsys;
	faults->start_ns = loop_now(subsys->loop);
	faults->rules_end = &faults->rules;
	return faults;
}

static void remove_rule(struct faults *faults, struct rule **link)
{
	struct rule *rule = *link;

	*link = rule->next;
	if (!rule->next)
		faults->rules_end = link;
	faults->nr_rules--;
	moment_disarm(rule);
	rule_free(rule);
}

void faults_free(struct faults *faults)
{
	struct rule *rule;

	if (!faults)
		return;
	/* The controllers may be gone: nothing is brought to an end. */
	while ((rule = faults->rules)) {
		faults->rules = rule->next;
		rule->holding = 0;
		moment_disarm(rule);
		rule_free(rule);
	}
	log_free(&faults->log);
	free(faults);
}

int faults_add(struct faults *faults, const char *text, char *error, size_t size)
{
	struct rule *rule;

	if (faults->nr_rules >= MAX_RULES) {
		snprintf(error, size, "there are %d rules, which is the limit; clear some", MAX_RULES);
		return -EINVAL;
	}
	rule = rule_parse(text, error, size);
	if (!rule)
		return -EINVAL;
	rule->faults = faults;
	rule->id = ++faults->last_id;
	rule->shot.rule = rule->id;
	rule->added_ns = loop_now(faults->subsys->loop);
	random_seed(&rule->random, faults->subsys->options->seed, RANDOM_STREAM + rule->id);
	*faults->rules_end = rule;
	faults->rules_end = &rule->next;
	faults->nr_rules++;
	moment_arm(rule);
	return rule->id;
}

static int load_line(struct faults *faults, char *line, char *error, size_t size)
{
	line[strcspn(line, "#\n")] = 0;
	if (!line[strspn(line, " \t\r")])
		return 0;
	return faults_add(faults, line, error, size);
}

int faults_load(struct faults *faults, const char *path, char *error, size_t size)
{
	FILE *file = fopen(path, "re");
	char *line = NULL, text[256];
	unsigned int number = 0;
	size_t room = 0;
	int id = 0;

	if (!file) {
		snprintf(error, size, "%s: %s", path, strerror(errno));
		return -EINVAL;
	}
	while (id >= 0 && getline(&line, &room, file) >= 0) {
		number++;
		id = load_line(faults, line, text, sizeof(text));
	}
	if (id < 0)
		snprintf(error, size, "%s:%u: %s", path, number, text);
	free(line);
	fclose(file);
	return id < 0 ? id : 0;
}

int faults_clear(struct faults *faults, uint32_t id)
{
	struct rule **link = &faults->rules;

	while (*link) {
		if (!id) {
			remove_rule(faults, link);
		} else if ((*link)->id == id) {
			remove_rule(faults, link);
			return 0;
		} else {
			link = &(*link)->next;
		}
	}
	return id ? -ENOENT : 0;
}

void faults_print(struct faults *faults, FILE *out)
{
	const struct rule *rule;

	for (rule = faults->rules; rule; rule = rule->next)
		fprintf(out, "%u matched=%llu fired=%llu acted=%llu%s: %s\n", rule->id,
			(unsigned long long)rule->matched, (unsigned long long)rule->fired,
			(unsigned long long)rule->acted, rule->over ? " over" : "", rule->text);
}

/* By them a host ends what it has begun. */
static bool is_exempt(const struct cmd *cmd)
{
	return !cmd->sqid && cmd->sqe.opcode >= VENDOR_FAULT_CLEAR &&
	       cmd->sqe.opcode <= VENDOR_FAULT_LOG;
}

static void choose(struct rule *rule, struct cmd *cmd)
{
	if (rule->trigger != TRIGGER_COMMAND || !match_command(rule, cmd))
		return;
	if (rule->way != WAY_SHOT) {
		if (match_count(rule))
			moment_fire(rule, cmd->ctrl, cmd->cq->vector);
		return;
	}
	/* One that finds no place has not fired, and does so at the next command. */
	if (cmd->nr_shots < FAULT_SHOTS && match_count(rule))
		cmd->shots[cmd->nr_shots++] = rule->shot;
}

void faults_choose(struct faults *faults, struct cmd *cmd)
{
	struct rule *rule;

	if (!faults->rules || is_exempt(cmd))
		return;
	for (rule = faults->rules; rule; rule = rule->next)
		choose(rule, cmd);
}

const struct fault_shot *fault_search(const struct cmd *cmd, enum fault_action action)
{
	unsigned int i;

	for (i = 0; i < cmd->nr_shots; i++)
		if (cmd->shots[i].action == action)
			return &cmd->shots[i];
	return NULL;
}
