/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Asynchronous events. NVMe Base 2.1, 5.1.2 */
#ifndef DUT_EVENT_H
#define DUT_EVENT_H

#include <stdint.h>

#include "nvme/ctrl.h"

#define EVENT_IMMEDIATE		3	/* Event Type that no log page belongs to */
#define EVENT_NOTICE_ZONE	0xef	/* Zone Descriptor Changed */

struct events *events_new(struct ctrl *ctrl);
void events_free(struct events *events);
void events_reset(struct ctrl *ctrl, enum ctrl_reset kind);

uint16_t event_request_run(struct cmd *cmd);

/*
 * An event, unless feature 0Bh has it off. It waits for an Asynchronous Event
 * Request, and while an earlier one of its type has not been cleared.
 */
void event_post(struct ctrl *ctrl, uint8_t type, uint8_t info, uint8_t log);

/* The same, with a parameter in DW1 of the completion: a namespace. */
void event_post_about(struct ctrl *ctrl, uint8_t type, uint8_t info, uint8_t log,
		      uint32_t parameter);

/* The host has read a log page with RAE 0: what was reported with it is cleared. */
void event_log_read(struct ctrl *ctrl, uint8_t log);

/* Fault: @count events of no meaning, as fast as requests for them come. */
void event_flood(struct ctrl *ctrl, unsigned int count);

#endif /* DUT_EVENT_H */
