/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef NVT_TOOL_IDENTIFY_H
#define NVT_TOOL_IDENTIFY_H

#include "cmd.h"

struct identify_args {
	uint64_t nsid;
	bool raw;
};

/* Identifies with the controller of the first operand; @show gets the 4096 bytes. */
int identify(struct cmd *cmd, uint8_t cns, uint32_t nsid,
	     void (*show)(struct cmd *cmd, const void *data));

/* Index in lbaf[] of the format that the namespace has. */
unsigned int identify_format_in_use(const struct nvme_id_ns *id);

#endif /* NVT_TOOL_IDENTIFY_H */
