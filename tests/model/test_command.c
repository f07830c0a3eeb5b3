// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Commands against each other: fused pairs, Abort, retries. */
#include <string.h>

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
#define CRD1			(1U << 11)

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

/* A device with CRDT1 of 300 ms, and a format that takes long. */
static void start_format(void)
{
	device_start(&device, "size=2M,format-time=5s,crdt=3");
}

static unsigned int read_status(void)
{
	return nvt_ns_read(device.ns, device.qp, device.buf, 0, 0, 1, 0);
}

START_TEST(busy_device_says_when_to_retry_to_a_host_that_asks)
{
	struct nvt_sqe format = { .opcode = nvme_admin_format_nvm, .nsid = 1 };
	struct nvt_sqe behavior = nvt_sqe_set_features(NVME_FEAT_FID_HOST_BEHAVIOR, 0, 0, 0);
	struct nvt_qpair *admin = nvt_ctrl_admin(device.ctrl);
	uint64_t end = device_now_ns() + 4000000000ULL;

	ck_assert_uint_eq(nvt_ctrl_id(device.ctrl)->crdt1, 3);
	ck_assert_int_eq(nvt_qpair_post(admin, &format, NULL, 0, 0, NULL, NULL), 0);
	ck_assert_int_eq(nvt_qpair_ring(admin), 0);
	while (!read_status() && device_now_ns() < end)
		;
	ck_assert_uint_eq(read_status(), NVME_SC_FORMAT_IN_PROGRESS);
	memset(nvt_buffer_data(device.buf), 0, 512);
	*(uint8_t *)nvt_buffer_data(device.buf) = 1;
	ck_assert_int_eq(nvt_qpair_exec(admin, &behavior, device.buf, 0, 512, NULL), 0);
	ck_assert_uint_eq(read_status(), NVME_SC_FORMAT_IN_PROGRESS | CRD1);
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
	tc = device_case(suite, "format", start_format, stop);
	tcase_add_test(tc, busy_device_says_when_to_retry_to_a_host_that_asks);
	return suite;
}
