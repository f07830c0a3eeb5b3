/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A client's end of a vfio-user socket. Messages are a header and a payload.
 * The client asks and the server answers, one at a time; but the server may
 * ask for our memory whenever it likes.
 */
#ifndef NVT_VFIO_USER_MESSAGE_H
#define NVT_VFIO_USER_MESSAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/vfio_user_wire.h"

/* The server asks for memory that it cannot map; 0 or a negative errno. */
typedef int (*vfio_user_dma_fn)(void *arg, bool write, uint64_t address, void *data, size_t count);

struct vfio_user_channel {
	int fd;
	bool broken;			/* atomic; nothing can be said any more */
	int cause;			/* of that, a negative errno */
	uint16_t next_id;		/* under lock */
	pthread_mutex_t lock;		/* from a request until its reply is read */
	vfio_user_dma_fn dma;		/* called with the lock held */
	void (*lost)(void *arg);	/* called once, without it */
	void *arg;			/* of both */
};

/**
 * struct vfio_user_call - a request and its reply
 * @command: enum vfio_user_command
 * @request: its payload
 * @length: bytes of it
 * @fds: files that go with it
 * @nr_fds: how many
 * @reply: where the payload of the reply goes
 * @reply_size: bytes there; what is beyond is dropped
 * @reply_length: bytes that were filled in
 * @reply_fd: the first file that came with it, to be closed by the caller, or -1
 */
struct vfio_user_call {
	uint16_t command;
	const void *request;
	size_t length;
	const int *fds;
	unsigned int nr_fds;
	void *reply;
	size_t reply_size;
	size_t reply_length;
	int reply_fd;
};

/* Connects; 0 or a negative errno. It is to be closed in either case. */
int vfio_user_channel_open(struct vfio_user_channel *channel, const char *path);

/* A server that is silent for longer than this is taken for dead. */
void vfio_user_channel_timeout(struct vfio_user_channel *channel, unsigned int seconds);

/* When this returns, the server has seen that we are gone, unless it is stuck. */
void vfio_user_channel_close(struct vfio_user_channel *channel);

/*
 * 0, the negative errno that the server answered with, -EPROTO for an answer
 * that makes no sense, -ENODEV if there is no server any more.
 */
int vfio_user_channel_call(struct vfio_user_channel *channel, struct vfio_user_call *call);

/* Something came, or the server went: answers what waits to be answered. */
void vfio_user_channel_serve(struct vfio_user_channel *channel);

#endif /* NVT_VFIO_USER_MESSAGE_H */
