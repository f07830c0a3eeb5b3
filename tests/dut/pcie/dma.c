// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The client's memory: mappings by IOVA. A client can cut a file short after
 * it has mapped it; the accesses of the device, by copies or through pointers,
 * then raise SIGBUS. Its handler puts anonymous memory where the mapping was,
 * so that the access goes on, and the client is dropped at its next chance.
 */
#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "pcie/function_priv.h"

/* What a signal's handler must find. All functions of a process are the work of one thread. */
static struct dma *all_dma;
static struct sigaction other_action;	/* of whatever else is mapped */

static bool map_holds(const struct dma_map *map, const uint8_t *address)
{
	return map->memory && address >= map->memory && address < map->memory + map->length;
}

static const struct dma_map *map_of_address(const struct dma *dma, const uint8_t *address)
{
	for (size_t i = 0; i < dma->nr_maps; i++)
		if (map_holds(&dma->maps[i], address))
			return &dma->maps[i];
	for (size_t i = 0; i < dma->nr_stale; i++)
		if (map_holds(&dma->stale[i], address))
			return &dma->stale[i];
	return NULL;
}

static void bus_error(int signal, siginfo_t *info, void *context)
{
	const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	for (struct dma *dma = all_dma; dma; dma = dma->next) {
		const struct dma_map *map = map_of_address(dma, info->si_addr);

		if (!map)
			continue;
		dma->faulted = true;
		if (mmap(map->memory, map->length, PROT_READ | PROT_WRITE, flags, -1, 0) !=
		    MAP_FAILED)
			return;
	}
	/* Somebody else's: the access is made again, for the handler that was there before. */
	sigaction(SIGBUS, &other_action, NULL);
}

void dma_init(struct dma *dma)
{
	struct sigaction action = { .sa_sigaction = bus_error, .sa_flags = SA_SIGINFO };

	memset(dma, 0, sizeof(*dma));
	if (!all_dma)
		sigaction(SIGBUS, &action, &other_action);
	dma->next = all_dma;
	all_dma = dma;
}

void dma_exit(struct dma *dma)
{
	struct dma **link = &all_dma;

	for (; *link; link = &(*link)->next) {
		if (*link == dma) {
			*link = dma->next;
			break;
		}
	}
	if (!all_dma)
		sigaction(SIGBUS, &other_action, NULL);
	for (size_t i = 0; i < dma->nr_maps; i++)
		if (dma->maps[i].memory)
			munmap(dma->maps[i].memory, dma->maps[i].length);
	for (size_t i = 0; i < dma->nr_stale; i++)
		munmap(dma->stale[i].memory, dma->stale[i].length);
	free(dma->maps);
	free(dma->stale);
}

/* Index of the first mapping that ends behind @iova. */
static size_t map_search(const struct dma *dma, uint64_t iova)
{
	size_t low = 0, high = dma->nr_maps;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct dma_map *map = &dma->maps[middle];

		if (map->iova + (map->length - 1) < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct dma_map *dma_find(struct dma *dma, uint64_t iova)
{
	size_t index = dma->last;

	if (index < dma->nr_maps && iova - dma->maps[index].iova < dma->maps[index].length)
		return &dma->maps[index];
	index = map_search(dma, iova);
	if (index == dma->nr_maps || dma->maps[index].iova > iova)
		return NULL;
	dma->last = index;
	return &dma->maps[index];
}

struct dma_map *dma_find_stale(struct dma *dma, uint64_t iova)
{
	/* The youngest first. */
	for (size_t i = dma->nr_stale; i-- > 0;)
		if (iova - dma->stale[i].iova < dma->stale[i].length)
			return &dma->stale[i];
	return NULL;
}

/*
 * Memory of a memfd or of /dev/shm only. An access to another file can take as
 * long as its file system likes, and huge pages could not be replaced by parts.
 */
static bool file_mappable(int fd, const struct stat *st)
{
	struct statfs fs;

	return S_ISREG(st->st_mode) && !fstatfs(fd, &fs) && fs.f_type == TMPFS_MAGIC;
}

/* What is in another kind of file is reached by messages. */
static int map_memory(struct dma_map *map, const struct vfio_user_dma_map *request, int fd)
{
	int prot = (map->flags & VFIO_DMA_MAP_FLAG_READ ? PROT_READ : 0) |
		   (map->flags & VFIO_DMA_MAP_FLAG_WRITE ? PROT_READ | PROT_WRITE : 0);
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	if (!file_mappable(fd, &st))
		return 0;
	if (request->offset > (uint64_t)st.st_size ||
	    map->length > (uint64_t)st.st_size - request->offset)
		return EINVAL;
	map->memory = mmap(NULL, map->length, prot, MAP_SHARED | MAP_NORESERVE, fd,
			   request->offset);
	if (map->memory != MAP_FAILED)
		return 0;
	map->memory = NULL;
	return errno;
}

static bool request_valid(const struct vfio_user_dma_map *request)
{
	const uint32_t known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;

	return request->argsz >= sizeof(*request) && request->flags &&
	       !(request->flags & ~known) && request->size &&
	       !((request->iova | request->size | request->offset) % PAGE) &&
	       request->size - 1 <= UINT64_MAX - request->iova;
}

static int map_insert(struct dma *dma, size_t index, const struct dma_map *map)
{
	if (dma->nr_maps == dma->room) {
		size_t room = dma->room ? 2 * dma->room : 16;
		struct dma_map *maps = reallocarray(dma->maps, room, sizeof(*maps));

		if (!maps)
			return ENOMEM;
		dma->maps = maps;
		dma->room = room;
	}
	memmove(&dma->maps[index + 1], &dma->maps[index],
		(dma->nr_maps - index) * sizeof(*dma->maps));
	dma->maps[index] = *map;
	dma->nr_maps++;
	dma->nr_asked += !map->memory;
	return 0;
}

int dma_map(struct dma *dma, const struct vfio_user_dma_map *request, int fd)
{
	struct dma_map map = { .iova = request->iova, .length = request->size,
			       .flags = request->flags };
	size_t index;
	int error;

	if (!request_valid(request))
		return EINVAL;
	if (dma->nr_maps == MAX_MAPS)
		return ENOSPC;
	index = map_search(dma, map.iova);
	if (index < dma->nr_maps && dma->maps[index].iova <= map.iova + (map.length - 1))
		return EEXIST;
	error = fd >= 0 ? map_memory(&map, request, fd) : 0;
	if (error)
		return error;
	error = map_insert(dma, index, &map);
	if (error && map.memory)
		munmap(map.memory, map.length);
	return error;
}

/* Takes mappings out. Their memory stays for now: the device may be in the middle of using it. */
static int maps_retire(struct dma *dma, size_t first, size_t end)
{
	struct dma_map *stale;

	stale = reallocarray(dma->stale, dma->nr_stale + end - first, sizeof(*stale));
	if (!stale)
		return ENOMEM;
	dma->stale = stale;
	for (size_t i = first; i < end; i++) {
		if (!dma->maps[i].memory) {
			dma->nr_asked--;
			continue;
		}
		stale[dma->nr_stale++] = dma->maps[i];
		dma->stale_length += dma->maps[i].length;
	}
	memmove(&dma->maps[first], &dma->maps[end], (dma->nr_maps - end) * sizeof(*dma->maps));
	dma->nr_maps -= end - first;
	return 0;
}

void dma_trim(struct dma *dma)
{
	size_t drop = 0;

	while (dma->nr_stale - drop > STALE_MAPS ||
	       (dma->stale_length > STALE_LENGTH && drop < dma->nr_stale)) {
		munmap(dma->stale[drop].memory, dma->stale[drop].length);
		dma->stale_length -= dma->stale[drop++].length;
	}
	if (!drop)
		return;
	dma->nr_stale -= drop;
	memmove(dma->stale, dma->stale + drop, dma->nr_stale * sizeof(*dma->stale));
}

/* The mappings that lie in a range. One that cuts a mapping is refused, as in VFIO's type 1. */
static int unmap_range(const struct dma *dma, const struct vfio_user_dma_unmap *request,
		       size_t *first, size_t *end)
{
	uint64_t last = request->iova + (request->size - 1);

	if (request->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		*first = 0;
		*end = dma->nr_maps;
		return request->iova || request->size ? EINVAL : 0;
	}
	if (!request->size || last < request->iova)
		return EINVAL;
	*first = map_search(dma, request->iova);
	if (*first < dma->nr_maps && dma->maps[*first].iova < request->iova)
		return EINVAL;
	*end = map_search(dma, last);
	if (*end == dma->nr_maps || dma->maps[*end].iova > last)
		return 0;
	return dma->maps[*end].iova + (dma->maps[*end].length - 1) == last ? (++*end, 0) : EINVAL;
}

int dma_unmap(struct function *function, struct vfio_user_dma_unmap *request)
{
	struct work work = { .kind = WORK_UNMAPPED, .offset = request->iova,
			     .value = request->size };
	struct dma *dma = &function->dma;
	uint64_t length = 0;
	size_t first, end;
	int error;

	if (request->argsz < sizeof(*request) || request->flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return EINVAL;
	error = unmap_range(dma, request, &first, &end);
	if (error)
		return error;
	for (size_t i = first; i < end; i++)
		length += dma->maps[i].length;
	request->size = length;
	if (first == end)
		return 0;
	if (request->flags & VFIO_DMA_UNMAP_FLAG_ALL)
		work.value = UINT64_MAX;
	error = maps_retire(dma, first, end);
	if (!error && !work_do(function, &work))
		error = ENOBUFS;
	return error;
}
