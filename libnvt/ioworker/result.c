// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What an ioworker did, and in words why it ended. */
#include <inttypes.h>

#include "err.h"
#include "ioworker/worker.h"
#include "verify/verify.h"

void nvt_ioworker_fill_result(const struct nvt_ioworker *w, struct nvt_ioworker_result *result)
{
	const struct nvt_direction *read = &w->dir[0], *write = &w->dir[1];
	uint64_t lba_size = nvt_ns_lba_size(w->ns), ios;

	*result = (struct nvt_ioworker_result){
		.error = w->error,
		.status = w->status,
		.status_slba = w->status_slba,
		.miscompare = w->miscompare,
		.miscompares = w->miscompares,
		.seed = w->opts.seed,
		.backend = w->opts.backend,
		.reads = read->latency.count,
		.writes = write->latency.count,
		.verified_blocks = w->verified,
		.elapsed_ns = w->last_ns - w->first_ns,
		.cpu_user_ns = w->cpu_user_ns,
		.cpu_system_ns = w->cpu_system_ns,
		.read_bytes = read->blocks * lba_size,
		.write_bytes = write->blocks * lba_size,
	};
	ios = result->reads + result->writes;
	if (result->elapsed_ns)
		result->iops = (double)ios * 1e9 / (double)result->elapsed_ns;
	nvt_histogram_fill(&read->latency, &result->read_latency);
	nvt_histogram_fill(&write->latency, &result->write_latency);
}

int nvt_ioworker_report(const struct nvt_ioworker *w)
{
	const char *addr = nvt_pcie_addr(nvt_ctrl_pcie(nvt_ns_ctrl(w->ns)));
	char text[256];

	if (w->error == -EREMOTEIO && w->status)
		return nvt_fail(w->error, "%s: ioworker: %s of %u blocks at LBA %" PRIu64
				" failed: %s (%#x)", addr, w->status_write ? "write" : "read",
				w->status_nlb, w->status_slba, nvt_status_string(w->status),
				w->status);
	if (w->error == -EILSEQ && w->miscompares)
		return nvt_fail(w->error, "%s: ioworker: %s", addr,
				nvt_miscompare_text(&w->miscompare, text, sizeof(text)));
	if (w->error && w->text[0])
		return nvt_fail(w->error, "%s", w->text);
	if (w->error)
		return nvt_fail(w->error, "%s: ioworker: its queue died after %" PRIu64
				" commands (a reset, sleep or removal)", addr,
				w->dir[0].latency.count + w->dir[1].latency.count);
	return 0;
}
