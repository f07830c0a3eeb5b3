/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Zones as zns*.c share them. */
#ifndef DUT_ZNS_PRIV_H
#define DUT_ZNS_PRIV_H

#include "nvme/zns.h"

struct zns {
	struct ns *ns;
	struct zone *zones;		/* in the state, as the next is */
	unsigned char (*extensions)[ZNS_EXTENSION];
	uint32_t nr;
	uint64_t size, capacity;	/* blocks of a zone */
	uint32_t nr_open, nr_active;
	uint32_t turn;			/* where the controller looks first for one to close */
	uint8_t *changed;		/* of each zone: a bit per controller that was not told */
};

/* Into a state, which is counted. */
void zns_enter(struct zns *zns, struct zone *zone, enum nvme_zns_zs state);

/* An open zone is closed: it becomes Empty if nothing was written. */
void zns_close(struct zns *zns, struct zone *zone);

/* Resources for a zone to become active, and @open. A status. */
uint16_t zns_make_room(struct zns *zns, const struct zone *zone, bool open);

/* 0: none */
uint32_t zns_active_limit(const struct zns *zns);
uint32_t zns_open_limit(const struct zns *zns);

#endif /* DUT_ZNS_PRIV_H */
