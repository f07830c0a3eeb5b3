// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* How long the model takes: distributions, units, limits; and all of it twice the same. */
#include <string.h>

#include <nvme/types.h>

#include "device.h"
#include "nvme/cmd.h"
#include "nvme/timing.h"
#include "options.h"
#include "suites.h"

#define DRAWS		20000
#define MEAN_NS		100000.0

static struct options options;
static struct timing *timing;
static struct cmd cmd;

static void begin(void)
{
	memset(&options, 0, sizeof(options));
	memset(&cmd, 0, sizeof(cmd));
	options.seed = 1;
	cmd.sqid = 1;
	cmd.sqe.opcode = nvme_cmd_read;
}

static void finish(void)
{
	timing_free(timing);
	timing = NULL;
}

static void make(void)
{
	timing_free(timing);
	timing = timing_new(&options);
	ck_assert_ptr_nonnull(timing);
}

static uint64_t latency(size_t length)
{
	return timing_deadline(timing, &cmd, length, 0);
}

/* Mean and standard deviation of many, in units of MEAN_NS, each between the bounds. */
static void draw(uint64_t low, uint64_t high, double *mean, double *variance)
{
	double sum = 0, squares = 0, x;
	unsigned int i;
	uint64_t ns;

	make();
	for (i = 0; i < DRAWS; i++) {
		ns = latency(0);
		ck_assert_uint_ge(ns, low);
		ck_assert_uint_le(ns, high);
		x = ns / MEAN_NS;
		sum += x;
		squares += x * x;
	}
	*mean = sum / DRAWS;
	*variance = squares / DRAWS - *mean * *mean;
}

static void assert_near(double value, double want, double tolerance)
{
	ck_assert_msg(value > want - tolerance && value < want + tolerance, "%f, not %f", value,
		      want);
}

START_TEST(without_a_latency_there_is_none)
{
	make();
	ck_assert_uint_eq(timing_deadline(timing, &cmd, 4096, 12345), 12345);
}
END_TEST

START_TEST(each_kind_of_command_has_its_own)
{
	options.read.mean_ns = 1;
	options.write.mean_ns = 2;
	options.flush.mean_ns = 3;
	options.other.mean_ns = 4;
	options.admin.mean_ns = 5;
	make();
	ck_assert_uint_eq(latency(0), 1);
	cmd.sqe.opcode = nvme_cmd_write;
	ck_assert_uint_eq(latency(0), 2);
	cmd.sqe.opcode = nvme_zns_cmd_append;
	ck_assert_uint_eq(latency(0), 2);
	cmd.sqe.opcode = nvme_cmd_flush;
	ck_assert_uint_eq(latency(0), 3);
	cmd.sqe.opcode = nvme_cmd_dsm;
	ck_assert_uint_eq(latency(0), 4);
	cmd.sqid = 0;
	ck_assert_uint_eq(latency(0), 5);
}
END_TEST

START_TEST(more_data_takes_longer)
{
	options.read = (struct latency){ .mean_ns = 1000, .per_kib_ns = 10 };
	make();
	ck_assert_uint_eq(latency(512), 1005);
	ck_assert_uint_eq(latency(128 << 10), 2280);
}
END_TEST

START_TEST(the_shapes_are_what_they_are_called)
{
	double mean, variance;

	options.read = (struct latency){ .mean_ns = MEAN_NS, .spread_ns = 60000 };
	draw(MEAN_NS, MEAN_NS, &mean, &variance);
	options.read.shape = LATENCY_UNIFORM;
	draw(40000, 160000, &mean, &variance);
	assert_near(mean, 1, 0.02);
	assert_near(variance, 0.12, 0.01);
	options.read.shape = LATENCY_EXPONENTIAL;
	draw(0, 100 * MEAN_NS, &mean, &variance);
	assert_near(mean, 1, 0.04);
	assert_near(variance, 1, 0.1);
	options.read.shape = LATENCY_NORMAL;
	options.read.spread_ns = 20000;
	draw(0, 220000, &mean, &variance);
	assert_near(mean, 1, 0.01);
	assert_near(variance, 0.04, 0.004);
}
END_TEST

START_TEST(a_seed_gives_the_same_again_and_another_does_not)
{
	uint64_t first[64];
	unsigned int i, same = 0;

	options.read = (struct latency){ .mean_ns = MEAN_NS, .shape = LATENCY_EXPONENTIAL };
	make();
	for (i = 0; i < 64; i++)
		first[i] = latency(4096);
	make();
	for (i = 0; i < 64; i++)
		ck_assert_uint_eq(latency(4096), first[i]);
	options.seed = 2;
	make();
	for (i = 0; i < 64; i++)
		same += latency(4096) == first[i];
	ck_assert_uint_lt(same, 4);
}
END_TEST

START_TEST(units_work_side_by_side)
{
	unsigned int i;

	options.read.mean_ns = 100;
	options.parallelism = 4;
	make();
	for (i = 0; i < 40; i++)
		ck_assert_uint_eq(latency(0), 100 * (i / 4 + 1));
	/* Free long since: no waiting. */
	ck_assert_uint_eq(timing_deadline(timing, &cmd, 0, 5000), 5100);
	/* Admin commands need no unit. */
	cmd.sqid = 0;
	ck_assert_uint_eq(latency(0), 0);
}
END_TEST

START_TEST(the_first_free_unit_takes_the_next_command)
{
	options.parallelism = 3;
	options.read.per_kib_ns = 100;
	make();
	ck_assert_uint_eq(latency(1 << 10), 100);
	ck_assert_uint_eq(latency(9 << 10), 900);
	ck_assert_uint_eq(latency(5 << 10), 500);
	ck_assert_uint_eq(latency(1 << 10), 200);
	ck_assert_uint_eq(latency(4 << 10), 600);
	ck_assert_uint_eq(latency(1 << 10), 600);
}
END_TEST

START_TEST(commands_a_second_are_limited)
{
	unsigned int i;

	options.iops = 1000;
	make();
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(latency(4096), i * 1000000ULL);
	/* What was not used is not saved up. */
	ck_assert_uint_eq(timing_deadline(timing, &cmd, 0, 1000000000), 1000000000);
	ck_assert_uint_eq(timing_deadline(timing, &cmd, 0, 1000000000), 1001000000);
}
END_TEST

START_TEST(bytes_a_second_are_limited)
{
	unsigned int i;

	options.bandwidth = 1 << 20;
	make();
	for (i = 1; i <= 8; i++)
		ck_assert_uint_eq(latency(128 << 10), i * 125000000ULL);
	/* No data, no waiting. */
	ck_assert_uint_eq(latency(0), 0);
}
END_TEST

START_TEST(streams_of_random_numbers_differ)
{
	struct random a, b;
	unsigned int i;

	random_seed(&a, 1, 1);
	random_seed(&b, 1, 2);
	for (i = 0; i < 16; i++)
		ck_assert_uint_ne(random_next(&a), random_next(&b));
	random_seed(&a, 1, 2);
	random_seed(&b, 2, 1);
	ck_assert_uint_ne(random_next(&a), random_next(&b));
	for (i = 0; i < 1000; i++)
		ck_assert_uint_lt(random_below(&a, 7), 7);
}
END_TEST

/* The real thing: 32 reads of 20 ms on a device that does four at a time. */
START_TEST(a_device_with_units_takes_its_time)
{
	struct device dev;
	struct nvt_sqe sqe;
	uint64_t began, took;
	unsigned int i;

	device_start(&dev, "size=16M,read=20ms,parallelism=4");
	began = device_now_ns();
	for (i = 0; i < 32; i++) {
		sqe = nvt_sqe_read(1, i, 1, 0);
		ck_assert_int_eq(nvt_qpair_post(dev.qp, &sqe, dev.buf, 512 * i, 512, NULL, NULL),
				 0);
	}
	nvt_qpair_ring(dev.qp);
	ck_assert_int_ge(nvt_qpair_wait(dev.qp, 32, 10000), 0);
	took = device_now_ns() - began;
	ck_assert_uint_ge(took, 160000000);
	/* One after the other would take 640 ms. */
	ck_assert_uint_lt(took, 600000000);
	device_stop(&dev);
}
END_TEST

Suite *timing_suite(void)
{
	Suite *suite = suite_create("timing");
	TCase *tc = device_case(suite, "timing", begin, finish);

	tcase_add_test(tc, without_a_latency_there_is_none);
	tcase_add_test(tc, each_kind_of_command_has_its_own);
	tcase_add_test(tc, more_data_takes_longer);
	tcase_add_test(tc, the_shapes_are_what_they_are_called);
	tcase_add_test(tc, a_seed_gives_the_same_again_and_another_does_not);
	tcase_add_test(tc, units_work_side_by_side);
	tcase_add_test(tc, the_first_free_unit_takes_the_next_command);
	tcase_add_test(tc, commands_a_second_are_limited);
	tcase_add_test(tc, bytes_a_second_are_limited);
	tcase_add_test(tc, streams_of_random_numbers_differ);
	tcase_add_test(tc, a_device_with_units_takes_its_time);
	return suite;
}
