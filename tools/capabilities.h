/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The capabilities in a copy of config space. PCI Express Base 6.0, 7.5 to 7.9. */
#ifndef NVT_TOOL_CAPABILITIES_H
#define NVT_TOOL_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capability {
	uint16_t offset;
	uint16_t id;
	bool extended;
	const char *name;	/* "unknown" where it is */
};

#define MAX_CAPABILITIES	(48 + 960)	/* all that there is room for */

/* In the order of the two lists. Returns how many were written to @caps. */
size_t capabilities_find(const uint8_t *config, size_t size,
			 struct capability caps[MAX_CAPABILITIES]);

#endif /* NVT_TOOL_CAPABILITIES_H */
