// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Access to a device through a vfio-user socket, as nvt-dut serves it: no
 * driver, no root, no guest. What the driver does for /dev/nvtN is done here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "access/vfio_user.h"
#include "clock.h"

/* PCI Express Base 6.0, 2.3.1: a function may ask for so much time after a reset. */
#define RESET_WAIT_NS	(1000 * NVT_NS_PER_MS)
#define RESET_POLL_NS	NVT_NS_PER_MS

/* A register at most. */
struct region_access {
	struct vfio_user_region_access access;
	uint64_t data;
};

int vfio_user_region_read(struct vfio_user *vu, uint32_t region, uint64_t offset,
			  unsigned int width, uint64_t *value)
{
	struct region_access request = {
		.access = { .offset = offset, .region = region, .count = width },
	}, reply;
	struct vfio_user_call call = {
		.command = VFIO_USER_REGION_READ,
		.request = &request,
		.length = sizeof(request.access),
		.reply = &reply,
		.reply_size = sizeof(reply),
	};
	int err = vfio_user_channel_call(&vu->channel, &call);

	if (err)
		return err;
	if (call.reply_length < sizeof(reply.access) + width)
		return -EPROTO;
	*value = 0;
	memcpy(value, &reply.data, width);
	return 0;
}

int vfio_user_region_write(struct vfio_user *vu, uint32_t region, uint64_t offset,
			   unsigned int width, uint64_t value)
{
	struct region_access request = {
		.access = { .offset = offset, .region = region, .count = width },
		.data = value,
	};
	struct vfio_user_call call = {
		.command = VFIO_USER_REGION_WRITE,
		.request = &request,
		.length = sizeof(request.access) + width,
		.reply = &request,
		.reply_size = sizeof(request),
	};

	return vfio_user_channel_call(&vu->channel, &call);
}

static int check_state(const struct vfio_user *vu)
{
	switch (__atomic_load_n(&vu->status->state, __ATOMIC_ACQUIRE)) {
	case NVT_STATE_LIVE:
		return 0;
	case NVT_STATE_GONE:
		return -ENODEV;
	default:
		return -EAGAIN;
	}
}

static int check_access(const struct vfio_user *vu, uint32_t flags, uint64_t offset,
			uint32_t width, uint32_t max_width, uint64_t length)
{
	if (!width || width & (width - 1) || width > max_width || offset % width ||
	    offset > length || width > length - offset)
		return -EINVAL;
	if (flags & NVT_ACCESS_WRITE && vu->pcie.flags & NVT_OPEN_OBSERVE)
		return -EBADF;
	return check_state(vu);
}

/* A refusal by the server of what looks good from here. */
static int region_error(int err)
{
	return err == -ENODEV || !err ? err : -EIO;
}

static int vfio_user_reg(struct nvt_pcie *pcie, struct nvt_reg_access *access)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	uint64_t value = access->value;
	int err;

	if (access->bar >= VFIO_USER_BARS)
		return -EINVAL;
	err = check_access(vu, access->flags, access->offset, access->width, 8,
			   vu->bar[access->bar].size);
	if (err)
		return err;
	if (access->flags & NVT_ACCESS_WRITE)
		err = vfio_user_region_write(vu, access->bar, access->offset, access->width,
					     value);
	else
		err = vfio_user_region_read(vu, access->bar, access->offset, access->width,
					    &value);
	access->value = value;
	return region_error(err);
}

static int vfio_user_config(struct nvt_pcie *pcie, struct nvt_config_access *access)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	int err;

	err = check_access(vu, access->flags, access->offset, access->width, 4,
			   pcie->info.config_size);
	if (err)
		return err;
	if (access->flags & NVT_ACCESS_WRITE) {
		err = vfio_user_config_write(vu, access->offset, access->width, access->value);
		if (!err)
			err = vfio_user_config_note(vu, access->offset, access->width);
	} else {
		err = vfio_user_config_read(vu, access->offset, access->width, &access->value);
	}
	return region_error(err);
}

static int vfio_user_info(struct nvt_pcie *pcie, struct nvt_device_info *info)
{
	struct vfio_user *vu = to_vfio_user(pcie);

	if (check_state(vu) == -ENODEV)
		return -ENODEV;
	*info = pcie->info;
	info->nr_vectors = vu->irqs.nr;
	info->vector_type = vu->irqs.type;
	return 0;
}

#define STATE(state) (1U << NVT_STATE_##state)

/* False, and nothing changes, if it is in none of the states @from. */
static bool change_state(struct vfio_user *vu, uint32_t from, uint32_t to)
{
	bool changed;

	pthread_mutex_lock(&vu->state_lock);
	changed = from & 1U << vu->status->state;
	if (changed) {
		__atomic_store_n(&vu->status->state, to, __ATOMIC_RELEASE);
		if (to != NVT_STATE_LIVE)
			__atomic_add_fetch(&vu->status->generation, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&vu->state_lock);
	return changed;
}

/* Found by any thread. */
void vfio_user_lost(void *vfio_user)
{
	struct vfio_user *vu = vfio_user;

	/* First: who sees the state finds no register that is not all-ones. */
	vfio_user_bars_lose(vu);
	change_state(vu, STATE(LIVE) | STATE(RESETTING), NVT_STATE_GONE);
}

/* The function comes back when its vendor id can be read. */
static int wait_for_config(struct vfio_user *vu)
{
	uint64_t deadline = nvt_now_ns() + RESET_WAIT_NS;
	uint32_t id;
	int err;

	for (;;) {
		err = vfio_user_config_read(vu, PCI_VENDOR_ID, 4, &id);
		if (err || (id != 0xffffffff && id != 0xffff0001))
			return err;
		if (nvt_now_ns() >= deadline)
			return -EIO;
		nvt_sleep_ns(RESET_POLL_NS);
	}
}

static int reset_by_message(struct vfio_user *vu)
{
	struct vfio_user_call call = { .command = VFIO_USER_DEVICE_RESET };

	return vu->can_reset ? vfio_user_channel_call(&vu->channel, &call) : -ENOTTY;
}

/* PCI Express Base 6.0, 6.6.2: Function Level Reset where there is one. */
static int reset_function(struct vfio_user *vu)
{
	uint32_t devcap = 0;
	int err = 0;

	if (vu->caps.pcie)
		err = vfio_user_config_read(vu, vu->caps.pcie + PCI_EXP_DEVCAP, 4, &devcap);
	if (err)
		return err;
	if (devcap != 0xffffffff && devcap & PCI_EXP_DEVCAP_FLR)
		return vfio_user_config_update(vu, vu->caps.pcie + PCI_EXP_DEVCTL, 2, 0,
					       PCI_EXP_DEVCTL_BCR_FLR);
	return reset_by_message(vu);
}

static int restore(struct vfio_user *vu)
{
	int err = wait_for_config(vu);

	if (!err)
		err = vfio_user_config_restore(vu);
	return err ? err : vfio_user_irq_enable(vu);
}

static int reset_and_restore(struct vfio_user *vu)
{
	int err, restore_err;

	/* Nothing is on its way when the reset comes. */
	err = vfio_user_config_write(vu, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	if (!err)
		err = reset_function(vu);
	restore_err = restore(vu);
	return err ? err : restore_err;
}

/* Nobody uses the function while it changes, and no queue lives on. */
static int change_function(struct vfio_user *vu, int (*change)(struct vfio_user *vu))
{
	int err, start_err;

	if (!change_state(vu, STATE(LIVE), NVT_STATE_RESETTING))
		return check_state(vu);
	vfio_user_irq_stop(vu);
	err = change(vu);
	change_state(vu, STATE(RESETTING), NVT_STATE_LIVE);
	start_err = vfio_user_irq_start(vu);
	return err ? err : start_err;
}

static int vfio_user_reset(struct nvt_pcie *pcie, int method)
{
	if (pcie->flags & NVT_OPEN_OBSERVE)
		return -EBADF;
	if (method != NVT_RESET_FUNCTION)
		return -EINVAL;
	return change_function(to_vfio_user(pcie), reset_and_restore);
}

static int vfio_user_restore(struct nvt_pcie *pcie)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	bool lost = false;
	int err;

	if (pcie->flags & NVT_OPEN_OBSERVE)
		return -EBADF;
	err = vfio_user_config_lost(vu, &lost);
	return lost ? change_function(vu, restore) : err;
}

/* A raw queue is the owner's; there is no driver that would have to know of it. */
static int vfio_user_queue_create(struct nvt_pcie *pcie, struct nvt_queue_create *create)
{
	return create->flags & NVT_QUEUE_MANAGED ? -EOPNOTSUPP : 0;
}

static int vfio_user_queue_destroy(struct nvt_pcie *pcie, int type, uint16_t qid)
{
	return 0;
}

/* Leaves the function idle, and the server free for the next client. */
static void vfio_user_close(struct nvt_pcie *pcie)
{
	struct vfio_user *vu = to_vfio_user(pcie);

	vfio_user_irq_stop(vu);
	vfio_user_irq_free(vu);
	vfio_user_config_write(vu, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	vfio_user_disconnect(vu);
}

const struct nvt_access_ops vfio_user_ops = {
	.close = vfio_user_close,
	.info = vfio_user_info,
	.reg = vfio_user_reg,
	.config = vfio_user_config,
	.map_bar = vfio_user_bar_map,
	.set_vectors = vfio_user_set_vectors,
	.vector_info = vfio_user_vector_info,
	.vector_mask = vfio_user_vector_mask,
	.vector_eventfd = vfio_user_vector_eventfd,
	.irq_log = vfio_user_irq_log,
	.reset = vfio_user_reset,
	.restore = vfio_user_restore,
	.buffer_create = vfio_user_buffer_create,
	.buffer_free = vfio_user_buffer_free,
	.queue_create = vfio_user_queue_create,
	.queue_destroy = vfio_user_queue_destroy,
};

