// SPDX-License-Identifier: GPL-2.0-only
/* Commands by io_uring. */
#include <linux/blkdev.h>
#include <linux/file.h>
#include <linux/ktime.h>

#include "nvt_kmod.h"

/* Doorbells of one submit call wait for its end. By id: the queue may go meanwhile. */
struct nvt_plug {
	struct blk_plug_cb cb;
	struct file *file;
	u16 sqid;
};

static struct nvt_cmd *nvt_uring_to_cmd(struct io_uring_cmd *ioucmd)
{
	BUILD_BUG_ON(sizeof(struct nvt_cmd) > sizeof(ioucmd->pdu));
	return (struct nvt_cmd *)ioucmd->pdu;
}

static struct io_uring_cmd *nvt_cmd_to_uring(struct nvt_cmd *cmd)
{
	return container_of((void *)cmd, struct io_uring_cmd, pdu);
}

static void nvt_uring_finish(struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
	struct nvt_cmd *cmd = nvt_uring_to_cmd(ioucmd);

	nvt_uring_done(ioucmd, cmd->res, (u64)cmd->dw1 << 32 | cmd->dw0, issue_flags);
}

NVT_DEFINE_TASK_WORK(nvt_uring_task_work, nvt_uring_finish)

/*
 * An interrupt hands over to the task that submitted. A poll completes in
 * place: it runs under the lock of the command's own ring (see poll_ctx).
 */
void nvt_uring_complete(struct nvt_cmd *cmd, bool polling)
{
	struct io_uring_cmd *ioucmd = nvt_cmd_to_uring(cmd);

	if (cmd->kind == NVT_CMD_IOPOLL)
		nvt_uring_finish(ioucmd, polling ? 0 : IO_URING_F_UNLOCKED);
	else
		nvt_uring_in_task(ioucmd, nvt_uring_task_work);
}

/* Its task or its ring waits for nothing but this command's end in order to go. */
bool nvt_uring_abandoned(struct nvt_cmd *cmd)
{
	struct io_kiocb *req = cmd_to_io_kiocb(nvt_cmd_to_uring(cmd));
	struct task_struct *task = nvt_uring_task(req);

	return percpu_ref_is_dying(&req->ctx->refs) || task->flags & PF_EXITING ||
	       READ_ONCE(task->signal->flags) & SIGNAL_GROUP_EXIT;
}

static void nvt_unplug(struct blk_plug_cb *cb, bool from_schedule)
{
	struct nvt_plug *plug = container_of(cb, struct nvt_plug, cb);
	struct nvt_file *file = plug->file->private_data;
	struct nvt_dev *dev = file->dev;
	struct nvt_sq *sq;
	int idx;

	idx = srcu_read_lock(&dev->srcu);
	sq = nvt_sq_find(dev, plug->sqid);
	if (sq && sq->managed)
		nvt_sq_ring(sq);
	srcu_read_unlock(&dev->srcu, idx);
	fput(plug->file);
	kfree(plug);
}

/* True if the doorbell will be rung when the submit call ends. */
static bool nvt_plug(struct nvt_sq *sq, struct file *file)
{
	struct blk_plug_cb *cb = blk_check_plugged(nvt_unplug, sq, sizeof(struct nvt_plug));
	struct nvt_plug *plug = container_of(cb, struct nvt_plug, cb);

	if (!cb)
		return false;
	if (!plug->file) {
		plug->file = get_file(file);
		plug->sqid = sq->qid;
	}
	/* A queue freed since may have left its address to this one. */
	return plug->file == file && plug->sqid == sq->qid;
}

/*
 * From nvt_uring_cancelable() on the command may not fail inline: io_uring
 * has it on a list that only a completion takes it off.
 */
static int nvt_uring_submit(struct nvt_sq *sq, struct io_uring_cmd *ioucmd,
			    const struct nvt_uring_command *command, unsigned int issue_flags)
{
	struct nvt_cmd *cmd = nvt_uring_to_cmd(ioucmd);
	bool rung_later;
	int ret;

	ret = nvt_sq_reserve(sq, cmd);
	if (ret)
		return ret;
	nvt_uring_cancelable(ioucmd, issue_flags);
	rung_later = command->flags & NVT_COMMAND_NO_DOORBELL || nvt_plug(sq, ioucmd->file);
	if (!nvt_sq_post(sq, cmd, command->sqe, command->timeout_ms))
		nvt_uring_done(ioucmd, -EIO, 0, issue_flags);
	else if (!rung_later)
		nvt_sq_ring(sq);
	return -EIOCBQUEUED;
}

/* A polled queue belongs to one IOPOLL ring, whose lock its completions run under. */
static bool nvt_cq_claim(struct nvt_cq *cq, struct io_uring_cmd *ioucmd)
{
	struct io_ring_ctx *ctx = cmd_to_io_kiocb(ioucmd)->ctx, *none = NULL;

	return try_cmpxchg(&cq->poll_ctx, &none, ctx) || none == ctx;
}

static struct nvt_sq *nvt_uring_sq(struct nvt_file *file, u16 sqid)
{
	struct nvt_sq *sq = nvt_sq_find(file->dev, sqid);

	return sq && sq->managed && sq->file == file ? sq : ERR_PTR(-ENOENT);
}

/* The payload is copied once: it is memory that the process can still change. */
static int nvt_uring_command(struct nvt_file *file, struct io_uring_cmd *ioucmd,
			     unsigned int issue_flags)
{
	bool iopoll = issue_flags & IO_URING_F_IOPOLL;
	struct nvt_uring_command command;
	struct nvt_sq *sq;

	BUILD_BUG_ON(sizeof(command) != 80);
	memcpy(&command, nvt_uring_payload(ioucmd), sizeof(command));
	if (command.flags & ~NVT_COMMAND_NO_DOORBELL || command.resv[0] || command.resv[1])
		return -EINVAL;
	sq = nvt_uring_sq(file, command.sqid);
	if (IS_ERR(sq))
		return PTR_ERR(sq);
	if (iopoll == !!sq->cq->vector)
		return -EOPNOTSUPP;
	if (iopoll && !nvt_cq_claim(sq->cq, ioucmd))
		return -EBUSY;
	nvt_cmd_init(nvt_uring_to_cmd(ioucmd), iopoll ? NVT_CMD_IOPOLL : NVT_CMD_URING,
		     command.sqid, command.sqe);
	return nvt_uring_submit(sq, ioucmd, &command, issue_flags);
}

/* Not with an inline 0, which Linux 6.1 completes twice on an IOPOLL ring. */
static int nvt_uring_doorbell(struct nvt_file *file, struct io_uring_cmd *ioucmd,
			      unsigned int issue_flags)
{
	struct nvt_uring_doorbell doorbell;
	struct nvt_sq *sq;

	BUILD_BUG_ON(sizeof(doorbell) != 80);
	memcpy(&doorbell, nvt_uring_payload(ioucmd), sizeof(doorbell));
	if (doorbell.flags & ~NVT_DOORBELL_VALUE ||
	    memchr_inv(doorbell.resv, 0, sizeof(doorbell.resv)) ||
	    (doorbell.value && !(doorbell.flags & NVT_DOORBELL_VALUE)))
		return -EINVAL;
	sq = nvt_uring_sq(file, doorbell.sqid);
	if (IS_ERR(sq))
		return PTR_ERR(sq);
	if (READ_ONCE(sq->dead))
		return -EIO;
	if (doorbell.flags & NVT_DOORBELL_VALUE)
		nvt_sq_ring_value(sq, doorbell.value);
	else
		nvt_sq_ring(sq);
	nvt_uring_done(ioucmd, 0, 0, issue_flags);
	return -EIOCBQUEUED;
}

/* The command id stays taken until the device answers. */
static void nvt_uring_cancel(struct nvt_dev *dev, struct io_uring_cmd *ioucmd,
			     unsigned int issue_flags)
{
	struct nvt_cmd *cmd = nvt_uring_to_cmd(ioucmd);
	struct nvt_sq *sq = xa_load(&dev->sqs, cmd->sqid);

	if (!sq || !sq->managed || cmd->cid >= sq->nr_entries)
		return;
	if (nvt_sq_orphan(sq, cmd))
		nvt_uring_done(ioucmd, -ECANCELED, 0, issue_flags);
}

static int nvt_uring_dispatch(struct nvt_file *file, struct io_uring_cmd *ioucmd,
			      unsigned int issue_flags)
{
	if (issue_flags & NVT_URING_CANCEL) {
		nvt_uring_cancel(file->dev, ioucmd, issue_flags);
		return 0;
	}
	if (!(issue_flags & IO_URING_F_SQE128) || !(issue_flags & IO_URING_F_CQE32))
		return ioucmd->cmd_op == NVT_URING_COMMAND ||
		       ioucmd->cmd_op == NVT_URING_DOORBELL ? -EOPNOTSUPP : -ENOTTY;
	if (READ_ONCE(file->dev->state) == NVT_STATE_GONE)
		return -ENODEV;
	if (nvt_check_user(file))
		return -EBADF;
	switch (ioucmd->cmd_op) {
	case NVT_URING_COMMAND:
		return nvt_uring_command(file, ioucmd, issue_flags);
	case NVT_URING_DOORBELL:
		return nvt_uring_doorbell(file, ioucmd, issue_flags);
	default:
		return -ENOTTY;
	}
}

int nvt_uring_cmd(struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
	struct nvt_file *file = ioucmd->file->private_data;
	int idx, ret;

	idx = srcu_read_lock(&file->dev->srcu);
	ret = nvt_uring_dispatch(file, ioucmd, issue_flags);
	srcu_read_unlock(&file->dev->srcu, idx);
	return ret;
}

int nvt_uring_cmd_iopoll(struct io_uring_cmd *ioucmd, struct io_comp_batch *iob,
			 unsigned int poll_flags)
{
	struct nvt_file *file = ioucmd->file->private_data;
	struct nvt_dev *dev = file->dev;
	unsigned int reaped = 0;
	struct nvt_sq *sq;
	int idx;

	idx = srcu_read_lock(&dev->srcu);
	sq = nvt_sq_find(dev, nvt_uring_to_cmd(ioucmd)->sqid);
	/* Not a queue of the same id made since: that one has its own ring. */
	if (sq && sq->managed && sq->cq->poll_ctx == cmd_to_io_kiocb(ioucmd)->ctx)
		reaped = nvt_cq_reap(sq->cq, ktime_get_ns());
	srcu_read_unlock(&dev->srcu, idx);
	return reaped;
}
