// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way back of a command: CQE -> slot -> record -> io_uring. Runs in hard
 * interrupt context, or in the task that polls. Nothing that the device wrote
 * is believed before it is checked.
 */
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/nvme.h>

#include "nvt_kmod.h"

#define NVT_REAP_BATCH	32

/* A command leaves its slot once; a cancelled one leaves nothing to complete. */
static struct io_uring_cmd *nvt_slot_take(struct nvt_sq *sq, u16 cid)
{
	struct io_uring_cmd *ioucmd = READ_ONCE(sq->slots[cid]);

	do {
		if (!ioucmd || ioucmd == NVT_RESERVED)
			return NULL;
	} while (!try_cmpxchg(&sq->slots[cid], &ioucmd, NULL));
	return ioucmd;
}

/* Delete I/O Queue succeeded: the device no longer knows of that ring. */
static void nvt_queue_deleted(struct nvt_dev *dev, const struct nvt_pdu *pdu)
{
	struct nvt_sq *sq;
	struct nvt_cq *cq;

	if (pdu->delete_opcode == nvme_admin_delete_sq) {
		sq = xa_load(&dev->sqs, pdu->delete_qid);
		if (sq)
			WRITE_ONCE(sq->deleted, true);
	} else {
		cq = xa_load(&dev->cqs, pdu->delete_qid);
		if (cq)
			WRITE_ONCE(cq->deleted, true);
	}
}

static void nvt_command_finish(struct nvt_sq *sq, struct io_uring_cmd *ioucmd, u16 cid,
			       const struct nvt_cqe *cqe, u64 now)
{
	struct nvt_record *record = &sq->records[cid];
	struct nvt_pdu *pdu = nvt_pdu(ioucmd);

	memcpy(record->cqe, cqe, sizeof(record->cqe));
	/* Posted after the interrupt that it is reaped at: that one's time is not its own. */
	record->complete_ns = now >= record->submit_ns ? now : ktime_get_ns();
	pdu->dw0 = le32_to_cpu(cqe->dw0);
	pdu->dw1 = le32_to_cpu(cqe->dw1);
	pdu->res = le32_to_cpu(cqe->cid_status) >> 17;
	if (pdu->deletes && !pdu->res)
		nvt_queue_deleted(sq->dev, pdu);
}

/* The command that this entry completes, or NULL. */
static struct io_uring_cmd *nvt_cqe_match(struct nvt_cq *cq, const struct nvt_cqe *cqe, u64 now)
{
	struct nvt_sq *sq = xa_load(&cq->dev->sqs, le32_to_cpu(cqe->sqhd_sqid) >> 16);
	u16 cid = le32_to_cpu(cqe->cid_status) & 0xffff;
	struct io_uring_cmd *ioucmd = NULL;

	if (sq && sq->managed && sq->cq == cq && cid < sq->nr_entries) {
		cid = array_index_nospec(cid, sq->nr_entries);
		ioucmd = nvt_slot_take(sq, cid);
	}
	if (!ioucmd) {
		cq->unexpected++;
		return NULL;
	}
	sq->completed++;
	if (ioucmd == NVT_ORPHAN) {
		atomic_dec_if_positive(&cq->dev->orphans);
		return NULL;
	}
	nvt_command_finish(sq, ioucmd, cid, cqe, now);
	return ioucmd;
}

static bool nvt_cq_next(struct nvt_cq *cq, struct nvt_cqe *cqe)
{
	const struct nvt_cqe *entry = &cq->ring[cq->head];
	u32 cid_status = le32_to_cpu(READ_ONCE(entry->cid_status));

	if ((cid_status >> 16 & 1) != cq->phase)
		return false;
	/* Against the device: the phase bit is written last. */
	dma_rmb();
	*cqe = *entry;
	if (++cq->head == cq->nr_entries) {
		cq->head = 0;
		cq->phase ^= 1;
	}
	return true;
}

/* One batch, one doorbell. Returns the entries seen, *nr of which go to done[]. */
static unsigned int nvt_cq_reap_batch(struct nvt_cq *cq, u64 now, struct io_uring_cmd **done,
				      unsigned int *nr)
{
	unsigned int seen = 0;
	unsigned long flags;
	struct nvt_cqe cqe;

	*nr = 0;
	spin_lock_irqsave(&cq->lock, flags);
	while (seen < NVT_REAP_BATCH && !cq->dead && nvt_cq_next(cq, &cqe)) {
		done[*nr] = nvt_cqe_match(cq, &cqe, now);
		if (done[*nr])
			(*nr)++;
		seen++;
	}
	if (seen)
		writel(cq->head, cq->doorbell);
	spin_unlock_irqrestore(&cq->lock, flags);
	return seen;
}

/* Bounded, so that a device which never stops posting cannot hold the CPU. */
unsigned int nvt_cq_reap(struct nvt_cq *cq, u64 now)
{
	struct io_uring_cmd *done[NVT_REAP_BATCH];
	unsigned int i, nr, seen, total = 0;

	do {
		seen = nvt_cq_reap_batch(cq, total ? ktime_get_ns() : now, done, &nr);
		for (i = 0; i < nr; i++)
			nvt_uring_complete(done[i], true);
		total += seen;
	} while (seen == NVT_REAP_BATCH && total < 4 * cq->nr_entries);
	return total;
}

/* The queue is dead: every command in it ends with an all-ones completion. */
void nvt_sq_end_commands(struct nvt_sq *sq)
{
	struct io_uring_cmd *ioucmd;
	struct nvt_cqe ones;
	u32 cid;

	if (!sq->managed)
		return;
	memset(&ones, 0xff, sizeof(ones));
	for (cid = 0; cid < sq->nr_entries; cid++) {
		ioucmd = nvt_slot_take(sq, cid);
		if (!ioucmd || ioucmd == NVT_ORPHAN)
			continue;
		nvt_command_finish(sq, ioucmd, cid, &ones, ktime_get_ns());
		nvt_uring_complete(ioucmd, false);
	}
}
