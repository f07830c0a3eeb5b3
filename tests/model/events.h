/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Asynchronous Event Requests of a controller, and what they ended with. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdint.h>

#include "device.h"

#define EVENTS_MAX	16

/* Dword 0 of an event's completion. NVMe Base 2.1, 5.1.2 */
#define EVENT(type, info, log)	((uint32_t)(type) | (uint32_t)(info) << 8 | (uint32_t)(log) << 16)

struct events {
	struct nvt_ctrl *ctrl;
	unsigned int nr;		/* that ended, in order of their end */
	struct nvt_cqe cqe[EVENTS_MAX];
};

/* @n requests; more can be added. */
void events_request(struct events *events, struct nvt_ctrl *ctrl, unsigned int n);

/* Until so many have ended in all, which they must soon. */
void events_wait(struct events *events, unsigned int nr);

/*
 * How many have ended with @dw0. All that the device has said so far count: an
 * admin command goes there and back first.
 */
unsigned int events_count(struct events *events, uint32_t dw0);

/* Until so many have ended with @dw0, and not one more. */
void events_expect(struct events *events, uint32_t dw0, unsigned int count);

#endif /* EVENTS_H */
