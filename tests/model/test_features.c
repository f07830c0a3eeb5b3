// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Features: values that are set, saved, refused. */
#include <string.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "device.h"
#include "suites.h"

#define STATUS(sct, sc)		((sct) << 8 | (sc))
#define SPECIFIC(sc)		STATUS(NVME_SCT_CMD_SPECIFIC, sc)
#define FAILS(status, code)	ck_assert_int_eq((status) & 0x7ff, code)
#define WAIT_MS			5000

static struct device dev;
static uint32_t dw0;			/* of the last command */

static void begin(void)
{
	device_start(&dev, "size=64M");
}

static void finish(void)
{
	device_stop(&dev);
}

static int admin(struct nvt_sqe sqe, size_t length)
{
	struct nvt_cpl cpl;
	int status = nvt_qpair_exec(nvt_ctrl_admin(dev.ctrl), &sqe, length ? dev.buf : NULL, 0,
				    length, &cpl);

	ck_assert_int_ge(status, 0);
	dw0 = cpl.cqe.dw0;
	return status;
}

static int set(uint8_t fid, uint32_t cdw11)
{
	return admin(nvt_sqe_set_features(fid, 0, 0, cdw11), 0);
}

static int save(uint8_t fid, uint32_t cdw11)
{
	return admin(nvt_sqe_set_features(fid, 1, 0, cdw11), 0);
}

static uint32_t get(uint8_t fid, uint8_t sel, uint32_t cdw11)
{
	ck_assert_int_eq(admin(nvt_sqe_get_features(fid, sel, 0, cdw11), 0), 0);
	return dw0;
}

static void reset(void)
{
	nvt_qpair_delete(dev.qp);
	ck_assert_int_eq(nvt_ctrl_reset(dev.ctrl), 0);
	dev.qp = nvt_qpair_create(dev.ctrl, NULL);
	ck_assert_ptr_nonnull(dev.qp);
}

static const struct {
	uint8_t fid;
	uint32_t value;			/* that is not the default */
} simple[] = {
	{ NVME_FEAT_FID_ARBITRATION, 0x03020103 },
	{ NVME_FEAT_FID_VOLATILE_WC, 0 },
	{ NVME_FEAT_FID_IRQ_COALESCE, 0x0107 },
	{ NVME_FEAT_FID_WRITE_ATOMIC, 1 },
	{ NVME_FEAT_FID_ASYNC_EVENT, 0x13f },
	{ NVME_FEAT_FID_HCTM, 330U << 16 | 340 },
	{ NVME_FEAT_FID_NOPSC, 1 },
	{ NVME_FEAT_FID_LBA_STS_INTERVAL, 0x00020001 },
	{ NVME_FEAT_FID_SANITIZE, 1 },
	{ NVME_FEAT_FID_TEMP_THRESH, 333 },
};

#define NR_SIMPLE	(int)(sizeof(simple) / sizeof(simple[0]))

START_TEST(value_that_is_set_lasts_until_a_reset)
{
	uint8_t fid = simple[_i].fid;
	uint32_t before = get(fid, NVME_GET_FEATURES_SEL_CURRENT, 0);

	ck_assert_int_eq(set(fid, simple[_i].value), 0);
	ck_assert_uint_eq(get(fid, NVME_GET_FEATURES_SEL_CURRENT, 0), simple[_i].value);
	ck_assert_uint_eq(get(fid, NVME_GET_FEATURES_SEL_DEFAULT, 0), before);
	ck_assert_uint_eq(get(fid, NVME_GET_FEATURES_SEL_SAVED, 0), before);
	reset();
	ck_assert_uint_eq(get(fid, NVME_GET_FEATURES_SEL_CURRENT, 0), before);
}
END_TEST

START_TEST(value_that_is_saved_is_there_after_a_reset)
{
	uint8_t fid = simple[_i].fid;
	uint32_t before = get(fid, NVME_GET_FEATURES_SEL_CURRENT, 0);

	ck_assert_uint_eq(get(fid, NVME_GET_FEATURES_SEL_SUPPORTED, 0), 5);
	ck_assert_int_eq(save(fid, simple[_i].value), 0);
	reset();
	ck_assert_uint_eq(get(fid, NVME_GET_FEATURES_SEL_CURRENT, 0), simple[_i].value);
	ck_assert_uint_eq(get(fid, NVME_GET_FEATURES_SEL_SAVED, 0), simple[_i].value);
	ck_assert_uint_eq(get(fid, NVME_GET_FEATURES_SEL_DEFAULT, 0), before);
}
END_TEST

START_TEST(what_cannot_be_set_is_refused)
{
	uint32_t states = nvt_ctrl_id(dev.ctrl)->npss + 1;

	FAILS(set(0x33, 0), NVME_SC_INVALID_FIELD);
	FAILS(save(NVME_FEAT_FID_NUM_QUEUES, 0), SPECIFIC(NVME_SC_FEATURE_NOT_SAVEABLE));
	FAILS(admin(nvt_sqe_set_features(NVME_FEAT_FID_ARBITRATION, 0, 1, 0), 0),
	      SPECIFIC(NVME_SC_FEATURE_NOT_PER_NS));
	FAILS(set(NVME_FEAT_FID_NUM_QUEUES, 0), NVME_SC_CMD_SEQ_ERROR);
	FAILS(set(NVME_FEAT_FID_POWER_MGMT, states), NVME_SC_INVALID_FIELD);
	FAILS(set(NVME_FEAT_FID_HCTM, 340U << 16 | 330), NVME_SC_INVALID_FIELD);
	FAILS(set(NVME_FEAT_FID_HCTM, 100), NVME_SC_INVALID_FIELD);
	FAILS(set(NVME_FEAT_FID_TEMP_THRESH, 3U << 20 | 300), NVME_SC_INVALID_FIELD);
	FAILS(set(NVME_FEAT_FID_IRQ_CONFIG, 0xffff), NVME_SC_INVALID_FIELD);
	FAILS(admin(nvt_sqe_get_features(NVME_FEAT_FID_ARBITRATION, 5, 0, 0), 0),
	      NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(host_id_has_two_lengths)
{
	static const char id[] = "0123456789abcdef";

	memcpy(nvt_buffer_data(dev.buf), id, 16);
	ck_assert_int_eq(admin(nvt_sqe_set_features(NVME_FEAT_FID_HOST_ID, 0, 0, 1), 16), 0);
	memset(nvt_buffer_data(dev.buf), 0, 16);
	ck_assert_int_eq(admin(nvt_sqe_get_features(NVME_FEAT_FID_HOST_ID, 0, 0, 1), 16), 0);
	ck_assert_mem_eq(nvt_buffer_data(dev.buf), id, 16);
	FAILS(admin(nvt_sqe_get_features(NVME_FEAT_FID_HOST_ID, 0, 0, 0), 8),
	      NVME_SC_HOSTID_FORMAT);
}
END_TEST

START_TEST(timestamp_goes_on)
{
	uint64_t *stamp = nvt_buffer_data(dev.buf), first;

	ck_assert_int_eq(admin(nvt_sqe_get_features(NVME_FEAT_FID_TIMESTAMP, 0, 0, 0), 8), 0);
	ck_assert_uint_eq(*stamp >> 49 & 7, 0);
	*stamp = 1700000000000ULL;
	ck_assert_int_eq(admin(nvt_sqe_set_features(NVME_FEAT_FID_TIMESTAMP, 0, 0, 0), 8), 0);
	reset();
	ck_assert_int_eq(admin(nvt_sqe_get_features(NVME_FEAT_FID_TIMESTAMP, 0, 0, 0), 8), 0);
	ck_assert_uint_eq(*stamp >> 49 & 7, 1);
	first = *stamp & 0xffffffffffffULL;
	ck_assert_uint_ge(first, 1700000000000ULL);
	ck_assert_uint_lt(first, 1700000000000ULL + 60000);
}
END_TEST

START_TEST(timestamp_begins_anew_with_power)
{
	uint64_t *stamp = nvt_buffer_data(dev.buf);

	*stamp = 1700000000000ULL;
	ck_assert_int_eq(admin(nvt_sqe_set_features(NVME_FEAT_FID_TIMESTAMP, 0, 0, 0), 8), 0);
	device_cut_power(&dev);
	stamp = nvt_buffer_data(dev.buf);
	ck_assert_int_eq(admin(nvt_sqe_get_features(NVME_FEAT_FID_TIMESTAMP, 0, 0, 0), 8), 0);
	ck_assert_uint_eq(*stamp >> 49 & 7, 0);
	ck_assert_uint_lt(*stamp & 0xffffffffffffULL, 60000);
}
END_TEST

START_TEST(host_behavior_is_kept_and_checked)
{
	uint8_t *behavior = nvt_buffer_data(dev.buf);

	memset(behavior, 0, 512);
	behavior[0] = 1;
	ck_assert_int_eq(admin(nvt_sqe_set_features(NVME_FEAT_FID_HOST_BEHAVIOR, 0, 0, 0), 512), 0);
	behavior[0] = 0;
	ck_assert_int_eq(admin(nvt_sqe_get_features(NVME_FEAT_FID_HOST_BEHAVIOR, 0, 0, 0), 512), 0);
	ck_assert_uint_eq(behavior[0], 1);
	behavior[0] = 2;
	FAILS(admin(nvt_sqe_set_features(NVME_FEAT_FID_HOST_BEHAVIOR, 0, 0, 0), 512),
	      NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(protected_namespace_refuses_writes)
{
	uint8_t fid = NVME_FEAT_FID_WRITE_PROTECT;

	ck_assert_int_eq(admin(nvt_sqe_set_features(fid, 0, 1, NVME_NS_WP_CFG_PROTECT), 0), 0);
	FAILS(nvt_ns_write(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0), NVME_SC_NS_WRITE_PROTECTED);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0), 0);
	reset();
	ck_assert_int_eq(admin(nvt_sqe_get_features(fid, 0, 1, 0), 0), 0);
	ck_assert_uint_eq(dw0, NVME_NS_WP_CFG_PROTECT);
	ck_assert_int_eq(admin(nvt_sqe_set_features(fid, 0, 1, NVME_NS_WP_CFG_NONE), 0), 0);
	ck_assert_int_eq(nvt_ns_write(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0), 0);
	ck_assert_int_eq(admin(nvt_sqe_set_features(fid, 0, 1, NVME_NS_WP_CFG_PROTECT_POWER_CYCLE),
			       0), 0);
	FAILS(admin(nvt_sqe_set_features(fid, 0, 1, NVME_NS_WP_CFG_NONE), 0),
	      SPECIFIC(NVME_SC_FEATURE_NOT_CHANGEABLE));
}
END_TEST

START_TEST(silent_host_ends_the_controller)
{
	uint64_t end, csts = 0;

	ck_assert_int_eq(set(NVME_FEAT_FID_KATO, 150), 0);
	ck_assert_uint_eq(get(NVME_FEAT_FID_KATO, 0, 0), 200);
	end = device_now_ns() + WAIT_MS * 1000000ULL;
	while (!(csts & 2) && device_now_ns() < end)
		ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, NVME_REG_CSTS, 4, &csts), 0);
	ck_assert_uint_eq(csts & 2, 2);
	nvt_qpair_delete(dev.qp);
	ck_assert_int_eq(nvt_ctrl_reset(dev.ctrl), 0);
	dev.qp = nvt_qpair_create(dev.ctrl, NULL);
	ck_assert_ptr_nonnull(dev.qp);
}
END_TEST

Suite *features_suite(void)
{
	Suite *suite = suite_create("features");
	TCase *tc = device_case(suite, "values", begin, finish);

	tcase_add_loop_test(tc, value_that_is_set_lasts_until_a_reset, 0, NR_SIMPLE);
	tcase_add_loop_test(tc, value_that_is_saved_is_there_after_a_reset, 0, NR_SIMPLE);
	tcase_add_test(tc, what_cannot_be_set_is_refused);
	tcase_add_test(tc, host_id_has_two_lengths);
	tcase_add_test(tc, timestamp_goes_on);
	tcase_add_test(tc, timestamp_begins_anew_with_power);
	tcase_add_test(tc, host_behavior_is_kept_and_checked);
	tcase_add_test(tc, protected_namespace_refuses_writes);
	tcase_add_test(tc, silent_host_ends_the_controller);
	return suite;
}
