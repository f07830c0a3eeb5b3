/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The suites of tests/model, one a line, in the order in which main.c runs them. */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *pcie_suite(void);
Suite *access_suite(void);
Suite *access_loss_suite(void);
Suite *access_open_suite(void);
Suite *irq_suite(void);
Suite *irq_check_suite(void);
Suite *tool_suite(void);
Suite *fault_rule_suite(void);
Suite *fault_interrupt_suite(void);
Suite *fault_completion_suite(void);
Suite *fault_data_suite(void);
Suite *fault_device_suite(void);
Suite *io_suite(void);
Suite *io_metadata_suite(void);
Suite *admin_suite(void);
Suite *firmware_suite(void);
Suite *features_suite(void);
Suite *log_page_suite(void);
Suite *xfer_suite(void);
Suite *timing_suite(void);
Suite *reservation_suite(void);
Suite *zns_suite(void);
Suite *repeat_suite(void);
Suite *command_suite(void);
Suite *registers_suite(void);
Suite *queue_command_suite(void);
Suite *queue_suite(void);
Suite *arbitration_suite(void);
Suite *event_suite(void);
Suite *persistent_event_suite(void);
Suite *interrupt_suite(void);
Suite *hmb_suite(void);
Suite *power_suite(void);
Suite *doorbell_buffer_suite(void);

#endif /* SUITES_H */
