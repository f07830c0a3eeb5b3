// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Queues as the device sees them: their memory, their doorbells, who completes where. */
#include <string.h>
#include <unistd.h>

#include <nvme/types.h>

#include "admin.h"
#include "hand.h"
#include "suites.h"

#define PAGE		4096U
#define LARGE		65536U
#define MIB		(1U << 20)
#define CC_MPS_SHIFT	7
#define CMBMSC_CRE	1U
#define CMBMSC_CMSE	2U
#define CMB_BUS		0x7f0000000000ULL	/* where the host puts the CMB: no memory of it is there */
#define CMB_DATA	65536

static struct device dev;
static struct hand hand;

static void begin(void)
{
	device_start(&dev, "size=16M");
}

static void finish(void)
{
	device_stop(&dev);
}

static const struct nvt_sqe flush = { .opcode = nvme_cmd_flush, .nsid = 1 };

/* Goes once around the rings and some: each completion names the command whose turn it is. */
static void go_around(struct hand *h)
{
	unsigned int batch = h->sq.entries / 4, turn, i;
	uint16_t cid = h->cid;

	for (turn = 0; turn < 5; turn++) {
		for (i = 0; i < batch; i++)
			hand_write(h, flush);
		hand_ring(h);
		for (i = 0; i < batch; i++) {
			struct nvt_cqe cqe = hand_wait(h);

			ck_assert_uint_eq(cqe.cid, ++cid);
			ck_assert_uint_eq(cqe.status_phase >> 1, 0);
		}
	}
}

static void begin_large(void)
{
	device_start(&dev, "size=16M,entries=65536");
}

/* 1024 pages of the submission queue take three pages of a list, each but the last full. */
START_TEST(queue_in_pages_goes_around)
{
	const struct hand_opts opts = { .entries = 65536, .page = PAGE };

	hand_create_with(&hand, &dev, &opts);
	ck_assert_uint_eq(hand.sq.nr_pages, 1024);
	ck_assert_uint_eq(hand.cq.nr_pages, 256);
	go_around(&hand);
	hand_delete(&hand);
}
END_TEST

START_TEST(page_of_a_queue_must_be_aligned)
{
	struct nvt_sqe sqe = admin_sqe(nvme_admin_create_cq, 0, 1023 << 16 | HAND_QID, 0);
	uint64_t *list = admin_data(&dev);
	unsigned int i;

	for (i = 0; i < 4; i++)
		list[i] = nvt_buffer_bus(dev.buf, (i + 1) * PAGE);
	list[3] += 16;
	sqe.prp1 = nvt_buffer_bus(dev.buf, 0);
	ck_assert_int_eq(admin_run(&dev, sqe, 0, NULL), NVME_SC_PRP_INVALID_OFFSET);
	sqe.prp1 += 16;
	ck_assert_int_eq(admin_run(&dev, sqe, 0, NULL), NVME_SC_PRP_INVALID_OFFSET);
}
END_TEST

static void begin_contiguous(void)
{
	device_start(&dev, "size=16M,contiguous=on");
}

START_TEST(queue_in_pages_is_refused_where_it_must_be_contiguous)
{
	struct nvt_sqe sqe = admin_sqe(nvme_admin_create_cq, 0, 15 << 16 | HAND_QID, 0);

	ck_assert_uint_eq(NVME_CAP_CQR(nvt_ctrl_cap(dev.ctrl)), 1);
	sqe.prp1 = nvt_buffer_bus(dev.buf, 0);
	ck_assert_int_eq(admin_run(&dev, sqe, 0, NULL), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(submission_queues_share_a_completion_queue)
{
	static struct hand other[3];
	uint16_t sqids[4 * HAND_ENTRIES], qid;
	unsigned int i, round;

	hand_create(&hand, &dev, 0);
	for (i = 0; i < 3; i++) {
		const struct hand_opts opts = { .qid = HAND_QID + 1 + i, .shares = &hand };

		hand_create_with(&other[i], &dev, &opts);
	}
	/* So that the completion queue, which is as large as each of the others, goes around. */
	for (round = 0; round < 3 * HAND_ENTRIES; round++) {
		hand_post(&hand, flush);
		for (i = 0; i < 3; i++)
			hand_post(&other[i], flush);
		hand_wait_all(&hand, 4, sqids);
		for (qid = HAND_QID; qid < HAND_QID + 4; qid++) {
			for (i = 0; i < 4 && sqids[i] != qid; i++)
				;
			ck_assert_uint_lt(i, 4);
		}
	}
	/* It stays as long as one of them completes to it. */
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_delete_cq, 0, HAND_QID, 0), 0, NULL),
			 STATUS_SPECIFIC(NVME_SC_INVALID_QUEUE));
	for (i = 0; i < 3; i++)
		hand_delete(&other[i]);
	hand_post(&hand, flush);
	hand_wait_all(&hand, 1, NULL);
	hand_delete(&hand);
}
END_TEST

/* More commands than the completion queue has room for wait until the host has taken some. */
START_TEST(full_completion_queue_holds_completions_back)
{
	const struct hand_opts opts = { .qid = HAND_QID + 1, .shares = &hand };
	static struct hand other;
	unsigned int i;

	hand_create(&hand, &dev, 0);
	hand_create_with(&other, &dev, &opts);
	for (i = 0; i < HAND_ENTRIES - 1; i++) {
		hand_write(&hand, flush);
		hand_write(&other, flush);
	}
	hand_ring(&hand);
	hand_ring(&other);
	while ((hand_entry(&hand, HAND_ENTRIES - 2)->status_phase & 1) != 1)
		usleep(100);
	usleep(20000);
	ck_assert_uint_eq(hand_entry(&hand, HAND_ENTRIES - 1)->status_phase & 1, 0);
	hand_wait_all(&hand, 2 * (HAND_ENTRIES - 1), NULL);
	hand_delete(&other);
	hand_delete(&hand);
}
END_TEST

static struct nvt_buffer *shadow_pages;
static volatile unsigned char *shadows, *event_indexes;

/* Two pages, given to the device by Doorbell Buffer Config. */
static void configure_shadows(void)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_dbbuf };

	shadow_pages = nvt_buffer_create(dev.pcie, 2 * PAGE, NVT_BUFFER_CONTIGUOUS);
	ck_assert_ptr_nonnull(shadow_pages);
	shadows = nvt_buffer_data(shadow_pages);
	event_indexes = shadows + PAGE;
	sqe.prp1 = nvt_buffer_bus(shadow_pages, 0);
	sqe.prp2 = nvt_buffer_bus(shadow_pages, PAGE);
	ck_assert_int_eq(admin_run(&dev, sqe, 0, NULL), 0);
}

/*
 * As a device that is slow sees it: two stores after the one that the host rang
 * for. The host's next ring, a round later but for those two, is of the same value.
 */
START_TEST(same_value_rung_after_a_round_is_not_missed)
{
	struct hand_opts opts = { 0 };
	struct hand_doorbell *doorbell = &hand.sq_doorbell;
	unsigned int i;

	configure_shadows();
	opts.shadows = shadows;
	opts.event_indexes = event_indexes;
	hand_create_with(&hand, &dev, &opts);
	for (i = 0; i < 7; i++)
		hand_write(&hand, flush);
	*doorbell->shadow = 7;
	doorbell->value = 5;
	*doorbell->reg = 5;
	hand_wait_all(&hand, 7, NULL);
	ck_assert_uint_eq(*doorbell->event_index, 7);
	for (i = 0; i < 14; i++)
		hand_write(&hand, flush);
	*doorbell->shadow = 5;
	*doorbell->reg = 5;
	hand_wait_all(&hand, 14, NULL);
	ck_assert_uint_eq(*doorbell->event_index, 5);
	hand_delete(&hand);
	nvt_buffer_free(shadow_pages);
}
END_TEST

/* A queue that was there before goes on from where it is. */
START_TEST(queue_goes_on_when_it_gets_shadow_doorbells)
{
	struct hand_doorbell *doorbell = &hand.sq_doorbell;
	unsigned int i;

	hand_create(&hand, &dev, 0);
	for (i = 0; i < 5; i++)
		hand_post(&hand, flush);
	hand_wait_all(&hand, 5, NULL);
	configure_shadows();
	doorbell->shadow = (volatile uint32_t *)(shadows + 8 * HAND_QID);
	doorbell->event_index = (volatile uint32_t *)(event_indexes + 8 * HAND_QID);
	*doorbell->event_index = hand.tail;
	hand_post(&hand, flush);
	hand_wait_all(&hand, 1, NULL);
	ck_assert_uint_eq(*doorbell->event_index, hand.tail);
	/* Only of the six is there a completion. */
	ck_assert_uint_eq(hand_entry(&hand, 6)->status_phase & 1, 0);
	hand_delete(&hand);
	nvt_buffer_free(shadow_pages);
}
END_TEST

START_TEST(shadow_doorbells_serve_a_queue_that_goes_around)
{
	struct hand_opts opts = { .entries = 1024 };

	configure_shadows();
	opts.shadows = shadows;
	opts.event_indexes = event_indexes;
	hand_create_with(&hand, &dev, &opts);
	go_around(&hand);
	ck_assert_uint_eq(*hand.sq_doorbell.event_index, hand.tail);
	hand_delete(&hand);
	nvt_buffer_free(shadow_pages);
}
END_TEST

/* Without a namespace and a queue pair of the library, which has pages of 4 KiB. */
static void begin_pages_of_64k(void)
{
	struct nvt_ctrl_opts opts = {
		.init = device_init_cc,
		.init_arg = (void *)(uintptr_t)(4U << CC_MPS_SHIFT),
	};

	memset(&dev, 0, sizeof(dev));
	model_start(&dev.model, "size=16M,entries=4096");
	dev.ctrl = nvt_ctrl_open(dev.model.address[0], &opts);
	ck_assert_msg(dev.ctrl != NULL, "%s", nvt_error());
	dev.pcie = nvt_ctrl_pcie(dev.ctrl);
	dev.buf = nvt_buffer_create(dev.pcie, MIB, NVT_BUFFER_CONTIGUOUS);
	ck_assert_ptr_nonnull(dev.buf);
}

/* The buffer's pages of 64 KiB, from the first whole one on. */
static size_t large_page(unsigned int i)
{
	return (LARGE - nvt_buffer_bus(dev.buf, 0) % LARGE) % LARGE + i * (size_t)LARGE;
}

static uint32_t *words_at(size_t offset)
{
	return (uint32_t *)((char *)nvt_buffer_data(dev.buf) + offset);
}

static struct nvt_sqe data_command(uint8_t opcode, size_t offset, uint64_t prp2)
{
	return (struct nvt_sqe){
		.opcode = opcode,
		.nsid = 1,
		.prp1 = nvt_buffer_bus(dev.buf, offset),
		.prp2 = prp2,
		.cdw12 = 4 * LARGE / DEVICE_BLOCK - 1,
	};
}

START_TEST(queue_in_pages_of_64k_goes_around)
{
	const struct hand_opts opts = { .entries = 4096, .page = LARGE };

	hand_create_with(&hand, &dev, &opts);
	ck_assert_uint_eq(hand.sq.nr_pages, 4);
	go_around(&hand);
	hand_delete(&hand);
}
END_TEST

/*
 * Written from pages in mixed order, the first from its block 1 on, by a list of which one entry
 * fits in its page: read back to pages in their order.
 */
START_TEST(data_lie_in_pages_of_64k)
{
	static const unsigned int order[] = { 6, 2, 5, 3, 7 };
	const size_t first = large_page(order[0]) + DEVICE_BLOCK, list = large_page(1) - 16;
	const struct hand_opts opts = { .page = LARGE };
	uint64_t *entries = (uint64_t *)words_at(list), *more = (uint64_t *)words_at(large_page(1));
	unsigned int i, word = 0;

	hand_create_with(&hand, &dev, &opts);
	for (i = 0; i < 5; i++) {
		size_t from = i ? 0 : DEVICE_BLOCK, to = i < 4 ? LARGE : DEVICE_BLOCK;

		for (; from < to; from += 4)
			*words_at(large_page(order[i]) + from) = word++;
	}
	ck_assert_uint_eq(word, LARGE);
	entries[0] = nvt_buffer_bus(dev.buf, large_page(order[1]));
	entries[1] = nvt_buffer_bus(dev.buf, large_page(1));
	for (i = 2; i < 5; i++)
		more[i - 2] = nvt_buffer_bus(dev.buf, large_page(order[i]));
	hand_post(&hand, data_command(nvme_cmd_write, first, nvt_buffer_bus(dev.buf, list)));
	hand_wait_all(&hand, 1, NULL);
	memset(words_at(large_page(2)), 0xa5, 5 * LARGE);
	for (i = 0; i < 3; i++)
		more[i] = nvt_buffer_bus(dev.buf, large_page(3 + i));
	hand_post(&hand, data_command(nvme_cmd_read, large_page(2),
				      nvt_buffer_bus(dev.buf, large_page(1))));
	hand_wait_all(&hand, 1, NULL);
	for (i = 0; i < LARGE; i++)
		ck_assert_uint_eq(words_at(large_page(2))[i], i);
	ck_assert_uint_eq(words_at(large_page(6))[0], 0xa5a5a5a5);
	/* An offset that 4 KiB pages would not have, in an entry of the list. */
	more[1] += 4096;
	hand_post(&hand, data_command(nvme_cmd_read, large_page(2),
				      nvt_buffer_bus(dev.buf, large_page(1))));
	ck_assert_uint_eq(hand_wait(&hand).status_phase >> 1 & 0x7ff, NVME_SC_PRP_INVALID_OFFSET);
	hand_delete(&hand);
}
END_TEST

static void begin_cmb(void)
{
	device_start(&dev, "size=16M,cmb=2M");
}

static uint64_t reg(uint64_t offset, int width)
{
	uint64_t value;

	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, offset, width, &value), 0);
	return value;
}

static void set_cmbmsc(uint64_t value)
{
	ck_assert_int_eq(nvt_pcie_reg_write(dev.pcie, 0, NVME_REG_CMBMSC, 8, value), 0);
}

static unsigned char *enable_cmb(void)
{
	size_t length;
	volatile void *cmb;

	set_cmbmsc(CMB_BUS | CMBMSC_CRE | CMBMSC_CMSE);
	cmb = nvt_pcie_map_bar(dev.pcie, reg(NVME_REG_CMBLOC, 4) & 7, &length);
	ck_assert_msg(cmb != NULL, "%s", nvt_error());
	ck_assert_uint_eq(length, 2 * MIB);
	return (unsigned char *)cmb;
}

static int run_one(struct hand *h, uint8_t opcode, uint64_t prp1, uint64_t prp2, size_t length)
{
	struct nvt_sqe sqe = {
		.opcode = opcode,
		.nsid = 1,
		.prp1 = prp1,
		.prp2 = prp2,
		.cdw12 = length / DEVICE_BLOCK - 1,
	};

	hand_post(h, sqe);
	return hand_wait(h).status_phase >> 1 & 0x7ff;
}

START_TEST(controller_memory_is_shown_and_reached_when_enabled)
{
	hand_create(&hand, &dev, 0);
	ck_assert_uint_eq(NVME_CAP_CMBS(nvt_ctrl_cap(dev.ctrl)), 1);
	ck_assert_uint_eq(reg(NVME_REG_CMBSZ, 4), 0);
	ck_assert_int_eq(run_one(&hand, nvme_cmd_read, CMB_BUS, 0, PAGE), NVME_SC_DATA_XFER_ERROR);
	set_cmbmsc(CMB_BUS | CMBMSC_CRE);
	/* SZU 2 is 1 MiB. */
	ck_assert_uint_eq(reg(NVME_REG_CMBSZ, 4) >> 8, 2 << 4 | 2);
	/* What a command uses may lie in both memories. */
	ck_assert_uint_eq(reg(NVME_REG_CMBLOC, 4) >> 3, 0x1f);
	ck_assert_int_eq(run_one(&hand, nvme_cmd_read, CMB_BUS, 0, PAGE), NVME_SC_DATA_XFER_ERROR);
	set_cmbmsc(CMB_BUS | CMBMSC_CRE | CMBMSC_CMSE);
	ck_assert_int_eq(run_one(&hand, nvme_cmd_read, CMB_BUS, 0, PAGE), 0);
	ck_assert_int_eq(run_one(&hand, nvme_cmd_read, CMB_BUS + 2 * MIB, 0, PAGE),
			 NVME_SC_DATA_XFER_ERROR);
	hand_delete(&hand);
}
END_TEST

/* All that CMBSZ claims: queues of both kinds, a list, data in both directions. */
START_TEST(controller_memory_holds_queues_lists_and_data)
{
	unsigned char *cmb = enable_cmb();
	const struct hand_opts opts = { .cmb = cmb, .cmb_bus = CMB_BUS };
	uint32_t *out = (uint32_t *)(cmb + CMB_DATA), *in = out + 2 * CMB_DATA / 4;
	uint64_t *list = (uint64_t *)(cmb + 2 * PAGE), bus = CMB_BUS + CMB_DATA;
	unsigned int i;

	ck_assert_uint_eq(reg(NVME_REG_CMBSZ, 4) & 0x1f, 0x1f);
	hand_create_with(&hand, &dev, &opts);
	for (i = 0; i < 4 * PAGE / 4; i++)
		out[i] = i * 2654435761U;
	/* Page 0, then 3, 2, 1 of the host's order of words. */
	for (i = 0; i < 3; i++)
		list[i] = bus + (3 - i) * PAGE;
	ck_assert_int_eq(run_one(&hand, nvme_cmd_write, bus, CMB_BUS + 2 * PAGE, 4 * PAGE), 0);
	for (i = 0; i < 3; i++)
		list[i] = bus + 2 * CMB_DATA + (i + 1) * PAGE;
	ck_assert_int_eq(run_one(&hand, nvme_cmd_read, bus + 2 * CMB_DATA, CMB_BUS + 2 * PAGE,
				 4 * PAGE), 0);
	for (i = 0; i < 4; i++)
		ck_assert_mem_eq(in + i * PAGE / 4, out + (4 - i) % 4 * PAGE / 4, PAGE);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 8, 0), 0);
	ck_assert_mem_eq(nvt_buffer_data(dev.buf), out, PAGE);
	for (i = 0; i < 3 * HAND_ENTRIES; i++) {
		hand_post(&hand, flush);
		hand_wait_all(&hand, 1, NULL);
	}
	hand_delete(&hand);
}
END_TEST

Suite *queue_suite(void)
{
	Suite *suite = suite_create("queue");
	TCase *tc = device_case(suite, "memory", begin_large, finish);

	tcase_add_test(tc, queue_in_pages_goes_around);
	tcase_add_test(tc, page_of_a_queue_must_be_aligned);
	tc = device_case(suite, "contiguous", begin_contiguous, finish);
	tcase_add_test(tc, queue_in_pages_is_refused_where_it_must_be_contiguous);
	tc = device_case(suite, "sharing", begin, finish);
	tcase_add_test(tc, submission_queues_share_a_completion_queue);
	tcase_add_test(tc, full_completion_queue_holds_completions_back);
	tc = device_case(suite, "shadow_doorbells", begin, finish);
	tcase_add_test(tc, same_value_rung_after_a_round_is_not_missed);
	tcase_add_test(tc, queue_goes_on_when_it_gets_shadow_doorbells);
	tcase_add_test(tc, shadow_doorbells_serve_a_queue_that_goes_around);
	tc = device_case(suite, "pages_of_64k", begin_pages_of_64k, finish);
	tcase_add_test(tc, queue_in_pages_of_64k_goes_around);
	tcase_add_test(tc, data_lie_in_pages_of_64k);
	tc = device_case(suite, "controller_memory", begin_cmb, finish);
	tcase_add_test(tc, controller_memory_is_shown_and_reached_when_enabled);
	tcase_add_test(tc, controller_memory_holds_queues_lists_and_data);
	return suite;
}
