/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Options by table: their parsing, their limits, their help. */
#ifndef NVT_TOOL_OPTIONS_H
#define NVT_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_FLAG	= 1,	/* bool */
	OPTION_STRING,		/* const char * */
	OPTION_NUMBER,		/* uint64_t: decimal or 0x */
	OPTION_SIZE,		/* uint64_t: a number with k, m or g for its power of 1024 */
	OPTION_SECONDS,		/* uint64_t milliseconds, from seconds with a fraction */
	OPTION_CHOICE,		/* uint64_t: index in @choices */
};

/**
 * struct option_def - an option of a subcommand; a table ends with a NULL @name
 * @name: the long one, without dashes
 * @letter: the short one, or 0
 * @kind: enum option_kind
 * @offset: of its value in the subcommand's struct
 * @arg: what help calls its value
 * @help: one line
 * @min: least number
 * @max: greatest number, 0 for no limit
 * @choices: the words of OPTION_CHOICE, ended by NULL
 */
struct option_def {
	const char *name;
	char letter;
	enum option_kind kind;
	size_t offset;
	const char *arg;
	const char *help;
	uint64_t min;
	uint64_t max;
	const char *const *choices;
};

#define OPTION(kind, type, member, name, letter, arg, min, max, choices, help) \
	{ name, letter, kind, offsetof(type, member), arg, help, min, max, choices }
#define OPT_FLAG(type, member, name, letter, help) \
	OPTION(OPTION_FLAG, type, member, name, letter, NULL, 0, 0, NULL, help)
#define OPT_STRING(type, member, name, letter, arg, help) \
	OPTION(OPTION_STRING, type, member, name, letter, arg, 0, 0, NULL, help)
#define OPT_NUMBER(type, member, name, letter, arg, min, max, help) \
	OPTION(OPTION_NUMBER, type, member, name, letter, arg, min, max, NULL, help)
#define OPT_SIZE(type, member, name, letter, arg, min, max, help) \
	OPTION(OPTION_SIZE, type, member, name, letter, arg, min, max, NULL, help)
#define OPT_SECONDS(type, member, name, letter, min_ms, help) \
	OPTION(OPTION_SECONDS, type, member, name, letter, "SECONDS", min_ms, 0, NULL, help)
#define OPT_NSID(type) \
	OPT_NUMBER(type, nsid, "namespace-id", 'n', "NSID", 1, UINT32_MAX, \
		   "namespace (default 1)")
#define OPT_BACKEND(type) \
	OPTION(OPTION_CHOICE, type, backend, "backend", 0, "default|managed|raw", 0, 0, \
	       backend_names, "managed by the driver (default, if there is one), or raw")

extern const char *const backend_names[];

struct cmd;

/*
 * Fills cmd->args from an argv whose first element is the subcommand; leaves its operands in
 * cmd->argv. *help is set when --help was met. Returns an exit code.
 */
int options_parse(struct cmd *cmd, int argc, char **argv, bool *help);

void options_help(const struct option_def *options);

/* Decimal or 0x; with @suffix also k, m, g. False if it is not, or does not fit. */
bool parse_number(const char *text, bool suffix, uint64_t *value);

#endif /* NVT_TOOL_OPTIONS_H */
