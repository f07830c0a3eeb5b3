// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Faults at accesses: registers, config space, doorbells, CSTS.RDY. */
#include <string.h>

#include "fault/faults.h"
#include "nvme/regs.h"
#include "options.h"
#include "pcie/function.h"

struct access {
	struct ctrl *ctrl;
	int where;
	bool write;
	uint64_t offset;
	unsigned int width;
	uint64_t value;
	bool answered;
	bool has_real;			/* value is that of the device, or of an earlier rule */
};

static uint64_t ones(unsigned int width)
{
	return width >= 8 ? UINT64_MAX : (1ULL << 8 * width) - 1;
}

static void read_real(struct access *access)
{
	if (access->has_real)
		return;
	access->has_real = true;
	if (access->where == FUNCTION_CONFIG)
		access->value = function_config_read(access->ctrl->function, access->offset,
						     access->width);
	else
		access->value = regs_read(access->ctrl, access->offset, access->width);
}

/* The bytes of @place that the access has in common with it. */
static void lay_over(struct access *access, const struct place *place, uint64_t value)
{
	uint64_t i, at;

	read_real(access);
	for (i = 0; i < access->width; i++) {
		at = access->offset + i;
		if (!range_has(&place->bytes, at))
			continue;
		access->value &= ~(0xffULL << 8 * i);
		access->value |= (value >> 8 * (at - place->bytes.first) & 0xff) << 8 * i;
	}
	access->answered = true;
}

static void answer_ones(struct access *access)
{
	access->value = ones(access->width);
	access->has_real = true;
	access->answered = true;
}

static void apply_hold(const struct rule *rule, struct access *access)
{
	bool is_config = access->where == FUNCTION_CONFIG;

	switch (rule->action->action) {
	case FAULT_ALL_ONES:
		if (!is_config)
			answer_ones(access);
		break;
	case FAULT_CONFIG_ONES:
		if (is_config)
			answer_ones(access);
		break;
	case FAULT_REGISTER:
		if (!access->write && rule->place.where == access->where &&
		    range_meets(&rule->place.bytes, access->offset,
				access->offset + access->width - 1))
			lay_over(access, &rule->place, rule->shot.value);
		break;
	default:
		break;
	}
}

static void log_access(struct rule *rule, const struct access *access, uint64_t before)
{
	const char *name = access->where == FUNCTION_CONFIG ? NULL : register_name(access->offset);
	char where[64];

	if (name)
		snprintf(where, sizeof(where), "ctrl=%u reg=%s", access->ctrl->cntid, name);
	else
		snprintf(where, sizeof(where), "ctrl=%u %s=%#llx", access->ctrl->cntid,
			 access->where == FUNCTION_CONFIG ? "config" : "reg",
			 (unsigned long long)access->offset);
	if (access->write)
		log_rule(rule, where, "write of %#llx ignored", (unsigned long long)before);
	else
		log_rule(rule, where, "read as %#llx instead of %#llx",
			 (unsigned long long)access->value, (unsigned long long)before);
}

static void answer(struct rule *rule, struct access *access)
{
	uint64_t before;

	if (access->write) {
		access->answered = true;
		log_access(rule, access, access->value);
		return;
	}
	read_real(access);
	before = access->value;
	lay_over(access, &rule->match.place, rule->shot.value);
	log_access(rule, access, before);
}

static void meet(struct rule *rule, struct access *access)
{
	struct ctrl *ctrl = access->ctrl;

	if (rule_holds(rule, ctrl))
		apply_hold(rule, access);
	if (rule->trigger != TRIGGER_REGISTER ||
	    !match_access(rule, ctrl, access->where, access->write, access->offset,
			  access->width) || !match_count(rule))
		return;
	if (rule->way == WAY_ANSWER)
		answer(rule, access);
	else
		moment_fire(rule, ctrl, 0);
}

bool faults_intercept(struct faults *faults, struct ctrl *ctrl, int where, bool write,
		      uint64_t offset, unsigned int width, uint64_t *value)
{
	struct access access = {
		.ctrl = ctrl, .where = where, .write = write, .offset = offset, .width = width,
		.value = write ? *value : 0, .has_real = write,
	};
	struct rule *rule;

	for (rule = faults->rules; rule; rule = rule->next)
		meet(rule, &access);
	if (access.answered && !write)
		*value = access.value;
	return access.answered;
}

bool faults_eat_doorbell(struct faults *faults, struct ctrl *ctrl, uint16_t qid, bool cq,
			 uint32_t value)
{
	bool eaten = false;
	struct rule *rule;
	char where[64];

	for (rule = faults->rules; rule; rule = rule->next) {
		/* Mapped doorbells come by no other way. */
		if (rule_holds(rule, ctrl) && rule->action->action == FAULT_ALL_ONES)
			eaten = true;
		if (rule->trigger != TRIGGER_DOORBELL || !match_doorbell(rule, ctrl, qid, cq) ||
		    !match_count(rule))
			continue;
		if (rule->way != WAY_ANSWER) {
			moment_fire(rule, ctrl, 0);
			continue;
		}
		snprintf(where, sizeof(where), "ctrl=%u queue=%u doorbell=%s", ctrl->cntid, qid,
			 cq ? "cq" : "sq");
		log_rule(rule, where, "%u ignored", value);
		eaten = true;
	}
	return eaten;
}

bool faults_rdy_stuck(struct faults *faults, struct ctrl *ctrl, bool *at)
{
	const struct rule *rule;

	for (rule = faults->rules; rule; rule = rule->next) {
		if (rule->action->action != FAULT_RDY_STUCK || !rule_holds(rule, ctrl))
			continue;
		*at = rule->shot.value;
		return true;
	}
	return false;
}

uint64_t faults_rdy_delay(struct faults *faults, struct ctrl *ctrl)
{
	uint64_t delay_ns = 0;
	struct rule *rule;

	for (rule = faults->rules; rule; rule = rule->next) {
		if (rule->action->action != FAULT_RDY_SLOW || !rule_holds(rule, ctrl))
			continue;
		delay_ns += rule->shot.delay_ns;
		log_ctrl(rule, ctrl, "RDY %llu ms late",
			 (unsigned long long)(rule->shot.delay_ns / NS_PER_MS));
	}
	return delay_ns;
}

bool answer_is_steady(const struct rule *rule)
{
	const struct match *match = &rule->match;

	return rule->way == WAY_ANSWER && rule->action->action == FAULT_REGISTER &&
	       match->reads && !match->nth && !match->every && !match->times &&
	       match->probability >= 1;
}

static void image_over(const struct place *place, uint64_t value, unsigned char *image,
		       size_t length)
{
	uint64_t at;

	for (at = place->bytes.first; at <= place->bytes.last && at < length; at++)
		image[at] = value >> 8 * (at - place->bytes.first);
}

void faults_overlay(struct faults *faults, struct ctrl *ctrl, unsigned char *image, size_t length)
{
	const struct rule *rule;

	for (rule = faults->rules; rule; rule = rule->next) {
		bool holds = rule_holds(rule, ctrl);

		if (holds && rule->action->action == FAULT_ALL_ONES)
			memset(image, 0xff, length);
		if (holds && rule->action->action == FAULT_REGISTER && !rule->place.where)
			image_over(&rule->place, rule->shot.value, image, length);
		if (answer_is_steady(rule) && !rule->match.place.where && match_ctrl(rule, ctrl))
			image_over(&rule->match.place, rule->shot.value, image, length);
	}
}
