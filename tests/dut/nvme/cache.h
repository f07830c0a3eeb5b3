/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The volatile write cache of a namespace, as an undo log: of each change to
 * blocks it remembers what they were before, in a ring. The part of the ring
 * that is not durable yet is what a power cut may undo; the rest is history,
 * for the fault that shows an old version of a block.
 */
#ifndef DUT_CACHE_H
#define DUT_CACHE_H

#include <stdbool.h>
#include <stdint.h>

struct cache;
struct random;
struct store;

/* @size: bytes of the ring; a change that needs more is not cached. NULL: out of memory. */
struct cache *cache_new(uint64_t size);
void cache_free(struct cache *cache);

/* Blocks of the store are about to change. */
void cache_remember(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb,
		    bool durable);

/* All is durable; what is cached of a range is. */
void cache_flush(struct cache *cache);
void cache_commit(struct store *store, uint64_t slba, uint64_t nlb);

/* Nothing is remembered any more. */
void cache_forget(struct cache *cache);

void cache_power_cut(struct store *store, struct random *random);

/* What the block was before its last change that is remembered; false if none is. */
bool cache_older(const struct store *store, uint64_t lba, void *data, void *meta);

#endif /* DUT_CACHE_H */
