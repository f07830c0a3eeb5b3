/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef NVT_TOOL_PERF_H
#define NVT_TOOL_PERF_H

#include "cmd.h"

#define PERF_MAX_WORKERS	1024

struct perf_args {
	uint64_t nsid;
	uint64_t backend;
	uint64_t io_size;
	uint64_t qdepth;
	uint64_t read_percent;
	uint64_t random_percent;
	uint64_t time_ms;
	uint64_t io_count;
	uint64_t region_start;
	uint64_t region_end;
	uint64_t workers;
	uint64_t seed;
	const char *cpu;
	bool polled;
	bool sequential;
	bool verify;
	bool destroy_data;
};

/* What a run did, for its report. */
struct perf_run {
	const char *addr;
	const struct perf_args *args;
	const struct nvt_ioworker_result *result;	/* of each worker */
	unsigned int workers;
	bool interrupted;
};

void perf_print(const struct perf_run *run);
void perf_json(const struct perf_run *run, struct json_object *object);

/* "0,2-3" to CPU numbers in @cpus. Returns how many, or 0 if it is no such list. */
unsigned int perf_parse_cpus(const char *text, uint32_t *cpus, unsigned int max);

#endif /* NVT_TOOL_PERF_H */
