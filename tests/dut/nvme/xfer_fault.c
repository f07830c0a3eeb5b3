// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Faults of a command's DMA: bytes where the host has not asked for any. */
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "pcie/function.h"

#define DEFAULT_COUNT	64
#define DEFAULT_BYTE	0xee
#define MOST		(1U << 20)

/* 0, or a negative errno: somewhere there is no memory of the host. */
static int scribble(struct ctrl *ctrl, const struct fault_shot *shot, uint64_t addr, uint32_t count,
		    bool stale)
{
	unsigned char bytes[4096];
	uint32_t n;
	int err = 0;

	memset(bytes, shot->has_value ? (int)shot->value : DEFAULT_BYTE, sizeof(bytes));
	for (; count && !err; addr += n, count -= n) {
		n = count < sizeof(bytes) ? count : sizeof(bytes);
		if (stale)
			err = function_dma_write_stale(ctrl->function, addr, bytes, n);
		else
			err = ctrl_dma_write(ctrl, addr, bytes, n);
	}
	return err;
}

static uint32_t count_of(const struct fault_shot *shot)
{
	uint32_t count = shot->count ? shot->count : DEFAULT_COUNT;

	return count < MOST ? count : MOST;
}

static void write_past_end(struct cmd *cmd, const struct fault_shot *shot)
{
	const struct xfer_segment *last;
	uint64_t addr;
	int err;

	if (!cmd->data.nr)
		return;
	last = &cmd->data.segments[cmd->data.nr - 1];
	if (last->bit_bucket)
		return;
	addr = last->addr + last->length;
	err = scribble(cmd->ctrl, shot, addr, count_of(shot), false);
	fault_log(cmd, shot, "%u bytes written to %#llx, past the end of its data%s", count_of(shot),
		  (unsigned long long)addr, err ? ", where the host has no memory" : "");
}

static bool in_use(const struct ctrl *ctrl, uint64_t addr)
{
	const struct cmd *other;

	for (other = ctrl->cmds; other; other = other->next)
		if (!other->done && (other->sqe.prp1 == addr ||
				     (other->data.mapped && other->data.nr &&
				      other->data.segments[0].addr == addr)))
			return true;
	return false;
}

/* The oldest data pointer that no command has now: its memory is most likely freed. */
static bool find_freed(const struct ctrl *ctrl, uint64_t *addr)
{
	uint32_t i, have = ctrl->recent < CTRL_RECENT ? ctrl->recent : CTRL_RECENT;

	for (i = have; i; i--) {
		*addr = ctrl->recent_data[(ctrl->recent - i) % CTRL_RECENT];
		if (*addr && !in_use(ctrl, *addr))
			return true;
	}
	return false;
}

static void write_freed(struct cmd *cmd, const struct fault_shot *shot)
{
	const char *fate = "";
	uint64_t addr;

	if (!find_freed(cmd->ctrl, &addr)) {
		fault_log(cmd, shot, "no earlier command has data elsewhere: nothing written");
		return;
	}
	if (!ctrl_dma_pointer(cmd->ctrl, addr, 1, true))
		fate = ", unmapped since";
	if (scribble(cmd->ctrl, shot, addr, count_of(shot), true))
		fate = ", unmapped since and out of reach";
	fault_log(cmd, shot, "%u bytes written to %#llx, data of an earlier command%s",
		  count_of(shot), (unsigned long long)addr, fate);
}

void xfer_fault(struct cmd *cmd)
{
	const struct fault_shot *shot;

	shot = fault_find(cmd, FAULT_DATA_PAST_END);
	if (shot && cmd->data.mapped)
		write_past_end(cmd, shot);
	shot = fault_find(cmd, FAULT_DATA_FREED);
	if (shot)
		write_freed(cmd, shot);
}
