// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* When a completion queue interrupts the host: masks, coalescing, the pin. NVMe Base 2.1, 3.1.4.3, 5.1.25.1.6 */
#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/completion_fault.h"
#include "nvme/ctrl.h"
#include "nvme/feature.h"
#include "options.h"
#include "pcie/function.h"

#define COALESCING_UNIT_NS	(100 * NS_PER_US)
#define VECTOR_CD		(1U << 16)	/* Coalescing Disable of Interrupt Vector Configuration */

static bool cq_unread(const struct cq *cq)
{
	return cq->interrupts && cq->head != cq->tail;
}

/* INTMS masks what is not MSI-X, a bit for each vector. */
static bool masked(const struct ctrl *ctrl, unsigned int vector)
{
	return vector < 32 && ctrl->regs.intms & 1U << vector;
}

/* The pin is asserted while any of its queues has what the host has not taken. */
static void update_pin(struct ctrl *ctrl)
{
	bool asserted = false;
	uint32_t qid;

	for (qid = 0; qid <= ctrl->top_queue && !asserted; qid++)
		asserted = ctrl->cq[qid] && cq_unread(ctrl->cq[qid]);
	function_intx(ctrl->function, asserted && !masked(ctrl, 0));
}

static void send(struct cq *cq)
{
	struct ctrl *ctrl = cq->ctrl;
	unsigned int vectors;

	switch (function_irq_mode(ctrl->function, &vectors)) {
	case FUNCTION_IRQ_MSIX:
		function_message(ctrl->function, cq->vector);
		break;
	case FUNCTION_IRQ_MSI:
		/* Fewer messages than vectors: the host was told so, and gets them folded. */
		if (!masked(ctrl, cq->vector % vectors))
			function_message(ctrl->function, cq->vector % vectors);
		break;
	case FUNCTION_IRQ_INTX:
		update_pin(ctrl);
		break;
	case FUNCTION_IRQ_NONE:
		break;
	}
}

void interrupt_flush(struct cq *cq)
{
	timer_cancel(cq->ctrl->loop, &cq->coalescing);
	if (!cq->coalesced)
		return;
	cq->coalesced = 0;
	send(cq);
}

/* Of an I/O CQ only; time 0 is no delay. NVMe Base 2.1, 5.1.25.1.6 */
static bool coalesces(const struct cq *cq, uint32_t *threshold, uint64_t *time_ns)
{
	uint32_t value;

	if (!cq->id || !cq->ctrl->options->coalescing)
		return false;
	value = feature_value(cq->ctrl, NVME_FEAT_FID_IRQ_COALESCE);
	*threshold = (value & 0xff) + 1;
	*time_ns = (value >> 8 & 0xff) * COALESCING_UNIT_NS;
	return *time_ns && *threshold > 1 &&
	       !(feature_vector_config(cq->ctrl, cq->vector) & VECTOR_CD);
}

void interrupt_posted(struct cq *cq, struct cmd *cmd)
{
	uint32_t threshold;
	uint64_t time_ns;

	if (!cq->interrupts)
		return;
	if (cmd->nr_shots && interrupt_fault(cq, cmd))
		return;
	if (!coalesces(cq, &threshold, &time_ns)) {
		send(cq);
		return;
	}
	if (++cq->coalesced >= threshold)
		interrupt_flush(cq);
	else if (!timer_armed(&cq->coalescing))
		timer_arm(cq->ctrl->loop, &cq->coalescing, loop_now(cq->ctrl->loop) + time_ns);
}

void interrupt_consumed(struct cq *cq)
{
	unsigned int vectors;

	if (function_irq_mode(cq->ctrl->function, &vectors) == FUNCTION_IRQ_INTX)
		update_pin(cq->ctrl);
}

/* What was held back by a mask is sent when that is gone. */
void interrupt_mask_changed(struct ctrl *ctrl)
{
	enum function_irq mode;
	unsigned int vectors;
	uint32_t qid;

	mode = function_irq_mode(ctrl->function, &vectors);
	if (mode == FUNCTION_IRQ_INTX)
		update_pin(ctrl);
	if (mode != FUNCTION_IRQ_MSI)
		return;
	for (qid = 0; qid <= ctrl->top_queue; qid++)
		if (ctrl->cq[qid] && cq_unread(ctrl->cq[qid]))
			send(ctrl->cq[qid]);
}

void interrupt_reset(struct ctrl *ctrl)
{
	function_intx(ctrl->function, false);
}

void interrupt_force(struct ctrl *ctrl, unsigned int vector)
{
	unsigned int vectors;

	if (function_irq_mode(ctrl->function, &vectors) != FUNCTION_IRQ_INTX) {
		function_message(ctrl->function, vector);
		return;
	}
	function_intx(ctrl->function, true);
	update_pin(ctrl);
}
