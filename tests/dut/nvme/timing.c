// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * How long a command takes. Random numbers are drawn in the order of the
 * commands and by nothing else, so a seed and a workload have the same
 * latencies each time.
 */
#include <stdlib.h>

#include <nvme/types.h>

#include "loop.h"
#include "nvme/cmd.h"
#include "nvme/timing.h"
#include "options.h"

#define STREAM		2		/* of random numbers */
#define KIB		1024

struct timing {
	const struct options *options;
	struct random random;
	bool limited;			/* units, IOPS or bandwidth */
	uint64_t *units;		/* a heap of when each is free, the first at its top */
	uint32_t nr_units;
	uint64_t next_cmd_ns, next_byte_ns;
};

struct timing *timing_new(const struct options *options)
{
	struct timing *timing = calloc(1, sizeof(*timing));

	if (!timing)
		return NULL;
	timing->options = options;
	timing->nr_units = options->parallelism;
	timing->limited = options->parallelism || options->iops || options->bandwidth;
	random_seed(&timing->random, options->seed, STREAM);
	if (timing->nr_units) {
		timing->units = calloc(timing->nr_units, sizeof(timing->units[0]));
		if (!timing->units) {
			free(timing);
			return NULL;
		}
	}
	return timing;
}

void timing_free(struct timing *timing)
{
	if (!timing)
		return;
	free(timing->units);
	free(timing);
}

static const struct latency *latency_of(const struct options *options, const struct cmd *cmd)
{
	if (!cmd->sqid)
		return &options->admin;
	switch (cmd->sqe.opcode) {
	case nvme_cmd_read:
		return &options->read;
	case nvme_cmd_write:
	case nvme_zns_cmd_append:
		return &options->write;
	case nvme_cmd_flush:
		return &options->flush;
	default:
		return &options->other;
	}
}

/* Mean 1, by von Neumann's method: it needs comparisons only, so no rounding of a logarithm. */
static double exponential(struct random *random)
{
	double whole = 0, first, u, v;
	unsigned int n;

	for (;; whole++) {
		first = u = random_unit(random);
		for (n = 1; (v = random_unit(random)) < u; n++)
			u = v;
		if (n % 2)
			return whole + first;
	}
}

/* Mean 0, deviation 1: the sum of twelve uniform ones, nothing beyond 6. */
static double normal(struct random *random)
{
	double sum = -6;
	unsigned int i;

	for (i = 0; i < 12; i++)
		sum += random_unit(random);
	return sum;
}

static uint64_t sample(struct random *random, const struct latency *latency)
{
	double mean = latency->mean_ns, spread = latency->spread_ns, ns;

	switch (latency->shape) {
	case LATENCY_UNIFORM:
		ns = mean + (2 * random_unit(random) - 1) * spread;
		break;
	case LATENCY_EXPONENTIAL:
		ns = mean * exponential(random);
		break;
	case LATENCY_NORMAL:
		ns = mean + normal(random) * spread;
		break;
	case LATENCY_FIXED:
	default:
		return latency->mean_ns;
	}
	return ns > 0 ? ns : 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The unit that is free first takes the command: its place in the heap moves down. */
static void occupy(struct timing *timing, uint64_t until_ns)
{
	uint64_t *units = timing->units;
	uint32_t at = 0, child;

	for (;; at = child) {
		child = 2 * at + 1;
		if (child + 1 < timing->nr_units && units[child + 1] < units[child])
			child++;
		if (child >= timing->nr_units || units[child] >= until_ns)
			break;
		units[at] = units[child];
	}
	units[at] = until_ns;
}

static uint64_t limit(struct timing *timing, size_t length, uint64_t service_ns, uint64_t now_ns)
{
	const struct options *options = timing->options;
	uint64_t start = now_ns, end;

	if (options->iops) {
		start = later(start, timing->next_cmd_ns);
		timing->next_cmd_ns = start + NS_PER_S / options->iops;
	}
	if (timing->nr_units)
		start = later(start, timing->units[0]);
	end = start + service_ns;
	if (options->bandwidth && length) {
		/* The last byte of it passes behind all of the commands before. */
		timing->next_byte_ns = later(timing->next_byte_ns, start) +
			(uint64_t)((double)length * NS_PER_S / options->bandwidth);
		end = later(end, timing->next_byte_ns);
	}
	if (timing->nr_units)
		occupy(timing, end);
	return end;
}

uint64_t timing_deadline(struct timing *timing, const struct cmd *cmd, size_t length,
			 uint64_t now_ns)
{
	const struct latency *latency = latency_of(timing->options, cmd);
	uint64_t service_ns = latency->mean_ns ? sample(&timing->random, latency) : 0;

	service_ns += latency->per_kib_ns * length / KIB;
	if (!timing->limited || !cmd->sqid)
		return now_ns + service_ns;
	return limit(timing, length, service_ns, now_ns);
}
