/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Where the blocks of a namespace are: a sparse file for data, which is the
 * disk's image, and one for metadata and flags; both mapped. Without a folder
 * for stores, both are memory.
 *
 * The map always has the newest data. What of it is durable is the cache's to
 * know (cache.h), which for that is told before blocks change.
 *
 * A block that is not allocated has zeros as data and metadata.
 */
#ifndef DUT_STORE_H
#define DUT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cache;
struct random;
struct subsys;

#define BLOCK_ALLOCATED		(1U << 0)
#define BLOCK_UNCORRECTABLE	(1U << 1)	/* by Write Uncorrectable: reads fail */
#define BLOCK_SETTLED		(1U << 7)	/* the cache's, during a power cut */

/* The process ends with this, and a line on stderr, when there is no room for a block of a store. */
#define STORE_FULL_STATUS	74	/* EX_IOERR of <sysexits.h> */

/* Before the first file of the folder is mapped. */
void store_watch_disk(const char *folder);

struct store {
	struct subsys *subsys;
	uint32_t nsid;
	uint32_t lba_shift;
	uint32_t ms;
	uint64_t blocks;
	unsigned char *data;		/* block i at i << lba_shift, never interleaved */
	unsigned char *meta;		/* of block i at i * ms */
	unsigned char *flags;		/* BLOCK_* of each block */
	uint64_t allocated;		/* how many blocks have the flag */
	uint64_t uncorrectable;
	bool sequential;		/* zones: durable in the order of writing */
	struct cache *cache;
	int data_fd, meta_fd;
	size_t data_length, meta_length;	/* of the maps */
	unsigned char *meta_map;
};

/*
 * Opens it, or makes it where there is none; @anew: in place of what there is.
 * A file for data without the other is taken as a disk's image. NULL with text
 * on stderr.
 */
struct store *store_open(struct subsys *subsys, uint32_t nsid, uint64_t blocks,
			 uint32_t lba_shift, uint32_t ms, bool anew);
/* @remove: the files too. */
void store_close(struct store *store, bool remove);

static inline unsigned char *store_data(const struct store *store, uint64_t lba)
{
	return store->data + (lba << store->lba_shift);
}

static inline unsigned char *store_meta(const struct store *store, uint64_t lba)
{
	return store->meta + lba * store->ms;
}

/*
 * Who changes blocks says so before, by the opcode of the command that does
 * (for the log of a power cut), and after. @durable: not cached.
 */
void store_change(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb, bool durable);
/* Data has been written to the map: the blocks are allocated and correct. */
void store_written(struct store *store, uint64_t slba, uint64_t nlb);

/* Both at once. @meta may be NULL: it becomes zeros. */
void store_write(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb,
		 const void *data, const void *meta, bool durable);
/* Either may be NULL. */
void store_read(const struct store *store, uint64_t slba, uint64_t nlb, void *data, void *meta);

/* Zeros as data and metadata, in blocks that stay allocated. */
void store_zero(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb, bool durable);
void store_deallocate(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb,
		      bool durable);
void store_mark_uncorrectable(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb,
			      bool durable);

/*
 * All blocks deallocated and nothing cached: format, sanitize. Nothing of the
 * old data stays, in the history neither.
 */
void store_erase(struct store *store);

/* The first block of the range with, or without, a flag; UINT64_MAX if there is none. */
uint64_t store_find(const struct store *store, uint64_t slba, uint64_t nlb, unsigned int flag,
		    bool set);

/* All that is cached becomes durable; or what is cached of a range. */
void store_flush(struct store *store);
void store_commit(struct store *store, uint64_t slba, uint64_t nlb);

/* Sets the flags of a block as they are in @flags, and counts. */
void store_set_flags(struct store *store, uint64_t lba, unsigned char flags);

/*
 * What is cached is lost, kept or torn, by the choice of @random; each lost and
 * torn write has a line in the log of faults.
 */
void store_power_cut(struct store *store, struct random *random);

/*
 * A block as it was before it was changed last, into @data and @meta. False if
 * nobody knows any more.
 */
bool store_older(const struct store *store, uint64_t lba, void *data, void *meta);

#endif /* DUT_STORE_H */
