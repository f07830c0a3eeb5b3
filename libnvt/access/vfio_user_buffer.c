// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * DMA memory on a vfio-user socket. Each buffer is a file in memory that the
 * server maps, at bus addresses that no other buffer had: when it is freed the
 * device is told, and what it still does there fails as behind an IOMMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "access/vfio_user.h"

/* Mappings of a buffer in pieces; the process may have 65530 in all. */
#define MAX_PIECES	4096

struct memory {
	struct nvt_iova_run run;
	struct nvt_buffer *buf;
};

static int make_file(size_t length, int *fd)
{
	int err;

	*fd = memfd_create("nvt-buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return -errno;
	/* Sealed, so that the server need not fear that it shrinks. */
	if (!ftruncate(*fd, length) &&
	    !fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return 0;
	err = -errno;
	close(*fd);
	return err == -EFBIG ? -ENOMEM : err;
}

/* A random order of @n pieces. Fisher and Yates. */
static uint32_t *shuffle(size_t n)
{
	uint32_t *order = calloc(n, sizeof(*order)), *dice = calloc(n, sizeof(*dice));
	size_t i, done = 0, size = n * sizeof(*dice);
	ssize_t got = 1;

	while (dice && done < size && got > 0) {
		got = getrandom((char *)dice + done, size - done, 0);
		done += got > 0 ? got : 0;
	}
	for (i = 0; order && dice && i < n; i++) {
		size_t j = dice[i] % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	free(dice);
	return order;
}

static void fill_bus(struct nvt_buffer *buf, size_t at, uint64_t start, size_t length)
{
	size_t i;

	for (i = 0; i < length >> NVT_PAGE_SHIFT; i++)
		buf->bus[(at >> NVT_PAGE_SHIFT) + i] = start + i * NVT_PAGE_SIZE;
}

/* The run is one to the server: it is here that its pieces are put in another order. */
static int map_pieces(struct nvt_buffer *buf, int fd, uint64_t start)
{
	size_t pages = buf->length >> NVT_PAGE_SHIFT;
	size_t piece = (pages + MAX_PIECES - 1) / MAX_PIECES * NVT_PAGE_SIZE;
	size_t n = (buf->length + piece - 1) / piece, i, at, length, from;
	uint32_t *order = shuffle(n);
	int err = order ? 0 : -ENOMEM;

	/* The short last one comes last, wherever the others go. */
	for (i = 0; !err && order[i] != n - 1; i++)
		;
	if (!err) {
		order[i] = order[n - 1];
		order[n - 1] = n - 1;
	}
	for (i = 0; !err && i < n; i++) {
		at = i * piece;
		from = order[i] * piece;
		length = buf->length - at < piece ? buf->length - at : piece;
		if (mmap((char *)buf->data + at, length, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, from) == MAP_FAILED)
			err = -errno;
		fill_bus(buf, at, start + from, length);
	}
	free(order);
	return err;
}

static int map_here(struct nvt_buffer *buf, int fd, uint64_t start)
{
	int err = 0;

	buf->data = mmap(NULL, buf->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (buf->data == MAP_FAILED)
		return -errno;
	if (buf->kind == NVT_BUFFER_PAGES)
		err = map_pieces(buf, fd, start);
	else
		fill_bus(buf, 0, start, buf->length);
	if (err)
		munmap(buf->data, buf->length);
	return err;
}

static int map_there(struct vfio_user *vu, const struct nvt_iova_run *run, int fd)
{
	struct vfio_user_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = run->start,
		.size = run->length,
	};
	struct vfio_user_call call = {
		.command = VFIO_USER_DMA_MAP,
		.request = &map,
		.length = sizeof(map),
		.fds = &fd,
		.nr_fds = 1,
	};

	return vfio_user_channel_call(&vu->channel, &call);
}

static void unmap_there(struct vfio_user *vu, const struct nvt_iova_run *run)
{
	struct vfio_user_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = run->start,
		.size = run->length,
	};
	struct vfio_user_call call = {
		.command = VFIO_USER_DMA_UNMAP,
		.request = &unmap,
		.length = sizeof(unmap),
		.reply = &unmap,
		.reply_size = sizeof(unmap),
	};

	/* A server that is gone uses it no more, and one that refuses knows nothing of it. */
	vfio_user_channel_call(&vu->channel, &call);
}

/* Under the lock until it is whole: the server's requests look for memory there. */
static int place(struct vfio_user *vu, struct memory *memory, int fd)
{
	int err;

	pthread_mutex_lock(&vu->memory_lock);
	err = nvt_iova_take(&vu->iova, &memory->run, memory->buf->length);
	if (!err) {
		err = map_here(memory->buf, fd, memory->run.start);
		if (err)
			nvt_iova_give(&vu->iova, &memory->run);
	}
	pthread_mutex_unlock(&vu->memory_lock);
	return err;
}

static void displace(struct vfio_user *vu, struct memory *memory)
{
	pthread_mutex_lock(&vu->memory_lock);
	nvt_iova_give(&vu->iova, &memory->run);
	pthread_mutex_unlock(&vu->memory_lock);
	munmap(memory->buf->data, memory->buf->length);
}

static int fill(struct vfio_user *vu, struct memory *memory)
{
	int fd, err;

	err = make_file(memory->buf->length, &fd);
	if (err)
		return err;
	err = place(vu, memory, fd);
	if (!err) {
		err = map_there(vu, &memory->run, fd);
		if (err)
			displace(vu, memory);
	}
	close(fd);
	return err;
}

int vfio_user_buffer_create(struct nvt_pcie *pcie, struct nvt_buffer *buf)
{
	struct memory *memory;
	int err;

	if (pcie->flags & NVT_OPEN_OBSERVE)
		return -EBADF;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return -ENOMEM;
	memory->buf = buf;
	err = fill(to_vfio_user(pcie), memory);
	if (err) {
		free(memory);
		return err;
	}
	buf->access = memory;
	return 0;
}

void vfio_user_buffer_free(struct nvt_pcie *pcie, struct nvt_buffer *buf)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	struct memory *memory = buf->access;

	unmap_there(vu, &memory->run);
	displace(vu, memory);
	free(memory);
}

/* Where a bus address of a buffer is in it. */
static unsigned char *find_byte(const struct nvt_buffer *buf, uint64_t address)
{
	uint64_t page = address & ~(NVT_PAGE_SIZE - 1);
	size_t i;

	for (i = 0; buf->bus[i] != page; i++)
		;
	return (unsigned char *)buf->data + i * NVT_PAGE_SIZE + (address - page);
}

static void copy(const struct nvt_buffer *buf, bool write, uint64_t address, unsigned char *data,
		 size_t count)
{
	unsigned char *memory;
	size_t n;

	for (; count; count -= n, data += n, address += n) {
		n = NVT_PAGE_SIZE - (address & (NVT_PAGE_SIZE - 1));
		n = n < count ? n : count;
		memory = find_byte(buf, address);
		memcpy(write ? memory : data, write ? data : memory, n);
	}
}

int vfio_user_buffer_access(void *vfio_user, bool write, uint64_t address, void *data,
			    size_t count)
{
	struct vfio_user *vu = vfio_user;
	struct nvt_iova_run *run;

	pthread_mutex_lock(&vu->memory_lock);
	run = nvt_iova_find(&vu->iova, address, count);
	if (run)
		copy(((struct memory *)run)->buf, write, address, data, count);
	pthread_mutex_unlock(&vu->memory_lock);
	return run ? 0 : -EFAULT;
}
