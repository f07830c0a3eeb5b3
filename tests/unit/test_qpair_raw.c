// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The raw back end on a device in memory that answers when the test says so. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvt/error.h>

#include "fake.h"
#include "suites.h"
#include "transport/transport.h"

#define ENTRIES		8

static struct fake *fake;
static struct nvt_ctrl *ctrl;
static struct nvt_qpair *qp;
static struct nvt_cpl last;
static unsigned int ended;

static void make_qpair(void)
{
	struct nvt_qpair_opts opts = { .backend = NVT_BACKEND_RAW, .entries = ENTRIES };

	fake = fake_new();
	ctrl = fake_ctrl(fake);
	qp = nvt_qpair_new(ctrl, 1, &opts);
	ck_assert_msg(qp, "%s", nvt_error());
	ended = 0;
}

static void free_qpair(void)
{
	nvt_qpair_free(qp);
	ck_assert_int_eq(fake->live_queues, 0);
	ck_assert_int_eq(fake->live_buffers, 0);
	nvt_ctrl_close(ctrl);
}

static void count(void *arg, const struct nvt_cpl *cpl)
{
	last = *cpl;
	ended++;
}

static int post(struct nvt_sqe *sqe)
{
	return nvt_qpair_post(qp, sqe, NULL, 0, 0, count, NULL);
}

static void post_some(unsigned int n)
{
	struct nvt_sqe sqe = { .opcode = 0x42 };

	while (n--)
		ck_assert_int_eq(post(&sqe), 0);
}

/* The device takes and answers all that it was told of. */
static unsigned int answer_all(uint16_t status)
{
	struct nvt_sqe sqe;
	unsigned int n = 0;

	while (fake_fetch(fake, 1, &sqe)) {
		ck_assert(fake_complete(fake, 1, sqe.cid, status));
		n++;
	}
	return n;
}

START_TEST(command_goes_to_the_device_and_back)
{
	struct nvt_sqe sqe = { .opcode = 0x42, .cdw13 = 0x1313 }, seen;

	ck_assert_int_eq(post(&sqe), 0);
	ck_assert_uint_eq(nvt_qpair_outstanding(qp), 1);
	ck_assert_int_eq(nvt_qpair_poll(qp, 0), 0);
	ck_assert(fake_fetch(fake, 1, &seen));
	ck_assert_mem_eq(&seen, &sqe, sizeof(sqe));
	ck_assert(fake_complete(fake, 1, seen.cid, 0x0281));
	ck_assert_int_eq(nvt_qpair_poll(qp, 0), 1);
	ck_assert_uint_eq(ended, 1);
	ck_assert_uint_eq(nvt_cpl_status(&last), 0x0281);
	ck_assert_uint_ge(last.complete_ns, last.submit_ns);
	ck_assert_uint_gt(last.submit_ns, 0);
	ck_assert_uint_eq(nvt_qpair_outstanding(qp), 0);
}
END_TEST

START_TEST(doorbell_waits_for_ring)
{
	post_some(3);
	ck_assert_uint_eq(fake_doorbell(fake, 1, false), 0);
	ck_assert_int_eq(nvt_qpair_ring(qp), 0);
	ck_assert_uint_eq(fake_doorbell(fake, 1, false), 3);
}
END_TEST

START_TEST(ring_without_new_commands_writes_no_doorbell)
{
	uint32_t *doorbell = (uint32_t *)(fake->bar + 0x1008);

	post_some(2);
	nvt_qpair_ring(qp);
	*doorbell = 0x55;
	ck_assert_int_eq(nvt_qpair_ring(qp), 0);
	ck_assert_uint_eq(*doorbell, 0x55);
	*doorbell = 2;
}
END_TEST

START_TEST(commands_of_one_ring_have_one_submit_time)
{
	uint64_t submit_ns;

	post_some(3);
	nvt_qpair_ring(qp);
	answer_all(0);
	nvt_qpair_poll(qp, 1);
	submit_ns = last.submit_ns;
	nvt_qpair_poll(qp, 0);
	ck_assert_uint_eq(ended, 3);
	ck_assert_uint_eq(last.submit_ns, submit_ns);
}
END_TEST

START_TEST(completion_doorbell_is_written_once_a_batch)
{
	post_some(5);
	nvt_qpair_ring(qp);
	answer_all(0);
	ck_assert_uint_eq(fake_doorbell(fake, 1, true), 0);
	ck_assert_int_eq(nvt_qpair_poll(qp, 2), 2);
	ck_assert_uint_eq(fake_doorbell(fake, 1, true), 2);
	ck_assert_int_eq(nvt_qpair_poll(qp, 0), 3);
	ck_assert_uint_eq(fake_doorbell(fake, 1, true), 5);
}
END_TEST

START_TEST(queue_wraps_with_its_phase)
{
	unsigned int n;

	for (n = 0; n < 10 * ENTRIES; n++) {
		post_some(1 + n % 3);
		nvt_qpair_ring(qp);
		ck_assert_uint_eq(answer_all(0), 1 + n % 3);
		ck_assert_int_eq(nvt_qpair_poll(qp, 0), 1 + n % 3);
		ck_assert_int_eq(nvt_qpair_poll(qp, 0), 0);
	}
	ck_assert_uint_eq(qp->unexpected, 0);
}
END_TEST

START_TEST(full_queue_is_busy)
{
	struct nvt_sqe sqe = { 0 };

	post_some(ENTRIES - 1);
	ck_assert_int_eq(post(&sqe), -EBUSY);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "poll first"));
	nvt_qpair_ring(qp);
	ck_assert_uint_eq(answer_all(0), ENTRIES - 1);
	ck_assert_int_eq(nvt_qpair_poll(qp, 1), 1);
	ck_assert_int_eq(post(&sqe), 0);
}
END_TEST

START_TEST(commands_may_end_in_any_order)
{
	struct nvt_sqe seen[4];
	uint16_t first;
	int i;

	post_some(4);
	nvt_qpair_ring(qp);
	for (i = 0; i < 4; i++)
		ck_assert(fake_fetch(fake, 1, &seen[i]));
	fake_complete(fake, 1, seen[3].cid, 3);
	ck_assert_int_eq(nvt_qpair_poll(qp, 0), 1);
	ck_assert_uint_eq(last.cqe.cid, seen[3].cid);
	/* Its id is used again while the older ones are outstanding. */
	post_some(1);
	nvt_qpair_ring(qp);
	ck_assert(fake_fetch(fake, 1, &seen[3]));
	first = seen[0].cid;
	for (i = 3; i >= 0; i--)
		fake_complete(fake, 1, seen[i].cid, 0);
	ck_assert_int_eq(nvt_qpair_poll(qp, 0), 4);
	ck_assert_uint_eq(last.cqe.cid, first);
	ck_assert_uint_eq(qp->unexpected, 0);
}
END_TEST

START_TEST(outstanding_ids_differ)
{
	struct nvt_sqe sqe = { 0 };
	bool used[ENTRIES - 1] = { false };
	int i;

	for (i = 0; i < ENTRIES - 1; i++) {
		ck_assert_int_eq(post(&sqe), 0);
		ck_assert_uint_lt(sqe.cid, ENTRIES - 1);
		ck_assert(!used[sqe.cid]);
		used[sqe.cid] = true;
	}
}
END_TEST

START_TEST(unknown_completions_are_ignored_and_counted)
{
	struct nvt_sqe sqe;

	post_some(1);
	nvt_qpair_ring(qp);
	ck_assert(fake_fetch(fake, 1, &sqe));
	fake_complete(fake, 1, sqe.cid + 1, 0);
	fake_complete(fake, 1, 0xffff, 0);
	fake_complete(fake, 1, sqe.cid, 0);
	fake_complete(fake, 1, sqe.cid, 0);
	ck_assert_int_eq(nvt_qpair_poll(qp, 0), 1);
	ck_assert_int_eq(nvt_qpair_poll(qp, 0), 0);
	ck_assert_uint_eq(ended, 1);
	ck_assert_uint_eq(qp->unexpected, 3);
	ck_assert_uint_eq(fake_doorbell(fake, 1, true), 4);
}
END_TEST

START_TEST(dead_queue_ends_its_commands_and_takes_no_more)
{
	struct nvt_sqe sqe = { 0 };

	post_some(3);
	nvt_qpair_ring(qp);
	ck_assert(fake_fetch(fake, 1, &sqe));
	fake_complete(fake, 1, sqe.cid, 0);
	fake->status->generation++;
	ck_assert_int_eq(post(&sqe), -EIO);
	ck_assert_int_eq(nvt_qpair_ring(qp), -EIO);
	/* What was answered before it died is not lost. */
	ck_assert_int_eq(nvt_qpair_poll(qp, 1), 1);
	ck_assert_uint_eq(nvt_cpl_status(&last), 0);
	ck_assert_int_eq(nvt_qpair_poll(qp, 0), 2);
	ck_assert_uint_eq(nvt_cpl_status(&last), NVT_STATUS_DEAD);
	ck_assert_uint_eq(nvt_qpair_outstanding(qp), 0);
}
END_TEST

START_TEST(disabled_controller_kills_the_queue)
{
	struct nvt_sqe sqe = { 0 };

	post_some(1);
	ck_assert_int_eq(nvt_ctrl_disable(ctrl), 0);
	ck_assert_int_eq(post(&sqe), -EIO);
	ck_assert_int_eq(nvt_qpair_wait(qp, 1, 1000), 1);
	ck_assert_uint_eq(nvt_cpl_status(&last), NVT_STATUS_DEAD);
}
END_TEST

START_TEST(commands_outstanding_at_the_free_end_as_dead)
{
	post_some(2);
	nvt_qpair_free(qp);
	ck_assert_uint_eq(ended, 2);
	ck_assert_uint_eq(nvt_cpl_status(&last), NVT_STATUS_DEAD);
	qp = NULL;
}
END_TEST

START_TEST(wait_times_out)
{
	post_some(2);
	nvt_qpair_ring(qp);
	ck_assert_int_eq(nvt_qpair_wait(qp, 1, 5), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "5 ms, 2 commands"));
	answer_all(0);
	ck_assert_int_eq(nvt_qpair_wait(qp, 1, 5), 2);
}
END_TEST

START_TEST(wait_for_more_than_outstanding_is_invalid)
{
	post_some(1);
	ck_assert_int_eq(nvt_qpair_wait(qp, 2, 5), -EINVAL);
}
END_TEST

static const struct {
	uint32_t csts;
	const char *text;
} silences[] = {
	{ 0xffffffff, "all-ones" },
	{ 3, "CSTS.CFS is 1" },
	{ 0, "CSTS.RDY is 0" },
};

START_TEST(wait_ends_when_registers_say_that_nothing_comes)
{
	struct nvt_sqe sqe = { 0 };

	post_some(2);
	nvt_qpair_ring(qp);
	memcpy(fake->bar + NVME_REG_CSTS, &silences[_i].csts, 4);
	ck_assert_int_eq(nvt_qpair_wait(qp, 1, 0), 2);
	ck_assert_uint_eq(nvt_cpl_status(&last), NVT_STATUS_DEAD);
	ck_assert_int_eq(post(&sqe), -EIO);
	ck_assert_msg(strstr(nvt_error(), silences[_i].text), "%s", nvt_error());
}
END_TEST

START_TEST(exec_that_timed_out_may_still_end)
{
	struct nvt_sqe sqe = { .opcode = 1 };

	qp->timeout_ms = 5;
	ck_assert_int_eq(nvt_qpair_exec(qp, &sqe, NULL, 0, 0, NULL), -ETIMEDOUT);
	ck_assert_uint_eq(nvt_qpair_outstanding(qp), 1);
	ck_assert_uint_eq(answer_all(0), 1);
	ck_assert_int_eq(nvt_qpair_poll(qp, 0), 1);
}
END_TEST

START_TEST(exec_returns_the_status)
{
	struct nvt_sqe sqe = { .opcode = 1 };
	struct nvt_cpl cpl;

	fake_run(fake);
	ck_assert_int_eq(nvt_qpair_exec(qp, &sqe, NULL, 0, 0, &cpl), 0);
	ck_assert_uint_eq(cpl.cqe.sqid, 1);
}
END_TEST

static void post_again(void *arg, const struct nvt_cpl *cpl)
{
	struct nvt_sqe sqe = { 0 };

	ended++;
	if (ended < 100)
		ck_assert_int_eq(nvt_qpair_post(qp, &sqe, NULL, 0, 0, post_again, NULL), 0);
}

START_TEST(callback_may_post)
{
	struct nvt_sqe sqe = { 0 };
	int i;

	for (i = 0; i < ENTRIES - 1; i++)
		ck_assert_int_eq(nvt_qpair_post(qp, &sqe, NULL, 0, 0, post_again, NULL), 0);
	fake_run(fake);
	while (nvt_qpair_outstanding(qp))
		ck_assert_int_gt(nvt_qpair_wait(qp, 1, 0), 0);
	ck_assert_uint_eq(ended, 100 + ENTRIES - 2);
}
END_TEST

START_TEST(data_is_described_by_a_list_of_its_own)
{
	struct nvt_buffer *buf = nvt_buffer_create(&fake->pcie, 4 * 4096, NVT_BUFFER_PAGES);
	struct nvt_sqe sqe[2] = { { 0 } };
	const uint64_t *list;
	int i;

	for (i = 0; i < 2; i++)
		ck_assert_int_eq(nvt_qpair_post(qp, &sqe[i], buf, 4096 * i, 3 * 4096, NULL, NULL),
				 0);
	ck_assert_uint_ne(sqe[0].prp2, sqe[1].prp2);
	list = (const uint64_t *)sqe[1].prp2;
	ck_assert_uint_eq(sqe[1].prp1, nvt_buffer_bus(buf, 4096));
	ck_assert_uint_eq(list[0], nvt_buffer_bus(buf, 2 * 4096));
	ck_assert_uint_eq(list[1], nvt_buffer_bus(buf, 3 * 4096));
	nvt_buffer_free(buf);
}
END_TEST

START_TEST(data_beyond_its_buffer_is_refused)
{
	struct nvt_buffer *buf = nvt_buffer_create(&fake->pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	struct nvt_sqe sqe = { 0 };

	ck_assert_int_eq(nvt_qpair_post(qp, &sqe, buf, 512, 4096, NULL, NULL), -EINVAL);
	ck_assert_int_eq(nvt_qpair_post(qp, &sqe, buf, 2, 512, NULL, NULL), -EINVAL);
	ck_assert_int_eq(nvt_qpair_post(qp, &sqe, buf, 0, SIZE_MAX, NULL, NULL), -EINVAL);
	ck_assert_uint_eq(nvt_qpair_outstanding(qp), 0);
	nvt_buffer_free(buf);
}
END_TEST

START_TEST(doorbells_follow_the_stride)
{
	struct nvt_qpair_opts opts = { .backend = NVT_BACKEND_RAW, .entries = 4 };
	struct nvt_sqe sqe = { 0 };
	struct nvt_qpair *wide;

	ctrl->cap |= 2ULL << 32;	/* DSTRD: 16 bytes */
	wide = nvt_qpair_new(ctrl, 2, &opts);
	ck_assert_ptr_nonnull(wide);
	nvt_qpair_post(wide, &sqe, NULL, 0, 0, NULL, NULL);
	nvt_qpair_ring(wide);
	ck_assert_uint_eq(*(uint32_t *)(fake->bar + 0x1000 + 2 * 2 * 16), 1);
	nvt_qpair_free(wide);
}
END_TEST

START_TEST(doorbell_beyond_the_bar_is_refused)
{
	struct nvt_qpair_opts opts = { .backend = NVT_BACKEND_RAW, .entries = 4 };

	ctrl->cap |= 15ULL << 32;
	ck_assert_ptr_null(nvt_qpair_new(ctrl, 3, &opts));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "end of BAR 0"));
}
END_TEST

Suite *qpair_raw_suite(void)
{
	Suite *suite = suite_create("qpair_raw");
	TCase *tc = tcase_create("qpair_raw");

	tcase_add_checked_fixture(tc, make_qpair, free_qpair);
	tcase_add_test(tc, command_goes_to_the_device_and_back);
	tcase_add_test(tc, doorbell_waits_for_ring);
	tcase_add_test(tc, ring_without_new_commands_writes_no_doorbell);
	tcase_add_test(tc, commands_of_one_ring_have_one_submit_time);
	tcase_add_test(tc, completion_doorbell_is_written_once_a_batch);
	tcase_add_test(tc, queue_wraps_with_its_phase);
	tcase_add_test(tc, full_queue_is_busy);
	tcase_add_test(tc, commands_may_end_in_any_order);
	tcase_add_test(tc, outstanding_ids_differ);
	tcase_add_test(tc, unknown_completions_are_ignored_and_counted);
	tcase_add_test(tc, dead_queue_ends_its_commands_and_takes_no_more);
	tcase_add_test(tc, disabled_controller_kills_the_queue);
	tcase_add_test(tc, commands_outstanding_at_the_free_end_as_dead);
	tcase_add_test(tc, wait_times_out);
	tcase_add_test(tc, wait_for_more_than_outstanding_is_invalid);
	tcase_add_loop_test(tc, wait_ends_when_registers_say_that_nothing_comes, 0, 3);
	tcase_add_test(tc, exec_that_timed_out_may_still_end);
	tcase_add_test(tc, exec_returns_the_status);
	tcase_add_test(tc, callback_may_post);
	tcase_add_test(tc, data_is_described_by_a_list_of_its_own);
	tcase_add_test(tc, data_beyond_its_buffer_is_refused);
	tcase_add_test(tc, doorbells_follow_the_stride);
	tcase_add_test(tc, doorbell_beyond_the_bar_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
