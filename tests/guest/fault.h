/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Faults of the model, armed by its vendor specific commands. Failures end the test. */
#ifndef NVT_TEST_FAULT_H
#define NVT_TEST_FAULT_H

#include "bare.h"

/* Whether the device under test is nvt-dut. */
bool fault_possible(void);

/* The rule's id. See tests/dut/fault/README.md */
uint32_t fault_arm(struct bare *b, const char *rule);
void fault_clear(struct bare *b);

/* How often the model's log (its last 64 KiB) has this action; it lives as long as the model. */
unsigned int fault_shots(struct bare *b, const char *action);

#endif /* NVT_TEST_FAULT_H */
