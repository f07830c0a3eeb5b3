// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Health status polls. NVMe-MI 2.0, 5.3 and 5.6 */
#include <endian.h>
#include <string.h>
#include <nvme/mi.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/firmware.h"
#include "nvme/mi_command.h"
#include "nvme/mi_health.h"
#include "nvme/ns.h"
#include "nvme/smart.h"
#include "nvme/subsys.h"
#include "options.h"
#include "pcie/function.h"

#define NSS_FUNCTIONAL		(1U << 5)
#define NSS_NO_RESET_NEEDED	(1U << 4)
#define NSS_PORT0_LINK		(1U << 3)
#define NSS_PORT1_LINK		(1U << 2)
#define CLEAR			(1U << 31)	/* dword 1 of both polls */
#define START(dword0)		((dword0) & 0xffff)
#define MAX_ENTRIES(dword0)	(((dword0) >> 16 & 0xff) + 1)
#define ALL			(1U << 31)	/* dword 0: not only those that have changed */
#define CELSIUS_0		273U
#define CTEMP_MAX		0x7eU
#define CSTS_BITS		0x1fU	/* RDY, CFS, SHST, NSSRO */

/* All kinds of changes, and those that dword 1 of a controller poll selects as one bit each. */
#define CHANGES_CSTS		(NVME_MI_CCS_RDY | NVME_MI_CCS_CFS | NVME_MI_CCS_SHST | \
				 NVME_MI_CCS_NSSRO | NVME_MI_CCS_CECO | NVME_MI_CCS_NAC | \
				 NVME_MI_CCS_FA | NVME_MI_CCS_CSTS)
#define CHANGES_ALL		0x1fffU

/* A controller as a poll sees it. */
struct health {
	uint32_t csts;
	uint32_t enabled;
	uint16_t kelvin;
	uint8_t used, spare, warning;
	uint8_t pad[7];
	char revision[8];
	uint64_t namespaces;		/* a sum over those attached */
};

/* What was seen last, by index of a controller. */
struct seen {
	struct health ctrls[SUBSYS_CTRLS];
};

static struct seen *seen_of(struct subsys *subsys)
{
	return state_section(subsys, "mi-health", sizeof(struct seen));
}

static uint64_t sum_namespaces(const struct ctrl *ctrl)
{
	uint64_t sum = 0;
	uint32_t nsid;

	for (nsid = 1; nsid <= ctrl->options->max_namespaces; nsid++) {
		const struct ns *ns = ns_attached(ctrl, nsid);

		if (ns)
			sum = sum * 31 + nsid + ns->nsze * 7 + ns->lbaf;
	}
	return sum;
}

static struct health look(struct ctrl *ctrl)
{
	struct nvme_smart_log smart;
	struct health health = {
		.csts = ctrl->regs.csts & CSTS_BITS,
		.enabled = ctrl->regs.cc & 1,
		.namespaces = sum_namespaces(ctrl),
	};

	smart_fill(ctrl, &smart);
	health.kelvin = smart.temperature[0] | smart.temperature[1] << 8;
	health.used = smart.percent_used;
	health.spare = smart.avail_spare;
	health.warning = smart.critical_warning;
	memcpy(health.revision, firmware_active_revision(ctrl->subsys), sizeof(health.revision));
	return health;
}

static uint32_t compare_csts(const struct health *old, const struct health *now)
{
	uint32_t bits = old->csts ^ now->csts, changes = bits & (NVME_MI_CCS_RDY | NVME_MI_CCS_CFS |
								   NVME_MI_CCS_NSSRO);

	if (bits & NVME_CSTS_SHST_MASK << NVME_CSTS_SHST_SHIFT)
		changes |= NVME_MI_CCS_SHST;
	return bits ? changes | NVME_MI_CCS_CSTS : 0;
}

static uint32_t compare(const struct health *old, const struct health *now)
{
	uint32_t changes = compare_csts(old, now);

	if (old->enabled != now->enabled)
		changes |= NVME_MI_CCS_CECO;
	if (old->namespaces != now->namespaces)
		changes |= NVME_MI_CCS_NAC;
	if (memcmp(old->revision, now->revision, sizeof(old->revision)))
		changes |= NVME_MI_CCS_FA;
	if (old->kelvin != now->kelvin)
		changes |= NVME_MI_CCS_CTEMP;
	if (old->used != now->used)
		changes |= NVME_MI_CCS_PDLU;
	if (old->spare != now->spare)
		changes |= NVME_MI_CCS_SPARE;
	if (old->warning != now->warning)
		changes |= NVME_MI_CCS_CCWARN;
	return changes;
}

static void see(struct health *old, const struct health *now, uint32_t kinds)
{
	if (kinds & (NVME_MI_CCS_CSTS | NVME_MI_CCS_RDY | NVME_MI_CCS_CFS | NVME_MI_CCS_SHST |
		     NVME_MI_CCS_NSSRO))
		old->csts = now->csts;
	if (kinds & NVME_MI_CCS_CECO)
		old->enabled = now->enabled;
	if (kinds & NVME_MI_CCS_NAC)
		old->namespaces = now->namespaces;
	if (kinds & NVME_MI_CCS_FA)
		memcpy(old->revision, now->revision, sizeof(old->revision));
	if (kinds & NVME_MI_CCS_CTEMP)
		old->kelvin = now->kelvin;
	if (kinds & NVME_MI_CCS_PDLU)
		old->used = now->used;
	if (kinds & NVME_MI_CCS_SPARE)
		old->spare = now->spare;
	if (kinds & NVME_MI_CCS_CCWARN)
		old->warning = now->warning;
}

void mi_health_clear(struct subsys *subsys, uint32_t kinds)
{
	struct seen *seen = seen_of(subsys);
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		struct health now = look(subsys->ctrls[i]);

		see(&seen->ctrls[i], &now, kinds);
	}
}

static uint8_t celsius(unsigned int kelvin)
{
	unsigned int degrees = kelvin > CELSIUS_0 ? kelvin - CELSIUS_0 : 0;

	return degrees < CTEMP_MAX ? degrees : CTEMP_MAX;
}

static uint8_t link_bits(const struct subsys *subsys)
{
	uint8_t bits = 0;

	if (function_link_is_up(subsys->ctrls[0]->function))
		bits |= NSS_PORT0_LINK;
	if (subsys->nr_ctrls > 1 && function_link_is_up(subsys->ctrls[1]->function))
		bits |= NSS_PORT1_LINK;
	return bits;
}

/* The worst of all controllers. */
uint16_t mi_health_poll_subsys(struct cmd *cmd)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	struct seen *seen = seen_of(subsys);
	struct nvme_mi_nvm_ss_health_status status = {
		.nss = NSS_FUNCTIONAL | NSS_NO_RESET_NEEDED | link_bits(subsys),
	};
	uint32_t changes = 0, warnings = 0;
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		struct health now = look(subsys->ctrls[i]);

		changes |= compare(&seen->ctrls[i], &now);
		warnings |= now.warning;
		if (celsius(now.kelvin) > status.ctemp)
			status.ctemp = celsius(now.kelvin);
		if (now.used > status.pdlu)
			status.pdlu = now.used;
		if (now.csts & NVME_MI_CSTS_CFS)
			status.nss &= ~NSS_NO_RESET_NEEDED;
	}
	/* A warning is a bit that is 0. */
	status.sw = ~warnings;
	status.ccs = htole16(changes);
	if (cmd->sqe.cdw13 & CLEAR)
		mi_health_clear(subsys, CHANGES_ALL);
	mi_respond(cmd, NVME_MI_RESP_SUCCESS, 0);
	return cmd_reply(cmd, &status, sizeof(status), sizeof(status));
}

/* Dword 1 selects: any change of CSTS, CTEMP, PDLU, SPARE, CWARN in bits 0 to 4. */
static uint32_t selected(uint32_t dword1)
{
	return (dword1 & 1 ? CHANGES_CSTS : 0) | (dword1 & 2 ? NVME_MI_CCS_CTEMP : 0) |
	       (dword1 & 4 ? NVME_MI_CCS_PDLU : 0) | (dword1 & 8 ? NVME_MI_CCS_SPARE : 0) |
	       (dword1 & 16 ? NVME_MI_CCS_CCWARN : 0);
}

static struct nvme_mi_ctrl_health_status entry_of(const struct ctrl *ctrl, const struct health *now,
						  uint32_t changes)
{
	return (struct nvme_mi_ctrl_health_status){
		.ctlid = htole16(ctrl->cntid),
		.csts = htole16(now->csts | (changes & (NVME_MI_CCS_CECO | NVME_MI_CCS_NAC |
							 NVME_MI_CCS_FA))),
		.ctemp = htole16(now->kelvin),
		.pdlu = now->used,
		.spare = now->spare,
		.cwarn = now->warning,
	};
}

uint16_t mi_health_poll_ctrls(struct cmd *cmd)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	struct seen *seen = seen_of(subsys);
	uint32_t dword0 = cmd->sqe.cdw12, dword1 = cmd->sqe.cdw13;
	struct nvme_mi_ctrl_health_status entries[SUBSYS_CTRLS];
	unsigned int i, nr = 0;

	for (i = 0; i < subsys->nr_ctrls && nr < MAX_ENTRIES(dword0); i++) {
		struct ctrl *ctrl = subsys->ctrls[i];
		struct health now = look(ctrl);
		uint32_t changes = compare(&seen->ctrls[i], &now);

		if (ctrl->cntid < START(dword0) ||
		    (!(dword0 & ALL) && !(changes & selected(dword1))))
			continue;
		entries[nr++] = entry_of(ctrl, &now, changes);
		if (dword1 & CLEAR)
			see(&seen->ctrls[i], &now, CHANGES_ALL);
	}
	/* RENT */
	mi_respond(cmd, NVME_MI_RESP_SUCCESS, nr << 16);
	return nr ? cmd_reply(cmd, entries, nr * sizeof(entries[0]), nr * sizeof(entries[0])) : 0;
}
