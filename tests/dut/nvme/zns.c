// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Zones: what is kept of them, their states, and the limits of open and active ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/event.h"
#include "nvme/ns.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "nvme/zns.h"
#include "nvme/zns_priv.h"
#include "options.h"

#define MOST_STATE	(8UL << 20)	/* bytes of the state for zones of all namespaces */

#define OZCS_READ_ACROSS	(1U << 0)	/* reads may cross zones */
#define NO_LIMIT		0xffffffffU

/* As many as a namespace of all the capacity has, so that a section suits each namespace. */
static uint32_t most_zones(const struct options *options)
{
	uint64_t bytes = options->capacity > options->size ? options->capacity : options->size;

	return bytes / options->zone_size;
}

static size_t section_size(const struct options *options)
{
	return most_zones(options) * (sizeof(struct zone) + ZNS_EXTENSION);
}

static struct zone *section_of(const struct ns *ns)
{
	char name[32];

	snprintf(name, sizeof(name), "zones-%u", ns->nsid);
	return state_section(ns->subsys, name, section_size(ns->subsys->options));
}

bool zns_fits(const struct options *options, uint64_t bytes)
{
	return bytes && !(bytes % options->zone_size) &&
	       bytes / options->zone_size <= most_zones(options);
}

static bool is_open(enum nvme_zns_zs state)
{
	return state == NVME_ZNS_ZS_IMPL_OPEN || state == NVME_ZNS_ZS_EXPL_OPEN;
}

static bool is_active(enum nvme_zns_zs state)
{
	return is_open(state) || state == NVME_ZNS_ZS_CLOSED;
}

void zns_enter(struct zns *zns, struct zone *zone, enum nvme_zns_zs state)
{
	zns->nr_open -= is_open(zone->state);
	zns->nr_active -= is_active(zone->state);
	zone->state = state;
	zns->nr_open += is_open(state);
	zns->nr_active += is_active(state);
}

void zns_close(struct zns *zns, struct zone *zone)
{
	bool holds = zone->wp || zone->attributes & NVME_ZNS_ZA_ZDEV;

	/* A closed zone is one that holds something. ZNS 1.2, 2.1.1.3 */
	zns_enter(zns, zone, holds ? NVME_ZNS_ZS_CLOSED : NVME_ZNS_ZS_EMPTY);
}

/* The geometry of the namespace as it is now. */
static void measure(struct zns *zns)
{
	const struct options *options = zns->ns->subsys->options;

	zns->size = options->zone_size >> zns->ns->lba_shift;
	zns->capacity = options->zone_capacity >> zns->ns->lba_shift;
	zns->nr = zns->ns->nsze / zns->size;
}

/* A zone as the state has it; one of zeros was never used. */
static void restore(struct zns *zns, struct zone *zone)
{
	if (!zone->state)
		zone->state = NVME_ZNS_ZS_EMPTY;
	if (zone->wp > zns->capacity)
		zone->wp = zns->capacity;
	zns->nr_open += is_open(zone->state);
	zns->nr_active += is_active(zone->state);
}

struct zns *zns_new(struct ns *ns)
{
	const struct options *options = ns->subsys->options;
	struct zns *zns;
	uint32_t i;

	if (section_size(options) * options->max_namespaces > MOST_STATE) {
		fprintf(stderr, "nvt-dut: zones of %llu bytes are too many for the state; "
			"a larger zone-size or a smaller capacity is wanted\n",
			(unsigned long long)options->zone_size);
		return NULL;
	}
	zns = calloc(1, sizeof(*zns));
	if (!zns)
		return NULL;
	zns->ns = ns;
	zns->changed = calloc(most_zones(options), 1);
	if (!zns->changed) {
		free(zns);
		return NULL;
	}
	zns->zones = section_of(ns);
	zns->extensions = (void *)(zns->zones + most_zones(options));
	measure(zns);
	for (i = 0; i < zns->nr; i++)
		restore(zns, &zns->zones[i]);
	/* A process begins as power comes on. */
	for (i = 0; i < zns->nr; i++)
		if (is_open(zns->zones[i].state))
			zns_close(zns, &zns->zones[i]);
	return zns;
}

void zns_free(struct zns *zns)
{
	if (!zns)
		return;
	free(zns->changed);
	free(zns);
}

void zns_forget(struct ns *ns)
{
	if (section_size(ns->subsys->options) <= MOST_STATE)
		memset(section_of(ns), 0, section_size(ns->subsys->options));
}

void zns_format(struct ns *ns)
{
	struct zns *zns = ns->zns;
	uint32_t i;

	zns_forget(ns);
	memset(zns->changed, 0, most_zones(ns->subsys->options));
	zns->nr_open = 0;
	zns->nr_active = 0;
	measure(zns);
	for (i = 0; i < zns->nr; i++)
		zns->zones[i].state = NVME_ZNS_ZS_EMPTY;
}

void zns_power(struct ns *ns)
{
	struct zns *zns = ns->zns;
	uint32_t i;

	for (i = 0; i < zns->nr; i++)
		if (is_open(zns->zones[i].state))
			zns_close(zns, &zns->zones[i]);
}

void zns_lost(struct ns *ns, uint64_t slba, uint64_t nlb)
{
	struct zns *zns = ns ? ns->zns : NULL;
	struct zone *zone;

	if (!zns || !nlb || slba / zns->size >= zns->nr)
		return;
	zone = &zns->zones[slba / zns->size];
	if (zone->wp <= slba % zns->size)
		return;
	if (zone->state == NVME_ZNS_ZS_FULL) {
		/* It stays full, with blocks that read as zeros, where no more can be active. */
		if (zns_active_limit(zns) && zns->nr_active >= zns_active_limit(zns))
			return;
		zone->attributes &= ~NVME_ZNS_ZA_ZFC;
	} else if (!is_active(zone->state)) {
		return;
	}
	zone->wp = slba % zns->size;
	if (!is_open(zone->state))
		zns_close(zns, zone);
}

uint64_t zns_capacity(const struct ns *ns)
{
	return ns->zns->nr * ns->zns->capacity;
}

uint64_t zns_zone_size(const struct ns *ns)
{
	return ns->zns->size;
}

uint64_t zns_zone_capacity(const struct ns *ns)
{
	return ns->zns->capacity;
}

uint32_t zns_active_limit(const struct zns *zns)
{
	return zns->ns->subsys->options->zone_active;
}

uint32_t zns_open_limit(const struct zns *zns)
{
	return zns->ns->subsys->options->zone_open;
}

/* The controller closes a zone that the host has not opened by command, each in its turn. */
static bool close_one(struct zns *zns)
{
	uint32_t i, at;

	for (i = 0; i < zns->nr; i++) {
		at = (zns->turn + i) % zns->nr;
		if (zns->zones[at].state != NVME_ZNS_ZS_IMPL_OPEN)
			continue;
		zns_close(zns, &zns->zones[at]);
		zns->turn = at + 1;
		return true;
	}
	return false;
}

uint16_t zns_make_room(struct zns *zns, const struct zone *zone, bool open)
{
	uint32_t active = zns_active_limit(zns), limit = zns_open_limit(zns);

	if (!is_active(zone->state) && active && zns->nr_active >= active)
		return SPECIFIC(ZNS_TOO_MANY_ACTIVE);
	if (open && !is_open(zone->state) && limit && zns->nr_open >= limit && !close_one(zns))
		return SPECIFIC(ZNS_TOO_MANY_OPENS);
	return 0;
}

static uint16_t check_state(const struct zone *zone)
{
	switch (zone->state) {
	case NVME_ZNS_ZS_FULL:
		return SPECIFIC(ZNS_FULL);
	case NVME_ZNS_ZS_READ_ONLY:
		return SPECIFIC(ZNS_READ_ONLY);
	case NVME_ZNS_ZS_OFFLINE:
		return SPECIFIC(ZNS_OFFLINE);
	default:
		return 0;
	}
}

uint16_t zns_check_write_range(struct ns *ns, uint64_t slba, uint64_t nlb)
{
	struct zns *zns = ns->zns;
	struct zone *zone = &zns->zones[slba / zns->size];
	uint64_t offset = slba % zns->size;
	uint16_t status;

	if (nlb > zns->size - offset)
		return SPECIFIC(ZNS_BOUNDARY_ERROR);
	status = check_state(zone);
	if (status)
		return status;
	if (offset != zone->wp)
		return SPECIFIC(ZNS_INVALID_WRITE);
	if (nlb > zns->capacity - offset)
		return SPECIFIC(ZNS_BOUNDARY_ERROR);
	if (is_open(zone->state))
		return 0;
	status = zns_make_room(zns, zone, true);
	if (!status)
		zns_enter(zns, zone, NVME_ZNS_ZS_IMPL_OPEN);
	return status;
}

uint16_t zns_check_write(struct cmd *cmd)
{
	return zns_check_write_range(cmd->ns, cmd->slba, cmd->nlb);
}

uint16_t zns_check_read_range(const struct ns *ns, uint64_t slba, uint64_t nlb)
{
	const struct zns *zns = ns->zns;
	uint64_t i;

	for (i = slba / zns->size; i <= (slba + nlb - 1) / zns->size; i++)
		if (zns->zones[i].state == NVME_ZNS_ZS_OFFLINE)
			return SPECIFIC(ZNS_OFFLINE);
	return 0;
}

uint16_t zns_check_read(struct cmd *cmd)
{
	return zns_check_read_range(cmd->ns, cmd->slba, cmd->nlb);
}

void zns_wrote(struct ns *ns, uint64_t slba, uint64_t nlb)
{
	struct zns *zns = ns->zns;
	struct zone *zone = &zns->zones[slba / zns->size];

	zone->wp = slba % zns->size + nlb;
	if (zone->wp >= zns->capacity)
		zns_enter(zns, zone, NVME_ZNS_ZS_FULL);
}

/* MAR, MOR: 0's based. */
static uint32_t limit_field(uint32_t limit)
{
	return limit ? htole32(limit - 1) : NO_LIMIT;
}

void zns_identify_ns(const struct options *options, void *data)
{
	struct nvme_zns_id_ns *id = data;
	uint32_t i, lba_shift, ms;

	id->ozcs = htole16(OZCS_READ_ACROSS);
	id->mar = limit_field(options->zone_active);
	id->mor = limit_field(options->zone_open);
	for (i = 0; i < NS_LBAFS && ns_lbaf(i, &lba_shift, &ms); i++) {
		id->lbafe[i].zsze = htole64(options->zone_size >> lba_shift);
		id->lbafe[i].zdes = ZNS_EXTENSION / 64;
	}
}

void zns_identify_ctrl(const struct options *options, void *data)
{
	struct nvme_zns_id_ctrl *id = data;

	id->zasl = options->zasl;
}

static void tell(struct zns *zns, uint32_t index)
{
	const struct subsys *subsys = zns->ns->subsys;
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		if (!ns_attached(subsys->ctrls[i], zns->ns->nsid))
			continue;
		zns->changed[index] |= 1U << i;
		event_post_about(subsys->ctrls[i], NVME_AER_NOTICE, EVENT_NOTICE_ZONE,
				 NVME_LOG_LID_ZNS_CHANGED_ZONES, zns->ns->nsid);
	}
}

bool zns_degrade(struct ns *ns, uint64_t slba, enum nvme_zns_zs state)
{
	struct zns *zns = ns->zns;
	struct zone *zone;

	if (!zns || slba >= ns->nsze)
		return false;
	zone = &zns->zones[slba / zns->size];
	switch (state) {
	case NVME_ZNS_ZS_FULL:
		if (!is_active(zone->state))
			return false;
		zone->attributes |= NVME_ZNS_ZA_ZFC;
		break;
	case NVME_ZNS_ZS_READ_ONLY:
		if (zone->state == NVME_ZNS_ZS_OFFLINE)
			return false;
		break;
	case NVME_ZNS_ZS_OFFLINE:
		break;
	default:
		return false;
	}
	zns_enter(zns, zone, state);
	tell(zns, zone - zns->zones);
	return true;
}

uint32_t zns_nr_zones(const struct ns *ns)
{
	return ns->zns->nr;
}

const struct zone *zns_zone(const struct ns *ns, uint32_t index)
{
	return &ns->zns->zones[index];
}

const void *zns_extension(const struct ns *ns, uint32_t index)
{
	return ns->zns->extensions[index];
}
