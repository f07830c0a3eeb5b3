// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What a rule does at a moment: once (events), or from then on (holds). Events
 * and the link wait for the loop's next round, so that no command or access is
 * in the middle of something.
 */

#include "fault/faults.h"
#include "nvme/event.h"
#include "nvme/persistent_event.h"
#include "nvme/regs.h"
#include "pcie/function.h"

static struct ctrl *ctrl_of(const struct rule *rule, unsigned int index)
{
	return rule->faults->subsys->ctrls[index];
}

static unsigned int nr_ctrls(const struct rule *rule)
{
	return rule->faults->subsys->nr_ctrls;
}

static struct loop *loop_of(const struct rule *rule)
{
	return rule->faults->subsys->loop;
}

static void publish_all(struct rule *rule)
{
	unsigned int i;

	for (i = 0; i < nr_ctrls(rule); i++)
		if (ctrl_of(rule, i))
			regs_publish(ctrl_of(rule, i));
}

static unsigned int vector_of(const struct rule *rule)
{
	return rule->shot.vector == FAULT_OWN_VECTOR ? rule->vector : rule->shot.vector;
}

static void storm_goes_on(struct timer *timer)
{
	struct rule *rule = container_of(timer, struct rule, storm);
	unsigned int i;

	for (i = 0; i < nr_ctrls(rule); i++)
		if (rule->storming & 1U << i)
			interrupt_force(ctrl_of(rule, i), vector_of(rule));
	if (--rule->storm_left)
		timer_arm(loop_of(rule), timer, timer->deadline_ns + rule->gap_ns);
	else
		rule->storming = 0;
}

static void begin_storm(struct rule *rule, struct ctrl *ctrl)
{
	log_ctrl(rule, ctrl, "%u interrupts on vector %u, %llu us apart", rule->shot.count,
		 vector_of(rule), (unsigned long long)(rule->gap_ns / NS_PER_US));
	rule->storming |= 1U << ctrl->index;
	rule->storm_left = rule->shot.count;
	rule->storm.fire = storm_goes_on;
	timer_arm(loop_of(rule), &rule->storm, loop_now(loop_of(rule)));
}

static bool is_down_otherwise(const struct rule *rule, const struct ctrl *ctrl)
{
	const struct rule *other;

	for (other = rule->faults->rules; other; other = other->next)
		if (other != rule && other->action->action == FAULT_LINK_DOWN &&
		    rule_holds(other, ctrl))
			return true;
	return !rule->faults->subsys->powered;
}

static void end_hold(struct rule *rule, struct ctrl *ctrl)
{
	rule->holding &= ~(1U << ctrl->index);
	if (rule->action->action != FAULT_LINK_DOWN)
		regs_publish(ctrl);
	else if (!is_down_otherwise(rule, ctrl))
		function_link(ctrl->function, true);
}

static void end_holds(struct rule *rule, bool tell)
{
	unsigned int i;

	for (i = 0; i < nr_ctrls(rule); i++) {
		if (!(rule->holding & 1U << i))
			continue;
		if (tell)
			log_ctrl(rule, ctrl_of(rule, i), "ends");
		end_hold(rule, ctrl_of(rule, i));
	}
}

static void hold_ends(struct timer *timer)
{
	end_holds(container_of(timer, struct rule, end), true);
}

static void log_hold(struct rule *rule, struct ctrl *ctrl)
{
	if (rule->for_ns)
		log_ctrl(rule, ctrl, "begins, for %llu us",
			 (unsigned long long)(rule->for_ns / NS_PER_US));
	else
		log_ctrl(rule, ctrl, "begins");
}

static void begin_hold(struct rule *rule, struct ctrl *ctrl)
{
	log_hold(rule, ctrl);
	rule->holding |= 1U << ctrl->index;
	if (rule->action->action == FAULT_LINK_DOWN)
		function_link(ctrl->function, false);
	else
		regs_publish(ctrl);
	if (!rule->for_ns)
		return;
	rule->end.fire = hold_ends;
	timer_arm(loop_of(rule), &rule->end, loop_now(loop_of(rule)) + rule->for_ns);
}

/* In the persistent event log. */
static void record_pci_error(struct ctrl *ctrl, const struct rule *rule)
{
	if (rule->correctable)
		persistent_event_hardware(ctrl, HARDWARE_CORRECTABLE);
	if (rule->uncorrectable)
		persistent_event_hardware(ctrl, function_aer_fatal(ctrl->function, rule->uncorrectable) ?
						HARDWARE_FATAL : HARDWARE_NON_FATAL);
}

static void act(struct rule *rule, struct ctrl *ctrl)
{
	if (rule->way == WAY_HOLD) {
		begin_hold(rule, ctrl);
		return;
	}
	switch (rule->action->action) {
	case FAULT_IRQ_SPURIOUS:
		log_ctrl(rule, ctrl, "interrupt without a completion on vector %u", vector_of(rule));
		interrupt_force(ctrl, vector_of(rule));
		break;
	case FAULT_IRQ_MASKED:
		log_ctrl(rule, ctrl, "interrupt on vector %u, masked or not", vector_of(rule));
		interrupt_force_masked(ctrl, vector_of(rule));
		break;
	case FAULT_IRQ_STORM:
		begin_storm(rule, ctrl);
		break;
	case FAULT_CFS:
		log_ctrl(rule, ctrl, "CSTS.CFS is 1");
		ctrl_fail(ctrl);
		break;
	case FAULT_EVENT_FLOOD:
		log_ctrl(rule, ctrl, "%u events", rule->shot.count);
		event_flood(ctrl, rule->shot.count);
		break;
	case FAULT_PCI_ERROR:
		log_ctrl(rule, ctrl, "uncorrectable %#x, correctable %#x", rule->uncorrectable,
			 rule->correctable);
		function_aer(ctrl->function, rule->uncorrectable, rule->correctable);
		record_pci_error(ctrl, rule);
		break;
	case FAULT_REMOVAL:
		log_ctrl(rule, ctrl, "the link is down for good");
		function_link(ctrl->function, false);
		break;
	default:
		break;
	}
}

static void act_on_pending(struct rule *rule)
{
	unsigned int i, pending = rule->pending;

	rule->pending = 0;
	for (i = 0; i < nr_ctrls(rule); i++)
		if (pending & 1U << i)
			act(rule, ctrl_of(rule, i));
}

static void trigger_fires(struct timer *timer)
{
	act_on_pending(container_of(timer, struct rule, begin));
}

static void time_fires(struct timer *timer)
{
	struct rule *rule = container_of(timer, struct rule, begin);
	unsigned int i;

	for (i = 0; i < nr_ctrls(rule); i++)
		if (ctrl_of(rule, i) && match_ctrl(rule, ctrl_of(rule, i)))
			rule->pending |= 1U << i;
	if (rule->pending && !match_count(rule))
		rule->pending = 0;
	act_on_pending(rule);
	if (rule->match.period_ns && !rule->over)
		timer_arm(loop_of(rule), timer, timer->deadline_ns + rule->match.period_ns);
}

void moment_fire(struct rule *rule, struct ctrl *ctrl, uint16_t vector)
{
	rule->vector = vector;
	if (rule->way == WAY_HOLD && rule->action->action != FAULT_LINK_DOWN) {
		act(rule, ctrl);
		return;
	}
	rule->pending |= 1U << ctrl->index;
	rule->begin.fire = trigger_fires;
	timer_arm(loop_of(rule), &rule->begin, loop_now(loop_of(rule)));
}

/* The image of the registers follows where a rule begins and ends to apply to it. */
static void edge_passes(struct timer *timer)
{
	struct rule *rule = container_of(timer, struct rule, edge);
	uint64_t last_ns = rule->match.time_ns.last;

	publish_all(rule);
	if (last_ns != UINT64_MAX && timer->deadline_ns < rule->added_ns + last_ns)
		timer_arm(loop_of(rule), timer, rule->added_ns + last_ns + 1);
}

void moment_arm(struct rule *rule)
{
	if (answer_is_steady(rule)) {
		rule->edge.fire = edge_passes;
		timer_arm(loop_of(rule), &rule->edge, rule->added_ns + rule->match.time_ns.first);
	}
	if (rule->trigger != TRIGGER_TIME)
		return;
	rule->begin.fire = time_fires;
	timer_arm(loop_of(rule), &rule->begin, rule->added_ns + rule->match.at_ns);
}

void moment_disarm(struct rule *rule)
{
	timer_cancel(loop_of(rule), &rule->begin);
	timer_cancel(loop_of(rule), &rule->end);
	timer_cancel(loop_of(rule), &rule->edge);
	timer_cancel(loop_of(rule), &rule->storm);
	if (rule->holding)
		end_holds(rule, false);
	if (answer_is_steady(rule))
		publish_all(rule);
}
