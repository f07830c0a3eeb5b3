/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The Error Information log. NVMe Base 2.1, 5.1.12.1.2 */
#ifndef DUT_ERROR_LOG_H
#define DUT_ERROR_LOG_H

#include <stdint.h>

#include "nvme/ctrl.h"
#include "nvme/log_page.h"

struct errors *errors_new(struct ctrl *ctrl);
void errors_free(struct errors *errors);

/* The entries are gone with any reset; their number goes on. */
void errors_reset(struct ctrl *ctrl, enum ctrl_reset kind);

/* A command that has failed. */
void error_log_add(struct cmd *cmd, uint16_t status);

/* An error that is of no command. */
void error_log_device(struct ctrl *ctrl, uint16_t status);

uint16_t error_log_log(struct cmd *cmd, struct log *log);

#endif /* DUT_ERROR_LOG_H */
