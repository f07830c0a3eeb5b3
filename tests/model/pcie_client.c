// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A vfio-user client that sees what is on the wire, and the device that it talks to. */
#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "pcie_client.h"

static void __attribute__((format(printf, 2, 3))) note(struct pcie_client *client,
						       const char *format, ...)
{
	size_t used = strlen(client->log);
	va_list args;

	va_start(args, format);
	vsnprintf(client->log + used, sizeof(client->log) - used, format, args);
	va_end(args);
}

static uint64_t on_bar_read(void *device, int bar, uint64_t offset, unsigned int width)
{
	struct pcie_client *client = device;
	uint64_t value = 0;

	memcpy(&value, client->regs + offset % sizeof(client->regs), width);
	return value;
}

static void on_bar_write(void *device, int bar, uint64_t offset, unsigned int width,
			 uint64_t value)
{
	struct pcie_client *client = device;

	note(client, "write:%x+%x=%llx ", bar, (unsigned int)offset, (unsigned long long)value);
	memcpy(client->regs + offset % sizeof(client->regs), &value, width);
	if (client->on_write)
		client->on_write(client, offset, value);
}

static void on_reset(void *device, enum function_reset kind)
{
	static const char *const names[] = { "flr", "bus", "d3", "lost" };

	note(device, "reset:%s ", names[kind]);
}

static void on_power_state(void *device, unsigned int state)
{
	note(device, "power:%u ", state);
}

static void on_attached(void *device)
{
	note(device, "attached ");
}

static void on_unmapped(void *device, uint64_t iova, uint64_t length)
{
	note(device, "unmapped:%llx+%llx ", (unsigned long long)iova, (unsigned long long)length);
}

static bool on_intercept(void *device, int where, bool write, uint64_t offset, unsigned int width,
			 uint64_t *value)
{
	struct pcie_client *client = device;

	if (client->ones && !write)
		*value = UINT64_MAX;
	return client->ones;
}

static const struct function_ops ops = {
	.bar_read = on_bar_read,
	.bar_write = on_bar_write,
	.reset = on_reset,
	.power_state = on_power_state,
	.attached = on_attached,
	.dma_unmapped = on_unmapped,
	.intercept = on_intercept,
};

struct function_params pcie_params(void)
{
	return (struct function_params){
		.vendor_id = 0x1234, .device_id = 0x5678,
		.subsystem_vendor_id = 0x9abc, .subsystem_id = 0xdef0,
		.revision_id = 0x11, .class_code = 0x010802,
		.bar_length = { CLIENT_BAR0, 0, 65536 },
		.bar_prefetchable = { false, false, true },
		.doorbell_length = CLIENT_DOORBELLS,
		.msix_vectors = CLIENT_MSIX, .msi_vectors = CLIENT_MSI, .intx = true,
		.pm = true, .pcie = true, .aer = true, .l1ss = true, .ltr = true,
		.serial_number = 0x0123456789abcdefULL,
	};
}

void pcie_start(struct pcie_client *client, const struct function_params *params)
{
	memset(client, 0, sizeof(*client));
	client->fd = -1;
	strcpy(client->dir, "/tmp/nvt-pcie.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(client->dir));
	snprintf(client->path, sizeof(client->path), "%s/socket", client->dir);
	client->loop = loop_new();
	client->function = function_new(client->loop, params, &ops, client);
	ck_assert_ptr_nonnull(client->function);
	if (params->bar_length[2])
		ck_assert_ptr_nonnull(function_bar_memory(client->function, 2));
	ck_assert_int_eq(function_listen(client->function, client->path), 0);
}

void pcie_stop(struct pcie_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	function_free(client->function);
	client->function = NULL;
	loop_free(client->loop);
	ck_assert_int_ne(access(client->path, F_OK), 0);
	ck_assert_int_eq(rmdir(client->dir), 0);
}

void pcie_pump(struct pcie_client *client)
{
	for (int i = 0; i < 8; i++)
		loop_round(client->loop, 0);
}

const char *pcie_pump_text(struct pcie_client *client)
{
	static char text[512];
	int keep = dup(STDERR_FILENO), file = memfd_create("stderr", 0);
	ssize_t length;

	fflush(stderr);
	dup2(file, STDERR_FILENO);
	pcie_pump(client);
	fflush(stderr);
	dup2(keep, STDERR_FILENO);
	length = pread(file, text, sizeof(text) - 1, 0);
	text[length > 0 ? length : 0] = 0;
	close(keep);
	close(file);
	return text;
}

void pcie_connect(struct pcie_client *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, client->path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

void pcie_attach(struct pcie_client *client)
{
	static const char version[] =
		"\0\0\0\0{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":4096}}";

	pcie_connect(client);
	ck_assert_uint_eq(pcie_ask(client, VFIO_USER_VERSION, version, sizeof(version), NULL), 0);
	ck_assert(function_attached(client->function));
	pcie_config_set(client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void pcie_leave(struct pcie_client *client)
{
	close(client->fd);
	client->fd = -1;
	pcie_pump(client);
}

bool pcie_dropped(struct pcie_client *client)
{
	char byte;

	return recv(client->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static void send_message(struct pcie_client *client, struct vfio_user_header *header,
			 const void *data, size_t length, const int *fds, unsigned int nr_fds)
{
	struct iovec iov[2] = { { header, sizeof(*header) }, { (void *)data, length } };
	char control[CMSG_SPACE(64 * sizeof(int))] = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	header->size = sizeof(*header) + length;
	if (nr_fds) {
		struct cmsghdr *cmsg = (struct cmsghdr *)control;

		cmsg->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(cmsg), fds, nr_fds * sizeof(int));
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(client->fd, &msg, MSG_NOSIGNAL), header->size);
}

uint16_t pcie_send(struct pcie_client *client, uint16_t command, uint32_t flags, const void *data,
		   size_t length, const int *fds, unsigned int nr_fds)
{
	struct vfio_user_header header = { .id = ++client->id, .command = command, .flags = flags };

	send_message(client, &header, data, length, fds, nr_fds);
	return header.id;
}

void pcie_answer(struct pcie_client *client, uint16_t id, uint16_t command, uint32_t flags,
		 const void *data, size_t length)
{
	struct vfio_user_header header = { .id = id, .command = command,
					   .flags = VFIO_USER_REPLY | flags };

	send_message(client, &header, data, length, NULL, 0);
}

static ssize_t receive_part(struct pcie_client *client, void *to, size_t length,
			    struct pcie_reply *reply)
{
	char control[CMSG_SPACE(sizeof(reply->fds))];
	struct iovec iov = { to, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(client->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *cmsg = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	if (!cmsg)
		return got;
	reply->nr_fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(reply->fds, CMSG_DATA(cmsg), reply->nr_fds * sizeof(int));
	return got;
}

bool pcie_receive(struct pcie_client *client, struct pcie_reply *reply)
{
	ssize_t got;

	memset(reply, 0, sizeof(*reply));
	pcie_pump(client);
	got = receive_part(client, &reply->header, sizeof(reply->header), reply);
	if (got <= 0)
		return false;
	ck_assert_int_eq(got, sizeof(reply->header));
	reply->length = reply->header.size - sizeof(reply->header);
	ck_assert_uint_le(reply->length, sizeof(reply->data));
	if (reply->length) {
		got = receive_part(client, reply->data, reply->length, reply);
		ck_assert_int_eq(got, reply->length);
	}
	return true;
}

static uint32_t ask(struct pcie_client *client, uint16_t command, const void *data, size_t length,
		    const int *fds, unsigned int nr_fds, struct pcie_reply *reply)
{
	uint16_t id = pcie_send(client, command, 0, data, length, fds, nr_fds);

	ck_assert(pcie_receive(client, reply));
	ck_assert_uint_eq(reply->header.id, id);
	ck_assert_uint_eq(reply->header.command, command);
	ck_assert_uint_eq(reply->header.flags & VFIO_USER_TYPE, VFIO_USER_REPLY);
	if (!(reply->header.flags & VFIO_USER_ERROR))
		return 0;
	ck_assert_uint_eq(reply->length, 0);
	ck_assert_uint_ne(reply->header.error, 0);
	return reply->header.error;
}

uint32_t pcie_ask(struct pcie_client *client, uint16_t command, const void *data, size_t length,
		  struct pcie_reply *reply)
{
	struct pcie_reply unwanted;

	return ask(client, command, data, length, NULL, 0, reply ? reply : &unwanted);
}

uint32_t pcie_ask_fds(struct pcie_client *client, uint16_t command, const void *data,
		      size_t length, const int *fds, unsigned int nr_fds)
{
	struct pcie_reply reply;

	return ask(client, command, data, length, fds, nr_fds, &reply);
}

uint32_t pcie_region_read(struct pcie_client *client, uint32_t region, uint64_t offset,
			  uint32_t count, uint64_t *value)
{
	struct vfio_user_region_access access = { offset, region, count };
	struct pcie_reply reply;
	uint32_t error = pcie_ask(client, VFIO_USER_REGION_READ, &access, sizeof(access), &reply);

	*value = 0;
	if (error)
		return error;
	ck_assert_uint_eq(reply.length, sizeof(access) + count);
	ck_assert_mem_eq(reply.data, &access, sizeof(access));
	memcpy(value, reply.data + sizeof(access), count < 8 ? count : 8);
	return 0;
}

uint32_t pcie_region_write(struct pcie_client *client, uint32_t region, uint64_t offset,
			   uint32_t count, uint64_t value)
{
	struct vfio_user_write write = { offset, region, count, { 0 } };
	struct pcie_reply reply;
	uint32_t error;

	memcpy(write.data, &value, sizeof(value));
	error = pcie_ask(client, VFIO_USER_REGION_WRITE, &write, 16 + count, &reply);
	if (!error)
		ck_assert_mem_eq(reply.data, &write, 16);
	return error;
}

uint64_t pcie_load(struct pcie_client *client, uint32_t region, uint64_t offset, uint32_t count)
{
	uint64_t value;

	ck_assert_uint_eq(pcie_region_read(client, region, offset, count, &value), 0);
	return value;
}

void pcie_store(struct pcie_client *client, uint32_t region, uint64_t offset, uint32_t count,
		uint64_t value)
{
	ck_assert_uint_eq(pcie_region_write(client, region, offset, count, value), 0);
}

uint32_t pcie_config(struct pcie_client *client, unsigned int offset, unsigned int width)
{
	return pcie_load(client, VFIO_PCI_CONFIG_REGION_INDEX, offset, width);
}

void pcie_config_set(struct pcie_client *client, unsigned int offset, unsigned int width,
		     uint32_t value)
{
	pcie_store(client, VFIO_PCI_CONFIG_REGION_INDEX, offset, width, value);
}

unsigned int pcie_capability(struct pcie_client *client, uint8_t id)
{
	unsigned int at = pcie_config(client, PCI_CAPABILITY_LIST, 1);

	for (int most = 48; at && most; most--) {
		if (pcie_config(client, at, 1) == id)
			return at;
		at = pcie_config(client, at + 1, 1);
	}
	return 0;
}

unsigned int pcie_extended(struct pcie_client *client, uint16_t id)
{
	unsigned int at = PCI_CFG_SPACE_SIZE;

	for (int most = 48; at && most; most--) {
		uint32_t header = pcie_config(client, at, 4);

		if (PCI_EXT_CAP_ID(header) == id)
			return at;
		at = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

uint32_t pcie_map(struct pcie_client *client, uint64_t iova, uint64_t size, uint32_t flags, int fd,
		  uint64_t offset)
{
	struct vfio_user_dma_map map = { sizeof(map), flags, offset, iova, size };

	return pcie_ask_fds(client, VFIO_USER_DMA_MAP, &map, sizeof(map), &fd, fd >= 0);
}

uint32_t pcie_unmap(struct pcie_client *client, uint64_t iova, uint64_t size, uint32_t flags,
		    uint64_t *unmapped)
{
	struct vfio_user_dma_unmap unmap = { sizeof(unmap), flags, iova, size };
	struct pcie_reply reply;
	uint32_t error = pcie_ask(client, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), &reply);

	if (error)
		return error;
	ck_assert_uint_eq(reply.length, sizeof(unmap));
	memcpy(&unmap, reply.data, sizeof(unmap));
	if (unmapped)
		*unmapped = unmap.size;
	return 0;
}

uint32_t pcie_set_irq(struct pcie_client *client, uint32_t flags, uint32_t index, uint32_t start,
		      uint32_t count, int eventfd)
{
	struct vfio_irq_set set = { sizeof(set), flags, index, start, count };

	return pcie_ask_fds(client, VFIO_USER_DEVICE_SET_IRQS, &set, sizeof(set), &eventfd,
			    eventfd >= 0);
}

uint64_t pcie_signals(int eventfd)
{
	uint64_t count = 0;

	return read(eventfd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}
