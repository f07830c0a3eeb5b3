/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <nvt/error.h>
#include <nvt/pcie.h>

#include "bare.h"
#include "fault.h"
#include "suites.h"

/* Check ends without a word when an unchecked fixture fails, so these only say so. */
void suite_bind(void)
{
	int ret = nvt_pcie_bind(bare_addr());

	if (ret && ret != -EALREADY)
		fprintf(stderr, "suite: %s\n", nvt_error());
}

void suite_unbind(void)
{
	if (nvt_pcie_unbind(bare_addr()))
		fprintf(stderr, "suite: %s\n", nvt_error());
}

bool suite_full(void)
{
	return getenv("NVT_TEST_FULL");
}

static bool confined(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bare_addr());
	return !access(path, F_OK);
}

/* Where what the device says is the test. */
static void add_device_suites(SRunner *runner)
{
	srunner_add_suite(runner, shapes_suite());
	srunner_add_suite(runner, rings_suite());
	srunner_add_suite(runner, illegal_suite());
	srunner_add_suite(runner, share_suite());
}

/* Where any device will do. */
static void add_driver_suites(SRunner *runner)
{
	srunner_add_suite(runner, command_suite());
	srunner_add_suite(runner, kill_suite());
	srunner_add_suite(runner, traps_suite());
	srunner_add_suite(runner, trace_suite());
}

static SRunner *choose_suites(void)
{
	SRunner *runner;

	if (!confined())
		return srunner_create(unconfined_suite());
	if (fault_possible()) {
		runner = srunner_create(NULL);
		add_device_suites(runner);
		srunner_add_suite(runner, completion_suite());
		srunner_add_suite(runner, irq_suite());
		if (suite_full())
			add_driver_suites(runner);
		srunner_add_suite(runner, loss_suite());
		return runner;
	}
	runner = srunner_create(uapi_suite());
	srunner_add_suite(runner, queue_suite());
	srunner_add_suite(runner, survival_suite());
	srunner_add_suite(runner, handover_suite());
	srunner_add_suite(runner, workload_suite());
	srunner_add_suite(runner, tool_suite());
	srunner_add_suite(runner, abuse_suite());
	srunner_add_suite(runner, irq_pending_suite());
	add_device_suites(runner);
	add_driver_suites(runner);
	return runner;
}

int main(void)
{
	SRunner *runner = choose_suites();
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
