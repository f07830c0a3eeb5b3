/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* SMART and health: counters that survive, and warnings. NVMe Base 2.1, 5.1.12.1.3 */
#ifndef DUT_SMART_H
#define DUT_SMART_H

#include <stdbool.h>
#include <stdint.h>
#include <nvme/types.h>

#include "nvme/log_page.h"

struct cmd;
struct ctrl;
struct smart;
struct subsys;

struct smart *smart_new(struct ctrl *ctrl);
void smart_free(struct smart *smart);

/* An I/O command has ended. */
void smart_account(struct cmd *cmd, uint16_t status);

/* Power is on: counted for each controller, with the end of the process before if it was unsafe. */
void smart_power_cycle(struct subsys *subsys);

/* Power goes; counted if the controller has worked since a shutdown. */
void smart_unsafe_shutdown(struct ctrl *ctrl);

/* CC.SHN. Either kind announces the loss of power. */
void smart_shutdown(struct ctrl *ctrl, bool abrupt);

/* The host uses the controller: a shutdown before is over. */
void smart_in_use(struct ctrl *ctrl);

/* Data of a medium could not be had, or was wrong. */
void smart_media_error(struct ctrl *ctrl);

/* Number of Error Information Log Entries, one more; its new value, which is the entry's number. */
uint64_t smart_error_entry(struct ctrl *ctrl);

/* Nanoseconds with an I/O command in work, since the state was made. */
uint64_t smart_busy_ns(const struct ctrl *ctrl);

/* Time above WCTEMP and CCTEMP, and in a level of thermal management; a transition to one. */
void smart_thermal_time(struct ctrl *ctrl, uint64_t ns, bool warning, bool critical,
			unsigned int level);
void smart_thermal_transition(struct ctrl *ctrl, unsigned int level);

/* Warnings (NVME_SMART_CRIT_*) that are on whatever the counters say; new ones are events. */
void smart_set_warnings(struct ctrl *ctrl, uint8_t warnings);

/* Looks for warnings that are new. */
void smart_check(struct ctrl *ctrl);

/* The log page as it is now. */
void smart_fill(struct ctrl *ctrl, struct nvme_smart_log *log);

uint16_t smart_log(struct cmd *cmd, struct log *log);

#endif /* DUT_SMART_H */
