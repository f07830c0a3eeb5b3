/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Power states: the host's choice, autonomous transitions, what they cost. NVMe Base 2.1, 8.1.18 */
#ifndef DUT_POWER_H
#define DUT_POWER_H

#include <stdbool.h>
#include <stdint.h>
#include <nvme/types.h>

#include "nvme/ctrl.h"

struct power *power_new(struct ctrl *ctrl);
void power_free(struct power *power);
void power_reset(struct ctrl *ctrl, enum ctrl_reset kind);

/*
 * A command is to be executed: nanoseconds that power states and heat add to
 * it. An I/O command ends a non-operational state.
 */
uint64_t power_wake(const struct cmd *cmd);

/* A command was fetched: the controller is not idle. */
void power_active(struct ctrl *ctrl);

/* The state that it is in now. */
unsigned int power_state(const struct ctrl *ctrl);
bool power_operational(const struct ctrl *ctrl, unsigned int state);

/* Power Management was set, or Autonomous Power State Transition. */
void power_set(struct ctrl *ctrl, unsigned int state);
void power_apst_changed(struct ctrl *ctrl);

/* The descriptor of a state that there is. */
void power_describe(const struct ctrl *ctrl, unsigned int state, struct nvme_id_psd *psd);

#endif /* DUT_POWER_H */
