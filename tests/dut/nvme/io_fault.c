// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Faults of the data of I/O commands. */
#include <string.h>

#include "nvme/blocks.h"
#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/io_fault.h"
#include "nvme/ns.h"
#include "nvme/store.h"
#include "nvme/timing.h"
#include "options.h"

#define MISDIRECT_STREAM	0x6d697364	/* of random numbers; the rule and the block go into it */

static unsigned long long u(uint64_t value)
{
	return value;
}

static unsigned char *data_of(const struct blocks *blocks, uint32_t i)
{
	return blocks->data + ((size_t)i << blocks->ns->lba_shift);
}

static unsigned char *meta_of(const struct blocks *blocks, uint32_t i)
{
	return blocks->meta + (size_t)i * blocks->ns->ms;
}

/* Another place in the namespace: the rule's, else the seed's. */
static uint64_t other_place(const struct cmd *cmd, const struct fault_shot *shot)
{
	uint64_t last = cmd->ns->nsze - cmd->nlb, lba;
	struct random random;

	if (shot->has_value)
		return shot->lba < last ? shot->lba : last;
	if (!last)
		return 0;
	random_seed(&random, cmd->ctrl->options->seed,
		    MISDIRECT_STREAM + ((uint64_t)shot->rule << 40) + cmd->slba);
	lba = random_below(&random, last);
	return lba < cmd->slba ? lba : lba + 1;
}

/* For a command of one block: the block beside it. */
static uint64_t neighbour(const struct cmd *cmd)
{
	return cmd->slba + 1 < cmd->ns->nsze ? cmd->slba + 1 : cmd->slba ? cmd->slba - 1 : 0;
}

static void exchange(unsigned char *a, unsigned char *b, size_t length)
{
	unsigned char byte;

	for (; length; length--, a++, b++) {
		byte = *a;
		*a = *b;
		*b = byte;
	}
}

static void swap_ends(struct blocks *blocks)
{
	exchange(data_of(blocks, 0), data_of(blocks, blocks->nlb - 1), 1UL << blocks->ns->lba_shift);
	exchange(meta_of(blocks, 0), meta_of(blocks, blocks->nlb - 1), blocks->ns->ms);
}

static void misdirect_read(struct cmd *cmd, const struct fault_shot *shot, struct blocks *blocks)
{
	uint64_t slba = other_place(cmd, shot);

	fault_log(cmd, shot, "LBA %llu read in place of %llu, %u blocks", u(slba), u(cmd->slba),
		  cmd->nlb);
	blocks_load(blocks, 0, slba, cmd->nlb);
}

static void stale_read(struct cmd *cmd, const struct fault_shot *shot, struct blocks *blocks)
{
	bool known = store_older(cmd->ns->store, cmd->slba, blocks->data, blocks->meta);

	fault_log(cmd, shot, known ? "LBA %llu as it was before its last write" :
				     "LBA %llu as zeros: what it was before is not known",
		  u(cmd->slba));
	if (!known)
		memset(blocks->data, 0, 1UL << blocks->ns->lba_shift);
}

static void swap_read(struct cmd *cmd, const struct fault_shot *shot, struct blocks *blocks)
{
	uint64_t other = blocks->nlb > 1 ? cmd->slba + blocks->nlb - 1 : neighbour(cmd);

	fault_log(cmd, shot, "LBA %llu and %llu exchanged", u(cmd->slba), u(other));
	if (blocks->nlb > 1)
		swap_ends(blocks);
	else
		blocks_load(blocks, 0, other, 1);
}

void io_fault_read(struct cmd *cmd, struct blocks *blocks)
{
	const struct fault_shot *shot;

	shot = fault_find(cmd, FAULT_DATA_MISDIRECT);
	if (shot)
		misdirect_read(cmd, shot, blocks);
	shot = fault_find(cmd, FAULT_DATA_STALE);
	if (shot)
		stale_read(cmd, shot, blocks);
	shot = fault_find(cmd, FAULT_DATA_SWAP);
	if (shot)
		swap_read(cmd, shot, blocks);
}

void io_fault_flip(struct cmd *cmd, struct blocks *blocks)
{
	const struct fault_shot *shot = fault_find(cmd, FAULT_DATA_FLIP);
	size_t length = (size_t)blocks->nlb << blocks->ns->lba_shift, byte;

	if (!shot)
		return;
	byte = shot->byte % length;
	fault_log(cmd, shot, "bit %u of byte %zu inverted, in LBA %llu", shot->bit & 7, byte,
		  u(cmd->slba + (byte >> blocks->ns->lba_shift)));
	blocks->data[byte] ^= 1U << (shot->bit & 7);
}

/* A write of one block tears in its middle. */
static void tear_block(struct cmd *cmd, struct blocks *blocks)
{
	size_t half = (1UL << blocks->ns->lba_shift) / 2;

	memcpy(blocks->data + half, store_data(cmd->ns->store, cmd->slba) + half, half);
}

static void torn_store(struct cmd *cmd, const struct fault_shot *shot, struct blocks *blocks,
		       bool durable)
{
	uint32_t kept = shot->count ? shot->count : blocks->nlb / 2;

	if (kept > blocks->nlb)
		kept = blocks->nlb;
	if (!kept) {
		fault_log(cmd, shot, "the first half of LBA %llu written", u(cmd->slba));
		tear_block(cmd, blocks);
		kept = 1;
	} else {
		fault_log(cmd, shot, "%u of %u blocks written from LBA %llu on", kept, blocks->nlb,
			  u(cmd->slba));
	}
	blocks_store(blocks, cmd->sqe.opcode, cmd->slba, kept, durable);
}

static void swapped_store(struct cmd *cmd, const struct fault_shot *shot, struct blocks *blocks,
			  bool durable)
{
	uint64_t other = blocks->nlb > 1 ? cmd->slba + blocks->nlb - 1 : neighbour(cmd);
	struct blocks old;

	if (blocks->nlb > 1) {
		swap_ends(blocks);
	} else if (!blocks_init(&old, cmd->ns, 1)) {
		blocks_load(&old, 0, other, 1);
		blocks_store(blocks, cmd->sqe.opcode, other, 1, durable);
		memcpy(blocks->data, old.data, 1UL << cmd->ns->lba_shift);
		memcpy(blocks->meta, old.meta, cmd->ns->ms);
		blocks_free(&old);
	}
	fault_log(cmd, shot, "LBA %llu and %llu exchanged", u(cmd->slba), u(other));
	blocks_store(blocks, cmd->sqe.opcode, cmd->slba, blocks->nlb, durable);
}

static void misdirected_store(struct cmd *cmd, const struct fault_shot *shot,
			      struct blocks *blocks, bool durable)
{
	uint64_t slba = other_place(cmd, shot);

	fault_log(cmd, shot, "LBA %llu written in place of %llu, %u blocks", u(slba), u(cmd->slba),
		  blocks->nlb);
	blocks_store(blocks, cmd->sqe.opcode, slba, blocks->nlb, durable);
}

void io_fault_store(struct cmd *cmd, struct blocks *blocks, bool durable)
{
	const struct fault_shot *shot;

	io_fault_flip(cmd, blocks);
	if ((shot = fault_find(cmd, FAULT_DATA_LOST)))
		fault_log(cmd, shot, "%u blocks from LBA %llu on not written", blocks->nlb,
			  u(cmd->slba));
	else if ((shot = fault_find(cmd, FAULT_DATA_TORN)))
		torn_store(cmd, shot, blocks, durable);
	else if ((shot = fault_find(cmd, FAULT_DATA_MISDIRECT)))
		misdirected_store(cmd, shot, blocks, durable);
	else if ((shot = fault_find(cmd, FAULT_DATA_SWAP)))
		swapped_store(cmd, shot, blocks, durable);
	else
		blocks_store(blocks, cmd->sqe.opcode, cmd->slba, blocks->nlb, durable);
}

bool io_fault_flush(struct cmd *cmd)
{
	const struct fault_shot *shot = fault_find(cmd, FAULT_DATA_LOST_FLUSH);

	if (shot)
		fault_log(cmd, shot, "nothing made durable");
	return shot;
}
