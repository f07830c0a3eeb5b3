// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What a sanitize does to the blocks of all namespaces. NVMe Base 2.1, 8.1.24.3 */
#include <string.h>

#include "nvme/cache.h"
#include "nvme/ns.h"
#include "nvme/sanitize_media.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "nvme/timing.h"
#include "nvme/zns.h"
#include "options.h"

#define KEY_STREAM	0x5a71	/* of random numbers: what data is under another key */

static void for_each_ns(struct subsys *subsys, void (*what)(struct ns *ns, const void *arg),
			const void *arg)
{
	uint32_t nsid;

	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++)
		if (ns_find(subsys, nsid))
			what(ns_find(subsys, nsid), arg);
}

static void flush(struct ns *ns, const void *arg)
{
	store_flush(ns->store);
}

void sanitize_media_begin(struct subsys *subsys)
{
	for_each_ns(subsys, flush, NULL);
}

static void fill_pattern(unsigned char *data, size_t length, uint32_t pattern)
{
	size_t i;

	for (i = 0; i + sizeof(pattern) <= length; i += sizeof(pattern))
		memcpy(data + i, &pattern, sizeof(pattern));
}

static void fill_random(unsigned char *data, size_t length, struct random *random)
{
	uint64_t word;
	size_t i;

	for (i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		word = random_next(random);
		memcpy(data + i, &word, sizeof(word));
	}
}

static void fill(const struct sanitize_media *media, unsigned char *data, size_t length,
		 struct random *random)
{
	switch (media->action) {
	case NVME_SANITIZE_SANACT_START_OVERWRITE:
		fill_pattern(data, length, media->pattern);
		break;
	case NVME_SANITIZE_SANACT_START_CRYPTO_ERASE:
		fill_random(data, length, random);
		break;
	default:
		memset(data, 0, length);
		break;
	}
}

/* Protection information of all ones is not checked, whatever the new data is. NVM 1.1, 5.3.3 */
static void fill_meta(const struct ns *ns, const struct sanitize_media *media, uint64_t lba,
		      struct random *random)
{
	if (!ns->ms)
		return;
	if (ns->pi)
		memset(store_meta(ns->store, lba), 0xff, ns->ms);
	else
		fill(media, store_meta(ns->store, lba), ns->ms, random);
}

static void erase_block(struct ns *ns, const struct sanitize_media *media, uint64_t lba,
			struct random *random)
{
	fill(media, store_data(ns->store, lba), 1UL << ns->lba_shift, random);
	fill_meta(ns, media, lba, random);
}

/* Calls erase_block() for those of a range that are allocated; all can be read afterwards. */
static void erase_range(struct ns *ns, const struct sanitize_media *media, uint64_t lba,
			uint64_t end, struct random *random)
{
	struct store *store = ns->store;
	uint64_t at = lba;

	while (at < end && (at = store_find(store, at, end - at, BLOCK_ALLOCATED, true)) < end)
		erase_block(ns, media, at++, random);
	while (lba < end &&
	       (lba = store_find(store, lba, end - lba, BLOCK_UNCORRECTABLE, true)) < end) {
		store_set_flags(store, lba, store->flags[lba] & BLOCK_ALLOCATED);
		lba++;
	}
}

static void erase_part(struct ns *ns, const void *arg)
{
	const struct sanitize_media *media = arg;
	uint64_t first = ns->store->blocks * media->step / media->steps;
	uint64_t end = ns->store->blocks * (media->step + 1) / media->steps;
	struct random random;

	random_seed(&random, ns->subsys->options->seed, KEY_STREAM + first);
	erase_range(ns, media, first, end, &random);
}

void sanitize_media_step(struct subsys *subsys, const struct sanitize_media *media)
{
	for_each_ns(subsys, erase_part, media);
}

static void deallocate(struct ns *ns, const void *arg)
{
	store_erase(ns->store);
}

void sanitize_media_deallocate(struct subsys *subsys)
{
	for_each_ns(subsys, deallocate, NULL);
}

/* Older versions of blocks are gone too: the history of the cache would show them. */
static void done(struct ns *ns, const void *arg)
{
	cache_forget(ns->store->cache);
	if (ns->zns)
		zns_format(ns);
}

void sanitize_media_done(struct subsys *subsys)
{
	for_each_ns(subsys, done, NULL);
}
