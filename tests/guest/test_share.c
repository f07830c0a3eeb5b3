/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Two processes on one device, one of which owns it and its admin queue. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "fault.h"
#include "queue.h"
#include "suites.h"

#define MEMORY		(16 << 20)

static void share(struct bare *b, uint32_t flags)
{
	struct nvt_share share = { .size = sizeof(share), .flags = flags };

	ck_assert_int_eq(bare_ioctl(b->fd, NVT_IOC_SHARE, &share), 0);
}

static void wait_for(int fd)
{
	char c;

	ck_assert_int_eq(read(fd, &c, 1), 1);
}

static void tell(int fd)
{
	if (write(fd, "r", 1) != 1)
		_exit(2);
}

static void assert_exits_well(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "status 0x%x", status);
}

static int open_within(unsigned int ms)
{
	uint64_t deadline = bare_now_ms() + ms;
	int fd;

	while ((fd = bare_open(O_RDWR)) == -EBUSY && bare_now_ms() < deadline)
		usleep(1000);
	return fd;
}

/* The end of a user can be a moment later than that of its process. */
static void create_within(struct bare *b, struct queue *q, unsigned int ms)
{
	uint64_t deadline = bare_now_ms() + ms;
	int ret;

	while ((ret = queue_create_host(b, q)) == -EEXIST && bare_now_ms() < deadline)
		usleep(1000);
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_eq(queue_create_device(b, q), 0);
}

START_TEST(nobody_joins_without_leave)
{
	struct bare owner;
	int fd;

	bare_start(&owner, 0);
	ck_assert_int_eq(bare_open(O_RDWR), -EBUSY);
	share(&owner, NVT_SHARE_ON);
	fd = bare_open(O_RDWR);
	ck_assert_int_ge(fd, 0);
	share(&owner, 0);
	ck_assert_int_eq(bare_open(O_RDWR), -EBUSY);
	/* Who is in stays in. */
	ck_assert_uint_eq(bare_admin(fd, &(struct nvt_sqe) { .opcode = 0x0a, .cdw10 = 7 }, NULL), 0);
}
END_TEST

START_TEST(a_user_makes_queues_and_moves_data)
{
	struct bare owner, user;
	struct pair p, q;
	pid_t pid;

	bare_start(&owner, 0);
	pair_create(&owner, &p, 1, BARE_ENTRIES, 0);
	share(&owner, NVT_SHARE_ON);
	pid = fork();
	if (pid == 0) {
		bare_join(&user, 0);
		pair_create(&user, &q, 2, BARE_ENTRIES, 0);
		queue_verify(&user, 2, BARE_ENTRIES, &q.data, 100, 50, 2);
		_exit(0);
	}
	queue_verify(&owner, 1, BARE_ENTRIES, &p.data, 0, 50, 1);
	assert_exits_well(pid);
	/* It left without deleting anything; the driver did, and the device agrees. */
	pair_delete(&owner, &p);
	pair_create(&owner, &p, 1, BARE_ENTRIES, 0);
	q.cq = p.cq;
	q.sq = p.sq;
	q.cq.qid = q.sq.qid = q.sq.cqid = 2;
	bare_buffer_create(&owner, &q.rings, NVT_BUFFER_CONTIGUOUS, 2 * BARE_PAGE);
	q.cq.mem = q.sq.mem = &q.rings;
	q.cq.offset = BARE_PAGE;
	create_within(&owner, &q.cq, 2000);
	create_within(&owner, &q.sq, 2000);
	/* And the data is there. */
	queue_verify(&owner, 2, BARE_ENTRIES, &p.data, 100, 5, 3);
}
END_TEST

/* By a polled queue, and by hand: its own doorbells are all it may write of the registers. */
START_TEST(a_user_polls_and_rings_by_hand)
{
	struct bare owner, user;
	struct raw_pair raw;
	struct pair q;

	bare_start(&owner, 0);
	share(&owner, NVT_SHARE_ON);
	bare_join(&user, IORING_SETUP_IOPOLL);
	pair_create(&user, &q, 1, BARE_ENTRIES, NVT_NO_VECTOR);
	queue_verify(&user, 1, BARE_ENTRIES, &q.data, 0, 20, 4);
	raw_create(&user, &raw, 2, 16);
	raw_verify(&user, &raw, 32, 20, 5);
}
END_TEST

START_TEST(what_is_the_owners)
{
	struct nvt_reg_access reg = {
		.size = sizeof(reg), .flags = NVT_ACCESS_WRITE, .width = 4, .offset = 0x14,
	};
	struct nvt_config_access config = {
		.size = sizeof(config), .flags = NVT_ACCESS_WRITE, .width = 1, .offset = 0x3c,
	};
	struct nvt_vector_mask mask = { .size = sizeof(mask) };
	struct nvt_vector_eventfd eventfd = { .size = sizeof(eventfd), .fd = -1 };
	struct nvt_irq_log_set log = { .size = sizeof(log), .nr_entries = 16 };
	struct nvt_reset reset = { .size = sizeof(reset) };
	struct nvt_share share_on = { .size = sizeof(share_on), .flags = NVT_SHARE_ON };
	struct nvt_queue_create admin = { .type = NVT_QUEUE_CQ, .vector = NVT_NO_VECTOR };
	struct bare owner, user;
	struct bare_buffer buf;

	bare_start(&owner, 0);
	share(&owner, NVT_SHARE_ON);
	bare_join(&user, 0);
	bare_buffer_create(&user, &buf, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	admin.buffer_id = buf.id;
	ck_assert_int_eq(bare_ioctl(user.fd, NVT_IOC_REG_ACCESS, &reg), -EBADF);
	ck_assert_int_eq(bare_ioctl(user.fd, NVT_IOC_CONFIG_ACCESS, &config), -EBADF);
	ck_assert_int_eq(bare_vectors(&user, NVT_VECTOR_MSIX, 2), -EBADF);
	ck_assert_int_eq(bare_ioctl(user.fd, NVT_IOC_VECTOR_MASK, &mask), -EBADF);
	ck_assert_int_eq(bare_ioctl(user.fd, NVT_IOC_VECTOR_EVENTFD, &eventfd), -EBADF);
	ck_assert_int_eq(bare_ioctl(user.fd, NVT_IOC_IRQ_LOG, &log), -EBADF);
	ck_assert_int_eq(bare_ioctl(user.fd, NVT_IOC_RESET, &reset), -EBADF);
	ck_assert_int_eq(bare_ioctl(user.fd, NVT_IOC_SHARE, &share_on), -EBADF);
	ck_assert_int_eq(bare_queue(&user, &admin), -EBADF);
	/* Registers by mapping are registers too; to look at them is free. */
	ck_assert_ptr_eq(mmap(NULL, BARE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, user.fd,
			      NVT_MMAP_BAR(0)), MAP_FAILED);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_ptr_ne(mmap(NULL, BARE_PAGE, PROT_READ, MAP_SHARED, user.fd, NVT_MMAP_BAR(0)),
			 MAP_FAILED);
	ck_assert_uint_eq(bare_reg_read(user.fd, 0x1c, 4) & 1, 1);
}
END_TEST

/* Neither from the other's memory, nor through its queues. */
START_TEST(buffers_and_queues_are_the_makers)
{
	struct nvt_queue_create cq = {
		.type = NVT_QUEUE_CQ, .qid = 2, .vector = NVT_NO_VECTOR, .flags = NVT_QUEUE_MANAGED,
	};
	struct nvt_sqe sqe = { .opcode = 0x0a, .cdw10 = 7 };
	struct nvt_command command = { .sqid = 1 };
	struct bare owner, user;
	struct bare_buffer mine;
	struct pair p;
	uint64_t offset;

	bare_start(&owner, 0);
	pair_create(&owner, &p, 1, BARE_ENTRIES, 0);
	share(&owner, NVT_SHARE_ON);
	bare_join(&user, 0);
	bare_buffer_create(&user, &mine, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	ck_assert_int_eq(bare_buffer_destroy(&user, &p.data), -ENOENT);
	ck_assert_int_eq(bare_buffer_destroy(&owner, &mine), -ENOENT);
	cq.buffer_id = p.rings.id;
	ck_assert_int_eq(bare_queue(&user, &cq), -ENOENT);
	cq = (struct nvt_queue_create) {
		.type = NVT_QUEUE_SQ, .qid = 2, .cqid = 1, .vector = NVT_NO_VECTOR,
		.flags = NVT_QUEUE_MANAGED, .buffer_id = mine.id,
	};
	ck_assert_int_eq(bare_queue(&user, &cq), -ENOENT);
	ck_assert_int_eq(queue_destroy_host(&user, NVT_QUEUE_SQ, 1), -ENOENT);
	ck_assert_int_eq(queue_destroy_host(&user, NVT_QUEUE_CQ, 0), -ENOENT);
	ck_assert_int_eq(bare_command(user.fd, &command, &sqe), -ENOENT);
	/* Of the admin queue only by the ioctl, with an id that the driver picks. */
	command = (struct nvt_command) { .sqid = 0 };
	ck_assert_int_eq(bare_command(user.fd, &command, &sqe), -ENOENT);
	ck_assert_int_eq(bare_exec(&user, &sqe).res, -ENOENT);
	ck_assert_int_eq(bare_exec_on(&user, &sqe, 1).res, -ENOENT);
	/* The offset of a buffer is its id's, of records the queue's: uapi/nvt.h says only that they exist. */
	offset = (8ull << 40) + ((uint64_t)p.data.id << 30);
	ck_assert_ptr_ne(mmap(NULL, BARE_PAGE, PROT_READ, MAP_SHARED, owner.fd, offset), MAP_FAILED);
	ck_assert_ptr_eq(mmap(NULL, BARE_PAGE, PROT_READ, MAP_SHARED, user.fd, offset), MAP_FAILED);
	offset = (7ull << 40) + (1ull << 21);
	ck_assert_ptr_ne(mmap(NULL, BARE_PAGE, PROT_READ, MAP_SHARED, owner.fd, offset), MAP_FAILED);
	ck_assert_ptr_eq(mmap(NULL, BARE_PAGE, PROT_READ, MAP_SHARED, user.fd, offset), MAP_FAILED);
	queue_verify(&owner, 1, BARE_ENTRIES, &p.data, 0, 4, 1);
}
END_TEST

/* Endless load, with memory that would be missed. */
static void user_under_load(int ready)
{
	uint64_t *bus = malloc(MEMORY / BARE_PAGE * 8);
	struct nvt_buffer_create big = {
		.size = sizeof(big), .kind = NVT_BUFFER_PAGES, .length = MEMORY,
		.bus_addrs = (uintptr_t)bus,
	};
	struct bare user;
	struct pair q;

	bare_join(&user, 0);
	ck_assert_int_eq(bare_ioctl(user.fd, NVT_IOC_BUFFER_CREATE, &big), 0);
	pair_create(&user, &q, 2, BARE_ENTRIES, 0);
	tell(ready);
	for (;;)
		queue_load(&user, 2, BARE_ENTRIES, &q.data, 1000);
}

START_TEST(a_killed_user_is_cleared_away)
{
	struct bare owner;
	struct pair p, q;
	int i, ready[2];
	uint64_t before;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	bare_start(&owner, 0);
	pair_create(&owner, &p, 1, BARE_ENTRIES, 0);
	share(&owner, NVT_SHARE_ON);
	before = bare_available_kib();
	for (i = 0; i < 6; i++) {
		pid = fork();
		if (pid == 0)
			user_under_load(ready[1]);
		wait_for(ready[0]);
		queue_verify(&owner, 1, BARE_ENTRIES, &p.data, 0, 5 + 5 * i, i);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		queue_verify(&owner, 1, BARE_ENTRIES, &p.data, 0, 5, i);
		memset(&q, 0, sizeof(q));
		bare_buffer_create(&owner, &q.rings, NVT_BUFFER_CONTIGUOUS, 2 * BARE_PAGE);
		q.cq = p.cq;
		q.cq.qid = 2;
		q.cq.mem = &q.rings;
		create_within(&owner, &q.cq, 2000);
		q.sq = p.sq;
		q.sq.qid = q.sq.cqid = 2;
		q.sq.mem = &q.rings;
		create_within(&owner, &q.sq, 2000);
		queue_verify(&owner, 2, BARE_ENTRIES, &p.data, 0, 2, i);
		queue_delete(&owner, &q.sq);
		queue_delete(&owner, &q.cq);
	}
	ck_assert_uint_eq(bare_stats(owner.fd, 1).unexpected, 0);
	/* Of the six times 16 MiB none is left behind. */
	bare_wait_available(before, MEMORY >> 10);
}
END_TEST

/* While it leaves, which takes the device a while: what the driver began it ends. */
START_TEST(a_user_killed_while_it_leaves)
{
	struct bare owner, user;
	unsigned int earlier;
	int ready[2];
	struct pair p;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	bare_start(&owner, 0);
	share(&owner, NVT_SHARE_ON);
	earlier = fault_shots(&owner, "cpl-late");
	fault_arm(&owner, "opcode=delete-sq nth=1 do cpl-late delay=500ms");
	pid = fork();
	if (pid == 0) {
		bare_join(&user, 0);
		pair_create(&user, &p, 2, BARE_ENTRIES, 0);
		tell(ready[1]);
		bare_release(&user);
		_exit(0);
	}
	wait_for(ready[0]);
	usleep(200000);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_uint_eq(fault_shots(&owner, "cpl-late"), earlier + 1);
	pair_create(&owner, &p, 2, BARE_ENTRIES, 0);
	queue_verify(&owner, 2, BARE_ENTRIES, &p.data, 0, 2, 1);
}
END_TEST

static void *wait_for_event(void *arg)
{
	static struct nvt_command command = { .flags = NVT_COMMAND_ANY_CID, .timeout_ms = 60000 };
	struct nvt_sqe aer = bare_aer(0);
	struct bare *user = arg;

	ck_assert_int_eq(bare_command(user->fd, &command, &aer), 0);
	return &command;
}

START_TEST(a_user_outlives_its_killed_owner)
{
	struct nvt_uring_command posted = { .sqid = 2, .flags = NVT_COMMAND_NO_DOORBELL };
	struct nvt_sqe sqe = { .opcode = 0x0a, .cdw10 = 7 };
	uint8_t ones[16];
	struct nvt_command command = { .flags = NVT_COMMAND_ANY_CID }, *ended;
	struct bare owner, user;
	int ready[2], fd;
	pthread_t thread;
	struct pair q;
	pid_t pid;

	memset(ones, 0xff, sizeof(ones));
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		bare_start(&owner, 0);
		share(&owner, NVT_SHARE_ON);
		tell(ready[1]);
		for (;;)
			pause();
	}
	wait_for(ready[0]);
	bare_join(&user, 0);
	pair_create(&user, &q, 2, BARE_ENTRIES, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_event, &user), 0);
	bare_post_op(&user, NVT_URING_COMMAND, &posted, 9);
	ck_assert_int_eq(bare_submit(&user), 1);
	while (bare_stats(user.fd, 0).submitted < 3)
		usleep(1000);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(bare_wait(&user).res, 0x7fff);
	ck_assert_mem_eq((const void *)q.sq.records[0].cqe, ones, 16);
	ck_assert_int_eq(pthread_join(thread, (void **)&ended), 0);
	ck_assert_mem_eq(ended->cqe, ones, 16);
	ck_assert_int_eq(bare_command(user.fd, &command, &sqe), -EBADF);
	ck_assert_int_eq(bare_exec_on(&user, &sqe, 2).res, -EBADF);
	/* What it had mapped is no longer the device's. */
	ck_assert_uint_eq(*(volatile uint64_t *)q.rings.data, UINT64_MAX);
	fd = open_within(2000);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(bare_reg_read(fd, 0x1c, 4) & 1, 0);
}
END_TEST

/* The driver does not see what happens on a raw admin queue, so it believes nothing. */
START_TEST(with_a_raw_admin_queue_a_users_memory_is_kept)
{
	struct nvt_sqe sqe;
	struct raw_pair admin, raw;
	struct bare owner, user;

	raw_start_admin(&owner, &admin, 16);
	share(&owner, NVT_SHARE_ON);
	bare_join(&user, 0);
	raw_prepare(&user, &raw, 2, 16);
	ck_assert_int_eq(queue_create_host(&user, &raw.pair.cq), 0);
	ck_assert_int_eq(queue_create_host(&user, &raw.pair.sq), 0);
	sqe = queue_create_sqe(&raw.pair.cq);
	ck_assert_uint_eq(raw_exec(&owner, &admin, &sqe).status_phase >> 1, 0);
	sqe = queue_create_sqe(&raw.pair.sq);
	ck_assert_uint_eq(raw_exec(&owner, &admin, &sqe).status_phase >> 1, 0);
	raw_verify(&user, &raw, 0, 3, 1);
	*((struct nvt_sqe *)raw.pair.rings.data + raw.tail) = (struct nvt_sqe) { .nsid = 1 };
	close(user.fd);
	/* The Flush that it left is fetched, and completed, without a DMAR fault. */
	*(volatile uint32_t *)(owner.bar + 0x1000 + 16) = raw.tail + 1;
	sqe = (struct nvt_sqe) { .opcode = 0x0a, .cdw10 = 7 };
	ck_assert_uint_eq(raw_exec(&owner, &admin, &sqe).status_phase >> 1, 0);
	usleep(100000);
	ck_assert_uint_eq(bare_reg_read(owner.fd, 0x1c, 4) & 3, 1);	/* RDY, not CFS */
	ck_assert_int_eq(bare_release(&owner), 0);
}
END_TEST

Suite *share_suite(void)
{
	const TTest *const tests[] = {
		nobody_joins_without_leave, a_user_makes_queues_and_moves_data,
		a_user_polls_and_rings_by_hand, what_is_the_owners,
		buffers_and_queues_are_the_makers, a_killed_user_is_cleared_away,
		a_user_outlives_its_killed_owner, with_a_raw_admin_queue_a_users_memory_is_kept,
	};
	Suite *suite = suite_create("share");
	TCase *tcase = tcase_create("owner and user");
	size_t i;

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	if (fault_possible())
		tcase_add_test(tcase, a_user_killed_while_it_leaves);
	suite_add_tcase(suite, tcase);
	return suite;
}
