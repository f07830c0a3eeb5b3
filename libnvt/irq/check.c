// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The load of a check of interrupts: batches of reads on raw queues, polled in
 * turn by the one thread. A batch is over when all is visible and an interrupt
 * told of the last, or could have for long enough.
 */
#include <stdlib.h>
#include <string.h>

#include <nvt/admin.h>
#include <nvt/error.h>
#include <nvt/irq_check.h>

#include "clock.h"
#include "err.h"
#include "irq/analysis.h"
#include "transport/transport.h"

#define DEFAULT_LOST_MS		1000
#define DEFAULT_LATE_US		100000
#define DEFAULT_STORM		50
#define DEFAULT_LOG		65536
#define LOG_BATCH		256
#define SETTLE_NS		(10 * NVT_NS_PER_MS)
#define COALESCING_UNIT_NS	(100 * NVT_NS_PER_US)
#define VECTOR_CD		(1U << 16)

struct irq_queue {
	struct nvt_irq_check *check;
	struct nvt_qpair *qp;
	struct nvt_buffer *buf;
	uint16_t vector;
	bool open;			/* a batch has begun */
	bool masked;			/* its vector is, for this batch */
	uint64_t batches;
	uint64_t polled_ns;		/* what is seen next was not there then */
	uint64_t rung_ns;
	uint64_t last_lo_ns, last_hi_ns;	/* of the last completion */
};

struct nvt_irq_check {
	struct nvt_ns *ns;
	struct nvt_pcie *pcie;
	struct nvt_irq_check_opts opts;	/* with the defaults put in */
	struct nvt_irq_analysis analysis;
	struct nvt_irq_cursor cursor;
	struct irq_queue *queue;
	uint64_t *last_irq_ns;		/* of each vector */
	uint64_t *storms;		/* of each vector, when it began */
	uint32_t nr_vectors;
	uint64_t issued, completed;
	uint64_t slba;
	uint64_t start_ns, deadline_ns, end_ns, settled_ns;
	uint16_t status;		/* of the first command that failed */
	bool stormed;
	bool stopped;
};

static const char *addr_of(const struct nvt_irq_check *check)
{
	return nvt_pcie_addr(check->pcie);
}

static void ended(void *arg, const struct nvt_cpl *cpl)
{
	struct irq_queue *q = arg;

	if (!q->check->status)
		q->check->status = nvt_cpl_status(cpl);
}

static int post_batch(struct irq_queue *q)
{
	struct nvt_irq_check *check = q->check;
	struct nvt_sqe sqe;
	uint32_t i;
	int err = 0;

	for (i = 0; !err && i < check->opts.depth && check->issued < check->opts.commands; i++) {
		sqe = nvt_sqe_read(nvt_ns_id(check->ns), check->slba, 1, 0);
		check->slba = (check->slba + 1) % nvt_ns_size(check->ns);
		err = nvt_qpair_post(q->qp, &sqe, q->buf, 0, nvt_ns_lba_size(check->ns), ended, q);
		check->issued += !err;
	}
	return err;
}

static int begin_batch(struct irq_queue *q)
{
	struct nvt_irq_check *check = q->check;
	int err;

	if (check->opts.mask_every && ++q->batches % check->opts.mask_every == 0) {
		err = nvt_irq_mask(check->pcie, q->vector);
		if (err)
			return err;
		nvt_irq_analysis_mask(&check->analysis, q->vector, nvt_now_ns());
		q->masked = true;
	}
	q->open = true;
	/* Nothing is outstanding, so nothing can be there. */
	q->polled_ns = nvt_now_ns();
	q->rung_ns = q->polled_ns;
	err = post_batch(q);
	return err ? err : nvt_qpair_ring(q->qp);
}

/* All is visible and none may have come: now the one that pends does. */
static int end_mask(struct irq_queue *q)
{
	uint64_t now;
	int err;

	/* Again: what came although it is masked has been counted then. */
	err = nvt_irq_mask(q->check->pcie, q->vector);
	if (err)
		return err;
	now = nvt_now_ns();
	q->masked = false;
	q->last_lo_ns = now;
	q->last_hi_ns = now;
	nvt_irq_analysis_unmask(&q->check->analysis, q->vector, now);
	return nvt_irq_unmask(q->check->pcie, q->vector);
}

static bool told(const struct irq_queue *q, uint64_t now)
{
	const struct nvt_irq_check *check = q->check;
	uint64_t wait = check->opts.lost_ms * NVT_NS_PER_MS +
			check->analysis.track[q->vector].report.time_ns;

	return check->last_irq_ns[q->vector] >= q->last_lo_ns || now - q->last_hi_ns > wait;
}

static int fail_timeout(const struct irq_queue *q)
{
	return nvt_fail(-ETIMEDOUT, "%s: interrupts: queue %u: %u commands do not complete; reset "
			"the controller", addr_of(q->check), nvt_qpair_id(q->qp),
			nvt_qpair_outstanding(q->qp));
}

/* Looks once; true if something has become visible. */
static int poll_queue(struct irq_queue *q)
{
	uint64_t before = nvt_now_ns(), now;
	int i, n;

	n = nvt_qpair_poll(q->qp, 0);
	if (n < 0)
		return n;
	if (n) {
		now = nvt_now_ns();
		q->last_lo_ns = q->polled_ns;
		q->last_hi_ns = now;
		for (i = 0; i < n; i++)
			nvt_irq_analysis_completion(&q->check->analysis, q->vector,
						    nvt_qpair_id(q->qp), q->polled_ns, now);
		q->check->completed += n;
	} else if (before - q->rung_ns > q->qp->timeout_ms * NVT_NS_PER_MS) {
		return fail_timeout(q);
	}
	/* The last look of this poll found nothing, and was not before its beginning. */
	q->polled_ns = before;
	return n;
}

/* Whether the queue has come on; it is closed at the end of its batch. */
static int pump(struct irq_queue *q, bool may_begin)
{
	uint64_t now;
	int err;

	if (q->open && nvt_qpair_outstanding(q->qp))
		return poll_queue(q);
	now = nvt_now_ns();
	q->polled_ns = now;
	if (q->open && q->masked) {
		err = end_mask(q);
		return err ? err : 1;
	}
	if (q->open && !told(q, now))
		return 0;
	q->open = false;
	if (!may_begin || q->check->issued >= q->check->opts.commands)
		return 0;
	err = begin_batch(q);
	return err ? err : 1;
}

static int read_log(struct nvt_irq_check *check)
{
	struct nvt_irq_entry entry[LOG_BATCH];
	int i, n;

	do {
		n = nvt_irq_log_read(check->pcie, &check->cursor, entry, LOG_BATCH);
		for (i = 0; i < n; i++) {
			nvt_irq_analysis_interrupt(&check->analysis, entry[i].vector, entry[i].ns,
						   entry[i].completions);
			if (entry[i].vector < check->nr_vectors)
				check->last_irq_ns[entry[i].vector] = entry[i].ns;
		}
	} while (n == LOG_BATCH);
	if (n < 0)
		return n;
	if (check->cursor.overwritten)
		return nvt_fail(-EOVERFLOW, "%s: interrupts: %llu were overwritten in the log before "
				"they were read; give it more entries", addr_of(check),
				(unsigned long long)check->cursor.overwritten);
	return 0;
}

/* Of the driver: it masked the vector, which it tells in the status page. */
static int look_for_storms(struct nvt_irq_check *check)
{
	struct nvt_vector_counter counter;
	uint32_t vector;

	for (vector = 0; vector < check->nr_vectors; vector++) {
		if (check->pcie->status->vector[vector].storms == check->storms[vector] ||
		    nvt_pcie_vector(check->pcie, vector, &counter))
			continue;
		check->storms[vector] = counter.storms;
		check->stormed = true;
		nvt_irq_analysis_storm(&check->analysis, vector, counter.last_ns,
				       counter.interrupts);
	}
	return check->stormed ? nvt_fail(-ECANCELED, "%s: interrupts: a storm: the driver masked the "
					 "vector", addr_of(check)) : 0;
}

static int settle(struct nvt_irq_check *check)
{
	uint64_t horizon = nvt_now_ns();
	uint32_t i;
	int err;

	if (horizon - check->settled_ns < SETTLE_NS)
		return 0;
	check->settled_ns = horizon;
	err = look_for_storms(check);
	if (err)
		return err;
	for (i = 0; i < check->opts.queues; i++)
		if (check->queue[i].polled_ns < horizon)
			horizon = check->queue[i].polled_ns;
	nvt_irq_analysis_settle(&check->analysis, horizon);
	return 0;
}

/* One look at each queue, and at the log. How many came on, or < 0. */
static int step(struct nvt_irq_check *check, bool may_begin)
{
	int moved = 0, ret, err;
	uint32_t i;

	for (i = 0; i < check->opts.queues; i++) {
		ret = pump(&check->queue[i], may_begin);
		if (ret < 0)
			return ret;
		moved += ret > 0;
	}
	err = read_log(check);
	if (!err)
		err = settle(check);
	if (!err && check->status)
		err = nvt_fail(-EREMOTEIO, "%s: interrupts: a read failed: status %#x: %s",
			       addr_of(check), check->status, nvt_status_string(check->status));
	return err ? err : moved;
}

static bool all_closed(const struct nvt_irq_check *check)
{
	uint32_t i;

	for (i = 0; i < check->opts.queues; i++)
		if (check->queue[i].open)
			return false;
	return true;
}

int nvt_irq_check_run(struct nvt_irq_check *check, unsigned int slice_ms)
{
	uint64_t now = nvt_now_ns(), moved_ns = now, until = UINT64_MAX;
	int ret;

	if (!check->start_ns) {
		check->start_ns = now;
		if (check->opts.time_ms)
			check->deadline_ns = now + check->opts.time_ms * NVT_NS_PER_MS;
	}
	if (slice_ms)
		until = now + slice_ms * NVT_NS_PER_MS;
	while (now < until) {
		ret = step(check, now < check->deadline_ns);
		now = nvt_now_ns();
		check->end_ns = now;
		if (ret < 0)
			return ret;
		if (ret)
			moved_ns = now;
		else if (all_closed(check))
			return 0;
		else
			nvt_relax(now - moved_ns);
	}
	return 1;
}

uint64_t nvt_irq_check_completions(const struct nvt_irq_check *check)
{
	return check->completed;
}

/* Of a device that has no such feature nothing is expected. NVMe Base 2.1, 5.1.25.1.6 and .7 */
static int learn_coalescing(struct nvt_irq_check *check)
{
	struct nvt_ctrl *ctrl = nvt_ns_ctrl(check->ns);
	uint32_t value, vector;
	struct nvt_cpl cpl;
	struct nvt_sqe sqe;
	int status;

	status = nvt_get_feature(ctrl, NVME_FEAT_FID_IRQ_COALESCE, 0, &value);
	if (status || !(value & 0xff) || !(value >> 8 & 0xff))
		return status < 0 ? status : 0;
	for (vector = 0; vector < check->nr_vectors; vector++) {
		sqe = nvt_sqe_get_features(NVME_FEAT_FID_IRQ_CONFIG, 0, 0, vector);
		status = nvt_qpair_exec(nvt_ctrl_admin(ctrl), &sqe, NULL, 0, 0, &cpl);
		if (status < 0)
			return status;
		if (status || !(cpl.cqe.dw0 & VECTOR_CD))
			nvt_irq_analysis_coalescing(&check->analysis, vector, (value & 0xff) + 1,
						    (value >> 8 & 0xff) * COALESCING_UNIT_NS);
	}
	return 0;
}

static int make_queue(struct irq_queue *q, uint32_t index)
{
	struct nvt_irq_check *check = q->check;
	struct nvt_qpair_opts opts = {
		.backend = NVT_BACKEND_RAW, .entries = check->opts.depth + 1,
	};

	q->vector = (check->opts.first_vector - 1 + index) % check->nr_vectors;
	opts.vector = q->vector + 1;
	q->qp = nvt_qpair_create(nvt_ns_ctrl(check->ns), &opts);
	if (!q->qp)
		return -errno;
	q->buf = nvt_buffer_create(check->pcie, nvt_ns_lba_size(check->ns), NVT_BUFFER_PAGES);
	return q->buf ? 0 : -errno;
}

static int make_queues(struct nvt_irq_check *check)
{
	uint32_t i;
	int err = 0;

	check->queue = calloc(check->opts.queues, sizeof(*check->queue));
	check->last_irq_ns = calloc(check->nr_vectors, sizeof(*check->last_irq_ns));
	check->storms = calloc(check->nr_vectors, sizeof(*check->storms));
	if (!check->queue || !check->last_irq_ns || !check->storms)
		return nvt_fail(-ENOMEM, "%s: interrupts: out of memory", addr_of(check));
	for (i = 0; !err && i < check->opts.queues; i++) {
		check->queue[i].check = check;
		err = make_queue(&check->queue[i], i);
	}
	for (i = 0; i < check->nr_vectors; i++)
		check->storms[i] = check->pcie->status->vector[i].storms;
	return err;
}

static int fill_opts(struct nvt_irq_check *check, const struct nvt_irq_check_opts *opts)
{
	uint32_t granted = nvt_ctrl_max_qpairs(nvt_ns_ctrl(check->ns)), n = check->nr_vectors;
	struct nvt_irq_check_opts *o = &check->opts;

	if (opts)
		*o = *opts;
	if (!o->queues)
		o->queues = n > 1 ? n - 1 : 1;
	if (!opts || !opts->queues)
		o->queues = o->queues < granted ? o->queues : granted;
	if (!o->first_vector)
		o->first_vector = n > 1 ? 2 : 1;
	o->depth = o->depth ? o->depth : 1;
	o->commands = o->commands ? o->commands : UINT64_MAX;
	o->lost_ms = o->lost_ms ? o->lost_ms : DEFAULT_LOST_MS;
	o->late_us = o->late_us ? o->late_us : DEFAULT_LATE_US;
	o->storm = o->storm ? o->storm : DEFAULT_STORM;
	o->log_entries = o->log_entries ? o->log_entries : DEFAULT_LOG;
	check->deadline_ns = UINT64_MAX;
	if (o->first_vector > n)
		return nvt_fail(-EINVAL, "%s: interrupts: first vector %u, and %u are allocated",
				addr_of(check), o->first_vector - 1, n);
	if (o->depth > 65535)
		return nvt_fail(-EINVAL, "%s: interrupts: depth %u; give 1 to 65535", addr_of(check),
				o->depth);
	return 0;
}

static int check_vectors(struct nvt_irq_check *check)
{
	struct nvt_device_info info;
	int err = nvt_pcie_info(check->pcie, &info);

	if (err)
		return err;
	check->nr_vectors = info.nr_vectors;
	if (info.vector_type == NVT_VECTOR_INTX)
		return nvt_fail(-EOPNOTSUPP, "%s: interrupts: the line of INTx falls as a queue is "
				"polled, so nothing can be told; use MSI-X or MSI", addr_of(check));
	if (!info.nr_vectors)
		return nvt_fail(-EINVAL, "%s: interrupts: no vectors are allocated", addr_of(check));
	return 0;
}

/* What the admin queue sent comes before the value of a register, and is not of the check. */
static int start_log(struct nvt_irq_check *check)
{
	uint64_t csts;
	int err = nvt_pcie_reg_read(check->pcie, 0, NVME_REG_CSTS, 4, &csts);

	if (err)
		return err;
	nvt_sleep_ns(NVT_NS_PER_MS);
	return nvt_irq_log_start(check->pcie, check->opts.log_entries);
}

static int start(struct nvt_irq_check *check, const struct nvt_irq_check_opts *opts)
{
	struct nvt_irq_rules rules;
	int err;

	err = check_vectors(check);
	if (!err)
		err = fill_opts(check, opts);
	if (err)
		return err;
	rules.lost_ns = check->opts.lost_ms * NVT_NS_PER_MS;
	rules.late_ns = check->opts.late_us * NVT_NS_PER_US;
	rules.storm = check->opts.storm;
	err = nvt_irq_analysis_init(&check->analysis, check->nr_vectors, &rules);
	if (err)
		return nvt_fail(err, "%s: interrupts: out of memory", addr_of(check));
	err = make_queues(check);
	if (!err)
		err = learn_coalescing(check);
	return err ? err : start_log(check);
}

struct nvt_irq_check *nvt_irq_check_start(struct nvt_ns *ns, const struct nvt_irq_check_opts *opts)
{
	struct nvt_irq_check *check = calloc(1, sizeof(*check));
	int err;

	if (!check) {
		nvt_fail(-ENOMEM, "interrupts: out of memory");
		return NULL;
	}
	check->ns = ns;
	check->pcie = nvt_ctrl_pcie(nvt_ns_ctrl(ns));
	err = start(check, opts);
	if (!err)
		return check;
	nvt_irq_check_close(check);
	errno = -err;
	return NULL;
}

static int delete_queues(struct nvt_irq_check *check)
{
	struct irq_queue *q = check->queue;
	int status, err = 0;

	for (; q && q < check->queue + check->opts.queues; q++) {
		if (q->masked)
			nvt_irq_unmask(check->pcie, q->vector);
		status = nvt_qpair_delete(q->qp);
		err = err ? err : status < 0 ? status : 0;
		nvt_buffer_free(q->buf);
		q->qp = NULL;
		q->buf = NULL;
	}
	return err;
}

/* What may still come of an interrupt that was sent has the time that a late one has. */
static int await_rest(struct nvt_irq_check *check)
{
	uint64_t deadline = nvt_now_ns() + check->opts.late_us * NVT_NS_PER_US;
	int ret = 0;

	while (ret >= 0 && (!all_closed(check) || nvt_now_ns() < deadline)) {
		ret = step(check, false);
		nvt_sleep_ns(NVT_NS_PER_MS);
	}
	return ret < 0 ? ret : 0;
}

int nvt_irq_check_stop(struct nvt_irq_check *check, struct nvt_irq_report *report)
{
	bool goes_on = !check->stormed && !check->status && !check->cursor.overwritten &&
		       nvt_pcie_state(check->pcie) == NVT_STATE_LIVE;
	int ret, err = goes_on ? await_rest(check) : 0;
	uint64_t horizon = goes_on && !err ? UINT64_MAX : check->end_ns;

	nvt_irq_log_stop(check->pcie);
	check->analysis.report.elapsed_ns = check->end_ns - check->start_ns;
	ret = nvt_irq_analysis_finish(&check->analysis, horizon, report);
	err = err ? err : ret;
	ret = delete_queues(check);
	check->stopped = true;
	return err ? err : ret;
}

void nvt_irq_check_close(struct nvt_irq_check *check)
{
	if (!check)
		return;
	if (!check->stopped) {
		nvt_irq_log_stop(check->pcie);
		delete_queues(check);
	}
	nvt_irq_analysis_free(&check->analysis);
	free(check->queue);
	free(check->last_irq_ns);
	free(check->storms);
	free(check);
}
