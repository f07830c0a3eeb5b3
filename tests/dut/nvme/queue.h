/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Submission and completion queues in the host's memory or the CMB. NVMe Base 2.1, 3.3 */
#ifndef DUT_QUEUE_H
#define DUT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"

struct cmd;
struct ctrl;
struct nvt_cqe;
struct nvt_sqe;

/* Where a ring is: one address, or its pages. */
struct ring {
	uint64_t addr;
	uint64_t *pages;		/* NULL: contiguous */
	uint32_t entries;		/* the real number */
	uint32_t entry_shift;		/* log2 of the bytes of an entry */
};

struct cq {
	struct ctrl *ctrl;
	struct ring ring;
	uint16_t id;
	uint16_t vector;
	bool interrupts;		/* IEN */
	bool phase;
	uint16_t head, tail;
	uint32_t nr_sqs;		/* that complete to it */
	uint32_t last_head;		/* the doorbell as last seen in memory */
	struct cmd *waiting, *waiting_last;	/* completions that found it full */
	struct timer late;		/* an interrupt that a fault holds back */
};

struct sq {
	struct ctrl *ctrl;
	struct ring ring;
	uint16_t id;
	struct cq *cq;
	uint8_t priority;		/* QPRIO: 0 urgent, 1 high, 2 medium, 3 low */
	uint16_t head, tail;
	uint32_t last_tail;		/* the doorbell as last seen in memory */
	struct cmd *fused_first;	/* waits for its second */
};

/* Admin and I/O queues are made alike. 0, or a negative errno where the list of pages cannot be read. */
int sq_create(struct ctrl *ctrl, uint16_t id, struct cq *cq, uint64_t addr, uint32_t entries,
	      bool contiguous, uint8_t priority);
int cq_create(struct ctrl *ctrl, uint16_t id, uint64_t addr, uint32_t entries, bool contiguous,
	      bool interrupts, uint16_t vector);
void sq_delete(struct sq *sq);
void cq_delete(struct cq *cq);

/* A value in a doorbell of a queue. Values out of range become asynchronous events. */
void sq_doorbell(struct sq *sq, uint32_t tail);
void cq_doorbell(struct cq *cq, uint32_t head);

static inline bool sq_has_entry(const struct sq *sq)
{
	return sq->head != sq->tail;
}

/* The entry at the head, which moves on. 0 or a negative errno. */
int sq_take(struct sq *sq, struct nvt_sqe *sqe);

/* Posts a command's completion, with the faults chosen for it; frees the command once it is out. */
void cq_post(struct cq *cq, struct cmd *cmd);

/* Stores an entry at any index of the ring, or behind its end; 0 or a negative errno. */
int cq_store(struct cq *cq, uint32_t index, const struct nvt_cqe *cqe);

/* Writes one entry as it is. False if there is no room. */
bool cq_write(struct cq *cq, const struct nvt_cqe *cqe);

static inline bool cq_full(const struct cq *cq)
{
	return (cq->tail + 1U) % cq->ring.entries == cq->head;
}

#endif /* DUT_QUEUE_H */
