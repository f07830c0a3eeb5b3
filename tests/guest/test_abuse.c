/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Calls that race, and calls that nobody should make: no report of the kernel, no hang, no leak. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "suites.h"

#define STORM_MS	3000

static atomic_bool stop;

/* Its own ring on the shared file: commands are posted, and whatever ends is taken. */
static void *submit(void *arg)
{
	struct bare b = *(struct bare *)arg;
	uint32_t seed = 1, i;
	struct io_uring_cqe *cqe;
	struct nvt_sqe sqe;

	if (io_uring_queue_init(64, &b.ring, IORING_SETUP_SQE128 | IORING_SETUP_CQE32))
		return NULL;
	while (!stop) {
		for (i = 0; i < 8; i++) {
			seed = seed * 1103515245 + 12345;
			sqe = seed & 1 << 20 ? bare_aer(seed >> 16 & 31) :
					       bare_identify(seed >> 16 & 31, b.queues.bus[1]);
			bare_post(&b, &sqe, 0);
		}
		bare_submit(&b);
		while (!io_uring_peek_cqe(&b.ring, &cqe))
			io_uring_cqe_seen(&b.ring, cqe);
	}
	io_uring_queue_exit(&b.ring);		/* with commands in flight */
	return NULL;
}

static void *reset(void *arg)
{
	struct nvt_reset reset = { .size = sizeof(reset) };
	struct bare *b = arg;

	while (!stop) {
		bare_ioctl(b->fd, NVT_IOC_RESET, &reset);
		usleep(20000);
	}
	return NULL;
}

static void *remake_queues(void *arg)
{
	struct nvt_queue_destroy destroy = { .size = sizeof(destroy) };
	struct bare *b = arg;
	struct nvt_queue_create cq = {
		.type = NVT_QUEUE_CQ, .flags = NVT_QUEUE_MANAGED, .buffer_id = b->queues.id,
		.buffer_offset = BARE_PAGE,
	};
	struct nvt_queue_create sq = {
		.type = NVT_QUEUE_SQ, .flags = NVT_QUEUE_MANAGED, .buffer_id = b->queues.id,
		.vector = NVT_NO_VECTOR,
	};

	while (!stop) {
		destroy.type = NVT_QUEUE_SQ;
		bare_ioctl(b->fd, NVT_IOC_QUEUE_DESTROY, &destroy);
		destroy.type = NVT_QUEUE_CQ;
		bare_ioctl(b->fd, NVT_IOC_QUEUE_DESTROY, &destroy);
		cq.vector = rand() % 3 ? 0 : NVT_NO_VECTOR;
		bare_queue(b, &cq);
		bare_queue(b, &sq);
		usleep(1000);
	}
	return NULL;
}

static void *touch_registers(void *arg)
{
	volatile uint32_t *doorbell = (volatile uint32_t *)(((struct bare *)arg)->bar + 0x1000);

	while (!stop) {
		doorbell[rand() % 8] = rand() % 40;
		(void)*(volatile uint32_t *)(((struct bare *)arg)->bar + 0x1c);
	}
	return NULL;
}

/* Boundary and random words in structs of plausible sizes. */
static void *fuzz(void *arg)
{
	static const uint64_t words[] = {
		0, 1, 2, 3, 4, 16, 24, 32, 40, 48, 4095, 4096, 8192, 65535, 65536, 0x7fffffff,
		0xffffffff, 1ull << 32, 1ull << 40, UINT64_MAX, UINT64_MAX - 4095,
	};
	const unsigned int nr = sizeof(words) / sizeof(words[0]);
	struct bare *b = arg;
	uint64_t args[16];
	unsigned int i, nr_ioctl;

	while (!stop) {
		for (i = 0; i < 16; i++)
			args[i] = rand() % 4 ? words[rand() % nr] :
					       words[rand() % nr] << 32 | words[rand() % nr];
		/* size in the lower half, flags in the upper */
		args[0] = rand() % 136 | (rand() % 8 ? 0 : (uint64_t)rand() << 32);
		nr_ioctl = rand() % 0x43;
		/* Not RELEASE, which ends the storm. */
		if (nr_ioctl != _IOC_NR(NVT_IOC_RELEASE))
			bare_ioctl(b->fd, _IOC(rand() % 2 ? _IOC_READ | _IOC_WRITE : _IOC_WRITE,
					       NVT_IOC_MAGIC, nr_ioctl, rand() % 64), args);
	}
	return NULL;
}

static void *fuzz_mmap(void *arg)
{
	struct bare *b = arg;
	uint64_t offset;
	size_t length;
	void *map;

	while (!stop) {
		offset = (uint64_t)(rand() % 10) << 40 | (uint64_t)(rand() % 4) << 30 |
			 (uint64_t)(rand() % 8) << 12;
		length = (size_t)(1 + rand() % 64) << 12;
		map = mmap(NULL, length, rand() % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
			   rand() % 8 ? MAP_SHARED : MAP_PRIVATE, b->fd, offset);
		if (map == MAP_FAILED)
			continue;
		(void)*(volatile uint8_t *)map;
		mprotect(map, BARE_PAGE, PROT_READ | PROT_WRITE);
		map = mremap(map, length, length + BARE_PAGE, MREMAP_MAYMOVE);
		if (map != MAP_FAILED)
			munmap(map, length + BARE_PAGE);
		else
			munmap(map, length);
	}
	return NULL;
}

static void storm(struct bare *b, void *(*const threads[])(void *), unsigned int nr)
{
	pthread_t thread[8];
	unsigned int i;

	for (i = 0; i < nr; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, threads[i], b), 0);
	usleep(STORM_MS * 1000);
	stop = true;
	for (i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
}

/* Wild PRPs and doorbells make the device fault on purpose. */
static void expect_faults(void)
{
	static const char line[] = "nvt-test: expect DMAR\n";
	int kmsg = open("/dev/kmsg", O_WRONLY);

	ck_assert_int_eq(write(kmsg, line, strlen(line)), (ssize_t)strlen(line));
	close(kmsg);
}

static void *(*const storms[][6])(void *) = {
	{ submit, submit, remake_queues },
	{ submit, submit, reset, remake_queues },
	{ submit, reset, touch_registers, fuzz_mmap },
	{ submit, fuzz, fuzz, fuzz_mmap, remake_queues },
};

static unsigned int nr_of(void *(*const threads[6])(void *))
{
	unsigned int nr = 0;

	while (nr < 6 && threads[nr])
		nr++;
	return nr;
}

START_TEST(a_storm_passes)
{
	struct nvt_release release = { .size = sizeof(release) };
	struct bare b, next;

	expect_faults();
	bare_start(&b, 0);
	storm(&b, storms[_i], nr_of(storms[_i]));
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_RELEASE, &release), 0);
	bare_start(&next, 0);
	ck_assert_int_eq(bare_exec(&next, &(struct nvt_sqe) { .opcode = 0x0a, .cid = 2,
							      .cdw10 = 2 }).res, 0);
}
END_TEST

/* Killed in the middle of it, the next owner finds a device that works. */
START_TEST(a_kill_ends_a_storm)
{
	struct bare b;
	pid_t pid;
	int i;

	expect_faults();
	pid = fork();
	if (pid == 0) {
		bare_start(&b, 0);
		storm(&b, storms[_i], nr_of(storms[_i]));
		_exit(0);
	}
	usleep(1500000);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	for (i = 0; i < 1000 && (b.fd = bare_open(O_RDWR)) == -EBUSY; i++)
		usleep(10000);
	ck_assert_msg(b.fd >= 0, "open: %s", strerror(-b.fd));
	close(b.fd);
	bare_start(&b, 0);
	ck_assert_int_eq(bare_exec(&b, &(struct nvt_sqe) { .opcode = 0x0a, .cid = 2,
							   .cdw10 = 2 }).res, 0);
}
END_TEST

Suite *abuse_suite(void)
{
	const int nr = sizeof(storms) / sizeof(storms[0]);
	Suite *suite = suite_create("abuse");
	TCase *tcase = tcase_create("storm");

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 90);
	tcase_add_loop_test(tcase, a_storm_passes, 0, nr);
	tcase_add_loop_test(tcase, a_kill_ends_a_storm, 0, nr);
	suite_add_tcase(suite, tcase);
	return suite;
}
