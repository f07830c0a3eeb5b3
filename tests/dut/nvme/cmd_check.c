// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What is looked at before a command's handler runs: opcode, namespace, range, state of the device. */
#include "nvme/cmd.h"
#include "nvme/cmd_check.h"
#include "nvme/ctrl.h"
#include "nvme/ns.h"
#include "nvme/reservation.h"
#include "nvme/sanitize.h"
#include "nvme/subsys.h"
#include "options.h"

#define NSID_BYTE	4
#define FLAGS_BYTE	1

void cmd_look_up(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;

	cmd->ns = ns_attached(ctrl, cmd->sqe.nsid);
	cmd->command = cmd->sqid ?
		io_command(ctrl, cmd->ns ? cmd->ns->csi : NVME_CSI_NVM, cmd->sqe.opcode) :
		admin_command(ctrl, cmd->sqe.opcode);
	if (cmd->command && cmd->command->flags & COMMAND_RANGE) {
		cmd->slba = cmd->sqe.cdw10 | (uint64_t)cmd->sqe.cdw11 << 32;
		cmd->nlb = (cmd->sqe.cdw12 & 0xffff) + 1;
	} else {
		cmd->slba = 0;
		cmd->nlb = 0;
	}
}

size_t cmd_length(const struct cmd *cmd)
{
	return cmd->ns ? (size_t)cmd->nlb << cmd->ns->lba_shift : 0;
}

/* A number that no namespace can have, one that is not attached, one that should not be there. */
static uint16_t check_nsid(struct cmd *cmd)
{
	uint32_t flags = cmd->command->flags, nsid = cmd->sqe.nsid;

	if (flags & COMMAND_NO_NS && nsid)
		return cmd_bad_field(cmd, NSID_BYTE);
	if (!(flags & (COMMAND_NS | COMMAND_NS_OR_ALL)) || cmd->ns)
		return 0;
	if (flags & COMMAND_NS_OR_ALL && nsid == NVME_NSID_ALL)
		return 0;
	cmd->error_location = NSID_BYTE;
	if (!nsid || nsid > cmd->ctrl->options->max_namespaces)
		return GENERIC(INVALID_NS);
	return GENERIC(INVALID_FIELD);
}

static uint16_t check_range(struct cmd *cmd)
{
	const struct ns *ns = cmd->ns;

	if (!(cmd->command->flags & COMMAND_RANGE))
		return 0;
	if (cmd->nlb > ns->nsze || cmd->slba > ns->nsze - cmd->nlb) {
		cmd->error_location = 40;
		return GENERIC(LBA_RANGE);
	}
	return 0;
}

/* NVMe Base 2.1, 5.1.22: what a sanitize and a failed one leave. */
static uint16_t check_state(struct cmd *cmd)
{
	const struct subsys *subsys = cmd->ctrl->subsys;

	if (!(cmd->command->flags & COMMAND_IN_SANITIZE)) {
		if (sanitize_busy(subsys))
			return LATER(GENERIC(SANITIZE_IN_PROGRESS));
		if (sanitize_failed(subsys))
			return GENERIC(SANITIZE_FAILED);
	}
	if (cmd->ns && cmd->ns->formatting && !(cmd->command->flags & COMMAND_IN_FORMAT))
		return LATER(GENERIC(FORMAT_IN_PROGRESS));
	return 0;
}

static uint16_t check_right(struct cmd *cmd)
{
	uint32_t flags = cmd->command->flags;

	if (reservation_conflict(cmd))
		return RETRY(GENERIC(RESERVATION_CONFLICT));
	if (cmd->ns && flags & COMMAND_WRITES && cmd->ns->protection != NS_NOT_PROTECTED)
		return GENERIC(NS_WRITE_PROTECTED);
	return 0;
}

uint16_t cmd_check(struct cmd *cmd)
{
	uint16_t status;

	if (!cmd->command)
		return GENERIC(INVALID_OPCODE);
	/* FUSE is for those commands that can be fused; 3 has no meaning. */
	if (cmd->sqe.flags & 3 && (!cmd->sqid || !cmd->ctrl->options->fused))
		return cmd_bad_field(cmd, FLAGS_BYTE);
	status = check_nsid(cmd);
	if (!status)
		status = check_state(cmd);
	if (!status)
		status = check_right(cmd);
	if (!status)
		status = check_range(cmd);
	return status;
}
