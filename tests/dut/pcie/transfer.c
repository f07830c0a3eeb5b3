// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * DMA of the device. Memory that the client shares is accessed in place; for
 * other memory the client is asked, and what it asks meanwhile is served, since
 * it may not answer before: a QEMU thread that waits for a register holds the
 * lock that its answer needs.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/types.h>

#include "pcie/function_priv.h"

#define REPLY_TIMEOUT_NS	(5 * NS_PER_S)
/*
 * Of one request, whatever the client says that it takes: QEMU 11.1 loses the
 * rest of a reply that does not fit into its socket's buffer at once.
 */
#define ASK_MAX			32768U

/* Once the client has cut a file short nothing of it is to be trusted. */
static bool memory_faulted(struct function *function)
{
	if (!function->dma.faulted)
		return false;
	if (function->client)
		client_fail(function, "it cut a file short that it had mapped");
	return true;
}

static int dma_allowed(struct function *function)
{
	if (!function_attached(function))
		return -ENOTCONN;
	if (!function->dma.enabled || memory_faulted(function))
		return -EFAULT;
	return 0;
}

void *function_dma_pointer(struct function *function, uint64_t iova, size_t length, bool write)
{
	uint32_t need = write ? VFIO_DMA_MAP_FLAG_WRITE : VFIO_DMA_MAP_FLAG_READ;
	struct dma *dma = &function->dma;
	const struct dma_map *map;

	if (!dma->enabled || memory_faulted(function))
		return NULL;
	map = dma_find(dma, iova);
	if (!map || !map->memory || !(map->flags & need) ||
	    length > map->length - (iova - map->iova))
		return NULL;
	return map->memory + (iova - map->iova);
}

static void request_abandon(struct function *function)
{
	struct client *client = function->client;

	if (client->nr_abandoned == ABANDONED)
		client_fail(function, "it answers no DMA");
	else
		client->abandoned[client->nr_abandoned++] = client->request_id;
}

static bool is_reply(const struct client *client, const struct message *message)
{
	return (message->header.flags & VFIO_USER_TYPE) == VFIO_USER_REPLY &&
	       message->header.id == client->request_id;
}

/* A client that keeps asking and does not answer is given up as well. */
static struct message *receive_until(struct function *function, uint64_t deadline_ns)
{
	struct pollfd fd = { .fd = function->client->fd, .events = POLLIN };
	uint64_t now_ns = loop_now(function->loop);
	struct message *message;

	if (now_ns >= deadline_ns) {
		client_fail(function, "no answer to a DMA request in %llu s",
			    REPLY_TIMEOUT_NS / NS_PER_S);
		return NULL;
	}
	message = wire_receive(function);
	if (!message && !function->client->lost)
		poll(&fd, 1, (deadline_ns - now_ns) / NS_PER_MS + 1);
	return message;
}

/* The reply to the last request, to be freed; NULL if it is no more waited for. */
static struct message *reply_wait(struct function *function)
{
	struct client *client = function->client;
	uint64_t deadline_ns = loop_now(function->loop) + REPLY_TIMEOUT_NS;
	struct message *message = NULL;

	client->waiting = true;
	client->abort = false;
	while (!client->abort && !client->lost) {
		message = receive_until(function, deadline_ns);
		if (!message)
			continue;
		if (is_reply(client, message))
			break;
		message_serve(function, message);
		message_free(message);
		message = NULL;
	}
	client->waiting = false;
	if (!message && !client->lost)
		request_abandon(function);
	return message;
}

/* Of a read, the data; of either, what was asked for. */
static int reply_check(struct function *function, const struct message *reply,
		       const struct vfio_user_dma_access *access, void *data)
{
	struct vfio_user_dma_access answer;
	bool read = data;

	if (reply->header.flags & VFIO_USER_ERROR)
		return -EFAULT;
	if (reply->header.command != (read ? VFIO_USER_DMA_READ : VFIO_USER_DMA_WRITE) ||
	    reply->length < sizeof(uint64_t) + sizeof(uint32_t))
		goto bad;
	memset(&answer, 0, sizeof(answer));
	memcpy(&answer, reply->data,
	       reply->length < sizeof(answer) ? reply->length : sizeof(answer));
	if (answer.iova != access->iova || (uint32_t)answer.count != access->count)
		goto bad;
	if (!read)
		return 0;
	if (reply->length != sizeof(answer) + access->count)
		goto bad;
	memcpy(data, reply->data + sizeof(answer), access->count);
	return 0;
bad:
	client_fail(function, "a reply that does not fit its DMA request");
	return -ENOTCONN;
}

/* One request of at most the client's max_data_xfer_size. @to is NULL for a write. */
static int dma_ask(struct function *function, uint64_t iova, void *to, const void *from,
		   size_t length)
{
	struct client *client = function->client;
	struct vfio_user_header header = { .command = to ? VFIO_USER_DMA_READ :
							   VFIO_USER_DMA_WRITE };
	struct vfio_user_dma_access access = { .iova = iova, .count = length };
	struct message *reply;
	int err;

	/* Only a device that does DMA to answer a register read gets here. */
	if (client->waiting)
		return -EBUSY;
	header.id = ++client->request_id;
	err = wire_send(function, &header, &access, sizeof(access), from, from ? length : 0, -1);
	if (err)
		return -ENOTCONN;
	reply = reply_wait(function);
	if (!reply)
		return client->lost ? -ENOTCONN : -EFAULT;
	err = reply_check(function, reply, &access, to);
	message_free(reply);
	return err;
}

/* As much as is in one mapping: its length, or a negative errno. */
static ssize_t dma_piece(struct function *function, uint64_t iova, void *to, const void *from,
			 size_t length)
{
	uint32_t need = to ? VFIO_DMA_MAP_FLAG_READ : VFIO_DMA_MAP_FLAG_WRITE;
	int err = dma_allowed(function);
	const struct dma_map *map;
	uint64_t room;

	if (err)
		return err;
	map = dma_find(&function->dma, iova);
	if (!map || !(map->flags & need))
		return -EFAULT;
	room = map->length - (iova - map->iova);
	if (length > room)
		length = room;
	if (!map->memory) {
		if (length > function->client->max_data)
			length = function->client->max_data;
		if (length > ASK_MAX)
			length = ASK_MAX;
		err = dma_ask(function, iova, to, from, length);
	} else if (to) {
		memcpy(to, map->memory + (iova - map->iova), length);
	} else {
		memcpy(map->memory + (iova - map->iova), from, length);
	}
	if (!err && memory_faulted(function))
		err = -EFAULT;
	return err ? err : (ssize_t)length;
}

int function_dma_read(struct function *function, uint64_t iova, void *data, size_t length)
{
	while (length) {
		ssize_t done = dma_piece(function, iova, data, NULL, length);

		if (done < 0)
			return done;
		iova += done;
		data = (uint8_t *)data + done;
		length -= done;
	}
	return 0;
}

int function_dma_write(struct function *function, uint64_t iova, const void *data, size_t length)
{
	while (length) {
		ssize_t done = dma_piece(function, iova, NULL, data, length);

		if (done < 0)
			return done;
		iova += done;
		data = (const uint8_t *)data + done;
		length -= done;
	}
	return 0;
}

int function_dma_write_stale(struct function *function, uint64_t iova, const void *data,
			     size_t length)
{
	int err = dma_allowed(function);

	while (!err && length) {
		const struct dma_map *map = dma_find_stale(&function->dma, iova);
		uint64_t room;

		if (!map || !(map->flags & VFIO_DMA_MAP_FLAG_WRITE))
			return function_dma_write(function, iova, data, length);
		room = map->length - (iova - map->iova);
		if (room > length)
			room = length;
		memcpy(map->memory + (iova - map->iova), data, room);
		iova += room;
		data = (const uint8_t *)data + room;
		length -= room;
	}
	return err;
}
