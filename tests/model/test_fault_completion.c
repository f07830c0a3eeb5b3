// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Faults of completions: each is armed, and the queue by hand sees exactly that. */
#include <string.h>

#include <nvme/types.h>

#include "faulty.h"
#include "suites.h"

#define MS		1000000ULL
#define PHASE(cqe)	((cqe).status_phase & 1)
#define STATUS(cqe)	((cqe).status_phase >> 1)

static struct faulty faulty;
static struct hand *const hand = &faulty.hand;

static void begin(void)
{
	faulty_start(&faulty, "size=64M");
}

static void finish(void)
{
	faulty_stop(&faulty);
}

static uint16_t post_flush(void)
{
	return hand_post(hand, nvt_sqe_flush(1));
}

static void run_flush(void)
{
	uint16_t cid = post_flush();
	struct nvt_cqe cqe = hand_wait(hand);

	ck_assert_uint_eq(cqe.cid, cid);
	ck_assert_uint_eq(STATUS(cqe), 0);
}

START_TEST(completion_that_never_comes)
{
	uint16_t other;
	struct nvt_cqe cqe;

	faulty_arm(&faulty, "queue=7 nth=1 do cpl-never");
	post_flush();
	other = post_flush();
	ck_assert_uint_eq(hand_wait(hand).cid, other);
	ck_assert(!hand_next(hand, &cqe, 50));
	faulty_assert_shots(&faulty, "cpl-never", 1);
}
END_TEST

START_TEST(late_completion)
{
	uint64_t posted = device_now_ns();
	uint16_t late, other;

	faulty_arm(&faulty, "queue=7 nth=1 do cpl-late delay=100ms");
	late = post_flush();
	other = post_flush();
	ck_assert_uint_eq(hand_wait(hand).cid, other);
	ck_assert_uint_eq(hand_wait(hand).cid, late);
	ck_assert_uint_ge(device_now_ns() - posted, 100 * MS);
	faulty_assert_shots(&faulty, "cpl-late", 1);
}
END_TEST

START_TEST(late_completion_of_a_queue_that_is_gone)
{
	faulty_arm(&faulty, "queue=7 do cpl-late delay=50ms");
	post_flush();
	faulty_assert_shots(&faulty, "cpl-late", 1);
	hand_delete(hand);
	hand_create(hand, &faulty.dev, FAULTY_VECTOR);
	model_do(&faulty.dev.model, "clear");
	run_flush();
}
END_TEST

START_TEST(two_completions)
{
	unsigned int i;
	uint16_t cid;

	faulty_arm(&faulty, "queue=7 every=5 do cpl-twice");
	/* More than a round of the queue, so that its end is met too. */
	for (i = 1; i <= 3 * HAND_ENTRIES; i++) {
		cid = post_flush();
		ck_assert_uint_eq(hand_wait(hand).cid, cid);
		if (!(i % 5))
			ck_assert_uint_eq(hand_wait(hand).cid, cid);
	}
	faulty_assert_shots(&faulty, "cpl-twice", 3 * HAND_ENTRIES / 5);
}
END_TEST

START_TEST(wrong_command_id)
{
	uint16_t cid;

	faulty_arm(&faulty, "queue=7 nth=1 do cpl-cid cid=0");
	faulty_arm(&faulty, "queue=7 nth=2 do cpl-cid");
	post_flush();
	ck_assert_uint_eq(hand_wait(hand).cid, 0);
	cid = post_flush();
	ck_assert_uint_eq(hand_wait(hand).cid, cid ^ 0x4000);
	faulty_assert_shots(&faulty, "cpl-cid", 2);
}
END_TEST

START_TEST(wrong_submission_queue)
{
	struct nvt_cqe cqe;
	uint16_t cid;

	faulty_arm(&faulty, "queue=7 times=1 do cpl-sqid sqid=9");
	cid = post_flush();
	cqe = hand_wait(hand);
	ck_assert_uint_eq(cqe.sqid, 9);
	ck_assert_uint_eq(cqe.cid, cid);
	faulty_assert_shots(&faulty, "cpl-sqid", 1);
}
END_TEST

START_TEST(wrong_submission_queue_head)
{
	faulty_arm(&faulty, "queue=7 nth=1 do cpl-sqhd sqhd=13");
	faulty_arm(&faulty, "queue=7 nth=2 do cpl-sqhd");
	post_flush();
	ck_assert_uint_eq(hand_wait(hand).sqhd, 13);
	post_flush();
	ck_assert_uint_eq(hand_wait(hand).sqhd, 2 ^ 1);
	post_flush();
	ck_assert_uint_eq(hand_wait(hand).sqhd, 3);
	faulty_assert_shots(&faulty, "cpl-sqhd", 2);
}
END_TEST

START_TEST(wrong_phase)
{
	struct nvt_cqe cqe;
	uint16_t wrong, other;

	faulty_arm(&faulty, "queue=7 nth=1 do cpl-phase");
	wrong = post_flush();
	other = post_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 2);
	ck_assert(!hand_next(hand, &cqe, 0));
	ck_assert_uint_eq(hand_entry(hand, 0)->cid, wrong);
	ck_assert_uint_eq(hand_entry(hand, 1)->cid, other);
	ck_assert_uint_eq(PHASE(*hand_entry(hand, 1)), 1);
	faulty_assert_shots(&faulty, "cpl-phase", 1);
}
END_TEST

START_TEST(completion_behind_the_end_of_the_queue)
{
	uint16_t cid;

	faulty_arm(&faulty, "queue=7 nth=1 do cpl-range count=2");
	cid = post_flush();
	faulty_assert_shots(&faulty, "cpl-range", 1);
	ck_assert_uint_eq(hand_entry(hand, HAND_ENTRIES + 2)->cid, cid);
	ck_assert_uint_eq(hand_entry(hand, HAND_ENTRIES + 2)->sqid, HAND_QID);
	run_flush();
	ck_assert_uint_eq(hand->head, 1);
}
END_TEST

START_TEST(status_of_choice)
{
	struct nvt_sqe sqe = nvt_sqe_read(1, 0, 1, 0), beyond = nvt_sqe_read(1, 1 << 20, 1, 0);
	unsigned char *data = nvt_buffer_data(faulty.dev.buf);

	faulty_arm(&faulty, "opcode=read nth=1 do status status=0x281 dnr=1");
	faulty_arm(&faulty, "opcode=read nth=3 do status status=0");
	memset(data, 0x55, DEVICE_BLOCK);
	sqe.prp1 = beyond.prp1 = nvt_buffer_bus(faulty.dev.buf, 0);
	hand_post(hand, sqe);
	ck_assert_uint_eq(STATUS(hand_wait(hand)), 0x4281);
	ck_assert_uint_eq(data[0], 0x55);
	hand_post(hand, sqe);
	ck_assert_uint_eq(STATUS(hand_wait(hand)), 0);
	ck_assert_uint_eq(data[0], 0);
	hand_post(hand, beyond);
	ck_assert_uint_eq(STATUS(hand_wait(hand)), 0);
	hand_post(hand, beyond);
	ck_assert_uint_eq(STATUS(hand_wait(hand)) & 0x7ff, NVME_SC_LBA_RANGE);
	faulty_assert_shots(&faulty, "status", 2);
}
END_TEST

static void add_completions(Suite *suite)
{
	TCase *tc = device_case(suite, "completions", begin, finish);

	tcase_add_test(tc, completion_that_never_comes);
	tcase_add_test(tc, late_completion);
	tcase_add_test(tc, late_completion_of_a_queue_that_is_gone);
	tcase_add_test(tc, two_completions);
	tcase_add_test(tc, wrong_command_id);
	tcase_add_test(tc, wrong_submission_queue);
	tcase_add_test(tc, wrong_submission_queue_head);
	tcase_add_test(tc, wrong_phase);
	tcase_add_test(tc, completion_behind_the_end_of_the_queue);
	tcase_add_test(tc, status_of_choice);
}

Suite *fault_completion_suite(void)
{
	Suite *suite = suite_create("fault_completion");

	add_completions(suite);
	return suite;
}
