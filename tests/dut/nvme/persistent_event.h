/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The persistent event log of the subsystem. NVMe Base 2.1, 5.1.12.1.14 */
#ifndef DUT_PERSISTENT_EVENT_H
#define DUT_PERSISTENT_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "nvme/ctrl.h"

struct cmd;
struct log;
struct persistent_events;
struct subsys;

#define PERSISTENT_EVENT_MAX	1024

struct persistent_events *persistent_events_new(struct subsys *subsys);
void persistent_events_free(struct persistent_events *events);

/* NVM Subsystem Hardware Error Event Code */
enum hardware_error {
	HARDWARE_CORRECTABLE = 1,	/* of PCI Express, these three */
	HARDWARE_NON_FATAL = 2,
	HARDWARE_FATAL = 3,
	HARDWARE_CRITICAL_WARNING = 6,
	HARDWARE_UNSAFE_SHUTDOWN = 8,
	HARDWARE_FATAL_STATUS = 9,
	HARDWARE_MEDIA = 10,
};

/*
 * @type: enum nvme_persistent_event_types; @data: its event data, at most PERSISTENT_EVENT_MAX
 * bytes. The oldest go when it is full.
 */
void persistent_event_add(struct ctrl *ctrl, uint8_t type, const void *data, size_t length);

void persistent_event_hardware(struct ctrl *ctrl, enum hardware_error code);

/* A Set Features that succeeded, with the data that it has brought. */
void persistent_event_set_feature(struct cmd *cmd, const void *data, size_t length);

/*
 * Power is on, or a controller was reset: the Power-on or Reset event. A reset ends the
 * controller's context.
 */
void persistent_event_power_on(struct subsys *subsys);
void persistent_event_reset(struct ctrl *ctrl, enum ctrl_reset kind);

/* CDW10 LSP: read, establish a context and read, release the context. */
uint16_t persistent_event_log(struct cmd *cmd, struct log *log);

/* Bytes of the log at most: PELS of Identify Controller is this in 64 KiB. */
#define PERSISTENT_EVENT_LOG_MAX	(64U << 10)

#endif /* DUT_PERSISTENT_EVENT_H */
