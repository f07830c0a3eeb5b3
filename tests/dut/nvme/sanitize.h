/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Sanitize: all user data of the subsystem, in the background. NVMe Base 2.1, 5.1.22 and 8.1.24 */
#ifndef DUT_SANITIZE_H
#define DUT_SANITIZE_H

#include <stdbool.h>
#include <stdint.h>

struct cmd;
struct log;
struct sanitize;
struct subsys;

/*
 * What Identify Controller says of it (SANICAP): all three kinds; media is as the operation
 * leaves it (NODMMAS 01b).
 */
#define SANITIZE_SANICAP	(NVME_CTRL_SANICAP_CES | NVME_CTRL_SANICAP_BES | \
				 NVME_CTRL_SANICAP_OWS | 1U << 30)

struct sanitize *sanitize_new(struct subsys *subsys);
void sanitize_free(struct sanitize *sanitize);

uint16_t sanitize_run(struct cmd *cmd);
uint16_t sanitize_log(struct cmd *cmd, struct log *log);

/* One is under way, or the last one failed and the host has not recovered from it. */
bool sanitize_busy(const struct subsys *subsys);
bool sanitize_failed(const struct subsys *subsys);

/* Power is cut: the operation stops. It is back: it goes on where it was. */
void sanitize_power(struct subsys *subsys, bool on);

#endif /* DUT_SANITIZE_H */
