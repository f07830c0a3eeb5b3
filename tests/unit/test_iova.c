// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Bus addresses of a vfio-user device: where they lie, and when they come again. */
#include <errno.h>
#include <stdlib.h>

#include "access/access.h"
#include "access/iova.h"
#include "suites.h"

#define PAGE	NVT_PAGE_SIZE
#define GIB	(1ULL << 30)

static struct nvt_iova_space space;

static void make(void)
{
	nvt_iova_init(&space);
}

START_TEST(runs_do_not_touch)
{
	struct nvt_iova_run run[100];
	int i, j;

	for (i = 0; i < 100; i++)
		ck_assert_int_eq(nvt_iova_take(&space, &run[i], (i % 7 + 1) * PAGE), 0);
	for (i = 0; i < 100; i++)
		for (j = 0; j < i; j++)
			ck_assert(run[i].start > run[j].start + run[j].length ||
				  run[j].start > run[i].start + run[i].length);
}
END_TEST

START_TEST(addresses_need_more_than_32_bits)
{
	struct nvt_iova_run run;

	ck_assert_int_eq(nvt_iova_take(&space, &run, PAGE), 0);
	ck_assert_uint_gt(run.start, UINT32_MAX);
	ck_assert_uint_eq(run.start % PAGE, 0);
}
END_TEST

START_TEST(freed_addresses_do_not_come_back_soon)
{
	struct nvt_iova_run run;
	uint64_t before = 0;
	int i;

	for (i = 0; i < 400; i++) {
		ck_assert_int_eq(nvt_iova_take(&space, &run, GIB), 0);
		ck_assert_uint_gt(run.start, before);
		before = run.start + run.length - 1;
		nvt_iova_give(&space, &run);
	}
}
END_TEST

START_TEST(search_goes_round_what_is_in_use)
{
	struct nvt_iova_run first, second, run;
	int i;

	ck_assert_int_eq(nvt_iova_take(&space, &first, PAGE), 0);
	ck_assert_int_eq(nvt_iova_take(&space, &second, PAGE), 0);
	for (i = 0; i < 600; i++) {
		ck_assert_int_eq(nvt_iova_take(&space, &run, GIB), 0);
		ck_assert(run.start > second.start);
		nvt_iova_give(&space, &run);
	}
}
END_TEST

START_TEST(full_space_is_an_error)
{
	struct nvt_iova_run *run = calloc(600, sizeof(*run));
	int i, err = 0;

	for (i = 0; !err && i < 600; i++)
		err = nvt_iova_take(&space, &run[i], GIB);
	ck_assert_int_eq(err, -ENOSPC);
	ck_assert_int_gt(i, 400);
	nvt_iova_give(&space, &run[7]);
	ck_assert_int_eq(nvt_iova_take(&space, &run[599], GIB), 0);
	ck_assert_uint_eq(run[599].start, run[7].start);
	free(run);
}
END_TEST

START_TEST(run_is_found_by_what_lies_in_it)
{
	struct nvt_iova_run run;

	ck_assert_int_eq(nvt_iova_take(&space, &run, 4 * PAGE), 0);
	ck_assert_ptr_eq(nvt_iova_find(&space, run.start, 4 * PAGE), &run);
	ck_assert_ptr_eq(nvt_iova_find(&space, run.start + 4 * PAGE - 1, 1), &run);
	ck_assert_ptr_null(nvt_iova_find(&space, run.start + 4 * PAGE - 1, 2));
	ck_assert_ptr_null(nvt_iova_find(&space, run.start - 1, 1));
	ck_assert_ptr_null(nvt_iova_find(&space, run.start + 1, UINT64_MAX));
	nvt_iova_give(&space, &run);
	ck_assert_ptr_null(nvt_iova_find(&space, run.start, 1));
}
END_TEST

Suite *iova_suite(void)
{
	Suite *suite = suite_create("iova");
	TCase *tc = tcase_create("iova");

	tcase_add_checked_fixture(tc, make, NULL);
	tcase_add_test(tc, runs_do_not_touch);
	tcase_add_test(tc, addresses_need_more_than_32_bits);
	tcase_add_test(tc, freed_addresses_do_not_come_back_soon);
	tcase_add_test(tc, search_goes_round_what_is_in_use);
	tcase_add_test(tc, full_space_is_an_error);
	tcase_add_test(tc, run_is_found_by_what_lies_in_it);
	suite_add_tcase(suite, tc);
	return suite;
}
