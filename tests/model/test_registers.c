// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The controller's registers: CAP as the options have it, how it is enabled and when it is not. */
#include <string.h>
#include <unistd.h>

#include <nvme/types.h>

#include "device.h"
#include "suites.h"

#define EN		1U
#define RDY		1U
#define CFS		2U
#define SIZES		(6U << 16 | 4U << 20)
#define MPS(n)		((n) << 7)
#define AMS(n)		((n) << 11)
#define CSS(n)		((n) << 4)
#define AQA(sq, cq)	((uint32_t)((cq) - 1) << 16 | ((sq) - 1))
#define WAIT_NS		5000000000ULL
#define READY_NS	300000000ULL

static struct model model;
static struct nvt_pcie *pcie;
static struct nvt_buffer *queues;

static void start(const char *options)
{
	model_start(&model, options);
	pcie = nvt_pcie_open(model.address[0], 0);
	ck_assert_msg(pcie != NULL, "%s", nvt_error());
	queues = nvt_buffer_create(pcie, 2 * 4096, NVT_BUFFER_CONTIGUOUS);
	ck_assert_ptr_nonnull(queues);
}

static void begin(void)
{
	start("size=16M,wrr=off,mpsmin=0,mpsmax=2");
}

static void begin_slow(void)
{
	start("size=16M,ready=300ms");
}

static void begin_other(void)
{
	start("size=16M,entries=64,contiguous=on,dstrd=2,timeout=7,mpsmin=1,mpsmax=3,nssr=off,"
	      "boot-partition=0,zns=on");
}

static void finish(void)
{
	nvt_buffer_free(queues);
	nvt_pcie_close(pcie);
	model_stop(&model);
}

static uint64_t reg(uint64_t offset, int width)
{
	uint64_t value;

	ck_assert_int_eq(nvt_pcie_reg_read(pcie, 0, offset, width, &value), 0);
	return value;
}

static void write_reg(uint64_t offset, int width, uint64_t value)
{
	ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, offset, width, value), 0);
}

static void set_admin_queues(uint32_t aqa)
{
	write_reg(NVME_REG_AQA, 4, aqa);
	write_reg(NVME_REG_ASQ, 8, nvt_buffer_bus(queues, 0));
	write_reg(NVME_REG_ACQ, 8, nvt_buffer_bus(queues, 4096));
}

static uint32_t wait_csts(uint32_t mask, uint32_t value)
{
	uint64_t end = device_now_ns() + WAIT_NS;

	while ((reg(NVME_REG_CSTS, 4) & mask) != value && device_now_ns() < end)
		usleep(1000);
	return reg(NVME_REG_CSTS, 4);
}

START_TEST(capabilities_are_the_options)
{
	uint64_t cap = reg(NVME_REG_CAP, 8);

	ck_assert_uint_eq(NVME_CAP_MQES(cap), 63);
	ck_assert_uint_eq(NVME_CAP_CQR(cap), 1);
	ck_assert_uint_eq(NVME_CAP_AMS(cap), NVME_CAP_AMS_WRR);
	ck_assert_uint_eq(NVME_CAP_TO(cap), 7);
	ck_assert_uint_eq(NVME_CAP_DSTRD(cap), 2);
	ck_assert_uint_eq(NVME_CAP_NSSRC(cap), 0);
	ck_assert_uint_eq(NVME_CAP_CSS(cap), NVME_CAP_CSS_NVM | NVME_CAP_CSS_CSI);
	ck_assert_uint_eq(NVME_CAP_BPS(cap), 0);
	ck_assert_uint_eq(NVME_CAP_MPSMIN(cap), 1);
	ck_assert_uint_eq(NVME_CAP_MPSMAX(cap), 3);
	ck_assert_uint_eq(reg(NVME_REG_CAP, 4) | reg(NVME_REG_CAP + 4, 4) << 32, cap);
	write_reg(NVME_REG_CAP, 8, 0);
	ck_assert_uint_eq(reg(NVME_REG_CAP, 8), cap);
}
END_TEST

static const struct {
	uint32_t cc, aqa;
} impossible[] = {
	{ SIZES | MPS(3U), AQA(16, 16) },	/* above MPSMAX */
	{ SIZES | AMS(1U), AQA(16, 16) },	/* weighted round robin is off */
	{ SIZES | AMS(7U), AQA(16, 16) },
	{ SIZES | CSS(1U), AQA(16, 16) },
	{ SIZES | CSS(6U), AQA(16, 16) },	/* there is the NVM command set alone */
	{ SIZES, AQA(1, 16) },
	{ SIZES, AQA(16, 1) },
};

#define NR_IMPOSSIBLE	(int)(sizeof(impossible) / sizeof(impossible[0]))

START_TEST(configuration_that_cannot_be_is_fatal)
{
	set_admin_queues(impossible[_i].aqa);
	write_reg(NVME_REG_CC, 4, impossible[_i].cc);
	write_reg(NVME_REG_CC, 4, impossible[_i].cc | EN);
	ck_assert_uint_eq(wait_csts(CFS, CFS) & (CFS | RDY), CFS);
	/* Until it is disabled, and enabled as it can be. */
	write_reg(NVME_REG_CC, 4, SIZES);
	ck_assert_uint_eq(reg(NVME_REG_CSTS, 4) & (CFS | RDY), 0);
	set_admin_queues(AQA(16, 16));
	write_reg(NVME_REG_CC, 4, SIZES | EN);
	ck_assert_uint_eq(wait_csts(RDY, RDY) & (CFS | RDY), RDY);
}
END_TEST

START_TEST(what_cannot_change_while_enabled_does_not)
{
	set_admin_queues(AQA(16, 16));
	write_reg(NVME_REG_CC, 4, SIZES | MPS(1U));
	write_reg(NVME_REG_CC, 4, SIZES | MPS(1U) | EN);
	ck_assert_uint_eq(wait_csts(RDY, RDY) & (CFS | RDY), RDY);
	write_reg(NVME_REG_CC, 4, SIZES | MPS(2U) | EN);
	ck_assert_uint_eq(reg(NVME_REG_CC, 4), SIZES | MPS(1U) | EN);
}
END_TEST

START_TEST(ready_follows_enable_in_its_time)
{
	uint64_t before;

	set_admin_queues(AQA(16, 16));
	write_reg(NVME_REG_CC, 4, SIZES);
	before = device_now_ns();
	write_reg(NVME_REG_CC, 4, SIZES | EN);
	ck_assert_uint_eq(wait_csts(RDY, RDY) & (CFS | RDY), RDY);
	ck_assert_uint_ge(device_now_ns() - before, READY_NS);
	write_reg(NVME_REG_CC, 4, SIZES);
	ck_assert_uint_eq(reg(NVME_REG_CSTS, 4) & RDY, 0);
	/* A controller reset leaves the admin queues' registers. */
	ck_assert_uint_eq(reg(NVME_REG_AQA, 4), AQA(16, 16));
	ck_assert_uint_eq(reg(NVME_REG_ASQ, 8), nvt_buffer_bus(queues, 0));
	ck_assert_uint_eq(reg(NVME_REG_ACQ, 8), nvt_buffer_bus(queues, 4096));
	/* Disabled before it was ready, it never is. */
	write_reg(NVME_REG_CC, 4, SIZES | EN);
	write_reg(NVME_REG_CC, 4, SIZES);
	usleep(2 * READY_NS / 1000);
	ck_assert_uint_eq(reg(NVME_REG_CSTS, 4) & RDY, 0);
}
END_TEST

START_TEST(registers_are_written_as_their_kind_has_it)
{
	/* Set and clear, by bits. */
	write_reg(NVME_REG_INTMS, 4, 0x5);
	write_reg(NVME_REG_INTMS, 4, 0x2);
	ck_assert_uint_eq(reg(NVME_REG_INTMS, 4), 7);
	write_reg(NVME_REG_INTMC, 4, 0x3);
	ck_assert_uint_eq(reg(NVME_REG_INTMS, 4), 4);
	ck_assert_uint_eq(reg(NVME_REG_INTMC, 4), 4);
	/* By halves, without the bits below a page. */
	write_reg(NVME_REG_ASQ, 4, 0x89abcdef);
	write_reg(NVME_REG_ASQ + 4, 4, 0x01234567);
	ck_assert_uint_eq(reg(NVME_REG_ASQ, 8), 0x0123456789abc000ULL);
	write_reg(NVME_REG_AQA, 4, 0xffffffff);
	ck_assert_uint_eq(reg(NVME_REG_AQA, 4), 0x0fff0fff);
	/* Less than a dword is no write. */
	write_reg(NVME_REG_AQA, 1, 0);
	write_reg(NVME_REG_AQA, 2, 0);
	ck_assert_uint_eq(reg(NVME_REG_AQA, 4), 0x0fff0fff);
	write_reg(NVME_REG_VS, 4, 0);
	ck_assert_uint_eq(reg(NVME_REG_VS, 4), 0x20100);
	write_reg(NVME_REG_CSTS, 4, 0xffffffff);
	ck_assert_uint_eq(reg(NVME_REG_CSTS, 4), 0);
	/* There is no CMB. */
	write_reg(NVME_REG_CMBMSC, 8, 3);
	ck_assert_uint_eq(reg(NVME_REG_CMBMSC, 8), 0);
}
END_TEST

Suite *registers_suite(void)
{
	Suite *suite = suite_create("registers");
	TCase *tc = device_case(suite, "registers", begin, finish);

	tcase_add_loop_test(tc, configuration_that_cannot_be_is_fatal, 0, NR_IMPOSSIBLE);
	tcase_add_test(tc, what_cannot_change_while_enabled_does_not);
	tcase_add_test(tc, registers_are_written_as_their_kind_has_it);
	tc = device_case(suite, "slow", begin_slow, finish);
	tcase_add_test(tc, ready_follows_enable_in_its_time);
	tc = device_case(suite, "options", begin_other, finish);
	tcase_add_test(tc, capabilities_are_the_options);
	return suite;
}
