// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Zone Management Send, and Zone Append. ZNS 1.2, 3.4.1 and 3.4.3 */
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/io.h"
#include "nvme/ns.h"
#include "nvme/store.h"
#include "nvme/zns.h"
#include "nvme/zns_priv.h"
#include "options.h"

#define SLBA_BYTE	40
#define CDW12_BYTE	48
#define CDW13_BYTE	52

#define ZSA(cmd)	((cmd)->sqe.cdw13 & 0xff)
#define SELECT_ALL(cmd)	((cmd)->sqe.cdw13 >> 8 & 1)
#define ZSASO(cmd)	((cmd)->sqe.cdw13 >> 9 & 1)

static bool is_open(const struct zone *zone)
{
	return zone->state == NVME_ZNS_ZS_IMPL_OPEN || zone->state == NVME_ZNS_ZS_EXPL_OPEN;
}

static bool is_active(const struct zone *zone)
{
	return is_open(zone) || zone->state == NVME_ZNS_ZS_CLOSED;
}

static uint16_t zone_close(struct zns *zns, struct zone *zone)
{
	if (is_open(zone))
		zns_close(zns, zone);
	else if (zone->state != NVME_ZNS_ZS_CLOSED)
		return SPECIFIC(ZNS_INVAL_TRANSITION);
	return 0;
}

static uint16_t zone_finish(struct zns *zns, struct zone *zone)
{
	if (zone->state == NVME_ZNS_ZS_FULL)
		return 0;
	if (!is_active(zone) && zone->state != NVME_ZNS_ZS_EMPTY)
		return SPECIFIC(ZNS_INVAL_TRANSITION);
	/* As durable as the state: no cut of power may open it again. */
	if (zone->wp)
		store_commit(zns->ns->store, (zone - zns->zones) * zns->size, zone->wp);
	zns_enter(zns, zone, NVME_ZNS_ZS_FULL);
	return 0;
}

static uint16_t zone_open(struct zns *zns, struct zone *zone)
{
	uint16_t status = 0;

	if (!is_active(zone) && zone->state != NVME_ZNS_ZS_EMPTY)
		return SPECIFIC(ZNS_INVAL_TRANSITION);
	if (!is_open(zone))
		status = zns_make_room(zns, zone, true);
	if (!status)
		zns_enter(zns, zone, NVME_ZNS_ZS_EXPL_OPEN);
	return status;
}

static uint16_t zone_reset(struct zns *zns, struct zone *zone)
{
	uint32_t index = zone - zns->zones;

	if (zone->state == NVME_ZNS_ZS_EMPTY)
		return 0;
	if (!is_active(zone) && zone->state != NVME_ZNS_ZS_FULL)
		return SPECIFIC(ZNS_INVAL_TRANSITION);
	/* Durable, as the zone's state is. */
	store_deallocate(zns->ns->store, nvme_zns_cmd_mgmt_send, index * zns->size, zns->size,
			 true);
	zone->wp = 0;
	zone->attributes = 0;
	memset(zns->extensions[index], 0, ZNS_EXTENSION);
	zns_enter(zns, zone, NVME_ZNS_ZS_EMPTY);
	return 0;
}

static uint16_t zone_offline(struct zns *zns, struct zone *zone)
{
	if (zone->state == NVME_ZNS_ZS_READ_ONLY)
		zns_enter(zns, zone, NVME_ZNS_ZS_OFFLINE);
	else if (zone->state != NVME_ZNS_ZS_OFFLINE)
		return SPECIFIC(ZNS_INVAL_TRANSITION);
	return 0;
}

static bool is_closed(const struct zone *zone)
{
	return zone->state == NVME_ZNS_ZS_CLOSED;
}

static bool is_written(const struct zone *zone)
{
	return is_active(zone) || zone->state == NVME_ZNS_ZS_FULL;
}

static bool is_read_only(const struct zone *zone)
{
	return zone->state == NVME_ZNS_ZS_READ_ONLY;
}

static const struct action {
	uint8_t zsa;
	uint16_t (*run)(struct zns *zns, struct zone *zone);
	bool (*selects)(const struct zone *zone);	/* with Select All */
} actions[] = {
	{ NVME_ZNS_ZSA_CLOSE, zone_close, is_open },
	{ NVME_ZNS_ZSA_FINISH, zone_finish, is_active },
	{ NVME_ZNS_ZSA_OPEN, zone_open, is_closed },
	{ NVME_ZNS_ZSA_RESET, zone_reset, is_written },
	{ NVME_ZNS_ZSA_OFFLINE, zone_offline, is_read_only },
};

static const struct action *find_action(const struct cmd *cmd)
{
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (actions[i].zsa == ZSA(cmd))
			return &actions[i];
	return NULL;
}

static uint32_t count(const struct zns *zns, bool (*selects)(const struct zone *zone))
{
	uint32_t i, n = 0;

	for (i = 0; i < zns->nr; i++)
		n += selects(&zns->zones[i]);
	return n;
}

static uint16_t run_all(struct zns *zns, const struct action *action)
{
	uint32_t i, limit = zns_open_limit(zns);
	uint16_t status = 0;

	/* All closed zones are opened, or none. */
	if (action->zsa == NVME_ZNS_ZSA_OPEN && limit &&
	    zns->nr_open + count(zns, action->selects) > limit)
		return SPECIFIC(ZNS_TOO_MANY_OPENS);
	for (i = 0; i < zns->nr && !status; i++)
		if (action->selects(&zns->zones[i]))
			status = action->run(zns, &zns->zones[i]);
	return status;
}

/* The zone whose first block SLBA is. A status. */
static uint16_t find_zone(struct cmd *cmd, struct zone **zone)
{
	const struct zns *zns = cmd->ns->zns;

	cmd->slba = cmd->sqe.cdw10 | (uint64_t)cmd->sqe.cdw11 << 32;
	if (cmd->slba >= cmd->ns->nsze) {
		cmd->error_location = SLBA_BYTE;
		return GENERIC(LBA_RANGE);
	}
	if (cmd->slba % zns->size)
		return cmd_bad_field(cmd, SLBA_BYTE);
	*zone = &zns->zones[cmd->slba / zns->size];
	return 0;
}

/* A descriptor extension makes an empty zone active. */
static uint16_t set_extension(struct cmd *cmd, struct zns *zns, struct zone *zone)
{
	unsigned char extension[ZNS_EXTENSION];
	uint16_t status;

	if (zone->state != NVME_ZNS_ZS_EMPTY)
		return SPECIFIC(ZNS_INVAL_TRANSITION);
	status = zns_make_room(zns, zone, false);
	if (!status)
		status = cmd_take(cmd, extension, sizeof(extension));
	if (status)
		return status;
	memcpy(zns->extensions[zone - zns->zones], extension, sizeof(extension));
	zone->attributes |= NVME_ZNS_ZA_ZDEV;
	zns_enter(zns, zone, NVME_ZNS_ZS_CLOSED);
	return 0;
}

uint16_t zone_send_run(struct cmd *cmd)
{
	const struct action *action = find_action(cmd);
	struct zns *zns = cmd->ns->zns;
	struct zone *zone = NULL;
	uint16_t status;

	/* There is no random write area to open a zone with. */
	if ((!action && ZSA(cmd) != NVME_ZNS_ZSA_SET_DESC_EXT) || ZSASO(cmd))
		return cmd_bad_field(cmd, CDW13_BYTE);
	if (SELECT_ALL(cmd))
		return action ? run_all(zns, action) : cmd_bad_field(cmd, CDW13_BYTE);
	status = find_zone(cmd, &zone);
	if (status)
		return status;
	return action ? action->run(zns, zone) : set_extension(cmd, zns, zone);
}

static uint16_t check_append_length(struct cmd *cmd)
{
	const struct options *options = cmd->ctrl->options;
	uint64_t length = (uint64_t)cmd->nlb << cmd->ns->lba_shift;

	/* Its limit counts data alone. ZNS 1.2, 3.4.1.1 */
	if (options->zasl && length > 1UL << (12 + options->mpsmin + options->zasl))
		return cmd_bad_field(cmd, CDW12_BYTE);
	return 0;
}

uint16_t zone_append_run(struct cmd *cmd)
{
	struct ns *ns = cmd->ns;
	struct zone *zone = NULL;
	uint16_t status;

	cmd->nlb = (cmd->sqe.cdw12 & 0xffff) + 1;
	status = find_zone(cmd, &zone);
	if (!status)
		status = check_append_length(cmd);
	if (status)
		return status;
	cmd->slba += zone->wp;
	/* Of a full zone the state is said, whatever lies behind it. */
	if (cmd->slba / ns->zns->size != (uint64_t)(zone - ns->zns->zones))
		cmd->slba -= zone->wp;
	status = zns_check_write(cmd);
	if (!status)
		status = io_write(cmd);
	if (status)
		return status;
	zns_wrote(ns, cmd->slba, cmd->nlb);
	cmd->dw0 = cmd->slba;
	cmd->dw1 = cmd->slba >> 32;
	return 0;
}
