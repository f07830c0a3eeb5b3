// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Repeatable random numbers: xoshiro256**, seeded by splitmix64 as its authors advise. */
#include "nvme/timing.h"

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

void random_seed(struct random *random, uint64_t seed, uint64_t stream)
{
	/* The seed is mixed before the stream comes to it, so that none is another's. */
	uint64_t state = splitmix(&seed) + stream;
	unsigned int i;

	for (i = 0; i < 4; i++)
		random->state[i] = splitmix(&state);
}

static uint64_t rotate(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

uint64_t random_next(struct random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t random_below(struct random *random, uint64_t limit)
{
	/* The high half of a product is even enough: off by limit / 2^64 at most. */
	return (unsigned __int128)random_next(random) * limit >> 64;
}

double random_unit(struct random *random)
{
	return (random_next(random) >> 11) * 0x1p-53;
}
