// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "perf.h"

/* Where the percentiles stand in struct nvt_latency, in ascending order. */
static void order(const struct nvt_latency *latency, int index[NVT_LATENCY_PERCENTILES])
{
	int i, j;

	for (i = 0; i < NVT_LATENCY_PERCENTILES; i++) {
		double new = latency->percentile[i];

		for (j = i; j > 0 && new < latency->percentile[index[j - 1]]; j--)
			index[j] = index[j - 1];
		index[j] = i;
	}
}

/*
 * Of two distributions. What is between them cannot be told from their percentiles: the larger
 * is an upper bound of that of both.
 */
static void add_latency(struct nvt_latency *sum, uint64_t count, const struct nvt_latency *l,
			uint64_t n)
{
	double mean;
	int i;

	if (!n)
		return;
	if (!count) {
		*sum = *l;
		return;
	}
	mean = (double)sum->mean_ns * (double)count + (double)l->mean_ns * (double)n;
	sum->mean_ns = mean / (double)(count + n);
	if (l->min_ns < sum->min_ns)
		sum->min_ns = l->min_ns;
	if (l->max_ns > sum->max_ns)
		sum->max_ns = l->max_ns;
	for (i = 0; i < NVT_LATENCY_PERCENTILES; i++)
		if (l->percentile_ns[i] > sum->percentile_ns[i])
			sum->percentile_ns[i] = l->percentile_ns[i];
}

static void add_result(struct nvt_ioworker_result *sum, const struct nvt_ioworker_result *r)
{
	add_latency(&sum->read_latency, sum->reads, &r->read_latency, r->reads);
	add_latency(&sum->write_latency, sum->writes, &r->write_latency, r->writes);
	sum->reads += r->reads;
	sum->writes += r->writes;
	sum->read_bytes += r->read_bytes;
	sum->write_bytes += r->write_bytes;
	sum->verified_blocks += r->verified_blocks;
	sum->miscompares += r->miscompares;
	sum->cpu_user_ns += r->cpu_user_ns;
	sum->cpu_system_ns += r->cpu_system_ns;
	sum->iops += r->iops;
	if (r->elapsed_ns > sum->elapsed_ns)
		sum->elapsed_ns = r->elapsed_ns;
}

static struct nvt_ioworker_result total(const struct perf_run *run)
{
	struct nvt_ioworker_result sum = { .seed = run->result[0].seed };
	unsigned int i;

	for (i = 0; i < run->workers; i++)
		add_result(&sum, &run->result[i]);
	return sum;
}

static double per(uint64_t amount, uint64_t of)
{
	return of ? (double)amount / (double)of : 0;
}

static double mib_per_s(uint64_t bytes, uint64_t ns)
{
	return per(bytes, ns) * 1e9 / (1 << 20);
}

static void add_latency_json(struct json_object *object, const char *key,
			     const struct nvt_latency *l, uint64_t count)
{
	struct json_object *latency, *percentiles;
	int i, index[NVT_LATENCY_PERCENTILES];
	char name[16];

	if (!count) {
		json_object_object_add(object, key, NULL);
		return;
	}
	latency = json_object_new_object();
	json_object_object_add(object, key, latency);
	json_add_number(latency, "min_ns", l->min_ns);
	json_add_number(latency, "mean_ns", l->mean_ns);
	json_add_number(latency, "max_ns", l->max_ns);
	percentiles = json_object_new_object();
	json_object_object_add(latency, "percentiles_ns", percentiles);
	order(l, index);
	for (i = 0; i < NVT_LATENCY_PERCENTILES; i++) {
		snprintf(name, sizeof(name), "%g", l->percentile[index[i]]);
		json_add_number(percentiles, name, l->percentile_ns[index[i]]);
	}
}

static void add_counts(struct json_object *object, const struct nvt_ioworker_result *r)
{
	uint64_t ios = r->reads + r->writes;
	char seed[24];

	json_add_number(object, "elapsed_ns", r->elapsed_ns);
	json_add_number(object, "ios", ios);
	json_add_double(object, "iops", r->iops);
	json_add_number(object, "reads", r->reads);
	json_add_number(object, "writes", r->writes);
	json_add_number(object, "read_bytes", r->read_bytes);
	json_add_number(object, "write_bytes", r->write_bytes);
	json_add_double(object, "read_mib_per_s", mib_per_s(r->read_bytes, r->elapsed_ns));
	json_add_double(object, "write_mib_per_s", mib_per_s(r->write_bytes, r->elapsed_ns));
	json_add_double(object, "cpu_user_ns_per_io", per(r->cpu_user_ns, ios));
	json_add_double(object, "cpu_system_ns_per_io", per(r->cpu_system_ns, ios));
	json_add_number(object, "verified_blocks", r->verified_blocks);
	json_add_number(object, "miscompares", r->miscompares);
	/* As text: many parsers round a number of 64 bits, and another seed is of no use. */
	snprintf(seed, sizeof(seed), "%#llx", (unsigned long long)r->seed);
	json_add_string(object, "seed", seed);
	add_latency_json(object, "read_latency", &r->read_latency, r->reads);
	add_latency_json(object, "write_latency", &r->write_latency, r->writes);
}

static void add_worker(struct json_object *array, const struct nvt_ioworker_result *r)
{
	struct json_object *object = json_append_object(array), *bad;

	add_counts(object, r);
	json_add_number(object, "errno", -r->error);
	json_add_number(object, "status", r->status);
	if (r->status)
		json_add_number(object, "status_start_block", r->status_slba);
	if (!r->miscompare.kind)
		return;
	bad = json_object_new_object();
	json_object_object_add(object, "miscompare", bad);
	json_add_number(bad, "lba", r->miscompare.lba);
	json_add_number(bad, "kind", r->miscompare.kind);
	json_add_number(bad, "expected_crc", r->miscompare.expected_crc);
	json_add_number(bad, "actual_crc", r->miscompare.actual_crc);
	json_add_number(bad, "found_lba", r->miscompare.found_lba);
	json_add_number(bad, "found_token", r->miscompare.found_token);
}

void perf_json(const struct perf_run *run, struct json_object *object)
{
	const struct perf_args *args = run->args;
	struct nvt_ioworker_result sum = total(run);
	struct json_object *array;
	unsigned int i;

	json_add_string(object, "address", run->addr);
	json_add_number(object, "namespace_id", args->nsid);
	json_add_string(object, "backend", backend_names[run->result[0].backend]);
	json_add_bool(object, "polled", args->polled);
	json_add_number(object, "io_size", args->io_size);
	json_add_number(object, "qdepth", args->qdepth);
	json_add_number(object, "read_percent", args->read_percent);
	json_add_number(object, "random_percent", args->random_percent);
	json_add_bool(object, "verify", args->verify);
	json_add_bool(object, "interrupted", run->interrupted);
	add_counts(object, &sum);
	array = json_add_array(object, "workers");
	for (i = 0; i < run->workers; i++)
		add_worker(array, &run->result[i]);
}

static void print_direction(const char *name, uint64_t ios, uint64_t bytes, uint64_t elapsed_ns,
			    const struct nvt_latency *l)
{
	int i, index[NVT_LATENCY_PERCENTILES];

	if (!ios)
		return;
	printf("%-6s %llu commands, %.0f IOPS, %.2f MiB/s\n", name, (unsigned long long)ios,
	       per(ios, elapsed_ns) * 1e9, mib_per_s(bytes, elapsed_ns));
	printf("  latency min %.2f us, mean %.2f us, max %.2f us\n", (double)l->min_ns / 1e3,
	       (double)l->mean_ns / 1e3, (double)l->max_ns / 1e3);
	order(l, index);
	for (i = 0; i < NVT_LATENCY_PERCENTILES; i++)
		printf("  %7g%%  %10.2f us\n", l->percentile[index[i]],
		       (double)l->percentile_ns[index[i]] / 1e3);
}

void perf_print(const struct perf_run *run)
{
	struct nvt_ioworker_result sum = total(run);
	uint64_t ios = sum.reads + sum.writes;

	printf("%s: namespace %llu, %llu bytes, %llu%% reads, %llu%% random, queue depth %llu, "
	       "%u worker%s, %s%s\n", run->addr, (unsigned long long)run->args->nsid,
	       (unsigned long long)run->args->io_size,
	       (unsigned long long)run->args->read_percent,
	       (unsigned long long)run->args->random_percent,
	       (unsigned long long)run->args->qdepth, run->workers,
	       run->workers == 1 ? "" : "s", backend_names[run->result[0].backend],
	       run->args->polled ? ", polled" : "");
	printf("total  %llu commands in %.3f s%s, %.0f IOPS, %.2f MiB/s\n",
	       (unsigned long long)ios, (double)sum.elapsed_ns / 1e9,
	       run->interrupted ? " (interrupted)" : "", sum.iops,
	       mib_per_s(sum.read_bytes + sum.write_bytes, sum.elapsed_ns));
	print_direction("read", sum.reads, sum.read_bytes, sum.elapsed_ns, &sum.read_latency);
	print_direction("write", sum.writes, sum.write_bytes, sum.elapsed_ns, &sum.write_latency);
	printf("CPU    %.3f us user, %.3f us system per command\n",
	       per(sum.cpu_user_ns, ios) / 1e3, per(sum.cpu_system_ns, ios) / 1e3);
	if (run->args->verify)
		printf("verify %llu blocks checked, %llu wrong\n",
		       (unsigned long long)sum.verified_blocks,
		       (unsigned long long)sum.miscompares);
	printf("seed   %#llx\n", (unsigned long long)sum.seed);
}
