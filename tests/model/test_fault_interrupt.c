// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Faults of interrupts on MSI-X, MSI and INTx: each is armed, and counted exactly. */
#include <linux/pci_regs.h>
#include <nvme/types.h>

#include "faulty.h"
#include "suites.h"

#define MS		1000000ULL
#define MSIX_BAR	4
#define MSIX_CONTROL(vector)	((vector) * 16 + 12)
#define OTHER		5	/* a vector that no queue has */
#define FOLDED		(FAULTY_VECTOR % 2)
#define LINE		0	/* the only vector of INTx */
#define STATUS(cqe)	((cqe).status_phase >> 1)

static struct faulty faulty;
static struct hand *const hand = &faulty.hand;
static int type;

static void begin(int vector_type, unsigned int vectors, uint16_t vector)
{
	type = vector_type;
	faulty_start_with(&faulty, "size=64M", type, vectors, vector);
}

static bool line_is_up(void)
{
	return faulty_config(&faulty, PCI_COMMAND) >> 16 & PCI_STATUS_INTERRUPT;
}

static void wait_for_line(bool up)
{
	uint64_t deadline = device_now_ns() + FAULTY_SOON_NS;

	while (line_is_up() != up && device_now_ns() < deadline)
		;
	ck_assert_int_eq(line_is_up(), up);
}

/*
 * Counts from 0, and with the line unmasked: whoever still waits for its end does not see that it
 * goes up again.
 */
static void listen_anew(void)
{
	wait_for_line(false);
	ck_assert_int_eq(nvt_pcie_set_vectors(faulty.dev.pcie, NVT_VECTOR_INTX, 1), 1);
}

static void begin_msix(void)
{
	begin(NVT_VECTOR_MSIX, FAULTY_VECTORS, FAULTY_VECTOR);
}

static void begin_msi(void)
{
	begin(NVT_VECTOR_MSI, FAULTY_VECTORS, FAULTY_VECTOR);
}

static void begin_intx(void)
{
	begin(NVT_VECTOR_INTX, 1, LINE);
	listen_anew();
}

static void finish(void)
{
	faulty_stop(&faulty);
}

static uint16_t post_flush(void)
{
	return hand_post(hand, nvt_sqe_flush(1));
}

static void run_flush(void)
{
	uint16_t cid = post_flush();
	struct nvt_cqe cqe = hand_wait(hand);

	ck_assert_uint_eq(cqe.cid, cid);
	ck_assert_uint_eq(STATUS(cqe), 0);
}

START_TEST(lost_interrupt)
{
	faulty_arm(&faulty, "queue=7 nth=2 do irq-lost");
	run_flush();
	run_flush();
	/* Of a later command: the lost one would have come before it. */
	run_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 2);
	faulty_assert_shots(&faulty, "irq-lost", 1);
}
END_TEST

START_TEST(interrupt_before_its_completion)
{
	struct nvt_cqe cqe;
	uint16_t cid;

	faulty_arm(&faulty, "queue=7 times=1 do irq-early delay=100ms");
	cid = post_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 1);
	ck_assert(!hand_next(hand, &cqe, 0));
	ck_assert_uint_eq(hand_wait(hand).cid, cid);
	run_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 2);
	faulty_assert_shots(&faulty, "irq-early", 1);
}
END_TEST

START_TEST(late_interrupt)
{
	struct nvt_vector_counter counter;
	uint64_t posted = device_now_ns(), completed;

	faulty_arm(&faulty, "queue=7 times=1 do irq-late delay=100ms");
	run_flush();
	completed = device_now_ns();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 1);
	ck_assert_int_eq(nvt_pcie_vector(faulty.dev.pcie, FAULTY_VECTOR, &counter), 0);
	ck_assert_uint_ge(counter.last_ns - posted, 100 * MS);
	ck_assert_uint_lt(completed, counter.last_ns);
	faulty_assert_shots(&faulty, "irq-late", 1);
}
END_TEST

START_TEST(interrupt_on_another_vector)
{
	faulty_arm(&faulty, "queue=7 times=1 do irq-wrong vector=5");
	run_flush();
	faulty_wait_interrupts(&faulty, OTHER, 1);
	run_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 1);
	ck_assert_uint_eq(faulty_interrupts(&faulty, OTHER), 1);
	faulty_assert_shots(&faulty, "irq-wrong", 1);
}
END_TEST

START_TEST(spurious_interrupt)
{
	struct nvt_cqe cqe;

	faulty_arm(&faulty, "do irq-spurious vector=3");
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 1);
	ck_assert(!hand_next(hand, &cqe, 0));
	faulty_arm(&faulty, "queue=7 times=1 do irq-spurious");
	run_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 3);
	faulty_assert_shots(&faulty, "irq-spurious", 2);
}
END_TEST

START_TEST(interrupt_storm)
{
	faulty_arm(&faulty, "queue=7 times=1 do irq-storm count=500 gap=20us");
	run_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 501);
	faulty_arm(&faulty, "do irq-storm vector=5 count=100");
	faulty_wait_interrupts(&faulty, OTHER, 100);
	faulty_assert_shots(&faulty, "irq-storm", 2);
}
END_TEST

static void mask(bool on)
{
	int msi = nvt_pcie_find_cap(faulty.dev.pcie, PCI_CAP_ID_MSI);

	if (type == NVT_VECTOR_MSIX)
		ck_assert_int_eq(nvt_pcie_reg_write(faulty.dev.pcie, MSIX_BAR,
						    MSIX_CONTROL(FAULTY_VECTOR), 4, on), 0);
	else
		ck_assert_int_eq(nvt_pcie_config_write(faulty.dev.pcie, msi + PCI_MSI_MASK_64, 4,
						       (uint32_t)on << FAULTY_VECTOR), 0);
}

START_TEST(interrupt_while_masked)
{
	mask(true);
	run_flush();
	faulty_arm(&faulty, "queue=7 times=1 do irq-masked");
	run_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 1);
	faulty_assert_shots(&faulty, "irq-masked", 1);
	/* The first one has waited, as it should. */
	mask(false);
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 2);
}
END_TEST

/* INTMS masks MSI too, in the controller and not in the function. NVMe over PCIe 1.1, 3.5.1.1 */
static void mask_in_controller(bool on)
{
	ck_assert_int_eq(nvt_pcie_reg_write(faulty.dev.pcie, 0, on ? NVME_REG_INTMS : NVME_REG_INTMC,
					    4, ~0U), 0);
}

START_TEST(msi_while_masked_in_the_controller)
{
	mask_in_controller(true);
	faulty_arm(&faulty, "queue=7 nth=1 do irq-late delay=1ms");
	faulty_arm(&faulty, "queue=7 nth=2 do irq-masked");
	post_flush();
	post_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 1);
	faulty_assert_shots(&faulty, "irq-late", 1);
	/* Not one for the late one, which is due and masked, until the mask is gone. */
	faulty_arm(&faulty, "at=20ms do irq-masked vector=3");
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 2);
	mask_in_controller(false);
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 3);
	hand_wait(hand);
	hand_wait(hand);
}
END_TEST

/* Fewer messages than the vectors of the queues. */
START_TEST(msi_of_a_folded_vector)
{
	ck_assert_int_eq(nvt_pcie_set_vectors(faulty.dev.pcie, NVT_VECTOR_MSI, 2), 2);
	run_flush();
	faulty_wait_interrupts(&faulty, FOLDED, 1);
	faulty_arm(&faulty, "queue=7 nth=1 do irq-late");
	run_flush();
	faulty_wait_interrupts(&faulty, FOLDED, 2);
	faulty_arm(&faulty, "queue=7 nth=1 do irq-masked");
	run_flush();
	faulty_wait_interrupts(&faulty, FOLDED, 3);
	faulty_arm(&faulty, "queue=7 nth=1 do irq-early");
	run_flush();
	faulty_wait_interrupts(&faulty, FOLDED, 4);
}
END_TEST

/* The line is up until its completion is consumed. */
static void run_flush_by_line(void)
{
	listen_anew();
	post_flush();
	faulty_wait_interrupts(&faulty, LINE, 1);
	ck_assert(line_is_up());
	hand_wait(hand);
	wait_for_line(false);
	ck_assert_uint_eq(faulty_interrupts(&faulty, LINE), 1);
}

/* The completion is there, but has not been consumed. */
static void wait_for_entry(unsigned int index)
{
	uint64_t deadline = device_now_ns() + FAULTY_SOON_NS;

	while (!(hand_entry(hand, index)->status_phase & 1) && device_now_ns() < deadline)
		;
	ck_assert_uint_eq(hand_entry(hand, index)->status_phase & 1, 1);
}

START_TEST(line_is_lost)
{
	faulty_arm(&faulty, "queue=7 nth=1 do irq-lost");
	post_flush();
	wait_for_entry(0);
	ck_assert(!line_is_up());
	post_flush();
	faulty_wait_interrupts(&faulty, LINE, 1);
	hand_wait(hand);
	ck_assert(line_is_up());
	hand_wait(hand);
	wait_for_line(false);
	faulty_assert_shots(&faulty, "irq-lost", 1);
}
END_TEST

START_TEST(line_before_its_completion)
{
	struct nvt_cqe cqe;

	faulty_arm(&faulty, "queue=7 nth=1 do irq-early delay=100ms");
	post_flush();
	faulty_wait_interrupts(&faulty, LINE, 1);
	ck_assert(!hand_next(hand, &cqe, 0));
	wait_for_entry(0);
	ck_assert(!line_is_up());
	hand_wait(hand);
	ck_assert_uint_eq(faulty_interrupts(&faulty, LINE), 1);
	run_flush_by_line();
	faulty_assert_shots(&faulty, "irq-early", 1);
}
END_TEST

START_TEST(line_is_late)
{
	uint64_t posted = device_now_ns();
	struct nvt_vector_counter counter;

	faulty_arm(&faulty, "queue=7 times=2 do irq-late delay=100ms");
	post_flush();
	wait_for_entry(0);
	ck_assert(!line_is_up());
	faulty_wait_interrupts(&faulty, LINE, 1);
	ck_assert_int_eq(nvt_pcie_vector(faulty.dev.pcie, LINE, &counter), 0);
	ck_assert_uint_ge(counter.last_ns - posted, 100 * MS);
	ck_assert(line_is_up());
	hand_wait(hand);
	/* It comes, too, when its completion has been consumed meanwhile. */
	listen_anew();
	run_flush();
	faulty_wait_interrupts(&faulty, LINE, 1);
	wait_for_line(false);
	faulty_assert_shots(&faulty, "irq-late", 2);
}
END_TEST

/* There is no other: the interrupt is as it should be. */
START_TEST(line_has_no_other_vector)
{
	faulty_arm(&faulty, "queue=7 nth=1 do irq-wrong vector=5");
	run_flush_by_line();
	faulty_assert_shots(&faulty, "irq-wrong", 1);
}
END_TEST

START_TEST(line_is_spurious)
{
	struct nvt_cqe cqe;

	faulty_arm(&faulty, "do irq-spurious");
	faulty_wait_interrupts(&faulty, LINE, 1);
	ck_assert(!hand_next(hand, &cqe, 0));
	wait_for_line(false);
	/* With a completion the line is up for two reasons, which is once. */
	faulty_arm(&faulty, "queue=7 nth=1 do irq-spurious");
	run_flush_by_line();
	faulty_assert_shots(&faulty, "irq-spurious", 2);
}
END_TEST

START_TEST(line_storms)
{
	uint64_t armed = device_now_ns();

	/* A level has no count: it is up all the time, and this host waits for its end. */
	faulty_arm(&faulty, "do irq-storm count=100 gap=1ms");
	faulty_wait_interrupts(&faulty, LINE, 1);
	wait_for_line(false);
	ck_assert_uint_ge(device_now_ns() - armed, 99 * MS);
	run_flush_by_line();
	faulty_assert_shots(&faulty, "irq-storm", 1);
}
END_TEST

START_TEST(line_while_masked)
{
	mask_in_controller(true);
	post_flush();
	wait_for_entry(0);
	ck_assert(!line_is_up());
	faulty_arm(&faulty, "do irq-masked");
	faulty_wait_interrupts(&faulty, LINE, 1);
	listen_anew();
	/* What is not of that kind obeys the mask. */
	faulty_arm(&faulty, "do irq-spurious");
	faulty_assert_shots(&faulty, "irq-spurious", 1);
	ck_assert(!line_is_up());
	mask_in_controller(false);
	faulty_wait_interrupts(&faulty, LINE, 1);
	hand_wait(hand);
	wait_for_line(false);
	faulty_assert_shots(&faulty, "irq-masked", 1);
}
END_TEST

static void add_messages(TCase *tc)
{
	tcase_add_test(tc, lost_interrupt);
	tcase_add_test(tc, interrupt_before_its_completion);
	tcase_add_test(tc, late_interrupt);
	tcase_add_test(tc, interrupt_on_another_vector);
	tcase_add_test(tc, spurious_interrupt);
	tcase_add_test(tc, interrupt_storm);
	tcase_add_test(tc, interrupt_while_masked);
}

static void add_intx(TCase *tc)
{
	tcase_add_test(tc, line_is_lost);
	tcase_add_test(tc, line_before_its_completion);
	tcase_add_test(tc, line_is_late);
	tcase_add_test(tc, line_has_no_other_vector);
	tcase_add_test(tc, line_is_spurious);
	tcase_add_test(tc, line_storms);
	tcase_add_test(tc, line_while_masked);
}

Suite *fault_interrupt_suite(void)
{
	Suite *suite = suite_create("fault_interrupt");
	TCase *tc;

	add_messages(device_case(suite, "msix", begin_msix, finish));
	tc = device_case(suite, "msi", begin_msi, finish);
	add_messages(tc);
	tcase_add_test(tc, msi_while_masked_in_the_controller);
	tcase_add_test(tc, msi_of_a_folded_vector);
	add_intx(device_case(suite, "intx", begin_intx, finish));
	return suite;
}
