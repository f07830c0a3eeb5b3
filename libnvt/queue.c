// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The life of a queue pair: memory, the driver's queues, the back end, and the
 * Create and Delete commands that tell the device. NVMe Base 2.1, 5.2.
 */
#include <stdlib.h>
#include <string.h>

#include <nvt/error.h>

#include "clock.h"
#include "err.h"
#include "ring/prp.h"
#include "transport/transport.h"

#define CREATE_PC	(1U << 0)	/* CDW11: physically contiguous */
#define CREATE_CQ_IEN	(1U << 1)	/* CDW11 of a CQ: interrupts enabled */

static int allocate_slots(struct nvt_qpair *qp)
{
	uint32_t i, ids = qp->entries - 1;

	qp->slots = calloc(ids, sizeof(*qp->slots));
	qp->free_ids = calloc(ids, sizeof(*qp->free_ids));
	qp->lists = calloc(ids / NVT_LIST_CHUNK + 1, sizeof(*qp->lists));
	if (!qp->slots || !qp->free_ids || !qp->lists)
		return nvt_fail(-ENOMEM, "%s: queue %u: out of memory", qp->pcie->addr, qp->qid);
	for (i = 0; i < ids; i++)
		qp->free_ids[i] = ids - 1 - i;
	qp->nr_free = ids;
	return 0;
}

static void free_slots(struct nvt_qpair *qp)
{
	free(qp->slots);
	free(qp->free_ids);
	free(qp->lists);
}

static void free_memory(struct nvt_qpair *qp)
{
	uint32_t i;

	for (i = 0; i <= (qp->entries - 1) / NVT_LIST_CHUNK; i++)
		nvt_buffer_free(qp->lists[i]);
	nvt_buffer_free(qp->cq_list);
	nvt_buffer_free(qp->sq_list);
	nvt_buffer_free(qp->cq_mem);
	nvt_buffer_free(qp->sq_mem);
}

static int allocate_memory(struct nvt_qpair *qp, int kind)
{
	qp->sq_mem = nvt_buffer_create(qp->pcie, qp->entries * sizeof(struct nvt_sqe), kind);
	if (!qp->sq_mem)
		return -errno;
	qp->cq_mem = nvt_buffer_create(qp->pcie, qp->entries * sizeof(struct nvt_cqe), kind);
	return qp->cq_mem ? 0 : -errno;
}

static int fail_host_queue(struct nvt_qpair *qp, const char *which, int err)
{
	if (err == -EEXIST)
		return nvt_fail(err, "%s: create of %s %u: it exists; delete the old one first",
				qp->pcie->addr, which, qp->qid);
	return nvt_fail(err, "%s: create of %s %u: the driver says: %s", qp->pcie->addr, which,
			qp->qid, strerror(-err));
}

/* The driver's side of both queues: it knows of a raw one too, to stop it at the end. */
static int create_host_queues(struct nvt_qpair *qp)
{
	struct nvt_pcie *pcie = qp->pcie;
	bool managed = qp->ops->queue_flags & NVT_QUEUE_MANAGED;
	struct nvt_queue_create cq = {
		.flags = qp->ops->queue_flags,
		.type = NVT_QUEUE_CQ,
		.nr_entries = qp->entries,
		.qid = qp->qid,
		.vector = managed && !qp->polled ? qp->vector : NVT_NO_VECTOR,
		.buffer_id = qp->cq_mem->id,
	};
	struct nvt_queue_create sq = {
		.flags = qp->ops->queue_flags,
		.type = NVT_QUEUE_SQ,
		.nr_entries = qp->entries,
		.qid = qp->qid,
		.cqid = qp->qid,
		.vector = NVT_NO_VECTOR,
		.buffer_id = qp->sq_mem->id,
	};
	int err;

	err = pcie->ops->queue_create(pcie, &cq);
	if (err)
		return fail_host_queue(qp, "CQ", err);
	err = pcie->ops->queue_create(pcie, &sq);
	if (err) {
		pcie->ops->queue_destroy(pcie, NVT_QUEUE_CQ, qp->qid);
		return fail_host_queue(qp, "SQ", err);
	}
	qp->records_offset = sq.records_offset;
	return 0;
}

static void destroy_host_queues(struct nvt_qpair *qp)
{
	qp->pcie->ops->queue_destroy(qp->pcie, NVT_QUEUE_SQ, qp->qid);
	qp->pcie->ops->queue_destroy(qp->pcie, NVT_QUEUE_CQ, qp->qid);
}

static int create_host_side(struct nvt_qpair *qp, int buffer_kind)
{
	int err;

	err = allocate_slots(qp);
	if (err)
		goto out_slots;
	err = allocate_memory(qp, buffer_kind);
	if (err)
		goto out_memory;
	err = create_host_queues(qp);
	if (err)
		goto out_memory;
	err = qp->ops->create(qp);
	if (err)
		goto out_queues;
	return 0;

out_queues:
	destroy_host_queues(qp);
out_memory:
	free_memory(qp);
out_slots:
	free_slots(qp);
	return err;
}

/* Of a CQ: without any vector allocated it can only be polled. */
static int choose_vector(struct nvt_qpair *qp, const struct nvt_qpair_opts *opts)
{
	uint32_t nr = __atomic_load_n(&qp->pcie->status->nr_vectors, __ATOMIC_ACQUIRE);

	qp->polled = opts->polled || !nr;
	if (opts->vector)
		qp->vector = opts->vector - 1;
	else if (nr)
		qp->vector = qp->qid % nr;
	if (qp->polled || qp->vector < nr || qp->ops == &nvt_raw_ops)
		return 0;
	return nvt_fail(-EINVAL, "%s: queue %u: vector %u, and %u are allocated", qp->pcie->addr,
			qp->qid, qp->vector, nr);
}

int nvt_backend_choose(const struct nvt_pcie *pcie, int backend)
{
	if (backend != NVT_BACKEND_DEFAULT)
		return backend;
	return pcie->manages_queues ? NVT_BACKEND_MANAGED : NVT_BACKEND_RAW;
}

static int check_opts(struct nvt_ctrl *ctrl, const struct nvt_qpair_opts *opts)
{
	if (opts->backend < NVT_BACKEND_DEFAULT || opts->backend > NVT_BACKEND_RAW)
		return nvt_fail(-EINVAL, "%s: queue: unknown back end %d", ctrl->pcie->addr,
				opts->backend);
	if (opts->backend == NVT_BACKEND_MANAGED && !ctrl->pcie->manages_queues)
		return nvt_fail(-EOPNOTSUPP, "%s: queue: no driver has this device, so none manages "
				"its queues; use the raw back end", ctrl->pcie->addr);
	if (opts->entries == 1 || opts->entries > 65536)
		return nvt_fail(-EINVAL, "%s: queue: %u entries; give 2 to 65536",
				ctrl->pcie->addr, opts->entries);
	if (opts->priority > 3)
		return nvt_fail(-EINVAL, "%s: queue: priority %u; give 0 to 3", ctrl->pcie->addr,
				opts->priority);
	return 0;
}

struct nvt_qpair *nvt_qpair_new(struct nvt_ctrl *ctrl, uint16_t qid,
				const struct nvt_qpair_opts *opts)
{
	uint32_t max_entries = NVME_CAP_MQES(ctrl->cap) + 1;
	struct nvt_qpair *qp;
	int err;

	if (check_opts(ctrl, opts))
		return NULL;
	qp = calloc(1, sizeof(*qp));
	if (!qp) {
		nvt_fail(-ENOMEM, "%s: queue %u: out of memory", ctrl->pcie->addr, qid);
		return NULL;
	}
	qp->ops = nvt_backend_choose(ctrl->pcie, opts->backend) == NVT_BACKEND_RAW ?
			  &nvt_raw_ops : &nvt_managed_ops;
	qp->pcie = ctrl->pcie;
	qp->ctrl = ctrl;
	qp->qid = qid;
	qp->generation = nvt_pcie_generation(ctrl->pcie);
	qp->epoch = __atomic_load_n(&ctrl->epoch, __ATOMIC_ACQUIRE);
	qp->priority = opts->priority;
	qp->timeout_ms = ctrl->opts.timeout_ms;
	qp->entries = opts->entries;
	if (!qp->entries)
		qp->entries = max_entries < 256 ? max_entries : 256;
	err = choose_vector(qp, opts);
	if (!err)
		err = create_host_side(qp, opts->buffer_kind);
	if (err) {
		free(qp);
		errno = -err;
		return NULL;
	}
	return qp;
}

/* The last completions are taken, the rest ends as dead: callbacks run here. */
static void end_all(struct nvt_qpair *qp)
{
	qp->dead = true;
	nvt_qpair_poll(qp, 0);
}

static void destroy_host_side(struct nvt_qpair *qp)
{
	/* The driver's queues first: that ends the commands that the back end waits for. */
	destroy_host_queues(qp);
	qp->ops->destroy(qp);
	free_memory(qp);
}

void nvt_qpair_free(struct nvt_qpair *qp)
{
	if (!qp)
		return;
	end_all(qp);
	if (qp->ctrl)
		destroy_host_side(qp);
	free_slots(qp);
	free(qp);
}

void nvt_qpair_orphan(struct nvt_qpair *qp)
{
	qp->dead = true;
	destroy_host_side(qp);
	qp->ctrl = NULL;
}

static int admin_exec(struct nvt_ctrl *ctrl, struct nvt_sqe *sqe, const char *what, uint16_t qid)
{
	int status = nvt_qpair_exec(ctrl->admin, sqe, NULL, 0, 0, NULL);

	if (status <= 0)
		return status;
	if (status == NVT_STATUS_DEAD)
		return nvt_fail(-EIO, "%s: %s %u: %s; reset the controller", ctrl->pcie->addr, what,
				qid, nvt_qpair_cause(ctrl->admin));
	nvt_fail(-EREMOTEIO, "%s: %s %u: status %#x: %s", ctrl->pcie->addr, what, qid, status,
		 nvt_status_string(status));
	return status;
}

/*
 * One Create command. A queue in pieces of more than a page is described by a
 * list of pages, which the device may read as long as the queue exists.
 */
static int create_on_device(struct nvt_qpair *qp, struct nvt_sqe *sqe, struct nvt_buffer *mem,
			    struct nvt_buffer **list, const char *what)
{
	size_t pages = mem->length >> NVT_PAGE_SHIFT;

	sqe->cdw10 = qp->qid | (qp->entries - 1) << 16;
	if (mem->kind == NVT_BUFFER_CONTIGUOUS || pages == 1) {
		sqe->cdw11 |= CREATE_PC;
		sqe->prp1 = mem->bus[0];
	} else {
		*list = nvt_buffer_create(qp->pcie, nvt_prp_list_pages(pages) * NVT_PAGE_SIZE,
					  NVT_BUFFER_PAGES);
		if (!*list)
			return -errno;
		nvt_prp_list_fill(mem, *list);
		sqe->prp1 = (*list)->bus[0];
	}
	return admin_exec(qp->ctrl, sqe, what, qp->qid);
}

static int create_cq(struct nvt_qpair *qp)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_create_cq };

	if (!qp->polled)
		sqe.cdw11 = CREATE_CQ_IEN | (uint32_t)qp->vector << 16;
	return create_on_device(qp, &sqe, qp->cq_mem, &qp->cq_list, "Create I/O CQ");
}

static int create_sq(struct nvt_qpair *qp)
{
	struct nvt_sqe sqe = {
		.opcode = nvme_admin_create_sq,
		.cdw11 = (uint32_t)qp->qid << 16 | (uint32_t)qp->priority << 1,
	};

	return create_on_device(qp, &sqe, qp->sq_mem, &qp->sq_list, "Create I/O SQ");
}

static int delete_on_device(struct nvt_qpair *qp, uint8_t opcode, const char *what)
{
	struct nvt_sqe sqe = { .opcode = opcode, .cdw10 = qp->qid };

	return admin_exec(qp->ctrl, &sqe, what, qp->qid);
}

static int create_device_side(struct nvt_qpair *qp)
{
	int status;

	status = create_cq(qp);
	if (status)
		return status;
	status = create_sq(qp);
	/* Not after a time-out: the admin queue is silent, and this would take as long again. */
	if (status > 0)
		delete_on_device(qp, nvme_admin_delete_cq, "Delete I/O CQ");
	return status;
}

static bool test_and_set_qid(struct nvt_ctrl *ctrl, uint32_t qid)
{
	uint64_t bit = 1ULL << (qid % 64);
	bool was = ctrl->qids[qid / 64] & bit;

	ctrl->qids[qid / 64] |= bit;
	return was;
}

static void put_qid(struct nvt_ctrl *ctrl, uint16_t qid)
{
	ctrl->qids[qid / 64] &= ~(1ULL << (qid % 64));
}

/* 0 asks for the lowest free; a number is taken even if the device did not grant so many. */
static int get_qid(struct nvt_ctrl *ctrl, uint16_t wanted)
{
	uint32_t qid;

	if (wanted) {
		if (test_and_set_qid(ctrl, wanted))
			return nvt_fail(-EEXIST, "%s: queue %u: it exists; delete it first",
					ctrl->pcie->addr, wanted);
		return wanted;
	}
	for (qid = 1; qid <= ctrl->max_qpairs && qid <= NVT_MAX_QID; qid++)
		if (!test_and_set_qid(ctrl, qid))
			return qid;
	return nvt_fail(-ENOSPC, "%s: queue: all %u that the device granted are in use; ask for "
			"more with io_queues", ctrl->pcie->addr, ctrl->max_qpairs);
}

static void link_qpair(struct nvt_ctrl *ctrl, struct nvt_qpair *qp)
{
	qp->next = ctrl->qpairs;
	ctrl->qpairs = qp;
}

static void unlink_qpair(struct nvt_ctrl *ctrl, struct nvt_qpair *qp)
{
	struct nvt_qpair **link = &ctrl->qpairs;

	while (*link && *link != qp)
		link = &(*link)->next;
	if (*link)
		*link = qp->next;
	put_qid(ctrl, qp->qid);
}

struct nvt_qpair *nvt_qpair_create(struct nvt_ctrl *ctrl, const struct nvt_qpair_opts *opts)
{
	static const struct nvt_qpair_opts defaults;
	struct nvt_qpair *qp;
	int qid, status;

	if (!ctrl->admin) {
		nvt_fail(-EINVAL, "%s: queue: the controller is not initialised",
			 ctrl->pcie->addr);
		return NULL;
	}
	opts = opts ? opts : &defaults;
	qid = get_qid(ctrl, opts->qid);
	if (qid < 0)
		return NULL;
	qp = nvt_qpair_new(ctrl, qid, opts);
	if (!qp) {
		put_qid(ctrl, qid);
		return NULL;
	}
	link_qpair(ctrl, qp);
	status = create_device_side(qp);
	if (!status)
		return qp;
	unlink_qpair(ctrl, qp);
	nvt_qpair_free(qp);
	errno = status > 0 ? EREMOTEIO : -status;
	return NULL;
}

/* The device says how its outstanding commands ended before Delete I/O SQ completes. */
static int delete_device_side(struct nvt_qpair *qp)
{
	int sq_status, cq_status;

	sq_status = delete_on_device(qp, nvme_admin_delete_sq, "Delete I/O SQ");
	if (sq_status < 0)
		return sq_status;
	nvt_qpair_poll(qp, 0);
	cq_status = delete_on_device(qp, nvme_admin_delete_cq, "Delete I/O CQ");
	return sq_status ? sq_status : cq_status;
}

int nvt_qpair_delete(struct nvt_qpair *qp)
{
	int status = 0;

	if (!qp)
		return 0;
	if (!qp->qid)
		return nvt_fail(-EINVAL, "%s: queue 0: it ends with its controller; close that",
				qp->pcie->addr);
	if (nvt_qpair_alive(qp) && nvt_qpair_alive(qp->ctrl->admin))
		status = delete_device_side(qp);
	if (qp->ctrl)
		unlink_qpair(qp->ctrl, qp);
	nvt_qpair_free(qp);
	return status;
}
