/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Namespace Management and Attachment. NVMe Base 2.1, 5.1.20 and 5.1.21 */
#ifndef DUT_NS_MANAGEMENT_H
#define DUT_NS_MANAGEMENT_H

#include <stdint.h>

struct cmd;

uint16_t ns_management_run(struct cmd *cmd);
uint16_t ns_attachment_run(struct cmd *cmd);

#endif /* DUT_NS_MANAGEMENT_H */
