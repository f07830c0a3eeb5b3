// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The NVM commands of the model: blocks, their limits, media errors, the write cache. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "device.h"
#include "suites.h"

#define BLOCK		DEVICE_BLOCK
#define STATUS(sc)	(NVME_SC_##sc)
#define SPECIFIC(sc)	(NVME_SC_##sc | NVME_SCT_CMD_SPECIFIC << 8)
#define MEDIA(sc)	(NVME_SC_##sc | NVME_SCT_MEDIA << 8)
#define DEAC		(1U << 25)
#define AD		(1U << 2)

static struct device dev;

static void begin(void)
{
	device_start(&dev, "size=64M,mdts=5");
}

static void begin_uncached(void)
{
	device_start(&dev, "size=64M,mdts=5,vwc=off");
}

static void finish(void)
{
	device_stop(&dev);
}

static struct nvt_sqe command(uint8_t opcode, uint64_t slba, uint32_t nlb, uint32_t flags)
{
	struct nvt_sqe sqe = nvt_sqe_write(1, slba, nlb, flags);

	sqe.opcode = opcode;
	return sqe;
}

/* The status, without More and Do Not Retry. */
static int ends(struct nvt_sqe sqe, size_t length, struct nvt_cpl *cpl)
{
	int status = nvt_qpair_exec(dev.qp, &sqe, length ? dev.buf : NULL, 0, length, cpl);

	ck_assert_msg(status >= 0, "%s", nvt_error());
	return status & 0x7ff;
}

static void put(uint64_t slba, uint32_t nlb, unsigned int seed, uint32_t flags)
{
	device_fill(dev.buf, seed);
	ck_assert_int_eq(nvt_ns_write(dev.ns, dev.qp, dev.buf, 0, slba, nlb, flags), 0);
}

static const unsigned char *get(uint64_t slba, uint32_t nlb)
{
	memset(nvt_buffer_data(dev.buf), 0xa5, DEVICE_BUFFER);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, slba, nlb, 0), 0);
	return nvt_buffer_data(dev.buf);
}

static bool is_zero(const unsigned char *data, size_t length)
{
	return !data[0] && !memcmp(data, data + 1, length - 1);
}

/* Whether the block has what put() gives to the first of a write. */
static bool has(uint64_t lba, unsigned int seed)
{
	unsigned char want[BLOCK];

	device_fill(dev.buf, seed);
	memcpy(want, nvt_buffer_data(dev.buf), BLOCK);
	return !memcmp(get(lba, 1), want, BLOCK);
}

static uint64_t used(void)
{
	struct nvme_id_ns *id = nvt_buffer_data(dev.buf);
	struct nvt_sqe sqe = { .opcode = nvme_admin_identify, .nsid = 1 };

	ck_assert_int_eq(nvt_qpair_exec(nvt_ctrl_admin(dev.ctrl), &sqe, dev.buf, 0, 4096, NULL), 0);
	return id->nuse;
}

START_TEST(unwritten_blocks_are_zeros)
{
	ck_assert(is_zero(get(0, 256), 256 * BLOCK));
	ck_assert_uint_eq(used(), 0);
}
END_TEST

START_TEST(written_blocks_are_read_back)
{
	put(1000, 256, 7, 0);
	get(1000, 256);
	device_assert_filled(dev.buf, 256 * BLOCK, 7);
	ck_assert_uint_eq(used(), 256);
}
END_TEST

START_TEST(range_behind_the_end_is_refused)
{
	uint64_t size = nvt_ns_size(dev.ns);

	ck_assert_int_eq(ends(command(nvme_cmd_write, size - 1, 1, 0), BLOCK, NULL), 0);
	ck_assert_int_eq(ends(command(nvme_cmd_write, size - 1, 2, 0), 2 * BLOCK, NULL),
			 STATUS(LBA_RANGE));
	ck_assert_int_eq(ends(command(nvme_cmd_read, UINT64_MAX, 2, 0), 2 * BLOCK, NULL),
			 STATUS(LBA_RANGE));
}
END_TEST

START_TEST(transfer_longer_than_mdts_is_refused)
{
	ck_assert_int_eq(ends(command(nvme_cmd_read, 0, 256, 0), 256 * BLOCK, NULL), 0);
	ck_assert_int_eq(ends(command(nvme_cmd_read, 0, 257, 0), 256 * BLOCK, NULL),
			 STATUS(INVALID_FIELD));
}
END_TEST

START_TEST(write_zeroes_keeps_blocks_allocated)
{
	put(8, 8, 1, 0);
	ck_assert_int_eq(ends(command(nvme_cmd_write_zeroes, 9, 6, 0), 0, NULL), 0);
	ck_assert_uint_eq(used(), 8);
	ck_assert(is_zero(get(9, 6), 6 * BLOCK));
	ck_assert(has(8, 1));
	ck_assert(!is_zero(get(15, 1), BLOCK));
}
END_TEST

START_TEST(write_zeroes_with_deac_deallocates)
{
	put(8, 8, 1, 0);
	ck_assert_int_eq(ends(command(nvme_cmd_write_zeroes, 9, 6, DEAC), 0, NULL), 0);
	ck_assert_uint_eq(used(), 2);
	ck_assert(is_zero(get(9, 6), 6 * BLOCK));
}
END_TEST

static int dsm(unsigned int nr, const struct nvme_dsm_range *ranges, uint32_t attributes)
{
	struct nvt_sqe sqe = { .opcode = nvme_cmd_dsm, .nsid = 1, .cdw10 = nr - 1,
			       .cdw11 = attributes };

	memcpy(nvt_buffer_data(dev.buf), ranges, nr * sizeof(*ranges));
	return ends(sqe, nr * sizeof(*ranges), NULL);
}

START_TEST(deallocated_ranges_are_zeros)
{
	struct nvme_dsm_range ranges[] = { { 0, 4, 100 }, { 0, 0, 0 }, { 0, 60000, 2000 } };

	put(100, 8, 1, 0);
	put(61999, 2, 2, 0);
	ck_assert_int_eq(dsm(3, ranges, AD), 0);
	ck_assert_uint_eq(used(), 5);
	ck_assert(is_zero(get(100, 4), 4 * BLOCK));
	ck_assert(!is_zero(get(104, 1), BLOCK));
	ck_assert(is_zero(get(61999, 1), BLOCK));
	ck_assert(!is_zero(get(62000, 1), BLOCK));
}
END_TEST

START_TEST(dsm_without_deallocate_changes_nothing)
{
	struct nvme_dsm_range range = { NVME_IO_DSM_FREQ_RARE, 4, 100 };

	put(100, 4, 1, 0);
	ck_assert_int_eq(dsm(1, &range, 1), 0);
	ck_assert(has(100, 1));
}
END_TEST

START_TEST(dsm_is_all_or_nothing)
{
	struct nvme_dsm_range ranges[] = { { 0, 4, 100 }, { 0, 4, nvt_ns_size(dev.ns) - 3 } };

	put(100, 4, 1, 0);
	ck_assert_int_eq(dsm(2, ranges, AD), STATUS(LBA_RANGE));
	ck_assert(has(100, 1));
}
END_TEST

START_TEST(dsm_beyond_its_limits_is_refused)
{
	struct nvme_dsm_range ranges[256] = { 0 };

	ck_assert_int_eq(dsm(128, ranges, AD), 0);
	ck_assert_int_eq(dsm(129, ranges, AD), SPECIFIC(CMD_SIZE_LIMIT_EXCEEDED));
}
END_TEST

START_TEST(compare_tells_same_from_different)
{
	unsigned char *data = nvt_buffer_data(dev.buf);

	put(40, 4, 3, 0);
	ck_assert_int_eq(ends(command(nvme_cmd_compare, 40, 4, 0), 4 * BLOCK, NULL), 0);
	data[4 * BLOCK - 1] ^= 1;
	ck_assert_int_eq(ends(command(nvme_cmd_compare, 40, 4, 0), 4 * BLOCK, NULL),
			 MEDIA(COMPARE_FAILED));
}
END_TEST

static uint64_t media_errors(void)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_get_log_page, .nsid = NVME_NSID_ALL,
			       .cdw10 = NVME_LOG_LID_SMART | 127 << 16 };
	struct nvme_smart_log *log = nvt_buffer_data(dev.buf);
	uint64_t errors;

	ck_assert_int_eq(nvt_qpair_exec(nvt_ctrl_admin(dev.ctrl), &sqe, dev.buf, 0, 512, NULL), 0);
	memcpy(&errors, log->media_errors, sizeof(errors));
	return errors;
}

START_TEST(uncorrectable_block_fails_reads_and_counts)
{
	put(50, 8, 1, 0);
	ck_assert_int_eq(ends(command(nvme_cmd_write_uncor, 52, 2, 0), 0, NULL), 0);
	ck_assert_int_eq(ends(command(nvme_cmd_read, 50, 8, 0), 8 * BLOCK, NULL), MEDIA(READ_ERROR));
	ck_assert_int_eq(ends(command(nvme_cmd_verify, 50, 8, 0), 0, NULL), MEDIA(READ_ERROR));
	ck_assert_uint_eq(media_errors(), 2);
	get(50, 2);
}
END_TEST

START_TEST(write_heals_an_uncorrectable_block)
{
	ck_assert_int_eq(ends(command(nvme_cmd_write_uncor, 52, 2, 0), 0, NULL), 0);
	put(52, 1, 4, 0);
	ck_assert(has(52, 4));
	ck_assert_int_eq(ends(command(nvme_cmd_read, 53, 1, 0), BLOCK, NULL), MEDIA(READ_ERROR));
	ck_assert_int_eq(ends(command(nvme_cmd_write_zeroes, 53, 1, DEAC), 0, NULL), 0);
	ck_assert_int_eq(ends(command(nvme_cmd_verify, 53, 1, 0), 0, NULL), 0);
}
END_TEST

START_TEST(lba_status_names_uncorrectable_blocks)
{
	struct nvme_lba_status *list = nvt_buffer_data(dev.buf);
	struct nvt_sqe sqe = { .opcode = nvme_admin_get_lba_status, .nsid = 1, .cdw10 = 10,
			       .cdw12 = 1023,
			       .cdw13 = (uint32_t)NVME_LBA_STATUS_ATYPE_SCAN_TRACKED << 24 };

	ck_assert_int_eq(ends(command(nvme_cmd_write_uncor, 20, 3, 0), 0, NULL), 0);
	ck_assert_int_eq(ends(command(nvme_cmd_write_uncor, 9, 2, 0), 0, NULL), 0);
	ck_assert_int_eq(nvt_qpair_exec(nvt_ctrl_admin(dev.ctrl), &sqe, dev.buf, 0, 4096, NULL), 0);
	ck_assert_uint_eq(list->nlsd, 2);
	ck_assert_uint_eq(list->descs[0].dslba, 10);
	ck_assert_uint_eq(list->descs[0].nlb, 0);
	ck_assert_uint_eq(list->descs[1].dslba, 20);
	ck_assert_uint_eq(list->descs[1].nlb, 2);
}
END_TEST

START_TEST(unwritten_block_fails_reads_if_the_host_says_so)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_set_features, .nsid = 1,
			       .cdw10 = NVME_FEAT_FID_ERR_RECOVERY, .cdw11 = 1U << 16 };

	ck_assert_int_eq(nvt_qpair_exec(nvt_ctrl_admin(dev.ctrl), &sqe, NULL, 0, 0, NULL), 0);
	put(60, 1, 1, 0);
	ck_assert(has(60, 1));
	ck_assert_int_eq(ends(command(nvme_cmd_read, 60, 2, 0), 2 * BLOCK, NULL),
			 MEDIA(UNWRITTEN_BLOCK));
}
END_TEST

static int copy(uint64_t target, unsigned int nr, const struct nvme_copy_range *ranges,
		struct nvt_cpl *cpl)
{
	struct nvt_sqe sqe = { .opcode = nvme_cmd_copy, .nsid = 1, .cdw10 = target,
			       .cdw12 = nr - 1 };

	memcpy(nvt_buffer_data(dev.buf), ranges, nr * sizeof(*ranges));
	return ends(sqe, nr * sizeof(*ranges), cpl);
}

START_TEST(copy_gathers_its_sources_in_order)
{
	struct nvme_copy_range ranges[] = { { .slba = 200, .nlb = 0 }, { .slba = 100, .nlb = 1 } };

	put(100, 1, 1, 0);
	put(101, 1, 2, 0);
	put(200, 1, 3, 0);
	ck_assert_int_eq(copy(300, 2, ranges, NULL), 0);
	ck_assert(has(300, 3) && has(301, 1) && has(302, 2));
}
END_TEST

START_TEST(copy_names_the_source_that_fails)
{
	struct nvme_copy_range ranges[] = { { .slba = 100 }, { .slba = 200 }, { .slba = 300 } };
	struct nvt_cpl cpl;

	put(400, 1, 1, 0);
	ck_assert_int_eq(ends(command(nvme_cmd_write_uncor, 200, 1, 0), 0, NULL), 0);
	ck_assert_int_eq(copy(400, 3, ranges, &cpl), MEDIA(READ_ERROR));
	ck_assert_uint_eq(cpl.cqe.dw0, 1);
	ck_assert(has(400, 1));
}
END_TEST

START_TEST(copy_beyond_its_limits_is_refused)
{
	struct nvme_copy_range ranges[5] = { { .nlb = 1023 }, { .nlb = 1023 }, { .nlb = 1023 },
					     { .nlb = 1023 }, { .nlb = 0 } };
	struct nvme_copy_range far = { .slba = nvt_ns_size(dev.ns) };

	ck_assert_int_eq(copy(10000, 4, ranges, NULL), 0);
	ck_assert_int_eq(copy(10000, 5, ranges, NULL), SPECIFIC(CMD_SIZE_LIMIT_EXCEEDED));
	ranges[0].nlb = 1024;
	ck_assert_int_eq(copy(10000, 1, ranges, NULL), SPECIFIC(CMD_SIZE_LIMIT_EXCEEDED));
	ck_assert_int_eq(copy(10000, 1, &far, NULL), STATUS(LBA_RANGE));
	ck_assert_int_eq(copy(nvt_ns_size(dev.ns), 4, ranges + 1, NULL), STATUS(LBA_RANGE));
}
END_TEST

/* The host does not announce it: a reset of its controller makes nothing durable. */
static void power_cycle(void)
{
	ck_assert_msg(!nvt_pcie_reset(dev.pcie), "%s", nvt_error());
	device_cut_power(&dev);
}

/* How many of a thousand blocks have been lost. */
static unsigned int lost(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < 1000; i++)
		n += is_zero(get(i, 1), BLOCK);
	return n;
}

START_TEST(power_cut_loses_some_of_what_is_cached)
{
	unsigned int i, n, lines = 0;
	char *log, *line;

	for (i = 0; i < 1000; i++)
		put(i, 1, 1, 0);
	power_cycle();
	n = lost();
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, 1000);
	log = model_log(&dev.model);
	for (line = strstr(log, "power: lost write"); line; line = strstr(line + 1, "power: lost write"))
		lines++;
	free(log);
	ck_assert_uint_eq(lines, n);
}
END_TEST

START_TEST(flushed_blocks_survive_a_power_cut)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		put(i, 1, 1, 0);
	ck_assert_int_eq(nvt_ns_flush(dev.ns, dev.qp), 0);
	power_cycle();
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

START_TEST(forced_writes_survive_a_power_cut)
{
	unsigned int i;

	/* Older cached data of the same blocks must not come back. */
	for (i = 0; i < 1000; i++)
		put(i, 1, 2, 0);
	for (i = 0; i < 1000; i++)
		put(i, 1, 1, NVT_IO_FUA);
	power_cycle();
	for (i = 0; i < 1000; i++)
		ck_assert(has(i, 1));
}
END_TEST

START_TEST(forced_reads_make_blocks_durable)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		put(i, 1, 1, 0);
	for (i = 0; i < 1000; i += 250)
		ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, i, 250, NVT_IO_FUA), 0);
	power_cycle();
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

static void set_cache(bool enabled)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_set_features,
			       .cdw10 = NVME_FEAT_FID_VOLATILE_WC, .cdw11 = enabled };

	ck_assert_int_eq(nvt_qpair_exec(nvt_ctrl_admin(dev.ctrl), &sqe, NULL, 0, 0, NULL), 0);
}

START_TEST(disabled_cache_writes_through)
{
	unsigned int i;

	set_cache(false);
	for (i = 0; i < 1000; i++)
		put(i, 1, 1, 0);
	power_cycle();
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

START_TEST(disabling_the_cache_empties_it)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		put(i, 1, 1, 0);
	set_cache(false);
	power_cycle();
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

START_TEST(without_a_cache_nothing_is_lost)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		put(i, 1, 1, 0);
	power_cycle();
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

START_TEST(store_is_an_image_of_the_disk)
{
	char path[128], data[BLOCK];
	FILE *image;

	device_start(&dev, "size=4M,store={dir}");
	put(77, 1, 5, 0);
	snprintf(path, sizeof(path), "%s/ns1.img", dev.model.dir);
	image = fopen(path, "r");
	ck_assert_ptr_nonnull(image);
	ck_assert_int_eq(fseek(image, 77 * BLOCK, SEEK_SET), 0);
	ck_assert_uint_eq(fread(data, 1, BLOCK, image), BLOCK);
	ck_assert_mem_eq(data, nvt_buffer_data(dev.buf), BLOCK);
	fclose(image);
	device_stop(&dev);
}
END_TEST

START_TEST(store_survives_its_program)
{
	device_start(&dev, "size=4M,store={dir}");
	put(77, 1, 5, 0);
	device_close(&dev);
	model_kill(&dev.model);
	model_again(&dev.model);
	device_open(&dev, NULL);
	ck_assert(has(77, 5));
	ck_assert_uint_eq(used(), 1);
	device_stop(&dev);
}
END_TEST

/* What a cut of power does, line by line without the times; free() it. */
static char *cut(const char *options)
{
	char *log, *fates, *line, *end;
	unsigned int i;

	device_start(&dev, options);
	for (i = 0; i < 300; i++)
		put(i * 4, 1 + i % 4, 1, 0);
	power_cycle();
	log = model_log(&dev.model);
	fates = calloc(1, strlen(log) + 1);
	ck_assert_ptr_nonnull(fates);
	for (line = strstr(log, "power: "); line; line = strstr(end, "power: ")) {
		end = line + strcspn(line, "\n");
		strncat(fates, line, end - line + (*end == '\n'));
	}
	free(log);
	device_stop(&dev);
	return fates;
}

START_TEST(seed_decides_what_a_power_cut_does)
{
	char *first = cut("size=4M,seed=5"), *again = cut("size=4M,seed=5");
	char *other = cut("size=4M,seed=6");

	ck_assert_ptr_nonnull(strstr(first, "power: torn write nsid 1 slba"));
	ck_assert_str_eq(first, again);
	ck_assert_str_ne(first, other);
	free(first);
	free(again);
	free(other);
}
END_TEST

static void none(void)
{
}

static void add_blocks(Suite *suite)
{
	TCase *tc = device_case(suite, "blocks", begin, finish);

	tcase_add_test(tc, unwritten_blocks_are_zeros);
	tcase_add_test(tc, written_blocks_are_read_back);
	tcase_add_test(tc, range_behind_the_end_is_refused);
	tcase_add_test(tc, transfer_longer_than_mdts_is_refused);
	tcase_add_test(tc, write_zeroes_keeps_blocks_allocated);
	tcase_add_test(tc, write_zeroes_with_deac_deallocates);
	tcase_add_test(tc, deallocated_ranges_are_zeros);
	tcase_add_test(tc, dsm_without_deallocate_changes_nothing);
	tcase_add_test(tc, dsm_is_all_or_nothing);
	tcase_add_test(tc, dsm_beyond_its_limits_is_refused);
	tcase_add_test(tc, compare_tells_same_from_different);
	tcase_add_test(tc, uncorrectable_block_fails_reads_and_counts);
	tcase_add_test(tc, write_heals_an_uncorrectable_block);
	tcase_add_test(tc, lba_status_names_uncorrectable_blocks);
	tcase_add_test(tc, unwritten_block_fails_reads_if_the_host_says_so);
	tcase_add_test(tc, copy_gathers_its_sources_in_order);
	tcase_add_test(tc, copy_names_the_source_that_fails);
	tcase_add_test(tc, copy_beyond_its_limits_is_refused);
}

static void add_power(Suite *suite)
{
	TCase *tc = device_case(suite, "power", begin, finish);

	tcase_add_test(tc, power_cut_loses_some_of_what_is_cached);
	tcase_add_test(tc, flushed_blocks_survive_a_power_cut);
	tcase_add_test(tc, forced_writes_survive_a_power_cut);
	tcase_add_test(tc, forced_reads_make_blocks_durable);
	tcase_add_test(tc, disabled_cache_writes_through);
	tcase_add_test(tc, disabling_the_cache_empties_it);
	tc = device_case(suite, "no cache", begin_uncached, finish);
	tcase_add_test(tc, without_a_cache_nothing_is_lost);
	tc = device_case(suite, "store", none, none);
	tcase_add_test(tc, store_is_an_image_of_the_disk);
	tcase_add_test(tc, store_survives_its_program);
	tcase_add_test(tc, seed_decides_what_a_power_cut_does);
}

Suite *io_suite(void)
{
	Suite *suite = suite_create("io");

	add_blocks(suite);
	add_power(suite);
	return suite;
}
