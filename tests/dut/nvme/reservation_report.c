// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Reservation Report. NVMe Base 2.1, 7.7 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/feature.h"
#include "nvme/io.h"
#include "nvme/ns.h"
#include "nvme/reservation_priv.h"

#define CDW11_BYTE	44

#define NUMD(cmd)	((cmd)->sqe.cdw10 + 1ULL)
#define EDS(cmd)	((cmd)->sqe.cdw11 & 1)

#define DYNAMIC_CNTLID	0xffff		/* not known: no controller of the host is there */

struct report {
	struct nvme_resv_status *status;
	bool extended;
	uint16_t nr;
};

static size_t entry_size(bool extended)
{
	return extended ? sizeof(struct nvme_registered_ctrl_ext) :
			  sizeof(struct nvme_registered_ctrl);
}

static void add(struct report *report, const struct reservation_state *state,
		const struct registrant *registrant, uint16_t cntid)
{
	struct nvme_registered_ctrl_ext *ext = &report->status->regctl_eds[report->nr];
	struct nvme_registered_ctrl *entry = &report->status->regctl_ds[report->nr];

	report->nr++;
	if (report->extended) {
		ext->cntlid = htole16(cntid);
		ext->rcsts = reservation_holds(state, registrant);
		ext->rkey = htole64(registrant->key);
		memcpy(ext->hostid, registrant->host, sizeof(ext->hostid));
		return;
	}
	entry->cntlid = htole16(cntid);
	entry->rcsts = reservation_holds(state, registrant);
	entry->rkey = htole64(registrant->key);
	memcpy(&entry->hostid, registrant->host, sizeof(entry->hostid));
}

/* One entry for each controller of the host. */
static void add_host(struct report *report, const struct ns *ns,
		     const struct registrant *registrant)
{
	const struct subsys *subsys = ns->subsys;
	bool found = false;
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		if (!reservation_is_host(registrant, subsys->ctrls[i]))
			continue;
		add(report, ns->reservation->state, registrant, subsys->ctrls[i]->cntid);
		found = true;
	}
	if (!found)
		add(report, ns->reservation->state, registrant, DYNAMIC_CNTLID);
}

static void fill(struct report *report, const struct ns *ns)
{
	const struct reservation_state *state = ns->reservation->state;
	struct nvme_resv_status *status = report->status;
	unsigned int i;

	status->gen = htole32(state->generation);
	status->rtype = state->type;
	status->ptpls = state->ptpl;
	for (i = 0; i < RESERVATION_REGISTRANTS; i++)
		if (state->registrants[i].used)
			add_host(report, ns, &state->registrants[i]);
	status->regctl[0] = report->nr & 0xff;
	status->regctl[1] = report->nr >> 8;
}

uint16_t reservation_report_run(struct cmd *cmd)
{
	struct report report = { .extended = EDS(cmd) };
	size_t most = RESERVATION_REGISTRANTS + SUBSYS_CTRLS, have;
	uint16_t status;
	bool extended;

	feature_host_id(cmd->ctrl, &extended);
	/* The structure follows the length of the identifiers. 7.7 */
	if (report.extended != extended) {
		cmd->error_location = CDW11_BYTE;
		return GENERIC(HOSTID_FORMAT);
	}
	status = io_check_length(cmd, NUMD(cmd) * 4);
	if (status)
		return status;
	report.status = calloc(1, sizeof(*report.status) + 40 +
			       most * sizeof(struct nvme_registered_ctrl_ext));
	if (!report.status)
		return GENERIC(INTERNAL);
	fill(&report, cmd->ns);
	have = (report.extended ? sizeof(*report.status) :
		offsetof(struct nvme_resv_status, regctl_ds)) +
	       report.nr * entry_size(report.extended);
	status = cmd_reply(cmd, report.status, have, NUMD(cmd) * 4);
	free(report.status);
	return status;
}
