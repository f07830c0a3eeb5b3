/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Device Self-test of a controller and its log. NVMe Base 2.1, 5.1.5, 5.1.12.1.7 and 8.1.7 */
#ifndef DUT_SELF_TEST_H
#define DUT_SELF_TEST_H

#include <stdint.h>

#include "nvme/ctrl.h"

struct cmd;
struct log;
struct self_test;

struct self_test *self_test_new(struct ctrl *ctrl);
void self_test_free(struct self_test *test);

/* A controller level reset ends the short test; the extended one goes on. */
void self_test_reset(struct ctrl *ctrl, enum ctrl_reset kind);

uint16_t self_test_run(struct cmd *cmd);
uint16_t self_test_log(struct cmd *cmd, struct log *log);

/*
 * A format of the namespace (FFFFFFFFh: of all), a sanitize, the end of a namespace: tests of
 * it end.
 */
void self_test_formatted(struct subsys *subsys, uint32_t nsid);
void self_test_sanitized(struct subsys *subsys);
void self_test_ns_gone(struct subsys *subsys, uint32_t nsid);

#endif /* DUT_SELF_TEST_H */
