// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Which command comes next; see load.h. */
#include "ioworker/load.h"

#include <string.h>

/* splitmix64: any seed is good, and one multiply chain makes a number. */
static inline uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* Evenly from 0 to below n: off by at most n in 2^64. */
static inline uint64_t draw_below(uint64_t *state, uint64_t n)
{
	return (uint64_t)((unsigned __int128)draw(state) * n >> 64);
}

static uint32_t of_2_31(uint8_t percent)
{
	return (uint32_t)(((uint64_t)percent << 31) / 100);
}

void nvt_load_init(struct nvt_load *load, const struct nvt_load_opts *opts)
{
	uint64_t seed = opts->seed;

	*load = (struct nvt_load){
		.start = opts->region_start,
		.end = opts->region_end,
		.next = opts->region_start,
		.places = (opts->region_end - opts->region_start) / opts->io_blocks,
		.io_blocks = opts->io_blocks,
		.reads_below = of_2_31(opts->read_percent),
		.randoms_below = of_2_31(opts->random_percent),
	};
	load->random = draw(&seed);
	load->elsewhere = draw(&seed);
}

static inline void place_randomly(struct nvt_load *load, uint64_t *state, struct nvt_io *io)
{
	io->slba = load->start + draw_below(state, load->places) * load->io_blocks;
	io->nlb = load->io_blocks;
}

static inline void place_next(struct nvt_load *load, struct nvt_io *io)
{
	uint64_t left = load->end - load->next;

	io->slba = load->next;
	io->nlb = left < load->io_blocks ? (uint32_t)left : load->io_blocks;
	load->next += io->nlb;
	if (load->next == load->end)
		load->next = load->start;
}

void nvt_load_next(struct nvt_load *load, struct nvt_io *io)
{
	uint64_t dice = draw(&load->random);

	io->write = (dice & 0x7fffffff) >= load->reads_below;
	io->random = dice >> 33 < load->randoms_below;
	if (io->random)
		place_randomly(load, &load->random, io);
	else
		place_next(load, io);
}

void nvt_load_redraw(struct nvt_load *load, struct nvt_io *io)
{
	place_randomly(load, &load->elsewhere, io);
}

uint64_t nvt_load_pass(const struct nvt_load *load)
{
	uint64_t blocks = load->end - load->start;

	return blocks / load->io_blocks + (blocks % load->io_blocks != 0);
}

void nvt_load_fill(uint64_t seed, void *data, uint64_t length)
{
	uint8_t *byte = data;
	uint64_t word;

	for (; length >= sizeof(word); byte += sizeof(word), length -= sizeof(word)) {
		word = draw(&seed);
		memcpy(byte, &word, sizeof(word));
	}
	word = draw(&seed);
	memcpy(byte, &word, length);
}
