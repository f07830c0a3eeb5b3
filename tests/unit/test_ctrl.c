// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Initialisation and I/O queues, on a device in memory that answers by itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvt/admin.h>
#include <nvt/error.h>
#include <nvt/ns.h>

#include "fake.h"
#include "suites.h"
#include "transport/transport.h"

static const struct nvt_ctrl_opts raw_opts = {
	.timeout_ms = 500,
	.admin_entries = 8,
	.admin_backend = NVT_BACKEND_RAW,
};

static struct fake *fake;
static struct nvt_ctrl *ctrl;

static void make_ctrl(void)
{
	fake = fake_new();
	fake_run(fake);
	ctrl = nvt_ctrl_new(&fake->pcie, &raw_opts);
	ck_assert_msg(ctrl, "%s", nvt_error());
}

static void close_ctrl(void)
{
	nvt_ctrl_close(ctrl);
}

static uint32_t reg32(unsigned int offset)
{
	uint32_t value;

	memcpy(&value, fake->bar + offset, 4);
	return value;
}

START_TEST(default_init_enables_and_identifies)
{
	ck_assert_uint_eq(reg32(NVME_REG_CC), 6 << 16 | 4 << 20 | 1);
	ck_assert_uint_eq(reg32(NVME_REG_AQA), 7 << 16 | 7);
	ck_assert_uint_eq(reg32(NVME_REG_ASQ), (uint32_t)ctrl->admin->sq_mem->bus[0]);
	ck_assert_ptr_nonnull(nvt_ctrl_id(ctrl));
	ck_assert_int_eq(nvt_ctrl_id(ctrl)->sn[0], 'x');
	ck_assert_uint_eq(fake->last_admin[nvme_admin_set_features].cdw10, 0x07);
	ck_assert_uint_ge(fake->last_admin[nvme_admin_set_features].cdw11 & 0xffff, 15);
	/* DW0 of the fake is a multiple of 10000h: one SQ. */
	ck_assert_uint_eq(nvt_ctrl_max_qpairs(ctrl), 1);
}
END_TEST

START_TEST(command_sets_are_chosen_by_cap)
{
	static const struct { uint64_t css; uint32_t cc; } cases[] = {
		{ 0x01, 0 }, { 0xc1, 6 }, { 0x41, 6 }, { 0x80, 7 },
	};

	ctrl->cap = (ctrl->cap & ~(0xffULL << 37)) | cases[_i].css << 37;
	ck_assert_int_eq(nvt_ctrl_reset(ctrl), 0);
	ck_assert_uint_eq(reg32(NVME_REG_CC) >> 4 & 7, cases[_i].cc);
}
END_TEST

START_TEST(controller_that_does_not_get_ready_times_out)
{
	fake->never_ready = true;
	ck_assert_int_eq(nvt_ctrl_reset(ctrl), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "CSTS.RDY is not 1 after 1000 ms"));
}
END_TEST

START_TEST(fatal_status_ends_the_enable)
{
	fake->fatal = true;
	ck_assert_int_eq(nvt_ctrl_reset(ctrl), -EIO);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "fatal"));
	fake->fatal = false;
	ck_assert_int_eq(nvt_ctrl_reset(ctrl), 0);
}
END_TEST

START_TEST(registers_of_all_ones_are_an_error)
{
	memset(fake->bar, 0xff, 0x1000);
	ck_assert_int_eq(nvt_ctrl_disable(ctrl), -EIO);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "all-ones"));
}
END_TEST

START_TEST(larger_smallest_page_is_refused)
{
	ctrl->cap |= 1ULL << 48;
	ck_assert_int_eq(nvt_ctrl_reset(ctrl), -EINVAL);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "8 KiB"));
}
END_TEST

START_TEST(refused_number_of_queues_leaves_one)
{
	fake->status_of[nvme_admin_set_features] = 0x0002;
	ck_assert_int_eq(nvt_ctrl_reset(ctrl), 0);
	ck_assert_uint_eq(nvt_ctrl_max_qpairs(ctrl), 1);
}
END_TEST

START_TEST(failed_identify_fails_the_init)
{
	fake->status_of[nvme_admin_identify] = 0x4006;
	ck_assert_int_eq(nvt_ctrl_reset(ctrl), -EREMOTEIO);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "status 0x4006: Internal Error"));
}
END_TEST

START_TEST(function_that_is_not_nvme_is_refused)
{
	struct fake *other = fake_new();

	other->pcie.info.class_code = 0x020000;
	ck_assert_ptr_null(nvt_ctrl_new(&other->pcie, &raw_opts));
	ck_assert_int_eq(errno, EMEDIUMTYPE);
}
END_TEST

static int own_init(struct nvt_ctrl *c, void *arg)
{
	++*(int *)arg;
	return nvt_ctrl_init(c);
}

START_TEST(own_init_runs_at_open_and_reset)
{
	struct fake *other = fake_new();
	struct nvt_ctrl_opts opts = raw_opts;
	struct nvt_ctrl *own;
	int runs = 0;

	opts.init = own_init;
	opts.init_arg = &runs;
	fake_run(other);
	own = nvt_ctrl_new(&other->pcie, &opts);
	ck_assert_ptr_nonnull(own);
	ck_assert_int_eq(runs, 1);
	ck_assert_int_eq(nvt_ctrl_reset(own), 0);
	ck_assert_int_eq(runs, 2);
	nvt_ctrl_close(own);
}
END_TEST

START_TEST(no_init_leaves_the_controller)
{
	struct fake *other = fake_new();
	struct nvt_ctrl_opts opts = raw_opts;
	struct nvt_ctrl *found;

	opts.no_init = 1;
	found = nvt_ctrl_new(&other->pcie, &opts);
	ck_assert_ptr_nonnull(found);
	ck_assert_ptr_null(nvt_ctrl_admin(found));
	ck_assert_ptr_null(nvt_ctrl_id(found));
	ck_assert_int_eq(nvt_set_feature(found, 1, 0, 0, NULL), -EINVAL);
	ck_assert_ptr_null(nvt_qpair_create(found, NULL));
	nvt_ctrl_close(found);
}
END_TEST

START_TEST(mdts_is_at_most_a_list_page)
{
	struct nvme_id_ctrl id = { .mdts = _i };

	nvt_ctrl_set_id(ctrl, &id);
	ck_assert_uint_eq(nvt_ctrl_mdts(ctrl), _i && _i < 9 ? 4096U << _i : 2U << 20);
}
END_TEST

START_TEST(qpair_is_created_and_deleted_on_the_device)
{
	struct nvt_qpair_opts opts = {
		.backend = NVT_BACKEND_RAW,
		.entries = 16,
		.qid = 3,
		.vector = 3,		/* plus 1 */
		.priority = 1,
	};
	struct nvt_qpair *qp = nvt_qpair_create(ctrl, &opts);
	const struct nvt_sqe *cq = &fake->last_admin[nvme_admin_create_cq];
	const struct nvt_sqe *sq = &fake->last_admin[nvme_admin_create_sq];

	ck_assert_msg(qp, "%s", nvt_error());
	ck_assert_uint_eq(cq->cdw10, 15 << 16 | 3);
	ck_assert_uint_eq(cq->cdw11, 2 << 16 | 0x3);
	ck_assert_uint_eq(cq->prp1, qp->cq_mem->bus[0]);
	ck_assert_uint_eq(sq->cdw10, 15 << 16 | 3);
	ck_assert_uint_eq(sq->cdw11, 3 << 16 | 1 << 1 | 1);
	ck_assert_uint_eq(sq->prp1, qp->sq_mem->bus[0]);
	ck_assert_int_eq(nvt_qpair_delete(qp), 0);
	ck_assert_uint_eq(fake->last_admin[nvme_admin_delete_sq].cdw10, 3);
	ck_assert_uint_eq(fake->last_admin[nvme_admin_delete_cq].cdw10, 3);
}
END_TEST

START_TEST(polled_qpair_has_no_interrupts)
{
	struct nvt_qpair_opts opts = { .backend = NVT_BACKEND_RAW, .polled = 1 };
	struct nvt_qpair *qp = nvt_qpair_create(ctrl, &opts);

	ck_assert_ptr_nonnull(qp);
	ck_assert_uint_eq(fake->last_admin[nvme_admin_create_cq].cdw11, 1);
	ck_assert_uint_eq(nvt_qpair_entries(qp), 64);	/* CAP.MQES + 1 */
	nvt_qpair_delete(qp);
}
END_TEST

START_TEST(queue_in_pieces_is_given_by_a_list)
{
	struct nvt_qpair_opts opts = {
		.backend = NVT_BACKEND_RAW,
		.entries = 65,
		.buffer_kind = NVT_BUFFER_PAGES,
	};
	struct nvt_qpair *qp = nvt_qpair_create(ctrl, &opts);
	const struct nvt_sqe *sq = &fake->last_admin[nvme_admin_create_sq];

	ck_assert_ptr_nonnull(qp);
	/* 65 CQ entries are less than a page, which is contiguous. */
	ck_assert_uint_eq(fake->last_admin[nvme_admin_create_cq].cdw11 & 1, 1);
	ck_assert_uint_eq(sq->cdw11 & 1, 0);
	ck_assert_uint_eq(((uint64_t *)sq->prp1)[1], qp->sq_mem->bus[1]);
	nvt_qpair_delete(qp);
}
END_TEST

START_TEST(refused_sq_takes_its_cq_back)
{
	int live = fake->live_buffers;

	fake->status_of[nvme_admin_create_sq] = 0x4101;
	errno = 0;
	ck_assert_ptr_null(nvt_qpair_create(ctrl, NULL));
	ck_assert_int_eq(errno, EREMOTEIO);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "Create I/O SQ 1: status 0x4101: Invalid Queue"));
	ck_assert_uint_eq(fake->last_admin[nvme_admin_delete_cq].cdw10, 1);
	ck_assert_int_eq(fake->live_buffers, live);
	ck_assert_int_eq(fake->live_queues, 2);
}
END_TEST

START_TEST(default_back_end_is_one_that_the_device_has)
{
	struct nvt_qpair *qp = nvt_qpair_create(ctrl, NULL);

	ck_assert_msg(qp, "%s", nvt_error());
	ck_assert_ptr_eq(qp->ops, &nvt_raw_ops);
	nvt_qpair_delete(qp);
	errno = 0;
	ck_assert_ptr_null(nvt_qpair_create(ctrl, &(struct nvt_qpair_opts){
		.backend = NVT_BACKEND_MANAGED }));
	ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "use the raw back end"));
	ck_assert_ptr_null(nvt_qpair_create(ctrl, &(struct nvt_qpair_opts){ .backend = 3 }));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(queue_ids_are_used_again)
{
	struct nvt_qpair_opts opts = { .backend = NVT_BACKEND_RAW };
	struct nvt_qpair *qp = nvt_qpair_create(ctrl, &opts);

	ck_assert_uint_eq(nvt_qpair_id(qp), 1);
	ck_assert_ptr_null(nvt_qpair_create(ctrl, &opts));
	ck_assert_int_eq(errno, ENOSPC);
	nvt_qpair_delete(qp);
	qp = nvt_qpair_create(ctrl, &opts);
	ck_assert_uint_eq(nvt_qpair_id(qp), 1);
	opts.qid = 1;
	ck_assert_ptr_null(nvt_qpair_create(ctrl, &opts));
	ck_assert_int_eq(errno, EEXIST);
	nvt_qpair_delete(qp);
}
END_TEST

START_TEST(qpair_is_freed_though_the_device_is_silent)
{
	struct nvt_qpair_opts opts = { .backend = NVT_BACKEND_RAW };
	struct nvt_qpair *qp = nvt_qpair_create(ctrl, &opts);

	__atomic_store_n(&fake->silent, true, __ATOMIC_RELEASE);
	ck_assert_int_eq(nvt_qpair_delete(qp), -ETIMEDOUT);
	ck_assert_int_eq(fake->live_queues, 2);
}
END_TEST

START_TEST(qpair_of_an_earlier_epoch_is_deleted_without_a_command)
{
	struct nvt_qpair_opts opts = { .backend = NVT_BACKEND_RAW };
	struct nvt_qpair *qp = nvt_qpair_create(ctrl, &opts);

	ck_assert_int_eq(nvt_ctrl_reset(ctrl), 0);
	ck_assert_int_eq(nvt_qpair_delete(qp), 0);
	ck_assert_uint_eq(fake->last_admin[nvme_admin_delete_sq].cdw10, 0);
	qp = nvt_qpair_create(ctrl, &opts);
	ck_assert_msg(qp, "%s", nvt_error());
	nvt_qpair_delete(qp);
}
END_TEST

static void note_status(void *arg, const struct nvt_cpl *cpl)
{
	*(int *)arg = nvt_cpl_status(cpl);
}

START_TEST(qpair_may_outlive_its_controller)
{
	struct nvt_qpair_opts opts = { .backend = NVT_BACKEND_RAW };
	struct nvt_qpair *qp = nvt_qpair_create(ctrl, &opts);
	struct nvt_sqe sqe = { 0 };
	int status = -1;

	ck_assert_int_eq(nvt_qpair_post(qp, &sqe, NULL, 0, 0, note_status, &status), 0);
	nvt_ctrl_close(ctrl);
	ck_assert_int_eq(nvt_qpair_delete(qp), 0);
	ck_assert_int_eq(status, NVT_STATUS_DEAD);
	make_ctrl();
}
END_TEST

START_TEST(long_log_page_is_read_in_pieces)
{
	static unsigned char data[4096 * 2 + 8];
	const struct nvt_sqe *log = &fake->last_admin[nvme_admin_get_log_page];

	ck_assert_int_eq(nvt_get_log_page(ctrl, 0xc0, NVME_NSID_ALL, data, sizeof(data)), 0);
	ck_assert_uint_eq(log->cdw10, 1 << 16 | 0xc0);
	ck_assert_uint_eq(log->cdw12, 8192);
	ck_assert_int_eq(nvt_get_log_page(ctrl, 0xc0, NVME_NSID_ALL, data, 6), -EINVAL);
}
END_TEST

START_TEST(feature_functions_return_status_and_value)
{
	uint32_t value = 0;

	ck_assert_int_eq(nvt_get_feature(ctrl, 0x0b, 0, &value), 0);
	fake->status_of[nvme_admin_get_features] = 0x4002;
	ck_assert_int_eq(nvt_get_feature(ctrl, 0x0b, 0, &value), 0x4002);
}
END_TEST

Suite *ctrl_suite(void)
{
	Suite *suite = suite_create("ctrl");
	TCase *tc = tcase_create("ctrl");

	tcase_add_checked_fixture(tc, make_ctrl, close_ctrl);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, default_init_enables_and_identifies);
	tcase_add_loop_test(tc, command_sets_are_chosen_by_cap, 0, 4);
	tcase_add_test(tc, controller_that_does_not_get_ready_times_out);
	tcase_add_test(tc, fatal_status_ends_the_enable);
	tcase_add_test(tc, registers_of_all_ones_are_an_error);
	tcase_add_test(tc, larger_smallest_page_is_refused);
	tcase_add_test(tc, refused_number_of_queues_leaves_one);
	tcase_add_test(tc, failed_identify_fails_the_init);
	tcase_add_test(tc, function_that_is_not_nvme_is_refused);
	tcase_add_test(tc, own_init_runs_at_open_and_reset);
	tcase_add_test(tc, no_init_leaves_the_controller);
	tcase_add_loop_test(tc, mdts_is_at_most_a_list_page, 0, 16);
	tcase_add_test(tc, qpair_is_created_and_deleted_on_the_device);
	tcase_add_test(tc, polled_qpair_has_no_interrupts);
	tcase_add_test(tc, queue_in_pieces_is_given_by_a_list);
	tcase_add_test(tc, refused_sq_takes_its_cq_back);
	tcase_add_test(tc, default_back_end_is_one_that_the_device_has);
	tcase_add_test(tc, queue_ids_are_used_again);
	tcase_add_test(tc, qpair_is_freed_though_the_device_is_silent);
	tcase_add_test(tc, qpair_of_an_earlier_epoch_is_deleted_without_a_command);
	tcase_add_test(tc, qpair_may_outlive_its_controller);
	tcase_add_test(tc, long_log_page_is_read_in_pieces);
	tcase_add_test(tc, feature_functions_return_status_and_value);
	suite_add_tcase(suite, tc);
	return suite;
}
