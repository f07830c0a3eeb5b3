/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An I/O queue pair laid by hand, so that a test sees each completion queue
 * entry as and where the device wrote it. Failures end the test.
 */
#ifndef HAND_H
#define HAND_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

#define HAND_QID	7
#define HAND_ENTRIES	16

struct hand {
	struct device *dev;
	struct nvt_buffer *sq_memory, *cq_memory;	/* a page each, of which the rings use less */
	volatile uint32_t *sq_doorbell, *cq_doorbell;
	uint32_t tail, head;
	uint8_t phase;
	uint16_t cid;			/* of the last command */
};

void hand_create(struct hand *hand, struct device *dev, uint16_t vector);
void hand_delete(struct hand *hand);

/* Writes a command, rings, and returns the command id that it got. */
uint16_t hand_post(struct hand *hand, struct nvt_sqe sqe);

/* The next completion, if it comes in time. */
bool hand_next(struct hand *hand, struct nvt_cqe *cqe, unsigned int timeout_ms);

/* The next completion, which must come. */
struct nvt_cqe hand_wait(struct hand *hand);

/* Any entry of the completion queue, or behind its end. */
const volatile struct nvt_cqe *hand_entry(const struct hand *hand, unsigned int index);

#endif /* HAND_H */
