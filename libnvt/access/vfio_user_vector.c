// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * One interrupt vector at a vfio-user socket: counted, logged, masked at the
 * device, read back, passed on. A message of the device is an eventfd here, so
 * its time is when that was read, and no flood of them can harm the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "access/vfio_user.h"
#include "clock.h"

#define MAX_LOG_ENTRIES	(1U << 20)
#define TAKEN_POLL_NS	(50 * NVT_NS_PER_US)

/* The order of the stores is the one that the driver has: see struct nvt_vector_counter. */
static void count(struct nvt_vector_counter *counter, uint64_t now, uint64_t n)
{
	uint64_t prev = n > 1 ? now : counter->last_ns;

	__atomic_store_n(&counter->prev_ns, prev, __ATOMIC_RELAXED);
	__atomic_store_n(&counter->last_ns, now, __ATOMIC_RELAXED);
	__atomic_store_n(&counter->last_cpu, sched_getcpu(), __ATOMIC_RELAXED);
	/* Pairs with the acquire of a reader of the status page. */
	__atomic_store_n(&counter->interrupts, counter->interrupts + n, __ATOMIC_RELEASE);
	/* No queue is managed here. */
	__atomic_store_n(&counter->empty, counter->empty + n, __ATOMIC_RELAXED);
}

/* Likewise, of struct nvt_irq_entry. */
static void log_one(struct nvt_irq_log *log, unsigned int vector, uint64_t now)
{
	uint64_t seq = log->head + 1;
	struct nvt_irq_entry *entry = &log->entry[log->head & (log->nr_entries - 1)];

	__atomic_store_n(&entry->seq, 0, __ATOMIC_RELAXED);
	/* A reader that sees new contents sees that the entry is being written. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&entry->ns, now, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->vector, vector, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->cpu, sched_getcpu(), __ATOMIC_RELAXED);
	__atomic_store_n(&entry->seq, seq, __ATOMIC_RELEASE);
	__atomic_store_n(&log->head, seq, __ATOMIC_RELEASE);
}

static void pass_on(int eventfd, uint64_t n)
{
	/* Where its counter is full, the owner has been told often enough. */
	if (eventfd >= 0 && write(eventfd, &n, sizeof(n)) < 0)
		return;
}

bool vfio_user_vector_take(struct vfio_user *vu, unsigned int vector)
{
	struct nvt_irq_log *log;
	uint64_t i, n = 0, now;

	pthread_mutex_lock(&vu->irqs.lock);
	if (read(vu->irqs.eventfd[vector], &n, sizeof(n)) == sizeof(n)) {
		now = nvt_now_ns();
		log = (struct nvt_irq_log *)vu->pcie.irq_log;
		for (i = 0; log && i < n; i++)
			log_one(log, vector, now);
		count(&vu->status->vector[vector], now, n);
		pass_on(vu->irqs.forward[vector], n);
	}
	pthread_mutex_unlock(&vu->irqs.lock);
	return n;
}

/* Until the thread has counted what had been sent: nothing older comes afterwards. */
static void wait_until_taken(struct vfio_user *vu, unsigned int vector)
{
	struct pollfd pfd = { .fd = vu->irqs.eventfd[vector], .events = POLLIN };

	while (vu->irqs.running && poll(&pfd, 1, 0) > 0)
		nvt_sleep_ns(TAKEN_POLL_NS);
	pthread_mutex_lock(&vu->irqs.lock);
	pthread_mutex_unlock(&vu->irqs.lock);
}

/* The state that a call on one vector needs. */
static int check_vector(const struct vfio_user *vu, unsigned int vector)
{
	uint32_t state = __atomic_load_n(&vu->status->state, __ATOMIC_ACQUIRE);

	if (state != NVT_STATE_LIVE)
		return state == NVT_STATE_GONE ? -ENODEV : -EAGAIN;
	return vector < vu->irqs.nr ? 0 : -EINVAL;
}

static int check_owned(const struct vfio_user *vu, unsigned int vector)
{
	return vu->pcie.flags & NVT_OPEN_OBSERVE ? -EBADF : check_vector(vu, vector);
}

/* Of the table or, with its bit, of the pending bits: the dword of a vector. */
static int msix_place(struct vfio_user *vu, unsigned int where, uint32_t offset, uint32_t *bar,
		      uint64_t *at)
{
	uint32_t location;
	int err = vfio_user_config_read(vu, vu->caps.msix + where, 4, &location);

	*bar = location & PCI_MSIX_TABLE_BIR;
	*at = (location & PCI_MSIX_TABLE_OFFSET) + offset;
	return err;
}

static int msix_read(struct vfio_user *vu, unsigned int where, uint32_t offset, uint64_t *value)
{
	uint64_t at;
	uint32_t bar;
	int err = msix_place(vu, where, offset, &bar, &at);

	return err ? err : vfio_user_region_read(vu, bar, at, 4, value);
}

static int msix_info(struct vfio_user *vu, struct nvt_vector_info *info)
{
	uint64_t control, pending;
	int err;

	err = msix_read(vu, PCI_MSIX_TABLE, info->vector * PCI_MSIX_ENTRY_SIZE +
			PCI_MSIX_ENTRY_VECTOR_CTRL, &control);
	if (!err)
		err = msix_read(vu, PCI_MSIX_PBA, info->vector / 32 * 4, &pending);
	if (err)
		return err;
	info->masked = control & PCI_MSIX_ENTRY_CTRL_MASKBIT;
	info->pending = pending >> info->vector % 32 & 1;
	return 0;
}

/* PCI Local Bus 3.0, 6.8.1: where the mask bits are; 0 if there are none. */
static int msi_masks(struct vfio_user *vu, uint32_t *at)
{
	uint32_t flags;
	int err = vfio_user_config_read(vu, vu->caps.msi + PCI_MSI_FLAGS, 2, &flags);

	*at = vu->caps.msi + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
	if (!err && !(flags & PCI_MSI_FLAGS_MASKBIT))
		*at = 0;
	return err;
}

static int msi_info(struct vfio_user *vu, struct nvt_vector_info *info)
{
	uint32_t at, mask, pending;
	int err = msi_masks(vu, &at);

	if (!err && !at) {
		info->masked = 0;
		info->pending = NVT_PENDING_UNKNOWN;
		return 0;
	}
	if (!err)
		err = vfio_user_config_read(vu, at, 4, &mask);
	if (!err)
		err = vfio_user_config_read(vu, at + 4, 4, &pending);
	if (err)
		return err;
	info->masked = mask >> info->vector & 1;
	info->pending = pending >> info->vector & 1;
	return 0;
}

static int intx_info(struct vfio_user *vu, struct nvt_vector_info *info)
{
	uint32_t command, status;
	int err;

	err = vfio_user_config_read(vu, PCI_COMMAND, 2, &command);
	if (!err)
		err = vfio_user_config_read(vu, PCI_STATUS, 2, &status);
	if (err)
		return err;
	info->masked = !!(command & PCI_COMMAND_INTX_DISABLE);
	info->pending = !!(status & PCI_STATUS_INTERRUPT);
	return 0;
}

int vfio_user_vector_info(struct nvt_pcie *pcie, struct nvt_vector_info *info)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	int err = check_vector(vu, info->vector);

	if (err)
		return err;
	info->irq = 0;
	switch (vu->irqs.type) {
	case NVT_VECTOR_MSIX:
		return msix_info(vu, info);
	case NVT_VECTOR_MSI:
		return msi_info(vu, info);
	default:
		return intx_info(vu, info);
	}
}

int vfio_user_vector_set_control(struct vfio_user *vu, unsigned int vector, bool mask)
{
	uint32_t bar, at, bit = 1U << vector % 32;
	uint64_t place;
	int err;

	switch (vu->irqs.type) {
	case NVT_VECTOR_MSIX:
		err = msix_place(vu, PCI_MSIX_TABLE, vector * PCI_MSIX_ENTRY_SIZE +
				 PCI_MSIX_ENTRY_VECTOR_CTRL, &bar, &place);
		return err ? err : vfio_user_region_write(vu, bar, place, 4, mask);
	case NVT_VECTOR_MSI:
		err = msi_masks(vu, &at);
		if (!err && !at)
			return -EOPNOTSUPP;
		return err ? err : vfio_user_config_update(vu, at, 4, mask ? 0 : bit,
							   mask ? bit : 0);
	default:
		bit = PCI_COMMAND_INTX_DISABLE;
		return vfio_user_config_update(vu, PCI_COMMAND, 2, mask ? 0 : bit, mask ? bit : 0);
	}
}

int vfio_user_vector_mask(struct nvt_pcie *pcie, unsigned int vector, bool mask)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	int err = check_owned(vu, vector);

	if (!err)
		err = vfio_user_vector_set_control(vu, vector, mask);
	if (err)
		return err;
	__atomic_store_n(&vu->status->vector[vector].masked, mask ? NVT_MASKED_OWNER : 0,
			 __ATOMIC_RELAXED);
	if (mask)
		wait_until_taken(vu, vector);
	return 0;
}

static int check_eventfd(int fd)
{
	char path[40], target[32] = "";

	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return -errno;
	return strcmp(target, "anon_inode:[eventfd]") ? -EINVAL : 0;
}

int vfio_user_vector_eventfd(struct nvt_pcie *pcie, unsigned int vector, int fd)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	int err = check_owned(vu, vector), old;

	if (!err && fd >= 0)
		err = check_eventfd(fd);
	if (!err && fd >= 0) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		err = fd < 0 ? -errno : 0;
	}
	if (err)
		return err;
	pthread_mutex_lock(&vu->irqs.lock);
	old = vu->irqs.forward[vector];
	vu->irqs.forward[vector] = fd;
	pthread_mutex_unlock(&vu->irqs.lock);
	if (old >= 0)
		close(old);
	return 0;
}

/* Behind what had been sent before, as the driver's does not have that either. */
int vfio_user_irq_log(struct nvt_pcie *pcie, uint32_t nr_entries)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	size_t length = sizeof(struct nvt_irq_log) + nr_entries * sizeof(struct nvt_irq_entry);
	struct nvt_irq_log *log = NULL;
	const void *old;
	unsigned int i;

	if (pcie->flags & NVT_OPEN_OBSERVE)
		return -EBADF;
	if (nr_entries > MAX_LOG_ENTRIES || nr_entries & (nr_entries - 1))
		return -EINVAL;
	if (nr_entries) {
		log = calloc(1, length);
		if (!log)
			return -ENOMEM;
		log->nr_entries = nr_entries;
	}
	for (i = 0; i < vu->irqs.nr; i++)
		wait_until_taken(vu, i);
	pthread_mutex_lock(&vu->irqs.lock);
	old = pcie->irq_log;
	pcie->irq_log = log;
	pcie->irq_log_length = length;
	pthread_mutex_unlock(&vu->irqs.lock);
	free((void *)old);
	return 0;
}
