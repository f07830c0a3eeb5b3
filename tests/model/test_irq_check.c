// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Each fault of an interrupt is armed while a check runs, and is reported as exactly what it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "faulty.h"
#include "suites.h"

#define VECTORS		9	/* one for admin, and one for each of the queues */
#define QUEUES		8
#define UNUSED		9	/* a vector without a queue */
#define MANY		125000	/* commands; NVT_IRQ_COMMANDS in the environment is another number */

static struct device dev;
static struct nvt_irq_check *check;
static struct nvt_irq_report report;

/* Times that a busy host keeps: the faults of the tests are longer. */
static struct nvt_irq_check_opts opts;

static void begin(void)
{
	const struct nvt_ctrl_opts ctrl = { .vectors = VECTORS + 1, .timeout_ms = 20000 };

	opts = (struct nvt_irq_check_opts){
		.queues = QUEUES, .commands = 2000, .lost_ms = 2000, .late_us = 500000,
	};
	model_start(&dev.model, "size=64M,msix=16");
	device_open(&dev, &ctrl);
	check = NULL;
}

static void finish(void)
{
	nvt_irq_check_close(check);
	device_stop(&dev);
}

static void arm(const char *rule)
{
	char request[256];

	snprintf(request, sizeof(request), "fault %s", rule);
	model_do(&dev.model, request);
}

static void start(void)
{
	check = nvt_irq_check_start(dev.ns, &opts);
	ck_assert_msg(check != NULL, "%s", nvt_error());
}

static void run(void)
{
	ck_assert_msg(nvt_irq_check_run(check, 0) == 0, "%s", nvt_error());
	ck_assert_msg(nvt_irq_check_stop(check, &report) == 0, "%s", nvt_error());
}

/* Exactly so many of one kind and of no other, each command and interrupt accounted for. */
static void assert_faults(int kind, uint64_t count)
{
	char text[256];
	int i;

	for (i = 0; i < NVT_IRQ_FAULTS; i++)
		ck_assert_msg(report.faults[i] == (i == kind ? count : 0), "%llu %s; first: %s",
			      (unsigned long long)report.faults[i], nvt_irq_fault_name(i),
			      nvt_irq_finding_text(report.finding, text, sizeof(text)));
	ck_assert_uint_eq(report.total, count);
	ck_assert_uint_eq(report.completions, opts.commands);
}

START_TEST(without_a_fault_nothing_is_reported)
{
	const char *many = getenv("NVT_IRQ_COMMANDS");
	struct nvt_vector_counter counter;
	uint32_t i;

	opts.commands = many ? strtoull(many, NULL, 0) : MANY;
	start();
	run();
	assert_faults(NVT_IRQ_LOST, 0);
	ck_assert_uint_eq(report.interrupts, opts.commands);
	ck_assert_uint_eq(report.nr_vectors, QUEUES);
	for (i = 0; i < QUEUES; i++) {
		/* One at a time: each has its own. */
		ck_assert_uint_eq(report.vector[i].vector, i + 1);
		ck_assert_uint_eq(report.vector[i].interrupts, report.vector[i].completions);
		ck_assert_uint_eq(report.vector[i].per_interrupt[1], report.vector[i].completions);
		ck_assert_int_eq(nvt_pcie_vector(dev.pcie, i + 1, &counter), 0);
		ck_assert_uint_eq(counter.interrupts, report.vector[i].interrupts);
	}
	ck_assert_uint_gt(report.elapsed_ns, 0);
}
END_TEST

START_TEST(deep_queues_without_a_fault_are_clean)
{
	opts.depth = 32;
	opts.commands = 50000;
	start();
	run();
	assert_faults(NVT_IRQ_LOST, 0);
	ck_assert_uint_eq(report.interrupts, opts.commands);
}
END_TEST

START_TEST(queues_that_share_a_vector_are_clean)
{
	opts.queues = 12;
	start();
	run();
	assert_faults(NVT_IRQ_LOST, 0);
	ck_assert_uint_eq(report.nr_vectors, VECTORS + 1);
}
END_TEST

START_TEST(lost_interrupts)
{
	arm("opcode=read nth=700 do irq-lost");
	arm("opcode=read nth=1000 do irq-lost");
	start();
	run();
	assert_faults(NVT_IRQ_LOST, 2);
	ck_assert_uint_eq(report.interrupts, opts.commands - 2);
}
END_TEST

START_TEST(early_interrupt)
{
	arm("opcode=read nth=700 do irq-early delay=200ms");
	start();
	run();
	assert_faults(NVT_IRQ_EARLY, 1);
	/* It is the read's time that is long; the thread that takes interrupts may be late too. */
	ck_assert_uint_gt(report.finding[0].value, 0);
	ck_assert_uint_lt(report.finding[0].value, 400000000);
}
END_TEST

START_TEST(late_interrupt)
{
	arm("opcode=read nth=700 do irq-late delay=1s");
	start();
	run();
	assert_faults(NVT_IRQ_LATE, 1);
	ck_assert_uint_gt(report.finding[0].value, 900000000);
}
END_TEST

START_TEST(interrupt_on_a_vector_without_a_queue)
{
	arm("opcode=read queue=3 nth=70 do irq-wrong vector=9");
	start();
	run();
	assert_faults(NVT_IRQ_WRONG_VECTOR, 1);
	ck_assert_uint_eq(report.finding[0].vector, UNUSED);
	ck_assert_uint_eq(report.finding[0].cqid, 3);
	ck_assert_uint_eq(report.finding[0].other, 2);
}
END_TEST

/* With the admin queue's only: no other queue is there to be taken for it. */
START_TEST(interrupt_on_the_vector_of_the_admin_queue)
{
	opts.queues = 1;
	arm("opcode=read nth=700 do irq-wrong vector=0");
	start();
	run();
	assert_faults(NVT_IRQ_WRONG_VECTOR, 1);
	ck_assert_uint_eq(report.finding[0].vector, 0);
	ck_assert_uint_eq(report.finding[0].other, 1);
}
END_TEST

START_TEST(spurious_interrupts)
{
	arm("opcode=read nth=700 do irq-spurious");
	arm("opcode=read nth=900 do irq-spurious vector=9");
	start();
	run();
	assert_faults(NVT_IRQ_SPURIOUS, 2);
	ck_assert_uint_eq(report.interrupts, opts.commands + 2);
}
END_TEST

START_TEST(storm_of_interrupts)
{
	arm("opcode=read nth=700 do irq-storm vector=9 count=500 gap=20us");
	start();
	run();
	assert_faults(NVT_IRQ_STORM, 1);
	ck_assert_uint_eq(report.finding[0].value, 500);
	ck_assert_uint_eq(report.finding[0].vector, UNUSED);
	ck_assert_uint_eq(report.interrupts, opts.commands + 500);
}
END_TEST

START_TEST(masks_without_a_fault_are_clean)
{
	opts.mask_every = 5;
	start();
	run();
	assert_faults(NVT_IRQ_LOST, 0);
	ck_assert_uint_eq(report.interrupts, opts.commands);
}
END_TEST

START_TEST(interrupt_while_masked)
{
	opts.mask_every = 10;
	opts.queues = 1;
	/* The tenth batch is masked. */
	arm("opcode=read nth=10 do irq-masked");
	start();
	run();
	assert_faults(NVT_IRQ_MASKED, 1);
	ck_assert_uint_eq(report.finding[0].vector, 1);
}
END_TEST

static void set_coalescing(uint32_t threshold, uint32_t time_100us)
{
	ck_assert_int_eq(nvt_set_feature(dev.ctrl, NVME_FEAT_FID_IRQ_COALESCE, 0,
					 time_100us << 8 | (threshold - 1), NULL), 0);
}

START_TEST(coalesced_interrupts_are_held_against_the_feature)
{
	uint32_t i;

	set_coalescing(8, 50);
	opts.depth = 16;
	opts.queues = 2;
	opts.commands = 3200;
	start();
	run();
	assert_faults(NVT_IRQ_LOST, 0);
	ck_assert_uint_eq(report.interrupts, opts.commands / 8);
	for (i = 0; i < report.nr_vectors; i++) {
		ck_assert(report.vector[i].coalesced);
		ck_assert_uint_eq(report.vector[i].threshold, 8);
		ck_assert_uint_eq(report.vector[i].time_ns, 5000000);
	}
}
END_TEST

START_TEST(coalescing_of_one_command_takes_its_time)
{
	set_coalescing(8, 50);
	opts.queues = 1;
	opts.commands = 20;
	start();
	run();
	assert_faults(NVT_IRQ_LOST, 0);
	ck_assert_uint_eq(report.interrupts, opts.commands);
	/* Measured from when the poll saw it, and that was before the time ran out. */
	ck_assert_uint_gt(report.vector[0].delay.max_ns, 4000000);
}
END_TEST

START_TEST(command_that_never_completes_ends_the_check)
{
	opts.queues = 1;
	arm("opcode=read nth=5 do cpl-never");
	nvt_qpair_delete(dev.qp);
	nvt_ns_close(dev.ns);
	nvt_buffer_free(dev.buf);
	nvt_ctrl_close(dev.ctrl);
	device_open(&dev, &(struct nvt_ctrl_opts){ .vectors = 4, .timeout_ms = 500 });
	start();
	ck_assert_int_eq(nvt_irq_check_run(check, 0), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "do not complete"));
}
END_TEST

START_TEST(failed_read_ends_the_check)
{
	arm("opcode=read nth=5 do status status=0x281");
	start();
	ck_assert_int_eq(nvt_irq_check_run(check, 0), -EREMOTEIO);
	nvt_irq_check_stop(check, &report);
	ck_assert_uint_eq(report.total, 0);
}
END_TEST

static void add_faults(Suite *suite)
{
	TCase *tc = device_case(suite, "faults", begin, finish);

	tcase_add_test(tc, lost_interrupts);
	tcase_add_test(tc, early_interrupt);
	tcase_add_test(tc, late_interrupt);
	tcase_add_test(tc, interrupt_on_a_vector_without_a_queue);
	tcase_add_test(tc, interrupt_on_the_vector_of_the_admin_queue);
	tcase_add_test(tc, spurious_interrupts);
	tcase_add_test(tc, storm_of_interrupts);
	tcase_add_test(tc, interrupt_while_masked);
	tcase_add_test(tc, command_that_never_completes_ends_the_check);
	tcase_add_test(tc, failed_read_ends_the_check);
}

Suite *irq_check_suite(void)
{
	Suite *suite = suite_create("irq_check");
	TCase *tc = device_case(suite, "clean", begin, finish);

	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, without_a_fault_nothing_is_reported);
	tcase_add_test(tc, deep_queues_without_a_fault_are_clean);
	tcase_add_test(tc, queues_that_share_a_vector_are_clean);
	tcase_add_test(tc, masks_without_a_fault_are_clean);
	tcase_add_test(tc, coalesced_interrupts_are_held_against_the_feature);
	tcase_add_test(tc, coalescing_of_one_command_takes_its_time);
	add_faults(suite);
	return suite;
}
