/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Managed queues: commands through io_uring, completed at interrupts or by polling. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bare.h"
#include "stock.h"
#include "suites.h"

START_TEST(identify_completes_at_an_interrupt)
{
	struct bare_buffer buf;
	struct nvt_sqe sqe;
	struct bare_cqe cqe;
	const struct nvt_cqe *raw;
	struct nvt_record record;
	struct timespec now;
	struct bare b;

	bare_start(&b, 0);
	bare_buffer_create(&b, &buf, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	sqe = bare_identify(7, buf.bus[0]);
	cqe = bare_exec(&b, &sqe);
	clock_gettime(CLOCK_MONOTONIC, &now);
	ck_assert_int_eq(cqe.res, 0);
	ck_assert_uint_eq(cqe.user_data, 7);
	ck_assert_mem_eq((char *)buf.data + 24, "QEMU NVMe Ctrl", 14);

	record = *(const struct nvt_record *)&b.records[7];
	raw = (const struct nvt_cqe *)record.cqe;
	ck_assert_uint_eq(raw->cid, 7);
	ck_assert_uint_eq(raw->sqid, 0);
	ck_assert_uint_eq(raw->sqhd, 1);
	ck_assert_uint_eq(raw->status_phase, 1);
	ck_assert_uint_gt(record.complete_ns, record.submit_ns);
	ck_assert_uint_lt(record.complete_ns, now.tv_sec * 1000000000ull + now.tv_nsec);
	ck_assert_uint_eq(b.status->vector[0].interrupts, 1);
	ck_assert_uint_eq(b.status->vector[0].completions, 1);
	ck_assert_uint_eq(b.status->vector[0].last_ns, record.complete_ns);
}
END_TEST

START_TEST(a_device_error_is_a_result)
{
	struct nvt_sqe sqe = { .opcode = 0xc5, .cid = 1 };
	struct bare b;

	bare_start(&b, 0);
	ck_assert_int_eq(bare_exec(&b, &sqe).res & 0x7ff, 0x001);	/* Invalid Command Opcode */
}
END_TEST

START_TEST(the_completion_carries_dw0)
{
	struct nvt_sqe sqe = { .opcode = 0x09, .cid = 1, .cdw10 = 7, .cdw11 = 0x00020002 };
	struct bare b;

	bare_start(&b, 0);
	ck_assert_uint_eq(bare_exec(&b, &sqe).dw01 & 0xffff, ((const struct nvt_cqe *)
			  ((const struct nvt_record *)&b.records[1])->cqe)->dw0 & 0xffff);
	sqe = (struct nvt_sqe) { .opcode = 0x0a, .cid = 2, .cdw10 = 2 };
	ck_assert_int_eq(bare_exec(&b, &sqe).res, 0);
}
END_TEST

START_TEST(one_doorbell_for_a_batch)
{
	struct bare_buffer buf;
	struct bare b;
	uint16_t cid;
	struct nvt_sqe sqe;

	bare_start(&b, 0);
	bare_buffer_create(&b, &buf, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	for (cid = 0; cid < 16; cid++) {
		sqe = bare_identify(cid, buf.bus[0]);
		bare_post(&b, &sqe, 0);
	}
	ck_assert_int_eq(bare_submit(&b), 16);
	for (cid = 0; cid < 16; cid++)
		ck_assert_int_eq(bare_wait(&b).res, 0);
	ck_assert_uint_eq(bare_stats(b.fd, 0).submitted, 16);
	ck_assert_uint_eq(bare_stats(b.fd, 0).completed, 16);
	ck_assert_uint_eq(bare_stats(b.fd, 0).unexpected, 0);
	ck_assert_uint_eq(bare_stats(b.fd, 0).doorbells, 1);
}
END_TEST

START_TEST(the_ring_wraps_many_times)
{
	struct bare_buffer buf;
	struct nvt_sqe sqe;
	struct bare b;
	int i;

	bare_start(&b, 0);
	bare_buffer_create(&b, &buf, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	for (i = 0; i < 10 * BARE_ENTRIES; i++) {
		sqe = bare_identify(i % (BARE_ENTRIES - 1), buf.bus[0]);
		ck_assert_int_eq(bare_exec(&b, &sqe).res, 0);
	}
	ck_assert_uint_eq(b.status->vector[0].completions, 10 * BARE_ENTRIES);
}
END_TEST

START_TEST(bad_commands_never_reach_the_device)
{
	struct nvt_sqe aer = bare_aer(3), sqe;
	struct bare b;

	bare_start(&b, 0);
	bare_post(&b, &aer, 0);
	ck_assert_int_eq(bare_submit(&b), 1);
	sqe = bare_identify(3, 0);
	ck_assert_int_eq(bare_exec(&b, &sqe).res, -EEXIST);
	sqe = bare_identify(BARE_ENTRIES - 1, 0);
	ck_assert_int_eq(bare_exec(&b, &sqe).res, -EINVAL);
	sqe = bare_identify(0xffff, 0);
	ck_assert_int_eq(bare_exec(&b, &sqe).res, -EINVAL);
	bare_post(&b, &sqe, 9);
	bare_submit(&b);
	ck_assert_int_eq(bare_wait(&b).res, -ENOENT);
	ck_assert_uint_eq(bare_stats(b.fd, 0).submitted, 1);
}
END_TEST

START_TEST(a_ring_of_plain_entries_is_refused)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	struct io_uring ring;
	struct bare b;

	bare_start(&b, 0);
	ck_assert_int_eq(io_uring_queue_init(8, &ring, 0), 0);
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = b.fd;
	sqe->cmd_op = NVT_URING_COMMAND;
	ck_assert_int_eq(io_uring_submit_and_wait(&ring, 1), 1);
	ck_assert_int_eq(io_uring_peek_cqe(&ring, &cqe), 0);
	ck_assert_int_eq(cqe->res, -EOPNOTSUPP);
}
END_TEST

START_TEST(a_polled_queue_needs_no_interrupt)
{
	struct bare_buffer buf;
	struct nvt_sqe sqe;
	struct bare b;
	int i;

	bare_start(&b, IORING_SETUP_IOPOLL);
	bare_buffer_create(&b, &buf, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	for (i = 0; i < 2 * BARE_ENTRIES; i++) {
		struct io_uring_cqe *cqe;

		sqe = bare_identify(i % 8, buf.bus[0]);
		bare_post(&b, &sqe, 0);
		ck_assert_int_eq(bare_submit(&b), 1);
		ck_assert_int_eq(io_uring_wait_cqe(&b.ring, &cqe), 0);
		ck_assert_int_eq(cqe->res, 0);
		io_uring_cqe_seen(&b.ring, cqe);
	}
	ck_assert_uint_eq(b.status->vector[0].completions, 0);
	ck_assert_uint_eq(bare_stats(b.fd, 0).completed, 2 * BARE_ENTRIES);
}
END_TEST

START_TEST(polled_and_interrupt_rings_do_not_mix)
{
	struct nvt_sqe sqe = bare_identify(1, 0);
	struct io_uring polled;
	struct bare b;

	bare_start(&b, 0);
	ck_assert_int_eq(io_uring_queue_init(8, &polled, IORING_SETUP_IOPOLL |
					     IORING_SETUP_SQE128 | IORING_SETUP_CQE32), 0);
	io_uring_queue_exit(&b.ring);
	b.ring = polled;
	ck_assert_int_eq(bare_exec(&b, &sqe).res, -EOPNOTSUPP);
}
END_TEST

/* Longer than they are is an error of the caller, shorter is not; likewise the log. */
START_TEST(records_and_logs_end_where_they_end)
{
	const uint64_t records = (uint64_t)7 << 40;
	struct nvt_irq_log_set log = { .size = sizeof(log), .nr_entries = 64 };
	struct bare b;

	bare_start(&b, 0);
	ck_assert_ptr_eq(mmap(NULL, 2 * BARE_PAGE, PROT_READ, MAP_SHARED, b.fd, records), MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_ne(mmap(NULL, BARE_PAGE, PROT_READ, MAP_SHARED, b.fd, records), MAP_FAILED);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_IRQ_LOG, &log), 0);
	ck_assert_ptr_eq(mmap(NULL, log.length + BARE_PAGE, PROT_READ, MAP_SHARED, b.fd,
			      NVT_MMAP_IRQ_LOG), MAP_FAILED);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_ne(mmap(NULL, log.length, PROT_READ, MAP_SHARED, b.fd, NVT_MMAP_IRQ_LOG),
			 MAP_FAILED);
}
END_TEST

START_TEST(destroying_a_queue_ends_its_commands)
{
	struct nvt_queue_destroy destroy = { .size = sizeof(destroy), .type = NVT_QUEUE_SQ };
	struct nvt_sqe aer = bare_aer(5);
	struct bare_cqe cqe;
	struct bare b;

	bare_start(&b, 0);
	bare_post(&b, &aer, 0);
	ck_assert_int_eq(bare_submit(&b), 1);
	destroy.type = NVT_QUEUE_CQ;
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_QUEUE_DESTROY, &destroy), -EBUSY);
	ck_assert_int_eq(bare_buffer_destroy(&b, &b.queues), -EBUSY);
	destroy.type = NVT_QUEUE_SQ;
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_QUEUE_DESTROY, &destroy), 0);
	cqe = bare_wait(&b);
	ck_assert_int_eq(cqe.res, 0x7fff);
	ck_assert_uint_eq(cqe.dw01, UINT64_MAX);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_QUEUE_DESTROY, &destroy), -ENOENT);
}
END_TEST

START_TEST(bad_queues_are_refused)
{
	struct nvt_queue_create good = {
		.type = NVT_QUEUE_CQ, .flags = NVT_QUEUE_MANAGED, .vector = NVT_NO_VECTOR, .qid = 1,
	}, bad;
	struct bare b;

	bare_start(&b, 0);
	good.buffer_id = b.queues.id;
#define REFUSED(error, ...) do {					\
	bad = good;							\
	__VA_ARGS__;							\
	ck_assert_int_eq(bare_queue(&b, &bad), error);			\
} while (0)
	REFUSED(-EINVAL, bad.flags = 2);
	REFUSED(-EINVAL, bad.type = 2);
	REFUSED(-EINVAL, bad.nr_entries = 1);
	REFUSED(-EINVAL, bad.nr_entries = 65537);
	REFUSED(-EINVAL, bad.nr_entries = 1024);		/* beyond the buffer */
	REFUSED(-EINVAL, bad.vector = 1000);
	REFUSED(-EINVAL, bad.cqid = 1);
	REFUSED(-EINVAL, bad.buffer_offset = 2);
	REFUSED(-EINVAL, bad.buffer_offset = 2 * BARE_PAGE);
	REFUSED(-EINVAL, bad.qid = 65535);			/* no such doorbell in BAR 0 */
	REFUSED(-ENOENT, bad.buffer_id = 4711);
	REFUSED(-ENOENT, bad.type = NVT_QUEUE_SQ; bad.cqid = 9);
	REFUSED(-EEXIST, bad.qid = 0);
#undef REFUSED
	ck_assert_int_eq(bare_queue(&b, &good), 0);
	ck_assert_int_eq(bare_vectors(&b, NVT_VECTOR_NONE, 0), -EBUSY);
}
END_TEST

/* The controller still knows the ring, so its memory must not be freed yet. */
START_TEST(an_undeleted_ring_is_kept_until_the_controller_stops)
{
	struct nvt_queue_create cq = {
		.type = NVT_QUEUE_CQ, .flags = NVT_QUEUE_MANAGED, .vector = NVT_NO_VECTOR, .qid = 1,
	}, sq = {
		.type = NVT_QUEUE_SQ, .flags = NVT_QUEUE_MANAGED, .vector = NVT_NO_VECTOR, .qid = 1,
		.cqid = 1,
	};
	struct nvt_queue_destroy destroy = { .size = sizeof(destroy), .qid = 1 };
	struct bare_buffer rings, data;
	struct bare_cqe cqe;
	struct nvt_sqe sqe;
	struct bare b;

	bare_start(&b, 0);
	bare_buffer_create(&b, &rings, NVT_BUFFER_CONTIGUOUS, 2 * BARE_PAGE);
	cq.buffer_id = sq.buffer_id = rings.id;
	cq.buffer_offset = BARE_PAGE;
	ck_assert_int_eq(bare_queue(&b, &cq), 0);
	ck_assert_int_eq(bare_queue(&b, &sq), 0);
	sqe = (struct nvt_sqe) { .opcode = 0x05, .cid = 1, .prp1 = rings.bus[1],
		.cdw10 = (BARE_ENTRIES - 1) << 16 | 1, .cdw11 = 1 };
	ck_assert_int_eq(bare_exec(&b, &sqe).res, 0);
	sqe = (struct nvt_sqe) { .opcode = 0x01, .cid = 1, .prp1 = rings.bus[0],
		.cdw10 = (BARE_ENTRIES - 1) << 16 | 1, .cdw11 = 1 << 16 | 1 };
	ck_assert_int_eq(bare_exec(&b, &sqe).res, 0);

	destroy.type = NVT_QUEUE_SQ;
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_QUEUE_DESTROY, &destroy), 0);
	destroy.type = NVT_QUEUE_CQ;
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_QUEUE_DESTROY, &destroy), 0);
	ck_assert_int_eq(bare_buffer_destroy(&b, &rings), 0);

	/* A Flush on the ring that only the device still has: its completion goes to kept memory. */
	*(volatile uint32_t *)(b.bar + 0x1000 + 8) = 1;
	bare_buffer_create(&b, &data, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	sqe = bare_identify(2, data.bus[0]);
	cqe = bare_exec(&b, &sqe);
	ck_assert_int_eq(cqe.res, 0);		/* and no DMAR fault, which fails the run */
	ck_assert_uint_ne(data.bus[0], rings.bus[0]);
}
END_TEST

/* The IOMMU, asked for proof: the one place where a DMAR fault is right. */
START_TEST(a_destroyed_buffer_is_out_of_the_devices_reach)
{
	static const char announcement[] = "nvt-test: expect DMAR: .*01:00.0.* fault addr\n";
	int kmsg = open("/dev/kmsg", O_WRONLY);
	struct bare_buffer gone, kept;
	char out[4096];
	struct nvt_sqe sqe;
	struct bare b;

	ck_assert_int_eq(write(kmsg, announcement, strlen(announcement)), strlen(announcement));
	bare_start(&b, 0);
	bare_buffer_create(&b, &gone, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	ck_assert_int_eq(bare_buffer_destroy(&b, &gone), 0);
	sqe = bare_identify(1, gone.bus[0]);
	bare_exec(&b, &sqe);			/* QEMU's device takes it for a success */
	ck_assert_int_eq(stock_run(out, sizeof(out), "dmesg | grep 'DMAR.*Write.*fault addr %#llx '",
				   (unsigned long long)gone.bus[0]), 0);
	bare_buffer_create(&b, &kept, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	sqe = bare_identify(1, kept.bus[0]);
	ck_assert_int_eq(bare_exec(&b, &sqe).res, 0);
}
END_TEST

Suite *queue_suite(void)
{
	const TTest *const tests[] = {
		identify_completes_at_an_interrupt, a_device_error_is_a_result,
		the_completion_carries_dw0, one_doorbell_for_a_batch, the_ring_wraps_many_times,
		bad_commands_never_reach_the_device, a_ring_of_plain_entries_is_refused, a_polled_queue_needs_no_interrupt,
		polled_and_interrupt_rings_do_not_mix, destroying_a_queue_ends_its_commands,
		bad_queues_are_refused, an_undeleted_ring_is_kept_until_the_controller_stops,
		a_destroyed_buffer_is_out_of_the_devices_reach, records_and_logs_end_where_they_end,
	};
	Suite *suite = suite_create("queue");
	TCase *tcase = tcase_create("managed");
	size_t i;

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 30);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
