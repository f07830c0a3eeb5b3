// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdio.h>

#include "identify.h"

/* FLBAS bits 3:0, and 6:5 above them where there are more than 16 formats. */
unsigned int identify_format_in_use(const struct nvme_id_ns *id)
{
	unsigned int index = id->flbas & 0xf;

	return id->nlbaf > 15 ? index | (id->flbas >> 5 & 3) << 4 : index;
}

int identify(struct cmd *cmd, uint8_t cns, uint32_t nsid,
	     void (*show)(struct cmd *cmd, const void *data))
{
	const struct identify_args *args = cmd->args;
	_Alignas(8) uint8_t data[4096];
	struct nvt_ctrl *ctrl;
	int code, status;

	if (args->raw && cmd->json)
		return cmd_fail_usage(cmd, "--raw-binary and --json do not go together");
	code = cmd_open_ctrl(cmd, NULL, &ctrl);
	if (code)
		return code;
	status = nvt_identify(ctrl, cns, nsid, data);
	if (status < 0)
		code = cmd_fail_lib(cmd, status);
	else if (status)
		code = cmd_fail_status(cmd, nvt_pcie_addr(nvt_ctrl_pcie(ctrl)), "identify", status);
	else if (args->raw)
		fwrite(data, 1, sizeof(data), stdout);
	else
		show(cmd, data);
	nvt_ctrl_close(ctrl);
	return code;
}
