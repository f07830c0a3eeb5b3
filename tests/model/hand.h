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
#include "ring.h"

#define HAND_QID	7
#define HAND_ENTRIES	16

/* How to lay it; zeros are the defaults. */
struct hand_opts {
	uint16_t qid;			/* of both queues; 0: HAND_QID */
	uint16_t vector;
	uint32_t entries;		/* of both; 0: HAND_ENTRIES */
	uint32_t page;			/* as ring_create() */
	uint8_t priority;		/* QPRIO */
	struct hand *shares;		/* whose CQ it completes to; NULL: its own */
	void *cmb;			/* both are there, at @cmb_bus; NULL: in the host's memory */
	uint64_t cmb_bus;
	/* Doorbell Buffer Config: the pages, as the device has them; NULL: none. */
	volatile unsigned char *shadows, *event_indexes;
};

/* A doorbell, and where Doorbell Buffer Config has it in memory. */
struct hand_doorbell {
	volatile uint32_t *reg, *shadow, *event_index;
	uint32_t value;
	unsigned int rings;		/* writes to the register */
};

struct hand {
	struct device *dev;
	uint16_t qid;
	struct hand *shares;
	struct ring sq, cq;
	struct hand_doorbell sq_doorbell, cq_doorbell;
	uint32_t tail, head;
	uint8_t phase;
	uint16_t cid;			/* of the last command */
};

void hand_create(struct hand *hand, struct device *dev, uint16_t vector);
void hand_create_with(struct hand *hand, struct device *dev, const struct hand_opts *opts);
void hand_delete(struct hand *hand);

/* Writes a command, rings, and returns the command id that it got. */
uint16_t hand_post(struct hand *hand, struct nvt_sqe sqe);

/* The two halves of it. */
uint16_t hand_write(struct hand *hand, struct nvt_sqe sqe);
void hand_ring(struct hand *hand);

/* The next completion, if it comes in time. */
bool hand_next(struct hand *hand, struct nvt_cqe *cqe, unsigned int timeout_ms);

/* The next completion, which must come. */
struct nvt_cqe hand_wait(struct hand *hand);

/* The next @n of them, each a success; SQ ids in their order go to @sqids unless that is NULL. */
void hand_wait_all(struct hand *hand, unsigned int n, uint16_t *sqids);

/* Any entry of the completion queue, or behind its end. */
const volatile struct nvt_cqe *hand_entry(const struct hand *hand, unsigned int index);

#endif /* HAND_H */
