// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* DMA of the model: shared memory, messages with requests in between, what is forbidden. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pcie_client.h"

#define PAGE	4096
#define BASE	0x100000ULL
#define RW	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)
#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX

/* Writes of BAR 0 that make the device read, or write, @value as the address. */
#define DMA_READ	0x100
#define DMA_WRITE	0x108
#define INTX		0x110		/* a write of the pin's level */
#define DMA_LENGTH	6000

static struct pcie_client client;
static struct function *function;
static int file;
static uint8_t *memory;

static void dma_on_write(struct pcie_client *device, uint64_t offset, uint64_t value)
{
	if (offset == DMA_READ)
		device->result = function_dma_read(function, value, device->data, DMA_LENGTH);
	else if (offset == DMA_WRITE)
		device->result = function_dma_write(function, value, device->data, DMA_LENGTH);
	else if (offset == INTX)
		function_intx(function, value);
}

static void start(void)
{
	struct function_params params = pcie_params();

	pcie_start(&client, &params);
	pcie_attach(&client);
	function = client.function;
	client.on_write = dma_on_write;
	client.result = 1;
	file = memfd_create("memory", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(file, 16 * PAGE), 0);
	memory = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	client.log[0] = 0;
}

static void stop(void)
{
	pcie_stop(&client);
	munmap(memory, 16 * PAGE);
	close(file);
}

START_TEST(shared_memory_is_read_and_written)
{
	uint8_t data[100];

	ck_assert_uint_eq(pcie_map(&client, BASE, 4 * PAGE, RW, file, PAGE), 0);
	memory[PAGE + 50] = 0x77;
	ck_assert_int_eq(function_dma_read(function, BASE + 50, data, 1), 0);
	ck_assert_uint_eq(data[0], 0x77);
	memset(data, 0x33, sizeof(data));
	ck_assert_int_eq(function_dma_write(function, BASE + PAGE - 50, data, sizeof(data)), 0);
	ck_assert_mem_eq(memory + 2 * PAGE - 50, data, sizeof(data));
	ck_assert_int_eq(function_dma_read(function, BASE + 4 * PAGE - 50, data, 51), -EFAULT);
	ck_assert_int_eq(function_dma_read(function, BASE - 1, data, 1), -EFAULT);
	ck_assert_int_eq(function_dma_read(function, UINT64_MAX, data, 1), -EFAULT);
}
END_TEST

START_TEST(a_transfer_goes_over_several_mappings)
{
	uint8_t data[2 * PAGE];

	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(pcie_map(&client, BASE + i * PAGE, PAGE, RW, file,
					   (2 - i) * 2 * PAGE), 0);
	for (int i = 0; i < 16; i++)
		memset(memory + i * PAGE, i, PAGE);
	ck_assert_int_eq(function_dma_read(function, BASE + PAGE / 2, data, sizeof(data)), 0);
	ck_assert_uint_eq(data[0], 4);
	ck_assert_uint_eq(data[PAGE], 2);
	ck_assert_uint_eq(data[2 * PAGE - 1], 0);
	ck_assert_ptr_null(function_dma_pointer(function, BASE + PAGE / 2, PAGE, false));
	ck_assert_ptr_nonnull(function_dma_pointer(function, BASE + PAGE / 2, PAGE / 2, false));
}
END_TEST

START_TEST(direction_is_honoured)
{
	uint8_t data[4] = { 0 };

	ck_assert_uint_eq(pcie_map(&client, BASE, PAGE, VFIO_DMA_MAP_FLAG_READ, file, 0), 0);
	ck_assert_uint_eq(pcie_map(&client, BASE + PAGE, PAGE, VFIO_DMA_MAP_FLAG_WRITE, file, 0),
			  0);
	ck_assert_int_eq(function_dma_write(function, BASE, data, 4), -EFAULT);
	ck_assert_int_eq(function_dma_read(function, BASE + PAGE, data, 4), -EFAULT);
	ck_assert_ptr_null(function_dma_pointer(function, BASE, 4, true));
	ck_assert_ptr_nonnull(function_dma_pointer(function, BASE + PAGE, 4, true));
}
END_TEST

START_TEST(without_bus_master_there_is_no_dma)
{
	uint8_t data[4];

	ck_assert_uint_eq(pcie_map(&client, BASE, PAGE, RW, file, 0), 0);
	pcie_config_set(&client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_int_eq(function_dma_read(function, BASE, data, 4), -EFAULT);
	ck_assert_ptr_null(function_dma_pointer(function, BASE, 4, false));
	pcie_config_set(&client, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	ck_assert_int_eq(function_dma_read(function, BASE, data, 4), 0);
	function_link(function, false);
	ck_assert_int_eq(function_dma_read(function, BASE, data, 4), -EFAULT);
	pcie_leave(&client);
	ck_assert_int_eq(function_dma_read(function, BASE, data, 4), -ENOTCONN);
}
END_TEST

START_TEST(many_mappings_are_found)
{
	/* In an order that is neither up nor down. */
	for (unsigned int i = 0; i < 1000; i++)
		ck_assert_uint_eq(pcie_map(&client, BASE + i * 7 % 1000 * 2 * PAGE, PAGE, RW, file,
					   i * 7 % 1000 % 16 * PAGE), 0);
	for (int i = 0; i < 16; i++)
		memset(memory + i * PAGE, i, PAGE);
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t iova = BASE + i * 2 * PAGE;
		uint8_t *at = function_dma_pointer(function, iova + 5, 1, true);

		ck_assert_ptr_nonnull(at);
		ck_assert_uint_eq(*at, i % 16);
		ck_assert_ptr_null(function_dma_pointer(function, iova + PAGE, 1, true));
	}
}
END_TEST

START_TEST(maps_must_not_overlap)
{
	ck_assert_uint_eq(pcie_map(&client, BASE, 4 * PAGE, RW, file, 0), 0);
	ck_assert_uint_eq(pcie_map(&client, BASE, 4 * PAGE, RW, file, 0), EEXIST);
	ck_assert_uint_eq(pcie_map(&client, BASE - PAGE, 2 * PAGE, RW, file, 0), EEXIST);
	ck_assert_uint_eq(pcie_map(&client, BASE + 3 * PAGE, 2 * PAGE, RW, file, 0), EEXIST);
	ck_assert_uint_eq(pcie_map(&client, BASE - PAGE, 8 * PAGE, RW, file, 0), EEXIST);
	ck_assert_uint_eq(pcie_map(&client, BASE - PAGE, PAGE, RW, file, 0), 0);
	ck_assert_uint_eq(pcie_map(&client, BASE + 4 * PAGE, PAGE, RW, file, 0), 0);
}
END_TEST

START_TEST(unmap_takes_whole_mappings)
{
	uint64_t length;

	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(pcie_map(&client, BASE + 2 * i * PAGE, 2 * PAGE, RW, file, 0), 0);
	ck_assert_uint_eq(pcie_unmap(&client, BASE + PAGE, 2 * PAGE, 0, NULL), EINVAL);
	ck_assert_uint_eq(pcie_unmap(&client, BASE, PAGE, 0, NULL), EINVAL);
	ck_assert_uint_eq(pcie_unmap(&client, BASE, 0, 0, NULL), EINVAL);
	ck_assert_uint_eq(pcie_unmap(&client, UINT64_MAX - PAGE, 2 * PAGE, 0, NULL), EINVAL);
	ck_assert_uint_eq(pcie_unmap(&client, BASE - 4 * PAGE, 4 * PAGE, 0, &length), 0);
	ck_assert_uint_eq(length, 0);
	ck_assert_str_eq(client.log, "");
	ck_assert_uint_eq(pcie_unmap(&client, BASE + 2 * PAGE, 4 * PAGE, 0, &length), 0);
	ck_assert_uint_eq(length, 4 * PAGE);
	ck_assert_str_eq(client.log, "unmapped:102000+4000 ");
	ck_assert_ptr_null(function_dma_pointer(function, BASE + 2 * PAGE, 1, true));
	ck_assert_ptr_nonnull(function_dma_pointer(function, BASE, 1, true));
	ck_assert_ptr_nonnull(function_dma_pointer(function, BASE + 6 * PAGE, 1, true));
	ck_assert_uint_eq(pcie_unmap(&client, 0, PAGE, VFIO_DMA_UNMAP_FLAG_ALL, NULL), EINVAL);
	ck_assert_uint_eq(pcie_unmap(&client, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &length), 0);
	ck_assert_uint_eq(length, 4 * PAGE);
	ck_assert_ptr_null(function_dma_pointer(function, BASE, 1, true));
	ck_assert_uint_eq(pcie_unmap(&client, 0, 0, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, NULL),
			  EINVAL);
}
END_TEST

START_TEST(removed_memory_can_be_written_on_purpose)
{
	ck_assert_uint_eq(pcie_map(&client, BASE, PAGE, RW, file, 0), 0);
	ck_assert_uint_eq(pcie_unmap(&client, BASE, PAGE, 0, NULL), 0);
	ck_assert_int_eq(function_dma_write(function, BASE + 8, "x", 1), -EFAULT);
	ck_assert_int_eq(function_dma_write_stale(function, BASE + 8, "x", 1), 0);
	ck_assert_uint_eq(memory[8], 'x');
	ck_assert_int_eq(function_dma_write_stale(function, BASE + PAGE - 1, "xy", 2), -EFAULT);
	/* It is not kept for ever. */
	for (int i = 1; i < 40; i++) {
		ck_assert_uint_eq(pcie_map(&client, BASE + i * PAGE, PAGE, RW, file, 0), 0);
		ck_assert_uint_eq(pcie_unmap(&client, BASE + i * PAGE, PAGE, 0, NULL), 0);
	}
	pcie_config(&client, 0, 4);
	ck_assert_int_eq(function_dma_write_stale(function, BASE + 8, "x", 1), -EFAULT);
}
END_TEST

/* One DMA_READ or DMA_WRITE of the device as it is on the wire. */
static void receive_dma(uint16_t command, uint64_t iova, uint64_t count, struct pcie_reply *request)
{
	struct vfio_user_dma_access access;

	ck_assert(pcie_receive(&client, request));
	ck_assert_uint_eq(request->header.command, command);
	ck_assert_uint_eq(request->header.flags, VFIO_USER_REQUEST);
	memcpy(&access, request->data, sizeof(access));
	ck_assert_uint_eq(access.iova, iova);
	ck_assert_uint_eq(access.count, count);
}

/* Answers come before the device asks: it waits in this thread. Our ids are 1, 2, ... */
static void answer_dma(uint16_t id, uint16_t command, uint64_t iova, uint64_t count, uint8_t fill)
{
	struct {
		struct vfio_user_dma_access access;
		uint8_t data[PAGE];
	} answer = { { iova, count }, { 0 } };

	memset(answer.data, fill, sizeof(answer.data));
	pcie_answer(&client, id, command, 0, &answer,
		    sizeof(answer.access) + (command == VFIO_USER_DMA_READ ? count : 0));
}

static void tell_device(uint64_t offset, uint64_t value)
{
	struct vfio_user_write write = { offset, 0, 8, { 0 } };

	memcpy(write.data, &value, 8);
	pcie_send(&client, VFIO_USER_REGION_WRITE, 0, &write, sizeof(write), NULL, 0);
}

/* The reply to that. It comes before the device does anything with it: see work.c. */
static void receive_told(struct pcie_reply *reply)
{
	ck_assert(pcie_receive(&client, reply));
	ck_assert_uint_eq(reply->header.command, VFIO_USER_REGION_WRITE);
}

START_TEST(a_file_that_is_cut_short_ends_the_client_only)
{
	uint8_t *at;

	ck_assert_uint_eq(pcie_map(&client, BASE, 16 * PAGE, RW, file, 0), 0);
	at = function_dma_pointer(function, BASE + 8 * PAGE, 8, true);
	ck_assert_int_eq(ftruncate(file, 0), 0);
	ck_assert_uint_eq(*at, 0);
	*at = 5;
	ck_assert(function_attached(function));
	tell_device(DMA_WRITE, BASE);
	ck_assert_ptr_nonnull(strstr(pcie_pump_text(&client), "it cut a file short"));
	ck_assert_int_eq(client.result, -EFAULT);
	ck_assert(!function_attached(function));
	ck_assert_ptr_nonnull(strstr(client.log, "reset:lost"));
}
END_TEST

START_TEST(memory_without_a_file_is_read_by_messages)
{
	struct pcie_reply message;

	ck_assert_uint_eq(pcie_map(&client, BASE, 2 * PAGE, RW, -1, 0), 0);
	ck_assert_ptr_null(function_dma_pointer(function, BASE, 1, false));
	tell_device(DMA_READ, BASE);
	answer_dma(1, VFIO_USER_DMA_READ, BASE, PAGE, 0xaa);
	answer_dma(2, VFIO_USER_DMA_READ, BASE + PAGE, DMA_LENGTH - PAGE, 0xbb);
	receive_told(&message);
	receive_dma(VFIO_USER_DMA_READ, BASE, PAGE, &message);
	receive_dma(VFIO_USER_DMA_READ, BASE + PAGE, DMA_LENGTH - PAGE, &message);
	ck_assert_int_eq(client.result, 0);
	ck_assert_uint_eq(client.data[0], 0xaa);
	ck_assert_uint_eq(client.data[DMA_LENGTH - 1], 0xbb);
}
END_TEST

START_TEST(and_written)
{
	struct pcie_reply message;

	memset(client.data, 0x5c, sizeof(client.data));
	ck_assert_uint_eq(pcie_map(&client, BASE, 2 * PAGE, RW, -1, 0), 0);
	tell_device(DMA_WRITE, BASE);
	answer_dma(1, VFIO_USER_DMA_WRITE, BASE, PAGE, 0);
	answer_dma(2, VFIO_USER_DMA_WRITE, BASE + PAGE, DMA_LENGTH - PAGE, 0);
	receive_told(&message);
	receive_dma(VFIO_USER_DMA_WRITE, BASE, PAGE, &message);
	ck_assert_uint_eq(message.length, 16 + PAGE);
	ck_assert_mem_eq(message.data + 16, client.data, PAGE);
	ck_assert_int_eq(client.result, 0);
}
END_TEST

/* A vCPU of QEMU that waits for its register keeps QEMU from answering the DMA. */
START_TEST(requests_in_between_are_answered_at_once)
{
	struct vfio_user_region_access access = { 0, CONFIG, 4 };
	struct vfio_user_dma_unmap unmap = { sizeof(unmap), 0, BASE + 2 * PAGE, PAGE };
	struct pcie_reply message;
	uint16_t id;

	ck_assert_uint_eq(pcie_map(&client, BASE, 2 * PAGE, RW, -1, 0), 0);
	ck_assert_uint_eq(pcie_map(&client, BASE + 2 * PAGE, PAGE, RW, file, 0), 0);
	client.regs[8] = 0x44;
	tell_device(DMA_READ, BASE);
	tell_device(0x18, 0x99);
	id = pcie_send(&client, VFIO_USER_REGION_READ, 0, &access, sizeof(access), NULL, 0);
	access = (struct vfio_user_region_access){ 8, 0, 1 };
	pcie_send(&client, VFIO_USER_REGION_READ, 0, &access, sizeof(access), NULL, 0);
	pcie_send(&client, VFIO_USER_DMA_UNMAP, 0, &unmap, sizeof(unmap), NULL, 0);
	answer_dma(1, VFIO_USER_DMA_READ, BASE, PAGE, 1);
	answer_dma(2, VFIO_USER_DMA_READ, BASE + PAGE, DMA_LENGTH - PAGE, 2);

	receive_told(&message);
	receive_dma(VFIO_USER_DMA_READ, BASE, PAGE, &message);
	receive_told(&message);
	ck_assert(pcie_receive(&client, &message));
	ck_assert_uint_eq(message.header.id, id);
	ck_assert_mem_eq(message.data + 16, "\x34\x12\x78\x56", 4);
	ck_assert(pcie_receive(&client, &message));
	ck_assert_uint_eq(message.data[16], 0x44);
	ck_assert(pcie_receive(&client, &message));
	ck_assert_uint_eq(message.header.command, VFIO_USER_DMA_UNMAP);
	receive_dma(VFIO_USER_DMA_READ, BASE + PAGE, DMA_LENGTH - PAGE, &message);
	ck_assert_int_eq(client.result, 0);
	/* The device heard of the write and the unmapping when it was through with its own. */
	ck_assert_str_eq(client.log, "write:0+100=100000 write:0+18=99 unmapped:102000+1000 ");
}
END_TEST

/* QEMU unmasks with the access that makes the device deassert the line: no second interrupt. */
START_TEST(an_unmask_in_between_waits_for_the_device)
{
	const uint32_t unmask = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK;
	const uint32_t trigger = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	struct vfio_irq_set set = { sizeof(set), unmask, VFIO_PCI_INTX_IRQ_INDEX, 0, 1 };
	int events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	ck_assert_uint_eq(pcie_map(&client, BASE, 2 * PAGE, RW, -1, 0), 0);
	ck_assert_uint_eq(pcie_set_irq(&client, trigger, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, events), 0);
	function_intx(function, true);
	ck_assert_uint_eq(pcie_signals(events), 1);
	tell_device(DMA_READ, BASE);
	tell_device(INTX, 0);
	pcie_send(&client, VFIO_USER_DEVICE_SET_IRQS, 0, &set, sizeof(set), NULL, 0);
	answer_dma(1, VFIO_USER_DMA_READ, BASE, PAGE, 1);
	answer_dma(2, VFIO_USER_DMA_READ, BASE + PAGE, DMA_LENGTH - PAGE, 2);
	pcie_pump(&client);
	ck_assert_int_eq(client.result, 0);
	ck_assert_uint_eq(pcie_signals(events), 0);
	/* Without the write it is asserted still. */
	function_intx(function, true);
	ck_assert_uint_eq(pcie_signals(events), 1);
	tell_device(DMA_READ, BASE);
	pcie_send(&client, VFIO_USER_DEVICE_SET_IRQS, 0, &set, sizeof(set), NULL, 0);
	answer_dma(3, VFIO_USER_DMA_READ, BASE, PAGE, 1);
	answer_dma(4, VFIO_USER_DMA_READ, BASE + PAGE, DMA_LENGTH - PAGE, 2);
	pcie_pump(&client);
	ck_assert_uint_eq(pcie_signals(events), 1);
	close(events);
}
END_TEST

START_TEST(a_reset_in_between_ends_the_dma)
{
	struct pcie_reply message;

	ck_assert_uint_eq(pcie_map(&client, BASE, 2 * PAGE, RW, -1, 0), 0);
	tell_device(DMA_READ, BASE);
	pcie_send(&client, VFIO_USER_DEVICE_RESET, 0, NULL, 0, NULL, 0);
	receive_told(&message);
	receive_dma(VFIO_USER_DMA_READ, BASE, PAGE, &message);
	ck_assert_int_eq(client.result, -EFAULT);
	ck_assert_str_eq(client.log, "write:0+100=100000 reset:bus ");
	ck_assert(pcie_receive(&client, &message));
	ck_assert_uint_eq(message.header.command, VFIO_USER_DEVICE_RESET);
	/* The answer that nobody waits for. */
	answer_dma(1, VFIO_USER_DMA_READ, BASE, PAGE, 1);
	ck_assert_uint_eq(pcie_config(&client, 0, 2), 0x1234);
}
END_TEST

START_TEST(a_flr_in_between_ends_the_dma)
{
	unsigned int flr = pcie_capability(&client, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;
	struct vfio_user_write write = { flr, CONFIG, 2, { 0, 0x80 } };
	struct pcie_reply message;

	ck_assert_uint_eq(pcie_map(&client, BASE, 2 * PAGE, RW, -1, 0), 0);
	tell_device(DMA_WRITE, BASE);
	pcie_send(&client, VFIO_USER_REGION_WRITE, 0, &write, 18, NULL, 0);
	receive_told(&message);
	receive_dma(VFIO_USER_DMA_WRITE, BASE, PAGE, &message);
	ck_assert_int_eq(client.result, -EFAULT);
	ck_assert_str_eq(client.log, "write:0+108=100000 reset:flr ");
}
END_TEST

START_TEST(a_refused_dma_is_a_fault)
{
	ck_assert_uint_eq(pcie_map(&client, BASE, 2 * PAGE, RW, -1, 0), 0);
	tell_device(DMA_READ, BASE);
	pcie_answer(&client, 1, VFIO_USER_DMA_READ, VFIO_USER_ERROR, NULL, 0);
	pcie_pump(&client);
	ck_assert_int_eq(client.result, -EFAULT);
	ck_assert(function_attached(function));
}
END_TEST

static void wrong_answer(uint16_t command, const void *data, size_t length)
{
	ck_assert_uint_eq(pcie_map(&client, BASE, 2 * PAGE, RW, -1, 0), 0);
	tell_device(DMA_READ, BASE);
	pcie_answer(&client, 1, command, 0, data, length);
	ck_assert_ptr_nonnull(strstr(pcie_pump_text(&client), "does not fit its DMA request"));
	ck_assert_int_eq(client.result, -ENOTCONN);
	ck_assert(!function_attached(function));
}

START_TEST(an_answer_of_the_wrong_kind_is_dropped)
{
	static const uint8_t data[16 + PAGE];

	wrong_answer(VFIO_USER_DMA_WRITE, data, sizeof(data));
}
END_TEST

START_TEST(an_answer_that_is_too_short_is_dropped)
{
	struct vfio_user_dma_access access = { BASE, PAGE };

	wrong_answer(VFIO_USER_DMA_READ, &access, sizeof(access));
}
END_TEST

START_TEST(an_answer_with_another_address_is_dropped)
{
	struct {
		struct vfio_user_dma_access access;
		uint8_t data[PAGE];
	} answer = { { BASE + 8, PAGE }, { 0 } };

	wrong_answer(VFIO_USER_DMA_READ, &answer, sizeof(answer));
}
END_TEST

START_TEST(a_client_that_leaves_ends_the_dma)
{
	ck_assert_uint_eq(pcie_map(&client, BASE, 2 * PAGE, RW, -1, 0), 0);
	tell_device(DMA_READ, BASE);
	pcie_leave(&client);
	ck_assert_int_eq(client.result, -ENOTCONN);
	ck_assert_str_eq(client.log, "write:0+100=100000 reset:lost ");
}
END_TEST

TCase *pcie_dma_case(void)
{
	TCase *tc = tcase_create("dma");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, shared_memory_is_read_and_written);
	tcase_add_test(tc, a_transfer_goes_over_several_mappings);
	tcase_add_test(tc, direction_is_honoured);
	tcase_add_test(tc, without_bus_master_there_is_no_dma);
	tcase_add_test(tc, many_mappings_are_found);
	tcase_add_test(tc, maps_must_not_overlap);
	tcase_add_test(tc, unmap_takes_whole_mappings);
	tcase_add_test(tc, removed_memory_can_be_written_on_purpose);
	tcase_add_test(tc, a_file_that_is_cut_short_ends_the_client_only);
	tcase_add_test(tc, memory_without_a_file_is_read_by_messages);
	tcase_add_test(tc, and_written);
	tcase_add_test(tc, requests_in_between_are_answered_at_once);
	tcase_add_test(tc, an_unmask_in_between_waits_for_the_device);
	tcase_add_test(tc, a_reset_in_between_ends_the_dma);
	tcase_add_test(tc, a_flr_in_between_ends_the_dma);
	tcase_add_test(tc, a_refused_dma_is_a_fault);
	tcase_add_test(tc, an_answer_of_the_wrong_kind_is_dropped);
	tcase_add_test(tc, an_answer_that_is_too_short_is_dropped);
	tcase_add_test(tc, an_answer_with_another_address_is_dropped);
	tcase_add_test(tc, a_client_that_leaves_ends_the_dma);
	return tc;
}
