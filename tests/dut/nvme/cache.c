// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The volatile write cache of a namespace, as an undo log in a ring. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fault/fault.h"
#include "nvme/cache.h"
#include "nvme/cmd.h"
#include "nvme/ns.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "nvme/timing.h"
#include "nvme/zns.h"
#include "options.h"

#define ALIGN		64UL
#define HISTORY_MOST	(2UL << 20)	/* bytes of a durable change that are worth remembering */

enum fate { FATE_KEPT, FATE_LOST, FATE_TORN };

/*
 * A change, followed by the image of its blocks from before: data, metadata,
 * flags. One without an image is durable, so that nothing older is undone in
 * its blocks.
 */
struct entry {
	_Alignas(ALIGN) uint64_t slba;
	uint64_t nlb;			/* 0: fills the ring's end */
	uint32_t size;			/* bytes, image included */
	uint32_t before;		/* size of the entry before */
	uint8_t opcode;
	bool durable, image;
	/* At a power cut: of a torn one the blocks from @from to @to are lost, or all others. */
	uint8_t fate;
	bool others;
	uint64_t from, to;
};

/* Places in the ring count on without limit. */
struct cache {
	unsigned char *ring;
	uint64_t size;
	uint64_t oldest, durable, end;	/* history, what a cut may undo, nothing yet */
	uint32_t last;			/* size of the newest entry */
};

struct cache *cache_new(uint64_t size)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->size = size & ~(ALIGN - 1);
	if (!cache->size)
		return cache;
	cache->ring = mmap(NULL, cache->size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (cache->ring == MAP_FAILED) {
		free(cache);
		return NULL;
	}
	return cache;
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	if (cache->size)
		munmap(cache->ring, cache->size);
	free(cache);
}

void cache_forget(struct cache *cache)
{
	cache->oldest = cache->durable = cache->end = 0;
	if (cache->size)
		madvise(cache->ring, cache->size, MADV_DONTNEED);
}

void cache_flush(struct cache *cache)
{
	cache->durable = cache->end;
}

static bool is_clean(const struct cache *cache)
{
	return cache->durable == cache->end;
}

static struct entry *entry_at(const struct cache *cache, uint64_t place)
{
	return (struct entry *)(cache->ring + place % cache->size);
}

/* Room for @size bytes, for which the oldest entries go: what they were is durable then. */
static struct entry *push(struct cache *cache, uint64_t size)
{
	struct entry *entry;

	while (cache->end + size - cache->oldest > cache->size)
		cache->oldest += entry_at(cache, cache->oldest)->size;
	if (cache->durable < cache->oldest)
		cache->durable = cache->oldest;
	entry = entry_at(cache, cache->end);
	memset(entry, 0, sizeof(*entry));
	entry->size = size;
	entry->before = cache->last;
	cache->last = size;
	cache->end += size;
	return entry;
}

/* An entry is in one piece. */
static struct entry *push_whole(struct cache *cache, uint64_t size)
{
	uint64_t room = cache->size - cache->end % cache->size;

	if (size > room)
		push(cache, room)->durable = true;
	return push(cache, size);
}

static uint64_t image_length(const struct store *store, uint64_t nlb)
{
	return nlb * ((1UL << store->lba_shift) + store->ms + 1);
}

static void take_image(const struct store *store, struct entry *entry)
{
	unsigned char *image = (unsigned char *)(entry + 1);
	uint64_t data = entry->nlb << store->lba_shift, meta = entry->nlb * store->ms;

	store_read(store, entry->slba, entry->nlb, image, image + data);
	memcpy(image + data + meta, store->flags + entry->slba, entry->nlb);
	entry->image = true;
}

void cache_remember(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb,
		    bool durable)
{
	struct cache *cache = store->cache;
	uint64_t size = (sizeof(struct entry) + image_length(store, nlb) + ALIGN - 1) & ~(ALIGN - 1);
	bool fits = size <= cache->size && size <= (durable ? HISTORY_MOST : UINT32_MAX), clean;
	struct entry *entry;

	if (!fits)
		durable = true;
	if (durable && store->sequential)
		cache_flush(cache);
	clean = is_clean(cache);
	if (!fits && clean)
		return;
	entry = push_whole(cache, fits ? size : sizeof(*entry));
	entry->opcode = opcode;
	entry->slba = slba;
	entry->nlb = nlb;
	entry->durable = durable;
	if (fits)
		take_image(store, entry);
	if (clean && durable)
		cache_flush(cache);
}

void cache_commit(struct store *store, uint64_t slba, uint64_t nlb)
{
	struct cache *cache = store->cache;
	struct entry *entry;

	if (is_clean(cache))
		return;
	if (store->sequential) {
		cache_flush(cache);
		return;
	}
	entry = push_whole(cache, sizeof(*entry));
	entry->slba = slba;
	entry->nlb = nlb;
	entry->durable = true;
}

bool cache_older(const struct store *store, uint64_t lba, void *data, void *meta)
{
	const struct cache *cache = store->cache;
	const unsigned char *image;
	const struct entry *entry;
	uint64_t place;
	uint32_t size;

	for (place = cache->end, size = cache->last; place > cache->oldest; size = entry->before) {
		place -= size;
		entry = entry_at(cache, place);
		if (!entry->image || lba < entry->slba || lba - entry->slba >= entry->nlb)
			continue;
		image = (const unsigned char *)(entry + 1);
		lba -= entry->slba;
		memcpy(data, image + (lba << store->lba_shift), 1UL << store->lba_shift);
		image += entry->nlb << store->lba_shift;
		memcpy(meta, image + lba * store->ms, store->ms);
		return true;
	}
	return false;
}

/* From one to all but one of the atomic units are lost, in one or two pieces. */
static void tear(struct entry *entry, uint64_t unit, struct random *random)
{
	uint64_t units = (entry->nlb + unit - 1) / unit;
	uint64_t from = 1 + random_below(random, units - 1);
	uint64_t to = from + 1 + random_below(random, units - from);

	entry->fate = FATE_TORN;
	entry->from = from * unit;
	entry->to = to * unit < entry->nlb ? to * unit : entry->nlb;
	entry->others = random_below(random, 2);
}

/* NVM Command Set 1.1, 2.1.4.2: a write of up to AWUPF + 1 blocks is there whole, or not at all. */
static void choose(struct entry *entry, uint64_t unit, struct random *random)
{
	entry->fate = random_below(random, 2) ? FATE_LOST : FATE_KEPT;
	if (entry->nlb > unit && !random_below(random, 3))
		tear(entry, unit, random);
}

/* The write pointer of a zone knows no holes: from a moment on all is lost. */
static void choose_sequential(struct entry *entry, uint64_t unit, bool *lost,
			      struct random *random)
{
	entry->fate = *lost ? FATE_LOST : FATE_KEPT;
	if (*lost || random_below(random, 4))
		return;
	*lost = true;
	entry->fate = FATE_LOST;
	if (entry->nlb <= unit || random_below(random, 2))
		return;
	tear(entry, unit, random);
	entry->to = entry->nlb;
	entry->others = false;
}

static bool is_lost(const struct entry *entry, uint64_t i)
{
	if (entry->fate != FATE_TORN)
		return entry->fate == FATE_LOST;
	return (i >= entry->from && i < entry->to) != entry->others;
}

static const char *name_of(const struct store *store, uint8_t opcode)
{
	const struct ns *ns = ns_find(store->subsys, store->nsid);
	const struct command *command = io_command(store->subsys->ctrls[0],
						   ns ? ns->csi : NVME_CSI_NVM, opcode);

	return command ? command->name : "write";
}

static void note(const struct store *store, const struct entry *entry, const char *what,
		 uint64_t from, uint64_t to)
{
	if (from < to)
		faults_note(store->subsys->faults, "power: %s %s nsid %u slba %llu nlb %llu", what,
			    name_of(store, entry->opcode), store->nsid,
			    (unsigned long long)(entry->slba + from),
			    (unsigned long long)(to - from));
}

static void note_fate(const struct store *store, const struct entry *entry)
{
	if (entry->fate == FATE_LOST)
		note(store, entry, "lost", 0, entry->nlb);
	if (entry->fate != FATE_TORN)
		return;
	note(store, entry, "torn", 0, entry->nlb);
	if (entry->others) {
		note(store, entry, "lost", 0, entry->from);
		note(store, entry, "lost", entry->to, entry->nlb);
	} else {
		note(store, entry, "lost", entry->from, entry->to);
	}
}

/* In order of writing, so that the log reads so. */
static void choose_fates(struct store *store, struct random *random)
{
	struct cache *cache = store->cache;
	uint64_t unit = store->subsys->options->awupf + 1ULL, count[3] = { 0 }, place;
	struct entry *entry;
	bool lost = false;

	for (place = cache->durable; place < cache->end; place += entry->size) {
		entry = entry_at(cache, place);
		if (entry->durable)
			continue;
		if (store->sequential)
			choose_sequential(entry, unit, &lost, random);
		else
			choose(entry, unit, random);
		note_fate(store, entry);
		count[entry->fate]++;
	}
	faults_note(store->subsys->faults, "power: nsid %u: %llu kept, %llu lost, %llu torn",
		    store->nsid, (unsigned long long)count[FATE_KEPT],
		    (unsigned long long)count[FATE_LOST], (unsigned long long)count[FATE_TORN]);
}

static void restore(struct store *store, const struct entry *entry, uint64_t i)
{
	const unsigned char *data = (const unsigned char *)(entry + 1);
	const unsigned char *meta = data + (entry->nlb << store->lba_shift);
	uint64_t lba = entry->slba + i;

	memcpy(store_data(store, lba), data + (i << store->lba_shift), 1UL << store->lba_shift);
	memcpy(store_meta(store, lba), meta + i * store->ms, store->ms);
	store_set_flags(store, lba, meta[entry->nlb * store->ms + i]);
}

/* From the newest to the oldest: what a newer change left in a block, no older one undoes. */
static void undo(struct store *store, const struct entry *entry)
{
	uint64_t i, first = entry->nlb;

	for (i = 0; i < entry->nlb; i++) {
		if (store->flags[entry->slba + i] & BLOCK_SETTLED)
			continue;
		if (entry->durable || !is_lost(entry, i)) {
			store->flags[entry->slba + i] |= BLOCK_SETTLED;
			continue;
		}
		restore(store, entry, i);
		if (first == entry->nlb)
			first = i;
	}
	if (store->sequential && first < entry->nlb)
		zns_lost(ns_find(store->subsys, store->nsid), entry->slba + first,
			 entry->nlb - first);
}

static void undo_all(struct store *store)
{
	const struct cache *cache = store->cache;
	const struct entry *entry;
	uint64_t place, i;
	uint32_t size;

	for (place = cache->end, size = cache->last; place > cache->durable; size = entry->before) {
		place -= size;
		entry = entry_at(cache, place);
		undo(store, entry);
	}
	for (place = cache->durable; place < cache->end; place += entry->size) {
		entry = entry_at(cache, place);
		for (i = 0; i < entry->nlb; i++)
			store->flags[entry->slba + i] &= ~BLOCK_SETTLED;
	}
}

void cache_power_cut(struct store *store, struct random *random)
{
	if (!is_clean(store->cache)) {
		choose_fates(store, random);
		undo_all(store);
	}
	cache_forget(store->cache);
}
