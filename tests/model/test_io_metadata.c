// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Metadata of the model's blocks, separate and interleaved, and protection information. */
#include <endian.h>
#include <isa-l/crc.h>
#include <stdbool.h>
#include <string.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "device.h"
#include "suites.h"

#define BLOCK		DEVICE_BLOCK
#define NLB		4
#define META		(64 * 1024)	/* where metadata is in the buffer */
#define SLBA		100
#define SPECIFIC(sc)	(NVME_SC_##sc | NVME_SCT_CMD_SPECIFIC << 8)
#define MEDIA(sc)	(NVME_SC_##sc | NVME_SCT_MEDIA << 8)
#define PRINFO(value)	((uint32_t)(value) << 26)
#define REF		1
#define APP		2
#define GUARD		4
#define PRACT		8
#define CHECK_ALL	(REF | APP | GUARD)

struct tuple {
	uint16_t guard;
	uint16_t app_tag;
	uint32_t ref_tag;
} __attribute__((packed));

static struct device dev;

static void finish(void)
{
	device_stop(&dev);
}

static void none(void)
{
}

static void begin_separate(void)
{
	device_start(&dev, "size=16M,metadata=64");
}

static void begin_extended(void)
{
	device_start(&dev, "size=16M,metadata=64,extended");
}

static void begin_type1(void)
{
	device_start(&dev, "size=16M,metadata=8,pi=1");
}

static unsigned char *data(void)
{
	return nvt_buffer_data(dev.buf);
}

static unsigned char *meta(void)
{
	return data() + META;
}

/* The status without More and Do Not Retry. The mask of the application tag is all bits. */
static int run(uint8_t opcode, uint64_t slba, uint32_t prinfo, size_t length, uint32_t ref_tag,
	       uint32_t app_tag)
{
	struct nvt_sqe sqe = nvt_sqe_write(1, slba, NLB, PRINFO(prinfo));
	int status;

	sqe.opcode = opcode;
	sqe.mptr = nvt_buffer_bus(dev.buf, META);
	sqe.cdw14 = ref_tag;
	sqe.cdw15 = app_tag | 0xffffU << 16;
	status = nvt_qpair_exec(dev.qp, &sqe, length ? dev.buf : NULL, 0, length, NULL);
	ck_assert_msg(status >= 0, "%s", nvt_error());
	return status & 0x7ff;
}

static int io(uint8_t opcode, uint32_t prinfo)
{
	return run(opcode, SLBA, prinfo, NLB * BLOCK, SLBA, 0x1234);
}

static int no_data(uint8_t opcode, uint32_t prinfo)
{
	return run(opcode, SLBA, prinfo, 0, SLBA, 0x1234);
}

static struct tuple *tuple(unsigned int i)
{
	return (struct tuple *)(meta() + i * sizeof(struct tuple));
}

/* What the host must send for NLB blocks of @ref_tag. */
static void protect(uint32_t ref_tag)
{
	unsigned int i;

	for (i = 0; i < NLB; i++) {
		tuple(i)->guard = htobe16(crc16_t10dif(0, data() + i * BLOCK, BLOCK));
		tuple(i)->app_tag = htobe16(0x1234);
		tuple(i)->ref_tag = htobe32(ref_tag + i);
	}
}

static void clear(void)
{
	memset(data(), 0xa5, DEVICE_BUFFER);
}

START_TEST(separate_metadata_is_read_back)
{
	unsigned char want[NLB * 64];

	device_fill(dev.buf, 1);
	memcpy(want, meta(), sizeof(want));
	ck_assert_int_eq(io(nvme_cmd_write, 0), 0);
	clear();
	ck_assert_int_eq(io(nvme_cmd_read, 0), 0);
	device_assert_filled(dev.buf, NLB * BLOCK, 1);
	ck_assert_mem_eq(meta(), want, sizeof(want));
	ck_assert_uint_eq(meta()[sizeof(want)], 0xa5);
}
END_TEST

START_TEST(separate_metadata_is_compared)
{
	device_fill(dev.buf, 1);
	ck_assert_int_eq(io(nvme_cmd_write, 0), 0);
	ck_assert_int_eq(io(nvme_cmd_compare, 0), 0);
	meta()[NLB * 64 - 1] ^= 1;
	ck_assert_int_eq(io(nvme_cmd_compare, 0), MEDIA(COMPARE_FAILED));
}
END_TEST

START_TEST(interleaved_metadata_is_read_back)
{
	size_t length = NLB * (BLOCK + 64);

	ck_assert_uint_eq(nvt_ns_block_size(dev.ns), BLOCK + 64);
	device_fill(dev.buf, 1);
	ck_assert_int_eq(run(nvme_cmd_write, SLBA, 0, length, 0, 0), 0);
	clear();
	ck_assert_int_eq(run(nvme_cmd_read, SLBA, 0, length, 0, 0), 0);
	device_assert_filled(dev.buf, length, 1);
	ck_assert_uint_eq(data()[length], 0xa5);
	/* The second block alone is the second part of it. */
	ck_assert_int_eq(run(nvme_cmd_read, SLBA + 1, 0, length, 0, 0), 0);
	device_fill(dev.buf, 1);
	ck_assert_int_eq(run(nvme_cmd_compare, SLBA, 0, length, 0, 0), 0);
}
END_TEST

START_TEST(protection_information_is_inserted)
{
	struct tuple want[NLB];

	device_fill(dev.buf, 1);
	protect(SLBA);
	memcpy(want, tuple(0), sizeof(want));
	clear();
	device_fill(dev.buf, 1);
	ck_assert_int_eq(io(nvme_cmd_write, PRACT), 0);
	clear();
	ck_assert_int_eq(io(nvme_cmd_read, CHECK_ALL), 0);
	ck_assert_mem_eq(tuple(0), want, sizeof(want));
}
END_TEST

START_TEST(protection_information_is_stripped)
{
	device_fill(dev.buf, 1);
	protect(SLBA);
	ck_assert_int_eq(io(nvme_cmd_write, CHECK_ALL), 0);
	clear();
	ck_assert_int_eq(io(nvme_cmd_read, PRACT | CHECK_ALL), 0);
	device_assert_filled(dev.buf, NLB * BLOCK, 1);
	ck_assert_uint_eq(meta()[0], 0xa5);
}
END_TEST

START_TEST(wrong_protection_information_is_not_stored)
{
	device_fill(dev.buf, 1);
	protect(SLBA);
	ck_assert_int_eq(io(nvme_cmd_write, CHECK_ALL), 0);
	device_fill(dev.buf, 2);
	protect(SLBA);
	tuple(3)->guard ^= 1;
	ck_assert_int_eq(io(nvme_cmd_write, CHECK_ALL), MEDIA(GUARD_CHECK));
	protect(SLBA);
	tuple(3)->ref_tag ^= 1;
	ck_assert_int_eq(io(nvme_cmd_write, CHECK_ALL), MEDIA(REFTAG_CHECK));
	protect(SLBA);
	tuple(3)->app_tag ^= 1;
	ck_assert_int_eq(io(nvme_cmd_write, CHECK_ALL), MEDIA(APPTAG_CHECK));
	ck_assert_int_eq(io(nvme_cmd_read, CHECK_ALL), 0);
	device_assert_filled(dev.buf, NLB * BLOCK, 1);
}
END_TEST

START_TEST(unchecked_tags_are_stored_as_they_are)
{
	device_fill(dev.buf, 1);
	protect(SLBA);
	tuple(1)->guard ^= 1;
	tuple(2)->ref_tag ^= 1;
	ck_assert_int_eq(io(nvme_cmd_write, APP), 0);
	ck_assert_int_eq(io(nvme_cmd_read, GUARD), MEDIA(GUARD_CHECK));
	ck_assert_int_eq(io(nvme_cmd_read, REF), MEDIA(REFTAG_CHECK));
	ck_assert_int_eq(io(nvme_cmd_read, APP), 0);
	ck_assert_int_eq(no_data(nvme_cmd_verify, GUARD), MEDIA(GUARD_CHECK));
	ck_assert_int_eq(no_data(nvme_cmd_verify, APP), 0);
}
END_TEST

START_TEST(application_tag_of_all_ones_escapes_checks)
{
	unsigned int i;

	device_fill(dev.buf, 1);
	for (i = 0; i < NLB; i++)
		*tuple(i) = (struct tuple){ .app_tag = 0xffff };
	ck_assert_int_eq(io(nvme_cmd_write, CHECK_ALL), 0);
	ck_assert_int_eq(io(nvme_cmd_read, CHECK_ALL), 0);
}
END_TEST

START_TEST(type1_wants_the_address_as_reference)
{
	ck_assert_int_eq(run(nvme_cmd_read, SLBA, REF, NLB * BLOCK, SLBA + 1, 0), SPECIFIC(INVALID_PI));
	ck_assert_int_eq(run(nvme_cmd_read, SLBA, GUARD, NLB * BLOCK, SLBA + 1, 0), 0);
}
END_TEST

START_TEST(deallocated_blocks_have_protection_of_ones)
{
	static const unsigned char ones[NLB * 8] = { [0 ... NLB * 8 - 1] = 0xff };

	ck_assert_int_eq(io(nvme_cmd_read, CHECK_ALL), 0);
	ck_assert_mem_eq(meta(), ones, sizeof(ones));
	ck_assert_uint_eq(data()[0], 0);
}
END_TEST

START_TEST(write_zeroes_inserts_protection)
{
	ck_assert_int_eq(no_data(nvme_cmd_write_zeroes, PRACT), 0);
	ck_assert_int_eq(io(nvme_cmd_read, CHECK_ALL), 0);
	ck_assert_uint_eq(be32toh(tuple(3)->ref_tag), SLBA + 3);
	ck_assert_uint_eq(be16toh(tuple(3)->app_tag), 0x1234);
}
END_TEST

START_TEST(compare_checks_and_skips_protection)
{
	device_fill(dev.buf, 1);
	ck_assert_int_eq(io(nvme_cmd_write, PRACT), 0);
	ck_assert_int_eq(io(nvme_cmd_compare, PRACT | CHECK_ALL), 0);
	protect(SLBA);
	ck_assert_int_eq(io(nvme_cmd_compare, CHECK_ALL), 0);
	tuple(0)->guard ^= 1;
	ck_assert_int_eq(io(nvme_cmd_compare, CHECK_ALL), MEDIA(GUARD_CHECK));
	ck_assert_int_eq(io(nvme_cmd_compare, 0), 0);
}
END_TEST

START_TEST(flipped_bit_on_the_medium_fails_the_guard)
{
	model_do(&dev.model, "fault opcode=write times=1 do flip byte=600 bit=3");
	device_fill(dev.buf, 1);
	ck_assert_int_eq(io(nvme_cmd_write, PRACT), 0);
	ck_assert_int_eq(io(nvme_cmd_read, PRACT | GUARD), MEDIA(GUARD_CHECK));
	ck_assert_int_eq(run(nvme_cmd_read, SLBA + 2, PRACT | CHECK_ALL, 2 * BLOCK, SLBA + 2, 0x1234),
			 0);
}
END_TEST

START_TEST(misdirected_write_fails_the_reference)
{
	device_fill(dev.buf, 1);
	ck_assert_int_eq(io(nvme_cmd_write, PRACT), 0);
	model_do(&dev.model, "fault opcode=write times=1 do misdirect lba=102");
	ck_assert_int_eq(run(nvme_cmd_write, 200, PRACT, NLB * BLOCK, 200, 0x1234), 0);
	ck_assert_int_eq(io(nvme_cmd_read, PRACT | GUARD), 0);
	ck_assert_int_eq(io(nvme_cmd_read, PRACT | REF), MEDIA(REFTAG_CHECK));
}
END_TEST

static int copy(uint32_t prinfo_read, uint32_t prinfo_write, uint32_t source_ref)
{
	struct nvme_copy_range range = { .slba = SLBA, .nlb = NLB - 1, .eilbrt = source_ref,
					 .elbat = 0x1234, .elbatm = 0xffff };
	struct nvt_sqe sqe = { .opcode = nvme_cmd_copy, .nsid = 1, .cdw10 = 500,
			       .cdw12 = prinfo_read << 12 | PRINFO(prinfo_write), .cdw14 = 500,
			       .cdw15 = 0xffff1234 };
	int status;

	memcpy(data(), &range, sizeof(range));
	status = nvt_qpair_exec(dev.qp, &sqe, dev.buf, 0, sizeof(range), NULL);
	ck_assert_msg(status >= 0, "%s", nvt_error());
	return status & 0x7ff;
}

START_TEST(copy_gives_new_references)
{
	device_fill(dev.buf, 1);
	ck_assert_int_eq(io(nvme_cmd_write, PRACT), 0);
	ck_assert_int_eq(copy(PRACT | CHECK_ALL, PRACT, SLBA), 0);
	ck_assert_int_eq(run(nvme_cmd_read, 500, PRACT | CHECK_ALL, NLB * BLOCK, 500, 0x1234), 0);
	device_assert_filled(dev.buf, NLB * BLOCK, 1);
	/* As they are, the references are those of the source. */
	ck_assert_int_eq(copy(CHECK_ALL, REF, SLBA), MEDIA(REFTAG_CHECK));
	ck_assert_int_eq(copy(CHECK_ALL, PRACT, SLBA), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(copy(PRACT | REF, PRACT, SLBA + 1), SPECIFIC(INVALID_PI));
}
END_TEST

START_TEST(type2_takes_any_reference)
{
	device_start(&dev, "size=16M,metadata=8,pi=2");
	device_fill(dev.buf, 1);
	ck_assert_int_eq(run(nvme_cmd_write, SLBA, PRACT, NLB * BLOCK, 7000, 0x1234), 0);
	ck_assert_int_eq(run(nvme_cmd_read, SLBA, CHECK_ALL, NLB * BLOCK, 7000, 0x1234), 0);
	ck_assert_uint_eq(be32toh(tuple(3)->ref_tag), 7003);
	ck_assert_int_eq(run(nvme_cmd_read, SLBA, REF, NLB * BLOCK, 7001, 0x1234),
			 MEDIA(REFTAG_CHECK));
	device_stop(&dev);
}
END_TEST

START_TEST(type3_has_one_reference_that_nobody_checks)
{
	device_start(&dev, "size=16M,metadata=8,pi=3");
	device_fill(dev.buf, 1);
	ck_assert_int_eq(run(nvme_cmd_write, SLBA, PRACT, NLB * BLOCK, 7000, 0x1234), 0);
	ck_assert_int_eq(run(nvme_cmd_read, SLBA, APP | GUARD, NLB * BLOCK, 0, 0x1234), 0);
	ck_assert_uint_eq(be32toh(tuple(3)->ref_tag), 7000);
	ck_assert_int_eq(run(nvme_cmd_read, SLBA, REF, NLB * BLOCK, 7000, 0), SPECIFIC(INVALID_PI));
	device_stop(&dev);
}
END_TEST

/* The guard of PI at the end covers the metadata before it, that of PI at the start only data. */
static void check_place(const char *options, size_t place, size_t guarded)
{
	struct tuple got;
	uint16_t crc;

	device_start(&dev, options);
	device_fill(dev.buf, 1);
	ck_assert_int_eq(io(nvme_cmd_write, PRACT), 0);
	clear();
	/* More metadata than PI: it crosses the bus with PRACT too. */
	ck_assert_int_eq(io(nvme_cmd_read, PRACT | CHECK_ALL), 0);
	device_assert_filled(dev.buf, NLB * BLOCK, 1);
	memcpy(&got, meta() + 64 + place, sizeof(got));
	crc = crc16_t10dif(crc16_t10dif(0, data() + BLOCK, BLOCK), meta() + 64, guarded);
	ck_assert_uint_eq(be16toh(got.guard), crc);
	ck_assert_uint_eq(be32toh(got.ref_tag), SLBA + 1);
	device_stop(&dev);
}

START_TEST(protection_is_at_the_end_or_the_start)
{
	check_place("size=16M,metadata=64,pi=1", 56, 56);
	check_place("size=16M,metadata=64,pi=1,pi-first", 0, 0);
}
END_TEST

START_TEST(interleaved_protection_is_stripped_too)
{
	device_start(&dev, "size=16M,metadata=8,pi=1,extended");
	device_fill(dev.buf, 1);
	ck_assert_int_eq(io(nvme_cmd_write, PRACT), 0);
	clear();
	ck_assert_int_eq(io(nvme_cmd_read, PRACT | CHECK_ALL), 0);
	device_assert_filled(dev.buf, NLB * BLOCK, 1);
	ck_assert_int_eq(run(nvme_cmd_read, SLBA, CHECK_ALL, NLB * (BLOCK + 8), SLBA, 0x1234), 0);
	ck_assert_uint_eq(be32toh(((struct tuple *)(data() + BLOCK))->ref_tag), SLBA);
	device_stop(&dev);
}
END_TEST

static void add_type1(Suite *suite)
{
	TCase *tc = device_case(suite, "type 1", begin_type1, finish);

	tcase_add_test(tc, protection_information_is_inserted);
	tcase_add_test(tc, protection_information_is_stripped);
	tcase_add_test(tc, wrong_protection_information_is_not_stored);
	tcase_add_test(tc, unchecked_tags_are_stored_as_they_are);
	tcase_add_test(tc, application_tag_of_all_ones_escapes_checks);
	tcase_add_test(tc, type1_wants_the_address_as_reference);
	tcase_add_test(tc, deallocated_blocks_have_protection_of_ones);
	tcase_add_test(tc, write_zeroes_inserts_protection);
	tcase_add_test(tc, compare_checks_and_skips_protection);
	tcase_add_test(tc, flipped_bit_on_the_medium_fails_the_guard);
	tcase_add_test(tc, misdirected_write_fails_the_reference);
	tcase_add_test(tc, copy_gives_new_references);
}

Suite *io_metadata_suite(void)
{
	Suite *suite = suite_create("io metadata");
	TCase *tc = device_case(suite, "separate", begin_separate, finish);

	tcase_add_test(tc, separate_metadata_is_read_back);
	tcase_add_test(tc, separate_metadata_is_compared);
	tc = device_case(suite, "interleaved", begin_extended, finish);
	tcase_add_test(tc, interleaved_metadata_is_read_back);
	add_type1(suite);
	tc = device_case(suite, "formats", none, none);
	tcase_add_test(tc, type2_takes_any_reference);
	tcase_add_test(tc, type3_has_one_reference_that_nobody_checks);
	tcase_add_test(tc, protection_is_at_the_end_or_the_start);
	tcase_add_test(tc, interleaved_protection_is_stripped_too);
	return suite;
}
