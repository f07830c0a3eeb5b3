// SPDX-License-Identifier: GPL-2.0-only
/* The way out of a command, whoever sends it: slot -> ring -> doorbell. */
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/nvme.h>

#include "nvt_kmod.h"
#include "trace.h"

void nvt_cmd_init(struct nvt_cmd *cmd, enum nvt_cmd_kind kind, u16 sqid, const u8 *sqe)
{
	const struct nvme_common_command *common = (const void *)sqe;

	*cmd = (struct nvt_cmd) {
		.sqid		= sqid,
		.cid		= common->command_id,
		.kind		= kind,
		.deletes	= sqid == 0 && (common->opcode == nvme_admin_delete_sq ||
						common->opcode == nvme_admin_delete_cq),
		.dataless	= sqid == 0 && common->opcode == nvme_admin_async_event,
		.delete_opcode	= common->opcode,
		.delete_qid	= le32_to_cpu(common->cdw10),
	};
}

/* One id less than the ring has entries, so it cannot overflow. */
int nvt_sq_reserve(struct nvt_sq *sq, struct nvt_cmd *cmd)
{
	if (cmd->cid >= sq->nr_entries - 1)
		return -EINVAL;
	cmd->cid = array_index_nospec(cmd->cid, sq->nr_entries - 1);
	if (READ_ONCE(sq->dead))
		return -EIO;
	return cmpxchg(&sq->slots[cmd->cid].cmd, NULL, NVT_RESERVED) ? -EEXIST : 0;
}

/* False: the queue died since it was looked up. The ring may be in a BAR: whole words go there. */
bool nvt_sq_post(struct nvt_sq *sq, struct nvt_cmd *cmd, const u8 *sqe, u32 timeout_ms)
{
	struct nvt_slot *slot = &sq->slots[cmd->cid];
	u64 now = ktime_get_ns(), deadline = timeout_ms ? now + timeout_ms * (u64)NSEC_PER_MSEC : 0;

	trace_submit(sq, cmd->cid, sqe);
	spin_lock(&sq->lock);
	if (sq->dead) {
		WRITE_ONCE(slot->cmd, NULL);
		spin_unlock(&sq->lock);
		return false;
	}
	sq->records[cmd->cid].submit_ns = now;
	slot->deadline_ns = deadline;
	slot->dataless = cmd->dataless;
	/* Whoever sees the command sees these. */
	smp_store_release(&slot->cmd, cmd);
	memcpy(sq->ring + sq->tail * 64, sqe, 64);
	if (++sq->tail == sq->nr_entries)
		sq->tail = 0;
	sq->submitted++;
	spin_unlock(&sq->lock);
	if (deadline)
		nvt_watch_until(sq->dev, deadline);
	return true;
}

static void nvt_sq_doorbell(struct nvt_sq *sq, const u32 *value)
{
	spin_lock(&sq->lock);
	if (!sq->dead) {
		/* writel() orders the entry before the doorbell. */
		writel(value ? *value : sq->tail, sq->doorbell);
		sq->doorbells++;
	}
	spin_unlock(&sq->lock);
}

void nvt_sq_ring(struct nvt_sq *sq)
{
	nvt_sq_doorbell(sq, NULL);
}

void nvt_sq_ring_value(struct nvt_sq *sq, u32 value)
{
	nvt_sq_doorbell(sq, &value);
}
