/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A queue pair from inside, and what differs between its back ends. A command
 * passes through functions of the same names in each of them:
 *
 *   post -> ring -> (device) -> wait -> poll -> nvt_qpair_end() -> callback
 */
#ifndef NVT_TRANSPORT_H
#define NVT_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <nvt/qpair.h>

#include "access/access.h"
#include "ctrl.h"

#define NVT_LIST_CHUNK		64	/* PRP lists that are allocated together */
#define NVT_SLOT_NONE		0xffffffffU

/* A command id that can be outstanding. */
struct nvt_slot {
	nvt_cmd_cb cb;
	void *arg;
	uint64_t submit_ns;		/* when it was rung, on the raw back end */
	bool busy;
};

struct nvt_transport_ops {
	uint32_t queue_flags;		/* NVT_QUEUE_* for the driver */
	int (*create)(struct nvt_qpair *qp);	/* sets an error text */
	void (*destroy)(struct nvt_qpair *qp);
	/* There is room for it: fewer than entries - 1 are outstanding. NULL where it goes to qp->sq. */
	int (*post)(struct nvt_qpair *qp, const struct nvt_sqe *sqe);
	int (*ring)(struct nvt_qpair *qp);
	/* Rings, ends at most @max commands, does not sleep; how many, or < 0. */
	int (*poll)(struct nvt_qpair *qp, unsigned int max);
	/*
	 * Rings, sleeps until @count can be polled, or @deadline_ns, or for no
	 * reason: the caller polls and decides. 0, or negative if it cannot.
	 */
	int (*wait)(struct nvt_qpair *qp, unsigned int count, uint64_t deadline_ns);
};

extern const struct nvt_transport_ops nvt_raw_ops;
extern const struct nvt_transport_ops nvt_managed_ops;

struct nvt_qpair {
	const struct nvt_transport_ops *ops;
	void *transport;		/* the back end's own */
	struct nvt_pcie *pcie;
	struct nvt_ctrl *ctrl;		/* NULL once that was closed */
	struct nvt_qpair *next;		/* in ctrl->qpairs */

	uint64_t generation;		/* of the device, when it was made */
	uint64_t epoch;			/* of the controller, when it was made */
	bool dead;			/* as found by its thread */
	const char *cause;		/* of that, if registers told, or NULL */

	uint16_t qid;
	uint16_t vector;
	uint8_t priority;
	bool polled;			/* its CQ interrupts nobody */
	uint32_t entries;
	uint32_t timeout_ms;
	struct nvt_sqe *sq;		/* the ring, if it is the process's, else NULL */
	uint32_t sq_tail;		/* where the next entry goes */
	struct nvt_buffer *sq_mem;
	struct nvt_buffer *cq_mem;
	struct nvt_buffer *sq_list;	/* of their pages, if they are in pieces */
	struct nvt_buffer *cq_list;
	uint64_t records_offset;	/* managed: of its struct nvt_record[] */

	struct nvt_slot *slots;		/* entries - 1, by command id */
	uint16_t *free_ids;		/* a stack: ids just used are in the cache */
	uint32_t nr_free;
	struct nvt_buffer **lists;	/* PRP lists, NVT_LIST_CHUNK in each */
	uint64_t unexpected;		/* completions of no outstanding command */
};

/* As in ctrl.h. */
#pragma GCC visibility push(hidden)

/* What the default stands for on a device; any other as it is. */
int nvt_backend_choose(const struct nvt_pcie *pcie, int backend);

/*
 * A queue pair on the host's side: memory, the driver's queues, the back end.
 * The device knows nothing of it. NULL with errno and text.
 */
struct nvt_qpair *nvt_qpair_new(struct nvt_ctrl *ctrl, uint16_t qid,
				const struct nvt_qpair_opts *opts);

/* Ends what is outstanding as dead, and frees all. */
void nvt_qpair_free(struct nvt_qpair *qp);

/* Its controller is closed: nothing but the free of the handle is left to do. */
void nvt_qpair_orphan(struct nvt_qpair *qp);

/* A wait is long: @csts may say that the device answers nothing any more. */
void nvt_qpair_look(struct nvt_qpair *qp, uint32_t csts);

/* Why it is dead. */
const char *nvt_qpair_cause(const struct nvt_qpair *qp);

/* Sets the PRPs of @sqe, with those beyond the second in the list of its command id. */
int nvt_qpair_describe(struct nvt_qpair *qp, struct nvt_sqe *sqe, const struct nvt_buffer *buf,
		       size_t offset, size_t length);

#pragma GCC visibility pop

static inline bool nvt_qpair_expects(const struct nvt_qpair *qp, uint16_t cid)
{
	return cid < qp->entries - 1 && qp->slots[cid].busy;
}

/* Whether the device still works on it: no reset, removal or disable came between. */
static inline bool nvt_qpair_alive(const struct nvt_qpair *qp)
{
	return !qp->dead &&
	       __atomic_load_n(&qp->pcie->status->generation, __ATOMIC_ACQUIRE) == qp->generation &&
	       __atomic_load_n(&qp->ctrl->epoch, __ATOMIC_ACQUIRE) == qp->epoch;
}

/* The command id that the next command has to have; nr_free is not 0. */
static inline uint16_t nvt_qpair_next_id(const struct nvt_qpair *qp)
{
	return qp->free_ids[qp->nr_free - 1];
}

/*
 * Posts a command that lacks nothing: its id is the next one, its data is
 * described, the callback of that id is set. The queue pair is alive.
 */
static inline int nvt_qpair_post_ready(struct nvt_qpair *qp, const struct nvt_sqe *sqe)
{
	int err;

	if (qp->sq) {
		qp->sq[qp->sq_tail] = *sqe;
		if (++qp->sq_tail == qp->entries)
			qp->sq_tail = 0;
	} else {
		err = qp->ops->post(qp, sqe);
		if (err)
			return err;
	}
	qp->nr_free--;
	qp->slots[sqe->cid].busy = true;
	return 0;
}

/* A back end has the completion of command @cid, below entries - 1 and busy. */
static inline void nvt_qpair_end(struct nvt_qpair *qp, uint16_t cid, const struct nvt_cpl *cpl)
{
	struct nvt_slot *slot = &qp->slots[cid];

	/* Free before the callback, which may post into its place. */
	slot->busy = false;
	slot->submit_ns = 0;
	qp->free_ids[qp->nr_free++] = cid;
	if (slot->cb)
		slot->cb(slot->arg, cpl);
}

#endif /* NVT_TRANSPORT_H */
