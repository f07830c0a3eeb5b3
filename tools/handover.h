/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef NVT_TOOL_HANDOVER_H
#define NVT_TOOL_HANDOVER_H

#include "cmd.h"

/* Prints what was done, from the function's state before and after. */
typedef void (*handover_report)(const struct nvt_pcie_entry *was,
				const struct nvt_pcie_entry *now);

/**
 * handover() - bind or unbind each operand
 * @cmd: the run
 * @move: nvt_pcie_bind() or nvt_pcie_unbind()
 * @report: for each that moved
 *
 * Goes on after a failure. Returns the exit code of the first one.
 */
int handover(struct cmd *cmd, int (*move)(const char *addr), handover_report report);

#endif /* NVT_TOOL_HANDOVER_H */
