// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Log pages that say what the controller can do. */
#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/effects_log.h"
#include "nvme/feature.h"
#include "options.h"

#define LSUPP		(1U << 0)
#define SCOPE_NS	(1U << 20)
#define SCOPE_CTRL	(1U << 21)
#define SCOPE_SUBSYS	(1U << 25)
#define CSI_SHIFT	24
#define MI_COMMANDS	5	/* opcodes 00h to 04h: those that mi_command.c knows */
#define CDW14_BYTE	56

uint16_t supported_logs(struct cmd *cmd, struct log *log)
{
	struct nvme_supported_log_pages *page = log_alloc(log, sizeof(*page));
	unsigned int lid;

	if (!page)
		return RETRY(GENERIC(INTERNAL));
	for (lid = 0; lid < NVME_LOG_SUPPORTED_LOG_PAGES_MAX; lid++)
		if (log_supported(cmd->ctrl, lid))
			page->lid_support[lid] = LSUPP;
	return 0;
}

static uint32_t scope(const struct command *command)
{
	switch (command->opcode) {
	case nvme_admin_sanitize_nvm:
	case nvme_admin_fw_commit:
	case nvme_admin_fw_download:
		return SCOPE_SUBSYS;
	case nvme_admin_ns_mgmt:
	case nvme_admin_ns_attach:
	case nvme_admin_format_nvm:
		return SCOPE_NS;
	default:
		return command->flags & COMMAND_NS ? SCOPE_NS : SCOPE_CTRL;
	}
}

/* CSUPP, what it changes, and what it has to do with. 5.1.12.1.6 */
uint16_t effects_log(struct cmd *cmd, struct log *log)
{
	uint8_t csi = cmd->sqe.cdw14 >> CSI_SHIFT;
	struct nvme_cmd_effects_log *page;
	const struct command *command;
	unsigned int opcode;

	if (csi != NVME_CSI_NVM && !(csi == NVME_CSI_ZNS && cmd->ctrl->options->zns))
		return cmd_bad_field(cmd, CDW14_BYTE + 3);
	page = log_alloc(log, sizeof(*page));
	if (!page)
		return RETRY(GENERIC(INTERNAL));
	for (opcode = 0; opcode < 256; opcode++) {
		command = admin_command(cmd->ctrl, opcode);
		if (command)
			page->acs[opcode] =
				NVME_CMD_EFFECTS_CSUPP | command->effects | scope(command);
		command = io_command(cmd->ctrl, csi, opcode);
		if (command)
			page->iocs[opcode] = NVME_CMD_EFFECTS_CSUPP | command->effects;
	}
	return 0;
}

uint16_t feature_effects_log(struct cmd *cmd, struct log *log)
{
	struct nvme_fid_supported_effects_log *page = log_alloc(log, sizeof(*page));

	if (!page)
		return RETRY(GENERIC(INTERNAL));
	feature_effects(cmd->ctrl, page->fid_support);
	return 0;
}

/* NVMe-MI commands in band; none without NVMe-MI Send and Receive. */
uint16_t mi_effects_log(struct cmd *cmd, struct log *log)
{
	struct nvme_mi_cmd_supported_effects_log *page = log_alloc(log, sizeof(*page));
	unsigned int opcode;

	if (!page)
		return RETRY(GENERIC(INTERNAL));
	for (opcode = 0; opcode < MI_COMMANDS && cmd->ctrl->options->mi; opcode++)
		page->mi_cmd_support[opcode] =
			NVME_MI_CMD_SUPPORTED_EFFECTS_CSUPP |
			NVME_MI_CMD_SUPPORTED_EFFECTS_SCOPE_NSS
				<< NVME_MI_CMD_SUPPORTED_EFFECTS_SCOPE_SHIFT;
	return 0;
}
