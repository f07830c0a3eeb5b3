/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A check of interrupts: reads on raw queues with interrupts enabled. The
 * thread polls for the time at which a completion becomes visible, the log of
 * interrupts has the time of each, and what does not fit together is found.
 *
 * Thread-safety: one thread uses a check, and nobody else the log of
 * interrupts, the masks of its vectors, or the admin queue meanwhile.
 */
#ifndef NVT_IRQ_CHECK_H
#define NVT_IRQ_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvt/ioworker.h>
#include <nvt/irq.h>
#include <nvt/ns.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nvt_irq_check;

/**
 * enum nvt_irq_fault - what can be wrong with an interrupt
 * @NVT_IRQ_LOST: a completion is visible, and no interrupt comes in time
 * @NVT_IRQ_LATE: it comes, but later than it may
 * @NVT_IRQ_EARLY: it comes before its completion can be seen
 * @NVT_IRQ_SPURIOUS: an interrupt without any completion
 * @NVT_IRQ_WRONG_VECTOR: it comes on a vector that is not the queue's
 * @NVT_IRQ_MASKED: it comes though its vector is masked
 * @NVT_IRQ_STORM: spurious interrupts in an unbroken run; one fault
 * @NVT_IRQ_FAULTS: how many kinds there are
 */
enum nvt_irq_fault {
	NVT_IRQ_LOST,
	NVT_IRQ_LATE,
	NVT_IRQ_EARLY,
	NVT_IRQ_SPURIOUS,
	NVT_IRQ_WRONG_VECTOR,
	NVT_IRQ_MASKED,
	NVT_IRQ_STORM,
	NVT_IRQ_FAULTS,
};

/**
 * struct nvt_irq_check_opts - the load and the rules; zeros are the defaults
 * @queues: raw queue pairs; 0: one for each vector but the first, at most what
 *	the device grants, or one where there is one vector only
 * @first_vector: of the first queue, plus 1; the next have the next ones, and
 *	behind the last vector it goes on at the first. 0: vector 1, or 0 if
 *	there is no other
 * @depth: commands of a batch. The next begins when all have completed and an
 *	interrupt told of the last. 0: 1, so that each has an interrupt of its
 *	own; of more at once a single lost one can hide behind its neighbour
 * @commands: of all queues together; 0: no limit
 * @time_ms: 0: no limit
 * @mask_every: each so many batches of a queue run with its vector masked,
 *	which is unmasked when all is visible; 0: never
 * @lost_ms: no interrupt after so long is a lost one; 0: 1000
 * @late_us: more than that, and the time of Interrupt Coalescing, after its
 *	completion is late; 0: 100000, which a busy host keeps
 * @storm: spurious interrupts in a row, each within 10 ms of the one before,
 *	that are called a storm; 0: 50
 * @log_entries: of the log of interrupts, a power of two; 0: 65536
 */
struct nvt_irq_check_opts {
	uint32_t queues;
	uint16_t first_vector;
	uint32_t depth;
	uint64_t commands;
	uint64_t time_ms;
	uint32_t mask_every;
	uint32_t lost_ms;
	uint32_t late_us;
	uint32_t storm;
	uint32_t log_entries;
};

/**
 * struct nvt_irq_finding - one fault
 * @kind: enum nvt_irq_fault
 * @vector: at which the interrupt came; of a lost one: should have come
 * @other: of NVT_IRQ_WRONG_VECTOR: where it should have come
 * @cqid: of the completion, 0 where there is none
 * @ns: CLOCK_MONOTONIC of the interrupt; of a lost one: of the completion
 * @value: ns between completion and interrupt of a late or early one; of a
 *	storm: interrupts
 */
struct nvt_irq_finding {
	int kind;
	uint32_t vector;
	uint32_t other;
	uint16_t cqid;
	uint64_t ns;
	uint64_t value;
};

#define NVT_IRQ_FINDINGS	64
#define NVT_IRQ_PER_INTERRUPT	9

/**
 * struct nvt_irq_vector_report - of one vector
 * @vector: its number
 * @completions: that were to be told at it
 * @interrupts: that came
 * @faults: of each kind
 * @storm_interrupts: in the storms
 * @repeated: interrupts that found only what an earlier one could have told:
 *	they are right where the device sends a message for each completion
 * @coalesced: Interrupt Coalescing holds for it: Get Features 08h has a time
 *	and a threshold, 09h does not disable them
 * @threshold: completions at which an interrupt is due
 * @time_ns: after which it is due all the same
 * @over_threshold: interrupts at which more had waited
 * @over_time: interrupts that came later. The specification only recommends
 *	both, so neither is a fault
 * @per_interrupt: interrupts that told of 0, 1, 2, 3-4, 5-8, ... completions
 * @max_per_interrupt: most that one told of
 * @delay: from the first completion that an interrupt told of to it
 */
struct nvt_irq_vector_report {
	uint32_t vector;
	uint64_t completions;
	uint64_t interrupts;
	uint64_t faults[NVT_IRQ_FAULTS];
	uint64_t storm_interrupts;
	uint64_t repeated;
	bool coalesced;
	uint32_t threshold;
	uint64_t time_ns;
	uint64_t over_threshold;
	uint64_t over_time;
	uint64_t per_interrupt[NVT_IRQ_PER_INTERRUPT];
	uint64_t max_per_interrupt;
	struct nvt_latency delay;
};

/**
 * struct nvt_irq_report - what a check found
 * @completions: of all vectors
 * @interrupts: of all vectors
 * @faults: of each kind
 * @total: of all kinds; 0: clean
 * @elapsed_ns: of the load
 * @resolution: how long before it was seen a completion may have been visible:
 *	nothing shorter can be called early
 * @nr_vectors: of @vector
 * @vector: those with a queue or an interrupt; valid until the check is closed
 * @nr_findings: of @finding, the first of @total
 * @finding: each
 */
struct nvt_irq_report {
	uint64_t completions;
	uint64_t interrupts;
	uint64_t faults[NVT_IRQ_FAULTS];
	uint64_t total;
	uint64_t elapsed_ns;
	struct nvt_latency resolution;
	uint32_t nr_vectors;
	const struct nvt_irq_vector_report *vector;
	uint32_t nr_findings;
	struct nvt_irq_finding finding[NVT_IRQ_FINDINGS];
};

/**
 * nvt_irq_check_start() - make its queues and start the log
 * @ns: the namespace to read; open until the check is closed
 * @opts: the load and the rules, or NULL for the defaults; copied
 *
 * Return: the check, or NULL with errno set: EINVAL, EOPNOTSUPP (INTx: its line
 * falls as a queue is polled, so nothing can be told), or as nvt_qpair_create()
 * and nvt_irq_log_start().
 */
struct nvt_irq_check *nvt_irq_check_start(struct nvt_ns *ns, const struct nvt_irq_check_opts *opts);

/**
 * nvt_irq_check_run() - run the load
 * @check: the check
 * @slice_ms: return after so long at most, to go on later; 0: run to its end
 *
 * Return: 1 (there is more to do), 0 (it is done), or a negative errno that ends
 * it: -ETIMEDOUT (a command does not complete), -EREMOTEIO (one failed),
 * -EOVERFLOW (interrupts were overwritten in the log before they were read),
 * -ECANCELED (a storm: the driver masked the vector, the report has it), -EIO.
 */
int nvt_irq_check_run(struct nvt_irq_check *check, unsigned int slice_ms);

/** nvt_irq_check_completions() - commands that have completed so far */
uint64_t nvt_irq_check_completions(const struct nvt_irq_check *check);

/**
 * nvt_irq_check_stop() - wait for what may still come, and judge
 * @check: the check
 * @report: filled in
 *
 * Its queues are deleted. Return: 0 or a negative errno, with @report filled in
 * all the same.
 */
int nvt_irq_check_stop(struct nvt_irq_check *check, struct nvt_irq_report *report);

/** nvt_irq_check_close() - free it; NULL is allowed */
void nvt_irq_check_close(struct nvt_irq_check *check);

/** nvt_irq_fault_name() - "lost", "wrong vector", ...; a constant */
const char *nvt_irq_fault_name(int kind);

/**
 * nvt_irq_finding_text() - a finding in words
 * @finding: the finding
 * @text: filled in
 * @size: of @text
 *
 * Return: @text.
 */
char *nvt_irq_finding_text(const struct nvt_irq_finding *finding, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* NVT_IRQ_CHECK_H */
