// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The sequence of commands of an ioworker. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ioworker/load.h"
#include "suites.h"

static struct nvt_load load;
static struct nvt_io io;

static struct nvt_load_opts opts(uint8_t random_percent, uint8_t read_percent)
{
	return (struct nvt_load_opts){
		.seed = 42,
		.region_start = 1000,
		.region_end = 2000,
		.io_blocks = 8,
		.random_percent = random_percent,
		.read_percent = read_percent,
	};
}

static bool same(const struct nvt_io *a, const struct nvt_io *b)
{
	return a->slba == b->slba && a->nlb == b->nlb && a->write == b->write &&
	       a->random == b->random;
}

static int count_same(struct nvt_load_opts a, struct nvt_load_opts b, int rounds)
{
	struct nvt_load la, lb;
	struct nvt_io ia, ib;
	int i, equal = 0;

	nvt_load_init(&la, &a);
	nvt_load_init(&lb, &b);
	for (i = 0; i < rounds; i++) {
		nvt_load_next(&la, &ia);
		nvt_load_next(&lb, &ib);
		equal += same(&ia, &ib);
	}
	return equal;
}

START_TEST(same_seed_makes_the_same_sequence)
{
	ck_assert_int_eq(count_same(opts(60, 70), opts(60, 70), 10000), 10000);
}
END_TEST

START_TEST(other_seed_makes_another_sequence)
{
	struct nvt_load_opts other = opts(100, 50);

	other.seed = 43;
	ck_assert_int_le(count_same(opts(100, 50), other, 10000), 200);
}
END_TEST

START_TEST(one_pass_covers_each_block_once)
{
	struct nvt_load_opts o = opts(0, 100);
	uint8_t seen[1003] = { 0 };
	uint64_t i;
	uint32_t k;

	o.region_end = 2003;
	nvt_load_init(&load, &o);
	ck_assert_uint_eq(nvt_load_pass(&load), 126);
	for (i = 0; i < 126; i++) {
		nvt_load_next(&load, &io);
		for (k = 0; k < io.nlb; k++)
			seen[io.slba + k - 1000]++;
	}
	ck_assert_uint_eq(io.nlb, 3);
	for (i = 0; i < 1003; i++)
		ck_assert_uint_eq(seen[i], 1);
	nvt_load_next(&load, &io);
	ck_assert_uint_eq(io.slba, 1000);
	ck_assert_uint_eq(io.nlb, 8);
}
END_TEST

START_TEST(region_shorter_than_a_command_shortens_it)
{
	struct nvt_load_opts o = opts(0, 100);

	o.region_end = 1005;
	nvt_load_init(&load, &o);
	ck_assert_uint_eq(nvt_load_pass(&load), 1);
	nvt_load_next(&load, &io);
	ck_assert_uint_eq(io.slba, 1000);
	ck_assert_uint_eq(io.nlb, 5);
}
END_TEST

START_TEST(random_commands_are_whole_aligned_and_reach_every_place)
{
	struct nvt_load_opts o = opts(100, 100);
	int seen[125] = { 0 }, i;

	o.region_end = 2007;
	nvt_load_init(&load, &o);
	for (i = 0; i < 125000; i++) {
		nvt_load_next(&load, &io);
		if (!io.random || io.nlb != 8 || io.slba < 1000 || io.slba % 8 || io.slba >= 2000)
			ck_abort_msg("%u blocks at %lu, random %d", io.nlb, io.slba, io.random);
		seen[(io.slba - 1000) / 8]++;
	}
	/* 1000 are expected at each; the standard deviation is 32. */
	for (i = 0; i < 125; i++) {
		ck_assert_int_gt(seen[i], 800);
		ck_assert_int_lt(seen[i], 1200);
	}
}
END_TEST

START_TEST(random_place_reaches_the_end_of_a_huge_region)
{
	struct nvt_load_opts o = opts(100, 100);
	uint64_t highest = 0;
	int i;

	o.region_start = 0;
	o.region_end = 1ULL << 60;
	nvt_load_init(&load, &o);
	for (i = 0; i < 10000; i++) {
		nvt_load_next(&load, &io);
		ck_assert_uint_le(io.slba, (1ULL << 60) - 8);
		if (io.slba > highest)
			highest = io.slba;
	}
	ck_assert_uint_gt(highest, (1ULL << 60) / 1000 * 995);
}
END_TEST

static void assert_mix(uint8_t random_percent, uint8_t read_percent)
{
	struct nvt_load_opts o = opts(random_percent, read_percent);
	int i, reads = 0, randoms = 0;

	nvt_load_init(&load, &o);
	for (i = 0; i < 100000; i++) {
		nvt_load_next(&load, &io);
		reads += !io.write;
		randoms += io.random;
	}
	/* The standard deviation of each is at most 158: allow five. */
	ck_assert_int_le(abs(reads - read_percent * 1000), 800);
	ck_assert_int_le(abs(randoms - random_percent * 1000), 800);
	if (read_percent % 100 == 0)
		ck_assert_int_eq(reads, read_percent * 1000);
	if (random_percent % 100 == 0)
		ck_assert_int_eq(randoms, random_percent * 1000);
}

START_TEST(mix_is_as_asked)
{
	static const uint8_t percent[] = { 0, 1, 30, 50, 70, 99, 100 };
	size_t i, j;

	for (i = 0; i < sizeof(percent); i++)
		for (j = 0; j < sizeof(percent); j++)
			assert_mix(percent[i], percent[j]);
}
END_TEST

START_TEST(sequential_commands_go_on_between_random_ones)
{
	struct nvt_load_opts o = opts(50, 50);
	uint64_t expected = 1000;
	int i;

	nvt_load_init(&load, &o);
	for (i = 0; i < 1000; i++) {
		nvt_load_next(&load, &io);
		if (io.random)
			continue;
		ck_assert_uint_eq(io.slba, expected);
		expected += 8;
		if (expected == 2000)
			expected = 1000;
	}
}
END_TEST

START_TEST(redraw_leaves_what_follows_as_it_is)
{
	struct nvt_load_opts o = opts(100, 50);
	struct nvt_load other;
	struct nvt_io ours, moved;
	int i, elsewhere = 0;

	nvt_load_init(&load, &o);
	nvt_load_init(&other, &o);
	for (i = 0; i < 1000; i++) {
		nvt_load_next(&load, &io);
		nvt_load_next(&other, &ours);
		ck_assert(same(&io, &ours));
		moved = ours;
		nvt_load_redraw(&other, &moved);
		ck_assert_int_eq(moved.write, ours.write);
		elsewhere += moved.slba != ours.slba;
	}
	ck_assert_int_gt(elsewhere, 900);
}
END_TEST

START_TEST(fill_depends_on_the_seed_alone)
{
	uint8_t a[1003], b[1003];

	memset(a, 0, sizeof(a));
	memset(b, 1, sizeof(b));
	nvt_load_fill(7, a, sizeof(a));
	nvt_load_fill(7, b, sizeof(b));
	ck_assert_mem_eq(a, b, sizeof(a));
	nvt_load_fill(8, b, sizeof(b));
	ck_assert_mem_ne(a, b, sizeof(a));
}
END_TEST

Suite *load_suite(void)
{
	Suite *s = suite_create("load");
	TCase *tc = tcase_create("load");

	tcase_add_test(tc, same_seed_makes_the_same_sequence);
	tcase_add_test(tc, other_seed_makes_another_sequence);
	tcase_add_test(tc, one_pass_covers_each_block_once);
	tcase_add_test(tc, region_shorter_than_a_command_shortens_it);
	tcase_add_test(tc, random_commands_are_whole_aligned_and_reach_every_place);
	tcase_add_test(tc, random_place_reaches_the_end_of_a_huge_region);
	tcase_add_test(tc, mix_is_as_asked);
	tcase_add_test(tc, sequential_commands_go_on_between_random_ones);
	tcase_add_test(tc, redraw_leaves_what_follows_as_it_is);
	tcase_add_test(tc, fill_depends_on_the_seed_alone);
	suite_add_tcase(s, tc);
	return s;
}
