/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * DMA buffers: memory that both the program and the device can reach.
 *
 * Thread-safety: buffers may be made and freed from any thread.
 */
#ifndef NVT_BUFFER_H
#define NVT_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include <nvt/pcie.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nvt_buffer;

/**
 * nvt_buffer_create() - allocate zeroed DMA memory
 * @pcie: the device that will use it, owned
 * @length: in bytes, rounded up to whole pages
 * @kind: NVT_BUFFER_CONTIGUOUS: one run of bus addresses;
 *	NVT_BUFFER_PAGES: single pages in random bus order
 *
 * Return: the buffer, or NULL with errno set: EINVAL, ENOMEM, ENOSPC, EBADF.
 */
struct nvt_buffer *nvt_buffer_create(struct nvt_pcie *pcie, size_t length, int kind);

/**
 * nvt_buffer_free() - free a buffer
 * @buf: the buffer, or NULL; no outstanding command may use it, and it must
 *	be freed before its device is closed
 */
void nvt_buffer_free(struct nvt_buffer *buf);

/**
 * nvt_buffer_data() - its memory
 * @buf: the buffer
 */
void *nvt_buffer_data(const struct nvt_buffer *buf);

/**
 * nvt_buffer_length() - its length in bytes, in whole pages
 * @buf: the buffer
 */
size_t nvt_buffer_length(const struct nvt_buffer *buf);

/**
 * nvt_buffer_bus() - the bus address of a byte, to put into a PRP or SGL
 * @buf: the buffer
 * @offset: below its length
 *
 * Bus addresses go on contiguously to the end of the page, and in a
 * contiguous buffer to its end.
 */
uint64_t nvt_buffer_bus(const struct nvt_buffer *buf, size_t offset);

#ifdef __cplusplus
}
#endif

#endif /* NVT_BUFFER_H */
