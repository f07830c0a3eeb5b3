// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Identify: lists of namespaces, of controllers and of command sets. */
#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/identify_priv.h"
#include "nvme/ns.h"
#include "nvme/subsys.h"
#include "options.h"

#define CNTID(cmd)	((cmd)->sqe.cdw10 >> 16)
#define ANY_CSI		-1
#define THIS_CTRL	0xffff

/* Those above the NSID of the command. 5.1.13.2.2 */
static uint16_t list_ns(struct cmd *cmd, struct nvme_ns_list *list, bool attached, int csi)
{
	struct ctrl *ctrl = cmd->ctrl;
	uint32_t nsid, nr = 0;
	const struct ns *ns;

	if (cmd->sqe.nsid >= NVME_NSID_ALL - 1) {
		cmd->error_location = NSID_BYTE;
		return GENERIC(INVALID_NS);
	}
	for (nsid = cmd->sqe.nsid + 1; nsid <= ctrl->options->max_namespaces; nsid++) {
		ns = attached ? ns_attached(ctrl, nsid) : ns_find(ctrl->subsys, nsid);
		if (ns && (csi == ANY_CSI || csi == ns->csi) && nr < NVME_ID_NS_LIST_MAX)
			list->ns[nr++] = nsid;
	}
	return 0;
}

uint16_t identify_active_list(struct cmd *cmd, void *data)
{
	return list_ns(cmd, data, true, ANY_CSI);
}

uint16_t identify_allocated_list(struct cmd *cmd, void *data)
{
	return list_ns(cmd, data, false, ANY_CSI);
}

uint16_t identify_csi_active_list(struct cmd *cmd, void *data)
{
	uint16_t status = identify_check_csi(cmd);

	return status ? status : list_ns(cmd, data, true, identify_csi(cmd->sqe.cdw11));
}

uint16_t identify_csi_allocated_list(struct cmd *cmd, void *data)
{
	uint16_t status = identify_check_csi(cmd);

	return status ? status : list_ns(cmd, data, false, identify_csi(cmd->sqe.cdw11));
}

/* Those from CNTID on; with a namespace, those that it is attached to. */
static void list_ctrls(struct cmd *cmd, struct nvme_ctrl_list *list, const struct ns *ns)
{
	const struct subsys *subsys = cmd->ctrl->subsys;
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++)
		if (subsys->ctrls[i]->cntid >= CNTID(cmd) && (!ns || ns->attached & 1U << i))
			list->identifier[list->num++] = subsys->ctrls[i]->cntid;
}

uint16_t identify_ctrl_list(struct cmd *cmd, void *data)
{
	list_ctrls(cmd, data, NULL);
	return 0;
}

uint16_t identify_ns_ctrl_list(struct cmd *cmd, void *data)
{
	const struct ns *ns = ns_find(cmd->ctrl->subsys, cmd->sqe.nsid);

	if (!ns) {
		cmd->error_location = NSID_BYTE;
		return cmd->sqe.nsid && cmd->sqe.nsid <= cmd->ctrl->options->max_namespaces ?
			       GENERIC(INVALID_FIELD) : GENERIC(INVALID_NS);
	}
	list_ctrls(cmd, data, ns);
	return 0;
}

/* One combination: all that there are. */
uint16_t identify_command_sets(struct cmd *cmd, void *data)
{
	const struct subsys *subsys = cmd->ctrl->subsys;
	struct nvme_id_iocs *sets = data;
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++)
		if (CNTID(cmd) == THIS_CTRL || CNTID(cmd) == subsys->ctrls[i]->cntid)
			break;
	if (i == subsys->nr_ctrls)
		return cmd_bad_field(cmd, CDW10_BYTE + 2);
	sets->iocsc[0] = 1U << NVME_CSI_NVM | 1U << NVME_CSI_ZNS;
	return 0;
}
