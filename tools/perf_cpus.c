// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <ctype.h>
#include <sched.h>
#include <stdlib.h>

#include "perf.h"

static bool parse_cpu(const char **p, unsigned long *cpu)
{
	char *end;

	if (!isdigit((unsigned char)**p))
		return false;
	*cpu = strtoul(*p, &end, 10);
	*p = end;
	return *cpu < CPU_SETSIZE;
}

unsigned int perf_parse_cpus(const char *text, uint32_t *cpus, unsigned int max)
{
	unsigned long first, last;
	unsigned int n = 0;

	for (;; text++) {
		if (!parse_cpu(&text, &first))
			return 0;
		last = first;
		if (*text == '-' && (text++, !parse_cpu(&text, &last) || last < first))
			return 0;
		for (; first <= last; first++) {
			if (n == max)
				return 0;
			cpus[n++] = first;
		}
		if (!*text)
			return n;
		if (*text != ',')
			return 0;
	}
}
