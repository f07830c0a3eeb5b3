// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* <nvt/irq.h> on the model: what the library says of a vector is what the device does. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "faulty.h"
#include "suites.h"

#define MSIX_BAR	4
#define MSIX_PBA	0x1000
#define SOON_MS		5000
#define LOG_ENTRIES	8
#define INTMS		0x0c
#define INTMC		0x10

static struct faulty faulty;
static struct hand *const hand = &faulty.hand;

static void begin(void)
{
	faulty_start(&faulty, "size=64M,msix=16");
}

static void finish(void)
{
	faulty_stop(&faulty);
}

static void run_flush(void)
{
	hand_post(hand, nvt_sqe_flush(1));
	hand_wait(hand);
}

/* What the device has sent is counted: a register's value comes behind it, and a new log begins after it. */
static void settle(void)
{
	faulty_reg(&faulty, 0x1c);
	ck_assert_int_eq(nvt_irq_log_start(faulty.dev.pcie, LOG_ENTRIES), 0);
}

static uint64_t count(unsigned int vector)
{
	uint64_t n = 0;

	ck_assert_int_eq(nvt_irq_count(faulty.dev.pcie, vector, &n), 0);
	return n;
}

static uint32_t table(unsigned int vector)
{
	uint64_t value = 0;

	ck_assert_int_eq(nvt_pcie_reg_read(faulty.dev.pcie, MSIX_BAR, vector * 16 + 12, 4, &value),
			 0);
	return value;
}

static uint64_t pba(void)
{
	uint64_t value = 0;

	ck_assert_int_eq(nvt_pcie_reg_read(faulty.dev.pcie, MSIX_BAR, MSIX_PBA, 8, &value), 0);
	return value;
}

START_TEST(nth_interrupt_since_a_clear_is_waited_for)
{
	struct nvt_pcie *pcie = faulty.dev.pcie;
	int i;

	ck_assert_int_eq(nvt_irq_isset(pcie, FAULTY_VECTOR), 0);
	for (i = 0; i < 3; i++)
		run_flush();
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, 3, SOON_MS), 0);
	ck_assert_int_eq(nvt_irq_isset(pcie, FAULTY_VECTOR), 1);
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, 4, 20), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "3 interrupts within 20 ms, not 4"));
	ck_assert_int_eq(nvt_irq_clear(pcie, FAULTY_VECTOR), 0);
	ck_assert_int_eq(nvt_irq_isset(pcie, FAULTY_VECTOR), 0);
	run_flush();
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, 1, SOON_MS), 0);
	ck_assert_uint_eq(count(FAULTY_VECTOR), 1);
	/* Of this handle only. */
	ck_assert_uint_eq(faulty_interrupts(&faulty, FAULTY_VECTOR), 4);
	/* Of other vectors nothing is known here. */
	ck_assert_int_eq(nvt_irq_isset(pcie, 5), 0);
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTORS, 1, 1), -EINVAL);
	ck_assert_int_eq(nvt_irq_clear(pcie, FAULTY_VECTORS), -EINVAL);
}
END_TEST

START_TEST(last_and_previous_time_are_those_of_the_interrupts)
{
	struct nvt_vector_counter first, second;
	uint64_t before = device_now_ns();

	run_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 1);
	ck_assert_int_eq(nvt_pcie_vector(faulty.dev.pcie, FAULTY_VECTOR, &first), 0);
	run_flush();
	faulty_wait_interrupts(&faulty, FAULTY_VECTOR, 2);
	ck_assert_int_eq(nvt_pcie_vector(faulty.dev.pcie, FAULTY_VECTOR, &second), 0);
	ck_assert_uint_gt(first.last_ns, before);
	ck_assert_uint_eq(first.prev_ns, 0);
	ck_assert_uint_eq(second.prev_ns, first.last_ns);
	ck_assert_uint_gt(second.last_ns, second.prev_ns);
}
END_TEST

START_TEST(masked_interrupts_pend_and_one_comes_after)
{
	struct nvt_pcie *pcie = faulty.dev.pcie;
	struct nvt_vector_info info;
	struct nvt_vector_counter counter;

	ck_assert_int_eq(nvt_irq_mask(pcie, FAULTY_VECTOR), 0);
	ck_assert_int_eq(nvt_irq_mask(pcie, FAULTY_VECTOR), 0);
	ck_assert_uint_eq(table(FAULTY_VECTOR), 1);
	ck_assert_uint_eq(table(FAULTY_VECTOR + 1), 0);
	ck_assert_int_eq(nvt_irq_pending(pcie, FAULTY_VECTOR), 0);
	run_flush();
	run_flush();
	run_flush();
	settle();
	ck_assert_uint_eq(count(FAULTY_VECTOR), 0);
	ck_assert_uint_eq(pba(), 1 << FAULTY_VECTOR);
	ck_assert_int_eq(nvt_irq_pending(pcie, FAULTY_VECTOR), 1);
	ck_assert_int_eq(nvt_irq_info(pcie, FAULTY_VECTOR, &info), 0);
	ck_assert_uint_eq(info.masked, 1);
	ck_assert_int_eq(nvt_pcie_vector(pcie, FAULTY_VECTOR, &counter), 0);
	ck_assert_uint_eq(counter.masked, NVT_MASKED_OWNER);
	ck_assert_int_eq(nvt_irq_unmask(pcie, FAULTY_VECTOR), 0);
	ck_assert_uint_eq(table(FAULTY_VECTOR), 0);
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, 1, SOON_MS), 0);
	settle();
	ck_assert_uint_eq(count(FAULTY_VECTOR), 1);
	ck_assert_uint_eq(pba(), 0);
	ck_assert_int_eq(nvt_irq_mask(pcie, FAULTY_VECTORS), -EINVAL);
}
END_TEST

START_TEST(mask_outlives_a_reset)
{
	hand_delete(hand);
	ck_assert_int_eq(nvt_irq_mask(faulty.dev.pcie, FAULTY_VECTOR), 0);
	ck_assert_int_eq(nvt_pcie_reset(faulty.dev.pcie), 0);
	ck_assert_uint_eq(table(FAULTY_VECTOR), 1);
	ck_assert_uint_eq(table(FAULTY_VECTOR + 1), 0);
	ck_assert_int_eq(nvt_ctrl_reset(faulty.dev.ctrl), 0);
	hand_create(hand, &faulty.dev, FAULTY_VECTOR);
	run_flush();
	settle();
	ck_assert_uint_eq(count(FAULTY_VECTOR), 0);
	ck_assert_int_eq(nvt_irq_unmask(faulty.dev.pcie, FAULTY_VECTOR), 0);
	ck_assert_int_eq(nvt_irq_wait(faulty.dev.pcie, FAULTY_VECTOR, 1, SOON_MS), 0);
}
END_TEST

START_TEST(eventfd_counts_each_interrupt)
{
	struct nvt_pcie *pcie = faulty.dev.pcie;
	int fd = eventfd(0, EFD_NONBLOCK), i;
	uint64_t n = 0;

	ck_assert_int_eq(nvt_irq_eventfd(pcie, FAULTY_VECTOR, STDOUT_FILENO), -EINVAL);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "is not one"));
	ck_assert_int_eq(nvt_irq_eventfd(pcie, FAULTY_VECTOR, 999), -EBADF);
	ck_assert_int_eq(nvt_irq_eventfd(pcie, FAULTY_VECTORS, fd), -EINVAL);
	ck_assert_int_eq(nvt_irq_eventfd(pcie, FAULTY_VECTOR, fd), 0);
	for (i = 0; i < 5; i++)
		run_flush();
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, 5, SOON_MS), 0);
	settle();
	ck_assert_int_eq(read(fd, &n, sizeof(n)), sizeof(n));
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(nvt_irq_eventfd(pcie, FAULTY_VECTOR, -1), 0);
	run_flush();
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, 6, SOON_MS), 0);
	ck_assert_int_eq(read(fd, &n, sizeof(n)), -1);
	close(fd);
}
END_TEST

START_TEST(log_has_each_interrupt_in_order_and_says_what_it_lost)
{
	struct nvt_irq_entry entry[2 * LOG_ENTRIES];
	struct nvt_irq_cursor cursor = { 0 };
	struct nvt_pcie *pcie = faulty.dev.pcie;
	int i, n;

	ck_assert_int_eq(nvt_irq_log_read(pcie, &cursor, entry, 1), -EINVAL);
	ck_assert_int_eq(nvt_irq_log_start(pcie, 3), -EINVAL);
	ck_assert_int_eq(nvt_irq_log_start(pcie, LOG_ENTRIES), 0);
	ck_assert_int_eq(nvt_irq_log_read(pcie, &cursor, entry, 1), 0);
	faulty_arm(&faulty, "queue=7 nth=2 do irq-wrong vector=5");
	for (i = 0; i < 4; i++) {
		run_flush();
		faulty_wait_interrupts(&faulty, FAULTY_VECTOR, i ? i : 1);
		faulty_wait_interrupts(&faulty, 5, i > 0);
	}
	n = nvt_irq_log_read(pcie, &cursor, entry, 2 * LOG_ENTRIES);
	ck_assert_int_eq(n, 4);
	for (i = 0; i < n; i++) {
		ck_assert_uint_eq(entry[i].vector, i == 1 ? 5 : FAULTY_VECTOR);
		ck_assert_uint_eq(entry[i].seq, i + 1);
		ck_assert(!i || entry[i].ns > entry[i - 1].ns);
	}
	ck_assert_uint_eq(cursor.overwritten, 0);
	for (i = 0; i < LOG_ENTRIES + 3; i++)
		run_flush();
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, LOG_ENTRIES + 6, SOON_MS), 0);
	n = nvt_irq_log_read(pcie, &cursor, entry, 2 * LOG_ENTRIES);
	ck_assert_int_eq(n, LOG_ENTRIES);
	ck_assert_uint_eq(entry[0].seq, 4 + 3 + 1);
	ck_assert_uint_eq(cursor.overwritten, 3);
	nvt_irq_log_stop(pcie);
	ck_assert_int_eq(nvt_irq_log_read(pcie, &cursor, entry, 1), -EINVAL);
}
END_TEST

START_TEST(affinity_is_not_to_be_had)
{
	char cpus[64];

	ck_assert_int_eq(nvt_irq_affinity(faulty.dev.pcie, 0, cpus, sizeof(cpus)), -EOPNOTSUPP);
	ck_assert_int_eq(nvt_irq_set_affinity(faulty.dev.pcie, 0, "0"), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "pin the thread"));
}
END_TEST

static void begin_with(int type, unsigned int vectors)
{
	const struct nvt_ctrl_opts opts = {
		.vectors = vectors, .vector_type = type, .timeout_ms = 5000,
	};

	model_start(&faulty.dev.model, "size=64M");
	device_open(&faulty.dev, &opts);
	hand_create(hand, &faulty.dev, type == NVT_VECTOR_INTX ? 0 : FAULTY_VECTOR);
}

static void begin_msi(void)
{
	begin_with(NVT_VECTOR_MSI, 8);
}

static void begin_intx(void)
{
	begin_with(NVT_VECTOR_INTX, 1);
}

static uint32_t msi(unsigned int offset)
{
	int at = nvt_pcie_find_cap(faulty.dev.pcie, PCI_CAP_ID_MSI);

	ck_assert_int_gt(at, 0);
	return faulty_config(&faulty, at + offset);
}

static void wait_for_entry(void)
{
	while ((hand_entry(hand, hand->head)->status_phase & 1) != hand->phase)
		usleep(100);
}

START_TEST(msi_has_a_message_for_each_vector_and_masks_of_its_own)
{
	struct nvt_pcie *pcie = faulty.dev.pcie;

	run_flush();
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, 1, SOON_MS), 0);
	ck_assert_int_eq(nvt_irq_mask(pcie, FAULTY_VECTOR), 0);
	ck_assert_uint_eq(msi(PCI_MSI_MASK_64), 1 << FAULTY_VECTOR);
	run_flush();
	run_flush();
	settle();
	ck_assert_uint_eq(count(FAULTY_VECTOR), 1);
	ck_assert_uint_eq(msi(PCI_MSI_PENDING_64), 1 << FAULTY_VECTOR);
	ck_assert_int_eq(nvt_irq_pending(pcie, FAULTY_VECTOR), 1);
	ck_assert_int_eq(nvt_irq_unmask(pcie, FAULTY_VECTOR), 0);
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, 2, SOON_MS), 0);
	settle();
	ck_assert_uint_eq(count(FAULTY_VECTOR), 2);
	ck_assert_uint_eq(msi(PCI_MSI_PENDING_64), 0);
}
END_TEST

START_TEST(msi_is_masked_by_intms_until_intmc)
{
	struct nvt_pcie *pcie = faulty.dev.pcie;

	ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, INTMS, 4, 1 << FAULTY_VECTOR), 0);
	ck_assert_uint_eq(faulty_reg(&faulty, INTMC), 1 << FAULTY_VECTOR);
	run_flush();
	settle();
	ck_assert_uint_eq(count(FAULTY_VECTOR), 0);
	hand_post(hand, nvt_sqe_flush(1));
	wait_for_entry();
	ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, INTMC, 4, 1 << FAULTY_VECTOR), 0);
	ck_assert_int_eq(nvt_irq_wait(pcie, FAULTY_VECTOR, 1, SOON_MS), 0);
}
END_TEST

/* The line follows doorbells, which the device looks at when it comes to that. */
static void wait_for_line(int up)
{
	uint64_t deadline = device_now_ns() + SOON_MS * 1000000ULL;

	while (nvt_irq_pending(faulty.dev.pcie, 0) != up) {
		ck_assert_msg(device_now_ns() < deadline, "Interrupt Status stays at %d", !up);
		usleep(1000);
	}
}

/*
 * The library lets the next interrupt come when it finds the line low, which it
 * looks for each millisecond: one that goes up again before that is not seen.
 */
static void wait_for_rest(void)
{
	wait_for_line(0);
	usleep(200000);
	settle();
	nvt_irq_clear(faulty.dev.pcie, 0);
}

/* The line is up from the completion until the CQ head has moved. */
START_TEST(intx_pends_behind_interrupt_disable)
{
	struct nvt_pcie *pcie = faulty.dev.pcie;

	wait_for_rest();
	ck_assert_int_eq(nvt_irq_mask(pcie, 0), 0);
	ck_assert_uint_eq(faulty_config(&faulty, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE,
			  PCI_COMMAND_INTX_DISABLE);
	hand_post(hand, nvt_sqe_flush(1));
	wait_for_line(1);
	settle();
	ck_assert_int_eq(nvt_irq_isset(pcie, 0), 0);
	ck_assert_int_eq(nvt_irq_unmask(pcie, 0), 0);
	ck_assert_int_eq(nvt_irq_wait(pcie, 0, 1, SOON_MS), 0);
	hand_wait(hand);
	wait_for_line(0);
	settle();
	ck_assert_uint_eq(count(0), 1);
}
END_TEST

START_TEST(intx_is_masked_by_intms_until_intmc)
{
	struct nvt_pcie *pcie = faulty.dev.pcie;

	wait_for_rest();
	ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, INTMS, 4, 1), 0);
	ck_assert_uint_eq(faulty_reg(&faulty, INTMS), 1);
	hand_post(hand, nvt_sqe_flush(1));
	wait_for_entry();
	settle();
	ck_assert_int_eq(nvt_irq_pending(pcie, 0), 0);
	ck_assert_int_eq(nvt_irq_isset(pcie, 0), 0);
	ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, INTMC, 4, 1), 0);
	ck_assert_int_eq(nvt_irq_wait(pcie, 0, 1, SOON_MS), 0);
	ck_assert_uint_eq(faulty_reg(&faulty, INTMS), 0);
	hand_wait(hand);
}
END_TEST

static void add_msix(Suite *suite)
{
	TCase *tc = device_case(suite, "msix", begin, finish);

	tcase_add_test(tc, nth_interrupt_since_a_clear_is_waited_for);
	tcase_add_test(tc, last_and_previous_time_are_those_of_the_interrupts);
	tcase_add_test(tc, masked_interrupts_pend_and_one_comes_after);
	tcase_add_test(tc, mask_outlives_a_reset);
	tcase_add_test(tc, eventfd_counts_each_interrupt);
	tcase_add_test(tc, log_has_each_interrupt_in_order_and_says_what_it_lost);
	tcase_add_test(tc, affinity_is_not_to_be_had);
}

Suite *irq_suite(void)
{
	Suite *suite = suite_create("irq");
	TCase *tc;

	add_msix(suite);
	tc = device_case(suite, "msi", begin_msi, finish);
	tcase_add_test(tc, msi_has_a_message_for_each_vector_and_masks_of_its_own);
	tcase_add_test(tc, msi_is_masked_by_intms_until_intmc);
	tc = device_case(suite, "intx", begin_intx, finish);
	tcase_add_test(tc, intx_pends_behind_interrupt_disable);
	tcase_add_test(tc, intx_is_masked_by_intms_until_intmc);
	return suite;
}
