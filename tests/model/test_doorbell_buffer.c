// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Doorbell Buffer Config, while queues are in use: what was rung before is not lost. NVMe Base 2.1, B.5 */
#include <string.h>

#include <nvme/types.h>

#include "hand.h"
#include "suites.h"

#define SQ_WORD		(2 * HAND_QID)	/* of the buffers, with a doorbell stride of 4 bytes */
#define CQ_WORD		(2 * HAND_QID + 1)

static struct device device;
static struct hand hand;
static struct nvt_buffer *shadow, *event;

static void start(void)
{
	device_start(&device, "size=2M");
	hand_create(&hand, &device, 0);
	shadow = nvt_buffer_create(device.pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	event = nvt_buffer_create(device.pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	ck_assert(shadow && event);
	memset(nvt_buffer_data(shadow), 0, 4096);
	memset(nvt_buffer_data(event), 0, 4096);
}

static void stop(void)
{
	hand_delete(&hand);
	nvt_buffer_free(event);
	nvt_buffer_free(shadow);
	device_stop(&device);
}

static volatile uint32_t *word(struct nvt_buffer *buf, unsigned int index)
{
	return (volatile uint32_t *)nvt_buffer_data(buf) + index;
}

static void configure(void)
{
	struct nvt_sqe sqe = {
		.opcode = nvme_admin_dbbuf,
		.prp1 = nvt_buffer_bus(shadow, 0),
		.prp2 = nvt_buffer_bus(event, 0),
	};

	ck_assert_int_eq(nvt_qpair_exec(nvt_ctrl_admin(device.ctrl), &sqe, NULL, 0, 0, NULL), 0);
}

static void run_flush(void)
{
	uint16_t cid = hand_post(&hand, nvt_sqe_flush(1));

	ck_assert_uint_eq(hand_wait(&hand).cid, cid);
}

START_TEST(event_index_is_where_the_host_rang_last)
{
	run_flush();
	run_flush();
	run_flush();
	configure();
	/* At 0 the host would not ring for its fourth command. */
	ck_assert_uint_eq(*word(event, SQ_WORD), 3);
	*word(shadow, CQ_WORD) = 4;
	*word(shadow, SQ_WORD) = 4;
	run_flush();
	ck_assert_uint_eq(*word(event, SQ_WORD), 4);
}
END_TEST

START_TEST(doorbell_stored_before_the_buffers_are_known_counts)
{
	struct nvt_cqe cqe;
	uint16_t cid;

	run_flush();
	/* As a host that looked at an event index of 0 and did not ring. */
	cid = hand_write(&hand, nvt_sqe_flush(1));
	*word(shadow, CQ_WORD) = 1;
	*word(shadow, SQ_WORD) = 2;
	ck_assert(!hand_next(&hand, &cqe, 20));
	configure();
	ck_assert_uint_eq(hand_wait(&hand).cid, cid);
}
END_TEST

Suite *doorbell_buffer_suite(void)
{
	Suite *suite = suite_create("doorbell_buffer");
	TCase *tc = device_case(suite, "doorbell buffer", start, stop);

	tcase_add_test(tc, event_index_is_where_the_host_rang_last);
	tcase_add_test(tc, doorbell_stored_before_the_buffers_are_known_counts);
	return suite;
}
