// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What is asked of the server: checks of the message's form, then whoever answers it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pcie/function_priv.h"

#define VERSION_MAJOR	0
#define VERSION_MINOR	0
#define NAME_MAX_DATA	"\"max_data_xfer_size\""
#define NAME_MULTI	"\"write_multiple\""

/* The limits of function_priv.h. What a client does not offer is not answered to it. */
#define LIMITS		"\"max_msg_fds\":16,\"max_data_xfer_size\":1048576," \
			"\"max_dma_maps\":32768"
#define ANSWER		"{\"capabilities\":{" LIMITS "}}"
#define ANSWER_MULTI	"{\"capabilities\":{" LIMITS "," NAME_MULTI ":true}}"

/* Of JSON no more is wanted than one number: the text after its name, bounded by the message. */
static uint32_t version_max_data(const char *text, size_t length)
{
	const char *at = memmem(text, length, NAME_MAX_DATA, strlen(NAME_MAX_DATA));
	const char *end = text + length;
	uint64_t number = 0;

	if (!at)
		return MAX_DATA;
	for (at += strlen(NAME_MAX_DATA); at < end && (*at == ' ' || *at == ':'); at++)
		;
	for (; at < end && *at >= '0' && *at <= '9' && number < MAX_DATA; at++)
		number = number * 10 + *at - '0';
	return number < MAX_DATA ? number : MAX_DATA;
}

static void serve_version(struct function *function, struct message *message)
{
	const char *text = (char *)message->data + sizeof(struct vfio_user_version);
	size_t length = message->length - sizeof(struct vfio_user_version);
	const char *answer = memmem(text, length, NAME_MULTI, strlen(NAME_MULTI)) ?
			     ANSWER_MULTI : ANSWER;
	struct vfio_user_version version;
	struct client *client = function->client;

	if (client->versioned) {
		wire_error(function, &message->header, EINVAL);
		return;
	}
	memcpy(&version, message->data, sizeof(version));
	client->max_data = version_max_data(text, length);
	if (version.major != VERSION_MAJOR || !client->max_data) {
		wire_error(function, &message->header, EINVAL);
		client_fail(function, "version %u.%u, or no data in a transfer", version.major,
			    version.minor);
		return;
	}
	version.minor = VERSION_MINOR;
	wire_reply(function, &message->header, &version, sizeof(version), answer,
		   strlen(answer) + 1, -1);
	client->versioned = true;
	function_gate(function);
	if (function->ops->attached && function_attached(function))
		function->ops->attached(function->device);
}

static void serve_dma_map(struct function *function, struct message *message)
{
	struct vfio_user_dma_map request;
	int error = EINVAL;

	memcpy(&request, message->data, sizeof(request));
	if (message->nr_fds < 2)
		error = dma_map(&function->dma, &request, message->nr_fds ? message->fds[0] : -1);
	if (error)
		wire_error(function, &message->header, error);
	else
		wire_reply(function, &message->header, NULL, 0, NULL, 0, -1);
}

static void serve_dma_unmap(struct function *function, struct message *message)
{
	struct vfio_user_dma_unmap request;
	int error;

	memcpy(&request, message->data, sizeof(request));
	error = dma_unmap(function, &request);
	if (error)
		wire_error(function, &message->header, error);
	else
		wire_reply(function, &message->header, &request, sizeof(request), NULL, 0, -1);
}

static void serve_info(struct function *function, struct message *message)
{
	/* Without cap_offset: the protocol's structure has 16 bytes. */
	uint32_t info[4] = { sizeof(info), VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
			     REGIONS, IRQ_INDEXES };
	uint32_t argsz;

	memcpy(&argsz, message->data, sizeof(argsz));
	if (argsz < sizeof(info))
		wire_error(function, &message->header, EINVAL);
	else
		wire_reply(function, &message->header, info, sizeof(info), NULL, 0, -1);
}

static void serve_io_fds(struct function *function, struct message *message)
{
	wire_error(function, &message->header, EOPNOTSUPP);
}

static void serve_irq_info(struct function *function, struct message *message)
{
	struct vfio_irq_info info;
	int error = EINVAL;

	memcpy(&info, message->data, sizeof(info));
	if (info.argsz >= sizeof(info))
		error = irq_info(function, &info);
	if (error)
		wire_error(function, &message->header, error);
	else
		wire_reply(function, &message->header, &info, sizeof(info), NULL, 0, -1);
}

static void serve_set_irqs(struct function *function, struct message *message)
{
	int error = irq_set(function, message);

	if (error)
		wire_error(function, &message->header, error);
	else
		wire_reply(function, &message->header, NULL, 0, NULL, 0, -1);
}

/* The answer comes when the device has been reset. */
static void serve_reset(struct function *function, struct message *message)
{
	struct work work = { .kind = WORK_REPLY, .header = message->header };

	function_reset(function, FUNCTION_RESET_BUS);
	if (!work_do(function, &work))
		client_fail(function, "too many requests while the device waits for DMA");
}

static const struct service {
	void (*serve)(struct function *function, struct message *message);
	uint32_t length;		/* of the data, at least */
	bool more;			/* or more */
	bool fds;			/* some may come with it */
} services[] = {
	[VFIO_USER_VERSION] = { serve_version, sizeof(struct vfio_user_version), true, false },
	[VFIO_USER_DMA_MAP] = { serve_dma_map, sizeof(struct vfio_user_dma_map), false, true },
	[VFIO_USER_DMA_UNMAP] = { serve_dma_unmap, sizeof(struct vfio_user_dma_unmap), true,
				  false },
	[VFIO_USER_DEVICE_GET_INFO] = { serve_info, 16, true, false },
	[VFIO_USER_DEVICE_GET_REGION_INFO] = { region_info, sizeof(struct vfio_region_info), true,
					       false },
	[VFIO_USER_DEVICE_GET_REGION_IO_FDS] = { serve_io_fds, 16, true, false },
	[VFIO_USER_DEVICE_GET_IRQ_INFO] = { serve_irq_info, sizeof(struct vfio_irq_info), true,
					    false },
	[VFIO_USER_DEVICE_SET_IRQS] = { serve_set_irqs, sizeof(struct vfio_irq_set), true, true },
	[VFIO_USER_REGION_READ] = { region_read, sizeof(struct vfio_user_region_access), false,
				    false },
	[VFIO_USER_REGION_WRITE] = { region_write, sizeof(struct vfio_user_region_access), true,
				     false },
	[VFIO_USER_DEVICE_RESET] = { serve_reset, 0, false, false },
	[VFIO_USER_REGION_WRITE_MULTI] = { region_write_multi, sizeof(uint64_t), true, false },
};

static const struct service *service_find(uint16_t command)
{
	if (command >= sizeof(services) / sizeof(*services) || !services[command].serve)
		return NULL;
	return &services[command];
}

static int message_check(const struct client *client, const struct message *message,
			 const struct service *service)
{
	if (message->excess_fds)
		return EMFILE;
	if (!service)
		return EOPNOTSUPP;
	if (message->length < service->length ||
	    (message->length > service->length && !service->more))
		return EINVAL;
	if (message->nr_fds && !service->fds)
		return EINVAL;
	if (!client->versioned && message->header.command != VFIO_USER_VERSION)
		return EPROTO;
	return 0;
}

/* A reply that comes after its request was given up. */
static bool reply_abandoned(struct client *client, uint16_t id)
{
	for (unsigned int i = 0; i < client->nr_abandoned; i++) {
		if (client->abandoned[i] != id)
			continue;
		client->abandoned[i] = client->abandoned[--client->nr_abandoned];
		return true;
	}
	return false;
}

void message_serve(struct function *function, struct message *message)
{
	const struct vfio_user_header *header = &message->header;
	const struct service *service = service_find(header->command);
	uint32_t type = header->flags & VFIO_USER_TYPE;
	int error;

	if (type == VFIO_USER_REPLY) {
		if (!reply_abandoned(function->client, header->id))
			client_fail(function, "a reply to no request, id %u", header->id);
		return;
	}
	if (type != VFIO_USER_REQUEST) {
		client_fail(function, "a message of type %u", type);
		return;
	}
	error = message_check(function->client, message, service);
	if (error)
		wire_error(function, header, error);
	else
		service->serve(function, message);
	if (!function->client->versioned && !function->client->lost)
		client_fail(function, "its first message was command %u", header->command);
}
