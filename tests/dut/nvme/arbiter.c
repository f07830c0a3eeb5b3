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
#define ANY		(-1)	/* priority */

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

/* The queue of a class (any, without classes) that has its turn still, or else the one after it. */
static uint32_t next_queue(const struct ctrl *ctrl, const struct turn *turn, int priority)
{
	uint32_t i, qid, top = ctrl->top_queue;

	for (i = turn->left ? 0 : 1; top && i <= top; i++) {
		qid = (turn->qid + i + top - 1) % top + 1;
		if (ctrl->sq[qid] && sq_has_entry(ctrl->sq[qid]) &&
		    (priority < 0 || ctrl->sq[qid]->priority == priority))
			return qid;
	}
	return 0;
}

/* A turn goes on when a slot is free again; it ends with its burst, or when the queue is empty. */
static uint32_t serve_turn(struct ctrl *ctrl, struct turn *turn, uint32_t qid, uint32_t limit)
{
	uint32_t n;

	if (qid != turn->qid || !turn->left) {
		turn->qid = qid;
		turn->left = burst(feature_value(ctrl, NVME_FEAT_FID_ARBITRATION));
	}
	n = serve(ctrl, qid, limit < turn->left ? limit : turn->left);
	turn->left = ctrl->sq[qid] && sq_has_entry(ctrl->sq[qid]) ? turn->left - n : 0;
	return n;
}

static bool round_robin(struct ctrl *ctrl, struct turn *turn, int priority)
{
	bool found = false;
	uint32_t qid;

	while (has_slot(ctrl) && (qid = next_queue(ctrl, turn, priority)))
		found |= serve_turn(ctrl, turn, qid, NO_LIMIT) > 0;
	return found;
}

/*
 * A class spends credits, one for each command; all have their weight again
 * once no class with commands has any left.
 */
static uint32_t next_weighted(struct ctrl *ctrl, enum priority *class)
{
	uint32_t arbitration = feature_value(ctrl, NVME_FEAT_FID_ARBITRATION), qid;
	bool refilled = false;

	for (;;) {
		bool waiting = false;

		for (*class = HIGH; *class < CLASSES; ++*class) {
			qid = next_queue(ctrl, &ctrl->class_turn[*class], *class);
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
	struct turn *urgent = &ctrl->class_turn[URGENT], *turn;
	bool found = round_robin(ctrl, urgent, URGENT);
	enum priority class;
	uint32_t qid;

	while (has_slot(ctrl) && (qid = next_weighted(ctrl, &class))) {
		turn = &ctrl->class_turn[class];
		ctrl->credits[class] -= serve_turn(ctrl, turn, qid, ctrl->credits[class]);
		if (!ctrl->credits[class])
			turn->left = 0;
		found = true;
		round_robin(ctrl, urgent, URGENT);
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
		found |= round_robin(ctrl, &ctrl->turn, ANY);
	ctrl->fetching = false;
	return found;
}
