// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The raw back end: rings and doorbells are mapped, nothing on the way of a
 * command is a system call. NVMe Base 2.1, 3.3.1 (memory-based transport).
 */
#include <stdlib.h>

#include <nvme/types.h>

#include "clock.h"
#include "err.h"
#include "transport/transport.h"

#define DOORBELLS	0x1000	/* NVMe over PCIe 1.1, 3.1.2 */
#define REAP_BATCH	128	/* completions to a CQ doorbell, at most */

struct raw {
	const struct nvt_cqe *cq;
	volatile uint32_t *sq_doorbell;
	volatile uint32_t *cq_doorbell;
	const volatile uint32_t *csts;
	uint32_t entries;
	uint32_t sq_rung;	/* the tail that the device knows */
	uint32_t cq_head;	/* where the next completion comes */
	uint8_t phase;		/* its phase bit then */
};

static int map_doorbells(struct nvt_qpair *qp, struct raw *raw)
{
	size_t stride = 4UL << NVME_CAP_DSTRD(qp->ctrl->cap);
	size_t offset = DOORBELLS + 2UL * qp->qid * stride;
	volatile unsigned char *bar;
	size_t length;

	bar = nvt_pcie_map_bar(qp->pcie, 0, &length);
	if (!bar)
		return -errno;
	if (offset + stride + 4 > length)
		return nvt_fail(-EINVAL, "%s: queue %u: its doorbells lie beyond the end of BAR 0",
				qp->pcie->addr, qp->qid);
	raw->sq_doorbell = (volatile uint32_t *)(bar + offset);
	raw->cq_doorbell = (volatile uint32_t *)(bar + offset + stride);
	raw->csts = (const volatile uint32_t *)(bar + NVME_REG_CSTS);
	return 0;
}

static int raw_create(struct nvt_qpair *qp)
{
	struct raw *raw = calloc(1, sizeof(*raw));
	int err;

	if (!raw)
		return nvt_fail(-ENOMEM, "%s: queue %u: out of memory", qp->pcie->addr, qp->qid);
	raw->cq = nvt_buffer_data(qp->cq_mem);
	raw->entries = qp->entries;
	raw->phase = 1;
	err = map_doorbells(qp, raw);
	if (err) {
		free(raw);
		return err;
	}
	qp->sq = nvt_buffer_data(qp->sq_mem);
	qp->transport = raw;
	return 0;
}

static void raw_destroy(struct nvt_qpair *qp)
{
	free(qp->transport);
}

static void stamp(struct nvt_qpair *qp, uint32_t from, uint32_t to, uint64_t now)
{
	const struct nvt_sqe *sqe;

	for (sqe = &qp->sq[from]; sqe < &qp->sq[to]; sqe++)
		qp->slots[sqe->cid].submit_ns = now;
}

static int raw_ring(struct nvt_qpair *qp)
{
	struct raw *raw = qp->transport;
	uint64_t now;

	if (raw->sq_rung == qp->sq_tail || !nvt_qpair_alive(qp))
		return 0;
	now = nvt_now_ns();
	stamp(qp, raw->sq_rung, raw->sq_rung <= qp->sq_tail ? qp->sq_tail : raw->entries, now);
	if (raw->sq_rung > qp->sq_tail)
		stamp(qp, 0, qp->sq_tail, now);
	/*
	 * The entries before the doorbell, against the device that fetches
	 * them: x86 keeps stores in order, the last of them uncached too, so
	 * only the compiler is held back.
	 */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*raw->sq_doorbell = qp->sq_tail;
	raw->sq_rung = qp->sq_tail;
	return 0;
}

/* The device writes the phase bit with the last dword of a completion. 4.2.4.1 */
static inline bool has_phase(const struct nvt_cqe *cqe, uint8_t phase)
{
	/* Acquire: the rest of the completion is read after it, against the device. */
	return !((__atomic_load_n(&cqe->status_phase, __ATOMIC_ACQUIRE) ^ phase) & 1);
}

static inline bool raw_has_completion(const struct raw *raw)
{
	return has_phase(&raw->cq[raw->cq_head], raw->phase);
}

/*
 * Takes them out of the ring before callbacks run: those may poll. Up to the
 * end of the ring, so that the phase is the same.
 */
static unsigned int raw_collect(struct raw *raw, struct nvt_cpl *cpl, unsigned int max)
{
	const struct nvt_cqe *first = &raw->cq[raw->cq_head], *cqe = first, *end;

	end = first + (max < raw->entries - raw->cq_head ? max : raw->entries - raw->cq_head);
	for (; cqe < end && has_phase(cqe, raw->phase); cqe++, cpl++)
		cpl->cqe = *cqe;
	raw->cq_head += cqe - first;
	if (raw->cq_head == raw->entries) {
		raw->cq_head = 0;
		raw->phase ^= 1;
	}
	return cqe - first;
}

static inline void raw_take(struct nvt_qpair *qp, struct nvt_cpl *cpl, uint64_t *now)
{
	uint16_t cid = cpl->cqe.cid;

	if (__builtin_expect(cpl->cqe.sqid != qp->qid || !nvt_qpair_expects(qp, cid), 0)) {
		qp->unexpected++;
		return;
	}
	cpl->submit_ns = qp->slots[cid].submit_ns;
	/* A callback of this batch may have rung it. */
	if (__builtin_expect(cpl->submit_ns > *now, 0))
		*now = nvt_now_ns();
	cpl->complete_ns = *now;
	nvt_qpair_end(qp, cid, cpl);
}

/* The doorbell frees the entries only after they were read; fence as in raw_ring(). */
static unsigned int raw_reap_batch(struct nvt_qpair *qp, unsigned int max, unsigned int *ended)
{
	struct raw *raw = qp->transport;
	struct nvt_cpl cpl[REAP_BATCH];
	uint64_t now, unexpected = qp->unexpected;
	unsigned int i, n;

	if (max > REAP_BATCH)
		max = REAP_BATCH;
	n = raw_collect(raw, cpl, max);
	if (n && raw->cq_head == 0)
		n += raw_collect(raw, cpl + n, max - n);
	if (!n)
		return 0;
	if (nvt_qpair_alive(qp)) {
		__atomic_thread_fence(__ATOMIC_RELEASE);
		*raw->cq_doorbell = raw->cq_head;
	}
	now = nvt_now_ns();
	for (i = 0; i < n; i++)
		raw_take(qp, &cpl[i], &now);
	*ended += n - (qp->unexpected - unexpected);
	return n;
}

static int raw_poll(struct nvt_qpair *qp, unsigned int max)
{
	unsigned int ended = 0, taken = 0, n;

	raw_ring(qp);
	do {
		n = raw_reap_batch(qp, max - ended, &ended);
		taken += n;
	} while (n && ended < max && taken < qp->entries);
	return ended;
}

/*
 * A device that is gone shows in its registers before anybody else knows. They
 * are read only once the wait is long: a read stalls the CPU and goes through
 * a virtual machine's monitor.
 */
static int raw_wait(struct nvt_qpair *qp, unsigned int count, uint64_t deadline_ns)
{
	struct raw *raw = qp->transport;
	uint64_t start = nvt_now_ns(), now = start;

	raw_ring(qp);
	while (!raw_has_completion(raw) && now < deadline_ns && nvt_qpair_alive(qp)) {
		if (now - start > NVT_NS_PER_MS)
			nvt_qpair_look(qp, *raw->csts);
		nvt_relax(now - start);
		now = nvt_now_ns();
	}
	return 0;
}

const struct nvt_transport_ops nvt_raw_ops = {
	.create = raw_create,
	.destroy = raw_destroy,
	.ring = raw_ring,
	.poll = raw_poll,
	.wait = raw_wait,
};
