// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Faults of registers, controller, doorbells and PCI: each is armed, and seen exactly. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <nvme/types.h>

#include "faulty.h"
#include "suites.h"

#define MS		1000000ULL
#define ONES		0xffffffffU
#define RDY		1U
#define CFS		2U
#define EVENTS		20

static struct faulty faulty;

static void begin(void)
{
	/* CAP.TO is half a second, which is how long a stuck RDY is waited for. */
	faulty_start(&faulty, "size=64M,timeout=1");
}

static void finish(void)
{
	faulty_stop(&faulty);
}

static uint32_t reg(uint64_t offset)
{
	return faulty_reg(&faulty, offset);
}

static uint32_t mapped(uint64_t offset)
{
	volatile unsigned char *bar = nvt_pcie_map_bar(faulty.dev.pcie, 0, NULL);

	ck_assert_msg(bar != NULL, "%s", nvt_error());
	return *(volatile uint32_t *)(bar + offset);
}

static void wait_for_mapped(uint64_t offset, uint32_t value)
{
	uint64_t deadline = device_now_ns() + FAULTY_SOON_NS;

	while (mapped(offset) != value && device_now_ns() < deadline)
		usleep(1000);
	ck_assert_uint_eq(mapped(offset), value);
}

START_TEST(register_answers_wrong_at_an_access)
{
	faulty_arm(&faulty, "reg=CSTS nth=3 do register value=0x1d");
	ck_assert_uint_eq(reg(NVME_REG_CSTS), RDY);
	ck_assert_uint_eq(reg(NVME_REG_VS), 0x20100);
	ck_assert_uint_eq(reg(NVME_REG_CSTS), RDY);
	ck_assert_uint_eq(reg(NVME_REG_CSTS), 0x1d);
	ck_assert_uint_eq(reg(NVME_REG_CSTS), RDY);
	faulty_assert_shots(&faulty, "register", 1);
}
END_TEST

START_TEST(half_of_a_wide_register_is_its_half)
{
	uint32_t low = reg(NVME_REG_CAP);

	faulty_arm(&faulty, "reg=4 do register value=0x12345678");
	ck_assert_uint_eq(reg(NVME_REG_CAP), low);
	ck_assert_uint_eq(reg(NVME_REG_CAP + 4), 0x12345678);
	faulty_arm(&faulty, "reg=CAP do register value=0x1122334455667788");
	ck_assert_uint_eq(reg(NVME_REG_CAP), 0x55667788);
	ck_assert_uint_eq(reg(NVME_REG_CAP + 4), 0x11223344);
}
END_TEST

START_TEST(register_ignores_a_write)
{
	faulty_arm(&faulty, "reg=INTMS access=write nth=1 do register");
	ck_assert_int_eq(nvt_pcie_reg_write(faulty.dev.pcie, 0, NVME_REG_INTMS, 4, 1), 0);
	ck_assert_uint_eq(reg(NVME_REG_INTMS), 0);
	ck_assert_int_eq(nvt_pcie_reg_write(faulty.dev.pcie, 0, NVME_REG_INTMS, 4, 2), 0);
	ck_assert_uint_eq(reg(NVME_REG_INTMS), 2);
	faulty_assert_shots(&faulty, "register", 1);
}
END_TEST

START_TEST(register_changes_on_its_own)
{
	unsigned int id = faulty_arm(&faulty, "at=20ms do register reg=VS value=0x10300");
	char clear[32];

	wait_for_mapped(NVME_REG_VS, 0x10300);
	ck_assert_uint_eq(reg(NVME_REG_VS), 0x10300);
	snprintf(clear, sizeof(clear), "clear %u", id);
	model_do(&faulty.dev.model, clear);
	wait_for_mapped(NVME_REG_VS, 0x20100);
	faulty_arm(&faulty, "do register reg=VS value=0x10300 for=50ms");
	wait_for_mapped(NVME_REG_VS, 0x10300);
	wait_for_mapped(NVME_REG_VS, 0x20100);
	ck_assert_uint_eq(reg(NVME_REG_VS), 0x20100);
}
END_TEST

START_TEST(register_rule_shows_in_mapped_registers)
{
	faulty_arm(&faulty, "reg=VS after=20ms before=120ms do register value=0x10200");
	wait_for_mapped(NVME_REG_VS, 0x10200);
	wait_for_mapped(NVME_REG_VS, 0x20100);
}
END_TEST

START_TEST(config_space_changes_on_its_own)
{
	uint32_t id = faulty_config(&faulty, 0);

	faulty_arm(&faulty, "do register config=2-3 value=0xdead for=50ms");
	ck_assert_uint_eq(faulty_config(&faulty, 0), (id & 0xffff) | 0xdead0000);
	faulty_assert_shots(&faulty, "register", 2);
	ck_assert_uint_eq(faulty_config(&faulty, 0), id);
}
END_TEST

START_TEST(doorbell_is_ignored)
{
	struct nvt_cqe cqe;
	uint16_t first, second;

	faulty_arm(&faulty, "queue=7 doorbell=sq nth=1 do doorbell-lost");
	first = hand_post(&faulty.hand, nvt_sqe_flush(1));
	faulty_assert_shots(&faulty, "doorbell-lost", 1);
	ck_assert(!hand_next(&faulty.hand, &cqe, 20));
	second = hand_post(&faulty.hand, nvt_sqe_flush(1));
	ck_assert_uint_eq(hand_wait(&faulty.hand).cid, first);
	ck_assert_uint_eq(hand_wait(&faulty.hand).cid, second);
}
END_TEST

START_TEST(ready_is_stuck_at_one)
{
	faulty_arm(&faulty, "do rdy-stuck value=1");
	ck_assert_int_eq(nvt_ctrl_disable(faulty.dev.ctrl), -ETIMEDOUT);
	ck_assert_uint_eq(reg(NVME_REG_CSTS) & RDY, 1);
	ck_assert_uint_eq(mapped(NVME_REG_CSTS) & RDY, 1);
	model_do(&faulty.dev.model, "clear");
	ck_assert_uint_eq(reg(NVME_REG_CSTS) & RDY, 0);
	ck_assert_int_eq(nvt_ctrl_reset(faulty.dev.ctrl), 0);
}
END_TEST

START_TEST(ready_is_stuck_at_zero)
{
	faulty_arm(&faulty, "do rdy-stuck value=0");
	ck_assert_uint_eq(reg(NVME_REG_CSTS) & RDY, 0);
	ck_assert_int_eq(nvt_ctrl_reset(faulty.dev.ctrl), -ETIMEDOUT);
	model_do(&faulty.dev.model, "clear");
	ck_assert_int_eq(nvt_ctrl_reset(faulty.dev.ctrl), 0);
	faulty_assert_shots(&faulty, "rdy-stuck", 1);
}
END_TEST

START_TEST(ready_is_slow)
{
	uint64_t before = device_now_ns();

	faulty_arm(&faulty, "do rdy-slow delay=200ms");
	ck_assert_int_eq(nvt_ctrl_reset(faulty.dev.ctrl), 0);
	ck_assert_uint_ge(device_now_ns() - before, 200 * MS);
	/* When it began, and at the enabling. */
	faulty_assert_shots(&faulty, "rdy-slow", 2);
}
END_TEST

START_TEST(fatal_status)
{
	struct nvt_cqe cqe;

	faulty_arm(&faulty, "opcode=flush nth=2 do cfs");
	hand_post(&faulty.hand, nvt_sqe_flush(1));
	hand_wait(&faulty.hand);
	ck_assert_uint_eq(reg(NVME_REG_CSTS) & CFS, 0);
	hand_post(&faulty.hand, nvt_sqe_flush(1));
	faulty_assert_shots(&faulty, "cfs", 1);
	ck_assert_uint_eq(reg(NVME_REG_CSTS) & CFS, CFS);
	while (hand_next(&faulty.hand, &cqe, 20))
		;
	/* It takes nothing more. */
	hand_post(&faulty.hand, nvt_sqe_flush(1));
	ck_assert(!hand_next(&faulty.hand, &cqe, 50));
	ck_assert_int_eq(nvt_ctrl_reset(faulty.dev.ctrl), 0);
	ck_assert_uint_eq(reg(NVME_REG_CSTS), RDY);
}
END_TEST

START_TEST(all_registers_are_ones)
{
	uint32_t id = faulty_config(&faulty, 0);

	faulty_arm(&faulty, "do all-ones for=100ms");
	ck_assert_uint_eq(reg(NVME_REG_CSTS), ONES);
	ck_assert_uint_eq(reg(NVME_REG_CAP), ONES);
	ck_assert_uint_eq(mapped(NVME_REG_CSTS), ONES);
	ck_assert_uint_eq(faulty_config(&faulty, 0), id);
	faulty_assert_shots(&faulty, "all-ones", 2);
	ck_assert_uint_eq(reg(NVME_REG_CSTS), RDY);
	ck_assert_uint_eq(mapped(NVME_REG_CSTS), RDY);
}
END_TEST

static void count_event(void *arg, const struct nvt_cpl *cpl)
{
	unsigned int *events = arg;

	*events += !nvt_cpl_status(cpl);
}

START_TEST(flood_of_events)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_async_event };
	struct nvt_qpair *admin = nvt_ctrl_admin(faulty.dev.ctrl);
	unsigned int events = 0, i;

	faulty_arm(&faulty, "do event-flood count=20");
	for (i = 0; i < EVENTS; i++) {
		ck_assert_int_eq(nvt_qpair_post(admin, &sqe, NULL, 0, 0, count_event, &events), 0);
		ck_assert_int_eq(nvt_qpair_wait(admin, 1, 2000), 1);
	}
	ck_assert_uint_eq(events, EVENTS);
	/* And that was all. */
	ck_assert_int_eq(nvt_qpair_post(admin, &sqe, NULL, 0, 0, NULL, NULL), 0);
	ck_assert_int_eq(nvt_qpair_wait(admin, 1, 50), -ETIMEDOUT);
	faulty_assert_shots(&faulty, "event-flood", 1);
}
END_TEST

static void assert_gone(bool gone)
{
	ck_assert_int_eq(reg(NVME_REG_VS) == ONES, gone);
	ck_assert_int_eq(mapped(NVME_REG_VS) == ONES, gone);
	ck_assert_int_eq(faulty_config(&faulty, 0) == ONES, gone);
}

/* The link's return is a reset: Memory Space is off until somebody enables it. */
static void enable_memory(void)
{
	ck_assert_int_eq(nvt_pcie_config_write(faulty.dev.pcie, PCI_COMMAND, 2,
					       PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER), 0);
}

START_TEST(link_is_down_for_a_while)
{
	faulty_arm(&faulty, "do link-down for=100ms");
	faulty_assert_shots(&faulty, "link-down", 1);
	assert_gone(true);
	faulty_assert_shots(&faulty, "link-down", 2);
	enable_memory();
	assert_gone(false);
	ck_assert_uint_eq(reg(NVME_REG_CSTS), 0);
	ck_assert_int_eq(nvt_ctrl_reset(faulty.dev.ctrl), 0);
}
END_TEST

START_TEST(link_goes_down_at_a_command)
{
	struct nvt_cqe cqe;

	faulty_arm(&faulty, "opcode=flush nth=3 do link-down");
	hand_post(&faulty.hand, nvt_sqe_flush(1));
	hand_wait(&faulty.hand);
	hand_post(&faulty.hand, nvt_sqe_flush(1));
	hand_wait(&faulty.hand);
	assert_gone(false);
	hand_post(&faulty.hand, nvt_sqe_flush(1));
	faulty_assert_shots(&faulty, "link-down", 1);
	assert_gone(true);
	/* The third one may have ended before; nothing comes after it. */
	hand_next(&faulty.hand, &cqe, 0);
	hand_post(&faulty.hand, nvt_sqe_flush(1));
	ck_assert(!hand_next(&faulty.hand, &cqe, 50));
	model_do(&faulty.dev.model, "clear");
	ck_assert_int_eq(nvt_ctrl_reset(faulty.dev.ctrl), 0);
	assert_gone(false);
}
END_TEST

START_TEST(device_is_removed)
{
	faulty_arm(&faulty, "at=10ms do removal");
	faulty_assert_shots(&faulty, "removal", 1);
	assert_gone(true);
	model_do(&faulty.dev.model, "clear");
	assert_gone(true);
	model_do(&faulty.dev.model, "link up");
	ck_assert_int_eq(nvt_ctrl_reset(faulty.dev.ctrl), 0);
	assert_gone(false);
}
END_TEST

START_TEST(error_of_pci_express)
{
	int aer = nvt_pcie_find_ext_cap(faulty.dev.pcie, PCI_EXT_CAP_ID_ERR);

	ck_assert_int_gt(aer, 0);
	ck_assert_uint_eq(faulty_config(&faulty, aer + PCI_ERR_UNCOR_STATUS), 0);
	faulty_arm(&faulty, "do pci-error error=poisoned-tlp");
	faulty_arm(&faulty, "do pci-error error=bad-dllp");
	faulty_assert_shots(&faulty, "pci-error", 2);
	ck_assert_uint_eq(faulty_config(&faulty, aer + PCI_ERR_UNCOR_STATUS),
			  PCI_ERR_UNC_POISON_TLP);
	ck_assert_uint_eq(faulty_config(&faulty, aer + PCI_ERR_COR_STATUS), PCI_ERR_COR_BAD_DLLP);
}
END_TEST

/* PCIe 6.0, 2.2.1 and 2.2.9: what a header says, as the log has it. */
#define FIRST		PCI_ERR_CAP_FEP
#define TYPE(dword)	((dword) >> 24)
#define LENGTH(dword)	((dword) & 0x3ff)
#define DIGEST		(1U << 15)
#define POISONED	(1U << 14)

static const struct {
	const char *rule;
	unsigned int bit;
	uint32_t type;			/* of the TLP, with its format */
	uint32_t flags;
} tlps[] = {
	{ "do pci-error error=poisoned-tlp", 12, 0x4a, POISONED },
	{ "do pci-error error=unexpected-completion", 16, 0x4a, 0 },
	{ "do pci-error error=completer-abort", 15, 0x20, 0 },
	{ "do pci-error error=unsupported-request", 20, 0x20, 0 },
	{ "do pci-error error=ecrc", 19, 0x60, DIGEST },
	{ "do pci-error error=malformed-tlp", 18, 0x60, 0 },
};

static uint32_t header(int aer, unsigned int dword)
{
	return faulty_config(&faulty, aer + PCI_ERR_HEADER_LOG + 4 * dword);
}

START_TEST(header_of_the_first_error_is_logged)
{
	int aer = nvt_pcie_find_ext_cap(faulty.dev.pcie, PCI_EXT_CAP_ID_ERR);
	uint32_t dword;

	faulty_arm(&faulty, tlps[_i].rule);
	faulty_assert_shots(&faulty, "pci-error", 1);
	ck_assert_uint_eq(FIRST(faulty_config(&faulty, aer + PCI_ERR_CAP)), tlps[_i].bit);
	ck_assert_uint_eq(TYPE(header(aer, 0)), tlps[_i].type);
	ck_assert_uint_eq(header(aer, 0) & (DIGEST | POISONED), tlps[_i].flags);
	ck_assert_uint_ge(LENGTH(header(aer, 0)), 1);
	if (tlps[_i].type != 0x4a) {
		ck_assert_uint_eq(header(aer, 3), faulty_config(&faulty, PCI_BASE_ADDRESS_0) & ~0xfU);
		ck_assert_uint_eq(header(aer, 2), faulty_config(&faulty, PCI_BASE_ADDRESS_1));
	}
	/* A second one does not take its place until the host has cleared the first. */
	dword = header(aer, 0);
	faulty_arm(&faulty, "do pci-error error=data-link-protocol");
	faulty_assert_shots(&faulty, "pci-error", 2);
	ck_assert_uint_eq(header(aer, 0), dword);
	ck_assert_int_eq(nvt_pcie_config_write(faulty.dev.pcie, aer + PCI_ERR_UNCOR_STATUS, 4, ~0U),
			 0);
	faulty_arm(&faulty, "do pci-error error=data-link-protocol");
	faulty_assert_shots(&faulty, "pci-error", 3);
	ck_assert_uint_eq(FIRST(faulty_config(&faulty, aer + PCI_ERR_CAP)), 4);
	ck_assert_uint_eq(header(aer, 0), 0);
}
END_TEST

START_TEST(config_space_is_ones)
{
	uint32_t id = faulty_config(&faulty, 0);

	faulty_arm(&faulty, "do config-ones for=100ms");
	ck_assert_uint_eq(faulty_config(&faulty, 0), ONES);
	ck_assert_uint_eq(reg(NVME_REG_CSTS), RDY);
	faulty_assert_shots(&faulty, "config-ones", 2);
	ck_assert_uint_eq(faulty_config(&faulty, 0), id);
}
END_TEST

static void add_registers(Suite *suite)
{
	TCase *tc = device_case(suite, "registers", begin, finish);

	tcase_add_test(tc, register_answers_wrong_at_an_access);
	tcase_add_test(tc, half_of_a_wide_register_is_its_half);
	tcase_add_test(tc, register_ignores_a_write);
	tcase_add_test(tc, register_changes_on_its_own);
	tcase_add_test(tc, register_rule_shows_in_mapped_registers);
	tcase_add_test(tc, config_space_changes_on_its_own);
	tcase_add_test(tc, doorbell_is_ignored);
}

static void add_controller(Suite *suite)
{
	TCase *tc = device_case(suite, "controller", begin, finish);

	tcase_add_test(tc, ready_is_stuck_at_one);
	tcase_add_test(tc, ready_is_stuck_at_zero);
	tcase_add_test(tc, ready_is_slow);
	tcase_add_test(tc, fatal_status);
	tcase_add_test(tc, all_registers_are_ones);
	tcase_add_test(tc, flood_of_events);
}

static void add_pci(Suite *suite)
{
	TCase *tc = device_case(suite, "pci", begin, finish);

	tcase_add_test(tc, link_is_down_for_a_while);
	tcase_add_test(tc, link_goes_down_at_a_command);
	tcase_add_test(tc, device_is_removed);
	tcase_add_test(tc, error_of_pci_express);
	tcase_add_loop_test(tc, header_of_the_first_error_is_logged, 0,
			    sizeof(tlps) / sizeof(tlps[0]));
	tcase_add_test(tc, config_space_is_ones);
}

Suite *fault_device_suite(void)
{
	Suite *suite = suite_create("fault_device");

	add_registers(suite);
	add_controller(suite);
	add_pci(suite);
	return suite;
}
