// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The way of a command: fetch, schedule, run, complete. */
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/cmd_check.h"
#include "nvme/ctrl.h"
#include "nvme/error_log.h"
#include "nvme/feature.h"
#include "nvme/ns.h"
#include "nvme/power.h"
#include "nvme/smart.h"
#include "nvme/subsys.h"
#include "nvme/timing.h"
#include "options.h"

#define FUSE(cmd)	((cmd)->sqe.flags & 3)
#define FUSE_FIRST	1
#define FUSE_SECOND	2

static struct cmd *cmd_new(struct sq *sq)
{
	struct ctrl *ctrl = sq->ctrl;
	struct cmd *cmd = ctrl->free_cmds;

	if (cmd)
		ctrl->free_cmds = cmd->next;
	else
		cmd = calloc(1, sizeof(*cmd));
	if (!cmd)
		return NULL;
	cmd->ctrl = ctrl;
	cmd->sq = sq;
	cmd->sqid = sq->id;
	cmd->cq = sq->cq;
	cmd->ns = NULL;
	cmd->dw0 = 0;
	cmd->dw1 = 0;
	cmd->fused = NULL;
	cmd->cancel = NULL;
	cmd->context = NULL;
	cmd->nr_shots = 0;
	cmd->running = false;
	cmd->done = false;
	cmd->delayed = false;
	cmd->waited = false;
	cmd->error_location = NO_LOCATION;
	return cmd;
}

static void link_cmd(struct ctrl *ctrl, struct cmd *cmd)
{
	cmd->next = NULL;
	cmd->prev = ctrl->cmds_last;
	if (cmd->prev)
		cmd->prev->next = cmd;
	else
		ctrl->cmds = cmd;
	ctrl->cmds_last = cmd;
	ctrl->outstanding += cmd->sqid != 0;
}

void cmd_free(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;

	timer_cancel(ctrl->loop, &cmd->timer);
	if (cmd->prev)
		cmd->prev->next = cmd->next;
	else
		ctrl->cmds = cmd->next;
	if (cmd->next)
		cmd->next->prev = cmd->prev;
	else
		ctrl->cmds_last = cmd->prev;
	ctrl->outstanding -= cmd->sqid != 0;
	cmd->next = ctrl->free_cmds;
	ctrl->free_cmds = cmd;
}

void cmd_free_all(struct ctrl *ctrl)
{
	struct cmd *cmd;

	while ((cmd = ctrl->free_cmds)) {
		ctrl->free_cmds = cmd->next;
		free(cmd);
	}
}

void cmd_complete(struct cmd *cmd, uint16_t status)
{
	struct ctrl *ctrl = cmd->ctrl;
	const struct fault_shot *shot = fault_find(cmd, FAULT_CPL_STATUS);
	bool was_full = ctrl->outstanding >= ctrl->options->slots;

	if (status & STATUS_CRD1 && !feature_retry_delay(ctrl))
		status &= ~STATUS_CRD1;
	if (shot) {
		status = shot->value;
		fault_log(cmd, shot, "ends with status %#x", status);
	}
	if (cmd->nr_shots && !status)
		xfer_fault(cmd);
	xfer_unmap(cmd);
	cmd->cancel = NULL;
	cmd->done = true;
	cmd->status = status;
	if (cmd->sq)
		cmd->sqhd = cmd->sq->head;
	if (cmd->sqid)
		smart_account(cmd, status);
	if (status)
		error_log_add(cmd, status);
	cq_post(cmd->cq, cmd);
	/* A slot is free; inside a round of fetching that one goes on by itself. */
	if (was_full)
		ctrl_fetch(ctrl);
}

static uint16_t execute(struct cmd *cmd)
{
	const struct fault_shot *shot = fault_find(cmd, FAULT_CPL_STATUS);
	uint16_t status = cmd_check(cmd);

	/* A command that a rule fails does nothing, as one that the device refused. */
	if (!status && shot && shot->value)
		status = shot->value;
	return status ? status : cmd->command->run(cmd);
}

/* Both are done at once, with nothing in between: compare and write is atomic. NVM 1.1, 3.1.1 */
static void run_fused(struct cmd *first, struct cmd *second)
{
	uint16_t status;

	first->running = true;
	status = execute(first);
	cmd_complete(first, status);
	second->fused = NULL;
	cmd_complete(second, status ? NVME_SC_FUSED_FAIL : execute(second));
}

static void cmd_run(struct cmd *cmd)
{
	uint16_t status;

	cmd->running = true;
	if (cmd->fused) {
		run_fused(cmd->fused, cmd);
		return;
	}
	status = execute(cmd);
	if (status != CMD_PENDING)
		cmd_complete(cmd, status);
}

static void latency_ends(struct timer *timer)
{
	struct cmd *cmd = container_of(timer, struct cmd, timer);
	struct ctrl *ctrl = cmd->ctrl;

	ctrl->now_ns = loop_now(ctrl->loop);
	cmd_run(cmd);
	ctrl_fetch(ctrl);
}

static void cmd_schedule(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	uint64_t deadline;

	if (cmd->command && cmd->command->flags & COMMAND_AT_ONCE) {
		cmd_run(cmd);
		return;
	}
	deadline = timing_deadline(ctrl->subsys->timing, cmd, cmd_length(cmd), cmd->fetched_ns);
	deadline += power_wake(cmd);
	if (deadline <= cmd->fetched_ns) {
		cmd_run(cmd);
		return;
	}
	cmd->timer.fire = latency_ends;
	timer_arm(ctrl->loop, &cmd->timer, deadline);
}

/* The first of two has nothing to wait for if the next entry is not its second. */
static void end_missing(struct sq *sq)
{
	struct cmd *first = sq->fused_first;

	sq->fused_first = NULL;
	if (first)
		cmd_complete(first, NVME_SC_FUSED_MISSING);
}

/* The one pair that FUSES of Identify Controller names, on one range of one namespace. NVM 1.1, 3.1.1 */
static bool is_compare_and_write(const struct cmd *first, const struct cmd *second)
{
	return first->sqe.opcode == nvme_cmd_compare && second->sqe.opcode == nvme_cmd_write &&
	       first->sqe.nsid == second->sqe.nsid && first->slba == second->slba &&
	       first->nlb == second->nlb;
}

static void pair(struct sq *sq, struct cmd *cmd)
{
	struct cmd *first = sq->fused_first;

	if (!first) {
		cmd_complete(cmd, NVME_SC_FUSED_MISSING);
		return;
	}
	sq->fused_first = NULL;
	if (!is_compare_and_write(first, cmd)) {
		cmd_complete(first, cmd_bad_field(first, 1));
		cmd_complete(cmd, cmd_bad_field(cmd, 1));
		return;
	}
	cmd->fused = first;
	cmd_schedule(cmd);
}

static void join(struct sq *sq, struct cmd *cmd)
{
	switch (FUSE(cmd)) {
	case FUSE_FIRST:
		end_missing(sq);
		sq->fused_first = cmd;
		break;
	case FUSE_SECOND:
		pair(sq, cmd);
		break;
	default:
		end_missing(sq);
		cmd_complete(cmd, cmd_bad_field(cmd, 1));
		break;
	}
}

void cmd_fetch(struct sq *sq)
{
	struct ctrl *ctrl = sq->ctrl;
	struct cmd *cmd = cmd_new(sq);

	if (!cmd || sq_take(sq, &cmd->sqe)) {
		/* The entry cannot be read: a fatal error. 3.1.4.6 */
		if (cmd) {
			cmd->next = ctrl->free_cmds;
			ctrl->free_cmds = cmd;
		}
		ctrl_fail(ctrl);
		return;
	}
	cmd->fetched_ns = ctrl->now_ns;
	cmd_look_up(cmd);
	link_cmd(ctrl, cmd);
	faults_choose(ctrl->subsys->faults, cmd);
	power_active(ctrl);
	if (cmd->sqid && ctrl->options->fused && (FUSE(cmd) || sq->fused_first)) {
		if (FUSE(cmd)) {
			join(sq, cmd);
			return;
		}
		end_missing(sq);
	}
	cmd_schedule(cmd);
}

static void stop(struct cmd *cmd)
{
	timer_cancel(cmd->ctrl->loop, &cmd->timer);
	if (cmd->cancel)
		cmd->cancel(cmd);
	cmd->cancel = NULL;
	if (cmd->sq && cmd->sq->fused_first == cmd)
		cmd->sq->fused_first = NULL;
}

/* A command that a later one is fused to is not ended without it. */
static bool is_half(const struct cmd *cmd)
{
	const struct cmd *other;

	for (other = cmd->next; other; other = other->next)
		if (other->fused == cmd)
			return true;
	return false;
}

bool cmd_end(struct cmd *cmd, uint16_t status)
{
	if (cmd->done || (cmd->running && !cmd->cancel) || cmd->fused || is_half(cmd))
		return false;
	stop(cmd);
	cmd_complete(cmd, status);
	return true;
}

bool cmd_abort(struct ctrl *ctrl, uint16_t sqid, uint16_t cid)
{
	struct cmd *cmd;

	for (cmd = ctrl->cmds; cmd; cmd = cmd->next)
		if (cmd->sqid == sqid && cmd->sqe.cid == cid && !cmd->done)
			return cmd_end(cmd, NVME_SC_ABORT_REQ);
	return false;
}

void cmd_end_queue(struct ctrl *ctrl, struct sq *sq)
{
	struct cmd *cmd, *next;

	for (cmd = ctrl->cmds; cmd; cmd = next) {
		next = cmd->next;
		if (cmd->sq != sq || cmd->done)
			continue;
		stop(cmd);
		cmd->fused = NULL;
		cmd_complete(cmd, NVME_SC_ABORT_QUEUE);
	}
}

void cmd_drop(struct ctrl *ctrl)
{
	struct cmd *cmd;
	uint32_t qid;

	for (qid = 0; qid <= ctrl->nr_queues; qid++)
		if (ctrl->cq && ctrl->cq[qid])
			ctrl->cq[qid]->waiting = ctrl->cq[qid]->waiting_last = NULL;
	while ((cmd = ctrl->cmds)) {
		stop(cmd);
		if (!cmd->done)
			xfer_unmap(cmd);
		cmd_free(cmd);
	}
}

uint16_t cmd_reply(struct cmd *cmd, const void *data, size_t have, size_t want)
{
	static const unsigned char zeros[4096];
	size_t done = have < want ? have : want, n;
	uint16_t status;

	status = xfer_map(cmd, want);
	if (!status && done)
		status = xfer_to_host(cmd, 0, data, done);
	for (; !status && done < want; done += n) {
		n = want - done < sizeof(zeros) ? want - done : sizeof(zeros);
		status = xfer_to_host(cmd, done, zeros, n);
	}
	return status;
}

uint16_t cmd_take(struct cmd *cmd, void *data, size_t length)
{
	uint16_t status = xfer_map(cmd, length);

	return status ? status : xfer_from_host(cmd, 0, data, length);
}
