// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Where the model finds data: PRPs, SGLs, metadata pointers, right ones and wrong ones. */
#include <string.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "device.h"
#include "suites.h"

#define PAGE		4096U
#define RUN		(64 * PAGE)	/* of contiguous memory, where data and lists are laid */
#define LISTS		(48 * PAGE)	/* lists are from here on */
#define NOWHERE		0xdead00000000ULL
#define BLOCKS(bytes)	((bytes) / DEVICE_BLOCK)
#define PSDT_SGL	0x40
#define PSDT_SGL_MPTR	0x80

enum { DATA_BLOCK, BIT_BUCKET, SEGMENT, LAST_SEGMENT, KEYED };

struct sgl {
	uint64_t addr;
	uint32_t length;
	uint8_t reserved[3];
	uint8_t type;
};

static struct device dev;
static struct nvt_buffer *run;

static void start(const char *options)
{
	device_start(&dev, options);
	run = nvt_buffer_create(dev.pcie, RUN, NVT_BUFFER_CONTIGUOUS);
	ck_assert_ptr_nonnull(run);
}

static void begin(void)
{
	start("size=64M");
	device_fill(dev.buf, 5);
	ck_assert_int_eq(nvt_ns_write(dev.ns, dev.qp, dev.buf, 0, 0, BLOCKS(DEVICE_BUFFER), 0), 0);
	memset(nvt_buffer_data(run), 0xa5, RUN);
}

static void begin_no_sgl(void)
{
	start("size=64M,sgl=off");
}

static void begin_metadata(void)
{
	start("size=64M,metadata=8");
}

static void finish(void)
{
	nvt_buffer_free(run);
	device_stop(&dev);
}

static unsigned char *at(size_t offset)
{
	return (unsigned char *)nvt_buffer_data(run) + offset;
}

static uint64_t bus(size_t offset)
{
	return nvt_buffer_bus(run, offset);
}

static int ends(struct nvt_sqe sqe)
{
	struct nvt_cpl cpl;
	int status = nvt_qpair_exec(dev.qp, &sqe, NULL, 0, 0, &cpl);

	ck_assert_msg(status >= 0, "%s", nvt_error());
	return status & 0x7ff;
}

static int read_prp(uint64_t prp1, uint64_t prp2, size_t length)
{
	struct nvt_sqe sqe = nvt_sqe_read(1, 0, BLOCKS(length), 0);

	sqe.prp1 = prp1;
	sqe.prp2 = prp2;
	return ends(sqe);
}

/* What begin() has written, from byte @from of it. */
static void assert_data(size_t offset, size_t from, size_t length)
{
	const unsigned char *data = nvt_buffer_data(dev.buf);

	ck_assert_msg(!memcmp(at(offset), data + from, length), "data at %zu", offset);
}

static void assert_untouched(size_t offset, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		ck_assert_msg(*at(offset + i) == 0xa5, "byte %zu was written", offset + i);
}

START_TEST(a_prp_begins_at_any_dword)
{
	ck_assert_int_eq(read_prp(bus(PAGE + 516), 0, 3 * 512), 0);
	assert_untouched(0, PAGE + 516);
	assert_data(PAGE + 516, 0, 3 * 512);
	assert_untouched(PAGE + 516 + 3 * 512, PAGE);
}
END_TEST

START_TEST(the_second_prp_is_a_page_where_that_is_enough)
{
	ck_assert_int_eq(read_prp(bus(PAGE + 4), bus(8 * PAGE), PAGE), 0);
	assert_data(PAGE + 4, 0, PAGE - 4);
	assert_data(8 * PAGE, PAGE - 4, 4);
	assert_untouched(8 * PAGE + 4, PAGE);
	assert_untouched(2 * PAGE, PAGE);
}
END_TEST

/* Pages in reverse, with a list that begins @slots before the end of its page. */
static int read_list(unsigned int slots, unsigned int pages)
{
	uint64_t *list = (uint64_t *)at(LISTS + PAGE) - slots;
	unsigned int i, left;

	for (i = 1; i < pages; i++) {
		left = pages - i;
		if (!((uintptr_t)(list + 1) % PAGE) && left > 1) {
			*list = bus(LISTS + 3 * PAGE);
			list = (uint64_t *)at(LISTS + 3 * PAGE);
		}
		*list++ = bus((pages - 1 - i) * PAGE);
	}
	return read_prp(bus((pages - 1) * PAGE), bus(LISTS + PAGE) - slots * 8, pages * PAGE);
}

START_TEST(a_list_is_read_to_its_end)
{
	static const struct {
		unsigned int slots, pages;
	} lists[] = { { 512, 3 }, { 512, 32 }, { 31, 32 }, { 30, 32 }, { 2, 32 }, { 1, 32 },
		      { 1, 3 }, { 2, 3 }, { 200, 32 } };
	unsigned int i, page;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		memset(at(0), 0xa5, 33 * PAGE);
		ck_assert_int_eq(read_list(lists[i].slots, lists[i].pages), 0);
		for (page = 0; page < lists[i].pages; page++)
			assert_data((lists[i].pages - 1 - page) * PAGE, page * PAGE, PAGE);
		assert_untouched(lists[i].pages * PAGE, PAGE);
	}
}
END_TEST

START_TEST(wrong_offsets_are_refused)
{
	uint64_t *list = (uint64_t *)at(LISTS);

	ck_assert_int_eq(read_prp(bus(2), 0, 512), NVME_SC_PRP_INVALID_OFFSET);
	ck_assert_int_eq(read_prp(bus(0), bus(PAGE + 512), 2 * PAGE), NVME_SC_PRP_INVALID_OFFSET);
	ck_assert_int_eq(read_prp(bus(0), bus(LISTS + 4), 3 * PAGE), NVME_SC_PRP_INVALID_OFFSET);
	list[0] = bus(PAGE);
	list[1] = bus(2 * PAGE + 8);
	ck_assert_int_eq(read_prp(bus(0), bus(LISTS), 3 * PAGE), NVME_SC_PRP_INVALID_OFFSET);
}
END_TEST

START_TEST(what_cannot_be_reached_is_a_transfer_error)
{
	ck_assert_int_eq(read_prp(NOWHERE, 0, 512), NVME_SC_DATA_XFER_ERROR);
	ck_assert_int_eq(read_prp(bus(0), NOWHERE, 2 * PAGE), NVME_SC_DATA_XFER_ERROR);
	ck_assert_int_eq(read_prp(bus(0), NOWHERE, 3 * PAGE), NVME_SC_DATA_XFER_ERROR);
}
END_TEST

static struct sgl sgl(uint8_t type, uint64_t addr, uint32_t length)
{
	return (struct sgl){ .addr = addr, .length = length, .type = type << 4 };
}

static int move_sgl(struct nvt_sqe sqe, struct sgl first)
{
	sqe.flags |= PSDT_SGL;
	memcpy(&sqe.prp1, &first, sizeof(first));
	return ends(sqe);
}

static int read_sgl(struct sgl first, size_t length)
{
	return move_sgl(nvt_sqe_read(1, 0, BLOCKS(length), 0), first);
}

START_TEST(an_sgl_data_block_lies_at_any_byte)
{
	ck_assert_int_eq(read_sgl(sgl(DATA_BLOCK, bus(4097), 3 * PAGE), 3 * PAGE), 0);
	assert_untouched(0, 4097);
	assert_data(4097, 0, 3 * PAGE);
	assert_untouched(4097 + 3 * PAGE, PAGE);
}
END_TEST

START_TEST(sgl_segments_are_followed)
{
	struct sgl *list = (struct sgl *)at(LISTS), *next = (struct sgl *)at(LISTS + 8 * PAGE);
	unsigned int i;

	/* 100 pieces of 100 bytes, a piece of none, then a segment more. */
	for (i = 0; i < 100; i++)
		list[i] = sgl(DATA_BLOCK, bus(i * 200), 100);
	list[100] = sgl(DATA_BLOCK, 0, 0);
	list[101] = sgl(LAST_SEGMENT, bus(LISTS + 8 * PAGE), 2 * sizeof(*next));
	next[0] = sgl(BIT_BUCKET, 0, 240);
	next[1] = sgl(DATA_BLOCK, bus(30000), 2048);
	ck_assert_int_eq(read_sgl(sgl(SEGMENT, bus(LISTS), 102 * sizeof(*list)), 12288), 0);
	for (i = 0; i < 100; i++) {
		assert_data(i * 200, i * 100, 100);
		assert_untouched(i * 200 + 100, 100);
	}
	assert_data(30000, 10240, 2048);
}
END_TEST

START_TEST(a_bit_bucket_of_a_write_is_nothing)
{
	struct sgl *list = (struct sgl *)at(LISTS);

	memset(at(0), 0x11, 512);
	memset(at(PAGE), 0x22, 512);
	list[0] = sgl(DATA_BLOCK, bus(0), 512);
	list[1] = sgl(BIT_BUCKET, 0, 4096);
	list[2] = sgl(DATA_BLOCK, bus(PAGE), 512);
	ck_assert_int_eq(move_sgl(nvt_sqe_write(1, 500, 2, 0),
				  sgl(LAST_SEGMENT, bus(LISTS), 3 * sizeof(*list))), 0);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 500, 2, 0), 0);
	ck_assert_int_eq(memcmp(nvt_buffer_data(dev.buf), at(0), 512), 0);
	ck_assert_int_eq(memcmp((char *)nvt_buffer_data(dev.buf) + 512, at(PAGE), 512), 0);
}
END_TEST

START_TEST(an_sgl_may_be_longer_than_the_data_not_shorter)
{
	ck_assert_int_eq(read_sgl(sgl(DATA_BLOCK, bus(0), 8192), 4096), 0);
	assert_data(0, 0, 4096);
	assert_untouched(4096, 4096);
	ck_assert_int_eq(read_sgl(sgl(DATA_BLOCK, bus(0), 4095), 4096), NVME_SC_SGL_INVALID_DATA);
}
END_TEST

START_TEST(wrong_sgl_descriptors_are_refused)
{
	struct sgl *list = (struct sgl *)at(LISTS), offset = sgl(DATA_BLOCK, 0, 512);

	offset.type |= 1;
	ck_assert_int_eq(read_sgl(offset, 512), NVME_SC_SGL_INVALID_TYPE);
	ck_assert_int_eq(read_sgl(sgl(KEYED, bus(0), 512), 512), NVME_SC_SGL_INVALID_TYPE);
	ck_assert_int_eq(read_sgl(sgl(SEGMENT, bus(LISTS), 24), 512), NVME_SC_SGL_INVALID_LAST);
	ck_assert_int_eq(read_sgl(sgl(LAST_SEGMENT, bus(LISTS), 0), 512), NVME_SC_SGL_INVALID_LAST);
	/* A segment that leads nowhere, a last one that leads on, one that leads on too early. */
	list[0] = sgl(DATA_BLOCK, bus(0), 512);
	ck_assert_int_eq(read_sgl(sgl(SEGMENT, bus(LISTS), 16), 512), NVME_SC_SGL_INVALID_LAST);
	list[1] = sgl(LAST_SEGMENT, bus(LISTS + PAGE), 16);
	list[2] = sgl(DATA_BLOCK, bus(0), 512);
	ck_assert_int_eq(read_sgl(sgl(LAST_SEGMENT, bus(LISTS), 32), 512),
			 NVME_SC_SGL_INVALID_LAST);
	ck_assert_int_eq(read_sgl(sgl(SEGMENT, bus(LISTS), 48), 512), NVME_SC_SGL_INVALID_LAST);
	ck_assert_int_eq(read_sgl(sgl(SEGMENT, NOWHERE, 48), 512), NVME_SC_DATA_XFER_ERROR);
}
END_TEST

START_TEST(a_chain_of_segments_without_an_end_is_refused)
{
	struct sgl *list = (struct sgl *)at(LISTS);

	list[0] = sgl(SEGMENT, bus(LISTS), 16);
	ck_assert_int_eq(read_sgl(sgl(SEGMENT, bus(LISTS), 16), 512), NVME_SC_SGL_INVALID_COUNT);
}
END_TEST

START_TEST(admin_commands_take_no_sgl)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_identify, .flags = PSDT_SGL, .cdw10 = 1,
			       .prp1 = bus(0), .prp2 = PAGE };
	struct nvt_cpl cpl;

	nvt_qpair_exec(nvt_ctrl_admin(dev.ctrl), &sqe, NULL, 0, 0, &cpl);
	ck_assert_int_eq(nvt_cpl_status(&cpl) & 0x7ff, NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(a_psdt_without_meaning_is_refused)
{
	struct nvt_sqe sqe = nvt_sqe_read(1, 0, 1, 0);

	sqe.flags |= PSDT_SGL | PSDT_SGL_MPTR;
	sqe.prp1 = bus(0);
	sqe.prp2 = 512;
	ck_assert_int_eq(ends(sqe), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(sgls_can_be_off)
{
	ck_assert_uint_eq(nvt_ctrl_id(dev.ctrl)->sgls, 0);
	ck_assert_int_eq(read_sgl(sgl(DATA_BLOCK, bus(0), 512), 512), NVME_SC_INVALID_FIELD);
}
END_TEST

/* A block at LBA 3 with metadata that begin with @byte, by any kind of pointer. */
static int write_meta(uint8_t flags, uint64_t mptr)
{
	struct nvt_sqe sqe = nvt_sqe_write(1, 3, 1, 0);
	struct sgl data = sgl(DATA_BLOCK, bus(0), 512);

	sqe.flags |= flags;
	sqe.mptr = mptr;
	sqe.prp1 = bus(0);
	if (flags)
		memcpy(&sqe.prp1, &data, sizeof(data));
	return ends(sqe);
}

static void assert_meta(const unsigned char *want)
{
	struct nvt_sqe sqe = nvt_sqe_read(1, 3, 1, 0);

	memset(at(2 * PAGE), 0xa5, PAGE);
	sqe.prp1 = bus(PAGE);
	sqe.mptr = bus(2 * PAGE);
	ck_assert_int_eq(ends(sqe), 0);
	ck_assert_int_eq(memcmp(at(2 * PAGE), want, 8), 0);
	assert_untouched(2 * PAGE + 8, PAGE - 8);
}

START_TEST(metadata_come_from_a_buffer_at_mptr)
{
	memcpy(at(LISTS + 4), "metadat1", 8);
	ck_assert_int_eq(write_meta(0, bus(LISTS + 4)), 0);
	assert_meta((unsigned char *)"metadat1");
	ck_assert_int_eq(write_meta(0, bus(LISTS + 5)), NVME_SC_INVALID_FIELD);
	/* With SGLs for data it lies at any byte. */
	memcpy(at(LISTS + 7), "metadat2", 8);
	ck_assert_int_eq(write_meta(PSDT_SGL, bus(LISTS + 7)), 0);
	assert_meta((unsigned char *)"metadat2");
	ck_assert_int_eq(write_meta(0, NOWHERE), NVME_SC_DATA_XFER_ERROR);
}
END_TEST

START_TEST(metadata_come_by_an_sgl_at_mptr)
{
	struct sgl *list = (struct sgl *)at(LISTS), *next = list + 4;

	memcpy(at(5000), "meta", 4);
	memcpy(at(6001), "dat3", 4);
	next[0] = sgl(DATA_BLOCK, bus(5000), 4);
	next[1] = sgl(DATA_BLOCK, bus(6001), 4);
	list[0] = sgl(LAST_SEGMENT, bus(LISTS) + 4 * sizeof(*list), 2 * sizeof(*list));
	ck_assert_int_eq(write_meta(PSDT_SGL_MPTR, bus(LISTS)), 0);
	assert_meta((unsigned char *)"metadat3");
	list[0] = sgl(DATA_BLOCK, bus(5000), 7);
	ck_assert_int_eq(write_meta(PSDT_SGL_MPTR, bus(LISTS)), NVME_SC_SGL_INVALID_METADATA);
	ck_assert_int_eq(write_meta(PSDT_SGL_MPTR, bus(LISTS) + 4), NVME_SC_INVALID_FIELD);
}
END_TEST

Suite *xfer_suite(void)
{
	Suite *suite = suite_create("xfer");
	TCase *tc = device_case(suite, "prp", begin, finish);

	tcase_add_test(tc, a_prp_begins_at_any_dword);
	tcase_add_test(tc, the_second_prp_is_a_page_where_that_is_enough);
	tcase_add_test(tc, a_list_is_read_to_its_end);
	tcase_add_test(tc, wrong_offsets_are_refused);
	tcase_add_test(tc, what_cannot_be_reached_is_a_transfer_error);
	tc = device_case(suite, "sgl", begin, finish);
	tcase_add_test(tc, an_sgl_data_block_lies_at_any_byte);
	tcase_add_test(tc, sgl_segments_are_followed);
	tcase_add_test(tc, a_bit_bucket_of_a_write_is_nothing);
	tcase_add_test(tc, an_sgl_may_be_longer_than_the_data_not_shorter);
	tcase_add_test(tc, wrong_sgl_descriptors_are_refused);
	tcase_add_test(tc, a_chain_of_segments_without_an_end_is_refused);
	tcase_add_test(tc, admin_commands_take_no_sgl);
	tcase_add_test(tc, a_psdt_without_meaning_is_refused);
	tc = device_case(suite, "no sgl", begin_no_sgl, finish);
	tcase_add_test(tc, sgls_can_be_off);
	tc = device_case(suite, "metadata", begin_metadata, finish);
	tcase_add_test(tc, metadata_come_from_a_buffer_at_mptr);
	tcase_add_test(tc, metadata_come_by_an_sgl_at_mptr);
	return suite;
}
