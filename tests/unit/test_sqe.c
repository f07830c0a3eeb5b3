// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Encoding of commands, against the dwords that the specifications draw. */
#include <stddef.h>
#include <string.h>

#include <nvt/admin.h>
#include <nvt/ns.h>

#include "suites.h"

struct dwords {
	uint32_t dw[16];
};

static struct dwords dwords(struct nvt_sqe sqe)
{
	struct dwords d;

	memcpy(&d, &sqe, sizeof(d));
	return d;
}

/* NVMe Base 2.1, figure 91 (common command format) and figure 96 (completion). */
START_TEST(entries_have_the_layout_of_the_specification)
{
	ck_assert_uint_eq(sizeof(struct nvt_sqe), 64);
	ck_assert_uint_eq(offsetof(struct nvt_sqe, cid), 2);
	ck_assert_uint_eq(offsetof(struct nvt_sqe, nsid), 4);
	ck_assert_uint_eq(offsetof(struct nvt_sqe, mptr), 16);
	ck_assert_uint_eq(offsetof(struct nvt_sqe, prp1), 24);
	ck_assert_uint_eq(offsetof(struct nvt_sqe, prp2), 32);
	ck_assert_uint_eq(offsetof(struct nvt_sqe, cdw10), 40);
	ck_assert_uint_eq(sizeof(struct nvt_cqe), 16);
	ck_assert_uint_eq(offsetof(struct nvt_cqe, sqhd), 8);
	ck_assert_uint_eq(offsetof(struct nvt_cqe, sqid), 10);
	ck_assert_uint_eq(offsetof(struct nvt_cqe, cid), 12);
	ck_assert_uint_eq(offsetof(struct nvt_cqe, status_phase), 14);
}
END_TEST

START_TEST(identify_is_encoded)
{
	struct dwords d = dwords(nvt_sqe_identify(0x13, 0x11223344, 0xabcd, 0x02));

	ck_assert_uint_eq(d.dw[0], 0x06);
	ck_assert_uint_eq(d.dw[1], 0x11223344);
	ck_assert_uint_eq(d.dw[10], 0xabcd0013);
	ck_assert_uint_eq(d.dw[11], 0x02000000);
}
END_TEST

START_TEST(get_features_is_encoded)
{
	struct dwords d = dwords(nvt_sqe_get_features(0x0c, 3, 5, 0x77));

	ck_assert_uint_eq(d.dw[0], 0x0a);
	ck_assert_uint_eq(d.dw[1], 5);
	ck_assert_uint_eq(d.dw[10], 0x30c);
	ck_assert_uint_eq(d.dw[11], 0x77);
}
END_TEST

START_TEST(set_features_is_encoded)
{
	struct dwords d = dwords(nvt_sqe_set_features(0x07, 0, 0, 0x000f000f));

	ck_assert_uint_eq(d.dw[0], 0x09);
	ck_assert_uint_eq(d.dw[10], 0x07);
	ck_assert_uint_eq(d.dw[11], 0x000f000f);
	ck_assert_uint_eq(dwords(nvt_sqe_set_features(0x04, 1, 0, 0)).dw[10], 0x80000004);
}
END_TEST

START_TEST(get_log_page_is_encoded)
{
	struct dwords d = dwords(nvt_sqe_get_log_page(0x02, 0xffffffff, 512, 0x123456789abcULL));

	ck_assert_uint_eq(d.dw[0], 0x02);
	ck_assert_uint_eq(d.dw[1], 0xffffffff);
	ck_assert_uint_eq(d.dw[10], 127 << 16 | 0x02);
	ck_assert_uint_eq(d.dw[11], 0);
	ck_assert_uint_eq(d.dw[12], 0x56789abc);
	ck_assert_uint_eq(d.dw[13], 0x1234);
}
END_TEST

START_TEST(length_of_a_log_page_goes_on_in_cdw11)
{
	struct dwords d = dwords(nvt_sqe_get_log_page(0x07, 0, 0x40000 * 4 + 4, 0));

	ck_assert_uint_eq(d.dw[10] >> 16, 0x0000);
	ck_assert_uint_eq(d.dw[11], 0x0004);
}
END_TEST

START_TEST(read_and_write_are_encoded)
{
	struct dwords d = dwords(nvt_sqe_read(1, 0x123456789abcULL, 8, NVT_IO_FUA));

	ck_assert_uint_eq(d.dw[0], 0x02);
	ck_assert_uint_eq(d.dw[1], 1);
	ck_assert_uint_eq(d.dw[10], 0x56789abc);
	ck_assert_uint_eq(d.dw[11], 0x1234);
	ck_assert_uint_eq(d.dw[12], 0x40000007);
	d = dwords(nvt_sqe_write(2, 1, 1, NVT_IO_LR));
	ck_assert_uint_eq(d.dw[0], 0x01);
	ck_assert_uint_eq(d.dw[12], 0x80000000);
}
END_TEST

START_TEST(longest_read_has_65536_blocks)
{
	ck_assert_uint_eq(nvt_sqe_read(1, 0, 65536, 0).cdw12, 0xffff);
}
END_TEST

START_TEST(flush_is_encoded)
{
	struct dwords d = dwords(nvt_sqe_flush(3));
	int i;

	ck_assert_uint_eq(d.dw[0], 0x00);
	ck_assert_uint_eq(d.dw[1], 3);
	for (i = 2; i < 16; i++)
		ck_assert_uint_eq(d.dw[i], 0);
}
END_TEST

START_TEST(status_is_above_the_phase_bit)
{
	struct nvt_cpl cpl = { .cqe.status_phase = 0x4281 << 1 | 1 };

	ck_assert_uint_eq(nvt_cpl_status(&cpl), 0x4281);
	memset(&cpl.cqe, 0xff, sizeof(cpl.cqe));
	ck_assert_uint_eq(nvt_cpl_status(&cpl), NVT_STATUS_DEAD);
}
END_TEST

Suite *sqe_suite(void)
{
	Suite *suite = suite_create("sqe");
	TCase *tc = tcase_create("sqe");

	tcase_add_test(tc, entries_have_the_layout_of_the_specification);
	tcase_add_test(tc, identify_is_encoded);
	tcase_add_test(tc, get_features_is_encoded);
	tcase_add_test(tc, set_features_is_encoded);
	tcase_add_test(tc, get_log_page_is_encoded);
	tcase_add_test(tc, length_of_a_log_page_goes_on_in_cdw11);
	tcase_add_test(tc, read_and_write_are_encoded);
	tcase_add_test(tc, longest_read_has_65536_blocks);
	tcase_add_test(tc, flush_is_encoded);
	tcase_add_test(tc, status_is_above_the_phase_bit);
	suite_add_tcase(suite, tc);
	return suite;
}
