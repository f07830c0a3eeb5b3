// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Identify: which data structures there are, and the reply. NVMe Base 2.1, 5.1.13 */
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/identify.h"
#include "nvme/identify_priv.h"
#include "options.h"

#define CNS(cmd)	((cmd)->sqe.cdw10 & 0xff)

struct identify {
	uint8_t cns;
	uint16_t (*fill)(struct cmd *cmd, void *data);
	bool (*supported)(const struct options *options);	/* NULL: always */
};

static bool has_ns_management(const struct options *options)
{
	return options->ns_management;
}

static bool has_zns(const struct options *options)
{
	return options->zns;
}

static const struct identify table[] = {
	{ NVME_IDENTIFY_CNS_NS, identify_ns, NULL },
	{ NVME_IDENTIFY_CNS_CTRL, identify_ctrl, NULL },
	{ NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, identify_active_list, NULL },
	{ NVME_IDENTIFY_CNS_NS_DESC_LIST, identify_descriptors, NULL },
	{ NVME_IDENTIFY_CNS_CSI_NS, identify_csi_ns, NULL },
	{ NVME_IDENTIFY_CNS_CSI_CTRL, identify_csi_ctrl, NULL },
	{ NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST, identify_csi_active_list, NULL },
	{ NVME_IDENTIFY_CNS_CSI_INDEPENDENT_ID_NS, identify_independent_ns, NULL },
	{ NVME_IDENTIFY_CNS_NS_USER_DATA_FORMAT, identify_ns_format, NULL },
	{ NVME_IDENTIFY_CNS_CSI_NS_USER_DATA_FORMAT, identify_csi_ns_format, NULL },
	{ NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST, identify_allocated_list, has_ns_management },
	{ NVME_IDENTIFY_CNS_ALLOCATED_NS, identify_allocated_ns, has_ns_management },
	{ NVME_IDENTIFY_CNS_NS_CTRL_LIST, identify_ns_ctrl_list, has_ns_management },
	{ NVME_IDENTIFY_CNS_CTRL_LIST, identify_ctrl_list, has_ns_management },
	{ NVME_IDENTIFY_CNS_CSI_ALLOCATED_NS_LIST, identify_csi_allocated_list,
	  has_ns_management },
	{ NVME_IDENTIFY_CNS_CSI_ID_NS_DATA_STRUCTURE, identify_csi_allocated_ns,
	  has_ns_management },
	{ NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE, identify_command_sets, has_zns },
};

uint16_t identify_check_csi(struct cmd *cmd)
{
	uint8_t csi = identify_csi(cmd->sqe.cdw11);

	if (csi == NVME_CSI_NVM || (csi == NVME_CSI_ZNS && cmd->ctrl->options->zns))
		return 0;
	return cmd_bad_field(cmd, CDW11_BYTE + 3);
}

/* The value's low bytes over the data. */
static void lie(struct cmd *cmd, unsigned char data[NVME_IDENTIFY_DATA_SIZE])
{
	const struct fault_shot *shot = fault_find(cmd, FAULT_DATA_IDENTIFY);
	uint32_t length;

	if (!shot || shot->byte >= NVME_IDENTIFY_DATA_SIZE)
		return;
	length = shot->count ? shot->count : 1;
	if (length > sizeof(shot->value))
		length = sizeof(shot->value);
	if (length > NVME_IDENTIFY_DATA_SIZE - shot->byte)
		length = NVME_IDENTIFY_DATA_SIZE - shot->byte;
	memcpy(data + shot->byte, &shot->value, length);
	fault_log(cmd, shot, "CNS %02xh has %#llx in %u bytes at byte %u", CNS(cmd),
		  (unsigned long long)shot->value, length, shot->byte);
}

uint16_t identify_run(struct cmd *cmd)
{
	unsigned char data[NVME_IDENTIFY_DATA_SIZE] = { 0 };
	const struct identify *identify = NULL;
	uint16_t status;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].cns == CNS(cmd) &&
		    (!table[i].supported || table[i].supported(cmd->ctrl->options)))
			identify = &table[i];
	if (!identify)
		return cmd_bad_field(cmd, CDW10_BYTE);
	status = identify->fill(cmd, data);
	if (status)
		return status;
	lie(cmd, data);
	return cmd_reply(cmd, data, sizeof(data), sizeof(data));
}
