// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The commands that read and write blocks, but for Copy and Dataset Management. */
#include <string.h>

#include <nvme/types.h>

#include "nvme/blocks.h"
#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/feature.h"
#include "nvme/io.h"
#include "nvme/io_fault.h"
#include "nvme/lba_status.h"
#include "nvme/ns.h"
#include "nvme/protection.h"
#include "nvme/smart.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "nvme/zns.h"
#include "options.h"

/* CDW12 */
#define FUA(cmd)	((cmd)->sqe.cdw12 >> 30 & 1)
#define PIREMAP(cmd)	((cmd)->sqe.cdw12 >> 25 & 1)
#define DEAC(cmd)	((cmd)->sqe.cdw12 >> 25 & 1)
#define DTYPE_CETYPE	0x00ff0000
#define CETYPE		0x000f0000

#define CDW12_BYTE	48
#define TYPES_BYTE	50
#define DULBE		(1U << 16)

uint16_t io_check_length(struct cmd *cmd, size_t length)
{
	const struct options *options = cmd->ctrl->options;

	if (options->mdts && length > 1UL << (12 + options->mpsmin + options->mdts))
		return cmd_bad_field(cmd, CDW12_BYTE);
	return 0;
}

/* Of commands without data: VSL and its like. NVM Command Set 1.1, 4.1.5.2 */
static uint16_t check_size(struct cmd *cmd, unsigned int limit)
{
	uint64_t most = 1ULL << (12 + cmd->ctrl->options->mpsmin + limit);

	return (uint64_t)cmd->nlb << cmd->ns->lba_shift > most ? cmd_bad_field(cmd, CDW12_BYTE) : 0;
}

/* There are no directives, and no command extensions. */
static uint16_t check_types(struct cmd *cmd, uint32_t types)
{
	return cmd->sqe.cdw12 & types ? cmd_bad_field(cmd, TYPES_BYTE) : 0;
}

bool io_is_durable(const struct cmd *cmd, bool fua)
{
	return fua || !feature_vwc_enabled(cmd->ctrl);
}

/* The error log names the block at fault. */
static uint16_t media_error(struct cmd *cmd, uint64_t lba, uint16_t status)
{
	cmd->slba = lba;
	smart_media_error(cmd->ctrl);
	return status;
}

uint16_t io_check_media(struct cmd *cmd, uint64_t slba, uint32_t nlb)
{
	const struct store *store = cmd->ns->store;
	uint64_t lba;

	if (store->uncorrectable) {
		lba = store_find(store, slba, nlb, BLOCK_UNCORRECTABLE, true);
		if (lba != UINT64_MAX)
			return media_error(cmd, lba, MEDIA(READ_ERROR));
	}
	if (store->allocated < store->blocks &&
	    feature_error_recovery(cmd->ctrl, cmd->ns->nsid) & DULBE &&
	    store_find(store, slba, nlb, BLOCK_ALLOCATED, false) != UINT64_MAX)
		return MEDIA(UNWRITTEN_BLOCK);
	return 0;
}

/* What Read, Compare and Verify want of blocks. A forced unit access gets data that is durable. */
static uint16_t check_read(struct cmd *cmd)
{
	uint16_t status = check_types(cmd, CETYPE);

	if (!status && cmd->ns->zns)
		status = zns_check_read(cmd);
	if (!status)
		status = io_check_media(cmd, cmd->slba, cmd->nlb);
	if (!status && FUA(cmd))
		store_commit(cmd->ns->store, cmd->slba, cmd->nlb);
	return status;
}

static uint16_t check_write(struct cmd *cmd)
{
	uint16_t status = check_types(cmd, DTYPE_CETYPE);

	return !status && cmd->ns->zns ? zns_check_write(cmd) : status;
}

/* Blocks have been written: what a zone does then. */
static uint16_t wrote(const struct cmd *cmd, uint16_t status)
{
	if (!status && cmd->ns->zns)
		zns_wrote(cmd->ns, cmd->slba, cmd->nlb);
	return status;
}

uint16_t flush_run(struct cmd *cmd)
{
	struct ns *ns;
	uint32_t nsid;

	if (io_fault_flush(cmd))
		return 0;
	if (cmd->ns) {
		ns_flush(cmd->ns);
		return 0;
	}
	for (nsid = 1; nsid <= cmd->ctrl->options->max_namespaces; nsid++) {
		ns = ns_attached(cmd->ctrl, nsid);
		if (ns)
			ns_flush(ns);
	}
	return 0;
}

/* From the map to the host, with nothing in between. */
static uint16_t read_plain(struct cmd *cmd)
{
	size_t length = (size_t)cmd->nlb << cmd->ns->lba_shift;
	uint16_t status = io_check_length(cmd, length);

	if (!status)
		status = xfer_map(cmd, length);
	if (!status)
		status = xfer_to_host(cmd, 0, store_data(cmd->ns->store, cmd->slba), length);
	return status;
}

/* What is stored, with the faults that a command was chosen for, checked. */
static uint16_t load(struct cmd *cmd, struct blocks *blocks, const struct protection *protection)
{
	uint16_t status;
	uint32_t bad;

	blocks_load(blocks, 0, cmd->slba, cmd->nlb);
	if (cmd->nr_shots)
		io_fault_read(cmd, blocks);
	status = protection_check(cmd->ns, protection, blocks->data, blocks->meta, cmd->nlb, &bad);
	return status ? media_error(cmd, cmd->slba + bad, status) : 0;
}

/* The mapped transfer, and room for the blocks. */
static uint16_t prepare(struct cmd *cmd, struct blocks *blocks, bool data_only)
{
	size_t length = blocks_length(cmd->ns, cmd->nlb, data_only);
	uint16_t status = io_check_length(cmd, length);

	if (!status)
		status = xfer_map(cmd, length);
	return status ? status : blocks_init(blocks, cmd->ns, cmd->nlb);
}

static uint16_t read_blocks(struct cmd *cmd)
{
	struct protection protection = protection_of(cmd);
	bool data_only = protection_is_all(cmd->ns, &protection);
	struct blocks blocks;
	uint16_t status = protection_validate(cmd->ns, &protection, cmd->slba);

	if (!status)
		status = prepare(cmd, &blocks, data_only);
	if (status)
		return status;
	status = load(cmd, &blocks, &protection);
	if (!status) {
		if (cmd->nr_shots)
			io_fault_flip(cmd, &blocks);
		status = blocks_to_host(&blocks, cmd, data_only);
	}
	blocks_free(&blocks);
	return status;
}

uint16_t read_run(struct cmd *cmd)
{
	uint16_t status = check_read(cmd);

	if (status)
		return status;
	return cmd->ns->ms || cmd->nr_shots ? read_blocks(cmd) : read_plain(cmd);
}

/* From the host to the map. If that fails half-way, so has the write. */
static uint16_t write_plain(struct cmd *cmd)
{
	struct store *store = cmd->ns->store;
	size_t length = (size_t)cmd->nlb << cmd->ns->lba_shift;
	uint16_t status = io_check_length(cmd, length);

	if (!status)
		status = xfer_map(cmd, length);
	if (status)
		return status;
	store_change(store, cmd->sqe.opcode, cmd->slba, cmd->nlb, io_is_durable(cmd, FUA(cmd)));
	status = xfer_from_host(cmd, 0, store_data(store, cmd->slba), length);
	store_written(store, cmd->slba, cmd->nlb);
	return status;
}

static bool is_append(const struct cmd *cmd)
{
	return cmd->ns->zns && cmd->sqe.opcode == nvme_zns_cmd_append;
}

static uint64_t zone_of(const struct cmd *cmd)
{
	return cmd->sqe.cdw10 | (uint64_t)cmd->sqe.cdw11 << 32;
}

/* Reference tags of an append begin with its zone, and follow it if remapped. ZNS 1.2, 3.4.1 */
static uint16_t validate_write(const struct cmd *cmd, const struct protection *protection)
{
	const struct ns *ns = cmd->ns;

	if (!is_append(cmd))
		return protection_validate(ns, protection, cmd->slba);
	if ((ns->pi == 1 && !PIREMAP(cmd)) || (ns->pi == 3 && PIREMAP(cmd)))
		return SPECIFIC(INVALID_PI);
	return protection_validate(ns, protection, zone_of(cmd));
}

/* What the host sent is checked, or gets its protection information here. */
static uint16_t protect(const struct cmd *cmd, const struct blocks *blocks,
			const struct protection *protection)
{
	const struct ns *ns = cmd->ns;
	uint16_t status = 0;
	uint32_t bad;

	if (!ns->pi)
		return 0;
	if (protection->prinfo & PRINFO_PRACT)
		protection_generate(ns, protection, blocks->data, blocks->meta, blocks->nlb);
	else
		status = protection_check(ns, protection, blocks->data, blocks->meta, blocks->nlb,
					  &bad);
	if (!status && is_append(cmd) && PIREMAP(cmd))
		protection_remap(ns, blocks->meta, blocks->nlb, cmd->slba - zone_of(cmd));
	return status;
}

static uint16_t write_blocks(struct cmd *cmd)
{
	struct protection protection = protection_of(cmd);
	bool data_only = protection_is_all(cmd->ns, &protection);
	bool durable = io_is_durable(cmd, FUA(cmd));
	struct blocks blocks;
	uint16_t status = validate_write(cmd, &protection);

	if (!status)
		status = prepare(cmd, &blocks, data_only);
	if (status)
		return status;
	status = blocks_from_host(&blocks, cmd, data_only);
	if (!status)
		status = protect(cmd, &blocks, &protection);
	if (!status && cmd->nr_shots)
		io_fault_store(cmd, &blocks, durable);
	else if (!status)
		blocks_store(&blocks, cmd->sqe.opcode, cmd->slba, cmd->nlb, durable);
	blocks_free(&blocks);
	return status;
}

uint16_t io_write(struct cmd *cmd)
{
	return cmd->ns->ms || cmd->nr_shots ? write_blocks(cmd) : write_plain(cmd);
}

uint16_t write_run(struct cmd *cmd)
{
	uint16_t status = check_write(cmd);

	return wrote(cmd, status ? status : io_write(cmd));
}

/* All but the protection information, which has been checked. NVM Command Set 1.1, 5.3.2.3 */
static bool same_meta(const struct ns *ns, unsigned char *a, unsigned char *b, uint32_t nlb)
{
	if (!ns->pi)
		return !memcmp(a, b, (size_t)nlb * ns->ms);
	for (; nlb; nlb--, a += ns->ms, b += ns->ms) {
		memset(protection_place(ns, a), 0, PROTECTION_LENGTH);
		memset(protection_place(ns, b), 0, PROTECTION_LENGTH);
		if (memcmp(a, b, ns->ms))
			return false;
	}
	return true;
}

static uint16_t compare(struct cmd *cmd, struct blocks *host, struct blocks *stored,
			const struct protection *protection, bool data_only)
{
	const struct ns *ns = cmd->ns;
	uint16_t status = blocks_from_host(host, cmd, data_only);
	uint32_t bad;

	if (!status && !(protection->prinfo & PRINFO_PRACT))
		status = protection_check(ns, protection, host->data, host->meta, cmd->nlb, &bad);
	if (!status)
		status = load(cmd, stored, protection);
	if (status)
		return status;
	if (cmd->nr_shots)
		io_fault_flip(cmd, stored);
	if (memcmp(host->data, stored->data, (size_t)cmd->nlb << ns->lba_shift) ||
	    (ns->ms && !data_only && !same_meta(ns, host->meta, stored->meta, cmd->nlb)))
		return MEDIA(COMPARE_FAILED);
	return 0;
}

uint16_t compare_run(struct cmd *cmd)
{
	struct protection protection = protection_of(cmd);
	bool data_only = protection_is_all(cmd->ns, &protection);
	struct blocks host, stored;
	uint16_t status = check_read(cmd);

	if (!status)
		status = protection_validate(cmd->ns, &protection, cmd->slba);
	if (!status)
		status = prepare(cmd, &host, data_only);
	if (status)
		return status;
	status = blocks_init(&stored, cmd->ns, cmd->nlb);
	if (!status)
		status = compare(cmd, &host, &stored, &protection, data_only);
	blocks_free(&stored);
	blocks_free(&host);
	return status;
}

uint16_t verify_run(struct cmd *cmd)
{
	struct protection protection = protection_of(cmd);
	struct blocks blocks;
	uint16_t status = check_size(cmd, IO_VSL);

	if (!status)
		status = check_read(cmd);
	if (!status)
		status = protection_validate(cmd->ns, &protection, cmd->slba);
	/* Without protection information there is nothing more to look at. */
	if (status || !cmd->ns->pi)
		return status;
	status = blocks_init(&blocks, cmd->ns, cmd->nlb);
	if (status)
		return status;
	status = load(cmd, &blocks, &protection);
	blocks_free(&blocks);
	return status;
}

uint16_t write_zeroes_run(struct cmd *cmd)
{
	struct protection protection = protection_of(cmd);
	bool durable = io_is_durable(cmd, FUA(cmd));
	struct ns *ns = cmd->ns;
	uint16_t status = check_size(cmd, IO_WZSL);

	if (!status)
		status = protection_validate(ns, &protection, cmd->slba);
	if (!status)
		status = check_write(cmd);
	if (status)
		return status;
	if (DEAC(cmd))
		store_deallocate(ns->store, cmd->sqe.opcode, cmd->slba, cmd->nlb, durable);
	else
		store_zero(ns->store, cmd->sqe.opcode, cmd->slba, cmd->nlb, durable);
	if (!DEAC(cmd) && ns->pi && protection.prinfo & PRINFO_PRACT)
		protection_generate(ns, &protection, store_data(ns->store, cmd->slba),
				    store_meta(ns->store, cmd->slba), cmd->nlb);
	return wrote(cmd, 0);
}

uint16_t write_uncorrectable_run(struct cmd *cmd)
{
	uint16_t status = check_size(cmd, IO_WUSL);
	uint64_t before;

	if (!status)
		status = check_write(cmd);
	if (status)
		return wrote(cmd, status);
	before = cmd->ns->store->uncorrectable;
	store_mark_uncorrectable(cmd->ns->store, cmd->sqe.opcode, cmd->slba, cmd->nlb,
				 io_is_durable(cmd, false));
	if (cmd->ns->store->uncorrectable > before)
		lba_alert(cmd->ns);
	return wrote(cmd, status);
}
