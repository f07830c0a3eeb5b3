/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Inside of the faults: the rules that are armed, and the log. */
#ifndef DUT_FAULTS_H
#define DUT_FAULTS_H

#include <stdarg.h>

#include "fault/rule.h"

#define LOG_LINES	16384

struct fault_lines {
	char **lines;			/* a ring of LOG_LINES; NULL: not used yet */
	uint64_t total;			/* lines so far; the last LOG_LINES of them are kept */
	FILE *file;			/* NULL: none */
};

struct faults {
	struct subsys *subsys;
	uint64_t start_ns;
	struct rule *rules, **rules_end;
	unsigned int nr_rules;
	uint32_t last_id;
	struct fault_lines log;
};

/* log.c. @where says of what: "ctrl=1 reg=CSTS". */
void log_free(struct fault_lines *log);
void log_rule(struct rule *rule, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* As above, of a controller. */
void log_ctrl(struct rule *rule, const struct ctrl *ctrl, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* moment.c: what a rule does that is neither a shot nor the answer to an access. */
void moment_arm(struct rule *rule);
/* It fires on a controller; @vector: that an interrupt is on unless the rule says. */
void moment_fire(struct rule *rule, struct ctrl *ctrl, uint16_t vector);
/* The rule goes: what it holds comes to its end. */
void moment_disarm(struct rule *rule);

static inline bool rule_holds(const struct rule *rule, const struct ctrl *ctrl)
{
	return rule->holding & 1U << ctrl->index;
}

/* access.c: whether its answer is the same at each access, so that an image of the registers can have it. */
bool answer_is_steady(const struct rule *rule);

#endif /* DUT_FAULTS_H */
