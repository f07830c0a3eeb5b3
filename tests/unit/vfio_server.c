// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A vfio-user server in a thread; see vfio_server.h. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "access/vfio_user_wire.h"
#include "vfio_server.h"

struct message {
	struct vfio_user_header header;
	unsigned char payload[16384];
};

static bool read_all(int fd, void *data, size_t length)
{
	ssize_t n;

	for (; length; length -= n, data = (char *)data + n) {
		n = read(fd, data, length);
		if (n <= 0)
			return false;
	}
	return true;
}

/* Counts the files that came, and closes them. */
static unsigned int drop_fds(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	unsigned int i, n = c ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
	int fd;

	for (i = 0; i < n; i++) {
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
		close(fd);
	}
	return n;
}

static bool receive(struct vfio_server *server, struct message *message, unsigned int *fds)
{
	char control[CMSG_SPACE(64 * sizeof(int))];
	struct iovec iov = { &message->header, sizeof(message->header) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};

	if (recvmsg(server->client, &msg, MSG_WAITALL) != sizeof(message->header))
		return false;
	*fds = drop_fds(&msg);
	return message->header.size <= sizeof(*message) &&
	       read_all(server->client, message->payload,
			message->header.size - sizeof(message->header));
}

static void send_with_fd(struct vfio_server *server, struct message *message, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct iovec iov = { message, message->header.size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	if (sendmsg(server->client, &msg, MSG_NOSIGNAL) < 0)
		perror("vfio_server: send");
}

static void reply(struct vfio_server *server, struct message *message, size_t length)
{
	message->header.size = sizeof(message->header) + length;
	message->header.flags = VFIO_USER_REPLY;
	send_with_fd(server, message, -1);
}

static void refuse(struct vfio_server *server, struct message *message, int err)
{
	message->header.size = sizeof(message->header);
	message->header.flags = VFIO_USER_REPLY | VFIO_USER_ERROR;
	message->header.error = err;
	send_with_fd(server, message, -1);
}

static void ask_for_memory(struct vfio_server *server)
{
	struct vfio_server_ask *ask = &server->ask;
	static struct message message;
	bool write = ask->command == VFIO_USER_DMA_WRITE;
	unsigned int fds;

	message.header = (struct vfio_user_header){
		.id = 0x8000, .command = ask->command,
		.size = sizeof(message.header) + 16 + (write ? ask->count : 0),
	};
	memcpy(message.payload, &ask->address, 8);
	memcpy(message.payload + 8, &ask->count, 8);
	if (write)
		memcpy(message.payload + 16, ask->data, ask->count);
	send_with_fd(server, &message, -1);
	if (!receive(server, &message, &fds) || !(message.header.flags & VFIO_USER_REPLY))
		return;
	ask->error = message.header.flags & VFIO_USER_ERROR ? message.header.error : 0;
	if (!ask->error && ask->command == VFIO_USER_DMA_READ)
		memcpy(ask->data, message.payload + 16, ask->count);
	__atomic_add_fetch(&ask->answers, 1, __ATOMIC_RELEASE);
}

static void answer_version(struct vfio_server *server, struct message *message)
{
	struct vfio_user_version *version = (void *)message->payload;

	version->major = 0;
	version->minor = 1;
	strcpy(version->data, server->capabilities);
	reply(server, message, sizeof(*version) + strlen(server->capabilities) + 1);
}

static void answer_info(struct vfio_server *server, struct message *message)
{
	struct vfio_device_info info = {
		.argsz = sizeof(info), .num_regions = 9, .num_irqs = 5,
		.flags = VFIO_DEVICE_FLAGS_PCI |
			 (server->cannot_reset ? 0 : VFIO_DEVICE_FLAGS_RESET),
	};

	memcpy(message->payload, &info, sizeof(info));
	reply(server, message, sizeof(info));
}

static void answer_region_info(struct vfio_server *server, struct message *message)
{
	struct vfio_region_info *info = (void *)message->payload;
	int fd = -1;

	info->argsz = sizeof(*info);
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	info->size = info->index == VFIO_PCI_CONFIG_REGION_INDEX ? sizeof(server->config) :
		     info->index == 0 ? VFIO_SERVER_BAR : 0;
	if (info->index || !server->region_info_length) {
		reply(server, message, sizeof(*info));
		return;
	}
	memcpy(message->payload, server->region_info, server->region_info_length);
	message->header.size = sizeof(message->header) + server->region_info_length;
	message->header.flags = VFIO_USER_REPLY;
	if (server->send_fd) {
		fd = memfd_create("bar", MFD_CLOEXEC);
		ck_assert_int_eq(ftruncate(fd, VFIO_SERVER_BAR - 4096), 0);
	}
	send_with_fd(server, message, fd);
	if (fd >= 0)
		close(fd);
}

/* False: the client is left. */
static bool answer_read(struct vfio_server *server, struct message *message)
{
	struct vfio_user_region_access *access = (void *)message->payload;
	size_t length = sizeof(*access) + access->count;

	memcpy(access->data, &access->offset, sizeof(access->offset));
	if (access->region == VFIO_PCI_CONFIG_REGION_INDEX) {
		memcpy(access->data, server->config + access->offset, access->count);
		reply(server, message, length);
		return true;
	}
	switch (access->offset) {
	case VFIO_SERVER_ASK:
		ask_for_memory(server);
		break;
	case VFIO_SERVER_REFUSE:
		refuse(server, message, EPERM);
		return true;
	case VFIO_SERVER_WRONG_ID:
		message->header.id++;
		break;
	case VFIO_SERVER_HUGE:
		message->header.size = UINT32_MAX;
		message->header.flags = VFIO_USER_REPLY;
		return write(server->client, message, 64) == 64;
	case VFIO_SERVER_LEAVE:
		return false;
	case VFIO_SERVER_SHORT:
		length = sizeof(*access);
		break;
	}
	reply(server, message, length);
	if (access->offset == VFIO_SERVER_ASK_LATER)
		ask_for_memory(server);
	return true;
}

static void take_write(struct vfio_server *server, struct message *message)
{
	struct vfio_user_region_access *access = (void *)message->payload;

	if (access->region == VFIO_PCI_CONFIG_REGION_INDEX)
		memcpy(server->config + access->offset, access->data, access->count);
	reply(server, message, sizeof(*access));
}

static bool serve(struct vfio_server *server, struct message *message, unsigned int fds)
{
	switch (message->header.command) {
	case VFIO_USER_VERSION:
		answer_version(server, message);
		return true;
	case VFIO_USER_DEVICE_GET_INFO:
		answer_info(server, message);
		return true;
	case VFIO_USER_DEVICE_GET_REGION_INFO:
		answer_region_info(server, message);
		return true;
	case VFIO_USER_REGION_READ:
		return answer_read(server, message);
	case VFIO_USER_REGION_WRITE:
		take_write(server, message);
		return true;
	case VFIO_USER_DEVICE_SET_IRQS:
		server->irq_messages++;
		server->irq_fds += fds;
		server->most_fds = fds > server->most_fds ? fds : server->most_fds;
		break;
	case VFIO_USER_DEVICE_RESET:
		server->resets++;
		break;
	case VFIO_USER_DMA_MAP:
		server->maps++;
		break;
	case VFIO_USER_DMA_UNMAP:
		server->unmaps++;
		break;
	}
	reply(server, message, 0);
	return true;
}

static void *run(void *arg)
{
	struct vfio_server *server = arg;
	static struct message message;
	unsigned int fds;

	server->client = accept(server->listener, NULL, NULL);
	if (server->client < 0)
		return NULL;
	while (receive(server, &message, &fds) && serve(server, &message, fds))
		;
	close(server->client);
	return NULL;
}

struct vfio_server *vfio_server_new(void)
{
	static const unsigned char msix[] = { PCI_CAP_ID_MSIX, 0, 2, 0, 0x00, 0x10 };
	struct vfio_server *server = calloc(1, sizeof(*server));

	ck_assert_ptr_nonnull(server);
	server->capabilities = "{}";
	server->config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	server->config[PCI_CAPABILITY_LIST] = VFIO_SERVER_MSIX;
	memcpy(server->config + VFIO_SERVER_MSIX, msix, sizeof(msix));
	return server;
}

void vfio_server_start(struct vfio_server *server)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	snprintf(server->path, sizeof(server->path), "/tmp/nvt-server.%d", getpid());
	snprintf(server->address, sizeof(server->address), "vfio-user:%.79s", server->path);
	strcpy(name.sun_path, server->path);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(server->listener, 1), 0);
	ck_assert_int_eq(pthread_create(&server->thread, NULL, run, server), 0);
}

void vfio_server_free(struct vfio_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	unlink(server->path);
	free(server);
}
