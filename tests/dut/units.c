// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Numbers, sizes and times as they are written in options and fault rules. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

/* Integer arithmetic throughout: the same text is the same number everywhere. */
#define FRACTION_DIGITS	9

/* strtoull() alone would take signs, spaces and octal. */
static bool number_prefix(const char *text, const char **end, uint64_t *number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *stop;

	if (hex ? !isxdigit((unsigned char)*digits) : !isdigit((unsigned char)*digits))
		return false;
	if (hex && (digits[1] == 'x' || digits[1] == 'X'))
		return false;
	errno = 0;
	*number = strtoull(digits, &stop, hex ? 16 : 10);
	*end = stop;
	return !errno;
}

bool units_number(const char *text, uint64_t *number)
{
	const char *end;

	return number_prefix(text, &end, number) && !*end;
}

bool units_size(const char *text, uint64_t *bytes)
{
	static const char letters[] = "KMGT";
	const char *end, *letter;
	unsigned int shift = 0;

	if (!number_prefix(text, &end, bytes))
		return false;
	if (*end) {
		letter = strchr(letters, toupper((unsigned char)*end));
		if (!letter || end[1])
			return false;
		shift = 10 * (letter - letters + 1);
	}
	if (*bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

static bool time_unit(const char *unit, uint64_t *scale)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(unit, units[i].name)) {
			*scale = units[i].ns;
			return true;
		}
	}
	return false;
}

/* Digits behind the point, as billionths. */
static bool fraction_prefix(const char *text, const char **end, uint64_t *billionths)
{
	unsigned int i;

	*billionths = 0;
	for (i = 0; i < FRACTION_DIGITS; i++) {
		*billionths *= 10;
		if (isdigit((unsigned char)*text))
			*billionths += *text++ - '0';
		else if (!i)
			return false;
	}
	*end = text;
	return true;
}

bool units_time(const char *text, uint64_t *time_ns)
{
	uint64_t whole, billionths = 0, scale;
	const char *end;

	if (!isdigit((unsigned char)*text) || !number_prefix(text, &end, &whole))
		return false;
	if (*end == '.' && !fraction_prefix(end + 1, &end, &billionths))
		return false;
	if (!*end && !whole && !billionths) {
		*time_ns = 0;
		return true;
	}
	if (!time_unit(end, &scale) || whole > UINT64_MAX / 2 / scale)
		return false;
	*time_ns = whole * scale + billionths * scale / 1000000000;
	return true;
}
