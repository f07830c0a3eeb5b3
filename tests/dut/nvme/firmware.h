/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Firmware: slots, commit, activation. NVMe Base 2.1, 3.11, 5.1.8 and 5.1.12.1.4 */
#ifndef DUT_FIRMWARE_H
#define DUT_FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "nvme/ctrl.h"
#include "nvme/firmware_download.h"

struct cmd;
struct firmware;
struct log;
struct options;
struct subsys;

#define FIRMWARE_SLOTS_MAX	7
#define FIRMWARE_MTFA_100MS	1	/* Identify Controller, MTFA */

struct firmware *firmware_new(struct subsys *subsys);
void firmware_free(struct firmware *firmware);

/* A reset of a controller: activates what waits for one of its kind, ends a download of it. */
void firmware_reset(struct ctrl *ctrl, enum ctrl_reset kind);

/* FR of Identify Controller: up to eight characters. */
const char *firmware_active_revision(struct subsys *subsys);

/*
 * FRMW: slots, the first read only if there is another, activation without reset, SMUD. 0
 * without firmware commands
 */
uint8_t firmware_frmw(const struct options *options);

/* An image waits for a reset. */
bool firmware_pending(const struct subsys *subsys);

uint16_t firmware_commit_run(struct cmd *cmd);
uint16_t firmware_log(struct cmd *cmd, struct log *log);

#endif /* DUT_FIRMWARE_H */
