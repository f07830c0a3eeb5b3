// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd.h"
#include "output.h"

#define COLUMNS		9
#define TEXT_LEN	24
#define MAX_VECTORS	2048

struct watch_args {
	uint64_t interval_ms;
	uint64_t count;
};

static const char *const type_names[] = {
	[NVT_VECTOR_NONE] = "none",
	[NVT_VECTOR_MSIX] = "MSI-X",
	[NVT_VECTOR_MSI] = "MSI",
	[NVT_VECTOR_INTX] = "INTx",
};

/* What all vectors had seen at a time. */
struct sample {
	struct nvt_device_info info;
	uint64_t ns;
	unsigned int n;
	struct nvt_vector_counter counter[MAX_VECTORS];
};

static const char *type_name(uint32_t type)
{
	return type < sizeof(type_names) / sizeof(type_names[0]) ? type_names[type] : "unknown";
}

static const char *masked_name(uint32_t masked)
{
	return masked & NVT_MASKED_STORM ? "storm" : masked ? "owner" : "-";
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void pause_ms(uint64_t ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* An owner may free vectors meanwhile: those that are left count. */
static int take_sample(struct nvt_pcie *pcie, struct sample *sample)
{
	int err = nvt_pcie_info(pcie, &sample->info);

	if (err)
		return err;
	sample->ns = now_ns();
	for (sample->n = 0; sample->n < sample->info.nr_vectors && sample->n < MAX_VECTORS;
	     sample->n++)
		if (nvt_pcie_vector(pcie, sample->n, &sample->counter[sample->n]))
			break;
	return 0;
}

/* Interrupts a second since @before; a vector that was allocated anew starts at 0. */
static double rate(const struct sample *now, const struct sample *before, unsigned int vector)
{
	uint64_t n = now->counter[vector].interrupts;

	if (!before->ns || now->ns == before->ns)
		return 0;
	if (vector < before->n && before->counter[vector].interrupts <= n)
		n -= before->counter[vector].interrupts;
	return (double)n * 1e9 / (double)(now->ns - before->ns);
}

static void fill_row(const struct sample *s, const struct sample *before, unsigned int vector,
		     char text[COLUMNS][TEXT_LEN])
{
	const struct nvt_vector_counter *c = &s->counter[vector];

	snprintf(text[0], TEXT_LEN, "%u", vector);
	snprintf(text[1], TEXT_LEN, "%llu", (unsigned long long)c->interrupts);
	snprintf(text[2], TEXT_LEN, before->ns ? "%.0f/s" : "-", rate(s, before, vector));
	snprintf(text[3], TEXT_LEN, "%llu", (unsigned long long)c->completions);
	snprintf(text[4], TEXT_LEN, "%llu", (unsigned long long)c->empty);
	snprintf(text[5], TEXT_LEN, "-");
	snprintf(text[6], TEXT_LEN, "-");
	snprintf(text[7], TEXT_LEN, "%s", masked_name(c->masked));
	snprintf(text[8], TEXT_LEN, "%llu", (unsigned long long)c->storms);
	if (!c->interrupts)
		return;
	snprintf(text[5], TEXT_LEN, "%u", c->last_cpu);
	snprintf(text[6], TEXT_LEN, "%.6f s ago",
		 s->ns > c->last_ns ? (double)(s->ns - c->last_ns) / 1e9 : 0.0);
}

static int print_vectors(struct cmd *cmd, const struct sample *s, const struct sample *before)
{
	static const char *const headings[COLUMNS] = {
		"VECTOR", "INTERRUPTS", "RATE", "COMPLETIONS", "EMPTY", "CPU", "LAST", "MASKED",
		"STORMS",
	};
	char (*text)[COLUMNS][TEXT_LEN] = calloc(s->n + 1, sizeof(*text));
	const char **cells = calloc(s->n + 1, sizeof(headings));
	unsigned int row, col;

	for (row = 0; text && cells && row <= s->n; row++) {
		if (row)
			fill_row(s, before, row - 1, text[row]);
		for (col = 0; col < COLUMNS; col++)
			cells[row * COLUMNS + col] = row ? text[row][col] : headings[col];
	}
	if (text && cells)
		table_print(cells, COLUMNS, s->n + 1);
	free(text);
	free(cells);
	return text && cells ? EXIT_OK : cmd_fail(cmd, EXIT_FAILED, ENOMEM, "irq: out of memory");
}

static void add_vectors(struct json_object *json, const struct sample *s,
			const struct sample *before)
{
	struct json_object *array, *object;
	unsigned int i;

	json_add_string(json, "type", type_name(s->info.vector_type));
	json_add_number(json, "now_ns", s->ns);
	array = json_add_array(json, "vectors");
	for (i = 0; i < s->n; i++) {
		const struct nvt_vector_counter *c = &s->counter[i];

		object = json_append_object(array);
		json_add_number(object, "vector", i);
		json_add_number(object, "interrupts", c->interrupts);
		if (before->ns)
			json_add_double(object, "interrupts_per_s", rate(s, before, i));
		json_add_number(object, "completions", c->completions);
		json_add_number(object, "empty", c->empty);
		json_add_number(object, "last_cpu", c->last_cpu);
		json_add_number(object, "last_ns", c->last_ns);
		json_add_number(object, "previous_ns", c->prev_ns);
		json_add_optional(object, "masked", c->masked ? masked_name(c->masked) : "");
		json_add_number(object, "storms", c->storms);
	}
}

static int show(struct cmd *cmd, struct nvt_pcie *pcie, const struct sample *s,
		const struct sample *before)
{
	if (!s->n) {
		printf("%s: no vectors are allocated\n", nvt_pcie_addr(pcie));
		return EXIT_OK;
	}
	printf("%s: %u vectors, %s\n", nvt_pcie_addr(pcie), s->n, type_name(s->info.vector_type));
	return print_vectors(cmd, s, before);
}

static int run_irq(struct cmd *cmd)
{
	static struct sample sample, none;
	struct nvt_pcie *pcie;
	int code;

	code = cmd_open_pcie(cmd, NVT_OPEN_OBSERVE, &pcie);
	if (code)
		return code;
	if (take_sample(pcie, &sample))
		code = cmd_fail_lib(cmd, errno);
	else if (cmd->json)
		add_vectors(cmd->json, &sample, &none);
	else
		code = show(cmd, pcie, &sample, &none);
	nvt_pcie_close(pcie);
	return code;
}

/* One object a line; the one that the command has is for its errors. */
static void print_line(const char *addr, const struct sample *s, const struct sample *before)
{
	struct json_object *json = json_object_new_object();

	json_add_string(json, "address", addr);
	add_vectors(json, s, before);
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

static int watch(struct cmd *cmd, struct nvt_pcie *pcie)
{
	static struct sample sample[2];
	const struct watch_args *args = cmd->args;
	uint64_t i, left = args->count;
	int code = EXIT_OK;

	for (i = 0; !code && !ferror(stdout); i++) {
		struct sample *now = &sample[i % 2], *before = &sample[(i + 1) % 2];

		if (take_sample(pcie, now))
			return cmd_fail_lib(cmd, errno);
		if (cmd->json)
			print_line(nvt_pcie_addr(pcie), now, before);
		else
			code = show(cmd, pcie, now, before);
		if (args->count && !--left)
			break;
		if (!cmd->json)
			putchar('\n');
		fflush(stdout);
		pause_ms(args->interval_ms);
	}
	json_object_put(cmd->json);
	cmd->json = NULL;
	return code;
}

static int run_watch(struct cmd *cmd)
{
	struct nvt_pcie *pcie;
	int code;

	code = cmd_open_pcie(cmd, NVT_OPEN_OBSERVE, &pcie);
	if (code)
		return code;
	code = watch(cmd, pcie);
	nvt_pcie_close(pcie);
	return code;
}

static const struct watch_args watch_defaults = { .interval_ms = 1000 };

static const struct option_def watch_options[] = {
	OPT_SECONDS(struct watch_args, interval_ms, "interval", 'i', 1,
		    "show them each so many seconds (default 1)"),
	OPT_NUMBER(struct watch_args, count, "count", 'c', "N", 1, 0,
		   "end after so many times (default: go on)"),
	{ NULL },
};

const struct command cmd_irq_watch = {
	.name = "irq watch",
	.operands = "ADDR",
	.summary = "Shows the interrupts of each vector again and again",
	.about = "Works beside the process that owns the device. RATE is that of the time since the\n"
		 "last look; MASKED says by whom: the owner, or the driver because of a storm. With\n"
		 "--json each look is an object on a line of its own.",
	.example = "  nvt irq watch 01:00.0 --interval 0.5",
	.min_operands = 1,
	.max_operands = 1,
	.options = watch_options,
	.args_size = sizeof(struct watch_args),
	.defaults = &watch_defaults,
	.run = run_watch,
};

static const struct command *const subcommands[] = { &cmd_irq_watch, &cmd_irq_check, NULL };

static const struct option_def options[] = {
	{ NULL },
};

const struct command cmd_irq = {
	.name = "irq",
	.operands = "ADDR",
	.summary = "Counts, watches and checks interrupts",
	.about = "Works beside the process that owns the device; the counts end with it.\n"
		 "COMPLETIONS were reaped by the driver at the vector's interrupts; EMPTY are\n"
		 "interrupts at which it found none. A raw queue's completions it does not see.\n"
		 "A vfio-user socket has one client at a time, so there is nobody to watch there.",
	.example = "  nvt irq 01:00.0",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.run = run_irq,
	.subcommands = subcommands,
};
