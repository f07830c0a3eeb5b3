/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Rings and processes that end with commands in flight, at any moment: the
 * next open works within 2 s, and all memory is back. NVT_TEST_FULL=1 kills
 * 200 times.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "queue.h"
#include "suites.h"

#define MEMORY		(16 << 20)
#define OPEN_MS		2000
#define KILLS		21
#define KILLS_FULL	200
#define LATEST_US	400000		/* of a kill, from the start of the process */

enum how { BY_RING, BY_IOCTL, BY_HAND };

static const struct kind {
	const char *name;
	unsigned int setup_flags;
	enum how how;
} kinds[] = {
	{ "plain", 0, BY_RING },
	{ "DEFER_TASKRUN", IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, BY_RING },
	{ "IOPOLL", IORING_SETUP_IOPOLL, BY_RING },
	{ "SQPOLL", IORING_SETUP_SQPOLL, BY_RING },
	{ "SQPOLL and IOPOLL", IORING_SETUP_SQPOLL | IORING_SETUP_IOPOLL, BY_RING },
	{ "ioctl", 0, BY_IOCTL },
	{ "raw", 0, BY_HAND },
};

#define NR_KINDS	(sizeof(kinds) / sizeof(kinds[0]))
#define NR_RINGS	5		/* of them are rings */

static int open_next(const char *what)
{
	uint64_t start = bare_now_ms();
	int fd;

	while ((fd = bare_open(O_RDWR)) == -EBUSY && bare_now_ms() - start < OPEN_MS)
		usleep(1000);
	ck_assert_msg(fd >= 0, "%s: open: %s", what, strerror(-fd));
	ck_assert_uint_eq(bare_reg_read(fd, 0x1c, 4) & 1, 0);
	return fd;
}

static void big_buffer(struct bare *b)
{
	uint64_t *bus = malloc(MEMORY / BARE_PAGE * sizeof(*bus));
	struct nvt_buffer_create big = {
		.size = sizeof(big), .kind = NVT_BUFFER_PAGES, .length = MEMORY,
		.bus_addrs = (uintptr_t)bus,
	};

	ck_assert_int_eq(bare_ioctl(b->fd, NVT_IOC_BUFFER_CREATE, &big), 0);
	free(bus);
}

/* Until it is killed: load, and an event that nobody causes. */
static void owner(const struct kind *kind)
{
	const struct bare_opts opts = { .setup_flags = kind->setup_flags, .vectors = 2 };
	bool polled = kind->setup_flags & IORING_SETUP_IOPOLL;
	struct raw_pair raw;
	struct nvt_sqe sqe;
	struct pair p;
	struct bare b;
	uint32_t i;

	bare_start_as(&b, &opts);
	big_buffer(&b);
	if (kind->how == BY_HAND)
		raw_create(&b, &raw, 1, 16);
	else
		pair_create(&b, &p, 1, BARE_ENTRIES, polled ? NVT_NO_VECTOR : 1);
	if (kind->how == BY_RING && !polled) {
		sqe = bare_aer(3);
		bare_post(&b, &sqe, 0);
		ck_assert_int_eq(bare_submit(&b), 1);
	}
	for (i = 0; ; i++) {
		if (kind->how == BY_RING) {
			queue_load(&b, 1, BARE_ENTRIES - 8, &p.data, 100);
		} else if (kind->how == BY_HAND) {
			raw_verify(&b, &raw, 0, 10, i);
		} else {
			struct nvt_command command = { .flags = NVT_COMMAND_ANY_CID, .sqid = 1 };

			sqe = queue_read(0, 0, p.data.bus[0]);
			ck_assert_int_eq(bare_command(b.fd, &command, &sqe), 0);
		}
	}
}

static void kill_one(const struct kind *kind, unsigned int delay_us)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		setpgid(0, 0);		/* a failure in it must not be the end of the others */
		owner(kind);
	}
	usleep(delay_us);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		      "%s ended by itself after %u us at most: status 0x%x", kind->name, delay_us,
		      status);
	close(open_next(kind->name));
}

START_TEST(killed_at_random_points)
{
	unsigned int i, kills = suite_full() ? KILLS_FULL : KILLS, slowest = 0, ms;
	uint64_t before, start;

	srand(getpid());
	kill_one(&kinds[0], LATEST_US);		/* what the first one makes the kernel keep */
	before = bare_available_kib();
	for (i = 0; i < kills; i++) {
		start = bare_now_ms();
		kill_one(&kinds[i % NR_KINDS], rand() % LATEST_US);
		ms = bare_now_ms() - start;
		slowest = ms > slowest ? ms : slowest;
	}
	fprintf(stderr, "kill: %u times, at most %u ms each; MemAvailable %llu -> %llu KiB\n", kills,
		slowest, (unsigned long long)before, (unsigned long long)bare_available_kib());
	bare_wait_available(before, 2 * (MEMORY >> 10));
}
END_TEST

/*
 * Linux 6.12 with lockdep takes it for a bug that a worker completes requests of a dying
 * DEFER_TASKRUN ring whose task lives on; later kernels ask whether the ring is dying.
 */
static void announce_assertion(const struct kind *kind)
{
	static const char text[] = "nvt-test: expect WARNING: .* at io_get_cqe_overflow\n";
	int fd;

	if (!(kind->setup_flags & IORING_SETUP_DEFER_TASKRUN))
		return;
	fd = open("/dev/kmsg", O_WRONLY);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void start_with_events(struct bare *b, const struct kind *kind)
{
	struct nvt_sqe aer;
	int i;

	bare_start(b, kind->setup_flags);
	for (i = 1; i <= 3; i++) {
		aer = bare_aer(i);
		bare_post(b, &aer, 0);
	}
	ck_assert_int_eq(bare_submit(b), 3);
	while (bare_stats(b->fd, 0).submitted < 3)
		usleep(1000);
}

/* Nothing ends these requests, or a worker spins. */
START_TEST(trap_3_a_ring_exits_with_commands_in_flight)
{
	struct bare b;

	announce_assertion(&kinds[_i]);
	start_with_events(&b, &kinds[_i]);
	io_uring_queue_exit(&b.ring);
	bare_unmap(&b);
	close(b.fd);
	close(open_next(kinds[_i].name));
}
END_TEST

/* The ring holds the file, and goes later. */
START_TEST(trap_7_a_registered_file_is_let_go)
{
	struct bare b;

	announce_assertion(&kinds[_i]);
	start_with_events(&b, &kinds[_i]);
	ck_assert_int_eq(io_uring_register_files(&b.ring, &b.fd, 1), 0);
	bare_unmap(&b);
	close(b.fd);
	ck_assert_int_eq(bare_open(O_RDWR), -EBUSY);
	io_uring_queue_exit(&b.ring);
	close(open_next(kinds[_i].name));
}
END_TEST

/* A child has the file too: its parent ends all the same, and the device with the child. */
START_TEST(a_forked_child_holds_the_file)
{
	int ready[2], go[2], status;
	pid_t parent, child;
	struct bare b;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(go), 0);
	parent = fork();
	if (parent == 0) {
		setpgid(0, 0);
		start_with_events(&b, &kinds[_i]);
		child = fork();
		if (child == 0) {
			if (read(go[0], &c, 1) != 1)
				_exit(2);
			/* It is still the owner's file. */
			bare_reg_write(b.fd, 0x24, 4, 0x001f001f);
			if (write(ready[1], "c", 1) != 1 || read(go[0], &c, 1) != 1)
				_exit(2);
			_exit(0);
		}
		if (write(ready[1], &child, sizeof(child)) != sizeof(child))
			_exit(2);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &child, sizeof(child)), sizeof(child));
	kill(parent, SIGKILL);
	ck_assert_int_eq(waitpid(parent, &status, 0), parent);
	ck_assert_int_eq(write(go[1], "g", 1), 1);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(bare_open(O_RDWR), -EBUSY);
	ck_assert_int_eq(write(go[1], "g", 1), 1);
	close(open_next(kinds[_i].name));
}
END_TEST

/* io_uring cannot cancel such a command by itself; asked to, it does no harm. */
START_TEST(an_asynchronous_cancel_does_no_harm)
{
	struct bare_cqe ended, other;
	struct io_uring_sqe *sqe;
	struct bare b;
	int i;

	start_with_events(&b, &kinds[_i]);
	sqe = io_uring_get_sqe(&b.ring);
	io_uring_prep_cancel64(sqe, 2, 0);
	sqe->user_data = 99;
	ck_assert_int_eq(bare_submit(&b), 1);
	ended = bare_wait(&b);
	if (ended.user_data == 2)
		other = bare_wait(&b);
	/* Cancelled, with the id still the device's, or told that it cannot be. */
	if (ended.user_data == 2) {
		ck_assert_int_eq(ended.res, -ECANCELED);
		ck_assert_int_eq(other.res, 0);
	} else {
		ck_assert_uint_eq(ended.user_data, 99);
		ck_assert_int_lt(ended.res, 0);
	}
	for (i = 0; i < 4; i++) {
		const struct nvt_sqe get = { .opcode = 0x0a, .cid = 7, .cdw10 = 7 };

		ck_assert_int_eq(bare_exec(&b, &get).res, 0);
	}
	ck_assert_uint_eq(bare_stats(b.fd, 0).unexpected, 0);
}
END_TEST

struct load {
	struct bare b;
	struct pair p;
	atomic_bool stop;
};

static void *load(void *arg)
{
	struct load *l = arg;

	ck_assert_int_eq(io_uring_queue_init(64, &l->b.ring,
					     IORING_SETUP_SQE128 | IORING_SETUP_CQE32), 0);
	while (!l->stop)
		queue_load(&l->b, 1, BARE_ENTRIES, &l->p.data, 100);
	return NULL;
}

/* 256 MiB in all, which come back although there are always commands in flight. */
START_TEST(buffers_come_and_go_under_load)
{
	struct nvt_sqe aer = bare_aer(3);
	struct load l = { .stop = false };
	uint64_t before;
	struct bare_buffer buf;
	pthread_t thread;
	struct bare b;
	int i;

	bare_start(&b, 0);
	bare_post(&b, &aer, 0);
	ck_assert_int_eq(bare_submit(&b), 1);
	pair_create(&b, &l.p, 1, BARE_ENTRIES, 0);
	l.b = b;
	ck_assert_int_eq(pthread_create(&thread, NULL, load, &l), 0);
	before = bare_available_kib();
	for (i = 0; i < 64; i++) {
		bare_buffer_create(&b, &buf, NVT_BUFFER_CONTIGUOUS, 4 << 20);
		munmap(buf.data, buf.length);
		ck_assert_int_eq(bare_buffer_destroy(&b, &buf), 0);
	}
	bare_wait_available(before, 32 << 10);
	l.stop = true;
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

Suite *kill_suite(void)
{
	Suite *suite = suite_create("kill");
	TCase *tcase = tcase_create("ends");

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, suite_full() ? 900 : 90);
	tcase_add_test(tcase, killed_at_random_points);
	tcase_add_test(tcase, buffers_come_and_go_under_load);
	tcase_add_loop_test(tcase, trap_3_a_ring_exits_with_commands_in_flight, 0, NR_RINGS);
	tcase_add_loop_test(tcase, trap_7_a_registered_file_is_let_go, 0, NR_RINGS);
	tcase_add_loop_test(tcase, a_forked_child_holds_the_file, 0, NR_RINGS);
	tcase_add_loop_test(tcase, an_asynchronous_cancel_does_no_harm, 0, NR_RINGS);
	suite_add_tcase(suite, tcase);
	return suite;
}
