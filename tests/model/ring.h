/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The memory of a queue laid by hand: one piece, or pages in mixed order that a PRP list names. */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

#include "device.h"

struct ring {
	struct nvt_buffer *memory, *list;	/* NULL: the memory is not ours; there is no list */
	unsigned char *base;
	uint64_t addr;			/* PRP1 of the command that creates the queue */
	uint32_t entries, entry_size;
	uint32_t page, nr_pages;	/* 0: one piece */
};

/* @page: 0, or of the list, and the number of pages is a power of two then. */
void ring_create(struct ring *ring, struct device *dev, uint32_t entries, uint32_t entry_size,
		 uint32_t page);

/* In memory of somebody else, such as the CMB. */
void ring_create_at(struct ring *ring, void *base, uint64_t addr, uint32_t entries,
		    uint32_t entry_size);
void ring_free(struct ring *ring);

/* Of any index; one piece goes on behind its last entry. */
void *ring_entry(const struct ring *ring, uint32_t index);

#endif /* RING_H */
