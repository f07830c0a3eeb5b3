// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Dataset Management: hints are taken and have no effect, deallocation has. */
#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/dsm.h"
#include "nvme/io.h"
#include "nvme/ns.h"
#include "nvme/store.h"

#define AD			(1U << 2)	/* Attribute Deallocate */
#define RANGES_MAX		256

static uint16_t check_ranges(const struct ns *ns, const struct nvme_dsm_range *ranges, uint32_t nr)
{
	uint64_t total = 0;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (ranges[i].nlb > ns->nsze || ranges[i].slba > ns->nsze - ranges[i].nlb)
			return GENERIC(LBA_RANGE);
		if (ranges[i].nlb > DSM_DMRSL)
			return SPECIFIC(CMD_SIZE_LIMIT_EXCEEDED);
		total += ranges[i].nlb;
	}
	return total > DSM_DMSL ? SPECIFIC(CMD_SIZE_LIMIT_EXCEEDED) : 0;
}

uint16_t dsm_run(struct cmd *cmd)
{
	struct nvme_dsm_range ranges[RANGES_MAX];
	uint32_t nr = (cmd->sqe.cdw10 & 0xff) + 1, i;
	struct ns *ns = cmd->ns;
	bool durable = io_is_durable(cmd, false);
	uint16_t status;

	if (nr > DSM_DMRL)
		return SPECIFIC(CMD_SIZE_LIMIT_EXCEEDED);
	status = cmd_take(cmd, ranges, nr * sizeof(ranges[0]));
	if (!status)
		status = check_ranges(ns, ranges, nr);
	/* Blocks of a zone are given back by its reset only. */
	if (status || !(cmd->sqe.cdw11 & AD) || ns->zns)
		return status;
	for (i = 0; i < nr; i++)
		if (ranges[i].nlb)
			store_deallocate(ns->store, cmd->sqe.opcode, ranges[i].slba, ranges[i].nlb,
					 durable);
	return 0;
}
