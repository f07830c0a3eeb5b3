// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The memory of a queue laid by hand; see ring.h. */
#include <string.h>

#include "ring.h"

#define SMALLEST	4096
#define MIX		397	/* odd, so that it permutes powers of two */

/* Bytes from the buffer's begin to its first address that is a multiple of @align. */
static size_t padding(struct nvt_buffer *buf, uint32_t align)
{
	return (align - nvt_buffer_bus(buf, 0) % align) % align;
}

static struct nvt_buffer *allocate(struct device *dev, size_t length)
{
	struct nvt_buffer *buf = nvt_buffer_create(dev->pcie, length, NVT_BUFFER_CONTIGUOUS);

	ck_assert_msg(buf != NULL, "%s", nvt_error());
	memset(nvt_buffer_data(buf), 0, length);
	return buf;
}

/* Which page of the memory is page @i of the ring: never the next one. */
static uint32_t place(const struct ring *ring, uint32_t i)
{
	return (i * MIX + 1) % ring->nr_pages;
}

/* Full pages of the list end in a pointer to the next one, which lies before them. */
static void write_list(struct ring *ring, struct device *dev, uint64_t memory)
{
	uint32_t per_page = ring->page / 8, nr = ring->nr_pages / (per_page - 1) + 1, i, at;
	uint64_t *list, bus;
	size_t pad;

	ring->list = allocate(dev, (nr + 1) * (size_t)ring->page);
	pad = padding(ring->list, ring->page);
	list = (uint64_t *)((char *)nvt_buffer_data(ring->list) + pad);
	bus = nvt_buffer_bus(ring->list, 0) + pad;
	at = (nr - 1) * per_page;
	ring->addr = bus + at * 8ULL;
	for (i = 0; i < ring->nr_pages; i++) {
		if (at % per_page == per_page - 1 && i + 1 < ring->nr_pages) {
			list[at] = bus + (at / per_page - 1) * (uint64_t)ring->page;
			at = (at / per_page - 1) * per_page;
		}
		list[at++] = memory + place(ring, i) * (uint64_t)ring->page;
	}
}

void ring_create(struct ring *ring, struct device *dev, uint32_t entries, uint32_t entry_size,
		 uint32_t page)
{
	size_t length = (size_t)entries * entry_size;
	uint64_t bus;
	size_t pad;

	memset(ring, 0, sizeof(*ring));
	ring->entries = entries;
	ring->entry_size = entry_size;
	ring->memory = allocate(dev, (length < SMALLEST ? SMALLEST : length) + page);
	pad = padding(ring->memory, page ? page : SMALLEST);
	bus = nvt_buffer_bus(ring->memory, 0) + pad;
	ring->base = (unsigned char *)nvt_buffer_data(ring->memory) + pad;
	ring->addr = bus;
	if (!page)
		return;
	ring->page = page;
	ring->nr_pages = (length + page - 1) / page;
	write_list(ring, dev, bus);
}

void ring_create_at(struct ring *ring, void *base, uint64_t addr, uint32_t entries,
		    uint32_t entry_size)
{
	memset(ring, 0, sizeof(*ring));
	ring->base = base;
	ring->addr = addr;
	ring->entries = entries;
	ring->entry_size = entry_size;
}

void ring_free(struct ring *ring)
{
	nvt_buffer_free(ring->list);
	nvt_buffer_free(ring->memory);
}

void *ring_entry(const struct ring *ring, uint32_t index)
{
	size_t offset = (size_t)index * ring->entry_size;

	if (!ring->nr_pages)
		return ring->base + offset;
	return ring->base + place(ring, offset / ring->page) * (size_t)ring->page +
	       offset % ring->page;
}
