// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Shadow doorbells and event indexes in host memory. */
#include "nvme/cmd.h"
#include "nvme/doorbell_buffer.h"
#include "options.h"

#define PRP1_BYTE	24
#define PRP2_BYTE	32
#define TRIES		1000

/*
 * The event index goes out before the doorbell is read again: a host that
 * stores its doorbell and then looks at the index misses neither. An index
 * behind the doorbell would keep the host from telling of its next store, so
 * they are made equal; a host that moves on each time is not followed for ever.
 */
static uint32_t exchange(struct ctrl *ctrl, uint16_t qid, bool cq, uint32_t value)
{
	uint64_t offset = (2ULL * qid + cq) * (4ULL << ctrl->options->dstrd);
	uint32_t seen = value;
	int tries = TRIES;

	if (ctrl_dma_read(ctrl, ctrl->shadow_doorbells + offset, &seen, sizeof(seen)))
		return value;
	do {
		value = seen;
		if (ctrl_dma_write(ctrl, ctrl->event_indexes + offset, &value, sizeof(value)))
			return value;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (ctrl_dma_read(ctrl, ctrl->shadow_doorbells + offset, &seen, sizeof(seen)))
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
	return 0;
}
