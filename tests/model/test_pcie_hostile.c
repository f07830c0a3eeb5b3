// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Messages that are broken or meant ill: refused, or the end of the connection, with one line. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pcie_client.h"

#define PAGE	4096
#define RW	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)
#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX
#define MSIX	VFIO_PCI_MSIX_IRQ_INDEX

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

static unsigned int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* The server says why in one line, closes, and serves the next one. */
static void assert_dropped(const char *why)
{
	char text[512];

	strcpy(text, pcie_pump_text(&client));
	ck_assert_msg(strstr(text, why), "stderr has: %s", text);
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	ck_assert(!function_attached(client.function));
	pcie_leave(&client);
	pcie_attach(&client);
}

static void send_raw(const void *data, size_t length)
{
	ck_assert_int_eq(send(client.fd, data, length, MSG_NOSIGNAL), length);
}

START_TEST(unknown_commands_are_refused)
{
	static const uint16_t commands[] = { 0, 11, 12, 14, 16, 17, 99, 0xffff };

	for (unsigned int i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		ck_assert_uint_eq(pcie_ask(&client, commands[i], "12345678", 8, NULL), EOPNOTSUPP);
}
END_TEST

START_TEST(sizes_that_cannot_be_are_dropped)
{
	struct vfio_user_header header = { 1, VFIO_USER_REGION_READ, 15, 0, 0 };

	send_raw(&header, sizeof(header));
	assert_dropped("a message of 15 bytes");
	header.size = 0;
	send_raw(&header, sizeof(header));
	assert_dropped("a message of 0 bytes");
	header.size = UINT32_MAX;
	send_raw(&header, sizeof(header));
	assert_dropped("a message of 4294967295 bytes");
}
END_TEST

START_TEST(messages_that_are_too_short_are_refused)
{
	static const uint8_t zeros[64];

	for (uint16_t command = VFIO_USER_DMA_MAP; command <= VFIO_USER_REGION_WRITE; command++)
		for (size_t length = 0; length < 16; length++)
			ck_assert_uint_eq(pcie_ask(&client, command, zeros, length, NULL), EINVAL);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DMA_MAP, zeros, 31, NULL), EINVAL);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DMA_MAP, zeros, 33, NULL), EINVAL);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DEVICE_SET_IRQS, zeros, 19, NULL), EINVAL);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DEVICE_RESET, zeros, 1, NULL), EINVAL);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_REGION_WRITE_MULTI, zeros, 7, NULL), EINVAL);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_REGION_WRITE_MULTI, zeros, 9, NULL), EINVAL);
}
END_TEST

START_TEST(a_client_that_does_not_begin_with_version_is_dropped)
{
	pcie_leave(&client);
	pcie_connect(&client);
	pcie_send(&client, VFIO_USER_DEVICE_RESET, 0, NULL, 0, NULL, 0);
	assert_dropped("its first message was command 13");
	pcie_leave(&client);
	pcie_connect(&client);
	pcie_send(&client, VFIO_USER_VERSION, 0, "\0\0", 2, NULL, 0);
	assert_dropped("its first message was command 1");
}
END_TEST

START_TEST(a_transfer_size_of_nothing_is_dropped)
{
	static const char none[] = "\0\0\0\0{\"max_data_xfer_size\":0}";
	static const char text[] = "\0\0\0\0{\"max_data_xfer_size\":\"x\"}";
	static const char open[] = { 0, 0, 0, 0, '"', 'm', 'a', 'x', '_', 'd', 'a', 't', 'a', '_' };

	pcie_leave(&client);
	pcie_connect(&client);
	pcie_send(&client, VFIO_USER_VERSION, 0, none, sizeof(none), NULL, 0);
	assert_dropped("no data in a transfer");
	pcie_leave(&client);
	pcie_connect(&client);
	pcie_send(&client, VFIO_USER_VERSION, 0, text, sizeof(text), NULL, 0);
	assert_dropped("no data in a transfer");
	pcie_leave(&client);
	pcie_connect(&client);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_VERSION, open, sizeof(open), NULL), 0);
}
END_TEST

START_TEST(replies_to_nothing_are_dropped)
{
	pcie_answer(&client, 1, VFIO_USER_DMA_READ, 0, NULL, 0);
	assert_dropped("a reply to no request, id 1");
	pcie_send(&client, VFIO_USER_DEVICE_RESET, 7, NULL, 0, NULL, 0);
	assert_dropped("a message of type 7");
}
END_TEST

START_TEST(leaving_in_the_middle_is_told)
{
	send_raw("12345", 5);
	shutdown(client.fd, SHUT_WR);
	assert_dropped("it left in the middle of a message");
}
END_TEST

START_TEST(descriptors_are_never_kept)
{
	int fds[40], file = memfd_create("file", MFD_CLOEXEC);
	struct vfio_user_dma_map map = { sizeof(map), RW, 0, 0x1000, PAGE };
	unsigned int before = open_fds();

	for (int i = 0; i < 40; i++)
		fds[i] = file;
	ck_assert_uint_eq(pcie_ask_fds(&client, VFIO_USER_DEVICE_RESET, NULL, 0, fds, 1), EINVAL);
	ck_assert_uint_eq(pcie_ask_fds(&client, VFIO_USER_DEVICE_RESET, NULL, 0, fds, 40), EMFILE);
	ck_assert_uint_eq(pcie_ask_fds(&client, VFIO_USER_DMA_MAP, &map, sizeof(map), fds, 2),
			  EINVAL);
	ck_assert_uint_eq(pcie_ask_fds(&client, 99, NULL, 0, fds, 16), EOPNOTSUPP);
	/* The file is too short for the mapping. */
	ck_assert_uint_eq(pcie_ask_fds(&client, VFIO_USER_DMA_MAP, &map, sizeof(map), fds, 1),
			  EINVAL);
	ck_assert_uint_eq(open_fds(), before);
	ck_assert_int_eq(ftruncate(file, PAGE), 0);
	ck_assert_uint_eq(pcie_ask_fds(&client, VFIO_USER_DMA_MAP, &map, sizeof(map), fds, 1), 0);
	ck_assert_uint_eq(open_fds(), before);
	close(file);
}
END_TEST

START_TEST(maps_that_cannot_be_are_refused)
{
	int file = memfd_create("file", MFD_CLOEXEC), read_only;
	char path[32];

	ck_assert_int_eq(ftruncate(file, 4 * PAGE), 0);
	ck_assert_uint_eq(pcie_map(&client, PAGE, 0, RW, file, 0), EINVAL);
	ck_assert_uint_eq(pcie_map(&client, PAGE, PAGE, 0, file, 0), EINVAL);
	ck_assert_uint_eq(pcie_map(&client, PAGE, PAGE, 8 | RW, file, 0), EINVAL);
	ck_assert_uint_eq(pcie_map(&client, PAGE + 1, PAGE, RW, file, 0), EINVAL);
	ck_assert_uint_eq(pcie_map(&client, PAGE, PAGE + 512, RW, file, 0), EINVAL);
	ck_assert_uint_eq(pcie_map(&client, PAGE, PAGE, RW, file, 1), EINVAL);
	ck_assert_uint_eq(pcie_map(&client, PAGE, PAGE, RW, file, 4 * PAGE), EINVAL);
	ck_assert_uint_eq(pcie_map(&client, PAGE, PAGE, RW, file, UINT64_MAX - PAGE + 1), EINVAL);
	ck_assert_uint_eq(pcie_map(&client, UINT64_MAX - PAGE + 1, 2 * PAGE, RW, -1, 0), EINVAL);
	ck_assert_uint_eq(pcie_map(&client, UINT64_MAX - PAGE + 1, PAGE, RW, -1, 0), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	read_only = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_uint_eq(pcie_map(&client, PAGE, PAGE, RW, read_only, 0), EACCES);
	ck_assert_uint_eq(pcie_map(&client, PAGE, PAGE, VFIO_DMA_MAP_FLAG_READ, read_only, 0), 0);
	close(read_only);
	close(file);
}
END_TEST

START_TEST(accesses_out_of_range_are_refused)
{
	uint64_t value;

	ck_assert_uint_eq(pcie_region_read(&client, 0, CLIENT_BAR0, 1, &value), EINVAL);
	ck_assert_uint_eq(pcie_region_read(&client, 0, UINT64_MAX, 4, &value), EINVAL);
	ck_assert_uint_eq(pcie_region_read(&client, 1, 0, 4, &value), EINVAL);
	ck_assert_uint_eq(pcie_region_read(&client, 9, 0, 4, &value), EINVAL);
	ck_assert_uint_eq(pcie_region_read(&client, UINT32_MAX, 0, 4, &value), EINVAL);
	ck_assert_uint_eq(pcie_region_read(&client, CONFIG, 4095, 2, &value), EINVAL);
	ck_assert_uint_eq(pcie_region_read(&client, 2, 0, UINT32_MAX, &value), EINVAL);
	ck_assert_uint_eq(pcie_region_read(&client, 2, 65535, 2, &value), EINVAL);
	ck_assert_uint_eq(pcie_region_write(&client, CONFIG, 4096, 1, 0), EINVAL);
	ck_assert_uint_eq(pcie_region_write(&client, 6, 0, 4, 0), EINVAL);
}
END_TEST

START_TEST(odd_widths_are_refused)
{
	struct vfio_user_write write = { 0, 0, 4, { 0 } };
	uint64_t value;

	for (unsigned int width = 0; width < 32; width++) {
		bool odd = width != 1 && width != 2 && width != 4 && width != 8;

		ck_assert_uint_eq(pcie_region_read(&client, 0, 0, width, &value), odd ? EINVAL : 0);
	}
	ck_assert_uint_eq(pcie_region_read(&client, 0, 2, 4, &value), EINVAL);
	ck_assert_uint_eq(pcie_region_write(&client, 0, 4, 8, 0), EINVAL);
	ck_assert_uint_eq(pcie_region_read(&client, 4, 3, 4, &value), EINVAL);
	/* Less or more data than the count says. */
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_REGION_WRITE, &write, 18, NULL), EINVAL);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_REGION_WRITE, &write, 24, NULL), EINVAL);
}
END_TEST

START_TEST(interrupts_out_of_range_are_refused)
{
	const uint32_t eventfds = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t mask = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK;
	const uint32_t bools = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_MASK;
	int event = eventfd(0, EFD_CLOEXEC);

	ck_assert_uint_eq(pcie_set_irq(&client, eventfds, MSIX, CLIENT_MSIX, 1, event), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, eventfds, MSIX, UINT32_MAX, 2, event), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, eventfds, MSIX, 0, UINT32_MAX, event), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, eventfds, MSIX, 0, 2, event), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, eventfds, VFIO_PCI_NUM_IRQS, 0, 1, event), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, eventfds, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, event),
			  EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, mask, MSIX, 0, 0, -1), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, mask, MSIX, 0, 1, event), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, bools, MSIX, 0, 1, -1), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, 0, MSIX, 0, 1, -1), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, mask | VFIO_IRQ_SET_ACTION_UNMASK, MSIX, 0, 1, -1),
			  EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, mask | 1 << 20, MSIX, 0, 1, -1), EINVAL);
	ck_assert_uint_eq(pcie_set_irq(&client, VFIO_IRQ_SET_DATA_EVENTFD |
				       VFIO_IRQ_SET_ACTION_UNMASK, MSIX, 0, 1, event), EOPNOTSUPP);
	close(event);
}
END_TEST

/* The write to a full pipe would block, to a closed one it would raise a signal. */
START_TEST(only_eventfds_are_signalled)
{
	const uint32_t eventfds = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	int pair[2], event = eventfd(0, EFD_CLOEXEC);
	const uint64_t full = UINT64_MAX - 1;

	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_uint_eq(pcie_set_irq(&client, eventfds, MSIX, 0, 1, pair[1]), EINVAL);
	close(pair[0]);
	close(pair[1]);
	ck_assert_uint_eq(pcie_set_irq(&client, eventfds, MSIX, 0, 1, event), 0);
	ck_assert_int_eq(write(event, &full, sizeof(full)), sizeof(full));
	ck_assert_uint_eq(pcie_set_irq(&client, VFIO_IRQ_SET_DATA_NONE |
				       VFIO_IRQ_SET_ACTION_TRIGGER, MSIX, 0, 1, -1), 0);
	close(event);
}
END_TEST

TCase *pcie_hostile_case(void)
{
	TCase *tc = tcase_create("hostile");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, unknown_commands_are_refused);
	tcase_add_test(tc, sizes_that_cannot_be_are_dropped);
	tcase_add_test(tc, messages_that_are_too_short_are_refused);
	tcase_add_test(tc, a_client_that_does_not_begin_with_version_is_dropped);
	tcase_add_test(tc, a_transfer_size_of_nothing_is_dropped);
	tcase_add_test(tc, replies_to_nothing_are_dropped);
	tcase_add_test(tc, leaving_in_the_middle_is_told);
	tcase_add_test(tc, descriptors_are_never_kept);
	tcase_add_test(tc, maps_that_cannot_be_are_refused);
	tcase_add_test(tc, accesses_out_of_range_are_refused);
	tcase_add_test(tc, odd_widths_are_refused);
	tcase_add_test(tc, interrupts_out_of_range_are_refused);
	tcase_add_test(tc, only_eventfds_are_signalled);
	return tc;
}
