// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Faults of interrupts in words. */
#include <stdio.h>

#include <nvt/irq_check.h>

static const char *const names[NVT_IRQ_FAULTS] = {
	[NVT_IRQ_LOST] = "lost",
	[NVT_IRQ_LATE] = "late",
	[NVT_IRQ_EARLY] = "early",
	[NVT_IRQ_SPURIOUS] = "spurious",
	[NVT_IRQ_WRONG_VECTOR] = "wrong vector",
	[NVT_IRQ_MASKED] = "while masked",
	[NVT_IRQ_STORM] = "storm",
};

const char *nvt_irq_fault_name(int kind)
{
	return kind >= 0 && kind < NVT_IRQ_FAULTS ? names[kind] : "unknown";
}

char *nvt_irq_finding_text(const struct nvt_irq_finding *f, char *text, size_t size)
{
	double us = (double)f->value / 1e3;
	unsigned long long n = f->value;

	switch (f->kind) {
	case NVT_IRQ_LOST:
		snprintf(text, size, "lost: a completion of CQ %u, none on vector %u", f->cqid,
			 f->vector);
		break;
	case NVT_IRQ_LATE:
		snprintf(text, size, "late: on vector %u, %.1f us after its completion of CQ %u",
			 f->vector, us, f->cqid);
		break;
	case NVT_IRQ_EARLY:
		snprintf(text, size, "early: on vector %u, %.1f us or more before its completion "
			 "of CQ %u", f->vector, us, f->cqid);
		break;
	case NVT_IRQ_WRONG_VECTOR:
		snprintf(text, size, "wrong vector: on vector %u instead of %u, of CQ %u",
			 f->vector, f->other, f->cqid);
		break;
	case NVT_IRQ_STORM:
		snprintf(text, size, "storm: %llu interrupts on vector %u", n, f->vector);
		break;
	default:
		snprintf(text, size, "%s: on vector %u", nvt_irq_fault_name(f->kind), f->vector);
		break;
	}
	return text;
}
