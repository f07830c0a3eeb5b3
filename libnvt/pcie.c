// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A PCI function: registers, config space, capabilities, vectors, reset. */
#include <stdlib.h>
#include <string.h>

#include <nvt/pcie.h>

#include "access/access.h"
#include "err.h"

#define CFG_STATUS		0x06
#define CFG_STATUS_CAP_LIST	(1U << 4)
#define CFG_CAP_POINTER		0x34
#define CFG_CAP_FIRST		0x40
#define CFG_CAP_MAX		((256 - CFG_CAP_FIRST) / 4)	/* they are 4-aligned */
#define CFG_EXT_CAP_FIRST	0x100
#define CFG_EXT_CAP_MAX		((4096 - CFG_EXT_CAP_FIRST) / 4)

/* More interrupts than this during one read of a counter: take it as it is. */
#define VECTOR_READ_RETRIES	100

struct nvt_pcie *nvt_pcie_open(const char *addr, unsigned int flags)
{
	if (flags & ~NVT_OPEN_OBSERVE) {
		nvt_fail(-EINVAL, "open: unknown flags %#x", flags);
		return NULL;
	}
	/* The one place that chooses how a device is reached. */
	if (nvt_vfio_user_is(addr))
		return nvt_vfio_user_open(addr, flags);
	return nvt_chardev_open(addr, flags);
}

void nvt_pcie_close(struct nvt_pcie *pcie)
{
	if (!pcie)
		return;
	pcie->ops->close(pcie);
	free(pcie->irq_base);
	pthread_mutex_destroy(&pcie->lock);
	free(pcie);
}

const char *nvt_pcie_addr(const struct nvt_pcie *pcie)
{
	return pcie->addr;
}

/* The words for what any call on a device may return. */
static int fail_call(struct nvt_pcie *pcie, int err, const char *what)
{
	switch (err) {
	case -EBADF:
		return nvt_fail(err, "%s: %s: the device is open to observe; open it to own it",
				pcie->addr, what);
	case -EAGAIN:
		return nvt_fail(err, "%s: %s: the device is being reset or is asleep; try again",
				pcie->addr, what);
	case -ENODEV:
		return nvt_fail(err, "%s: %s: the device is gone; close it", pcie->addr, what);
	default:
		return nvt_fail(err, "%s: %s: %s", pcie->addr, what, strerror(-err));
	}
}

int nvt_pcie_info(struct nvt_pcie *pcie, struct nvt_device_info *info)
{
	int err = pcie->ops->info(pcie, info);

	return err ? fail_call(pcie, err, "device info") : 0;
}

uint64_t nvt_pcie_generation(struct nvt_pcie *pcie)
{
	return __atomic_load_n(&pcie->status->generation, __ATOMIC_ACQUIRE);
}

int nvt_pcie_state(struct nvt_pcie *pcie)
{
	return __atomic_load_n(&pcie->status->state, __ATOMIC_ACQUIRE);
}

static int access_reg(struct nvt_pcie *pcie, struct nvt_reg_access *access)
{
	const char *op = access->flags & NVT_ACCESS_WRITE ? "register write" : "register read";
	int err;

	err = pcie->ops->reg(pcie, access);
	if (!err)
		return 0;
	if (err == -EINVAL)
		return nvt_fail(err, "%s: %s: BAR %d, offset %#llx, %u bytes: no such BAR, beyond "
				"its end, or not aligned", pcie->addr, op, (int)access->bar,
				(unsigned long long)access->offset, access->width);
	return fail_call(pcie, err, op);
}

int nvt_pcie_reg_read(struct nvt_pcie *pcie, int bar, uint64_t offset, int width, uint64_t *value)
{
	struct nvt_reg_access access = { .bar = bar, .offset = offset, .width = width };
	int err = access_reg(pcie, &access);

	if (!err)
		*value = access.value;
	return err;
}

int nvt_pcie_reg_write(struct nvt_pcie *pcie, int bar, uint64_t offset, int width, uint64_t value)
{
	struct nvt_reg_access access = {
		.flags = NVT_ACCESS_WRITE,
		.bar = bar,
		.offset = offset,
		.width = width,
		.value = value,
	};

	return access_reg(pcie, &access);
}

volatile void *nvt_pcie_map_bar(struct nvt_pcie *pcie, int bar, size_t *length)
{
	volatile void *map;
	int err = 0;

	if (bar < 0 || bar > 5 || !pcie->info.bar_length[bar]) {
		nvt_fail(-EINVAL, "%s: map: there is no memory BAR %d", pcie->addr, bar);
		return NULL;
	}
	pthread_mutex_lock(&pcie->lock);
	if (!pcie->bar[bar]) {
		pcie->bar[bar] = pcie->ops->map_bar(pcie, bar, pcie->info.bar_length[bar]);
		err = pcie->bar[bar] ? 0 : -errno;
	}
	map = pcie->bar[bar];
	pthread_mutex_unlock(&pcie->lock);
	if (err == -EOPNOTSUPP)
		nvt_fail(err, "%s: map: the device does not let BAR %d be mapped (for BAR 0 of "
			 "nvt-dut give it doorbells=mapped); read and write its registers by "
			 "call", pcie->addr, bar);
	else if (err)
		fail_call(pcie, err, "map of a BAR");
	else if (length)
		*length = pcie->info.bar_length[bar];
	return map;
}

static int access_config(struct nvt_pcie *pcie, struct nvt_config_access *access)
{
	const char *op = access->flags & NVT_ACCESS_WRITE ? "config write" : "config read";
	int err;

	err = pcie->ops->config(pcie, access);
	if (!err)
		return 0;
	if (err == -EINVAL)
		return nvt_fail(err, "%s: %s: offset %#x, %u bytes: beyond the end or not aligned",
				pcie->addr, op, access->offset, access->width);
	return fail_call(pcie, err, op);
}

int nvt_pcie_config_read(struct nvt_pcie *pcie, uint32_t offset, int width, uint32_t *value)
{
	struct nvt_config_access access = { .offset = offset, .width = width };
	int err = access_config(pcie, &access);

	if (!err)
		*value = access.value;
	return err;
}

int nvt_pcie_config_write(struct nvt_pcie *pcie, uint32_t offset, int width, uint32_t value)
{
	struct nvt_config_access access = {
		.flags = NVT_ACCESS_WRITE,
		.offset = offset,
		.width = width,
		.value = value,
	};

	return access_config(pcie, &access);
}

static int fail_no_cap(struct nvt_pcie *pcie, unsigned int id)
{
	return nvt_fail(-ENOENT, "%s: capability %#x: the function has none", pcie->addr, id);
}

static int fail_endless(struct nvt_pcie *pcie, unsigned int id)
{
	return nvt_fail(-ELOOP, "%s: capability %#x: the list of capabilities has no end",
			pcie->addr, id);
}

static int fail_all_ones(struct nvt_pcie *pcie, unsigned int id)
{
	return nvt_fail(-EIO, "%s: capability %#x: config space reads as all-ones; the device is "
			"gone or its link is down", pcie->addr, id);
}

/* PCI Local Bus 3.0, 6.7: the two lowest bits of each pointer are reserved. */
int nvt_pcie_find_cap(struct nvt_pcie *pcie, uint8_t id)
{
	uint32_t status, pos, header;
	int n, err;

	err = nvt_pcie_config_read(pcie, CFG_STATUS, 2, &status);
	if (err)
		return err;
	if (status == 0xffff)
		return fail_all_ones(pcie, id);
	if (!(status & CFG_STATUS_CAP_LIST))
		return fail_no_cap(pcie, id);
	err = nvt_pcie_config_read(pcie, CFG_CAP_POINTER, 1, &pos);
	for (n = 0; !err && n < CFG_CAP_MAX; n++) {
		pos &= 0xfc;
		if (pos < CFG_CAP_FIRST)
			return fail_no_cap(pcie, id);
		err = nvt_pcie_config_read(pcie, pos, 2, &header);
		if (!err && (header & 0xff) == id)
			return pos;
		pos = header >> 8;
	}
	return err ? err : fail_endless(pcie, id);
}

/* PCI Express Base 6.0, 7.6.3: id 15:0, version 19:16, next 31:20. */
int nvt_pcie_find_ext_cap(struct nvt_pcie *pcie, uint16_t id)
{
	uint32_t pos = CFG_EXT_CAP_FIRST, header;
	int n, err;

	if (pcie->info.config_size <= CFG_EXT_CAP_FIRST)
		return fail_no_cap(pcie, id);
	for (n = 0; n < CFG_EXT_CAP_MAX; n++) {
		err = nvt_pcie_config_read(pcie, pos, 4, &header);
		if (err)
			return err;
		if (header == 0xffffffff)
			return fail_all_ones(pcie, id);
		if (!header)
			return fail_no_cap(pcie, id);
		if ((header & 0xffff) == id)
			return pos;
		pos = (header >> 20) & 0xffc;
		if (pos < CFG_EXT_CAP_FIRST)
			return fail_no_cap(pcie, id);
	}
	return fail_endless(pcie, id);
}

int nvt_pcie_set_vectors(struct nvt_pcie *pcie, int type, unsigned int count)
{
	struct nvt_vectors_set set = { .type = type, .count = type ? count : 0 };
	int err;

	err = pcie->ops->set_vectors(pcie, &set);
	switch (err) {
	case 0:
		return set.count;
	case -EOPNOTSUPP:
		return nvt_fail(err, "%s: vectors: the function has no such interrupts (type %d)",
				pcie->addr, type);
	case -EBUSY:
		return nvt_fail(err, "%s: vectors: a managed queue uses one; delete it first",
				pcie->addr);
	case -ENOSPC:
		return nvt_fail(err, "%s: vectors: the host has none left; ask for fewer than %u",
				pcie->addr, count);
	default:
		return fail_call(pcie, err, "vectors");
	}
}

/*
 * The handler stores @interrupts last, with release: what is read between two
 * equal values of it belongs to no later interrupt that has ended.
 */
int nvt_pcie_vector(struct nvt_pcie *pcie, unsigned int vector, struct nvt_vector_counter *counter)
{
	const volatile struct nvt_vector_counter *from;
	int n;

	if (vector >= __atomic_load_n(&pcie->status->nr_vectors, __ATOMIC_ACQUIRE))
		return nvt_fail(-EINVAL, "%s: vector %u: not allocated", pcie->addr, vector);
	from = &pcie->status->vector[vector];
	memset(counter, 0, sizeof(*counter));
	for (n = 0; n < VECTOR_READ_RETRIES; n++) {
		counter->interrupts = __atomic_load_n(&from->interrupts, __ATOMIC_ACQUIRE);
		counter->completions = __atomic_load_n(&from->completions, __ATOMIC_RELAXED);
		counter->empty = __atomic_load_n(&from->empty, __ATOMIC_RELAXED);
		counter->last_ns = __atomic_load_n(&from->last_ns, __ATOMIC_RELAXED);
		counter->prev_ns = __atomic_load_n(&from->prev_ns, __ATOMIC_RELAXED);
		counter->last_cpu = __atomic_load_n(&from->last_cpu, __ATOMIC_RELAXED);
		counter->masked = __atomic_load_n(&from->masked, __ATOMIC_RELAXED);
		counter->storms = __atomic_load_n(&from->storms, __ATOMIC_RELAXED);
		/* The loads above before the one below; against the handler. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (counter->interrupts == __atomic_load_n(&from->interrupts, __ATOMIC_RELAXED))
			break;
	}
	return 0;
}

int nvt_pcie_restore(struct nvt_pcie *pcie)
{
	int err = pcie->ops->restore(pcie);

	return err ? fail_call(pcie, err, "restore of config space") : 0;
}

int nvt_pcie_reset(struct nvt_pcie *pcie)
{
	int err = pcie->ops->reset(pcie, NVT_RESET_FUNCTION);

	if (err == -ENOTTY)
		return nvt_fail(err, "%s: reset: the function has no reset", pcie->addr);
	if (err == -EAGAIN)
		return nvt_fail(err, "%s: reset: it is being reset or removed; try again",
				pcie->addr);
	return err ? fail_call(pcie, err, "reset") : 0;
}
