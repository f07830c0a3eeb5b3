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
	w->status_slba = slot->slba;
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
	uint32_t wrong = nvt_check_blocks(w->verify, slot->slba, slot->nlb, data_of(slot), &bad,
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
		nvt_verify_written(w->verify, slot->slba, slot->nlb, status ? NULL : crc_of(slot));
	else if (!status)
		check(w, slot);
	nvt_verify_release(w->verify, slot->slba, slot->nlb);
}

static void measure(struct nvt_ioworker *w, const struct nvt_io_slot *slot,
		    const struct nvt_cpl *cpl, uint16_t status)
{
	struct nvt_direction *dir = &w->dir[slot->write];

	nvt_histogram_record(&dir->latency, cpl->complete_ns - cpl->submit_ns);
	w->last_ns = cpl->complete_ns;
	if (status)
		note_status(w, slot, status);
	else
		dir->blocks += slot->nlb;
}

static void ended(void *arg, const struct nvt_cpl *cpl)
{
	struct nvt_io_slot *slot = arg;
	struct nvt_ioworker *w = slot->w;
	uint16_t status = nvt_cpl_status(cpl);

	if (status == NVT_STATUS_DEAD)
		fail(w, -EIO);
	else
		measure(w, slot, cpl, status);
	if (w->verify)
		settle(w, slot, status);
	w->free[w->nr_free++] = (uint16_t)slot->index;
}

static bool hold(struct nvt_ioworker *w)
{
	int i;

	for (i = 0; i < REDRAWS; i++) {
		if (nvt_verify_hold(w->verify, w->io.slba, w->io.nlb))
			return true;
		if (!w->io.random)
			return false;
		nvt_load_redraw(&w->load, &w->io);
	}
	return false;
}

/* Draws w->io, or takes up the one that could not be held. */
static bool next_io(struct nvt_ioworker *w)
{
	if (!w->waiting)
		nvt_load_next(&w->load, &w->io);
	w->waiting = w->verify && !hold(w);
	return !w->waiting;
}

static int post(struct nvt_ioworker *w)
{
	struct nvt_io_slot *slot = &w->slot[w->free[w->nr_free - 1]];
	struct nvt_sqe *sqe = &w->dir[w->io.write].sqe;
	int err;

	slot->slba = w->io.slba;
	slot->nlb = w->io.nlb;
	slot->write = w->io.write;
	sqe->cdw10 = (uint32_t)slot->slba;
	sqe->cdw11 = (uint32_t)(slot->slba >> 32);
	sqe->cdw12 = slot->nlb - 1;
	if (w->verify && slot->write)
		nvt_verify_stamp(w->verify, slot->slba, slot->nlb, data_of(slot), crc_of(slot));
	err = nvt_qpair_post(w->qp, sqe, w->buffer, (size_t)slot->index * w->slot_bytes,
			     (size_t)slot->nlb * w->block_size, ended, slot);
	if (err) {
		if (w->verify)
			nvt_verify_release(w->verify, slot->slba, slot->nlb);
		return err;
	}
	w->nr_free--;
	w->issued++;
	return 0;
}

static bool may_issue(struct nvt_ioworker *w)
{
	return w->issued < w->limit && w->last_ns < w->deadline_ns && !w->error &&
	       !atomic_load_explicit(&w->stop, memory_order_relaxed);
}

static void refill(struct nvt_ioworker *w)
{
	int err;

	while (w->nr_free && w->issued < w->limit && next_io(w)) {
		err = post(w);
		if (err) {
			fail_with_text(w, err);
			return;
		}
	}
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
	atomic_store_explicit(&w->ios, w->dir[0].latency.count + w->dir[1].latency.count,
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
		if (w->nr_free < w->opts.qdepth) {
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
	getrusage(RUSAGE_THREAD, &usage);
	w->cpu_user_ns = ns_of(usage.ru_utime);
	w->cpu_system_ns = ns_of(usage.ru_stime);
	atomic_store(&w->running, false);
	return NULL;
}
