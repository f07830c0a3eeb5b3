// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Where the blocks of a namespace are: two mapped files, or memory. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nvme/cache.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "options.h"

#define MAGIC		0x3130617461646d73ULL	/* "smdata01" */
#define PAGE		4096UL
#define HISTORY		(1UL << 20)	/* bytes of old blocks without a volatile write cache */
#define PUNCH		(64UL << 10)	/* from this length on a hole is cheaper than zeros */

/* In the first page of the file of metadata and flags; flags follow, then metadata. */
struct header {
	uint64_t magic;
	uint64_t blocks;
	uint32_t lba_shift;
	uint32_t ms;
};

static char disk_full_text[4200];

/* In the middle of a command, out of which there is no way but this. */
static void disk_full(int signal, siginfo_t *info, void *context)
{
	if (info->si_code != BUS_ADRERR) {
		sigaction(SIGBUS, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
		return;
	}
	(void)!write(STDERR_FILENO, disk_full_text, strlen(disk_full_text));
	_exit(STORE_FULL_STATUS);
}

void store_watch_disk(const char *folder)
{
	struct sigaction action = { .sa_sigaction = disk_full, .sa_flags = SA_SIGINFO };

	snprintf(disk_full_text, sizeof(disk_full_text),
		 "nvt-dut: store %s: no space left on device, or a file there was cut short\n", folder);
	sigaction(SIGBUS, &action, NULL);
}

static uint64_t to_page(uint64_t length)
{
	return (length + PAGE - 1) & ~(PAGE - 1);
}

static void path_of(const struct store *store, const char *suffix, char *path, size_t size)
{
	snprintf(path, size, "%s/ns%u.%s", store->subsys->options->store, store->nsid, suffix);
}

static int open_part(const struct store *store, const char *suffix)
{
	char path[4096];

	if (!store->subsys->options->store)
		return memfd_create(suffix, MFD_CLOEXEC);
	path_of(store, suffix, path, sizeof(path));
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

/* NULL with errno set. What is longer than it should be is not ours to cut. */
static void *map_part(int fd, size_t length)
{
	off_t old = lseek(fd, 0, SEEK_END);
	void *map;

	if (old > 0 && (size_t)old > length)
		errno = EFBIG;
	if (old < 0 || (size_t)old > length || ftruncate(fd, length))
		return NULL;
	map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

/* Calls @each for the blocks that lie in parts of a file that are not holes. */
static void for_each_data(struct store *store, int fd, uint64_t from, uint64_t to,
			  void (*each)(struct store *store, uint64_t from, uint64_t to))
{
	off_t data, hole;

	for (data = lseek(fd, from, SEEK_DATA); data >= 0 && (uint64_t)data < to;
	     data = lseek(fd, hole, SEEK_DATA)) {
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return;
		each(store, data, (uint64_t)hole < to ? (uint64_t)hole : to);
	}
}

static void count_flags(struct store *store, uint64_t from, uint64_t to)
{
	uint64_t i;

	for (i = from - PAGE; i < to - PAGE; i++) {
		store->allocated += !!(store->flags[i] & BLOCK_ALLOCATED);
		store->uncorrectable += !!(store->flags[i] & BLOCK_UNCORRECTABLE);
	}
}

static void allocate_image(struct store *store, uint64_t from, uint64_t to)
{
	uint64_t i;

	for (i = from >> store->lba_shift; i << store->lba_shift < to; i++)
		store->flags[i] |= BLOCK_ALLOCATED;
}

/* False with one line on stderr if the file is of another format. */
static bool take_header(struct store *store)
{
	struct header *header = (struct header *)store->meta_map;
	struct header want = { MAGIC, store->blocks, store->lba_shift, store->ms };

	if (!header->magic) {
		for_each_data(store, store->data_fd, 0, store->data_length, allocate_image);
		*header = want;
	}
	if (!memcmp(header, &want, sizeof(want)))
		return true;
	fprintf(stderr, "nvt-dut: %s/ns%u.meta is not of %llu blocks of %u+%u bytes; remove it\n",
		store->subsys->options->store, store->nsid, (unsigned long long)store->blocks,
		1U << store->lba_shift, store->ms);
	return false;
}

static bool map_files(struct store *store)
{
	store->data_length = to_page(store->blocks << store->lba_shift);
	store->meta_length = PAGE + to_page(store->blocks) + to_page(store->blocks * store->ms);
	store->data_fd = open_part(store, "img");
	store->meta_fd = open_part(store, "meta");
	if (store->data_fd >= 0 && store->meta_fd >= 0) {
		store->data = map_part(store->data_fd, store->data_length);
		store->meta_map = map_part(store->meta_fd, store->meta_length);
	}
	if (!store->data || !store->meta_map) {
		fprintf(stderr, "nvt-dut: store of namespace %u in %s: %s\n", store->nsid,
			store->subsys->options->store ?: "memory", strerror(errno));
		return false;
	}
	store->flags = store->meta_map + PAGE;
	store->meta = store->flags + to_page(store->blocks);
	return take_header(store);
}

static void remove_part(const struct store *store, const char *suffix)
{
	char path[4096];

	path_of(store, suffix, path, sizeof(path));
	if (unlink(path) && errno != ENOENT)
		fprintf(stderr, "nvt-dut: %s: %s\n", path, strerror(errno));
}

static void remove_files(const struct store *store)
{
	if (!store->subsys->options->store)
		return;
	remove_part(store, "img");
	remove_part(store, "meta");
}

struct store *store_open(struct subsys *subsys, uint32_t nsid, uint64_t blocks,
			 uint32_t lba_shift, uint32_t ms, bool anew)
{
	const struct options *options = subsys->options;
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	*store = (struct store){ .subsys = subsys, .nsid = nsid, .blocks = blocks,
				 .lba_shift = lba_shift, .ms = ms, .data_fd = -1, .meta_fd = -1 };
	if (anew)
		remove_files(store);
	store->cache = cache_new(options->vwc ? options->cache : HISTORY);
	if (!store->cache || !map_files(store)) {
		store_close(store, false);
		return NULL;
	}
	for_each_data(store, store->meta_fd, PAGE, PAGE + blocks, count_flags);
	return store;
}

void store_close(struct store *store, bool remove)
{
	if (!store)
		return;
	cache_free(store->cache);
	if (store->data)
		munmap(store->data, store->data_length);
	if (store->meta_map)
		munmap(store->meta_map, store->meta_length);
	if (store->data_fd >= 0)
		close(store->data_fd);
	if (store->meta_fd >= 0)
		close(store->meta_fd);
	if (remove)
		remove_files(store);
	free(store);
}

void store_set_flags(struct store *store, uint64_t lba, unsigned char flags)
{
	unsigned char old = store->flags[lba];

	store->flags[lba] = flags;
	store->allocated += !!(flags & BLOCK_ALLOCATED);
	store->allocated -= !!(old & BLOCK_ALLOCATED);
	store->uncorrectable += !!(flags & BLOCK_UNCORRECTABLE);
	store->uncorrectable -= !!(old & BLOCK_UNCORRECTABLE);
}

void store_change(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb, bool durable)
{
	cache_remember(store, opcode, slba, nlb, durable);
}

void store_written(struct store *store, uint64_t slba, uint64_t nlb)
{
	uint64_t lba;

	for (lba = slba; lba < slba + nlb; lba++)
		if (store->flags[lba] != BLOCK_ALLOCATED)
			store_set_flags(store, lba, BLOCK_ALLOCATED);
}

void store_write(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb,
		 const void *data, const void *meta, bool durable)
{
	store_change(store, opcode, slba, nlb, durable);
	memcpy(store_data(store, slba), data, nlb << store->lba_shift);
	if (meta)
		memcpy(store_meta(store, slba), meta, nlb * store->ms);
	else if (store->ms)
		memset(store_meta(store, slba), 0, nlb * store->ms);
	store_written(store, slba, nlb);
}

void store_read(const struct store *store, uint64_t slba, uint64_t nlb, void *data, void *meta)
{
	if (data)
		memcpy(data, store_data(store, slba), nlb << store->lba_shift);
	if (meta && store->ms)
		memcpy(meta, store_meta(store, slba), nlb * store->ms);
}

/* Zeros in a map, as a hole where that is worth it. */
static void clear_map(unsigned char *map, uint64_t from, uint64_t length, int fd, uint64_t base)
{
	uint64_t start = to_page(base + from), end = (base + from + length) & ~(PAGE - 1);

	if (length < PUNCH ||
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, end - start)) {
		memset(map + from, 0, length);
		return;
	}
	memset(map + from, 0, start - base - from);
	memset(map + end - base, 0, base + from + length - end);
}

static void clear_blocks(struct store *store, uint64_t slba, uint64_t nlb)
{
	clear_map(store->data, slba << store->lba_shift, nlb << store->lba_shift, store->data_fd, 0);
	if (store->ms)
		clear_map(store->meta, slba * store->ms, nlb * store->ms, store->meta_fd,
			  store->meta - store->meta_map);
}

void store_zero(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb, bool durable)
{
	store_change(store, opcode, slba, nlb, durable);
	clear_blocks(store, slba, nlb);
	store_written(store, slba, nlb);
}

void store_deallocate(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb,
		      bool durable)
{
	uint64_t lba;

	if (store_find(store, slba, nlb, BLOCK_ALLOCATED, true) == UINT64_MAX) {
		/* Maybe they became so by a change that is not durable yet. */
		if (durable)
			store_commit(store, slba, nlb);
		return;
	}
	store_change(store, opcode, slba, nlb, durable);
	clear_blocks(store, slba, nlb);
	for (lba = slba; lba < slba + nlb; lba++)
		if (store->flags[lba])
			store_set_flags(store, lba, 0);
}

void store_mark_uncorrectable(struct store *store, uint8_t opcode, uint64_t slba, uint64_t nlb,
			      bool durable)
{
	uint64_t lba;

	store_change(store, opcode, slba, nlb, durable);
	for (lba = slba; lba < slba + nlb; lba++)
		store_set_flags(store, lba, BLOCK_ALLOCATED | BLOCK_UNCORRECTABLE);
}

void store_erase(struct store *store)
{
	cache_forget(store->cache);
	clear_blocks(store, 0, store->blocks);
	clear_map(store->flags, 0, store->blocks, store->meta_fd, PAGE);
	store->allocated = 0;
	store->uncorrectable = 0;
}

uint64_t store_find(const struct store *store, uint64_t slba, uint64_t nlb, unsigned int flag,
		    bool set)
{
	uint64_t lba;

	if (set && flag == BLOCK_UNCORRECTABLE && !store->uncorrectable)
		return UINT64_MAX;
	for (lba = slba; lba < slba + nlb; lba++)
		if (!!(store->flags[lba] & flag) == set)
			return lba;
	return UINT64_MAX;
}

void store_flush(struct store *store)
{
	cache_flush(store->cache);
}

void store_commit(struct store *store, uint64_t slba, uint64_t nlb)
{
	cache_commit(store, slba, nlb);
}

void store_power_cut(struct store *store, struct random *random)
{
	cache_power_cut(store, random);
}

bool store_older(const struct store *store, uint64_t lba, void *data, void *meta)
{
	return cache_older(store, lba, data, meta);
}
