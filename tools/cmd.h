/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What a subcommand is, and what all of them share. */
#ifndef NVT_TOOL_CMD_H
#define NVT_TOOL_CMD_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include <nvt/nvt.h>

#include "options.h"

enum exit_code {
	EXIT_OK		= 0,
	EXIT_FAILED	= 1,
	EXIT_USAGE	= 2,
	EXIT_STATUS	= 3,	/* the device answered with an error status */
	EXIT_MISCOMPARE	= 4,	/* data read are not what was written */
};

#define ADDRESS_LEN	128

struct cmd;

/**
 * struct command - a subcommand
 * @name: as it is called
 * @operands: as its usage line shows them
 * @summary: one line for "nvt --help"
 * @about: a paragraph for its own help
 * @example: lines for its own help
 * @min_operands: how many it needs
 * @max_operands: how many it takes
 * @options: its table, beside --json and --help
 * @args_size: of the struct that the table's offsets are in
 * @defaults: of that struct
 * @run: does it; returns an enum exit_code
 * @subcommands: of its own, named "NAME SUBNAME", ended by NULL; or NULL
 */
struct command {
	const char *name;
	const char *operands;
	const char *summary;
	const char *about;
	const char *example;
	int min_operands;
	int max_operands;
	const struct option_def *options;
	size_t args_size;
	const void *defaults;
	int (*run)(struct cmd *cmd);
	const struct command *const *subcommands;
};

/**
 * struct cmd - one run of a subcommand
 * @command: which
 * @json: with --json the object that is printed at the end, else NULL
 * @args: its options, as @command->args_size says
 * @argc: operands
 * @argv: operands; with --dev the device's address is the first all the same
 */
struct cmd {
	const struct command *command;
	struct json_object *json;
	void *args;
	int argc;
	char **argv;
};

extern const struct command cmd_list, cmd_bind, cmd_unbind, cmd_id_ctrl, cmd_id_ns, cmd_reg,
	cmd_cfg, cmd_irq, cmd_irq_watch, cmd_irq_check, cmd_read, cmd_write, cmd_perf;

/* Parses, runs, prints the JSON. @dev, if not NULL, is the first operand. */
int cmd_main(const struct command *command, const char *dev, int argc, char **argv);
void cmd_help(const struct command *command);

/*
 * One line on stderr, and in the JSON, unless an earlier one is there. Each returns its exit code.
 * @err is an errno of either sign. cmd_fail_lib() takes text from nvt_error().
 */
int cmd_fail(struct cmd *cmd, int code, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int cmd_fail_usage(struct cmd *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int cmd_fail_lib(struct cmd *cmd, int err);
int cmd_fail_status(struct cmd *cmd, const char *addr, const char *op, int status);
void cmd_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * The address that an operand stands for: itself, or the PCI address of a character device such as
 * /dev/nvt0. What looks like neither stays as it is, for the library to refuse. Returns an exit
 * code.
 */
int cmd_address(struct cmd *cmd, const char *operand, char addr[ADDRESS_LEN]);

/* Open the device of the first operand; return an exit code. */
int cmd_open_pcie(struct cmd *cmd, unsigned int flags, struct nvt_pcie **pcie);
int cmd_open_ctrl(struct cmd *cmd, const struct nvt_ctrl_opts *opts, struct nvt_ctrl **ctrl);

/* A number among the operands; @what names it. */
int cmd_number(struct cmd *cmd, const char *what, const char *text, uint64_t *value);

#endif /* NVT_TOOL_CMD_H */
