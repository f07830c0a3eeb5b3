/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Admin commands of the vendor that let the host itself break its device. No
 * rule matches them, so that what was armed can always be cleared.
 */
#ifndef DUT_VENDOR_COMMAND_H
#define DUT_VENDOR_COMMAND_H

#include <stdint.h>

struct cmd;

#define VENDOR_FAULT_CLEAR	0xc0
#define VENDOR_FAULT_ARM	0xc1
#define VENDOR_FAULT_LOG	0xc2

/* CDW10: the id of a rule, or 0 for all. */
uint16_t fault_clear_run(struct cmd *cmd);

/* Rules as text, one a line; CDW10: its bytes. DW0 of the completion: the id of the last. All are armed, or none. */
uint16_t fault_arm_run(struct cmd *cmd);

/* The log as text from byte CDW11 on; CDW10: bytes of the buffer. DW0: bytes of the whole log. */
uint16_t fault_log_run(struct cmd *cmd);

#endif /* DUT_VENDOR_COMMAND_H */
