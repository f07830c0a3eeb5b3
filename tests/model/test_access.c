// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The library on a vfio-user socket: what it says of the device, queues, memory. */
#include <errno.h>
#include <string.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "device.h"
#include "suites.h"

#define ALL_BLOCKS (DEVICE_BUFFER / DEVICE_BLOCK)

static struct device dev;

static void begin(void)
{
	device_start(&dev, "size=64M,queues=32,msix=34");
}

static void finish(void)
{
	device_stop(&dev);
}

START_TEST(controller_is_identified)
{
	struct nvt_device_info info;

	ck_assert_ptr_nonnull(nvt_ctrl_id(dev.ctrl));
	ck_assert_uint_ge(nvt_ctrl_id(dev.ctrl)->nn, 1);
	ck_assert_uint_eq(nvt_ns_size(dev.ns), (64 << 20) / DEVICE_BLOCK);
	ck_assert_str_eq(nvt_pcie_addr(dev.pcie), dev.model.address[0]);
	ck_assert_int_eq(nvt_pcie_info(dev.pcie, &info), 0);
	ck_assert_uint_eq(info.class_code, 0x010802);
	ck_assert_uint_eq(info.iommu, NVT_IOMMU_TRANSLATED);
	ck_assert_uint_eq(info.config_size, 4096);
	ck_assert_uint_gt(info.bar_length[0], 0x1000);
	ck_assert_uint_eq(info.vector_type, NVT_VECTOR_MSIX);
	ck_assert_uint_gt(info.nr_vectors, 1);
	ck_assert_int_eq(nvt_pcie_state(dev.pcie), NVT_STATE_LIVE);
}
END_TEST

START_TEST(capabilities_are_found)
{
	ck_assert_int_gt(nvt_pcie_find_cap(dev.pcie, 0x10), 0);
	ck_assert_int_gt(nvt_pcie_find_cap(dev.pcie, 0x11), 0);
	ck_assert_int_gt(nvt_pcie_find_ext_cap(dev.pcie, 0x0001), 0);
}
END_TEST

START_TEST(mapped_registers_are_those_that_calls_read)
{
	volatile unsigned char *bar = nvt_pcie_map_bar(dev.pcie, 0, NULL);
	uint64_t value;

	ck_assert_msg(bar != NULL, "%s", nvt_error());
	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, NVME_REG_CAP, 8, &value), 0);
	ck_assert_uint_eq(*(volatile uint64_t *)(bar + NVME_REG_CAP), value);
	ck_assert_uint_eq(value, nvt_ctrl_cap(dev.ctrl));
	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, NVME_REG_CSTS, 4, &value), 0);
	ck_assert_uint_eq(*(volatile uint32_t *)(bar + NVME_REG_CSTS), value);
	ck_assert_uint_eq(value & 1, 1);
}
END_TEST

START_TEST(bad_accesses_are_refused)
{
	uint64_t wide;
	uint32_t value;

	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, 2, 4, &wide), -EINVAL);
	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, 1ULL << 40, 4, &wide), -EINVAL);
	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 7, 0, 4, &wide), -EINVAL);
	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, 4096, 4, &value), -EINVAL);
	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, 0, 8, &value), -EINVAL);
}
END_TEST

START_TEST(data_come_back_as_written)
{
	static const uint32_t blocks[] = { 1, 8, 9, 16, 17, 255, 256 };
	unsigned int i;

	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		device_fill(dev.buf, i + 1);
		ck_assert_int_eq(nvt_ns_write(dev.ns, dev.qp, dev.buf, 0, 1000 * i, blocks[i],
					      0), 0);
		memset(nvt_buffer_data(dev.buf), 0, DEVICE_BUFFER);
		ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 1000 * i, blocks[i],
					     0), 0);
		device_assert_filled(dev.buf, blocks[i] * DEVICE_BLOCK, i + 1);
	}
}
END_TEST

START_TEST(both_kinds_of_buffer_see_the_same_data)
{
	struct nvt_buffer *run = nvt_buffer_create(dev.pcie, DEVICE_BUFFER, NVT_BUFFER_CONTIGUOUS);

	device_fill(run, 77);
	ck_assert_int_eq(nvt_ns_write(dev.ns, dev.qp, run, 0, 0, ALL_BLOCKS, 0), 0);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, ALL_BLOCKS, 0), 0);
	device_assert_filled(dev.buf, DEVICE_BUFFER, 77);
	nvt_buffer_free(run);
}
END_TEST

START_TEST(many_queues_work_side_by_side)
{
	struct nvt_ctrl_opts opts = { .io_queues = 32, .vectors = 33 };
	struct nvt_qpair *more[31];
	unsigned int i, round;

	device_close(&dev);
	device_open(&dev, &opts);
	ck_assert_uint_eq(nvt_ctrl_max_qpairs(dev.ctrl), 32);
	for (i = 0; i < 31; i++) {
		more[i] = nvt_qpair_create(dev.ctrl, NULL);
		ck_assert_msg(more[i] != NULL, "%s", nvt_error());
	}
	for (round = 0; round < 3; round++)
		for (i = 0; i < 31; i++)
			device_move_data(&dev, more[i], i);
	for (i = 0; i < 31; i++)
		ck_assert_int_eq(nvt_qpair_delete(more[i]), 0);
}
END_TEST

START_TEST(queue_in_pieces_works)
{
	struct nvt_qpair_opts opts = { .entries = 256, .buffer_kind = NVT_BUFFER_PAGES };
	struct nvt_qpair *pieces = nvt_qpair_create(dev.ctrl, &opts);
	unsigned int i;

	ck_assert_msg(pieces != NULL, "%s", nvt_error());
	for (i = 0; i < 300; i++)
		ck_assert_int_eq(nvt_ns_flush(dev.ns, pieces), 0);
	ck_assert_int_eq(nvt_qpair_delete(pieces), 0);
}
END_TEST

START_TEST(managed_queue_is_refused)
{
	struct nvt_qpair_opts opts = { .backend = NVT_BACKEND_MANAGED };

	errno = 0;
	ck_assert_ptr_null(nvt_qpair_create(dev.ctrl, &opts));
	ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "use the raw back end"));
}
END_TEST

START_TEST(ioworker_verifies_on_it)
{
	struct nvt_verify *verify = nvt_verify_create(dev.ns);
	struct nvt_ioworker_opts opts = {
		.random_percent = 100, .read_percent = 50, .qdepth = 32, .io_count = 20000,
		.verify = verify, .seed = 1,
	};
	struct nvt_ioworker_result result;
	struct nvt_ioworker *worker = nvt_ioworker_start(dev.ns, &opts);

	ck_assert_msg(worker != NULL, "%s", nvt_error());
	ck_assert_msg(!nvt_ioworker_close(worker, &result), "%s", nvt_error());
	ck_assert_int_eq(result.backend, NVT_BACKEND_RAW);
	ck_assert_uint_eq(result.reads + result.writes, 20000);
	ck_assert_uint_gt(result.verified_blocks, 1000);
	ck_assert_uint_eq(result.miscompares, 0);
	nvt_verify_free(verify);
}
END_TEST

START_TEST(contiguous_buffer_is_one_run_and_zero)
{
	struct nvt_buffer *b = nvt_buffer_create(dev.pcie, 1 << 20, NVT_BUFFER_CONTIGUOUS);
	const unsigned char *data = nvt_buffer_data(b);
	size_t i;

	ck_assert(!data[0] && !memcmp(data, data + 1, (1 << 20) - 1));
	for (i = 0; i < 1 << 20; i += 4096)
		ck_assert_uint_eq(nvt_buffer_bus(b, i), nvt_buffer_bus(b, 0) + i);
	nvt_buffer_free(b);
}
END_TEST

START_TEST(buffer_of_pages_is_shuffled)
{
	struct nvt_buffer *b = nvt_buffer_create(dev.pcie, 256 * 4096, NVT_BUFFER_PAGES);
	unsigned int i, j, in_order = 0, twice = 0;

	for (i = 1; i < 256; i++) {
		in_order += nvt_buffer_bus(b, i * 4096) == nvt_buffer_bus(b, (i - 1) * 4096) + 4096;
		for (j = 0; j < i; j++)
			twice += nvt_buffer_bus(b, i * 4096) == nvt_buffer_bus(b, j * 4096);
	}
	ck_assert_uint_eq(twice, 0);
	ck_assert_uint_lt(in_order, 16);
	nvt_buffer_free(b);
}
END_TEST

START_TEST(large_buffer_of_pages_holds_data)
{
	struct nvt_buffer *b = nvt_buffer_create(dev.pcie, 33 * 1024 * 1024 + 4096, NVT_BUFFER_PAGES);
	size_t at = nvt_buffer_length(b) - 4096;

	ck_assert_msg(b != NULL, "%s", nvt_error());
	device_fill(b, 3);
	ck_assert_int_eq(nvt_ns_write(dev.ns, dev.qp, b, at, 0, 8, 0), 0);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 8, 0), 0);
	ck_assert_mem_eq(nvt_buffer_data(dev.buf), (char *)nvt_buffer_data(b) + at, 4096);
	nvt_buffer_free(b);
}
END_TEST

/* A read of a block to a bus address, whatever is there; its status. */
static int read_to(uint64_t bus)
{
	struct nvt_sqe sqe = nvt_sqe_read(1, 0, 1, 0);

	sqe.prp1 = bus;
	return nvt_qpair_exec(dev.qp, &sqe, NULL, 0, 0, NULL);
}

START_TEST(freed_memory_is_out_of_reach)
{
	struct nvt_buffer *b = nvt_buffer_create(dev.pcie, 4096, NVT_BUFFER_CONTIGUOUS), *after;
	uint64_t bus = nvt_buffer_bus(b, 0);

	ck_assert_int_eq(read_to(bus), 0);
	nvt_buffer_free(b);
	after = nvt_buffer_create(dev.pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	ck_assert_uint_ne(nvt_buffer_bus(after, 0), bus);
	ck_assert_int_eq(read_to(bus) & 0x7ff, NVME_SC_DATA_XFER_ERROR);
	ck_assert_int_eq(read_to(nvt_buffer_bus(after, 0)), 0);
	nvt_buffer_free(after);
}
END_TEST

START_TEST(memory_past_a_buffer_is_out_of_reach)
{
	struct nvt_buffer *b = nvt_buffer_create(dev.pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	struct nvt_buffer *next = nvt_buffer_create(dev.pcie, 4096, NVT_BUFFER_CONTIGUOUS);

	ck_assert_int_eq(read_to(nvt_buffer_bus(b, 0) + 4096) & 0x7ff, NVME_SC_DATA_XFER_ERROR);
	nvt_buffer_free(next);
	nvt_buffer_free(b);
}
END_TEST

static void add_queues(Suite *suite)
{
	TCase *tc = device_case(suite, "queues", begin, finish);

	tcase_add_test(tc, controller_is_identified);
	tcase_add_test(tc, capabilities_are_found);
	tcase_add_test(tc, mapped_registers_are_those_that_calls_read);
	tcase_add_test(tc, bad_accesses_are_refused);
	tcase_add_test(tc, data_come_back_as_written);
	tcase_add_test(tc, both_kinds_of_buffer_see_the_same_data);
	tcase_add_test(tc, many_queues_work_side_by_side);
	tcase_add_test(tc, queue_in_pieces_works);
	tcase_add_test(tc, managed_queue_is_refused);
	tcase_add_test(tc, ioworker_verifies_on_it);
}

static void add_memory(Suite *suite)
{
	TCase *tc = device_case(suite, "memory", begin, finish);

	tcase_add_test(tc, contiguous_buffer_is_one_run_and_zero);
	tcase_add_test(tc, buffer_of_pages_is_shuffled);
	tcase_add_test(tc, large_buffer_of_pages_holds_data);
	tcase_add_test(tc, freed_memory_is_out_of_reach);
	tcase_add_test(tc, memory_past_a_buffer_is_out_of_reach);
}

Suite *access_suite(void)
{
	Suite *suite = suite_create("access");

	add_queues(suite);
	add_memory(suite);
	return suite;
}
