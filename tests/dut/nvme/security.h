/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Security Send and Receive. NVMe Base 2.1, 5.1.23 and 5.1.24 */
#ifndef DUT_SECURITY_H
#define DUT_SECURITY_H

#include <stdint.h>

struct cmd;
struct security;
struct subsys;

struct security *security_new(struct subsys *subsys);
void security_free(struct security *security);

uint16_t security_send_run(struct cmd *cmd);
uint16_t security_receive_run(struct cmd *cmd);

#endif /* DUT_SECURITY_H */
