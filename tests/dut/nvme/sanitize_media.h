/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What a sanitize does to the blocks of all namespaces. NVMe Base 2.1, 8.1.24.3 */
#ifndef DUT_SANITIZE_MEDIA_H
#define DUT_SANITIZE_MEDIA_H

#include <stdint.h>
#include <nvme/types.h>

struct subsys;

struct sanitize_media {
	enum nvme_sanitize_sanact action;
	uint32_t pattern;		/* of an overwrite */
	uint32_t step, steps;		/* which part of the blocks, of how many */
};

/* Nothing cached is left. */
void sanitize_media_begin(struct subsys *subsys);

/* One part of each namespace. Blocks that were never written have nothing to be erased. */
void sanitize_media_step(struct subsys *subsys, const struct sanitize_media *media);

void sanitize_media_deallocate(struct subsys *subsys);

/* Zones are empty again; what is there is durable. */
void sanitize_media_done(struct subsys *subsys);

#endif /* DUT_SANITIZE_MEDIA_H */
