// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The way of a command: post, ring, wait, poll, callback. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include <nvt/error.h>

#include "clock.h"
#include "err.h"
#include "ring/prp.h"
#include "transport/transport.h"

#define ALL_ONES	0xffffffffU

/* NVMe Base 2.1, 3.1.4.6: a controller that is not ready, or failed, processes no command. */
void nvt_qpair_look(struct nvt_qpair *qp, uint32_t csts)
{
	if (csts == ALL_ONES)
		qp->cause = "registers read as all-ones: the device is gone or its link is down";
	else if (NVME_CSTS_CFS(csts))
		qp->cause = "CSTS.CFS is 1: the controller has failed";
	else if (!NVME_CSTS_RDY(csts))
		qp->cause = "CSTS.RDY is 0: the controller was reset or lost its power";
	else
		return;
	qp->dead = true;
}

const char *nvt_qpair_cause(const struct nvt_qpair *qp)
{
	return qp->cause ? qp->cause : "it died with a reset, a disable or the device";
}

static int fail_dead(const struct nvt_qpair *qp)
{
	return nvt_fail(-EIO, "%s: queue %u: %s; reset the controller, delete the queue and make it "
			"again", qp->pcie->addr, qp->qid, nvt_qpair_cause(qp));
}

/* The PRP list page of a command id. Its memory comes with the first use. */
static int find_list(struct nvt_qpair *qp, uint16_t cid, uint64_t **list, uint64_t *list_bus)
{
	struct nvt_buffer **chunk = &qp->lists[cid / NVT_LIST_CHUNK];
	size_t offset = (cid % NVT_LIST_CHUNK) * NVT_PAGE_SIZE;

	if (!*chunk) {
		*chunk = nvt_buffer_create(qp->pcie, NVT_LIST_CHUNK * NVT_PAGE_SIZE,
					   NVT_BUFFER_PAGES);
		if (!*chunk)
			return -errno;
	}
	*list = (uint64_t *)((unsigned char *)(*chunk)->data + offset);
	*list_bus = nvt_buffer_bus(*chunk, offset);
	return 0;
}

int nvt_qpair_describe(struct nvt_qpair *qp, struct nvt_sqe *sqe, const struct nvt_buffer *buf,
		       size_t offset, size_t length)
{
	uint64_t *list = NULL, list_bus = 0;
	int err;

	if (length > NVT_PRP_MAX_LENGTH + NVT_PAGE_SIZE)
		goto bad;
	if (nvt_prp_needs_list(offset, length)) {
		err = find_list(qp, sqe->cid, &list, &list_bus);
		if (err)
			return err;
	}
	if (!nvt_prp_build(buf, offset, length, &sqe->prp1, &sqe->prp2, list, list_bus))
		return 0;
bad:
	return nvt_fail(-EINVAL, "%s: queue %u: %zu bytes at %zu of a buffer of %zu: beyond its "
			"end, not a multiple of 4, or more than a PRP list of one page holds",
			qp->pcie->addr, qp->qid, length, offset, buf->length);
}

int nvt_qpair_post(struct nvt_qpair *qp, struct nvt_sqe *sqe, struct nvt_buffer *buf,
		   size_t offset, size_t length, nvt_cmd_cb cb, void *arg)
{
	int err;

	if (!nvt_qpair_alive(qp))
		return fail_dead(qp);
	if (!qp->nr_free)
		return nvt_fail(-EBUSY, "%s: queue %u: full with %u commands; poll first",
				qp->pcie->addr, qp->qid, qp->entries - 1);
	sqe->cid = nvt_qpair_next_id(qp);
	if (buf) {
		err = nvt_qpair_describe(qp, sqe, buf, offset, length);
		if (err)
			return err;
	}
	qp->slots[sqe->cid].cb = cb;
	qp->slots[sqe->cid].arg = arg;
	return nvt_qpair_post_ready(qp, sqe);
}

int nvt_qpair_ring(struct nvt_qpair *qp)
{
	if (!nvt_qpair_alive(qp))
		return fail_dead(qp);
	return qp->ops->ring(qp);
}

/* What the device will not answer any more. */
static int end_as_dead(struct nvt_qpair *qp, unsigned int max)
{
	struct nvt_cpl cpl = { .complete_ns = nvt_now_ns() };
	unsigned int ended = 0;
	uint32_t cid;

	qp->dead = true;
	memset(&cpl.cqe, 0xff, sizeof(cpl.cqe));
	for (cid = 0; cid < qp->entries - 1 && ended < max; cid++) {
		if (!qp->slots[cid].busy)
			continue;
		cpl.submit_ns = qp->slots[cid].submit_ns;
		if (!cpl.submit_ns)
			cpl.submit_ns = cpl.complete_ns;
		nvt_qpair_end(qp, cid, &cpl);
		ended++;
	}
	return ended;
}

static int poll_some(struct nvt_qpair *qp, unsigned int max)
{
	bool alive = nvt_qpair_alive(qp);
	int n = 0;

	/* What was answered before it died counts, so it is taken first. */
	if (qp->ctrl)
		n = qp->ops->poll(qp, max);
	if (alive)
		return n;
	if (n < 0)
		n = 0;
	return n + end_as_dead(qp, max - n);
}

int nvt_qpair_poll(struct nvt_qpair *qp, unsigned int max)
{
	return poll_some(qp, max ? max : INT_MAX);
}

static int fail_timeout(struct nvt_qpair *qp, uint64_t timeout_ms)
{
	return nvt_fail(-ETIMEDOUT, "%s: queue %u: no completion within %llu ms, %u commands "
			"outstanding; see dmesg, or reset the controller", qp->pcie->addr, qp->qid,
			(unsigned long long)timeout_ms, nvt_qpair_outstanding(qp));
}

int nvt_qpair_wait(struct nvt_qpair *qp, unsigned int count, unsigned int timeout_ms)
{
	uint64_t timeout = timeout_ms ? timeout_ms : qp->timeout_ms;
	uint64_t deadline = nvt_now_ns() + timeout * NVT_NS_PER_MS;
	unsigned int ended = 0;
	int n, err;

	if (count > nvt_qpair_outstanding(qp))
		return nvt_fail(-EINVAL, "%s: queue %u: wait for %u commands, %u outstanding",
				qp->pcie->addr, qp->qid, count, nvt_qpair_outstanding(qp));
	for (;;) {
		n = poll_some(qp, INT_MAX);
		if (n < 0)
			return n;
		ended += n;
		if (ended >= count)
			return ended;
		if (nvt_now_ns() >= deadline)
			return fail_timeout(qp, timeout);
		if (!nvt_qpair_alive(qp))
			continue;
		err = qp->ops->wait(qp, count - ended, deadline);
		if (err)
			return err;
	}
}

struct exec {
	bool done;
	struct nvt_cpl cpl;
};

static void exec_done(void *arg, const struct nvt_cpl *cpl)
{
	struct exec *exec = arg;

	exec->cpl = *cpl;
	exec->done = true;
}

int nvt_qpair_exec(struct nvt_qpair *qp, struct nvt_sqe *sqe, struct nvt_buffer *buf,
		   size_t offset, size_t length, struct nvt_cpl *cpl)
{
	uint64_t deadline = nvt_now_ns() + qp->timeout_ms * NVT_NS_PER_MS;
	struct exec exec = { .done = false };
	uint64_t now;
	int err;

	err = nvt_qpair_post(qp, sqe, buf, offset, length, exec_done, &exec);
	if (err)
		return err;
	while (!exec.done) {
		now = nvt_now_ns();
		err = now < deadline ? nvt_qpair_wait(qp, 1, (deadline - now) / NVT_NS_PER_MS + 1) :
				       fail_timeout(qp, qp->timeout_ms);
		if (err < 0 && !exec.done) {
			/* It may still end: then nobody is called. */
			qp->slots[sqe->cid].cb = NULL;
			return err;
		}
	}
	if (cpl)
		*cpl = exec.cpl;
	return nvt_cpl_status(&exec.cpl);
}

uint16_t nvt_qpair_id(const struct nvt_qpair *qp)
{
	return qp->qid;
}

uint32_t nvt_qpair_entries(const struct nvt_qpair *qp)
{
	return qp->entries;
}

uint32_t nvt_qpair_outstanding(const struct nvt_qpair *qp)
{
	return qp->entries - 1 - qp->nr_free;
}
