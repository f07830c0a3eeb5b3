// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Which blocks a command in flight holds: a bitmap of atomic words. */
#include "verify/hold.h"

static uint64_t bits_of(uint64_t lba, uint32_t count)
{
	return (count == 64 ? ~0ULL : (1ULL << count) - 1) << (lba & 63);
}

/* How many of nlb blocks from lba on lie in lba's word. */
static uint32_t in_word(uint64_t lba, uint32_t nlb)
{
	uint32_t left = 64 - (lba & 63);

	return nlb < left ? nlb : left;
}

static bool hold_word(_Atomic uint64_t *word, uint64_t bits)
{
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed);

	do {
		if (old & bits)
			return false;
		/* Pairs with the release in nvt_hold_put(): the CRCs of these blocks. */
	} while (!atomic_compare_exchange_weak_explicit(word, &old, old | bits,
							memory_order_acquire,
							memory_order_relaxed));
	return true;
}

/*
 * Words are taken in ascending order and given back on a conflict, without
 * waiting: of two that collide at least the one that is ahead goes on.
 */
bool nvt_hold_get(_Atomic uint64_t *held, uint64_t slba, uint32_t nlb)
{
	uint64_t lba = slba;
	uint32_t left = nlb, n;

	for (; left; lba += n, left -= n) {
		n = in_word(lba, left);
		if (hold_word(&held[lba / 64], bits_of(lba, n)))
			continue;
		nvt_hold_put(held, slba, nlb - left);
		return false;
	}
	return true;
}

void nvt_hold_put(_Atomic uint64_t *held, uint64_t slba, uint32_t nlb)
{
	uint32_t n;

	for (; nlb; slba += n, nlb -= n) {
		n = in_word(slba, nlb);
		atomic_fetch_and_explicit(&held[slba / 64], ~bits_of(slba, n),
					  memory_order_release);
	}
}
