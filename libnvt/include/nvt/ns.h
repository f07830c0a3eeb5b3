/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A namespace and the commands of the NVM command set.
 *
 * The nvt_sqe_*() functions build an entry, to post with a callback; the
 * nvt_ns_*() functions wait and return 0, a positive status of the device, or
 * a negative errno as nvt_qpair_exec() does.
 *
 * Thread-safety: a namespace may be used by any thread; the queue pair is
 * the thread's own.
 */
#ifndef NVT_NS_H
#define NVT_NS_H

#include <stddef.h>
#include <stdint.h>
#include <nvme/types.h>

#include <nvt/cmd.h>
#include <nvt/ctrl.h>
#include <nvt/qpair.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nvt_ns;

#define NVT_IO_FUA		(1U << 30)	/* CDW12: force unit access */
#define NVT_IO_LR		(1U << 31)	/* CDW12: limited retry */

/**
 * nvt_ns_open() - identify an active namespace
 * @ctrl: an enabled controller
 * @nsid: its id
 *
 * Return: the namespace, or NULL with errno set: ENOENT (not active),
 * EREMOTEIO (Identify failed), ENOMEM.
 */
struct nvt_ns *nvt_ns_open(struct nvt_ctrl *ctrl, uint32_t nsid);

/** nvt_ns_close() - free it; NULL is allowed */
void nvt_ns_close(struct nvt_ns *ns);

/** nvt_ns_ctrl() - its controller */
struct nvt_ctrl *nvt_ns_ctrl(const struct nvt_ns *ns);

/** nvt_ns_id() - its namespace id */
uint32_t nvt_ns_id(const struct nvt_ns *ns);

/** nvt_ns_size() - its size in logical blocks (NSZE) */
uint64_t nvt_ns_size(const struct nvt_ns *ns);

/** nvt_ns_lba_size() - bytes of data of a logical block */
uint32_t nvt_ns_lba_size(const struct nvt_ns *ns);

/** nvt_ns_block_size() - bytes that a block takes in a data buffer: with metadata if that is interleaved */
uint32_t nvt_ns_block_size(const struct nvt_ns *ns);

/** nvt_ns_identify() - its Identify data as of nvt_ns_open() */
const struct nvme_id_ns *nvt_ns_identify(const struct nvt_ns *ns);

/**
 * nvt_sqe_read() - Read. NVM Command Set 1.1, 3.3.4
 * @nsid: namespace id
 * @slba: first logical block
 * @nlb: number of logical blocks, 1 to 65536 (not 0's based)
 * @flags: for CDW12: NVT_IO_FUA and others
 */
struct nvt_sqe nvt_sqe_read(uint32_t nsid, uint64_t slba, uint32_t nlb, uint32_t flags);

/** nvt_sqe_write() - Write; as nvt_sqe_read(). 3.3.6 */
struct nvt_sqe nvt_sqe_write(uint32_t nsid, uint64_t slba, uint32_t nlb, uint32_t flags);

/** nvt_sqe_flush() - Flush. NVMe Base 2.1, 7.2 */
struct nvt_sqe nvt_sqe_flush(uint32_t nsid);

/**
 * nvt_ns_read() - read logical blocks and wait
 * @ns: the namespace
 * @qp: an I/O queue pair of its controller
 * @buf: where they go
 * @offset: in @buf, a multiple of 4
 * @slba: first logical block
 * @nlb: number of logical blocks
 * @flags: as nvt_sqe_read()
 */
int nvt_ns_read(struct nvt_ns *ns, struct nvt_qpair *qp, struct nvt_buffer *buf, size_t offset,
		uint64_t slba, uint32_t nlb, uint32_t flags);

/** nvt_ns_write() - write logical blocks and wait; as nvt_ns_read() */
int nvt_ns_write(struct nvt_ns *ns, struct nvt_qpair *qp, struct nvt_buffer *buf, size_t offset,
		 uint64_t slba, uint32_t nlb, uint32_t flags);

/** nvt_ns_flush() - Flush and wait */
int nvt_ns_flush(struct nvt_ns *ns, struct nvt_qpair *qp);

#ifdef __cplusplus
}
#endif

#endif /* NVT_NS_H */
