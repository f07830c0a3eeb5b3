/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Time: CLOCK_MONOTONIC in nanoseconds, as the driver stamps it. */
#ifndef NVT_CLOCK_H
#define NVT_CLOCK_H

#include <sched.h>
#include <stdint.h>
#include <time.h>

#define NVT_NS_PER_US	1000ULL
#define NVT_NS_PER_MS	1000000ULL
#define NVT_NS_PER_S	1000000000ULL

static inline uint64_t nvt_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NVT_NS_PER_S + ts.tv_nsec;
}

static inline void nvt_sleep_ns(uint64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NVT_NS_PER_S, .tv_nsec = ns % NVT_NS_PER_S };

	nanosleep(&ts, NULL);
}

#define NVT_RELAX_SPIN_NS	(50 * NVT_NS_PER_US)
#define NVT_RELAX_YIELD_NS	(500 * NVT_NS_PER_US)

/*
 * One step of a wait without an event, @waited_ns after its start: spin, then
 * yield, then sleep for an eighth of what was waited, at most 1 ms.
 */
static inline void nvt_relax(uint64_t waited_ns)
{
	uint64_t ns = waited_ns / 8;

	if (waited_ns < NVT_RELAX_SPIN_NS)
		__builtin_ia32_pause();
	else if (waited_ns < NVT_RELAX_YIELD_NS)
		sched_yield();
	else
		nvt_sleep_ns(ns < NVT_NS_PER_MS ? ns : NVT_NS_PER_MS);
}

#endif /* NVT_CLOCK_H */
