// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The words before "do": what a rule matches. */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fault/rule.h"
#include "nvme/cmd.h"
#include "nvme/regs.h"
#include "pcie/function.h"
#include "units.h"

#define COMMANDS	TRIGGER_COMMAND
#define ACCESSES	TRIGGER_REGISTER
#define DOORBELLS	TRIGGER_DOORBELL
#define TIMES		TRIGGER_TIME
#define COUNTED		(COMMANDS | ACCESSES | DOORBELLS)
#define ALL		(COUNTED | TIMES)
#define CONFIG_LENGTH	4096
#define COUNT(table)	(sizeof(table) / sizeof((table)[0]))

struct match_key {
	const char *name;
	unsigned int triggers;		/* that it goes with */
	bool (*parse)(const struct match_key *key, struct match *match, const char *value);
	size_t field;			/* in struct match, of those that need it */
	uint64_t max;
	const char *wanted;		/* what the value is */
	const char *help;		/* what of it, NULL: the name says all */
};

static void *field_of(const struct match_key *key, struct match *match)
{
	return (char *)match + key->field;
}

/* A or A-B */
static bool range_parse(const char *value, uint64_t max, struct range *range)
{
	char text[64], *dash;

	if (snprintf(text, sizeof(text), "%s", value) >= (int)sizeof(text))
		return false;
	dash = strchr(text, '-');
	if (dash)
		*dash++ = 0;
	if (!units_number(text, &range->first))
		return false;
	range->last = range->first;
	if (dash && !units_number(dash, &range->last))
		return false;
	return range->first <= range->last && range->last <= max;
}

static void range_narrow(struct range *range, uint64_t first, uint64_t last)
{
	if (first > range->first)
		range->first = first;
	if (last < range->last)
		range->last = last;
}

static bool parse_range(const struct match_key *key, struct match *match, const char *value)
{
	struct range range;

	if (!range_parse(value, key->max, &range))
		return false;
	range_narrow(field_of(key, match), range.first, range.last);
	return true;
}

static bool parse_lba(const struct match_key *key, struct match *match, const char *value)
{
	match->has_lba = true;
	return parse_range(key, match, value);
}

static bool parse_admin(const struct match_key *key, struct match *match, const char *value)
{
	range_narrow(&match->queue, 0, 0);
	return true;
}

static bool parse_io(const struct match_key *key, struct match *match, const char *value)
{
	range_narrow(&match->queue, 1, UINT16_MAX);
	return true;
}

/* A name says which kind of queue too, a number does not. */
static bool parse_opcode(const struct match_key *key, struct match *match, const char *value)
{
	const struct command *command;
	bool admin;

	if (isdigit((unsigned char)*value))
		return range_parse(value, 0xff, &match->opcode);
	command = command_named(value, &admin);
	if (!command)
		return false;
	match->opcode.first = match->opcode.last = command->opcode;
	return admin ? parse_admin(key, match, NULL) : parse_io(key, match, NULL);
}

unsigned int place_width(const struct place *place)
{
	return place->bytes.last - place->bytes.first + 1;
}

bool place_parse_register(struct place *place, const char *value)
{
	uint64_t offset;

	place->given = true;
	place->where = 0;
	if (!isdigit((unsigned char)*value))
		return register_named(value, &place->bytes);
	if (!units_number(value, &offset) || offset % 4 || offset >= REGS_IMAGE)
		return false;
	place->bytes.first = offset;
	place->bytes.last = offset + 3;
	return true;
}

bool place_parse_config(struct place *place, const char *value)
{
	place->given = true;
	place->where = FUNCTION_CONFIG;
	return range_parse(value, CONFIG_LENGTH - 1, &place->bytes) && place_width(place) <= 8;
}

static bool parse_reg(const struct match_key *key, struct match *match, const char *value)
{
	return place_parse_register(&match->place, value);
}

static bool parse_config(const struct match_key *key, struct match *match, const char *value)
{
	return place_parse_config(&match->place, value);
}

static bool parse_access(const struct match_key *key, struct match *match, const char *value)
{
	match->reads = !strcmp(value, "read") || !strcmp(value, "any");
	match->writes = !strcmp(value, "write") || !strcmp(value, "any");
	return match->reads || match->writes;
}

static bool parse_doorbell(const struct match_key *key, struct match *match, const char *value)
{
	match->sq = !strcmp(value, "sq") || !strcmp(value, "any");
	match->cq = !strcmp(value, "cq") || !strcmp(value, "any");
	return match->sq || match->cq;
}

static bool parse_state(const struct match_key *key, struct match *match, const char *value)
{
	static const char * const names[] = {
		[STATE_READY] = "ready",
		[STATE_DISABLED] = "disabled",
		[STATE_SHUT_DOWN] = "shutdown",
		[STATE_FAILED] = "failed",
		[STATE_SANITIZING] = "sanitizing",
		[STATE_FORMATTING] = "formatting",
	};
	size_t i;

	for (i = STATE_READY; i < COUNT(names); i++) {
		if (!strcmp(value, names[i])) {
			match->state = i;
			return true;
		}
	}
	return false;
}

static bool parse_count(const struct match_key *key, struct match *match, const char *value)
{
	uint64_t *count = field_of(key, match);

	return units_number(value, count) && *count && *count <= key->max;
}

/* In integers, so that no locale has a say. */
static bool parse_probability(const struct match_key *key, struct match *match, const char *value)
{
	uint64_t billionths;
	char text[32];

	/* A time in seconds is written alike. */
	if (snprintf(text, sizeof(text), "%ss", value) >= (int)sizeof(text) ||
	    !units_time(text, &billionths) || billionths > 1000000000)
		return false;
	match->probability = billionths / 1e9;
	return billionths > 0;
}

static bool parse_time(const struct match_key *key, struct match *match, const char *value)
{
	uint64_t *time_ns = field_of(key, match);

	return units_time(value, time_ns) && *time_ns <= key->max;
}

static bool parse_period(const struct match_key *key, struct match *match, const char *value)
{
	return parse_time(key, match, value) && match->period_ns >= NS_PER_US;
}

#define FIELD(field)	offsetof(struct match, field)
#define DAY_NS		(86400 * NS_PER_S)
#define RANGE		"a number or A-B"
#define TIME_WANTED	"a time up to a day (200ms, 1.5s)"

static const struct match_key keys[] = {
	{ "admin", COMMANDS, parse_admin, 0, 0, "no value", "commands of the admin queue" },
	{ "io", COMMANDS, parse_io, 0, 0, "no value", "commands of the I/O queues" },
	{ "opcode", COMMANDS, parse_opcode, 0, 0,
	  "a command as the log names it (read, identify, ...), or a number up to 0xff", NULL },
	{ "queue", COMMANDS | DOORBELLS, parse_range, FIELD(queue), 65535, RANGE " up to 65535",
	  NULL },
	{ "ctrl", ALL, parse_range, FIELD(ctrl), SUBSYS_CTRLS, RANGE, "the first controller is 1" },
	{ "cid", COMMANDS, parse_range, FIELD(cid), 65535, RANGE " up to 65535", NULL },
	{ "nsid", COMMANDS, parse_range, FIELD(nsid), UINT32_MAX, RANGE " up to 0xffffffff", NULL },
	{ "lba", COMMANDS, parse_lba, FIELD(lba), UINT64_MAX, RANGE,
	  "commands that touch any of these blocks" },
	{ "reg", ACCESSES, parse_reg, 0, 0,
	  "a register (CAP, CC, ...) or an offset below 0x1000, a multiple of 4", NULL },
	{ "config", ACCESSES, parse_config, 0, 0, "a byte, or A-B with up to 8 of them",
	  "of config space" },
	{ "access", ACCESSES, parse_access, 0, 0, "read, write or any",
	  "of reg= or config=; without: any, for the action \"register\" read" },
	{ "doorbell", DOORBELLS, parse_doorbell, 0, 0, "sq, cq or any", "writes of doorbells" },
	{ "state", ALL, parse_state, 0, 0,
	  "ready, disabled, shutdown, failed, sanitizing or formatting", NULL },
	{ "nth", COUNTED, parse_count, FIELD(nth), UINT64_MAX, "a number from 1",
	  "of all that fit, the first that counts; the only one unless times= or every= say more" },
	{ "every", COUNTED, parse_count, FIELD(every), UINT64_MAX, "a number from 1",
	  "each so-many-th, beginning with nth= or, without, with itself" },
	{ "times", ALL, parse_count, FIELD(times), UINT64_MAX, "a number from 1",
	  "so often in all" },
	{ "prob", ALL, parse_probability, 0, 0, "a probability like 0.01, up to 1",
	  "by the seed, for each that nth= and every= leave" },
	{ "after", COUNTED, parse_time, FIELD(time_ns.first), DAY_NS, TIME_WANTED,
	  "nothing earlier fits" },
	{ "before", COUNTED, parse_time, FIELD(time_ns.last), DAY_NS, TIME_WANTED,
	  "nothing later fits" },
	{ "at", TIMES, parse_time, FIELD(at_ns), DAY_NS, TIME_WANTED, "by itself, then" },
	{ "period", TIMES, parse_period, FIELD(period_ns), DAY_NS, TIME_WANTED ", from 1us on",
	  "and again, each time so much later" },
};

static const struct match_key *find(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(keys); i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool takes_value(const struct match_key *key)
{
	return key->parse != parse_admin && key->parse != parse_io;
}

bool match_key_parse(struct rule *rule, const char *name, const char *value, unsigned int *seen,
		     unsigned int *triggers, const struct complaint *complaint)
{
	const struct match_key *key = find(name);

	if (!key)
		return complain(complaint, "unknown match '%s'; \"help faults\" lists them", name);
	if (*seen & 1U << (key - keys))
		return complain(complaint, "%s is there twice", name);
	*seen |= 1U << (key - keys);
	if (!!value != takes_value(key) || !key->parse(key, &rule->match, value))
		return complain(complaint, "%s%s%s: %s is wanted", name, value ? "=" : "",
				value ? value : "", key->wanted);
	*triggers &= key->triggers;
	return true;
}

void match_key_print_help(FILE *out)
{
	size_t i;

	for (i = 0; i < COUNT(keys); i++) {
		fprintf(out, "  %s%-*s %s", keys[i].name, (int)(14 - strlen(keys[i].name)),
			takes_value(&keys[i]) ? "=" : "",
			takes_value(&keys[i]) ? keys[i].wanted : keys[i].help);
		if (takes_value(&keys[i]) && keys[i].help)
			fprintf(out, ": %s", keys[i].help);
		fputc('\n', out);
	}
}
