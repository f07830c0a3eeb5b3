/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The commands that read and write blocks. NVM Command Set 1.1, 3.3 */
#ifndef DUT_IO_H
#define DUT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cmd;

/*
 * Limits of commands that transfer no blocks, as Identify (CSI NVM, CNS 06h)
 * reports them: 2 to this power of minimum memory pages.
 */
#define IO_VSL		10
#define IO_WZSL		12
#define IO_WUSL		10

/* DLFEAT of Identify Namespace: deallocated blocks read as zeros, Write Zeroes can deallocate. */
#define IO_DLFEAT	0x09

uint16_t flush_run(struct cmd *cmd);
uint16_t read_run(struct cmd *cmd);
uint16_t write_run(struct cmd *cmd);
uint16_t compare_run(struct cmd *cmd);
uint16_t verify_run(struct cmd *cmd);
uint16_t write_zeroes_run(struct cmd *cmd);
uint16_t write_uncorrectable_run(struct cmd *cmd);

/*
 * What Write and Zone Append share: the host's data to cmd->nlb blocks from
 * cmd->slba on, whatever a zone may say of it. A status.
 */
uint16_t io_write(struct cmd *cmd);

/* A status unless blocks can be read: uncorrectable ones, unwritten ones where the host set DULBE. */
uint16_t io_check_media(struct cmd *cmd, uint64_t slba, uint32_t nlb);

/* Whether its writes are durable before the command completes. @fua: as the command has it. */
bool io_is_durable(const struct cmd *cmd, bool fua);

/* Against MDTS. A status. NVMe Base 2.1, Identify Controller */
uint16_t io_check_length(struct cmd *cmd, size_t length);

#endif /* DUT_IO_H */
