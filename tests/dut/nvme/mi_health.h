/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Health status polls, and what has changed since the last. NVMe-MI 2.0, 5.3 and 5.6 */
#ifndef DUT_MI_HEALTH_H
#define DUT_MI_HEALTH_H

#include <stdint.h>

struct cmd;
struct subsys;

uint16_t mi_health_poll_subsys(struct cmd *cmd);
uint16_t mi_health_poll_ctrls(struct cmd *cmd);

/* Changes of these kinds (enum nvme_mi_ccs) are told no more. */
void mi_health_clear(struct subsys *subsys, uint32_t kinds);

#endif /* DUT_MI_HEALTH_H */
