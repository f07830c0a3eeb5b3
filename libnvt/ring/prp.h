/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Physical Region Pages: how a command describes its data. NVMe Base 2.1, 4.1.1. */
#ifndef NVT_PRP_H
#define NVT_PRP_H

#include <stddef.h>
#include <stdint.h>

#include "access/access.h"

#define NVT_PRP_PER_PAGE	(NVT_PAGE_SIZE / sizeof(uint64_t))

/* Any transfer of this length fits PRP1 and a list of one page, at any offset. */
#define NVT_PRP_MAX_LENGTH	(NVT_PRP_PER_PAGE * NVT_PAGE_SIZE)

/* Whether nvt_prp_build() needs a list: more than two pages are touched. */
static inline int nvt_prp_needs_list(size_t offset, size_t length)
{
	return (offset & (NVT_PAGE_SIZE - 1)) + length > 2 * NVT_PAGE_SIZE;
}

/*
 * Describes @length bytes at @offset of @buf. @list is a page of NVT_PRP_PER_PAGE
 * entries at bus address @list_bus; both may be 0 if no list is needed.
 *
 * Returns 0, or -EINVAL: @offset not a multiple of 4, beyond the buffer, length
 * 0, or more pages than PRP1 and the list have.
 */
int nvt_prp_build(const struct nvt_buffer *buf, size_t offset, size_t length, uint64_t *prp1,
		  uint64_t *prp2, uint64_t *list, uint64_t list_bus);

/* Pages of a list that describes a whole buffer of @pages pages. */
size_t nvt_prp_list_pages(size_t pages);

/*
 * Describes a whole buffer in @list, page after page: the last entry of a
 * page points to the next one where there is more. For queues in pieces.
 */
void nvt_prp_list_fill(const struct nvt_buffer *buf, struct nvt_buffer *list);

#endif /* NVT_PRP_H */
