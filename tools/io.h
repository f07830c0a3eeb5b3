/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* One Read or Write command: what "nvt read" and "nvt write" share. */
#ifndef NVT_TOOL_IO_H
#define NVT_TOOL_IO_H

#include "cmd.h"

struct io_args {
	uint64_t nsid;
	uint64_t start_block;
	uint64_t block_count;	/* 0's based, as nvme-cli's */
	uint64_t data_size;	/* 0: not given */
	uint64_t backend;
	const char *data;
	bool force_unit_access;
	bool limited_retry;
	bool latency;
};

extern const struct option_def io_options[];
extern const struct io_args io_defaults;

int io_run(struct cmd *cmd, bool write);

#endif /* NVT_TOOL_IO_H */
