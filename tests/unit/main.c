// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Tests that need no device. CK_RUN_SUITE and CK_RUN_CASE in the environment choose some. */
#include <stdlib.h>

#include "suites.h"

int main(void)
{
	SRunner *runner = srunner_create(error_suite());
	int failed;

	srunner_add_suite(runner, sqe_suite());
	srunner_add_suite(runner, prp_suite());
	srunner_add_suite(runner, pcie_suite());
	srunner_add_suite(runner, iova_suite());
	srunner_add_suite(runner, vfio_user_suite());
	srunner_add_suite(runner, bind_suite());
	srunner_add_suite(runner, qpair_raw_suite());
	srunner_add_suite(runner, ctrl_suite());
	srunner_add_suite(runner, irq_analysis_suite());
	srunner_add_suite(runner, histogram_suite());
	srunner_add_suite(runner, load_suite());
	srunner_add_suite(runner, verify_suite());
	srunner_add_suite(runner, ioworker_suite());
	srunner_add_suite(runner, ioworker_opts_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
