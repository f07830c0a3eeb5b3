// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Bus addresses where we choose them; see iova.h. */
#include <errno.h>
#include <stddef.h>

#include "access/access.h"
#include "access/iova.h"

/* Above what 32 bits hold, and below what every IOMMU translates. */
#define IOVA_FIRST	(1ULL << 32)
#define IOVA_END	(1ULL << 39)
#define HOLE		NVT_PAGE_SIZE

void nvt_iova_init(struct nvt_iova_space *space)
{
	space->runs = NULL;
	space->next = IOVA_FIRST;
}

static const struct nvt_iova_run *find_overlap(const struct nvt_iova_space *space, uint64_t start,
					       uint64_t length)
{
	const struct nvt_iova_run *run;

	for (run = space->runs; run; run = run->next)
		if (start < run->start + run->length && run->start < start + length)
			return run;
	return NULL;
}

int nvt_iova_take(struct nvt_iova_space *space, struct nvt_iova_run *run, uint64_t length)
{
	const struct nvt_iova_run *other;
	uint64_t start = space->next;
	int laps = 0;

	for (;;) {
		if (start + length + HOLE > IOVA_END) {
			if (++laps > 1)
				return -ENOSPC;
			start = IOVA_FIRST;
		}
		other = find_overlap(space, start, length + HOLE);
		if (!other)
			break;
		start = other->start + other->length + HOLE;
	}
	run->start = start;
	run->length = length;
	run->next = space->runs;
	space->runs = run;
	space->next = start + length + HOLE;
	return 0;
}

void nvt_iova_give(struct nvt_iova_space *space, struct nvt_iova_run *run)
{
	struct nvt_iova_run **link = &space->runs;

	while (*link && *link != run)
		link = &(*link)->next;
	if (*link)
		*link = run->next;
}

struct nvt_iova_run *nvt_iova_find(const struct nvt_iova_space *space, uint64_t address,
				   uint64_t length)
{
	struct nvt_iova_run *run;

	for (run = space->runs; run; run = run->next)
		if (address >= run->start && address - run->start < run->length &&
		    length <= run->length - (address - run->start))
			return run;
	return NULL;
}
