/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The vfio-user protocol, version 0.0, on the wire. Other structures are those of VFIO. */
#ifndef DUT_PROTOCOL_H
#define DUT_PROTOCOL_H

#include <linux/vfio.h>
#include <stdint.h>

enum vfio_user_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP = 2,
	VFIO_USER_DMA_UNMAP = 3,
	VFIO_USER_DEVICE_GET_INFO = 4,
	VFIO_USER_DEVICE_GET_REGION_INFO = 5,
	VFIO_USER_DEVICE_GET_REGION_IO_FDS = 6,
	VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
	VFIO_USER_DEVICE_SET_IRQS = 8,
	VFIO_USER_REGION_READ = 9,
	VFIO_USER_REGION_WRITE = 10,
	VFIO_USER_DMA_READ = 11,	/* the server asks */
	VFIO_USER_DMA_WRITE = 12,
	VFIO_USER_DEVICE_RESET = 13,
	VFIO_USER_REGION_WRITE_MULTI = 15,
};

#define VFIO_USER_TYPE		0xf
#define VFIO_USER_REQUEST	0x0
#define VFIO_USER_REPLY		0x1
#define VFIO_USER_NO_REPLY	0x10
#define VFIO_USER_ERROR		0x20

#define VFIO_USER_MAJOR		0
#define VFIO_USER_MINOR		0

/* Data of one transfer, fds of one message, DMA mappings: what this server takes. */
#define VFIO_USER_MAX_DATA	(1U << 20)
#define VFIO_USER_MAX_FDS	16
#define VFIO_USER_MAX_MAPS	32768

/*
 * A region capability of this server's own: pages of BAR 0 outside the mmap
 * areas hold an image of the registers, which may be mapped for reading from the
 * region's fd at the same offset. No payload.
 */
#define VFIO_USER_CAP_IMAGE		0x4e56
#define VFIO_USER_CAP_IMAGE_VERSION	1

struct vfio_user_header {
	uint16_t id;
	uint16_t command;
	uint32_t size;			/* with the header */
	uint32_t flags;
	uint32_t error;			/* errno of a reply with VFIO_USER_ERROR */
};

struct vfio_user_version {
	uint16_t major, minor;
	char data[];			/* JSON, with its NUL */
};

struct vfio_user_dma_map {
	uint32_t argsz;
	uint32_t flags;			/* VFIO_DMA_MAP_FLAG_* */
	uint64_t offset;		/* in the file */
	uint64_t iova;
	uint64_t size;
};

struct vfio_user_dma_unmap {
	uint32_t argsz;
	uint32_t flags;			/* VFIO_DMA_UNMAP_FLAG_* */
	uint64_t iova;
	uint64_t size;
};

struct vfio_user_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	uint8_t data[];
};

/* REGION_WRITE_MULTI: a count of 64 bits, then so many of these. */
struct vfio_user_write {
	uint64_t offset;
	uint32_t region;
	uint32_t count;			/* 1 to 8 */
	uint8_t data[8];
};

struct vfio_user_dma_access {
	uint64_t iova;
	uint64_t count;
	uint8_t data[];
};

#endif /* DUT_PROTOCOL_H */
