// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The life of an ioworker: start, progress, stop, close. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "clock.h"
#include "err.h"
#include "ioworker/worker.h"

static const char *addr_of(struct nvt_ns *ns)
{
	return nvt_pcie_addr(nvt_ctrl_pcie(nvt_ns_ctrl(ns)));
}

static void prepare_load(struct nvt_ioworker *w)
{
	const struct nvt_ioworker_opts *o = &w->opts;
	const struct nvt_load_opts load = {
		.seed = o->seed,
		.region_start = o->region_start,
		.region_end = o->region_end,
		.io_blocks = o->io_blocks,
		.random_percent = o->random_percent,
		.read_percent = o->read_percent,
	};

	nvt_load_init(&w->load, &load);
	w->limit = o->io_count ? o->io_count : UINT64_MAX;
	if (!o->io_count && !o->time_ms)
		w->limit = nvt_load_pass(&w->load);
}

static void prepare(struct nvt_ioworker *w)
{
	w->verify = w->opts.verify;
	w->spin = w->opts.polled || w->opts.backend == NVT_BACKEND_RAW;
	w->block_size = nvt_ns_block_size(w->ns);
	w->slot_bytes = nvt_ioworker_slot_bytes(w->ns, &w->opts);
	w->dir[0].opcode = nvme_cmd_read;
	w->dir[1].opcode = nvme_cmd_write;
	nvt_histogram_init(&w->dir[0].latency);
	nvt_histogram_init(&w->dir[1].latency);
	prepare_load(w);
}

static int make_slots(struct nvt_ioworker *w)
{
	uint32_t depth = w->opts.qdepth;

	w->slot = calloc(depth, sizeof(*w->slot));
	if (w->verify)
		w->crc = calloc((size_t)depth * w->opts.io_blocks, sizeof(*w->crc));
	if (!w->slot || (w->verify && !w->crc))
		return nvt_fail(-ENOMEM, "%s: ioworker: out of memory", addr_of(w->ns));
	return 0;
}

static int make_buffer(struct nvt_ioworker *w)
{
	struct nvt_pcie *pcie = nvt_ctrl_pcie(nvt_ns_ctrl(w->ns));
	size_t length = (size_t)w->opts.qdepth * w->slot_bytes;

	w->buffer = nvt_buffer_create(pcie, length, NVT_BUFFER_CONTIGUOUS);
	if (!w->buffer)
		w->buffer = nvt_buffer_create(pcie, length, NVT_BUFFER_PAGES);
	if (!w->buffer)
		return -errno;
	w->data = nvt_buffer_data(w->buffer);
	if (w->opts.read_percent < 100)
		nvt_load_fill(w->opts.seed, w->data, length);
	return 0;
}

static int make_qpair(struct nvt_ioworker *w)
{
	const struct nvt_qpair_opts opts = {
		.backend = w->opts.backend,
		.entries = w->opts.qdepth + 1,
		.polled = w->spin,
	};

	w->qp = nvt_qpair_create(nvt_ns_ctrl(w->ns), &opts);
	return w->qp ? 0 : -errno;
}

/* What is the same in all commands of an id is written once. */
static int fill_slots(struct nvt_ioworker *w)
{
	uint32_t i;
	int err;

	for (i = 0; i < w->opts.qdepth; i++) {
		struct nvt_io_slot *slot = &w->slot[i];

		*slot = (struct nvt_io_slot){ .w = w, .index = i, .nlb = w->opts.io_blocks,
					      .dir = &w->dir[0] };
		slot->sqe = nvt_sqe_read(nvt_ns_id(w->ns), 0, slot->nlb, 0);
		slot->sqe.cid = (uint16_t)i;
		err = nvt_ioworker_describe(slot);
		if (err)
			return err;
		nvt_ioworker_bind(slot);
	}
	return 0;
}

/* The thread takes no signals: they are the program's. */
static int create_thread(struct nvt_ioworker *w, const pthread_attr_t *attr)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, attr, nvt_ioworker_thread, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static int start_thread(struct nvt_ioworker *w)
{
	uint32_t cpu = w->opts.cpu;
	pthread_attr_t attr;
	cpu_set_t set;
	int err;

	w->start_ns = nvt_now_ns();
	atomic_store(&w->running, true);
	pthread_attr_init(&attr);
	if (cpu) {
		CPU_ZERO(&set);
		CPU_SET(cpu - 1, &set);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	}
	err = create_thread(w, &attr);
	pthread_attr_destroy(&attr);
	if (err == -EINVAL && cpu)
		return nvt_fail(err, "%s: ioworker: cpu %u: there is no CPU %u to pin it to",
				addr_of(w->ns), cpu, cpu - 1);
	if (err)
		return nvt_fail(err, "%s: ioworker: cannot create its thread: %s",
				addr_of(w->ns), strerror(-err));
	return 0;
}

/* The queue pair first: until it is gone the device may write to the buffer. */
static void end(struct nvt_ioworker *w)
{
	if (w->qp)
		nvt_qpair_delete(w->qp);
	nvt_buffer_free(w->buffer);
	w->qp = NULL;
	w->buffer = NULL;
}

static void free_worker(struct nvt_ioworker *w)
{
	free(w->crc);
	free(w->slot);
	free(w);
}

struct nvt_ioworker *nvt_ioworker_start(struct nvt_ns *ns, const struct nvt_ioworker_opts *opts)
{
	struct nvt_ioworker *w = calloc(1, sizeof(*w));
	int err;

	if (!w) {
		nvt_fail(-ENOMEM, "%s: ioworker: out of memory", addr_of(ns));
		return NULL;
	}
	w->ns = ns;
	w->opts = *opts;
	err = nvt_ioworker_resolve(ns, &w->opts);
	if (err)
		goto out_free;
	prepare(w);
	err = make_slots(w);
	if (err)
		goto out_free;
	err = make_buffer(w);
	if (err)
		goto out_free;
	err = make_qpair(w);
	if (err)
		goto out_end;
	err = fill_slots(w);
	if (err)
		goto out_end;
	err = start_thread(w);
	if (err)
		goto out_end;
	return w;

out_end:
	end(w);
out_free:
	free_worker(w);
	errno = -err;
	return NULL;
}

void nvt_ioworker_progress(struct nvt_ioworker *w, struct nvt_ioworker_progress *progress)
{
	bool running = atomic_load(&w->running);
	uint64_t until = running ? nvt_now_ns() : w->last_ns;

	*progress = (struct nvt_ioworker_progress){
		.ios = atomic_load_explicit(&w->ios, memory_order_relaxed),
		.errors = atomic_load_explicit(&w->errors, memory_order_relaxed),
		.elapsed_ns = until - w->start_ns,
		.running = running,
	};
}

void nvt_ioworker_stop(struct nvt_ioworker *w)
{
	atomic_store_explicit(&w->stop, true, memory_order_relaxed);
}

int nvt_ioworker_close(struct nvt_ioworker *w, struct nvt_ioworker_result *result)
{
	int err;

	if (!w)
		return 0;
	pthread_join(w->thread, NULL);
	end(w);
	if (result)
		nvt_ioworker_fill_result(w, result);
	err = nvt_ioworker_report(w);
	free_worker(w);
	return err;
}
