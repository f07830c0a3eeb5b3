// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The opening of a vfio-user socket: what client and server say of themselves. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "access/vfio_user.h"
#include "err.h"

#define PREFIX		"vfio-user:"
#define MAX_VECTORS	2048	/* of an MSI-X table */
#define REPLY_TIMEOUT_S	10
#define CAPABILITIES	"{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576}}"

/* The answer is JSON; the one number that matters is looked for as text. The default is 1. */
static unsigned int find_max_fds(const char *capabilities)
{
	static const char key[] = "\"max_msg_fds\"";
	const char *p = strstr(capabilities, key);
	unsigned int n = 1;

	if (p)
		sscanf(p + sizeof(key) - 1, " : %9u", &n);
	return n ? n : 1;
}

static int fail_busy(const struct vfio_user *vu)
{
	return nvt_fail(-EBUSY, "%s: open: its server does not answer; it has one client at a time: "
			"close the other one", vu->pcie.addr);
}

static int agree_on_version(struct vfio_user *vu)
{
	struct {
		struct vfio_user_version version;
		char capabilities[sizeof(CAPABILITIES)];
	} request = { .version = { .major = 0, .minor = 1 }, .capabilities = CAPABILITIES };
	struct {
		struct vfio_user_version version;
		char capabilities[1024];
	} reply = { .version = { .major = 0 } };
	struct vfio_user_call call = {
		.command = VFIO_USER_VERSION,
		.request = &request,
		.length = sizeof(request.version) + sizeof(request.capabilities),
		.reply = &reply,
		.reply_size = sizeof(reply) - 1,
	};
	int err = vfio_user_channel_call(&vu->channel, &call);

	if (err == -ENODEV && vu->channel.cause != -EPROTO)
		return fail_busy(vu);
	if (err || call.reply_length < sizeof(reply.version) || reply.version.major != 0)
		return nvt_fail(-EPROTO, "%s: open: the server does not speak vfio-user 0.1",
				vu->pcie.addr);
	vu->max_fds = find_max_fds(reply.capabilities);
	vfio_user_channel_timeout(&vu->channel, REPLY_TIMEOUT_S);
	return 0;
}

static int get_device_info(struct vfio_user *vu)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_user_call call = {
		.command = VFIO_USER_DEVICE_GET_INFO,
		.request = &info,
		.length = sizeof(info),
		.reply = &info,
		.reply_size = sizeof(info),
	};
	int err = vfio_user_channel_call(&vu->channel, &call);

	if (err)
		return err;
	if (call.reply_length < offsetof(struct vfio_device_info, cap_offset) ||
	    !(info.flags & VFIO_DEVICE_FLAGS_PCI) ||
	    info.num_regions <= VFIO_PCI_CONFIG_REGION_INDEX)
		return -EPROTO;
	vu->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	return 0;
}

/* Memory Space for an observer too: without it registers read as all-ones. */
static int enable_function(struct vfio_user *vu)
{
	uint32_t set = PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE;

	if (!(vu->pcie.flags & NVT_OPEN_OBSERVE))
		set |= PCI_COMMAND_MASTER;
	return vfio_user_config_update(vu, PCI_COMMAND, 2, 0, set);
}

static int learn(struct vfio_user *vu)
{
	struct nvt_device_info *info = &vu->pcie.info;
	int err;

	err = get_device_info(vu);
	if (!err)
		err = vfio_user_bars_scan(vu);
	if (!err)
		err = vfio_user_config_scan(vu);
	if (!err)
		err = enable_function(vu);
	if (!err && info->vendor != 0xffff)
		err = vfio_user_config_save(vu);
	if (info->max_msix > MAX_VECTORS)
		info->max_msix = MAX_VECTORS;
	info->size = sizeof(*info);
	info->abi_version = NVT_ABI_VERSION;
	info->iommu = NVT_IOMMU_TRANSLATED;
	info->status_length = vu->pcie.status_length;
	return err;
}

static struct vfio_user *new_vfio_user(const char *addr, unsigned int flags)
{
	struct vfio_user *vu = calloc(1, sizeof(*vu));
	size_t length = sizeof(*vu->status) + MAX_VECTORS * sizeof(vu->status->vector[0]);
	int i;

	if (vu)
		vu->status = calloc(1, length);
	if (!vu || !vu->status) {
		free(vu);
		return NULL;
	}
	snprintf(vu->pcie.addr, sizeof(vu->pcie.addr), "%s", addr);
	vu->pcie.ops = &vfio_user_ops;
	vu->pcie.fd = -1;
	vu->pcie.flags = flags;
	vu->pcie.status = vu->status;
	vu->pcie.status_length = length;
	for (i = 0; i < VFIO_USER_BARS; i++) {
		vu->bar[i].fd = -1;
		vu->bar[i].ones = -1;
	}
	pthread_mutex_init(&vu->pcie.lock, NULL);
	pthread_mutex_init(&vu->state_lock, NULL);
	pthread_mutex_init(&vu->memory_lock, NULL);
	pthread_mutex_init(&vu->irqs.lock, NULL);
	nvt_iova_init(&vu->iova);
	return vu;
}

void vfio_user_disconnect(struct vfio_user *vu)
{
	vfio_user_channel_close(&vu->channel);
	vfio_user_bars_free(vu);
	pthread_mutex_destroy(&vu->state_lock);
	pthread_mutex_destroy(&vu->memory_lock);
	pthread_mutex_destroy(&vu->irqs.lock);
	free((void *)vu->pcie.irq_log);
	free(vu->status);
}

static int fail_connect(const char *addr, int err)
{
	switch (err) {
	case -EINVAL:
		return nvt_fail(err, "%s: open: no path; it looks like " PREFIX "/path/to/socket",
				addr);
	case -ENAMETOOLONG:
		return nvt_fail(err, "%.64s...: open: the path of a socket has 107 characters at "
				"most; give a shorter one", addr);
	case -ENOENT:
		return nvt_fail(err, "%s: open: no such socket; start nvt-dut with it", addr);
	case -ECONNREFUSED:
		return nvt_fail(err, "%s: open: nobody serves this socket; start nvt-dut with it",
				addr);
	case -EACCES:
		return nvt_fail(err, "%s: open: no permission on the socket; run it as the user who "
				"started nvt-dut", addr);
	default:
		return nvt_fail(err, "%s: open: connect: %s", addr, strerror(-err));
	}
}

static int start(struct vfio_user *vu)
{
	int err;

	err = agree_on_version(vu);
	if (err)
		return err;
	err = learn(vu);
	if (!err) {
		vu->channel.lost = vfio_user_lost;
		err = vfio_user_irq_start(vu);
	}
	if (err == -ENODEV)
		return nvt_fail(err, "%s: open: the server went away; see what it says",
				vu->pcie.addr);
	return err ? nvt_fail(err, "%s: open: the server does not describe a PCI function: %s",
			      vu->pcie.addr, strerror(-err)) : 0;
}

bool nvt_vfio_user_is(const char *addr)
{
	return addr && !strncmp(addr, PREFIX, sizeof(PREFIX) - 1);
}

struct nvt_pcie *nvt_vfio_user_open(const char *addr, unsigned int flags)
{
	struct vfio_user *vu;
	int err;

	vu = new_vfio_user(addr, flags);
	if (!vu) {
		nvt_fail(-ENOMEM, "%s: open: out of memory", addr);
		return NULL;
	}
	vu->channel.dma = vfio_user_buffer_access;
	vu->channel.arg = vu;
	err = vfio_user_channel_open(&vu->channel, addr + sizeof(PREFIX) - 1);
	if (err)
		err = err == -EAGAIN ? fail_busy(vu) : fail_connect(addr, err);
	else
		err = start(vu);
	if (!err)
		return &vu->pcie;
	vfio_user_disconnect(vu);
	pthread_mutex_destroy(&vu->pcie.lock);
	free(vu);
	errno = -err;
	return NULL;
}
