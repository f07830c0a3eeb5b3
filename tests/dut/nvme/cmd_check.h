/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What is looked at before a command's handler runs. */
#ifndef DUT_CMD_CHECK_H
#define DUT_CMD_CHECK_H

#include <stddef.h>
#include <stdint.h>

struct cmd;

/* Fills in command, ns, slba and nlb as far as the entry has them. */
void cmd_look_up(struct cmd *cmd);

/* Bytes of logical blocks that it names, for its latency. */
size_t cmd_length(const struct cmd *cmd);

/* The status that ends it before it has begun, or 0. */
uint16_t cmd_check(struct cmd *cmd);

#endif /* DUT_CMD_CHECK_H */
