// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Namespace Management and Namespace Attachment. NVMe Base 2.1, 5.1.20 and 5.1.21 */
#include <endian.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/log_page.h"
#include "nvme/ns.h"
#include "nvme/ns_management.h"
#include "nvme/persistent_event.h"
#include "nvme/self_test.h"
#include "nvme/subsys.h"
#include "options.h"

#define NSID_BYTE	4
#define DPTR_BYTE	24
#define SEL_BYTE	40
#define CSI_BYTE	47
#define SEL(cmd)	((cmd)->sqe.cdw10 & 0xf)
#define SEL_CREATE	0
#define SEL_DELETE	1
#define SEL_ATTACH	0
#define SEL_DETACH	1
#define NMIC_SHARED	(1U << 0)
#define PI_BYTES	8		/* of metadata, that protection information takes */
#define ATTACH_MAX	2047		/* identifiers in a controller list */

static void record(struct cmd *cmd, uint32_t nsid, const struct nvme_id_ns *id)
{
	struct nvme_change_ns_event event = {
		.nsmgt_cdw10 = htole32(cmd->sqe.cdw10),
		.nsid = htole32(nsid),
	};

	if (id) {
		event.nsze = id->nsze;
		event.nscap = id->ncap;
		event.flbas = id->flbas;
		event.dps = id->dps;
		event.nmic = id->nmic;
	}
	persistent_event_add(cmd->ctrl, NVME_PEL_CHANGE_NS_EVENT, &event, sizeof(event));
}

/* FLBAS: format index in 3:0 and 6:5, metadata at the end of the block in bit 4. */
static struct ns wanted(const struct nvme_id_ns *id, uint8_t csi)
{
	return (struct ns){
		.csi = csi,
		.lbaf = (id->flbas & 0xf) | (id->flbas >> 5 & 3) << 4,
		.extended = id->flbas >> 4 & 1,
		.pi = id->dps & 7,
		.pi_first = id->dps >> 3 & 1,
		.shared = id->nmic & NMIC_SHARED,
		.nsze = le64toh(id->nsze),
		.ncap = le64toh(id->ncap),
	};
}

static uint16_t check_wanted(struct cmd *cmd, const struct nvme_id_ns *id, const struct ns *want)
{
	uint32_t lba_shift, ms;

	if (want->csi != NVME_CSI_NVM && !(want->csi == NVME_CSI_ZNS && cmd->ctrl->options->zns)) {
		cmd->error_location = CSI_BYTE;
		return SPECIFIC(IOCS_NOT_SUPPORTED);
	}
	if (!ns_lbaf(want->lbaf, &lba_shift, &ms))
		return SPECIFIC(INVALID_FORMAT);
	if (want->pi > NVME_FORMAT_PI_TYPE3 || (want->pi && ms < PI_BYTES))
		return SPECIFIC(INVALID_FORMAT);
	if (id->nmic & ~NMIC_SHARED || !want->nsze || want->ncap > want->nsze)
		return cmd_bad_field(cmd, DPTR_BYTE);
	/* NSFEAT has no thin provisioning: all blocks can be written. Zones may have gaps. */
	if (want->ncap < want->nsze && want->csi == NVME_CSI_NVM)
		return SPECIFIC(THIN_PROV_NOT_SUPP);
	return 0;
}

static uint16_t create(struct cmd *cmd)
{
	unsigned char data[NVME_IDENTIFY_DATA_SIZE];
	const struct nvme_id_ns *id = (const struct nvme_id_ns *)data;
	struct ns want, *made;
	uint16_t status;

	if (cmd->sqe.nsid)
		return cmd_bad_field(cmd, NSID_BYTE);
	status = cmd_take(cmd, data, sizeof(data));
	if (status)
		return status;
	want = wanted(id, cmd->sqe.cdw11 >> 24);
	status = check_wanted(cmd, id, &want);
	if (!status)
		status = ns_create(cmd->ctrl->subsys, &want, 0, &made);
	if (status)
		return status;
	cmd->dw0 = made->nsid;
	record(cmd, made->nsid, id);
	return 0;
}

/* Commands that have not begun find no namespace, those that have end: it is not there any more. */
static void end_commands(struct ctrl *ctrl, const struct ns *ns)
{
	struct cmd *cmd = ctrl->cmds;

	while (cmd) {
		if (cmd->ns == ns && cmd->running && cmd->cancel &&
		    cmd_abort(ctrl, cmd->sqid, cmd->sqe.cid)) {
			/* Others may have gone with it. */
			cmd = ctrl->cmds;
			continue;
		}
		if (cmd->ns == ns)
			cmd->ns = NULL;
		cmd = cmd->next;
	}
}

static bool is_attached(const struct ns *ns, const struct ctrl *ctrl)
{
	return ns->attached & 1U << ctrl->index;
}

static void detach(struct ns *ns, struct ctrl *ctrl)
{
	end_commands(ctrl, ns);
	ns_attach(ns, ctrl, false);
}

static void delete(struct cmd *cmd, struct ns *ns)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	uint32_t nsid = ns->nsid, attached = ns->attached;
	unsigned int i;

	self_test_ns_gone(subsys, nsid);
	for (i = 0; i < subsys->nr_ctrls; i++)
		if (is_attached(ns, subsys->ctrls[i]))
			detach(ns, subsys->ctrls[i]);
	ns_delete(ns);
	record(cmd, nsid, NULL);
	if (attached)
		log_changed_ns_others(cmd->ctrl, nsid);
}

static bool any_formatting(const struct subsys *subsys)
{
	uint32_t nsid;

	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++)
		if (ns_find(subsys, nsid) && ns_find(subsys, nsid)->formatting)
			return true;
	return false;
}

static uint16_t delete_all(struct cmd *cmd)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	uint32_t nsid;

	if (any_formatting(subsys))
		return LATER(GENERIC(FORMAT_IN_PROGRESS));
	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++)
		if (ns_find(subsys, nsid))
			delete(cmd, ns_find(subsys, nsid));
	return 0;
}

/* The namespace that NSID names, attached or not. */
static uint16_t find(struct cmd *cmd, struct ns **ns)
{
	*ns = ns_find(cmd->ctrl->subsys, cmd->sqe.nsid);
	if (*ns)
		return (*ns)->formatting ? LATER(GENERIC(FORMAT_IN_PROGRESS)) : 0;
	cmd->error_location = NSID_BYTE;
	if (!cmd->sqe.nsid || cmd->sqe.nsid > cmd->ctrl->options->max_namespaces)
		return GENERIC(INVALID_NS);
	return GENERIC(INVALID_FIELD);
}

uint16_t ns_management_run(struct cmd *cmd)
{
	struct ns *ns;
	uint16_t status;

	switch (SEL(cmd)) {
	case SEL_CREATE:
		return create(cmd);
	case SEL_DELETE:
		if (cmd->sqe.nsid == NVME_NSID_ALL)
			return delete_all(cmd);
		status = find(cmd, &ns);
		if (!status)
			delete(cmd, ns);
		return status;
	default:
		return cmd_bad_field(cmd, SEL_BYTE);
	}
}

static struct ctrl *find_ctrl(const struct subsys *subsys, uint16_t cntid)
{
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++)
		if (subsys->ctrls[i]->cntid == cntid)
			return subsys->ctrls[i];
	return NULL;
}

/* Identifiers go up, and each is a controller's. NVMe Base 2.1, 4.6.1 */
static uint16_t check_list(const struct subsys *subsys, const struct nvme_ctrl_list *list)
{
	unsigned int i, nr = le16toh(list->num);

	if (!nr || nr > ATTACH_MAX)
		return SPECIFIC(CTRL_LIST_INVALID);
	for (i = 0; i < nr; i++) {
		uint16_t cntid = le16toh(list->identifier[i]);

		if (!find_ctrl(subsys, cntid) ||
		    (i && cntid <= le16toh(list->identifier[i - 1])))
			return SPECIFIC(CTRL_LIST_INVALID);
	}
	return 0;
}

/* A controller that is on must have been told of the namespace's command set by CC.CSS. */
static bool set_enabled(const struct ctrl *ctrl, const struct ns *ns)
{
	return ns->csi == NVME_CSI_NVM || !(ctrl->regs.cc & 1) ||
	       NVME_CC_CSS(ctrl->regs.cc) == NVME_CC_CSS_CSI;
}

static uint16_t check_attach(const struct ns *ns, const struct nvme_ctrl_list *list, bool attach)
{
	unsigned int i, nr = le16toh(list->num);

	for (i = 0; i < nr; i++) {
		const struct ctrl *ctrl = find_ctrl(ns->subsys, le16toh(list->identifier[i]));

		if (!attach && !is_attached(ns, ctrl))
			return SPECIFIC(NS_NOT_ATTACHED);
		if (attach && is_attached(ns, ctrl))
			return SPECIFIC(NS_ALREADY_ATTACHED);
		if (attach && !set_enabled(ctrl, ns))
			return SPECIFIC(IOCS_NOT_ENABLED);
	}
	if (attach && !ns->shared && (ns->attached || nr > 1))
		return SPECIFIC(NS_IS_PRIVATE);
	return 0;
}

/* All of the list or nothing. */
uint16_t ns_attachment_run(struct cmd *cmd)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	bool attach = SEL(cmd) == SEL_ATTACH;
	struct nvme_ctrl_list list;
	unsigned int i;
	struct ns *ns;
	uint16_t status;

	if (SEL(cmd) > SEL_DETACH)
		return cmd_bad_field(cmd, SEL_BYTE);
	status = find(cmd, &ns);
	if (!status)
		status = cmd_take(cmd, &list, sizeof(list));
	if (!status)
		status = check_list(subsys, &list);
	if (!status)
		status = check_attach(ns, &list, attach);
	if (status)
		return status;
	for (i = 0; i < le16toh(list.num); i++) {
		struct ctrl *ctrl = find_ctrl(subsys, le16toh(list.identifier[i]));

		if (attach)
			ns_attach(ns, ctrl, true);
		else
			detach(ns, ctrl);
	}
	log_changed_ns_others(cmd->ctrl, ns->nsid);
	return 0;
}
