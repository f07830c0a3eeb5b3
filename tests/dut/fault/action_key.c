// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The words behind "do ACTION": how exactly. */
#include <stddef.h>
#include <string.h>

#include "fault/rule.h"
#include "nvme/status.h"
#include "units.h"

#define MAX_DELAY_NS	(3600 * NS_PER_S)
#define DEFAULT_DELAY	(10 * NS_PER_MS)
#define DEFAULT_GAP	(20 * NS_PER_US)
#define COUNT(table)	(sizeof(table) / sizeof((table)[0]))

struct key {
	const char *name;
	enum action_key bit;
	bool (*parse)(const struct key *key, struct rule *rule, const char *value);
	size_t field;			/* in struct rule */
	uint64_t max;
	const char *wanted;
};

static bool parse_u32(const struct key *key, struct rule *rule, const char *value)
{
	uint64_t number;

	if (!units_number(value, &number) || number > key->max)
		return false;
	*(uint32_t *)((char *)rule + key->field) = number;
	return true;
}

static bool parse_u64(const struct key *key, struct rule *rule, const char *value)
{
	uint64_t *number = (uint64_t *)((char *)rule + key->field);

	return units_number(value, number) && *number <= key->max;
}

static bool parse_value(const struct key *key, struct rule *rule, const char *value)
{
	rule->shot.has_value = true;
	return units_number(value, &rule->shot.value) && rule->shot.value <= key->max;
}

static bool parse_status(const struct key *key, struct rule *rule, const char *value)
{
	uint64_t dnr = rule->shot.value & STATUS_DNR;
	bool good = parse_value(key, rule, value);

	rule->shot.value |= dnr;
	return good;
}

static bool parse_dnr(const struct key *key, struct rule *rule, const char *value)
{
	uint64_t dnr;

	if (!units_number(value, &dnr) || dnr > 1)
		return false;
	rule->shot.value |= dnr ? STATUS_DNR : 0;
	return true;
}

static bool parse_time(const struct key *key, struct rule *rule, const char *value)
{
	uint64_t *time_ns = (uint64_t *)((char *)rule + key->field);

	return units_time(value, time_ns) && *time_ns && *time_ns <= key->max;
}

static bool parse_error(const struct key *key, struct rule *rule, const char *value)
{
	return pci_error_named(value, &rule->uncorrectable, &rule->correctable);
}

static bool parse_reg(const struct key *key, struct rule *rule, const char *value)
{
	return !rule->place.given && place_parse_register(&rule->place, value);
}

static bool parse_config(const struct key *key, struct rule *rule, const char *value)
{
	return !rule->place.given && place_parse_config(&rule->place, value);
}

static bool parse_lba(const struct key *key, struct rule *rule, const char *value)
{
	rule->shot.has_value = true;
	return parse_u64(key, rule, value);
}

#define FIELD(field)	offsetof(struct rule, field)
#define TIME_WANTED	"a time up to 3600s, as 200ms or 1.5s"

static const struct key keys[] = {
	{ "value", KEY_VALUE, parse_value, 0, UINT64_MAX, "a number" },
	{ "delay", KEY_DELAY, parse_time, FIELD(shot.delay_ns), MAX_DELAY_NS, TIME_WANTED },
	{ "byte", KEY_BYTE, parse_u32, FIELD(shot.byte), UINT32_MAX, "a number" },
	{ "bit", KEY_BIT, parse_u32, FIELD(shot.bit), 7, "a number up to 7" },
	{ "count", KEY_COUNT, parse_u32, FIELD(shot.count), 1000000, "a number up to 1000000" },
	{ "vector", KEY_VECTOR, parse_u32, FIELD(shot.vector), 2047, "a number up to 2047" },
	{ "lba", KEY_LBA, parse_lba, FIELD(shot.lba), UINT64_MAX, "a number" },
	{ "for", KEY_FOR, parse_time, FIELD(for_ns), MAX_DELAY_NS, TIME_WANTED },
	{ "gap", KEY_GAP, parse_time, FIELD(gap_ns), NS_PER_S, "a time up to 1s, as 50us" },
	{ "status", KEY_STATUS, parse_status, 0, 0x7ff,
	  "a number up to 0x7ff: the status code type in bits 10:8, the status code in 7:0" },
	{ "dnr", KEY_DNR, parse_dnr, 0, 1, "0 or 1" },
	{ "cid", KEY_CID, parse_value, 0, 0xffff, "a number up to 0xffff" },
	{ "sqid", KEY_SQID, parse_value, 0, 0xffff, "a number up to 0xffff" },
	{ "sqhd", KEY_SQHD, parse_value, 0, 0xffff, "a number up to 0xffff" },
	{ "error", KEY_ERROR, parse_error, 0, 0,
	  "the name of a PCI Express error (receiver, poisoned-tlp, ...; \"help faults\" has all)" },
	{ "reg", KEY_REG, parse_reg, 0, 0, "one register (CAP, CSTS, ...) or an offset below 0x1000" },
	{ "config", KEY_CONFIG, parse_config, 0, 0, "one byte of config space, or A-B" },
};

static const struct key *find(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(keys); i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static void list_keys(const struct action *action, char *text, size_t size)
{
	size_t i, n = 0;

	snprintf(text, size, " no key");
	for (i = 0; i < COUNT(keys); i++)
		if (action->keys & keys[i].bit && n < size)
			n += snprintf(text + n, size - n, " %s=", keys[i].name);
}

bool action_key_parse(struct rule *rule, const char *name, const char *value, unsigned int *seen,
		      const struct complaint *complaint)
{
	const struct action *action = rule->action;
	const struct key *key = find(name);
	char list[80];

	if (!key || !(action->keys & key->bit)) {
		list_keys(action, list, sizeof(list));
		return complain(complaint, "%s takes%s, not '%s'", action->name, list, name);
	}
	if (*seen & key->bit)
		return complain(complaint, "%s= is there twice", name);
	*seen |= key->bit;
	if (!value || !key->parse(key, rule, value))
		return complain(complaint, "%s%s%s: %s is wanted", name, value ? "=" : "",
				value ? value : "", key->wanted);
	return true;
}

static void set_defaults(struct rule *rule, unsigned int seen)
{
	struct fault_shot *shot = &rule->shot;

	if (rule->action->keys & KEY_DELAY && !(seen & KEY_DELAY))
		shot->delay_ns = DEFAULT_DELAY;
	if (rule->action->keys & KEY_VECTOR && !(seen & KEY_VECTOR))
		shot->vector = FAULT_OWN_VECTOR;
	if (!(seen & KEY_GAP))
		rule->gap_ns = DEFAULT_GAP;
	if (seen & KEY_COUNT)
		return;
	switch (shot->action) {
	case FAULT_IRQ_STORM:
		shot->count = 1000;
		break;
	case FAULT_EVENT_FLOOD:
		shot->count = 100;
		break;
	case FAULT_DATA_PAST_END:
	case FAULT_DATA_FREED:
		shot->count = 64;
		break;
	case FAULT_DATA_IDENTIFY:
		shot->count = 1;
		break;
	default:
		break;
	}
}

/* What only some values of a key mean something to. */
static bool check_values(const struct rule *rule, unsigned int seen,
			 const struct complaint *complaint)
{
	const struct fault_shot *shot = &rule->shot;
	const char *name = rule->action->name;

	if (shot->action == FAULT_RDY_STUCK && shot->value > 1)
		return complain(complaint, "%s: value=0 or value=1 is wanted", name);
	if (rule->action->keys & KEY_VALUE && rule->action->keys & KEY_COUNT &&
	    shot->action != FAULT_DATA_IDENTIFY && shot->value > 0xff)
		return complain(complaint, "%s: value= is a byte", name);
	if (shot->action == FAULT_DATA_IDENTIFY) {
		if (!shot->count || shot->count > 8)
			return complain(complaint, "%s: count=1 to count=8 is wanted", name);
		if (shot->byte > 4096 - shot->count)
			return complain(complaint, "%s: the data has 4096 bytes", name);
		if (shot->count < 8 && shot->value >> 8 * shot->count)
			return complain(complaint, "%s: value= does not fit count=%u bytes", name,
					shot->count);
	} else if (seen & KEY_COUNT && !shot->count && shot->action != FAULT_CPL_RANGE) {
		return complain(complaint, "%s: count= is a number from 1", name);
	}
	return true;
}

bool action_keys_finish(struct rule *rule, unsigned int seen, const struct complaint *complaint)
{
	unsigned int missing = rule->action->needs & ~seen;
	size_t i;

	for (i = 0; i < COUNT(keys); i++)
		if (missing & keys[i].bit)
			return complain(complaint, "%s: %s= is wanted: %s", rule->action->name,
					keys[i].name, keys[i].wanted);
	set_defaults(rule, seen);
	return check_values(rule, seen, complaint);
}
