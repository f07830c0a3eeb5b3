// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include "io.h"

static int run_read(struct cmd *cmd)
{
	return io_run(cmd, false);
}

const struct command cmd_read = {
	.name = "read",
	.operands = "ADDR",
	.summary = "Reads blocks with one command",
	.about = "The options are those of 'nvme read'. --block-count is 0's based: 0 is one\n"
		 "block, 7 are eight.",
	.example = "  nvt read 01:00.0 --start-block=0 --block-count=7 --data=first-8-blocks",
	.min_operands = 1,
	.max_operands = 1,
	.options = io_options,
	.args_size = sizeof(struct io_args),
	.defaults = &io_defaults,
	.run = run_read,
};
