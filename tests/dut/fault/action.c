// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The actions: their names, what fires them, the keys that each takes. */
#include <string.h>

#include <nvme/types.h>

#include "fault/rule.h"
#include "nvme/cmd.h"
#include "nvme/ns.h"

#define ON_COMMAND	TRIGGER_COMMAND
#define ON_DOORBELL	TRIGGER_DOORBELL
#define ON_ANYTHING	(TRIGGER_COMMAND | TRIGGER_REGISTER | TRIGGER_DOORBELL | TRIGGER_TIME)

static bool is_io(const struct cmd *cmd, uint8_t opcode)
{
	return cmd->sqid && cmd->sqe.opcode == opcode;
}

static bool reads(const struct cmd *cmd)
{
	return is_io(cmd, nvme_cmd_read);
}

static bool writes(const struct cmd *cmd)
{
	return is_io(cmd, nvme_cmd_write) ||
	       (is_io(cmd, nvme_zns_cmd_append) && cmd->ns && cmd->ns->csi == NVME_CSI_ZNS);
}

static bool reads_or_writes(const struct cmd *cmd)
{
	return reads(cmd) || writes(cmd);
}

static bool flushes(const struct cmd *cmd)
{
	return is_io(cmd, nvme_cmd_flush);
}

static bool identifies(const struct cmd *cmd)
{
	return !cmd->sqid && cmd->sqe.opcode == nvme_admin_identify;
}

static bool sanitizes(const struct cmd *cmd)
{
	return !cmd->sqid && cmd->sqe.opcode == nvme_admin_sanitize_nvm &&
	       (cmd->sqe.cdw10 & 7) > NVME_SANITIZE_SANACT_EXIT_FAILURE;
}

static bool moves_blocks(const struct cmd *cmd)
{
	return reads(cmd) || writes(cmd) || is_io(cmd, nvme_cmd_compare);
}

/* Whichever way they go: the direction of data is in bits 1:0. NVMe Base 2.1, 4.1.1 */
static bool has_data(const struct cmd *cmd)
{
	return cmd->sqe.opcode & 3;
}

#define SHOT(name, action, keys, needs, fits, help)					\
	{ name, action, WAY_SHOT, ON_COMMAND, keys, needs, fits, help }

static const struct action actions[] = {
	SHOT("irq-lost", FAULT_IRQ_LOST, 0, 0, NULL, "no interrupt"),
	SHOT("irq-early", FAULT_IRQ_EARLY, KEY_DELAY, 0, NULL,
	     "interrupt, and delay=10ms later the completion"),
	SHOT("irq-late", FAULT_IRQ_LATE, KEY_DELAY, 0, NULL, "interrupt delay=10ms late"),
	SHOT("irq-wrong", FAULT_IRQ_WRONG, KEY_VECTOR, KEY_VECTOR, NULL,
	     "interrupt on vector= instead"),
	{ "irq-spurious", FAULT_IRQ_SPURIOUS, WAY_SHOT, ON_ANYTHING, KEY_VECTOR, 0, NULL,
	  "interrupt without a completion, on vector= or that of the command's queue" },
	{ "irq-storm", FAULT_IRQ_STORM, WAY_EVENT, ON_ANYTHING, KEY_VECTOR | KEY_COUNT | KEY_GAP, 0,
	  NULL, "count=1000 of them, gap=20us from one to the next" },
	{ "irq-masked", FAULT_IRQ_MASKED, WAY_SHOT, ON_ANYTHING, KEY_VECTOR, 0, NULL,
	  "interrupt on vector=, or of the command's completion, though it is masked" },

	SHOT("cpl-never", FAULT_CPL_NEVER, 0, 0, NULL, "no completion"),
	SHOT("cpl-late", FAULT_CPL_LATE, KEY_DELAY, 0, NULL, "completion delay=10ms late"),
	SHOT("cpl-twice", FAULT_CPL_TWICE, 0, 0, NULL, "two completions"),
	SHOT("cpl-cid", FAULT_CPL_CID, KEY_CID, 0, NULL, "cid= in it, or bit 14 inverted"),
	SHOT("cpl-sqid", FAULT_CPL_SQID, KEY_SQID, 0, NULL, "sqid= in it, or the next one"),
	SHOT("cpl-sqhd", FAULT_CPL_SQHD, KEY_SQHD, 0, NULL, "sqhd= in it, or bit 0 inverted"),
	SHOT("cpl-phase", FAULT_CPL_PHASE, 0, 0, NULL, "phase bit inverted"),
	SHOT("cpl-range", FAULT_CPL_RANGE, KEY_COUNT, 0, NULL,
	     "written count=0 entries behind the end of its queue"),
	SHOT("status", FAULT_CPL_STATUS, KEY_STATUS | KEY_DNR, KEY_STATUS, NULL,
	     "not executed, ends with status=SCT<<8|SC, dnr=0; status=0: executed, success"),

	SHOT("flip", FAULT_DATA_FLIP, KEY_BYTE | KEY_BIT, 0, moves_blocks,
	     "bit=0 of byte=0 of the blocks inverted, as read, written or compared"),
	SHOT("stale", FAULT_DATA_STALE, 0, 0, reads, "an older version of the first block is read"),
	SHOT("swap", FAULT_DATA_SWAP, 0, 0, reads_or_writes,
	     "first and last block exchanged, a single one with its neighbour"),
	SHOT("misdirect", FAULT_DATA_MISDIRECT, KEY_LBA, 0, reads_or_writes,
	     "done at lba=, or at one that the seed gives"),
	SHOT("lost-write", FAULT_DATA_LOST, 0, 0, writes, "success, and nothing written"),
	SHOT("torn-write", FAULT_DATA_TORN, KEY_COUNT, 0, writes,
	     "success, and only the first count= blocks written, or half of them"),
	SHOT("lost-flush", FAULT_DATA_LOST_FLUSH, 0, 0, flushes, "success, and nothing made durable"),
	SHOT("dma-past-end", FAULT_DATA_PAST_END, KEY_COUNT | KEY_VALUE, 0, has_data,
	     "count=64 bytes of value=0xee written to the host, behind the end of the data"),
	SHOT("dma-freed", FAULT_DATA_FREED, KEY_COUNT | KEY_VALUE, 0, NULL,
	     "the same, where an earlier command had its data"),
	SHOT("identify", FAULT_DATA_IDENTIFY, KEY_BYTE | KEY_VALUE | KEY_COUNT, KEY_BYTE | KEY_VALUE,
	     identifies, "identify data has value= in the count=1 bytes (to 8) at byte="),

	SHOT("sanitize-fail", FAULT_SANITIZE, 0, 0, sanitizes, "what it begins fails half-way"),

	{ "register", FAULT_REGISTER, WAY_ANSWER, ON_ANYTHING,
	  KEY_VALUE | KEY_FOR | KEY_REG | KEY_CONFIG, 0, NULL,
	  "reg= or config= reads as value=; with access=write: writes are ignored" },
	{ "doorbell-lost", FAULT_DOORBELL, WAY_ANSWER, ON_DOORBELL, 0, 0, NULL,
	  "the doorbell write is ignored" },

	{ "rdy-stuck", FAULT_RDY_STUCK, WAY_HOLD, ON_ANYTHING, KEY_VALUE | KEY_FOR, KEY_VALUE, NULL,
	  "CSTS.RDY reads as value=" },
	{ "rdy-slow", FAULT_RDY_SLOW, WAY_HOLD, ON_ANYTHING, KEY_DELAY | KEY_FOR, KEY_DELAY, NULL,
	  "CSTS.RDY follows CC.EN delay= late" },
	{ "cfs", FAULT_CFS, WAY_EVENT, ON_ANYTHING, 0, 0, NULL, "Controller Fatal Status" },
	{ "all-ones", FAULT_ALL_ONES, WAY_HOLD, ON_ANYTHING, KEY_FOR, 0, NULL,
	  "all BARs read as all-ones, and writes of them are ignored" },
	{ "event-flood", FAULT_EVENT_FLOOD, WAY_EVENT, ON_ANYTHING, KEY_COUNT, 0, NULL,
	  "count=100 asynchronous events" },

	{ "link-down", FAULT_LINK_DOWN, WAY_HOLD, ON_ANYTHING, KEY_FOR, 0, NULL, "the link is down" },
	{ "pci-error", FAULT_PCI_ERROR, WAY_EVENT, ON_ANYTHING, KEY_ERROR, KEY_ERROR, NULL,
	  "error=NAME in the AER capability" },
	{ "removal", FAULT_REMOVAL, WAY_EVENT, ON_ANYTHING, 0, 0, NULL,
	  "the link is down until \"link up\" or \"power on\"" },
	{ "config-ones", FAULT_CONFIG_ONES, WAY_HOLD, ON_ANYTHING, KEY_FOR, 0, NULL,
	  "config space reads as all-ones, and writes of it are ignored" },
};

const struct action *action_named(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (!strcmp(actions[i].name, name))
			return &actions[i];
	return NULL;
}

void action_print_help(FILE *out)
{
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		fprintf(out, "  %-14s %s\n", actions[i].name, actions[i].help);
}
