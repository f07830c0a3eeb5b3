// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Data verification: the CRC of each block, taken at writes, compared at reads. */
#include "verify/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "err.h"
#include "verify/hold.h"
#include "verify/stamp.h"

static size_t crc_bytes(const struct nvt_verify *v)
{
	return v->blocks * sizeof(*v->crc);
}

static size_t held_bytes(const struct nvt_verify *v)
{
	return (v->blocks + 63) / 64 * sizeof(*v->held);
}

static void *map_zeros(size_t length)
{
	void *p = mmap(NULL, length, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Another start each time: what an earlier program wrote must not look like ours. */
static uint64_t counter_start(void)
{
	uint32_t start = 0;

	if (getrandom(&start, sizeof(start), 0) != sizeof(start))
		start = (uint32_t)(uintptr_t)&start;
	return start;
}

struct nvt_verify *nvt_verifier_new(uint64_t blocks, uint32_t lba_size, uint32_t block_size)
{
	struct nvt_verify *v;

	if (!blocks || blocks > SIZE_MAX / 64 || lba_size < NVT_STAMP_MIN) {
		errno = EINVAL;
		return NULL;
	}
	v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->blocks = blocks;
	v->lba_size = lba_size;
	v->block_size = block_size;
	atomic_init(&v->counter, counter_start());
	v->crc = map_zeros(crc_bytes(v));
	if (!v->crc)
		goto out_free;
	v->held = map_zeros(held_bytes(v));
	if (!v->held)
		goto out_unmap;
	return v;

out_unmap:
	munmap(v->crc, crc_bytes(v));
out_free:
	free(v);
	errno = ENOMEM;
	return NULL;
}

struct nvt_verify *nvt_verify_create(struct nvt_ns *ns)
{
	uint64_t blocks = nvt_ns_size(ns);
	uint32_t size = nvt_ns_lba_size(ns);
	struct nvt_verify *v = nvt_verifier_new(blocks, size, nvt_ns_block_size(ns));
	int err = errno;

	if (v)
		return v;
	nvt_fail(-err, "%s: verify: cannot keep CRCs of %" PRIu64 " blocks of %u bytes: %s",
		 nvt_pcie_addr(nvt_ctrl_pcie(nvt_ns_ctrl(ns))), blocks, size,
		 err == ENOMEM ? "out of memory" : "there must be blocks, of at least 16 bytes");
	errno = err;
	return NULL;
}

void nvt_verify_free(struct nvt_verify *v)
{
	if (!v)
		return;
	munmap(v->held, held_bytes(v));
	munmap(v->crc, crc_bytes(v));
	free(v);
}

/* A range may reach beyond the namespace, as a test of just that does. */
static uint32_t inside(const struct nvt_verify *v, uint64_t slba, uint32_t nlb)
{
	if (slba >= v->blocks)
		return 0;
	return nlb < v->blocks - slba ? nlb : (uint32_t)(v->blocks - slba);
}

bool nvt_verify_hold(struct nvt_verify *v, uint64_t slba, uint32_t nlb)
{
	return nvt_hold_get(v->held, slba, inside(v, slba, nlb));
}

void nvt_verify_release(struct nvt_verify *v, uint64_t slba, uint32_t nlb)
{
	nvt_hold_put(v->held, slba, inside(v, slba, nlb));
}

void nvt_verify_stamp(struct nvt_verify *v, uint64_t slba, uint32_t nlb, void *data, uint32_t *crc)
{
	uint64_t counter = atomic_fetch_add_explicit(&v->counter, nlb, memory_order_relaxed);
	uint8_t *block = data;
	uint32_t i;

	for (i = 0; i < nlb; i++, block += v->block_size)
		crc[i] = nvt_stamp_write(block, v->lba_size, slba + i, counter + i);
}

void nvt_verify_written(struct nvt_verify *v, uint64_t slba, uint32_t nlb, const uint32_t *crc)
{
	size_t size = inside(v, slba, nlb) * sizeof(*crc);

	if (!size)
		return;
	if (crc)
		memcpy(&v->crc[slba], crc, size);
	else
		memset(&v->crc[slba], 0, size);
}

static void classify(struct nvt_verify *v, uint64_t lba, const void *block, uint32_t actual,
		     struct nvt_miscompare *bad)
{
	uint64_t counter = atomic_load_explicit(&v->counter, memory_order_relaxed);

	*bad = (struct nvt_miscompare){
		.lba = lba,
		.kind = NVT_MISCOMPARE_CORRUPT,
		.expected_crc = v->crc[lba],
		.actual_crc = actual,
		.found_lba = nvt_stamp_lba(block),
		.found_token = nvt_stamp_token(block, v->lba_size),
	};
	if (nvt_stamp_is_whole(block, v->lba_size, counter))
		bad->kind = bad->found_lba == lba ? NVT_MISCOMPARE_STALE :
						    NVT_MISCOMPARE_MISPLACED;
}

uint32_t nvt_check_blocks(struct nvt_verify *v, uint64_t slba, uint32_t nlb, const void *data,
			  struct nvt_miscompare *bad, uint64_t *known)
{
	const uint8_t *block = data;
	uint32_t i, crc, wrong = 0;

	nlb = inside(v, slba, nlb);
	for (i = 0; i < nlb; i++, block += v->block_size) {
		if (!v->crc[slba + i])
			continue;
		++*known;
		crc = nvt_stamp_crc(block, v->lba_size);
		if (crc == v->crc[slba + i])
			continue;
		if (!wrong++ && bad)
			classify(v, slba + i, block, crc, bad);
	}
	return wrong;
}

uint32_t nvt_verify_check(struct nvt_verify *v, uint64_t slba, uint32_t nlb, const void *data,
			  struct nvt_miscompare *bad)
{
	uint64_t known = 0;

	return nvt_check_blocks(v, slba, nlb, data, bad, &known);
}

const char *nvt_miscompare_text(const struct nvt_miscompare *bad, char *text, size_t size)
{
	switch (bad->kind) {
	case NVT_MISCOMPARE_STALE:
		snprintf(text, size, "block %" PRIu64 " is stale: it holds what an earlier write "
			 "put there (token %#" PRIx64 ")", bad->lba, bad->found_token);
		break;
	case NVT_MISCOMPARE_MISPLACED:
		snprintf(text, size, "block %" PRIu64 " is misplaced: it holds what was written "
			 "to block %" PRIu64 " (token %#" PRIx64 ")", bad->lba, bad->found_lba,
			 bad->found_token);
		break;
	default:
		snprintf(text, size, "block %" PRIu64 " is corrupt: CRC-32C %#010x read, %#010x "
			 "written", bad->lba, bad->actual_crc, bad->expected_crc);
	}
	return text;
}
