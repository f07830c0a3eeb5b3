/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A device driven through the UAPI alone, without libnvt: what the tests of
 * the driver stand on. Failures end the test.
 */
#ifndef NVT_TEST_BARE_H
#define NVT_TEST_BARE_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include <nvt/cmd.h>
#include <nvt/uapi.h>

#define BARE_ENTRIES	32
#define BARE_PAGE	4096
#define BARE_BAR	16384

struct bare_buffer {
	uint32_t id;
	size_t length;
	void *data;
	uint64_t bus[1024];
};

struct bare {
	int fd;
	const volatile struct nvt_status *status;
	volatile uint8_t *bar;			/* BAR 0, BARE_BAR of it at most */
	size_t bar_length;
	size_t status_length;
	size_t records_length;
	struct io_uring ring;
	bool has_ring;
	struct bare_buffer queues;		/* admin SQ in page 0, CQ in page 1 */
	const volatile struct nvt_record *records;
};

/* How the controller is brought up; zeros are what most tests want. */
struct bare_opts {
	unsigned int setup_flags;		/* of the ring, beside SQE128 and CQE32 */
	unsigned int vectors;			/* 1 */
	unsigned int admin_entries;		/* BARE_ENTRIES */
	bool admin_polled;			/* else its CQ has vector 0 */
	uint32_t cc;				/* bits of CC beside EN and the entry sizes */
};

/* How a command ended as io_uring tells it. */
struct bare_cqe {
	uint64_t user_data;
	int32_t res;
	uint64_t dw01;
};

const char *bare_addr(void);
const char *bare_node(void);

int bare_ioctl(int fd, unsigned long cmd, void *arg);	/* 0 or a negative errno */
int bare_open(int flags);				/* a descriptor or a negative errno */
uint64_t bare_reg_read(int fd, uint64_t offset, int width);
void bare_reg_write(int fd, uint64_t offset, int width, uint64_t value);

void bare_own(struct bare *b);
void bare_buffer_create(struct bare *b, struct bare_buffer *buf, int kind, size_t length);
int bare_buffer_destroy(struct bare *b, struct bare_buffer *buf);
int bare_vectors(struct bare *b, int type, unsigned int count);
int bare_queue(struct bare *b, struct nvt_queue_create *create);

/* Owns the device and brings its controller up with a managed admin queue. */
void bare_start(struct bare *b, unsigned int setup_flags);
void bare_start_as(struct bare *b, const struct bare_opts *opts);
/* Joins the owner as a user: of BAR 0 only the doorbells are mapped. */
void bare_join(struct bare *b, unsigned int setup_flags);
void bare_disable(struct bare *b);
void bare_wait_ready(struct bare *b, uint32_t ready);
int bare_release(struct bare *b);
void bare_unmap(struct bare *b);	/* what was mapped to start it: mappings hold the file too */

int bare_post(struct bare *b, const struct nvt_sqe *sqe, uint16_t sqid);
int bare_submit(struct bare *b);
struct bare_cqe bare_wait(struct bare *b);
bool bare_peek(struct bare *b, struct bare_cqe *ended, unsigned int timeout_ms);
struct bare_cqe bare_exec(struct bare *b, const struct nvt_sqe *sqe);
struct bare_cqe bare_exec_on(struct bare *b, const struct nvt_sqe *sqe, uint16_t sqid);

/* Posts an entry with all that io_uring hands to the driver: cmd_op and the 80 bytes at sqe->cmd. */
void bare_post_op(struct bare *b, uint32_t cmd_op, const void *payload, uint64_t user_data);

/* One command by the blocking ioctl; 0 or a negative errno, and the completion in @command. */
int bare_command(int fd, struct nvt_command *command, const struct nvt_sqe *sqe);
/* An admin command with any id: the status field without DNR, More and CRD. */
uint16_t bare_admin(int fd, const struct nvt_sqe *sqe, uint32_t *dw0);

struct nvt_queue_stats bare_stats(int fd, uint16_t qid);
uint64_t bare_now_ms(void);
uint64_t bare_available_kib(void);

/* Memory is back, or will be in a moment, but for @missing_kib of what was available before. */
void bare_wait_available(uint64_t before_kib, uint64_t missing_kib);

/* A vector has reaped so many; it counts them after it has handed them on. */
void bare_wait_completions(struct bare *b, unsigned int vector, uint64_t count);
struct nvt_sqe bare_identify(uint16_t cid, uint64_t prp1);
struct nvt_sqe bare_aer(uint16_t cid);

#endif /* NVT_TEST_BARE_H */
