// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Which submission queue is served next: round robin, or weighted round robin
 * with an urgent class. Admin comes first in both. NVMe Base 2.1, 3.4.4
 */
#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/feature.h"
#include "options.h"

#define NO_LIMIT	UINT32_MAX

enum priority { URGENT, HIGH, MEDIUM, LOW, CLASSES };

static bool has_slot(const struct ctrl *ctrl)
{
	return ctrl->enabled && ctrl->outstanding < ctrl->options->slots;
}

/* Arbitration Burst: 2 to this power commands, 7 is no limit. */
static uint32_t burst(uint32_t arbitration)
{
	uint32_t ab = arbitration & 7;

	return ab == 7 ? NO_LIMIT : 1U << ab;
}

static uint32_t serve(struct ctrl *ctrl, uint16_t qid, uint32_t limit)
{
	uint32_t n = 0;

	/* A command may end the queue itself. */
	while (n < limit && ctrl->sq[qid] && sq_has_entry(ctrl->sq[qid]) &&
	       (qid ? has_slot(ctrl) : ctrl->enabled)) {
		cmd_fetch(ctrl->sq[qid]);
		n++;
	}
	return n;
}

/* The next queue of a class (any, without classes) after the one that had its turn. */
static uint32_t next_queue(const struct ctrl *ctrl, uint32_t after, int priority)
{
	uint32_t i, qid;

	for (i = 1; i <= ctrl->top_queue; i++) {
		qid = (after + i - 1) % ctrl->top_queue + 1;
		if (ctrl->sq[qid] && sq_has_entry(ctrl->sq[qid]) &&
		    (priority < 0 || ctrl->sq[qid]->priority == priority))
			return qid;
	}
	return 0;
}

static bool round_robin(struct ctrl *ctrl)
{
	uint32_t limit = burst(feature_value(ctrl, NVME_FEAT_FID_ARBITRATION)), qid;
	bool found = false;

	while (has_slot(ctrl) && (qid = next_queue(ctrl, ctrl->turn, -1))) {
		ctrl->turn = qid;
		found |= serve(ctrl, qid, limit) > 0;
	}
	return found;
}

static bool serve_urgent(struct ctrl *ctrl, uint32_t limit)
{
	bool found = false;
	uint32_t qid;

	while (has_slot(ctrl) && (qid = next_queue(ctrl, ctrl->class_turn[URGENT], URGENT))) {
		ctrl->class_turn[URGENT] = qid;
		found |= serve(ctrl, qid, limit) > 0;
	}
	return found;
}

/*
 * A class spends credits, one for each command; all have their weight again
 * once no class with commands has any left.
 */
static uint32_t next_weighted(struct ctrl *ctrl, uint32_t arbitration, enum priority *class)
{
	bool refilled = false;
	uint32_t qid;

	for (;;) {
		bool waiting = false;

		for (*class = HIGH; *class < CLASSES; ++*class) {
			qid = next_queue(ctrl, ctrl->class_turn[*class], *class);
			waiting |= qid;
			if (qid && ctrl->credits[*class])
				return qid;
		}
		if (!waiting || refilled)
			return 0;
		ctrl->credits[HIGH] = (arbitration >> 24 & 0xff) + 1;
		ctrl->credits[MEDIUM] = (arbitration >> 16 & 0xff) + 1;
		ctrl->credits[LOW] = (arbitration >> 8 & 0xff) + 1;
		refilled = true;
	}
}

static bool weighted_round_robin(struct ctrl *ctrl)
{
	uint32_t arbitration = feature_value(ctrl, NVME_FEAT_FID_ARBITRATION), limit, qid, n;
	bool found = serve_urgent(ctrl, burst(arbitration));
	enum priority class;

	while (has_slot(ctrl) && (qid = next_weighted(ctrl, arbitration, &class))) {
		limit = burst(arbitration);
		if (limit > ctrl->credits[class])
			limit = ctrl->credits[class];
		ctrl->class_turn[class] = qid;
		n = serve(ctrl, qid, limit);
		ctrl->credits[class] -= n;
		found = true;
		serve_urgent(ctrl, burst(arbitration));
	}
	return found;
}

bool ctrl_fetch(struct ctrl *ctrl)
{
	bool found;

	if (ctrl->fetching || !ctrl->enabled)
		return false;
	ctrl->fetching = true;
	ctrl->now_ns = loop_now(ctrl->loop);
	found = serve(ctrl, 0, NO_LIMIT) > 0;
	if (NVME_CC_AMS(ctrl->regs.cc) == NVME_CC_AMS_WRRU)
		found |= weighted_round_robin(ctrl);
	else
		found |= round_robin(ctrl);
	ctrl->fetching = false;
	return found;
}
