// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The marks in a block; see stamp.h. */
#include "verify/stamp.h"

#include <isa-l/crc.h>
#include <string.h>

/*
 * Blocks of an earlier program were counted from another start: allow their
 * counters to have got further than ours, yet few enough high halves that a
 * damaged block has one of them by chance about once in 2^24.
 */
#define HIGH_MARGIN	255U

/* Without the inversion at the end, so that it can go on. */
static uint32_t crc_extend(uint32_t crc, const void *data, uint32_t size)
{
	return crc32_iscsi((unsigned char *)data, (int)size, crc);
}

/* One to one, and not linear over GF(2) as the CRC is (the finalizer of MurmurHash3). */
static uint32_t mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x85ebca6bU;
	x ^= x >> 13;
	x *= 0xc2b2ae35U;
	return x ^ x >> 16;
}

static uint32_t seal_of(uint32_t crc, uint32_t high)
{
	return mix(crc ^ high);
}

static uint32_t finish(uint32_t crc)
{
	return ~crc ? ~crc : 1;
}

uint32_t nvt_stamp_write(void *block, uint32_t size, uint64_t lba, uint64_t counter)
{
	uint8_t *end = (uint8_t *)block + size;
	uint32_t low = (uint32_t)counter, crc, seal;

	memcpy(block, &lba, sizeof(lba));
	memcpy(end - 8, &low, sizeof(low));
	crc = crc_extend(~0U, block, size - 4);
	seal = seal_of(crc, (uint32_t)(counter >> 32));
	memcpy(end - 4, &seal, sizeof(seal));
	return finish(crc_extend(crc, end - 4, 4));
}

uint32_t nvt_stamp_crc(const void *block, uint32_t size)
{
	return finish(crc_extend(~0U, block, size));
}

bool nvt_stamp_is_whole(const void *block, uint32_t size, uint64_t counter)
{
	uint32_t high, highest = (uint32_t)(counter >> 32) + HIGH_MARGIN;
	uint32_t seal, crc = crc_extend(~0U, block, size - 4);

	memcpy(&seal, (const uint8_t *)block + size - 4, sizeof(seal));
	for (high = 0; high <= highest; high++)
		if (seal == seal_of(crc, high))
			return true;
	return false;
}

uint64_t nvt_stamp_lba(const void *block)
{
	uint64_t lba;

	memcpy(&lba, block, sizeof(lba));
	return lba;
}

uint64_t nvt_stamp_token(const void *block, uint32_t size)
{
	uint64_t token;

	memcpy(&token, (const uint8_t *)block + size - 8, sizeof(token));
	return token;
}
