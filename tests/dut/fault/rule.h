/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A rule: when it fires, and what it does then. */
#ifndef DUT_FAULT_RULE_H
#define DUT_FAULT_RULE_H

#include "fault/fault.h"
#include "loop.h"
#include "nvme/subsys.h"
#include "nvme/timing.h"

#define RULE_FOR_EVER	UINT64_MAX

/* What makes a rule fire. */
enum trigger {
	TRIGGER_COMMAND = 1,		/* a command is fetched */
	TRIGGER_REGISTER = 2,		/* a register or config space is accessed */
	TRIGGER_DOORBELL = 4,		/* a doorbell is written */
	TRIGGER_TIME = 8,		/* at once, or at= and period= */
};

/* Keys behind "do": what an action may say, and what it must. */
enum action_key {
	KEY_VALUE = 1 << 0,
	KEY_DELAY = 1 << 1,
	KEY_BYTE = 1 << 2,
	KEY_BIT = 1 << 3,
	KEY_COUNT = 1 << 4,
	KEY_VECTOR = 1 << 5,
	KEY_LBA = 1 << 6,
	KEY_FOR = 1 << 7,
	KEY_GAP = 1 << 8,
	KEY_STATUS = 1 << 9,
	KEY_DNR = 1 << 10,
	KEY_CID = 1 << 11,
	KEY_SQID = 1 << 12,
	KEY_SQHD = 1 << 13,
	KEY_ERROR = 1 << 14,
	KEY_REG = 1 << 15,
	KEY_CONFIG = 1 << 16,
};

/* How an action is acted out. With a trigger other than theirs WAY_SHOT is an event and WAY_ANSWER a hold. */
enum action_way {
	WAY_SHOT,			/* on the command, by whoever handles it */
	WAY_ANSWER,			/* at the access itself */
	WAY_EVENT,			/* once, each time the rule fires */
	WAY_HOLD,			/* from when the rule fires on, for= a time */
};

struct action {
	const char *name;
	enum fault_action action;
	enum action_way way;
	unsigned int triggers;		/* that it can have */
	unsigned int keys, needs;
	/* WAY_SHOT: the commands that it can act on; NULL: all. */
	bool (*fits)(const struct cmd *cmd);
	const char *help;
};

const struct action *action_named(const char *name);
/* All names with what they do, a line each. */
void action_print_help(FILE *out);

struct range {
	uint64_t first, last;		/* first > last: empty */
};

static inline bool range_has(const struct range *range, uint64_t n)
{
	return n >= range->first && n <= range->last;
}

static inline bool range_meets(const struct range *range, uint64_t first, uint64_t last)
{
	return first <= range->last && last >= range->first;
}

/* Where bytes that a rule speaks of are: of the registers, or of config space. */
struct place {
	bool given;
	int where;			/* BAR 0, or FUNCTION_CONFIG */
	struct range bytes;
};

enum rule_state { STATE_ANY, STATE_READY, STATE_DISABLED, STATE_SHUT_DOWN, STATE_FAILED,
		  STATE_SANITIZING, STATE_FORMATTING };

struct match {
	struct range opcode, queue, ctrl, cid, nsid, lba;
	bool has_lba;
	struct place place;
	bool reads, writes;		/* accesses of it */
	bool sq, cq;			/* doorbells */
	enum rule_state state;
	uint64_t nth, every, times;	/* 0: not given, or no limit */
	double probability;
	uint64_t at_ns, period_ns;	/* since the rule was added */
	struct range time_ns;		/* after= to before= */
};

struct rule {
	struct faults *faults;
	struct rule *next;
	uint32_t id;
	char *text;
	enum trigger trigger;
	enum action_way way;
	const struct action *action;
	struct match match;
	struct fault_shot shot;
	/* Action keys that a shot has no place for. */
	uint64_t for_ns, gap_ns;
	uint32_t uncorrectable, correctable;	/* pci-error */
	struct place place;		/* of the register that is changed without being accessed */
	/* Life */
	uint64_t added_ns;
	uint64_t matched, fired, acted;
	struct random random;
	struct timer begin;		/* at=, period=, or as soon as a trigger allows */
	struct timer end;		/* of a hold */
	struct timer edge;		/* after= and before= of a register */
	struct timer storm;
	unsigned int pending;		/* a bit for the index of each controller that it fires on */
	unsigned int holding;		/* likewise */
	unsigned int storming;
	uint32_t storm_left;
	uint16_t vector;		/* that an event without vector= is on */
	bool over;			/* does not fire any more */
};

/* A line for whoever wrote a rule; false, so that a parser can return it. */
struct complaint {
	char *text;
	size_t size;
};

bool complain(const struct complaint *complaint, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A rule out of its text, not yet armed; NULL with one line in @error. */
struct rule *rule_parse(const char *text, char *error, size_t size);
void rule_free(struct rule *rule);

/*
 * One word before "do" (match_key.c) or behind it (action_key.c). @value is
 * NULL without "=". @seen has a bit for each key; match words leave in
 * @triggers what they go with.
 */
bool match_key_parse(struct rule *rule, const char *name, const char *value, unsigned int *seen,
		     unsigned int *triggers, const struct complaint *complaint);
bool action_key_parse(struct rule *rule, const char *name, const char *value, unsigned int *seen,
		      const struct complaint *complaint);
/* What is missing, and defaults. */
bool action_keys_finish(struct rule *rule, unsigned int seen, const struct complaint *complaint);
/* The words before "do", a line each. */
void match_key_print_help(FILE *out);

/* NAME or a number of a register; A or A-B of config space. */
bool place_parse_register(struct place *place, const char *value);
bool place_parse_config(struct place *place, const char *value);
unsigned int place_width(const struct place *place);

/* Registers by name, case ignored; false if there is none. */
bool register_named(const char *name, struct range *bytes);
/* The name of the register at @offset, or NULL. */
const char *register_name(uint64_t offset);

/* An error of the PCI Express AER capability by its name, as a bit of one of the two. */
bool pci_error_named(const char *name, uint32_t *uncorrectable, uint32_t *correctable);
void pci_error_print_names(FILE *out);

/* Whether the matches fit, beside counters and chance. */
bool match_command(const struct rule *rule, const struct cmd *cmd);
bool match_access(const struct rule *rule, const struct ctrl *ctrl, int where, bool write,
		  uint64_t offset, unsigned int width);
bool match_doorbell(const struct rule *rule, const struct ctrl *ctrl, uint16_t qid, bool cq);
/* Of a controller and of the time since the rule was added. */
bool match_ctrl(const struct rule *rule, const struct ctrl *ctrl);
/* One that fits: true if by nth=, every=, times= and prob= the rule fires. */
bool match_count(struct rule *rule);

#endif /* DUT_FAULT_RULE_H */
