// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Workers on a disk in memory that ends commands in random order, and misbehaves. */
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nvt/nvt.h>

#include "fake_disk.h"
#include "suites.h"

#define TIMEOUT_MS	500

static struct fake_disk *disk;
static struct nvt_ctrl *ctrl;
static struct nvt_ns *ns;
static struct nvt_verify *verify;
static struct nvt_ioworker_result result;

static void make_disk(const struct fake_disk_opts *opts)
{
	disk = fake_disk_create(opts);
	ctrl = fake_disk_ctrl(disk, TIMEOUT_MS);
	ns = nvt_ns_open(ctrl, 1);
	ck_assert_msg(ns != NULL, "%s", nvt_error());
	verify = nvt_verify_create(ns);
	ck_assert_msg(verify != NULL, "%s", nvt_error());
}

static void make(void)
{
	make_disk(NULL);
}

static void drop(void)
{
	nvt_verify_free(verify);
	nvt_ns_close(ns);
	nvt_ctrl_close(ctrl);
}

static void remake(const struct fake_disk_opts *opts)
{
	drop();
	make_disk(opts);
}

/* One pass of writes over everything, unless the test changes it. */
static struct nvt_ioworker_opts raw(void)
{
	return (struct nvt_ioworker_opts){ .backend = NVT_BACKEND_RAW, .qdepth = 16, .seed = 1 };
}

static struct nvt_ioworker *start(const struct nvt_ioworker_opts *opts)
{
	struct nvt_ioworker *w = nvt_ioworker_start(ns, opts);

	ck_assert_msg(w != NULL, "%s", nvt_error());
	return w;
}

static int run(const struct nvt_ioworker_opts *opts)
{
	return nvt_ioworker_close(start(opts), &result);
}

static void assert_ok(int err)
{
	ck_assert_msg(err == 0, "%s", nvt_error());
	ck_assert_int_eq(result.error, 0);
}

static void assert_all_released(void)
{
	ck_assert(nvt_verify_hold(verify, 0, (uint32_t)nvt_ns_size(ns)));
	nvt_verify_release(verify, 0, (uint32_t)nvt_ns_size(ns));
}

/* Writes all of it under verification, and reads it under this fault. */
static int read_with_fault(enum fake_fault fault, uint64_t lba)
{
	struct nvt_ioworker_opts o = raw();

	o.verify = verify;
	assert_ok(run(&o));
	fake_disk_fault(disk, fault, lba);
	o.read_percent = 100;
	return run(&o);
}

static void assert_miscompare(int err, uint64_t lba, uint32_t kind)
{
	ck_assert_int_eq(err, -EILSEQ);
	ck_assert_int_eq(result.error, -EILSEQ);
	ck_assert_uint_ge(result.miscompares, 1);
	ck_assert_uint_eq(result.miscompare.lba, lba);
	ck_assert_uint_eq(result.miscompare.kind, kind);
	assert_all_released();
}

START_TEST(one_pass_writes_each_block_once)
{
	struct nvt_ioworker_opts o = raw();
	const struct fake_command *log;
	uint8_t seen[4096] = { 0 };
	uint32_t i, k, n;

	o.io_blocks = 7;
	o.verify = verify;
	assert_ok(run(&o));
	n = fake_disk_log(disk, &log);
	ck_assert_uint_eq(n, 586);
	ck_assert_uint_eq(result.writes, 586);
	ck_assert_uint_eq(result.reads, 0);
	ck_assert_uint_eq(result.write_bytes, 4096 * 512);
	for (i = 0; i < n; i++)
		for (k = 0; k < log[i].nlb; k++)
			seen[log[i].slba + k]++;
	for (i = 0; i < sizeof(seen); i++) {
		ck_assert_uint_eq(seen[i], 1);
		ck_assert_uint_eq(*(uint64_t *)fake_disk_block(disk, i), i);
	}
	assert_all_released();
}
END_TEST

START_TEST(what_was_written_is_verified_when_read)
{
	assert_ok(read_with_fault(FAKE_NONE, 0));
	ck_assert_uint_eq(result.reads, 512);
	ck_assert_uint_eq(result.verified_blocks, 4096);
	ck_assert_uint_eq(result.read_bytes, 4096 * 512);
}
END_TEST

START_TEST(count_is_exact)
{
	static const uint64_t counts[] = { 1, 15, 16, 17, 1000, 5001 };
	struct nvt_ioworker_opts o = raw();
	size_t i;

	o.random_percent = 50;
	o.read_percent = 70;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		o.io_count = counts[i];
		assert_ok(run(&o));
		ck_assert_uint_eq(result.reads + result.writes, counts[i]);
		ck_assert_uint_eq(result.read_bytes + result.write_bytes, counts[i] * 4096);
	}
}
END_TEST

START_TEST(depth_is_kept_and_not_exceeded)
{
	struct nvt_ioworker_opts o = raw();

	o.io_count = 5000;
	o.read_percent = 100;
	o.random_percent = 100;
	o.qdepth = 33;
	assert_ok(run(&o));
	ck_assert_uint_eq(fake_disk_max_depth(disk), 33);
}
END_TEST

START_TEST(depth_of_one_works)
{
	struct nvt_ioworker_opts o = raw();

	o.io_count = 300;
	o.qdepth = 1;
	o.verify = verify;
	assert_ok(run(&o));
	ck_assert_uint_eq(fake_disk_max_depth(disk), 1);
}
END_TEST

START_TEST(time_limit_ends_it)
{
	struct nvt_ioworker_opts o = raw();

	o.time_ms = 100;
	o.read_percent = 100;
	assert_ok(run(&o));
	ck_assert_uint_ge(result.elapsed_ns, 100000000);
	ck_assert_uint_lt(result.elapsed_ns, 600000000);
	ck_assert_double_gt(result.iops, 0);
	ck_assert_uint_gt(result.reads, 0);
}
END_TEST

START_TEST(stop_ends_it_without_an_error)
{
	struct nvt_ioworker_opts o = raw();
	struct nvt_ioworker_progress progress;
	struct nvt_ioworker *w;

	o.time_ms = 3600000;
	w = start(&o);
	do {
		nvt_ioworker_progress(w, &progress);
		ck_assert(progress.running);
		sched_yield();
	} while (progress.ios < 100);
	ck_assert_uint_gt(progress.elapsed_ns, 0);
	nvt_ioworker_stop(w);
	assert_ok(nvt_ioworker_close(w, &result));
	ck_assert_uint_ge(result.writes, 100);
}
END_TEST

START_TEST(progress_of_an_ended_worker_is_final)
{
	struct nvt_ioworker_opts o = raw();
	struct nvt_ioworker_progress progress;
	struct nvt_ioworker *w;

	o.io_count = 77;
	w = start(&o);
	do {
		nvt_ioworker_progress(w, &progress);
		sched_yield();
	} while (progress.running);
	ck_assert_uint_eq(progress.ios, 77);
	ck_assert_uint_eq(progress.errors, 0);
	assert_ok(nvt_ioworker_close(w, &result));
}
END_TEST

static uint32_t run_and_copy_log(const struct nvt_ioworker_opts *o, struct fake_command *copy)
{
	const struct fake_command *log;
	uint32_t n, before = fake_disk_log(disk, &log);

	assert_ok(run(o));
	n = fake_disk_log(disk, &log) - before;
	memcpy(copy, log + before, n * sizeof(*copy));
	return n;
}

START_TEST(same_seed_sends_the_same_commands)
{
	static struct fake_command a[2000], b[2000];
	struct nvt_ioworker_opts o = raw();

	o.io_count = 2000;
	o.random_percent = 60;
	o.read_percent = 60;
	o.seed = 0;
	ck_assert_uint_eq(run_and_copy_log(&o, a), 2000);
	ck_assert_uint_ne(result.seed, 0);
	o.seed = result.seed;
	o.qdepth = 3;
	ck_assert_uint_eq(run_and_copy_log(&o, b), 2000);
	ck_assert_uint_eq(result.seed, o.seed);
	ck_assert_mem_eq(a, b, sizeof(a));
}
END_TEST

START_TEST(commands_stay_in_the_region)
{
	struct nvt_ioworker_opts o = raw();
	const struct fake_command *log;
	uint32_t i, n;

	o.region_start = 100;
	o.region_end = 201;
	o.random_percent = 50;
	o.io_count = 3000;
	o.verify = verify;
	assert_ok(run(&o));
	n = fake_disk_log(disk, &log);
	for (i = 0; i < n; i++) {
		ck_assert_uint_ge(log[i].slba, 100);
		ck_assert_uint_le(log[i].slba + log[i].nlb, 201);
	}
}
END_TEST

START_TEST(flipped_bit_is_corrupt)
{
	assert_miscompare(read_with_fault(FAKE_FLIP, 1234), 1234, NVT_MISCOMPARE_CORRUPT);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "ioworker: block 1234 is corrupt"));
}
END_TEST

START_TEST(lost_write_is_stale)
{
	struct nvt_ioworker_opts o = raw();

	o.verify = verify;
	fake_disk_fault(disk, FAKE_LOSE, 777);
	assert_ok(run(&o));
	assert_ok(run(&o));
	o.read_percent = 100;
	assert_miscompare(run(&o), 777, NVT_MISCOMPARE_STALE);
	ck_assert_uint_eq(result.miscompare.found_lba, 777);
}
END_TEST

START_TEST(misdirected_write_is_misplaced)
{
	struct nvt_ioworker_opts o = raw();

	o.verify = verify;
	o.qdepth = 1;
	o.io_blocks = 1;
	o.region_start = 600;
	o.region_end = 602;
	assert_ok(run(&o));
	fake_disk_fault(disk, FAKE_MISDIRECT, 600);
	o.region_end = 601;
	assert_ok(run(&o));
	o.read_percent = 100;
	o.region_start = 601;
	o.region_end = 602;
	assert_miscompare(run(&o), 601, NVT_MISCOMPARE_MISPLACED);
	ck_assert_uint_eq(result.miscompare.found_lba, 600);
	o.region_start = 600;
	o.region_end = 601;
	assert_miscompare(run(&o), 600, NVT_MISCOMPARE_STALE);
}
END_TEST

START_TEST(failed_read_ends_it_with_status_and_place)
{
	ck_assert_int_eq(read_with_fault(FAKE_FAIL, 2000), -EREMOTEIO);
	ck_assert_int_eq(result.error, -EREMOTEIO);
	ck_assert_uint_eq(result.status & 0x7ff, 0x281);
	ck_assert_uint_eq(result.status_slba, 2000);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "ioworker: read of 8 blocks at LBA 2000 failed"));
	assert_all_released();
}
END_TEST

START_TEST(outstanding_commands_end_after_a_failure)
{
	struct nvt_ioworker_opts o = raw();
	const struct fake_command *log;

	fake_disk_fault(disk, FAKE_FAIL, 2048);
	o.qdepth = 64;
	o.verify = verify;
	ck_assert_int_eq(run(&o), -EREMOTEIO);
	ck_assert_uint_eq(result.reads + result.writes, fake_disk_log(disk, &log));
	ck_assert_uint_lt(result.writes, 512);
	assert_all_released();
}
END_TEST

START_TEST(failed_write_leaves_its_blocks_unchecked)
{
	struct nvt_ioworker_opts o = raw();
	const struct fake_command *log;

	o.verify = verify;
	assert_ok(run(&o));
	fake_disk_fault(disk, FAKE_FAIL, 8);
	ck_assert_int_eq(run(&o), -EREMOTEIO);
	fake_disk_fault(disk, FAKE_NONE, 0);
	memset(fake_disk_block(disk, 8), 0, 8 * 512);
	o.read_percent = 100;
	assert_ok(run(&o));
	ck_assert_uint_eq(result.verified_blocks, 4096 - 8);
	ck_assert_uint_gt(fake_disk_log(disk, &log), 1024);
}
END_TEST

START_TEST(silent_device_ends_it_in_time)
{
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	ck_assert_int_eq(read_with_fault(FAKE_SILENT, 1000), -ETIMEDOUT);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_lt(after.tv_sec - before.tv_sec, 8);
	ck_assert_int_eq(result.error, -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "0000:01:00.0"));
	assert_all_released();
}
END_TEST

START_TEST(dead_device_ends_it)
{
	ck_assert_int_eq(read_with_fault(FAKE_DIE, 3000), -EIO);
	ck_assert_int_eq(result.error, -EIO);
	ck_assert_str_ne(nvt_error(), "");
	assert_all_released();
}
END_TEST

START_TEST(workers_share_a_region_without_false_miscompares)
{
	struct nvt_ioworker *w[4];
	struct nvt_ioworker_opts o = raw();
	uint64_t verified = 0;
	int i;

	o.verify = verify;
	o.region_end = 256;
	o.io_count = 4000;
	o.read_percent = 50;
	for (i = 0; i < 4; i++) {
		o.seed = (uint64_t)i + 1;
		o.random_percent = i < 2 ? 100 : i < 3 ? 50 : 0;
		o.io_blocks = 1U << i;
		w[i] = start(&o);
	}
	for (i = 0; i < 4; i++) {
		assert_ok(nvt_ioworker_close(w[i], &result));
		ck_assert_uint_eq(result.reads + result.writes, 4000);
		verified += result.verified_blocks;
	}
	ck_assert_uint_gt(verified, 1000);
	assert_all_released();
}
END_TEST

START_TEST(region_smaller_than_the_depth_works)
{
	struct nvt_ioworker_opts o = raw();
	const struct fake_command *log;
	uint32_t i;

	o.verify = verify;
	o.region_end = 24;
	o.qdepth = 16;
	o.io_count = 500;
	assert_ok(run(&o));
	ck_assert_uint_le(fake_disk_max_depth(disk), 3);
	ck_assert_uint_eq(fake_disk_log(disk, &log), 500);
	for (i = 0; i < 500; i++)
		ck_assert_uint_eq(log[i].slba, i % 3 * 8);
	o.random_percent = 100;
	o.read_percent = 50;
	assert_ok(run(&o));
	ck_assert_uint_eq(result.reads + result.writes, 500);
}
END_TEST

START_TEST(held_region_is_left_alone_until_the_limit)
{
	struct nvt_ioworker_opts o = raw();
	const struct fake_command *log;

	ck_assert(nvt_verify_hold(verify, 0, 4096));
	o.verify = verify;
	o.time_ms = 50;
	assert_ok(run(&o));
	ck_assert_uint_eq(result.writes, 0);
	ck_assert_uint_eq(fake_disk_log(disk, &log), 0);
	nvt_verify_release(verify, 0, 4096);
}
END_TEST

START_TEST(latencies_are_in_order)
{
	struct nvt_ioworker_opts o = raw();
	struct nvt_latency *l = &result.read_latency;
	int i;

	o.io_count = 3000;
	o.read_percent = 100;
	assert_ok(run(&o));
	ck_assert_uint_gt(l->min_ns, 0);
	ck_assert_uint_le(l->min_ns, l->percentile_ns[6]);
	ck_assert_uint_le(l->percentile_ns[6], l->percentile_ns[7]);
	ck_assert_uint_le(l->percentile_ns[7], l->percentile_ns[0]);
	for (i = 1; i < 6; i++)
		ck_assert_uint_le(l->percentile_ns[i - 1], l->percentile_ns[i]);
	ck_assert_uint_le(l->percentile_ns[5], l->max_ns);
	ck_assert_double_eq(l->percentile[3], 99.9);
	ck_assert_uint_eq(result.write_latency.max_ns, 0);
	ck_assert_uint_eq(result.write_latency.min_ns, 0);
}
END_TEST

START_TEST(long_commands_of_odd_blocks_with_metadata_are_verified)
{
	const struct fake_disk_opts odd = { .metadata = 8 };
	struct nvt_ioworker_opts o = raw();

	remake(&odd);
	o.io_blocks = 131072 / 520;
	o.verify = verify;
	assert_ok(run(&o));
	o.read_percent = 100;
	assert_ok(run(&o));
	ck_assert_uint_eq(result.verified_blocks, 4096);
}
END_TEST

START_TEST(default_depth_fits_a_small_queue)
{
	const struct fake_disk_opts shallow = { .mqes = 7 };
	struct nvt_ioworker_opts o = raw();

	remake(&shallow);
	o.qdepth = 0;
	assert_ok(run(&o));
	ck_assert_uint_eq(fake_disk_max_depth(disk), 7);
}
END_TEST

START_TEST(closing_no_worker_does_nothing)
{
	ck_assert_int_eq(nvt_ioworker_close(NULL, NULL), 0);
}
END_TEST

static TCase *loads_case(void)
{
	TCase *tc = tcase_create("load");

	tcase_add_checked_fixture(tc, make, drop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, one_pass_writes_each_block_once);
	tcase_add_test(tc, what_was_written_is_verified_when_read);
	tcase_add_test(tc, count_is_exact);
	tcase_add_test(tc, depth_is_kept_and_not_exceeded);
	tcase_add_test(tc, depth_of_one_works);
	tcase_add_test(tc, time_limit_ends_it);
	tcase_add_test(tc, stop_ends_it_without_an_error);
	tcase_add_test(tc, progress_of_an_ended_worker_is_final);
	tcase_add_test(tc, same_seed_sends_the_same_commands);
	tcase_add_test(tc, commands_stay_in_the_region);
	tcase_add_test(tc, workers_share_a_region_without_false_miscompares);
	tcase_add_test(tc, region_smaller_than_the_depth_works);
	tcase_add_test(tc, held_region_is_left_alone_until_the_limit);
	tcase_add_test(tc, latencies_are_in_order);
	tcase_add_test(tc, long_commands_of_odd_blocks_with_metadata_are_verified);
	tcase_add_test(tc, default_depth_fits_a_small_queue);
	tcase_add_test(tc, closing_no_worker_does_nothing);
	return tc;
}

static TCase *faults_case(void)
{
	TCase *tc = tcase_create("fault");

	tcase_add_checked_fixture(tc, make, drop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, flipped_bit_is_corrupt);
	tcase_add_test(tc, lost_write_is_stale);
	tcase_add_test(tc, misdirected_write_is_misplaced);
	tcase_add_test(tc, failed_read_ends_it_with_status_and_place);
	tcase_add_test(tc, outstanding_commands_end_after_a_failure);
	tcase_add_test(tc, failed_write_leaves_its_blocks_unchecked);
	tcase_add_test(tc, silent_device_ends_it_in_time);
	tcase_add_test(tc, dead_device_ends_it);
	return tc;
}

Suite *ioworker_suite(void)
{
	Suite *s = suite_create("ioworker");

	suite_add_tcase(s, loads_case());
	suite_add_tcase(s, faults_case());
	return s;
}
