// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* When a completion interrupts: coalescing by threshold and time, and vectors without it. */
#include <string.h>
#include <unistd.h>

#include <nvme/types.h>

#include "admin.h"
#include "hand.h"
#include "suites.h"

#define VECTOR		1		/* of the library's queue pair */
#define OTHER_VECTOR	2
#define BATCH		8
#define COALESCING(time, threshold)	((time) << 8 | ((threshold) - 1))
#define LONGEST		255U		/* of 100 us */
#define LONGEST_NS	25500000ULL
#define CD		(1U << 16)
#define LAPS		20
#define SOON_NS		2000000000ULL

static struct device dev;
static struct hand hands[2];

static void start(uint16_t first_vector, uint16_t second_vector)
{
	const struct nvt_ctrl_opts opts = { .vectors = 4 };
	const struct hand_opts how[2] = {
		{ .qid = 7, .vector = first_vector }, { .qid = 8, .vector = second_vector },
	};
	unsigned int i;

	model_start(&dev.model, "size=2M");
	device_open(&dev, &opts);
	for (i = 0; i < 2; i++)
		hand_create_with(&hands[i], &dev, &how[i]);
}

static void begin_two_vectors(void)
{
	start(VECTOR, OTHER_VECTOR);
}

static void begin_one_vector(void)
{
	start(VECTOR, VECTOR);
}

static void finish(void)
{
	hand_delete(&hands[0]);
	hand_delete(&hands[1]);
	device_stop(&dev);
}

static void set(uint8_t fid, uint32_t value)
{
	ck_assert_int_eq(nvt_set_feature(dev.ctrl, fid, 0, value, NULL), 0);
}

static struct nvt_vector_counter counter(unsigned int vector)
{
	struct nvt_vector_counter now;

	ck_assert_int_eq(nvt_pcie_vector(dev.pcie, vector, &now), 0);
	return now;
}

/* The thread that counts may be behind. */
static void wait_for_interrupts(unsigned int vector, uint64_t count)
{
	uint64_t end = device_now_ns() + SOON_NS;

	while (counter(vector).interrupts < count && device_now_ns() < end)
		usleep(100);
	ck_assert_uint_eq(counter(vector).interrupts, count);
}

/* One at a time, so that no two of their interrupts are counted as one. */
static void complete(struct hand *hand, unsigned int n)
{
	const struct nvt_sqe flush = { .opcode = nvme_cmd_flush, .nsid = 1 };

	while (n--) {
		hand_post(hand, flush);
		hand_wait_all(hand, 1, NULL);
	}
}

/* How long it takes from a command to an interrupt of a vector that was silent. */
static uint64_t interrupt_takes(unsigned int vector, void (*command)(void))
{
	uint64_t before, began, end;

	/* What comes late of earlier ones. */
	usleep(2 * LONGEST_NS / 1000);
	before = counter(vector).interrupts;
	began = device_now_ns();
	end = began + SOON_NS;
	command();
	while (counter(vector).interrupts == before && device_now_ns() < end)
		usleep(100);
	ck_assert_uint_gt(counter(vector).interrupts, before);
	return counter(vector).last_ns - began;
}

/* A busy host can be slow to see it; one that is held back is never seen so soon. */
static void assert_not_held_back(unsigned int vector, void (*command)(void))
{
	unsigned int i;

	for (i = 0; i < LAPS; i++)
		if (interrupt_takes(vector, command) < LONGEST_NS)
			return;
	ck_abort_msg("vector %u is held back for its whole time", vector);
}

static void complete_batch(void)
{
	const struct nvt_sqe flush = { .opcode = nvme_cmd_flush, .nsid = 1 };
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		hand_write(&hands[0], flush);
	hand_ring(&hands[0]);
	hand_wait_all(&hands[0], BATCH, NULL);
}

START_TEST(threshold_gathers_completions)
{
	uint64_t before = counter(VECTOR).interrupts;

	set(NVME_FEAT_FID_IRQ_COALESCE, COALESCING(LONGEST, BATCH));
	complete_batch();
	wait_for_interrupts(VECTOR, before + 1);
	/* Another that comes would be that of the time, with nothing to tell. */
	usleep(2 * LONGEST_NS / 1000);
	ck_assert_uint_eq(counter(VECTOR).interrupts, before + 1);
	assert_not_held_back(VECTOR, complete_batch);
}
END_TEST

START_TEST(time_ends_the_wait_for_more)
{
	uint64_t before = counter(VECTOR).interrupts, posted;

	set(NVME_FEAT_FID_IRQ_COALESCE, COALESCING(LONGEST, BATCH));
	posted = device_now_ns();
	complete(&hands[0], 1);
	wait_for_interrupts(VECTOR, before + 1);
	ck_assert_uint_ge(counter(VECTOR).last_ns - posted, LONGEST_NS);
}
END_TEST

START_TEST(no_time_or_no_threshold_is_no_coalescing)
{
	static const uint32_t values[] = { COALESCING(0, BATCH), COALESCING(LONGEST, 1) };
	uint64_t before = counter(VECTOR).interrupts;
	unsigned int i, n;

	for (i = 0; i < 2; i++) {
		set(NVME_FEAT_FID_IRQ_COALESCE, values[i]);
		for (n = 0; n < 4; n++) {
			complete(&hands[0], 1);
			wait_for_interrupts(VECTOR, ++before);
		}
	}
}
END_TEST

/* The feature 09h of one vector leaves the others as they are. */
START_TEST(coalescing_is_disabled_by_vector)
{
	uint64_t before = counter(VECTOR).interrupts, other = counter(OTHER_VECTOR).interrupts;
	uint64_t posted;
	unsigned int n;

	set(NVME_FEAT_FID_IRQ_COALESCE, COALESCING(LONGEST, BATCH));
	set(NVME_FEAT_FID_IRQ_CONFIG, CD | OTHER_VECTOR);
	for (n = 1; n <= 4; n++) {
		complete(&hands[1], 1);
		wait_for_interrupts(OTHER_VECTOR, other + n);
	}
	posted = device_now_ns();
	complete(&hands[0], 1);
	wait_for_interrupts(VECTOR, before + 1);
	ck_assert_uint_ge(counter(VECTOR).last_ns - posted, LONGEST_NS);
	set(NVME_FEAT_FID_IRQ_CONFIG, OTHER_VECTOR);
	posted = device_now_ns();
	complete(&hands[1], 1);
	wait_for_interrupts(OTHER_VECTOR, other + 5);
	ck_assert_uint_ge(counter(OTHER_VECTOR).last_ns - posted, LONGEST_NS);
}
END_TEST

static void identify(void)
{
	admin_identify(&dev, NVME_IDENTIFY_CNS_CTRL, 0);
}

START_TEST(admin_queue_is_not_coalesced)
{
	set(NVME_FEAT_FID_IRQ_COALESCE, COALESCING(LONGEST, 255));
	assert_not_held_back(0, identify);
}
END_TEST

static void complete_in_both(void)
{
	complete(&hands[0], 1);
	complete(&hands[1], 1);
}

/* The threshold is of a vector: completions of all its queues count. */
START_TEST(queues_of_a_vector_are_coalesced_together)
{
	set(NVME_FEAT_FID_IRQ_COALESCE, COALESCING(LONGEST, 2));
	assert_not_held_back(VECTOR, complete_in_both);
}
END_TEST

Suite *interrupt_suite(void)
{
	Suite *suite = suite_create("interrupt");
	TCase *tc = device_case(suite, "two_vectors", begin_two_vectors, finish);

	tcase_add_test(tc, threshold_gathers_completions);
	tcase_add_test(tc, time_ends_the_wait_for_more);
	tcase_add_test(tc, no_time_or_no_threshold_is_no_coalescing);
	tcase_add_test(tc, coalescing_is_disabled_by_vector);
	tcase_add_test(tc, admin_queue_is_not_coalesced);
	tc = device_case(suite, "one_vector", begin_one_vector, finish);
	tcase_add_test(tc, queues_of_a_vector_are_coalesced_together);
	return suite;
}
