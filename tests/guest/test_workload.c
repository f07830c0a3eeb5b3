/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* ioworkers on the driver, both back ends: load, verification, and their sudden end. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <nvt/nvt.h>

#include "bare.h"
#include "session.h"
#include "stock.h"
#include "suites.h"

static const int backends[] = { NVT_BACKEND_MANAGED, NVT_BACKEND_RAW };

static struct nvt_ioworker_result run_worker(struct session *s,
					     const struct nvt_ioworker_opts *opts)
{
	struct nvt_ioworker *w = nvt_ioworker_start(s->ns, opts);
	struct nvt_ioworker_result result;

	ck_assert_msg(w != NULL, "%s", nvt_error());
	nvt_ioworker_close(w, &result);
	return result;
}

static uint64_t completions(struct session *s)
{
	struct nvt_vector_counter counter;
	uint64_t sum = 0;
	unsigned int i;

	for (i = 1; !nvt_pcie_vector(nvt_ctrl_pcie(s->ctrl), i, &counter); i++)
		sum += counter.completions;
	return sum;
}

START_TEST(a_mixed_verified_load_runs_clean)
{
	struct nvt_ioworker_opts opts = {
		.backend = backends[_i], .random_percent = 100, .read_percent = 50,
		.io_count = 2000, .region_end = 4096, .qdepth = 32,
	};
	struct nvt_ioworker_result r;
	struct session s;

	session_open(&s, backends[_i]);
	opts.verify = nvt_verify_create(s.ns);
	r = run_worker(&s, &opts);
	ck_assert_msg(r.error == 0, "%s", nvt_error());
	ck_assert_uint_eq(r.reads + r.writes, 2000);
	ck_assert_uint_gt(r.reads, 800);
	ck_assert_uint_gt(r.writes, 800);
	ck_assert_uint_gt(r.verified_blocks, 1000);
	ck_assert_uint_eq(r.miscompares, 0);
	ck_assert_uint_gt(r.read_latency.min_ns, 0);
	ck_assert_uint_le(r.read_latency.min_ns, r.read_latency.mean_ns);
	ck_assert_uint_le(r.read_latency.mean_ns, r.read_latency.max_ns);
	if (backends[_i] == NVT_BACKEND_MANAGED)
		ck_assert_uint_eq(completions(&s), 2000);
	nvt_verify_free(opts.verify);
	session_close(&s);
}
END_TEST

START_TEST(a_polled_load_takes_no_interrupts)
{
	struct nvt_ioworker_opts opts = {
		.backend = backends[_i], .polled = 1, .random_percent = 100, .read_percent = 100,
		.io_count = 500, .qdepth = 8,
	};
	struct nvt_vector_counter counter;
	struct nvt_ioworker_result r;
	struct session s;
	unsigned int i;

	session_open(&s, NVT_BACKEND_RAW);
	r = run_worker(&s, &opts);
	ck_assert_msg(r.error == 0, "%s", nvt_error());
	ck_assert_uint_eq(r.reads, 500);
	for (i = 1; !nvt_pcie_vector(nvt_ctrl_pcie(s.ctrl), i, &counter); i++)
		ck_assert_uint_eq(counter.interrupts, 0);
	session_close(&s);
}
END_TEST

/* Every block of one pass carries its own address: the block device says so, not we. */
START_TEST(one_pass_writes_each_block_where_it_belongs)
{
	struct nvt_ioworker_opts opts = {
		.backend = backends[_i], .region_start = 1000, .region_end = 3003, .io_blocks = 16,
	};
	static uint64_t data[4096 * 512 / 8];
	struct nvt_ioworker_result r;
	struct session s;
	uint32_t size;
	uint64_t lba;

	session_open(&s, backends[_i]);
	size = nvt_ns_lba_size(s.ns);
	ck_assert_uint_eq(size, 512);
	opts.verify = nvt_verify_create(s.ns);
	r = run_worker(&s, &opts);
	ck_assert_msg(r.error == 0, "%s", nvt_error());
	ck_assert_uint_eq(r.write_bytes, 2003ull * size);
	nvt_verify_free(opts.verify);
	session_close(&s);
	suite_unbind();
	stock_read(0, data, sizeof(data));
	for (lba = 1000; lba < 3003; lba++)
		ck_assert_uint_eq(data[lba * size / 8], lba);
	suite_bind();
}
END_TEST

START_TEST(a_block_changed_behind_our_back_is_found)
{
	struct nvt_ioworker_opts opts = { .backend = backends[_i], .region_end = 512 };
	struct nvt_ioworker_result r;
	struct session s;

	session_open(&s, backends[_i]);
	opts.verify = nvt_verify_create(s.ns);
	ck_assert_int_eq(run_worker(&s, &opts).error, 0);
	memset(nvt_buffer_data(s.buf), 0x5a, 512);
	ck_assert_int_eq(nvt_ns_write(s.ns, s.qp, s.buf, 0, 333, 1, 0), 0);
	opts.read_percent = 100;
	r = run_worker(&s, &opts);
	ck_assert_int_eq(r.error, -EILSEQ);
	ck_assert_uint_eq(r.miscompares, 1);
	ck_assert_uint_eq(r.miscompare.lba, 333);
	ck_assert_uint_eq(r.miscompare.kind, NVT_MISCOMPARE_CORRUPT);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "333"));
	nvt_verify_free(opts.verify);
	session_close(&s);
}
END_TEST

START_TEST(workers_share_a_region)
{
	struct nvt_ioworker_opts opts = {
		.backend = backends[_i], .random_percent = 100, .read_percent = 50,
		.io_count = 1000, .region_end = 256, .qdepth = 8,
	};
	struct nvt_ioworker *w[3];
	struct session s;
	int i;

	session_open(&s, backends[_i]);
	opts.verify = nvt_verify_create(s.ns);
	for (i = 0; i < 3; i++) {
		/* The guest's device has as many queues as processors, and one is ours. */
		w[i] = nvt_ioworker_start(s.ns, &opts);
		ck_assert_msg(w[i] != NULL, "%s", nvt_error());
	}
	for (i = 0; i < 3; i++)
		ck_assert_msg(nvt_ioworker_close(w[i], NULL) == 0, "%s", nvt_error());
	nvt_verify_free(opts.verify);
	session_close(&s);
}
END_TEST

START_TEST(a_reset_ends_a_worker)
{
	struct nvt_ioworker_opts opts = {
		.backend = backends[_i], .random_percent = 100, .read_percent = 100,
		.time_ms = 60000,
	};
	struct nvt_ioworker_progress progress;
	struct nvt_ioworker_result r;
	struct nvt_ioworker *w;
	struct session s;
	time_t before;

	session_open(&s, backends[_i]);
	w = nvt_ioworker_start(s.ns, &opts);
	ck_assert_msg(w != NULL, "%s", nvt_error());
	do
		nvt_ioworker_progress(w, &progress);
	while (progress.ios < 100);
	before = time(NULL);
	ck_assert_int_eq(nvt_pcie_reset(nvt_ctrl_pcie(s.ctrl)), 0);
	ck_assert_int_eq(nvt_ioworker_close(w, &r), -EIO);
	ck_assert_int_lt(time(NULL) - before, 20);
	nvt_qpair_delete(s.qp);
	ck_assert_msg(nvt_ctrl_reset(s.ctrl) == 0, "%s", nvt_error());
	s.qp = nvt_qpair_create(s.ctrl, NULL);
	ck_assert_msg(s.qp != NULL, "%s", nvt_error());
	ck_assert_int_eq(nvt_ns_read(s.ns, s.qp, s.buf, 0, 0, 1, 0), 0);
	session_close(&s);
}
END_TEST

static void load_for_ever(int backend, int ready)
{
	struct nvt_ioworker_opts opts = {
		.backend = backend, .random_percent = 100, .read_percent = 50, .time_ms = 600000,
		.qdepth = 64,
	};
	struct nvt_ioworker_progress progress;
	struct nvt_ioworker *w;
	struct session s;

	session_open(&s, backend);
	w = nvt_ioworker_start(s.ns, &opts);
	do
		nvt_ioworker_progress(w, &progress);
	while (progress.ios < 200);
	if (write(ready, "r", 1) == 1)
		nvt_ioworker_close(w, NULL);
	_exit(1);
}

static void kill_under_load(int backend)
{
	int ready[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		load_for_ever(backend, ready[1]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* io_uring lets go of a dead process's file a little later. */
static void wait_until_free(void)
{
	struct nvt_pcie *pcie = NULL;
	int i;

	for (i = 0; !pcie && i < 1000; i++) {
		pcie = nvt_pcie_open(bare_addr(), 0);
		if (!pcie)
			usleep(10000);
	}
	ck_assert_msg(pcie != NULL, "%s", nvt_error());
	nvt_pcie_close(pcie);
}

START_TEST(a_killed_worker_leaves_a_device_that_mounts)
{
	char dir[] = "/run/tmp/killedXXXXXX", out[1024];
	struct session s;
	int i;

	for (i = 0; i < 3; i++) {
		kill_under_load(backends[_i]);
		wait_until_free();
		session_open(&s, backends[_i]);
		ck_assert_int_eq(nvt_ns_read(s.ns, s.qp, s.buf, 0, 0, 1, 0), 0);
		session_close(&s);
	}
	suite_unbind();
	ck_assert_int_eq(stock_run(out, sizeof(out), "mkfs.ext4 -q -F %s 64M 2>&1", stock_block()), 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mount(stock_block(), dir, "ext4", 0, NULL), 0);
	ck_assert_int_eq(umount(dir), 0);
	rmdir(dir);
	suite_bind();
}
END_TEST

START_TEST(bad_loads_are_refused_by_name)
{
	static const struct { struct nvt_ioworker_opts opts; const char *name; } bad[] = {
		{ { .qdepth = 70000, .io_count = 1 }, "qdepth" },
		{ { .read_percent = 101, .io_count = 1 }, "read_percent" },
		{ { .random_percent = 101, .io_count = 1 }, "random_percent" },
		{ { .io_blocks = 1u << 20, .io_count = 1 }, "io_blocks" },
		{ { .region_start = 10, .region_end = 5, .io_count = 1 }, "region" },
		{ { .region_end = 1ull << 50, .io_count = 1 }, "region" },
		{ { .random_percent = 50 }, "random_percent" },
	};
	struct session s;
	size_t i;

	session_open(&s, NVT_BACKEND_RAW);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_ptr_null(nvt_ioworker_start(s.ns, &bad[i].opts));
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_msg(strstr(nvt_error(), bad[i].name) != NULL, "%s: %s", bad[i].name,
			      nvt_error());
	}
	session_close(&s);
}
END_TEST

Suite *workload_suite(void)
{
	const TTest *const tests[] = {
		a_mixed_verified_load_runs_clean, a_polled_load_takes_no_interrupts,
		one_pass_writes_each_block_where_it_belongs,
		a_block_changed_behind_our_back_is_found, workers_share_a_region,
		a_reset_ends_a_worker, a_killed_worker_leaves_a_device_that_mounts,
	};
	Suite *suite = suite_create("workload");
	TCase *tcase = tcase_create("ioworker");
	size_t i;

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 120);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_loop_test(tcase, tests[i], 0, 2);
	tcase_add_test(tcase, bad_loads_are_refused_by_name);
	suite_add_tcase(suite, tcase);
	return suite;
}
