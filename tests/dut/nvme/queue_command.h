/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Commands on queues and on commands: Create and Delete I/O SQ and CQ, Abort. */
#ifndef DUT_QUEUE_COMMAND_H
#define DUT_QUEUE_COMMAND_H

#include <stdint.h>

struct cmd;

uint16_t create_cq_run(struct cmd *cmd);
uint16_t create_sq_run(struct cmd *cmd);
uint16_t delete_sq_run(struct cmd *cmd);
uint16_t delete_cq_run(struct cmd *cmd);
uint16_t abort_run(struct cmd *cmd);

#endif /* DUT_QUEUE_COMMAND_H */
