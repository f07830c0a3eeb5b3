/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A device in memory, behind the access seam: registers are bytes, doorbells
 * too, and a bus address is a pointer. It fetches and completes when a test
 * says so, or by itself in a thread. fake_disk.h is one with a namespace.
 */
#ifndef FAKE_H
#define FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <nvt/cmd.h>

#include "access/access.h"
#include "ctrl.h"

#define FAKE_QUEUES	17
#define FAKE_VECTORS	4
#define FAKE_BAR	0x2000
#define FAKE_BUFFERS	4096

struct fake_queue {
	struct nvt_sqe *sq;
	struct nvt_cqe *cq;
	uint32_t entries;
	uint32_t sq_head;
	uint32_t cq_tail;
	uint8_t phase;
};

struct fake {
	struct nvt_pcie pcie;		/* first: the ops are given it */
	unsigned char *bar;
	struct nvt_status *status;
	unsigned char config[4096];
	struct fake_queue queue[FAKE_QUEUES];
	struct nvt_buffer *buffer[FAKE_BUFFERS];	/* by id */
	int live_buffers;
	int live_queues;
	int fail_call;			/* what info, reg, config, set_vectors, reset return */
	uint64_t last_reg_width;
	/* What else the device does; closed() may be NULL. */
	void (*write_cc)(struct fake *fake, uint32_t cc);
	void (*closed)(struct fake *fake);
	bool never_ready;
	bool fatal;
	/* Of the device's thread. */
	uint16_t status_of[256];	/* by opcode of admin commands */
	struct nvt_sqe last_admin[256];	/* by opcode */
	bool silent;			/* it fetches nothing */
	bool stop;
	bool running;
	pthread_t thread;
};

/* nvt_pcie_close(&fake->pcie) frees it, and with it what it is the first member of. */
struct fake *fake_new(void);
void fake_init(struct fake *fake);

/* A controller on it that is ready, without an admin queue. */
struct nvt_ctrl *fake_ctrl(struct fake *fake);

/* The next command that a doorbell told of; false if there is none. */
bool fake_fetch(struct fake *fake, unsigned int qid, struct nvt_sqe *sqe);

/* Writes a completion; false if the queue is full. */
bool fake_complete(struct fake *fake, unsigned int qid, uint16_t cid, uint16_t status);

uint32_t fake_doorbell(struct fake *fake, unsigned int qid, bool is_cq);

/* From now on a thread answers whatever is rung. */
void fake_run(struct fake *fake);
void fake_stop(struct fake *fake);

#endif /* FAKE_H */
