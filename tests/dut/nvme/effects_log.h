/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Log pages of what the controller can do: log pages, commands, features. NVMe Base 2.1, 5.1.12 */
#ifndef DUT_EFFECTS_LOG_H
#define DUT_EFFECTS_LOG_H

#include <stdint.h>

#include "nvme/log_page.h"

uint16_t supported_logs(struct cmd *cmd, struct log *log);
uint16_t effects_log(struct cmd *cmd, struct log *log);
uint16_t feature_effects_log(struct cmd *cmd, struct log *log);
uint16_t mi_effects_log(struct cmd *cmd, struct log *log);

#endif /* DUT_EFFECTS_LOG_H */
