// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The Changed Attached Namespace List of a controller. */
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "nvme/changed_ns.h"
#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/event.h"
#include "nvme/log_page.h"
#include "nvme/subsys.h"

struct changed_ns {
	unsigned int nr;
	bool overflow;
	struct nvme_ns_list list;	/* in ascending order */
};

struct changed_ns *changed_ns_new(void)
{
	return calloc(1, sizeof(struct changed_ns));
}

void changed_ns_free(struct changed_ns *changed)
{
	free(changed);
}

void changed_ns_clear(struct changed_ns *changed)
{
	memset(changed, 0, sizeof(*changed));
}

/* More of them than the list has room for: FFFFFFFFh and nothing else. */
static void add(struct changed_ns *changed, uint32_t nsid)
{
	unsigned int i;

	if (changed->overflow)
		return;
	for (i = 0; i < changed->nr && changed->list.ns[i] < nsid; i++)
		;
	if (i < changed->nr && changed->list.ns[i] == nsid)
		return;
	if (changed->nr == NVME_ID_NS_LIST_MAX) {
		memset(&changed->list, 0, sizeof(changed->list));
		changed->list.ns[0] = NVME_NSID_ALL;
		changed->overflow = true;
		return;
	}
	memmove(changed->list.ns + i + 1, changed->list.ns + i,
		(changed->nr - i) * sizeof(changed->list.ns[0]));
	changed->list.ns[i] = nsid;
	changed->nr++;
}

static void tell(struct ctrl *ctrl, uint32_t nsid)
{
	add(ctrl->changed_ns, nsid);
	event_post(ctrl, NVME_AER_NOTICE, NVME_AER_NOTICE_NS_CHANGED, NVME_LOG_LID_CHANGED_NS);
}

void log_changed_ns(struct subsys *subsys, uint32_t nsid)
{
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++)
		tell(subsys->ctrls[i], nsid);
}

void log_changed_ns_others(struct ctrl *ctrl, uint32_t nsid)
{
	struct subsys *subsys = ctrl->subsys;
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++)
		if (subsys->ctrls[i] && subsys->ctrls[i] != ctrl)
			tell(subsys->ctrls[i], nsid);
}

/* Once it is read it is empty. 5.1.12.1.5 */
uint16_t changed_ns_log(struct cmd *cmd, struct log *log)
{
	struct changed_ns *changed = cmd->ctrl->changed_ns;
	struct nvme_ns_list *list = log_alloc(log, sizeof(*list));

	if (!list)
		return RETRY(GENERIC(INTERNAL));
	*list = changed->list;
	if (!log_rae(cmd->sqe.cdw10))
		changed_ns_clear(changed);
	return 0;
}
