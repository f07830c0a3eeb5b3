// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* nvt-dut: a model of an NVMe device, served over vfio-user. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "control.h"
#include "fault/fault.h"
#include "image.h"
#include "loop.h"
#include "nvme/firmware.h"
#include "nvme/firmware_image.h"
#include "nvme/subsys.h"
#include "options.h"

#define EXIT_USAGE	2
#define ERROR_MAX	512
#define PATH_MAX_LENGTH	4096

struct arguments {
	struct options options;
	const char *faults, *log, *control;
	char **sockets;
	unsigned int nr_sockets;
	char **command;			/* NULL: none */
};

static const char help[] =
	"Usage: nvt-dut [OPTION]... SOCKET... [-- COMMAND [ARG]...]\n"
	"\n"
	"A model of an NVMe device, served over vfio-user: one controller at each SOCKET, all of one\n"
	"NVM subsystem. With COMMAND it serves until that has ended, and ends with its status; else\n"
	"until SIGTERM or SIGINT.\n"
	"\n"
	"  -o, --option NAME[=VALUE][,...]  what the device is and has; \"-o help\" lists all\n"
	"      --faults FILE                rules of faults, one a line; \"--faults help\" explains\n"
	"      --log FILE                   what the faults did is written there, as it happens\n"
	"      --control PATH               control socket; default: the first SOCKET, and \".ctl\"\n"
	"      --firmware-image REVISION[,NEEDS]\n"
	"                                   writes an image for Firmware Image Download to standard output;\n"
	"                                   NEEDS to be active: nothing, reset, conventional, subsystem\n"
	"  -h, --help                       this text\n"
	"  -V, --version                    the version\n"
	"\n"
	"  nvt-dut -o size=4G,read=80us+-20us /tmp/dut.sock -- nvt perf vfio-user:/tmp/dut.sock --time 5\n"
	"  echo 'fault opcode=read nth=3 do flip' | socat - UNIX-CONNECT:/tmp/dut.sock.ctl\n";

static int usage(const char *text)
{
	fprintf(stderr, "nvt-dut: %s\nTry \"nvt-dut --help\".\n", text);
	return EXIT_USAGE;
}

static int fail(const char *text)
{
	fprintf(stderr, "nvt-dut: %s\n", text);
	return EXIT_FAILURE;
}

static int add_options(struct arguments *arguments, const char *text)
{
	char error[ERROR_MAX];

	if (!strcmp(text, "help")) {
		options_help(stdout);
		exit(EXIT_SUCCESS);
	}
	if (options_parse(&arguments->options, text, error, sizeof(error)))
		return usage(error);
	return 0;
}

static int set_faults(struct arguments *arguments, const char *path)
{
	if (!strcmp(path, "help")) {
		faults_help(stdout);
		exit(EXIT_SUCCESS);
	}
	arguments->faults = path;
	return 0;
}

enum { OPTION_FAULTS = 256, OPTION_LOG, OPTION_CONTROL, OPTION_IMAGE };

static int parse_flags(struct arguments *arguments, int argc, char **argv)
{
	static const struct option flags[] = {
		{ "option", required_argument, NULL, 'o' },
		{ "faults", required_argument, NULL, OPTION_FAULTS },
		{ "log", required_argument, NULL, OPTION_LOG },
		{ "control", required_argument, NULL, OPTION_CONTROL },
		{ "firmware-image", required_argument, NULL, OPTION_IMAGE },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int flag, status = 0;

	/* "+": sockets end the options, so that COMMAND's are its own. */
	while (!status && (flag = getopt_long(argc, argv, "+o:hV", flags, NULL)) >= 0) {
		switch (flag) {
		case 'o':
			status = add_options(arguments, optarg);
			break;
		case OPTION_FAULTS:
			status = set_faults(arguments, optarg);
			break;
		case OPTION_LOG:
			arguments->log = optarg;
			break;
		case OPTION_CONTROL:
			arguments->control = optarg;
			break;
		case OPTION_IMAGE:
			exit(image_print(optarg, stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
		case 'h':
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			puts("nvt-dut " NVT_VERSION);
			exit(EXIT_SUCCESS);
		default:
			status = EXIT_USAGE;
			break;
		}
	}
	return status;
}

static int parse_sockets(struct arguments *arguments, char **argv)
{
	unsigned int i, j;

	arguments->sockets = argv;
	while (argv[arguments->nr_sockets] && strcmp(argv[arguments->nr_sockets], "--"))
		arguments->nr_sockets++;
	if (argv[arguments->nr_sockets]) {
		arguments->command = argv + arguments->nr_sockets + 1;
		if (!*arguments->command)
			return usage("no COMMAND behind \"--\"");
	}
	if (!arguments->nr_sockets)
		return usage("a SOCKET is wanted, where the controller is served");
	for (i = 0; i < arguments->nr_sockets; i++) {
		if (*argv[i] == '-')
			return usage("options come before the sockets");
		for (j = 0; j < i; j++)
			if (!strcmp(argv[i], argv[j]))
				return usage("the same SOCKET twice");
	}
	if (arguments->nr_sockets > SUBSYS_CTRLS)
		return usage("more than 8 sockets, which are the controllers of a subsystem");
	return 0;
}

static int parse(struct arguments *arguments, int argc, char **argv)
{
	char error[ERROR_MAX];
	int status;

	options_init(&arguments->options);
	status = parse_flags(arguments, argc, argv);
	/* getopt_long() swallows "--" where it stops at it. */
	if (!status && optind > 1 && !strcmp(argv[optind - 1], "--"))
		optind--;
	if (!status)
		status = parse_sockets(arguments, argv + optind);
	if (!status && options_finish(&arguments->options, error, sizeof(error)))
		status = usage(error);
	return status;
}

/* Rules and the log of what they do. */
static int prepare_faults(const struct arguments *arguments, struct subsys *subsys, FILE **log)
{
	char error[ERROR_MAX];

	if (arguments->log) {
		*log = fopen(arguments->log, "we");
		if (!*log) {
			snprintf(error, sizeof(error), "--log %s: %s", arguments->log,
				 strerror(errno));
			return fail(error);
		}
		faults_log_to(subsys->faults, *log);
	}
	if (arguments->faults &&
	    faults_load(subsys->faults, arguments->faults, error, sizeof(error)))
		return usage(error);
	return 0;
}

static int listen_all(const struct arguments *arguments, struct subsys *subsys)
{
	char error[ERROR_MAX];
	unsigned int i;
	int err;

	for (i = 0; i < arguments->nr_sockets; i++) {
		err = ctrl_listen(subsys->ctrls[i], arguments->sockets[i]);
		if (err) {
			snprintf(error, sizeof(error), "%s: %s", arguments->sockets[i],
				 strerror(-err));
			return fail(error);
		}
	}
	return 0;
}

static void announce(const struct arguments *arguments)
{
	unsigned int i;

	if (arguments->command)
		return;
	for (i = 0; i < arguments->nr_sockets; i++)
		printf("nvt-dut: serving %s\n", arguments->sockets[i]);
	fflush(stdout);
}

static int serve(const struct arguments *arguments, struct loop *loop, struct subsys *subsys)
{
	struct child *child;
	int status = listen_all(arguments, subsys);

	if (status)
		return status;
	child = child_new(loop, arguments->command);
	if (!child)
		return EXIT_FAILURE;
	/* Not before signals are taken: whoever reads it may send one. */
	announce(arguments);
	loop_run(loop);
	status = child_status(child);
	child_free(child);
	return status;
}

static int serve_with_control(const struct arguments *arguments, struct loop *loop,
			      struct subsys *subsys)
{
	char path[PATH_MAX_LENGTH], error[ERROR_MAX];
	struct control *control;
	int status;

	if (arguments->control)
		snprintf(path, sizeof(path), "%s", arguments->control);
	else
		snprintf(path, sizeof(path), "%s.ctl", arguments->sockets[0]);
	control = control_new(subsys, path, error, sizeof(error));
	if (!control)
		return fail(error);
	status = serve(arguments, loop, subsys);
	control_free(control);
	return status;
}

static int run(const struct arguments *arguments)
{
	struct loop *loop = loop_new();
	char error[ERROR_MAX];
	struct subsys *subsys;
	FILE *log = NULL;
	int status;

	if (!loop)
		return fail("out of memory");
	subsys = subsys_new(loop, &arguments->options, arguments->nr_sockets, error, sizeof(error));
	if (!subsys) {
		loop_free(loop);
		return fail(error);
	}
	status = prepare_faults(arguments, subsys, &log);
	if (!status)
		status = serve_with_control(arguments, loop, subsys);
	subsys_free(subsys);
	loop_free(loop);
	if (log)
		fclose(log);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	int status = parse(&arguments, argc, argv);

	if (!status)
		status = run(&arguments);
	options_free(&arguments.options);
	return status;
}
