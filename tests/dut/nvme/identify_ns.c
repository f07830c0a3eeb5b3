// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Identify: a namespace. NVM Command Set 1.1, 4.1.5; NVMe Base 2.1, 5.1.13 */
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/copy.h"
#include "nvme/ctrl.h"
#include "nvme/identify_priv.h"
#include "nvme/io.h"
#include "nvme/ns.h"
#include "nvme/reservation.h"
#include "nvme/subsys.h"
#include "nvme/zns.h"
#include "options.h"

#define NSTAT_READY	(1U << 0)
#define FORMAT_INDEX(cmd)	((cmd)->sqe.cdw11 & 0xffff)
#define PI_PLACES	(NVME_NS_DPC_PI_TYPE1 | NVME_NS_DPC_PI_TYPE2 | NVME_NS_DPC_PI_TYPE3 | \
			 NVME_NS_DPC_PI_FIRST | NVME_NS_DPC_PI_LAST)

/* What is the same of each namespace, of FFFFFFFFh too. */
static void fill_common(const struct ctrl *ctrl, struct nvme_id_ns *id)
{
	unsigned int i;
	uint32_t lba_shift, ms;

	id->nsfeat = NVME_NS_FEAT_DULBE;
	id->nlbaf = NS_LBAFS - 1;
	id->mc = NVME_NS_MC_EXTENDED | NVME_NS_MC_SEPARATE;
	id->dpc = PI_PLACES;
	id->dlfeat = IO_DLFEAT;
	id->rescap = ctrl->options->reservations ? RESERVATION_RESCAP : 0;
	if (ctrl->options->copy) {
		id->mssrl = COPY_MSSRL;
		id->mcl = COPY_MCL;
		id->msrc = COPY_MSRC;
	}
	for (i = 0; i < NS_LBAFS && ns_lbaf(i, &lba_shift, &ms); i++) {
		id->lbaf[i].ds = lba_shift;
		id->lbaf[i].ms = ms;
		/* Relative Performance: whole pages are best, metadata costs. */
		id->lbaf[i].rp = (lba_shift < 12) + (ms != 0);
	}
}

static void fill_own(const struct ns *ns, struct nvme_id_ns *id)
{
	uint64_t bytes = ns->ncap << ns->lba_shift;

	id->nsze = ns->nsze;
	id->ncap = ns->ncap;
	id->nuse = ns_used(ns);
	id->flbas = ns->lbaf | (ns->extended ? NVME_NS_FLBAS_META_EXT : 0);
	id->dps = ns->pi | (ns->pi && ns->pi_first ? NVME_NS_DPS_PI_FIRST : 0);
	id->nmic = ns->shared ? NVME_NS_NMIC_SHARED : 0;
	id->fpi = NVME_NS_FPI_SUPPORTED | ns->format_left;
	id->nsattr = ns->protection != NS_NOT_PROTECTED ? NVME_NS_NSATTR_WRITE_PROTECTED : 0;
	memcpy(id->nvmcap, &bytes, sizeof(bytes));
	memcpy(id->nguid, ns->nguid, sizeof(id->nguid));
	memcpy(id->eui64, ns->eui64, sizeof(id->eui64));
}

/*
 * The namespace that the command names. One that is not there, though its
 * NSID could be, is *@ns NULL: its data structure is zeros. A status.
 */
static uint16_t find(struct cmd *cmd, bool attached, const struct ns **ns)
{
	uint32_t nsid = cmd->sqe.nsid;

	*ns = attached ? ns_attached(cmd->ctrl, nsid) : ns_find(cmd->ctrl->subsys, nsid);
	if (nsid && nsid <= cmd->ctrl->options->max_namespaces)
		return 0;
	cmd->error_location = NSID_BYTE;
	return GENERIC(INVALID_NS);
}

static uint16_t fill(struct cmd *cmd, struct nvme_id_ns *id, bool attached)
{
	const struct ns *ns;
	uint16_t status = find(cmd, attached, &ns);

	if (!status && ns) {
		fill_common(cmd->ctrl, id);
		fill_own(ns, id);
	}
	return status;
}

/* FFFFFFFFh: what is common to all, if namespaces can be made. */
uint16_t identify_ns(struct cmd *cmd, void *data)
{
	if (cmd->sqe.nsid == NVME_NSID_ALL && cmd->ctrl->options->ns_management) {
		fill_common(cmd->ctrl, data);
		return 0;
	}
	return fill(cmd, data, true);
}

uint16_t identify_allocated_ns(struct cmd *cmd, void *data)
{
	return fill(cmd, data, false);
}

/* 16-bit guards, no storage tags: zeros for the NVM command set. */
static void fill_csi(const struct ctrl *ctrl, uint8_t csi, void *data)
{
	if (csi == NVME_CSI_ZNS)
		zns_identify_ns(ctrl->options, data);
}

static uint16_t fill_csi_of(struct cmd *cmd, void *data, bool attached)
{
	const struct ns *ns = NULL;
	uint8_t csi = identify_csi(cmd->sqe.cdw11);
	uint16_t status = identify_check_csi(cmd);

	if (!status && cmd->sqe.nsid == NVME_NSID_ALL && attached &&
	    cmd->ctrl->options->ns_management) {
		fill_csi(cmd->ctrl, csi, data);
		return 0;
	}
	if (!status)
		status = find(cmd, attached, &ns);
	if (status || !ns)
		return status;
	/* What the NVM command set says is true of a namespace of zones too. */
	if (csi != ns->csi && csi != NVME_CSI_NVM) {
		cmd->error_location = CDW11_BYTE + 3;
		return SPECIFIC(INVALID_IOCS);
	}
	fill_csi(cmd->ctrl, csi, data);
	return 0;
}

uint16_t identify_csi_ns(struct cmd *cmd, void *data)
{
	return fill_csi_of(cmd, data, true);
}

uint16_t identify_csi_allocated_ns(struct cmd *cmd, void *data)
{
	return fill_csi_of(cmd, data, false);
}

uint16_t identify_independent_ns(struct cmd *cmd, void *data)
{
	struct nvme_id_independent_id_ns *independent = data;
	struct nvme_id_ns id = { 0 };
	uint16_t status = identify_ns(cmd, &id);

	if (status || !id.nlbaf)
		return status;
	independent->nmic = id.nmic;
	independent->rescap = id.rescap;
	independent->fpi = id.fpi;
	independent->nsattr = id.nsattr;
	independent->nstat = id.nsze ? NSTAT_READY : 0;
	return 0;
}

/* What a namespace of a format would have. */
static uint16_t check_format(struct cmd *cmd)
{
	return FORMAT_INDEX(cmd) < NS_LBAFS ? 0 : cmd_bad_field(cmd, CDW11_BYTE);
}

uint16_t identify_ns_format(struct cmd *cmd, void *data)
{
	uint16_t status = check_format(cmd);

	if (!status)
		fill_common(cmd->ctrl, data);
	return status;
}

uint16_t identify_csi_ns_format(struct cmd *cmd, void *data)
{
	uint16_t status = check_format(cmd);

	if (!status)
		status = identify_check_csi(cmd);
	if (!status)
		fill_csi(cmd->ctrl, identify_csi(cmd->sqe.cdw11), data);
	return status;
}

static unsigned char *put(unsigned char *at, uint8_t type, const void *id, uint8_t length)
{
	struct nvme_ns_id_desc *descriptor = (struct nvme_ns_id_desc *)at;

	descriptor->nidt = type;
	descriptor->nidl = length;
	memcpy(descriptor->nid, id, length);
	return at + sizeof(*descriptor) + length;
}

/* Of a namespace that is not there, there is nothing to list. 5.1.13.2.3 */
uint16_t identify_descriptors(struct cmd *cmd, void *data)
{
	const struct ns *ns;
	uint16_t status = find(cmd, true, &ns);
	unsigned char *at = data;

	if (status)
		return status;
	if (!ns)
		return cmd_bad_field(cmd, NSID_BYTE);
	at = put(at, NVME_NIDT_EUI64, ns->eui64, NVME_NIDT_EUI64_LEN);
	at = put(at, NVME_NIDT_NGUID, ns->nguid, NVME_NIDT_NGUID_LEN);
	put(at, NVME_NIDT_CSI, &ns->csi, NVME_NIDT_CSI_LEN);
	return 0;
}
