// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Physical Region Pages. NVMe Base 2.1, 4.1.1. */
#include <errno.h>

#include "ring/prp.h"

int nvt_prp_build(const struct nvt_buffer *buf, size_t offset, size_t length, uint64_t *prp1,
		  uint64_t *prp2, uint64_t *list, uint64_t list_bus)
{
	size_t page = offset >> NVT_PAGE_SHIFT;
	size_t in_page = offset & (NVT_PAGE_SIZE - 1);
	size_t i, pages;

	if (!length || offset & 3 || offset > buf->length || length > buf->length - offset)
		return -EINVAL;
	pages = (in_page + length + NVT_PAGE_SIZE - 1) >> NVT_PAGE_SHIFT;
	if (pages > NVT_PRP_PER_PAGE + 1)
		return -EINVAL;

	/* Only the first page may be entered in its middle. */
	*prp1 = buf->bus[page] + in_page;
	*prp2 = 0;
	if (pages == 2)
		*prp2 = buf->bus[page + 1];
	if (pages <= 2)
		return 0;
	for (i = 1; i < pages; i++)
		list[i - 1] = buf->bus[page + i];
	*prp2 = list_bus;
	return 0;
}

size_t nvt_prp_list_pages(size_t pages)
{
	size_t n = 1;

	while (pages > NVT_PRP_PER_PAGE) {
		pages -= NVT_PRP_PER_PAGE - 1;
		n++;
	}
	return n;
}

void nvt_prp_list_fill(const struct nvt_buffer *buf, struct nvt_buffer *list)
{
	size_t i, pages = buf->length >> NVT_PAGE_SHIFT;
	uint64_t *entry = list->data;
	size_t slot = 0;

	for (i = 0; i < pages; i++) {
		/* The last slot of a page is a pointer, unless nothing follows it. */
		if (slot % NVT_PRP_PER_PAGE == NVT_PRP_PER_PAGE - 1 && i + 1 < pages) {
			entry[slot] = list->bus[slot / NVT_PRP_PER_PAGE + 1];
			slot++;
		}
		entry[slot++] = buf->bus[i];
	}
}
