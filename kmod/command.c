// SPDX-License-Identifier: GPL-2.0-only
/* Commands that a task waits for: the blocking ioctl, and the driver's own. */
#include <linux/completion.h>
#include <linux/nvme.h>

#include "nvt_kmod.h"

#define NVT_MAX_TIMEOUT_MS	3600000U
#define NVT_DELETE_TIMEOUT_MS	1000U

struct nvt_waiter {
	struct nvt_cmd cmd;
	struct completion done;
	struct nvt_record record;
};

/* Its own copy: before the task runs, the command id can be another's. */
void nvt_waiter_keep(struct nvt_cmd *cmd, const struct nvt_record *record)
{
	container_of(cmd, struct nvt_waiter, cmd)->record = *record;
}

void nvt_waiter_wake(struct nvt_cmd *cmd)
{
	complete(&container_of(cmd, struct nvt_waiter, cmd)->done);
}

/* From the end of the ids, as a program that counts its own starts at their beginning. */
static int nvt_sq_reserve_any(struct nvt_sq *sq, struct nvt_cmd *cmd)
{
	int cid, ret;

	for (cid = sq->nr_entries - 2; cid >= 0; cid--) {
		if (READ_ONCE(sq->slots[cid].cmd))
			continue;
		cmd->cid = cid;
		ret = nvt_sq_reserve(sq, cmd);
		if (ret != -EEXIST)
			return ret;
	}
	return -EBUSY;
}

/* The waiter may go once nobody can find it in its slot. */
static int nvt_waiter_wait(struct nvt_sq *sq, struct nvt_waiter *waiter, u32 timeout_ms,
			   bool killable)
{
	unsigned long timeout = msecs_to_jiffies(timeout_ms);
	struct nvt_notice notice = {
		.event	= NVT_EVENT_COMMAND_TIMEOUT,
		.attrs	= BIT(NVT_ATTR_SQID) | BIT(NVT_ATTR_CID),
		.sqid	= sq->qid,
		.cid	= waiter->cmd.cid,
	};
	long left;

	if (killable)
		left = wait_for_completion_killable_timeout(&waiter->done, timeout);
	else
		left = wait_for_completion_timeout(&waiter->done, timeout);
	if (left > 0)
		return 0;
	nvt_cq_reap_missed(sq->cq, ktime_get_ns());
	if (!nvt_sq_orphan(sq, &waiter->cmd)) {
		wait_for_completion(&waiter->done);
		return 0;
	}
	if (left < 0)
		return -EINTR;
	spin_lock_irq(&sq->cq->lock);
	sq->timeouts++;
	spin_unlock_irq(&sq->cq->lock);
	notice.ns = ktime_get_ns();
	nvt_notify(sq->dev, notice);
	return -ETIME;
}

static int nvt_command_run(struct nvt_sq *sq, struct nvt_command *command, bool killable)
{
	struct nvme_common_command *sqe = (void *)command->sqe;
	struct nvt_waiter waiter;
	int ret;

	if (!sq->cq->vector)
		return -EOPNOTSUPP;
	init_completion(&waiter.done);
	nvt_cmd_init(&waiter.cmd, NVT_CMD_WAITER, sq->qid, command->sqe);
	if (command->flags & NVT_COMMAND_ANY_CID)
		ret = nvt_sq_reserve_any(sq, &waiter.cmd);
	else
		ret = nvt_sq_reserve(sq, &waiter.cmd);
	if (ret)
		return ret;
	sqe->command_id = waiter.cmd.cid;
	/* Its deadline is kept here. */
	if (!nvt_sq_post(sq, &waiter.cmd, command->sqe, 0))
		return -EIO;
	nvt_sq_ring(sq);
	ret = nvt_waiter_wait(sq, &waiter, command->timeout_ms, killable);
	if (ret)
		return ret;
	memcpy(command->cqe, waiter.record.cqe, sizeof(command->cqe));
	command->submit_ns = waiter.record.submit_ns;
	command->complete_ns = waiter.record.complete_ns;
	return 0;
}

/* A user shares the owner's admin SQ, whose ids are the owner's and the driver's. */
static bool nvt_command_allowed(struct nvt_file *file, const struct nvt_sq *sq, u32 flags)
{
	return sq->file == file || (sq->qid == 0 && flags & NVT_COMMAND_ANY_CID);
}

int nvt_command(struct nvt_file *file, void *arg)
{
	struct nvt_command *command = arg;
	struct nvt_sq *sq;
	int ret;

	if (command->flags & ~NVT_COMMAND_ANY_CID || command->resv || !command->timeout_ms ||
	    command->timeout_ms > NVT_MAX_TIMEOUT_MS)
		return -EINVAL;
	ret = nvt_check_user(file);
	if (ret)
		return ret;
	sq = xa_load(&file->dev->sqs, command->sqid);
	if (!sq || !sq->managed || !nvt_command_allowed(file, sq, command->flags))
		return -ENOENT;
	return nvt_command_run(sq, command, true);
}

/*
 * By the owner's admin queue, if it is managed and an interrupt tells of its
 * completions. The task may be a killed one that cleans up, so it waits all the same.
 */
int nvt_admin_delete_queue(struct nvt_dev *dev, u8 opcode, u16 qid)
{
	struct nvt_command command = {
		.flags		= NVT_COMMAND_ANY_CID,
		.timeout_ms	= NVT_DELETE_TIMEOUT_MS,
	};
	struct nvme_delete_queue *sqe = (void *)command.sqe;
	struct nvt_sq *admin;
	int idx, ret = -ENOENT;

	sqe->opcode = opcode;
	sqe->qid = cpu_to_le16(qid);
	idx = srcu_read_lock(&dev->srcu);
	admin = xa_load(&dev->sqs, 0);
	if (admin && admin->managed)
		ret = nvt_command_run(admin, &command, false);
	srcu_read_unlock(&dev->srcu, idx);
	return ret;
}
