/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * I/O queues through the UAPI: the host's side and the device's side, made
 * apart or together, of any shape. Failures end the test, except where a
 * result is returned.
 */
#ifndef NVT_TEST_QUEUE_H
#define NVT_TEST_QUEUE_H

#include "bare.h"

#define QUEUE_BLOCK	4096			/* bytes of a write or read here */
#define QUEUE_BLOCKS	(QUEUE_BLOCK / 512)	/* logical blocks in it */

struct queue {
	int type;			/* enum nvt_queue_type */
	uint16_t qid;
	uint16_t cqid;			/* of an SQ */
	uint16_t priority;		/* of an SQ: QPRIO */
	uint32_t entries;		/* BARE_ENTRIES */
	uint32_t vector;		/* of a CQ, or NVT_NO_VECTOR */
	bool raw;
	struct bare_buffer *mem;	/* holds the ring, from offset on */
	uint64_t offset;
	struct bare_buffer *list;	/* the pages of mem as PRP list: PC is 0 */
	const volatile struct nvt_record *records;
};

/* An SQ and its CQ in memory of their own. */
struct pair {
	struct queue sq, cq;
	struct bare_buffer rings, data;
};

int queue_create_host(struct bare *b, struct queue *q);		/* 0 or a negative errno */
uint16_t queue_create_device(struct bare *b, const struct queue *q);	/* a status code */
struct nvt_sqe queue_create_sqe(const struct queue *q);
int queue_destroy_host(struct bare *b, int type, uint16_t qid);
uint16_t queue_delete_device(struct bare *b, int type, uint16_t qid);

/* Both sides. */
void queue_create(struct bare *b, struct queue *q);
void queue_delete(struct bare *b, const struct queue *q);

/* Links the pages of a buffer of NVT_BUFFER_PAGES, with a full list page's last entry to the next. */
void queue_page_list(struct bare_buffer *list, const struct bare_buffer *mem, unsigned int nr);

void pair_create(struct bare *b, struct pair *p, uint16_t qid, uint32_t entries, uint32_t vector);
void pair_delete(struct bare *b, struct pair *p);

struct nvt_sqe queue_write(uint16_t cid, uint64_t block, uint64_t bus);
struct nvt_sqe queue_read(uint16_t cid, uint64_t block, uint64_t bus);

/* What block @block has in generation @seed. */
void queue_fill(void *data, uint64_t block, uint32_t seed);

/*
 * Writes @count blocks from @first on, then reads and compares them, one after another through
 * SQ @sqid, whose command ids go round. @data has a page.
 */
void queue_verify(struct bare *b, uint16_t sqid, uint32_t entries, struct bare_buffer *data,
		  uint64_t first, unsigned int count, uint32_t seed);

/* @count reads of one logical block, as many at once as the SQ holds (32 at most). */
void queue_load(struct bare *b, uint16_t sqid, uint32_t entries, struct bare_buffer *data,
		unsigned int count);

/* Asks for as many I/O queues as there can be: how many SQs and CQs there are, the fewer of both. */
unsigned int queue_number(struct bare *b);

/* CAP.MQES, as a number of entries. */
uint32_t queue_max_entries(struct bare *b);

/* The queue by hand: doorbells by the mapping, completions by the phase bit. */
struct raw_pair {
	struct pair pair;
	uint32_t tail, head;
	uint16_t phase;
};

void raw_prepare(struct bare *b, struct raw_pair *r, uint16_t qid, uint32_t entries);
void raw_create(struct bare *b, struct raw_pair *r, uint16_t qid, uint32_t entries);
struct nvt_cqe raw_exec(struct bare *b, struct raw_pair *r, const struct nvt_sqe *sqe);
void raw_verify(struct bare *b, struct raw_pair *r, uint64_t first, unsigned int count,
		uint32_t seed);

/* Owns the device, and brings it up register by register with an admin queue by hand. */
void raw_start_admin(struct bare *b, struct raw_pair *r, uint32_t entries);

#endif /* NVT_TEST_QUEUE_H */
