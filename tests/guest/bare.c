/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bare.h"

#define REG_CC		0x14
#define REG_CSTS	0x1c
#define REG_AQA		0x24
#define REG_ASQ		0x28
#define REG_ACQ		0x30

const char *bare_addr(void)
{
	const char *addr = getenv("NVT_TEST_ADDR");

	return addr ? addr : "0000:01:00.0";
}

const char *bare_node(void)
{
	static char node[64];
	char path[64];
	struct dirent *entry;
	DIR *dir;

	node[0] = 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/nvt", bare_addr());
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "nvt", 3))
			snprintf(node, sizeof(node), "/dev/%.32s", entry->d_name);
	if (dir)
		closedir(dir);
	return node;
}

int bare_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int bare_open(int flags)
{
	int fd = open(bare_node(), flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

uint64_t bare_reg_read(int fd, uint64_t offset, int width)
{
	struct nvt_reg_access reg = {
		.size = sizeof(reg), .offset = offset, .width = width,
	};

	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_REG_ACCESS, &reg), 0);
	return reg.value;
}

void bare_reg_write(int fd, uint64_t offset, int width, uint64_t value)
{
	struct nvt_reg_access reg = {
		.size = sizeof(reg), .flags = NVT_ACCESS_WRITE, .offset = offset, .width = width,
		.value = value,
	};

	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_REG_ACCESS, &reg), 0);
}

static void bare_open_writer(struct bare *b, struct nvt_device_info *info)
{
	int i;

	memset(b, 0, sizeof(*b));
	/* io_uring lets go of the file of a test that has exited a little later. */
	for (i = 0; (b->fd = bare_open(O_RDWR)) == -EBUSY && i < 500; i++)
		usleep(10000);
	ck_assert_msg(b->fd >= 0, "open %s: %s", bare_node(), strerror(-b->fd));
	*info = (struct nvt_device_info) { .size = sizeof(*info) };
	ck_assert_int_eq(bare_ioctl(b->fd, NVT_IOC_DEVICE_INFO, info), 0);
	b->status = mmap(NULL, info->status_length, PROT_READ, MAP_SHARED, b->fd,
			 NVT_MMAP_STATUS);
	ck_assert(b->status != MAP_FAILED);
	b->status_length = info->status_length;
	b->bar_length = info->bar_length[0] < BARE_BAR ? info->bar_length[0] : BARE_BAR;
}

void bare_own(struct bare *b)
{
	struct nvt_device_info info;

	bare_open_writer(b, &info);
	b->bar = mmap(NULL, b->bar_length, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd,
		      NVT_MMAP_BAR(0));
	ck_assert(b->bar != MAP_FAILED);
}

void bare_join(struct bare *b, unsigned int setup_flags)
{
	struct nvt_device_info info;
	uint8_t *doorbells;

	bare_open_writer(b, &info);
	doorbells = mmap(NULL, BARE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd,
			 NVT_MMAP_BAR(0) + BARE_PAGE);
	ck_assert(doorbells != MAP_FAILED);
	b->bar = doorbells - BARE_PAGE;
	ck_assert_int_eq(io_uring_queue_init(64, &b->ring, setup_flags | IORING_SETUP_SQE128 |
					     IORING_SETUP_CQE32), 0);
	b->has_ring = true;
}

void bare_buffer_create(struct bare *b, struct bare_buffer *buf, int kind, size_t length)
{
	struct nvt_buffer_create create = {
		.size = sizeof(create), .kind = kind, .length = length,
		.bus_addrs = (uintptr_t)buf->bus,
	};

	ck_assert_uint_le(length / BARE_PAGE, sizeof(buf->bus) / sizeof(buf->bus[0]));
	ck_assert_int_eq(bare_ioctl(b->fd, NVT_IOC_BUFFER_CREATE, &create), 0);
	buf->id = create.id;
	buf->length = length;
	buf->data = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd,
			 create.mmap_offset);
	ck_assert(buf->data != MAP_FAILED);
}

int bare_buffer_destroy(struct bare *b, struct bare_buffer *buf)
{
	struct nvt_buffer_destroy destroy = { .size = sizeof(destroy), .id = buf->id };

	return bare_ioctl(b->fd, NVT_IOC_BUFFER_DESTROY, &destroy);
}

int bare_vectors(struct bare *b, int type, unsigned int count)
{
	struct nvt_vectors_set set = { .size = sizeof(set), .type = type, .count = count };
	int ret = bare_ioctl(b->fd, NVT_IOC_VECTORS_SET, &set);

	return ret ? ret : (int)set.count;
}

int bare_queue(struct bare *b, struct nvt_queue_create *create)
{
	create->size = sizeof(*create);
	if (!create->nr_entries)
		create->nr_entries = BARE_ENTRIES;
	return bare_ioctl(b->fd, NVT_IOC_QUEUE_CREATE, create);
}

void bare_wait_ready(struct bare *b, uint32_t ready)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int i;

	for (i = 0; i < 10000; i++) {
		if ((bare_reg_read(b->fd, REG_CSTS, 4) & 1) == ready)
			return;
		nanosleep(&ms, NULL);
	}
	ck_abort_msg("CSTS.RDY stays at %u", !ready);
}

void bare_disable(struct bare *b)
{
	bare_reg_write(b->fd, REG_CC, 4, 0);
	bare_wait_ready(b, 0);
}

int bare_release(struct bare *b)
{
	struct nvt_release release = { .size = sizeof(release) };

	return bare_ioctl(b->fd, NVT_IOC_RELEASE, &release);
}

void bare_unmap(struct bare *b)
{
	munmap((void *)b->status, b->status_length);
	munmap((void *)b->bar, b->bar_length);
	munmap((void *)b->records, b->records_length);
	munmap(b->queues.data, b->queues.length);
}

static void bare_admin_queues(struct bare *b, uint32_t entries, uint32_t vector)
{
	size_t sq_length = (entries * 64 + BARE_PAGE - 1) / BARE_PAGE * BARE_PAGE;
	size_t cq_length = (entries * 16 + BARE_PAGE - 1) / BARE_PAGE * BARE_PAGE;
	struct nvt_queue_create cq = {
		.type = NVT_QUEUE_CQ, .flags = NVT_QUEUE_MANAGED, .vector = vector,
		.nr_entries = entries, .buffer_offset = sq_length,
	};
	struct nvt_queue_create sq = {
		.type = NVT_QUEUE_SQ, .flags = NVT_QUEUE_MANAGED, .vector = NVT_NO_VECTOR,
		.nr_entries = entries,
	};

	bare_buffer_create(b, &b->queues, NVT_BUFFER_CONTIGUOUS, sq_length + cq_length);
	cq.buffer_id = b->queues.id;
	sq.buffer_id = b->queues.id;
	ck_assert_int_eq(bare_queue(b, &cq), 0);
	ck_assert_int_eq(bare_queue(b, &sq), 0);
	b->records_length = entries * sizeof(struct nvt_record);
	b->records = mmap(NULL, b->records_length, PROT_READ, MAP_SHARED, b->fd, sq.records_offset);
	ck_assert(b->records != MAP_FAILED);
	bare_reg_write(b->fd, REG_AQA, 4, (entries - 1) << 16 | (entries - 1));
	bare_reg_write(b->fd, REG_ASQ, 8, b->queues.bus[0]);
	bare_reg_write(b->fd, REG_ACQ, 8, b->queues.bus[sq_length / BARE_PAGE]);
}

void bare_start_as(struct bare *b, const struct bare_opts *opts)
{
	unsigned int vectors = opts->vectors ? opts->vectors : 1;
	uint32_t entries = opts->admin_entries ? opts->admin_entries : BARE_ENTRIES;

	bare_own(b);
	ck_assert_int_eq(bare_vectors(b, NVT_VECTOR_MSIX, vectors), vectors);
	bare_disable(b);
	bare_admin_queues(b, entries, opts->admin_polled ? NVT_NO_VECTOR : 0);
	bare_reg_write(b->fd, REG_CC, 4, opts->cc | 4 << 20 | 6 << 16 | 1);
	bare_wait_ready(b, 1);
	ck_assert_int_eq(io_uring_queue_init(64, &b->ring, opts->setup_flags |
					     IORING_SETUP_SQE128 | IORING_SETUP_CQE32), 0);
	b->has_ring = true;
}

void bare_start(struct bare *b, unsigned int setup_flags)
{
	const struct bare_opts opts = {
		.setup_flags = setup_flags, .admin_polled = setup_flags & IORING_SETUP_IOPOLL,
	};

	bare_start_as(b, &opts);
}

void bare_post_op(struct bare *b, uint32_t cmd_op, const void *payload, uint64_t user_data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&b->ring);

	/* An assertion that holds costs a system call, here once a command. */
	if (!sqe)
		ck_abort_msg("the ring is full");
	memset((unsigned char *)sqe, 0, 128);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = b->fd;
	sqe->cmd_op = cmd_op;
	sqe->user_data = user_data;
	memcpy((unsigned char *)sqe + offsetof(struct io_uring_sqe, cmd), payload, 80);
}

int bare_post(struct bare *b, const struct nvt_sqe *cmd, uint16_t sqid)
{
	struct nvt_uring_command payload = { .sqid = sqid };

	memcpy(payload.sqe, cmd, sizeof(payload.sqe));
	bare_post_op(b, NVT_URING_COMMAND, &payload, cmd->cid);
	return 0;
}

int bare_submit(struct bare *b)
{
	int posted = b->ring.sq.sqe_tail - b->ring.sq.sqe_head;
	int ret = io_uring_submit(&b->ring);

	/* With SQPOLL it also counts what its thread has not taken yet. */
	return ret >= 0 && b->ring.flags & IORING_SETUP_SQPOLL ? posted : ret;
}

/* Peeking polls too, where nothing else does. */
bool bare_peek(struct bare *b, struct bare_cqe *ended, unsigned int timeout_ms)
{
	struct __kernel_timespec ts = {
		.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000,
	};
	uint64_t deadline = bare_now_ms() + timeout_ms;
	struct io_uring_cqe *cqe;
	int err;

	if (b->ring.flags & IORING_SETUP_IOPOLL)
		while ((err = io_uring_peek_cqe(&b->ring, &cqe)) && bare_now_ms() < deadline)
			usleep(100);
	else
		err = io_uring_wait_cqe_timeout(&b->ring, &cqe, &ts);
	if (err)
		return false;
	*ended = (struct bare_cqe) {
		.user_data = cqe->user_data, .res = cqe->res, .dw01 = cqe->big_cqe[0],
	};
	io_uring_cqe_seen(&b->ring, cqe);
	return true;
}

struct bare_cqe bare_wait(struct bare *b)
{
	struct bare_cqe ended;

	if (!bare_peek(b, &ended, 15000))
		ck_abort_msg("no completion");
	return ended;
}

struct bare_cqe bare_exec_on(struct bare *b, const struct nvt_sqe *sqe, uint16_t sqid)
{
	bare_post(b, sqe, sqid);
	ck_assert_int_eq(bare_submit(b), 1);
	return bare_wait(b);
}

struct bare_cqe bare_exec(struct bare *b, const struct nvt_sqe *sqe)
{
	return bare_exec_on(b, sqe, 0);
}

int bare_command(int fd, struct nvt_command *command, const struct nvt_sqe *sqe)
{
	command->size = sizeof(*command);
	if (!command->timeout_ms)
		command->timeout_ms = 15000;
	memcpy(command->sqe, sqe, sizeof(command->sqe));
	return bare_ioctl(fd, NVT_IOC_COMMAND, command);
}

uint16_t bare_admin(int fd, const struct nvt_sqe *sqe, uint32_t *dw0)
{
	struct nvt_command command = { .flags = NVT_COMMAND_ANY_CID };
	struct nvt_cqe cqe;

	ck_assert_int_eq(bare_command(fd, &command, sqe), 0);
	memcpy(&cqe, command.cqe, sizeof(cqe));
	if (dw0)
		*dw0 = cqe.dw0;
	return cqe.status_phase >> 1 & 0x7ff;
}

struct nvt_queue_stats bare_stats(int fd, uint16_t qid)
{
	struct nvt_queue_stats stats = { .size = sizeof(stats), .qid = qid };

	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_QUEUE_STATS, &stats), 0);
	return stats;
}

uint64_t bare_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* Linux 6.7 and later may keep an eighth of all memory on lists that MemAvailable does not know. */
static void limit_free_lists(void)
{
	int fd = open("/proc/sys/vm/percpu_pagelist_high_fraction", O_WRONLY);

	ck_assert_int_eq(write(fd, "1000", 4), 4);
	close(fd);
}

uint64_t bare_available_kib(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	char line[128];

	ck_assert_ptr_nonnull(file);
	limit_free_lists();
	while (fgets(line, sizeof(line), file) && sscanf(line, "MemAvailable: %llu", &kib) != 1)
		;
	fclose(file);
	return kib;
}

void bare_wait_available(uint64_t before_kib, uint64_t missing_kib)
{
	uint64_t deadline = bare_now_ms() + 3000;

	while (bare_available_kib() + missing_kib < before_kib && bare_now_ms() < deadline)
		usleep(10000);
	ck_assert_uint_ge(bare_available_kib() + missing_kib, before_kib);
}

void bare_wait_completions(struct bare *b, unsigned int vector, uint64_t count)
{
	uint64_t deadline = bare_now_ms() + 5000;

	while (b->status->vector[vector].completions < count && bare_now_ms() < deadline)
		usleep(1000);
	ck_assert_uint_eq(b->status->vector[vector].completions, count);
}

struct nvt_sqe bare_identify(uint16_t cid, uint64_t prp1)
{
	return (struct nvt_sqe) { .opcode = 0x06, .cid = cid, .prp1 = prp1, .cdw10 = 1 };
}

struct nvt_sqe bare_aer(uint16_t cid)
{
	return (struct nvt_sqe) { .opcode = 0x0c, .cid = cid };
}
