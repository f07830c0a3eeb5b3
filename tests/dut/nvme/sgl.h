/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Scatter gather lists. NVMe Base 2.1, 4.3.2 */
#ifndef DUT_SGL_H
#define DUT_SGL_H

#include <stdbool.h>
#include <stdint.h>

struct cmd;
struct xfer;

/* As it is in memory: 16 bytes. */
struct sgl_descriptor {
	uint64_t addr;
	uint32_t length;
	uint8_t reserved[3];
	uint8_t type;			/* 7:4, the subtype in 3:0 */
};

/* All that a descriptor and the segments behind it describe, appended to @xfer. A status. */
uint16_t sgl_walk(struct cmd *cmd, struct xfer *xfer, struct sgl_descriptor first);

/* Appends a piece. A status. */
uint16_t xfer_append(struct xfer *xfer, uint64_t addr, uint32_t length, bool bit_bucket);

#endif /* DUT_SGL_H */
