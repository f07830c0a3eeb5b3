/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the parts of an ioworker share. */
#ifndef NVT_IOWORKER_WORKER_H
#define NVT_IOWORKER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include <nvt/ioworker.h>
#include <nvt/qpair.h>

#include "ioworker/histogram.h"
#include "ioworker/load.h"

/* A command id: the command that has it, complete but for its place, and its part of the data buffer. */
struct nvt_io_slot {
	struct nvt_sqe sqe;
	struct nvt_ioworker *w;
	uint32_t nlb;
	uint32_t index;			/* the command id */
	bool write;
	struct nvt_direction *dir;	/* of it */
};

/* One for reads, one for writes. */
struct nvt_direction {
	uint8_t opcode;
	uint64_t blocks;		/* transferred by commands that succeeded */
	uint64_t run_ns;		/* commands that were submitted and reaped together took the same: */
	uint64_t run;			/* so many of them are not in the histogram yet */
	struct nvt_histogram latency;
};

/*
 * The thread alone changes it between pthread_create() and pthread_join(),
 * but for the atomics.
 */
struct nvt_ioworker {
	struct nvt_qpair *qp;
	struct nvt_buffer *buffer;
	uint8_t *data;			/* of buffer */
	struct nvt_io_slot *slot;	/* by command id: the queue pair has as many as the depth */
	uint32_t *crc;			/* io_blocks for each slot, or NULL */
	struct nvt_verify *verify;
	uint32_t slot_bytes;
	uint32_t block_size;
	bool spin;			/* poll for a while before waiting */
	bool waiting;			/* io could not be held: it is the next */
	struct nvt_io io;
	uint64_t limit;			/* commands to issue */
	uint64_t issued;
	uint64_t deadline_ns;
	uint64_t last_ns;		/* latest completion */
	struct nvt_load load;
	struct nvt_direction dir[2];	/* [io.write] */

	_Atomic bool stop;
	_Atomic bool running;
	_Atomic uint64_t ios;		/* published once per batch */
	_Atomic uint64_t errors;

	int error;			/* the first; the others go with it */
	uint16_t status;
	bool status_write;
	uint32_t status_nlb;
	uint64_t status_slba;
	struct nvt_miscompare miscompare;
	uint64_t miscompares;
	uint64_t failed;
	uint64_t verified;
	char text[512];

	pthread_t thread;
	struct nvt_ns *ns;
	struct nvt_ioworker_opts opts;	/* with the defaults put in */
	uint64_t start_ns;
	uint64_t first_ns;
	uint64_t cpu_user_ns;
	uint64_t cpu_system_ns;
};

/* Puts the defaults in; 0, or -EINVAL with a text that names the option. */
int nvt_ioworker_resolve(struct nvt_ns *ns, struct nvt_ioworker_opts *opts);

/* Bytes of the data buffer that each command has. */
uint32_t nvt_ioworker_slot_bytes(struct nvt_ns *ns, const struct nvt_ioworker_opts *opts);

static inline uint64_t nvt_io_slot_slba(const struct nvt_io_slot *slot)
{
	return slot->sqe.cdw10 | (uint64_t)slot->sqe.cdw11 << 32;
}

/* Says where the data of a command is, which depends on its length. */
int nvt_ioworker_describe(struct nvt_io_slot *slot);

/* The end of each command with this id goes to the thread's accounts. */
void nvt_ioworker_bind(struct nvt_io_slot *slot);

/* The thread. */
void *nvt_ioworker_thread(void *worker);

void nvt_ioworker_fill_result(const struct nvt_ioworker *w, struct nvt_ioworker_result *result);

/* Sets the calling thread's error text; returns w->error. */
int nvt_ioworker_report(const struct nvt_ioworker *w);

#endif /* NVT_IOWORKER_WORKER_H */
