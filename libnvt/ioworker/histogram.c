// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A histogram of times; see histogram.h. */
#include "ioworker/histogram.h"

#include <math.h>

void nvt_histogram_init(struct nvt_histogram *h)
{
	*h = (struct nvt_histogram){ .min = UINT64_MAX };
}

/* The greatest value of a bucket. */
static uint64_t upper(uint32_t index)
{
	uint32_t shift = index / NVT_HISTOGRAM_SUB;
	uint64_t first = index % NVT_HISTOGRAM_SUB;

	if (shift == 0)
		return index;
	shift--;
	return ((first + NVT_HISTOGRAM_SUB) << shift) + ((1ULL << shift) - 1);
}

static uint64_t rank_of(const struct nvt_histogram *h, double percent)
{
	double rank = ceil((double)h->count * percent / 100);

	if (rank < 1)
		return 1;
	return rank < (double)h->count ? (uint64_t)rank : h->count;
}

uint64_t nvt_histogram_percentile(const struct nvt_histogram *h, double percent)
{
	uint64_t rank = rank_of(h, percent), below = 0, value;
	uint32_t i;

	if (!h->count)
		return 0;
	for (i = 0; i < NVT_HISTOGRAM_BUCKETS - 1; i++) {
		below += h->bucket[i];
		if (below >= rank)
			break;
	}
	value = upper(i);
	return value < h->max ? value : h->max;
}

uint64_t nvt_histogram_mean(const struct nvt_histogram *h)
{
	return h->count ? h->sum / h->count : 0;
}

void nvt_histogram_fill(const struct nvt_histogram *h, struct nvt_latency *latency)
{
	static const double percentile[NVT_LATENCY_PERCENTILES] = {
		50, 90, 99, 99.9, 99.99, 99.999, 1, 10,
	};
	int i;

	latency->min_ns = h->count ? h->min : 0;
	latency->max_ns = h->max;
	latency->mean_ns = nvt_histogram_mean(h);
	for (i = 0; i < NVT_LATENCY_PERCENTILES; i++) {
		latency->percentile[i] = percentile[i];
		latency->percentile_ns[i] = nvt_histogram_percentile(h, percentile[i]);
	}
}
