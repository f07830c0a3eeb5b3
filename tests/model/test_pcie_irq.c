// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Interrupts of the model: MSI-X with its PBA, multi-message MSI, INTx that masks itself. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pcie_client.h"

#define INTX		VFIO_PCI_INTX_IRQ_INDEX
#define MSI		VFIO_PCI_MSI_IRQ_INDEX
#define MSIX		VFIO_PCI_MSIX_IRQ_INDEX
#define ERR		VFIO_PCI_ERR_IRQ_INDEX
#define BY_EVENTFD	(VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)
#define MASK		(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK)
#define UNMASK		(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK)
#define DISABLE		(VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER)
#define PBA		4096
#define CONTROL(vector)	((vector) * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL)

static struct pcie_client client;
static struct function *function;
static int events;

static void start(void)
{
	struct function_params params = pcie_params();

	pcie_start(&client, &params);
	pcie_attach(&client);
	function = client.function;
	events = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void stop(void)
{
	pcie_stop(&client);
	close(events);
}

static unsigned int control(uint8_t capability)
{
	return pcie_capability(&client, capability) + PCI_MSI_FLAGS;
}

static void enable_msix(unsigned int vector)
{
	pcie_config_set(&client, control(PCI_CAP_ID_MSIX), 2, PCI_MSIX_FLAGS_ENABLE);
	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, MSIX, vector, 1, events), 0);
}

static uint64_t pending(unsigned int vector)
{
	return pcie_load(&client, 4, PBA + vector / 64 * 8, 8) >> vector % 64 & 1;
}

START_TEST(a_message_goes_out)
{
	unsigned int vectors;

	enable_msix(66);
	ck_assert_int_eq(function_irq_mode(function, &vectors), FUNCTION_IRQ_MSIX);
	ck_assert_uint_eq(vectors, CLIENT_MSIX);
	ck_assert(function_message(function, 66));
	ck_assert(function_message(function, 66));
	ck_assert_uint_eq(pcie_signals(events), 2);
	ck_assert(!function_message(function, CLIENT_MSIX));
	ck_assert_uint_eq(pending(66), 0);
}
END_TEST

START_TEST(nothing_is_enabled_and_it_is_lost)
{
	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, MSIX, 0, 1, events), 0);
	ck_assert(!function_message(function, 0));
	enable_msix(0);
	ck_assert_uint_eq(pcie_signals(events), 0);
}
END_TEST

START_TEST(all_table_entries_are_masked_at_first)
{
	for (unsigned int i = 0; i < CLIENT_MSIX; i++)
		ck_assert_uint_eq(pcie_load(&client, 4, CONTROL(i), 4), 1);
	/* Only for a client that uses this table: QEMU has one of its own. */
	enable_msix(3);
	ck_assert(function_message(function, 3));
	pcie_store(&client, 4, CONTROL(2), 4, 0);
	ck_assert(!function_message(function, 3));
}
END_TEST

START_TEST(a_masked_entry_is_pending_until_it_is_not)
{
	enable_msix(65);
	pcie_store(&client, 4, CONTROL(65), 4, 1);
	ck_assert(!function_message(function, 65));
	ck_assert(!function_message(function, 65));
	ck_assert_uint_eq(pending(65), 1);
	ck_assert_uint_eq(pending(64), 0);
	ck_assert_uint_eq(pcie_signals(events), 0);
	pcie_store(&client, 4, CONTROL(65), 4, 0);
	ck_assert_uint_eq(pcie_signals(events), 1);
	ck_assert_uint_eq(pending(65), 0);
	pcie_store(&client, 4, CONTROL(65), 4, 1);
	ck_assert(function_message_masked(function, 65));
	ck_assert_uint_eq(pcie_signals(events), 1);
}
END_TEST

START_TEST(the_function_mask_holds_all)
{
	enable_msix(1);
	pcie_config_set(&client, control(PCI_CAP_ID_MSIX), 2,
			PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	ck_assert(!function_message(function, 1));
	ck_assert_uint_eq(pending(1), 1);
	pcie_config_set(&client, control(PCI_CAP_ID_MSIX), 2, PCI_MSIX_FLAGS_ENABLE);
	ck_assert_uint_eq(pcie_signals(events), 1);
}
END_TEST

START_TEST(the_clients_mask_holds_a_vector)
{
	enable_msix(5);
	ck_assert_uint_eq(pcie_set_irq(&client, MASK, MSIX, 5, 1, -1), 0);
	ck_assert(!function_message(function, 5));
	ck_assert_uint_eq(pending(5), 1);
	ck_assert_uint_eq(pcie_set_irq(&client, UNMASK, MSIX, 5, 1, -1), 0);
	ck_assert_uint_eq(pcie_signals(events), 1);
}
END_TEST

START_TEST(without_bus_master_no_message_is_written)
{
	enable_msix(0);
	pcie_config_set(&client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert(!function_message(function, 0));
	ck_assert_uint_eq(pcie_signals(events), 0);
	pcie_config_set(&client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(pcie_signals(events), 1);
}
END_TEST

START_TEST(a_message_waits_for_its_eventfd)
{
	pcie_config_set(&client, control(PCI_CAP_ID_MSIX), 2, PCI_MSIX_FLAGS_ENABLE);
	ck_assert(!function_message(function, 9));
	ck_assert_uint_eq(pending(9), 1);
	enable_msix(9);
	ck_assert_uint_eq(pcie_signals(events), 1);
}
END_TEST

START_TEST(a_reset_forgets_what_is_pending)
{
	enable_msix(0);
	pcie_store(&client, 4, CONTROL(0), 4, 1);
	function_message(function, 0);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DEVICE_RESET, NULL, 0, NULL), 0);
	pcie_config_set(&client, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(pending(0), 0);
	ck_assert_uint_eq(pcie_load(&client, 4, CONTROL(0), 4), 1);
}
END_TEST

START_TEST(the_table_takes_dwords_and_quadwords)
{
	pcie_store(&client, 4, 16, 8, 0x1122334455667788);
	ck_assert_uint_eq(pcie_load(&client, 4, 20, 4), 0x11223344);
	pcie_store(&client, 4, 28, 4, 0xffffffff);
	ck_assert_uint_eq(pcie_load(&client, 4, 28, 4), 1);
	ck_assert_uint_eq(pcie_region_write(&client, 4, 16, 2, 0), EINVAL);
	pcie_store(&client, 4, PBA, 8, UINT64_MAX);
	ck_assert_uint_eq(pcie_load(&client, 4, PBA, 8), 0);
	ck_assert_uint_eq(pcie_load(&client, 4, PBA + 16, 8), 0);
}
END_TEST

START_TEST(msi_has_as_many_vectors_as_are_enabled)
{
	unsigned int at = control(PCI_CAP_ID_MSI), vectors;

	pcie_config_set(&client, at, 2, PCI_MSI_FLAGS_ENABLE | 2 << 4);
	ck_assert_int_eq(function_irq_mode(function, &vectors), FUNCTION_IRQ_MSI);
	ck_assert_uint_eq(vectors, 4);
	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, MSI, 3, 1, events), 0);
	ck_assert(function_message(function, 3));
	ck_assert(!function_message(function, 4));
	ck_assert_uint_eq(pcie_signals(events), 1);
	/* More than there are. */
	pcie_config_set(&client, at, 2, PCI_MSI_FLAGS_ENABLE | 5 << 4);
	function_irq_mode(function, &vectors);
	ck_assert_uint_eq(vectors, CLIENT_MSI);
}
END_TEST

START_TEST(msi_masks_by_its_mask_bits)
{
	unsigned int at = pcie_capability(&client, PCI_CAP_ID_MSI);

	pcie_config_set(&client, at + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | 3 << 4);
	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, MSI, 6, 1, events), 0);
	pcie_config_set(&client, at + PCI_MSI_MASK_64, 4, 0x40);
	ck_assert(!function_message(function, 6));
	ck_assert_uint_eq(pcie_config(&client, at + PCI_MSI_PENDING_64, 4), 0x40);
	pcie_config_set(&client, at + PCI_MSI_MASK_64, 4, 0);
	ck_assert_uint_eq(pcie_signals(events), 1);
	ck_assert_uint_eq(pcie_config(&client, at + PCI_MSI_PENDING_64, 4), 0);
}
END_TEST

static unsigned int status_interrupt(void)
{
	return !!(pcie_config(&client, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
}

START_TEST(intx_masks_itself_and_signals_again_while_asserted)
{
	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, INTX, 0, 1, events), 0);
	function_intx(function, true);
	ck_assert_uint_eq(pcie_signals(events), 1);
	ck_assert_uint_eq(status_interrupt(), 1);
	function_intx(function, false);
	function_intx(function, true);
	ck_assert_uint_eq(pcie_signals(events), 0);
	ck_assert_uint_eq(pcie_set_irq(&client, UNMASK, INTX, 0, 1, -1), 0);
	ck_assert_uint_eq(pcie_signals(events), 1);
	function_intx(function, false);
	ck_assert_uint_eq(status_interrupt(), 0);
	ck_assert_uint_eq(pcie_set_irq(&client, UNMASK, INTX, 0, 1, -1), 0);
	ck_assert_uint_eq(pcie_signals(events), 0);
	function_intx(function, true);
	ck_assert_uint_eq(pcie_signals(events), 1);
}
END_TEST

START_TEST(interrupt_disable_holds_the_line)
{
	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, INTX, 0, 1, events), 0);
	pcie_config_set(&client, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	function_intx(function, true);
	ck_assert_uint_eq(status_interrupt(), 1);
	ck_assert_uint_eq(pcie_signals(events), 0);
	pcie_config_set(&client, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(pcie_signals(events), 1);
}
END_TEST

START_TEST(intx_is_silent_while_messages_are_enabled)
{
	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, INTX, 0, 1, events), 0);
	pcie_config_set(&client, control(PCI_CAP_ID_MSI), 2, PCI_MSI_FLAGS_ENABLE);
	function_intx(function, true);
	ck_assert_uint_eq(pcie_signals(events), 0);
	pcie_config_set(&client, control(PCI_CAP_ID_MSI), 2, 0);
	ck_assert_uint_eq(pcie_signals(events), 1);
}
END_TEST

START_TEST(an_eventfd_of_the_client_unmasks_intx)
{
	int unmask = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	const uint64_t one = 1;

	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, INTX, 0, 1, events), 0);
	ck_assert_uint_eq(pcie_set_irq(&client, VFIO_IRQ_SET_DATA_EVENTFD |
				       VFIO_IRQ_SET_ACTION_UNMASK, INTX, 0, 1, unmask), 0);
	function_intx(function, true);
	ck_assert_uint_eq(pcie_signals(events), 1);
	ck_assert_int_eq(write(unmask, &one, sizeof(one)), sizeof(one));
	pcie_pump(&client);
	ck_assert_uint_eq(pcie_signals(events), 1);
	close(unmask);
}
END_TEST

START_TEST(info_tells_of_three_kinds)
{
	static const uint32_t counts[] = { 1, CLIENT_MSI, CLIENT_MSIX };
	struct vfio_irq_info info;
	struct pcie_reply reply;

	for (uint32_t i = 0; i <= VFIO_PCI_NUM_IRQS; i++) {
		uint32_t error;

		info = (struct vfio_irq_info){ sizeof(info), 0, i, 0 };
		error = pcie_ask(&client, VFIO_USER_DEVICE_GET_IRQ_INFO, &info, sizeof(info),
				 &reply);
		ck_assert_uint_eq(error, i <= MSIX ? 0 : EINVAL);
		if (error)
			continue;
		info = *(struct vfio_irq_info *)reply.data;
		ck_assert_uint_eq(info.count, counts[i]);
		ck_assert_uint_eq(info.flags & VFIO_IRQ_INFO_AUTOMASKED,
				  i == INTX ? VFIO_IRQ_INFO_AUTOMASKED : 0);
	}
}
END_TEST

START_TEST(the_client_triggers_and_disables)
{
	enable_msix(2);
	ck_assert_uint_eq(pcie_set_irq(&client, DISABLE, MSIX, 2, 1, -1), 0);
	ck_assert_uint_eq(pcie_signals(events), 1);
	ck_assert_uint_eq(pcie_set_irq(&client, DISABLE, MSIX, 0, 0, -1), 0);
	ck_assert(!function_message_masked(function, 2));
	ck_assert_uint_eq(pcie_signals(events), 0);
}
END_TEST

START_TEST(bools_choose_among_vectors)
{
	struct {
		struct vfio_irq_set set;
		uint8_t wanted[4];
	} __attribute__((packed)) mask = {
		{ 24, VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_MASK, MSIX, 0, 4 },
		{ 0, 1, 0, 1 } };

	enable_msix(3);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DEVICE_SET_IRQS, &mask, sizeof(mask), NULL),
			  0);
	ck_assert(!function_message(function, 3));
	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, MSIX, 2, 1, events), 0);
	ck_assert(function_message(function, 2));
}
END_TEST

START_TEST(an_error_is_recorded_and_signalled)
{
	unsigned int aer = pcie_extended(&client, PCI_EXT_CAP_ID_ERR);
	unsigned int status = pcie_capability(&client, PCI_CAP_ID_EXP) + PCI_EXP_DEVSTA;

	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, ERR, 0, 1, events), 0);
	function_aer(function, PCI_ERR_UNC_MALF_TLP, 0);
	function_aer(function, PCI_ERR_UNC_UNSUP, PCI_ERR_COR_RCVR);
	ck_assert_uint_eq(pcie_signals(events), 2);
	ck_assert_uint_eq(pcie_config(&client, aer + PCI_ERR_UNCOR_STATUS, 4),
			  PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_UNSUP);
	ck_assert_uint_eq(pcie_config(&client, aer + PCI_ERR_COR_STATUS, 4), PCI_ERR_COR_RCVR);
	ck_assert_uint_eq(PCI_ERR_CAP_FEP(pcie_config(&client, aer + PCI_ERR_CAP, 4)), 18);
	ck_assert_uint_eq(pcie_config(&client, status, 2), 0xf);
	/* RW1C: only what is written. */
	pcie_config_set(&client, aer + PCI_ERR_UNCOR_STATUS, 4, PCI_ERR_UNC_UNSUP);
	ck_assert_uint_eq(pcie_config(&client, aer + PCI_ERR_UNCOR_STATUS, 4),
			  PCI_ERR_UNC_MALF_TLP);
	/* Sticky: it is there after a reset. */
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DEVICE_RESET, NULL, 0, NULL), 0);
	ck_assert_uint_eq(pcie_config(&client, aer + PCI_ERR_UNCOR_STATUS, 4),
			  PCI_ERR_UNC_MALF_TLP);
	ck_assert_uint_eq(pcie_config(&client, status, 2), 0);
}
END_TEST

START_TEST(a_masked_error_is_recorded_only)
{
	unsigned int aer = pcie_extended(&client, PCI_EXT_CAP_ID_ERR);

	ck_assert_uint_eq(pcie_set_irq(&client, BY_EVENTFD, ERR, 0, 1, events), 0);
	pcie_config_set(&client, aer + PCI_ERR_UNCOR_MASK, 4, PCI_ERR_UNC_UNSUP);
	function_aer(function, PCI_ERR_UNC_UNSUP, PCI_ERR_COR_ADV_NFAT);
	ck_assert_uint_eq(pcie_signals(events), 0);
	ck_assert_uint_eq(pcie_config(&client, aer + PCI_ERR_UNCOR_STATUS, 4), PCI_ERR_UNC_UNSUP);
}
END_TEST

TCase *pcie_irq_case(void)
{
	TCase *tc = tcase_create("interrupts");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_message_goes_out);
	tcase_add_test(tc, nothing_is_enabled_and_it_is_lost);
	tcase_add_test(tc, all_table_entries_are_masked_at_first);
	tcase_add_test(tc, a_masked_entry_is_pending_until_it_is_not);
	tcase_add_test(tc, the_function_mask_holds_all);
	tcase_add_test(tc, the_clients_mask_holds_a_vector);
	tcase_add_test(tc, without_bus_master_no_message_is_written);
	tcase_add_test(tc, a_message_waits_for_its_eventfd);
	tcase_add_test(tc, a_reset_forgets_what_is_pending);
	tcase_add_test(tc, the_table_takes_dwords_and_quadwords);
	tcase_add_test(tc, msi_has_as_many_vectors_as_are_enabled);
	tcase_add_test(tc, msi_masks_by_its_mask_bits);
	tcase_add_test(tc, intx_masks_itself_and_signals_again_while_asserted);
	tcase_add_test(tc, interrupt_disable_holds_the_line);
	tcase_add_test(tc, intx_is_silent_while_messages_are_enabled);
	tcase_add_test(tc, an_eventfd_of_the_client_unmasks_intx);
	tcase_add_test(tc, info_tells_of_three_kinds);
	tcase_add_test(tc, the_client_triggers_and_disables);
	tcase_add_test(tc, bools_choose_among_vectors);
	tcase_add_test(tc, an_error_is_recorded_and_signalled);
	tcase_add_test(tc, a_masked_error_is_recorded_only);
	return tc;
}
