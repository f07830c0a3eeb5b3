// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Config space of the model: header, BAR sizing, capabilities, and what resets leave of them. */
#include <linux/pci_regs.h>
#include <string.h>

#include "pcie_client.h"

#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX

static struct pcie_client client;

static void restart(const struct function_params *params)
{
	if (client.function)
		pcie_stop(&client);
	pcie_start(&client, params);
	pcie_attach(&client);
	client.log[0] = 0;
}

static void start(void)
{
	struct function_params params = pcie_params();

	restart(&params);
}

static void stop(void)
{
	pcie_stop(&client);
}

static unsigned int express(unsigned int reg)
{
	return pcie_capability(&client, PCI_CAP_ID_EXP) + reg;
}

/* Sets a register of 16 bits; what can be read then. */
static uint32_t written(unsigned int offset, uint32_t value)
{
	pcie_config_set(&client, offset, 2, value);
	return pcie_config(&client, offset, 2);
}

static void flr(void)
{
	pcie_config_set(&client, express(PCI_EXP_DEVCTL), 2,
			pcie_config(&client, express(PCI_EXP_DEVCTL), 2) | PCI_EXP_DEVCTL_BCR_FLR);
}

START_TEST(the_header_is_that_of_the_params)
{
	ck_assert_uint_eq(pcie_config(&client, PCI_VENDOR_ID, 4), 0x56781234);
	ck_assert_uint_eq(pcie_config(&client, PCI_CLASS_REVISION, 4), 0x01080211);
	ck_assert_uint_eq(pcie_config(&client, PCI_SUBSYSTEM_VENDOR_ID, 4), 0xdef09abc);
	ck_assert_uint_eq(pcie_config(&client, PCI_INTERRUPT_PIN, 1), 1);
	ck_assert_uint_eq(pcie_config(&client, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	pcie_config_set(&client, PCI_VENDOR_ID, 4, 0);
	ck_assert_uint_eq(pcie_config(&client, PCI_VENDOR_ID, 4), 0x56781234);
	ck_assert_uint_eq(written(PCI_COMMAND, 0xffff), 0x546);
	pcie_config_set(&client, PCI_INTERRUPT_LINE, 1, 0x2a);
	ck_assert_uint_eq(function_config_read(client.function, PCI_INTERRUPT_LINE, 1), 0x2a);
}
END_TEST

START_TEST(bars_tell_their_size)
{
	static const uint32_t sizes[6] = { 0xffffc004, 0xffffffff, 0xffff000c, 0xffffffff,
					   0xffffe004, 0xffffffff };

	for (unsigned int i = 0; i < 6; i++) {
		pcie_config_set(&client, PCI_BASE_ADDRESS_0 + 4 * i, 4, 0xffffffff);
		ck_assert_uint_eq(pcie_config(&client, PCI_BASE_ADDRESS_0 + 4 * i, 4), sizes[i]);
	}
	pcie_config_set(&client, PCI_BASE_ADDRESS_0, 4, 0xfebd0000);
	ck_assert_uint_eq(pcie_config(&client, PCI_BASE_ADDRESS_0, 4), 0xfebd0004);
	pcie_config_set(&client, PCI_ROM_ADDRESS, 4, 0xffffffff);
	ck_assert_uint_eq(pcie_config(&client, PCI_ROM_ADDRESS, 4), 0);
}
END_TEST

START_TEST(neighbouring_bars_have_32_bits)
{
	struct function_params params = pcie_params();

	params.bar_length[1] = 4096;
	restart(&params);
	pcie_config_set(&client, PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	pcie_config_set(&client, PCI_BASE_ADDRESS_1, 4, 0xffffffff);
	ck_assert_uint_eq(pcie_config(&client, PCI_BASE_ADDRESS_0, 4), 0xffffc000);
	ck_assert_uint_eq(pcie_config(&client, PCI_BASE_ADDRESS_1, 4), 0xfffff000);
}
END_TEST

START_TEST(all_capabilities_are_in_the_chains)
{
	static const uint8_t ids[] = { PCI_CAP_ID_PM, PCI_CAP_ID_MSI, PCI_CAP_ID_MSIX,
				       PCI_CAP_ID_EXP };
	static const uint16_t extended[] = { PCI_EXT_CAP_ID_ERR, PCI_EXT_CAP_ID_DSN,
					     PCI_EXT_CAP_ID_L1SS, PCI_EXT_CAP_ID_LTR };
	unsigned int at;

	for (unsigned int i = 0; i < 4; i++) {
		ck_assert_uint_ne(pcie_capability(&client, ids[i]), 0);
		ck_assert_uint_ne(pcie_extended(&client, extended[i]), 0);
	}
	at = pcie_extended(&client, PCI_EXT_CAP_ID_DSN);
	ck_assert_uint_eq(pcie_config(&client, at + 4, 4), 0x89abcdef);
	ck_assert_uint_eq(pcie_config(&client, at + 8, 4), 0x01234567);
}
END_TEST

START_TEST(what_is_left_out_is_not_there)
{
	struct function_params params = { .bar_length = { 4096 }, .pcie = true, .ltr = true };

	restart(&params);
	ck_assert_uint_eq(pcie_capability(&client, PCI_CAP_ID_PM), 0);
	ck_assert_uint_eq(pcie_capability(&client, PCI_CAP_ID_MSI), 0);
	ck_assert_uint_eq(pcie_capability(&client, PCI_CAP_ID_MSIX), 0);
	ck_assert_uint_eq(pcie_extended(&client, PCI_EXT_CAP_ID_ERR), 0);
	ck_assert_uint_eq(pcie_extended(&client, PCI_EXT_CAP_ID_LTR), 0x100);
	params.pcie = false;
	restart(&params);
	ck_assert_uint_eq(pcie_config(&client, PCI_STATUS, 2), 0);
	ck_assert_uint_eq(pcie_config(&client, PCI_CAPABILITY_LIST, 1), 0);
}
END_TEST

START_TEST(config_space_is_read_at_once_and_in_parts)
{
	struct vfio_user_region_access access = { 0, CONFIG, 4096 };
	struct pcie_reply reply;

	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_REGION_READ, &access, sizeof(access), &reply),
			  0);
	ck_assert_uint_eq(reply.length, sizeof(access) + 4096);
	ck_assert_mem_eq(reply.data + 16, "\x34\x12\x78\x56", 4);
	ck_assert_uint_eq(pcie_load(&client, CONFIG, 1, 3), 0x567812);
	/* Bytes of a register leave the others alone. */
	pcie_config_set(&client, PCI_BASE_ADDRESS_0 + 2, 1, 0xab);
	ck_assert_uint_eq(pcie_config(&client, PCI_BASE_ADDRESS_0, 4), 0x00ab0004);
}
END_TEST

START_TEST(link_status_follows_the_target_speed)
{
	ck_assert_uint_eq(pcie_config(&client, express(PCI_EXP_LNKSTA), 2), 0x1044);
	ck_assert_uint_eq(written(express(PCI_EXP_LNKCTL2), 1) & 0xf, 1);
	ck_assert_uint_eq(pcie_config(&client, express(PCI_EXP_LNKSTA), 2), 0x1041);
	ck_assert_uint_eq(written(express(PCI_EXP_LNKCTL2), 5) & 0xf, 5);
	ck_assert_uint_eq(pcie_config(&client, express(PCI_EXP_LNKSTA), 2), 0x1044);
}
END_TEST

START_TEST(link_and_device_control_can_be_written)
{
	uint32_t aspm_common_clock = PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_CCC;

	ck_assert_uint_eq(written(express(PCI_EXP_LNKCTL), aspm_common_clock), aspm_common_clock);
	/* An endpoint neither retrains nor disables its link. */
	ck_assert_uint_eq(written(express(PCI_EXP_LNKCTL), 0xffff), 0x3cb);
	ck_assert_uint_eq(pcie_config(&client, express(PCI_EXP_DEVCTL), 2), 0x2810);
	ck_assert_uint_eq(written(express(PCI_EXP_DEVCTL), 0x7fff), 0x79ff);
	ck_assert_uint_eq(written(express(PCI_EXP_DEVCTL2), 0xffff), 0x41f);
}
END_TEST

START_TEST(l1_substates_and_latencies_can_be_written)
{
	unsigned int l1ss = pcie_extended(&client, PCI_EXT_CAP_ID_L1SS);
	unsigned int ltr = pcie_extended(&client, PCI_EXT_CAP_ID_LTR);

	ck_assert_uint_eq(pcie_config(&client, l1ss + PCI_L1SS_CAP, 4) & 0x1f, 0x1f);
	pcie_config_set(&client, l1ss + PCI_L1SS_CTL1, 4, 0xffffffff);
	ck_assert_uint_eq(pcie_config(&client, l1ss + PCI_L1SS_CTL1, 4), 0xe3ff000f);
	ck_assert_uint_eq(written(l1ss + PCI_L1SS_CTL2, 0xffff), 0xfb);
	ck_assert_uint_eq(written(ltr + PCI_LTR_MAX_SNOOP_LAT, 0xffff), 0x1fff);
}
END_TEST

START_TEST(a_function_level_reset)
{
	unsigned int aer = pcie_extended(&client, PCI_EXT_CAP_ID_ERR);

	pcie_config_set(&client, PCI_BASE_ADDRESS_0, 4, 0xfebd0000);
	written(express(PCI_EXP_LNKCTL), 0x43);
	written(express(PCI_EXP_LNKCTL2), 2);
	written(express(PCI_EXP_DEVCTL), 0x0047);
	pcie_config_set(&client, aer + PCI_ERR_UNCOR_SEVER, 4, 0);
	flr();
	ck_assert_str_eq(client.log, "reset:flr ");
	ck_assert_uint_eq(pcie_config(&client, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(pcie_config(&client, PCI_BASE_ADDRESS_0, 4), 4);
	/* Maximum Payload Size stays, the link stays as it is, sticky registers stay. */
	ck_assert_uint_eq(pcie_config(&client, express(PCI_EXP_DEVCTL), 2), 0x2850);
	ck_assert_uint_eq(pcie_config(&client, express(PCI_EXP_LNKCTL), 2), 0x43);
	ck_assert_uint_eq(pcie_config(&client, express(PCI_EXP_LNKSTA), 2), 0x1042);
	ck_assert_uint_eq(pcie_config(&client, aer + PCI_ERR_UNCOR_SEVER, 4), 0);
}
END_TEST

START_TEST(a_conventional_reset)
{
	unsigned int aer = pcie_extended(&client, PCI_EXT_CAP_ID_ERR);

	written(express(PCI_EXP_LNKCTL), 0x43);
	written(express(PCI_EXP_DEVCTL), 0x0047);
	pcie_config_set(&client, aer + PCI_ERR_UNCOR_SEVER, 4, 0);
	ck_assert_uint_eq(pcie_ask(&client, VFIO_USER_DEVICE_RESET, NULL, 0, NULL), 0);
	ck_assert_uint_eq(pcie_config(&client, express(PCI_EXP_DEVCTL), 2), 0x2810);
	ck_assert_uint_eq(pcie_config(&client, express(PCI_EXP_LNKCTL), 2), 0);
	ck_assert_uint_eq(pcie_config(&client, aer + PCI_ERR_UNCOR_SEVER, 4), 0);
	/* A new client finds it as after power on. */
	pcie_leave(&client);
	pcie_attach(&client);
	ck_assert_uint_eq(pcie_config(&client, aer + PCI_ERR_UNCOR_SEVER, 4), 0x462010);
}
END_TEST

START_TEST(power_states)
{
	unsigned int control = pcie_capability(&client, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	uint8_t byte;

	ck_assert_uint_eq(written(control, 3), 3);
	ck_assert_str_eq(client.log, "power:3 ");
	ck_assert_uint_eq(pcie_load(&client, 0, 0, 4), 0xffffffff);
	ck_assert_int_lt(function_dma_read(client.function, 0, &byte, 1), 0);
	/* D1 and D2 are not supported: the state stays. */
	ck_assert_uint_eq(written(control, 1), 3);
	/* Without No_Soft_Reset the way back is a reset. */
	ck_assert_uint_eq(written(control, 0), 0);
	ck_assert_str_eq(client.log, "power:3 power:0 reset:d3 ");
	ck_assert_uint_eq(pcie_config(&client, PCI_COMMAND, 2), 0);
}
END_TEST

START_TEST(no_soft_reset)
{
	struct function_params params = pcie_params();
	unsigned int control;

	params.no_soft_reset = true;
	restart(&params);
	control = pcie_capability(&client, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	ck_assert_uint_eq(written(control, 3), PCI_PM_CTRL_NO_SOFT_RESET | 3);
	ck_assert_uint_eq(written(control, 0), PCI_PM_CTRL_NO_SOFT_RESET);
	ck_assert_str_eq(client.log, "power:3 power:0 ");
	ck_assert_uint_eq(pcie_config(&client, PCI_COMMAND, 2), 6);
}
END_TEST

TCase *pcie_config_case(void)
{
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, the_header_is_that_of_the_params);
	tcase_add_test(tc, bars_tell_their_size);
	tcase_add_test(tc, neighbouring_bars_have_32_bits);
	tcase_add_test(tc, all_capabilities_are_in_the_chains);
	tcase_add_test(tc, what_is_left_out_is_not_there);
	tcase_add_test(tc, config_space_is_read_at_once_and_in_parts);
	tcase_add_test(tc, link_status_follows_the_target_speed);
	tcase_add_test(tc, link_and_device_control_can_be_written);
	tcase_add_test(tc, l1_substates_and_latencies_can_be_written);
	tcase_add_test(tc, a_function_level_reset);
	tcase_add_test(tc, a_conventional_reset);
	tcase_add_test(tc, power_states);
	tcase_add_test(tc, no_soft_reset);
	return tc;
}
