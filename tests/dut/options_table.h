/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What each option is: the table that parser, checks and help are driven by. */
#ifndef DUT_OPTIONS_TABLE_H
#define DUT_OPTIONS_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* How the value is written, and what the field of struct options is. */
enum option_kind {
	OPTION_FLAG,			/* bool: on, off; the name alone is on */
	OPTION_NUMBER,			/* uint32_t */
	OPTION_WIDE,			/* uint64_t, a plain number */
	OPTION_SIZE,			/* uint64_t: bytes, or with K, M, G, T */
	OPTION_TIME,			/* uint64_t: nanoseconds, written with ns, us, ms, s */
	OPTION_TEXT,			/* char *, allocated; max: its longest length */
	OPTION_DOORBELLS,		/* bool: mapped, trapped */
	OPTION_LATENCY,			/* struct latency */
};

struct option_entry {
	const char *name;
	size_t field;			/* offset in struct options */
	enum option_kind kind;
	uint64_t min, max;
	const char *value;		/* the default, as it would be written; NULL: none */
	const char *help;		/* an entry without a name is a heading */
};

extern const struct option_entry option_entries[];
extern const size_t option_count;

#endif /* DUT_OPTIONS_TABLE_H */
