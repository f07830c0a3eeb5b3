/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Format NVM. NVMe Base 2.1, 5.1.10 */
#ifndef DUT_FORMAT_H
#define DUT_FORMAT_H

#include <stdint.h>

struct cmd;

uint16_t format_run(struct cmd *cmd);

#endif /* DUT_FORMAT_H */
