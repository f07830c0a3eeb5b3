/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Which blocks cannot be read: Get LBA Status and its log. NVM Command Set 1.1, 4.2.1, 4.1.4.5 */
#ifndef DUT_LBA_STATUS_H
#define DUT_LBA_STATUS_H

#include <stdint.h>

#include "nvme/ctrl.h"

struct cmd;
struct log;
struct ns;

struct lba_alert *lba_alert_new(struct ctrl *ctrl);
void lba_alert_free(struct lba_alert *alert);
void lba_alert_reset(struct ctrl *ctrl);

/* More blocks of it cannot be read: LBA Status Information Alert, not before LSIRI of feature 15h. */
void lba_alert(const struct ns *ns);


uint16_t get_lba_status_run(struct cmd *cmd);
uint16_t lba_status_log(struct cmd *cmd, struct log *log);

#endif /* DUT_LBA_STATUS_H */
