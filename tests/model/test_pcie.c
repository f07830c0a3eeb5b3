// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The vfio-user protocol of the model: attaching, information, regions, a client's life. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pcie_client.h"
#include "suites.h"

#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX

static struct pcie_client client;

static void start(void)
{
	struct function_params params = pcie_params();

	pcie_start(&client, &params);
	pcie_attach(&client);
}

static void stop(void)
{
	pcie_stop(&client);
}

static void version(const char *data, size_t length, struct pcie_reply *reply)
{
	pcie_leave(&client);
	pcie_connect(&client);
	pcie_send(&client, VFIO_USER_VERSION, 0, data, length, NULL, 0);
	ck_assert(pcie_receive(&client, reply));
}

START_TEST(version_is_answered_with_limits)
{
	static const char plain[] = "\0\0\0\0{}", multi[] = "\0\0\1\0{\"write_multiple\": true}";
	struct pcie_reply reply;

	version(plain, sizeof(plain), &reply);
	ck_assert_uint_eq(reply.header.flags, VFIO_USER_REPLY);
	ck_assert_mem_eq(reply.data, "\0\0\0\0", 4);
	ck_assert_ptr_nonnull(strstr((char *)reply.data + 4, "\"max_msg_fds\":16"));
	ck_assert_ptr_null(strstr((char *)reply.data + 4, "write_multiple"));
	version(multi, sizeof(multi), &reply);
	ck_assert_mem_eq(reply.data, "\0\0\0\0", 4);
	ck_assert_ptr_nonnull(strstr((char *)reply.data + 4, "\"write_multiple\":true"));
}
END_TEST

START_TEST(another_major_version_is_dropped)
{
	struct pcie_reply reply;

	pcie_leave(&client);
	pcie_connect(&client);
	pcie_send(&client, VFIO_USER_VERSION, 0, "\1\0\0\0", 4, NULL, 0);
	ck_assert_ptr_nonnull(strstr(pcie_pump_text(&client), "client dropped: version 1.0"));
	ck_assert(pcie_receive(&client, &reply));
	ck_assert_uint_eq(reply.header.error, EINVAL);
	ck_assert(pcie_dropped(&client));
}
END_TEST

START_TEST(a_second_version_is_refused)
{
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_VERSION, "\0\0\0\0", 4, NULL), EINVAL);
	ck_assert(function_attached(client.function));
}
END_TEST

START_TEST(device_info)
{
	uint32_t info[4] = { sizeof(info) };
	struct pcie_reply reply;

	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DEVICE_GET_INFO, info, sizeof(info), &reply),
			  0);
	memcpy(info, reply.data, sizeof(info));
	ck_assert_uint_eq(info[1], VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI);
	ck_assert_uint_eq(info[2], VFIO_PCI_NUM_REGIONS);
	ck_assert_uint_eq(info[3], VFIO_PCI_NUM_IRQS);
}
END_TEST

static uint32_t region_info(uint32_t index, uint32_t argsz, struct pcie_reply *reply,
			    struct vfio_region_info *info)
{
	uint32_t error;

	*info = (struct vfio_region_info){ .argsz = argsz, .index = index };
	error = pcie_ask(&client, VFIO_USER_DEVICE_GET_REGION_INFO, info, sizeof(*info), reply);
	if (!error)
		memcpy(info, reply->data, sizeof(*info));
	return error;
}

START_TEST(regions_have_their_sizes)
{
	static const uint64_t sizes[VFIO_PCI_NUM_REGIONS] = {
		[0] = CLIENT_BAR0, [2] = 65536, [4] = 8192, [CONFIG] = 4096 };
	struct vfio_region_info info;
	struct pcie_reply reply;

	for (uint32_t i = 0; i < VFIO_PCI_NUM_REGIONS; i++) {
		ck_assert_uint_eq(region_info(i, sizeof(info), &reply, &info), 0);
		ck_assert_uint_eq(info.size, sizes[i]);
		ck_assert_uint_eq(info.flags & (VFIO_REGION_INFO_FLAG_READ |
						VFIO_REGION_INFO_FLAG_WRITE), sizes[i] ? 3 : 0);
		ck_assert_uint_eq(reply.nr_fds, i == 0 || i == 2);
	}
	ck_assert_uint_eq(region_info(VFIO_PCI_NUM_REGIONS, sizeof(info), &reply, &info), EINVAL);
	ck_assert_uint_eq(region_info(0, sizeof(info) - 1, &reply, &info), EINVAL);
}
END_TEST

START_TEST(doorbells_are_mapped_and_the_page_before_is_an_image)
{
	struct vfio_region_info_cap_sparse_mmap sparse;
	struct vfio_region_sparse_mmap_area area;
	struct vfio_info_cap_header image;
	struct vfio_region_info info;
	struct pcie_reply reply;
	uint32_t *bar, *memory = function_bar0_memory(client.function);

	ck_assert(!function_doorbells_mapped(client.function));
	ck_assert_uint_eq(region_info(0, sizeof(info), &reply, &info), 0);
	ck_assert_uint_eq(reply.length, sizeof(info));
	ck_assert_uint_eq(region_info(0, info.argsz, &reply, &info), 0);
	ck_assert_uint_eq(reply.length, info.argsz);
	memcpy(&sparse, reply.data + info.cap_offset, sizeof(sparse));
	ck_assert_uint_eq(sparse.header.id, VFIO_REGION_INFO_CAP_SPARSE_MMAP);
	ck_assert_uint_eq(sparse.nr_areas, 1);
	memcpy(&area, reply.data + info.cap_offset + sizeof(sparse), sizeof(area));
	ck_assert_uint_eq(area.offset, 4096);
	ck_assert_uint_eq(area.size, CLIENT_DOORBELLS);
	memcpy(&image, reply.data + sparse.header.next, sizeof(image));
	ck_assert_uint_eq(image.id, VFIO_USER_CAP_IMAGE);
	ck_assert_uint_eq(image.next, 0);
	ck_assert(function_doorbells_mapped(client.function));

	bar = mmap(NULL, CLIENT_BAR0, PROT_READ | PROT_WRITE, MAP_SHARED, reply.fds[0],
		   info.offset);
	ck_assert_ptr_ne(bar, MAP_FAILED);
	bar[1024] = 0x1234;
	ck_assert_uint_eq(memory[1024], 0x1234);
	memory[5] = 0x5678;
	ck_assert_uint_eq(bar[5], 0x5678);
	ck_assert_int_ne(ftruncate(reply.fds[0], 0), 0);
}
END_TEST

START_TEST(without_doorbells_nothing_is_mapped)
{
	struct function_params params = pcie_params();
	struct vfio_region_info info;
	struct pcie_reply reply;

	pcie_stop(&client);
	params.doorbell_length = 0;
	pcie_start(&client, &params);
	pcie_attach(&client);
	ck_assert_uint_eq(region_info(0, sizeof(info), &reply, &info), 0);
	ck_assert_uint_eq(info.flags, 3);
	ck_assert_uint_eq(reply.nr_fds, 0);
	ck_assert(!function_doorbells_mapped(client.function));
}
END_TEST

START_TEST(plain_memory_is_shared_and_read_by_messages)
{
	uint64_t *memory = function_bar_memory(client.function, 2);
	struct vfio_region_info info;
	struct pcie_reply reply;
	uint64_t *bar;

	ck_assert_uint_eq(region_info(2, sizeof(info), &reply, &info), 0);
	bar = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, reply.fds[0], info.offset);
	ck_assert_ptr_ne(bar, MAP_FAILED);
	bar[8191] = 42;
	ck_assert_uint_eq(memory[8191], 42);
	pcie_store(&client, 2, 3, 5, 0x123456789a);
	ck_assert_uint_eq(pcie_load(&client, 2, 3, 5), 0x123456789a);
	ck_assert_ptr_null(strstr(client.log, "write"));
}
END_TEST

START_TEST(registers_have_exact_widths)
{
	const uint64_t all = 0x8877665544332211;

	for (unsigned int width = 1; width <= 8; width *= 2) {
		pcie_store(&client, 0, 64 * width + width, width, all);
		ck_assert_uint_eq(pcie_load(&client, 0, 64 * width + width, width),
				  all & UINT64_MAX >> (64 - 8 * width));
	}
	ck_assert_ptr_nonnull(strstr(client.log, "write:0+41=11 write:0+82=2211 "
				     "write:0+104=44332211 write:0+208=8877665544332211 "));
}
END_TEST

START_TEST(a_bar_is_silent_without_memory_space)
{
	pcie_store(&client, 0, 0, 4, 7);
	pcie_config_set(&client, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(pcie_load(&client, 0, 0, 4), 0xffffffff);
	ck_assert_uint_eq(pcie_load(&client, 2, 0, 4), 0xffffffff);
	pcie_store(&client, 0, 0, 4, 8);
	ck_assert_uint_eq(client.regs[0], 7);
	pcie_config_set(&client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(pcie_load(&client, 0, 0, 4), 7);
}
END_TEST

START_TEST(an_access_can_be_intercepted)
{
	client.ones = true;
	ck_assert_uint_eq(pcie_load(&client, 0, 0, 8), UINT64_MAX);
	ck_assert_uint_eq(pcie_config(&client, 0, 4), UINT32_MAX);
	pcie_config_set(&client, PCI_COMMAND, 2, 0);
	pcie_store(&client, 0, 0, 4, 9);
	client.ones = false;
	ck_assert_uint_eq(pcie_config(&client, PCI_COMMAND, 2) & 6, 6);
	ck_assert_uint_eq(client.regs[0], 0);
}
END_TEST

START_TEST(a_posted_write_is_not_answered)
{
	struct vfio_user_write write = { 8, 0, 4, { 5 } };
	struct pcie_reply reply;

	pcie_send(&client, VFIO_USER_REGION_WRITE, VFIO_USER_NO_REPLY, &write, 20, NULL, 0);
	write.offset = 1 << 20;
	pcie_send(&client, VFIO_USER_REGION_WRITE, VFIO_USER_NO_REPLY, &write, 20, NULL, 0);
	ck_assert(!pcie_receive(&client, &reply));
	ck_assert_uint_eq(pcie_load(&client, 0, 8, 4), 5);
}
END_TEST

START_TEST(several_writes_in_one_message)
{
	struct {
		uint64_t count;
		struct vfio_user_write writes[3];
	} multi = { 3, { { 0, 0, 4, { 1 } }, { 4, 0, 2, { 2 } }, { CLIENT_BAR0, 0, 4, { 3 } } } };
	struct pcie_reply reply;
	uint64_t done;

	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_REGION_WRITE_MULTI, &multi, sizeof(multi),
				   &reply), 0);
	memcpy(&done, reply.data, sizeof(done));
	ck_assert_uint_eq(done, 2);
	ck_assert_uint_eq(client.regs[0], 1);
	ck_assert_uint_eq(client.regs[4], 2);
	multi.count = 4;
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_REGION_WRITE_MULTI, &multi, sizeof(multi),
				   &reply), EINVAL);
}
END_TEST

START_TEST(io_fds_are_refused)
{
	uint32_t request[4] = { 64, 0, 0, 0 };

	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DEVICE_GET_REGION_IO_FDS, request,
				   sizeof(request), NULL), EOPNOTSUPP);
}
END_TEST

START_TEST(a_message_may_come_in_pieces)
{
	struct vfio_user_region_access access = { 0, CONFIG, 4 };
	struct vfio_user_header header = { 77, VFIO_USER_REGION_READ,
					   sizeof(header) + sizeof(access), 0, 0 };
	char bytes[sizeof(header) + sizeof(access)];
	struct pcie_reply reply;

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), &access, sizeof(access));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		ck_assert(!pcie_receive(&client, &reply));
		ck_assert_int_eq(send(client.fd, bytes + i, 1, 0), 1);
	}
	ck_assert(pcie_receive(&client, &reply));
	ck_assert_uint_eq(reply.header.id, 77);
	ck_assert_mem_eq(reply.data + sizeof(access), "\x34\x12\x78\x56", 4);
}
END_TEST

START_TEST(a_reset_is_answered_when_it_is_done)
{
	client.log[0] = 0;
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DEVICE_RESET, NULL, 0, NULL), 0);
	ck_assert_str_eq(client.log, "reset:bus ");
	ck_assert_uint_eq(pcie_config(&client, PCI_COMMAND, 2), 0);
}
END_TEST

START_TEST(a_client_that_leaves_is_a_loss_and_may_come_back)
{
	client.log[0] = 0;
	pcie_leave(&client);
	ck_assert(!function_attached(client.function));
	ck_assert_str_eq(client.log, "reset:lost ");
	ck_assert_uint_eq(function_config_read(client.function, PCI_COMMAND, 2), 0);
	pcie_attach(&client);
	ck_assert_str_eq(client.log, "reset:lost attached ");
}
END_TEST

START_TEST(a_second_client_waits_for_its_turn)
{
	int first = client.fd;
	struct pcie_reply reply;

	pcie_connect(&client);
	pcie_send(&client, VFIO_USER_VERSION, 0, "\0\0\0\0", 4, NULL, 0);
	ck_assert(!pcie_receive(&client, &reply));
	close(first);
	ck_assert(pcie_receive(&client, &reply));
	ck_assert_uint_eq(reply.header.flags, VFIO_USER_REPLY);
}
END_TEST

START_TEST(a_stale_socket_is_replaced_and_a_live_one_is_not)
{
	struct function_params params = pcie_params();
	struct function_ops none = { 0 };
	struct function *other = function_new(client.loop, &params, &none, NULL);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[64];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	ck_assert_int_eq(function_listen(other, client.path), -EADDRINUSE);
	ck_assert_int_eq(function_listen(other, "/dev/null"), -EEXIST);
	snprintf(path, sizeof(path), "%s/stale", client.dir);
	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	ck_assert_int_eq(function_listen(other, path), 0);
	function_free(other);
}
END_TEST

START_TEST(a_link_that_is_down_gives_all_ones)
{
	struct vfio_region_info info;
	struct pcie_reply reply;
	uint32_t *bar;

	ck_assert_uint_eq(region_info(0, sizeof(info), &reply, &info), 0);
	bar = mmap(NULL, CLIENT_BAR0, PROT_READ, MAP_SHARED, reply.fds[0], info.offset);
	client.log[0] = 0;
	function_link(client.function, false);
	ck_assert(!function_link_is_up(client.function));
	ck_assert_uint_eq(pcie_config(&client, 0, 4), UINT32_MAX);
	ck_assert_uint_eq(pcie_load(&client, 0, 0, 8), UINT64_MAX);
	ck_assert_uint_eq(bar[0], UINT32_MAX);
	ck_assert_uint_eq(bar[1024], UINT32_MAX);
	pcie_config_set(&client, PCI_COMMAND, 2, 0);
	pcie_store(&client, 0, 0, 4, 1);
	ck_assert_str_eq(client.log, "");
	function_link(client.function, true);
	ck_assert_str_eq(client.log, "reset:bus ");
	ck_assert_uint_eq(pcie_config(&client, 0, 2), 0x1234);
	ck_assert_uint_eq(pcie_config(&client, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(bar[1024], 0);
}
END_TEST

START_TEST(params_that_cannot_be_are_refused)
{
	struct function_params params = pcie_params();
	struct function_ops none = { 0 };

	params.bar_length[0] = 5000;
	ck_assert_ptr_null(function_new(client.loop, &params, &none, NULL));
	params = pcie_params();
	params.bar_length[4] = 4096;
	ck_assert_ptr_null(function_new(client.loop, &params, &none, NULL));
	params = pcie_params();
	params.msi_vectors = 3;
	ck_assert_ptr_null(function_new(client.loop, &params, &none, NULL));
	params = pcie_params();
	params.doorbell_length = CLIENT_BAR0;
	ck_assert_ptr_null(function_new(client.loop, &params, &none, NULL));
}
END_TEST

static TCase *protocol_case(void)
{
	TCase *tc = tcase_create("protocol");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, version_is_answered_with_limits);
	tcase_add_test(tc, another_major_version_is_dropped);
	tcase_add_test(tc, a_second_version_is_refused);
	tcase_add_test(tc, device_info);
	tcase_add_test(tc, regions_have_their_sizes);
	tcase_add_test(tc, doorbells_are_mapped_and_the_page_before_is_an_image);
	tcase_add_test(tc, without_doorbells_nothing_is_mapped);
	tcase_add_test(tc, plain_memory_is_shared_and_read_by_messages);
	tcase_add_test(tc, registers_have_exact_widths);
	tcase_add_test(tc, a_bar_is_silent_without_memory_space);
	tcase_add_test(tc, an_access_can_be_intercepted);
	tcase_add_test(tc, a_posted_write_is_not_answered);
	tcase_add_test(tc, several_writes_in_one_message);
	tcase_add_test(tc, io_fds_are_refused);
	tcase_add_test(tc, a_message_may_come_in_pieces);
	tcase_add_test(tc, a_reset_is_answered_when_it_is_done);
	tcase_add_test(tc, a_client_that_leaves_is_a_loss_and_may_come_back);
	tcase_add_test(tc, a_second_client_waits_for_its_turn);
	tcase_add_test(tc, a_stale_socket_is_replaced_and_a_live_one_is_not);
	tcase_add_test(tc, a_link_that_is_down_gives_all_ones);
	tcase_add_test(tc, params_that_cannot_be_are_refused);
	return tc;
}

Suite *pcie_suite(void)
{
	Suite *suite = suite_create("pcie");

	suite_add_tcase(suite, protocol_case());
	suite_add_tcase(suite, pcie_hostile_case());
	suite_add_tcase(suite, pcie_config_case());
	suite_add_tcase(suite, pcie_irq_case());
	suite_add_tcase(suite, pcie_dma_case());
	suite_add_tcase(suite, loop_case());
	return suite;
}
