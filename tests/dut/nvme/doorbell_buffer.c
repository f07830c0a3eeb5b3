// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Shadow doorbells and event indexes in host memory. */
#include "nvme/cmd.h"
#include "nvme/doorbell_buffer.h"
#include "options.h"

#define PRP1_BYTE	24
#define PRP2_BYTE	32
#define TRIES		1000

static uint64_t offset_of(const struct ctrl *ctrl, uint16_t qid, bool cq)
{
	return (2ULL * qid + cq) * (4ULL << ctrl->options->dstrd);
}

bool doorbell_buffer_peek(struct ctrl *ctrl, uint16_t qid, bool cq, uint32_t *value)
{
	uint64_t addr = ctrl->shadow_doorbells + offset_of(ctrl, qid, cq);
	const uint32_t *shadow = ctrl_dma_pointer(ctrl, addr, sizeof(*value), false);

	if (!shadow)
		return !ctrl_dma_read(ctrl, addr, value, sizeof(*value));
	*value = __atomic_load_n(shadow, __ATOMIC_ACQUIRE);
	return true;
}

/*
 * The event index goes out before the doorbell is read again: a host that
 * stores its doorbell and then looks at the index misses neither. An index
 * behind the doorbell would keep the host from telling of its next store, so
 * they are made equal; a host that moves on each time is not followed for ever.
 */
static uint32_t exchange(struct ctrl *ctrl, uint16_t qid, bool cq, uint32_t value)
{
	uint64_t event_index = ctrl->event_indexes + offset_of(ctrl, qid, cq);
	uint32_t seen = value;
	int tries = TRIES;

	if (!doorbell_buffer_peek(ctrl, qid, cq, &seen))
		return value;
	do {
		value = seen;
		if (ctrl_dma_write(ctrl, event_index, &value, sizeof(value)))
			return value;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!doorbell_buffer_peek(ctrl, qid, cq, &seen))
			return value;
	} while (seen != value && --tries);
	return seen;
}

uint32_t doorbell_buffer_tail(struct sq *sq)
{
	return exchange(sq->ctrl, sq->id, false, sq->tail);
}

uint32_t doorbell_buffer_head(struct cq *cq)
{
	return exchange(cq->ctrl, cq->id, true, cq->head);
}

/*
 * Queues that there are go on from where they are. One was rung before maybe:
 * at event index 0 the host would not ring again soon. It may have stored
 * doorbells already, zeros are taken for none; what it stores later differs
 * from *last.
 */
static bool take_over(struct ctrl *ctrl, uint16_t qid, bool cq, uint32_t value, uint32_t *last)
{
	uint64_t event_index = ctrl->event_indexes + offset_of(ctrl, qid, cq);

	if (ctrl_dma_write(ctrl, event_index, &value, sizeof(value)))
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return doorbell_buffer_peek(ctrl, qid, cq, last) && *last && *last != value;
}

static void take_over_queues(struct ctrl *ctrl)
{
	uint32_t qid;

	for (qid = 1; qid <= ctrl->top_queue; qid++) {
		struct sq *sq = ctrl->sq[qid];
		struct cq *cq = ctrl->cq[qid];

		if (sq && take_over(ctrl, qid, false, sq->tail, &sq->last_tail))
			sq_doorbell(sq, sq->tail);
		if (cq && take_over(ctrl, qid, true, cq->head, &cq->last_head))
			cq_doorbell(cq, cq->head);
	}
}

uint16_t doorbell_buffer_config_run(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	uint32_t page = ctrl_page_size(ctrl);

	if (!cmd->sqe.prp1 || cmd->sqe.prp1 % page)
		return cmd_bad_field(cmd, PRP1_BYTE);
	if (!cmd->sqe.prp2 || cmd->sqe.prp2 % page)
		return cmd_bad_field(cmd, PRP2_BYTE);
	ctrl->shadow_doorbells = cmd->sqe.prp1;
	ctrl->event_indexes = cmd->sqe.prp2;
	take_over_queues(ctrl);
	return 0;
}
