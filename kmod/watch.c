// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks at managed queues ten times a second, for what no interrupt tells of:
 * commands whose time is up, or whose task or ring is ending and waits for
 * them (io_uring cancels them by itself on some kernels and rings only), and
 * completions whose interrupt was lost. Frees what was kept for commands that have ended.
 */
#include <linux/ktime.h>

#include "nvt_kmod.h"

#define NVT_WATCH_NS	(100 * (u64)NSEC_PER_MSEC)
#define NVT_WATCH_BATCH	32

struct nvt_given_up {
	struct nvt_cmd *cmd;
	bool timed_out;
};

static void nvt_notify_timeout(struct nvt_sq *sq, u16 cid, u64 now)
{
	struct nvt_notice notice = {
		.event	= NVT_EVENT_COMMAND_TIMEOUT,
		.attrs	= BIT(NVT_ATTR_SQID) | BIT(NVT_ATTR_CID),
		.sqid	= sq->qid,
		.cid	= cid,
		.ns	= now,
	};

	nvt_notify(sq->dev, notice);
}

static void nvt_notify_lost(struct nvt_cq *cq, u64 now)
{
	struct nvt_notice notice = {
		.event	= NVT_EVENT_INTERRUPT_LOST,
		.attrs	= BIT(NVT_ATTR_CQID) | BIT(NVT_ATTR_VECTOR),
		.cqid	= cq->qid,
		.vector	= cq->vector->index,
		.ns	= now,
	};

	nvt_notify(cq->dev, notice);
}

/* An interrupt that is masked by the owner is not lost. */
static bool nvt_cq_watched(struct nvt_cq *cq)
{
	return cq->managed && cq->vector && !(READ_ONCE(cq->vector->masked) & NVT_MASKED_OWNER);
}

/* What waits in a CQ although no interrupt told of it. */
void nvt_cq_reap_missed(struct nvt_cq *cq, u64 now)
{
	unsigned int reaped = nvt_cq_watched(cq) ? nvt_cq_reap(cq, now) : 0;

	if (!reaped)
		return;
	spin_lock_irq(&cq->lock);
	cq->missed += reaped;
	spin_unlock_irq(&cq->lock);
	nvt_notify_lost(cq, now);
}

/* One entry at the head for longer than any coalescing time (25.5 ms): none will come. */
static void nvt_watch_cq(struct nvt_cq *cq, u64 now)
{
	bool stalled;

	if (!nvt_cq_watched(cq))
		return;
	spin_lock_irq(&cq->lock);
	if (!nvt_cq_visible(cq)) {
		cq->stalled_ns = 0;
	} else if (!cq->stalled_ns || cq->stalled_at != cq->reaped) {
		cq->stalled_ns = now;
		cq->stalled_at = cq->reaped;
	}
	stalled = cq->stalled_ns && now - cq->stalled_ns >= NVT_WATCH_NS;
	spin_unlock_irq(&cq->lock);
	if (stalled)
		nvt_cq_reap_missed(cq, now);
}

/* Under cq->lock. Whether to give it up; *next is the earliest deadline of those that stay. */
static bool nvt_slot_check(struct nvt_sq *sq, struct nvt_slot *slot, u64 now, u64 *next,
			   struct nvt_given_up *given_up)
{
	struct nvt_cmd *cmd;

	/* Pairs with the release of nvt_sq_post(). */
	cmd = smp_load_acquire(&slot->cmd);
	if (!nvt_slot_in_flight(cmd))
		return false;
	given_up->cmd = cmd;
	given_up->timed_out = slot->deadline_ns && slot->deadline_ns <= now;
	if (!given_up->timed_out && !(cmd->kind != NVT_CMD_WAITER && nvt_uring_abandoned(cmd))) {
		if (slot->deadline_ns)
			*next = min(*next, slot->deadline_ns);
		return false;
	}
	nvt_cmd_finish_ones(sq, cmd);
	cmd->res = given_up->timed_out ? -ETIME : -ECANCELED;
	sq->timeouts += given_up->timed_out;
	WRITE_ONCE(slot->cmd, NVT_ORPHAN);
	return true;
}

static unsigned int nvt_watch_collect(struct nvt_sq *sq, u32 *cid, u64 now, u64 *next,
				      struct nvt_given_up *given_up)
{
	unsigned int nr = 0;

	spin_lock_irq(&sq->cq->lock);
	while (nr < NVT_WATCH_BATCH && *cid < sq->nr_entries)
		nr += nvt_slot_check(sq, &sq->slots[(*cid)++], now, next, &given_up[nr]);
	spin_unlock_irq(&sq->cq->lock);
	return nr;
}

static bool nvt_sq_due(struct nvt_sq *sq, u64 now)
{
	u64 deadline;
	u32 cid;

	for (cid = 0; cid < sq->nr_entries; cid++) {
		deadline = READ_ONCE(sq->slots[cid].deadline_ns);
		if (deadline && deadline <= now &&
		    nvt_slot_in_flight(READ_ONCE(sq->slots[cid].cmd)))
			return true;
	}
	return false;
}

static void nvt_watch_sq(struct nvt_sq *sq, u64 now, u64 *next)
{
	struct nvt_given_up given_up[NVT_WATCH_BATCH];
	unsigned int i, nr;
	u32 cid = 0;

	/* The device may have answered, and only its interrupt be missing. */
	if (nvt_sq_due(sq, now))
		nvt_cq_reap_missed(sq->cq, now);
	while (cid < sq->nr_entries) {
		nr = nvt_watch_collect(sq, &cid, now, next, given_up);
		for (i = 0; i < nr; i++) {
			if (given_up[i].timed_out)
				nvt_notify_timeout(sq, given_up[i].cmd->cid, now);
			nvt_uring_complete(given_up[i].cmd, false);
		}
	}
}

static void nvt_watch_again(struct nvt_dev *dev, u64 now, u64 next)
{
	WRITE_ONCE(dev->watch_ns, next);
	schedule_delayed_work(&dev->watch, nsecs_to_jiffies(next > now ? next - now : 0) + 1);
}

void nvt_watch(struct work_struct *work)
{
	struct nvt_dev *dev = container_of(work, struct nvt_dev, watch.work);
	u64 now = ktime_get_ns(), next = now + NVT_WATCH_NS;
	struct nvt_cq *cq;
	struct nvt_sq *sq;
	unsigned long qid;
	int idx;

	idx = srcu_read_lock(&dev->srcu);
	xa_for_each(&dev->cqs, qid, cq)
		nvt_watch_cq(cq, now);
	xa_for_each(&dev->sqs, qid, sq)
		if (sq->managed)
			nvt_watch_sq(sq, now, &next);
	/* Who has the lock may be waiting for this to end. */
	if (!list_empty_careful(&dev->retired) && mutex_trylock(&dev->lock)) {
		nvt_buffers_reap(dev);
		mutex_unlock(&dev->lock);
	}
	if (!xa_empty(&dev->sqs))
		nvt_watch_again(dev, now, next);
	srcu_read_unlock(&dev->srcu, idx);
}

/* Runs from the first managed SQ on, and ends by itself after the last. */
void nvt_watch_start(struct nvt_dev *dev)
{
	u64 now = ktime_get_ns();

	nvt_watch_again(dev, now, now + NVT_WATCH_NS);
}

void nvt_watch_until(struct nvt_dev *dev, u64 deadline_ns)
{
	u64 now;

	if (deadline_ns >= READ_ONCE(dev->watch_ns))
		return;
	now = ktime_get_ns();
	WRITE_ONCE(dev->watch_ns, deadline_ns);
	mod_delayed_work(system_wq, &dev->watch,
			 nsecs_to_jiffies(deadline_ns > now ? deadline_ns - now : 0) + 1);
}
