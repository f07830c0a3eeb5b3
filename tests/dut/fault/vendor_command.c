// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Admin commands of the vendor that let the host itself break its device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault/fault.h"
#include "fault/vendor_command.h"
#include "nvme/cmd.h"
#include "nvme/subsys.h"

#define CDW10_BYTE	40
#define MAX_TEXT	(64U << 10)
#define MAX_LOG		(1U << 20)

uint16_t fault_clear_run(struct cmd *cmd)
{
	return faults_clear(cmd->ctrl->subsys->faults, cmd->sqe.cdw10) ?
		       cmd_bad_field(cmd, CDW10_BYTE) : 0;
}

/* The id of the last of the lines, or a negative errno with none of them armed. */
static int arm_lines(struct faults *faults, char *text)
{
	int id = 0, first = 0, last = 0;
	char *line, *save = NULL, error[256];

	for (line = strtok_r(text, "\n", &save); line && id >= 0;
	     line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "#")] = 0;
		if (!line[strspn(line, " \t\r")])
			continue;
		id = faults_add(faults, line, error, sizeof(error));
		if (id > 0)
			last = id;
		if (id > 0 && !first)
			first = id;
	}
	if (id >= 0)
		return last;
	faults_note(faults, "fault-arm: refused: %s", error);
	for (; first && first <= last; first++)
		faults_clear(faults, first);
	return id;
}

uint16_t fault_arm_run(struct cmd *cmd)
{
	uint32_t length = cmd->sqe.cdw10;
	uint16_t status;
	char *text;
	int id;

	if (!length || length > MAX_TEXT)
		return cmd_bad_field(cmd, CDW10_BYTE);
	text = calloc(1, length + 1);
	if (!text)
		return RETRY(GENERIC(INTERNAL));
	status = cmd_take(cmd, text, length);
	id = status ? 0 : arm_lines(cmd->ctrl->subsys->faults, text);
	free(text);
	if (!status && id <= 0)
		status = GENERIC(INVALID_FIELD);
	cmd->dw0 = status ? 0 : id;
	return status;
}

uint16_t fault_log_run(struct cmd *cmd)
{
	uint32_t want = cmd->sqe.cdw10, from = cmd->sqe.cdw11;
	char *text = NULL;
	size_t length = 0;
	uint16_t status;
	FILE *out;

	if (!want || want > MAX_LOG)
		return cmd_bad_field(cmd, CDW10_BYTE);
	out = open_memstream(&text, &length);
	if (!out)
		return RETRY(GENERIC(INTERNAL));
	faults_print_log(cmd->ctrl->subsys->faults, out);
	if (fclose(out)) {
		free(text);
		return RETRY(GENERIC(INTERNAL));
	}
	if (from > length)
		from = length;
	cmd->dw0 = length;
	status = cmd_reply(cmd, text + from, length - from, want);
	free(text);
	return status;
}
