// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Which command comes next; see load.h. */
#include "ioworker/load.h"

#include <string.h>

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
	load->mixed = opts->read_percent % 100 || opts->random_percent % 100;
	load->writes = !opts->read_percent;
	load->randoms = opts->random_percent;
	load->random = nvt_load_draw(&seed);
	load->elsewhere = nvt_load_draw(&seed);
}

void nvt_load_redraw(struct nvt_load *load, struct nvt_io *io)
{
	nvt_load_place_randomly(load, &load->elsewhere, io);
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
		word = nvt_load_draw(&seed);
		memcpy(byte, &word, sizeof(word));
	}
	word = nvt_load_draw(&seed);
	memcpy(byte, &word, length);
}
