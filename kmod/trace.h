/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints nvt:submit, nvt:complete, nvt:irq. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nvt

#if !defined(NVT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NVT_TRACE_H

#include <linux/nvme.h>
#include <linux/tracepoint.h>

#include "nvt_kmod.h"

TRACE_EVENT(submit,
	TP_PROTO(const struct nvt_sq *sq, u16 cid, const u8 *sqe),
	TP_ARGS(sq, cid, sqe),
	TP_STRUCT__entry(
		__field(int, minor)
		__field(u16, sqid)
		__field(u16, cid)
		__field(u8, opcode)
		__field(u32, nsid)
		__array(u32, cdw, 6)
	),
	TP_fast_assign(
		const struct nvme_common_command *common = (const void *)sqe;

		__entry->minor = sq->dev->minor;
		__entry->sqid = sq->qid;
		__entry->cid = cid;
		__entry->opcode = common->opcode;
		__entry->nsid = le32_to_cpu(common->nsid);
		memcpy(__entry->cdw, sqe + 40, sizeof(__entry->cdw));
	),
	TP_printk("nvt%d sqid=%u cid=%u opcode=0x%02x nsid=%u cdw10=0x%x 0x%x 0x%x 0x%x 0x%x 0x%x",
		  __entry->minor, __entry->sqid, __entry->cid, __entry->opcode, __entry->nsid,
		  __entry->cdw[0], __entry->cdw[1], __entry->cdw[2], __entry->cdw[3],
		  __entry->cdw[4], __entry->cdw[5])
);

TRACE_EVENT(complete,
	TP_PROTO(const struct nvt_cq *cq, const struct nvt_cqe *cqe),
	TP_ARGS(cq, cqe),
	TP_STRUCT__entry(
		__field(int, minor)
		__field(u16, cqid)
		__field(u16, sqid)
		__field(u16, sqhd)
		__field(u16, cid)
		__field(u16, status)
		__field(u32, dw0)
	),
	TP_fast_assign(
		__entry->minor = cq->dev->minor;
		__entry->cqid = cq->qid;
		__entry->sqid = le32_to_cpu(cqe->sqhd_sqid) >> 16;
		__entry->sqhd = le32_to_cpu(cqe->sqhd_sqid);
		__entry->cid = le32_to_cpu(cqe->cid_status);
		__entry->status = le32_to_cpu(cqe->cid_status) >> 17;
		__entry->dw0 = le32_to_cpu(cqe->dw0);
	),
	TP_printk("nvt%d cqid=%u sqid=%u sqhd=%u cid=%u status=0x%x dw0=0x%x",
		  __entry->minor, __entry->cqid, __entry->sqid, __entry->sqhd, __entry->cid,
		  __entry->status, __entry->dw0)
);

TRACE_EVENT(irq,
	TP_PROTO(const struct nvt_vector *vector, u64 ns, unsigned int completions),
	TP_ARGS(vector, ns, completions),
	TP_STRUCT__entry(
		__field(int, minor)
		__field(u32, vector)
		__field(u64, ns)
		__field(u32, completions)
	),
	TP_fast_assign(
		__entry->minor = vector->dev->minor;
		__entry->vector = vector->index;
		__entry->ns = ns;
		__entry->completions = completions;
	),
	TP_printk("nvt%d vector=%u ns=%llu completions=%u",
		  __entry->minor, __entry->vector, __entry->ns, __entry->completions)
);

#endif /* NVT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
