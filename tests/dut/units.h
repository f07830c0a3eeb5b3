/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Numbers, sizes and times as they are written in options and fault rules. */
#ifndef DUT_UNITS_H
#define DUT_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal or 0x hexadecimal. Each is false unless @text is one and nothing else. */
bool units_number(const char *text, uint64_t *number);

/* Bytes, or with K, M, G or T (powers of 1024). */
bool units_size(const char *text, uint64_t *bytes);

/* Nanoseconds: a number, fractions too, with ns, us, ms or s; 0 needs no unit. */
bool units_time(const char *text, uint64_t *time_ns);

#endif /* DUT_UNITS_H */
