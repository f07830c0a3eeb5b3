// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* PRP entries and lists, on a buffer whose pages lie anywhere. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring/prp.h"
#include "suites.h"

#define PAGES		1100
#define LIST_BUS	0xabc000UL

static struct nvt_buffer buf;
static uint64_t list[NVT_PRP_PER_PAGE + 8];	/* beyond its end nothing may be written */
static uint64_t prp1, prp2;

/* Descending, with holes: no two pages follow each other. */
static uint64_t bus_of(size_t page)
{
	return 0x100000000UL + (PAGES - page) * 3 * NVT_PAGE_SIZE;
}

static void make_buffer(void)
{
	size_t i;

	buf.length = PAGES * NVT_PAGE_SIZE;
	buf.bus = calloc(PAGES, sizeof(*buf.bus));
	for (i = 0; i < PAGES; i++)
		buf.bus[i] = bus_of(i);
	memset(list, 0x5a, sizeof(list));
}

static void free_buffer(void)
{
	free(buf.bus);
}

static int build(size_t offset, size_t length)
{
	return nvt_prp_build(&buf, offset, length, &prp1, &prp2, list, LIST_BUS);
}

START_TEST(one_page_takes_prp1)
{
	ck_assert_int_eq(build(0, 4096), 0);
	ck_assert_uint_eq(prp1, bus_of(0));
	ck_assert_uint_eq(prp2, 0);
}
END_TEST

START_TEST(offset_within_a_page_is_in_prp1)
{
	ck_assert_int_eq(build(4096 + 512, 512), 0);
	ck_assert_uint_eq(prp1, bus_of(1) + 512);
	ck_assert_uint_eq(prp2, 0);
}
END_TEST

START_TEST(two_pages_take_prp2)
{
	ck_assert_int_eq(build(0, 4096 + 4), 0);
	ck_assert_uint_eq(prp2, bus_of(1));
	ck_assert_int_eq(build(4096 - 4, 8), 0);
	ck_assert_uint_eq(prp1, bus_of(0) + 4092);
	ck_assert_uint_eq(prp2, bus_of(1));
}
END_TEST

START_TEST(three_pages_take_a_list)
{
	ck_assert_int_eq(build(4, 2 * 4096), 0);
	ck_assert_uint_eq(prp1, bus_of(0) + 4);
	ck_assert_uint_eq(prp2, LIST_BUS);
	ck_assert_uint_eq(list[0], bus_of(1));
	ck_assert_uint_eq(list[1], bus_of(2));
	ck_assert_uint_eq(list[2], 0x5a5a5a5a5a5a5a5aUL);
}
END_TEST

START_TEST(needs_list_agrees_with_build)
{
	size_t offset, length;

	for (offset = 0; offset < 3 * 4096; offset += 508)
		for (length = 4; length < 5 * 4096; length += 1020) {
			ck_assert_int_eq(build(offset, length), 0);
			ck_assert_int_eq(nvt_prp_needs_list(offset, length), prp2 == LIST_BUS);
		}
}
END_TEST

START_TEST(one_list_page_can_be_full)
{
	ck_assert_int_eq(build(0, 513 * 4096), 0);
	ck_assert_uint_eq(list[511], bus_of(512));
	ck_assert_uint_eq(list[512], 0x5a5a5a5a5a5a5a5aUL);
	ck_assert_int_eq(build(0, 513 * 4096 + 4), -EINVAL);
	ck_assert_int_eq(build(4, 513 * 4096), -EINVAL);
}
END_TEST

START_TEST(longest_length_fits_at_any_offset)
{
	ck_assert_int_eq(build(0, NVT_PRP_MAX_LENGTH), 0);
	ck_assert_int_eq(build(4, NVT_PRP_MAX_LENGTH), 0);
	ck_assert_int_eq(build(4092, NVT_PRP_MAX_LENGTH), 0);
	ck_assert_uint_eq(list[511], bus_of(512));
}
END_TEST

START_TEST(offset_is_a_multiple_of_4)
{
	ck_assert_int_eq(build(1, 512), -EINVAL);
	ck_assert_int_eq(build(2, 512), -EINVAL);
}
END_TEST

START_TEST(data_lies_in_the_buffer)
{
	ck_assert_int_eq(build(buf.length - 512, 512), 0);
	ck_assert_int_eq(build(buf.length - 512, 516), -EINVAL);
	ck_assert_int_eq(build(buf.length, 4), -EINVAL);
	ck_assert_int_eq(build(SIZE_MAX - 3, 8), -EINVAL);
	ck_assert_int_eq(build(8, SIZE_MAX - 3), -EINVAL);
	ck_assert_int_eq(build(0, 0), -EINVAL);
}
END_TEST

START_TEST(list_pages_of_a_buffer)
{
	ck_assert_uint_eq(nvt_prp_list_pages(1), 1);
	ck_assert_uint_eq(nvt_prp_list_pages(512), 1);
	ck_assert_uint_eq(nvt_prp_list_pages(513), 2);
	ck_assert_uint_eq(nvt_prp_list_pages(511 + 512), 2);
	ck_assert_uint_eq(nvt_prp_list_pages(511 + 513), 3);
}
END_TEST

START_TEST(list_of_a_buffer_is_chained)
{
	uint64_t bus[3] = { 0x1000, 0x9000, 0x5000 };
	struct nvt_buffer chain = { .length = 3 * NVT_PAGE_SIZE, .bus = bus };
	uint64_t *entry;

	chain.data = calloc(3, NVT_PAGE_SIZE);
	entry = chain.data;
	ck_assert_uint_eq(nvt_prp_list_pages(PAGES), 3);
	nvt_prp_list_fill(&buf, &chain);
	ck_assert_uint_eq(entry[0], bus_of(0));
	ck_assert_uint_eq(entry[510], bus_of(510));
	ck_assert_uint_eq(entry[511], 0x9000);
	ck_assert_uint_eq(entry[512], bus_of(511));
	ck_assert_uint_eq(entry[1023], 0x5000);
	ck_assert_uint_eq(entry[1024], bus_of(1022));
	ck_assert_uint_eq(entry[1024 + PAGES - 1023], bus_of(PAGES - 1));
	ck_assert_uint_eq(entry[1024 + PAGES - 1022], 0);
	free(chain.data);
}
END_TEST

START_TEST(last_entry_of_a_full_list_is_a_page)
{
	struct nvt_buffer half = { .length = 512 * NVT_PAGE_SIZE, .bus = buf.bus };
	struct nvt_buffer chain = { .length = NVT_PAGE_SIZE, .data = list };

	nvt_prp_list_fill(&half, &chain);
	ck_assert_uint_eq(list[511], bus_of(511));
	ck_assert_uint_eq(list[512], 0x5a5a5a5a5a5a5a5aUL);
}
END_TEST

Suite *prp_suite(void)
{
	Suite *suite = suite_create("prp");
	TCase *tc = tcase_create("prp");

	tcase_add_checked_fixture(tc, make_buffer, free_buffer);
	tcase_add_test(tc, one_page_takes_prp1);
	tcase_add_test(tc, offset_within_a_page_is_in_prp1);
	tcase_add_test(tc, two_pages_take_prp2);
	tcase_add_test(tc, three_pages_take_a_list);
	tcase_add_test(tc, needs_list_agrees_with_build);
	tcase_add_test(tc, one_list_page_can_be_full);
	tcase_add_test(tc, longest_length_fits_at_any_offset);
	tcase_add_test(tc, offset_is_a_multiple_of_4);
	tcase_add_test(tc, data_lies_in_the_buffer);
	tcase_add_test(tc, list_pages_of_a_buffer);
	tcase_add_test(tc, list_of_a_buffer_is_chained);
	tcase_add_test(tc, last_entry_of_a_full_list_is_a_page);
	suite_add_tcase(suite, tc);
	return suite;
}
