/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* JSON and tables. */
#ifndef NVT_TOOL_OUTPUT_H
#define NVT_TOOL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>

/* Bytes that are not printable ASCII become '?': a device may put anything into its strings. */
void json_add_string(struct json_object *object, const char *key, const char *text);
void json_add_number(struct json_object *object, const char *key, uint64_t value);
void json_add_double(struct json_object *object, const char *key, double value);
void json_add_bool(struct json_object *object, const char *key, bool value);
/* Adds null where @text is empty. */
void json_add_optional(struct json_object *object, const char *key, const char *text);
struct json_object *json_add_array(struct json_object *object, const char *key);
struct json_object *json_append_object(struct json_object *array);
/* NULL prints nothing. */
void json_print(struct json_object *object);

/**
 * table_print() - rows of cells in columns as wide as they need
 * @cells: of all rows, one after the other, the first being the headings
 * @columns: cells of a row
 * @rows: how many, with the headings
 *
 * A column without text below its heading is left out.
 */
void table_print(const char *const *cells, size_t columns, size_t rows);

#endif /* NVT_TOOL_OUTPUT_H */
