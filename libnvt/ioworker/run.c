// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The thread of an ioworker. The way of a command: next_io() draws it and
 * holds its range, post() stamps and posts it, reap() rings and polls,
 * ended() measures it, checks it and gives its slot back.
 */
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "err.h"
#include "ioworker/worker.h"
#include "transport/transport.h"
#include "verify/verify.h"

#define REDRAWS		16	/* places tried for a random command */
#define SPINS		4096	/* polls before waiting, which looks at the clock */

static void fail(struct nvt_ioworker *w, int err)
{
	if (!w->error)
		w->error = err;
}

static void fail_with_text(struct nvt_ioworker *w, int err)
{
	if (!w->error)
		strncpy(w->text, nvt_error(), sizeof(w->text) - 1);
	fail(w, err);
}

static void note_status(struct nvt_ioworker *w, const struct nvt_io_slot *slot, uint16_t status)
{
	w->failed++;
	fail(w, -EREMOTEIO);
	if (w->status)
		return;
	w->status = status;
	w->status_write = slot->write;
	w->status_slba = nvt_io_slot_slba(slot);
	w->status_nlb = slot->nlb;
}

static uint8_t *data_of(const struct nvt_io_slot *slot)
{
	return slot->w->data + (size_t)slot->index * slot->w->slot_bytes;
}

static uint32_t *crc_of(const struct nvt_io_slot *slot)
{
	return slot->w->crc + (size_t)slot->index * slot->w->opts.io_blocks;
}

static void check(struct nvt_ioworker *w, const struct nvt_io_slot *slot)
{
	struct nvt_miscompare bad;
	uint32_t wrong = nvt_check_blocks(w->verify, nvt_io_slot_slba(slot), slot->nlb, data_of(slot), &bad,
					  &w->verified);

	if (!wrong)
		return;
	if (!w->miscompares)
		w->miscompare = bad;
	w->miscompares += wrong;
	fail(w, -EILSEQ);
}

static void settle(struct nvt_ioworker *w, const struct nvt_io_slot *slot, uint16_t status)
{
	if (slot->write)
		nvt_verify_written(w->verify, nvt_io_slot_slba(slot), slot->nlb, status ? NULL : crc_of(slot));
	else if (!status)
		check(w, slot);
	nvt_verify_release(w->verify, nvt_io_slot_slba(slot), slot->nlb);
}

static void failed(struct nvt_ioworker *w, const struct nvt_io_slot *slot, uint16_t status)
{
	if (status == NVT_STATUS_DEAD)
		fail(w, -EIO);
	else
		note_status(w, slot, status);
}

/* The one before goes into the histogram. */
static void start_run(struct nvt_direction *dir, uint64_t ns)
{
	if (dir->run)
		nvt_histogram_record(&dir->latency, dir->run_ns, dir->run);
	dir->run_ns = ns;
	dir->run = 0;
}

static void ended(void *arg, const struct nvt_cpl *cpl)
{
	struct nvt_io_slot *slot = arg;
	struct nvt_ioworker *w = slot->w;
	struct nvt_direction *dir = slot->dir;
	uint16_t status = nvt_cpl_status(cpl);

	if (status)
		failed(w, slot, status);
	else
		dir->blocks += slot->nlb;
	if (status != NVT_STATUS_DEAD) {
		if (dir->run_ns != cpl->complete_ns - cpl->submit_ns)
			start_run(dir, cpl->complete_ns - cpl->submit_ns);
		dir->run++;
		w->last_ns = cpl->complete_ns;
	}
	if (w->verify)
		settle(w, slot, status);
}

int nvt_ioworker_describe(struct nvt_io_slot *slot)
{
	struct nvt_ioworker *w = slot->w;

	return nvt_qpair_describe(w->qp, &slot->sqe, w->buffer, (size_t)slot->index * w->slot_bytes,
				  (size_t)slot->nlb * w->block_size);
}

void nvt_ioworker_bind(struct nvt_io_slot *slot)
{
	struct nvt_slot *id = &slot->w->qp->slots[slot->index];

	id->cb = ended;
	id->arg = slot;
}

static bool hold(struct nvt_ioworker *w, struct nvt_io *io)
{
	int i;

	for (i = 0; i < REDRAWS; i++) {
		if (nvt_verify_hold(w->verify, io->slba, io->nlb))
			return true;
		if (!io->random)
			return false;
		nvt_load_redraw(&w->load, io);
	}
	return false;
}

/*
 * Draws a command whose range can be held, or takes up the one that could not
 * be. Out of line, out of the way of loads that are not verified.
 */
static __attribute__((noinline)) bool next_held(struct nvt_ioworker *w)
{
	if (!w->waiting)
		nvt_load_next(&w->load, &w->io);
	w->waiting = !hold(w, &w->io);
	return !w->waiting;
}

static inline bool next_io(struct nvt_ioworker *w, struct nvt_io *io)
{
	bool held = true;

	/* By way of w->io, so that io itself can stay in registers. */
	if (w->verify) {
		held = next_held(w);
		*io = w->io;
	} else {
		nvt_load_next(&w->load, io);
	}
	return held;
}

static void turn(struct nvt_io_slot *slot, bool write)
{
	slot->write = write;
	slot->dir = &slot->w->dir[write];
	slot->sqe.opcode = slot->dir->opcode;
}

static int resize(struct nvt_io_slot *slot, uint32_t nlb)
{
	slot->nlb = nlb;
	slot->sqe.cdw12 = nlb - 1;
	return nvt_ioworker_describe(slot);
}

static int post(struct nvt_ioworker *w, struct nvt_qpair *qp, const struct nvt_io *io)
{
	struct nvt_io_slot *slot = &w->slot[nvt_qpair_next_id(qp)];
	int err = 0;

	if (slot->write != io->write)
		turn(slot, io->write);
	slot->sqe.cdw10 = (uint32_t)io->slba;
	slot->sqe.cdw11 = (uint32_t)(io->slba >> 32);
	if (slot->nlb != io->nlb)
		err = resize(slot, io->nlb);
	if (slot->write && w->verify)
		nvt_verify_stamp(w->verify, io->slba, io->nlb, data_of(slot), crc_of(slot));
	if (!err)
		err = nvt_qpair_post_ready(qp, &slot->sqe);
	if (err && w->verify)
		nvt_verify_release(w->verify, io->slba, io->nlb);
	return err;
}

static bool may_issue(struct nvt_ioworker *w)
{
	return w->issued < w->limit && w->last_ns < w->deadline_ns && !w->error &&
	       !atomic_load_explicit(&w->stop, memory_order_relaxed);
}

static void refill(struct nvt_ioworker *w)
{
	uint64_t room = w->qp->nr_free, left = w->limit - w->issued, i = 0;
	uint64_t most = room < left ? room : left;
	struct nvt_qpair *qp = w->qp;
	struct nvt_io io;
	int err;

	/* Of a dead one this is the error. */
	err = nvt_qpair_alive(qp) ? 0 : nvt_qpair_ring(qp);
	while (!err && i < most && next_io(w, &io)) {
		err = post(w, qp, &io);
		i += !err;
	}
	w->issued += i;
	if (err)
		fail_with_text(w, err);
}

/* Rings, and calls ended() for at least one command. */
static int reap(struct nvt_ioworker *w)
{
	int i, n = 0;

	for (i = 0; w->spin && !n && i < SPINS; i++)
		n = nvt_qpair_poll(w->qp, 0);
	return n ? n : nvt_qpair_wait(w->qp, 1, 0);
}

/* All that could be issued is held by others. */
static void idle(struct nvt_ioworker *w)
{
	if (nvt_now_ns() >= w->deadline_ns)
		w->limit = w->issued;
	sched_yield();
}

static void publish(struct nvt_ioworker *w)
{
	atomic_store_explicit(&w->ios, w->issued - nvt_qpair_outstanding(w->qp),
			      memory_order_relaxed);
	atomic_store_explicit(&w->errors, w->failed + w->miscompares, memory_order_relaxed);
}

/*
 * Goes on until nothing may be issued and all that was issued has ended. If
 * that does not happen in time, the commands end with the queue pair.
 */
static void run(struct nvt_ioworker *w)
{
	int n;

	for (;;) {
		if (may_issue(w))
			refill(w);
		if (nvt_qpair_outstanding(w->qp)) {
			n = reap(w);
			if (n < 0) {
				fail_with_text(w, n);
				return;
			}
			publish(w);
		} else if (may_issue(w)) {
			idle(w);
		} else {
			return;
		}
	}
}

static uint64_t ns_of(struct timeval tv)
{
	return (uint64_t)tv.tv_sec * NVT_NS_PER_S + (uint64_t)tv.tv_usec * NVT_NS_PER_US;
}

void *nvt_ioworker_thread(void *worker)
{
	struct nvt_ioworker *w = worker;
	struct rusage usage;

	w->first_ns = nvt_now_ns();
	w->last_ns = w->first_ns;
	w->deadline_ns = UINT64_MAX;
	if (w->opts.time_ms < (UINT64_MAX - w->first_ns) / NVT_NS_PER_MS && w->opts.time_ms)
		w->deadline_ns = w->first_ns + w->opts.time_ms * NVT_NS_PER_MS;
	run(w);
	publish(w);
	start_run(&w->dir[0], 0);
	start_run(&w->dir[1], 0);
	getrusage(RUSAGE_THREAD, &usage);
	w->cpu_user_ns = ns_of(usage.ru_utime);
	w->cpu_system_ns = ns_of(usage.ru_stime);
	atomic_store(&w->running, false);
	return NULL;
}
