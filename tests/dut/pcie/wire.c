// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Messages on the socket. A read never goes beyond the end of a message, so
 * that the descriptors that come with it are the message's own.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pcie/function_priv.h"

#define SEND_TIMEOUT_NS	(5 * NS_PER_S)
/* What the kernel lets a process send at once (SCM_MAX_FD). */
#define FDS_AT_ONCE	253

int wire_init(struct client *client)
{
	for (int i = 0; i < 2; i++) {
		client->messages[i].data = malloc(WIRE_DATA);
		if (!client->messages[i].data)
			return -ENOMEM;
	}
	return 0;
}

static void message_close_fds(struct message *message)
{
	for (unsigned int i = 0; i < message->nr_fds; i++)
		if (message->fds[i] >= 0)
			close(message->fds[i]);
	message->nr_fds = 0;
}

void message_free(struct message *message)
{
	message_close_fds(message);
	message->used = false;
}

void wire_exit(struct client *client)
{
	for (int i = 0; i < 2; i++) {
		message_close_fds(&client->messages[i]);
		free(client->messages[i].data);
	}
}

/* There is always one of the two: while one is served, the other comes in and may be served too. */
static struct message *message_next(struct client *client)
{
	struct message *message = client->partial;

	if (message)
		return message;
	message = client->messages[0].used ? &client->messages[1] : &client->messages[0];
	message->used = true;
	message->have = 0;
	message->length = 0;
	message->excess_fds = false;
	client->partial = message;
	return message;
}

static void message_take_fds(struct message *message, struct msghdr *msg)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		const unsigned char *fds = CMSG_DATA(cmsg);
		size_t nr = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < nr; i++) {
			int fd;

			memcpy(&fd, fds + i * sizeof(int), sizeof(int));
			if (message->nr_fds < MAX_FDS) {
				message->fds[message->nr_fds++] = fd;
				continue;
			}
			close(fd);
			message->excess_fds = true;
		}
	}
	/* The process has no descriptors left. */
	if (msg->msg_flags & MSG_CTRUNC)
		message->excess_fds = true;
}

/* Reads on; false if there is nothing now, or the client is lost. */
static bool message_read(struct function *function, struct message *message)
{
	size_t header = sizeof(message->header);
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t got;

	if (message->have < header) {
		iov.iov_base = (uint8_t *)&message->header + message->have;
		iov.iov_len = header - message->have;
	} else {
		iov.iov_base = message->data + message->have - header;
		iov.iov_len = message->header.size - message->have;
	}
	do {
		got = recvmsg(function->client->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		message_take_fds(message, &msg);
		message->have += got;
		return true;
	}
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got < 0 && errno != ECONNRESET)
		client_fail(function, "cannot receive: %s", strerror(errno));
	else if (message->have)
		client_fail(function, "it left in the middle of a message");
	else
		client_gone(function);
	return false;
}

struct message *wire_receive(struct function *function)
{
	struct client *client = function->client;
	struct message *message = message_next(client);
	uint32_t header = sizeof(message->header);

	while (!client->lost) {
		if (message->have == header && (message->header.size < header ||
						message->header.size > header + WIRE_DATA)) {
			client_fail(function, "a message of %u bytes", message->header.size);
			return NULL;
		}
		if (message->have >= header && message->have == message->header.size) {
			client->partial = NULL;
			message->length = message->have - header;
			return message;
		}
		if (!message_read(function, message))
			break;
	}
	return NULL;
}

static bool wait_writable(const struct function *function, uint64_t deadline_ns)
{
	struct pollfd fd = { .fd = function->client->fd, .events = POLLOUT };
	uint64_t now_ns = loop_now(function->loop);

	if (now_ns >= deadline_ns)
		return false;
	poll(&fd, 1, (deadline_ns - now_ns) / NS_PER_MS + 1);
	return true;
}

static void iov_skip(struct msghdr *msg, size_t sent)
{
	while (msg->msg_iovlen && sent >= msg->msg_iov->iov_len) {
		sent -= msg->msg_iov->iov_len;
		msg->msg_iov++;
		msg->msg_iovlen--;
	}
	if (!msg->msg_iovlen)
		return;
	msg->msg_iov->iov_base = (uint8_t *)msg->msg_iov->iov_base + sent;
	msg->msg_iov->iov_len -= sent;
}

/* The whole of it: a client that does not read it within seconds is given up. */
static int send_all(struct function *function, struct msghdr *msg)
{
	uint64_t deadline_ns = 0;

	while (msg->msg_iovlen) {
		ssize_t sent = sendmsg(function->client->fd, msg, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN)
			return -errno;
		if (sent < 0) {
			if (!deadline_ns)
				deadline_ns = loop_now(function->loop) + SEND_TIMEOUT_NS;
			if (!wait_writable(function, deadline_ns))
				return -ETIMEDOUT;
			continue;
		}
		msg->msg_control = NULL;
		msg->msg_controllen = 0;
		iov_skip(msg, sent);
	}
	return 0;
}

int wire_send(struct function *function, struct vfio_user_header *header, const void *data,
	      size_t length, const void *more, size_t more_length, int fd)
{
	struct client *client = function->client;
	struct iovec iov[3] = { { header, sizeof(*header) }, { (void *)data, length },
				{ (void *)more, more_length } };
	union {
		struct cmsghdr cmsg;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 3 };
	int err;

	if (!client || client->lost)
		return -ENOTCONN;
	header->size = sizeof(*header) + length + more_length;
	if (fd >= 0) {
		control.cmsg.cmsg_len = CMSG_LEN(sizeof(int));
		control.cmsg.cmsg_level = SOL_SOCKET;
		control.cmsg.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.cmsg), &fd, sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control.bytes);
	}
	err = send_all(function, &msg);
	if (err == -EPIPE || err == -ECONNRESET)
		client_gone(function);
	else if (err)
		client_fail(function, "cannot send: %s", strerror(-err));
	return err;
}

void wire_reply(struct function *function, const struct vfio_user_header *request,
		const void *data, size_t length, const void *more, size_t more_length, int fd)
{
	struct vfio_user_header header = { .id = request->id, .command = request->command,
					   .flags = VFIO_USER_REPLY };

	if (!(request->flags & VFIO_USER_NO_REPLY))
		wire_send(function, &header, data, length, more, more_length, fd);
}

void wire_error(struct function *function, const struct vfio_user_header *request, int error)
{
	struct vfio_user_header header = { .id = request->id, .command = request->command,
					   .flags = VFIO_USER_REPLY | VFIO_USER_ERROR,
					   .error = error };

	if (!(request->flags & VFIO_USER_NO_REPLY))
		wire_send(function, &header, NULL, 0, NULL, 0, -1);
}
