// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "perf.h"
#include "progress.h"

#define NOT_GIVEN	UINT64_MAX
#define DEFAULT_TIME_MS	10000
#define LOOK_NS		50000000L	/* so often it looks whether the workers still run */

struct perf {
	struct cmd *cmd;
	struct perf_args *args;
	struct nvt_ctrl *ctrl;
	struct nvt_ns *ns;
	struct nvt_verify *verify;
	struct nvt_ioworker **worker;
	struct nvt_ioworker_result *result;
	unsigned int started;
	uint32_t *cpus;
	unsigned int nr_cpus;
};

static volatile sig_atomic_t stop_wanted;

static void want_stop(int signo)
{
	stop_wanted = 1;
}

/* Once: the second of the signals kills. */
static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = want_stop, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int check_args(struct cmd *cmd, struct perf_args *args)
{
	if (args->sequential && args->random_percent != NOT_GIVEN && args->random_percent)
		return cmd_fail_usage(cmd, "--sequential and --random-percent do not go together");
	if (args->sequential)
		args->random_percent = 0;
	else if (args->random_percent == NOT_GIVEN)
		args->random_percent = 100;
	if (args->time_ms == NOT_GIVEN)
		args->time_ms = args->io_count ? 0 : DEFAULT_TIME_MS;
	if (!args->time_ms && !args->io_count && args->random_percent)
		return cmd_fail_usage(cmd, "--time 0 has no end; give --io-count, or --sequential "
				      "for one pass");
	if (args->io_count && args->io_count < args->workers)
		return cmd_fail_usage(cmd, "--io-count %llu is not one for each of %llu workers",
				      (unsigned long long)args->io_count,
				      (unsigned long long)args->workers);
	if (args->read_percent < 100 && !args->destroy_data)
		return cmd_fail_usage(cmd, "--read-percent %llu writes to the namespace; add "
				      "--destroy-data if its data may be lost",
				      (unsigned long long)args->read_percent);
	if (args->verify && args->read_percent == 100)
		cmd_warn("perf: --verify with --read-percent 100 writes nothing, so there is "
			 "nothing to check");
	return EXIT_OK;
}

static int parse_cpus(struct perf *p)
{
	if (!p->args->cpu)
		return EXIT_OK;
	p->cpus = calloc(CPU_SETSIZE, sizeof(*p->cpus));
	if (p->cpus)
		p->nr_cpus = perf_parse_cpus(p->args->cpu, p->cpus, CPU_SETSIZE);
	if (p->nr_cpus)
		return EXIT_OK;
	return cmd_fail_usage(p->cmd, "--cpu: '%s' is not a list of CPUs, such as 0,2-3",
			      p->args->cpu);
}

static int open_all(struct perf *p)
{
	struct nvt_ctrl_opts opts = { 0 };
	uint32_t block;
	int code;

	/* More than the default asks the device for. */
	if (p->args->workers > 16)
		opts.io_queues = p->args->workers;
	code = cmd_open_ctrl(p->cmd, &opts, &p->ctrl);
	if (code)
		return code;
	p->ns = nvt_ns_open(p->ctrl, p->args->nsid);
	if (!p->ns)
		return cmd_fail_lib(p->cmd, errno);
	block = nvt_ns_lba_size(p->ns);
	if (p->args->io_size % block)
		return cmd_fail_usage(p->cmd, "--io-size %llu is not a multiple of the block size, "
				      "%u", (unsigned long long)p->args->io_size, block);
	if (p->args->io_size > nvt_ctrl_mdts(p->ctrl))
		return cmd_fail_usage(p->cmd, "--io-size %llu is more than one command transfers, "
				      "%u", (unsigned long long)p->args->io_size,
				      nvt_ctrl_mdts(p->ctrl));
	if (p->args->workers > nvt_ctrl_max_qpairs(p->ctrl))
		return cmd_fail_usage(p->cmd, "--workers %llu: the device has %u I/O queue pairs",
				      (unsigned long long)p->args->workers,
				      nvt_ctrl_max_qpairs(p->ctrl));
	if (p->args->verify) {
		p->verify = nvt_verify_create(p->ns);
		if (!p->verify)
			return cmd_fail_lib(p->cmd, errno);
	}
	p->worker = calloc(p->args->workers, sizeof(*p->worker));
	p->result = calloc(p->args->workers, sizeof(*p->result));
	if (!p->worker || !p->result)
		return cmd_fail(p->cmd, EXIT_FAILED, ENOMEM, "perf: out of memory");
	return EXIT_OK;
}

static struct nvt_ioworker_opts worker_opts(const struct perf *p, unsigned int index)
{
	const struct perf_args *args = p->args;
	struct nvt_ioworker_opts opts = {
		.backend = (int)args->backend,
		.polled = args->polled,
		.random_percent = args->random_percent,
		.read_percent = args->read_percent,
		.io_blocks = args->io_size / nvt_ns_lba_size(p->ns),
		.qdepth = args->qdepth,
		.region_start = args->region_start,
		.region_end = args->region_end,
		.time_ms = args->time_ms,
		.io_count = args->io_count / args->workers,
		.verify = p->verify,
	};

	if (index < args->io_count % args->workers)
		opts.io_count++;
	if (args->seed)
		opts.seed = args->seed + index;
	if (p->nr_cpus)
		opts.cpu = p->cpus[index % p->nr_cpus] + 1;
	return opts;
}

/* The signals are for this thread: a worker may be in a system call that they would interrupt. */
static int start_workers(struct perf *p)
{
	struct nvt_ioworker_opts opts;
	int code = EXIT_OK;
	sigset_t mask, old;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &mask, &old);
	for (; p->started < p->args->workers; p->started++) {
		opts = worker_opts(p, p->started);
		p->worker[p->started] = nvt_ioworker_start(p->ns, &opts);
		if (!p->worker[p->started]) {
			code = cmd_fail_lib(p->cmd, errno);
			break;
		}
	}
	catch_signals();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return code;
}

static bool look(const struct perf *p, struct progress *progress)
{
	struct nvt_ioworker_progress one;
	bool running = false;
	unsigned int i;

	progress->ios = 0;
	progress->errors = 0;
	for (i = 0; i < p->started; i++) {
		nvt_ioworker_progress(p->worker[i], &one);
		progress->ios += one.ios;
		progress->errors += one.errors;
		if (one.elapsed_ns > progress->elapsed_ns)
			progress->elapsed_ns = one.elapsed_ns;
		running |= one.running;
	}
	return running;
}

/* Until all have ended. A signal, or the failure of one, stops the others. */
static void wait_for_workers(const struct perf *p)
{
	struct timespec period = { .tv_nsec = LOOK_NS };
	struct progress progress = {
		.time_ms = p->args->time_ms,
		.io_count = p->args->io_count,
		.io_bytes = p->args->io_size,
	};
	bool stopped = false;
	unsigned int i;

	progress_start(&progress);
	while (look(p, &progress)) {
		if (!stopped && (stop_wanted || progress.errors)) {
			for (i = 0; i < p->started; i++)
				nvt_ioworker_stop(p->worker[i]);
			stopped = true;
		}
		progress_show(&progress);
		nanosleep(&period, NULL);
	}
	progress_clear(&progress);
}

/* Returns the exit code of the first that failed. */
static int close_workers(struct perf *p)
{
	int code = EXIT_OK, err;
	unsigned int i;

	for (i = 0; i < p->started; i++) {
		err = nvt_ioworker_close(p->worker[i], &p->result[i]);
		if (err && !code)
			code = cmd_fail_lib(p->cmd, err);
	}
	return code;
}

static int run_workers(struct perf *p)
{
	struct perf_run run = { .args = p->args, .result = p->result };
	unsigned int i;
	int code, start_code;

	start_code = start_workers(p);
	if (start_code)
		for (i = 0; i < p->started; i++)
			nvt_ioworker_stop(p->worker[i]);
	wait_for_workers(p);
	code = close_workers(p);
	if (start_code)
		return start_code;
	run.addr = nvt_pcie_addr(nvt_ctrl_pcie(p->ctrl));
	run.workers = p->started;
	run.interrupted = stop_wanted;
	if (p->cmd->json)
		perf_json(&run, p->cmd->json);
	else
		perf_print(&run);
	return code;
}

static int run_perf(struct cmd *cmd)
{
	struct perf p = { .cmd = cmd, .args = cmd->args };
	int code;

	code = check_args(cmd, p.args);
	if (!code)
		code = parse_cpus(&p);
	if (!code)
		code = open_all(&p);
	if (!code)
		code = run_workers(&p);
	nvt_verify_free(p.verify);
	nvt_ns_close(p.ns);
	nvt_ctrl_close(p.ctrl);
	free(p.worker);
	free(p.result);
	free(p.cpus);
	return code;
}

static const struct perf_args defaults = {
	.nsid = 1,
	.io_size = 4096,
	.qdepth = 64,
	.read_percent = 100,
	.random_percent = NOT_GIVEN,
	.time_ms = NOT_GIVEN,
	.workers = 1,
};

#define ARGS struct perf_args

static const struct option_def options[] = {
	OPT_NSID(ARGS),
	OPT_BACKEND(ARGS),
	OPT_FLAG(ARGS, polled, "polled", 0, "no interrupts (raw always polls)"),
	OPT_SIZE(ARGS, io_size, "io-size", 'z', "BYTES", 1, UINT32_MAX,
		 "of one command (default 4k)"),
	OPT_NUMBER(ARGS, qdepth, "qdepth", 'q', "N", 1, UINT32_MAX,
		   "commands each worker keeps outstanding (default 64)"),
	OPT_NUMBER(ARGS, read_percent, "read-percent", 0, "N", 0, 100,
		   "of the commands that read, the rest write (default 100)"),
	OPT_NUMBER(ARGS, random_percent, "random-percent", 0, "N", 0, 100,
		   "of the commands that go to a random place (default 100)"),
	OPT_FLAG(ARGS, sequential, "sequential", 0, "as --random-percent 0"),
	OPT_SECONDS(ARGS, time_ms, "time", 't', 0, "its length (default 10; with --io-count none)"),
	OPT_SIZE(ARGS, io_count, "io-count", 0, "N", 1, 0, "commands of all workers together"),
	OPT_NUMBER(ARGS, region_start, "region-start", 0, "LBA", 0, 0, "first block (default 0)"),
	OPT_NUMBER(ARGS, region_end, "region-end", 0, "LBA", 1, 0,
		   "the block after the last (default: the namespace's end)"),
	OPT_NUMBER(ARGS, workers, "workers", 'w', "N", 1, PERF_MAX_WORKERS,
		   "each a thread with a queue pair (default 1)"),
	OPT_FLAG(ARGS, verify, "verify", 0, "check what is read of what was written"),
	OPT_NUMBER(ARGS, seed, "seed", 0, "N", 1, 0, "of all that is random (default: any)"),
	OPT_STRING(ARGS, cpu, "cpu", 0, "LIST", "CPUs for the workers, in turn, such as 0,2-3"),
	OPT_FLAG(ARGS, destroy_data, "destroy-data", 0, "needed for --read-percent below 100"),
	{ NULL },
};

const struct command cmd_perf = {
	.name = "perf",
	.operands = "ADDR",
	.summary = "Loads a namespace and measures it",
	.about = "Reads unless --read-percent says otherwise. A terminal shows the progress. An\n"
		 "interrupt (Ctrl-C) ends it early with results, a second one at once without.",
	.example = "  nvt perf 01:00.0 --io-size 4k --qdepth 128 --time 30\n"
		   "  nvt perf 01:00.0 --read-percent 50 --verify --destroy-data --io-count 1m",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.args_size = sizeof(struct perf_args),
	.defaults = &defaults,
	.run = run_perf,
};
