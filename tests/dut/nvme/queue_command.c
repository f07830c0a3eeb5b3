// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Create and Delete I/O Queue, Abort. NVMe over PCIe 1.1, 5.1 to 5.4; NVMe Base 2.1, 5.1.1 */
#include <errno.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/queue_command.h"
#include "options.h"
#include "pcie/function.h"

#define PRP1_BYTE	24
#define CDW11_BYTE	44
#define PC		(1U << 0)
#define IEN		(1U << 1)
#define NOT_ABORTED	1U
#define IOSQES(cc)	((cc) >> 16 & 0xf)
#define IOCQES(cc)	((cc) >> 20 & 0xf)

static uint16_t check_size(struct cmd *cmd, uint32_t entries)
{
	if (entries < 2 || entries > cmd->ctrl->options->entries)
		return SPECIFIC(QUEUE_SIZE);
	return 0;
}

/* The memory of a ring: contiguous where CAP.CQR wants it, aligned to a page. */
static uint16_t check_memory(struct cmd *cmd)
{
	bool contiguous = cmd->sqe.cdw11 & PC;

	if (!contiguous && cmd->ctrl->options->contiguous)
		return cmd_bad_field(cmd, CDW11_BYTE);
	if (cmd->sqe.prp1 % ctrl_page_size(cmd->ctrl)) {
		cmd->error_location = PRP1_BYTE;
		return GENERIC(PRP_INVALID_OFFSET);
	}
	return 0;
}

static uint16_t of_errno(int err)
{
	switch (err) {
	case 0:
		return 0;
	case -ENOMEM:
		return RETRY(GENERIC(INTERNAL));
	case -EINVAL:
		return GENERIC(PRP_INVALID_OFFSET);
	default:
		return RETRY(GENERIC(DATA_XFER_ERROR));
	}
}

static bool vector_exists(const struct ctrl *ctrl, uint16_t vector)
{
	unsigned int vectors;

	switch (function_irq_mode(ctrl->function, &vectors)) {
	case FUNCTION_IRQ_MSIX:
	case FUNCTION_IRQ_MSI:
		return vector < vectors;
	case FUNCTION_IRQ_INTX:
		return vector == 0;
	default:
		/* Interrupts may be enabled later, with as many vectors as there can be. */
		return vector < (ctrl->options->msix ? ctrl->options->msix : 32);
	}
}

uint16_t create_cq_run(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	uint32_t qid = cmd->sqe.cdw10 & 0xffff, entries = (cmd->sqe.cdw10 >> 16) + 1;
	uint16_t vector = cmd->sqe.cdw11 >> 16, status;
	bool interrupts = cmd->sqe.cdw11 & IEN;

	if (!qid || qid > ctrl->granted || ctrl->cq[qid])
		return SPECIFIC(QID_INVALID);
	/* CC.IOCQES must be that of a 16-byte entry by now. */
	status = IOCQES(ctrl->regs.cc) == 4 ? check_size(cmd, entries) : SPECIFIC(QUEUE_SIZE);
	if (!status)
		status = check_memory(cmd);
	if (!status && interrupts && !vector_exists(ctrl, vector))
		status = SPECIFIC(INVALID_VECTOR);
	if (status)
		return status;
	return of_errno(cq_create(ctrl, qid, cmd->sqe.prp1, entries, cmd->sqe.cdw11 & PC,
				  interrupts, vector));
}

uint16_t create_sq_run(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	uint32_t qid = cmd->sqe.cdw10 & 0xffff, entries = (cmd->sqe.cdw10 >> 16) + 1;
	uint32_t cqid = cmd->sqe.cdw11 >> 16;
	uint16_t status;

	if (!qid || qid > ctrl->granted || ctrl->sq[qid])
		return SPECIFIC(QID_INVALID);
	if (!cqid || cqid > ctrl->nr_queues || !ctrl->cq[cqid])
		return SPECIFIC(CQ_INVALID);
	status = IOSQES(ctrl->regs.cc) == 6 ? check_size(cmd, entries) : SPECIFIC(QUEUE_SIZE);
	if (!status)
		status = check_memory(cmd);
	if (status)
		return status;
	return of_errno(sq_create(ctrl, qid, ctrl->cq[cqid], cmd->sqe.prp1, entries,
				  cmd->sqe.cdw11 & PC, cmd->sqe.cdw11 >> 1 & 3));
}

uint16_t delete_sq_run(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	uint32_t qid = cmd->sqe.cdw10 & 0xffff;

	if (!qid || qid > ctrl->nr_queues || !ctrl->sq[qid])
		return SPECIFIC(QID_INVALID);
	cmd_end_queue(ctrl, ctrl->sq[qid]);
	sq_delete(ctrl->sq[qid]);
	return 0;
}

uint16_t delete_cq_run(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	uint32_t qid = cmd->sqe.cdw10 & 0xffff;

	if (!qid || qid > ctrl->nr_queues || !ctrl->cq[qid])
		return SPECIFIC(QID_INVALID);
	if (ctrl->cq[qid]->nr_sqs)
		return SPECIFIC(INVALID_QUEUE);
	cq_delete(ctrl->cq[qid]);
	return 0;
}

/* Says so in DW0 if there was nothing to abort any more. */
uint16_t abort_run(struct cmd *cmd)
{
	uint16_t sqid = cmd->sqe.cdw10 & 0xffff, cid = cmd->sqe.cdw10 >> 16;

	cmd->dw0 = cmd_abort(cmd->ctrl, sqid, cid) ? 0 : NOT_ABORTED;
	return 0;
}
