// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The control socket: its clients, their lines, and the answers on their way. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "listener.h"
#include "nvme/subsys.h"

#define BACKLOG		8
#define LINE_MAX_LENGTH	4096
#define RETRY_NS	NS_PER_MS

struct client {
	struct control *control;
	struct client *next;
	int fd;
	char line[LINE_MAX_LENGTH];
	size_t length;
	char *answer;			/* what the client has not taken yet; NULL: none */
	size_t answer_length, answer_sent;
	struct timer retry;
	bool closing;			/* once its answer is out */
};

struct control {
	struct subsys *subsys;
	char *path;
	int listener;
	struct client *clients;
};

static struct loop *loop_of(const struct client *client)
{
	return client->control->subsys->loop;
}

static void client_free(struct client *client)
{
	struct client **link = &client->control->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	timer_cancel(loop_of(client), &client->retry);
	loop_unwatch(loop_of(client), client->fd);
	close(client->fd);
	free(client->answer);
	free(client);
}

/* False: the client is gone. */
static bool send_answer(struct client *client)
{
	while (client->answer_sent < client->answer_length) {
		ssize_t n = send(client->fd, client->answer + client->answer_sent,
				 client->answer_length - client->answer_sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			/* Its next requests wait in the socket meanwhile. */
			loop_unwatch(loop_of(client), client->fd);
			timer_arm(loop_of(client), &client->retry,
				  loop_now(loop_of(client)) + RETRY_NS);
			return true;
		}
		if (n <= 0) {
			client_free(client);
			return false;
		}
		client->answer_sent += n;
	}
	free(client->answer);
	client->answer = NULL;
	client->answer_length = client->answer_sent = 0;
	if (!client->closing)
		return true;
	client_free(client);
	return false;
}

static bool answer_line(struct client *client, char *line)
{
	FILE *out = open_memstream(&client->answer, &client->answer_length);

	if (!out) {
		client_free(client);
		return false;
	}
	control_request(client->control->subsys, line, out);
	if (fclose(out)) {
		client_free(client);
		return false;
	}
	return send_answer(client);
}

static bool refuse_line(struct client *client)
{
	client->closing = true;
	client->length = 0;
	client->answer = strdup("error: a request of more than 4095 characters\n");
	client->answer_length = client->answer ? strlen(client->answer) : 0;
	return send_answer(client);
}

/* One after the other, each when the answer to the one before is out. */
static void serve_lines(struct client *client)
{
	while (!client->answer) {
		char *end = memchr(client->line, '\n', client->length);
		char line[LINE_MAX_LENGTH];
		size_t length;

		if (!end) {
			if (client->length == sizeof(client->line))
				refuse_line(client);
			return;
		}
		length = end - client->line;
		memcpy(line, client->line, length);
		line[length] = 0;
		client->length -= length + 1;
		memmove(client->line, end + 1, client->length);
		if (!answer_line(client, line))
			return;
	}
}

static void client_ready(void *arg);

static void answer_goes_on(struct timer *timer)
{
	struct client *client = container_of(timer, struct client, retry);

	if (!send_answer(client) || client->answer)
		return;
	loop_watch(loop_of(client), client->fd, client_ready, client);
	serve_lines(client);
}

static void client_ready(void *arg)
{
	struct client *client = arg;
	ssize_t n;

	n = recv(client->fd, client->line + client->length, sizeof(client->line) - client->length,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_free(client);
		return;
	}
	client->length += n;
	serve_lines(client);
}

static void listener_ready(void *arg)
{
	struct control *control = arg;
	struct client *client;
	int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	client = calloc(1, sizeof(*client));
	if (!client || loop_watch(control->subsys->loop, fd, client_ready, client)) {
		free(client);
		close(fd);
		return;
	}
	client->control = control;
	client->fd = fd;
	client->retry.fire = answer_goes_on;
	client->next = control->clients;
	control->clients = client;
}

static int listen_at(struct control *control, const char *path)
{
	int fd = listener_open(path, BACKLOG);

	if (fd < 0)
		return fd;
	control->listener = fd;
	control->path = strdup(path);
	if (!control->path)
		return -ENOMEM;
	return loop_watch(control->subsys->loop, control->listener, listener_ready, control);
}

struct control *control_new(struct subsys *subsys, const char *path, char *error, size_t size)
{
	struct control *control = calloc(1, sizeof(*control));
	int err = -ENOMEM;

	if (control) {
		control->subsys = subsys;
		control->listener = -1;
		err = listen_at(control, path);
	}
	if (!err)
		return control;
	control_free(control);
	snprintf(error, size, "control socket %s: %s", path, strerror(-err));
	return NULL;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	while (control->clients)
		client_free(control->clients);
	if (control->listener >= 0) {
		loop_unwatch(control->subsys->loop, control->listener);
		close(control->listener);
	}
	if (control->path)
		unlink(control->path);
	free(control->path);
	free(control);
}
