/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Which blocks cannot be read: Get LBA Status and its log. NVM Command Set 1.1, 4.2.1, 4.1.4.5 */
#ifndef DUT_LBA_STATUS_H
#define DUT_LBA_STATUS_H

#include <stdint.h>

struct cmd;
struct log;

uint16_t get_lba_status_run(struct cmd *cmd);
uint16_t lba_status_log(struct cmd *cmd, struct log *log);

#endif /* DUT_LBA_STATUS_H */
