// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Get Log Page. */
#include <stdlib.h>

#include <nvme/types.h>

#include "nvme/boot_partition.h"
#include "nvme/changed_ns.h"
#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/effects_log.h"
#include "nvme/error_log.h"
#include "nvme/event.h"
#include "nvme/firmware.h"
#include "nvme/lba_status.h"
#include "nvme/log_page.h"
#include "nvme/persistent_event.h"
#include "nvme/reservation.h"
#include "nvme/sanitize.h"
#include "nvme/self_test.h"
#include "nvme/smart.h"
#include "nvme/telemetry.h"
#include "nvme/zns.h"
#include "options.h"

#define CDW10_BYTE	40
#define LPOL_BYTE	48
#define CDW14_BYTE	56
#define OFFSET_TYPE	(1U << 23)	/* of CDW14: LPO is an index */
#define LID(cmd)	((cmd)->sqe.cdw10 & 0xff)

struct log_page {
	uint8_t lid;
	uint16_t (*provide)(struct cmd *cmd, struct log *log);
	bool (*supported)(const struct options *options);	/* NULL: always */
};

#define SUPPORTED(part)								\
	static bool has_##part(const struct options *options)			\
	{									\
		return options->part;						\
	}

SUPPORTED(self_test)
SUPPORTED(telemetry)
SUPPORTED(persistent_event)
SUPPORTED(lba_status)
SUPPORTED(boot_partition)
SUPPORTED(reservations)
SUPPORTED(sanitize)
SUPPORTED(zns)

static const struct log_page log_pages[] = {
	{ NVME_LOG_LID_SUPPORTED_LOG_PAGES, supported_logs, NULL },
	{ NVME_LOG_LID_ERROR, error_log_log, NULL },
	{ NVME_LOG_LID_SMART, smart_log, NULL },
	{ NVME_LOG_LID_FW_SLOT, firmware_log, NULL },
	{ NVME_LOG_LID_CHANGED_NS, changed_ns_log, NULL },
	{ NVME_LOG_LID_CMD_EFFECTS, effects_log, NULL },
	{ NVME_LOG_LID_DEVICE_SELF_TEST, self_test_log, has_self_test },
	{ NVME_LOG_LID_TELEMETRY_HOST, telemetry_host_log, has_telemetry },
	{ NVME_LOG_LID_TELEMETRY_CTRL, telemetry_ctrl_log, has_telemetry },
	{ NVME_LOG_LID_PERSISTENT_EVENT, persistent_event_log, has_persistent_event },
	{ NVME_LOG_LID_LBA_STATUS, lba_status_log, has_lba_status },
	{ NVME_LOG_LID_FID_SUPPORTED_EFFECTS, feature_effects_log, NULL },
	{ NVME_LOG_LID_MI_CMD_SUPPORTED_EFFECTS, mi_effects_log, NULL },
	{ NVME_LOG_LID_BOOT_PARTITION, boot_partition_log, has_boot_partition },
	{ NVME_LOG_LID_RESERVATION, reservation_log, has_reservations },
	{ NVME_LOG_LID_SANITIZE, sanitize_log, has_sanitize },
	{ NVME_LOG_LID_ZNS_CHANGED_ZONES, zns_changed_zones_log, has_zns },
};

static const struct log_page *find(const struct ctrl *ctrl, uint8_t lid)
{
	size_t i;

	for (i = 0; i < sizeof(log_pages) / sizeof(log_pages[0]); i++)
		if (log_pages[i].lid == lid)
			return log_pages[i].supported && !log_pages[i].supported(ctrl->options) ?
				       NULL : &log_pages[i];
	return NULL;
}

bool log_supported(const struct ctrl *ctrl, uint8_t lid)
{
	return find(ctrl, lid);
}

void *log_alloc(struct log *log, uint64_t length)
{
	log->allocated = calloc(1, length);
	log->data = log->allocated;
	log->length = length;
	return log->allocated;
}

/* NUMD is 0's based and counts dwords; LPO is in bytes. */
static uint64_t wanted_length(const struct cmd *cmd)
{
	uint32_t numd = cmd->sqe.cdw10 >> 16 | cmd->sqe.cdw11 << 16;

	return ((uint64_t)numd + 1) * 4;
}

static uint16_t check(struct cmd *cmd, const struct log_page *page)
{
	if (!page) {
		cmd->error_location = CDW10_BYTE;
		return SPECIFIC(INVALID_LOG_PAGE);
	}
	if (cmd->sqe.cdw12 & 3)
		return cmd_bad_field(cmd, LPOL_BYTE);
	/* Supported Log Pages says of no page that it takes an index. */
	if (cmd->sqe.cdw14 & OFFSET_TYPE)
		return cmd_bad_field(cmd, CDW14_BYTE + 2);
	return 0;
}

static uint16_t reply(struct cmd *cmd, const struct log *log)
{
	uint64_t offset = cmd->sqe.cdw12 | (uint64_t)cmd->sqe.cdw13 << 32;

	/* To release a context transfers nothing. */
	if (!log->data)
		return 0;
	if (offset > log->length)
		return cmd_bad_field(cmd, LPOL_BYTE);
	return cmd_reply(cmd, (const unsigned char *)log->data + offset, log->length - offset,
			 wanted_length(cmd));
}

uint16_t get_log_page_run(struct cmd *cmd)
{
	const struct log_page *page = find(cmd->ctrl, LID(cmd));
	struct log log = { 0 };
	uint16_t status = check(cmd, page);

	if (status)
		return status;
	status = page->provide(cmd, &log);
	if (!status)
		status = reply(cmd, &log);
	free(log.allocated);
	if (!status && !log_rae(cmd->sqe.cdw10))
		event_log_read(cmd->ctrl, LID(cmd));
	return status;
}
