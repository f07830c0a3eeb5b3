// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Create and Delete I/O Queue: what is refused and why, and what ends with a queue. */
#include <string.h>

#include <nvme/types.h>

#include "admin.h"
#include "hand.h"
#include "suites.h"

#define CONTIGUOUS	1U
#define IEN		2U
#define ENTRIES(n)	((uint32_t)((n) - 1) << 16)
#define GRANTED		4U
#define NR_SLOW		4

static struct device dev;
static struct hand hand;

/* Four queue pairs are granted, of which the library's is the first. */
static void begin(void)
{
	const struct nvt_ctrl_opts opts = { .io_queues = GRANTED };

	model_start(&dev.model, "size=16M,entries=256,read=5s");
	device_open(&dev, &opts);
}

static void finish(void)
{
	device_stop(&dev);
}

static int create(uint8_t opcode, uint32_t cdw10, uint32_t cdw11, uint64_t offset)
{
	struct nvt_sqe sqe = admin_sqe(opcode, 0, cdw10, cdw11);

	sqe.prp1 = nvt_buffer_bus(dev.buf, 0) + offset;
	return admin_run(&dev, sqe, 0, NULL);
}

static int create_cq(uint32_t cdw10, uint32_t cdw11)
{
	return create(nvme_admin_create_cq, cdw10, cdw11, 0);
}

static int create_sq(uint32_t cdw10, uint32_t cdw11)
{
	return create(nvme_admin_create_sq, cdw10, cdw11, 0);
}

START_TEST(completion_queues_that_cannot_be_are_refused)
{
	const int bad_id = STATUS_SPECIFIC(NVME_SC_QID_INVALID);
	const int bad_size = STATUS_SPECIFIC(NVME_SC_QUEUE_SIZE);

	ck_assert_int_eq(create_cq(ENTRIES(16) | 0, CONTIGUOUS), bad_id);
	ck_assert_int_eq(create_cq(ENTRIES(16) | 1, CONTIGUOUS), bad_id);
	/* One more than was granted, though the device has 16. */
	ck_assert_int_eq(create_cq(ENTRIES(16) | (GRANTED + 1), CONTIGUOUS), bad_id);
	ck_assert_int_eq(create_cq(ENTRIES(1) | 2, CONTIGUOUS), bad_size);
	ck_assert_int_eq(create_cq(ENTRIES(257) | 2, CONTIGUOUS), bad_size);
	/* One behind the MSI-X table's last. */
	ck_assert_int_eq(create_cq(ENTRIES(16) | 2, 65U << 16 | IEN | CONTIGUOUS),
			 STATUS_SPECIFIC(NVME_SC_INVALID_VECTOR));
	ck_assert_int_eq(create(nvme_admin_create_cq, ENTRIES(16) | 2, CONTIGUOUS, 64),
			 NVME_SC_PRP_INVALID_OFFSET);
	ck_assert_int_eq(create_cq(ENTRIES(256) | 2, 64U << 16 | IEN | CONTIGUOUS), 0);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_delete_cq, 0, 2, 0), 0, NULL), 0);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_delete_cq, 0, 2, 0), 0, NULL), bad_id);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_delete_cq, 0, 0, 0), 0, NULL), bad_id);
}
END_TEST

START_TEST(submission_queues_that_cannot_be_are_refused)
{
	const int bad_id = STATUS_SPECIFIC(NVME_SC_QID_INVALID);
	const int bad_cq = STATUS_SPECIFIC(NVME_SC_CQ_INVALID);
	const int bad_size = STATUS_SPECIFIC(NVME_SC_QUEUE_SIZE);

	ck_assert_int_eq(create_sq(ENTRIES(16) | 0, 1U << 16 | CONTIGUOUS), bad_id);
	ck_assert_int_eq(create_sq(ENTRIES(16) | 1, 1U << 16 | CONTIGUOUS), bad_id);
	ck_assert_int_eq(create_sq(ENTRIES(16) | (GRANTED + 1), 1U << 16 | CONTIGUOUS), bad_id);
	/* The admin queue's, one that is not there, and one that never can be. */
	ck_assert_int_eq(create_sq(ENTRIES(16) | 2, CONTIGUOUS), bad_cq);
	ck_assert_int_eq(create_sq(ENTRIES(16) | 2, 2U << 16 | CONTIGUOUS), bad_cq);
	ck_assert_int_eq(create_sq(ENTRIES(16) | 2, 0xffffU << 16 | CONTIGUOUS), bad_cq);
	ck_assert_int_eq(create_sq(ENTRIES(1) | 2, 1U << 16 | CONTIGUOUS), bad_size);
	ck_assert_int_eq(create_sq(ENTRIES(257) | 2, 1U << 16 | CONTIGUOUS), bad_size);
	ck_assert_int_eq(create(nvme_admin_create_sq, ENTRIES(16) | 2, 1U << 16 | CONTIGUOUS, 64),
			 NVME_SC_PRP_INVALID_OFFSET);
	ck_assert_int_eq(create_sq(ENTRIES(256) | 2, 1U << 16 | CONTIGUOUS), 0);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_delete_sq, 0, 2, 0), 0, NULL), 0);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_delete_sq, 0, 2, 0), 0, NULL), bad_id);
}
END_TEST

/* They would take five seconds. All have ended when the deletion has. */
START_TEST(deleted_queue_ends_its_commands)
{
	const struct hand_opts opts = { .qid = 2 };
	const struct nvt_sqe read = {
		.opcode = nvme_cmd_read, .nsid = 1, .prp1 = nvt_buffer_bus(dev.buf, 0),
	};
	uint64_t before = device_now_ns();
	struct nvt_cqe cqe;
	unsigned int i;

	hand_create_with(&hand, &dev, &opts);
	for (i = 0; i < NR_SLOW; i++)
		hand_post(&hand, read);
	ck_assert(!hand_next(&hand, &cqe, 100));
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_delete_sq, 0, 2, 0), 0, NULL), 0);
	for (i = 0; i < NR_SLOW; i++) {
		ck_assert(hand_next(&hand, &cqe, 0));
		ck_assert_uint_eq(cqe.status_phase >> 1 & 0x7ff, NVME_SC_ABORT_QUEUE);
		ck_assert_uint_eq(cqe.cid, i + 1);
	}
	ck_assert(!hand_next(&hand, &cqe, 0));
	ck_assert_uint_lt(device_now_ns() - before, 5000000000ULL);
	hand_delete(&hand);
}
END_TEST

/* Its entries begin at 0 again, with phase 1, whatever the doorbells were. */
START_TEST(queue_that_is_made_again_begins_anew)
{
	const struct hand_opts opts = { .qid = 2 };
	const struct nvt_sqe flush = { .opcode = nvme_cmd_flush, .nsid = 1 };
	unsigned int round, i;

	for (round = 0; round < 3; round++) {
		hand_create_with(&hand, &dev, &opts);
		for (i = 0; i < HAND_ENTRIES + 5; i++) {
			hand_post(&hand, flush);
			ck_assert_uint_eq(hand_wait(&hand).sqhd, (i + 1) % HAND_ENTRIES);
		}
		hand_delete(&hand);
	}
}
END_TEST

Suite *queue_command_suite(void)
{
	Suite *suite = suite_create("queue_command");
	TCase *tc = device_case(suite, "queue_command", begin, finish);

	tcase_add_test(tc, completion_queues_that_cannot_be_are_refused);
	tcase_add_test(tc, submission_queues_that_cannot_be_are_refused);
	tcase_add_test(tc, deleted_queue_ends_its_commands);
	tcase_add_test(tc, queue_that_is_made_again_begins_anew);
	return suite;
}
