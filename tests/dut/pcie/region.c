// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Regions as the client sees them: BAR 0 to 5, and config space. */
#include <errno.h>
#include <string.h>

#include "pcie/function_priv.h"

#define IS_BAR(region)	((region) <= VFIO_PCI_BAR5_REGION_INDEX)

/* The two capabilities of BAR 0, as they follow struct vfio_region_info. */
struct doorbell_caps {
	struct vfio_info_cap_header sparse;
	uint32_t nr_areas, reserved;
	struct vfio_region_sparse_mmap_area area;
	struct vfio_info_cap_header image;
};

static void region_fill(struct function *function, struct vfio_region_info *info)
{
	const uint32_t access = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;

	info->argsz = sizeof(*info);
	info->flags = 0;
	info->cap_offset = 0;
	info->size = 0;
	info->offset = 0;
	if (IS_BAR(info->index))
		info->size = function->bars[info->index].length;
	else if (info->index == VFIO_PCI_CONFIG_REGION_INDEX)
		info->size = function->config.length;
	if (info->size)
		info->flags = access;
}

/* Doorbells can be mapped; the pages before them are for a client that knows of them. */
static void doorbell_caps_fill(const struct function *function, struct doorbell_caps *caps)
{
	const uint32_t base = sizeof(struct vfio_region_info);

	*caps = (struct doorbell_caps){
		.sparse = { VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1,
			    base + offsetof(struct doorbell_caps, image) },
		.nr_areas = 1,
		.area = { PAGE, function->params.doorbell_length },
		.image = { VFIO_USER_CAP_IMAGE, VFIO_USER_CAP_IMAGE_VERSION, 0 },
	};
}

void region_info(struct function *function, struct message *message)
{
	struct vfio_region_info info;
	struct doorbell_caps caps;
	size_t caps_length = 0;
	uint32_t argsz;
	int fd = -1;

	memcpy(&info, message->data, sizeof(info));
	argsz = info.argsz;
	if (argsz < sizeof(info) || info.index >= REGIONS) {
		wire_error(function, &message->header, EINVAL);
		return;
	}
	region_fill(function, &info);
	if (IS_BAR(info.index) && function->bars[info.index].plain) {
		info.flags |= VFIO_REGION_INFO_FLAG_MMAP;
		fd = function->bars[info.index].fd;
	} else if (info.index == 0 && function->params.doorbell_length) {
		info.flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
		info.argsz += sizeof(caps);
		fd = function->bars[0].fd;
		function->client->bar0_mapped = true;
		doorbell_caps_fill(function, &caps);
		info.cap_offset = sizeof(info);
		/* Else the client asks again with room for them. */
		if (argsz >= info.argsz)
			caps_length = sizeof(caps);
	}
	wire_reply(function, &message->header, &info, sizeof(info), &caps, caps_length, fd);
}

static int region_range(const struct function *function, uint32_t region, uint64_t offset,
			uint32_t count)
{
	struct vfio_region_info info = { .index = region };

	if (region >= REGIONS || !count || count > MAX_DATA)
		return EINVAL;
	region_fill((struct function *)function, &info);
	return offset > info.size || count > info.size - offset ? EINVAL : 0;
}

/* A link that is down answers nothing: reads give all-ones, writes are dropped. */
static int region_load(struct function *function, uint32_t region, uint64_t offset, void *data,
		       uint32_t count)
{
	int error = region_range(function, region, offset, count);

	if (error)
		return error;
	if (!function->link_up) {
		memset(data, 0xff, count);
		return 0;
	}
	return IS_BAR(region) ? bar_read(function, region, offset, data, count) :
				config_read(function, offset, data, count);
}

static int region_store(struct function *function, uint32_t region, uint64_t offset,
			const void *data, uint32_t count)
{
	int error = region_range(function, region, offset, count);

	if (error)
		return error;
	if (!function->link_up)
		return 0;
	return IS_BAR(region) ? bar_write(function, region, offset, data, count) :
				config_write(function, offset, data, count);
}

/* The data comes into the message's own buffer, behind what is the same in the reply. */
void region_read(struct function *function, struct message *message)
{
	struct vfio_user_region_access access;
	uint8_t *data = message->data + sizeof(access);
	int error;

	memcpy(&access, message->data, sizeof(access));
	error = region_load(function, access.region, access.offset, data, access.count);
	if (error)
		wire_error(function, &message->header, error);
	else
		wire_reply(function, &message->header, &access, sizeof(access), data, access.count,
			   -1);
}

void region_write(struct function *function, struct message *message)
{
	struct vfio_user_region_access access;
	int error = EINVAL;

	memcpy(&access, message->data, sizeof(access));
	if (access.count == message->length - sizeof(access))
		error = region_store(function, access.region, access.offset,
				     message->data + sizeof(access), access.count);
	if (error)
		wire_error(function, &message->header, error);
	else
		wire_reply(function, &message->header, &access, sizeof(access), NULL, 0, -1);
}

/* In order, up to the first that fails; the reply says how many were done. */
void region_write_multi(struct function *function, struct message *message)
{
	const size_t each = sizeof(struct vfio_user_write);
	uint64_t nr, done;

	memcpy(&nr, message->data, sizeof(nr));
	if (nr != (message->length - sizeof(nr)) / each || (message->length - sizeof(nr)) % each) {
		wire_error(function, &message->header, EINVAL);
		return;
	}
	for (done = 0; done < nr; done++) {
		struct vfio_user_write write;

		memcpy(&write, message->data + sizeof(nr) + done * each, each);
		if (write.count > sizeof(write.data) ||
		    region_store(function, write.region, write.offset, write.data, write.count))
			break;
	}
	wire_reply(function, &message->header, &done, sizeof(done), NULL, 0, -1);
}
