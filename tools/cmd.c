// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cmd.h"
#include "output.h"

#define SOCKET_PREFIX "vfio-user:"

static void fail_in_json(struct cmd *cmd, int err, const char *text)
{
	if (!cmd->json || json_object_object_get_ex(cmd->json, "error", NULL))
		return;
	json_add_string(cmd->json, "error", text);
	json_add_number(cmd->json, "errno", abs(err));
}

int cmd_fail(struct cmd *cmd, int code, int err, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "nvt: %s\n", text);
	fail_in_json(cmd, err, text);
	return code;
}

int cmd_fail_usage(struct cmd *cmd, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return cmd_fail(cmd, EXIT_USAGE, EINVAL, "%s: %s", cmd->command->name, text);
}

int cmd_fail_lib(struct cmd *cmd, int err)
{
	int code = EXIT_FAILED;

	err = abs(err);
	if (err == EREMOTEIO)
		code = EXIT_STATUS;
	else if (err == EILSEQ)
		code = EXIT_MISCOMPARE;
	return cmd_fail(cmd, code, err, "%s", nvt_error());
}

int cmd_fail_status(struct cmd *cmd, const char *addr, const char *op, int status)
{
	bool answered = status != NVT_STATUS_DEAD;

	if (cmd->json)
		json_add_number(cmd->json, "status", status);
	return cmd_fail(cmd, answered ? EXIT_STATUS : EXIT_FAILED, answered ? EREMOTEIO : EIO,
			"%s: %s: status %#x: %s", addr, op, status, nvt_status_string(status));
}

void cmd_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("nvt: warning: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

static bool normalise(const char *text, char addr[ADDRESS_LEN])
{
	unsigned int domain = 0, bus, dev, fn;
	int end = -1;

	if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn, &end) != 4 || text[end]) {
		domain = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &dev, &fn, &end) != 3 || text[end])
			return false;
	}
	snprintf(addr, ADDRESS_LEN, "%04x:%02x:%02x.%x", domain, bus, dev, fn);
	return true;
}

/* The name of the device that a character device belongs to: of /dev/nvt0 the PCI function. */
static bool parent_of(const char *node, char *name, size_t size)
{
	char path[64], target[PATH_MAX];
	struct stat st;
	const char *slash;
	ssize_t n;

	if (stat(node, &st) || !S_ISCHR(st.st_mode))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device", major(st.st_rdev),
		 minor(st.st_rdev));
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return snprintf(name, size, "%s", slash ? slash + 1 : target) < (int)size;
}

int cmd_address(struct cmd *cmd, const char *operand, char addr[ADDRESS_LEN])
{
	bool socket = !strncmp(operand, SOCKET_PREFIX, strlen(SOCKET_PREFIX));
	char name[64];

	if (normalise(operand, addr))
		return EXIT_OK;
	if (socket && strlen(operand) >= ADDRESS_LEN)
		return cmd_fail(cmd, EXIT_FAILED, ENAMETOOLONG, "%.40s...: the path of a socket has "
				"107 characters at most; give a shorter one", operand);
	if (socket || !strchr(operand, '/')) {
		snprintf(addr, ADDRESS_LEN, "%s", operand);
		return EXIT_OK;
	}
	if (parent_of(operand, name, sizeof(name)) && normalise(name, addr))
		return EXIT_OK;
	return cmd_fail(cmd, EXIT_FAILED, ENODEV, "%s: not the node of a PCI function; 'nvt list' "
			"lists them", operand);
}

int cmd_open_pcie(struct cmd *cmd, unsigned int flags, struct nvt_pcie **pcie)
{
	char addr[ADDRESS_LEN];
	int code;

	code = cmd_address(cmd, cmd->argv[0], addr);
	if (code)
		return code;
	*pcie = nvt_pcie_open(addr, flags);
	if (!*pcie)
		return cmd_fail_lib(cmd, errno);
	if (cmd->json)
		json_add_string(cmd->json, "address", nvt_pcie_addr(*pcie));
	return EXIT_OK;
}

int cmd_open_ctrl(struct cmd *cmd, const struct nvt_ctrl_opts *opts, struct nvt_ctrl **ctrl)
{
	char addr[ADDRESS_LEN];
	int code;

	code = cmd_address(cmd, cmd->argv[0], addr);
	if (code)
		return code;
	*ctrl = nvt_ctrl_open(addr, opts);
	return *ctrl ? EXIT_OK : cmd_fail_lib(cmd, errno);
}

int cmd_number(struct cmd *cmd, const char *what, const char *text, uint64_t *value)
{
	if (parse_number(text, false, value))
		return EXIT_OK;
	return cmd_fail_usage(cmd, "%s: '%s' is not a number, decimal or 0x", what, text);
}

void cmd_help(const struct command *command)
{
	const struct command *const *sub;

	printf("Usage: nvt %s [OPTION]... %s\n\n%s.\n", command->name, command->operands,
	       command->summary);
	if (command->about)
		printf("\n%s\n", command->about);
	options_help(command->options);
	for (sub = command->subcommands; sub && *sub; sub++)
		printf("%s  %-12s %s\n", sub == command->subcommands ? "\nAlso:\n" : "", (*sub)->name,
		       (*sub)->summary);
	printf("\nExample:\n%s\n", command->example);
}

/* Known before the options are parsed, so that what is wrong with them is told in JSON too. */
static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

static int check_operands(struct cmd *cmd)
{
	const struct command *command = cmd->command;

	if (cmd->argc < command->min_operands)
		return cmd_fail_usage(cmd, "what device? Give its address, such as 0000:01:00.0; "
				      "'nvt list' lists them, or vfio-user:/path/to/socket");
	if (cmd->argc > command->max_operands)
		return cmd_fail_usage(cmd, "'%s' is too many; 'nvt %s --help' shows its usage",
				      cmd->argv[command->max_operands], command->name);
	return EXIT_OK;
}

/* As if the device had been the first operand. The caller frees what is returned. */
static char **insert_dev(const char *dev, int argc, char **argv)
{
	char **with = calloc(argc + 2, sizeof(*with));

	if (!with)
		return NULL;
	with[0] = argv[0];
	with[1] = (char *)dev;
	memcpy(with + 2, argv + 1, (argc - 1) * sizeof(*with));
	return with;
}

static int run(struct cmd *cmd, int argc, char **argv)
{
	bool help = false;
	int code;

	code = options_parse(cmd, argc, argv, &help);
	if (help) {
		json_object_put(cmd->json);
		cmd->json = NULL;
		cmd_help(cmd->command);
		return EXIT_OK;
	}
	if (!code)
		code = check_operands(cmd);
	return code ? code : cmd->command->run(cmd);
}

static int run_with_dev(struct cmd *cmd, const char *dev, int argc, char **argv)
{
	char **with;
	int code;

	if (!cmd->command->max_operands)
		return cmd_fail_usage(cmd, "--dev: this command takes no device");
	with = insert_dev(dev, argc, argv);
	if (!with)
		return cmd_fail(cmd, EXIT_FAILED, ENOMEM, "out of memory");
	code = run(cmd, argc + 1, with);
	free(with);
	return code;
}

int cmd_main(const struct command *command, const char *dev, int argc, char **argv)
{
	struct cmd cmd = { .command = command };
	int code;

	cmd.args = calloc(1, command->args_size + 1);
	if (wants_json(argc, argv))
		cmd.json = json_object_new_object();
	if (!cmd.args) {
		code = cmd_fail(&cmd, EXIT_FAILED, ENOMEM, "out of memory");
	} else {
		if (command->defaults)
			memcpy(cmd.args, command->defaults, command->args_size);
		code = dev ? run_with_dev(&cmd, dev, argc, argv) : run(&cmd, argc, argv);
	}
	json_print(cmd.json);
	json_object_put(cmd.json);
	free(cmd.args);
	return code;
}
