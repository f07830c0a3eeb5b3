// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The commands that the model knows, and what each wants. */
#include <stddef.h>
#include <string.h>

#include <nvme/types.h>

#include "fault/vendor_command.h"
#include "nvme/cmd.h"
#include "nvme/copy.h"
#include "nvme/ctrl.h"
#include "nvme/doorbell_buffer.h"
#include "nvme/dsm.h"
#include "nvme/event.h"
#include "nvme/feature.h"
#include "nvme/firmware.h"
#include "nvme/format.h"
#include "nvme/identify.h"
#include "nvme/io.h"
#include "nvme/keep_alive.h"
#include "nvme/lba_status.h"
#include "nvme/log_page.h"
#include "nvme/mi_command.h"
#include "nvme/ns.h"
#include "nvme/ns_management.h"
#include "nvme/queue_command.h"
#include "nvme/reservation.h"
#include "nvme/sanitize.h"
#include "nvme/security.h"
#include "nvme/self_test.h"
#include "nvme/zns.h"
#include "options.h"

#define ANY		(COMMAND_IN_SANITIZE | COMMAND_IN_FORMAT)
#define AT_ONCE		(ANY | COMMAND_AT_ONCE)
#define LBCC		NVME_CMD_EFFECTS_LBCC
#define NCC		NVME_CMD_EFFECTS_NCC
#define NIC		NVME_CMD_EFFECTS_NIC
#define CCC		NVME_CMD_EFFECTS_CCC
#define CSE_NS		(1U << 16)	/* Command Submission and Execution: alone in its namespace */
#define CSE_ALL		(2U << 16)	/* alone in all namespaces */

#define SUPPORTED(part)								\
	static bool has_##part(const struct options *options)			\
	{									\
		return options->part;						\
	}

SUPPORTED(ns_management)
SUPPORTED(self_test)
SUPPORTED(mi)
SUPPORTED(dbbuf)
SUPPORTED(format)
SUPPORTED(security)
SUPPORTED(sanitize)
SUPPORTED(lba_status)
SUPPORTED(compare)
SUPPORTED(copy)
SUPPORTED(verify)
SUPPORTED(write_zeroes)
SUPPORTED(write_uncorrectable)
SUPPORTED(dsm)
SUPPORTED(reservations)

static bool has_downloads(const struct options *options)
{
	return options->firmware_slots || options->boot_partition;
}

static const struct command admin_commands[] = {
	{ nvme_admin_delete_sq, "delete-sq", AT_ONCE, 0, delete_sq_run, NULL },
	{ nvme_admin_create_sq, "create-sq", AT_ONCE, 0, create_sq_run, NULL },
	{ nvme_admin_get_log_page, "get-log", ANY, 0, get_log_page_run, NULL },
	{ nvme_admin_delete_cq, "delete-cq", AT_ONCE, 0, delete_cq_run, NULL },
	{ nvme_admin_create_cq, "create-cq", AT_ONCE, 0, create_cq_run, NULL },
	{ nvme_admin_identify, "identify", ANY, 0, identify_run, NULL },
	{ nvme_admin_abort_cmd, "abort", AT_ONCE, 0, abort_run, NULL },
	{ nvme_admin_set_features, "set-features", ANY, 0, set_features_run, NULL },
	{ nvme_admin_get_features, "get-features", ANY, 0, get_features_run, NULL },
	{ nvme_admin_async_event, "async-event", AT_ONCE, 0, event_request_run, NULL },
	{ nvme_admin_ns_mgmt, "ns-management", 0, NIC, ns_management_run, has_ns_management },
	{ nvme_admin_fw_commit, "firmware-commit", 0, CCC | CSE_ALL, firmware_commit_run,
	  has_downloads },
	{ nvme_admin_fw_download, "firmware-download", 0, 0, firmware_download_run, has_downloads },
	{ nvme_admin_dev_self_test, "self-test", 0, 0, self_test_run, has_self_test },
	{ nvme_admin_ns_attach, "ns-attachment", 0, NIC, ns_attachment_run, has_ns_management },
	{ nvme_admin_keep_alive, "keep-alive", AT_ONCE, 0, keep_alive_run, NULL },
	{ nvme_admin_nvme_mi_send, "mi-send", ANY, 0, mi_send_run, has_mi },
	{ nvme_admin_nvme_mi_recv, "mi-receive", ANY, 0, mi_receive_run, has_mi },
	{ nvme_admin_dbbuf, "doorbell-buffer-config", AT_ONCE, 0, doorbell_buffer_config_run,
	  has_dbbuf },
	{ nvme_admin_format_nvm, "format", COMMAND_IN_FORMAT, LBCC | NCC | CSE_ALL, format_run,
	  has_format },
	{ nvme_admin_security_send, "security-send", COMMAND_IN_FORMAT, 0, security_send_run,
	  has_security },
	{ nvme_admin_security_recv, "security-receive", COMMAND_IN_FORMAT, 0, security_receive_run,
	  has_security },
	{ nvme_admin_sanitize_nvm, "sanitize", ANY, LBCC | CSE_ALL, sanitize_run, has_sanitize },
	{ nvme_admin_get_lba_status, "get-lba-status", COMMAND_NS, 0, get_lba_status_run,
	  has_lba_status },
	{ VENDOR_FAULT_CLEAR, "fault-clear", AT_ONCE, 0, fault_clear_run, NULL },
	{ VENDOR_FAULT_ARM, "fault-arm", AT_ONCE, 0, fault_arm_run, NULL },
	{ VENDOR_FAULT_LOG, "fault-log", AT_ONCE, 0, fault_log_run, NULL },
};

#define DATA_READ	(COMMAND_NS | COMMAND_RANGE | COMMAND_READS)
#define DATA_WRITE	(COMMAND_NS | COMMAND_RANGE | COMMAND_WRITES)

static const struct command nvm_commands[] = {
	{ nvme_cmd_flush, "flush", COMMAND_NS_OR_ALL, 0, flush_run, NULL },
	{ nvme_cmd_write, "write", DATA_WRITE, LBCC, write_run, NULL },
	{ nvme_cmd_read, "read", DATA_READ, 0, read_run, NULL },
	{ nvme_cmd_write_uncor, "write-uncorrectable", DATA_WRITE, LBCC, write_uncorrectable_run,
	  has_write_uncorrectable },
	{ nvme_cmd_compare, "compare", DATA_READ, 0, compare_run, has_compare },
	{ nvme_cmd_write_zeroes, "write-zeroes", DATA_WRITE, LBCC, write_zeroes_run,
	  has_write_zeroes },
	{ nvme_cmd_dsm, "dsm", COMMAND_NS | COMMAND_WRITES, LBCC, dsm_run, has_dsm },
	{ nvme_cmd_verify, "verify", DATA_READ, 0, verify_run, has_verify },
	{ nvme_cmd_resv_register, "reservation-register", COMMAND_NS, 0, reservation_register_run,
	  has_reservations },
	{ nvme_cmd_resv_report, "reservation-report", COMMAND_NS, 0, reservation_report_run,
	  has_reservations },
	{ nvme_cmd_resv_acquire, "reservation-acquire", COMMAND_NS, 0, reservation_acquire_run,
	  has_reservations },
	{ nvme_cmd_resv_release, "reservation-release", COMMAND_NS, 0, reservation_release_run,
	  has_reservations },
	{ nvme_cmd_copy, "copy", COMMAND_NS | COMMAND_WRITES, LBCC, copy_run, has_copy },
};

static const struct command zns_commands[] = {
	{ nvme_zns_cmd_mgmt_send, "zone-send", COMMAND_NS | COMMAND_WRITES, LBCC, zone_send_run, NULL },
	{ nvme_zns_cmd_mgmt_recv, "zone-receive", COMMAND_NS | COMMAND_READS, 0, zone_receive_run, NULL },
	{ nvme_zns_cmd_append, "zone-append", COMMAND_NS | COMMAND_WRITES | COMMAND_RANGE, LBCC,
	  zone_append_run, NULL },
};

#define COUNT(table)	(sizeof(table) / sizeof((table)[0]))

static const struct command *find(const struct ctrl *ctrl, const struct command *table, size_t n,
				  uint8_t opcode)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (table[i].opcode == opcode)
			return table[i].supported && !table[i].supported(ctrl->options) ?
				       NULL : &table[i];
	return NULL;
}

const struct command *admin_command(const struct ctrl *ctrl, uint8_t opcode)
{
	return find(ctrl, admin_commands, COUNT(admin_commands), opcode);
}

const struct command *io_command(const struct ctrl *ctrl, uint8_t csi, uint8_t opcode)
{
	const struct command *command = find(ctrl, nvm_commands, COUNT(nvm_commands), opcode);

	if (!command && csi == NVME_CSI_ZNS)
		command = find(ctrl, zns_commands, COUNT(zns_commands), opcode);
	return command;
}

static const struct command *find_name(const struct command *table, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

const struct command *command_named(const char *name, bool *admin)
{
	const struct command *command = find_name(admin_commands, COUNT(admin_commands), name);

	*admin = command;
	if (!command)
		command = find_name(nvm_commands, COUNT(nvm_commands), name);
	if (!command)
		command = find_name(zns_commands, COUNT(zns_commands), name);
	return command;
}
