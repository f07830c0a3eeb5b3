/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Blocks on their way between the store and the host, data and metadata apart. */
#ifndef DUT_BLOCKS_H
#define DUT_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cmd;
struct ns;

struct blocks {
	const struct ns *ns;
	uint32_t nlb;
	unsigned char *data;
	unsigned char *meta;		/* empty where the format has none */
};

/* Room for that many. A status. */
uint16_t blocks_init(struct blocks *blocks, const struct ns *ns, uint32_t nlb);
void blocks_free(struct blocks *blocks);

/* @nlb blocks of the store from @slba on, to place @at. A deallocated one has PI of all-ones. */
void blocks_load(struct blocks *blocks, uint32_t at, uint64_t slba, uint32_t nlb);

/* The first @nlb of them into the store. */
void blocks_store(const struct blocks *blocks, uint8_t opcode, uint64_t slba, uint32_t nlb,
		  bool durable);

/* Bytes on the bus by the data pointer. @data_only: the metadata stays behind. */
size_t blocks_length(const struct ns *ns, uint32_t nlb, bool data_only);

/* The whole transfer, mapped already by the above length. A status. */
uint16_t blocks_to_host(const struct blocks *blocks, struct cmd *cmd, bool data_only);
uint16_t blocks_from_host(struct blocks *blocks, struct cmd *cmd, bool data_only);

#endif /* DUT_BLOCKS_H */
