// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Host Memory Buffer: what the device keeps there, when it may, and what it makes of harm. */
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <nvme/types.h>

#include "admin.h"
#include "events.h"
#include "suites.h"

#define PAGE		4096U
#define PAGES		32U
#define EHM		1U
#define MR		2U
#define WAIT_NS		5000000000ULL
#define CHECK_NS	500000000ULL	/* the device looks at its records so often */
#define HARMED		EVENT(NVME_AER_ERROR, NVME_AER_ERROR_TRANSIENT_INTERNAL_ERROR, NVME_LOG_LID_ERROR)

/* How a record of the device begins. */
struct record {
	uint64_t index, generation;
};

static struct device dev;
static struct nvt_buffer *memory;
static struct events events;

static void begin(void)
{
	device_start(&dev, "size=16M");
	memset(&events, 0, sizeof(events));
	memory = nvt_buffer_create(dev.pcie, (PAGES + 2) * PAGE, NVT_BUFFER_CONTIGUOUS);
	ck_assert_ptr_nonnull(memory);
}

static void finish(void)
{
	nvt_buffer_free(memory);
	device_stop(&dev);
}

static int set(uint32_t flags, uint32_t pages, uint64_t list, uint32_t descriptors)
{
	struct nvt_sqe sqe = nvt_sqe_set_features(NVME_FEAT_FID_HOST_MEM_BUF, 0, 0, flags);

	sqe.cdw12 = pages;
	sqe.cdw13 = list;
	sqe.cdw14 = list >> 32;
	sqe.cdw15 = descriptors;
	return admin_run(&dev, sqe, 0, NULL);
}

/* The second half of the memory, then, a page behind it, the first: two descriptors. */
static int enable(uint32_t flags)
{
	uint64_t *list = admin_data(&dev);

	list[0] = nvt_buffer_bus(memory, PAGES / 2 * PAGE);
	list[1] = PAGES / 2;
	list[2] = nvt_buffer_bus(memory, 0);
	list[3] = PAGES / 2;
	return set(EHM | flags, PAGES, nvt_buffer_bus(dev.buf, 0), 2);
}

static int disable(void)
{
	return set(0, 0, 0, 0);
}

/* Record @i, by the descriptors' order. */
static volatile struct record *record(unsigned int i)
{
	unsigned int page = i < PAGES / 2 ? i + PAGES / 2 : i - PAGES / 2;

	return (volatile struct record *)((char *)nvt_buffer_data(memory) + page * PAGE);
}

static void wait_until_written(void)
{
	uint64_t end = device_now_ns() + WAIT_NS;

	while (record(PAGES - 1)->index != PAGES - 1 && device_now_ns() < end)
		usleep(1000);
	ck_assert_uint_eq(record(PAGES - 1)->index, PAGES - 1);
	ck_assert_uint_eq(record(0)->index, 0);
	ck_assert_uint_eq(record(PAGES / 2)->index, PAGES / 2);
}

START_TEST(memory_is_written_as_its_descriptors_say)
{
	uint32_t dw0;

	memset(nvt_buffer_data(memory), 0xa5, (PAGES + 2) * PAGE);
	ck_assert_int_eq(enable(0), 0);
	wait_until_written();
	ck_assert_uint_eq(((unsigned char *)nvt_buffer_data(memory))[PAGES * PAGE], 0xa5);
	ck_assert_int_eq(admin_run(&dev, nvt_sqe_get_features(NVME_FEAT_FID_HOST_MEM_BUF, 0, 0, 0),
				   PAGE, &dw0), 0);
	ck_assert_uint_eq(dw0, EHM);
	ck_assert_uint_eq(((uint32_t *)admin_data(&dev))[0], PAGES);
	ck_assert_uint_eq(((uint32_t *)admin_data(&dev))[3], 2);
	ck_assert_int_eq(disable(), 0);
}
END_TEST

START_TEST(harm_is_noticed)
{
	ck_assert_int_eq(enable(0), 0);
	wait_until_written();
	events_request(&events, dev.ctrl, 1);
	((unsigned char *)record(PAGES - 1))[800] ^= 1;
	events_wait(&events, 1);
	ck_assert_uint_eq(events.cqe[0].dw0, HARMED);
	ck_assert_int_eq(disable(), 0);
}
END_TEST

START_TEST(memory_is_the_hosts_after_a_disable)
{
	unsigned char *data = nvt_buffer_data(memory);
	size_t i;

	ck_assert_int_eq(enable(0), 0);
	wait_until_written();
	ck_assert_int_eq(disable(), 0);
	events_request(&events, dev.ctrl, 1);
	memset(data, 0x5a, PAGES * PAGE);
	usleep(2 * CHECK_NS / 1000);
	for (i = 0; i < PAGES * PAGE; i++)
		ck_assert_uint_eq(data[i], 0x5a);
	ck_assert_uint_eq(events_count(&events, HARMED), 0);
}
END_TEST

/* Memory Return: the contents count, and are not written again. */
START_TEST(memory_that_is_returned_has_its_contents)
{
	uint64_t generation;

	ck_assert_int_eq(enable(0), 0);
	wait_until_written();
	generation = record(3)->generation;
	ck_assert_int_eq(disable(), 0);
	ck_assert_int_eq(nvt_qpair_delete(dev.qp), 0);
	ck_assert_int_eq(nvt_ctrl_reset(dev.ctrl), 0);
	dev.qp = NULL;
	ck_assert_int_eq(enable(MR), 0);
	events_request(&events, dev.ctrl, 1);
	usleep(2 * CHECK_NS / 1000);
	ck_assert_uint_eq(record(3)->generation, generation);
	ck_assert_uint_eq(events_count(&events, HARMED), 0);
	ck_assert_int_eq(disable(), 0);
	/* Not as it was: the promise is broken, and that is found. */
	((unsigned char *)record(3))[100] ^= 1;
	ck_assert_int_eq(enable(MR), 0);
	events_wait(&events, 1);
	ck_assert_uint_eq(events.cqe[0].dw0, HARMED);
	ck_assert_int_eq(disable(), 0);
}
END_TEST

START_TEST(memory_that_is_not_returned_is_new)
{
	uint64_t generation, end = device_now_ns() + WAIT_NS;

	ck_assert_int_eq(enable(0), 0);
	wait_until_written();
	generation = record(3)->generation;
	ck_assert_int_eq(disable(), 0);
	memset(nvt_buffer_data(memory), 0, PAGES * PAGE);
	events_request(&events, dev.ctrl, 1);
	ck_assert_int_eq(enable(0), 0);
	wait_until_written();
	while (record(3)->generation == 0 && device_now_ns() < end)
		usleep(1000);
	ck_assert_uint_gt(record(3)->generation, generation);
	usleep(2 * CHECK_NS / 1000);
	ck_assert_uint_eq(events_count(&events, HARMED), 0);
	ck_assert_int_eq(disable(), 0);
}
END_TEST

START_TEST(memory_that_goes_is_noticed)
{
	ck_assert_int_eq(enable(0), 0);
	wait_until_written();
	events_request(&events, dev.ctrl, 1);
	nvt_buffer_free(memory);
	memory = NULL;
	events_wait(&events, 1);
	ck_assert_uint_eq(events.cqe[0].dw0, HARMED);
	/* The device works without it. */
	device_move_data(&dev, dev.qp, 1);
}
END_TEST

START_TEST(memory_that_cannot_be_is_refused)
{
	uint64_t list = nvt_buffer_bus(dev.buf, 0), *descriptor = admin_data(&dev);
	uint32_t most = nvt_ctrl_id(dev.ctrl)->hmmaxd, least = nvt_ctrl_id(dev.ctrl)->hmmin;

	descriptor[0] = nvt_buffer_bus(memory, 0);
	descriptor[1] = PAGES;
	ck_assert_int_eq(set(EHM, least - 1, list, 1), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(set(EHM, PAGES, list + 8, 1), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(set(EHM, PAGES, list, 0), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(set(EHM, PAGES, list, most + 1), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(set(EHM, PAGES + 1, list, 1), NVME_SC_INVALID_FIELD);
	descriptor[0] += 512;
	ck_assert_int_eq(set(EHM, PAGES, list, 1), NVME_SC_INVALID_FIELD);
	descriptor[0] -= 512;
	ck_assert_int_eq(set(EHM, PAGES, list, 1), 0);
	ck_assert_int_eq(set(EHM, PAGES, list, 1), NVME_SC_CMD_SEQ_ERROR);
	ck_assert_int_eq(disable(), 0);
}
END_TEST

Suite *hmb_suite(void)
{
	Suite *suite = suite_create("hmb");
	TCase *tc = device_case(suite, "hmb", begin, finish);

	tcase_add_test(tc, memory_is_written_as_its_descriptors_say);
	tcase_add_test(tc, harm_is_noticed);
	tcase_add_test(tc, memory_is_the_hosts_after_a_disable);
	tcase_add_test(tc, memory_that_is_returned_has_its_contents);
	tcase_add_test(tc, memory_that_is_not_returned_is_new);
	tcase_add_test(tc, memory_that_goes_is_noticed);
	tcase_add_test(tc, memory_that_cannot_be_is_refused);
	return suite;
}
