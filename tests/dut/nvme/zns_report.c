// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Zone Management Receive, and the Changed Zone List. ZNS 1.2, 3.4.2 and 4.1.2 */
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/io.h"
#include "nvme/log_page.h"
#include "nvme/ns.h"
#include "nvme/zns.h"
#include "nvme/zns_priv.h"

#define SLBA_BYTE	40
#define CDW13_BYTE	52

#define ZRA(cmd)	((cmd)->sqe.cdw13 & 0xff)
#define ZRASF(cmd)	((cmd)->sqe.cdw13 >> 8 & 0xff)
#define PARTIAL(cmd)	((cmd)->sqe.cdw13 >> 16 & 1)

#define TOO_MANY	0xffff		/* in NRZID: more than the list has room for */

/* What the states are called where a report selects by them; 0 selects all. */
static const uint8_t state_of[] = {
	[NVME_ZNS_ZRAS_REPORT_EMPTY] = NVME_ZNS_ZS_EMPTY,
	[NVME_ZNS_ZRAS_REPORT_IMPL_OPENED] = NVME_ZNS_ZS_IMPL_OPEN,
	[NVME_ZNS_ZRAS_REPORT_EXPL_OPENED] = NVME_ZNS_ZS_EXPL_OPEN,
	[NVME_ZNS_ZRAS_REPORT_CLOSED] = NVME_ZNS_ZS_CLOSED,
	[NVME_ZNS_ZRAS_REPORT_FULL] = NVME_ZNS_ZS_FULL,
	[NVME_ZNS_ZRAS_REPORT_READ_ONLY] = NVME_ZNS_ZS_READ_ONLY,
	[NVME_ZNS_ZRAS_REPORT_OFFLINE] = NVME_ZNS_ZS_OFFLINE,
};

/* In these the write pointer has no meaning. ZNS 1.2, 2.1.1.2 */
static bool has_write_pointer(const struct zone *zone)
{
	return zone->state != NVME_ZNS_ZS_FULL && zone->state != NVME_ZNS_ZS_READ_ONLY &&
	       zone->state != NVME_ZNS_ZS_OFFLINE;
}

static void describe(const struct zns *zns, uint32_t index, bool extended, unsigned char *at)
{
	const struct zone *zone = &zns->zones[index];
	struct nvme_zns_desc *desc = (struct nvme_zns_desc *)at;
	uint64_t zslba = index * zns->size;

	desc->zt = NVME_ZONE_TYPE_SEQWRITE_REQ;
	desc->zs = zone->state << 4;
	desc->za = zone->attributes;
	desc->zcap = htole64(zns->capacity);
	desc->zslba = htole64(zslba);
	desc->wp = has_write_pointer(zone) ? htole64(zslba + zone->wp) : UINT64_MAX;
	if (extended && zone->attributes & NVME_ZNS_ZA_ZDEV)
		memcpy(at + sizeof(*desc), zns->extensions[index], ZNS_EXTENSION);
}

/* Descriptors that fit, and the number of them, or of all that match. */
static void fill(const struct cmd *cmd, struct nvme_zone_report *report, size_t length)
{
	const struct zns *zns = cmd->ns->zns;
	bool extended = ZRA(cmd) == NVME_ZNS_ZRA_EXTENDED_REPORT_ZONES;
	size_t step = sizeof(struct nvme_zns_desc) + (extended ? ZNS_EXTENSION : 0);
	unsigned char *at = (unsigned char *)report->entries;
	uint64_t room = (length - sizeof(*report)) / step, n = 0;
	uint32_t i;

	for (i = cmd->slba / zns->size; i < zns->nr; i++) {
		if (ZRASF(cmd) && zns->zones[i].state != state_of[ZRASF(cmd)])
			continue;
		if (n < room)
			describe(zns, i, extended, at + n * step);
		else if (PARTIAL(cmd))
			break;
		n++;
	}
	report->nr_zones = htole64(n);
}

uint16_t zone_receive_run(struct cmd *cmd)
{
	size_t length = (cmd->sqe.cdw12 + 1ULL) * 4, size;
	struct nvme_zone_report *report;
	uint16_t status;

	cmd->slba = cmd->sqe.cdw10 | (uint64_t)cmd->sqe.cdw11 << 32;
	if (cmd->slba >= cmd->ns->nsze) {
		cmd->error_location = SLBA_BYTE;
		return GENERIC(LBA_RANGE);
	}
	if (ZRA(cmd) > NVME_ZNS_ZRA_EXTENDED_REPORT_ZONES || ZRASF(cmd) >= sizeof(state_of))
		return cmd_bad_field(cmd, CDW13_BYTE);
	status = io_check_length(cmd, length);
	if (status)
		return status;
	/* No more than all zones take, however long the host's buffer is. */
	size = sizeof(*report) + cmd->ns->zns->nr * (sizeof(struct nvme_zns_desc) + ZNS_EXTENSION);
	if (length < size)
		size = length < sizeof(*report) ? sizeof(*report) : length;
	report = calloc(1, size);
	if (!report)
		return GENERIC(INTERNAL);
	fill(cmd, report, size);
	status = cmd_reply(cmd, report, size, length);
	free(report);
	return status;
}

static void list_changed(struct zns *zns, unsigned int ctrl, struct nvme_zns_changed_zone_log *list)
{
	uint32_t i, n = 0;

	for (i = 0; i < zns->nr; i++) {
		if (!(zns->changed[i] & 1U << ctrl))
			continue;
		if (n < NVME_ZNS_CHANGED_ZONES_MAX)
			list->zid[n] = htole64(i * zns->size);
		n++;
	}
	list->nrzid = htole16(n);
	if (n > NVME_ZNS_CHANGED_ZONES_MAX) {
		list->nrzid = htole16(TOO_MANY);
		memset(list->zid, 0, sizeof(list->zid));
	}
}

uint16_t zns_changed_zones_log(struct cmd *cmd, struct log *log)
{
	struct ns *ns = ns_attached(cmd->ctrl, cmd->sqe.nsid);
	unsigned int ctrl = cmd->ctrl->index;
	struct nvme_zns_changed_zone_log *list;
	uint32_t i;

	if (!ns || !ns->zns)
		return cmd_bad_field(cmd, 4);
	list = log_alloc(log, sizeof(*list));
	if (!list)
		return GENERIC(INTERNAL);
	list_changed(ns->zns, ctrl, list);
	if (!log_rae(cmd->sqe.cdw10))
		for (i = 0; i < ns->zns->nr; i++)
			ns->zns->changed[i] &= ~(1U << ctrl);
	return 0;
}
