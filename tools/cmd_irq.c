// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd.h"
#include "output.h"

#define COLUMNS		6
#define TEXT_LEN	24

struct irq_args {
	uint64_t watch_ms;
};

static const char *const type_names[] = {
	[NVT_VECTOR_NONE] = "none",
	[NVT_VECTOR_MSIX] = "MSI-X",
	[NVT_VECTOR_MSI] = "MSI",
	[NVT_VECTOR_INTX] = "INTx",
};

static const char *type_name(uint32_t type)
{
	return type < sizeof(type_names) / sizeof(type_names[0]) ? type_names[type] : "unknown";
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

static void fill_row(unsigned int vector, const struct nvt_vector_counter *c,
		     char text[COLUMNS][TEXT_LEN])
{
	uint64_t now = now_ns();

	snprintf(text[0], TEXT_LEN, "%u", vector);
	snprintf(text[1], TEXT_LEN, "%llu", (unsigned long long)c->interrupts);
	snprintf(text[2], TEXT_LEN, "%llu", (unsigned long long)c->completions);
	snprintf(text[3], TEXT_LEN, "%llu", (unsigned long long)c->empty);
	snprintf(text[4], TEXT_LEN, "-");
	snprintf(text[5], TEXT_LEN, "-");
	if (!c->interrupts)
		return;
	snprintf(text[4], TEXT_LEN, "%u", c->last_cpu);
	snprintf(text[5], TEXT_LEN, "%.6f s ago",
		 now > c->last_ns ? (double)(now - c->last_ns) / 1e9 : 0.0);
}

static int print_vectors(struct cmd *cmd, struct nvt_pcie *pcie, unsigned int n)
{
	static const char *const headings[COLUMNS] = {
		"VECTOR", "INTERRUPTS", "COMPLETIONS", "EMPTY", "CPU", "LAST",
	};
	char (*text)[COLUMNS][TEXT_LEN] = calloc(n + 1, sizeof(*text));
	const char **cells = calloc(n + 1, sizeof(headings));
	struct nvt_vector_counter counter;
	unsigned int i, col, rows = 1;

	for (col = 0; cells && col < COLUMNS; col++)
		cells[col] = headings[col];
	/* An owner may free them meanwhile. */
	for (i = 0; text && cells && i < n && !nvt_pcie_vector(pcie, i, &counter); i++, rows++) {
		fill_row(i, &counter, text[rows]);
		for (col = 0; col < COLUMNS; col++)
			cells[rows * COLUMNS + col] = text[rows][col];
	}
	if (text && cells)
		table_print(cells, COLUMNS, rows);
	free(text);
	free(cells);
	return text && cells ? EXIT_OK : cmd_fail(cmd, EXIT_FAILED, ENOMEM, "irq: out of memory");
}

static void add_vectors(struct cmd *cmd, struct nvt_pcie *pcie, const struct nvt_device_info *info)
{
	struct json_object *array, *object;
	struct nvt_vector_counter counter;
	unsigned int i;

	json_add_string(cmd->json, "type", type_name(info->vector_type));
	json_add_number(cmd->json, "now_ns", now_ns());
	array = json_add_array(cmd->json, "vectors");
	for (i = 0; i < info->nr_vectors && !nvt_pcie_vector(pcie, i, &counter); i++) {
		object = json_append_object(array);
		json_add_number(object, "vector", i);
		json_add_number(object, "interrupts", counter.interrupts);
		json_add_number(object, "completions", counter.completions);
		json_add_number(object, "empty", counter.empty);
		json_add_number(object, "last_cpu", counter.last_cpu);
		json_add_number(object, "last_ns", counter.last_ns);
	}
}

static int show(struct cmd *cmd, struct nvt_pcie *pcie)
{
	struct nvt_device_info info;
	int err;

	err = nvt_pcie_info(pcie, &info);
	if (err)
		return cmd_fail_lib(cmd, err);
	if (cmd->json) {
		add_vectors(cmd, pcie, &info);
		return EXIT_OK;
	}
	if (!info.nr_vectors) {
		printf("%s: no vectors are allocated\n", nvt_pcie_addr(pcie));
		return EXIT_OK;
	}
	printf("%s: %u vectors, %s\n", nvt_pcie_addr(pcie), info.nr_vectors,
	       type_name(info.vector_type));
	return print_vectors(cmd, pcie, info.nr_vectors);
}

static int run_irq(struct cmd *cmd)
{
	const struct irq_args *args = cmd->args;
	struct nvt_pcie *pcie;
	int code;

	if (args->watch_ms && cmd->json)
		return cmd_fail_usage(cmd, "--watch and --json do not go together; call it again "
				      "and again");
	code = cmd_open_pcie(cmd, NVT_OPEN_OBSERVE, &pcie);
	if (code)
		return code;
	for (code = show(cmd, pcie); !code && args->watch_ms; code = show(cmd, pcie)) {
		putchar('\n');
		fflush(stdout);
		if (ferror(stdout))
			break;
		pause_ms(args->watch_ms);
	}
	nvt_pcie_close(pcie);
	return code;
}

static const struct option_def options[] = {
	OPT_SECONDS(struct irq_args, watch_ms, "watch", 'w', 1,
		    "show them again each so many seconds"),
	{ NULL },
};

const struct command cmd_irq = {
	.name = "irq",
	.operands = "ADDR",
	.summary = "Counts interrupts of each vector",
	.about = "Works beside the process that owns the device; the counts end with it.\n"
		 "COMPLETIONS were reaped by the driver at the vector's interrupts; EMPTY are\n"
		 "interrupts at which it found none. A raw queue's completions it does not see.\n"
		 "A vfio-user socket has one client at a time, so there is nobody to watch there.",
	.example = "  nvt irq 01:00.0 --watch 1",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.args_size = sizeof(struct irq_args),
	.run = run_irq,
};
