// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the data areas of telemetry hold: the controller's state as lines of text. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/firmware.h"
#include "nvme/ns.h"
#include "nvme/power.h"
#include "nvme/smart.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "nvme/telemetry_data.h"
#include "nvme/thermal.h"
#include "options.h"

/* Counters of SMART have 16 bytes; the model's never leave the first eight. */
static uint64_t counter(const void *field)
{
	uint64_t value;

	memcpy(&value, field, sizeof(value));
	return le64toh(value);
}

static void print_health(struct ctrl *ctrl, FILE *out)
{
	struct nvme_smart_log smart;

	smart_fill(ctrl, &smart);
	fprintf(out, "firmware %.8s\n", firmware_active_revision(ctrl->subsys));
	fprintf(out, "power on %" PRIu64 " ms\n", subsys_power_on_ms(ctrl->subsys));
	fprintf(out, "power state %u\n", power_state(ctrl));
	fprintf(out, "temperature %u K\n", thermal_kelvin(ctrl));
	fprintf(out, "critical warning %#x\n", smart.critical_warning);
	fprintf(out, "spare %u percent, used %u percent\n", smart.avail_spare,
		smart.percent_used);
	fprintf(out, "data units read %" PRIu64 ", written %" PRIu64 "\n",
		counter(smart.data_units_read), counter(smart.data_units_written));
	fprintf(out, "reads %" PRIu64 ", writes %" PRIu64 "\n", counter(smart.host_reads),
		counter(smart.host_writes));
	fprintf(out, "power cycles %" PRIu64 ", unsafe shutdowns %" PRIu64 "\n",
		counter(smart.power_cycles), counter(smart.unsafe_shutdowns));
	fprintf(out, "media errors %" PRIu64 ", error log entries %" PRIu64 "\n",
		counter(smart.media_errors), counter(smart.num_err_log_entries));
}

static void print_queues(const struct ctrl *ctrl, FILE *out)
{
	uint32_t qid;

	for (qid = 0; qid <= ctrl->nr_queues; qid++) {
		const struct sq *sq = ctrl->sq[qid];
		const struct cq *cq = ctrl->cq[qid];

		if (sq)
			fprintf(out, "sq %u: cq %u, %u entries, head %u, tail %u\n", qid,
				sq->cq->id, sq->ring.entries, sq->head, sq->tail);
		if (cq)
			fprintf(out, "cq %u: vector %u, %u entries, head %u, tail %u, phase %u\n",
				qid, cq->vector, cq->ring.entries, cq->head, cq->tail, cq->phase);
	}
}

static void print_state(struct ctrl *ctrl, FILE *out)
{
	const struct cmd *cmd;

	fprintf(out, "CAP %#" PRIx64 ", CC %#x, CSTS %#x\n", ctrl->regs.cap, ctrl->regs.cc,
		ctrl->regs.csts);
	fprintf(out, "AQA %#x, ASQ %#" PRIx64 ", ACQ %#" PRIx64 "\n", ctrl->regs.aqa,
		ctrl->regs.asq, ctrl->regs.acq);
	print_queues(ctrl, out);
	for (cmd = ctrl->cmds; cmd; cmd = cmd->next)
		fprintf(out, "command: sq %u, cid %u, opcode %#x, nsid %u\n", cmd->sqid,
			cmd->sqe.cid, cmd->sqe.opcode, cmd->sqe.nsid);
}

static void print_media(struct ctrl *ctrl, FILE *out)
{
	struct subsys *subsys = ctrl->subsys;
	uint32_t nsid;

	fprintf(out, "capacity %" PRIu64 " bytes, not allocated %" PRIu64 "\n",
		ns_total_capacity(subsys), ns_free_capacity(subsys));
	for (nsid = 1; nsid <= ctrl->options->max_namespaces; nsid++) {
		const struct ns *ns = ns_find(subsys, nsid);

		if (!ns)
			continue;
		fprintf(out, "namespace %u: %" PRIu64 " blocks of %u+%u bytes, PI %u\n", nsid,
			ns->nsze, 1U << ns->lba_shift, ns->ms, ns->pi);
		fprintf(out, "namespace %u: %" PRIu64 " blocks used, %" PRIu64 " uncorrectable\n",
			nsid, ns_used(ns), ns->store->uncorrectable);
	}
}

size_t telemetry_data(struct ctrl *ctrl, unsigned int area, char *to, size_t room)
{
	FILE *out = room ? fmemopen(to, room, "w") : NULL;
	long length;

	if (!out)
		return 0;
	switch (area) {
	case 1:
		print_health(ctrl, out);
		break;
	case 2:
		print_state(ctrl, out);
		break;
	default:
		print_media(ctrl, out);
		break;
	}
	fflush(out);
	length = ftell(out);
	fclose(out);
	return length < 0 ? 0 : (size_t)length > room ? room : (size_t)length;
}
