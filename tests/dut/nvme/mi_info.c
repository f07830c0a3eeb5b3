// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Read NVMe-MI Data Structure: the subsystem, its ports, its controllers. NVMe-MI 2.0, 5.7 */
#include <endian.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <nvme/mi.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/mi_command.h"
#include "nvme/mi_info.h"
#include "nvme/subsys.h"
#include "pcie/function.h"

#define CTRLID(dword0)		((dword0) & 0xffff)
#define PORTID(dword0)		((dword0) >> 16 & 0xff)
#define DTYP(dword0)		((dword0) >> 24)
#define CTRLID_BYTE		8	/* of the message */
#define PORTID_BYTE		10
#define DTYP_BYTE		11
#define PORT_PCIE		1
#define MCTP_MTU		64
#define MI_COMMAND		(NVME_MI_MT_MI << 3)	/* Command Type of a supported command */

/* With its length in the response. */
static uint16_t reply(struct cmd *cmd, const void *data, size_t length)
{
	mi_respond(cmd, NVME_MI_RESP_SUCCESS, length);
	return cmd_reply(cmd, data, length, length);
}

/* Each controller is at a port of its own. */
static uint16_t read_subsys(struct cmd *cmd)
{
	struct nvme_mi_read_nvm_ss_info info = {
		.nump = cmd->ctrl->subsys->nr_ctrls - 1,
		.mjr = 1,
		.mnr = 2,
	};

	return reply(cmd, &info, sizeof(info));
}

static unsigned int find_capability(struct function *function, uint8_t id)
{
	unsigned int at = function_config_read(function, PCI_CAPABILITY_LIST, 1);
	unsigned int left = 48;

	while (at >= PCI_STD_HEADER_SIZEOF && left--) {
		if (function_config_read(function, at, 1) == id)
			return at;
		at = function_config_read(function, at + 1, 1) & ~3U;
	}
	return 0;
}

static void fill_link(struct function *function, struct nvme_mi_port_pcie *port)
{
	unsigned int at = find_capability(function, PCI_CAP_ID_EXP);
	uint32_t capable = function_config_read(function, at + PCI_EXP_LNKCAP, 4);
	uint32_t status = function_config_read(function, at + PCI_EXP_LNKSTA, 2);

	if (!at)
		return;
	port->mps = function_config_read(function, at + PCI_EXP_DEVCAP, 4) &
		    PCI_EXP_DEVCAP_PAYLOAD;
	/* A bit for each speed up to the highest. */
	port->sls = (1U << (capable & PCI_EXP_LNKCAP_SLS)) - 1;
	port->cls = status & PCI_EXP_LNKSTA_CLS;
	port->mlw = (capable & PCI_EXP_LNKCAP_MLW) >> 4;
	port->nlw = (status & PCI_EXP_LNKSTA_NLW) >> 4;
}

static uint16_t read_port(struct cmd *cmd)
{
	const struct subsys *subsys = cmd->ctrl->subsys;
	unsigned int id = PORTID(cmd->sqe.cdw12);
	struct nvme_mi_read_port_info info = {
		.portt = PORT_PCIE,
		.mmctptus = htole16(MCTP_MTU),
	};

	if (id >= subsys->nr_ctrls) {
		mi_bad_parameter(cmd, PORTID_BYTE);
		return 0;
	}
	fill_link(subsys->ctrls[id]->function, &info.pcie);
	info.pcie.pn = id;
	return reply(cmd, &info, sizeof(info));
}

/* Those from CTRLID on. */
static uint16_t read_ctrl_list(struct cmd *cmd)
{
	const struct subsys *subsys = cmd->ctrl->subsys;
	struct nvme_ctrl_list list = { 0 };
	unsigned int i, nr = 0;

	for (i = 0; i < subsys->nr_ctrls; i++)
		if (subsys->ctrls[i]->cntid >= CTRLID(cmd->sqe.cdw12))
			list.identifier[nr++] = htole16(subsys->ctrls[i]->cntid);
	list.num = htole16(nr);
	return reply(cmd, &list, (nr + 1) * sizeof(list.num));
}

static const struct ctrl *find_ctrl(const struct subsys *subsys, uint16_t cntid)
{
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++)
		if (subsys->ctrls[i]->cntid == cntid)
			return subsys->ctrls[i];
	return NULL;
}

static uint16_t read_ctrl(struct cmd *cmd, const struct ctrl *ctrl)
{
	struct function *function = ctrl->function;
	struct nvme_mi_read_ctrl_info info = {
		.portid = ctrl->index,
		/* The bus number is the client's to know: routing is by device 0, function 0. */
		.prii = 0,
		.vid = htole16(function_config_read(function, PCI_VENDOR_ID, 2)),
		.did = htole16(function_config_read(function, PCI_DEVICE_ID, 2)),
		.ssvid = htole16(function_config_read(function, PCI_SUBSYSTEM_VENDOR_ID, 2)),
		.ssid = htole16(function_config_read(function, PCI_SUBSYSTEM_ID, 2)),
	};

	return reply(cmd, &info, sizeof(info));
}

/* Beyond those that each management endpoint has. */
static uint16_t read_commands(struct cmd *cmd)
{
	struct {
		uint16_t nr;
		struct nvme_mi_osc commands[3];
	} __attribute__((packed)) list = {
		.nr = htole16(3),
		.commands = {
			{ MI_COMMAND, 0x02 },	/* Controller Health Status Poll */
			{ MI_COMMAND, nvme_mi_mi_opcode_configuration_set },
			{ MI_COMMAND, nvme_mi_mi_opcode_configuration_get },
		},
	};

	return reply(cmd, &list, sizeof(list));
}

uint16_t mi_info_read(struct cmd *cmd)
{
	const struct ctrl *ctrl = find_ctrl(cmd->ctrl->subsys, CTRLID(cmd->sqe.cdw12));

	switch (DTYP(cmd->sqe.cdw12)) {
	case nvme_mi_dtyp_subsys_info:
		return read_subsys(cmd);
	case nvme_mi_dtyp_port_info:
		return read_port(cmd);
	case nvme_mi_dtyp_ctrl_list:
		return read_ctrl_list(cmd);
	case nvme_mi_dtyp_ctrl_info:
		if (ctrl)
			return read_ctrl(cmd, ctrl);
		mi_bad_parameter(cmd, CTRLID_BYTE);
		return 0;
	case nvme_mi_dtyp_opt_cmd_support:
		if (ctrl)
			return read_commands(cmd);
		mi_bad_parameter(cmd, CTRLID_BYTE);
		return 0;
	default:
		/* There is no management endpoint buffer. */
		mi_bad_parameter(cmd, DTYP_BYTE);
		return 0;
	}
}
