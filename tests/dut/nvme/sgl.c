// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Scatter gather lists: descriptors, and the segments that they are in. */
#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/sgl.h"

#define TYPE(descriptor)	((descriptor)->type >> 4)
#define SUBTYPE(descriptor)	((descriptor)->type & 0xf)

enum { SGL_DATA_BLOCK, SGL_BIT_BUCKET, SGL_SEGMENT, SGL_LAST_SEGMENT };

#define BATCH		64U		/* descriptors fetched at once */
#define MAX_DESCRIPTORS	65536U		/* of one command: a chain may have no end */

struct walk {
	struct cmd *cmd;
	struct xfer *xfer;
	uint32_t nr;			/* descriptors seen */
	bool last;			/* this segment is the last */
	bool chained;			/* the descriptor just seen leads on: */
	struct sgl_descriptor next;
};

static uint16_t check_segment(const struct walk *walk, const struct sgl_descriptor *descriptor)
{
	/* The last segment leads nowhere; a segment has descriptors. */
	if (walk->last || !descriptor->length || descriptor->length % sizeof(*descriptor))
		return GENERIC(SGL_INVALID_LAST);
	return 0;
}

static uint16_t take_descriptor(struct walk *walk, const struct sgl_descriptor *descriptor)
{
	/* Offsets (subtype 1) and what fabrics have are not for PCIe. 4.3.2 */
	if (SUBTYPE(descriptor))
		return GENERIC(SGL_INVALID_TYPE);
	/* What leads on is the last of its segment. */
	if (walk->chained)
		return GENERIC(SGL_INVALID_LAST);
	if (++walk->nr > MAX_DESCRIPTORS)
		return GENERIC(SGL_INVALID_COUNT);
	switch (TYPE(descriptor)) {
	case SGL_DATA_BLOCK:
		return xfer_append(walk->xfer, descriptor->addr, descriptor->length, false);
	case SGL_BIT_BUCKET:
		/* Data that the host sends has no part for it. */
		if (!xfer_is_to_host(walk->cmd))
			return 0;
		return xfer_append(walk->xfer, 0, descriptor->length, true);
	case SGL_SEGMENT:
	case SGL_LAST_SEGMENT:
		walk->chained = true;
		walk->next = *descriptor;
		return check_segment(walk, descriptor);
	default:
		return GENERIC(SGL_INVALID_TYPE);
	}
}

static uint16_t take_segment(struct walk *walk, uint64_t addr, uint32_t nr)
{
	struct sgl_descriptor batch[BATCH];
	uint16_t status = 0;
	uint32_t i, n;

	for (; nr && !status; nr -= n) {
		n = nr < BATCH ? nr : BATCH;
		if (ctrl_dma_read(walk->cmd->ctrl, addr, batch, n * sizeof(batch[0])))
			return RETRY(GENERIC(DATA_XFER_ERROR));
		for (i = 0; i < n && !status; i++)
			status = take_descriptor(walk, &batch[i]);
		addr += n * sizeof(batch[0]);
	}
	return status;
}

uint16_t sgl_walk(struct cmd *cmd, struct xfer *xfer, struct sgl_descriptor first)
{
	struct walk walk = { .cmd = cmd, .xfer = xfer };
	struct sgl_descriptor segment;
	uint16_t status = take_descriptor(&walk, &first);

	while (!status && walk.chained) {
		segment = walk.next;
		walk.chained = false;
		walk.last = TYPE(&segment) == SGL_LAST_SEGMENT;
		status = take_segment(&walk, segment.addr, segment.length / sizeof(segment));
		/* One that is not the last leads on. */
		if (!status && !walk.last && !walk.chained)
			status = GENERIC(SGL_INVALID_LAST);
	}
	return status;
}
