// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Commands and queues against each other: fused pairs, Abort, interrupt coalescing. */
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "suites.h"

#define COMPARE_FAILED		0x285
#define FUSED_FAIL		0x9
#define FUSED_MISSING		0xa
#define ABORT_REQUESTED		0x7
#define INVALID_FIELD		0x2
#define DNR			0x4000
#define FUSE_FIRST		1
#define FUSE_SECOND		2
#define WRITE_OFFSET		4096
#define COALESCED		8

static struct device device;

static void start(void)
{
	device_start(&device, "size=2M");
}

static void stop(void)
{
	device_stop(&device);
}

/* Where the status of a command goes, and in which order they came. */
struct ending {
	int status;
	unsigned int order;
};

static unsigned int endings;

static void end(void *arg, const struct nvt_cpl *cpl)
{
	struct ending *ending = arg;

	ending->status = nvt_cpl_status(cpl) & ~DNR;
	ending->order = ++endings;
}

static void post(struct nvt_qpair *qp, uint8_t opcode, uint8_t flags, uint64_t slba, size_t offset,
		 struct ending *ending)
{
	struct nvt_sqe sqe = { .opcode = opcode, .flags = flags, .nsid = 1, .cdw10 = slba };

	ending->status = -1;
	ck_assert_int_eq(nvt_qpair_post(qp, &sqe, device.buf, offset, DEVICE_BLOCK, end, ending), 0);
}

static void fused_pair(uint64_t compare_slba, uint64_t write_slba, int first, int second)
{
	struct ending compare, write;

	post(device.qp, nvme_cmd_compare, FUSE_FIRST, compare_slba, 0, &compare);
	post(device.qp, nvme_cmd_write, FUSE_SECOND, write_slba, WRITE_OFFSET, &write);
	ck_assert_int_eq(nvt_qpair_wait(device.qp, 2, 0), 2);
	ck_assert_int_eq(compare.status, first);
	ck_assert_int_eq(write.status, second);
	ck_assert_uint_lt(compare.order, write.order);
}

static int first_byte(uint64_t slba)
{
	unsigned char *data = nvt_buffer_data(device.buf);

	ck_assert_int_eq(nvt_ns_read(device.ns, device.qp, device.buf, 2 * WRITE_OFFSET, slba, 1, 0), 0);
	return data[2 * WRITE_OFFSET];
}

/* Block 5 is 0x11s, as the compared data; what is written is 0x22s. */
static void fill_pair(void)
{
	unsigned char *data = nvt_buffer_data(device.buf);

	memset(data, 0x11, WRITE_OFFSET);
	memset(data + WRITE_OFFSET, 0x22, WRITE_OFFSET);
	ck_assert_int_eq(nvt_ns_write(device.ns, device.qp, device.buf, 0, 5, 1, 0), 0);
}

START_TEST(compare_and_write_writes_what_compared_equal)
{
	fill_pair();
	fused_pair(5, 5, 0, 0);
	ck_assert_int_eq(first_byte(5), 0x22);
}
END_TEST

START_TEST(compare_and_write_leaves_what_differs)
{
	fill_pair();
	memset(nvt_buffer_data(device.buf), 0x33, WRITE_OFFSET);
	fused_pair(5, 5, COMPARE_FAILED, FUSED_FAIL);
	ck_assert_int_eq(first_byte(5), 0x11);
}
END_TEST

START_TEST(a_pair_of_two_ranges_is_refused)
{
	fill_pair();
	fused_pair(5, 6, INVALID_FIELD, INVALID_FIELD);
	ck_assert_int_eq(first_byte(5), 0x11);
	ck_assert_int_eq(first_byte(6), 0);
}
END_TEST

START_TEST(half_of_a_pair_ends_alone)
{
	struct ending first, plain, second;

	fill_pair();
	post(device.qp, nvme_cmd_compare, FUSE_FIRST, 5, 0, &first);
	post(device.qp, nvme_cmd_read, 0, 5, 2 * WRITE_OFFSET, &plain);
	post(device.qp, nvme_cmd_write, FUSE_SECOND, 5, WRITE_OFFSET, &second);
	ck_assert_int_eq(nvt_qpair_wait(device.qp, 3, 0), 3);
	ck_assert_int_eq(first.status, FUSED_MISSING);
	ck_assert_int_eq(plain.status, 0);
	ck_assert_int_eq(second.status, FUSED_MISSING);
	ck_assert_int_eq(first_byte(5), 0x11);
}
END_TEST

START_TEST(abort_ends_a_command_and_says_when_there_is_none)
{
	struct nvt_sqe read = { .opcode = nvme_cmd_read, .nsid = 1 };
	struct nvt_sqe abort = { .opcode = nvme_admin_abort_cmd };
	struct nvt_qpair *admin = nvt_ctrl_admin(device.ctrl);
	struct ending ending = { .status = -1 };
	struct nvt_cpl cpl;
	uint64_t before = device_now_ns();

	ck_assert_int_eq(nvt_qpair_post(device.qp, &read, device.buf, 0, DEVICE_BLOCK, end, &ending), 0);
	ck_assert_int_eq(nvt_qpair_ring(device.qp), 0);
	abort.cdw10 = nvt_qpair_id(device.qp) | (uint32_t)read.cid << 16;
	do {
		/* Until the device has fetched the read. */
		ck_assert_int_eq(nvt_qpair_exec(admin, &abort, NULL, 0, 0, &cpl), 0);
	} while (cpl.cqe.dw0 & 1 && device_now_ns() - before < 2000000000ULL);
	ck_assert_uint_eq(cpl.cqe.dw0 & 1, 0);
	ck_assert_int_eq(nvt_qpair_wait(device.qp, 1, 0), 1);
	ck_assert_int_eq(ending.status, ABORT_REQUESTED);
	/* The read would have taken five seconds. */
	ck_assert_uint_lt(device_now_ns() - before, 4000000000ULL);
	ck_assert_int_eq(nvt_qpair_exec(admin, &abort, NULL, 0, 0, &cpl), 0);
	ck_assert_uint_eq(cpl.cqe.dw0 & 1, 1);
}
END_TEST

static void start_slow(void)
{
	device_start(&device, "size=2M,read=5s");
}

static uint64_t interrupts_of_batch(void)
{
	struct nvt_vector_counter before, after;
	struct ending ending[COALESCED];
	unsigned int i, tries;

	ck_assert_int_eq(nvt_pcie_vector(device.pcie, 1, &before), 0);
	for (i = 0; i < COALESCED; i++)
		post(device.qp, nvme_cmd_read, 0, i, 0, &ending[i]);
	ck_assert_int_eq(nvt_qpair_wait(device.qp, COALESCED, 0), COALESCED);
	/* The thread that counts may be behind; an eventfd read may be of several messages. */
	for (tries = 0; tries < 200; tries++) {
		ck_assert_int_eq(nvt_pcie_vector(device.pcie, 1, &after), 0);
		if (after.interrupts - before.interrupts >= COALESCED)
			break;
		usleep(1000);
	}
	return after.interrupts - before.interrupts;
}

START_TEST(coalescing_gathers_completions_up_to_its_threshold)
{
	ck_assert_uint_eq(interrupts_of_batch(), COALESCED);
	/* 8 entries (0's based), at most 25.5 ms. */
	ck_assert_int_eq(nvt_set_feature(device.ctrl, NVME_FEAT_FID_IRQ_COALESCE, 0,
					 255 << 8 | (COALESCED - 1), NULL), 0);
	ck_assert_uint_eq(interrupts_of_batch(), 1);
	/* Coalescing Disable of vector 1. */
	ck_assert_int_eq(nvt_set_feature(device.ctrl, NVME_FEAT_FID_IRQ_CONFIG, 0, 1 << 16 | 1,
					 NULL), 0);
	ck_assert_uint_eq(interrupts_of_batch(), COALESCED);
}
END_TEST

Suite *command_suite(void)
{
	Suite *suite = suite_create("command");
	TCase *tc = device_case(suite, "fused", start, stop);

	tcase_add_test(tc, compare_and_write_writes_what_compared_equal);
	tcase_add_test(tc, compare_and_write_leaves_what_differs);
	tcase_add_test(tc, a_pair_of_two_ranges_is_refused);
	tcase_add_test(tc, half_of_a_pair_ends_alone);
	tc = device_case(suite, "abort", start_slow, stop);
	tcase_add_test(tc, abort_ends_a_command_and_says_when_there_is_none);
	tc = device_case(suite, "coalescing", start, stop);
	tcase_add_test(tc, coalescing_gathers_completions_up_to_its_threshold);
	return suite;
}
