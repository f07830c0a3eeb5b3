// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Reservation Register, Acquire and Release. NVMe Base 2.1, 7.4 to 7.6 and 8.1.22 */
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/feature.h"
#include "nvme/ns.h"
#include "nvme/reservation_priv.h"

#define CDW10_BYTE	40

#define ACTION(cmd)	((cmd)->sqe.cdw10 & 7)
#define IEKEY(cmd)	((cmd)->sqe.cdw10 >> 3 & 1)
#define RTYPE(cmd)	((cmd)->sqe.cdw10 >> 8 & 0xff)
#define CPTPL(cmd)	((cmd)->sqe.cdw10 >> 30)

/* The hosts that a command has preempted. */
struct preempted {
	struct registrant host[RESERVATION_REGISTRANTS];
	unsigned int nr;
};

struct keys {
	uint64_t current, other;	/* CRKEY, and NRKEY or PRKEY */
};

static uint16_t conflict(void)
{
	return RETRY(GENERIC(RESERVATION_CONFLICT));
}

static struct reservation_state *state_of(const struct cmd *cmd)
{
	return cmd->ns->reservation->state;
}

static bool type_valid(uint8_t type)
{
	return type >= NVME_RESERVATION_RTYPE_WE && type <= NVME_RESERVATION_RTYPE_EAAR;
}

static struct registrant *find_free(struct reservation_state *state)
{
	unsigned int i;

	for (i = 0; i < RESERVATION_REGISTRANTS; i++)
		if (!state->registrants[i].used)
			return &state->registrants[i];
	return NULL;
}

static uint16_t register_key(struct cmd *cmd, struct registrant *registrant, uint64_t key)
{
	bool extended;
	const uint8_t *host = feature_host_id(cmd->ctrl, &extended);

	/* Again with the same key is no harm. 8.1.22.3 */
	if (registrant)
		return registrant->key == key ? 0 : conflict();
	registrant = find_free(state_of(cmd));
	if (!registrant)
		return GENERIC(INTERNAL);
	memset(registrant, 0, sizeof(*registrant));
	registrant->used = 1;
	registrant->key = key;
	registrant->cntid = cmd->ctrl->cntid;
	memcpy(registrant->host, host, extended ? 16 : 8);
	return 0;
}

/* Those that could do as the holder could must know that this has ended. 8.1.22.5 */
static void tell_released(struct cmd *cmd, uint8_t type)
{
	if (reservation_is_for_registrants(type))
		reservation_notify(cmd->ns, NULL, cmd->ctrl,
				   NVME_RESV_NOTIFY_RNLPT_RESERVATION_RELEASED);
}

static void unregister(struct cmd *cmd, struct registrant *registrant)
{
	uint8_t type = state_of(cmd)->type;

	if (reservation_unregister(state_of(cmd), registrant))
		tell_released(cmd, type);
}

static uint16_t register_action(struct cmd *cmd, const struct keys *keys)
{
	struct registrant *registrant = reservation_registrant(cmd->ns, cmd->ctrl);
	uint8_t action = ACTION(cmd);

	if (action == NVME_RESERVATION_RREGA_REGISTER_KEY)
		return register_key(cmd, registrant, keys->other);
	/* A replacement that ignores the key registers a host that is not. 7.6 */
	if (action == NVME_RESERVATION_RREGA_REPLACE_KEY && !registrant && IEKEY(cmd))
		return register_key(cmd, NULL, keys->other);
	if (!registrant || (!IEKEY(cmd) && registrant->key != keys->current))
		return conflict();
	if (action == NVME_RESERVATION_RREGA_REPLACE_KEY)
		registrant->key = keys->other;
	else
		unregister(cmd, registrant);
	return 0;
}

uint16_t reservation_register_run(struct cmd *cmd)
{
	uint8_t cptpl = CPTPL(cmd);
	struct keys keys;
	uint16_t status;

	if (ACTION(cmd) > NVME_RESERVATION_RREGA_REPLACE_KEY || cptpl == 1)
		return cmd_bad_field(cmd, CDW10_BYTE);
	status = cmd_take(cmd, &keys, sizeof(keys));
	if (!status)
		status = register_action(cmd, &keys);
	if (status)
		return status;
	if (cptpl)
		state_of(cmd)->ptpl = cptpl == NVME_RESERVATION_CPTPL_PERSIST;
	state_of(cmd)->generation++;
	return 0;
}

static uint16_t acquire(struct cmd *cmd, struct registrant *registrant)
{
	struct reservation_state *state = state_of(cmd);

	if (!state->type) {
		state->type = RTYPE(cmd);
		registrant->holder = 1;
		return 0;
	}
	/* The holder may say again what it has; not another type. */
	if (!reservation_holds(state, registrant) || state->type != RTYPE(cmd))
		return conflict();
	return 0;
}

/* What a preempted host has outstanding in the namespace. */
static void abort_commands(struct cmd *by, const struct registrant *host)
{
	struct subsys *subsys = by->ctrl->subsys;
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		struct ctrl *ctrl = subsys->ctrls[i];
		struct cmd *cmd;

		if (!reservation_is_host(host, ctrl))
			continue;
		/* From the start again: the end of one can move others. */
		for (cmd = ctrl->cmds; cmd;) {
			if (cmd != by && cmd->sqid && cmd->ns == by->ns &&
			    cmd_end(cmd, NVME_SC_CMD_ABORTED_PREMEPT))
				cmd = ctrl->cmds;
			else
				cmd = cmd->next;
		}
	}
}

/* Other hosts' registrations with a key, or all of them, end. How many. */
static unsigned int drop_others(struct cmd *cmd, const struct registrant *own, uint64_t key,
				bool all, struct preempted *preempted)
{
	struct reservation_state *state = state_of(cmd);
	unsigned int i, n = preempted->nr;

	for (i = 0; i < RESERVATION_REGISTRANTS; i++) {
		struct registrant *registrant = &state->registrants[i];

		if (!registrant->used || registrant == own || (!all && registrant->key != key))
			continue;
		preempted->host[preempted->nr++] = *registrant;
		memset(registrant, 0, sizeof(*registrant));
	}
	return preempted->nr - n;
}

/* One holder's key, when it is not all that hold it. */
static bool is_holders_key(const struct reservation_state *state, uint64_t key)
{
	unsigned int i;

	for (i = 0; i < RESERVATION_REGISTRANTS; i++)
		if (state->registrants[i].used && state->registrants[i].holder &&
		    state->registrants[i].key == key)
			return true;
	return false;
}

static void take_over(struct cmd *cmd, struct registrant *own)
{
	struct reservation_state *state = state_of(cmd);
	uint8_t was = state->type;
	unsigned int i;

	for (i = 0; i < RESERVATION_REGISTRANTS; i++)
		state->registrants[i].holder = 0;
	own->holder = 1;
	state->type = RTYPE(cmd);
	if (was != state->type)
		tell_released(cmd, was);
}

/* 8.1.22.6 */
static uint16_t preempt(struct cmd *cmd, struct registrant *own, uint64_t key,
			struct preempted *preempted)
{
	struct reservation_state *state = state_of(cmd);
	bool shared = state->type && reservation_is_shared(state->type);

	if (shared && !key) {
		drop_others(cmd, own, 0, true, preempted);
		take_over(cmd, own);
		return 0;
	}
	if (state->type && !shared) {
		if (!key)
			return cmd_bad_field(cmd, CDW10_BYTE);
		if (is_holders_key(state, key)) {
			drop_others(cmd, own, key, false, preempted);
			take_over(cmd, own);
			return 0;
		}
	}
	return drop_others(cmd, own, key, false, preempted) ? 0 : conflict();
}

static uint16_t preempt_run(struct cmd *cmd, struct registrant *own, uint64_t key)
{
	struct preempted preempted = { .nr = 0 };
	uint16_t status = preempt(cmd, own, key, &preempted);
	unsigned int i;

	if (status)
		return status;
	state_of(cmd)->generation++;
	for (i = 0; i < preempted.nr; i++)
		reservation_notify(cmd->ns, &preempted.host[i], cmd->ctrl,
				   NVME_RESV_NOTIFY_RNLPT_REGISTRATION_PREEMPTED);
	/* Last: the end of commands can start others, of this kind too. */
	if (ACTION(cmd) == NVME_RESERVATION_RACQA_PREEMPT_AND_ABORT)
		for (i = 0; i < preempted.nr; i++)
			abort_commands(cmd, &preempted.host[i]);
	return 0;
}

uint16_t reservation_acquire_run(struct cmd *cmd)
{
	struct registrant *registrant;
	struct keys keys;
	uint16_t status;

	if (ACTION(cmd) > NVME_RESERVATION_RACQA_PREEMPT_AND_ABORT || IEKEY(cmd) ||
	    !type_valid(RTYPE(cmd)))
		return cmd_bad_field(cmd, CDW10_BYTE);
	status = cmd_take(cmd, &keys, sizeof(keys));
	if (status)
		return status;
	registrant = reservation_registrant(cmd->ns, cmd->ctrl);
	if (!registrant || registrant->key != keys.current)
		return conflict();
	if (ACTION(cmd) == NVME_RESERVATION_RACQA_ACQUIRE)
		return acquire(cmd, registrant);
	return preempt_run(cmd, registrant, keys.other);
}

static void end_reservation(struct reservation_state *state)
{
	unsigned int i;

	state->type = 0;
	for (i = 0; i < RESERVATION_REGISTRANTS; i++)
		state->registrants[i].holder = 0;
}

static uint16_t release(struct cmd *cmd, const struct registrant *registrant)
{
	struct reservation_state *state = state_of(cmd);
	uint8_t type = state->type;

	/* Nothing held by this host: nothing to be done. */
	if (!reservation_holds(state, registrant))
		return 0;
	if (type != RTYPE(cmd))
		return cmd_bad_field(cmd, CDW10_BYTE + 1);
	end_reservation(state);
	tell_released(cmd, type);
	return 0;
}

static void clear(struct cmd *cmd)
{
	struct reservation_state *state = state_of(cmd);

	if (state->type)
		reservation_notify(cmd->ns, NULL, cmd->ctrl,
				   NVME_RESV_NOTIFY_RNLPT_RESERVATION_PREEMPTED);
	else
		reservation_notify(cmd->ns, NULL, cmd->ctrl,
				   NVME_RESV_NOTIFY_RNLPT_REGISTRATION_PREEMPTED);
	state->type = 0;
	memset(state->registrants, 0, sizeof(state->registrants));
	state->generation++;
}

uint16_t reservation_release_run(struct cmd *cmd)
{
	struct registrant *registrant;
	uint64_t key;
	uint16_t status;

	if (ACTION(cmd) > NVME_RESERVATION_RRELA_CLEAR || IEKEY(cmd))
		return cmd_bad_field(cmd, CDW10_BYTE);
	status = cmd_take(cmd, &key, sizeof(key));
	if (status)
		return status;
	registrant = reservation_registrant(cmd->ns, cmd->ctrl);
	if (!registrant || registrant->key != key)
		return conflict();
	if (ACTION(cmd) == NVME_RESERVATION_RRELA_RELEASE)
		return release(cmd, registrant);
	clear(cmd);
	return 0;
}
