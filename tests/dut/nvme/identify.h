/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The Identify command. NVMe Base 2.1, 5.1.13 */
#ifndef DUT_IDENTIFY_H
#define DUT_IDENTIFY_H

#include <stdint.h>

struct cmd;

uint16_t identify_run(struct cmd *cmd);

#endif /* DUT_IDENTIFY_H */
