// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The managed back end: the driver has the queues, commands go to it through
 * io_uring and the waiter sleeps until their interrupt.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <liburing.h>
#include <nvme/types.h>

#include "clock.h"
#include "err.h"
#include "transport/transport.h"

#define RING_MAX_SQES	32768	/* io_uring takes no more; they are submitted as it fills */
#define REAP_BATCH	64

/* How long a wait sleeps before the caller looks whether the queue is dead. */
#define WAIT_SLICE_NS	(100 * NVT_NS_PER_MS)

struct managed {
	struct io_uring ring;
	const struct nvt_record *records;	/* the driver's, by command id */
	size_t records_length;
	bool enabled;		/* the using thread has made the ring its own */
	bool fixed;		/* the device's file is registered with the ring, as file 0 */
};

static uint32_t round_up_pow2(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

static int fail_ring(struct nvt_qpair *qp, int err)
{
	if (err == -EPERM || err == -ENOSYS)
		return nvt_fail(err, "%s: queue %u: io_uring is not allowed here; set sysctl "
				"kernel.io_uring_disabled=0 (or lift the seccomp filter), or use "
				"the raw back end", qp->pcie->addr, qp->qid);
	return nvt_fail(err, "%s: queue %u: io_uring: %s", qp->pcie->addr, qp->qid,
			strerror(-err));
}

/*
 * An I/O queue pair has one thread, so completions run when that one waits;
 * the ring starts disabled because it is often made in another thread. The
 * admin queue pair is anyone's. Kernels before 6.1 lack some of the flags.
 */
static int create_ring(struct nvt_qpair *qp, struct managed *m)
{
	unsigned int poll = qp->polled ? IORING_SETUP_IOPOLL : 0;
	unsigned int modes[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED,
		IORING_SETUP_COOP_TASKRUN,
		0,
	};
	uint32_t entries = round_up_pow2(qp->entries);
	unsigned int i = qp->qid ? 0 : 1;
	int err = -EINVAL;

	for (; err == -EINVAL && i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct io_uring_params params = {
			.flags = IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_CQSIZE |
				 modes[i] | poll,
			.cq_entries = entries,
		};

		err = io_uring_queue_init_params(entries < RING_MAX_SQES ? entries : RING_MAX_SQES,
						 &m->ring, &params);
		m->enabled = !(modes[i] & IORING_SETUP_R_DISABLED);
	}
	return err ? fail_ring(qp, err) : 0;
}

/* The kernel reads entries and leaves them as they are, so what never changes is written once. */
static void prepare_entries(struct nvt_qpair *qp, struct managed *m)
{
	const struct nvt_uring_command cmd = { .sqid = qp->qid };
	unsigned int i, entries = m->ring.sq.ring_entries;

	for (i = 0; i < entries; i++) {
		/* Not through the struct: gcc 12 takes 128 bytes of it for an overrun. */
		unsigned char *raw = (unsigned char *)m->ring.sq.sqes + i * 128UL;
		struct io_uring_sqe *uring_sqe = (struct io_uring_sqe *)raw;

		memset(raw, 0, 128);
		uring_sqe->opcode = IORING_OP_URING_CMD;
		uring_sqe->fd = m->fixed ? 0 : qp->pcie->fd;
		uring_sqe->flags = m->fixed ? IOSQE_FIXED_FILE : 0;
		uring_sqe->cmd_op = NVT_URING_COMMAND;
		memcpy(raw + offsetof(struct io_uring_sqe, cmd), &cmd, sizeof(cmd));
	}
}

static int map_records(struct nvt_qpair *qp, struct managed *m)
{
	size_t length = qp->entries * sizeof(struct nvt_record);
	void *map;

	m->records_length = (length + NVT_PAGE_SIZE - 1) & ~(NVT_PAGE_SIZE - 1);
	map = mmap(NULL, m->records_length, PROT_READ, MAP_SHARED, qp->pcie->fd,
		   qp->records_offset);
	if (map == MAP_FAILED)
		return nvt_fail(-errno, "%s: queue %u: map of its records: %s", qp->pcie->addr,
				qp->qid, strerror(errno));
	m->records = map;
	return 0;
}

static int managed_create(struct nvt_qpair *qp)
{
	struct managed *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return nvt_fail(-ENOMEM, "%s: queue %u: out of memory", qp->pcie->addr, qp->qid);
	err = map_records(qp, m);
	if (err)
		goto out_free;
	err = create_ring(qp, m);
	if (err)
		goto out_unmap;
	/* A file less to look up for each command; without it works too. */
	m->fixed = !io_uring_register_files(&m->ring, &qp->pcie->fd, 1);
	prepare_entries(qp, m);
	qp->transport = m;
	return 0;

out_unmap:
	munmap((void *)m->records, m->records_length);
out_free:
	free(m);
	return err;
}

static void managed_destroy(struct nvt_qpair *qp)
{
	struct managed *m = qp->transport;

	io_uring_queue_exit(&m->ring);
	munmap((void *)m->records, m->records_length);
	free(m);
}

/*
 * The thread that does this is the one that io_uring lets submit and reap.
 * liburing 2.3 declares io_uring_enable_rings() and does not export it.
 */
static int managed_enable(struct nvt_qpair *qp, struct managed *m)
{
	if (syscall(__NR_io_uring_register, m->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0))
		return fail_ring(qp, -errno);
	m->enabled = true;
	return 0;
}

static int managed_ring(struct nvt_qpair *qp)
{
	struct managed *m = qp->transport;
	int n;

	if (!io_uring_sq_ready(&m->ring) || !nvt_qpair_alive(qp))
		return 0;
	do
		n = io_uring_submit(&m->ring);
	while (n == -EINTR);
	/* Out of kernel memory, or unreaped completions: what is left goes next time. */
	if (n == -EAGAIN || n == -EBUSY)
		return 0;
	return n < 0 ? fail_ring(qp, n) : 0;
}

static inline void fill_entry(struct io_uring_sqe *uring_sqe, const struct nvt_sqe *sqe)
{
	uring_sqe->user_data = sqe->cid;
	memcpy((unsigned char *)uring_sqe + offsetof(struct io_uring_sqe, cmd) +
	       offsetof(struct nvt_uring_command, sqe), sqe, sizeof(*sqe));
}

static int managed_post(struct nvt_qpair *qp, const struct nvt_sqe *sqe)
{
	struct managed *m = qp->transport;
	struct io_uring_sqe *uring_sqe;
	int err;

	if (!m->enabled) {
		err = managed_enable(qp, m);
		if (err)
			return err;
	}
	uring_sqe = io_uring_get_sqe(&m->ring);
	if (!uring_sqe) {
		err = managed_ring(qp);
		if (err)
			return err;
		uring_sqe = io_uring_get_sqe(&m->ring);
	}
	if (!uring_sqe)
		return nvt_fail(-EBUSY, "%s: queue %u: io_uring is full; poll first",
				qp->pcie->addr, qp->qid);
	fill_entry(uring_sqe, sqe);
	return 0;
}

/* The driver refused it or gave it up: no state of the queue can be relied on. */
static void managed_refused(struct nvt_qpair *qp, struct nvt_cpl *cpl, int err)
{
	memset(&cpl->cqe, 0xff, sizeof(cpl->cqe));
	cpl->complete_ns = nvt_now_ns();
	cpl->submit_ns = cpl->complete_ns;
	qp->dead = true;
	if (err != -ECANCELED && err != -EIO && err != -ENODEV)
		nvt_fail(-EIO, "%s: queue %u: the driver refused a command: %s; the queue is dead",
			 qp->pcie->addr, qp->qid, strerror(-err));
}

static bool managed_take(struct nvt_qpair *qp, struct managed *m, uint64_t cid, int res)
{
	struct nvt_cpl cpl;

	/* It ended before, when its queue was found dead. */
	if (!nvt_qpair_expects(qp, cid))
		return false;
	if (res >= 0) {
		const struct nvt_record *record = &m->records[cid];

		memcpy(&cpl.cqe, record->cqe, sizeof(cpl.cqe));
		cpl.submit_ns = record->submit_ns;
		cpl.complete_ns = record->complete_ns;
	} else {
		managed_refused(qp, &cpl, res);
	}
	nvt_qpair_end(qp, cid, &cpl);
	return true;
}

struct reaped {
	uint16_t cid;
	int res;
};

/* Takes them out of the ring before callbacks run: those may post and submit. */
static unsigned int managed_collect(struct managed *m, struct reaped *reaped, unsigned int max)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(&m->ring, head, cqe) {
		if (n == max)
			break;
		reaped[n].cid = cqe->user_data;
		reaped[n++].res = cqe->res;
	}
	io_uring_cq_advance(&m->ring, n);
	return n;
}

static unsigned int managed_reap(struct nvt_qpair *qp, struct managed *m, unsigned int max)
{
	struct reaped reaped[REAP_BATCH];
	unsigned int i, n, ended = 0;

	do {
		n = max - ended < REAP_BATCH ? max - ended : REAP_BATCH;
		n = managed_collect(m, reaped, n);
		for (i = 0; i < n; i++)
			ended += managed_take(qp, m, reaped[i].cid, reaped[i].res);
	} while (n && ended < max);
	return ended;
}

static int managed_poll(struct nvt_qpair *qp, unsigned int max)
{
	struct managed *m = qp->transport;
	int err = 0;

	if (!m->enabled)
		return 0;
	if (io_uring_sq_ready(&m->ring) && nvt_qpair_alive(qp))
		err = io_uring_submit_and_get_events(&m->ring);
	else if (!io_uring_cq_ready(&m->ring))
		err = io_uring_get_events(&m->ring);
	if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
		return fail_ring(qp, err);
	return managed_reap(qp, m, max);
}

/* As the raw back end does, for the driver hears of a loss only from the PCI core, if at all. */
static void managed_look(struct nvt_qpair *qp, struct managed *m)
{
	uint64_t csts;

	if (!io_uring_cq_ready(&m->ring) && nvt_qpair_alive(qp) &&
	    !nvt_pcie_reg_read(qp->pcie, 0, NVME_REG_CSTS, 4, &csts))
		nvt_qpair_look(qp, csts);
}

/* io_uring ignores a time-out on a polled ring, and a silent device would keep it for ever. */
static int managed_wait_polled(struct nvt_qpair *qp, struct managed *m, uint64_t deadline_ns)
{
	uint64_t start = nvt_now_ns(), now = start;
	int err;

	err = managed_ring(qp);
	while (!err && !io_uring_cq_ready(&m->ring) && now < deadline_ns && nvt_qpair_alive(qp)) {
		err = io_uring_get_events(&m->ring);
		if (err == -EINTR || err == -EAGAIN || err > 0)
			err = 0;
		if (err)
			return fail_ring(qp, err);
		nvt_relax(now - start);
		now = nvt_now_ns();
		if (now - start > WAIT_SLICE_NS)
			managed_look(qp, m);
	}
	return err;
}

static int managed_wait(struct nvt_qpair *qp, unsigned int count, uint64_t deadline_ns)
{
	struct managed *m = qp->transport;
	struct __kernel_timespec ts = { 0 };
	uint64_t now = nvt_now_ns();
	struct io_uring_cqe *cqe;
	int err;

	if (!m->enabled)
		return 0;
	if (qp->polled)
		return managed_wait_polled(qp, m, deadline_ns);
	if (now < deadline_ns)
		ts.tv_nsec = deadline_ns - now < WAIT_SLICE_NS ? deadline_ns - now : WAIT_SLICE_NS;
	err = io_uring_submit_and_wait_timeout(&m->ring, &cqe, count, &ts, NULL);
	if (err < 0 && err != -ETIME && err != -EINTR && err != -EAGAIN && err != -EBUSY)
		return fail_ring(qp, err);
	if (err == -ETIME)
		managed_look(qp, m);
	return 0;
}

const struct nvt_transport_ops nvt_managed_ops = {
	.queue_flags = NVT_QUEUE_MANAGED,
	.create = managed_create,
	.destroy = managed_destroy,
	.post = managed_post,
	.ring = managed_ring,
	.poll = managed_poll,
	.wait = managed_wait,
};
