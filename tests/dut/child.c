// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The command that the device is served to, and the signals that end it or us. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

#define PATIENCE_NS	(5 * NS_PER_S)	/* of a command that was told to end */
#define NOT_FOUND	127		/* as shells have it */
#define NOT_EXECUTABLE	126

struct child {
	struct loop *loop;
	int signals;
	sigset_t old_mask;
	pid_t pid;			/* 0: none, or ended */
	int status;
	struct timer kill;
};

static void kill_fires(struct timer *timer)
{
	struct child *child = container_of(timer, struct child, kill);

	if (child->pid)
		kill(child->pid, SIGKILL);
}

static void reap(struct child *child)
{
	int status;

	if (!child->pid || waitpid(child->pid, &status, WNOHANG) != child->pid)
		return;
	child->pid = 0;
	child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	loop_stop(child->loop);
}

static void signals_ready(void *arg)
{
	struct child *child = arg;
	struct signalfd_siginfo info;

	while (read(child->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			reap(child);
		} else if (child->pid) {
			kill(child->pid, info.ssi_signo);
			if (!timer_armed(&child->kill))
				timer_arm(child->loop, &child->kill,
					  loop_now(child->loop) + PATIENCE_NS);
		} else {
			loop_stop(child->loop);
		}
	}
}

static bool take_signals(struct child *child)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, &child->old_mask))
		return false;
	child->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return child->signals >= 0 &&
	       !loop_watch(child->loop, child->signals, signals_ready, child);
}

static void run(const struct child *child, pid_t parent, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* Dead already, before it was asked for. */
	if (getppid() != parent)
		_exit(128 + SIGTERM);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &child->old_mask, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "nvt-dut: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

struct child *child_new(struct loop *loop, char **argv)
{
	struct child *child = calloc(1, sizeof(*child));
	pid_t parent = getpid();

	if (!child)
		return NULL;
	child->loop = loop;
	child->signals = -1;
	child->kill.fire = kill_fires;
	if (!take_signals(child)) {
		fprintf(stderr, "nvt-dut: signals: %s\n", strerror(errno));
		child_free(child);
		return NULL;
	}
	if (!argv)
		return child;
	child->pid = fork();
	if (!child->pid)
		run(child, parent, argv);
	if (child->pid < 0) {
		fprintf(stderr, "nvt-dut: %s: fork: %s\n", argv[0], strerror(errno));
		child->pid = 0;
		child_free(child);
		return NULL;
	}
	return child;
}

void child_free(struct child *child)
{
	if (!child)
		return;
	timer_cancel(child->loop, &child->kill);
	if (child->signals >= 0) {
		loop_unwatch(child->loop, child->signals);
		close(child->signals);
	}
	free(child);
}

int child_status(const struct child *child)
{
	return child->status;
}
