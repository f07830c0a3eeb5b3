// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The client of a vfio-user socket against a server that asks, refuses, errs and leaves. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vfio.h>

#include <nvt/buffer.h>
#include <nvt/error.h>

#include "access/vfio_user_wire.h"
#include "suites.h"
#include "vfio_server.h"

static struct vfio_server *server;
static struct nvt_pcie *pcie;

static void make(void)
{
	server = vfio_server_new();
	pcie = NULL;
}

static void drop(void)
{
	nvt_pcie_close(pcie);
	vfio_server_free(server);
}

static void open_server(void)
{
	vfio_server_start(server);
	pcie = nvt_pcie_open(server->address, 0);
	ck_assert_msg(pcie != NULL, "%s", nvt_error());
}

static int read_register(uint64_t offset)
{
	uint64_t value = ~0ULL;
	int err = nvt_pcie_reg_read(pcie, 0, offset, 4, &value);

	if (!err)
		ck_assert_uint_eq(value, offset);
	return err;
}

static unsigned int answers(void)
{
	return __atomic_load_n(&server->ask.answers, __ATOMIC_ACQUIRE);
}

static void prepare_ask(uint16_t command, uint64_t address, uint64_t count)
{
	server->ask.command = command;
	server->ask.address = address;
	server->ask.count = count;
}

static struct nvt_buffer *make_buffer(int kind)
{
	struct nvt_buffer *buf = nvt_buffer_create(pcie, 16 * 4096, kind);
	unsigned char *data;
	size_t i;

	ck_assert_msg(buf != NULL, "%s", nvt_error());
	data = nvt_buffer_data(buf);
	for (i = 0; i < nvt_buffer_length(buf); i++)
		data[i] = i / 4096 * 16 + i % 13;
	return buf;
}

START_TEST(registers_pass_with_their_width)
{
	uint64_t value;

	open_server();
	ck_assert_int_eq(nvt_pcie_reg_read(pcie, 0, 0x1008, 8, &value), 0);
	ck_assert_uint_eq(value, 0x1008);
	ck_assert_int_eq(nvt_pcie_reg_read(pcie, 0, 0x1034, 1, &value), 0);
	ck_assert_uint_eq(value, 0x34);
	ck_assert_int_eq(nvt_pcie_reg_read(pcie, 0, VFIO_SERVER_BAR, 4, &value), -EINVAL);
	ck_assert_int_eq(nvt_pcie_reg_read(pcie, 1, 0, 4, &value), -EINVAL);
}
END_TEST

START_TEST(memory_is_read_for_the_server_while_a_call_waits)
{
	struct nvt_buffer *buf;

	open_server();
	buf = make_buffer(NVT_BUFFER_CONTIGUOUS);
	prepare_ask(VFIO_USER_DMA_READ, nvt_buffer_bus(buf, 4000), 5000);
	ck_assert_int_eq(read_register(VFIO_SERVER_ASK), 0);
	ck_assert_uint_eq(answers(), 1);
	ck_assert_uint_eq(server->ask.error, 0);
	ck_assert_mem_eq(server->ask.data, (char *)nvt_buffer_data(buf) + 4000, 5000);
	nvt_buffer_free(buf);
	ck_assert_uint_eq(server->maps, 1);
	ck_assert_uint_eq(server->unmaps, 1);
}
END_TEST

START_TEST(memory_in_pages_is_found_by_its_pages)
{
	struct nvt_buffer *buf;
	size_t page;

	open_server();
	buf = make_buffer(NVT_BUFFER_PAGES);
	for (page = 0; page < 16; page++) {
		prepare_ask(VFIO_USER_DMA_WRITE, nvt_buffer_bus(buf, page * 4096 + 8), 100);
		memset(server->ask.data, 0xc0 + page, 100);
		ck_assert_int_eq(read_register(VFIO_SERVER_ASK), 0);
		ck_assert_uint_eq(server->ask.error, 0);
		ck_assert_mem_eq((char *)nvt_buffer_data(buf) + page * 4096 + 8, server->ask.data,
				 100);
	}
	nvt_buffer_free(buf);
}
END_TEST

START_TEST(memory_is_there_while_nobody_calls)
{
	struct nvt_buffer *buf;
	int i;

	open_server();
	buf = make_buffer(NVT_BUFFER_CONTIGUOUS);
	prepare_ask(VFIO_USER_DMA_READ, nvt_buffer_bus(buf, 0), 4096);
	ck_assert_int_eq(read_register(VFIO_SERVER_ASK_LATER), 0);
	for (i = 0; i < 2000 && !answers(); i++)
		usleep(1000);
	ck_assert_uint_eq(answers(), 1);
	ck_assert_mem_eq(server->ask.data, nvt_buffer_data(buf), 4096);
	nvt_buffer_free(buf);
}
END_TEST

START_TEST(memory_that_is_not_there_is_refused)
{
	struct nvt_buffer *buf;
	uint64_t bus;

	open_server();
	buf = make_buffer(NVT_BUFFER_CONTIGUOUS);
	bus = nvt_buffer_bus(buf, 0);
	prepare_ask(VFIO_USER_DMA_READ, bus + 15 * 4096, 4097);
	ck_assert_int_eq(read_register(VFIO_SERVER_ASK), 0);
	ck_assert_uint_eq(server->ask.error, EFAULT);
	nvt_buffer_free(buf);
	prepare_ask(VFIO_USER_DMA_WRITE, bus, 8);
	ck_assert_int_eq(read_register(VFIO_SERVER_ASK), 0);
	ck_assert_uint_eq(server->ask.error, EFAULT);
	prepare_ask(VFIO_USER_DMA_READ, bus, UINT64_MAX);
	ck_assert_int_eq(read_register(VFIO_SERVER_ASK), 0);
	ck_assert_uint_eq(server->ask.error, EINVAL);
	ck_assert_uint_eq(answers(), 3);
}
END_TEST

START_TEST(request_that_is_unknown_is_refused)
{
	open_server();
	prepare_ask(99, 0, 0);
	ck_assert_int_eq(read_register(VFIO_SERVER_ASK), 0);
	ck_assert_uint_eq(server->ask.error, EOPNOTSUPP);
	ck_assert_int_eq(read_register(0x100), 0);
}
END_TEST

START_TEST(refused_call_is_an_error_and_no_more)
{
	open_server();
	ck_assert_int_eq(read_register(VFIO_SERVER_REFUSE), -EIO);
	ck_assert_int_eq(read_register(VFIO_SERVER_SHORT), -EIO);
	ck_assert_int_eq(nvt_pcie_state(pcie), NVT_STATE_LIVE);
	ck_assert_int_eq(read_register(0x100), 0);
}
END_TEST

static const uint64_t breaches[] = {
	VFIO_SERVER_WRONG_ID, VFIO_SERVER_HUGE, VFIO_SERVER_LEAVE,
};

START_TEST(server_that_makes_no_sense_is_lost)
{
	struct nvt_buffer *buf;
	uint64_t generation;

	open_server();
	buf = make_buffer(NVT_BUFFER_PAGES);
	generation = nvt_pcie_generation(pcie);
	ck_assert_int_eq(read_register(breaches[_i]), -ENODEV);
	ck_assert_int_eq(nvt_pcie_state(pcie), NVT_STATE_GONE);
	ck_assert_uint_gt(nvt_pcie_generation(pcie), generation);
	ck_assert_int_eq(read_register(0x100), -ENODEV);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "is gone"));
	nvt_buffer_free(buf);
}
END_TEST

START_TEST(server_that_leaves_is_noticed)
{
	int i;

	open_server();
	shutdown(server->client, SHUT_RDWR);
	for (i = 0; i < 2000 && nvt_pcie_state(pcie) != NVT_STATE_GONE; i++)
		usleep(1000);
	ck_assert_int_eq(nvt_pcie_state(pcie), NVT_STATE_GONE);
}
END_TEST

/* The protocol's default is one file in a message. */
START_TEST(eventfds_go_in_messages_that_the_server_takes)
{
	open_server();
	ck_assert_int_eq(nvt_pcie_set_vectors(pcie, NVT_VECTOR_MSIX, 9), 3);
	ck_assert_uint_eq(server->irq_fds, 3);
	ck_assert_uint_eq(server->most_fds, 1);
	ck_assert_uint_eq(server->irq_messages, 3);
	ck_assert_uint_eq(server->config[VFIO_SERVER_MSIX + 3] & 0xc0, 0x80);
	ck_assert_int_eq(nvt_pcie_set_vectors(pcie, NVT_VECTOR_NONE, 0), 0);
	ck_assert_uint_eq(server->config[VFIO_SERVER_MSIX + 3] & 0xc0, 0);
	ck_assert_int_eq(nvt_pcie_set_vectors(pcie, NVT_VECTOR_MSI, 1), -EOPNOTSUPP);
}
END_TEST

START_TEST(eventfds_go_together_if_the_server_takes_them)
{
	server->capabilities = "{\"capabilities\": {\"max_msg_fds\": 8, \"x\": 1}}";
	open_server();
	ck_assert_int_eq(nvt_pcie_set_vectors(pcie, NVT_VECTOR_MSIX, 3), 3);
	ck_assert_uint_eq(server->most_fds, 3);
}
END_TEST

START_TEST(function_without_flr_is_reset_by_message)
{
	open_server();
	ck_assert_int_eq(nvt_pcie_config_write(pcie, 0x3c, 1, 11), 0);
	ck_assert_int_eq(nvt_pcie_reset(pcie), 0);
	ck_assert_uint_eq(server->resets, 1);
	ck_assert_uint_eq(server->config[0x3c], 11);
	/* Memory Space, Bus Master */
	ck_assert_uint_eq(server->config[4] & 6, 6);
}
END_TEST

START_TEST(function_without_any_reset_has_none)
{
	server->cannot_reset = true;
	open_server();
	ck_assert_int_eq(nvt_pcie_reset(pcie), -ENOTTY);
	ck_assert_int_eq(nvt_pcie_state(pcie), NVT_STATE_LIVE);
	ck_assert_uint_eq(server->config[4] & 6, 6);
}
END_TEST

static void assert_bar_cannot_be_mapped(void)
{
	open_server();
	errno = 0;
	ck_assert(!nvt_pcie_map_bar(pcie, 0, NULL));
	ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "does not let BAR 0 be mapped"));
}

START_TEST(bar_without_a_file_cannot_be_mapped)
{
	assert_bar_cannot_be_mapped();
}
END_TEST

static struct vfio_region_info *prepare_region(void)
{
	struct vfio_region_info *info = (void *)server->region_info;

	*info = (struct vfio_region_info){
		.argsz = sizeof(*info),
		.flags = VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS,
		.cap_offset = sizeof(*info),
		.size = VFIO_SERVER_BAR,
	};
	server->region_info_length = sizeof(server->region_info);
	server->send_fd = true;
	return info;
}

/* Behind the mapping there must be memory: else an access ends the process. */
START_TEST(bar_whose_file_is_short_cannot_be_mapped)
{
	prepare_region()->flags = VFIO_REGION_INFO_FLAG_MMAP;
	assert_bar_cannot_be_mapped();
}
END_TEST

START_TEST(list_of_capabilities_in_a_circle_ends)
{
	struct vfio_info_cap_header *cap = (void *)(prepare_region() + 1);

	cap->id = 0x4e56;
	cap->next = sizeof(struct vfio_region_info);
	assert_bar_cannot_be_mapped();
}
END_TEST

START_TEST(areas_beyond_the_bar_are_left_out)
{
	struct vfio_region_info_cap_sparse_mmap *cap = (void *)(prepare_region() + 1);

	cap->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	cap->header.next = 0;
	cap->nr_areas = 3;
	cap->areas[0].offset = VFIO_SERVER_BAR;
	cap->areas[0].size = 4096;
	cap->areas[1].offset = 4096;
	cap->areas[1].size = UINT64_MAX - 4095;
	cap->areas[2].offset = 12;
	cap->areas[2].size = 4096;
	assert_bar_cannot_be_mapped();
}
END_TEST

START_TEST(more_areas_than_the_answer_has_are_left_out)
{
	struct vfio_region_info_cap_sparse_mmap *cap = (void *)(prepare_region() + 1);

	cap->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	cap->header.next = 0;
	cap->nr_areas = UINT32_MAX;
	assert_bar_cannot_be_mapped();
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, make, drop);
	suite_add_tcase(suite, tc);
	return tc;
}

Suite *vfio_user_suite(void)
{
	Suite *suite = suite_create("vfio_user");
	TCase *tc = add_case(suite, "messages");

	tcase_add_test(tc, registers_pass_with_their_width);
	tcase_add_test(tc, memory_is_read_for_the_server_while_a_call_waits);
	tcase_add_test(tc, memory_in_pages_is_found_by_its_pages);
	tcase_add_test(tc, memory_is_there_while_nobody_calls);
	tcase_add_test(tc, memory_that_is_not_there_is_refused);
	tcase_add_test(tc, request_that_is_unknown_is_refused);
	tcase_add_test(tc, refused_call_is_an_error_and_no_more);
	tcase_add_loop_test(tc, server_that_makes_no_sense_is_lost, 0, 3);
	tcase_add_test(tc, server_that_leaves_is_noticed);
	tc = add_case(suite, "function");
	tcase_add_test(tc, eventfds_go_in_messages_that_the_server_takes);
	tcase_add_test(tc, eventfds_go_together_if_the_server_takes_them);
	tcase_add_test(tc, function_without_flr_is_reset_by_message);
	tcase_add_test(tc, function_without_any_reset_has_none);
	tcase_add_test(tc, bar_without_a_file_cannot_be_mapped);
	tcase_add_test(tc, bar_whose_file_is_short_cannot_be_mapped);
	tcase_add_test(tc, list_of_capabilities_in_a_circle_ends);
	tcase_add_test(tc, areas_beyond_the_bar_are_left_out);
	tcase_add_test(tc, more_areas_than_the_answer_has_are_left_out);
	return suite;
}
