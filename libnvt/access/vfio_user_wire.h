/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * vfio-user on the wire, for both sides: nvt-dut includes it too. Other
 * structures are those of VFIO.
 */
#ifndef NVT_VFIO_USER_WIRE_H
#define NVT_VFIO_USER_WIRE_H

#include <stdint.h>

enum vfio_user_command {
	VFIO_USER_VERSION			= 1,
	VFIO_USER_DMA_MAP			= 2,
	VFIO_USER_DMA_UNMAP			= 3,
	VFIO_USER_DEVICE_GET_INFO		= 4,
	VFIO_USER_DEVICE_GET_REGION_INFO	= 5,
	VFIO_USER_DEVICE_GET_REGION_IO_FDS	= 6,
	VFIO_USER_DEVICE_GET_IRQ_INFO		= 7,
	VFIO_USER_DEVICE_SET_IRQS		= 8,
	VFIO_USER_REGION_READ			= 9,
	VFIO_USER_REGION_WRITE			= 10,
	VFIO_USER_DMA_READ			= 11,	/* from the server */
	VFIO_USER_DMA_WRITE			= 12,	/* from the server */
	VFIO_USER_DEVICE_RESET			= 13,
	VFIO_USER_REGION_WRITE_MULTI		= 15,
};

/* Flags of a header. */
#define VFIO_USER_TYPE		0xfU
#define VFIO_USER_REQUEST	0x0U
#define VFIO_USER_REPLY		0x1U
#define VFIO_USER_NO_REPLY	0x10U
#define VFIO_USER_ERROR		0x20U

struct vfio_user_header {
	uint16_t id;
	uint16_t command;		/* enum vfio_user_command */
	uint32_t size;			/* of the whole message */
	uint32_t flags;
	uint32_t error;			/* errno, in a reply with VFIO_USER_ERROR */
};

struct vfio_user_version {
	uint16_t major;
	uint16_t minor;
	char data[];			/* JSON, with its NUL */
};

struct vfio_user_dma_map {
	uint32_t argsz;
	uint32_t flags;			/* VFIO_DMA_MAP_FLAG_* */
	uint64_t offset;		/* in the file that goes with it */
	uint64_t iova;
	uint64_t size;
};

struct vfio_user_dma_unmap {
	uint32_t argsz;
	uint32_t flags;			/* VFIO_DMA_UNMAP_FLAG_* */
	uint64_t iova;
	uint64_t size;
};

/* Of a request to write, and of a reply to one to read, data follow. */
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

/* As with regions, but the server asks. */
struct vfio_user_dma_access {
	uint64_t iova;
	uint64_t count;
	uint8_t data[];
};

/*
 * A region capability that nvt-dut adds to those of VFIO: pages of BAR 0
 * outside the mmap areas hold an image of the registers, which may be mapped
 * for reading from the region's file at the same offset. No payload.
 */
#define VFIO_USER_CAP_IMAGE		0x4e56
#define VFIO_USER_CAP_IMAGE_VERSION	1

#endif /* NVT_VFIO_USER_WIRE_H */
