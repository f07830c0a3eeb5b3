// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Which submission queue is served next. The device has one slot for commands,
 * which a slow write holds until all queues are filled; all complete to one
 * queue, so its entries tell the order.
 */
#include <string.h>

#include <nvme/types.h>

#include "admin.h"
#include "hand.h"
#include "suites.h"

#define CC_AMS_WRR	(1U << 11)
#define QUEUES		4
#define BLOCKER		1		/* the queue ids are this and those behind it */
#define ENTRIES		128
#define WEIGHTS(high, medium, low)	((high) << 24 | (medium) << 16 | (low) << 8)

enum priority { URGENT, HIGH, MEDIUM, LOW };

static struct device dev;
static struct hand blocker, queues[QUEUES];
static uint16_t sqids[ENTRIES];

static void start(uint32_t cc, const uint8_t priorities[QUEUES])
{
	const struct nvt_ctrl_opts opts = {
		.init = device_init_cc,
		.init_arg = (void *)(uintptr_t)cc,
	};
	struct hand_opts how = { .qid = BLOCKER, .entries = ENTRIES };
	unsigned int i;

	model_start(&dev.model, "size=2M,slots=1,read=200us,write=500ms");
	device_open(&dev, &opts);
	/* The first id is in use by the library's. */
	nvt_qpair_delete(dev.qp);
	dev.qp = NULL;
	hand_create_with(&blocker, &dev, &how);
	how.shares = &blocker;
	for (i = 0; i < QUEUES; i++) {
		how.qid = BLOCKER + 1 + i;
		how.priority = priorities ? priorities[i] : 0;
		hand_create_with(&queues[i], &dev, &how);
	}
}

static void finish(void)
{
	unsigned int i;

	for (i = 0; i < QUEUES; i++)
		hand_delete(&queues[i]);
	hand_delete(&blocker);
	device_stop(&dev);
}

static void begin_round_robin(void)
{
	start(0, NULL);
}

static void begin_weighted(void)
{
	static const uint8_t priorities[QUEUES] = { HIGH, HIGH, MEDIUM, LOW };

	start(CC_AMS_WRR, priorities);
}

static void begin_urgent(void)
{
	static const uint8_t priorities[QUEUES] = { LOW, HIGH, URGENT, MEDIUM };

	start(CC_AMS_WRR, priorities);
}

static void set_arbitration(uint32_t value)
{
	ck_assert_int_eq(nvt_set_feature(dev.ctrl, NVME_FEAT_FID_ARBITRATION, 0, value, NULL), 0);
}

/* So many reads in each queue at one time; the queues in order of service. */
static void serve(const unsigned int counts[QUEUES])
{
	struct nvt_sqe read = { .opcode = nvme_cmd_read, .nsid = 1 };
	struct nvt_sqe write = { .opcode = nvme_cmd_write, .nsid = 1 };
	unsigned int i, n, total = 0;

	read.prp1 = write.prp1 = nvt_buffer_bus(dev.buf, 0);
	for (i = 0; i < QUEUES; i++) {
		for (n = 0; n < counts[i]; n++)
			hand_write(&queues[i], read);
		total += counts[i];
	}
	hand_post(&blocker, write);
	for (i = 0; i < QUEUES; i++)
		hand_ring(&queues[i]);
	ck_assert_msg((hand_entry(&blocker, blocker.head)->status_phase & 1) != blocker.phase,
		      "the slot was free before all queues were filled");
	hand_wait_all(&blocker, 1, sqids);
	ck_assert_uint_eq(sqids[0], BLOCKER);
	hand_wait_all(&blocker, total, sqids);
}

/* Of the next completions: how many are of a queue. */
static unsigned int count(unsigned int from, unsigned int n, unsigned int queue)
{
	unsigned int i, found = 0;

	for (i = from; i < from + n; i++)
		found += sqids[i] == BLOCKER + 1 + queue;
	return found;
}

static const struct {
	uint8_t burst;			/* as the feature has it */
	unsigned int turn;		/* commands in a turn */
} bursts[] = { { 0, 1 }, { 1, 2 }, { 2, 4 }, { 7, 8 } };

#define NR_BURSTS	(int)(sizeof(bursts) / sizeof(bursts[0]))

START_TEST(turn_of_a_queue_is_the_arbitration_burst)
{
	static const unsigned int counts[QUEUES] = { 8, 8, 8, 0 };
	unsigned int turn = bursts[_i].turn, i;

	set_arbitration(bursts[_i].burst);
	serve(counts);
	for (i = 0; i < 24; i++)
		ck_assert_uint_eq(sqids[i], BLOCKER + 1 + i / turn % 3);
}
END_TEST

/* 4 : 2 : 1, and 2 : 1 when nothing is left of the first. */
START_TEST(classes_are_served_by_their_weights)
{
	static const unsigned int counts[QUEUES] = { 8, 8, 16, 16 };
	unsigned int i;

	set_arbitration(WEIGHTS(3U, 1U, 0U) | bursts[_i].burst);
	serve(counts);
	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(count(7 * i, 7, 0) + count(7 * i, 7, 1), 4);
		ck_assert_uint_eq(count(7 * i, 7, 2), 2);
		ck_assert_uint_eq(count(7 * i, 7, 3), 1);
	}
	/* The two of the same class take turns. */
	ck_assert_uint_eq(count(0, 14, 0), 4);
	ck_assert_uint_eq(count(0, 14, 1), 4);
	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(count(28 + 3 * i, 3, 2), 2);
		ck_assert_uint_eq(count(28 + 3 * i, 3, 3), 1);
	}
	ck_assert_uint_eq(count(40, 8, 3), 8);
}
END_TEST

START_TEST(urgent_class_comes_before_all_weights)
{
	static const unsigned int counts[QUEUES] = { 8, 8, 8, 8 };

	set_arbitration(WEIGHTS(255U, 255U, 255U));
	serve(counts);
	ck_assert_uint_eq(count(0, 8, 2), 8);
	ck_assert_uint_eq(count(8, 8, 1), 8);
	ck_assert_uint_eq(count(16, 8, 3), 8);
	ck_assert_uint_eq(count(24, 8, 0), 8);
}
END_TEST

START_TEST(weights_without_their_mechanism_are_nothing)
{
	static const unsigned int counts[QUEUES] = { 4, 4, 4, 4 };
	unsigned int i;

	set_arbitration(WEIGHTS(7U, 3U, 0U));
	serve(counts);
	for (i = 0; i < 16; i++)
		ck_assert_uint_eq(sqids[i], BLOCKER + 1 + i % 4);
}
END_TEST

Suite *arbitration_suite(void)
{
	Suite *suite = suite_create("arbitration");
	TCase *tc = device_case(suite, "round_robin", begin_round_robin, finish);

	tcase_add_loop_test(tc, turn_of_a_queue_is_the_arbitration_burst, 0, NR_BURSTS);
	tcase_add_test(tc, weights_without_their_mechanism_are_nothing);
	tc = device_case(suite, "weighted", begin_weighted, finish);
	tcase_add_loop_test(tc, classes_are_served_by_their_weights, 0, NR_BURSTS);
	tc = device_case(suite, "urgent", begin_urgent, finish);
	tcase_add_test(tc, urgent_class_comes_before_all_weights);
	return suite;
}
