/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What marks a block as written by us:
 *
 *   bytes 0 to 7         its LBA
 *   the last 8 to 5      low half of a counter, different for each write
 *   the last 4           seal: the CRC-32C of all before it, mixed with the
 *                        high half of the counter
 *
 * The seal tells a whole block that is in the wrong place, or old, from a
 * damaged one. It must not be the plain CRC: the CRC-32C of data that ends
 * with its own CRC-32C is a constant, so that all blocks would look the same.
 */
#ifndef NVT_VERIFY_STAMP_H
#define NVT_VERIFY_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#define NVT_STAMP_MIN	16U	/* bytes of the smallest block that holds it */

/* Marks a block of size bytes; returns the CRC-32C of all of it, never 0. */
uint32_t nvt_stamp_write(void *block, uint32_t size, uint64_t lba, uint64_t counter);

/* The CRC-32C of a block; 1 in place of 0, which means unknown. */
uint32_t nvt_stamp_crc(const void *block, uint32_t size);

/* Whether the block is as nvt_stamp_write() left it, with a counter up to this one. */
bool nvt_stamp_is_whole(const void *block, uint32_t size, uint64_t counter);

uint64_t nvt_stamp_lba(const void *block);
uint64_t nvt_stamp_token(const void *block, uint32_t size);

#endif /* NVT_VERIFY_STAMP_H */
