/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Faults of the data of I/O commands: the right command on the wrong bits, blocks or moment. */
#ifndef DUT_IO_FAULT_H
#define DUT_IO_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct blocks;
struct cmd;

/* What was read is not what should have been: misdirected, stale, swapped blocks. */
void io_fault_read(struct cmd *cmd, struct blocks *blocks);

/* A bit of the data flips on its way. */
void io_fault_flip(struct cmd *cmd, struct blocks *blocks);

/* Stores what a write has: misdirected, torn, swapped, not at all, or as it should be. */
void io_fault_store(struct cmd *cmd, struct blocks *blocks, bool durable);

/* A flush that does nothing. */
bool io_fault_flush(struct cmd *cmd);

#endif /* DUT_IO_FAULT_H */
