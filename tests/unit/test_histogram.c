// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The latency histogram against distributions of which the answer is known. */
#include <check.h>
#include <stdlib.h>

#include "ioworker/histogram.h"
#include "suites.h"

static struct nvt_histogram h;

static void make(void)
{
	nvt_histogram_init(&h);
}

/* At most 1/64 above the true value, and never below it. */
static void assert_close(uint64_t value, uint64_t truth)
{
	ck_assert_uint_ge(value, truth);
	ck_assert_uint_le(value - truth, truth / 64);
}

START_TEST(empty_one_is_all_zero)
{
	ck_assert_uint_eq(nvt_histogram_percentile(&h, 50), 0);
	ck_assert_uint_eq(nvt_histogram_mean(&h), 0);
	ck_assert_uint_eq(h.max, 0);
}
END_TEST

/* 64 for each power of two, so one of values from 128 on is 1/64 of it wide. */
static uint64_t width_of_bucket_at(uint64_t first)
{
	return first < 2 * NVT_HISTOGRAM_SUB ? 1 : 1ULL << (57 - __builtin_clzll(first));
}

START_TEST(buckets_follow_each_other_without_a_gap)
{
	uint64_t first = 0, width;
	uint32_t i;

	for (i = 0; i < NVT_HISTOGRAM_BUCKETS; i++, first += width) {
		width = width_of_bucket_at(first);
		if (nvt_histogram_index(first) != i || nvt_histogram_index(first + width - 1) != i)
			ck_abort_msg("bucket %u is not from %#lx on, %#lx wide", i, first, width);
	}
	/* After the last one is 2 to the power of 64. */
	ck_assert_uint_eq(first, 0);
}
END_TEST

START_TEST(values_below_128_are_exact)
{
	uint64_t value;

	for (value = 1; value < 128; value++) {
		nvt_histogram_init(&h);
		nvt_histogram_record(&h, value, 1);
		nvt_histogram_record(&h, 1000, 1);
		ck_assert_uint_eq(nvt_histogram_percentile(&h, 50), value);
	}
}
END_TEST

START_TEST(every_value_is_within_a_64th)
{
	uint64_t value, seed = 1;
	int i;

	for (i = 0; i < 20000; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		value = seed >> (seed & 63);
		nvt_histogram_init(&h);
		nvt_histogram_record(&h, value, 1);
		nvt_histogram_record(&h, UINT64_MAX, 1);
		assert_close(nvt_histogram_percentile(&h, 50), value);
	}
}
END_TEST

START_TEST(percentiles_of_an_even_distribution)
{
	static const double percent[] = { 1, 10, 50, 90, 99, 99.9, 99.99, 99.999 };
	static const uint64_t truth[] = { 10000, 100000, 500000, 900000, 990000, 999000, 999900,
					  999990 };
	uint64_t value;
	size_t i;

	for (value = 1; value <= 1000000; value++)
		nvt_histogram_record(&h, value, 1);
	for (i = 0; i < sizeof(truth) / sizeof(truth[0]); i++)
		assert_close(nvt_histogram_percentile(&h, percent[i]), truth[i]);
	ck_assert_uint_eq(nvt_histogram_percentile(&h, 100), 1000000);
	ck_assert_uint_eq(nvt_histogram_mean(&h), 500000);
	ck_assert_uint_eq(h.min, 1);
	ck_assert_uint_eq(h.max, 1000000);
}
END_TEST

START_TEST(one_slow_command_in_a_thousand_is_beyond_99_9)
{
	int i;

	for (i = 0; i < 999; i++)
		nvt_histogram_record(&h, 80000, 1);
	nvt_histogram_record(&h, 23400000, 1);
	assert_close(nvt_histogram_percentile(&h, 50), 80000);
	assert_close(nvt_histogram_percentile(&h, 99.9), 80000);
	ck_assert_uint_eq(nvt_histogram_percentile(&h, 99.99), 23400000);
	ck_assert_uint_eq(h.max, 23400000);
}
END_TEST

START_TEST(percentile_is_never_above_the_maximum)
{
	nvt_histogram_record(&h, 1000001, 1);
	ck_assert_uint_eq(nvt_histogram_percentile(&h, 1), 1000001);
	ck_assert_uint_eq(nvt_histogram_percentile(&h, 99.999), 1000001);
}
END_TEST

Suite *histogram_suite(void)
{
	Suite *s = suite_create("histogram");
	TCase *tc = tcase_create("histogram");

	tcase_add_checked_fixture(tc, make, NULL);
	tcase_add_test(tc, empty_one_is_all_zero);
	tcase_add_test(tc, buckets_follow_each_other_without_a_gap);
	tcase_add_test(tc, values_below_128_are_exact);
	tcase_add_test(tc, every_value_is_within_a_64th);
	tcase_add_test(tc, percentiles_of_an_even_distribution);
	tcase_add_test(tc, one_slow_command_in_a_thousand_is_beyond_99_9);
	tcase_add_test(tc, percentile_is_never_above_the_maximum);
	suite_add_tcase(s, tc);
	return s;
}
