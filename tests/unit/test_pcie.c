// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Registers, config space, capabilities and vectors, on a device in memory. */
#include <errno.h>
#include <string.h>

#include <nvt/error.h>
#include <nvt/pcie.h>

#include "fake.h"
#include "suites.h"

static struct fake *fake;
static struct nvt_pcie *pcie;

static void open_fake(void)
{
	fake = fake_new();
	pcie = &fake->pcie;
}

static void close_fake(void)
{
	nvt_pcie_close(pcie);
}

static void put_cap(unsigned int at, uint8_t id, uint8_t next)
{
	fake->config[0x06] |= 0x10;
	fake->config[at] = id;
	fake->config[at + 1] = next;
}

static void put_ext_cap(unsigned int at, uint16_t id, unsigned int next)
{
	uint32_t header = id | 1 << 16 | next << 20;

	memcpy(fake->config + at, &header, 4);
}

START_TEST(capabilities_are_found)
{
	fake->config[0x34] = 0x40;
	put_cap(0x40, 0x01, 0x50);
	put_cap(0x50, 0x11, 0x83);	/* its two lowest bits are reserved */
	put_cap(0x80, 0x10, 0);
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x01), 0x40);
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x11), 0x50);
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x10), 0x80);
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x05), -ENOENT);
}
END_TEST

START_TEST(function_without_capability_list_has_none)
{
	fake->config[0x34] = 0x40;
	fake->config[0x40] = 0x01;
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x01), -ENOENT);
	ck_assert_str_eq(nvt_error(), "0000:01:00.0: capability 0x1: the function has none");
}
END_TEST

START_TEST(endless_capability_list_ends)
{
	fake->config[0x34] = 0x40;
	put_cap(0x40, 0x01, 0x50);
	put_cap(0x50, 0x11, 0x40);
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x10), -ELOOP);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "no end"));
}
END_TEST

START_TEST(capability_that_points_to_itself_ends)
{
	fake->config[0x34] = 0xfc;
	put_cap(0xfc, 0x01, 0xfc);
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x01), 0xfc);
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x10), -ELOOP);
}
END_TEST

START_TEST(capability_pointer_into_the_header_ends_the_list)
{
	fake->config[0x34] = 0x40;
	put_cap(0x40, 0x01, 0x10);
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x10), -ENOENT);
}
END_TEST

START_TEST(extended_capabilities_are_found)
{
	put_ext_cap(0x100, 0x0001, 0x148);
	put_ext_cap(0x148, 0x0003, 0xffc);
	put_ext_cap(0xffc, 0x001e, 0);
	ck_assert_int_eq(nvt_pcie_find_ext_cap(pcie, 0x0001), 0x100);
	ck_assert_int_eq(nvt_pcie_find_ext_cap(pcie, 0x0003), 0x148);
	ck_assert_int_eq(nvt_pcie_find_ext_cap(pcie, 0x001e), 0xffc);
	ck_assert_int_eq(nvt_pcie_find_ext_cap(pcie, 0x0010), -ENOENT);
}
END_TEST

START_TEST(endless_extended_capability_list_ends)
{
	put_ext_cap(0x100, 0x0001, 0x200);
	put_ext_cap(0x200, 0x0003, 0x100);
	ck_assert_int_eq(nvt_pcie_find_ext_cap(pcie, 0x0010), -ELOOP);
}
END_TEST

START_TEST(extended_capabilities_may_all_be_absent)
{
	ck_assert_int_eq(nvt_pcie_find_ext_cap(pcie, 0x0001), -ENOENT);
	fake->pcie.info.config_size = 256;
	put_ext_cap(0x100, 0x0001, 0);
	ck_assert_int_eq(nvt_pcie_find_ext_cap(pcie, 0x0001), -ENOENT);
}
END_TEST

START_TEST(config_space_of_a_device_that_is_gone_is_an_error)
{
	memset(fake->config, 0xff, sizeof(fake->config));
	ck_assert_int_eq(nvt_pcie_find_cap(pcie, 0x01), -EIO);
	ck_assert_int_eq(nvt_pcie_find_ext_cap(pcie, 0x0001), -EIO);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "all-ones"));
}
END_TEST

START_TEST(registers_are_accessed_with_their_width)
{
	uint64_t value;
	int width;

	for (width = 1; width <= 8; width *= 2) {
		ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, 0x80, width, ~0ULL), 0);
		ck_assert_uint_eq(fake->last_reg_width, width);
		ck_assert_int_eq(nvt_pcie_reg_read(pcie, 0, 0x80, width, &value), 0);
		ck_assert_uint_eq(value, ~0ULL >> (64 - 8 * width));
	}
}
END_TEST

START_TEST(config_space_is_accessed_with_its_width)
{
	uint32_t value;

	ck_assert_int_eq(nvt_pcie_config_write(pcie, 0x40, 2, 0x1234), 0);
	ck_assert_int_eq(nvt_pcie_config_read(pcie, 0x40, 4, &value), 0);
	ck_assert_uint_eq(value, 0x1234);
	ck_assert_int_eq(nvt_pcie_config_read(pcie, 0x41, 1, &value), 0);
	ck_assert_uint_eq(value, 0x12);
	ck_assert_int_eq(nvt_pcie_config_read(pcie, 0x41, 2, &value), -EINVAL);
}
END_TEST

struct text {
	int err;
	const char *words;
};

static const struct text texts[] = {
	{ -EBADF, "open it to own it" },
	{ -EAGAIN, "being reset or is asleep" },
	{ -ENODEV, "is gone" },
};

START_TEST(errors_have_device_operation_and_remedy)
{
	uint64_t value;

	fake->fail_call = texts[_i].err;
	ck_assert_int_eq(nvt_pcie_reg_read(pcie, 0, 0, 4, &value), texts[_i].err);
	ck_assert_ptr_eq(strstr(nvt_error(), "0000:01:00.0: register read: "), nvt_error());
	ck_assert_ptr_nonnull(strstr(nvt_error(), texts[_i].words));
}
END_TEST

START_TEST(bad_register_offset_is_named)
{
	uint64_t value;

	ck_assert_int_eq(nvt_pcie_reg_read(pcie, 0, FAKE_BAR, 4, &value), -EINVAL);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "offset 0x2000"));
	ck_assert_int_eq(nvt_pcie_reg_read(pcie, 2, 0, 4, &value), -EINVAL);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "BAR 2"));
}
END_TEST

START_TEST(missing_bar_cannot_be_mapped)
{
	size_t length = 0;

	ck_assert(nvt_pcie_map_bar(pcie, 0, &length) == fake->bar);
	ck_assert_uint_eq(length, FAKE_BAR);
	errno = 0;
	ck_assert(!nvt_pcie_map_bar(pcie, 1, &length));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(!nvt_pcie_map_bar(pcie, 6, NULL));
	ck_assert(!nvt_pcie_map_bar(pcie, -1, NULL));
}
END_TEST

START_TEST(vectors_may_be_fewer_than_asked_for)
{
	struct nvt_vector_counter counter;

	ck_assert_int_eq(nvt_pcie_vector(pcie, 0, &counter), -EINVAL);
	ck_assert_int_eq(nvt_pcie_set_vectors(pcie, NVT_VECTOR_MSIX, 100), 4);
	ck_assert_int_eq(nvt_pcie_vector(pcie, 3, &counter), 0);
	ck_assert_int_eq(nvt_pcie_vector(pcie, 4, &counter), -EINVAL);
	ck_assert_int_eq(nvt_pcie_set_vectors(pcie, NVT_VECTOR_MSI, 1), -EOPNOTSUPP);
}
END_TEST

START_TEST(counter_of_a_vector_is_copied)
{
	struct nvt_vector_counter counter, *from = &fake->status->vector[2];

	fake->status->nr_vectors = 3;
	from->interrupts = 7;
	from->completions = 9;
	from->empty = 1;
	from->last_ns = 12345;
	from->last_cpu = 1;
	ck_assert_int_eq(nvt_pcie_vector(pcie, 2, &counter), 0);
	ck_assert_mem_eq(&counter, from, sizeof(counter));
}
END_TEST

Suite *pcie_suite(void)
{
	Suite *suite = suite_create("pcie");
	TCase *tc = tcase_create("pcie");

	tcase_add_checked_fixture(tc, open_fake, close_fake);
	tcase_add_test(tc, capabilities_are_found);
	tcase_add_test(tc, function_without_capability_list_has_none);
	tcase_add_test(tc, endless_capability_list_ends);
	tcase_add_test(tc, capability_that_points_to_itself_ends);
	tcase_add_test(tc, capability_pointer_into_the_header_ends_the_list);
	tcase_add_test(tc, extended_capabilities_are_found);
	tcase_add_test(tc, endless_extended_capability_list_ends);
	tcase_add_test(tc, extended_capabilities_may_all_be_absent);
	tcase_add_test(tc, config_space_of_a_device_that_is_gone_is_an_error);
	tcase_add_test(tc, registers_are_accessed_with_their_width);
	tcase_add_test(tc, config_space_is_accessed_with_its_width);
	tcase_add_loop_test(tc, errors_have_device_operation_and_remedy, 0, 3);
	tcase_add_test(tc, bad_register_offset_is_named);
	tcase_add_test(tc, missing_bar_cannot_be_mapped);
	tcase_add_test(tc, vectors_may_be_fewer_than_asked_for);
	tcase_add_test(tc, counter_of_a_vector_is_copied);
	suite_add_tcase(suite, tc);
	return suite;
}
