/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A command as the device sees it: submission queue entry, completion queue
 * entry (NVMe Base 2.1, 4.1 and 4.2). Multi-byte fields are little-endian,
 * as is the only host that is supported, x86-64.
 */
#ifndef NVT_CMD_H
#define NVT_CMD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct nvt_sqe - submission queue entry
 * @opcode: CDW0 7:0
 * @flags: CDW0 15:8: FUSE in bits 1:0, PSDT in bits 7:6
 * @cid: command id; nvt_qpair_post() sets it
 * @nsid: namespace id
 * @cdw2: CDW2
 * @cdw3: CDW3
 * @mptr: metadata pointer
 * @prp1: data pointer, first half
 * @prp2: data pointer, second half
 * @cdw10: CDW10
 * @cdw11: CDW11
 * @cdw12: CDW12
 * @cdw13: CDW13
 * @cdw14: CDW14
 * @cdw15: CDW15
 */
struct nvt_sqe {
	uint8_t opcode;
	uint8_t flags;
	uint16_t cid;
	uint32_t nsid;
	uint32_t cdw2;
	uint32_t cdw3;
	uint64_t mptr;
	uint64_t prp1;
	uint64_t prp2;
	uint32_t cdw10;
	uint32_t cdw11;
	uint32_t cdw12;
	uint32_t cdw13;
	uint32_t cdw14;
	uint32_t cdw15;
};

/**
 * struct nvt_cqe - completion queue entry
 * @dw0: command specific result
 * @dw1: command specific result
 * @sqhd: SQ head pointer
 * @sqid: SQ id
 * @cid: command id
 * @status_phase: phase bit (0) and status field (15:1)
 */
struct nvt_cqe {
	uint32_t dw0;
	uint32_t dw1;
	uint16_t sqhd;
	uint16_t sqid;
	uint16_t cid;
	uint16_t status_phase;
};

/**
 * struct nvt_cpl - how a command ended
 * @cqe: what the device wrote; all-ones if its queue died first (reset,
 *	removal)
 * @submit_ns: CLOCK_MONOTONIC when it was written to the queue
 * @complete_ns: CLOCK_MONOTONIC at the interrupt or poll that found the
 *	completion
 */
struct nvt_cpl {
	struct nvt_cqe cqe;
	uint64_t submit_ns;
	uint64_t complete_ns;
};

/** nvt_cpl_status() - the status field: SC in bits 7:0, SCT in bits 10:8, 0 is success */
static inline uint16_t nvt_cpl_status(const struct nvt_cpl *cpl)
{
	return cpl->cqe.status_phase >> 1;
}

/* The status of a command whose queue died before the device answered. */
#define NVT_STATUS_DEAD		0x7fff

/**
 * typedef nvt_cmd_cb - called once for each command posted, when it has ended
 * @arg: as given to nvt_qpair_post()
 * @cpl: how it ended; valid during the call
 *
 * Runs in the thread that polls or waits. It may post to the queue pair; it
 * must not poll or wait on it.
 */
typedef void (*nvt_cmd_cb)(void *arg, const struct nvt_cpl *cpl);

#ifdef __cplusplus
}
#endif

#endif /* NVT_CMD_H */
