/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A histogram of times: 64 buckets for each power of two, so that a bucket is
 * never wider than 1/64 of what is in it.
 */
#ifndef NVT_IOWORKER_HISTOGRAM_H
#define NVT_IOWORKER_HISTOGRAM_H

#include <stdint.h>

#include <nvt/ioworker.h>

#define NVT_HISTOGRAM_SUB	64
#define NVT_HISTOGRAM_BUCKETS	((64 - 5) * NVT_HISTOGRAM_SUB)

struct nvt_histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t min;			/* ~0 while count is 0 */
	uint64_t max;
	uint64_t bucket[NVT_HISTOGRAM_BUCKETS];
};

/* Values below 128 have a bucket each. */
static inline uint32_t nvt_histogram_index(uint64_t value)
{
	int shift = 57 - __builtin_clzll(value | NVT_HISTOGRAM_SUB);

	return (uint32_t)(shift * NVT_HISTOGRAM_SUB) + (uint32_t)(value >> shift);
}

/* So many times the same value. */
static inline void nvt_histogram_record(struct nvt_histogram *h, uint64_t value, uint64_t times)
{
	h->bucket[nvt_histogram_index(value)] += times;
	h->count += times;
	h->sum += value * times;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
}

void nvt_histogram_init(struct nvt_histogram *h);

/* So many per cent of the values are at most this; 0 if there are none. */
uint64_t nvt_histogram_percentile(const struct nvt_histogram *h, double percent);

uint64_t nvt_histogram_mean(const struct nvt_histogram *h);

void nvt_histogram_fill(const struct nvt_histogram *h, struct nvt_latency *latency);

#endif /* NVT_IOWORKER_HISTOGRAM_H */
