// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A client of a vfio-user socket; see vfio_user_message.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "access/vfio_user_message.h"

#define MAX_FDS			16	/* in one message, either way */
#define MAX_MESSAGE		(16U + 16 + (1U << 20))

#define GREETING_TIMEOUT_S	3
#define GOODBYE_TIMEOUT_S	1

void vfio_user_channel_timeout(struct vfio_user_channel *channel, unsigned int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	setsockopt(channel->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(channel->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

int vfio_user_channel_open(struct vfio_user_channel *channel, const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int err;

	pthread_mutex_init(&channel->lock, NULL);
	channel->fd = -1;
	if (!path[0])
		return -EINVAL;
	if (strlen(path) >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	strcpy(name.sun_path, path);
	channel->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (channel->fd < 0)
		return -errno;
	vfio_user_channel_timeout(channel, GREETING_TIMEOUT_S);
	if (!connect(channel->fd, (struct sockaddr *)&name, sizeof(name)))
		return 0;
	err = -errno;
	close(channel->fd);
	channel->fd = -1;
	return err;
}

void vfio_user_channel_close(struct vfio_user_channel *channel)
{
	char rest[256];

	pthread_mutex_destroy(&channel->lock);
	if (channel->fd < 0)
		return;
	/* The server closes its end when it has seen the end of ours. */
	vfio_user_channel_timeout(channel, GOODBYE_TIMEOUT_S);
	shutdown(channel->fd, SHUT_WR);
	while (recv(channel->fd, rest, sizeof(rest), 0) > 0)
		;
	close(channel->fd);
}

/* Once: from then on each call says -ENODEV. The loss itself is told without the lock. */
static int fail_broken(struct vfio_user_channel *channel, int cause)
{
	channel->cause = cause;
	__atomic_store_n(&channel->broken, true, __ATOMIC_RELEASE);
	shutdown(channel->fd, SHUT_RDWR);
	return -ENODEV;
}

static int send_all(int fd, struct iovec *iov, size_t nr_iov, const int *fds, unsigned int nr_fds)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control = { .space = { 0 } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = nr_iov };
	ssize_t n;

	if (nr_fds) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, nr_fds * sizeof(int));
	}
	while (msg.msg_iovlen) {
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		msg.msg_controllen = 0;
		for (; msg.msg_iovlen && (size_t)n >= msg.msg_iov->iov_len; msg.msg_iovlen--)
			n -= (msg.msg_iov++)->iov_len;
		if (msg.msg_iovlen) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= n;
		}
	}
	return 0;
}

/* Keeps the first of the files for *@fd, closes the others. */
static void take_fds(struct msghdr *msg, int *fd)
{
	struct cmsghdr *c;
	size_t i, n;
	int one;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(one));
			if (fd && *fd < 0)
				*fd = one;
			else
				close(one);
		}
	}
}

/* @fd, if not NULL, gets a file that comes with the bytes. */
static int receive(int socket, void *data, size_t length, int *fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	while (iov.iov_len) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ECONNRESET;
		take_fds(&msg, fd);
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= n;
	}
	return 0;
}

static int drop(int socket, size_t length)
{
	char rest[256];
	size_t n;
	int err = 0;

	for (; !err && length; length -= n) {
		n = length < sizeof(rest) ? length : sizeof(rest);
		err = receive(socket, rest, n, NULL);
	}
	return err;
}

static int send_message(struct vfio_user_channel *channel, const struct vfio_user_header *header,
			const void *payload, const int *fds, unsigned int nr_fds)
{
	struct iovec iov[] = {
		{ .iov_base = (void *)header, .iov_len = sizeof(*header) },
		{ .iov_base = (void *)payload, .iov_len = header->size - sizeof(*header) },
	};

	return send_all(channel->fd, iov, iov[1].iov_len ? 2 : 1, fds, nr_fds);
}

static int answer(struct vfio_user_channel *channel, const struct vfio_user_header *request,
		  int err, const void *payload, size_t length)
{
	struct vfio_user_header header = {
		.id = request->id,
		.command = request->command,
		.size = sizeof(header) + length,
		.flags = VFIO_USER_REPLY | (err ? VFIO_USER_ERROR : 0),
		.error = -err,
	};

	if (request->flags & VFIO_USER_NO_REPLY)
		return 0;
	return send_message(channel, &header, payload, NULL, 0);
}

static int access_memory(struct vfio_user_channel *channel, const struct vfio_user_header *request,
			 unsigned char *payload, size_t length)
{
	bool write = request->command == VFIO_USER_DMA_WRITE;
	struct vfio_user_dma_access access;
	int err;

	if (length < sizeof(access))
		return answer(channel, request, -EINVAL, NULL, 0);
	memcpy(&access, payload, sizeof(access));
	if (access.count > MAX_MESSAGE - sizeof(*request) - sizeof(access) ||
	    length != sizeof(access) + (write ? access.count : 0))
		return answer(channel, request, -EINVAL, NULL, 0);
	err = channel->dma(channel->arg, write, access.iova, payload + sizeof(access),
			   access.count);
	if (err)
		return answer(channel, request, err, NULL, 0);
	return answer(channel, request, 0, payload, sizeof(access) + (write ? 0 : access.count));
}

/* A request of the server, whose header was read. */
static int serve_request(struct vfio_user_channel *channel, const struct vfio_user_header *header)
{
	size_t length = header->size - sizeof(*header);
	unsigned char *payload;
	int err;

	if (header->command != VFIO_USER_DMA_READ && header->command != VFIO_USER_DMA_WRITE) {
		err = drop(channel->fd, length);
		return err ? err : answer(channel, header, -EOPNOTSUPP, NULL, 0);
	}
	/* The answer to a read goes into it too. */
	payload = malloc(MAX_MESSAGE);
	if (!payload)
		return -ENOMEM;
	err = receive(channel->fd, payload, length, NULL);
	if (!err)
		err = access_memory(channel, header, payload, length);
	free(payload);
	return err;
}

static int receive_header(struct vfio_user_channel *channel, struct vfio_user_header *header,
			  int *fd)
{
	int err = receive(channel->fd, header, sizeof(*header), fd);

	if (!err && (header->size < sizeof(*header) || header->size > MAX_MESSAGE))
		err = -EPROTO;
	return err;
}

static int receive_payload(struct vfio_user_channel *channel, const struct vfio_user_header *header,
			   struct vfio_user_call *call)
{
	size_t length = header->size - sizeof(*header);
	int err;

	call->reply_length = length < call->reply_size ? length : call->reply_size;
	err = receive(channel->fd, call->reply, call->reply_length, &call->reply_fd);
	return err ? err : drop(channel->fd, length - call->reply_length);
}

/* Positive: the server refused, with this errno. */
static int await_reply(struct vfio_user_channel *channel, uint16_t id, struct vfio_user_call *call)
{
	struct vfio_user_header header;
	int err;

	for (;;) {
		err = receive_header(channel, &header, &call->reply_fd);
		if (err)
			return err;
		if ((header.flags & VFIO_USER_TYPE) == VFIO_USER_REPLY)
			break;
		err = serve_request(channel, &header);
		if (err)
			return err;
	}
	if (header.id != id || header.command != call->command)
		return -EPROTO;
	err = receive_payload(channel, &header, call);
	if (err || !(header.flags & VFIO_USER_ERROR))
		return err;
	return header.error && header.error < 4096 ? (int)header.error : EIO;
}

static int exchange(struct vfio_user_channel *channel, struct vfio_user_call *call)
{
	struct vfio_user_header header = {
		.id = channel->next_id++,
		.command = call->command,
		.size = sizeof(header) + call->length,
	};
	int err;

	err = send_message(channel, &header, call->request, call->fds, call->nr_fds);
	if (!err)
		err = await_reply(channel, header.id, call);
	/* After any failure nobody knows where the next message starts. */
	return err < 0 ? fail_broken(channel, err) : -err;
}

static void close_reply_fd(struct vfio_user_call *call)
{
	if (call->reply_fd >= 0)
		close(call->reply_fd);
	call->reply_fd = -1;
}

int vfio_user_channel_call(struct vfio_user_channel *channel, struct vfio_user_call *call)
{
	bool lost = false;
	int err = -ENODEV;

	call->reply_fd = -1;
	call->reply_length = 0;
	pthread_mutex_lock(&channel->lock);
	if (!channel->broken) {
		err = exchange(channel, call);
		lost = channel->broken;
	}
	pthread_mutex_unlock(&channel->lock);
	if (err)
		close_reply_fd(call);
	if (lost && channel->lost)
		channel->lost(channel->arg);
	else if (!lost)
		vfio_user_channel_serve(channel);
	return err;
}

/* With the lock held, and something there to read: the end of the stream, too. */
static void serve_one(struct vfio_user_channel *channel)
{
	struct vfio_user_header header;
	int err;

	err = receive_header(channel, &header, NULL);
	/* A reply that nobody asked for. */
	if (!err && (header.flags & VFIO_USER_TYPE) == VFIO_USER_REPLY)
		err = -EPROTO;
	if (!err)
		err = serve_request(channel, &header);
	if (err)
		fail_broken(channel, err);
}

static bool is_readable(const struct vfio_user_channel *channel)
{
	char byte;
	ssize_t n = recv(channel->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

/*
 * Who finds the lock taken leaves it to its holder, who comes here after each
 * call: so nothing that has arrived is left waiting.
 */
void vfio_user_channel_serve(struct vfio_user_channel *channel)
{
	bool lost = false;

	while (!lost && !__atomic_load_n(&channel->broken, __ATOMIC_ACQUIRE) &&
	       is_readable(channel) && !pthread_mutex_trylock(&channel->lock)) {
		/* Looked at again: another one may have taken it before the lock was free. */
		if (!channel->broken && is_readable(channel)) {
			serve_one(channel);
			lost = channel->broken;
		}
		pthread_mutex_unlock(&channel->lock);
	}
	if (lost && channel->lost)
		channel->lost(channel->arg);
}
