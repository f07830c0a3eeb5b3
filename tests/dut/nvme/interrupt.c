// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* When a completion queue interrupts the host: masks, coalescing, the pin. NVMe Base 2.1, 3.1.4.3, 5.1.25.1.6 */
#include <stdlib.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/completion_fault.h"
#include "nvme/ctrl.h"
#include "nvme/feature.h"
#include "options.h"
#include "pcie/function.h"

#define COALESCING_UNIT_NS	(100 * NS_PER_US)
#define MSI_VECTORS		32		/* at most */
#define PULSE_NS		(2 * NS_PER_MS)	/* long enough for a host to see whose line it is */
#define VECTOR_CD		(1U << 16)	/* Coalescing Disable of Interrupt Vector Configuration */

/* Of a vector: what its queues have got since it interrupted, and how long it may wait for more. */
struct coalescing {
	struct ctrl *ctrl;
	uint16_t vector;
	uint32_t posted;
	struct timer time;
};

struct interrupts {
	uint32_t nr;
	struct coalescing vectors[];
};

static bool cq_unread(const struct cq *cq)
{
	return cq->interrupts && cq->head != cq->tail;
}

/* INTMS masks what is not MSI-X, a bit for each vector. */
static bool masked(const struct ctrl *ctrl, unsigned int vector)
{
	return vector < 32 && ctrl->regs.intms & 1U << vector;
}

/* The pin is asserted while any of its queues has what the host has not taken. True if it is. */
static bool update_pin(struct ctrl *ctrl)
{
	bool asserted = false;
	uint32_t qid;

	for (qid = 0; qid <= ctrl->top_queue && !asserted; qid++)
		asserted = ctrl->cq[qid] && cq_unread(ctrl->cq[qid]);
	asserted = (asserted && !masked(ctrl, 0)) || timer_armed(&ctrl->pin);
	function_intx(ctrl->function, asserted);
	return asserted;
}

/* Fewer messages than vectors: the host was told so, and gets them folded. */
static void send_msi(struct ctrl *ctrl, unsigned int vector, unsigned int vectors)
{
	if (!masked(ctrl, vector % vectors))
		function_message(ctrl->function, vector % vectors);
}

static void send(struct ctrl *ctrl, uint16_t vector)
{
	unsigned int vectors;

	switch (function_irq_mode(ctrl->function, &vectors)) {
	case FUNCTION_IRQ_MSIX:
		function_message(ctrl->function, vector);
		break;
	case FUNCTION_IRQ_MSI:
		send_msi(ctrl, vector, vectors);
		break;
	case FUNCTION_IRQ_INTX:
		update_pin(ctrl);
		break;
	case FUNCTION_IRQ_NONE:
		break;
	}
}

static void flush(struct coalescing *coalescing)
{
	timer_cancel(coalescing->ctrl->loop, &coalescing->time);
	coalescing->posted = 0;
	send(coalescing->ctrl, coalescing->vector);
}

static void time_ends(struct timer *timer)
{
	flush(container_of(timer, struct coalescing, time));
}

struct interrupts *interrupts_new(struct ctrl *ctrl)
{
	uint32_t nr = ctrl->options->msix > MSI_VECTORS ? ctrl->options->msix : MSI_VECTORS, i;
	struct interrupts *interrupts = calloc(1, sizeof(*interrupts) +
					       nr * sizeof(interrupts->vectors[0]));

	if (!interrupts)
		return NULL;
	interrupts->nr = nr;
	for (i = 0; i < nr; i++) {
		interrupts->vectors[i].ctrl = ctrl;
		interrupts->vectors[i].vector = i;
		interrupts->vectors[i].time.fire = time_ends;
	}
	return interrupts;
}

static void forget_posted(struct interrupts *interrupts)
{
	uint32_t i;

	for (i = 0; i < interrupts->nr; i++) {
		timer_cancel(interrupts->vectors[i].ctrl->loop, &interrupts->vectors[i].time);
		interrupts->vectors[i].posted = 0;
	}
}

void interrupts_free(struct interrupts *interrupts)
{
	if (interrupts)
		forget_posted(interrupts);
	free(interrupts);
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
	return *time_ns && *threshold > 1 && cq->vector < cq->ctrl->interrupts->nr &&
	       !(feature_vector_config(cq->ctrl, cq->vector) & VECTOR_CD);
}

void interrupt_posted(struct cq *cq, struct cmd *cmd)
{
	struct coalescing *coalescing;
	uint32_t threshold;
	uint64_t time_ns;

	if (!cq->interrupts)
		return;
	if (cmd->nr_shots && interrupt_fault(cq, cmd))
		return;
	if (!coalesces(cq, &threshold, &time_ns)) {
		send(cq->ctrl, cq->vector);
		return;
	}
	coalescing = &cq->ctrl->interrupts->vectors[cq->vector];
	if (++coalescing->posted >= threshold)
		flush(coalescing);
	else if (!timer_armed(&coalescing->time))
		timer_arm(cq->ctrl->loop, &coalescing->time, loop_now(cq->ctrl->loop) + time_ns);
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
			send(ctrl, ctrl->cq[qid]->vector);
}

void interrupt_reset(struct ctrl *ctrl)
{
	forget_posted(ctrl->interrupts);
	timer_cancel(ctrl->loop, &ctrl->pin);
	function_intx(ctrl->function, false);
}

static void pulse_ends(struct timer *timer)
{
	update_pin(container_of(timer, struct ctrl, pin));
}

static void pulse_pin(struct ctrl *ctrl)
{
	ctrl->pin.fire = pulse_ends;
	timer_arm(ctrl->loop, &ctrl->pin, loop_now(ctrl->loop) + PULSE_NS);
	update_pin(ctrl);
}

void interrupt_force(struct ctrl *ctrl, unsigned int vector)
{
	unsigned int vectors;

	switch (function_irq_mode(ctrl->function, &vectors)) {
	case FUNCTION_IRQ_MSIX:
		function_message(ctrl->function, vector);
		break;
	case FUNCTION_IRQ_MSI:
		send_msi(ctrl, vector, vectors);
		break;
	case FUNCTION_IRQ_INTX:
		if (!masked(ctrl, 0) && (timer_armed(&ctrl->pin) || !update_pin(ctrl)))
			pulse_pin(ctrl);
		break;
	case FUNCTION_IRQ_NONE:
		break;
	}
}

void interrupt_force_masked(struct ctrl *ctrl, unsigned int vector)
{
	unsigned int vectors;

	switch (function_irq_mode(ctrl->function, &vectors)) {
	case FUNCTION_IRQ_MSIX:
		function_message_masked(ctrl->function, vector);
		break;
	case FUNCTION_IRQ_MSI:
		function_message_masked(ctrl->function, vector % vectors);
		break;
	case FUNCTION_IRQ_INTX:
		pulse_pin(ctrl);
		break;
	case FUNCTION_IRQ_NONE:
		break;
	}
}
