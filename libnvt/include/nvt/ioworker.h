/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An ioworker: a thread with a queue pair of its own that keeps it full of
 * reads and writes, measures each and, if asked to, checks all that it reads.
 *
 * Thread-safety: one thread uses a worker's handle. Any number of workers
 * may run on one namespace.
 */
#ifndef NVT_IOWORKER_H
#define NVT_IOWORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <nvt/ns.h>
#include <nvt/verify.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nvt_ioworker;

/**
 * struct nvt_ioworker_opts - the load; zeros are the defaults
 * @backend: enum nvt_backend
 * @polled: no interrupts (a raw worker always polls)
 * @io_blocks: logical blocks of one command; 0: 4096 bytes worth, at least 1
 * @qdepth: commands kept outstanding, 1 to 65534; 0: 64
 * @random_percent: of the commands that go to a random place, @region_start
 *	and a multiple of @io_blocks; blocks left over at the end of the region
 *	are not used by them. The rest go on sequentially: from @region_start
 *	to the end, where the last is shortened, and again
 * @read_percent: of the commands that are reads; the rest are writes. So 0
 *	writes only
 * @region_start: first block of the region used
 * @region_end: the block after it; 0: the end of the namespace
 * @time_ms: stop after so long; 0: no limit
 * @io_count: stop after so many commands; 0: no limit. Both 0: one pass over
 *	the region, which takes @random_percent 0.
 * @seed: of all that is random; the same seed makes the same sequence of
 *	commands, in the order in which they are posted, and the same data
 *	but for what @verify stamps. 0: chosen and reported.
 * @cpu: pin the thread to this CPU - 1; 0: do not pin
 * @verify: stamp and check data with it, or NULL. A random command whose
 *	range is held by another one goes elsewhere, the following ones do not
 *	change; a sequential one waits.
 */
struct nvt_ioworker_opts {
	int backend;
	uint8_t polled;
	uint8_t random_percent;
	uint8_t read_percent;
	uint32_t io_blocks;
	uint32_t qdepth;
	uint64_t region_start;
	uint64_t region_end;
	uint64_t time_ms;
	uint64_t io_count;
	uint64_t seed;
	uint32_t cpu;
	struct nvt_verify *verify;
};

#define NVT_LATENCY_PERCENTILES 8

/**
 * struct nvt_latency - distribution of the time from post to completion
 * @min_ns: shortest
 * @max_ns: longest
 * @mean_ns: mean
 * @percentile: of 50, 90, 99, 99.9, 99.99, 99.999, 1 and 10 %, in
 *	@percentile_ns
 * @percentile_ns: so many per cent took at most so long; within 1/64 of the
 *	true value
 */
struct nvt_latency {
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t mean_ns;
	double percentile[NVT_LATENCY_PERCENTILES];
	uint64_t percentile_ns[NVT_LATENCY_PERCENTILES];
};

/**
 * struct nvt_ioworker_result - what a worker did
 * @error: 0, or the negative errno that ended it: -EREMOTEIO (a command
 *	failed, see @status), -EILSEQ (a miscompare, see @miscompare),
 *	-ETIMEDOUT (the device does not answer), -EIO (the queue died)
 * @status: of the first command that failed, or 0
 * @status_slba: its first block
 * @miscompare: the first wrong block; @miscompare.kind is 0 if none
 * @miscompares: blocks that were wrong
 * @seed: used
 * @backend: used: NVT_BACKEND_MANAGED or NVT_BACKEND_RAW
 * @reads: commands that the device answered, failed ones too
 * @writes: commands that the device answered, failed ones too
 * @verified_blocks: blocks read that were known and checked
 * @elapsed_ns: from the first post to the last completion
 * @cpu_user_ns: CPU time of the thread in user mode
 * @cpu_system_ns: CPU time of the thread in the kernel
 * @read_bytes: read by commands that succeeded
 * @write_bytes: written by commands that succeeded
 * @iops: (@reads + @writes) per second
 * @read_latency: of the reads
 * @write_latency: of the writes
 */
struct nvt_ioworker_result {
	int error;
	uint16_t status;
	uint64_t status_slba;
	struct nvt_miscompare miscompare;
	uint64_t miscompares;
	uint64_t seed;
	int backend;
	uint64_t reads;
	uint64_t writes;
	uint64_t verified_blocks;
	uint64_t elapsed_ns;
	uint64_t cpu_user_ns;
	uint64_t cpu_system_ns;
	uint64_t read_bytes;
	uint64_t write_bytes;
	double iops;
	struct nvt_latency read_latency;
	struct nvt_latency write_latency;
};

/**
 * struct nvt_ioworker_progress - how far a worker is
 * @ios: commands that have ended
 * @errors: commands that failed, and wrong blocks
 * @elapsed_ns: since its start
 * @running: it has not ended
 */
struct nvt_ioworker_progress {
	uint64_t ios;
	uint64_t errors;
	uint64_t elapsed_ns;
	bool running;
};

/**
 * nvt_ioworker_start() - start a worker
 * @ns: the namespace, open until the worker is closed
 * @opts: the load; copied
 *
 * Creates its queue pair and buffers in the calling thread; returns when the
 * thread runs.
 *
 * Return: the worker, or NULL with errno set: EINVAL (nvt_error() names the
 * option), or as nvt_qpair_create() and nvt_buffer_create().
 */
struct nvt_ioworker *nvt_ioworker_start(struct nvt_ns *ns, const struct nvt_ioworker_opts *opts);

/** nvt_ioworker_progress() - how far it is; does not wait */
void nvt_ioworker_progress(struct nvt_ioworker *w, struct nvt_ioworker_progress *progress);

/** nvt_ioworker_stop() - ask it to stop soon; outstanding commands still end. Not an error */
void nvt_ioworker_stop(struct nvt_ioworker *w);

/**
 * nvt_ioworker_close() - wait until it has ended, and free it
 * @w: the worker, or NULL
 * @result: what it did, or NULL
 *
 * It ends at its limits, when stopped, or at the first failure; then nothing
 * is issued any more and the outstanding commands end. Those that do not
 * within the controller's time-out end here, with the queue pair.
 *
 * Return: @result->error; its text is nvt_error().
 */
int nvt_ioworker_close(struct nvt_ioworker *w, struct nvt_ioworker_result *result);

#ifdef __cplusplus
}
#endif

#endif /* NVT_IOWORKER_H */
