// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The analysis of interrupts on events of which the answer is known. Times are in microseconds. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "irq/analysis.h"
#include "suites.h"

#define US		1000ULL
#define LATE_US		10000
#define LOST_US		100000
#define VECTORS		4
#define A		1	/* vectors */
#define B		2

static struct nvt_irq_analysis a;
static struct nvt_irq_report report;

static void begin(void)
{
	const struct nvt_irq_rules rules = {
		.lost_ns = LOST_US * US, .late_ns = LATE_US * US, .storm = 5,
	};

	ck_assert_int_eq(nvt_irq_analysis_init(&a, VECTORS, &rules), 0);
}

static void finish(void)
{
	nvt_irq_analysis_free(&a);
}

static void completion(unsigned int vector, uint64_t lo_us, uint64_t hi_us)
{
	nvt_irq_analysis_completion(&a, vector, vector, lo_us * US, hi_us * US);
}

static void interrupt(unsigned int vector, uint64_t us)
{
	nvt_irq_analysis_interrupt(&a, vector, us * US, false);
}

/* Exactly so many of one kind, and of no other. */
static void assert_faults(int kind, uint64_t count)
{
	int i;

	ck_assert_int_eq(nvt_irq_analysis_finish(&a, UINT64_MAX, &report), 0);
	for (i = 0; i < NVT_IRQ_FAULTS; i++)
		ck_assert_msg(report.faults[i] == (i == kind ? count : 0), "%llu %s",
			      (unsigned long long)report.faults[i], nvt_irq_fault_name(i));
	ck_assert_uint_eq(report.total, count);
	ck_assert_uint_eq(report.nr_findings, count < NVT_IRQ_FINDINGS ? count : NVT_IRQ_FINDINGS);
}

static void assert_clean(void)
{
	assert_faults(NVT_IRQ_LOST, 0);
}

START_TEST(interrupt_for_each_completion_is_clean)
{
	int i;

	for (i = 1; i <= 1000; i++) {
		completion(A, i * 100, i * 100 + 2);
		interrupt(A, i * 100 + 5);
		nvt_irq_analysis_settle(&a, (i * 100 + 50) * US);
	}
	assert_clean();
	ck_assert_uint_eq(report.completions, 1000);
	ck_assert_uint_eq(report.interrupts, 1000);
	ck_assert_uint_eq(report.nr_vectors, 1);
	ck_assert_uint_eq(report.vector[0].per_interrupt[1], 1000);
	ck_assert_uint_eq(report.vector[0].delay.min_ns, 3 * US);
	ck_assert_uint_eq(report.vector[0].delay.max_ns, 3 * US);
	ck_assert_uint_eq(report.resolution.max_ns, 2 * US);
}
END_TEST

START_TEST(lost_one_is_found_when_its_time_is_up)
{
	completion(A, 100, 102);
	nvt_irq_analysis_settle(&a, (102 + LOST_US) * US);
	ck_assert_uint_eq(a.report.total, 0);
	nvt_irq_analysis_settle(&a, (103 + LOST_US) * US);
	ck_assert_uint_eq(a.report.total, 1);
	assert_faults(NVT_IRQ_LOST, 1);
	ck_assert_uint_eq(report.finding[0].vector, A);
	ck_assert_uint_eq(report.finding[0].cqid, A);
	ck_assert_uint_eq(report.finding[0].ns, 102 * US);
}
END_TEST

START_TEST(what_had_no_time_yet_is_not_judged_at_a_sudden_end)
{
	completion(A, 100, 102);
	interrupt(B, 200);
	ck_assert_int_eq(nvt_irq_analysis_finish(&a, (102 + LOST_US) * US, &report), 0);
	ck_assert_uint_eq(report.total, 0);
	ck_assert_uint_eq(report.completions, 1);
}
END_TEST

START_TEST(lost_one_is_not_hidden_by_an_earlier_interrupt)
{
	completion(A, 100, 102);
	interrupt(A, 105);
	completion(A, 110, 112);
	assert_faults(NVT_IRQ_LOST, 1);
}
END_TEST

START_TEST(late_one_is_late_and_not_lost)
{
	completion(A, 100, 102);
	interrupt(A, 102 + LATE_US);
	completion(A, 50000, 50002);
	interrupt(A, 50003 + LATE_US);
	assert_faults(NVT_IRQ_LATE, 1);
	ck_assert_uint_eq(report.finding[0].value, (LATE_US + 1) * US);
}
END_TEST

START_TEST(late_one_leaves_the_next_its_own)
{
	completion(A, 100, 102);
	completion(A, 30000, 30002);
	interrupt(A, 30005);
	interrupt(A, 30010);
	assert_faults(NVT_IRQ_LATE, 1);
}
END_TEST

START_TEST(early_one_is_paired_with_its_completion)
{
	interrupt(A, 100);
	completion(A, 5000, 5002);
	completion(A, 200000, 200002);
	interrupt(A, 200003);
	assert_faults(NVT_IRQ_EARLY, 1);
	ck_assert_uint_eq(report.finding[0].ns, 100 * US);
	ck_assert_uint_eq(report.finding[0].value, 4900 * US);
}
END_TEST

START_TEST(nothing_within_the_resolution_of_the_poll_is_early)
{
	interrupt(A, 100);
	completion(A, 100, 5000);
	assert_clean();
}
END_TEST

START_TEST(interrupt_without_a_completion_is_spurious)
{
	completion(A, 100, 102);
	interrupt(A, 105);
	interrupt(A, 50000);
	interrupt(B, 90000);
	assert_faults(NVT_IRQ_SPURIOUS, 2);
	ck_assert_uint_eq(report.finding[1].vector, B);
}
END_TEST

START_TEST(two_interrupts_for_one_completion_have_one_too_many)
{
	completion(A, 100, 102);
	interrupt(A, 105);
	interrupt(A, 105);
	completion(A, 200, 202);
	interrupt(A, 203);
	assert_faults(NVT_IRQ_SPURIOUS, 1);
}
END_TEST

/* The message of the second was on its way when the host took that of the first. */
START_TEST(interrupt_that_was_overtaken_is_repeated_and_not_spurious)
{
	completion(A, 100, 102);
	completion(A, 100, 103);
	interrupt(A, 105);
	interrupt(A, 107);
	assert_clean();
	ck_assert_uint_eq(report.vector[0].repeated, 1);
	ck_assert_uint_eq(report.vector[0].per_interrupt[2], 1);
}
END_TEST

START_TEST(completion_told_in_passing_does_not_cover_for_long)
{
	completion(A, 100, 102);
	completion(A, 100, 103);
	interrupt(A, 105);
	interrupt(A, 106 + LATE_US);
	assert_faults(NVT_IRQ_SPURIOUS, 1);
}
END_TEST

START_TEST(wrong_vector_is_neither_lost_nor_spurious)
{
	completion(A, 100, 102);
	interrupt(B, 105);
	assert_faults(NVT_IRQ_WRONG_VECTOR, 1);
	ck_assert_uint_eq(report.finding[0].vector, B);
	ck_assert_uint_eq(report.finding[0].other, A);
	ck_assert_uint_eq(report.finding[0].cqid, A);
}
END_TEST

START_TEST(queues_that_share_a_vector_share_its_interrupts)
{
	nvt_irq_analysis_completion(&a, A, 1, 100 * US, 110 * US);
	nvt_irq_analysis_completion(&a, A, 2, 90 * US, 111 * US);
	interrupt(A, 112);
	nvt_irq_analysis_completion(&a, A, 2, 200 * US, 211 * US);
	assert_faults(NVT_IRQ_LOST, 1);
	ck_assert_uint_eq(report.finding[0].cqid, 2);
	ck_assert_uint_eq(report.vector[0].max_per_interrupt, 2);
}
END_TEST

START_TEST(masked_completion_waits_for_the_unmask)
{
	nvt_irq_analysis_mask(&a, A, 100 * US);
	completion(A, 110, 112);
	nvt_irq_analysis_settle(&a, 10 * LOST_US * US);
	nvt_irq_analysis_unmask(&a, A, 10 * LOST_US * US);
	interrupt(A, 10 * LOST_US + 5);
	assert_clean();
}
END_TEST

START_TEST(none_after_the_unmask_is_lost)
{
	nvt_irq_analysis_mask(&a, A, 100 * US);
	completion(A, 110, 112);
	nvt_irq_analysis_unmask(&a, A, 200 * US);
	nvt_irq_analysis_settle(&a, (200 + LOST_US) * US);
	ck_assert_uint_eq(a.report.total, 0);
	assert_faults(NVT_IRQ_LOST, 1);
}
END_TEST

START_TEST(interrupt_while_masked_is_that_alone)
{
	nvt_irq_analysis_mask(&a, A, 100 * US);
	completion(A, 110, 112);
	interrupt(A, 115);
	interrupt(A, 150);
	nvt_irq_analysis_unmask(&a, A, 200 * US);
	completion(A, 300, 302);
	interrupt(A, 303);
	assert_faults(NVT_IRQ_MASKED, 2);
}
END_TEST

START_TEST(run_of_spurious_ones_is_one_storm)
{
	int i;

	completion(A, 100, 102);
	interrupt(A, 103);
	for (i = 0; i < 20; i++)
		interrupt(A, 1000 + i * 1000);
	interrupt(A, 900000);
	ck_assert_int_eq(nvt_irq_analysis_finish(&a, UINT64_MAX, &report), 0);
	ck_assert_uint_eq(report.faults[NVT_IRQ_STORM], 1);
	ck_assert_uint_eq(report.faults[NVT_IRQ_SPURIOUS], 1);
	ck_assert_uint_eq(report.total, 2);
	ck_assert_uint_eq(report.finding[0].value, 20);
	ck_assert_uint_eq(report.vector[0].storm_interrupts, 20);
}
END_TEST

START_TEST(storm_that_is_settled_in_pieces_is_one_storm)
{
	int i;

	for (i = 0; i < 20; i++)
		interrupt(A, 1000 + i * 1000);
	for (i = 0; i < 40; i++)
		nvt_irq_analysis_settle(&a, (3 * LOST_US + i * 1000) * US);
	assert_faults(NVT_IRQ_STORM, 1);
}
END_TEST

START_TEST(coalescing_may_take_its_time_and_its_threshold)
{
	int i;

	nvt_irq_analysis_coalescing(&a, A, 4, 20000 * US);
	for (i = 0; i < 4; i++)
		completion(A, 100, 102 + i);
	interrupt(A, 102 + 20000);
	for (i = 0; i < 5; i++)
		completion(A, 100000, 100002 + i);
	interrupt(A, 100003 + 20000);
	assert_clean();
	ck_assert_uint_eq(report.vector[0].over_threshold, 1);
	ck_assert_uint_eq(report.vector[0].over_time, 1);
	ck_assert_uint_eq(report.vector[0].per_interrupt[3], 1);
	ck_assert_uint_eq(report.vector[0].per_interrupt[4], 1);
	ck_assert_uint_eq(report.vector[0].max_per_interrupt, 5);
}
END_TEST

START_TEST(later_than_coalescing_and_grace_is_late)
{
	nvt_irq_analysis_coalescing(&a, A, 4, 20000 * US);
	completion(A, 100, 102);
	interrupt(A, 103 + 20000 + LATE_US);
	assert_faults(NVT_IRQ_LATE, 1);
}
END_TEST

START_TEST(interrupt_of_a_managed_queue_is_explained)
{
	nvt_irq_analysis_interrupt(&a, A, 100 * US, true);
	assert_clean();
	ck_assert_uint_eq(report.interrupts, 1);
}
END_TEST

/* All that a device may rightly do, at random, settled at random: nothing is ever found. */
START_TEST(rightful_devices_are_never_blamed)
{
	uint64_t now = 1000, seen[VECTORS], last_poll[VECTORS], n;
	unsigned int v, i, k;

	srand(_i + 1);
	for (v = 0; v < VECTORS; v++)
		seen[v] = last_poll[v] = now;
	for (i = 0; i < 20000; i++) {
		v = rand() % VECTORS;
		now += rand() % 50;
		last_poll[v] = seen[v];
		n = 1 + rand() % 4;
		/* Posted after the last poll and before this one; a message behind each, some merged. */
		for (k = 0; k < n; k++)
			completion(v, last_poll[v], now);
		seen[v] = now;
		for (k = 1 + rand() % n; k; k--)
			interrupt(v, now + rand() % 200);
		if (!(rand() % 100))
			nvt_irq_analysis_settle(&a, now * US);
	}
	assert_clean();
	ck_assert_uint_gt(report.completions, 20000);
}
END_TEST

START_TEST(findings_are_told_in_words)
{
	struct nvt_irq_finding finding = {
		.kind = NVT_IRQ_WRONG_VECTOR, .vector = 2, .other = 1, .cqid = 3,
	};
	char text[256];

	ck_assert_str_eq(nvt_irq_fault_name(NVT_IRQ_LOST), "lost");
	ck_assert_ptr_nonnull(strstr(nvt_irq_finding_text(&finding, text, sizeof(text)),
				     "on vector 2 instead of 1"));
	finding.kind = NVT_IRQ_STORM;
	finding.value = 500;
	ck_assert_ptr_nonnull(strstr(nvt_irq_finding_text(&finding, text, sizeof(text)),
				     "500 interrupts"));
}
END_TEST

Suite *irq_analysis_suite(void)
{
	Suite *s = suite_create("irq_analysis");
	TCase *tc = tcase_create("analysis");

	tcase_add_checked_fixture(tc, begin, finish);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, interrupt_for_each_completion_is_clean);
	tcase_add_test(tc, lost_one_is_found_when_its_time_is_up);
	tcase_add_test(tc, what_had_no_time_yet_is_not_judged_at_a_sudden_end);
	tcase_add_test(tc, lost_one_is_not_hidden_by_an_earlier_interrupt);
	tcase_add_test(tc, late_one_is_late_and_not_lost);
	tcase_add_test(tc, late_one_leaves_the_next_its_own);
	tcase_add_test(tc, early_one_is_paired_with_its_completion);
	tcase_add_test(tc, nothing_within_the_resolution_of_the_poll_is_early);
	tcase_add_test(tc, interrupt_without_a_completion_is_spurious);
	tcase_add_test(tc, two_interrupts_for_one_completion_have_one_too_many);
	tcase_add_test(tc, interrupt_that_was_overtaken_is_repeated_and_not_spurious);
	tcase_add_test(tc, completion_told_in_passing_does_not_cover_for_long);
	tcase_add_test(tc, wrong_vector_is_neither_lost_nor_spurious);
	tcase_add_test(tc, queues_that_share_a_vector_share_its_interrupts);
	tcase_add_test(tc, masked_completion_waits_for_the_unmask);
	tcase_add_test(tc, none_after_the_unmask_is_lost);
	tcase_add_test(tc, interrupt_while_masked_is_that_alone);
	tcase_add_test(tc, run_of_spurious_ones_is_one_storm);
	tcase_add_test(tc, storm_that_is_settled_in_pieces_is_one_storm);
	tcase_add_test(tc, coalescing_may_take_its_time_and_its_threshold);
	tcase_add_test(tc, later_than_coalescing_and_grace_is_late);
	tcase_add_test(tc, interrupt_of_a_managed_queue_is_explained);
	tcase_add_loop_test(tc, rightful_devices_are_never_blamed, 0, 10);
	tcase_add_test(tc, findings_are_told_in_words);
	suite_add_tcase(s, tc);
	return s;
}
