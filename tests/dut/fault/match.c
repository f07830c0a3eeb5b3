// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Whether a rule matches what happens. */
#include "fault/faults.h"
#include "nvme/cmd.h"
#include "nvme/ns.h"
#include "nvme/sanitize.h"
#include "options.h"

#define CSTS_CFS	(1U << 1)

static bool any_formatting(const struct subsys *subsys)
{
	uint32_t nsid;
	struct ns *ns;

	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++) {
		ns = ns_find(subsys, nsid);
		if (ns && ns->formatting)
			return true;
	}
	return false;
}

static bool state_fits(enum rule_state state, const struct ctrl *ctrl)
{
	switch (state) {
	case STATE_ANY:
		return true;
	case STATE_READY:
		return ctrl->enabled;
	case STATE_DISABLED:
		return !ctrl->enabled && !(ctrl->regs.csts & CSTS_CFS);
	case STATE_SHUT_DOWN:
		return ctrl->shut_down;
	case STATE_FAILED:
		return ctrl->regs.csts & CSTS_CFS;
	case STATE_SANITIZING:
		return sanitize_busy(ctrl->subsys);
	case STATE_FORMATTING:
		return any_formatting(ctrl->subsys);
	}
	return false;
}

bool match_ctrl(const struct rule *rule, const struct ctrl *ctrl)
{
	const struct match *match = &rule->match;

	return !rule->over && range_has(&match->ctrl, ctrl->cntid) &&
	       state_fits(match->state, ctrl) &&
	       range_has(&match->time_ns, loop_now(ctrl->loop) - rule->added_ns);
}

bool match_command(const struct rule *rule, const struct cmd *cmd)
{
	const struct match *match = &rule->match;

	return range_has(&match->opcode, cmd->sqe.opcode) && range_has(&match->queue, cmd->sqid) &&
	       range_has(&match->cid, cmd->sqe.cid) && range_has(&match->nsid, cmd->sqe.nsid) &&
	       (!match->has_lba ||
		(cmd->nlb && range_meets(&match->lba, cmd->slba, cmd->slba + cmd->nlb - 1))) &&
	       (!rule->action->fits || rule->action->fits(cmd)) && match_ctrl(rule, cmd->ctrl);
}

bool match_access(const struct rule *rule, const struct ctrl *ctrl, int where, bool write,
		  uint64_t offset, unsigned int width)
{
	const struct match *match = &rule->match;

	return match->place.where == where && (write ? match->writes : match->reads) &&
	       range_meets(&match->place.bytes, offset, offset + width - 1) &&
	       match_ctrl(rule, ctrl);
}

bool match_doorbell(const struct rule *rule, const struct ctrl *ctrl, uint16_t qid, bool cq)
{
	const struct match *match = &rule->match;

	return (cq ? match->cq : match->sq) && range_has(&match->queue, qid) &&
	       match_ctrl(rule, ctrl);
}

/* nth= is where it begins, every= how it goes on from there. */
static bool turn_has_come(const struct match *match, uint64_t matched)
{
	if (match->nth && matched < match->nth)
		return false;
	if (!match->every)
		return true;
	return !((matched - match->nth) % match->every);
}

bool match_count(struct rule *rule)
{
	const struct match *match = &rule->match;

	rule->matched++;
	if (!turn_has_come(match, rule->matched))
		return false;
	if (match->probability < 1 && random_unit(&rule->random) >= match->probability)
		return false;
	rule->fired++;
	rule->over = match->times && rule->fired >= match->times;
	return true;
}
