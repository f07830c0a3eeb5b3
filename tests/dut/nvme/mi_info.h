/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Read NVMe-MI Data Structure. NVMe-MI 2.0, 5.7 */
#ifndef DUT_MI_INFO_H
#define DUT_MI_INFO_H

#include <stdint.h>

struct cmd;

uint16_t mi_info_read(struct cmd *cmd);

#endif /* DUT_MI_INFO_H */
