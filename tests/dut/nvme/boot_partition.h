/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The two boot partitions. NVMe Base 2.1, 8.1.3 */
#ifndef DUT_BOOT_PARTITION_H
#define DUT_BOOT_PARTITION_H

#include <stddef.h>
#include <stdint.h>

struct boot_partitions;
struct cmd;
struct ctrl;
struct log;
struct subsys;

struct boot_partitions *boot_partitions_new(struct subsys *subsys);
void boot_partitions_free(struct boot_partitions *partitions);

/*
 * BPRSEL was written: copies the part that it names to the memory at BPMBL; BPINFO.BRS tells
 * how it went.
 */
void boot_partition_select(struct ctrl *ctrl, uint32_t bprsel);

/* Firmware Commit, actions 6 and 7. @length: bytes of what was downloaded. A status. */
uint16_t boot_partition_replace(struct subsys *subsys, unsigned int id, const void *data,
				size_t length);
void boot_partition_activate(struct subsys *subsys, unsigned int id);

/* BPINFO of the registers and of the log, the read status left out. */
uint32_t boot_partition_info(const struct subsys *subsys);

/* LSP bit 0 names the partition. */
uint16_t boot_partition_log(struct cmd *cmd, struct log *log);

#endif /* DUT_BOOT_PARTITION_H */
