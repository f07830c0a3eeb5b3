/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What interrupts and completions say of each other. Pure: it is fed events
 * with times of one clock, and knows no device.
 *
 * A completion became visible in (lo_ns, hi_ns]: it was not there at lo_ns, and
 * was seen at hi_ns. Whatever may be right in that interval is taken as right.
 */
#ifndef NVT_IRQ_ANALYSIS_H
#define NVT_IRQ_ANALYSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvt/irq_check.h>

#include "ioworker/histogram.h"

struct nvt_irq_rules {
	uint64_t lost_ns;
	uint64_t late_ns;
	uint64_t storm;
};

/* Of one kind of event, oldest first; those before @head are done with. */
struct nvt_irq_list {
	unsigned char *data;
	size_t head, end, room;		/* in elements */
};

struct nvt_irq_completion {
	uint64_t lo_ns;
	uint64_t hi_ns;
	uint64_t due_ns;		/* hi_ns, or when its vector was unmasked; ~0: it is masked */
	uint64_t told_ns;		/* the first interrupt when it may have been visible; 0: none */
	uint16_t cqid;
	bool used;			/* it accounts for an interrupt */
};

struct nvt_irq_masked {
	uint64_t from_ns;
	uint64_t to_ns;			/* ~0: until now */
};

/* A vector. */
struct nvt_irq_track {
	struct nvt_irq_vector_report report;
	struct nvt_irq_list completions;	/* struct nvt_irq_completion */
	struct nvt_irq_list interrupts;		/* uint64_t ns, not looked at yet */
	struct nvt_irq_list excess;		/* uint64_t ns, without a completion */
	struct nvt_irq_list masked;		/* struct nvt_irq_masked */
	size_t first_unused;			/* in completions */
	uint64_t run;				/* spurious interrupts in a row */
	uint64_t run_start_ns, run_last_ns;
	struct nvt_histogram delay;
};

struct nvt_irq_analysis {
	struct nvt_irq_rules rules;
	struct nvt_irq_track *track;
	unsigned int nr_vectors;
	struct nvt_histogram resolution;
	struct nvt_irq_vector_report *vectors;	/* of the report */
	struct nvt_irq_report report;
	struct nvt_irq_finding more;		/* in place of those that the report has no room for */
	bool no_memory;
};

/* 0 or -ENOMEM. */
int nvt_irq_analysis_init(struct nvt_irq_analysis *a, unsigned int nr_vectors,
			  const struct nvt_irq_rules *rules);
void nvt_irq_analysis_free(struct nvt_irq_analysis *a);

/* Interrupt Coalescing of a vector; without it neither is looked at. */
void nvt_irq_analysis_coalescing(struct nvt_irq_analysis *a, unsigned int vector,
				 uint32_t threshold, uint64_t time_ns);

void nvt_irq_analysis_completion(struct nvt_irq_analysis *a, unsigned int vector, uint16_t cqid,
				 uint64_t lo_ns, uint64_t hi_ns);

/* @explained: a managed queue had completions at it. */
void nvt_irq_analysis_interrupt(struct nvt_irq_analysis *a, unsigned int vector, uint64_t ns,
				bool explained);

/* Masked as of @ns, when that was certain; may be unmasked as of @ns. */
void nvt_irq_analysis_mask(struct nvt_irq_analysis *a, unsigned int vector, uint64_t ns);
void nvt_irq_analysis_unmask(struct nvt_irq_analysis *a, unsigned int vector, uint64_t ns);

/* The driver masked the vector because of a storm; completions there tell nothing any more. */
void nvt_irq_analysis_storm(struct nvt_irq_analysis *a, unsigned int vector, uint64_t ns,
			    uint64_t interrupts);

/* All events before @horizon_ns have been fed: judges what nothing later can change. */
void nvt_irq_analysis_settle(struct nvt_irq_analysis *a, uint64_t horizon_ns);

/* Judges the rest, or what a time allows if more was to come: 0 or -ENOMEM. */
int nvt_irq_analysis_finish(struct nvt_irq_analysis *a, uint64_t horizon_ns,
			    struct nvt_irq_report *report);

#endif /* NVT_IRQ_ANALYSIS_H */
