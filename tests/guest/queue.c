/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue.h"

#define REG_CC		0x14
#define REG_AQA		0x24
#define REG_ASQ		0x28
#define REG_ACQ		0x30
#define CC_ENTRIES	(4 << 20 | 6 << 16)	/* IOCQES, IOSQES */
#define DELETE_SQ	0x00
#define CREATE_SQ	0x01
#define DELETE_CQ	0x04
#define CREATE_CQ	0x05
#define PC		(1U << 0)
#define IEN		(1U << 1)

static uint32_t entries_of(const struct queue *q)
{
	return q->entries ? q->entries : BARE_ENTRIES;
}

int queue_create_host(struct bare *b, struct queue *q)
{
	struct nvt_queue_create create = {
		.type = q->type, .flags = q->raw ? 0 : NVT_QUEUE_MANAGED, .qid = q->qid,
		.cqid = q->cqid, .nr_entries = entries_of(q), .buffer_id = q->mem->id,
		.buffer_offset = q->offset,
		.vector = q->type == NVT_QUEUE_CQ && !q->raw ? q->vector : NVT_NO_VECTOR,
	};
	int ret = bare_queue(b, &create);

	if (!ret && q->type == NVT_QUEUE_SQ && !q->raw) {
		q->records = mmap(NULL, entries_of(q) * sizeof(struct nvt_record), PROT_READ,
				  MAP_SHARED, b->fd, create.records_offset);
		ck_assert(q->records != MAP_FAILED);
	}
	return ret;
}

struct nvt_sqe queue_create_sqe(const struct queue *q)
{
	struct nvt_sqe sqe = {
		.prp1 = q->list ? q->list->bus[0] :
				  q->mem->bus[q->offset / BARE_PAGE] + q->offset % BARE_PAGE,
		.cdw10 = (entries_of(q) - 1) << 16 | q->qid,
		.cdw11 = q->list ? 0 : PC,
	};

	if (q->type == NVT_QUEUE_CQ) {
		sqe.opcode = CREATE_CQ;
		if (q->vector != NVT_NO_VECTOR)
			sqe.cdw11 |= q->vector << 16 | IEN;
	} else {
		sqe.opcode = CREATE_SQ;
		sqe.cdw11 |= (uint32_t)q->cqid << 16 | (uint32_t)q->priority << 1;
	}
	return sqe;
}

uint16_t queue_create_device(struct bare *b, const struct queue *q)
{
	struct nvt_sqe sqe = queue_create_sqe(q);

	return bare_admin(b->fd, &sqe, NULL);
}

int queue_destroy_host(struct bare *b, int type, uint16_t qid)
{
	struct nvt_queue_destroy destroy = { .size = sizeof(destroy), .type = type, .qid = qid };

	return bare_ioctl(b->fd, NVT_IOC_QUEUE_DESTROY, &destroy);
}

uint16_t queue_delete_device(struct bare *b, int type, uint16_t qid)
{
	struct nvt_sqe sqe = {
		.opcode = type == NVT_QUEUE_CQ ? DELETE_CQ : DELETE_SQ, .cdw10 = qid,
	};

	return bare_admin(b->fd, &sqe, NULL);
}

void queue_create(struct bare *b, struct queue *q)
{
	uint16_t status;

	ck_assert_int_eq(queue_create_host(b, q), 0);
	status = queue_create_device(b, q);
	ck_assert_msg(!status, "Create I/O %s %u of %u entries: status 0x%x",
		      q->type == NVT_QUEUE_CQ ? "CQ" : "SQ", q->qid, entries_of(q), status);
}

void queue_delete(struct bare *b, const struct queue *q)
{
	ck_assert_uint_eq(queue_delete_device(b, q->type, q->qid), 0);
	ck_assert_int_eq(queue_destroy_host(b, q->type, q->qid), 0);
	if (q->records)
		munmap((void *)q->records, entries_of(q) * sizeof(struct nvt_record));
}

void queue_page_list(struct bare_buffer *list, const struct bare_buffer *mem, unsigned int nr)
{
	const unsigned int per_page = BARE_PAGE / 8;
	unsigned int i, page = 0, at = 0;

	for (i = 0; i < nr; i++) {
		uint64_t *entries = (uint64_t *)((char *)list->data + page * BARE_PAGE);

		if (at == per_page - 1 && i + 1 < nr) {
			entries[at] = list->bus[++page];
			entries = (uint64_t *)((char *)list->data + page * BARE_PAGE);
			at = 0;
		}
		entries[at++] = mem->bus[i];
	}
}

static size_t round_up(size_t length)
{
	return (length + BARE_PAGE - 1) / BARE_PAGE * BARE_PAGE;
}

static void pair_prepare(struct bare *b, struct pair *p, uint16_t qid, uint32_t entries,
			 uint32_t vector)
{
	size_t sq_length = round_up(entries * 64);

	memset(p, 0, sizeof(*p));
	bare_buffer_create(b, &p->rings, NVT_BUFFER_CONTIGUOUS, sq_length + round_up(entries * 16));
	bare_buffer_create(b, &p->data, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	p->cq = (struct queue) {
		.type = NVT_QUEUE_CQ, .qid = qid, .entries = entries, .vector = vector,
		.mem = &p->rings, .offset = sq_length,
	};
	p->sq = (struct queue) {
		.type = NVT_QUEUE_SQ, .qid = qid, .cqid = qid, .entries = entries, .mem = &p->rings,
	};
}

void pair_create(struct bare *b, struct pair *p, uint16_t qid, uint32_t entries, uint32_t vector)
{
	pair_prepare(b, p, qid, entries, vector);
	queue_create(b, &p->cq);
	queue_create(b, &p->sq);
}

static void buffer_free(struct bare *b, struct bare_buffer *buf)
{
	munmap(buf->data, buf->length);
	ck_assert_int_eq(bare_buffer_destroy(b, buf), 0);
}

void pair_delete(struct bare *b, struct pair *p)
{
	queue_delete(b, &p->sq);
	queue_delete(b, &p->cq);
	buffer_free(b, &p->rings);
	buffer_free(b, &p->data);
}

static struct nvt_sqe queue_io(uint8_t opcode, uint16_t cid, uint64_t block, uint64_t bus)
{
	return (struct nvt_sqe) {
		.opcode = opcode, .cid = cid, .nsid = 1, .prp1 = bus, .cdw10 = block * QUEUE_BLOCKS,
		.cdw12 = QUEUE_BLOCKS - 1,
	};
}

struct nvt_sqe queue_write(uint16_t cid, uint64_t block, uint64_t bus)
{
	return queue_io(0x01, cid, block, bus);
}

struct nvt_sqe queue_read(uint16_t cid, uint64_t block, uint64_t bus)
{
	return queue_io(0x02, cid, block, bus);
}

void queue_fill(void *data, uint64_t block, uint32_t seed)
{
	uint32_t *words = data, x = block * 2654435761u + seed * 40503u + 1;
	unsigned int i;

	for (i = 0; i < QUEUE_BLOCK / 4; i++)
		words[i] = x = x * 1664525u + 1013904223u;
}

void queue_verify(struct bare *b, uint16_t sqid, uint32_t entries, struct bare_buffer *data,
		  uint64_t first, unsigned int count, uint32_t seed)
{
	uint8_t expected[QUEUE_BLOCK];
	struct nvt_sqe sqe;
	unsigned int i;

	for (i = 0; i < 2 * count; i++) {
		uint64_t block = first + i % count;
		uint16_t cid = i % (entries - 1);

		queue_fill(expected, block, seed);
		if (i < count)
			memcpy(data->data, expected, QUEUE_BLOCK);
		else
			memset(data->data, 0, QUEUE_BLOCK);
		sqe = i < count ? queue_write(cid, block, data->bus[0]) :
				  queue_read(cid, block, data->bus[0]);
		ck_assert_int_eq(bare_exec_on(b, &sqe, sqid).res, 0);
		ck_assert_msg(!memcmp(data->data, expected, QUEUE_BLOCK), "SQ %u: block %llu", sqid,
			      (unsigned long long)block);
	}
}

void queue_load(struct bare *b, uint16_t sqid, uint32_t entries, struct bare_buffer *data,
		unsigned int count)
{
	unsigned int batch = entries - 1 < 32 ? entries - 1 : 32, first, i, n;
	struct nvt_sqe sqe;
	int failed = 0;

	for (first = 0; first < count; first += n) {
		n = count - first < batch ? count - first : batch;
		for (i = 0; i < n; i++) {
			sqe = queue_read((first + i) % (entries - 1), 0, data->bus[0]);
			sqe.cdw12 = 0;
			bare_post(b, &sqe, sqid);
		}
		ck_assert_int_eq(bare_submit(b), n);
		for (i = 0; i < n; i++)
			failed |= bare_wait(b).res;
		ck_assert_int_eq(failed, 0);
	}
}

unsigned int queue_number(struct bare *b)
{
	struct nvt_sqe sqe = { .opcode = 0x09, .cdw10 = 0x07, .cdw11 = 0xfffefffe };
	uint32_t dw0 = 0;

	ck_assert_uint_eq(bare_admin(b->fd, &sqe, &dw0), 0);
	return (dw0 >> 16 < (dw0 & 0xffff) ? dw0 >> 16 : dw0 & 0xffff) + 1;
}

uint32_t queue_max_entries(struct bare *b)
{
	return (bare_reg_read(b->fd, 0, 8) & 0xffff) + 1;
}

void raw_prepare(struct bare *b, struct raw_pair *r, uint16_t qid, uint32_t entries)
{
	memset(r, 0, sizeof(*r));
	r->phase = 1;
	pair_prepare(b, &r->pair, qid, entries, NVT_NO_VECTOR);
	r->pair.cq.raw = true;
	r->pair.sq.raw = true;
}

void raw_create(struct bare *b, struct raw_pair *r, uint16_t qid, uint32_t entries)
{
	raw_prepare(b, r, qid, entries);
	queue_create(b, &r->pair.cq);
	queue_create(b, &r->pair.sq);
}

static volatile uint32_t *doorbell(struct bare *b, const struct queue *q)
{
	return (volatile uint32_t *)(b->bar + 0x1000) + 2 * q->qid + (q->type == NVT_QUEUE_CQ);
}

struct nvt_cqe raw_exec(struct bare *b, struct raw_pair *r, const struct nvt_sqe *sqe)
{
	struct queue *sq = &r->pair.sq, *cq = &r->pair.cq;
	const struct nvt_cqe *entry = (struct nvt_cqe *)((char *)cq->mem->data + cq->offset) +
				      r->head;
	uint64_t deadline = bare_now_ms() + 15000;
	struct nvt_cqe cqe;

	memcpy((char *)sq->mem->data + sq->offset + r->tail * 64, sqe, 64);
	r->tail = (r->tail + 1) % sq->entries;
	*doorbell(b, sq) = r->tail;
	while ((__atomic_load_n(&entry->status_phase, __ATOMIC_ACQUIRE) & 1) != r->phase) {
		if (bare_now_ms() > deadline)
			ck_abort_msg("raw queue %u: no completion", sq->qid);
		usleep(50);
	}
	cqe = *entry;
	r->head = (r->head + 1) % cq->entries;
	r->phase ^= !r->head;
	*doorbell(b, cq) = r->head;
	return cqe;
}

void raw_verify(struct bare *b, struct raw_pair *r, uint64_t first, unsigned int count,
		uint32_t seed)
{
	struct bare_buffer *data = &r->pair.data;
	uint8_t expected[QUEUE_BLOCK];
	struct nvt_sqe sqe;
	unsigned int i;

	for (i = 0; i < 2 * count; i++) {
		uint64_t block = first + i % count;

		queue_fill(expected, block, seed);
		memcpy(data->data, expected, i < count ? QUEUE_BLOCK : 0);
		sqe = i < count ? queue_write(i, block, data->bus[0]) :
				  queue_read(i, block, data->bus[0]);
		ck_assert_uint_eq(raw_exec(b, r, &sqe).status_phase >> 1, 0);
		ck_assert_mem_eq(data->data, expected, QUEUE_BLOCK);
		memset(data->data, 0, QUEUE_BLOCK);
	}
}

/* Registers as a program writes them, step by step; the driver only knows of the rings. */
void raw_start_admin(struct bare *b, struct raw_pair *r, uint32_t entries)
{
	size_t sq_length = (entries * 64 + BARE_PAGE - 1) / BARE_PAGE * BARE_PAGE;
	size_t cq_length = (entries * 16 + BARE_PAGE - 1) / BARE_PAGE * BARE_PAGE;

	memset(r, 0, sizeof(*r));
	r->phase = 1;
	bare_own(b);
	bare_buffer_create(b, &r->pair.rings, NVT_BUFFER_CONTIGUOUS, sq_length + cq_length);
	r->pair.sq = (struct queue) {
		.type = NVT_QUEUE_SQ, .entries = entries, .raw = true, .mem = &r->pair.rings,
	};
	r->pair.cq = (struct queue) {
		.type = NVT_QUEUE_CQ, .entries = entries, .raw = true, .mem = &r->pair.rings,
		.offset = sq_length, .vector = NVT_NO_VECTOR,
	};
	ck_assert_int_eq(queue_create_host(b, &r->pair.cq), 0);
	ck_assert_int_eq(queue_create_host(b, &r->pair.sq), 0);
	bare_disable(b);
	bare_reg_write(b->fd, REG_AQA, 4, (entries - 1) << 16 | (entries - 1));
	bare_reg_write(b->fd, REG_ASQ, 8, r->pair.rings.bus[0]);
	bare_reg_write(b->fd, REG_ACQ, 8, r->pair.rings.bus[sq_length / BARE_PAGE]);
	ck_assert_uint_eq(bare_reg_read(b->fd, REG_AQA, 4), (entries - 1) << 16 | (entries - 1));
	ck_assert_uint_eq(bare_reg_read(b->fd, REG_ASQ, 8), r->pair.rings.bus[0]);
	ck_assert_uint_eq(bare_reg_read(b->fd, REG_ACQ, 4),
			  (uint32_t)r->pair.rings.bus[sq_length / BARE_PAGE]);
	bare_reg_write(b->fd, REG_CC, 4, CC_ENTRIES | 1);
	bare_wait_ready(b, 1);
}
