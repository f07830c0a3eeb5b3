// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The two boot partitions. NVMe Base 2.1, 8.1.3 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/boot_partition.h"
#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/log_page.h"
#include "nvme/regs.h"
#include "nvme/subsys.h"
#include "options.h"

#define PARTITIONS	2
#define UNIT		4096U		/* of BPROF and BPRSZ */
#define SIZE_UNIT	(128U << 10)	/* of BPINFO.BPSZ */
#define BRS_SHIFT	24		/* BPINFO: how the last read by registers went */
#define BRS_MASK	(3U << BRS_SHIFT)
#define BRS_OK		(2U << BRS_SHIFT)
#define BRS_ERROR	(3U << BRS_SHIFT)
#define ABPID		(1U << 31)

struct boot_partitions {
	uint32_t *active;			/* in the state */
	/* The log pages: their headers, with the partitions behind them. In the state too */
	struct nvme_boot_partition *pages[PARTITIONS];
	uint64_t size;
};

struct boot_partitions *boot_partitions_new(struct subsys *subsys)
{
	struct boot_partitions *partitions = calloc(1, sizeof(*partitions));
	char name[32];
	unsigned int id;

	if (!partitions)
		return NULL;
	partitions->size = subsys->options->boot_partition;
	if (!partitions->size)
		return partitions;
	partitions->active = state_section(subsys, "boot-partition", sizeof(*partitions->active));
	for (id = 0; id < PARTITIONS; id++) {
		snprintf(name, sizeof(name), "boot-partition-%u", id);
		partitions->pages[id] = state_section(subsys, name, sizeof(**partitions->pages) +
						      partitions->size);
	}
	return partitions;
}

void boot_partitions_free(struct boot_partitions *partitions)
{
	free(partitions);
}

uint32_t boot_partition_info(const struct subsys *subsys)
{
	const struct boot_partitions *partitions = subsys->boot_partitions;

	if (!partitions->size)
		return 0;
	return partitions->size / SIZE_UNIT | (*partitions->active ? ABPID : 0);
}

static int copy_part(struct ctrl *ctrl, uint32_t bprsel)
{
	const struct boot_partitions *partitions = ctrl->subsys->boot_partitions;
	uint64_t length = (uint64_t)(bprsel & 0x3ff) * UNIT;
	uint64_t offset = (uint64_t)(bprsel >> 10 & 0xfffff) * UNIT;
	const unsigned char *data = partitions->pages[bprsel >> 31]->boot_partition_data;

	if (length > partitions->size || offset > partitions->size - length)
		return -1;
	return ctrl_dma_write(ctrl, ctrl->regs.bpmbl, data + offset, length);
}

void boot_partition_select(struct ctrl *ctrl, uint32_t bprsel)
{
	ctrl->regs.bpinfo &= ~BRS_MASK;
	ctrl->regs.bpinfo |= copy_part(ctrl, bprsel) ? BRS_ERROR : BRS_OK;
}

/* What the image does not fill is as it was erased. */
uint16_t boot_partition_replace(struct subsys *subsys, unsigned int id, const void *data,
				size_t length)
{
	struct boot_partitions *partitions = subsys->boot_partitions;
	unsigned char *to = partitions->pages[id]->boot_partition_data;

	if (!length || length > partitions->size)
		return SPECIFIC(FIRMWARE_IMAGE);
	memcpy(to, data, length);
	memset(to + length, 0, partitions->size - length);
	return 0;
}

void boot_partition_activate(struct subsys *subsys, unsigned int id)
{
	unsigned int i;

	*subsys->boot_partitions->active = id;
	for (i = 0; i < subsys->nr_ctrls; i++) {
		struct regs *regs = &subsys->ctrls[i]->regs;

		regs->bpinfo = boot_partition_info(subsys) | (regs->bpinfo & BRS_MASK);
		regs_publish(subsys->ctrls[i]);
	}
}

uint16_t boot_partition_log(struct cmd *cmd, struct log *log)
{
	const struct subsys *subsys = cmd->ctrl->subsys;
	const struct boot_partitions *partitions = subsys->boot_partitions;
	unsigned int id = log_lsp(cmd->sqe.cdw10) & 1;
	struct nvme_boot_partition *page = partitions->pages[id];

	page->lid = NVME_LOG_LID_BOOT_PARTITION;
	page->bpinfo = htole32(boot_partition_info(subsys));
	log->data = page;
	log->length = sizeof(*page) + partitions->size;
	return 0;
}
