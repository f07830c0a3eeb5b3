/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Set and Get Features, and what they are set to. NVMe Base 2.1, 5.1.11 and 5.1.25 */
#ifndef DUT_FEATURE_H
#define DUT_FEATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "nvme/ctrl.h"

struct features *features_new(struct ctrl *ctrl);
void features_free(struct features *features);

/* Current values become the saved ones, or the defaults. */
void features_reset(struct ctrl *ctrl, enum ctrl_reset kind);

uint16_t set_features_run(struct cmd *cmd);
uint16_t get_features_run(struct cmd *cmd);

/* The current value of a feature that is one dword for the controller. */
uint32_t feature_value(const struct ctrl *ctrl, uint8_t fid);

/* Interrupt Vector Configuration: bit 16 is Coalescing Disable. */
uint32_t feature_vector_config(const struct ctrl *ctrl, uint16_t vector);

/* There is a volatile write cache, and it is enabled. */
bool feature_vwc_enabled(const struct ctrl *ctrl);

/* Error Recovery of a namespace: TLER in 15:0, DULBE in bit 16. */
uint32_t feature_error_recovery(const struct ctrl *ctrl, uint32_t nsid);

/* Temperature Threshold in kelvin; sensor 0 is the composite temperature. */
uint16_t feature_temperature_threshold(const struct ctrl *ctrl, unsigned int sensor, bool under);

/* Autonomous power state transitions are enabled, and the entry of a power state. */
bool feature_apst(const struct ctrl *ctrl, unsigned int power_state, uint64_t *entry);

/* Host Identifier: 8 bytes, or 16 where *extended; zeros until a host has set it. */
const uint8_t *feature_host_id(const struct ctrl *ctrl, bool *extended);

/* Host Behavior Support has ACRE, and there is a time to tell: CRDT1. */
bool feature_retry_delay(const struct ctrl *ctrl);

/* The Timestamp as its 8 bytes are: ms in 47:0, Synch in bit 48, Origin in 51:49. */
uint64_t feature_timestamp(const struct ctrl *ctrl);

/* FIDs that there are, as the log page of their effects has them: 256 dwords. */
void feature_effects(const struct ctrl *ctrl, uint32_t effects[256]);

#endif /* DUT_FEATURE_H */
