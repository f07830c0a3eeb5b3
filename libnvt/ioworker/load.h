/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Which command comes next: a function of these options alone. Commands are
 * drawn in the order in which they are posted, so that the order in which
 * they end does not matter.
 */
#ifndef NVT_IOWORKER_LOAD_H
#define NVT_IOWORKER_LOAD_H

#include <stdbool.h>
#include <stdint.h>

struct nvt_load_opts {
	uint64_t seed;
	uint64_t region_start;
	uint64_t region_end;		/* the block after it */
	uint32_t io_blocks;
	uint8_t random_percent;
	uint8_t read_percent;
};

struct nvt_load {
	uint64_t random;		/* state of the generator */
	uint64_t elsewhere;		/* the one of nvt_load_redraw() */
	uint64_t start;
	uint64_t end;
	uint64_t next;			/* where the sequential commands are */
	uint64_t places;		/* whole commands in the region */
	uint32_t io_blocks;
	uint32_t reads_below;		/* of 2^31 */
	uint32_t randoms_below;
};

struct nvt_io {
	uint64_t slba;
	uint32_t nlb;
	bool write;
	bool random;
};

void nvt_load_init(struct nvt_load *load, const struct nvt_load_opts *opts);
void nvt_load_next(struct nvt_load *load, struct nvt_io *io);

/* Another place for a random command; those that follow stay as they are. */
void nvt_load_redraw(struct nvt_load *load, struct nvt_io *io);

/* Commands of one sequential pass. */
uint64_t nvt_load_pass(const struct nvt_load *load);

/* Pseudo-random data, to fill buffers. */
void nvt_load_fill(uint64_t seed, void *data, uint64_t length);

#endif /* NVT_IOWORKER_LOAD_H */
