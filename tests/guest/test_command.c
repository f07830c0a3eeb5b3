/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Commands that end late or not at all, and those that a task waits for. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "listener.h"
#include "queue.h"
#include "suites.h"

#define NUMBER_OF_QUEUES	((struct nvt_sqe) { .opcode = 0x0a, .cdw10 = 7 })

static const uint8_t ones[16] = { [0 ... 15] = 0xff };

/* Ends an Asynchronous Event Request: a doorbell of a queue that is not there. */
static void cause_event(struct bare *b)
{
	*(volatile uint32_t *)(b->bar + 0x1000 + 8 * 5) = 1;
}

START_TEST(a_task_waits_for_its_command)
{
	struct nvt_sqe sqe = NUMBER_OF_QUEUES;
	struct nvt_command command = { .sqid = 0 };
	struct nvt_cqe cqe;
	uint32_t dw0 = 0;
	struct bare b;

	bare_start(&b, 0);
	sqe.cid = 17;
	ck_assert_int_eq(bare_command(b.fd, &command, &sqe), 0);
	memcpy(&cqe, command.cqe, sizeof(cqe));
	ck_assert_uint_eq(cqe.cid, 17);
	ck_assert_uint_eq(cqe.sqid, 0);
	ck_assert_uint_eq(cqe.sqhd, 1);
	ck_assert_uint_eq(cqe.status_phase, 1);
	ck_assert_uint_gt(command.complete_ns, command.submit_ns);
	ck_assert_uint_eq(command.submit_ns, b.records[17].submit_ns);
	ck_assert_uint_eq(bare_admin(b.fd, &sqe, &dw0), 0);
	ck_assert_uint_eq(dw0, cqe.dw0);
	ck_assert_uint_ne(dw0, 0);
	/* An error of the device is in the completion, not in the return value. */
	sqe.opcode = 0xc5;
	ck_assert_int_eq(bare_command(b.fd, &command, &sqe), 0);
	memcpy(&cqe, command.cqe, sizeof(cqe));
	ck_assert_uint_eq(cqe.status_phase >> 1 & 0x7ff, 0x001);
}
END_TEST

START_TEST(the_driver_picks_an_id)
{
	struct nvt_uring_command posted = { .sqid = 1, .flags = NVT_COMMAND_NO_DOORBELL };
	struct nvt_command any = { .sqid = 1, .flags = NVT_COMMAND_ANY_CID };
	struct nvt_sqe sqe;
	struct pair p;
	struct bare b;
	int i;

	bare_start(&b, 0);
	pair_create(&b, &p, 1, 4, 0);
	sqe = queue_read(0xbeef, 0, p.data.bus[0]);
	ck_assert_int_eq(bare_command(b.fd, &any, &sqe), 0);
	ck_assert_uint_eq(((struct nvt_sqe *)any.sqe)->cid, 2);
	ck_assert_uint_eq(((struct nvt_cqe *)any.cqe)->cid, 2);
	for (i = 0; i < 3; i++) {
		sqe = queue_read(i, 0, p.data.bus[0]);
		memcpy(posted.sqe, &sqe, 64);
		bare_post_op(&b, NVT_URING_COMMAND, &posted, i);
	}
	ck_assert_int_eq(bare_submit(&b), 3);
	ck_assert_int_eq(bare_command(b.fd, &any, &sqe), -EBUSY);
	any.flags = 0;
	sqe.cid = 1;
	ck_assert_int_eq(bare_command(b.fd, &any, &sqe), -EEXIST);
}
END_TEST

struct asker {
	pthread_t thread;
	int fd;
	struct nvt_sqe sqe;
	uint32_t dw0;				/* the answer when nobody else asks */
	unsigned int answered, wrong, disorder;
};

static void *ask(void *arg)
{
	struct nvt_command command = { .flags = NVT_COMMAND_ANY_CID };
	struct asker *asker = arg;
	int ret;

	while (asker->answered < 1000) {
		ret = bare_command(asker->fd, &command, &asker->sqe);
		if (ret == -EBUSY)
			continue;
		if (ret)
			break;
		asker->answered++;
		asker->wrong += ((struct nvt_cqe *)command.cqe)->dw0 != asker->dw0;
		asker->disorder += command.complete_ns < command.submit_ns;
	}
	return NULL;
}

/* The queue has one id, so that one task's is another's before the first has run again. */
START_TEST(each_task_has_its_own_answer)
{
	const struct bare_opts opts = { .admin_entries = 2 };
	struct asker askers[2] = {
		{ .sqe = NUMBER_OF_QUEUES },
		{ .sqe = { .opcode = 0x0a, .cdw10 = 4 } },	/* Temperature Threshold */
	};
	struct bare b;
	int i;

	bare_start_as(&b, &opts);
	for (i = 0; i < 2; i++) {
		askers[i].fd = b.fd;
		ck_assert_uint_eq(bare_admin(b.fd, &askers[i].sqe, &askers[i].dw0), 0);
	}
	ck_assert_uint_ne(askers[0].dw0, askers[1].dw0);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_join(askers[i].thread, NULL), 0);
		ck_assert_uint_eq(askers[i].answered, 1000);
		ck_assert_msg(!askers[i].wrong && !askers[i].disorder, "%u wrong, %u out of order",
			      askers[i].wrong, askers[i].disorder);
	}
}
END_TEST

START_TEST(bad_calls_send_nothing)
{
	struct nvt_command good = { .sqid = 1, .timeout_ms = 1000 }, bad;
	struct nvt_sqe sqe = { .cid = 1 };
	struct pair p, polled;
	struct bare b;
	int observer;

	bare_start(&b, 0);
	pair_create(&b, &p, 1, BARE_ENTRIES, 0);
	pair_create(&b, &polled, 2, BARE_ENTRIES, NVT_NO_VECTOR);
	observer = bare_open(O_RDONLY);
#define REFUSED(error, ...) do {					\
	bad = good;							\
	bad.size = sizeof(bad);						\
	memcpy(bad.sqe, &sqe, 64);					\
	__VA_ARGS__;							\
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_COMMAND, &bad), error);	\
} while (0)
	REFUSED(-EINVAL, bad.timeout_ms = 0);
	REFUSED(-EINVAL, bad.timeout_ms = 3600001);
	REFUSED(-EINVAL, bad.flags = 1);
	REFUSED(-EINVAL, bad.resv = 1);
	REFUSED(-EINVAL, ((struct nvt_sqe *)bad.sqe)->cid = BARE_ENTRIES - 1);
	REFUSED(-ENOENT, bad.sqid = 9);
	REFUSED(-EOPNOTSUPP, bad.sqid = 2);
#undef REFUSED
	ck_assert_int_eq(bare_command(observer, &good, &sqe), -EBADF);
	ck_assert_uint_eq(bare_stats(b.fd, 1).submitted, 0);
	ck_assert_uint_eq(bare_stats(b.fd, 2).submitted, 0);
}
END_TEST

/* After the time-out the id belongs to the device until it answers. */
static void check_late(struct bare *b, struct listener *l, uint16_t cid)
{
	struct nvt_sqe aer = bare_aer(cid), sqe = NUMBER_OF_QUEUES;
	struct nvt_command command = { .sqid = 0 };
	bool polled = b->ring.flags & IORING_SETUP_IOPOLL;
	struct event event;

	event = listener_expect(l, NVT_EVENT_COMMAND_TIMEOUT);
	ck_assert_uint_eq(event.attrs & (1 << NVT_ATTR_SQID | 1 << NVT_ATTR_CID),
			  1 << NVT_ATTR_SQID | 1 << NVT_ATTR_CID);
	ck_assert_uint_eq(event.sqid, 0);
	ck_assert_uint_eq(event.cid, cid);
	ck_assert_uint_eq(bare_stats(b->fd, 0).timeouts, 1);
	ck_assert_int_eq(bare_exec(b, &aer).res, -EEXIST);
	if (!polled)
		ck_assert_int_eq(bare_command(b->fd, &command, &aer), -EEXIST);
	ck_assert_uint_eq(bare_stats(b->fd, 0).late, 0);
	cause_event(b);
	sqe.cid = cid + 1;
	ck_assert_int_eq(bare_exec(b, &sqe).res, 0);	/* polls, too */
	event = listener_expect(l, NVT_EVENT_COMPLETION_LATE);
	ck_assert_uint_eq(event.cid, cid);
	ck_assert_uint_eq(event.cqe.cid, cid);
	ck_assert_uint_eq(event.cqe.status_phase >> 1, 0);
	ck_assert_uint_eq(event.cqe.dw0 & 0xff00ff, 0x010000);
	ck_assert_uint_eq(bare_stats(b->fd, 0).late, 1);
	ck_assert_uint_eq(bare_stats(b->fd, 0).unexpected, 0);
	sqe.cid = cid;
	ck_assert_int_eq(bare_exec(b, &sqe).res, 0);
	listener_quiet(l);
}

START_TEST(a_waiting_task_gives_up)
{
	struct nvt_command command = { .sqid = 0, .timeout_ms = 100 };
	struct nvt_sqe aer = bare_aer(5);
	struct listener l;
	struct bare b;
	uint64_t start;

	bare_start(&b, 0);
	listener_open(&l);
	start = bare_now_ms();
	ck_assert_int_eq(bare_command(b.fd, &command, &aer), -ETIME);
	ck_assert_uint_ge(bare_now_ms() - start, 100);
	check_late(&b, &l, 5);
}
END_TEST

static const unsigned int timed_rings[] = {
	0, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_IOPOLL,
	IORING_SETUP_SQPOLL, IORING_SETUP_SQPOLL | IORING_SETUP_IOPOLL,
};

START_TEST(a_command_times_out)
{
	struct nvt_uring_command command = { .timeout_ms = 100 };
	struct nvt_sqe aer = bare_aer(5);
	struct bare_cqe ended;
	struct listener l;
	struct bare b;
	uint64_t start;

	bare_start(&b, timed_rings[_i]);
	listener_open(&l);
	memcpy(command.sqe, &aer, 64);
	start = bare_now_ms();
	bare_post_op(&b, NVT_URING_COMMAND, &command, 77);
	ck_assert_int_eq(bare_submit(&b), 1);
	ended = bare_wait(&b);
	ck_assert_uint_ge(bare_now_ms() - start, 100);
	ck_assert_uint_eq(ended.user_data, 77);
	ck_assert_int_eq(ended.res, -ETIME);
	ck_assert_mem_eq((const void *)b.records[5].cqe, ones, 16);
	check_late(&b, &l, 5);
}
END_TEST

/* What is in time has no part in it. */
START_TEST(a_time_out_in_good_time_is_none)
{
	struct nvt_uring_command command = { .timeout_ms = 3000 };
	struct nvt_sqe sqe = NUMBER_OF_QUEUES;
	struct listener l;
	struct bare b;
	int i;

	bare_start(&b, 0);
	listener_open(&l);
	for (i = 0; i < 20; i++) {
		memcpy(command.sqe, &sqe, 64);
		bare_post_op(&b, NVT_URING_COMMAND, &command, i);
		ck_assert_int_eq(bare_submit(&b), 1);
		ck_assert_int_eq(bare_wait(&b).res, 0);
	}
	listener_quiet(&l);
	ck_assert_uint_eq(bare_stats(b.fd, 0).timeouts, 0);
}
END_TEST

/* Answered or not: a queue that is made again has all of its ids. */
START_TEST(a_new_queue_has_its_ids_back)
{
	struct nvt_uring_command command = {
		.sqid = 1, .timeout_ms = 1, .flags = NVT_COMMAND_NO_DOORBELL,
	};
	struct nvt_sqe sqe = { .opcode = 0x00, .nsid = 1 };
	struct pair p;
	struct bare b;

	bare_start(&b, 0);
	pair_create(&b, &p, 1, 4, 0);
	memcpy(command.sqe, &sqe, 64);
	bare_post_op(&b, NVT_URING_COMMAND, &command, 1);
	ck_assert_int_eq(bare_submit(&b), 1);
	ck_assert_int_eq(bare_wait(&b).res, -ETIME);
	ck_assert_int_eq(bare_exec_on(&b, &sqe, 1).res, -EEXIST);
	pair_delete(&b, &p);
	pair_create(&b, &p, 1, 4, 0);
	ck_assert_int_eq(bare_exec_on(&b, &sqe, 1).res, 0);
	ck_assert_uint_eq(bare_stats(b.fd, 1).timeouts, 0);
}
END_TEST

START_TEST(a_killed_task_stops_waiting)
{
	struct nvt_command command = { .sqid = 0, .timeout_ms = 3600000 };
	struct nvt_sqe aer = bare_aer(5);
	uint64_t killed;
	int i, ready[2], fd;
	struct bare b;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		bare_start(&b, 0);
		if (write(ready[1], "r", 1) != 1)
			_exit(2);
		bare_command(b.fd, &command, &aer);
		_exit(3);
	}
	ck_assert_int_eq(read(ready[0], &i, 1), 1);
	usleep(100000);
	killed = bare_now_ms();
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &i, 0), pid);
	ck_assert(WIFSIGNALED(i));
	while ((fd = bare_open(O_RDWR)) == -EBUSY && bare_now_ms() - killed < 2000)
		usleep(1000);
	ck_assert_int_ge(fd, 0);
}
END_TEST

struct call {
	int fd;
	int ret;
	struct nvt_command command;
};

static void *wait_for_ever(void *arg)
{
	struct nvt_sqe aer = bare_aer(5);
	struct call *call = arg;

	call->command.timeout_ms = 3600000;
	call->ret = bare_command(call->fd, &call->command, &aer);
	return NULL;
}

static void start_call(struct bare *b, struct call *call, pthread_t *thread)
{
	*call = (struct call) { .fd = b->fd, .ret = 1 };
	ck_assert_int_eq(pthread_create(thread, NULL, wait_for_ever, call), 0);
	while (bare_stats(b->fd, 0).submitted < 1)
		usleep(1000);
}

START_TEST(a_dead_queue_wakes_its_tasks)
{
	struct nvt_reset reset = { .size = sizeof(reset) };
	struct nvt_sqe sqe = NUMBER_OF_QUEUES;
	struct nvt_command command = { .sqid = 0 };
	struct call call;
	pthread_t thread;
	struct bare b;

	bare_start(&b, 0);
	start_call(&b, &call, &thread);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_RESET, &reset), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(call.ret, 0);
	ck_assert_mem_eq(call.command.cqe, ones, 16);
	ck_assert_int_eq(bare_command(b.fd, &command, &sqe), -EIO);
}
END_TEST

START_TEST(a_destroyed_queue_wakes_its_tasks)
{
	struct call call;
	pthread_t thread;
	struct bare b;

	bare_start(&b, 0);
	start_call(&b, &call, &thread);
	ck_assert_int_eq(queue_destroy_host(&b, NVT_QUEUE_SQ, 0), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(call.ret, 0);
	ck_assert_mem_eq(call.command.cqe, ones, 16);
}
END_TEST

/* The memory of a queue that is gone is still mapped: it must not become the kernel's scratch paper. */
START_TEST(records_outlive_their_queue)
{
	struct nvt_uring_command posted = { .sqid = 1, .flags = NVT_COMMAND_NO_DOORBELL };
	struct pair p;
	struct bare b;
	int i;

	bare_start(&b, 0);
	for (i = 0; i < 5; i++) {
		pair_create(&b, &p, 1, BARE_ENTRIES, 0);
		bare_post_op(&b, NVT_URING_COMMAND, &posted, 1);
		ck_assert_int_eq(bare_submit(&b), 1);
		ck_assert_uint_eq(queue_delete_device(&b, NVT_QUEUE_SQ, 1), 0);
		ck_assert_int_eq(queue_destroy_host(&b, NVT_QUEUE_SQ, 1), 0);
		ck_assert_int_eq(bare_wait(&b).res, 0x7fff);
		usleep(100000);
		ck_assert_mem_eq((const void *)p.sq.records[0].cqe, ones, 16);
		queue_delete(&b, &p.cq);
	}
}
END_TEST

Suite *command_suite(void)
{
	const TTest *const tests[] = {
		a_task_waits_for_its_command, the_driver_picks_an_id, each_task_has_its_own_answer,
		bad_calls_send_nothing,
		a_waiting_task_gives_up, a_time_out_in_good_time_is_none,
		a_new_queue_has_its_ids_back, a_killed_task_stops_waiting,
		a_dead_queue_wakes_its_tasks, a_destroyed_queue_wakes_its_tasks,
		records_outlive_their_queue,
	};
	Suite *suite = suite_create("command");
	TCase *tcase = tcase_create("waiting");
	size_t i;

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, a_command_times_out, 0,
			    sizeof(timed_rings) / sizeof(timed_rings[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
