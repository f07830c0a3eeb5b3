/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What runs in the guest: each suite has nvt.ko bound to the device while it runs. */
#ifndef NVT_TEST_SUITES_H
#define NVT_TEST_SUITES_H

#include <check.h>
#include <stdbool.h>

Suite *uapi_suite(void);
Suite *queue_suite(void);
Suite *survival_suite(void);
Suite *handover_suite(void);
Suite *workload_suite(void);
Suite *tool_suite(void);
Suite *abuse_suite(void);
Suite *irq_pending_suite(void);
Suite *shapes_suite(void);
Suite *rings_suite(void);
Suite *illegal_suite(void);
Suite *share_suite(void);
Suite *command_suite(void);
Suite *kill_suite(void);
Suite *traps_suite(void);
Suite *trace_suite(void);

/* Runs on the model: faults. */
Suite *completion_suite(void);
Suite *irq_suite(void);

/* Runs alone, in a guest without an IOMMU. */
Suite *unconfined_suite(void);

/* Runs on a model: only that loses its power and gets it back. */
Suite *loss_suite(void);

/* Binds the device to nvt, or back to its stock driver. */
void suite_bind(void);
void suite_unbind(void);

/* NVT_TEST_FULL is set: what takes minutes is wanted too. */
bool suite_full(void);

#endif /* NVT_TEST_SUITES_H */
