// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Interrupts of a PCI function: counted, waited for, masked, logged. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvt/irq.h>

#include "access/access.h"
#include "clock.h"
#include "err.h"
#include "host.h"

static int fail_vector(struct nvt_pcie *pcie, int err, unsigned int vector, const char *what)
{
	switch (err) {
	case -EINVAL:
		return nvt_fail(err, "%s: %s: vector %u: not allocated", pcie->addr, what, vector);
	case -EBADF:
		return nvt_fail(err, "%s: %s: the device is open to observe; open it to own it",
				pcie->addr, what);
	case -EAGAIN:
		return nvt_fail(err, "%s: %s: the device is being reset or is asleep; try again",
				pcie->addr, what);
	case -ENODEV:
		return nvt_fail(err, "%s: %s: the device is gone; close it", pcie->addr, what);
	default:
		return nvt_fail(err, "%s: %s: vector %u: %s", pcie->addr, what, vector,
				strerror(-err));
	}
}

static int read_count(struct nvt_pcie *pcie, unsigned int vector, uint64_t *count)
{
	if (vector >= __atomic_load_n(&pcie->status->nr_vectors, __ATOMIC_ACQUIRE))
		return fail_vector(pcie, -EINVAL, vector, "interrupts");
	*count = __atomic_load_n(&pcie->status->vector[vector].interrupts, __ATOMIC_ACQUIRE);
	return 0;
}

/* Of vectors that were allocated anew the count starts anew too, below an old base. */
int nvt_irq_count(struct nvt_pcie *pcie, unsigned int vector, uint64_t *count)
{
	uint64_t *bases = __atomic_load_n(&pcie->irq_base, __ATOMIC_ACQUIRE), base = 0;
	int err = read_count(pcie, vector, count);

	if (err)
		return err;
	if (bases)
		base = __atomic_load_n(&bases[vector], __ATOMIC_RELAXED);
	*count -= base <= *count ? base : 0;
	return 0;
}

static uint64_t *find_bases(struct nvt_pcie *pcie)
{
	size_t room = (pcie->status_length - sizeof(*pcie->status)) /
		      sizeof(pcie->status->vector[0]);

	pthread_mutex_lock(&pcie->lock);
	if (!pcie->irq_base)
		__atomic_store_n(&pcie->irq_base, calloc(room, sizeof(uint64_t)), __ATOMIC_RELEASE);
	pthread_mutex_unlock(&pcie->lock);
	return pcie->irq_base;
}

int nvt_irq_clear(struct nvt_pcie *pcie, unsigned int vector)
{
	uint64_t count = 0, *bases;
	int err = read_count(pcie, vector, &count);

	if (err)
		return err;
	bases = find_bases(pcie);
	if (!bases)
		return nvt_fail(-ENOMEM, "%s: interrupts: out of memory", pcie->addr);
	__atomic_store_n(&bases[vector], count, __ATOMIC_RELAXED);
	return 0;
}

int nvt_irq_isset(struct nvt_pcie *pcie, unsigned int vector)
{
	uint64_t count = 0;
	int err = nvt_irq_count(pcie, vector, &count);

	return err ? err : count > 0;
}

int nvt_irq_wait(struct nvt_pcie *pcie, unsigned int vector, uint64_t nth, unsigned int timeout_ms)
{
	uint64_t start = nvt_now_ns(), now = start, count;
	int err;

	for (;;) {
		err = nvt_irq_count(pcie, vector, &count);
		if (err || count >= nth)
			return err;
		if (nvt_pcie_state(pcie) == NVT_STATE_GONE)
			return fail_vector(pcie, -ENODEV, vector, "wait for an interrupt");
		/* After the count was looked at: a late look counts in full. */
		if (now - start >= timeout_ms * NVT_NS_PER_MS)
			return nvt_fail(-ETIMEDOUT, "%s: vector %u: %llu interrupts within %u ms, "
					"not %llu", pcie->addr, vector, (unsigned long long)count,
					timeout_ms, (unsigned long long)nth);
		nvt_relax(now - start);
		now = nvt_now_ns();
	}
}

int nvt_irq_info(struct nvt_pcie *pcie, unsigned int vector, struct nvt_vector_info *info)
{
	int err;

	memset(info, 0, sizeof(*info));
	info->vector = vector;
	err = pcie->ops->vector_info(pcie, info);
	return err ? fail_vector(pcie, err, vector, "vector info") : 0;
}

int nvt_irq_pending(struct nvt_pcie *pcie, unsigned int vector)
{
	struct nvt_vector_info info;
	int err = nvt_irq_info(pcie, vector, &info);

	if (err)
		return err;
	if (info.pending == NVT_PENDING_UNKNOWN)
		return nvt_fail(-EOPNOTSUPP, "%s: vector %u: its MSI capability has no pending bits",
				pcie->addr, vector);
	return info.pending;
}

static int set_mask(struct nvt_pcie *pcie, unsigned int vector, bool mask, const char *what)
{
	int err = pcie->ops->vector_mask(pcie, vector, mask);

	if (err == -EOPNOTSUPP)
		return nvt_fail(err, "%s: %s: its MSI capability has no mask bits; use MSI-X",
				pcie->addr, what);
	return err ? fail_vector(pcie, err, vector, what) : 0;
}

int nvt_irq_mask(struct nvt_pcie *pcie, unsigned int vector)
{
	return set_mask(pcie, vector, true, "mask");
}

int nvt_irq_unmask(struct nvt_pcie *pcie, unsigned int vector)
{
	return set_mask(pcie, vector, false, "unmask");
}

int nvt_irq_eventfd(struct nvt_pcie *pcie, unsigned int vector, int fd)
{
	int err = pcie->ops->vector_eventfd(pcie, vector, fd);

	if (err == -EINVAL && vector < pcie->status->nr_vectors)
		return nvt_fail(err, "%s: eventfd: descriptor %d is not one", pcie->addr, fd);
	return err ? fail_vector(pcie, err, vector, "eventfd") : 0;
}

static int affinity_path(struct nvt_pcie *pcie, unsigned int vector, char path[PATH_MAX])
{
	struct nvt_vector_info info;
	int err = nvt_irq_info(pcie, vector, &info);

	if (err)
		return err;
	if (!info.irq)
		return nvt_fail(-EOPNOTSUPP, "%s: affinity: its interrupts are eventfds, not the "
				"host's; pin the thread that waits", pcie->addr);
	snprintf(path, PATH_MAX, "%s/irq/%u/smp_affinity_list", nvt_this_host.proc, info.irq);
	return 0;
}

int nvt_irq_affinity(struct nvt_pcie *pcie, unsigned int vector, char *cpus, size_t size)
{
	char path[PATH_MAX];
	int err = affinity_path(pcie, vector, path);

	if (err)
		return err;
	err = nvt_host_read(path, cpus, size);
	return err ? nvt_fail(err, "%s: affinity: %s: %s", pcie->addr, path, strerror(-err)) : 0;
}

int nvt_irq_set_affinity(struct nvt_pcie *pcie, unsigned int vector, const char *cpus)
{
	char path[PATH_MAX];
	int err = affinity_path(pcie, vector, path);

	if (err)
		return err;
	err = nvt_host_write(path, cpus);
	return err ? nvt_fail(err, "%s: affinity: '%.64s' to %s: %s", pcie->addr, cpus, path,
			      strerror(-err)) : 0;
}

int nvt_irq_log_start(struct nvt_pcie *pcie, uint32_t entries)
{
	int err = entries ? pcie->ops->irq_log(pcie, entries) : -EINVAL;

	if (err == -EINVAL)
		return nvt_fail(err, "%s: log of interrupts: %u entries; give a power of two up to "
				"2^20", pcie->addr, entries);
	return err ? fail_vector(pcie, err, 0, "log of interrupts") : 0;
}

void nvt_irq_log_stop(struct nvt_pcie *pcie)
{
	if (pcie->irq_log)
		pcie->ops->irq_log(pcie, 0);
}

/* False: it is being written, or was overwritten meanwhile. */
static bool read_entry(const struct nvt_irq_log *log, uint64_t index, struct nvt_irq_entry *entry)
{
	const struct nvt_irq_entry *from = &log->entry[index & (log->nr_entries - 1)];

	/* Pairs with the release of the handler that wrote it. */
	if (__atomic_load_n(&from->seq, __ATOMIC_ACQUIRE) != index + 1)
		return false;
	entry->seq = index + 1;
	entry->ns = __atomic_load_n(&from->ns, __ATOMIC_RELAXED);
	entry->vector = __atomic_load_n(&from->vector, __ATOMIC_RELAXED);
	entry->cpu = __atomic_load_n(&from->cpu, __ATOMIC_RELAXED);
	entry->completions = __atomic_load_n(&from->completions, __ATOMIC_RELAXED);
	entry->resv = 0;
	/* The loads above before the one below, against a handler that takes the entry again. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&from->seq, __ATOMIC_RELAXED) == index + 1;
}

static void skip_overwritten(const struct nvt_irq_log *log, struct nvt_irq_cursor *cursor,
			     uint64_t head)
{
	uint64_t gone;

	if (head - cursor->next <= log->nr_entries)
		return;
	gone = head - cursor->next - log->nr_entries;
	cursor->next += gone;
	cursor->overwritten += gone;
}

int nvt_irq_log_read(struct nvt_pcie *pcie, struct nvt_irq_cursor *cursor,
		     struct nvt_irq_entry *entries, unsigned int max)
{
	const struct nvt_irq_log *log = pcie->irq_log;
	unsigned int n = 0;
	uint64_t head;

	if (!log)
		return nvt_fail(-EINVAL, "%s: log of interrupts: there is none; start it first",
				pcie->addr);
	head = __atomic_load_n(&log->head, __ATOMIC_ACQUIRE);
	while (n < max) {
		skip_overwritten(log, cursor, head);
		if (cursor->next == head)
			break;
		if (read_entry(log, cursor->next, &entries[n])) {
			cursor->next++;
			n++;
			continue;
		}
		/* Overwritten: the head tells. Else its handler is still at it, and it comes next time. */
		if (head == __atomic_load_n(&log->head, __ATOMIC_ACQUIRE))
			break;
		head = __atomic_load_n(&log->head, __ATOMIC_ACQUIRE);
		if (head - cursor->next <= log->nr_entries)
			break;
	}
	return n;
}
