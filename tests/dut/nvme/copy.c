// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Copy: all sources are read before anything is written, so they may overlap with the target. */
#include <nvme/types.h>

#include "nvme/blocks.h"
#include "nvme/cmd.h"
#include "nvme/copy.h"
#include "nvme/ctrl.h"
#include "nvme/io.h"
#include "nvme/ns.h"
#include "nvme/protection.h"
#include "nvme/smart.h"
#include "nvme/store.h"
#include "nvme/zns.h"

/* CDW12 */
#define NR(cmd)		(((cmd)->sqe.cdw12 & 0xff) + 1)
#define FORMAT(cmd)	((cmd)->sqe.cdw12 >> 8 & 0xf)
#define PRINFOR(cmd)	((cmd)->sqe.cdw12 >> 12 & 0xf)
#define DTYPE(cmd)	((cmd)->sqe.cdw12 >> 20 & 0xf)
#define FUA(cmd)	((cmd)->sqe.cdw12 >> 30 & 1)

#define SDLBA_BYTE	40
#define CDW12_BYTE	48
#define FORMAT_BYTE	49
#define DTYPE_BYTE	50
#define RANGES_MAX	(COPY_MSRC + 1)

static uint32_t nlb_of(const struct nvme_copy_range *range)
{
	return range->nlb + 1U;
}

static uint16_t check_fields(struct cmd *cmd)
{
	if (FORMAT(cmd))
		return cmd_bad_field(cmd, FORMAT_BYTE);
	if (DTYPE(cmd))
		return cmd_bad_field(cmd, DTYPE_BYTE);
	if (NR(cmd) > RANGES_MAX)
		return SPECIFIC(CMD_SIZE_LIMIT_EXCEEDED);
	return 0;
}

static uint16_t check_source(struct cmd *cmd, const struct nvme_copy_range *range)
{
	const struct ns *ns = cmd->ns;
	uint32_t nlb = nlb_of(range);
	uint16_t status;

	if (nlb > COPY_MSSRL)
		return SPECIFIC(CMD_SIZE_LIMIT_EXCEEDED);
	if (nlb > ns->nsze || range->slba > ns->nsze - nlb)
		return GENERIC(LBA_RANGE);
	status = ns->zns ? zns_check_read_range(ns, range->slba, nlb) : 0;
	return status ? status : io_check_media(cmd, range->slba, nlb);
}

/* Dword 0 of the completion is the source that fails. NVM Command Set 1.1, 3.3.2 */
static uint16_t check_sources(struct cmd *cmd, const struct nvme_copy_range *ranges)
{
	uint16_t status;
	uint32_t i;

	for (i = 0; i < NR(cmd); i++) {
		cmd->nlb += nlb_of(&ranges[i]);
		if (cmd->nlb > COPY_MCL)
			return SPECIFIC(CMD_SIZE_LIMIT_EXCEEDED);
	}
	for (i = 0; i < NR(cmd); i++) {
		cmd->dw0 = i;
		status = check_source(cmd, &ranges[i]);
		if (status)
			return status;
	}
	cmd->dw0 = 0;
	return 0;
}

static uint16_t check_target(struct cmd *cmd, const struct protection *protection)
{
	struct ns *ns = cmd->ns;
	uint16_t status;

	cmd->slba = cmd->sqe.cdw10 | (uint64_t)cmd->sqe.cdw11 << 32;
	if (cmd->nlb > ns->nsze || cmd->slba > ns->nsze - cmd->nlb) {
		cmd->error_location = SDLBA_BYTE;
		return GENERIC(LBA_RANGE);
	}
	/* Both insert and strip, or none. */
	if (ns->pi && (PRINFOR(cmd) ^ protection->prinfo) & PRINFO_PRACT)
		return cmd_bad_field(cmd, CDW12_BYTE);
	status = protection_validate(ns, protection, cmd->slba);
	return !status && ns->zns ? zns_check_write(cmd) : status;
}

static uint16_t read_source(struct cmd *cmd, struct blocks *blocks, uint32_t at,
			    const struct nvme_copy_range *range)
{
	const struct ns *ns = cmd->ns;
	struct protection protection = { .prinfo = PRINFOR(cmd), .ref_tag = range->eilbrt,
					 .app_tag = range->elbat, .app_mask = range->elbatm };
	uint16_t status = protection_validate(ns, &protection, range->slba);
	uint32_t bad;

	if (status)
		return status;
	blocks_load(blocks, at, range->slba, nlb_of(range));
	status = protection_check(ns, &protection, blocks->data + ((size_t)at << ns->lba_shift),
				  blocks->meta + (size_t)at * ns->ms, nlb_of(range), &bad);
	if (status) {
		cmd->slba = range->slba + bad;
		smart_media_error(cmd->ctrl);
	}
	return status;
}

static uint16_t read_sources(struct cmd *cmd, struct blocks *blocks,
			     const struct nvme_copy_range *ranges)
{
	uint32_t i, at = 0;
	uint16_t status;

	for (i = 0; i < NR(cmd); at += nlb_of(&ranges[i++])) {
		cmd->dw0 = i;
		status = read_source(cmd, blocks, at, &ranges[i]);
		if (status)
			return status;
	}
	cmd->dw0 = 0;
	return 0;
}

static uint16_t write_target(struct cmd *cmd, const struct blocks *blocks,
			     const struct protection *protection)
{
	const struct ns *ns = cmd->ns;
	uint16_t status = 0;
	uint32_t bad;

	if (ns->pi && protection->prinfo & PRINFO_PRACT)
		protection_generate(ns, protection, blocks->data, blocks->meta, blocks->nlb);
	else
		status = protection_check(ns, protection, blocks->data, blocks->meta, blocks->nlb,
					  &bad);
	if (status)
		return status;
	blocks_store(blocks, cmd->sqe.opcode, cmd->slba, cmd->nlb, io_is_durable(cmd, FUA(cmd)));
	if (ns->zns)
		zns_wrote(cmd->ns, cmd->slba, cmd->nlb);
	return 0;
}

uint16_t copy_run(struct cmd *cmd)
{
	struct protection protection = protection_of(cmd);
	struct nvme_copy_range ranges[RANGES_MAX];
	struct blocks blocks;
	uint16_t status = check_fields(cmd);

	if (!status)
		status = cmd_take(cmd, ranges, NR(cmd) * sizeof(ranges[0]));
	if (!status)
		status = check_sources(cmd, ranges);
	if (!status)
		status = check_target(cmd, &protection);
	if (!status)
		status = blocks_init(&blocks, cmd->ns, cmd->nlb);
	if (status)
		return status;
	status = read_sources(cmd, &blocks, ranges);
	if (!status)
		status = write_target(cmd, &blocks, &protection);
	blocks_free(&blocks);
	return status;
}
