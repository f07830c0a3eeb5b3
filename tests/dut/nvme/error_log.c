// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The Error Information log: a ring of the last errors, the newest first. */
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/error_log.h"
#include "nvme/ns.h"
#include "nvme/smart.h"
#include "options.h"

#define NO_ID		0xffff
#define VERSION_1	1	/* Log Page Version: Opcode and Command Set Indicator are valid */

struct errors {
	uint32_t room, nr;
	uint32_t next;			/* where the next one goes */
	struct nvme_error_log_page entries[];
};

struct errors *errors_new(struct ctrl *ctrl)
{
	uint32_t room = ctrl->options->elpe + 1;
	struct errors *errors = calloc(1, sizeof(*errors) + room * sizeof(errors->entries[0]));

	if (errors)
		errors->room = room;
	return errors;
}

void errors_free(struct errors *errors)
{
	free(errors);
}

void errors_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	ctrl->errors->nr = 0;
	ctrl->errors->next = 0;
}

/* A zeroed entry with its number, in place of the oldest. */
static struct nvme_error_log_page *add(struct ctrl *ctrl, uint16_t status)
{
	struct errors *errors = ctrl->errors;
	struct nvme_error_log_page *entry = errors->entries + errors->next;

	errors->next = (errors->next + 1) % errors->room;
	if (errors->nr < errors->room)
		errors->nr++;
	memset(entry, 0, sizeof(*entry));
	entry->error_count = smart_error_entry(ctrl);
	entry->status_field = status << 1;
	return entry;
}

void error_log_add(struct cmd *cmd, uint16_t status)
{
	struct nvme_error_log_page *entry = add(cmd->ctrl, status);

	entry->sqid = cmd->sqid;
	entry->cmdid = cmd->sqe.cid;
	entry->parm_error_location = cmd->error_location;
	entry->lba = cmd->slba;
	entry->nsid = cmd->sqe.nsid;
	entry->rsvd[0] = cmd->ns ? cmd->ns->csi : NVME_CSI_NVM;
	entry->rsvd[1] = cmd->sqe.opcode;
	entry->rsvd2[sizeof(entry->rsvd2) - 1] = VERSION_1;
}

void error_log_device(struct ctrl *ctrl, uint16_t status)
{
	struct nvme_error_log_page *entry = add(ctrl, status);

	entry->sqid = NO_ID;
	entry->cmdid = NO_ID;
	entry->parm_error_location = NO_LOCATION;
}

uint16_t error_log_log(struct cmd *cmd, struct log *log)
{
	const struct errors *errors = cmd->ctrl->errors;
	struct nvme_error_log_page *page;
	uint32_t i;

	page = log_alloc(log, errors->room * sizeof(*page));
	if (!page)
		return RETRY(GENERIC(INTERNAL));
	for (i = 0; i < errors->nr; i++)
		page[i] = errors->entries[(errors->next + errors->room - 1 - i) % errors->room];
	return 0;
}
