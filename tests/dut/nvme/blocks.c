// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Blocks on their way between the store and the host: interleaved there, or in two buffers. */
#include <stdlib.h>
#include <string.h>

#include "nvme/blocks.h"
#include "nvme/cmd.h"
#include "nvme/ns.h"
#include "nvme/protection.h"
#include "nvme/store.h"

static size_t data_length(const struct ns *ns, uint32_t nlb)
{
	return (size_t)nlb << ns->lba_shift;
}

static size_t meta_length(const struct ns *ns, uint32_t nlb)
{
	return (size_t)nlb * ns->ms;
}

uint16_t blocks_init(struct blocks *blocks, const struct ns *ns, uint32_t nlb)
{
	/* Zeros, where the host gives no metadata. */
	unsigned char *data = calloc(1, data_length(ns, nlb) + meta_length(ns, nlb));

	*blocks = (struct blocks){ .ns = ns, .nlb = nlb, .data = data,
				   .meta = data ? data + data_length(ns, nlb) : NULL };
	return data ? 0 : RETRY(GENERIC(INTERNAL));
}

void blocks_free(struct blocks *blocks)
{
	free(blocks->data);
}

/* NVM Command Set 1.1, 3.3.3.2.1: the information of a deallocated block is all-ones. */
static void escape_deallocated(struct blocks *blocks, uint32_t at, uint64_t slba, uint32_t nlb)
{
	const struct ns *ns = blocks->ns;
	uint32_t i;

	for (i = 0; i < nlb; i++)
		if (!(ns->store->flags[slba + i] & BLOCK_ALLOCATED))
			memset(protection_place(ns, blocks->meta + meta_length(ns, at + i)), 0xff,
			       PROTECTION_LENGTH);
}

void blocks_load(struct blocks *blocks, uint32_t at, uint64_t slba, uint32_t nlb)
{
	const struct ns *ns = blocks->ns;

	store_read(ns->store, slba, nlb, blocks->data + data_length(ns, at),
		   blocks->meta + meta_length(ns, at));
	if (ns->pi)
		escape_deallocated(blocks, at, slba, nlb);
}

void blocks_store(const struct blocks *blocks, uint8_t opcode, uint64_t slba, uint32_t nlb,
		  bool durable)
{
	store_write(blocks->ns->store, opcode, slba, nlb, blocks->data, blocks->meta, durable);
}

size_t blocks_length(const struct ns *ns, uint32_t nlb, bool data_only)
{
	size_t length = data_length(ns, nlb);

	return ns->extended && !data_only ? length + meta_length(ns, nlb) : length;
}

/* Between the two parts and one buffer where metadata follows the data of each block. */
static void interleave(const struct blocks *blocks, unsigned char *wire, bool to_wire)
{
	size_t lba = data_length(blocks->ns, 1), ms = blocks->ns->ms;
	unsigned char *data = blocks->data, *meta = blocks->meta;
	uint32_t i;

	for (i = 0; i < blocks->nlb; i++, wire += lba + ms, data += lba, meta += ms) {
		memcpy(to_wire ? wire : data, to_wire ? data : wire, lba);
		memcpy(to_wire ? wire + lba : meta, to_wire ? meta : wire + lba, ms);
	}
}

static uint16_t interleaved(const struct blocks *blocks, struct cmd *cmd, bool to_host)
{
	size_t length = blocks_length(blocks->ns, blocks->nlb, false);
	unsigned char *wire = malloc(length);
	uint16_t status;

	if (!wire)
		return RETRY(GENERIC(INTERNAL));
	if (to_host) {
		interleave(blocks, wire, true);
		status = xfer_to_host(cmd, 0, wire, length);
	} else {
		status = xfer_from_host(cmd, 0, wire, length);
		if (!status)
			interleave(blocks, wire, false);
	}
	free(wire);
	return status;
}

uint16_t blocks_to_host(const struct blocks *blocks, struct cmd *cmd, bool data_only)
{
	const struct ns *ns = blocks->ns;
	uint16_t status;

	if (ns->extended && !data_only)
		return interleaved(blocks, cmd, true);
	status = xfer_to_host(cmd, 0, blocks->data, data_length(ns, blocks->nlb));
	if (!status && ns->ms && !data_only)
		status = xfer_meta_to_host(cmd, 0, blocks->meta, meta_length(ns, blocks->nlb));
	return status;
}

uint16_t blocks_from_host(struct blocks *blocks, struct cmd *cmd, bool data_only)
{
	const struct ns *ns = blocks->ns;
	uint16_t status;

	if (ns->extended && !data_only)
		return interleaved(blocks, cmd, false);
	status = xfer_from_host(cmd, 0, blocks->data, data_length(ns, blocks->nlb));
	if (!status && ns->ms && !data_only)
		status = xfer_meta_from_host(cmd, 0, blocks->meta, meta_length(ns, blocks->nlb));
	return status;
}
