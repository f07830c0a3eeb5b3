/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Queues of every shape: the device takes them, and data goes through them. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"
#include "fault.h"
#include "queue.h"
#include "suites.h"

#define PRIORITIES	4
#define AMS_WRR		(1U << 11)	/* CC.AMS 1 */

static const struct bare_opts many_vectors = { .vectors = 4 };

START_TEST(queues_of_each_size)
{
	uint32_t sizes[] = { 2, 3, 5, 31, 64, 255, 0 };
	struct pair p;
	struct bare b;
	size_t i;

	bare_start(&b, 0);
	sizes[6] = queue_max_entries(&b);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pair_create(&b, &p, 1, sizes[i], 0);
		queue_verify(&b, 1, sizes[i], &p.data, 0, 4, i);
		queue_load(&b, 1, sizes[i], &p.data, sizes[i] + 3);	/* round, and on */
		ck_assert_uint_eq(bare_stats(b.fd, 1).completed, 8 + sizes[i] + 3);
		ck_assert_uint_eq(bare_stats(b.fd, 1).unexpected, 0);
		pair_delete(&b, &p);
	}
}
END_TEST

/* The device waits for room in the CQ. NVMe Base 2.1, 3.3.1.2.2 */
START_TEST(a_cq_smaller_than_its_sq)
{
	struct queue cq = { .type = NVT_QUEUE_CQ, .qid = 2, .entries = 3 };
	struct queue sq = { .type = NVT_QUEUE_SQ, .qid = 2, .cqid = 2, .entries = 64 };
	struct bare_buffer cq_ring, sq_ring, data;
	struct bare b;

	bare_start(&b, 0);
	bare_buffer_create(&b, &cq_ring, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	bare_buffer_create(&b, &sq_ring, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	bare_buffer_create(&b, &data, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	cq.mem = &cq_ring;
	sq.mem = &sq_ring;
	queue_create(&b, &cq);
	queue_create(&b, &sq);
	queue_load(&b, 2, 64, &data, 200);
	queue_verify(&b, 2, 64, &data, 0, 8, 1);
}
END_TEST

/* Ids have no order, and those of an SQ and its CQ have nothing to do with each other. */
START_TEST(ids_in_any_order_and_the_highest)
{
	struct queue cq[3], sq[3];
	struct bare_buffer rings, data;
	uint16_t cqids[3] = { 0, 1, 4 }, sqids[3] = { 3, 0, 1 };
	struct bare b;
	size_t i;

	bare_start_as(&b, &many_vectors);
	cqids[0] = sqids[1] = queue_number(&b);
	bare_buffer_create(&b, &rings, NVT_BUFFER_CONTIGUOUS, 6 * BARE_PAGE);
	bare_buffer_create(&b, &data, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	for (i = 0; i < 3; i++) {
		cq[i] = (struct queue) {
			.type = NVT_QUEUE_CQ, .qid = cqids[i], .vector = 1 + i, .mem = &rings,
			.offset = 2 * i * BARE_PAGE,
		};
		queue_create(&b, &cq[i]);
	}
	for (i = 0; i < 3; i++) {
		sq[i] = (struct queue) {
			.type = NVT_QUEUE_SQ, .qid = sqids[i], .cqid = cqids[2 - i], .mem = &rings,
			.offset = (2 * i + 1) * BARE_PAGE,
		};
		queue_create(&b, &sq[i]);
	}
	for (i = 0; i < 3; i++) {
		queue_verify(&b, sqids[i], BARE_ENTRIES, &data, 8 * i, 8, i);
		bare_wait_completions(&b, 1 + 2 - i, 16);
	}
	for (i = 0; i < 3; i++)
		queue_delete(&b, &sq[i]);
	for (i = 0; i < 3; i++)
		queue_delete(&b, &cq[i]);
}
END_TEST

START_TEST(each_vector_of_the_device)
{
	struct nvt_device_info info = { .size = sizeof(info) };
	struct bare_opts opts = { 0 };
	struct pair p;
	struct bare b;
	uint32_t v;
	int fd = bare_open(O_RDONLY);

	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_DEVICE_INFO, &info), 0);
	close(fd);
	opts.vectors = info.max_msix;
	bare_start_as(&b, &opts);
	for (v = 0; v < opts.vectors; v++) {
		pair_create(&b, &p, 1, BARE_ENTRIES, v);
		queue_verify(&b, 1, BARE_ENTRIES, &p.data, v, 1, v);
		pair_delete(&b, &p);
		/* The admin queue shares the first one. */
		if (v)
			bare_wait_completions(&b, v, 2);
	}
}
END_TEST

START_TEST(no_vector_and_polled)
{
	const struct bare_opts polling = { .setup_flags = IORING_SETUP_IOPOLL, .vectors = 4 };
	uint64_t interrupts;
	struct pair p;
	struct bare b;
	int i;

	bare_start_as(&b, &polling);
	pair_create(&b, &p, 1, BARE_ENTRIES, NVT_NO_VECTOR);
	interrupts = b.status->vector[0].interrupts;
	queue_verify(&b, 1, BARE_ENTRIES, &p.data, 0, 40, 7);
	ck_assert_uint_eq(b.status->vector[0].interrupts, interrupts);
	for (i = 1; i < 4; i++)
		ck_assert_uint_eq(b.status->vector[i].interrupts, 0);
	pair_delete(&b, &p);
}
END_TEST

START_TEST(sqs_on_one_cq_are_deleted_in_any_order)
{
	static const uint16_t order[] = { 3, 1, 4, 2 };
	struct queue cq = { .type = NVT_QUEUE_CQ, .qid = 2, .entries = 128 }, sq[5];
	struct bare_buffer rings, data;
	struct bare b;
	int i, j;

	bare_start(&b, 0);
	bare_buffer_create(&b, &rings, NVT_BUFFER_CONTIGUOUS, 5 * BARE_PAGE);
	bare_buffer_create(&b, &data, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	cq.mem = &rings;
	queue_create(&b, &cq);
	for (i = 1; i <= 4; i++) {
		sq[i] = (struct queue) {
			.type = NVT_QUEUE_SQ, .qid = i, .cqid = 2, .mem = &rings,
			.offset = i * BARE_PAGE,
		};
		queue_create(&b, &sq[i]);
	}
	for (i = 0; i < 4; i++) {
		for (j = i; j < 4; j++)
			queue_verify(&b, order[j], BARE_ENTRIES, &data, 8 * j, 4, i);
		/* NVMe Base 2.1, 5.2.3: Invalid Queue Deletion */
		ck_assert_uint_eq(queue_delete_device(&b, NVT_QUEUE_CQ, 2), 0x10c);
		ck_assert_int_eq(queue_destroy_host(&b, NVT_QUEUE_CQ, 2), -EBUSY);
		queue_delete(&b, &sq[order[i]]);
	}
	queue_delete(&b, &cq);
}
END_TEST

/* Two SQs with the same ids in flight on one CQ: each completion finds its own. */
START_TEST(sqs_on_one_cq_have_ids_of_their_own)
{
	struct queue cq = { .type = NVT_QUEUE_CQ, .qid = 1, .entries = 64 }, sq[3];
	struct bare_buffer rings, data;
	struct bare_cqe ended;
	struct nvt_sqe sqe;
	unsigned int seen = 0;
	struct bare b;
	int i;

	bare_start(&b, 0);
	bare_buffer_create(&b, &rings, NVT_BUFFER_CONTIGUOUS, 3 * BARE_PAGE);
	bare_buffer_create(&b, &data, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	cq.mem = &rings;
	queue_create(&b, &cq);
	for (i = 1; i <= 2; i++) {
		sq[i] = (struct queue) {
			.type = NVT_QUEUE_SQ, .qid = i, .cqid = 1, .mem = &rings,
			.offset = i * BARE_PAGE,
		};
		queue_create(&b, &sq[i]);
	}
	for (i = 0; i < 16; i++) {
		sqe = queue_read(i / 2, 0, data.bus[0]);
		if (i % 2)
			sqe.nsid = 0x1234;	/* Invalid Namespace or Format */
		bare_post(&b, &sqe, 1 + i % 2);
	}
	ck_assert_int_eq(bare_submit(&b), 16);
	for (i = 0; i < 16; i++) {
		ended = bare_wait(&b);
		seen += (ended.res & 0x7ff) == 0x00b;
	}
	ck_assert_uint_eq(seen, 8);
	for (i = 0; i < 8; i++) {
		ck_assert_uint_eq(((const struct nvt_cqe *)sq[1].records[i].cqe)->sqid, 1);
		ck_assert_uint_eq(((const struct nvt_cqe *)sq[2].records[i].cqe)->sqid, 2);
	}
	ck_assert_uint_eq(bare_stats(b.fd, 1).completed, 8);
	ck_assert_uint_eq(bare_stats(b.fd, 2).completed, 8);
}
END_TEST

struct loader {
	struct bare b;
	struct pair pair;
	atomic_bool stop;
	unsigned int rounds;
};

/* Its own ring on the shared file. */
static void *load_one_queue(void *arg)
{
	struct loader *loader = arg;

	ck_assert_int_eq(io_uring_queue_init(64, &loader->b.ring,
					     IORING_SETUP_SQE128 | IORING_SETUP_CQE32), 0);
	while (!loader->stop) {
		queue_verify(&loader->b, 1, BARE_ENTRIES, &loader->pair.data, 0, 2,
			     loader->rounds++);
		queue_load(&loader->b, 1, BARE_ENTRIES, &loader->pair.data, 31);
	}
	return NULL;
}

START_TEST(recreated_under_load)
{
	struct loader loader = { .rounds = 0 };
	pthread_t thread;
	struct pair p;
	struct bare b;
	int i;

	bare_start_as(&b, &many_vectors);
	pair_create(&b, &loader.pair, 1, BARE_ENTRIES, 1);
	loader.b = b;
	ck_assert_int_eq(pthread_create(&thread, NULL, load_one_queue, &loader), 0);
	for (i = 0; i < 100; i++) {
		pair_create(&b, &p, 2, 2 + i, i % 2 ? 1 : 2);
		queue_verify(&b, 2, 2 + i, &p.data, 64, 1, i);
		pair_delete(&b, &p);
	}
	loader.stop = true;
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_gt(loader.rounds, 0);
	ck_assert_uint_eq(bare_stats(b.fd, 1).unexpected, 0);
}
END_TEST

START_TEST(raw_and_managed_on_one_device)
{
	uint8_t expected[QUEUE_BLOCK];
	struct raw_pair raw;
	struct nvt_sqe sqe;
	struct pair p;
	struct bare b;
	int i;

	bare_start(&b, 0);
	pair_create(&b, &p, 1, BARE_ENTRIES, 0);
	raw_create(&b, &raw, 2, 16);
	for (i = 0; i < 10; i++) {
		queue_verify(&b, 1, BARE_ENTRIES, &p.data, 0, 5, i);
		raw_verify(&b, &raw, 8, 5, i);
		queue_fill(expected, 0, i);
		sqe = queue_read(0xffff, 0, raw.pair.data.bus[0]);
		ck_assert_uint_eq(raw_exec(&b, &raw, &sqe).status_phase >> 1, 0);
		ck_assert_mem_eq(raw.pair.data.data, expected, QUEUE_BLOCK);
	}
	/* The driver keeps its hands off what is raw. */
	ck_assert_uint_eq(bare_stats(b.fd, 1).completed, 100);
	ck_assert_uint_eq(bare_stats(b.fd, 1).unexpected, 0);
	pair_delete(&b, &raw.pair);
	pair_delete(&b, &p);
}
END_TEST

/* The priority classes of weighted round robin. NVMe Base 2.1, 5.2.2, QPRIO */
START_TEST(each_priority)
{
	const struct bare_opts wrr = { .vectors = 4, .cc = AMS_WRR };
	struct nvt_sqe arbitration = { .opcode = 0x09, .cdw10 = 0x01, .cdw11 = 0x03020100 | 2 };
	struct pair p[PRIORITIES];
	struct bare b;
	int i;

	bare_start_as(&b, &wrr);
	ck_assert_uint_eq(bare_reg_read(b.fd, 0x14, 4) >> 11 & 7, 1);
	ck_assert_uint_eq(bare_admin(b.fd, &arbitration, NULL), 0);
	for (i = 0; i < PRIORITIES; i++) {
		pair_create(&b, &p[i], 1 + i, BARE_ENTRIES, i);
		queue_delete(&b, &p[i].sq);
		p[i].sq.priority = i;
		queue_create(&b, &p[i].sq);
	}
	for (i = 0; i < PRIORITIES; i++) {
		queue_verify(&b, 1 + i, BARE_ENTRIES, &p[i].data, 8 * i, 8, i);
		queue_load(&b, 1 + i, BARE_ENTRIES, &p[i].data, 100);
	}
}
END_TEST

/* Asynchronous event of an Error; NVMe Base 2.1, figure 151. DW0: log page, information, type. */
static uint32_t wait_for_error_event(struct bare *b, uint16_t cid)
{
	struct nvt_sqe log = { .opcode = 0x02, .cid = 1, .nsid = 0xffffffff, .cdw10 = 0x000f0001 };
	struct bare_cqe ended = bare_wait(b);
	struct bare_buffer buf;

	ck_assert_uint_eq(ended.user_data, cid);
	ck_assert_int_eq(ended.res, 0);
	/* Reading the log allows the next event. */
	bare_buffer_create(b, &buf, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	log.prp1 = buf.bus[0];
	ck_assert_uint_eq(bare_admin(b->fd, &log, NULL), 0);
	return ended.dw01;
}

START_TEST(doorbells_of_any_value)
{
	struct nvt_uring_doorbell bad = {
		.sqid = 1, .flags = NVT_DOORBELL_VALUE, .value = BARE_ENTRIES,
	};
	static const uint32_t values[] = { BARE_ENTRIES, 0xffff };
	struct nvt_sqe aer = bare_aer(3);
	struct pair p;
	struct bare b;
	size_t i;

	bare_start(&b, 0);
	pair_create(&b, &p, 1, BARE_ENTRIES, 0);
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		bare_post(&b, &aer, 0);
		ck_assert_int_eq(bare_submit(&b), 1);
		bad.value = values[i];
		bare_post_op(&b, NVT_URING_DOORBELL, &bad, 99);
		ck_assert_int_eq(bare_submit(&b), 1);
		ck_assert_uint_eq(bare_wait(&b).user_data, 99);
		ck_assert_uint_eq(wait_for_error_event(&b, 3), 0x010100);
		/* The driver's own idea of the tail is what it was. */
		queue_verify(&b, 1, BARE_ENTRIES, &p.data, 0, 4, i);
	}
	bare_post(&b, &aer, 0);
	ck_assert_int_eq(bare_submit(&b), 1);
	*(volatile uint32_t *)(b.bar + 0x1000 + 8 * 2) = 1;		/* SQ 2, which is not there */
	ck_assert_uint_eq(wait_for_error_event(&b, 3), 0x010000);
	queue_verify(&b, 1, BARE_ENTRIES, &p.data, 0, 4, 9);
}
END_TEST

/* A value that is the tail says what has been posted without a doorbell. */
START_TEST(a_doorbell_of_the_right_value)
{
	struct nvt_uring_command posted = { .sqid = 1, .flags = NVT_COMMAND_NO_DOORBELL };
	struct nvt_uring_doorbell ring = { .sqid = 1, .flags = NVT_DOORBELL_VALUE };
	struct bare_cqe ended;
	struct nvt_sqe sqe;
	struct pair p;
	struct bare b;
	int i;

	bare_start(&b, 0);
	pair_create(&b, &p, 1, BARE_ENTRIES, 0);
	for (i = 0; i < 3; i++) {
		sqe = queue_read(i, 0, p.data.bus[0]);
		memcpy(posted.sqe, &sqe, 64);
		bare_post_op(&b, NVT_URING_COMMAND, &posted, i);
	}
	ck_assert_int_eq(bare_submit(&b), 3);
	ck_assert(!bare_peek(&b, &ended, 100));
	for (i = 0; i < 3; i++) {
		ring.value = i + 1;
		bare_post_op(&b, NVT_URING_DOORBELL, &ring, 99);
		ck_assert_int_eq(bare_submit(&b), 1);
		ck_assert_uint_eq(bare_wait(&b).user_data, 99);
		ck_assert_uint_eq(bare_wait(&b).user_data, i);
		ck_assert(!bare_peek(&b, &ended, 50));
	}
	ck_assert_uint_eq(bare_stats(b.fd, 1).doorbells, 3);
}
END_TEST

Suite *shapes_suite(void)
{
	const TTest *const tests[] = {
		queues_of_each_size, a_cq_smaller_than_its_sq, ids_in_any_order_and_the_highest,
		each_vector_of_the_device, no_vector_and_polled,
		sqs_on_one_cq_are_deleted_in_any_order, sqs_on_one_cq_have_ids_of_their_own,
		recreated_under_load, raw_and_managed_on_one_device, doorbells_of_any_value,
		a_doorbell_of_the_right_value,
	};
	Suite *suite = suite_create("shapes");
	TCase *tcase = tcase_create("queues");
	size_t i;

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	if (fault_possible())
		tcase_add_test(tcase, each_priority);	/* QEMU's device has no WRR */
	suite_add_tcase(suite, tcase);
	return suite;
}
