/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Temperature: from the work, against thresholds; thermal management. NVMe Base 2.1, 8.1.17 */
#ifndef DUT_THERMAL_H
#define DUT_THERMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "nvme/ctrl.h"

#define THERMAL_WCTEMP		343	/* kelvin: warning composite temperature */
#define THERMAL_CCTEMP		358	/* critical */
#define THERMAL_MNTMT		303	/* what Thermal Management Temperatures can be */
#define THERMAL_MXTMT		363
#define THERMAL_SENSORS		2

struct thermal *thermal_new(struct ctrl *ctrl);
void thermal_free(struct thermal *thermal);

/* Holds the composite temperature; 0: lets it follow the work again. */
void thermal_set(struct ctrl *ctrl, unsigned int kelvin);

unsigned int thermal_kelvin(const struct ctrl *ctrl);

/* Sensor 1 to THERMAL_SENSORS; 0: the composite temperature. */
unsigned int thermal_sensor(const struct ctrl *ctrl, unsigned int sensor);

/* Whether a threshold of feature 04h is passed. */
bool thermal_beyond_threshold(const struct ctrl *ctrl);

/* Nanoseconds that thermal management adds to a command now. */
uint64_t thermal_delay(const struct ctrl *ctrl);

/* A threshold was set. */
void thermal_check(struct ctrl *ctrl);

#endif /* DUT_THERMAL_H */
