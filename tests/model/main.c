// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Tests on the model of a device, nvt-dut, natively: no root, no guest, no driver.
 * CK_RUN_SUITE and CK_RUN_CASE in the environment choose some.
 */
#include <stdlib.h>

#include "suites.h"

int main(void)
{
	SRunner *runner = srunner_create(pcie_suite());
	int failed;

	srunner_add_suite(runner, access_suite());
	srunner_add_suite(runner, access_loss_suite());
	srunner_add_suite(runner, access_open_suite());
	srunner_add_suite(runner, irq_suite());
	srunner_add_suite(runner, irq_check_suite());
	srunner_add_suite(runner, tool_suite());
	srunner_add_suite(runner, fault_rule_suite());
	srunner_add_suite(runner, fault_interrupt_suite());
	srunner_add_suite(runner, fault_completion_suite());
	srunner_add_suite(runner, fault_data_suite());
	srunner_add_suite(runner, fault_device_suite());
	srunner_add_suite(runner, io_suite());
	srunner_add_suite(runner, io_metadata_suite());
	srunner_add_suite(runner, admin_suite());
	srunner_add_suite(runner, firmware_suite());
	srunner_add_suite(runner, features_suite());
	srunner_add_suite(runner, log_page_suite());
	srunner_add_suite(runner, xfer_suite());
	srunner_add_suite(runner, timing_suite());
	srunner_add_suite(runner, reservation_suite());
	srunner_add_suite(runner, zns_suite());
	srunner_add_suite(runner, repeat_suite());
	srunner_add_suite(runner, command_suite());
	srunner_add_suite(runner, registers_suite());
	srunner_add_suite(runner, queue_command_suite());
	srunner_add_suite(runner, queue_suite());
	srunner_add_suite(runner, arbitration_suite());
	srunner_add_suite(runner, event_suite());
	srunner_add_suite(runner, persistent_event_suite());
	srunner_add_suite(runner, interrupt_suite());
	srunner_add_suite(runner, hmb_suite());
	srunner_add_suite(runner, power_suite());
	srunner_add_suite(runner, doorbell_buffer_suite());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
