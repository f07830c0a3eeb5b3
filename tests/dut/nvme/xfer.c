// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Where a command's data is in the host's memory, and the way there and back. */
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/sgl.h"
#include "options.h"

#define PSDT(cmd)	((cmd)->sqe.flags >> 6)
#define PSDT_PRP	0
#define PSDT_SGL	1		/* metadata in one buffer */
#define PSDT_SGL_MPTR	2		/* metadata by SGL too */

#define FLAGS_BYTE	1
#define MPTR_BYTE	16
#define PRP1_BYTE	24
#define PRP2_BYTE	32

#define PRP_BATCH	128U		/* entries of a list fetched at once */

bool xfer_is_to_host(const struct cmd *cmd)
{
	return cmd->sqe.opcode & 2;
}

static void init(struct xfer *xfer)
{
	xfer->length = 0;
	xfer->nr = 0;
	xfer->room = XFER_INLINE;
	xfer->segments = xfer->fixed;
	xfer->mapped = true;
}

static void release(struct xfer *xfer)
{
	if (xfer->mapped && xfer->segments != xfer->fixed)
		free(xfer->segments);
	xfer->mapped = false;
}

static bool grow(struct xfer *xfer)
{
	bool fixed = xfer->segments == xfer->fixed;
	struct xfer_segment *segments;

	segments = reallocarray(fixed ? NULL : xfer->segments, 2UL * xfer->room, sizeof(*segments));
	if (!segments)
		return false;
	if (fixed)
		memcpy(segments, xfer->fixed, sizeof(xfer->fixed));
	xfer->segments = segments;
	xfer->room *= 2;
	return true;
}

static inline void put(struct xfer *xfer, uint64_t addr, uint32_t length, bool bit_bucket)
{
	struct xfer_segment *segment = &xfer->segments[xfer->nr++];

	segment->addr = addr;
	segment->length = length;
	segment->bit_bucket = bit_bucket;
	xfer->length += length;
}

uint16_t xfer_append(struct xfer *xfer, uint64_t addr, uint32_t length, bool bit_bucket)
{
	if (!length)
		return 0;
	if (xfer->nr == xfer->room && !grow(xfer))
		return GENERIC(INTERNAL);
	put(xfer, addr, length, bit_bucket);
	return 0;
}

static uint16_t bad_prp(struct cmd *cmd, uint16_t byte)
{
	cmd->error_location = byte;
	return GENERIC(PRP_INVALID_OFFSET);
}

/*
 * A list goes on until the data is described. The last entry of its page is
 * the address of the next page of entries, if more than that one are left. 4.3.1
 */
static uint16_t walk_list(struct cmd *cmd, uint64_t list, size_t left, uint32_t page)
{
	uint64_t entries[PRP_BATCH];
	uint32_t i, n, length;
	uint16_t status = 0;

	while (left) {
		size_t wanted = (left + page - 1) / page;
		uint32_t room = (page - list % page) / sizeof(entries[0]);
		bool chained = false;

		n = room < PRP_BATCH ? room : PRP_BATCH;
		n = wanted < n ? wanted : n;
		if (ctrl_dma_read(cmd->ctrl, list, entries, n * sizeof(entries[0])))
			return RETRY(GENERIC(DATA_XFER_ERROR));
		if (n == room && wanted > room)
			chained = true;
		for (i = 0; i < n - chained && !status; i++) {
			if (entries[i] % page)
				return bad_prp(cmd, PRP2_BYTE);
			length = left < page ? left : page;
			status = xfer_append(&cmd->data, entries[i], length, false);
			left -= length;
		}
		if (status || (chained && entries[i] % page))
			return status ? status : bad_prp(cmd, PRP2_BYTE);
		list = chained ? entries[i] : list + n * sizeof(entries[0]);
	}
	return 0;
}

static uint16_t map_prp(struct cmd *cmd, size_t length)
{
	uint64_t prp1 = cmd->sqe.prp1, prp2 = cmd->sqe.prp2;
	uint32_t page = ctrl_page_size(cmd->ctrl);
	size_t first = page - (prp1 & (page - 1));
	struct xfer *xfer = &cmd->data;

	if (prp1 & 3)
		return bad_prp(cmd, PRP1_BYTE);
	if (length <= first) {
		put(xfer, prp1, length, false);
		return 0;
	}
	put(xfer, prp1, first, false);
	length -= first;
	/* The second page, or a list of pages. */
	if (length > page)
		return prp2 & 7 ? bad_prp(cmd, PRP2_BYTE) : walk_list(cmd, prp2, length, page);
	if (prp2 & (page - 1))
		return bad_prp(cmd, PRP2_BYTE);
	put(xfer, prp2, length, false);
	return 0;
}

static uint16_t map_sgl(struct cmd *cmd, size_t length)
{
	struct sgl_descriptor first;
	uint16_t status;

	/* Admin commands have PRPs on PCIe; 11b means nothing. 4.1.1 */
	if (!cmd->sqid || !cmd->ctrl->options->sgl || PSDT(cmd) > PSDT_SGL_MPTR)
		return cmd_bad_field(cmd, FLAGS_BYTE);
	/* The data pointer is one descriptor. */
	memcpy(&first, &cmd->sqe.prp1, sizeof(first));
	status = sgl_walk(cmd, &cmd->data, first);
	if (!status && cmd->data.length < length)
		status = GENERIC(SGL_INVALID_DATA);
	if (status)
		cmd->error_location = PRP1_BYTE;
	return status;
}

uint16_t xfer_map(struct cmd *cmd, size_t length)
{
	if (cmd->data.mapped)
		xfer_unmap(cmd);
	init(&cmd->data);
	if (PSDT(cmd) != PSDT_PRP)
		return map_sgl(cmd, length);
	return length ? map_prp(cmd, length) : 0;
}

void xfer_unmap(struct cmd *cmd)
{
	if (cmd->meta) {
		release(cmd->meta);
		free(cmd->meta);
		cmd->meta = NULL;
	}
	if (!cmd->data.mapped)
		return;
	if (cmd->data.nr)
		cmd->ctrl->recent_data[cmd->ctrl->recent++ % CTRL_RECENT] =
			cmd->data.segments[0].addr;
	release(&cmd->data);
}

static int move(struct ctrl *ctrl, const struct xfer_segment *segment, size_t offset, void *data,
		size_t length, bool to_host)
{
	if (segment->bit_bucket)
		return 0;
	if (to_host)
		return ctrl_dma_write(ctrl, segment->addr + offset, data, length);
	return ctrl_dma_read(ctrl, segment->addr + offset, data, length);
}

/* A part of what @xfer describes, segment by segment. */
static uint16_t copy(struct ctrl *ctrl, const struct xfer *xfer, size_t offset, void *data,
		     size_t length, bool to_host)
{
	const struct xfer_segment *segment = xfer->segments;
	const struct xfer_segment *end = segment + xfer->nr;
	size_t n;

	for (; segment < end && offset >= segment->length; segment++)
		offset -= segment->length;
	for (; length; segment++, offset = 0) {
		if (segment == end)
			return GENERIC(INTERNAL);
		n = segment->length - offset < length ? segment->length - offset : length;
		if (move(ctrl, segment, offset, data, n, to_host))
			return RETRY(GENERIC(DATA_XFER_ERROR));
		data = (unsigned char *)data + n;
		length -= n;
	}
	return 0;
}

uint16_t xfer_to_host(struct cmd *cmd, size_t offset, const void *data, size_t length)
{
	/* Read only, as it goes to the host. */
	return copy(cmd->ctrl, &cmd->data, offset, (void *)data, length, true);
}

uint16_t xfer_from_host(struct cmd *cmd, size_t offset, void *data, size_t length)
{
	return copy(cmd->ctrl, &cmd->data, offset, data, length, false);
}

/* MPTR is the address of one descriptor. 4.1.1 */
static uint16_t map_meta_sgl(struct cmd *cmd)
{
	struct sgl_descriptor first;
	uint16_t status;

	if (cmd->sqe.mptr & 7)
		return cmd_bad_field(cmd, MPTR_BYTE);
	if (ctrl_dma_read(cmd->ctrl, cmd->sqe.mptr, &first, sizeof(first)))
		return RETRY(GENERIC(DATA_XFER_ERROR));
	status = sgl_walk(cmd, cmd->meta, first);
	if (status)
		cmd->error_location = MPTR_BYTE;
	return status;
}

static uint16_t map_meta(struct cmd *cmd)
{
	uint16_t status;

	if (cmd->meta)
		return 0;
	/* One buffer: at dwords with PRPs, at any byte with SGLs. */
	if (PSDT(cmd) == PSDT_PRP && cmd->sqe.mptr & 3)
		return cmd_bad_field(cmd, MPTR_BYTE);
	cmd->meta = malloc(sizeof(*cmd->meta));
	if (!cmd->meta)
		return GENERIC(INTERNAL);
	init(cmd->meta);
	if (PSDT(cmd) == PSDT_SGL_MPTR)
		status = map_meta_sgl(cmd);
	else
		status = xfer_append(cmd->meta, cmd->sqe.mptr, UINT32_MAX, false);
	return status;
}

static uint16_t copy_meta(struct cmd *cmd, size_t offset, void *data, size_t length, bool to_host)
{
	uint16_t status = map_meta(cmd);

	if (status)
		return status;
	if (length > cmd->meta->length || offset > cmd->meta->length - length) {
		cmd->error_location = MPTR_BYTE;
		return GENERIC(SGL_INVALID_METADATA);
	}
	return copy(cmd->ctrl, cmd->meta, offset, data, length, to_host);
}

uint16_t xfer_meta_to_host(struct cmd *cmd, size_t offset, const void *data, size_t length)
{
	return copy_meta(cmd, offset, (void *)data, length, true);
}

uint16_t xfer_meta_from_host(struct cmd *cmd, size_t offset, void *data, size_t length)
{
	return copy_meta(cmd, offset, data, length, false);
}
