// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* nvt: libnvt at the command line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#define CLOSE_NAME	2	/* so many typing errors away a name is still suggested */

static const struct command *const commands[] = {
	&cmd_list, &cmd_bind, &cmd_unbind, &cmd_id_ctrl, &cmd_id_ns, &cmd_reg, &cmd_cfg, &cmd_irq,
	&cmd_read, &cmd_write, &cmd_perf,
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	size_t i;

	puts("Usage: nvt [--dev ADDR] COMMAND [OPTION]... [OPERAND]...\n\n"
	     "Drives PCI functions, NVMe controllers above all, through the driver nvt.\n"
	     "\nCommands:");
	for (i = 0; i < NR_COMMANDS; i++)
		printf("  %-10s%s\n", commands[i]->name, commands[i]->summary);
	puts("  help      The help of a command, as 'nvt COMMAND --help'\n"
	     "\nA device, ADDR, is given by its PCI address, 0000:01:00.0 or 01:00.0, as /dev/nvt0,\n"
	     "or as vfio-user:/path/to/socket where a program such as nvt-dut serves one.\n"
	     "Numbers are decimal or 0x. Every command takes --json.\n"
	     "\nOptions:\n"
	     "      --dev ADDR  the device, in place of the command's first operand\n"
	     "  -h, --help      this text\n"
	     "  -V, --version   the version\n"
	     "\nExit status: 0 success; 1 failure; 2 wrong usage; 3 the device answered with an\n"
	     "error status; 4 data read are not what was written.\n"
	     "\nExample:\n"
	     "  nvt list && nvt bind 01:00.0 && nvt id-ctrl 01:00.0; nvt unbind 01:00.0");
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's distance, of names shorter than 32. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], i, j, diagonal, above, len = strlen(b);

	for (j = 0; j <= len; j++)
		row[j] = j;
	for (i = 0; a[i]; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (j = 0; j < len; j++) {
			above = row[j + 1];
			row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
			diagonal = above;
		}
	}
	return row[len];
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(name, commands[i]->name))
			return commands[i];
	return NULL;
}

/* "irq watch": the word behind a command may name one of its own. */
static const struct command *find_subcommand(const struct command *command, const char *word)
{
	const struct command *const *sub = command->subcommands;
	size_t length = strlen(command->name);

	for (; sub && word && *sub; sub++)
		if (!strcmp((*sub)->name + length + 1, word))
			return *sub;
	return NULL;
}

static int fail_unknown(const char *name)
{
	const char *nearest = NULL;
	size_t i, d, best = CLOSE_NAME + 1;

	for (i = 0; i < NR_COMMANDS; i++) {
		d = distance(name, commands[i]->name);
		if (d < best && d < strlen(commands[i]->name)) {
			best = d;
			nearest = commands[i]->name;
		}
	}
	fprintf(stderr, "nvt: '%s' is not a command; ", name);
	if (nearest)
		fprintf(stderr, "did you mean '%s'? ", nearest);
	fprintf(stderr, "'nvt --help' lists them\n");
	return EXIT_USAGE;
}

static int help(const char *name, const char *subname)
{
	const struct command *command = name ? find_command(name) : NULL, *sub;

	if (name && !command)
		return fail_unknown(name);
	if (!command) {
		print_help();
		return EXIT_OK;
	}
	sub = find_subcommand(command, subname);
	cmd_help(sub ? sub : command);
	return EXIT_OK;
}

static bool is(const char *arg, const char *a, const char *b)
{
	return !strcmp(arg, a) || !strcmp(arg, b);
}

/* The value of --dev, which is --dev ADDR or --dev=ADDR at @argv[1]; NULL without one. */
static const char *dev_value(char **argv, int *length)
{
	const char *arg = argv[1];

	if (!strncmp(arg, "--dev=", 6)) {
		*length = 1;
		return arg[6] ? arg + 6 : NULL;
	}
	*length = 2;
	return argv[2];
}

static bool is_dev(const char *arg)
{
	return arg && (!strcmp(arg, "--dev") || !strncmp(arg, "--dev=", 6));
}

/* Takes --dev from the front of the arguments, if it is there; an exit code. */
static int take_dev(int *argc, char ***argv, const char **dev)
{
	int length;

	*dev = NULL;
	if (!is_dev((*argv)[1]))
		return EXIT_OK;
	*dev = dev_value(*argv, &length);
	if (!*dev) {
		fprintf(stderr, "nvt: --dev wants a value: ADDR\n");
		return EXIT_USAGE;
	}
	*argv += length;
	*argc -= length;
	if (!is_dev((*argv)[1]))
		return EXIT_OK;
	fprintf(stderr, "nvt: --dev is there twice; a command has one device\n");
	return EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
	const struct command *command, *sub;
	const char *dev;
	int code;

	code = take_dev(&argc, &argv, &dev);
	if (code)
		return code;
	if (argc < 2) {
		fprintf(stderr, "nvt: what command? 'nvt --help' lists them\n");
		return EXIT_USAGE;
	}
	if (is(argv[1], "--help", "-h") || is(argv[1], "help", "--help"))
		return help(argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL);
	if (is(argv[1], "--version", "-V")) {
		puts("nvt " NVT_VERSION);
		return EXIT_OK;
	}
	if (argv[1][0] == '-') {
		fprintf(stderr, "nvt: no option '%s' before the command, where its own go after it; "
			"'nvt --help' lists them\n", argv[1]);
		return EXIT_USAGE;
	}
	command = find_command(argv[1]);
	if (!command)
		return fail_unknown(argv[1]);
	sub = find_subcommand(command, argv[2]);
	return sub ? cmd_main(sub, dev, argc - 2, argv + 2) : cmd_main(command, dev, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int code = dispatch(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "nvt: stdout: %s\n", strerror(errno));
		code = code ? code : EXIT_FAILED;
	}
	return code;
}
