// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * BARs of a function at a vfio-user socket. Of one that can be mapped the
 * server names the areas that may be written, doorbells, and shares the file
 * behind them; where it says so, the rest of the file is an image of the
 * registers, to be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "access/vfio_user.h"

#define INFO_SIZE		1024
#define BAR_MAX			(1ULL << 40)

static bool whole_pages(uint64_t offset, uint64_t size)
{
	return size && !((offset | size) & (NVT_PAGE_SIZE - 1));
}

static void take_areas(struct vfio_user_bar *bar,
		       const struct vfio_region_info_cap_sparse_mmap *cap, size_t room)
{
	size_t i, n = cap->nr_areas;

	if (room < sizeof(*cap) || n > (room - sizeof(*cap)) / sizeof(cap->areas[0]) ||
	    n > VFIO_USER_AREAS)
		return;
	for (i = 0; i < n; i++) {
		uint64_t offset = cap->areas[i].offset, size = cap->areas[i].size;

		if (!whole_pages(offset, size) || offset > bar->size || size > bar->size - offset)
			continue;
		bar->area[bar->nr_areas].offset = offset;
		bar->area[bar->nr_areas++].size = size;
	}
}

/* A list that runs in a circle or out of the answer ends there. */
static void take_caps(struct vfio_user_bar *bar, const unsigned char *info, size_t length)
{
	const struct vfio_region_info *region = (const struct vfio_region_info *)info;
	const struct vfio_info_cap_header *cap;
	size_t at = region->flags & VFIO_REGION_INFO_FLAG_CAPS ? region->cap_offset : 0;
	bool sparse = false;

	while (at >= sizeof(*region) && at % 8 == 0 && at + sizeof(*cap) <= length) {
		cap = (const struct vfio_info_cap_header *)(info + at);
		if (cap->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP && !sparse) {
			take_areas(bar, (const void *)cap, length - at);
			sparse = true;
		} else if (cap->id == VFIO_USER_CAP_IMAGE) {
			bar->image = true;
		}
		at = cap->next > at ? cap->next : 0;
	}
	if (sparse || !whole_pages(0, bar->size))
		return;
	bar->area[0].size = bar->size;
	bar->nr_areas = 1;
}

static int get_info(struct vfio_user *vu, uint32_t index, unsigned char info[INFO_SIZE],
		    size_t *length, int *fd)
{
	struct vfio_region_info request = { .argsz = INFO_SIZE, .index = index };
	struct vfio_user_call call = {
		.command = VFIO_USER_DEVICE_GET_REGION_INFO,
		.request = &request,
		.length = sizeof(request),
		.reply = info,
		.reply_size = INFO_SIZE,
	};
	int err = vfio_user_channel_call(&vu->channel, &call);

	if (!err && call.reply_length < sizeof(request)) {
		if (call.reply_fd >= 0)
			close(call.reply_fd);
		err = -EPROTO;
	}
	*fd = call.reply_fd;
	*length = call.reply_length;
	return err;
}

static int scan_bar(struct vfio_user *vu, uint32_t index)
{
	/* As wide aligned as what is in it. */
	uint64_t info[INFO_SIZE / sizeof(uint64_t)];
	const struct vfio_region_info *region = (const struct vfio_region_info *)info;
	struct vfio_user_bar *bar = &vu->bar[index];
	size_t length;
	int err;

	err = get_info(vu, index, (unsigned char *)info, &length, &bar->fd);
	if (err)
		return err;
	if (region->size > BAR_MAX)
		return -EPROTO;
	bar->size = region->size;
	bar->offset = region->offset;
	vu->pcie.info.bar_length[index] = bar->size;
	if (bar->fd >= 0 && region->flags & VFIO_REGION_INFO_FLAG_MMAP)
		take_caps(bar, (unsigned char *)info, length);
	return 0;
}

static int scan_config(struct vfio_user *vu)
{
	uint64_t info[INFO_SIZE / sizeof(uint64_t)];
	const struct vfio_region_info *region = (const struct vfio_region_info *)info;
	size_t length;
	int fd, err;

	err = get_info(vu, VFIO_PCI_CONFIG_REGION_INDEX, (unsigned char *)info, &length, &fd);
	if (err)
		return err;
	if (fd >= 0)
		close(fd);
	if (region->size != 256 && region->size != 4096)
		return -EPROTO;
	vu->pcie.info.config_size = region->size;
	return 0;
}

int vfio_user_bars_scan(struct vfio_user *vu)
{
	uint32_t i;
	int err = scan_config(vu);

	for (i = 0; !err && i < VFIO_USER_BARS; i++)
		err = scan_bar(vu, i);
	return err;
}

/* Callers rely on it that there is something wherever they look in a BAR. */
static bool can_map(const struct vfio_user_bar *bar)
{
	struct stat st;

	if (!bar->nr_areas || (!bar->image && bar->area[0].size != bar->size))
		return false;
	return whole_pages(bar->offset, bar->size) && !fstat(bar->fd, &st) &&
	       (uint64_t)st.st_size >= bar->offset + bar->size;
}

/* Ready before it is needed: nothing can fail when the server is lost. */
static int make_ones(struct vfio_user_bar *bar)
{
	void *map;
	int fd, err;

	fd = memfd_create("nvt-all-ones", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	map = ftruncate(fd, bar->size) ? MAP_FAILED :
	      mmap(NULL, bar->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		err = -errno;
		close(fd);
		return err;
	}
	memset(map, 0xff, bar->size);
	munmap(map, bar->size);
	bar->ones = fd;
	return 0;
}

static int put_areas(const struct vfio_user_bar *bar, unsigned char *map, int prot)
{
	unsigned int i;

	for (i = 0; i < bar->nr_areas; i++)
		if (mmap(map + bar->area[i].offset, bar->area[i].size, prot,
			 MAP_SHARED | MAP_FIXED, bar->fd,
			 bar->offset + bar->area[i].offset) == MAP_FAILED)
			return -errno;
	return 0;
}

static int put_map(struct vfio_user_bar *bar, bool observe)
{
	int err, prot = observe ? PROT_READ : PROT_READ | PROT_WRITE;
	void *map;

	err = make_ones(bar);
	if (err)
		return err;
	map = mmap(NULL, bar->size, PROT_READ, MAP_SHARED, bar->fd, bar->offset);
	err = map == MAP_FAILED ? -errno : put_areas(bar, map, prot);
	if (!err) {
		bar->map = map;
		return 0;
	}
	if (map != MAP_FAILED)
		munmap(map, bar->size);
	close(bar->ones);
	bar->ones = -1;
	return err;
}

/* With pcie->lock held, as vfio_user_bars_lose() takes it. */
volatile void *vfio_user_bar_map(struct nvt_pcie *pcie, int index, size_t length)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	struct vfio_user_bar *bar = &vu->bar[index];
	int err = -ENODEV;

	if (!vu->bars_lost)
		err = can_map(bar) ? put_map(bar, pcie->flags & NVT_OPEN_OBSERVE) : -EOPNOTSUPP;
	if (!err)
		return bar->map;
	errno = -err;
	return NULL;
}

void vfio_user_bars_lose(struct vfio_user *vu)
{
	struct vfio_user_bar *bar;

	pthread_mutex_lock(&vu->pcie.lock);
	vu->bars_lost = true;
	for (bar = vu->bar; bar < vu->bar + VFIO_USER_BARS; bar++)
		if (bar->map)
			mmap(bar->map, bar->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
			     bar->ones, 0);
	pthread_mutex_unlock(&vu->pcie.lock);
}

void vfio_user_bars_free(struct vfio_user *vu)
{
	struct vfio_user_bar *bar;

	for (bar = vu->bar; bar < vu->bar + VFIO_USER_BARS; bar++) {
		if (bar->map) {
			munmap(bar->map, bar->size);
			close(bar->ones);
		}
		if (bar->fd >= 0)
			close(bar->fd);
	}
}
