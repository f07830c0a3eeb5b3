// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Format NVM. NVMe Base 2.1, 5.1.10 */
#include <endian.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/format.h"
#include "nvme/log_page.h"
#include "nvme/ns.h"
#include "nvme/persistent_event.h"
#include "nvme/reservation.h"
#include "nvme/self_test.h"
#include "nvme/subsys.h"
#include "options.h"

#define NSID_BYTE	4
#define CDW10_BYTE	40
#define PI_BYTES	8		/* of metadata, that protection information takes */
#define PERCENT		100UL
#define FNA		NVME_CTRL_FNA_CRYPTO_ERASE

/* CDW10: LBAFL 3:0, MSET 4, PI 7:5, PIL 8, SES 11:9, LBAFU 13:12 */
static struct ns wanted(uint32_t cdw10)
{
	return (struct ns){
		.lbaf = (cdw10 & 0xf) | (cdw10 >> 12 & 3) << 4,
		.extended = cdw10 >> 4 & 1,
		.pi = cdw10 >> 5 & 7,
		.pi_first = cdw10 >> 8 & 1,
	};
}

static uint16_t check_format(struct cmd *cmd)
{
	struct ns want = wanted(cmd->sqe.cdw10);
	uint32_t lba_shift, ms;

	if (!ns_lbaf(want.lbaf, &lba_shift, &ms))
		return SPECIFIC(INVALID_FORMAT);
	if (want.pi > NVME_FORMAT_PI_TYPE3 || (want.pi && ms < PI_BYTES))
		return SPECIFIC(INVALID_FORMAT);
	if ((cmd->sqe.cdw10 >> 9 & 7) > NVME_FORMAT_SES_CRYPTO_ERASE) {
		cmd->error_location = CDW10_BYTE + 1;
		return GENERIC(INVALID_FIELD);
	}
	return 0;
}

static uint16_t check_ns(struct cmd *cmd, struct ns *ns)
{
	if (ns->formatting)
		return LATER(GENERIC(FORMAT_IN_PROGRESS));
	if (reservation_forbids(ns, cmd->ctrl, true))
		return RETRY(GENERIC(RESERVATION_CONFLICT));
	return ns->protection == NS_NOT_PROTECTED ? 0 : GENERIC(NS_WRITE_PROTECTED);
}

static bool is_meant(const struct cmd *cmd, const struct ns *ns)
{
	return cmd->sqe.nsid == NVME_NSID_ALL ? ns_attached(cmd->ctrl, ns->nsid) == ns :
						cmd->sqe.nsid == ns->nsid;
}

/*
 * Calls @what for the namespace of the command, or for all that are attached; ends at the
 * first failure.
 */
static uint16_t for_each_ns(struct cmd *cmd, uint16_t (*what)(struct cmd *cmd, struct ns *ns))
{
	uint32_t nsid;
	uint16_t status = 0;

	for (nsid = 1; !status && nsid <= cmd->ctrl->options->max_namespaces; nsid++) {
		struct ns *ns = ns_find(cmd->ctrl->subsys, nsid);

		if (ns && is_meant(cmd, ns))
			status = what(cmd, ns);
	}
	return status;
}

static uint16_t begin(struct cmd *cmd, struct ns *ns)
{
	struct nvme_format_nvm_start_event event = {
		.nsid = htole32(ns->nsid),
		.fna = FNA,
		.format_nvm_cdw10 = htole32(cmd->sqe.cdw10),
	};

	self_test_formatted(cmd->ctrl->subsys, ns->nsid);
	persistent_event_add(cmd->ctrl, NVME_PEL_FORMAT_START_EVENT, &event,
			     sizeof(event));
	ns->formatting = true;
	ns->format_left = PERCENT;
	return 0;
}

static uint16_t finish(struct cmd *cmd, struct ns *ns)
{
	struct ns want = wanted(cmd->sqe.cdw10);
	uint32_t nsid = ns->nsid;
	struct nvme_format_nvm_compln_event event = { .nsid = htole32(nsid) };
	uint16_t status;

	ns->formatting = false;
	ns->format_left = 0;
	/* Without memory for the new one, the namespace is gone. */
	status = ns_format(ns, &want);
	event.smallest_fpi = status ? PERCENT : 0;
	event.format_nvm_status = status ? 1 : 0;
	/* As in a completion, with its phase bit. */
	event.status_field = htole32((uint32_t)status << 1);
	persistent_event_add(cmd->ctrl, NVME_PEL_FORMAT_COMPLETION_EVENT, &event,
			     sizeof(event));
	log_changed_ns_others(cmd->ctrl, nsid);
	return status;
}

static uint16_t progress(struct cmd *cmd, struct ns *ns)
{
	ns->format_left--;
	return 0;
}

/* A percent at a time; the command's context counts what is left. */
static void step(struct timer *timer)
{
	struct cmd *cmd = container_of(timer, struct cmd, timer);
	struct ctrl *ctrl = cmd->ctrl;

	cmd->context = (void *)((uintptr_t)cmd->context - 1);
	for_each_ns(cmd, progress);
	if (cmd->context)
		timer_arm(ctrl->loop, timer,
			  loop_now(ctrl->loop) + ctrl->options->format_ns / PERCENT);
	else
		cmd_complete(cmd, for_each_ns(cmd, finish));
}

/* A reset or an Abort ends the command, not the operation: it is done with at once. */
static void cancel(struct cmd *cmd)
{
	for_each_ns(cmd, finish);
}

uint16_t format_run(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	uint64_t step_ns = ctrl->options->format_ns / PERCENT;
	uint16_t status;

	if (!cmd->ns && cmd->sqe.nsid != NVME_NSID_ALL) {
		cmd->error_location = NSID_BYTE;
		return cmd->sqe.nsid && cmd->sqe.nsid <= ctrl->options->max_namespaces ?
			GENERIC(INVALID_FIELD) : GENERIC(INVALID_NS);
	}
	status = check_format(cmd);
	if (!status)
		status = for_each_ns(cmd, check_ns);
	if (status)
		return status;
	for_each_ns(cmd, begin);
	if (!step_ns)
		return for_each_ns(cmd, finish);
	cmd->cancel = cancel;
	cmd->context = (void *)PERCENT;
	cmd->timer.fire = step;
	timer_arm(ctrl->loop, &cmd->timer, loop_now(ctrl->loop) + step_ns);
	return CMD_PENDING;
}
