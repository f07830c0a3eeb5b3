/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Where a command's data is in the host's memory: PRPs or SGLs. NVMe Base 2.1, 4.3 */
#ifndef DUT_XFER_H
#define DUT_XFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cmd;

#define XFER_INLINE	34		/* segments without an allocation: 128 KiB by PRP */

/*
 * SGLS of Identify Controller: data blocks of any length at any byte, bit
 * buckets, a metadata buffer at any byte or by SGL, an SGL longer than the data.
 */
#define XFER_SGLS	0x000f0001

struct xfer_segment {
	uint64_t addr;
	uint32_t length;
	bool bit_bucket;		/* SGL: data to it is dropped */
};

struct xfer {
	size_t length;			/* described, in bytes */
	uint32_t nr, room;
	bool mapped;
	struct xfer_segment *segments;	/* fixed[], or allocated */
	struct xfer_segment fixed[XFER_INLINE];
};

/*
 * Reads the data pointer of a command for a transfer of @length bytes (the
 * PRP lists and SGL segments are fetched). A status: 0, Invalid PRP Offset,
 * the SGL errors, Data Transfer Error where a list cannot be read.
 */
uint16_t xfer_map(struct cmd *cmd, size_t length);
void xfer_unmap(struct cmd *cmd);

/* Data from and to the host at @offset of the mapped transfer. A status. */
uint16_t xfer_to_host(struct cmd *cmd, size_t offset, const void *data, size_t length);
uint16_t xfer_from_host(struct cmd *cmd, size_t offset, void *data, size_t length);

/* Metadata in a buffer of its own, at MPTR. A status. */
uint16_t xfer_meta_to_host(struct cmd *cmd, size_t offset, const void *data, size_t length);
uint16_t xfer_meta_from_host(struct cmd *cmd, size_t offset, void *data, size_t length);

/* The command writes to the host; else it reads from it. NVMe Base 2.1, figure 91 */
bool xfer_is_to_host(const struct cmd *cmd);

/*
 * The faults of a completed command's DMA: past the end of its data, and to
 * the data of an earlier command. Before its completion is posted.
 */
void xfer_fault(struct cmd *cmd);

#endif /* DUT_XFER_H */
