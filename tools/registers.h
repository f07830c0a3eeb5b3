/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The registers of an NVMe controller by name. NVMe Base 2.1, 3.1.4. */
#ifndef NVT_TOOL_REGISTERS_H
#define NVT_TOOL_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

struct reg {
	const char *name;
	uint32_t offset;
	uint8_t width;
	const char *title;
};

/* Ends with a NULL name. */
extern const struct reg registers[];

/* By name, in any case; NULL if there is none. */
const struct reg *register_find(const char *name);

/* The fields that are known of it, one a line; nothing where none is. */
void register_print_fields(const struct reg *reg, uint64_t value);
void register_add_fields(const struct reg *reg, uint64_t value, struct json_object *object);

#endif /* NVT_TOOL_REGISTERS_H */
