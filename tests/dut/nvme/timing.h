/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * How long a command takes: a seeded distribution by kind and size, a number
 * of units that work at once, a limit of commands and bytes a second.
 */
#ifndef DUT_TIMING_H
#define DUT_TIMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cmd;
struct options;
struct timing;

struct timing *timing_new(const struct options *options);
void timing_free(struct timing *timing);

/* When a command fetched at @now_ns, with @length bytes of data, is done: then, without latency. */
uint64_t timing_deadline(struct timing *timing, const struct cmd *cmd, size_t length,
			 uint64_t now_ns);

/* A repeatable stream of random numbers (xoshiro or splitmix), each user with one of its own. */
struct random {
	uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed, uint64_t stream);
uint64_t random_next(struct random *random);
/* 0 to @limit - 1 */
uint64_t random_below(struct random *random, uint64_t limit);
/* 0.0 <= x < 1.0 */
double random_unit(struct random *random);

#endif /* DUT_TIMING_H */
