/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Data verification: what was written to each logical block of a namespace,
 * remembered as a CRC-32C, and checked against what is read.
 *
 * A block written under verification starts with its LBA (8 bytes, little-
 * endian) and ends with a token (8 bytes) that no other write had. The token
 * is a counter with a random start and a seal, a checksum of the whole block:
 * so a read tells corrupt data from a block that is whole, but stale or of
 * another LBA. Metadata that is interleaved with the data is left alone.
 *
 * Two blocks are taken for the same if their CRCs are: one wrong block in
 * 2^32 is not seen.
 *
 * Thread-safety: any number of threads and queue pairs may share one
 * struct nvt_verify. The range of a command is held from before it is posted
 * until it has ended, by one command at a time: nvt_verify_written() and
 * nvt_verify_check() are called between nvt_verify_hold() and
 * nvt_verify_release(). Blocks beyond the end of the namespace are ignored by
 * all of them, so that a command that goes too far may be sent.
 */
#ifndef NVT_VERIFY_H
#define NVT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include <nvt/ns.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nvt_verify;

enum nvt_miscompare_kind {
	NVT_MISCOMPARE_CORRUPT	= 1,	/* neither what was written here nor any block of ours */
	NVT_MISCOMPARE_STALE	= 2,	/* this LBA's, from another write, or an earlier program */
	NVT_MISCOMPARE_MISPLACED = 3,	/* another LBA's block */
};

/**
 * struct nvt_miscompare - a block that is not what was written
 * @lba: where it was read
 * @kind: enum nvt_miscompare_kind
 * @expected_crc: CRC-32C of what was written last; 1 stands for 0
 * @actual_crc: CRC-32C of what was read; 1 stands for 0
 * @found_lba: the LBA in its first 8 bytes
 * @found_token: the token in its last 8 bytes
 */
struct nvt_miscompare {
	uint64_t lba;
	uint32_t kind;
	uint32_t expected_crc;
	uint32_t actual_crc;
	uint32_t resv;
	uint64_t found_lba;
	uint64_t found_token;
};

/**
 * nvt_verify_create() - remember nothing yet about a namespace
 * @ns: the namespace; blocks of at least 16 bytes
 *
 * Takes 4 bytes and 1 bit of memory for each block once it is touched.
 *
 * Return: the verifier, or NULL with errno set: ENOMEM, EINVAL (no blocks, or
 * smaller ones).
 */
struct nvt_verify *nvt_verify_create(struct nvt_ns *ns);

/** nvt_verify_free() - forget all; NULL is allowed */
void nvt_verify_free(struct nvt_verify *v);

/**
 * nvt_verify_hold() - hold a range for one command
 * @v: the verifier
 * @slba: first block
 * @nlb: number of blocks
 *
 * Return: true, or false if a block of it is held by another command, and
 * then none of it is held: try again later, or somewhere else. Does not wait.
 */
bool nvt_verify_hold(struct nvt_verify *v, uint64_t slba, uint32_t nlb);

/** nvt_verify_release() - end a hold */
void nvt_verify_release(struct nvt_verify *v, uint64_t slba, uint32_t nlb);

/**
 * nvt_verify_stamp() - put LBA and token into data about to be written
 * @v: the verifier
 * @slba: first block
 * @nlb: number of blocks
 * @data: the blocks
 * @crc: filled with the CRC-32C of each block, @nlb of them
 */
void nvt_verify_stamp(struct nvt_verify *v, uint64_t slba, uint32_t nlb, void *data, uint32_t *crc);

/**
 * nvt_verify_written() - a write has ended
 * @v: the verifier
 * @slba: first block
 * @nlb: number of blocks
 * @crc: from nvt_verify_stamp(); NULL if the write failed: then the blocks
 *	are unknown, and reads of them are not checked
 */
void nvt_verify_written(struct nvt_verify *v, uint64_t slba, uint32_t nlb, const uint32_t *crc);

/**
 * nvt_verify_check() - check data that was read
 * @v: the verifier
 * @slba: first block
 * @nlb: number of blocks
 * @data: the blocks
 * @bad: the first block that is wrong, or NULL
 *
 * Blocks never written under this verifier are not checked.
 *
 * Return: how many blocks are wrong.
 */
uint32_t nvt_verify_check(struct nvt_verify *v, uint64_t slba, uint32_t nlb, const void *data,
			  struct nvt_miscompare *bad);

#ifdef __cplusplus
}
#endif

#endif /* NVT_VERIFY_H */
