/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Interrupts of the driver on the model of a device, which can do them wrong.
 * QEMU keeps its MSI-X table and masks by itself, so an interrupt while masked
 * never reaches the guest: tests/model has that one.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <nvt/nvt.h>

#include "bare.h"
#include "stock.h"
#include "suites.h"

#define QUEUES		8
#define UNUSED		9	/* a vector without a queue */
#define VECTOR		3
#define COMMANDS	4000	/* NVT_IRQ_COMMANDS in the environment is another number */
#define SOON_MS		10000
#define LOG_ENTRIES	8
#define INTMS		0x0c
#define INTMC		0x10

static struct nvt_ctrl *ctrl;
static struct nvt_pcie *pcie;
static struct nvt_ns *ns;
static struct nvt_qpair *qp;
static struct nvt_buffer *buf;

static void open_with(int type, uint32_t vectors)
{
	const struct nvt_ctrl_opts opts = {
		.vector_type = type, .vectors = vectors, .timeout_ms = 30000,
	};
	struct nvt_qpair_opts raw = { .backend = NVT_BACKEND_RAW, .entries = 16 };

	ctrl = nvt_ctrl_open(bare_addr(), &opts);
	ck_assert_msg(ctrl != NULL, "%s", nvt_error());
	pcie = nvt_ctrl_pcie(ctrl);
	ns = nvt_ns_open(ctrl, 1);
	ck_assert_msg(ns != NULL, "%s", nvt_error());
	raw.vector = type == NVT_VECTOR_INTX ? 1 : VECTOR + 1;
	qp = nvt_qpair_create(ctrl, &raw);
	ck_assert_msg(qp != NULL, "%s", nvt_error());
	buf = nvt_buffer_create(pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	ck_assert_msg(buf != NULL, "%s", nvt_error());
}

static void begin(void)
{
	open_with(NVT_VECTOR_MSIX, UNUSED + 1);
}

static void begin_msi(void)
{
	open_with(NVT_VECTOR_MSI, 8);
}

static void begin_intx(void)
{
	open_with(NVT_VECTOR_INTX, 1);
}

static void finish(void)
{
	nvt_buffer_free(buf);
	nvt_qpair_delete(qp);
	nvt_ns_close(ns);
	nvt_ctrl_close(ctrl);
}

static void read_blocks(unsigned int n)
{
	while (n--)
		ck_assert_int_eq(nvt_ns_read(ns, qp, buf, 0, n, 1, 0), 0);
}

static uint64_t total(unsigned int vector)
{
	struct nvt_vector_counter counter;

	ck_assert_int_eq(nvt_pcie_vector(pcie, vector, &counter), 0);
	return counter.interrupts;
}

static void wait_for(unsigned int vector, uint64_t n)
{
	ck_assert_msg(nvt_irq_wait(pcie, vector, n, SOON_MS) == 0, "%s", nvt_error());
}

static void assert_count(unsigned int vector, uint64_t n)
{
	uint64_t count = 0;

	ck_assert_int_eq(nvt_irq_count(pcie, vector, &count), 0);
	ck_assert_uint_eq(count, n);
}

/* Of an interrupt of the host, the sum over all CPUs. */
static uint64_t proc_interrupts(unsigned int vector)
{
	struct nvt_vector_info info;
	char out[64];

	ck_assert_int_eq(nvt_irq_info(pcie, vector, &info), 0);
	ck_assert_int_eq(stock_run(out, sizeof(out), "awk '$1 == \"%u:\" { print $2 + $3 }' "
				   "/proc/interrupts", info.irq), 0);
	return strtoull(out, NULL, 0);
}

static uint64_t bar_dword(unsigned int where, uint32_t offset)
{
	int cap = nvt_pcie_find_cap(pcie, PCI_CAP_ID_MSIX);
	uint64_t value = 0;
	uint32_t at = 0;

	ck_assert_int_gt(cap, 0);
	ck_assert_int_eq(nvt_pcie_config_read(pcie, cap + where, 4, &at), 0);
	ck_assert_int_eq(nvt_pcie_reg_read(pcie, at & 7, (at & ~7U) + offset, 4, &value), 0);
	return value;
}

static void assert_masked(bool masked)
{
	ck_assert_uint_eq(bar_dword(PCI_MSIX_TABLE, VECTOR * 16 + 12) & 1, masked);
	ck_assert_uint_eq(bar_dword(PCI_MSIX_TABLE, (VECTOR + 1) * 16 + 12) & 1, 0);
}

/* On a vfio-user device QEMU keeps what pends to itself: the PBA is read on its own. */
static void mask_and_unmask(bool pba_is_true)
{
	ck_assert_int_eq(nvt_irq_mask(pcie, VECTOR), 0);
	assert_masked(true);
	ck_assert_int_eq(nvt_irq_pending(pcie, VECTOR), 0);
	read_blocks(3);
	usleep(100000);
	ck_assert_int_eq(nvt_irq_isset(pcie, VECTOR), 0);
	if (pba_is_true) {
		ck_assert_int_eq(nvt_irq_pending(pcie, VECTOR), 1);
		ck_assert_uint_eq(bar_dword(PCI_MSIX_PBA, 0), 1 << VECTOR);
	}
	ck_assert_int_eq(nvt_irq_unmask(pcie, VECTOR), 0);
	assert_masked(false);
	wait_for(VECTOR, 1);
	usleep(100000);
	assert_count(VECTOR, 1);
	ck_assert_uint_eq(bar_dword(PCI_MSIX_PBA, 0), 0);
}

START_TEST(masked_interrupts_come_once_after_the_unmask)
{
	mask_and_unmask(false);
}
END_TEST

START_TEST(masked_interrupts_pend_in_the_pba)
{
	mask_and_unmask(true);
}
END_TEST

START_TEST(each_vector_of_the_device_interrupts)
{
	struct nvt_qpair_opts raw = { .backend = NVT_BACKEND_RAW, .entries = 4 };
	struct nvt_device_info info;
	uint32_t vector;
	uint64_t n;

	ck_assert_int_eq(nvt_pcie_info(pcie, &info), 0);
	finish();
	open_with(NVT_VECTOR_MSIX, info.max_msix);
	ck_assert_int_eq(nvt_pcie_info(pcie, &info), 0);
	ck_assert_uint_eq(info.nr_vectors, info.max_msix);
	nvt_qpair_delete(qp);
	for (vector = 0; vector < info.max_msix; vector++) {
		raw.vector = vector + 1;
		qp = nvt_qpair_create(ctrl, &raw);
		ck_assert_msg(qp != NULL, "%s", nvt_error());
		n = vector ? 0 : total(0);
		nvt_irq_clear(pcie, vector);
		read_blocks(1);
		wait_for(vector, 1);
		if (vector)
			ck_assert_uint_eq(total(vector), n + 1);
		if (vector + 1 < info.max_msix)
			nvt_qpair_delete(qp);
	}
}
END_TEST

START_TEST(eventfd_counts_each_interrupt)
{
	int fd = eventfd(0, EFD_NONBLOCK), i;
	uint64_t n = 0;

	ck_assert_int_eq(nvt_irq_eventfd(pcie, VECTOR, STDOUT_FILENO), -EINVAL);
	ck_assert_int_eq(nvt_irq_eventfd(pcie, VECTOR, fd), 0);
	for (i = 1; i <= 5; i++) {
		read_blocks(1);
		wait_for(VECTOR, i);
	}
	/* It is signalled behind the count. */
	usleep(100000);
	ck_assert_int_eq(read(fd, &n, sizeof(n)), sizeof(n));
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(nvt_irq_eventfd(pcie, VECTOR, -1), 0);
	read_blocks(1);
	wait_for(VECTOR, 6);
	usleep(100000);
	ck_assert_int_eq(read(fd, &n, sizeof(n)), -1);
	close(fd);
}
END_TEST

/* The table is written at an interrupt that comes, a few of which may still go to the old one. */
START_TEST(last_cpu_follows_the_affinity)
{
	struct nvt_vector_counter counter;
	char cpus[32], want[4];
	unsigned int cpu;
	int i;

	for (cpu = 0; cpu < 2; cpu++) {
		snprintf(want, sizeof(want), "%u", cpu);
		ck_assert_msg(nvt_irq_set_affinity(pcie, VECTOR, want) == 0, "%s", nvt_error());
		ck_assert_int_eq(nvt_irq_affinity(pcie, VECTOR, cpus, sizeof(cpus)), 0);
		ck_assert_str_eq(cpus, want);
		counter.last_cpu = !cpu;
		for (i = 0; i < 100 && counter.last_cpu != cpu; i++) {
			nvt_irq_clear(pcie, VECTOR);
			read_blocks(1);
			wait_for(VECTOR, 1);
			ck_assert_int_eq(nvt_pcie_vector(pcie, VECTOR, &counter), 0);
		}
		ck_assert_uint_eq(counter.last_cpu, cpu);
	}
	ck_assert_int_lt(nvt_irq_set_affinity(pcie, VECTOR, "nonsense"), 0);
}
END_TEST

START_TEST(log_is_in_order_and_says_what_it_lost)
{
	struct nvt_irq_entry entry[2 * LOG_ENTRIES];
	struct nvt_irq_cursor cursor = { 0 };
	uint64_t last = 0;
	int i, n;

	ck_assert_int_eq(nvt_irq_log_start(pcie, LOG_ENTRIES), 0);
	for (i = 1; i <= LOG_ENTRIES + 3; i++) {
		read_blocks(1);
		wait_for(VECTOR, i);
	}
	usleep(100000);
	n = nvt_irq_log_read(pcie, &cursor, entry, 2 * LOG_ENTRIES);
	ck_assert_int_eq(n, LOG_ENTRIES);
	ck_assert_uint_eq(cursor.overwritten, 3);
	for (i = 0; i < n; i++) {
		ck_assert_uint_eq(entry[i].seq, i + 4);
		ck_assert_uint_eq(entry[i].vector, VECTOR);
		ck_assert_uint_eq(entry[i].completions, 0);
		ck_assert_uint_gt(entry[i].ns, last);
		last = entry[i].ns;
	}
	nvt_irq_log_stop(pcie);
	ck_assert_int_eq(nvt_irq_log_read(pcie, &cursor, entry, 1), -EINVAL);
}
END_TEST

static void fault(const char *rule)
{
	char out[256];

	ck_assert_msg(stock_run(out, sizeof(out), "tests/vm/ctl fault %s 2>&1", rule) == 0, "%s: %s",
		      rule, out);
}

static void clear_faults(void)
{
	char out[256];

	stock_run(out, sizeof(out), "tests/vm/ctl clear");
}

static void run_check(struct nvt_irq_check_opts *opts, int result, struct nvt_irq_report *report)
{
	struct nvt_irq_check *check;

	opts->queues = QUEUES;
	opts->lost_ms = 5000;
	opts->late_us = 1500000;
	check = nvt_irq_check_start(ns, opts);
	ck_assert_msg(check != NULL, "%s", nvt_error());
	ck_assert_msg(nvt_irq_check_run(check, 0) == result, "%s", nvt_error());
	ck_assert_msg(nvt_irq_check_stop(check, report) == 0, "%s", nvt_error());
	nvt_irq_check_close(check);
}

static void assert_faults(const struct nvt_irq_report *report, int kind, uint64_t count)
{
	char text[256];
	int i;

	for (i = 0; i < NVT_IRQ_FAULTS; i++)
		ck_assert_msg(report->faults[i] == (i == kind ? count : 0), "%llu %s; first: %s",
			      (unsigned long long)report->faults[i], nvt_irq_fault_name(i),
			      nvt_irq_finding_text(report->finding, text, sizeof(text)));
}

START_TEST(without_a_fault_nothing_is_reported_and_all_counts_agree)
{
	const char *many = getenv("NVT_IRQ_COMMANDS");
	struct nvt_irq_check_opts opts = { .commands = many ? strtoull(many, NULL, 0) : COMMANDS };
	uint64_t before[QUEUES + 1], proc[QUEUES + 1];
	struct nvt_irq_check *check;
	struct nvt_irq_report report;
	uint32_t i;

	for (i = 1; i <= QUEUES; i++) {
		before[i] = total(i);
		proc[i] = proc_interrupts(i);
	}
	opts.queues = QUEUES;
	opts.lost_ms = 5000;
	opts.late_us = 1500000;
	check = nvt_irq_check_start(ns, &opts);
	ck_assert_msg(check != NULL, "%s", nvt_error());
	ck_assert_msg(nvt_irq_check_run(check, 0) == 0, "%s", nvt_error());
	ck_assert_msg(nvt_irq_check_stop(check, &report) == 0, "%s", nvt_error());
	assert_faults(&report, NVT_IRQ_LOST, 0);
	ck_assert_uint_eq(report.completions, opts.commands);
	ck_assert_uint_eq(report.interrupts, opts.commands);
	ck_assert_uint_eq(report.nr_vectors, QUEUES);
	for (i = 1; i <= QUEUES; i++) {
		ck_assert_uint_eq(report.vector[i - 1].interrupts, total(i) - before[i]);
		ck_assert_uint_eq(report.vector[i - 1].completions, total(i) - before[i]);
		ck_assert_uint_eq(proc_interrupts(i) - proc[i], total(i) - before[i]);
	}
	nvt_irq_check_close(check);
}
END_TEST

static const struct {
	const char *rule;
	int kind;
} faults[] = {
	{ "opcode=read nth=300 do irq-lost", NVT_IRQ_LOST },
	{ "opcode=read nth=300 do irq-late delay=3s", NVT_IRQ_LATE },
	{ "opcode=read nth=300 do irq-early delay=500ms", NVT_IRQ_EARLY },
	{ "opcode=read nth=300 do irq-wrong vector=9", NVT_IRQ_WRONG_VECTOR },
	{ "opcode=read nth=300 do irq-spurious vector=9", NVT_IRQ_SPURIOUS },
};

#define NR_FAULTS	(sizeof(faults) / sizeof(faults[0]))

START_TEST(fault_is_reported_as_what_it_is)
{
	struct nvt_irq_check_opts opts = { .commands = 1000 };
	struct nvt_irq_report report;

	fault(faults[_i].rule);
	run_check(&opts, 0, &report);
	clear_faults();
	assert_faults(&report, faults[_i].kind, 1);
	ck_assert_uint_eq(report.completions, opts.commands);
}
END_TEST

/* What a busy host merges into single ones is spurious, and rightly. */
START_TEST(storm_is_reported_as_a_storm)
{
	struct nvt_irq_check_opts opts = { .commands = 1000, .storm = 5 };
	struct nvt_irq_report report;

	fault("opcode=read nth=300 do irq-storm vector=9 count=5000 gap=200us");
	run_check(&opts, 0, &report);
	clear_faults();
	ck_assert_uint_ge(report.faults[NVT_IRQ_STORM], 1);
	report.faults[NVT_IRQ_STORM] = 0;
	report.faults[NVT_IRQ_SPURIOUS] = 0;
	assert_faults(&report, NVT_IRQ_STORM, 0);
	ck_assert_uint_eq(report.completions, opts.commands);
}
END_TEST

START_TEST(masks_without_a_fault_are_clean)
{
	struct nvt_irq_check_opts opts = { .commands = 400, .mask_every = 5 };
	struct nvt_irq_report report;

	run_check(&opts, 0, &report);
	assert_faults(&report, NVT_IRQ_LOST, 0);
	ck_assert_uint_eq(report.interrupts, opts.commands);
}
END_TEST

static void set_storm_limit(unsigned int limit)
{
	char out[64];

	ck_assert_int_eq(stock_run(out, sizeof(out),
				   "echo %u >/sys/module/nvt/parameters/storm_limit", limit), 0);
}

/* The vector of no queue, so that all of them are without a completion. */
START_TEST(storm_is_masked_by_the_driver_until_it_is_unmasked)
{
	struct nvt_vector_counter counter;
	int i;

	set_storm_limit(100);
	fault("do irq-storm vector=9 count=2000 gap=200us");
	for (i = 0; i < 1000; i++) {
		ck_assert_int_eq(nvt_pcie_vector(pcie, UNUSED, &counter), 0);
		if (counter.storms)
			break;
		usleep(10000);
	}
	set_storm_limit(100000);
	ck_assert_uint_eq(counter.storms, 1);
	ck_assert_uint_eq(counter.masked, NVT_MASKED_STORM);
	ck_assert_uint_lt(counter.interrupts, 1000);
	ck_assert_uint_eq(bar_dword(PCI_MSIX_TABLE, UNUSED * 16 + 12) & 1, 1);
	/* The host is alive, and so are the other vectors. */
	read_blocks(1);
	wait_for(VECTOR, 1);
	clear_faults();
	ck_assert_int_eq(nvt_irq_unmask(pcie, UNUSED), 0);
	ck_assert_int_eq(nvt_pcie_vector(pcie, UNUSED, &counter), 0);
	ck_assert_uint_eq(counter.masked, 0);
	ck_assert_uint_eq(bar_dword(PCI_MSIX_TABLE, UNUSED * 16 + 12) & 1, 0);
	nvt_irq_clear(pcie, UNUSED);
	usleep(100000);
	nvt_irq_clear(pcie, UNUSED);
	fault("do irq-spurious vector=9");
	wait_for(UNUSED, 1);
}
END_TEST

START_TEST(msi_has_a_message_for_each_vector)
{
	struct nvt_irq_check_opts opts = { .commands = 400, .queues = 7, .lost_ms = 5000,
					   .late_us = 1500000 };
	struct nvt_irq_check *check = nvt_irq_check_start(ns, &opts);
	struct nvt_irq_report report;
	uint32_t i;

	ck_assert_msg(check != NULL, "%s", nvt_error());
	ck_assert_msg(nvt_irq_check_run(check, 0) == 0, "%s", nvt_error());
	ck_assert_msg(nvt_irq_check_stop(check, &report) == 0, "%s", nvt_error());
	assert_faults(&report, NVT_IRQ_LOST, 0);
	ck_assert_uint_eq(report.nr_vectors, 7);
	for (i = 0; i < 7; i++)
		ck_assert_uint_eq(report.vector[i].interrupts, report.vector[i].completions);
	nvt_irq_check_close(check);
}
END_TEST

/* QEMU keeps the pending bits of MSI to itself: tests/model reads those. */
START_TEST(masked_msi_comes_once_after_the_unmask)
{
	const char *mask = "setpci -s 01:00.0 CAP_MSI+10.l";
	char out[64];

	ck_assert_int_eq(nvt_irq_mask(pcie, VECTOR), 0);
	ck_assert_int_eq(stock_run(out, sizeof(out), "%s", mask), 0);
	ck_assert_uint_eq(strtoul(out, NULL, 16) >> VECTOR & 1, 1);
	read_blocks(2);
	usleep(100000);
	ck_assert_int_eq(nvt_irq_isset(pcie, VECTOR), 0);
	ck_assert_int_eq(nvt_irq_unmask(pcie, VECTOR), 0);
	ck_assert_int_eq(stock_run(out, sizeof(out), "%s", mask), 0);
	ck_assert_uint_eq(strtoul(out, NULL, 16) >> VECTOR & 1, 0);
	wait_for(VECTOR, 1);
	usleep(100000);
	assert_count(VECTOR, 1);
}
END_TEST

START_TEST(intx_is_masked_by_intms_until_intmc)
{
	struct nvt_sqe sqe = nvt_sqe_flush(1);
	uint64_t value = 0;

	nvt_irq_clear(pcie, 0);
	ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, INTMS, 4, 1), 0);
	ck_assert_int_eq(nvt_pcie_reg_read(pcie, 0, INTMC, 4, &value), 0);
	ck_assert_uint_eq(value, 1);
	/* Its completion is not taken, so the line would be up. */
	ck_assert_int_eq(nvt_qpair_post(qp, &sqe, NULL, 0, 0, NULL, NULL), 0);
	ck_assert_int_eq(nvt_qpair_ring(qp), 0);
	usleep(200000);
	ck_assert_int_eq(nvt_irq_isset(pcie, 0), 0);
	ck_assert_int_eq(nvt_irq_pending(pcie, 0), 0);
	ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, INTMC, 4, 1), 0);
	wait_for(0, 1);
	ck_assert_int_eq(nvt_qpair_wait(qp, 1, 0), 1);
}
END_TEST

START_TEST(check_refuses_intx)
{
	ck_assert_ptr_null(nvt_irq_check_start(ns, NULL));
	ck_assert_int_eq(errno, EOPNOTSUPP);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name, SFun setup)
{
	TCase *tc = tcase_create(name);

	tcase_add_unchecked_fixture(tc, suite_bind, suite_unbind);
	tcase_add_checked_fixture(tc, setup, finish);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	return tc;
}

Suite *irq_suite(void)
{
	Suite *suite = suite_create("irq");
	TCase *tc = add_case(suite, "msix", begin);

	tcase_add_test(tc, masked_interrupts_come_once_after_the_unmask);
	tcase_add_test(tc, each_vector_of_the_device_interrupts);
	tcase_add_test(tc, eventfd_counts_each_interrupt);
	tcase_add_test(tc, last_cpu_follows_the_affinity);
	tcase_add_test(tc, log_is_in_order_and_says_what_it_lost);
	tcase_add_test(tc, storm_is_masked_by_the_driver_until_it_is_unmasked);
	tc = add_case(suite, "check", begin);
	tcase_add_test(tc, without_a_fault_nothing_is_reported_and_all_counts_agree);
	tcase_add_loop_test(tc, fault_is_reported_as_what_it_is, 0, NR_FAULTS);
	tcase_add_test(tc, storm_is_reported_as_a_storm);
	tcase_add_test(tc, masks_without_a_fault_are_clean);
	tc = add_case(suite, "msi", begin_msi);
	tcase_add_test(tc, msi_has_a_message_for_each_vector);
	tcase_add_test(tc, masked_msi_comes_once_after_the_unmask);
	tc = add_case(suite, "intx", begin_intx);
	tcase_add_test(tc, intx_is_masked_by_intms_until_intmc);
	tcase_add_test(tc, check_refuses_intx);
	return suite;
}

Suite *irq_pending_suite(void)
{
	Suite *suite = suite_create("irq_pending");
	TCase *tc = add_case(suite, "msix", begin);

	tcase_add_test(tc, masked_interrupts_pend_in_the_pba);
	return suite;
}
