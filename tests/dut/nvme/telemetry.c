// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Telemetry log pages. NVMe Base 2.1, 5.1.12.1.8, 5.1.12.1.9 and 8.1.27 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/event.h"
#include "nvme/log_page.h"
#include "nvme/persistent_event.h"
#include "nvme/subsys.h"
#include "nvme/telemetry.h"
#include "nvme/telemetry_data.h"
#include "options.h"

#define BLOCK		512U
#define BLOCKS_MAX	64U		/* of a snapshot, its header included */
#define CDW10_BYTE	40
#define LPOL_BYTE	48
#define CREATE		1U		/* LSP of the host-initiated log */

_Static_assert(sizeof(struct nvme_telemetry_log) == BLOCK, "telemetry header");

struct snapshot {
	uint32_t length;		/* bytes; 0: there is none */
	uint32_t pad;
	unsigned char data[BLOCKS_MAX * BLOCK];
};

/* What survives power. */
struct telemetry_state {
	struct snapshot made_by_ctrl;
	uint8_t available;		/* and the host has not read it */
	uint8_t ctrl_generation, host_generation;
	uint8_t pad[5];
};

struct telemetry {
	struct telemetry_state *state;
	struct snapshot made_by_host;
};

struct telemetry *telemetry_new(struct ctrl *ctrl)
{
	struct telemetry *telemetry = calloc(1, sizeof(*telemetry));
	char name[32];

	if (!telemetry)
		return NULL;
	snprintf(name, sizeof(name), "telemetry-%u", ctrl->index);
	telemetry->state = state_section(ctrl->subsys, name, sizeof(*telemetry->state));
	return telemetry;
}

void telemetry_free(struct telemetry *telemetry)
{
	free(telemetry);
}

static struct nvme_telemetry_log *header_of(struct snapshot *snapshot)
{
	return (struct nvme_telemetry_log *)snapshot->data;
}

/* The text of an area into whole blocks; the number of its last one. */
static unsigned int add_area(struct ctrl *ctrl, struct snapshot *snapshot, unsigned int area,
			     unsigned int last)
{
	char *to = (char *)snapshot->data + (last + 1) * BLOCK;
	size_t room = (BLOCKS_MAX - last - 1) * BLOCK, length;

	memset(to, 0, room);
	length = telemetry_data(ctrl, area, to, room);
	return last + (length + BLOCK - 1) / BLOCK;
}

/* Areas 1 to 3, each the earlier ones and more. */
static void take(struct ctrl *ctrl, struct snapshot *snapshot, uint8_t lid, const char *reason)
{
	struct nvme_telemetry_log *header = header_of(snapshot);
	unsigned int last;

	memset(header, 0, sizeof(*header));
	header->lpi = lid;
	last = add_area(ctrl, snapshot, 1, 0);
	header->dalb1 = htole16(last);
	last = add_area(ctrl, snapshot, 2, last);
	header->dalb2 = htole16(last);
	last = add_area(ctrl, snapshot, 3, last);
	header->dalb3 = htole16(last);
	memcpy(header->rsnident, reason, strnlen(reason, sizeof(header->rsnident)));
	snapshot->length = (last + 1) * BLOCK;
}

/* What of a header is as it is now, not as it was when the snapshot was taken. */
static void update_header(const struct telemetry *telemetry, struct snapshot *snapshot)
{
	struct nvme_telemetry_log *header = header_of(snapshot);

	header->hostdgn = telemetry->state->host_generation;
	header->ctrlavail = telemetry->state->available;
	header->ctrldgn = telemetry->state->ctrl_generation;
}

/* The log is read by blocks. */
static uint16_t check_part(struct cmd *cmd)
{
	uint64_t numd = (cmd->sqe.cdw10 >> 16 | (uint64_t)(cmd->sqe.cdw11 & 0xffff) << 16) + 1;

	if (numd * 4 % BLOCK)
		return cmd_bad_field(cmd, CDW10_BYTE + 2);
	return cmd->sqe.cdw12 % BLOCK ? cmd_bad_field(cmd, LPOL_BYTE) : 0;
}

/* Without a snapshot there is the header alone. */
static void give(const struct telemetry *telemetry, struct snapshot *snapshot, uint8_t lid,
		 struct log *log)
{
	header_of(snapshot)->lpi = lid;
	update_header(telemetry, snapshot);
	log->data = snapshot->data;
	log->length = snapshot->length ? snapshot->length : BLOCK;
}

uint16_t telemetry_host_log(struct cmd *cmd, struct log *log)
{
	struct telemetry *telemetry = cmd->ctrl->telemetry;
	uint16_t status = check_part(cmd);

	if (status)
		return status;
	if (log_lsp(cmd->sqe.cdw10) & CREATE) {
		take(cmd->ctrl, &telemetry->made_by_host, NVME_LOG_LID_TELEMETRY_HOST,
		     "asked for by the host");
		telemetry->state->host_generation++;
		persistent_event_add(cmd->ctrl, NVME_PEL_TELEMETRY_CRT,
				     telemetry->made_by_host.data, BLOCK);
	}
	give(telemetry, &telemetry->made_by_host, NVME_LOG_LID_TELEMETRY_HOST, log);
	return 0;
}

/* Reading without RAE says that the host has it all: there is room for another. */
uint16_t telemetry_ctrl_log(struct cmd *cmd, struct log *log)
{
	struct telemetry *telemetry = cmd->ctrl->telemetry;
	uint16_t status = check_part(cmd);

	if (status)
		return status;
	give(telemetry, &telemetry->state->made_by_ctrl, NVME_LOG_LID_TELEMETRY_CTRL, log);
	if (!log_rae(cmd->sqe.cdw10))
		telemetry->state->available = 0;
	return 0;
}

/* One that the host has not read yet stays: it is the nearest to the cause. */
void telemetry_capture(struct ctrl *ctrl, const char *reason)
{
	struct telemetry_state *state = ctrl->telemetry->state;

	if (!ctrl->options->telemetry || state->available)
		return;
	take(ctrl, &state->made_by_ctrl, NVME_LOG_LID_TELEMETRY_CTRL, reason);
	state->available = 1;
	state->ctrl_generation++;
	event_post(ctrl, NVME_AER_NOTICE, NVME_AER_NOTICE_TELEMETRY, NVME_LOG_LID_TELEMETRY_CTRL);
}
