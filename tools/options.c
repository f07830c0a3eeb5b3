// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#define MAX_OPTIONS	40
#define CODE_HELP	'h'
#define CODE_JSON	1000
#define CODE_FIRST	1001	/* of the table's options, by index */
#define HELP_COLUMN	34

/* By enum nvt_backend. */
const char *const backend_names[] = { "default", "managed", "raw", NULL };

static const struct option_def common[] = {
	{ "json", 0, OPTION_FLAG, 0, NULL, "print a JSON object", 0, 0, NULL },
	{ "help", CODE_HELP, OPTION_FLAG, 0, NULL, "this text", 0, 0, NULL },
	{ NULL },
};

static bool shift_by_suffix(const char *end, uint64_t *value)
{
	static const char suffixes[] = "kmgt";
	const char *p = *end ? strchr(suffixes, tolower((unsigned char)*end)) : NULL;
	unsigned int shift;

	if (!p || end[1])
		return false;
	shift = 10 * (p - suffixes + 1);
	if (*value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

bool parse_number(const char *text, bool suffix, uint64_t *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;

	/* strtoull() would take blanks, a sign and, in front of a digit, nothing. */
	if (hex ? !isxdigit((unsigned char)text[2]) : !isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoull(text, &end, hex ? 16 : 10);
	if (errno)
		return false;
	return !*end || (suffix && shift_by_suffix(end, value));
}

static bool parse_seconds(const char *text, uint64_t *ms)
{
	char *end;
	double s;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return false;
	s = strtod(text, &end);
	if (*end || end == text || !isfinite(s) || s > 1e9)
		return false;
	*ms = llround(s * 1000);
	return *ms || s == 0;
}

static int parse_choice(struct cmd *cmd, const struct option_def *def, const char *text,
			uint64_t *value)
{
	for (*value = 0; def->choices[*value]; ++*value)
		if (!strcmp(text, def->choices[*value]))
			return EXIT_OK;
	return cmd_fail_usage(cmd, "--%s: '%s' is not one of %s", def->name, text, def->arg);
}

static const char *const wanted[] = {
	[OPTION_NUMBER] = "a number, decimal or 0x",
	[OPTION_SIZE] = "a size, such as 4096, 0x1000 or 4k",
	[OPTION_SECONDS] = "a time in seconds",
};

static int fail_limit(struct cmd *cmd, const struct option_def *def, const char *text,
		      const char *what, uint64_t limit)
{
	if (def->kind == OPTION_SECONDS)
		return cmd_fail_usage(cmd, "--%s: %s is too %s %g", def->name, text, what,
				      (double)limit / 1000);
	return cmd_fail_usage(cmd, "--%s: %s is too %s %llu", def->name, text, what,
			      (unsigned long long)limit);
}

static int parse_value(struct cmd *cmd, const struct option_def *def, const char *text,
		       uint64_t *value)
{
	bool good;

	if (def->kind == OPTION_CHOICE)
		return parse_choice(cmd, def, text, value);
	if (def->kind == OPTION_SECONDS)
		good = parse_seconds(text, value);
	else
		good = parse_number(text, def->kind == OPTION_SIZE, value);
	if (!good)
		return cmd_fail_usage(cmd, "--%s: '%s' is not %s", def->name, text,
				      wanted[def->kind]);
	if (*value < def->min)
		return fail_limit(cmd, def, text, "small; the least is", def->min);
	if (def->max && *value > def->max)
		return fail_limit(cmd, def, text, "large; the most is", def->max);
	return EXIT_OK;
}

static int set_option(struct cmd *cmd, const struct option_def *def, char *text)
{
	char *field = (char *)cmd->args + def->offset;
	uint64_t value;
	int code;

	switch (def->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return EXIT_OK;
	case OPTION_STRING:
		*(const char **)field = text;
		return EXIT_OK;
	default:
		code = parse_value(cmd, def, text, &value);
		if (!code)
			*(uint64_t *)field = value;
		return code;
	}
}

static int count_options(const struct option_def *options)
{
	int n = 0;

	while (options && options[n].name)
		n++;
	return n;
}

/* Both in the form of getopt_long(): values are told by the index in our table. */
static void build_getopt(const struct option_def *options, struct option *longs, char *letters)
{
	int i, n = count_options(options);

	*letters++ = ':';
	*letters++ = CODE_HELP;
	for (i = 0; i < n; i++) {
		bool has_value = options[i].kind != OPTION_FLAG;

		longs[i] = (struct option){ options[i].name, has_value, NULL, CODE_FIRST + i };
		if (!options[i].letter)
			continue;
		*letters++ = options[i].letter;
		if (has_value)
			*letters++ = ':';
	}
	*letters = '\0';
	longs[n] = (struct option){ "json", no_argument, NULL, CODE_JSON };
	longs[n + 1] = (struct option){ "help", no_argument, NULL, CODE_HELP };
	longs[n + 2] = (struct option){ 0 };
}

static const struct option_def *find_option(const struct option_def *options, int code)
{
	int i, n = count_options(options);

	for (i = 0; i < n; i++)
		if (code == CODE_FIRST + i || (options[i].letter && code == options[i].letter))
			return &options[i];
	return NULL;
}

static int fail_getopt(struct cmd *cmd, int code, char **argv)
{
	const struct option_def *def = find_option(cmd->command->options, optopt);
	const char *name = cmd->command->name;

	if (code == ':' && def)
		return cmd_fail_usage(cmd, "--%s wants a value: %s", def->name, def->arg);
	if (optopt && optopt < CODE_JSON && !def)
		return cmd_fail_usage(cmd, "no option '-%c'; 'nvt %s --help' lists them", optopt,
				      name);
	if (optopt)
		return cmd_fail_usage(cmd, "'%s': this option takes no value", argv[optind - 1]);
	return cmd_fail_usage(cmd, "no option '%s'; 'nvt %s --help' lists them", argv[optind - 1],
			      name);
}

int options_parse(struct cmd *cmd, int argc, char **argv, bool *help)
{
	struct option longs[MAX_OPTIONS + 3];
	char letters[2 * MAX_OPTIONS + 3];
	int c, code;

	build_getopt(cmd->command->options, longs, letters);
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == CODE_HELP)
			*help = true;
		else if (c == '?' || c == ':')
			return fail_getopt(cmd, c, argv);
		else if (c == CODE_JSON && !cmd->json)
			cmd->json = json_object_new_object();
		if (c == CODE_HELP || c == CODE_JSON)
			continue;
		code = set_option(cmd, find_option(cmd->command->options, c), optarg);
		if (code)
			return code;
	}
	cmd->argc = argc - optind;
	cmd->argv = argv + optind;
	return EXIT_OK;
}

static void print_options(const struct option_def *options)
{
	char left[80], letter[8];

	for (; options && options->name; options++) {
		snprintf(letter, sizeof(letter), options->letter ? "-%c, " : "    ",
			 options->letter);
		snprintf(left, sizeof(left), "  %s--%s%s%s", letter, options->name,
			 options->arg ? " " : "", options->arg ? options->arg : "");
		if (strlen(left) >= HELP_COLUMN - 1)
			printf("%s\n%*s%s\n", left, HELP_COLUMN, "", options->help);
		else
			printf("%-*s%s\n", HELP_COLUMN, left, options->help);
	}
}

void options_help(const struct option_def *options)
{
	puts("\nOptions:");
	print_options(options);
	print_options(common);
}
