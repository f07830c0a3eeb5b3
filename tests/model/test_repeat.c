// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The same store, workload and seed: the same completions, byte for byte. */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "suites.h"

#define BATCHES		40
#define BATCH		32
#define BLOCKS		4096
#define LINES		(BATCHES * BATCH)

/* Latencies that cross each other, work side by side, and faults by chance. */
#define OPTIONS		"size=2M,seed=%u,store={dir},read=200us+-150us,write=400us/exponential,parallelism=8"
#define FAULTS		"opcode=read prob=0.05 do status status=0x281\nopcode=write prob=0.05 do status status=0x280\n"

struct record {
	struct nvt_cqe cqe[LINES];
	unsigned int n;
};

static void record_cqe(void *arg, const struct nvt_cpl *cpl)
{
	struct record *record = arg;

	ck_assert_uint_lt(record->n, LINES);
	record->cqe[record->n++] = cpl->cqe;
}

static void post_one(struct device *device, struct record *record, unsigned int number)
{
	/* A sequence that is the test's own: it must not depend on the library's seed. */
	uint64_t word = number * 6364136223846793005ULL + 1442695040888963407ULL;
	struct nvt_sqe sqe = {
		.opcode = word >> 60 & 1 ? 0x01 : 0x02,
		.nsid = 1,
		.cdw10 = (word >> 33) % (BLOCKS - 8),
		.cdw12 = (word >> 20) % 8,
	};

	ck_assert_int_eq(nvt_qpair_post(device->qp, &sqe, device->buf, 0,
					(sqe.cdw12 + 1) * DEVICE_BLOCK, record_cqe, record), 0);
}

static void run_workload(struct record *record, unsigned int seed)
{
	struct device device;
	struct model_opts opts = { .faults = FAULTS };
	char options[256];
	unsigned int i, j;

	snprintf(options, sizeof(options), OPTIONS, seed);
	opts.options = options;
	memset(record, 0, sizeof(*record));
	model_start_with(&device.model, &opts);
	device_open(&device, NULL);
	for (i = 0; i < BATCHES; i++) {
		for (j = 0; j < BATCH; j++)
			post_one(&device, record, i * BATCH + j);
		ck_assert_int_eq(nvt_qpair_wait(device.qp, BATCH, 0), BATCH);
	}
	device_stop(&device);
	ck_assert_uint_eq(record->n, LINES);
}

START_TEST(one_seed_gives_the_same_completions_byte_for_byte)
{
	static struct record first, second;

	run_workload(&first, 7);
	run_workload(&second, 7);
	ck_assert_mem_eq(first.cqe, second.cqe, sizeof(first.cqe));
}
END_TEST

START_TEST(another_seed_gives_others)
{
	static struct record first, second;

	run_workload(&first, 7);
	run_workload(&second, 8);
	ck_assert_mem_ne(first.cqe, second.cqe, sizeof(first.cqe));
}
END_TEST

Suite *repeat_suite(void)
{
	Suite *suite = suite_create("repeat");
	TCase *tc = device_case(suite, "seed", NULL, NULL);

	tcase_add_test(tc, one_seed_gives_the_same_completions_byte_for_byte);
	tcase_add_test(tc, another_seed_gives_others);
	return suite;
}
