// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Faults of a completion on its way to the host: its queue entry and its interrupt. */

#include "nvme/cmd.h"
#include "nvme/completion_fault.h"
#include "nvme/ctrl.h"

#define DEFAULT_DELAY_NS	(10 * NS_PER_MS)

static uint64_t delay_of(const struct fault_shot *shot)
{
	return shot->delay_ns ? shot->delay_ns : DEFAULT_DELAY_NS;
}

static void post_late(struct timer *timer)
{
	struct cmd *cmd = container_of(timer, struct cmd, timer);

	cq_post(cmd->cq, cmd);
}

static void postpone(struct cq *cq, struct cmd *cmd, uint64_t delay_ns)
{
	struct ctrl *ctrl = cq->ctrl;

	cmd->delayed = true;
	cmd->timer.fire = post_late;
	timer_arm(ctrl->loop, &cmd->timer, loop_now(ctrl->loop) + delay_ns);
}

/* Late, never, or behind its interrupt: the entry does not go out now. */
static bool withhold(struct cq *cq, struct cmd *cmd)
{
	const struct fault_shot *shot;

	if (cmd->delayed)
		return false;
	shot = fault_find(cmd, FAULT_CPL_NEVER);
	if (shot) {
		fault_log(cmd, shot, "its completion is not posted");
		cmd_free(cmd);
		return true;
	}
	shot = fault_find(cmd, FAULT_CPL_LATE);
	if (shot) {
		fault_log(cmd, shot, "its completion is posted %llu us late",
			  (unsigned long long)(delay_of(shot) / NS_PER_US));
		postpone(cq, cmd, delay_of(shot));
		return true;
	}
	shot = fault_find(cmd, FAULT_IRQ_EARLY);
	if (shot) {
		fault_log(cmd, shot, "interrupt on vector %u before its completion", cq->vector);
		interrupt_force(cq->ctrl, cq->vector);
		postpone(cq, cmd, delay_of(shot));
		return true;
	}
	return false;
}

static void change_entry(struct cmd *cmd, struct nvt_cqe *cqe)
{
	const struct fault_shot *shot;

	shot = fault_find(cmd, FAULT_CPL_CID);
	if (shot) {
		cqe->cid = shot->has_value ? (uint16_t)shot->value : cqe->cid ^ 0x4000;
		fault_log(cmd, shot, "completed as command %u", cqe->cid);
	}
	shot = fault_find(cmd, FAULT_CPL_SQID);
	if (shot) {
		cqe->sqid = shot->has_value ? (uint16_t)shot->value : cqe->sqid + 1;
		fault_log(cmd, shot, "completed as of SQ %u", cqe->sqid);
	}
	shot = fault_find(cmd, FAULT_CPL_SQHD);
	if (shot) {
		cqe->sqhd = shot->has_value ? (uint16_t)shot->value : cqe->sqhd ^ 1;
		fault_log(cmd, shot, "SQ head %u", cqe->sqhd);
	}
	shot = fault_find(cmd, FAULT_CPL_PHASE);
	if (shot) {
		cqe->status_phase ^= 1;
		fault_log(cmd, shot, "phase bit %u", cqe->status_phase & 1);
	}
}

static bool write_out_of_range(struct cq *cq, struct cmd *cmd, const struct nvt_cqe *cqe)
{
	const struct fault_shot *shot = fault_find(cmd, FAULT_CPL_RANGE);
	uint32_t index;

	if (!shot)
		return false;
	index = cq->ring.entries + shot->count;
	fault_log(cmd, shot, "completion written at entry %u of %u", index, cq->ring.entries);
	cq_store(cq, index, cqe);
	cmd_free(cmd);
	return true;
}

bool completion_fault(struct cq *cq, struct cmd *cmd, struct nvt_cqe *cqe)
{
	const struct fault_shot *shot;

	if (withhold(cq, cmd))
		return true;
	change_entry(cmd, cqe);
	if (write_out_of_range(cq, cmd, cqe))
		return true;
	shot = fault_find(cmd, FAULT_CPL_TWICE);
	if (shot && !cq_full(cq)) {
		fault_log(cmd, shot, "completed twice");
		cq_write(cq, cqe);
		/* The second entry may be the first of the next round. */
		cqe->status_phase = (cqe->status_phase & ~1) | cq->phase;
	}
	return false;
}

static void send_late(struct timer *timer)
{
	struct cq *cq = container_of(timer, struct cq, late);

	interrupt_force(cq->ctrl, cq->vector);
}

static void interrupt_late(struct cq *cq, uint64_t delay_ns)
{
	cq->late.fire = send_late;
	timer_arm(cq->ctrl->loop, &cq->late, loop_now(cq->ctrl->loop) + delay_ns);
}

static unsigned int vector_of(const struct fault_shot *shot, const struct cq *cq)
{
	return shot->vector == FAULT_OWN_VECTOR ? cq->vector : shot->vector;
}

bool interrupt_fault(struct cq *cq, struct cmd *cmd)
{
	const struct fault_shot *shot;

	if (fault_find(cmd, FAULT_IRQ_EARLY))
		return true;
	shot = fault_find(cmd, FAULT_IRQ_LOST);
	if (shot) {
		fault_log(cmd, shot, "no interrupt on vector %u", cq->vector);
		return true;
	}
	shot = fault_find(cmd, FAULT_IRQ_LATE);
	if (shot) {
		fault_log(cmd, shot, "interrupt on vector %u %llu us late", cq->vector,
			  (unsigned long long)(delay_of(shot) / NS_PER_US));
		interrupt_late(cq, delay_of(shot));
		return true;
	}
	shot = fault_find(cmd, FAULT_IRQ_WRONG);
	if (shot) {
		fault_log(cmd, shot, "interrupt on vector %u instead of %u", shot->vector,
			  cq->vector);
		interrupt_force(cq->ctrl, shot->vector);
		return true;
	}
	shot = fault_find(cmd, FAULT_IRQ_MASKED);
	if (shot) {
		fault_log(cmd, shot, "interrupt on vector %u, masked or not", vector_of(shot, cq));
		interrupt_force_masked(cq->ctrl, vector_of(shot, cq));
		return true;
	}
	shot = fault_find(cmd, FAULT_IRQ_SPURIOUS);
	if (shot) {
		fault_log(cmd, shot, "interrupt without a completion on vector %u",
			  vector_of(shot, cq));
		interrupt_force(cq->ctrl, vector_of(shot, cq));
	}
	return false;
}
