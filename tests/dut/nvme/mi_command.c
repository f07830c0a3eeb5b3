// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* NVMe-MI Send and Receive. NVMe Base 2.1, 5.1.18 and 5.1.19; NVMe-MI 2.0, 4.3 and 5 */
#include <endian.h>
#include <nvme/mi.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/mi_command.h"
#include "nvme/mi_health.h"
#include "nvme/mi_info.h"

/*
 * Of the tunnelled request: CDW10 is its first dword, CDW11 its opcode, CDW12 and CDW13 its
 * own dwords.
 */
#define MESSAGE_TYPE(cdw10)	((cdw10) & 0x7f)
#define MESSAGE_NVME_MI		4
#define NMIMT(cdw10)		((cdw10) >> 11 & 0xf)
#define ROR			(1U << 15)
#define CDW10_BYTE		40
#define CONFIG_ID(dword0)	((dword0) & 0xff)
#define CONTROLLER_HEALTH_POLL	0x02	/* Controller Health Status Poll */
#define MCTP_MTU		64U
#define DWORD0_BYTE		8	/* of the message */
#define DWORD1_BYTE		12

/* Completion dword 0: the response's status in 7:0, its own 24 bits above. */
void mi_respond(struct cmd *cmd, uint8_t status, uint32_t nmresp)
{
	cmd->dw0 = status | nmresp << 8;
}

/* Parameter Error Location: bit in 2:0, byte in 23:8 */
void mi_bad_parameter(struct cmd *cmd, uint16_t byte)
{
	mi_respond(cmd, NVME_MI_RESP_INVALID_PARAM, (uint32_t)byte << 8);
}

/* Only the command set of the management interface can be tunnelled. */
static uint16_t check(struct cmd *cmd)
{
	uint32_t cdw10 = cmd->sqe.cdw10;

	if (MESSAGE_TYPE(cdw10) != MESSAGE_NVME_MI || NMIMT(cdw10) != NVME_MI_MT_MI || cdw10 & ROR)
		return cmd_bad_field(cmd, CDW10_BYTE);
	return 0;
}

static void get_configuration(struct cmd *cmd)
{
	switch (CONFIG_ID(cmd->sqe.cdw12)) {
	case NVME_MI_CONFIG_HEALTH_STATUS_CHANGE:
		mi_respond(cmd, NVME_MI_RESP_SUCCESS, 0);
		break;
	case NVME_MI_CONFIG_MCTP_MTU:
		mi_respond(cmd, NVME_MI_RESP_SUCCESS, MCTP_MTU);
		break;
	default:
		/* There is no SMBus. */
		mi_bad_parameter(cmd, DWORD0_BYTE);
		break;
	}
}

static void set_configuration(struct cmd *cmd)
{
	switch (CONFIG_ID(cmd->sqe.cdw12)) {
	case NVME_MI_CONFIG_HEALTH_STATUS_CHANGE:
		mi_health_clear(cmd->ctrl->subsys, cmd->sqe.cdw13);
		mi_respond(cmd, NVME_MI_RESP_SUCCESS, 0);
		break;
	case NVME_MI_CONFIG_MCTP_MTU:
		if ((cmd->sqe.cdw13 & 0xffff) == MCTP_MTU)
			mi_respond(cmd, NVME_MI_RESP_SUCCESS, 0);
		else
			mi_bad_parameter(cmd, DWORD1_BYTE);
		break;
	default:
		mi_bad_parameter(cmd, DWORD0_BYTE);
		break;
	}
}

uint16_t mi_send_run(struct cmd *cmd)
{
	uint16_t status = check(cmd);

	if (status)
		return status;
	if ((cmd->sqe.cdw11 & 0xff) == nvme_mi_mi_opcode_configuration_set)
		set_configuration(cmd);
	else
		mi_respond(cmd, NVME_MI_RESP_INVALID_OPCODE, 0);
	return 0;
}

uint16_t mi_receive_run(struct cmd *cmd)
{
	uint16_t status = check(cmd);

	if (status)
		return status;
	switch (cmd->sqe.cdw11 & 0xff) {
	case nvme_mi_mi_opcode_mi_data_read:
		return mi_info_read(cmd);
	case nvme_mi_mi_opcode_subsys_health_status_poll:
		return mi_health_poll_subsys(cmd);
	case CONTROLLER_HEALTH_POLL:
		return mi_health_poll_ctrls(cmd);
	case nvme_mi_mi_opcode_configuration_get:
		get_configuration(cmd);
		return 0;
	default:
		mi_respond(cmd, NVME_MI_RESP_INVALID_OPCODE, 0);
		return 0;
	}
}
