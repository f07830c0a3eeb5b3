/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Telemetry of the host's and of the controller's making. NVMe Base 2.1, 8.1.27 */
#ifndef DUT_TELEMETRY_H
#define DUT_TELEMETRY_H

#include <stdint.h>

struct cmd;
struct ctrl;
struct log;
struct telemetry;

struct telemetry *telemetry_new(struct ctrl *ctrl);
void telemetry_free(struct telemetry *telemetry);

/* LSP bit 0 creates a new snapshot, LPOL and length as in each log page. */
uint16_t telemetry_host_log(struct cmd *cmd, struct log *log);
/* Reading it with RAE 0 makes room for the next (ctrlavail is 0 again). */
uint16_t telemetry_ctrl_log(struct cmd *cmd, struct log *log);

/*
 * Something went wrong in the device: the controller takes a snapshot with this reason, and
 * tells the host.
 */
void telemetry_capture(struct ctrl *ctrl, const char *reason);

#endif /* DUT_TELEMETRY_H */
