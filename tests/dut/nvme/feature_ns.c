// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Features that each namespace has for itself. NVMe Base 2.1, 5.1.25; NVM Command Set 1.1, 4.1.3 */
#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/feature.h"
#include "nvme/feature_priv.h"
#include "nvme/log_page.h"
#include "nvme/ns.h"
#include "nvme/reservation.h"
#include "nvme/subsys.h"
#include "options.h"

#define RECOVERY_MASK	0x1ffffU	/* TLER and DULBE */
#define NOTIFY_MASK	(NVME_FEAT_RESV_NOTIFY_REGPRE | NVME_FEAT_RESV_NOTIFY_RESREL | \
			 NVME_FEAT_RESV_NOTIFY_RESPRE)

/* The namespace that is named, for what FFFFFFFFh cannot stand. A status. */
static uint16_t find_one(struct cmd *cmd, struct ns **ns)
{
	uint32_t nsid = cmd->sqe.nsid;

	*ns = cmd->ns;
	if (*ns)
		return 0;
	cmd->error_location = NSID_BYTE;
	if (!nsid || (nsid > cmd->ctrl->options->max_namespaces && nsid != NVME_NSID_ALL))
		return GENERIC(INVALID_NS);
	return GENERIC(INVALID_FIELD);
}

/* Calls @set for the namespace that is named, or for all that are attached. */
static uint16_t for_each(struct cmd *cmd, void (*set)(struct cmd *cmd, struct ns *ns))
{
	uint32_t nsid;
	uint16_t status;
	struct ns *ns;

	if (cmd->sqe.nsid != NVME_NSID_ALL) {
		status = find_one(cmd, &ns);
		if (!status)
			set(cmd, ns);
		return status;
	}
	for (nsid = 1; nsid <= cmd->ctrl->options->max_namespaces; nsid++) {
		ns = ns_attached(cmd->ctrl, nsid);
		if (ns)
			set(cmd, ns);
	}
	return 0;
}

static bool is_current(const struct cmd *cmd, const struct feature_values *values)
{
	return values == &cmd->ctrl->features->current;
}

static void set_error_recovery(struct cmd *cmd, struct ns *ns)
{
	cmd->ctrl->features->error_recovery[ns->nsid] = cmd->sqe.cdw11 & RECOVERY_MASK;
}

uint16_t feature_set_error_recovery(struct cmd *cmd)
{
	return for_each(cmd, set_error_recovery);
}

uint32_t feature_error_recovery(const struct ctrl *ctrl, uint32_t nsid)
{
	return ctrl->features->error_recovery[nsid];
}

uint16_t feature_get_error_recovery(struct cmd *cmd, const struct feature_values *values)
{
	struct ns *ns;
	uint16_t status = find_one(cmd, &ns);

	if (!status && is_current(cmd, values))
		cmd->dw0 = feature_error_recovery(cmd->ctrl, ns->nsid);
	return status;
}

static void set_resv_mask(struct cmd *cmd, struct ns *ns)
{
	reservation_set_mask(ns, cmd->ctrl, cmd->sqe.cdw11 & NOTIFY_MASK);
}

uint16_t feature_set_resv_mask(struct cmd *cmd)
{
	return for_each(cmd, set_resv_mask);
}

uint16_t feature_get_resv_mask(struct cmd *cmd, const struct feature_values *values)
{
	struct ns *ns;
	uint16_t status = find_one(cmd, &ns);

	if (!status && is_current(cmd, values))
		cmd->dw0 = reservation_mask(ns, cmd->ctrl);
	return status;
}

static void set_resv_persist(struct cmd *cmd, struct ns *ns)
{
	reservation_set_persists(ns, cmd->sqe.cdw11 & NVME_FEAT_RP_PTPL_MASK);
}

uint16_t feature_set_resv_persist(struct cmd *cmd)
{
	return for_each(cmd, set_resv_persist);
}

uint16_t feature_get_resv_persist(struct cmd *cmd, const struct feature_values *values)
{
	struct ns *ns;
	uint16_t status = find_one(cmd, &ns);

	if (!status && is_current(cmd, values))
		cmd->dw0 = reservation_persists(ns);
	return status;
}

/* Two of the states last: until power was off, and for ever. 8.1.16 */
uint16_t feature_set_protection(struct cmd *cmd)
{
	uint32_t wanted = cmd->sqe.cdw11 & NVME_FEAT_WP_WPS_MASK;
	struct ns *ns;
	uint16_t status = find_one(cmd, &ns);

	if (status)
		return status;
	if (wanted > NS_PROTECTED_FOR_EVER)
		return cmd_bad_field(cmd, CDW11_BYTE);
	if (wanted == (uint32_t)ns->protection)
		return 0;
	if (ns->protection > NS_PROTECTED)
		return SPECIFIC(FEATURE_NOT_CHANGEABLE);
	ns_flush(ns);
	ns_protect(ns, wanted);
	/* NSATTR of Identify Namespace says it too. */
	log_changed_ns_others(cmd->ctrl, ns->nsid);
	return 0;
}

uint16_t feature_get_protection(struct cmd *cmd, const struct feature_values *values)
{
	struct ns *ns;
	uint16_t status = find_one(cmd, &ns);

	if (!status && is_current(cmd, values))
		cmd->dw0 = ns->protection;
	return status;
}
