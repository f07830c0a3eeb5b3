/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A queue pair: one submission and one completion queue. The same calls on
 * every back end:
 *
 *   post -> ring -> (device) -> poll or wait -> callback
 *
 * Thread-safety: one thread uses a queue pair. A managed one belongs to the
 * thread that posts to it first. Different queue pairs are independent.
 */
#ifndef NVT_QPAIR_H
#define NVT_QPAIR_H

#include <stddef.h>
#include <stdint.h>

#include <nvt/buffer.h>
#include <nvt/cmd.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nvt_ctrl;
struct nvt_qpair;

enum nvt_backend {
	NVT_BACKEND_DEFAULT	= 0,	/* managed where there is a driver, else raw */
	NVT_BACKEND_MANAGED	= 1,	/* the driver's queue, through io_uring */
	NVT_BACKEND_RAW		= 2,	/* ring and doorbell mapped, polled */
};

/**
 * struct nvt_qpair_opts - how to make a queue pair; zeros are the defaults
 * @backend: enum nvt_backend
 * @entries: entries of both queues, 2 to 65536; 0: the lesser of 256 and what
 *	the controller can
 * @qid: queue id; 0: the lowest one free
 * @vector: interrupt vector, plus 1; 0: vector @qid modulo the vectors allocated
 * @polled: no interrupts: IEN is 0, a managed queue pair uses IOPOLL
 * @priority: QPRIO of the submission queue, for weighted round robin
 * @buffer_kind: enum nvt_buffer_kind of the queues' memory (PAGES needs
 *	CAP.CQR = 0 where a queue is larger than a page)
 */
struct nvt_qpair_opts {
	int backend;
	uint32_t entries;
	uint16_t qid;
	uint16_t vector;
	uint8_t polled;
	uint8_t priority;
	uint8_t buffer_kind;
};

/**
 * nvt_qpair_create() - create an I/O completion and submission queue
 * @ctrl: an enabled controller
 * @opts: how, or NULL for the defaults
 *
 * Return: the queue pair, or NULL with errno set: EINVAL, EEXIST (the queue id is
 * in use), ENOSPC (none is free), ENOMEM, EREMOTEIO (the device refused; nvt_error() has its status),
 * ETIMEDOUT, EIO, EOPNOTSUPP (managed, and no driver has the device). NVMe Base 2.1, 5.2.1 and 5.2.2.
 */
struct nvt_qpair *nvt_qpair_create(struct nvt_ctrl *ctrl, const struct nvt_qpair_opts *opts);

/**
 * nvt_qpair_delete() - delete both queues
 * @qp: the queue pair, or NULL; not the admin queue pair
 *
 * Outstanding commands end with what the device says (usually Command Aborted
 * due to SQ Deletion) or NVT_STATUS_DEAD; their callbacks are called.
 *
 * Return: 0, a positive status of the device, or a negative errno: -EIO (the
 * device answers nothing any more). The queue pair is freed whatever is returned.
 */
int nvt_qpair_delete(struct nvt_qpair *qp);

/** nvt_qpair_id() - its queue id, 0 for admin */
uint16_t nvt_qpair_id(const struct nvt_qpair *qp);

/** nvt_qpair_entries() - entries of its queues; one less can be outstanding */
uint32_t nvt_qpair_entries(const struct nvt_qpair *qp);

/** nvt_qpair_outstanding() - commands posted that have not ended */
uint32_t nvt_qpair_outstanding(const struct nvt_qpair *qp);

/**
 * nvt_qpair_post() - write a command into the queue
 * @qp: the queue pair
 * @sqe: the command; its cid is set. Copied.
 * @buf: its data, described by PRPs made here; NULL sends prp1 and prp2 as
 *	they stand in @sqe
 * @offset: of the data in @buf, a multiple of 4
 * @length: of the data, in bytes
 * @cb: called when it has ended, or NULL
 * @arg: for @cb
 *
 * The device learns of it at the next nvt_qpair_ring(), poll or wait.
 *
 * Return: 0 or a negative errno: -EBUSY (the queue is full: poll first),
 * -EINVAL (the data does not lie in the buffer, or is longer than a PRP list
 * of one page describes), -ENOMEM (for a PRP list), -EIO (the queue is dead).
 */
int nvt_qpair_post(struct nvt_qpair *qp, struct nvt_sqe *sqe, struct nvt_buffer *buf,
		   size_t offset, size_t length, nvt_cmd_cb cb, void *arg);

/**
 * nvt_qpair_ring() - tell the device of all that was posted
 * @qp: the queue pair
 *
 * One doorbell write (one system call on the managed back end), none if
 * nothing was posted.
 *
 * Return: 0 or a negative errno.
 */
int nvt_qpair_ring(struct nvt_qpair *qp);

/**
 * nvt_qpair_poll() - ring, and call the callbacks of what has ended
 * @qp: the queue pair
 * @max: commands to take at most; 0 takes all
 *
 * Does not sleep. Return: commands ended, or a negative errno.
 */
int nvt_qpair_poll(struct nvt_qpair *qp, unsigned int max);

/**
 * nvt_qpair_wait() - ring, and poll until so many commands have ended
 * @qp: the queue pair
 * @count: commands to wait for; more may end
 * @timeout_ms: at most so long; 0: the controller's time-out
 *
 * Sleeps on interrupts where the back end has them. When the device is gone,
 * has failed (CSTS.CFS) or is not ready (CSTS.RDY 0), no answer is waited for:
 * the queue pair is dead, and what is outstanding ends with NVT_STATUS_DEAD.
 *
 * Return: commands ended, at least @count; or a negative errno: -ETIMEDOUT
 * (what ended was called back all the same), -EINVAL (fewer outstanding).
 */
int nvt_qpair_wait(struct nvt_qpair *qp, unsigned int count, unsigned int timeout_ms);

/**
 * nvt_qpair_exec() - post one command and wait for it
 * @qp: the queue pair
 * @sqe: as nvt_qpair_post()
 * @buf: as nvt_qpair_post()
 * @offset: as nvt_qpair_post()
 * @length: as nvt_qpair_post()
 * @cpl: how it ended, or NULL
 *
 * Other commands that end meanwhile are called back.
 *
 * Return: 0 for success, a positive status of the device, or a negative
 * errno: as nvt_qpair_post(), and -ETIMEDOUT. After a time-out the command
 * may still end: free its buffer after the queue pair.
 */
int nvt_qpair_exec(struct nvt_qpair *qp, struct nvt_sqe *sqe, struct nvt_buffer *buf,
		   size_t offset, size_t length, struct nvt_cpl *cpl);

#ifdef __cplusplus
}
#endif

#endif /* NVT_QPAIR_H */
