// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way back of a command: CQE -> slot -> record -> whoever waits. Runs in
 * hard interrupt context, or in the task that polls. Nothing that the device
 * wrote is believed before it is checked.
 */
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/nvme.h>

#include "nvt_kmod.h"
#include "trace.h"

#define NVT_REAP_BATCH	32

static void nvt_cmd_complete(struct nvt_cmd *cmd, bool polling)
{
	if (cmd->kind == NVT_CMD_WAITER)
		nvt_waiter_wake(cmd);
	else
		nvt_uring_complete(cmd, polling);
}

/* Delete I/O Queue succeeded: the device no longer knows of that ring. */
static void nvt_queue_deleted(struct nvt_dev *dev, const struct nvt_cmd *cmd)
{
	struct nvt_sq *sq;
	struct nvt_cq *cq;

	if (cmd->delete_opcode == nvme_admin_delete_sq) {
		sq = xa_load(&dev->sqs, cmd->delete_qid);
		if (sq)
			WRITE_ONCE(sq->deleted, true);
	} else {
		cq = xa_load(&dev->cqs, cmd->delete_qid);
		if (cq)
			WRITE_ONCE(cq->deleted, true);
	}
}

static void nvt_cmd_finish(struct nvt_sq *sq, struct nvt_cmd *cmd, const struct nvt_cqe *cqe,
			   u64 now)
{
	struct nvt_record *record = &sq->records[cmd->cid];

	memcpy(record->cqe, cqe, sizeof(record->cqe));
	/* Posted after the interrupt that it is reaped at: that one's time is not its own. */
	record->complete_ns = now >= record->submit_ns ? now : ktime_get_ns();
	cmd->dw0 = le32_to_cpu(cqe->dw0);
	cmd->dw1 = le32_to_cpu(cqe->dw1);
	cmd->res = le32_to_cpu(cqe->cid_status) >> 17;
	if (cmd->kind == NVT_CMD_WAITER)
		nvt_waiter_keep(cmd, record);
	if (cmd->deletes && !cmd->res)
		nvt_queue_deleted(sq->dev, cmd);
}

void nvt_cmd_finish_ones(struct nvt_sq *sq, struct nvt_cmd *cmd)
{
	struct nvt_cqe ones;

	memset(&ones, 0xff, sizeof(ones));
	nvt_cmd_finish(sq, cmd, &ones, ktime_get_ns());
}

static void nvt_report(struct nvt_cq *cq, enum nvt_event event, const struct nvt_cqe *cqe, u64 now)
{
	struct nvt_notice notice = {
		.event	= event,
		.attrs	= BIT(NVT_ATTR_CQID) | BIT(NVT_ATTR_SQID) | BIT(NVT_ATTR_CID) |
			  BIT(NVT_ATTR_CQE),
		.cqid	= cq->qid,
		.sqid	= le32_to_cpu(cqe->sqhd_sqid) >> 16,
		.cid	= le32_to_cpu(cqe->cid_status),
		.ns	= now,
	};

	memcpy(notice.cqe, cqe, sizeof(notice.cqe));
	nvt_notify(cq->dev, notice);
}

/* The slot that this entry names, or NULL. */
static struct nvt_slot *nvt_cqe_slot(struct nvt_cq *cq, struct nvt_sq *sq,
				     const struct nvt_cqe *cqe)
{
	u16 cid = le32_to_cpu(cqe->cid_status);

	if (!sq || !sq->managed || sq->cq != cq || cid >= sq->nr_entries)
		return NULL;
	return &sq->slots[array_index_nospec(cid, sq->nr_entries)];
}

/* The command that this entry completes, or NULL. The slot is free once its record is full. */
static struct nvt_cmd *nvt_cqe_match(struct nvt_cq *cq, struct nvt_sq *sq,
				     const struct nvt_cqe *cqe, u64 now)
{
	struct nvt_slot *slot = nvt_cqe_slot(cq, sq, cqe);
	struct nvt_cmd *cmd;

	/* Pairs with the release of nvt_sq_post(). */
	cmd = slot ? smp_load_acquire(&slot->cmd) : NULL;
	trace_complete(cq, cqe);
	if (!cmd || cmd == NVT_RESERVED) {
		cq->unexpected++;
		nvt_report(cq, NVT_EVENT_COMPLETION_UNEXPECTED, cqe, now);
		return NULL;
	}
	sq->completed++;
	if (cmd == NVT_ORPHAN) {
		sq->late++;
		nvt_report(cq, NVT_EVENT_COMPLETION_LATE, cqe, now);
		cmd = NULL;
	} else {
		nvt_cmd_finish(sq, cmd, cqe, now);
	}
	/* The record is full before the id is free. */
	smp_store_release(&slot->cmd, NULL);
	return cmd;
}

static bool nvt_cq_phase_matches(struct nvt_cq *cq)
{
	return (le32_to_cpu(READ_ONCE(cq->ring[cq->head].cid_status)) >> 16 & 1) == cq->phase;
}

/* An entry waits to be reaped. */
bool nvt_cq_visible(struct nvt_cq *cq)
{
	lockdep_assert_held(&cq->lock);
	return !cq->dead && nvt_cq_phase_matches(cq);
}

static bool nvt_cq_next(struct nvt_cq *cq, struct nvt_cqe *cqe)
{
	if (!nvt_cq_phase_matches(cq))
		return false;
	/* Against the device: the phase bit is written last. */
	dma_rmb();
	*cqe = cq->ring[cq->head];
	if (++cq->head == cq->nr_entries) {
		cq->head = 0;
		cq->phase ^= 1;
	}
	cq->reaped++;
	return true;
}

/* One batch, one doorbell. Returns the entries seen, *nr of which go to done[]. */
static unsigned int nvt_cq_reap_batch(struct nvt_cq *cq, u64 now, struct nvt_cmd **done,
				      unsigned int *nr)
{
	struct nvt_sq *sq = NULL;
	unsigned int seen = 0;
	unsigned long flags;
	struct nvt_cqe cqe;
	u16 sqid;

	*nr = 0;
	spin_lock_irqsave(&cq->lock, flags);
	while (seen < NVT_REAP_BATCH && !cq->dead && nvt_cq_next(cq, &cqe)) {
		sqid = le32_to_cpu(cqe.sqhd_sqid) >> 16;
		if (!sq || sq->qid != sqid)
			sq = nvt_sq_find(cq->dev, sqid);
		done[*nr] = nvt_cqe_match(cq, sq, &cqe, now);
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
	struct nvt_cmd *done[NVT_REAP_BATCH];
	unsigned int i, nr, seen, total = 0;

	do {
		seen = nvt_cq_reap_batch(cq, total ? ktime_get_ns() : now, done, &nr);
		for (i = 0; i < nr; i++)
			nvt_cmd_complete(done[i], true);
		total += seen;
	} while (seen == NVT_REAP_BATCH && total < 4 * cq->nr_entries);
	return total;
}

/* Nobody waits for it any more; false if it has ended meanwhile. The caller completes it. */
bool nvt_sq_orphan(struct nvt_sq *sq, struct nvt_cmd *cmd)
{
	struct nvt_slot *slot = &sq->slots[cmd->cid];
	unsigned long flags;
	bool in_flight;

	spin_lock_irqsave(&sq->cq->lock, flags);
	in_flight = slot->cmd == cmd;
	if (in_flight)
		WRITE_ONCE(slot->cmd, NVT_ORPHAN);
	spin_unlock_irqrestore(&sq->cq->lock, flags);
	return in_flight;
}

static struct nvt_cmd *nvt_slot_end(struct nvt_sq *sq, struct nvt_slot *slot)
{
	struct nvt_cmd *cmd;
	unsigned long flags;

	spin_lock_irqsave(&sq->cq->lock, flags);
	cmd = slot->cmd;
	if (nvt_slot_in_flight(cmd))
		nvt_cmd_finish_ones(sq, cmd);
	if (cmd != NVT_RESERVED)
		WRITE_ONCE(slot->cmd, NULL);
	spin_unlock_irqrestore(&sq->cq->lock, flags);
	return nvt_slot_in_flight(cmd) ? cmd : NULL;
}

/* The queue is dead: every command in it ends with an all-ones completion. */
void nvt_sq_end_commands(struct nvt_sq *sq)
{
	struct nvt_cmd *cmd;
	u32 cid;

	if (!sq->managed)
		return;
	for (cid = 0; cid < sq->nr_entries; cid++) {
		cmd = nvt_slot_end(sq, &sq->slots[cid]);
		if (cmd)
			nvt_cmd_complete(cmd, false);
	}
}
