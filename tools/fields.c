// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "output.h"

/* Little-endian, of at most 8 bytes. */
static uint64_t number(const uint8_t *p, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, p, size);
	return value;
}

static void format_u128(const uint8_t *p, char *text)
{
	unsigned __int128 value;
	char digits[40];
	int n = 0;

	memcpy(&value, p, sizeof(value));
	do {
		digits[n++] = '0' + (int)(value % 10);
		value /= 10;
	} while (value);
	while (n)
		*text++ = digits[--n];
	*text = '\0';
}

static void format_bytes(const uint8_t *p, size_t size, char *text)
{
	size_t i;

	for (i = 0; i < size; i++)
		text += sprintf(text, "%02x", p[i]);
}

static void format_uuid(const uint8_t *p, char *text)
{
	static const int group[] = { 4, 2, 2, 2, 6 };
	int i;

	for (i = 0; i < 5; p += group[i++]) {
		if (i)
			*text++ = '-';
		format_bytes(p, group[i], text);
		text += 2 * group[i];
	}
}

static void format(const struct field *field, const uint8_t *p, char *text, size_t size)
{
	unsigned long long value = field->size <= 8 ? number(p, field->size) : 0;

	switch (field->format) {
	case FIELD_DECIMAL:
		snprintf(text, size, "%llu", value);
		break;
	case FIELD_HEX:
		snprintf(text, size, "%#llx", value);
		break;
	case FIELD_TEXT:
		snprintf(text, size, "%.*s", (int)field->size, (const char *)p);
		break;
	case FIELD_U128:
		format_u128(p, text);
		break;
	case FIELD_UUID:
		format_uuid(p, text);
		break;
	case FIELD_BYTES:
		format_bytes(p, field->size, text);
		break;
	case FIELD_OUI:
		snprintf(text, size, "%06llx", value);
		break;
	}
}

static void print_text(const char *text)
{
	for (; *text; text++)
		putchar(*text < ' ' || *text > '~' ? '?' : *text);
	putchar('\n');
}

void fields_print(const struct field *fields, const void *data, int width)
{
	char text[300];

	for (; fields->name; fields++) {
		format(fields, (const uint8_t *)data + fields->offset, text, sizeof(text));
		printf("%-*s: ", width, fields->name);
		print_text(text);
	}
}

void fields_json(const struct field *fields, const void *data, struct json_object *object)
{
	char text[300];

	for (; fields->name; fields++) {
		const uint8_t *p = (const uint8_t *)data + fields->offset;

		if (fields->format == FIELD_DECIMAL || fields->format == FIELD_HEX ||
		    fields->format == FIELD_OUI) {
			json_add_number(object, fields->name, number(p, fields->size));
		} else {
			format(fields, p, text, sizeof(text));
			json_add_string(object, fields->name, text);
		}
	}
}
