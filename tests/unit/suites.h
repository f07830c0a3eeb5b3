/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The suites of tests/unit, one a line, in the order in which main.c runs them. */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *error_suite(void);
Suite *sqe_suite(void);
Suite *prp_suite(void);
Suite *pcie_suite(void);
Suite *iova_suite(void);
Suite *vfio_user_suite(void);
Suite *bind_suite(void);
Suite *qpair_raw_suite(void);
Suite *ctrl_suite(void);
Suite *irq_analysis_suite(void);
Suite *histogram_suite(void);
Suite *load_suite(void);
Suite *verify_suite(void);
Suite *ioworker_suite(void);
Suite *ioworker_opts_suite(void);

#endif /* SUITES_H */
