/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* NVMe-MI Send and Receive. NVMe Base 2.1, 5.1.18 and 5.1.19 */
#ifndef DUT_MI_COMMAND_H
#define DUT_MI_COMMAND_H

#include <stdint.h>

struct cmd;

uint16_t mi_send_run(struct cmd *cmd);
uint16_t mi_receive_run(struct cmd *cmd);

/*
 * The response of the tunnelled command: a status (enum nvme_mi_resp_status) and 24 bits that
 * are its own.
 */
void mi_respond(struct cmd *cmd, uint8_t status, uint32_t nmresp);

/* Invalid Parameter, for the byte of the request message. */
void mi_bad_parameter(struct cmd *cmd, uint16_t byte);

#endif /* DUT_MI_COMMAND_H */
