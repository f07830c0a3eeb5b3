// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A rule out of its text. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fault/rule.h"
#include "pcie/function.h"

#define BLANK		" \t\r"
#define TEXT_MAX	1000

bool complain(const struct complaint *complaint, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(complaint->text, complaint->size, fmt, args);
	va_end(args);
	return false;
}

static void match_init(struct match *match)
{
	const struct range all = { 0, UINT64_MAX };

	match->opcode = all;
	match->queue = all;
	match->ctrl = all;
	match->cid = all;
	match->nsid = all;
	match->lba = all;
	match->time_ns = all;
	match->probability = 1;
}

/* NAME or NAME=VALUE, cut in two. */
static char *word_value(char *word)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = 0;
	return value;
}

static bool parse_matches(struct rule *rule, char *text, char **save, unsigned int *triggers,
			  const struct complaint *complaint)
{
	unsigned int seen = 0;
	char *word;

	for (word = strtok_r(text, BLANK, save); word; word = strtok_r(NULL, BLANK, save)) {
		char *value;

		if (!strcmp(word, "do"))
			return true;
		value = word_value(word);
		if (!match_key_parse(rule, word, value, &seen, triggers, complaint))
			return false;
	}
	return complain(complaint, "no \"do ACTION\" in the rule");
}

static bool parse_action(struct rule *rule, char **save, const struct complaint *complaint)
{
	char *word = strtok_r(NULL, BLANK, save);
	unsigned int seen = 0;

	if (!word)
		return complain(complaint, "no action behind \"do\"");
	rule->action = action_named(word);
	if (!rule->action)
		return complain(complaint, "unknown action '%s'; \"help faults\" lists them", word);
	rule->shot.action = rule->action->action;
	while ((word = strtok_r(NULL, BLANK, save))) {
		char *value = word_value(word);

		if (!action_key_parse(rule, word, value, &seen, complaint))
			return false;
	}
	return action_keys_finish(rule, seen, complaint);
}

static const char *trigger_names(unsigned int triggers)
{
	if (triggers & TRIGGER_TIME)
		return "anything";
	if (triggers & TRIGGER_COMMAND)
		return "commands";
	return triggers & TRIGGER_REGISTER ? "accesses of registers" : "doorbells";
}

/* By time where nothing else is named, else by commands where nothing says otherwise. */
static bool choose_trigger(struct rule *rule, unsigned int triggers,
			   const struct complaint *complaint)
{
	const struct action *action = rule->action;
	unsigned int possible = triggers & action->triggers;

	if (!triggers)
		return complain(complaint, "what the rule matches is not of one kind: commands (io, "
				"admin, opcode=, ...), accesses (reg=, config=), doorbells "
				"(doorbell=) or a time (at=, period=)");
	if (!possible)
		return complain(complaint, "%s is for %s, which this rule does not match",
				action->name, trigger_names(action->triggers));
	rule->trigger = possible & TRIGGER_TIME ? TRIGGER_TIME : possible & -possible;
	rule->way = action->way;
	if (rule->way == WAY_SHOT && rule->trigger != TRIGGER_COMMAND)
		rule->way = WAY_EVENT;
	if (action->action == FAULT_REGISTER && rule->trigger != TRIGGER_REGISTER)
		rule->way = WAY_HOLD;
	return true;
}

static bool value_fits(uint64_t value, unsigned int width)
{
	return width >= 8 || !(value >> 8 * width);
}

/* The register is the one that is accessed, or, changed on its own, one behind "do". */
static bool check_register(struct rule *rule, const struct complaint *complaint)
{
	struct match *match = &rule->match;
	const struct place *place;

	if (rule->action->action != FAULT_REGISTER)
		return true;
	if (rule->way == WAY_HOLD && !rule->place.given)
		return complain(complaint, "which register? reg= or config= is wanted: before \"do\" "
				"for its accesses, behind \"do register\" to change it for good");
	if (rule->way == WAY_ANSWER && (rule->place.given || rule->for_ns))
		return complain(complaint, "reg= or config= is there already, and the rule acts at "
				"its accesses: no reg=, config= or for= behind \"do register\"");
	if (rule->way == WAY_ANSWER && !match->reads && !match->writes)
		match->reads = true;
	if (match->writes && !match->reads) {
		if (rule->shot.has_value)
			return complain(complaint, "writes are ignored: no value= with access=write");
		return true;
	}
	if (!rule->shot.has_value)
		return complain(complaint, "register: value= is wanted");
	place = rule->way == WAY_HOLD ? &rule->place : &match->place;
	if (!value_fits(rule->shot.value, place_width(place)))
		return complain(complaint, "value=%#llx does not fit %u byte%s; config=A-B names more",
				(unsigned long long)rule->shot.value, place_width(place),
				place_width(place) == 1 ? "" : "s");
	return true;
}

static bool check(struct rule *rule, const struct complaint *complaint)
{
	struct match *match = &rule->match;

	if (match->queue.first > match->queue.last)
		return complain(complaint, "no queue is left: queue=, admin, io and the opcode's "
				"kind contradict each other");
	if (match->time_ns.first > match->time_ns.last)
		return complain(complaint, "after= is behind before=");
	if (rule->trigger == TRIGGER_REGISTER && !match->place.given)
		return complain(complaint, "which register? reg= or config= is wanted");
	if (!check_register(rule, complaint))
		return false;
	if (!match->reads && !match->writes)
		match->reads = match->writes = true;
	if (!match->sq && !match->cq)
		match->sq = match->cq = true;
	if (!match->times && !match->every && !match->period_ns &&
	    (match->nth || rule->way == WAY_EVENT || rule->way == WAY_HOLD))
		match->times = 1;
	return true;
}

static bool parse(struct rule *rule, char *text, const struct complaint *complaint)
{
	unsigned int triggers = TRIGGER_COMMAND | TRIGGER_REGISTER | TRIGGER_DOORBELL |
				TRIGGER_TIME;
	char *save = NULL;

	return parse_matches(rule, text, &save, &triggers, complaint) &&
	       parse_action(rule, &save, complaint) &&
	       choose_trigger(rule, triggers, complaint) && check(rule, complaint);
}

struct rule *rule_parse(const char *text, char *error, size_t size)
{
	const struct complaint complaint = { error, size };
	size_t length = strlen(text);
	struct rule *rule;
	char *words;

	if (length > TEXT_MAX) {
		complain(&complaint, "a rule of %zu characters; %d are possible", length, TEXT_MAX);
		return NULL;
	}
	if (strpbrk(text, "\n")) {
		complain(&complaint, "more than one line");
		return NULL;
	}
	rule = calloc(1, sizeof(*rule));
	words = strdup(text);
	if (!rule || !words) {
		complain(&complaint, "out of memory");
		goto fail;
	}
	rule->text = strdup(text + strspn(text, BLANK));
	match_init(&rule->match);
	if (!rule->text || !parse(rule, words, &complaint))
		goto fail;
	rule->text[strcspn(rule->text, "\r")] = 0;
	free(words);
	return rule;

fail:
	free(words);
	if (rule)
		rule_free(rule);
	return NULL;
}

void rule_free(struct rule *rule)
{
	free(rule->text);
	free(rule);
}
