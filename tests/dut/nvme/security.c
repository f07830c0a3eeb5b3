// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Security Send and Receive. NVMe Base 2.1, 5.1.23 and 5.1.24; SPC-5, 7.7.1
 *
 * Two protocols: 00h tells what there is; F0h, the first of the vendor's, is a
 * drawer: what was sent to an SPSP is received from it, as long as the process
 * lives.
 */
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/security.h"
#include "nvme/subsys.h"

#define PROTOCOL_INFORMATION	0x00
#define PROTOCOL_DRAWER		0xf0
#define INFORMATION_LIST	0
#define INFORMATION_CERTIFICATE	1
#define DRAWERS			4
#define DRAWER_SIZE		4096U
#define SPSP_BYTE		41
#define SECP_BYTE		43
#define CDW11_BYTE		44

struct drawer {
	uint32_t length;
	unsigned char data[DRAWER_SIZE];
};

struct security {
	struct drawer drawers[DRAWERS];
};

struct security *security_new(struct subsys *subsys)
{
	return calloc(1, sizeof(struct security));
}

void security_free(struct security *security)
{
	free(security);
}

static uint8_t protocol_of(const struct cmd *cmd)
{
	return cmd->sqe.cdw10 >> 24;
}

/* SP Specific, both bytes */
static uint16_t specific_of(const struct cmd *cmd)
{
	return cmd->sqe.cdw10 >> 8;
}

static uint16_t reply(struct cmd *cmd, const void *data, size_t length)
{
	size_t want = cmd->sqe.cdw11;

	/* Without an allocation length nothing is transferred, which is no error. */
	return want ? cmd_reply(cmd, data, length, want) : 0;
}

/* Lists begin behind eight bytes whose last two are the length, high byte first. */
static uint16_t receive_information(struct cmd *cmd)
{
	static const unsigned char list[] = { 0, 0, 0, 0, 0, 0, 0, 2, PROTOCOL_INFORMATION,
					      PROTOCOL_DRAWER };
	static const unsigned char no_certificate[] = { 0, 0, 0, 0 };

	switch (specific_of(cmd)) {
	case INFORMATION_LIST:
		return reply(cmd, list, sizeof(list));
	case INFORMATION_CERTIFICATE:
		return reply(cmd, no_certificate, sizeof(no_certificate));
	default:
		return cmd_bad_field(cmd, SPSP_BYTE);
	}
}

uint16_t security_receive_run(struct cmd *cmd)
{
	const struct drawer *drawer;

	switch (protocol_of(cmd)) {
	case PROTOCOL_INFORMATION:
		return receive_information(cmd);
	case PROTOCOL_DRAWER:
		if (specific_of(cmd) >= DRAWERS)
			return cmd_bad_field(cmd, SPSP_BYTE);
		drawer = &cmd->ctrl->subsys->security->drawers[specific_of(cmd)];
		return reply(cmd, drawer->data, drawer->length);
	default:
		return cmd_bad_field(cmd, SECP_BYTE);
	}
}

uint16_t security_send_run(struct cmd *cmd)
{
	unsigned char data[DRAWER_SIZE];
	size_t length = cmd->sqe.cdw11;
	struct drawer *drawer;
	uint16_t status;

	if (protocol_of(cmd) != PROTOCOL_DRAWER)
		return cmd_bad_field(cmd, SECP_BYTE);
	if (specific_of(cmd) >= DRAWERS)
		return cmd_bad_field(cmd, SPSP_BYTE);
	if (length > DRAWER_SIZE)
		return cmd_bad_field(cmd, CDW11_BYTE);
	status = length ? cmd_take(cmd, data, length) : 0;
	if (status)
		return status;
	drawer = &cmd->ctrl->subsys->security->drawers[specific_of(cmd)];
	memcpy(drawer->data, data, length);
	drawer->length = length;
	return 0;
}
