// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Firmware slots and what is done with an image. NVMe Base 2.1, 3.11 and 5.1.8 */
#include <stdlib.h>
#include <string.h>

#include "nvme/boot_partition.h"
#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/event.h"
#include "nvme/firmware_image.h"
#include "nvme/firmware_priv.h"
#include "nvme/log_page.h"
#include "nvme/persistent_event.h"
#include "nvme/subsys.h"
#include "options.h"

#define CDW10_BYTE	40
#define FIRST_READ_ONLY	(1U << 0)	/* FRMW */
#define ACTIVATES	(1U << 4)
#define SMUD		(1U << 5)

static bool first_is_read_only(const struct options *options)
{
	return options->firmware_slots > 1;
}

uint8_t firmware_frmw(const struct options *options)
{
	if (!options->firmware_slots)
		return 0;
	return (first_is_read_only(options) ? FIRST_READ_ONLY : 0) | options->firmware_slots << 1 |
	       ACTIVATES | SMUD;
}

static struct firmware_slot *slot_of(struct firmware *firmware, unsigned int number)
{
	return &firmware->state->slots[number - 1];
}

const char *firmware_active_revision(struct subsys *subsys)
{
	struct firmware *firmware = subsys->firmware;
	const struct firmware_slot *slot = slot_of(firmware, firmware->state->active);

	memcpy(firmware->revision, slot->revision, sizeof(slot->revision));
	return firmware->revision;
}

bool firmware_pending(const struct subsys *subsys)
{
	return subsys->firmware->state->next;
}

/* The device comes with its options' firmware in slot 1, where it stays while that is read only. */
static void load_first(struct firmware *firmware, const struct options *options)
{
	struct firmware_state *state = firmware->state;
	struct firmware_slot *slot = &state->slots[0];
	size_t length = strnlen(options->firmware_revision, sizeof(slot->revision));

	if (state->active && !first_is_read_only(options))
		return;
	memset(slot->revision, ' ', sizeof(slot->revision));
	memcpy(slot->revision, options->firmware_revision, length);
	slot->valid = 1;
	slot->needs = FIRMWARE_NEEDS_NOTHING;
	if (!state->active || state->active > options->firmware_slots)
		state->active = 1;
}

struct firmware *firmware_new(struct subsys *subsys)
{
	struct firmware *firmware = calloc(1, sizeof(*firmware));

	if (!firmware)
		return NULL;
	firmware->state = state_section(subsys, "firmware", sizeof(*firmware->state));
	if (download_init(&firmware->download, subsys->options)) {
		firmware_free(firmware);
		return NULL;
	}
	load_first(firmware, subsys->options);
	return firmware;
}

void firmware_free(struct firmware *firmware)
{
	if (!firmware)
		return;
	download_fini(&firmware->download);
	free(firmware);
}

static enum firmware_needs reset_gives(enum ctrl_reset kind)
{
	switch (kind) {
	case CTRL_RESET_PCI:
		return FIRMWARE_NEEDS_CONVENTIONAL_RESET;
	case CTRL_RESET_NSSR:
	case CTRL_RESET_POWER:
		return FIRMWARE_NEEDS_SUBSYSTEM_RESET;
	default:
		return FIRMWARE_NEEDS_RESET;
	}
}

static void activate(struct firmware *firmware, unsigned int number)
{
	firmware->state->active = number;
	firmware->state->next = 0;
}

void firmware_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	struct firmware *firmware = ctrl->subsys->firmware;
	unsigned int next = firmware->state->next;

	if (firmware->download.owner == ctrl)
		download_drop(&firmware->download);
	if (next && slot_of(firmware, next)->needs <= reset_gives(kind))
		activate(firmware, next);
}

/* Slot 0 leaves the choice to the controller: one that is not running and may be written. */
static unsigned int choose_slot(const struct firmware *firmware, const struct options *options)
{
	unsigned int number = first_is_read_only(options) ? 2 : 1;

	while (number < options->firmware_slots &&
	       (number == firmware->state->active || number == firmware->state->next))
		number++;
	return number;
}

static uint16_t check_slot(const struct options *options, unsigned int number, bool written)
{
	if (number > options->firmware_slots)
		return SPECIFIC(FIRMWARE_SLOT);
	if (written && number == 1 && first_is_read_only(options))
		return SPECIFIC(FIRMWARE_SLOT);
	return 0;
}

/* The download into a slot. Whatever comes of it, it is over. */
static uint16_t store_image(struct firmware *firmware, unsigned int number)
{
	struct download *download = &firmware->download;
	size_t length = download_complete(download);
	struct firmware_slot *slot = slot_of(firmware, number);
	struct firmware_image image;

	if (!firmware_image_valid(download->data, length)) {
		download_drop(download);
		return SPECIFIC(FIRMWARE_IMAGE);
	}
	memcpy(&image, download->data, sizeof(image));
	memcpy(slot->revision, image.revision, sizeof(slot->revision));
	slot->needs = image.needs;
	slot->valid = 1;
	download_drop(download);
	return 0;
}

/* The command has done its part; the status names the reset that the remainder takes. */
static uint16_t wait_for_reset(struct firmware *firmware, unsigned int number, bool at_once)
{
	firmware->state->next = number;
	switch (slot_of(firmware, number)->needs) {
	case FIRMWARE_NEEDS_CONVENTIONAL_RESET:
		return RETRY(SPECIFIC(FW_NEEDS_CONV_RESET));
	case FIRMWARE_NEEDS_SUBSYSTEM_RESET:
		return RETRY(SPECIFIC(FW_NEEDS_SUBSYS_RESET));
	default:
		return at_once ? RETRY(SPECIFIC(FW_NEEDS_RESET)) : 0;
	}
}

static uint16_t activate_now(struct ctrl *ctrl, unsigned int number)
{
	struct subsys *subsys = ctrl->subsys;
	unsigned int i;

	if (slot_of(subsys->firmware, number)->needs != FIRMWARE_NEEDS_NOTHING)
		return wait_for_reset(subsys->firmware, number, true);
	for (i = 0; i < subsys->nr_ctrls; i++)
		event_post(subsys->ctrls[i], NVME_AER_NOTICE, NVME_AER_NOTICE_FW_ACT_STARTING,
			   NVME_LOG_LID_FW_SLOT);
	activate(subsys->firmware, number);
	return 0;
}

static void record(struct cmd *cmd, unsigned int number, unsigned int action, uint64_t old,
		   uint16_t status)
{
	struct nvme_fw_commit_event event = {
		.old_fw_rev = old,
		.fw_commit_action = action,
		.fw_slot = number,
		.sct_fw = status >> 8 & 7,
		.sc_fw = status & 0xff,
	};

	if (number && number <= FIRMWARE_SLOTS_MAX)
		memcpy(&event.new_fw_rev, slot_of(cmd->ctrl->subsys->firmware, number)->revision,
		       sizeof(event.new_fw_rev));
	persistent_event_add(cmd->ctrl, NVME_PEL_FW_COMMIT_EVENT, &event, sizeof(event));
}

/* Actions 0 to 3 */
static uint16_t commit(struct cmd *cmd, unsigned int number, unsigned int action)
{
	struct firmware *firmware = cmd->ctrl->subsys->firmware;
	bool writes = action == NVME_FW_COMMIT_CA_REPLACE ||
		      action == NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE;
	uint16_t status;

	/* Activation at once takes what was downloaded along, if there is something. */
	if (action == NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE_IMMEDIATE)
		writes = firmware->download.length;
	status = check_slot(cmd->ctrl->options, number, writes);
	if (!status && writes)
		status = store_image(firmware, number);
	if (!status && !slot_of(firmware, number)->valid)
		status = SPECIFIC(FIRMWARE_IMAGE);
	if (status || action == NVME_FW_COMMIT_CA_REPLACE)
		return status;
	if (action == NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE_IMMEDIATE)
		return activate_now(cmd->ctrl, number);
	return wait_for_reset(firmware, number, false);
}

/* Actions 6 and 7: a boot partition instead of a slot. */
static uint16_t commit_boot(struct cmd *cmd, unsigned int id, unsigned int action)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	struct download *download = &subsys->firmware->download;
	uint16_t status;

	if (!cmd->ctrl->options->boot_partition)
		return cmd_bad_field(cmd, CDW10_BYTE);
	if (action == NVME_FW_COMMIT_CA_ACTIVATE_BOOT_PARTITION) {
		boot_partition_activate(subsys, id);
		return 0;
	}
	status = boot_partition_replace(subsys, id, download->data, download_complete(download));
	download_drop(download);
	return status;
}

uint16_t firmware_commit_run(struct cmd *cmd)
{
	struct firmware *firmware = cmd->ctrl->subsys->firmware;
	unsigned int number = cmd->sqe.cdw10 & 7, action = cmd->sqe.cdw10 >> 3 & 7;
	uint64_t old;
	uint16_t status;

	if (action == NVME_FW_COMMIT_CA_REPLACE_BOOT_PARTITION ||
	    action == NVME_FW_COMMIT_CA_ACTIVATE_BOOT_PARTITION)
		return commit_boot(cmd, cmd->sqe.cdw10 >> 31, action);
	if (action > NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE_IMMEDIATE ||
	    !cmd->ctrl->options->firmware_slots)
		return cmd_bad_field(cmd, CDW10_BYTE);
	if (!number)
		number = choose_slot(firmware, cmd->ctrl->options);
	memcpy(&old, slot_of(firmware, firmware->state->active)->revision, sizeof(old));
	status = commit(cmd, number, action);
	record(cmd, number, action, old, status);
	return status;
}

uint16_t firmware_log(struct cmd *cmd, struct log *log)
{
	const struct firmware_state *state = cmd->ctrl->subsys->firmware->state;
	struct nvme_firmware_slot *page = log_alloc(log, sizeof(*page));
	unsigned int i;

	if (!page)
		return RETRY(GENERIC(INTERNAL));
	page->afi = state->active | state->next << 4;
	for (i = 0; i < FIRMWARE_SLOTS_MAX; i++)
		if (state->slots[i].valid)
			memcpy(page->frs[i], state->slots[i].revision, sizeof(page->frs[i]));
	return 0;
}
