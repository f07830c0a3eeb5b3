/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What kernels do that no header tells, found by a prototype. Each trap has a
 * test named for it:
 *
 *   1  IOPOLL on 6.1: an inline 0 completes without end	here
 *   2  a queue that goes before the requests on it		here
 *   3  rings that end with commands in flight			test_kill.c
 *   4  DMA memory that would need a sync			here
 *   5  a zap of the registers that takes buffers with it	here
 *   6  mappings at an offset that is not the buffer's		here
 *   7  registered files that are let go late			test_kill.c
 *   8  contiguous memory above 4 MiB				here, test_unconfined.c
 *   9  one netlink datagram a call				here
 *  10  one doorbell a batch, from three commands on		here
 *  11  waiting for SRCU under a lock that readers take		here
 *  12  headers without pahole: that nvt.ko builds is the test
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"
#include "listener.h"
#include "queue.h"
#include "suites.h"

static const unsigned int rings[] = {
	0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_IOPOLL,
	IORING_SETUP_SQPOLL, IORING_SETUP_SQPOLL | IORING_SETUP_IOPOLL,
};

#define NR_RINGS	(sizeof(rings) / sizeof(rings[0]))

/* A ring of each kind on an I/O queue that suits it; admin commands by the ioctl. */
static void start_ring(struct bare *b, struct pair *p, unsigned int setup_flags)
{
	const struct bare_opts opts = { .setup_flags = setup_flags, .vectors = 2 };

	bare_start_as(b, &opts);
	pair_create(b, p, 1, BARE_ENTRIES, setup_flags & IORING_SETUP_IOPOLL ? NVT_NO_VECTOR : 1);
}

static void post_read(struct bare *b, struct pair *p, uint16_t cid, uint16_t flags)
{
	struct nvt_uring_command command = { .sqid = 1, .flags = flags };
	struct nvt_sqe sqe = queue_read(cid, 0, p->data.bus[0]);

	memcpy(command.sqe, &sqe, 64);
	bare_post_op(b, NVT_URING_COMMAND, &command, cid);
}

/* On every kind of ring: posted without a doorbell nothing happens, rung for it does, once. */
START_TEST(trap_1_a_doorbell_completes_once)
{
	struct nvt_uring_doorbell ring = { .sqid = 1 };
	unsigned int i, commands = 0, doorbells = 0;
	struct bare_cqe ended;
	struct pair p;
	struct bare b;

	start_ring(&b, &p, rings[_i]);
	for (i = 0; i < 4; i++)
		post_read(&b, &p, i, NVT_COMMAND_NO_DOORBELL);
	ck_assert_int_eq(bare_submit(&b), 4);
	ck_assert(!bare_peek(&b, &ended, 100));
	ck_assert_uint_eq(bare_stats(b.fd, 1).submitted, 4);
	ck_assert_uint_eq(bare_stats(b.fd, 1).doorbells, 0);
	bare_post_op(&b, NVT_URING_DOORBELL, &ring, 99);
	ck_assert_int_eq(bare_submit(&b), 1);
	for (i = 0; i < 5; i++) {
		ended = bare_wait(&b);
		ck_assert_int_eq(ended.res, 0);
		doorbells += ended.user_data == 99;
		commands += ended.user_data < 4;
	}
	ck_assert_uint_eq(doorbells, 1);
	ck_assert_uint_eq(commands, 4);
	ck_assert(!bare_peek(&b, &ended, 100));
	ck_assert_uint_eq(bare_stats(b.fd, 1).doorbells, 1);
	/* Errors are inline, and come once too. */
	ring.sqid = 9;
	bare_post_op(&b, NVT_URING_DOORBELL, &ring, 98);
	ck_assert_int_eq(bare_submit(&b), 1);
	ck_assert_int_eq(bare_wait(&b).res, -ENOENT);
	ck_assert(!bare_peek(&b, &ended, 50));
}
END_TEST

static void *remake_admin(void *arg)
{
	struct bare *b = arg;
	struct nvt_queue_create cq = {
		.type = NVT_QUEUE_CQ, .flags = NVT_QUEUE_MANAGED, .buffer_id = b->queues.id,
		.buffer_offset = BARE_PAGE,
	};
	struct nvt_queue_create sq = {
		.type = NVT_QUEUE_SQ, .flags = NVT_QUEUE_MANAGED, .buffer_id = b->queues.id,
		.vector = NVT_NO_VECTOR,
	};

	queue_destroy_host(b, NVT_QUEUE_SQ, 0);
	queue_destroy_host(b, NVT_QUEUE_CQ, 0);
	bare_queue(b, &cq);
	bare_queue(b, &sq);
	return NULL;
}

START_TEST(trap_2_a_queue_goes_before_its_requests)
{
	struct nvt_sqe aer;
	pthread_t thread;
	struct bare b;
	int i, j;

	for (i = 0; i < 10; i++) {
		bare_start(&b, rings[i % 2]);
		for (j = 0; j < 16; j++) {
			aer = bare_aer(j);
			bare_post(&b, &aer, 0);
		}
		ck_assert_int_eq(bare_submit(&b), 16);
		ck_assert_int_eq(pthread_create(&thread, NULL, remake_admin, &b), 0);
		usleep(rand() % 300);
		io_uring_queue_exit(&b.ring);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		ck_assert_int_eq(bare_release(&b), 0);
		bare_unmap(&b);
		close(b.fd);
	}
}
END_TEST

START_TEST(trap_4_memory_needs_no_sync)
{
	struct bare_buffer buf, page;
	struct pair p;
	struct bare b;
	int i;

	start_ring(&b, &p, 0);
	bare_buffer_create(&b, &buf, NVT_BUFFER_PAGES, 16 * BARE_PAGE);
	for (i = 0; i < 16; i++) {
		page = buf;
		page.data = (char *)buf.data + i * BARE_PAGE;
		page.bus[0] = buf.bus[i];
		queue_verify(&b, 1, BARE_ENTRIES, &page, i, 2, i);
	}
}
END_TEST

START_TEST(trap_5_a_reset_takes_only_the_registers)
{
	struct nvt_reset reset = { .size = sizeof(reset) };
	struct bare_buffer pages, contiguous;
	uint8_t expected[QUEUE_BLOCK];
	struct pair p;
	struct bare b;
	int i;

	start_ring(&b, &p, 0);
	bare_buffer_create(&b, &pages, NVT_BUFFER_PAGES, 8 * BARE_PAGE);
	bare_buffer_create(&b, &contiguous, NVT_BUFFER_CONTIGUOUS, 8 * BARE_PAGE);
	for (i = 0; i < 8; i++) {
		queue_fill((char *)pages.data + i * BARE_PAGE, i, 1);
		queue_fill((char *)contiguous.data + i * BARE_PAGE, i, 2);
	}
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_RESET, &reset), 0);
	for (i = 0; i < 8; i++) {
		queue_fill(expected, i, 1);
		ck_assert_mem_eq((char *)pages.data + i * BARE_PAGE, expected, QUEUE_BLOCK);
		queue_fill(expected, i, 2);
		ck_assert_mem_eq((char *)contiguous.data + i * BARE_PAGE, expected, QUEUE_BLOCK);
	}
	ck_assert_uint_eq(b.status->state, NVT_STATE_LIVE);
	ck_assert_uint_eq(*(volatile uint64_t *)b.bar, bare_reg_read(b.fd, 0, 8));
}
END_TEST

/* Each page of each buffer is where its bus address says. */
START_TEST(trap_6_mappings_are_of_their_buffer)
{
	uint8_t expected[QUEUE_BLOCK];
	struct bare_buffer buf[4];
	struct nvt_sqe sqe;
	struct pair p;
	struct bare b;
	int i, j;

	start_ring(&b, &p, 0);
	for (i = 0; i < 4; i++)
		bare_buffer_create(&b, &buf[i], i % 2 ? NVT_BUFFER_PAGES : NVT_BUFFER_CONTIGUOUS,
				   4 * BARE_PAGE);
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++) {
			queue_fill(expected, 4 * i + j, 5);
			memcpy(p.data.data, expected, QUEUE_BLOCK);
			sqe = queue_write(0, 4 * i + j, p.data.bus[0]);
			ck_assert_int_eq(bare_exec_on(&b, &sqe, 1).res, 0);
			sqe = queue_read(0, 4 * i + j, buf[i].bus[j]);
			ck_assert_int_eq(bare_exec_on(&b, &sqe, 1).res, 0);
		}
	}
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++) {
			queue_fill(expected, 4 * i + j, 5);
			ck_assert_mem_eq((char *)buf[i].data + j * BARE_PAGE, expected, QUEUE_BLOCK);
		}
	}
}
END_TEST

START_TEST(trap_8_contiguous_memory_above_4_mib)
{
	const size_t length = 64 << 20, pages = length / BARE_PAGE;
	uint64_t *bus = malloc(pages * sizeof(*bus));
	struct nvt_buffer_create create = {
		.size = sizeof(create), .kind = NVT_BUFFER_CONTIGUOUS, .length = length,
		.bus_addrs = (uintptr_t)bus,
	};
	struct bare_buffer last;
	struct pair p;
	struct bare b;
	char *data;
	size_t i;

	start_ring(&b, &p, 0);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create), 0);
	for (i = 1; i < pages && bus[i] == bus[0] + i * BARE_PAGE; i++)
		;
	ck_assert_uint_eq(i, pages);
	data = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd, create.mmap_offset);
	ck_assert(data != MAP_FAILED);
	last.data = data + length - BARE_PAGE;
	last.bus[0] = bus[pages - 1];
	queue_verify(&b, 1, BARE_ENTRIES, &last, 0, 4, 1);
	free(bus);
}
END_TEST

START_TEST(trap_9_events_at_once_are_all_heard)
{
	struct nvt_uring_command command = {
		.sqid = 1, .flags = NVT_COMMAND_NO_DOORBELL, .timeout_ms = 10,
	};
	uint32_t seen = 0, seq = 0;
	struct event event;
	struct listener l;
	struct nvt_sqe sqe;
	struct pair p;
	struct bare b;
	int i;

	start_ring(&b, &p, 0);
	listener_open(&l);
	for (i = 0; i < 20; i++) {
		sqe = queue_read(i, 0, p.data.bus[0]);
		memcpy(command.sqe, &sqe, 64);
		bare_post_op(&b, NVT_URING_COMMAND, &command, i);
	}
	ck_assert_int_eq(bare_submit(&b), 20);
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(bare_wait(&b).res, -ETIME);
	for (i = 0; i < 20; i++) {
		event = listener_expect(&l, NVT_EVENT_COMMAND_TIMEOUT);
		ck_assert_uint_lt(event.cid, 20);
		seen |= 1u << event.cid;
		ck_assert(!seq || event.seq == seq + 1);
		seq = event.seq;
	}
	ck_assert_uint_eq(seen, (1u << 20) - 1);
}
END_TEST

/* io_uring has a plug for more than two entries of one call. */
START_TEST(trap_10_one_doorbell_for_a_batch)
{
	static const struct { unsigned int nr, doorbells; } batches[] = {
		{ 1, 1 }, { 3, 1 }, { 16, 1 }, { 30, 1 },
	};
	struct nvt_queue_stats before;
	unsigned int i, j;
	struct pair p;
	struct bare b;

	start_ring(&b, &p, rings[_i]);
	for (i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		before = bare_stats(b.fd, 1);
		for (j = 0; j < batches[i].nr; j++)
			post_read(&b, &p, j, 0);
		ck_assert_int_eq(bare_submit(&b), batches[i].nr);
		for (j = 0; j < batches[i].nr; j++)
			ck_assert_int_eq(bare_wait(&b).res, 0);
		ck_assert_uint_eq(bare_stats(b.fd, 1).submitted - before.submitted, batches[i].nr);
		ck_assert_uint_eq(bare_stats(b.fd, 1).doorbells - before.doorbells,
				  batches[i].doorbells);
	}
}
END_TEST

static atomic_bool stop;

static void *remake_queue(void *arg)
{
	struct bare *b = arg;
	struct bare_buffer mem;
	struct queue cq = { .type = NVT_QUEUE_CQ, .qid = 3, .entries = 8, .mem = &mem };

	bare_buffer_create(b, &mem, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	while (!stop) {
		queue_create_host(b, &cq);
		queue_destroy_host(b, NVT_QUEUE_CQ, 3);
	}
	return NULL;
}

static void *read_stats(void *arg)
{
	struct nvt_queue_stats stats = { .size = sizeof(stats) };
	struct bare *b = arg;

	while (!stop)
		bare_ioctl(b->fd, NVT_IOC_QUEUE_STATS, &stats);
	return NULL;
}

static int write_driver(const char *name)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/nvt/%s", name);
	fd = open(path, O_WRONLY);
	n = write(fd, bare_addr(), strlen(bare_addr()));
	close(fd);
	return n < 0 ? -errno : 0;
}

/* Readers on all sides, and a release and a removal that wait for them. */
START_TEST(trap_11_readers_and_their_end)
{
	pthread_t threads[4];
	struct bare b;
	int i;

	bare_start(&b, 0);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, i % 2 ? remake_queue : read_stats,
						&b), 0);
	usleep(300000);
	ck_assert_int_eq(bare_release(&b), 0);
	ck_assert_int_eq(write_driver("unbind"), 0);
	ck_assert_int_eq(write_driver("bind"), 0);
	stop = true;
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

Suite *traps_suite(void)
{
	const TTest *const tests[] = {
		trap_2_a_queue_goes_before_its_requests, trap_4_memory_needs_no_sync,
		trap_5_a_reset_takes_only_the_registers, trap_6_mappings_are_of_their_buffer,
		trap_8_contiguous_memory_above_4_mib, trap_9_events_at_once_are_all_heard,
		trap_11_readers_and_their_end,
	};
	Suite *suite = suite_create("traps");
	TCase *tcase = tcase_create("of kernels");
	size_t i;

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, trap_1_a_doorbell_completes_once, 0, NR_RINGS);
	tcase_add_loop_test(tcase, trap_10_one_doorbell_for_a_batch, 0, NR_RINGS);
	suite_add_tcase(suite, tcase);
	return suite;
}
