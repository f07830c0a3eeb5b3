/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An NVMe controller in a thread of the test, with one namespace in memory. It
 * ends commands in random order and misbehaves where it is told to.
 */
#ifndef NVT_TEST_FAKE_DISK_H
#define NVT_TEST_FAKE_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include <nvt/ctrl.h>

struct fake_disk;

enum fake_fault {
	FAKE_NONE,
	FAKE_FLIP,		/* a read of the block has one bit wrong */
	FAKE_LOSE,		/* writes of the block but its first are not done */
	FAKE_MISDIRECT,		/* writes of the block go to the next one */
	FAKE_FAIL,		/* commands with the block fail with Unrecovered Read Error */
	FAKE_SILENT,		/* commands with the block are never answered */
	FAKE_DIE,		/* a command with the block kills the controller */
};

struct fake_disk_opts {
	uint64_t blocks;
	uint32_t lba_shift;
	uint32_t metadata;		/* bytes, interleaved */
	uint16_t mqes;			/* as in CAP */
	uint8_t mdts;			/* as in Identify Controller */
	unsigned int seed;
};

struct fake_command {
	uint64_t slba;
	uint32_t nlb;
	bool write;
};

#define FAKE_LOG	65536

/* NULL opts: 4096 blocks of 512 bytes, queues of 1024 entries, 128 KiB a command. */
struct fake_disk *fake_disk_create(const struct fake_disk_opts *opts);

/* An initialised controller on it, that owns it: nvt_ctrl_close() frees it. */
struct nvt_ctrl *fake_disk_ctrl(struct fake_disk *disk, uint32_t timeout_ms);

void fake_disk_fault(struct fake_disk *disk, enum fake_fault fault, uint64_t lba);

/* Lets commands wait in the controller until it is given again. */
void fake_disk_pause(struct fake_disk *disk, bool pause);

/* The block in memory; look only while no command is outstanding. */
uint8_t *fake_disk_block(struct fake_disk *disk, uint64_t lba);

/* I/O commands in the order in which they were fetched, up to FAKE_LOG of them. */
uint32_t fake_disk_log(struct fake_disk *disk, const struct fake_command **log);

/* The most I/O commands that were outstanding at once. */
uint32_t fake_disk_max_depth(struct fake_disk *disk);

#endif /* NVT_TEST_FAKE_DISK_H */
