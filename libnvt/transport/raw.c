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

struct raw {
	struct nvt_sqe *sq;
	const struct nvt_cqe *cq;
	volatile uint32_t *sq_doorbell;
	volatile uint32_t *cq_doorbell;
	const volatile uint32_t *csts;
	uint32_t entries;
	uint32_t sq_tail;	/* where the next entry goes */
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
	raw->sq = nvt_buffer_data(qp->sq_mem);
	raw->cq = nvt_buffer_data(qp->cq_mem);
	raw->entries = qp->entries;
	raw->phase = 1;
	err = map_doorbells(qp, raw);
	if (err) {
		free(raw);
		return err;
	}
	qp->transport = raw;
	return 0;
}

static void raw_destroy(struct nvt_qpair *qp)
{
	free(qp->transport);
}

static inline uint32_t next_index(const struct raw *raw, uint32_t index)
{
	return index + 1 == raw->entries ? 0 : index + 1;
}

static int raw_post(struct nvt_qpair *qp, const struct nvt_sqe *sqe)
{
	struct raw *raw = qp->transport;

	raw->sq[raw->sq_tail] = *sqe;
	raw->sq_tail = next_index(raw, raw->sq_tail);
	return 0;
}

static int raw_ring(struct nvt_qpair *qp)
{
	struct raw *raw = qp->transport;
	uint64_t now;
	uint32_t i;

	if (raw->sq_rung == raw->sq_tail || !nvt_qpair_alive(qp))
		return 0;
	now = nvt_now_ns();
	for (i = raw->sq_rung; i != raw->sq_tail; i = next_index(raw, i))
		qp->slots[raw->sq[i].cid].submit_ns = now;
	/*
	 * The entries before the doorbell, against the device that fetches
	 * them: x86 keeps stores in order, the last of them uncached too, so
	 * only the compiler is held back.
	 */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*raw->sq_doorbell = raw->sq_tail;
	raw->sq_rung = raw->sq_tail;
	return 0;
}

/* The device writes the phase bit with the last dword of a completion. 4.2.4.1 */
static inline bool raw_has_completion(const struct raw *raw)
{
	/* Acquire: the rest of the completion is read after it, against the device. */
	uint16_t status_phase = __atomic_load_n(&raw->cq[raw->cq_head].status_phase,
						__ATOMIC_ACQUIRE);

	return (status_phase & 1) == raw->phase;
}

static bool raw_take(struct nvt_qpair *qp, struct raw *raw, uint64_t *now)
{
	struct nvt_cpl cpl = { .cqe = raw->cq[raw->cq_head] };

	raw->cq_head = next_index(raw, raw->cq_head);
	if (!raw->cq_head)
		raw->phase ^= 1;
	if (cpl.cqe.sqid != qp->qid || !nvt_qpair_expects(qp, cpl.cqe.cid)) {
		qp->unexpected++;
		return false;
	}
	cpl.submit_ns = qp->slots[cpl.cqe.cid].submit_ns;
	/* A callback of this batch may have rung it. */
	if (cpl.submit_ns > *now)
		*now = nvt_now_ns();
	cpl.complete_ns = *now;
	nvt_qpair_end(qp, cpl.cqe.cid, &cpl);
	return true;
}

static int raw_poll(struct nvt_qpair *qp, unsigned int max)
{
	struct raw *raw = qp->transport;
	unsigned int ended = 0, taken = 0;
	uint64_t now;

	raw_ring(qp);
	if (!raw_has_completion(raw))
		return 0;
	now = nvt_now_ns();
	do
		ended += raw_take(qp, raw, &now);
	while (ended < max && ++taken < raw->entries && raw_has_completion(raw));
	if (!nvt_qpair_alive(qp))
		return ended;
	/* Frees the entries only after they were read; fence as in raw_ring(). */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*raw->cq_doorbell = raw->cq_head;
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
	.post = raw_post,
	.ring = raw_ring,
	.poll = raw_poll,
	.wait = raw_wait,
};
