// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the command line says of the device: parser, checks, help. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "options_table.h"
#include "units.h"

#define KIB		1024ULL
#define WORD_MAX	4200

static int bad(char *error, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int bad(char *error, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, size, fmt, args);
	va_end(args);
	return -EINVAL;
}

static bool parse_flag(const char *value, bool *flag)
{
	*flag = !value || !strcmp(value, "on");
	return *flag || !strcmp(value, "off");
}

static bool parse_doorbells(const char *value, bool *mapped)
{
	*mapped = !strcmp(value, "mapped");
	return *mapped || !strcmp(value, "trapped");
}

static bool parse_shape(const char *name, enum latency_shape *shape)
{
	static const char * const names[] = {
		[LATENCY_FIXED] = "fixed",
		[LATENCY_UNIFORM] = "uniform",
		[LATENCY_EXPONENTIAL] = "exponential",
		[LATENCY_NORMAL] = "normal",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i])) {
			*shape = i;
			return true;
		}
	}
	return false;
}

/* The part of @text from @mark on, cut off; NULL: there is none. */
static char *cut(char *text, const char *mark)
{
	char *at = strstr(text, mark);

	if (!at)
		return NULL;
	*at = 0;
	return at + strlen(mark);
}

/* MEAN[+-SPREAD][/SHAPE][@EACH-KIB], as 80us+-20us/normal@10ns */
static bool parse_latency(const char *value, uint64_t max, struct latency *latency)
{
	char text[128], *each, *shape, *spread;
	struct latency new = { .shape = LATENCY_FIXED };

	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text))
		return false;
	each = cut(text, "@");
	shape = cut(text, "/");
	spread = cut(text, "+-");
	if (!units_time(text, &new.mean_ns) || (spread && !units_time(spread, &new.spread_ns)) ||
	    (each && !units_time(each, &new.per_kib_ns)))
		return false;
	if (spread)
		new.shape = LATENCY_UNIFORM;
	if (shape && !parse_shape(shape, &new.shape))
		return false;
	/* A spread says something of these two only, and to them. */
	if (!spread != (new.shape == LATENCY_FIXED || new.shape == LATENCY_EXPONENTIAL))
		return false;
	if (new.shape == LATENCY_UNIFORM && new.spread_ns > new.mean_ns)
		return false;
	*latency = new;
	return new.mean_ns <= max && new.spread_ns <= max && new.per_kib_ns <= max;
}

static bool parse_text(const char *value, const struct option_entry *entry, char **field)
{
	size_t length = strlen(value);
	char *copy;

	if (length < entry->min || length > entry->max)
		return false;
	copy = strdup(value);
	if (!copy)
		return false;
	free(*field);
	*field = copy;
	return true;
}

static bool parse_numeric(const struct option_entry *entry, const char *value, void *field)
{
	uint64_t number;
	bool is_number = false;

	if (entry->kind == OPTION_SIZE)
		is_number = units_size(value, &number);
	else if (entry->kind == OPTION_TIME)
		is_number = units_time(value, &number);
	else
		is_number = units_number(value, &number);
	if (!is_number || number < entry->min || number > entry->max)
		return false;
	if (entry->kind == OPTION_NUMBER)
		*(uint32_t *)field = number;
	else
		*(uint64_t *)field = number;
	return true;
}

static bool parse_value(struct options *options, const struct option_entry *entry,
			const char *value)
{
	void *field = (char *)options + entry->field;

	switch (entry->kind) {
	case OPTION_FLAG:
		return parse_flag(value, field);
	case OPTION_DOORBELLS:
		return parse_doorbells(value, field);
	case OPTION_LATENCY:
		return parse_latency(value, entry->max, field);
	case OPTION_TEXT:
		return parse_text(value, entry, field);
	default:
		return parse_numeric(entry, value, field);
	}
}

static void describe_size(char *text, size_t size, uint64_t bytes)
{
	static const char letters[] = "KMGT";
	int i = -1;

	while (bytes && !(bytes % KIB) && i < 3) {
		bytes /= KIB;
		i++;
	}
	snprintf(text, size, "%llu%.*s", (unsigned long long)bytes, i >= 0, letters + (i >= 0 ? i : 0));
}

/* "a number from 1 to 8" */
static void describe(const struct option_entry *entry, char *text, size_t size)
{
	char min[32], max[32];

	describe_size(min, sizeof(min), entry->min);
	describe_size(max, sizeof(max), entry->max);
	switch (entry->kind) {
	case OPTION_FLAG:
		snprintf(text, size, "on or off");
		break;
	case OPTION_NUMBER:
	case OPTION_WIDE:
		snprintf(text, size, "a number from %llu to %llu", (unsigned long long)entry->min,
			 (unsigned long long)entry->max);
		break;
	case OPTION_SIZE:
		snprintf(text, size, "a size from %s to %s, as 64M", min, max);
		break;
	case OPTION_TIME:
		snprintf(text, size, "a time up to %llus, as 10ms",
			 (unsigned long long)(entry->max / 1000000000));
		break;
	case OPTION_TEXT:
		snprintf(text, size, "a text of %llu to %llu characters",
			 (unsigned long long)entry->min, (unsigned long long)entry->max);
		break;
	case OPTION_DOORBELLS:
		snprintf(text, size, "mapped or trapped");
		break;
	case OPTION_LATENCY:
		snprintf(text, size, "MEAN[+-SPREAD][/SHAPE][@EACH-KIB] up to %llus, as 80us, "
			 "80us+-20us, 80us+-20us/normal@10ns, 80us/exponential",
			 (unsigned long long)(entry->max / 1000000000));
		break;
	}
}

static const struct option_entry *find(const char *name)
{
	size_t i;

	for (i = 0; i < option_count; i++)
		if (option_entries[i].name && !strcmp(option_entries[i].name, name))
			return &option_entries[i];
	return NULL;
}

static int parse_word(struct options *options, char *word, char *error, size_t size)
{
	char *value = cut(word, "="), wanted[160];
	const struct option_entry *entry = find(word);

	if (!entry)
		return bad(error, size, "unknown option '%s'; -o help lists them", word);
	if ((value || entry->kind == OPTION_FLAG) && parse_value(options, entry, value))
		return 0;
	describe(entry, wanted, sizeof(wanted));
	return bad(error, size, "%s%s%s: %s is wanted", word, value ? "=" : "", value ? value : "",
		   wanted);
}

int options_parse(struct options *options, const char *text, char *error, size_t size)
{
	char word[WORD_MAX];
	size_t length;
	int err;

	for (;;) {
		length = strcspn(text, ",");
		if (length >= sizeof(word))
			return bad(error, size, "an option of %zu characters; %d are possible",
				   length, WORD_MAX - 1);
		memcpy(word, text, length);
		word[length] = 0;
		err = parse_word(options, word, error, size);
		if (err || !text[length])
			return err;
		text += length + 1;
	}
}

void options_init(struct options *options)
{
	size_t i;

	memset(options, 0, sizeof(*options));
	for (i = 0; i < option_count; i++)
		if (option_entries[i].value &&
		    !parse_value(options, &option_entries[i], option_entries[i].value))
			abort();	/* the table contradicts itself, or there is no memory */
}

void options_free(struct options *options)
{
	size_t i;

	for (i = 0; i < option_count; i++)
		if (option_entries[i].kind == OPTION_TEXT)
			free(*(char **)((char *)options + option_entries[i].field));
	memset(options, 0, sizeof(*options));
}

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static int finish_storage(const struct options *options, char *error, size_t size)
{
	uint32_t metadata = options->metadata;

	if (options->lba != 512 && options->lba != 4096)
		return bad(error, size, "lba=%u: 512 or 4096 is wanted", options->lba);
	if (metadata && metadata != 8 && metadata != 16 && metadata != 64)
		return bad(error, size, "metadata=%u: 0, 8, 16 or 64 is wanted", metadata);
	if (!metadata && (options->pi || options->extended))
		return bad(error, size, "pi= and extended need metadata=8, 16 or 64");
	if (options->size % 4096)
		return bad(error, size, "size=%llu: a multiple of 4K is wanted",
			   (unsigned long long)options->size);
	if (options->namespaces > options->max_namespaces)
		return bad(error, size, "namespaces=%u: more than max-namespaces=%u",
			   options->namespaces, options->max_namespaces);
	if (options->awupf > options->awun)
		return bad(error, size, "awupf=%u: at most awun=%u is possible", options->awupf,
			   options->awun);
	if (options->capacity / options->size < options->namespaces)
		return bad(error, size, "capacity=%llu: %u namespaces of %llu bytes do not fit",
			   (unsigned long long)options->capacity, options->namespaces,
			   (unsigned long long)options->size);
	return 0;
}

static int finish_zones(const struct options *options, char *error, size_t size)
{
	if (!options->zns)
		return 0;
	if (!is_power_of_two(options->zone_size))
		return bad(error, size, "zone-size=%llu: a power of two is wanted",
			   (unsigned long long)options->zone_size);
	if (options->size % options->zone_size)
		return bad(error, size, "size=%llu: whole zones of %llu are wanted",
			   (unsigned long long)options->size,
			   (unsigned long long)options->zone_size);
	if (options->zone_capacity > options->zone_size || options->zone_capacity % options->lba)
		return bad(error, size, "zone-capacity=%llu: whole blocks, up to zone-size, are wanted",
			   (unsigned long long)options->zone_capacity);
	if (options->zone_active && (!options->zone_open || options->zone_open > options->zone_active))
		return bad(error, size, "zone-open=%u: at most zone-active=%u is possible",
			   options->zone_open, options->zone_active);
	if (options->mdts && options->zasl > options->mdts)
		return bad(error, size, "zasl=%u: at most mdts=%u is possible", options->zasl,
			   options->mdts);
	return 0;
}

static int finish_controller(const struct options *options, char *error, size_t size)
{
	if (options->msi && !is_power_of_two(options->msi))
		return bad(error, size, "msi=%u: a power of two is wanted", options->msi);
	if (options->cmb && (options->cmb < KIB * KIB || !is_power_of_two(options->cmb)))
		return bad(error, size, "cmb=%llu: a power of two from 1M is wanted",
			   (unsigned long long)options->cmb);
	if (options->mpsmin > options->mpsmax)
		return bad(error, size, "mpsmin=%u: at most mpsmax=%u is possible", options->mpsmin,
			   options->mpsmax);
	if (options->hmb % 4096)
		return bad(error, size, "hmb=%llu: a multiple of 4K is wanted",
			   (unsigned long long)options->hmb);
	if (options->boot_partition % (128 * KIB))
		return bad(error, size, "boot-partition=%llu: a multiple of 128K is wanted",
			   (unsigned long long)options->boot_partition);
	if (options->fused && !options->compare)
		return bad(error, size, "fused needs compare: compare=off,fused=off");
	return 0;
}

int options_finish(struct options *options, char *error, size_t size)
{
	int err;

	if (!options->capacity)
		options->capacity = 2 * options->size * (options->namespaces ? options->namespaces : 1);
	if (!options->zone_capacity)
		options->zone_capacity = options->zone_size;
	if (options->power_states < 2)
		options->apst = false;
	err = finish_storage(options, error, size);
	if (!err)
		err = finish_zones(options, error, size);
	if (!err)
		err = finish_controller(options, error, size);
	return err;
}

void options_help(FILE *out)
{
	const struct option_entry *entry;
	char word[64];
	size_t i;

	fputs("-o NAME[=VALUE][,NAME[=VALUE]]... with the defaults; a flag alone is on, NAME=off is off.\n"
	      "Sizes are bytes, or with K, M, G, T; times are with ns, us, ms, s. No value has a comma.\n"
	      "SHAPE is fixed, uniform (MEAN-SPREAD to MEAN+SPREAD), normal (SPREAD: standard deviation)\n"
	      "or exponential.\n", out);
	for (i = 0; i < option_count; i++) {
		entry = &option_entries[i];
		if (!entry->name) {
			fprintf(out, "\n%s\n", entry->help);
			continue;
		}
		snprintf(word, sizeof(word), "%s=%s", entry->name,
			 entry->value ? entry->value : "FOLDER");
		fprintf(out, "  %-32s %s\n", word, entry->help);
	}
}
