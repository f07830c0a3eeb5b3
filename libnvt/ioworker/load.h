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
	bool mixed;			/* of reads and writes, or random and sequential; else */
	bool writes;			/* all are writes, or reads, */
	bool randoms;			/* all are random, or sequential */
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
/* Another place for a random command; those that follow stay as they are. */
void nvt_load_redraw(struct nvt_load *load, struct nvt_io *io);

/* Commands of one sequential pass. */
uint64_t nvt_load_pass(const struct nvt_load *load);

/* Pseudo-random data, to fill buffers. */
void nvt_load_fill(uint64_t seed, void *data, uint64_t length);

/* A Weyl sequence through one wide multiplication (wyrand): any seed is good. */
static inline uint64_t nvt_load_draw(uint64_t *state)
{
	unsigned __int128 z;

	*state += 0xa0761d6478bd642fULL;
	z = (unsigned __int128)*state * (*state ^ 0xe7037ed1a0b428dbULL);
	return (uint64_t)z ^ (uint64_t)(z >> 64);
}

/* Evenly over the places: off by at most their number in 2^64. */
static inline void nvt_load_place_randomly(struct nvt_load *load, uint64_t *state,
					   struct nvt_io *io)
{
	uint64_t place = (uint64_t)((unsigned __int128)nvt_load_draw(state) * load->places >> 64);

	io->slba = load->start + place * load->io_blocks;
	io->nlb = load->io_blocks;
}

static inline void nvt_load_place_next(struct nvt_load *load, struct nvt_io *io)
{
	uint64_t left = load->end - load->next;

	io->slba = load->next;
	io->nlb = left < load->io_blocks ? (uint32_t)left : load->io_blocks;
	load->next += io->nlb;
	if (load->next == load->end)
		load->next = load->start;
}

/* Dice are thrown only for what the options leave open. */
static inline void nvt_load_next(struct nvt_load *load, struct nvt_io *io)
{
	uint64_t dice;

	io->write = load->writes;
	io->random = load->randoms;
	if (load->mixed) {
		dice = nvt_load_draw(&load->random);
		io->write = (dice & 0x7fffffff) >= load->reads_below;
		io->random = dice >> 33 < load->randoms_below;
	}
	if (io->random)
		nvt_load_place_randomly(load, &load->random, io);
	else
		nvt_load_place_next(load, io);
}

#endif /* NVT_IOWORKER_LOAD_H */
