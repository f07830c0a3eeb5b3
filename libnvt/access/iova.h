/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Bus addresses where we choose them. They go upwards and come back only when
 * all have been used, with a hole after each run: what a device does to an
 * address of yesterday, or past the end of a run, meets nothing.
 */
#ifndef NVT_IOVA_H
#define NVT_IOVA_H

#include <stdint.h>

struct nvt_iova_run {
	uint64_t start;
	uint64_t length;
	struct nvt_iova_run *next;
};

struct nvt_iova_space {
	struct nvt_iova_run *runs;	/* in use */
	uint64_t next;			/* where the search goes on */
};

void nvt_iova_init(struct nvt_iova_space *space);

/* Fills @run in and takes it into use; 0, or -ENOSPC. @length: whole pages, at most 1 GiB. */
int nvt_iova_take(struct nvt_iova_space *space, struct nvt_iova_run *run, uint64_t length);

void nvt_iova_give(struct nvt_iova_space *space, struct nvt_iova_run *run);

/* The run that holds all of [@address, @address + @length), or NULL. */
struct nvt_iova_run *nvt_iova_find(const struct nvt_iova_space *space, uint64_t address,
				   uint64_t length);

#endif /* NVT_IOVA_H */
