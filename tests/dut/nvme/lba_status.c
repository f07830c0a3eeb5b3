// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Which blocks cannot be read: Get LBA Status and its log page. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/event.h"
#include "nvme/feature.h"
#include "nvme/lba_status.h"
#include "nvme/log_page.h"
#include "nvme/ns.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "options.h"

#define CDW10_BYTE		40
#define ATYPE_BYTE		55
#define ATYPE_SCAN		0x10	/* after looking for more: there is nothing that is not known */
#define ATYPE_TRACKED		0x11
#define CMPC_INCOMPLETE		1
#define CMPC_COMPLETE		2
#define DESCRIPTORS_MAX		4096
#define LOG_RANGES		64	/* of a namespace in the log page */

#define LSIRI(value)	((value) & NVME_FEAT_LBAS_LSIRI_MASK)
#define LSIRI_UNIT_NS	(100 * NS_PER_MS)

struct lba_alert {
	struct ctrl *ctrl;
	struct timer delay;
};

struct range {
	uint64_t slba;
	uint64_t nlb;
};

/* The next run of uncorrectable blocks from @slba on, before @end; false if there is none. */
static bool next_run(const struct ns *ns, uint64_t slba, uint64_t end, struct range *run)
{
	uint64_t last;

	if (slba >= end)
		return false;
	run->slba = store_find(ns->store, slba, end - slba, BLOCK_UNCORRECTABLE, true);
	if (run->slba == UINT64_MAX)
		return false;
	last = store_find(ns->store, run->slba, end - run->slba, BLOCK_UNCORRECTABLE, false);
	run->nlb = (last == UINT64_MAX ? end : last) - run->slba;
	return true;
}

static void describe(struct nvme_lba_status *list, const struct ns *ns, uint64_t slba, uint64_t end,
		     uint32_t room)
{
	struct range run;
	uint32_t n = 0;

	list->cmpc = CMPC_COMPLETE;
	for (; next_run(ns, slba, end, &run); slba = run.slba + run.nlb) {
		if (n == room) {
			list->cmpc = CMPC_INCOMPLETE;
			break;
		}
		list->descs[n].dslba = run.slba;
		/* 0's based */
		list->descs[n].nlb = run.nlb - 1;
		n++;
	}
	list->nlsd = n;
}

/* CDW10 and 11 SLBA, CDW12 MNDW (0's based), CDW13 ATYPE 31:24 and RL 15:0, 0 being to the end. */
uint16_t get_lba_status_run(struct cmd *cmd)
{
	uint64_t slba = cmd->sqe.cdw10 | (uint64_t)cmd->sqe.cdw11 << 32, end = cmd->ns->nsze;
	size_t length = ((size_t)cmd->sqe.cdw12 + 1) * 4, size;
	uint32_t rl = cmd->sqe.cdw13 & 0xffff, atype = cmd->sqe.cdw13 >> 24, room = 0;
	struct nvme_lba_status *list;
	uint16_t status;

	if (slba >= cmd->ns->nsze) {
		cmd->error_location = CDW10_BYTE;
		return GENERIC(LBA_RANGE);
	}
	if (atype != ATYPE_SCAN && atype != ATYPE_TRACKED)
		return cmd_bad_field(cmd, ATYPE_BYTE);
	if (rl && rl < end - slba)
		end = slba + rl;
	if (length > sizeof(*list))
		room = (length - sizeof(*list)) / sizeof(list->descs[0]);
	if (room > DESCRIPTORS_MAX)
		room = DESCRIPTORS_MAX;
	size = sizeof(*list) + room * sizeof(list->descs[0]);
	list = calloc(1, size);
	if (!list)
		return RETRY(GENERIC(INTERNAL));
	describe(list, cmd->ns, slba, end, room);
	size = sizeof(*list) + list->nlsd * sizeof(list->descs[0]);
	status = cmd_reply(cmd, list, size, size < length ? size : length);
	free(list);
	return status;
}

static size_t fill_element(struct nvme_lbas_ns_element *element, const struct ns *ns)
{
	struct range run;
	uint64_t slba = 0;
	uint32_t n = 0;

	element->neid = ns->nsid;
	element->ratype = ATYPE_TRACKED;
	for (; n < LOG_RANGES && next_run(ns, slba, ns->nsze, &run); slba = run.slba + run.nlb) {
		element->lba_rd[n].rslba = run.slba;
		element->lba_rd[n].rnlb = run.nlb - 1;
		n++;
	}
	element->nlrd = n;
	return sizeof(*element) + n * sizeof(element->lba_rd[0]);
}

uint16_t lba_status_log(struct cmd *cmd, struct log *log)
{
	const struct ctrl *ctrl = cmd->ctrl;
	uint32_t nsid, max = ctrl->options->max_namespaces;
	size_t each = sizeof(struct nvme_lbas_ns_element) + LOG_RANGES * sizeof(struct nvme_lba_rd);
	struct nvme_lba_status_log *page = log_alloc(log, sizeof(*page) + max * each);
	size_t at = sizeof(*page);

	if (!page)
		return RETRY(GENERIC(INTERNAL));
	for (nsid = 1; nsid <= max; nsid++) {
		const struct ns *ns = ns_attached(ctrl, nsid);

		if (!ns || !ns->store->uncorrectable)
			continue;
		at += fill_element((void *)((unsigned char *)page + at), ns);
		page->nlslne++;
		page->estulb += ns->store->uncorrectable;
	}
	page->lslplen = at;
	return 0;
}

static void tell(struct timer *timer)
{
	struct lba_alert *alert = (struct lba_alert *)((char *)timer -
						       offsetof(struct lba_alert, delay));

	event_post(alert->ctrl, NVME_AER_NOTICE, NVME_AER_NOTICE_LBA_STATUS_ALERT,
		   NVME_LOG_LID_LBA_STATUS);
}

struct lba_alert *lba_alert_new(struct ctrl *ctrl)
{
	struct lba_alert *alert = calloc(1, sizeof(*alert));

	if (!alert)
		return NULL;
	alert->ctrl = ctrl;
	alert->delay.fire = tell;
	return alert;
}

void lba_alert_free(struct lba_alert *alert)
{
	if (alert)
		timer_cancel(alert->ctrl->loop, &alert->delay);
	free(alert);
}

void lba_alert_reset(struct ctrl *ctrl)
{
	timer_cancel(ctrl->loop, &ctrl->lba_alert->delay);
}

static void alert_ctrl(struct ctrl *ctrl)
{
	uint32_t delay = LSIRI(feature_value(ctrl, NVME_FEAT_FID_LBA_STS_INTERVAL));
	struct timer *timer = &ctrl->lba_alert->delay;

	if (!delay)
		tell(timer);
	else if (!timer_armed(timer))
		timer_arm(ctrl->loop, timer, loop_now(ctrl->loop) + delay * LSIRI_UNIT_NS);
}

void lba_alert(const struct ns *ns)
{
	struct subsys *subsys = ns->subsys;
	unsigned int i;

	for (i = 0; subsys->options->lba_status && i < subsys->nr_ctrls; i++)
		if (ns_attached(subsys->ctrls[i], ns->nsid))
			alert_ctrl(subsys->ctrls[i]);
}
