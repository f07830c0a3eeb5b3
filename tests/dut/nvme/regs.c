// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The registers of a controller. NVMe Base 2.1, 3.1.4 */
#include <string.h>

#include <nvme/types.h>

#include "fault/fault.h"
#include "nvme/boot_partition.h"
#include "nvme/feature.h"
#include "nvme/persistent_event.h"
#include "nvme/regs.h"
#include "nvme/smart.h"
#include "nvme/subsys.h"
#include "options.h"
#include "pcie/function.h"

#define VERSION_2_1		0x00020100
#define NSSR_MAGIC		0x4e564d65	/* "NVMe" */
#define CC_EN			(1U << NVME_CC_EN_SHIFT)
#define CC_IOSQES		6U
#define CC_IOCQES		4U
#define CSTS_RDY		(1U << 0)
#define CSTS_CFS		(1U << 1)
#define CSTS_SHST_MASK		(3U << 2)
#define CSTS_SHST_OCCURRING	(1U << 2)
#define CSTS_SHST_COMPLETE	(2U << 2)
#define CSTS_NSSRO		(1U << 4)
#define SHUTDOWN_NORMAL		1
#define SHUTDOWN_ABRUPT		2
#define PAGE_ALIGNED		0xfffffffffffff000ULL
#define AQA_MASK		0x0fff0fffU
#define CMBMSC_CRE		(1ULL << 0)
#define CMBLOC_MIXED		(0x1fU << 3)	/* CQMMS, CQPDS, CDPMLS, CDPCILS, CDMMMS */

uint32_t ctrl_page_size(const struct ctrl *ctrl)
{
	return 4096U << NVME_CC_MPS(ctrl->regs.cc);
}

static uint64_t make_cap(const struct options *options)
{
	uint64_t css = NVME_CAP_CSS_NVM | (options->zns ? NVME_CAP_CSS_CSI : 0);

	return (options->entries - 1) | (uint64_t)options->contiguous << 16 |
	       (uint64_t)options->wrr << 17 | (uint64_t)options->timeout << 24 |
	       (uint64_t)options->dstrd << 32 | (uint64_t)options->nssr << 36 | css << 37 |
	       (uint64_t)(options->boot_partition != 0) << 45 |
	       (uint64_t)options->mpsmin << 48 | (uint64_t)options->mpsmax << 52 |
	       (uint64_t)(options->cmb != 0) << 57;
}

void regs_init(struct ctrl *ctrl)
{
	const struct options *options = ctrl->options;
	struct regs *regs = &ctrl->regs;

	memset(regs, 0, sizeof(*regs));
	regs->cap = make_cap(options);
	regs->vs = VERSION_2_1;
	regs->bpinfo = boot_partition_info(ctrl->subsys);
}

/* CMBLOC and CMBSZ can be seen once the host has enabled them. 3.1.4.11 */
static void update_cmb(struct ctrl *ctrl)
{
	struct regs *regs = &ctrl->regs;
	bool shown = ctrl->options->cmb && regs->cmbmsc & CMBMSC_CRE;

	regs->cmbloc = shown ? CMB_BAR | CMBLOC_MIXED : 0;
	/* SZ in MiB (SZU 2), usable for SQs, CQs, lists, read and write data. */
	regs->cmbsz = shown ? 0x1fU | 2U << 8 | (uint32_t)(ctrl->options->cmb >> 20) << 12 : 0;
}

void regs_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	struct regs *regs = &ctrl->regs;
	struct regs old = *regs;

	if (kind == CTRL_RESET_CC) {
		/* AQA, ASQ and ACQ keep their values. 3.7.2 */
		regs->csts &= CSTS_NSSRO;
		regs->intms = 0;
		regs->cc &= ~CC_EN;
		return;
	}
	regs_init(ctrl);
	/* NSSRO stays until the host or a loss of power clears it. 3.1.4.6 */
	if (kind != CTRL_RESET_POWER)
		regs->csts |= old.csts & CSTS_NSSRO;
	if (kind == CTRL_RESET_NSSR)
		regs->csts |= CSTS_NSSRO;
	if (kind == CTRL_RESET_FLR) {
		/* CMBMSC stands a function level reset. 3.1.4.14 */
		regs->cmbmsc = old.cmbmsc;
		update_cmb(ctrl);
	}
}

static uint32_t csts_value(struct ctrl *ctrl)
{
	uint32_t csts = ctrl->regs.csts;
	bool at;

	if (faults_rdy_stuck(ctrl->subsys->faults, ctrl, &at))
		csts = at ? csts | CSTS_RDY : csts & ~CSTS_RDY;
	return csts;
}

/* All registers as bytes: what an access of any width takes its part of. */
static void image(struct ctrl *ctrl, unsigned char page[REGS_IMAGE])
{
	const struct regs *regs = &ctrl->regs;
	const struct {
		uint32_t offset;
		uint32_t width;
		uint64_t value;
	} map[] = {
		{ NVME_REG_CAP, 8, regs->cap },
		{ NVME_REG_VS, 4, regs->vs },
		{ NVME_REG_INTMS, 4, regs->intms },
		{ NVME_REG_INTMC, 4, regs->intms },
		{ NVME_REG_CC, 4, regs->cc },
		{ NVME_REG_CSTS, 4, csts_value(ctrl) },
		{ NVME_REG_AQA, 4, regs->aqa },
		{ NVME_REG_ASQ, 8, regs->asq },
		{ NVME_REG_ACQ, 8, regs->acq },
		{ NVME_REG_CMBLOC, 4, regs->cmbloc },
		{ NVME_REG_CMBSZ, 4, regs->cmbsz },
		{ NVME_REG_BPINFO, 4, regs->bpinfo },
		{ NVME_REG_BPRSEL, 4, regs->bprsel },
		{ NVME_REG_BPMBL, 8, regs->bpmbl },
		{ NVME_REG_CMBMSC, 8, regs->cmbmsc },
	};
	size_t i;

	memset(page, 0, REGS_IMAGE);
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		memcpy(page + map[i].offset, &map[i].value, map[i].width);
}

uint64_t regs_read(struct ctrl *ctrl, uint64_t offset, unsigned int width)
{
	unsigned char page[REGS_IMAGE];
	uint64_t value = 0;

	if (offset + width > REGS_IMAGE)
		return 0;
	image(ctrl, page);
	memcpy(&value, page + offset, width);
	return value;
}

void regs_publish(struct ctrl *ctrl)
{
	unsigned char page[REGS_IMAGE];

	if (!function_link_is_up(ctrl->function))
		return;
	image(ctrl, page);
	faults_overlay(ctrl->subsys->faults, ctrl, page, sizeof(page));
	memcpy(function_bar0_memory(ctrl->function), page, sizeof(page));
}

void ctrl_fail(struct ctrl *ctrl)
{
	if (!(ctrl->regs.csts & CSTS_CFS))
		persistent_event_hardware(ctrl, HARDWARE_FATAL_STATUS);
	ctrl->regs.csts |= CSTS_CFS;
	ctrl->enabled = false;
	regs_publish(ctrl);
}

static bool cc_is_possible(const struct ctrl *ctrl, uint32_t cc)
{
	uint32_t mps = NVME_CC_MPS(cc), css = NVME_CC_CSS(cc), ams = NVME_CC_AMS(cc);

	if (mps < ctrl->options->mpsmin || mps > ctrl->options->mpsmax)
		return false;
	if (css != NVME_CC_CSS_NVM && css != NVME_CC_CSS_ADMIN &&
	    !(css == NVME_CC_CSS_CSI && ctrl->options->zns))
		return false;
	return ams == NVME_CC_AMS_RR || (ams == NVME_CC_AMS_WRRU && ctrl->options->wrr);
}

void regs_follow(struct timer *timer)
{
	struct ctrl *ctrl = container_of(timer, struct ctrl, ready);

	if ((ctrl->regs.csts & CSTS_SHST_MASK) == CSTS_SHST_OCCURRING) {
		ctrl->regs.csts = (ctrl->regs.csts & ~CSTS_SHST_MASK) | CSTS_SHST_COMPLETE;
		ctrl->shut_down = true;
		/* No commands until a reset. 3.6.1 */
		ctrl->enabled = false;
	} else {
		ctrl->regs.csts |= CSTS_RDY;
		ctrl->enabled = true;
	}
	regs_publish(ctrl);
	ctrl_fetch(ctrl);
}

/* A CC that cannot be, or queues that cannot be made, end in CSTS.CFS. 3.5.1 */
static void enable(struct ctrl *ctrl)
{
	uint64_t delay = ctrl->options->ready_ns;

	smart_in_use(ctrl);
	if (!cc_is_possible(ctrl, ctrl->regs.cc) || ctrl_create_admin(ctrl)) {
		ctrl_fail(ctrl);
		return;
	}
	delay += faults_rdy_delay(ctrl->subsys->faults, ctrl);
	if (delay)
		timer_arm(ctrl->loop, &ctrl->ready, loop_now(ctrl->loop) + delay);
	else
		regs_follow(&ctrl->ready);
}

static void begin_shutdown(struct ctrl *ctrl, unsigned int kind)
{
	ctrl->regs.csts = (ctrl->regs.csts & ~CSTS_SHST_MASK) | CSTS_SHST_OCCURRING;
	ctrl_shut_down(ctrl, kind == SHUTDOWN_ABRUPT);
	timer_arm(ctrl->loop, &ctrl->ready, loop_now(ctrl->loop) + ctrl->options->shutdown_ns);
}

static void write_cc(struct ctrl *ctrl, uint32_t value)
{
	struct regs *regs = &ctrl->regs;
	uint32_t old = regs->cc, shutdown = NVME_CC_SHN(value);

	if (!(value & CC_EN) && old & CC_EN) {
		ctrl_reset(ctrl, CTRL_RESET_CC);
		regs->cc = value;
		return;
	}
	/* MPS, AMS and CSS are the host's while EN is 0. 3.1.4.5 */
	if (old & CC_EN)
		value = (value & ~0x3ff0U) | (old & 0x3ff0U);
	regs->cc = value;
	if (value & CC_EN && !(old & CC_EN))
		enable(ctrl);
	if (shutdown != NVME_CC_SHN(old) && (shutdown == SHUTDOWN_NORMAL ||
					     shutdown == SHUTDOWN_ABRUPT))
		begin_shutdown(ctrl, shutdown);
}

static void write_low(uint64_t *reg, uint64_t value, unsigned int width, bool high)
{
	if (width == 8)
		*reg = value;
	else if (high)
		*reg = (*reg & 0xffffffffU) | value << 32;
	else
		*reg = (*reg & ~0xffffffffULL) | (value & 0xffffffffU);
}

static void write_wide(struct ctrl *ctrl, uint64_t offset, unsigned int width, uint64_t value)
{
	struct regs *regs = &ctrl->regs;
	bool high = offset & 4;

	switch (offset & ~7ULL) {
	case NVME_REG_ASQ:
		write_low(&regs->asq, value, width, high);
		regs->asq &= PAGE_ALIGNED;
		break;
	case NVME_REG_ACQ:
		write_low(&regs->acq, value, width, high);
		regs->acq &= PAGE_ALIGNED;
		break;
	case NVME_REG_BPMBL:
		write_low(&regs->bpmbl, value, width, high);
		regs->bpmbl &= PAGE_ALIGNED;
		break;
	case NVME_REG_CMBMSC:
		if (!ctrl->options->cmb)
			break;
		write_low(&regs->cmbmsc, value, width, high);
		regs->cmbmsc &= PAGE_ALIGNED | CMBMSC_CRE | CMBMSC_CMSE;
		update_cmb(ctrl);
		break;
	}
}

/* Registers are written whole, by dwords or, the wide ones, by a quadword; other writes have no effect. */
void regs_write(struct ctrl *ctrl, uint64_t offset, unsigned int width, uint64_t value)
{
	struct regs *regs = &ctrl->regs;

	if (width < 4 || offset % width)
		return;
	switch (offset) {
	case NVME_REG_INTMS:
		regs->intms |= value;
		interrupt_mask_changed(ctrl);
		break;
	case NVME_REG_INTMC:
		regs->intms &= ~value;
		interrupt_mask_changed(ctrl);
		break;
	case NVME_REG_CC:
		write_cc(ctrl, value);
		break;
	case NVME_REG_CSTS:
		/* NSSRO is write 1 to clear, all else is read only. */
		regs->csts &= ~(value & CSTS_NSSRO);
		break;
	case NVME_REG_NSSR:
		if (ctrl->options->nssr && value == NSSR_MAGIC)
			subsys_reset(ctrl->subsys);
		break;
	case NVME_REG_AQA:
		regs->aqa = value & AQA_MASK;
		break;
	case NVME_REG_BPRSEL:
		if (ctrl->options->boot_partition) {
			regs->bprsel = value;
			boot_partition_select(ctrl, value);
		}
		break;
	default:
		write_wide(ctrl, offset, width, value);
		break;
	}
	regs_publish(ctrl);
}
