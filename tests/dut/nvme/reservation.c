// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Reservations of a namespace: what is kept, whom they let through, whom they tell. */
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/feature.h"
#include "nvme/ns.h"
#include "nvme/reservation_log.h"
#include "nvme/reservation_priv.h"
#include "options.h"

static struct reservation_state *state_of(const struct ns *ns)
{
	char name[32];

	snprintf(name, sizeof(name), "reservation-%u", ns->nsid);
	return state_section(ns->subsys, name, sizeof(struct reservation_state));
}

struct reservation *reservation_new(struct ns *ns)
{
	struct reservation *reservation = calloc(1, sizeof(*reservation));

	if (!reservation)
		return NULL;
	reservation->ns = ns;
	reservation->state = state_of(ns);
	/* A process begins as power comes on. */
	if (!reservation->state->ptpl)
		memset(reservation->state, 0, sizeof(*reservation->state));
	return reservation;
}

void reservation_free(struct reservation *reservation)
{
	free(reservation);
}

void reservation_forget(struct ns *ns)
{
	memset(state_of(ns), 0, sizeof(struct reservation_state));
}

void reservation_power(struct ns *ns)
{
	if (!ns->reservation->state->ptpl)
		memset(ns->reservation->state, 0, sizeof(*ns->reservation->state));
}

static bool is_zero(const uint8_t *id)
{
	static const uint8_t zeros[16];

	return !memcmp(id, zeros, sizeof(zeros));
}

static void host_of(const struct ctrl *ctrl, uint8_t id[16])
{
	bool extended;
	const uint8_t *host = feature_host_id(ctrl, &extended);

	memset(id, 0, 16);
	memcpy(id, host, extended ? 16 : 8);
}

bool reservation_is_host(const struct registrant *registrant, const struct ctrl *ctrl)
{
	uint8_t id[16];

	host_of(ctrl, id);
	if (memcmp(registrant->host, id, sizeof(id)))
		return false;
	/* Two controllers with an identifier of 0 have different hosts. 5.1.25.1.28 */
	return !is_zero(id) || registrant->cntid == ctrl->cntid;
}

struct registrant *reservation_registrant(const struct ns *ns, const struct ctrl *ctrl)
{
	struct reservation_state *state = ns->reservation->state;
	unsigned int i;

	for (i = 0; i < RESERVATION_REGISTRANTS; i++)
		if (state->registrants[i].used &&
		    reservation_is_host(&state->registrants[i], ctrl))
			return &state->registrants[i];
	return NULL;
}

bool reservation_holds(const struct reservation_state *state, const struct registrant *registrant)
{
	return registrant && state->type &&
	       (registrant->holder || reservation_is_shared(state->type));
}

bool reservation_unregister(struct reservation_state *state, struct registrant *registrant)
{
	bool held = reservation_holds(state, registrant), others = false;
	unsigned int i;

	memset(registrant, 0, sizeof(*registrant));
	if (!held)
		return false;
	for (i = 0; i < RESERVATION_REGISTRANTS; i++)
		others |= state->registrants[i].used;
	/* One that all registrants hold ends with the last of them. 8.1.22.5 */
	if (reservation_is_shared(state->type) && others)
		return false;
	state->type = 0;
	return true;
}

void reservation_reset(struct ctrl *ctrl)
{
	uint32_t nsid;

	for (nsid = 1; nsid <= ctrl->options->max_namespaces; nsid++) {
		struct ns *ns = ctrl->subsys->ns[nsid];
		unsigned int i;

		for (i = 0; ns && i < RESERVATION_REGISTRANTS; i++) {
			struct registrant *registrant = &ns->reservation->state->registrants[i];

			if (registrant->used && is_zero(registrant->host) &&
			    registrant->cntid == ctrl->cntid)
				reservation_unregister(ns->reservation->state, registrant);
		}
		if (ns)
			ns->reservation->mask[ctrl->index] = 0;
	}
}

static bool is_exclusive_access(uint8_t type)
{
	return type == NVME_RESERVATION_RTYPE_EA || type == NVME_RESERVATION_RTYPE_EARO ||
	       type == NVME_RESERVATION_RTYPE_EAAR;
}

bool reservation_forbids(const struct ns *ns, const struct ctrl *ctrl, bool write)
{
	const struct reservation_state *state = ns->reservation->state;
	const struct registrant *registrant;

	if (!state->type || (!write && !is_exclusive_access(state->type)))
		return false;
	registrant = reservation_registrant(ns, ctrl);
	if (reservation_is_for_registrants(state->type))
		return !registrant;
	return !reservation_holds(state, registrant);
}

/* A command to all namespaces: any of them may forbid it. */
static bool any_forbids(const struct ctrl *ctrl, bool write)
{
	struct ns *ns;
	uint32_t nsid;

	for (nsid = 1; nsid <= ctrl->options->max_namespaces; nsid++) {
		ns = ns_attached(ctrl, nsid);
		if (ns && reservation_forbids(ns, ctrl, write))
			return true;
	}
	return false;
}

/* The groups that reservations know, which have more than what reads and writes blocks. 8.1.22 */
enum group { GROUP_NONE, GROUP_READ, GROUP_WRITE };

static enum group admin_group(uint8_t opcode)
{
	switch (opcode) {
	case nvme_admin_format_nvm:
	case nvme_admin_ns_attach:
	case nvme_admin_ns_mgmt:
	case nvme_admin_security_send:
		return GROUP_WRITE;
	case nvme_admin_security_recv:
		return GROUP_READ;
	default:
		return GROUP_NONE;
	}
}

static enum group group_of(const struct cmd *cmd)
{
	if (!cmd->sqid)
		return admin_group(cmd->sqe.opcode);
	if (cmd->command->flags & COMMAND_WRITES || cmd->sqe.opcode == nvme_cmd_flush)
		return GROUP_WRITE;
	return cmd->command->flags & COMMAND_READS ? GROUP_READ : GROUP_NONE;
}

bool reservation_conflict(const struct cmd *cmd)
{
	enum group group = group_of(cmd);
	const struct ns *ns = cmd->ns;

	if (group == GROUP_NONE)
		return false;
	if (cmd->sqe.nsid == NVME_NSID_ALL)
		return any_forbids(cmd->ctrl, group == GROUP_WRITE);
	/* Namespace Management names those that are not attached too. */
	if (!ns && !cmd->sqid)
		ns = ns_find(cmd->ctrl->subsys, cmd->sqe.nsid);
	return ns && reservation_forbids(ns, cmd->ctrl, group == GROUP_WRITE);
}

uint32_t reservation_mask(const struct ns *ns, const struct ctrl *ctrl)
{
	return ns->reservation->mask[ctrl->index];
}

void reservation_set_mask(struct ns *ns, const struct ctrl *ctrl, uint32_t mask)
{
	ns->reservation->mask[ctrl->index] = mask;
}

bool reservation_persists(const struct ns *ns)
{
	return ns->reservation->state->ptpl;
}

void reservation_set_persists(struct ns *ns, bool ptpl)
{
	ns->reservation->state->ptpl = ptpl;
}

void reservation_notify(struct ns *ns, const struct registrant *registrant,
			const struct ctrl *but, enum nvme_resv_notify_rnlpt type)
{
	struct subsys *subsys = ns->subsys;
	const struct registrant *of_issuer = reservation_registrant(ns, but);
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		struct ctrl *ctrl = subsys->ctrls[i];
		const struct registrant *its = registrant;

		if (!its)
			its = reservation_registrant(ns, ctrl);
		if (ctrl == but || !its || its == of_issuer || !reservation_is_host(its, ctrl) ||
		    !ns_attached(ctrl, ns->nsid))
			continue;
		/* The bits of feature 82h: 1 to 3, as the types. */
		if (!(ns->reservation->mask[i] & 1U << type))
			notices_add(ctrl, ns->nsid, type);
	}
}
