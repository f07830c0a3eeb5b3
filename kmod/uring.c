// SPDX-License-Identifier: GPL-2.0-only
/* The way out of a command: io_uring -> slot -> ring -> doorbell. */
#include <linux/blkdev.h>
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/nvme.h>

#include "nvt_kmod.h"

/* Doorbells of one submit call wait for its end. By id: the queue may go meanwhile. */
struct nvt_plug {
	struct blk_plug_cb cb;
	struct file *file;
	u16 sqid;
};

static void nvt_uring_finish(struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
	struct nvt_pdu *pdu = nvt_pdu(ioucmd);

	nvt_uring_done(ioucmd, pdu->res, (u64)pdu->dw1 << 32 | pdu->dw0, issue_flags);
}

NVT_DEFINE_TASK_WORK(nvt_uring_task_work, nvt_uring_finish)

/*
 * An interrupt hands over to the task that submitted. A poll completes in
 * place: it runs under the lock of the command's own ring (see poll_ctx).
 */
void nvt_uring_complete(struct io_uring_cmd *ioucmd, bool polling)
{
	if (!nvt_pdu(ioucmd)->iopoll)
		nvt_uring_in_task(ioucmd, nvt_uring_task_work);
	else
		nvt_uring_finish(ioucmd, polling ? 0 : IO_URING_F_UNLOCKED);
}

static void nvt_sq_ring(struct nvt_sq *sq)
{
	spin_lock(&sq->lock);
	if (!sq->dead) {
		/* writel() orders the entry before the doorbell. */
		writel(sq->tail, sq->doorbell);
		sq->doorbells++;
	}
	spin_unlock(&sq->lock);
}

static void nvt_unplug(struct blk_plug_cb *cb, bool from_schedule)
{
	struct nvt_plug *plug = container_of(cb, struct nvt_plug, cb);
	struct nvt_file *file = plug->file->private_data;
	struct nvt_dev *dev = file->dev;
	struct nvt_sq *sq;
	int idx;

	idx = srcu_read_lock(&dev->srcu);
	sq = xa_load(&dev->sqs, plug->sqid);
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

/* False: the queue died since it was looked up. */
static bool nvt_sq_post(struct nvt_sq *sq, struct io_uring_cmd *ioucmd, const u8 *sqe)
{
	u16 cid = nvt_pdu(ioucmd)->cid;

	spin_lock(&sq->lock);
	if (sq->dead) {
		WRITE_ONCE(sq->slots[cid], NULL);
		spin_unlock(&sq->lock);
		return false;
	}
	WRITE_ONCE(sq->slots[cid], ioucmd);
	memcpy(sq->ring + sq->tail * 64, sqe, 64);
	if (++sq->tail == sq->nr_entries)
		sq->tail = 0;
	sq->submitted++;
	spin_unlock(&sq->lock);
	return true;
}

/*
 * From nvt_uring_cancelable() on the command may not fail inline: io_uring
 * has it on a list that only a completion takes it off.
 */
static int nvt_sq_submit(struct nvt_sq *sq, struct io_uring_cmd *ioucmd,
			 const struct nvt_uring_command *cmd, unsigned int issue_flags)
{
	struct nvt_pdu *pdu = nvt_pdu(ioucmd);
	bool plugged;

	if (cmpxchg(&sq->slots[pdu->cid], NULL, NVT_RESERVED))
		return -EEXIST;
	sq->records[pdu->cid].submit_ns = ktime_get_ns();
	nvt_uring_cancelable(ioucmd, issue_flags);
	plugged = nvt_plug(sq, ioucmd->file);
	if (!nvt_sq_post(sq, ioucmd, cmd->sqe))
		nvt_uring_done(ioucmd, -EIO, 0, issue_flags);
	else if (!plugged)
		nvt_sq_ring(sq);
	return -EIOCBQUEUED;
}

static void nvt_pdu_init(struct io_uring_cmd *ioucmd, const struct nvt_uring_command *cmd,
			 unsigned int issue_flags)
{
	const struct nvme_common_command *sqe = (const void *)cmd->sqe;

	*nvt_pdu(ioucmd) = (struct nvt_pdu) {
		.sqid		= cmd->sqid,
		.cid		= sqe->command_id,
		.iopoll		= issue_flags & IO_URING_F_IOPOLL,
		.deletes	= cmd->sqid == 0 && (sqe->opcode == nvme_admin_delete_sq ||
						     sqe->opcode == nvme_admin_delete_cq),
		.delete_opcode	= sqe->opcode,
		.delete_qid	= le32_to_cpu(sqe->cdw10),
	};
}

/* A polled queue belongs to one IOPOLL ring, whose lock its completions run under. */
static bool nvt_cq_claim(struct nvt_cq *cq, struct io_uring_cmd *ioucmd)
{
	struct io_ring_ctx *ctx = cmd_to_io_kiocb(ioucmd)->ctx, *none = NULL;

	return try_cmpxchg(&cq->poll_ctx, &none, ctx) || none == ctx;
}

static int nvt_uring_command(struct nvt_dev *dev, struct io_uring_cmd *ioucmd,
			     unsigned int issue_flags)
{
	bool iopoll = issue_flags & IO_URING_F_IOPOLL;
	struct nvt_uring_command cmd;
	struct nvt_sq *sq;

	BUILD_BUG_ON(sizeof(cmd) != 80);
	/* Copied once: the payload is memory that the process can still change. */
	memcpy(&cmd, nvt_uring_payload(ioucmd), sizeof(cmd));
	if (cmd.flags || cmd.resv[0] || cmd.resv[1] || cmd.resv[2])
		return -EINVAL;
	sq = xa_load(&dev->sqs, cmd.sqid);
	if (!sq || !sq->managed)
		return -ENOENT;
	if (iopoll == !!sq->cq->vector)
		return -EOPNOTSUPP;
	if (iopoll && !nvt_cq_claim(sq->cq, ioucmd))
		return -EBUSY;
	nvt_pdu_init(ioucmd, &cmd, issue_flags);
	if (nvt_pdu(ioucmd)->cid >= sq->nr_entries - 1)
		return -EINVAL;
	nvt_pdu(ioucmd)->cid = array_index_nospec(nvt_pdu(ioucmd)->cid, sq->nr_entries - 1);
	if (READ_ONCE(sq->dead))
		return -EIO;
	return nvt_sq_submit(sq, ioucmd, &cmd, issue_flags);
}

/* The command id stays taken until the device answers. */
static void nvt_uring_cancel(struct nvt_dev *dev, struct io_uring_cmd *ioucmd,
			     unsigned int issue_flags)
{
	struct nvt_pdu *pdu = nvt_pdu(ioucmd);
	struct io_uring_cmd *expected = ioucmd;
	struct nvt_sq *sq = xa_load(&dev->sqs, pdu->sqid);

	if (!sq || !sq->managed || pdu->cid >= sq->nr_entries)
		return;
	atomic_inc(&dev->orphans);
	if (try_cmpxchg(&sq->slots[pdu->cid], &expected, NVT_ORPHAN))
		nvt_uring_done(ioucmd, -ECANCELED, 0, issue_flags);
	else
		atomic_dec_if_positive(&dev->orphans);
}

static int nvt_uring_dispatch(struct nvt_file *file, struct io_uring_cmd *ioucmd,
			      unsigned int issue_flags)
{
	struct nvt_dev *dev = file->dev;

	if (issue_flags & NVT_URING_CANCEL) {
		nvt_uring_cancel(dev, ioucmd, issue_flags);
		return 0;
	}
	if (ioucmd->cmd_op != NVT_URING_COMMAND)
		return -ENOTTY;
	if (!(issue_flags & IO_URING_F_SQE128) || !(issue_flags & IO_URING_F_CQE32))
		return -EOPNOTSUPP;
	if (READ_ONCE(dev->state) == NVT_STATE_GONE)
		return -ENODEV;
	if (nvt_check_owner(file))
		return -EBADF;
	return nvt_uring_command(dev, ioucmd, issue_flags);
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
	sq = xa_load(&dev->sqs, nvt_pdu(ioucmd)->sqid);
	/* Not a queue of the same id made since: that one has its own ring. */
	if (sq && sq->managed && sq->cq->poll_ctx == cmd_to_io_kiocb(ioucmd)->ctx)
		reaped = nvt_cq_reap(sq->cq, ktime_get_ns());
	srcu_read_unlock(&dev->srcu, idx);
	return reaped;
}
