// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The controller behind its PCI function: life, resets, the host's accesses, DMA. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "fault/fault.h"
#include "nvme/changed_ns.h"
#include "nvme/cmd.h"
#include "nvme/doorbell_buffer.h"
#include "nvme/error_log.h"
#include "nvme/event.h"
#include "nvme/feature.h"
#include "nvme/firmware.h"
#include "nvme/hmb.h"
#include "nvme/lba_status.h"
#include "nvme/ns.h"
#include "nvme/persistent_event.h"
#include "nvme/power.h"
#include "nvme/regs.h"
#include "nvme/reservation.h"
#include "nvme/reservation_log.h"
#include "nvme/self_test.h"
#include "nvme/smart.h"
#include "nvme/subsys.h"
#include "nvme/telemetry.h"
#include "nvme/thermal.h"
#include "options.h"
#include "pcie/function.h"

#define VENDOR_ID		0x1234	/* one that no vendor has, as QEMU's own devices use it */
#define DEVICE_ID		0x4e56
#define CLASS_NVME		0x010802
#define CMBMSC_CBA		0xfffffffffffff000ULL

static struct ctrl *of_device(void *device)
{
	return device;
}

static uint32_t doorbell_stride(const struct ctrl *ctrl)
{
	return 4U << ctrl->options->dstrd;
}

static void write_doorbell(struct ctrl *ctrl, uint64_t offset, uint32_t value)
{
	uint64_t index = (offset - REGS_IMAGE) / doorbell_stride(ctrl);
	uint32_t qid = index / 2;
	bool cq = index % 2;

	if ((offset - REGS_IMAGE) % doorbell_stride(ctrl) || !ctrl->enabled)
		return;
	if (faults_eat_doorbell(ctrl->subsys->faults, ctrl, qid, cq, value))
		return;
	if (qid > ctrl->nr_queues || (cq ? !ctrl->cq[qid] : !ctrl->sq[qid])) {
		event_post(ctrl, NVME_AER_ERROR, NVME_AER_ERROR_INVALID_DB_REG, NVME_LOG_LID_ERROR);
		return;
	}
	if (cq)
		cq_doorbell(ctrl->cq[qid], value);
	else
		sq_doorbell(ctrl->sq[qid], value);
}

static uint64_t on_bar_read(void *device, int bar, uint64_t offset, unsigned int width)
{
	/* What doorbells read as is up to the vendor: zeros. */
	return bar ? 0 : regs_read(of_device(device), offset, width);
}

static void on_bar_write(void *device, int bar, uint64_t offset, unsigned int width, uint64_t value)
{
	struct ctrl *ctrl = of_device(device);

	if (bar)
		return;
	if (offset < REGS_IMAGE) {
		regs_write(ctrl, offset, width, value);
		return;
	}
	write_doorbell(ctrl, offset, value);
	ctrl_fetch(ctrl);
}

static void on_reset(void *device, enum function_reset kind)
{
	struct ctrl *ctrl = of_device(device);

	ctrl_reset(ctrl, kind == FUNCTION_RESET_FLR ? CTRL_RESET_FLR : CTRL_RESET_PCI);
}

static void on_dma_unmapped(void *device, uint64_t iova, uint64_t length)
{
	hmb_unmapped(of_device(device), iova, length);
}

static bool on_intercept(void *device, int where, bool write, uint64_t offset, unsigned int width,
			 uint64_t *value)
{
	struct ctrl *ctrl = of_device(device);

	return faults_intercept(ctrl->subsys->faults, ctrl, where, write, offset, width, value);
}

static const struct function_ops function_ops = {
	.bar_read = on_bar_read,
	.bar_write = on_bar_write,
	.reset = on_reset,
	.dma_unmapped = on_dma_unmapped,
	.intercept = on_intercept,
};

/*
 * A doorbell in memory: the shadow where there is one, since a ring of the
 * register can be of the value that is there already.
 */
static bool look_at_doorbell(struct ctrl *ctrl, uint16_t qid, bool cq, uint32_t *last)
{
	uint64_t offset = REGS_IMAGE + (2ULL * qid + cq) * doorbell_stride(ctrl);
	const unsigned char *bar0 = function_bar0_memory(ctrl->function);
	uint32_t value;

	if (!doorbell_buffer_used(ctrl, qid))
		value = __atomic_load_n((const uint32_t *)(bar0 + offset), __ATOMIC_ACQUIRE);
	else if (!doorbell_buffer_peek(ctrl, qid, cq, &value))
		return false;
	if (value == *last)
		return false;
	*last = value;
	write_doorbell(ctrl, offset, value);
	return true;
}

/* Doorbells that the host stores to memory: a new value is a write. */
static bool poll_doorbells(struct poller *poller)
{
	struct ctrl *ctrl = container_of(poller, struct ctrl, poller);
	bool found = false;
	uint32_t qid;

	if (!ctrl->enabled || !function_doorbells_mapped(ctrl->function) ||
	    !function_link_is_up(ctrl->function))
		return false;
	for (qid = 0; qid <= ctrl->top_queue; qid++) {
		struct sq *sq = ctrl->sq[qid];
		struct cq *cq = ctrl->cq[qid];

		if (sq)
			found |= look_at_doorbell(ctrl, qid, false, &sq->last_tail);
		if (cq)
			found |= look_at_doorbell(ctrl, qid, true, &cq->last_head);
	}
	if (found)
		ctrl_fetch(ctrl);
	return found;
}

static uint64_t round_up_pow2(uint64_t n)
{
	uint64_t p = 4096;

	while (p < n)
		p <<= 1;
	return p;
}

static struct function *make_function(struct ctrl *ctrl)
{
	const struct options *options = ctrl->options;
	uint64_t doorbells = 2ULL * (options->queues + 1) * doorbell_stride(ctrl);
	struct function_params params = {
		.vendor_id = VENDOR_ID,
		.device_id = DEVICE_ID,
		.subsystem_vendor_id = VENDOR_ID,
		.subsystem_id = DEVICE_ID,
		.class_code = CLASS_NVME,
		.bar_length[0] = round_up_pow2(REGS_IMAGE + doorbells),
		.bar_length[CMB_BAR] = options->cmb,
		.bar_prefetchable[CMB_BAR] = true,
		.doorbell_length = options->doorbells_mapped ? (doorbells + 4095) & ~4095ULL : 0,
		.msix_vectors = options->msix,
		.msi_vectors = options->msi,
		.intx = options->intx,
		.pm = true,
		.pcie = true,
		.aer = options->aer_cap,
		.l1ss = options->l1ss,
		.ltr = options->ltr,
		.no_soft_reset = true,
		.serial_number = 0x4e56000000000000ULL + ctrl->cntid,
	};
	struct function *function = function_new(ctrl->loop, &params, &function_ops, ctrl);

	/* Before a client can ask what the BAR is. */
	if (function && options->cmb && !function_bar_memory(function, CMB_BAR)) {
		function_free(function);
		return NULL;
	}
	return function;
}

static bool make_parts(struct ctrl *ctrl)
{
	ctrl->interrupts = interrupts_new(ctrl);
	ctrl->features = features_new(ctrl);
	ctrl->events = events_new(ctrl);
	ctrl->changed_ns = changed_ns_new();
	ctrl->errors = errors_new(ctrl);
	ctrl->smart = smart_new(ctrl);
	ctrl->power = power_new(ctrl);
	ctrl->thermal = thermal_new(ctrl);
	ctrl->hmb = hmb_new(ctrl);
	ctrl->lba_alert = lba_alert_new(ctrl);
	ctrl->notices = notices_new(ctrl);
	ctrl->self_test = self_test_new(ctrl);
	ctrl->telemetry = telemetry_new(ctrl);
	return ctrl->interrupts && ctrl->features && ctrl->events && ctrl->changed_ns &&
	       ctrl->errors && ctrl->smart &&
	       ctrl->power && ctrl->thermal && ctrl->hmb && ctrl->lba_alert && ctrl->notices &&
	       ctrl->self_test && ctrl->telemetry;
}

struct ctrl *ctrl_new(struct subsys *subsys, uint16_t index)
{
	struct ctrl *ctrl = calloc(1, sizeof(*ctrl));

	if (!ctrl)
		return NULL;
	ctrl->subsys = subsys;
	ctrl->options = subsys->options;
	ctrl->loop = subsys->loop;
	ctrl->index = index;
	ctrl->cntid = index + 1;
	ctrl->nr_queues = ctrl->options->queues;
	ctrl->granted = ctrl->nr_queues;
	ctrl->ready.fire = regs_follow;
	ctrl->poller.poll = poll_doorbells;
	ctrl->sq = calloc(ctrl->nr_queues + 1, sizeof(struct sq *));
	ctrl->cq = calloc(ctrl->nr_queues + 1, sizeof(struct cq *));
	ctrl->function = make_function(ctrl);
	/* The others look for it there. */
	subsys->ctrls[index] = ctrl;
	regs_init(ctrl);
	if (!ctrl->sq || !ctrl->cq || !ctrl->function || !make_parts(ctrl)) {
		ctrl_free(ctrl);
		return NULL;
	}
	regs_publish(ctrl);
	loop_poll_add(ctrl->loop, &ctrl->poller);
	return ctrl;
}

static void delete_queues(struct ctrl *ctrl)
{
	uint32_t qid;

	for (qid = 0; ctrl->sq && qid <= ctrl->nr_queues; qid++)
		if (ctrl->sq[qid])
			sq_delete(ctrl->sq[qid]);
	for (qid = 0; ctrl->cq && qid <= ctrl->nr_queues; qid++)
		if (ctrl->cq[qid])
			cq_delete(ctrl->cq[qid]);
	memset(&ctrl->turn, 0, sizeof(ctrl->turn));
	memset(ctrl->class_turn, 0, sizeof(ctrl->class_turn));
	memset(ctrl->credits, 0, sizeof(ctrl->credits));
}

void ctrl_free(struct ctrl *ctrl)
{
	if (!ctrl)
		return;
	loop_poll_remove(ctrl->loop, &ctrl->poller);
	timer_cancel(ctrl->loop, &ctrl->ready);
	timer_cancel(ctrl->loop, &ctrl->pin);
	cmd_drop(ctrl);
	delete_queues(ctrl);
	telemetry_free(ctrl->telemetry);
	self_test_free(ctrl->self_test);
	notices_free(ctrl->notices);
	lba_alert_free(ctrl->lba_alert);
	hmb_free(ctrl->hmb);
	thermal_free(ctrl->thermal);
	power_free(ctrl->power);
	smart_free(ctrl->smart);
	errors_free(ctrl->errors);
	changed_ns_free(ctrl->changed_ns);
	events_free(ctrl->events);
	features_free(ctrl->features);
	interrupts_free(ctrl->interrupts);
	function_free(ctrl->function);
	cmd_free_all(ctrl);
	ctrl->subsys->ctrls[ctrl->index] = NULL;
	free(ctrl->sq);
	free(ctrl->cq);
	free(ctrl);
}

int ctrl_listen(struct ctrl *ctrl, const char *path)
{
	return function_listen(ctrl->function, path);
}

/* The order: commands end before what they use is gone. */
void ctrl_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	ctrl->enabled = false;
	ctrl->shut_down = false;
	timer_cancel(ctrl->loop, &ctrl->ready);
	cmd_drop(ctrl);
	delete_queues(ctrl);
	ctrl->shadow_doorbells = 0;
	ctrl->event_indexes = 0;
	ctrl->granted = ctrl->nr_queues;
	regs_reset(ctrl, kind);
	features_reset(ctrl, kind);
	events_reset(ctrl, kind);
	errors_reset(ctrl, kind);
	power_reset(ctrl, kind);
	hmb_reset(ctrl, kind);
	lba_alert_reset(ctrl);
	reservation_reset(ctrl);
	notices_reset(ctrl);
	self_test_reset(ctrl, kind);
	firmware_reset(ctrl, kind);
	persistent_event_reset(ctrl, kind);
	interrupt_reset(ctrl);
	memset((unsigned char *)function_bar0_memory(ctrl->function) + REGS_IMAGE, 0,
	       ctrl_doorbell_length(ctrl));
	regs_publish(ctrl);
}

void ctrl_forget_doorbell(struct ctrl *ctrl, uint16_t qid, bool cq)
{
	unsigned char *bar0 = function_bar0_memory(ctrl->function);
	uint64_t offset = REGS_IMAGE + (2ULL * qid + cq) * doorbell_stride(ctrl);

	__atomic_store_n((uint32_t *)(bar0 + offset), 0, __ATOMIC_RELAXED);
}

uint64_t ctrl_doorbell_length(const struct ctrl *ctrl)
{
	return 2ULL * (ctrl->nr_queues + 1) * doorbell_stride(ctrl);
}

void ctrl_shut_down(struct ctrl *ctrl, bool abrupt)
{
	uint32_t nsid;

	if (!abrupt)
		for (nsid = 1; nsid <= ctrl->options->max_namespaces; nsid++)
			if (ns_find(ctrl->subsys, nsid))
				ns_flush(ns_find(ctrl->subsys, nsid));
	smart_shutdown(ctrl, abrupt);
}

/* AQA: ACQS in 27:16, ASQS in 11:0, both 0's based. 3.1.4.8 */
int ctrl_create_admin(struct ctrl *ctrl)
{
	const struct regs *regs = &ctrl->regs;
	uint32_t cq_entries = (regs->aqa >> 16) + 1, sq_entries = (regs->aqa & 0xfff) + 1;
	int err;

	/* A queue has two entries at least. 3.3.3.1 */
	if (cq_entries < 2 || sq_entries < 2)
		return -EINVAL;
	err = cq_create(ctrl, 0, regs->acq, cq_entries, true, true, 0);
	if (!err)
		err = sq_create(ctrl, 0, ctrl->cq[0], regs->asq, sq_entries, true, 0);
	return err;
}

/* The CMB as the host addresses it in commands: CMBMSC.CBA while CMSE is 1. 8.2.1 */
static unsigned char *cmb_pointer(struct ctrl *ctrl, uint64_t addr, size_t length)
{
	uint64_t base = ctrl->regs.cmbmsc & CMBMSC_CBA, size = ctrl->options->cmb;

	if (!size || !(ctrl->regs.cmbmsc & CMBMSC_CMSE) || addr < base || length > size ||
	    addr - base > size - length)
		return NULL;
	return (unsigned char *)function_bar_memory(ctrl->function, CMB_BAR) + (addr - base);
}

void *ctrl_dma_pointer(struct ctrl *ctrl, uint64_t addr, size_t length, bool write)
{
	unsigned char *cmb = ctrl->options->cmb ? cmb_pointer(ctrl, addr, length) : NULL;

	return cmb ? cmb : function_dma_pointer(ctrl->function, addr, length, write);
}

int ctrl_dma_read(struct ctrl *ctrl, uint64_t addr, void *data, size_t length)
{
	unsigned char *cmb = cmb_pointer(ctrl, addr, length);

	if (!cmb)
		return function_dma_read(ctrl->function, addr, data, length);
	memcpy(data, cmb, length);
	return 0;
}

int ctrl_dma_write(struct ctrl *ctrl, uint64_t addr, const void *data, size_t length)
{
	unsigned char *cmb = cmb_pointer(ctrl, addr, length);

	if (!cmb)
		return function_dma_write(ctrl->function, addr, data, length);
	memcpy(cmb, data, length);
	return 0;
}
