// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <limits.h>
#include <stdio.h>

#include "handover.h"

static void report(const struct nvt_pcie_entry *was, const struct nvt_pcie_entry *now)
{
	printf("%s: bound to nvt as /dev/nvt%d", now->addr, now->minor);
	if (was->driver[0])
		printf(" (was %s)", was->driver);
	putchar('\n');
}

static int run_bind(struct cmd *cmd)
{
	return handover(cmd, nvt_pcie_bind, report);
}

const struct command cmd_bind = {
	.name = "bind",
	.operands = "ADDR...",
	.summary = "Takes functions from their driver and gives them to nvt",
	.about = "Refused while a block device on a function is mounted, is swap or is held.\n"
		 "/dev/nvme0 is accepted for the function that it is on.",
	.example = "  nvt bind 01:00.0",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.run = run_bind,
};
