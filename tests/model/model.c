// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* An nvt-dut of the test's own; see model.h. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"

#define START_TIMEOUT_MS	20000
#define ARGS			16

const char *model_program(void)
{
	static char path[PATH_MAX];
	ssize_t n;

	if (getenv("NVT_DUT"))
		return getenv("NVT_DUT");
	n = readlink("/proc/self/exe", path, PATH_MAX - 16);
	ck_assert_int_gt(n, 0);
	path[n] = '\0';
	dirname(dirname(path));
	strcat(path, "/nvt-dut");
	ck_assert_msg(!access(path, X_OK), "%s: %s; set NVT_DUT", path, strerror(errno));
	return path;
}

/* In the child. What cannot be done shows as a server that does not serve. */
static void run(const struct model *model, int out)
{
	const char *path = model_program();
	char *argv[ARGS] = { (char *)path };
	char log[80];
	int n = 1;
	unsigned int i;

	snprintf(log, sizeof(log), "%s/log", model->dir);
	if (model->options[0]) {
		argv[n++] = "-o";
		argv[n++] = (char *)model->options;
	}
	if (model->faults[0]) {
		argv[n++] = "--faults";
		argv[n++] = (char *)model->faults;
	}
	argv[n++] = "--log";
	argv[n++] = log;
	for (i = 0; i < model->sockets; i++)
		argv[n++] = (char *)model->socket[i];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	execv(path, argv);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

/* It prints a line for each socket when all of them listen. */
static void wait_until_it_serves(struct model *model)
{
	struct pollfd pfd = { .fd = model->out, .events = POLLIN };
	unsigned int lines = 0;
	char byte;

	while (lines < model->sockets) {
		ck_assert_msg(poll(&pfd, 1, START_TIMEOUT_MS) == 1, "nvt-dut is silent");
		ck_assert_msg(read(model->out, &byte, 1) == 1, "nvt-dut ended as it started");
		lines += byte == '\n';
	}
}

void model_again(struct model *model)
{
	int out[2];

	ck_assert_int_eq(model->pid, 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	model->pid = fork();
	ck_assert_int_ge(model->pid, 0);
	if (!model->pid)
		run(model, out[1]);
	close(out[1]);
	model->out = out[0];
	wait_until_it_serves(model);
}

static void name_sockets(struct model *model)
{
	unsigned int i;

	for (i = 0; i < model->sockets; i++) {
		snprintf(model->socket[i], sizeof(model->socket[i]), "%s/%u", model->dir, i);
		strcpy(model->address[i], "vfio-user:");
		strcat(model->address[i], model->socket[i]);
	}
}

static void write_faults(struct model *model, const char *text)
{
	FILE *file;

	snprintf(model->faults, sizeof(model->faults), "%s/faults", model->dir);
	file = fopen(model->faults, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void expand_options(struct model *model, const char *options)
{
	const char *place = strstr(options, "{dir}");
	int n;

	if (place)
		n = snprintf(model->options, sizeof(model->options), "%.*s%s%s",
			     (int)(place - options), options, model->dir, place + 5);
	else
		n = snprintf(model->options, sizeof(model->options), "%s", options);
	ck_assert_int_lt(n, sizeof(model->options));
}

void model_start_with(struct model *model, const struct model_opts *opts)
{
	memset(model, 0, sizeof(*model));
	strcpy(model->dir, "/tmp/nvt-model.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(model->dir));
	model->sockets = opts->sockets ? opts->sockets : 1;
	ck_assert_uint_le(model->sockets, MODEL_SOCKETS);
	name_sockets(model);
	expand_options(model, opts->options ? opts->options : "");
	if (opts->faults)
		write_faults(model, opts->faults);
	model_again(model);
}

void model_start(struct model *model, const char *options)
{
	const struct model_opts opts = { .options = options };

	model_start_with(model, &opts);
}

static int end(struct model *model, int signal)
{
	int status = 0;

	if (!model->pid)
		return 0;
	kill(model->pid, signal);
	ck_assert_int_eq(waitpid(model->pid, &status, 0), model->pid);
	close(model->out);
	model->pid = 0;
	return status;
}

void model_kill(struct model *model)
{
	end(model, SIGKILL);
}

void model_stop(struct model *model)
{
	int status = end(model, SIGTERM);
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", model->dir);
	ck_assert_int_eq(system(command), 0);
	ck_assert_msg(!status, "nvt-dut ended with wait status %#x", status);
}

static FILE *connect_control(const struct model *model)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *stream;

	snprintf(name.sun_path, sizeof(name.sun_path), "%s.ctl", model->socket[0]);
	ck_assert_msg(!connect(fd, (struct sockaddr *)&name, sizeof(name)), "%s: %s",
		      name.sun_path, strerror(errno));
	stream = fdopen(fd, "r+");
	ck_assert_ptr_nonnull(stream);
	return stream;
}

bool model_control(const struct model *model, const char *request, char *answer, size_t size)
{
	FILE *stream = connect_control(model);
	bool ok = false, failed = false;
	char line[512];

	if (size)
		answer[0] = '\0';
	fprintf(stream, "%s\n", request);
	fflush(stream);
	while (!ok && !failed && fgets(line, sizeof(line), stream)) {
		ok = !strcmp(line, "ok\n");
		failed = !strncmp(line, "error: ", 7);
		if (!ok && answer && strlen(answer) + strlen(line) < size)
			strcat(answer, line);
	}
	fclose(stream);
	ck_assert_msg(ok || failed, "nvt-dut gave no answer to '%s'", request);
	return ok;
}

void model_do(const struct model *model, const char *request)
{
	char answer[1024];

	ck_assert_msg(model_control(model, request, answer, sizeof(answer)), "'%s': %s", request,
		      answer);
}

char *model_log(const struct model *model)
{
	char path[80], *text = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/log", model->dir);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	n = getdelim(&text, &size, '\0', file);
	fclose(file);
	if (n > 0)
		return text;
	free(text);
	return strdup("");
}
