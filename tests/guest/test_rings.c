/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Where rings lie: in scattered pages, anywhere in a buffer, in the device; and the admin queue. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"
#include "fault.h"
#include "queue.h"
#include "suites.h"

#define REG_CAP		0x00
#define REG_CC		0x14
#define REG_CSTS	0x1c
#define REG_AQA		0x24
#define REG_ASQ		0x28
#define REG_ACQ		0x30
#define REG_CMBLOC	0x38
#define REG_CMBSZ	0x3c
#define REG_CMBMSC	0x50
#define CMBMSC_CRE	1
#define CMBMSC_CMSE	2
#define CMBSZ_SQS	1
#define CMBSZ_CQS	2
#define CAP_CMBS	(1ull << 57)
#define CC_ENTRIES	(4 << 20 | 6 << 16)	/* IOCQES, IOSQES */
#define CC_SHN_NORMAL	(1 << 14)
#define CSTS_SHST	(3 << 2)
#define SHST_COMPLETE	(2 << 2)
#define LIST_ENTRIES	(BARE_PAGE / 8)
#define REFUSED_OPCODE	0x7f			/* costs the device nothing: Invalid Command Opcode */

/* NVMe Base 2.1, 5.2.1 and 5.2.2, PC cleared to 0: rings of pages in random bus order. */
START_TEST(rings_by_page_list)
{
	struct bare_buffer cq_mem, sq_mem, cq_list, sq_list, data;
	struct queue cq = { .type = NVT_QUEUE_CQ, .qid = 1, .entries = 300 };
	struct queue sq = { .type = NVT_QUEUE_SQ, .qid = 1, .cqid = 1, .entries = 200 };
	struct bare b;

	bare_start(&b, 0);
	bare_buffer_create(&b, &cq_mem, NVT_BUFFER_PAGES, 2 * BARE_PAGE);
	bare_buffer_create(&b, &sq_mem, NVT_BUFFER_PAGES, 4 * BARE_PAGE);
	bare_buffer_create(&b, &cq_list, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	bare_buffer_create(&b, &sq_list, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	bare_buffer_create(&b, &data, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	queue_page_list(&cq_list, &cq_mem, 2);
	queue_page_list(&sq_list, &sq_mem, 4);
	cq.mem = &cq_mem;
	cq.list = &cq_list;
	sq.mem = &sq_mem;
	sq.list = &sq_list;
	queue_create(&b, &cq);
	queue_create(&b, &sq);
	queue_load(&b, 1, sq.entries, &data, 650);	/* both go round, the SQ twice */
	queue_verify(&b, 1, sq.entries, &data, 0, 20, 1);
	ck_assert_uint_eq(bare_stats(b.fd, 1).unexpected, 0);
}
END_TEST

static void fill_refused(struct queue *sq, uint32_t first, uint32_t count)
{
	struct nvt_sqe *ring = sq->mem->data;
	uint32_t i;

	for (i = 0; i < count; i++)
		ring[(first + i) % sq->entries] = (struct nvt_sqe) {
			.opcode = REFUSED_OPCODE, .cid = first + i, .nsid = 1,
		};
}

/* Takes completions until all are there, in their order. */
static void take(struct bare *b, struct raw_pair *r, uint32_t first, uint32_t count)
{
	const struct nvt_cqe *ring = (struct nvt_cqe *)r->pair.cq.mem->data;
	uint64_t deadline = bare_now_ms() + 30000;
	uint32_t i;

	for (i = 0; i < count; i++) {
		const struct nvt_cqe *cqe = &ring[r->head];

		while ((__atomic_load_n(&cqe->status_phase, __ATOMIC_ACQUIRE) & 1) != r->phase)
			if (usleep(200) || bare_now_ms() > deadline)
				ck_abort_msg("completion %u does not come", i);
		if (cqe->cid != (uint16_t)(first + i) || (cqe->status_phase >> 1 & 0x7ff) != 0x001)
			ck_abort_msg("completion %u: command %u, 0x%x", i, cqe->cid,
				     cqe->status_phase);
		r->head = (r->head + 1) % r->pair.cq.entries;
		r->phase ^= !r->head;
		if (i % 1024 == 1023 || i == count - 1)
			*(volatile uint32_t *)(b->bar + 0x1000 + 12) = r->head;
	}
}

/* So many pages that the list has two, the last entry of the first being a link. */
START_TEST(a_page_list_of_two_pages)
{
	const uint32_t pages = LIST_ENTRIES + 8, entries = pages * BARE_PAGE / 64;
	struct bare_buffer sq_mem, sq_list, cq_mem;
	struct raw_pair r = { .phase = 1 };
	struct bare b;
	uint32_t sent, n;

	/* The second device of the guest has room for it. */
	setenv("NVT_TEST_ADDR", "0000:02:00.0", 1);
	suite_bind();
	bare_start(&b, 0);
	ck_assert_uint_ge(queue_max_entries(&b), entries);
	bare_buffer_create(&b, &sq_mem, NVT_BUFFER_PAGES, pages * BARE_PAGE);
	bare_buffer_create(&b, &sq_list, NVT_BUFFER_PAGES, 2 * BARE_PAGE);
	bare_buffer_create(&b, &cq_mem, NVT_BUFFER_CONTIGUOUS, 16 * BARE_PAGE);
	queue_page_list(&sq_list, &sq_mem, pages);
	r.pair.cq = (struct queue) {
		.type = NVT_QUEUE_CQ, .qid = 1, .entries = 4096, .vector = NVT_NO_VECTOR,
		.raw = true, .mem = &cq_mem,
	};
	r.pair.sq = (struct queue) {
		.type = NVT_QUEUE_SQ, .qid = 1, .cqid = 1, .entries = entries, .raw = true,
		.mem = &sq_mem, .list = &sq_list,
	};
	queue_create(&b, &r.pair.cq);
	queue_create(&b, &r.pair.sq);
	for (sent = 0; sent < entries + 1000; sent += n) {
		n = sent < entries - 1 ? entries - 1 : 1001;
		fill_refused(&r.pair.sq, sent, n);
		*(volatile uint32_t *)(b.bar + 0x1000 + 8) = (sent + n) % entries;
		take(&b, &r, sent, n);
	}
}
END_TEST

/* What lies before and behind them stays as it was. */
START_TEST(rings_anywhere_in_a_buffer)
{
	struct queue cq = { .type = NVT_QUEUE_CQ, .qid = 1, .entries = 8, .offset = BARE_PAGE };
	struct queue sq = {
		.type = NVT_QUEUE_SQ, .qid = 1, .cqid = 1, .entries = 8, .offset = 3 * BARE_PAGE,
	};
	struct bare_buffer mem, data;
	uint8_t fence[BARE_PAGE];
	struct bare b;
	int i;

	bare_start(&b, 0);
	bare_buffer_create(&b, &mem, NVT_BUFFER_CONTIGUOUS, 5 * BARE_PAGE);
	bare_buffer_create(&b, &data, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	memset(fence, 0x77, sizeof(fence));
	memset(mem.data, 0x77, mem.length);
	cq.mem = &mem;
	sq.mem = &mem;
	queue_create(&b, &cq);
	queue_create(&b, &sq);
	queue_verify(&b, 1, 8, &data, 0, 20, 1);
	for (i = 0; i < 5; i += 2)
		ck_assert_mem_eq((char *)mem.data + i * BARE_PAGE, fence, BARE_PAGE);
	ck_assert_mem_eq((char *)mem.data + BARE_PAGE + 8 * 16, fence, BARE_PAGE - 8 * 16);
	ck_assert_mem_eq((char *)mem.data + 3 * BARE_PAGE + 8 * 64, fence, BARE_PAGE - 8 * 64);
}
END_TEST

/* To the driver an offset of 4 is as good as any; the device refuses it. */
START_TEST(an_offset_that_the_device_refuses)
{
	struct queue cq = { .type = NVT_QUEUE_CQ, .qid = 1, .entries = 8, .offset = 4 };
	struct bare_buffer mem;
	struct bare b;

	bare_start(&b, 0);
	bare_buffer_create(&b, &mem, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	cq.mem = &mem;
	ck_assert_int_eq(queue_create_host(&b, &cq), 0);
	ck_assert_uint_eq(queue_create_device(&b, &cq), 0x013);	/* PRP Offset Invalid */
	ck_assert_int_eq(queue_destroy_host(&b, NVT_QUEUE_CQ, 1), 0);
	cq.offset = 2;
	ck_assert_int_eq(queue_create_host(&b, &cq), -EINVAL);
}
END_TEST

/* NVMe Base 2.1, 3.1.4.11 to 3.1.4.21. Returns CMBSZ. */
static uint32_t enable_cmb(struct bare *b, struct bare_buffer *cmb, size_t length)
{
	struct nvt_buffer_create create = {
		.size = sizeof(create), .kind = NVT_BUFFER_BAR, .length = length,
		.bus_addrs = (uintptr_t)cmb->bus,
	};

	ck_assert_uint_ne(bare_reg_read(b->fd, REG_CAP, 8) & CAP_CMBS, 0);
	bare_reg_write(b->fd, REG_CMBMSC, 8, CMBMSC_CRE);
	create.bar = bare_reg_read(b->fd, REG_CMBLOC, 4) & 7;
	ck_assert_int_eq(bare_ioctl(b->fd, NVT_IOC_BUFFER_CREATE, &create), 0);
	bare_reg_write(b->fd, REG_CMBMSC, 8, cmb->bus[0] | CMBMSC_CMSE | CMBMSC_CRE);
	cmb->id = create.id;
	cmb->length = length;
	cmb->data = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd,
			 create.mmap_offset);
	ck_assert(cmb->data != MAP_FAILED);
	return bare_reg_read(b->fd, REG_CMBSZ, 4);
}

/* Whole words, as memory behind a bus wants it. */
static void copy_words(volatile uint64_t *to, const volatile uint64_t *from, size_t length)
{
	size_t i;

	for (i = 0; i < length / 8; i++)
		to[i] = from[i];
}

START_TEST(queues_and_data_in_the_cmb)
{
	struct queue cq = { .type = NVT_QUEUE_CQ, .qid = 1, .offset = BARE_PAGE };
	struct queue sq = { .type = NVT_QUEUE_SQ, .qid = 1, .cqid = 1 };
	struct bare_buffer cmb, host, in_cmb;
	uint8_t expected[QUEUE_BLOCK], got[QUEUE_BLOCK];
	struct nvt_sqe sqe;
	struct bare b;
	uint32_t cmbsz;
	int i;

	bare_start(&b, 0);
	cmbsz = enable_cmb(&b, &cmb, 4 * BARE_PAGE);
	ck_assert_uint_ne(cmbsz & CMBSZ_SQS, 0);
	bare_buffer_create(&b, &host, NVT_BUFFER_CONTIGUOUS, 2 * BARE_PAGE);
	cq.mem = cmbsz & CMBSZ_CQS ? &cmb : &host;
	sq.mem = &cmb;
	queue_create(&b, &cq);
	queue_create(&b, &sq);
	queue_verify(&b, 1, BARE_ENTRIES, &host, 0, 2 * BARE_ENTRIES, 3);
	/* The entries are there, where the device has its memory. */
	ck_assert_uint_ne(*(volatile uint32_t *)cmb.data, 0);
	in_cmb = cmb;
	in_cmb.data = (char *)cmb.data + 2 * BARE_PAGE;
	in_cmb.bus[0] = cmb.bus[2];
	for (i = 0; i < 8; i++) {
		queue_fill(expected, i, 4);
		copy_words(in_cmb.data, (uint64_t *)expected, QUEUE_BLOCK);
		sqe = queue_write(i, i, in_cmb.bus[0]);
		ck_assert_int_eq(bare_exec_on(&b, &sqe, 1).res, 0);
		memset(host.data, 0, QUEUE_BLOCK);
		sqe = queue_read(i, i, host.bus[0]);
		ck_assert_int_eq(bare_exec_on(&b, &sqe, 1).res, 0);
		ck_assert_mem_eq(host.data, expected, QUEUE_BLOCK);
		sqe = queue_read(i, i, cmb.bus[3]);
		ck_assert_int_eq(bare_exec_on(&b, &sqe, 1).res, 0);
		copy_words((uint64_t *)got, (uint64_t *)((char *)cmb.data + 3 * BARE_PAGE),
			   QUEUE_BLOCK);
		ck_assert_mem_eq(got, expected, QUEUE_BLOCK);
	}
	ck_assert_int_eq(bare_buffer_destroy(&b, &cmb), -EBUSY);
	queue_delete(&b, &sq);
	queue_delete(&b, &cq);
	ck_assert_int_eq(bare_buffer_destroy(&b, &cmb), 0);
}
END_TEST

START_TEST(bar_buffers_stay_in_their_bar)
{
	uint64_t bus[4];
	struct nvt_buffer_create good = {
		.size = sizeof(good), .kind = NVT_BUFFER_BAR, .length = BARE_PAGE,
		.bus_addrs = (uintptr_t)bus,
	}, bad;
	struct nvt_device_info info = { .size = sizeof(info) };
	struct bare b;

	bare_own(&b);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_DEVICE_INFO, &info), 0);
#define REFUSED(...) do {							\
	bad = good;								\
	__VA_ARGS__;								\
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &bad), -EINVAL);	\
} while (0)
	REFUSED(bad.bar = 6);
	REFUSED(bad.bar = 5);				/* not there */
	REFUSED(bad.bar_offset = 2048);
	REFUSED(bad.bar_offset = info.bar_length[0]);
	REFUSED(bad.length = info.bar_length[0] + BARE_PAGE);
	REFUSED(bad.bar_offset = UINT64_MAX - BARE_PAGE + 1);
	REFUSED(bad.kind = NVT_BUFFER_PAGES; bad.bar_offset = BARE_PAGE);
#undef REFUSED
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &good), 0);
	ck_assert_uint_ne(bus[0], 0);
}
END_TEST

static const uint32_t admin_sizes[] = { 2, 3, 4096 };

START_TEST(a_managed_admin_queue_of_any_size)
{
	const uint32_t entries = admin_sizes[_i];
	const struct bare_opts opts = { .admin_entries = entries };
	struct nvt_sqe sqe = { .opcode = 0x0a, .cdw10 = 0x07 };
	struct bare b;
	uint32_t i, n, sent;
	int failed = 0;

	bare_start_as(&b, &opts);
	for (sent = 0; sent < entries + 10; sent += n) {
		n = entries - 1 < 32 ? entries - 1 : 32;
		for (i = 0; i < n; i++) {
			sqe.cid = (sent + i) % (entries - 1);
			bare_post(&b, &sqe, 0);
		}
		ck_assert_int_eq(bare_submit(&b), n);
		for (i = 0; i < n; i++)
			failed |= bare_wait(&b).res;
	}
	ck_assert_int_eq(failed, 0);
	ck_assert_uint_eq(bare_stats(b.fd, 0).completed, sent);
}
END_TEST

START_TEST(a_raw_admin_queue_of_any_size)
{
	const uint32_t entries = admin_sizes[_i];
	struct nvt_sqe sqe = { .opcode = 0x0a, .cdw10 = 0x07 };
	struct raw_pair r;
	struct bare b;
	uint32_t i, wrong = 0;

	raw_start_admin(&b, &r, entries);
	for (i = 0; i < entries + 10; i++) {
		struct nvt_cqe cqe;

		sqe.cid = i;
		cqe = raw_exec(&b, &r, &sqe);
		wrong += cqe.status_phase >> 1 || cqe.cid != (uint16_t)i;
	}
	ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* NVMe Base 2.1, 3.5.1, and 3.6.1 for the shutdown. */
START_TEST(a_controller_goes_through_its_states)
{
	struct nvt_sqe sqe;
	struct bare_buffer data;
	struct raw_pair r;
	struct bare b;
	int round, i;

	for (round = 0; round < 2; round++) {
		raw_start_admin(&b, &r, 16);
		ck_assert_uint_eq(bare_reg_read(b.fd, REG_CSTS, 4) & 0xf, 1);
		bare_buffer_create(&b, &data, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
		sqe = bare_identify(1, data.bus[0]);
		ck_assert_uint_eq(raw_exec(&b, &r, &sqe).status_phase >> 1, 0);
		ck_assert_uint_eq(*(uint16_t *)data.data,
				  fault_possible() ? 0x1234 : 0x1b36);	/* VID */
		bare_reg_write(b.fd, REG_CC, 4, CC_ENTRIES | CC_SHN_NORMAL | 1);
		for (i = 0; (bare_reg_read(b.fd, REG_CSTS, 4) & CSTS_SHST) != SHST_COMPLETE; i++) {
			ck_assert_int_lt(i, 5000);
			usleep(1000);
		}
		bare_disable(&b);
		ck_assert_uint_eq(bare_reg_read(b.fd, REG_CSTS, 4) & 1, 0);
		ck_assert_int_eq(bare_release(&b), 0);
		close(b.fd);
	}
}
END_TEST

Suite *rings_suite(void)
{
	Suite *suite = suite_create("rings");
	TCase *tcase = tcase_create("memory");

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, rings_anywhere_in_a_buffer);
	tcase_add_test(tcase, an_offset_that_the_device_refuses);
	tcase_add_test(tcase, queues_and_data_in_the_cmb);
	tcase_add_test(tcase, bar_buffers_stay_in_their_bar);
	/* The largest takes the model 8 s. */
	tcase_add_loop_test(tcase, a_managed_admin_queue_of_any_size, 0,
			    fault_possible() && !suite_full() ? 2 : 3);
	tcase_add_loop_test(tcase, a_raw_admin_queue_of_any_size, 0, 3);
	tcase_add_test(tcase, a_controller_goes_through_its_states);
	/* QEMU's device has CAP.CQR set. */
	if (fault_possible()) {
		tcase_add_test(tcase, rings_by_page_list);
		/* 34,000 commands: up to a minute. */
		if (suite_full())
			tcase_add_test(tcase, a_page_list_of_two_pages);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}
