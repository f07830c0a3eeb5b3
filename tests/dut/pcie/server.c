// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The socket of a function, and the life of its client. There is one at a
 * time; the next one waits in the listening socket's backlog.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener.h"
#include "pcie/function_priv.h"

/* Served before the loop's other work has its turn. */
#define MESSAGES_AT_ONCE	64
#define BACKLOG			4

static struct function *function_of(struct timer *later)
{
	return container_of(later, struct function, later);
}

static void listener_ready(void *arg);

static void client_free(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	wire_exit(client);
	free(client);
}

/* The device must not be in the middle of something. */
static void client_end(struct function *function)
{
	struct client *client = function->client;

	loop_unwatch(function->loop, client->fd);
	work_drop(function);
	function->client = NULL;
	irq_client_gone(function);
	function_reset(function, FUNCTION_RESET_LOST);
	/* Only now: the device may have held pointers. */
	dma_exit(&function->dma);
	dma_init(&function->dma);
	client_free(client);
	if (function->listener >= 0)
		loop_watch(function->loop, function->listener, listener_ready, function);
}

static void later_fire(struct timer *later)
{
	struct function *function = function_of(later);

	if (function->client && function->client->lost) {
		client_end(function);
		return;
	}
	work_run(function);
	irq_update(function);
}

void client_gone(struct function *function)
{
	if (function->client->lost)
		return;
	function->client->lost = true;
	function->client->abort = true;
	function_gate(function);
	timer_arm(function->loop, &function->later, 0);
}

void client_fail(struct function *function, const char *format, ...)
{
	char text[160];
	va_list args;

	if (!function->client || function->client->lost)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "%s: client dropped: %s\n", function->path ? function->path : "vfio-user",
		text);
	client_gone(function);
}

static void client_ready(void *arg)
{
	struct function *function = arg;

	for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
		struct message *message;

		work_run(function);
		dma_trim(&function->dma);
		if (function->client->lost)
			break;
		message = wire_receive(function);
		if (!message)
			break;
		message_serve(function, message);
		message_free(message);
	}
	if (function->client->lost)
		client_end(function);
}

static int client_new(struct function *function, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	int err;

	if (!client) {
		close(fd);
		return -ENOMEM;
	}
	client->fd = fd;
	client->max_data = MAX_DATA;
	err = wire_init(client);
	if (!err)
		err = loop_watch(function->loop, fd, client_ready, function);
	if (err) {
		client_free(client);
		return err;
	}
	function->client = client;
	loop_unwatch(function->loop, function->listener);
	return 0;
}

static void listener_ready(void *arg)
{
	struct function *function = arg;
	int fd = accept4(function->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int err;

	if (fd < 0)
		return;
	err = client_new(function, fd);
	if (err)
		fprintf(stderr, "%s: client refused: %s\n", function->path, strerror(-err));
}

int server_init(struct function *function)
{
	function->listener = -1;
	function->works_end = &function->works;
	function->later.fire = later_fire;
	return 0;
}

void server_exit(struct function *function)
{
	timer_cancel(function->loop, &function->later);
	if (function->client) {
		loop_unwatch(function->loop, function->client->fd);
		client_free(function->client);
		function->client = NULL;
	}
	if (function->listener >= 0) {
		loop_unwatch(function->loop, function->listener);
		close(function->listener);
		unlink(function->path);
	}
	free(function->path);
}

int function_listen(struct function *function, const char *path)
{
	int err, fd;

	if (function->listener >= 0)
		return -EBUSY;
	fd = listener_open(path, BACKLOG);
	if (fd < 0)
		return fd;
	function->path = strdup(path);
	function->listener = fd;
	err = function->path ? loop_watch(function->loop, fd, listener_ready, function) : -ENOMEM;
	if (!err)
		return 0;
	function->listener = -1;
	close(fd);
	unlink(path);
	return err;
}
