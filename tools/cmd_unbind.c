// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <limits.h>
#include <stdio.h>

#include "handover.h"

static void report(const struct nvt_pcie_entry *was, const struct nvt_pcie_entry *now)
{
	if (now->driver[0])
		printf("%s: given back to %s", now->addr, now->driver);
	else
		printf("%s: unbound, no driver has taken it", now->addr);
	printf(" (was /dev/nvt%d)\n", was->minor);
}

static int run_unbind(struct cmd *cmd)
{
	return handover(cmd, nvt_pcie_unbind, report);
}

const struct command cmd_unbind = {
	.name = "unbind",
	.operands = "ADDR...",
	.summary = "Gives functions back to their stock driver",
	.about = "Refused while a process owns the function; the text names it.",
	.example = "  nvt unbind 01:00.0",
	.min_operands = 1,
	.max_operands = INT_MAX,
	.run = run_unbind,
};
