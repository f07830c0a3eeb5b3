/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the tests of faults share: a device with a queue by hand, rules, and the log of what they did. */
#ifndef FAULTY_H
#define FAULTY_H

#include "hand.h"

#define FAULTY_VECTORS	8
#define FAULTY_VECTOR	3	/* of the queue by hand */
#define FAULTY_SOON_NS	2000000000ULL

struct faulty {
	struct device dev;
	struct hand hand;
};

void faulty_start(struct faulty *faulty, const char *options);
/* With interrupts of a type (enum nvt_vector_type), so many, and the queue's vector among them. */
void faulty_start_with(struct faulty *faulty, const char *options, int type, unsigned int vectors,
		       uint16_t vector);
void faulty_stop(struct faulty *faulty);

/* Arms a rule; its id. */
unsigned int faulty_arm(struct faulty *faulty, const char *rule);

/* What the log has of an action: so many lines, soon. */
void faulty_assert_shots(struct faulty *faulty, const char *action, unsigned int count);

uint64_t faulty_interrupts(struct faulty *faulty, unsigned int vector);
/* So many in all, not fewer and not more. */
void faulty_wait_interrupts(struct faulty *faulty, unsigned int vector, uint64_t count);

uint32_t faulty_reg(struct faulty *faulty, uint64_t offset);
uint32_t faulty_config(struct faulty *faulty, uint32_t offset);

#endif /* FAULTY_H */
