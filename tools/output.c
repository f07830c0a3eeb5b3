// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#define MAX_COLUMNS	16

void json_add_string(struct json_object *object, const char *key, const char *text)
{
	char *copy = strdup(text);
	char *p;

	for (p = copy; p && *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	json_object_object_add(object, key, json_object_new_string(copy ? copy : ""));
	free(copy);
}

void json_add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

void json_add_double(struct json_object *object, const char *key, double value)
{
	char text[64];

	/* Neither NaN nor infinity is JSON. */
	if (!isfinite(value))
		value = 0;
	snprintf(text, sizeof(text), "%.3f", value);
	json_object_object_add(object, key, json_object_new_double_s(value, text));
}

void json_add_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

void json_add_optional(struct json_object *object, const char *key, const char *text)
{
	if (text[0])
		json_add_string(object, key, text);
	else
		json_object_object_add(object, key, NULL);
}

struct json_object *json_add_array(struct json_object *object, const char *key)
{
	struct json_object *array = json_object_new_array();

	json_object_object_add(object, key, array);
	return array;
}

struct json_object *json_append_object(struct json_object *array)
{
	struct json_object *object = json_object_new_object();

	json_object_array_add(array, object);
	return object;
}

void json_print(struct json_object *object)
{
	int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
		    JSON_C_TO_STRING_NOSLASHESCAPE;

	if (object)
		puts(json_object_to_json_string_ext(object, flags));
}

static void print_row(const char *const *cells, const size_t *width, size_t columns)
{
	size_t col;

	while (columns > 1 && (!width[columns - 1] || !cells[columns - 1][0]))
		columns--;
	for (col = 0; col + 1 < columns; col++)
		if (width[col])
			printf("%-*s  ", (int)width[col], cells[col]);
	puts(cells[columns - 1]);
}

void table_print(const char *const *cells, size_t columns, size_t rows)
{
	size_t width[MAX_COLUMNS] = { 0 };
	size_t row, col, len;

	for (row = 1; row < rows; row++)
		for (col = 0; col < columns; col++) {
			len = strlen(cells[row * columns + col]);
			width[col] = len > width[col] ? len : width[col];
		}
	for (col = 0; col < columns; col++)
		if (width[col] && strlen(cells[col]) > width[col])
			width[col] = strlen(cells[col]);
	for (row = 0; row < rows; row++)
		print_row(cells + row * columns, width, columns);
}
