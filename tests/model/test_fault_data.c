// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Faults of data: each is armed, and buffers, verification and a power cut show exactly that. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <nvme/types.h>

#include "faulty.h"
#include "suites.h"

#define BLOCK		DEVICE_BLOCK
#define REMEMBERED	64	/* data pointers that the model keeps */

static struct faulty faulty;
static struct device *const dev = &faulty.dev;

static void begin(void)
{
	faulty_start(&faulty, "size=64M,seed=3");
}

static void finish(void)
{
	faulty_stop(&faulty);
}

static unsigned char *data(void)
{
	return nvt_buffer_data(dev->buf);
}

/* Each block of a write has a byte of its own: the first one, counted up. */
static void write_blocks(uint64_t slba, uint32_t nlb, unsigned int first)
{
	uint32_t i;

	for (i = 0; i < nlb; i++)
		memset(data() + i * BLOCK, first + i, BLOCK);
	ck_assert_int_eq(nvt_ns_write(dev->ns, dev->qp, dev->buf, 0, slba, nlb, 0), 0);
}

static void read_blocks(uint64_t slba, uint32_t nlb)
{
	memset(data(), 0xcc, nlb * BLOCK);
	ck_assert_int_eq(nvt_ns_read(dev->ns, dev->qp, dev->buf, 0, slba, nlb, 0), 0);
}

/* What was read has this byte in a block. */
static void assert_block(uint32_t index, unsigned int byte)
{
	const unsigned char *block = data() + index * BLOCK;
	unsigned int i;

	for (i = 0; i < BLOCK; i++)
		ck_assert_msg(block[i] == (byte & 0xff), "block %u, byte %u: %#x, not %#x", index, i,
			      block[i], byte & 0xff);
}

static void assert_blocks(uint32_t nlb, unsigned int first)
{
	uint32_t i;

	for (i = 0; i < nlb; i++)
		assert_block(i, first + i);
}

START_TEST(bit_flips_as_it_is_read)
{
	write_blocks(8, 8, 1);
	faulty_arm(&faulty, "opcode=read lba=8 nth=2 do flip byte=1000 bit=3");
	read_blocks(8, 8);
	assert_blocks(8, 1);
	read_blocks(8, 8);
	ck_assert_uint_eq(data()[1000], 2 ^ 8);
	data()[1000] ^= 8;
	assert_blocks(8, 1);
	read_blocks(8, 8);
	assert_blocks(8, 1);
	faulty_assert_shots(&faulty, "flip", 1);
}
END_TEST

START_TEST(bit_flips_as_it_is_written)
{
	int i;

	faulty_arm(&faulty, "opcode=write nth=1 do flip byte=5 bit=0");
	write_blocks(8, 1, 0x10);
	for (i = 0; i < 2; i++) {
		read_blocks(8, 1);
		ck_assert_uint_eq(data()[5], 0x11);
		data()[5] ^= 1;
		assert_block(0, 0x10);
	}
	write_blocks(8, 1, 0x10);
	read_blocks(8, 1);
	assert_block(0, 0x10);
}
END_TEST

START_TEST(stale_block_is_read)
{
	write_blocks(16, 2, 1);
	write_blocks(16, 2, 0x21);
	faulty_arm(&faulty, "opcode=read nth=1 do stale");
	read_blocks(16, 2);
	assert_block(0, 1);
	assert_block(1, 0x22);
	read_blocks(16, 2);
	assert_blocks(2, 0x21);
	faulty_assert_shots(&faulty, "stale", 1);
}
END_TEST

START_TEST(blocks_are_swapped)
{
	write_blocks(16, 4, 1);
	faulty_arm(&faulty, "opcode=read nth=1 do swap");
	read_blocks(16, 4);
	assert_block(0, 4);
	assert_block(1, 2);
	assert_block(2, 3);
	assert_block(3, 1);
	read_blocks(16, 4);
	assert_blocks(4, 1);
	faulty_arm(&faulty, "opcode=write nth=1 do swap");
	write_blocks(16, 4, 0x41);
	read_blocks(16, 4);
	assert_block(0, 0x44);
	assert_block(3, 0x41);
	faulty_assert_shots(&faulty, "swap", 2);
}
END_TEST

START_TEST(write_is_misdirected)
{
	write_blocks(16, 2, 1);
	write_blocks(100, 2, 0x31);
	faulty_arm(&faulty, "opcode=write nth=1 do misdirect lba=100");
	write_blocks(16, 2, 0x51);
	read_blocks(16, 2);
	assert_blocks(2, 1);
	read_blocks(100, 2);
	assert_blocks(2, 0x51);
	faulty_arm(&faulty, "opcode=read nth=1 do misdirect lba=16");
	read_blocks(200, 2);
	assert_blocks(2, 1);
	faulty_assert_shots(&faulty, "misdirect", 2);
}
END_TEST

START_TEST(write_is_lost)
{
	write_blocks(16, 2, 1);
	faulty_arm(&faulty, "opcode=write nth=1 do lost-write");
	write_blocks(16, 2, 0x61);
	read_blocks(16, 2);
	assert_blocks(2, 1);
	write_blocks(16, 2, 0x61);
	read_blocks(16, 2);
	assert_blocks(2, 0x61);
	faulty_assert_shots(&faulty, "lost-write", 1);
}
END_TEST

START_TEST(write_is_torn)
{
	write_blocks(16, 8, 1);
	faulty_arm(&faulty, "opcode=write nth=1 do torn-write count=3");
	write_blocks(16, 8, 0x71);
	read_blocks(16, 8);
	assert_blocks(3, 0x71);
	for (int i = 3; i < 8; i++)
		assert_block(i, 1 + i);
	faulty_arm(&faulty, "opcode=write nth=1 do torn-write");
	write_blocks(16, 8, 0x81);
	read_blocks(16, 8);
	assert_blocks(4, 0x81);
	assert_block(4, 5);
	faulty_assert_shots(&faulty, "torn-write", 2);
}
END_TEST

static void enable_again(void)
{
	ck_assert_int_eq(nvt_ctrl_reset(dev->ctrl), 0);
	dev->qp = nvt_qpair_create(dev->ctrl, NULL);
	ck_assert_msg(dev->qp != NULL, "%s", nvt_error());
}

/* Of 64 writes that were flushed, how many are there after a cut of power. */
static unsigned int survivors(unsigned int byte)
{
	unsigned int i, n = 0;

	for (i = 0; i < 64; i++)
		write_blocks(1000 + i, 1, byte);
	ck_assert_int_eq(nvt_ns_flush(dev->ns, dev->qp), 0);
	model_do(&dev->model, "power off");
	nvt_qpair_delete(dev->qp);
	model_do(&dev->model, "power on");
	enable_again();
	for (i = 0; i < 64; i++) {
		read_blocks(1000 + i, 1);
		n += data()[0] == byte;
	}
	return n;
}

START_TEST(flush_is_lost)
{
	ck_assert_uint_eq(survivors(0x11), 64);
	faulty_arm(&faulty, "opcode=flush nth=1 do lost-flush");
	ck_assert_uint_lt(survivors(0x22), 64);
	ck_assert_uint_eq(survivors(0x33), 64);
	faulty_assert_shots(&faulty, "lost-flush", 1);
}
END_TEST

/* The whole buffer has a byte, a read takes its part of it. */
static void read_into(struct nvt_buffer *buf, uint32_t nlb)
{
	memset(nvt_buffer_data(buf), 0xcc, nvt_buffer_length(buf));
	ck_assert_int_eq(nvt_ns_read(dev->ns, dev->qp, buf, 0, 0, nlb, 0), 0);
}

static void assert_bytes(struct nvt_buffer *buf, size_t from, size_t to, unsigned int byte)
{
	const unsigned char *bytes = nvt_buffer_data(buf);

	for (; from < to; from++)
		ck_assert_msg(bytes[from] == byte, "byte %zu: %#x, not %#x", from, bytes[from], byte);
}

START_TEST(dma_goes_past_the_end)
{
	struct nvt_buffer *buf = nvt_buffer_create(dev->pcie, 8192, NVT_BUFFER_CONTIGUOUS);

	faulty_arm(&faulty, "opcode=read nth=1 do dma-past-end count=100 value=0x5a");
	read_into(buf, 4);
	assert_bytes(buf, 0, 4 * BLOCK, 0);
	assert_bytes(buf, 4 * BLOCK, 4 * BLOCK + 100, 0x5a);
	assert_bytes(buf, 4 * BLOCK + 100, 8192, 0xcc);
	read_into(buf, 4);
	assert_bytes(buf, 4 * BLOCK, 8192, 0xcc);
	faulty_assert_shots(&faulty, "dma-past-end", 1);
	nvt_buffer_free(buf);
}
END_TEST

START_TEST(dma_goes_to_memory_of_an_earlier_command)
{
	struct nvt_buffer *earlier = nvt_buffer_create(dev->pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	struct nvt_buffer *buf = nvt_buffer_create(dev->pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	unsigned int i;

	/* So many that nothing older is remembered. */
	for (i = 0; i < REMEMBERED; i++)
		read_into(earlier, 8);
	assert_bytes(earlier, 0, 4096, 0);
	faulty_arm(&faulty, "opcode=read nth=1 do dma-freed value=0x5a");
	read_into(buf, 8);
	assert_bytes(buf, 0, 4096, 0);
	assert_bytes(earlier, 0, 64, 0x5a);
	assert_bytes(earlier, 64, 4096, 0);
	faulty_assert_shots(&faulty, "dma-freed", 1);
	nvt_buffer_free(buf);
	nvt_buffer_free(earlier);
}
END_TEST

/* The last line of the log about an action has these words. */
static void assert_logged(const char *action, uint64_t bus, const char *fate)
{
	char *log = model_log(&dev->model), *line = log, *next, words[160];

	while ((next = strstr(line + 1, action)))
		line = next;
	line[strcspn(line, "\n")] = '\0';
	snprintf(words, sizeof(words), "bytes written to %#llx, data of an earlier command%s",
		 (unsigned long long)bus, fate);
	next = strstr(line, words);
	ck_assert_msg(next && !next[strlen(words)], "'%s' is not '%s'", line, words);
	free(log);
}

/* A buffer that all remembered commands had, freed; its memory is still to be seen at *seen. */
static uint64_t use_and_free(unsigned char **seen)
{
	struct nvt_buffer *freed = nvt_buffer_create(dev->pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	uint64_t bus = nvt_buffer_bus(freed, 0);
	unsigned int i;

	for (i = 0; i < REMEMBERED; i++)
		read_into(freed, 8);
	*seen = mremap(nvt_buffer_data(freed), 0, 4096, MREMAP_MAYMOVE);
	ck_assert_ptr_ne(*seen, MAP_FAILED);
	nvt_buffer_free(freed);
	return bus;
}

START_TEST(dma_goes_to_memory_that_the_host_has_unmapped)
{
	struct nvt_buffer *buf = nvt_buffer_create(dev->pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	unsigned char *seen;
	uint64_t bus = use_and_free(&seen);

	faulty_arm(&faulty, "opcode=read nth=1 do dma-freed value=0x5a");
	read_into(buf, 8);
	assert_bytes(buf, 0, 4096, 0);
	ck_assert_uint_eq(seen[0], 0x5a);
	ck_assert_uint_eq(seen[63], 0x5a);
	ck_assert_uint_eq(seen[64], 0);
	faulty_assert_shots(&faulty, "dma-freed", 1);
	assert_logged("dma-freed", bus, ", unmapped since");
	munmap(seen, 4096);
	nvt_buffer_free(buf);
}
END_TEST

START_TEST(dma_goes_to_an_address_without_memory)
{
	struct nvt_buffer *buf = nvt_buffer_create(dev->pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	unsigned char *seen;
	uint64_t bus = use_and_free(&seen);

	/* More than the model keeps of what is unmapped. */
	nvt_buffer_free(nvt_buffer_create(dev->pcie, 65 << 20, NVT_BUFFER_CONTIGUOUS));
	faulty_arm(&faulty, "opcode=read nth=1 do dma-freed value=0x5a");
	read_into(buf, 8);
	assert_bytes(buf, 0, 4096, 0);
	ck_assert_uint_eq(seen[0], 0);
	faulty_assert_shots(&faulty, "dma-freed", 1);
	assert_logged("dma-freed", bus, ", unmapped since and out of reach");
	/* The device goes on. */
	read_into(buf, 8);
	munmap(seen, 4096);
	nvt_buffer_free(buf);
}
END_TEST

START_TEST(identify_lies)
{
	struct nvme_id_ctrl *id = (struct nvme_id_ctrl *)data();
	struct nvme_id_ns *id_ns = (struct nvme_id_ns *)data();

	faulty_arm(&faulty, "opcode=identify nth=1 do identify byte=4 value=0x21");
	faulty_arm(&faulty, "opcode=identify nth=3 do identify byte=0 count=8 value=0x123456789");
	ck_assert_int_eq(nvt_identify_ctrl(dev->ctrl, id), 0);
	ck_assert_int_eq(id->sn[0], '!');
	ck_assert_int_eq(nvt_identify_ctrl(dev->ctrl, id), 0);
	ck_assert_int_eq(id->sn[0], 'N');
	ck_assert_int_eq(nvt_identify_ns(dev->ctrl, 1, id_ns), 0);
	ck_assert_uint_eq(id_ns->nsze, 0x123456789);
	ck_assert_int_eq(nvt_identify_ns(dev->ctrl, 1, id_ns), 0);
	ck_assert_uint_eq(id_ns->nsze, (64 << 20) / BLOCK);
	faulty_assert_shots(&faulty, "identify", 2);
}
END_TEST

/* A worker that verifies names the kind of what it has met. */
static const struct {
	const char *rule;
	int kind;
} misdeeds[] = {
	{ "opcode=read nth=50 do flip byte=2000 bit=5", NVT_MISCOMPARE_CORRUPT },
	{ "opcode=write nth=50 do flip byte=2000 bit=5", NVT_MISCOMPARE_CORRUPT },
	{ "opcode=write nth=50 do lost-write", NVT_MISCOMPARE_STALE },
	{ "opcode=write nth=50 do torn-write count=1", NVT_MISCOMPARE_STALE },
	{ "opcode=read nth=50 do stale", NVT_MISCOMPARE_STALE },
	{ "opcode=read nth=50 do swap", NVT_MISCOMPARE_MISPLACED },
	{ "opcode=write nth=50 do swap", NVT_MISCOMPARE_MISPLACED },
	{ "opcode=read nth=50 do misdirect lba=8", NVT_MISCOMPARE_MISPLACED },
	{ "opcode=write nth=50 do misdirect lba=8", NVT_MISCOMPARE_MISPLACED },
};

/* One pass over the region, of writes or of reads. */
static struct nvt_ioworker_result run_worker(struct nvt_verify *verify, int read_percent)
{
	struct nvt_ioworker_opts opts = {
		.read_percent = read_percent, .qdepth = 8, .region_end = 1024, .seed = 1,
		.verify = verify,
	};
	struct nvt_ioworker_result result;
	struct nvt_ioworker *worker = nvt_ioworker_start(dev->ns, &opts);

	ck_assert_msg(worker != NULL, "%s", nvt_error());
	nvt_ioworker_close(worker, &result);
	ck_assert_uint_eq(result.status, 0);
	return result;
}

START_TEST(verification_names_what_it_met)
{
	struct nvt_verify *verify = nvt_verify_create(dev->ns);
	struct nvt_ioworker_result result;

	run_worker(verify, 0);
	run_worker(verify, 0);
	result = run_worker(verify, 100);
	ck_assert_uint_eq(result.verified_blocks, 1024);
	ck_assert_uint_eq(result.miscompares, 0);
	faulty_arm(&faulty, misdeeds[_i].rule);
	if (strstr(misdeeds[_i].rule, "write"))
		run_worker(verify, 0);
	result = run_worker(verify, 100);
	ck_assert_uint_gt(result.miscompares, 0);
	ck_assert_msg(result.miscompare.kind == (unsigned int)misdeeds[_i].kind, "%s: kind %u at %llu",
		      misdeeds[_i].rule, result.miscompare.kind,
		      (unsigned long long)result.miscompare.lba);
	nvt_verify_free(verify);
}
END_TEST

static void add_data(Suite *suite)
{
	TCase *tc = device_case(suite, "data", begin, finish);

	tcase_add_test(tc, bit_flips_as_it_is_read);
	tcase_add_test(tc, bit_flips_as_it_is_written);
	tcase_add_test(tc, stale_block_is_read);
	tcase_add_test(tc, blocks_are_swapped);
	tcase_add_test(tc, write_is_misdirected);
	tcase_add_test(tc, write_is_lost);
	tcase_add_test(tc, write_is_torn);
	tcase_add_test(tc, flush_is_lost);
	tcase_add_test(tc, dma_goes_past_the_end);
	tcase_add_test(tc, dma_goes_to_memory_of_an_earlier_command);
	tcase_add_test(tc, dma_goes_to_memory_that_the_host_has_unmapped);
	tcase_add_test(tc, dma_goes_to_an_address_without_memory);
	tcase_add_test(tc, identify_lies);
}

Suite *fault_data_suite(void)
{
	Suite *suite = suite_create("fault_data");
	TCase *tc;

	add_data(suite);
	tc = device_case(suite, "verification", begin, finish);
	tcase_add_loop_test(tc, verification_names_what_it_met, 0,
			    sizeof(misdeeds) / sizeof(misdeeds[0]));
	return suite;
}
