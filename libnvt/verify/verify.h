/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef NVT_VERIFY_VERIFY_H
#define NVT_VERIFY_VERIFY_H

#include <stdatomic.h>

#include <nvt/verify.h>

/*
 * Both arrays are anonymous mappings: memory is taken where they are touched.
 * crc[] has a CRC-32C for each block, 0 where it is unknown; an entry is read
 * and written only by who holds its block, and taking a bit of held[] acquires
 * what the one who gave it back has written.
 */
struct nvt_verify {
	uint64_t blocks;		/* of the namespace */
	uint32_t lba_size;		/* bytes stamped and checked of each */
	uint32_t block_size;		/* bytes from one to the next in data */
	uint32_t *crc;
	_Atomic uint64_t *held;		/* one bit per block */
	_Atomic uint64_t counter;	/* of the next block stamped */
};

/* nvt_verify_create() of a namespace of which only this is known. */
struct nvt_verify *nvt_verifier_new(uint64_t blocks, uint32_t lba_size, uint32_t block_size);

/* nvt_verify_check() that also adds to *known how many blocks were checked. */
uint32_t nvt_check_blocks(struct nvt_verify *v, uint64_t slba, uint32_t nlb, const void *data,
			  struct nvt_miscompare *bad, uint64_t *known);

/* "block 7 is stale: ..." for an error text; returns text. */
const char *nvt_miscompare_text(const struct nvt_miscompare *bad, char *text, size_t size);

#endif /* NVT_VERIFY_VERIFY_H */
