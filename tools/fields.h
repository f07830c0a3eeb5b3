/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The fields of a data structure by table, in nvme-cli's layout and with its JSON keys. */
#ifndef NVT_TOOL_FIELDS_H
#define NVT_TOOL_FIELDS_H

#include <stddef.h>
#include <json-c/json.h>

enum field_format {
	FIELD_DECIMAL,
	FIELD_HEX,
	FIELD_TEXT,	/* ASCII, not ended by NUL */
	FIELD_U128,
	FIELD_UUID,
	FIELD_BYTES,	/* hexadecimal digits, no separators */
	FIELD_OUI,	/* 3 bytes, the last first; a number in JSON */
};

struct field {
	const char *name;
	size_t offset;
	size_t size;
	enum field_format format;
};

#define FIELD(type, member, format) \
	{ #member, offsetof(type, member), sizeof(((type *)NULL)->member), format }

/* A table ends with a NULL name. @width is the column of the names. */
void fields_print(const struct field *fields, const void *data, int width);
void fields_json(const struct field *fields, const void *data, struct json_object *object);

#endif /* NVT_TOOL_FIELDS_H */
