// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "output.h"
#include "progress.h"

#define DEFAULT_TIME_MS	10000
#define DEFAULT_QUEUES	8
#define NOT_GIVEN	UINT64_MAX
#define SLICE_MS	100
#define COLUMNS		(5 + NVT_IRQ_FAULTS)
#define TEXT_LEN	24

struct check_args {
	uint64_t nsid;
	uint64_t type;
	uint64_t vectors;
	uint64_t qdepth;
	uint64_t time_ms;
	uint64_t io_count;
	uint64_t mask;
	uint64_t lost_ms;
	uint64_t late_ms;
};

static const char *const type_words[] = { "msi-x", "msi", NULL };

static volatile sig_atomic_t stop_wanted;

static void want_stop(int signo)
{
	stop_wanted = 1;
}

/* Once: the second of the signals kills. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = want_stop, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int run_load(struct cmd *cmd, struct nvt_irq_check *check)
{
	const struct check_args *args = cmd->args;
	struct progress progress = {
		.time_ms = args->time_ms, .io_count = args->io_count, .io_bytes = 512,
	};
	int ret = 1;

	catch_signals();
	progress_start(&progress);
	while (ret > 0 && !stop_wanted) {
		ret = nvt_irq_check_run(check, SLICE_MS);
		progress.ios = nvt_irq_check_completions(check);
		progress.elapsed_ns += SLICE_MS * 1000000ULL;
		progress_show(&progress);
	}
	progress_clear(&progress);
	/* Of a storm the report tells. */
	return ret < 0 && ret != -ECANCELED ? cmd_fail_lib(cmd, ret) : EXIT_OK;
}

static void fill_row(const struct nvt_irq_vector_report *v, char text[COLUMNS][TEXT_LEN])
{
	int i;

	snprintf(text[0], TEXT_LEN, "%u", v->vector);
	snprintf(text[1], TEXT_LEN, "%llu", (unsigned long long)v->completions);
	snprintf(text[2], TEXT_LEN, "%llu", (unsigned long long)v->interrupts);
	snprintf(text[3], TEXT_LEN, "%.1f us", (double)v->delay.percentile_ns[0] / 1e3);
	snprintf(text[4], TEXT_LEN, "%.1f us", (double)v->delay.max_ns / 1e3);
	for (i = 0; i < NVT_IRQ_FAULTS; i++)
		snprintf(text[5 + i], TEXT_LEN, "%llu", (unsigned long long)v->faults[i]);
}

static void print_table(const struct nvt_irq_report *report)
{
	static const char *const headings[COLUMNS] = {
		"VECTOR", "COMPLETIONS", "INTERRUPTS", "MEDIAN", "MAX", "LOST", "LATE", "EARLY",
		"SPURIOUS", "WRONG", "MASKED", "STORM",
	};
	uint32_t n = report->nr_vectors, row;
	char (*text)[COLUMNS][TEXT_LEN] = calloc(n + 1, sizeof(*text));
	const char **cells = calloc(n + 1, sizeof(headings));
	int col;

	for (row = 0; text && cells && row <= n; row++) {
		if (row)
			fill_row(&report->vector[row - 1], text[row]);
		for (col = 0; col < COLUMNS; col++)
			cells[row * COLUMNS + col] = row ? text[row][col] : headings[col];
	}
	if (text && cells)
		table_print(cells, COLUMNS, n + 1);
	free(text);
	free(cells);
}

static void print_coalescing(const struct nvt_irq_report *report)
{
	uint32_t i;

	for (i = 0; i < report->nr_vectors; i++) {
		const struct nvt_irq_vector_report *v = &report->vector[i];

		if (v->coalesced)
			printf("vector %u coalesces %u completions or %llu us: %llu a single "
			       "interrupt at most; %llu interrupts over the threshold, %llu over "
			       "the time\n", v->vector, v->threshold,
			       (unsigned long long)v->time_ns / 1000,
			       (unsigned long long)v->max_per_interrupt,
			       (unsigned long long)v->over_threshold,
			       (unsigned long long)v->over_time);
	}
}

static void print_report(const char *addr, const struct nvt_irq_report *report)
{
	char text[256];
	uint32_t i;

	printf("%s: %llu completions, %llu interrupts in %.3f s, seen within %.1f us (median), "
	       "%.1f us (max)\n", addr, (unsigned long long)report->completions,
	       (unsigned long long)report->interrupts, (double)report->elapsed_ns / 1e9,
	       (double)report->resolution.percentile_ns[0] / 1e3,
	       (double)report->resolution.max_ns / 1e3);
	print_table(report);
	print_coalescing(report);
	for (i = 0; i < report->nr_findings; i++)
		printf("%.6f %s\n", (double)report->finding[i].ns / 1e9,
		       nvt_irq_finding_text(&report->finding[i], text, sizeof(text)));
	if (report->total > report->nr_findings)
		printf("and %llu more\n",
		       (unsigned long long)(report->total - report->nr_findings));
	if (!report->total)
		puts("nothing found");
}

static void add_faults(struct json_object *object, const uint64_t faults[NVT_IRQ_FAULTS])
{
	struct json_object *json = json_object_new_object();
	int i;

	json_object_object_add(object, "faults", json);
	for (i = 0; i < NVT_IRQ_FAULTS; i++)
		json_add_number(json, nvt_irq_fault_name(i), faults[i]);
}

static void add_latency(struct json_object *object, const char *key, const struct nvt_latency *l)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(object, key, json);
	json_add_number(json, "min_ns", l->min_ns);
	json_add_number(json, "mean_ns", l->mean_ns);
	json_add_number(json, "median_ns", l->percentile_ns[0]);
	json_add_number(json, "p99_ns", l->percentile_ns[2]);
	json_add_number(json, "max_ns", l->max_ns);
}

static void add_vector(struct json_object *array, const struct nvt_irq_vector_report *v)
{
	struct json_object *object = json_append_object(array), *per;
	int i;

	json_add_number(object, "vector", v->vector);
	json_add_number(object, "completions", v->completions);
	json_add_number(object, "interrupts", v->interrupts);
	json_add_number(object, "repeated", v->repeated);
	json_add_number(object, "storm_interrupts", v->storm_interrupts);
	json_add_number(object, "max_per_interrupt", v->max_per_interrupt);
	per = json_add_array(object, "per_interrupt");
	for (i = 0; i < NVT_IRQ_PER_INTERRUPT; i++)
		json_object_array_add(per, json_object_new_uint64(v->per_interrupt[i]));
	json_add_bool(object, "coalesced", v->coalesced);
	if (v->coalesced) {
		json_add_number(object, "threshold", v->threshold);
		json_add_number(object, "time_ns", v->time_ns);
		json_add_number(object, "over_threshold", v->over_threshold);
		json_add_number(object, "over_time", v->over_time);
	}
	add_latency(object, "delay", &v->delay);
	add_faults(object, v->faults);
}

static void add_report(struct json_object *json, const char *addr,
		       const struct nvt_irq_report *report)
{
	struct json_object *array, *object;
	char text[256];
	uint32_t i;

	json_add_string(json, "address", addr);
	json_add_number(json, "completions", report->completions);
	json_add_number(json, "interrupts", report->interrupts);
	json_add_number(json, "elapsed_ns", report->elapsed_ns);
	json_add_number(json, "found", report->total);
	add_faults(json, report->faults);
	add_latency(json, "resolution", &report->resolution);
	array = json_add_array(json, "vectors");
	for (i = 0; i < report->nr_vectors; i++)
		add_vector(array, &report->vector[i]);
	array = json_add_array(json, "findings");
	for (i = 0; i < report->nr_findings; i++) {
		const struct nvt_irq_finding *f = &report->finding[i];

		object = json_append_object(array);
		json_add_string(object, "kind", nvt_irq_fault_name(f->kind));
		json_add_string(object, "text", nvt_irq_finding_text(f, text, sizeof(text)));
		json_add_number(object, "vector", f->vector);
		json_add_number(object, "cqid", f->cqid);
		json_add_number(object, "ns", f->ns);
	}
}

static int judge(struct cmd *cmd, struct nvt_irq_check *check, const char *addr)
{
	struct nvt_irq_report report;
	int code, err;

	code = run_load(cmd, check);
	err = nvt_irq_check_stop(check, &report);
	if (err && err != -ECANCELED && !code)
		code = cmd_fail_lib(cmd, err);
	if (cmd->json)
		add_report(cmd->json, addr, &report);
	else
		print_report(addr, &report);
	return code ? code : report.total ? EXIT_FAILED : EXIT_OK;
}

static int check_ns(struct cmd *cmd, struct nvt_ns *ns, const char *addr)
{
	const struct check_args *args = cmd->args;
	struct nvt_irq_check_opts opts = {
		.queues = args->vectors,
		.depth = args->qdepth,
		.commands = args->io_count,
		.time_ms = args->time_ms,
		.mask_every = args->mask,
		.lost_ms = args->lost_ms,
		.late_us = args->late_ms * 1000,
	};
	struct nvt_irq_check *check;
	int code;

	check = nvt_irq_check_start(ns, &opts);
	if (!check)
		return cmd_fail_lib(cmd, errno);
	code = judge(cmd, check, addr);
	nvt_irq_check_close(check);
	return code;
}

static int run_check(struct cmd *cmd)
{
	struct check_args *args = cmd->args;
	struct nvt_ctrl_opts opts = { .io_queues = args->vectors };
	struct nvt_ctrl *ctrl;
	struct nvt_ns *ns;
	int code;

	if (args->time_ms == NOT_GIVEN)
		args->time_ms = args->io_count ? 0 : DEFAULT_TIME_MS;
	if (!args->time_ms && !args->io_count)
		return cmd_fail_usage(cmd, "--time 0 has no end; give --io-count");
	opts.vectors = args->vectors + 1;
	opts.vector_type = args->type ? NVT_VECTOR_MSI : NVT_VECTOR_MSIX;
	code = cmd_open_ctrl(cmd, &opts, &ctrl);
	if (code)
		return code;
	ns = nvt_ns_open(ctrl, args->nsid);
	code = ns ? check_ns(cmd, ns, nvt_pcie_addr(nvt_ctrl_pcie(ctrl))) :
		    cmd_fail_lib(cmd, errno);
	nvt_ns_close(ns);
	nvt_ctrl_close(ctrl);
	return code;
}

static const struct check_args defaults = {
	.nsid = 1,
	.vectors = DEFAULT_QUEUES,
	.qdepth = 1,
	.time_ms = NOT_GIVEN,
	.lost_ms = 1000,
	.late_ms = 100,
};

#define ARGS struct check_args

static const struct option_def options[] = {
	OPT_NSID(ARGS),
	OPTION(OPTION_CHOICE, ARGS, type, "type", 0, "msi-x|msi", 0, 0, type_words,
	       "of the interrupts (default msi-x)"),
	OPT_NUMBER(ARGS, vectors, "vectors", 'v', "N", 1, 2047,
		   "with a queue each, beside that of the admin queue (default 8)"),
	OPT_NUMBER(ARGS, qdepth, "qdepth", 'q', "N", 1, 65535,
		   "commands at once on a queue (default 1: each has its own interrupt)"),
	OPT_SECONDS(ARGS, time_ms, "time", 't', 0, "its length (default 10; with --io-count none)"),
	OPT_SIZE(ARGS, io_count, "io-count", 0, "N", 1, 0, "commands of all queues together"),
	OPT_NUMBER(ARGS, mask, "mask", 0, "N", 1, UINT32_MAX,
		   "run each N-th batch of a queue with its vector masked"),
	OPT_SECONDS(ARGS, lost_ms, "lost", 0, 1, "none for so long is lost (default 1)"),
	OPT_SECONDS(ARGS, late_ms, "late", 0, 1, "later than that is late (default 0.1)"),
	{ NULL },
};

const struct command cmd_irq_check = {
	.name = "irq check",
	.operands = "ADDR",
	.summary = "Checks interrupts against the completions that they tell of",
	.about = "Reads on raw queues, which are polled for the time at which each completion becomes\n"
		 "visible, and finds interrupts that are lost, late, early, spurious, on a wrong vector\n"
		 "or come while masked, and storms. Exit status 0: nothing found; 1: something was.",
	.example = "  nvt irq check 01:00.0 --vectors 8 --io-count 1m",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.args_size = sizeof(struct check_args),
	.defaults = &defaults,
	.run = run_check,
};
