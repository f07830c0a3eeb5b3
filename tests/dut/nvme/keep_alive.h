/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The Keep Alive command and its timer. NVMe Base 2.1, 3.9 */
#ifndef DUT_KEEP_ALIVE_H
#define DUT_KEEP_ALIVE_H

#include <stdint.h>

struct cmd;
struct ctrl;
struct keep_alive;

#define KEEP_ALIVE_UNIT_MS	100	/* KAS is 1 */

struct keep_alive *keep_alive_new(struct ctrl *ctrl);
void keep_alive_free(struct keep_alive *keep_alive);

/* Starts anew with a timeout; 0: off. */
void keep_alive_set(struct keep_alive *keep_alive, uint32_t kato_ms);
uint32_t keep_alive_timeout_ms(const struct keep_alive *keep_alive);

uint16_t keep_alive_run(struct cmd *cmd);

#endif /* DUT_KEEP_ALIVE_H */
