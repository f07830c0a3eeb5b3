/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nvt/error.h>
#include <nvt/pcie.h>

#include "bare.h"
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

static bool confined(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bare_addr());
	return !access(path, F_OK);
}

/* By the vendor id that nvt-dut has. */
static bool is_model(void)
{
	char path[64], id[8] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vendor", bare_addr());
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(id, sizeof(id), file))
		id[0] = 0;
	fclose(file);
	return !strncmp(id, "0x1234", 6);
}

static SRunner *choose_suites(void)
{
	SRunner *runner;

	if (!confined())
		return srunner_create(unconfined_suite());
	if (is_model())
		return srunner_create(loss_suite());
	runner = srunner_create(uapi_suite());
	srunner_add_suite(runner, queue_suite());
	srunner_add_suite(runner, survival_suite());
	srunner_add_suite(runner, handover_suite());
	srunner_add_suite(runner, workload_suite());
	srunner_add_suite(runner, tool_suite());
	srunner_add_suite(runner, abuse_suite());
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
