// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Identify: the controller, also for an I/O command set. NVMe Base 2.1, 5.1.13.2.1 */
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/copy.h"
#include "nvme/ctrl.h"
#include "nvme/dsm.h"
#include "nvme/firmware.h"
#include "nvme/hmb.h"
#include "nvme/identify_priv.h"
#include "nvme/io.h"
#include "nvme/ns.h"
#include "nvme/persistent_event.h"
#include "nvme/power.h"
#include "nvme/sanitize.h"
#include "nvme/subsys.h"
#include "nvme/thermal.h"
#include "nvme/xfer.h"
#include "nvme/zns.h"
#include "options.h"
#include "pcie/function.h"

#define KAS			1		/* KEEP_ALIVE_UNIT_MS */
#define CONFIG_VENDOR		0x00
#define CONFIG_SUBSYSTEM	0x2c
#define SQE_CQE(shift)		((shift) << 4 | (shift))
#define RTD3_MARGIN_US		100000
#define MINUTE_NS		(60 * NS_PER_S)
#define FLUSH_ALL		(3U << 1)	/* VWC: Flush may name all namespaces */

static void put_text(char *field, size_t size, const char *text)
{
	size_t length = strnlen(text, size);

	memset(field, ' ', size);
	memcpy(field, text, length);
}

static void put_number(uint8_t field[16], uint64_t number)
{
	memcpy(field, &number, sizeof(number));
}

static uint32_t flag(bool has, uint32_t bits)
{
	return has ? bits : 0;
}

static void fill_names(struct ctrl *ctrl, struct nvme_id_ctrl *id)
{
	const struct options *options = ctrl->options;

	id->vid = function_config_read(ctrl->function, CONFIG_VENDOR, 2);
	id->ssvid = function_config_read(ctrl->function, CONFIG_SUBSYSTEM, 2);
	put_text(id->sn, sizeof(id->sn), options->serial);
	put_text(id->mn, sizeof(id->mn), options->model);
	put_text(id->fr, sizeof(id->fr), firmware_active_revision(ctrl->subsys));
	memcpy(id->subnqn, ctrl->subsys->nqn, sizeof(ctrl->subsys->nqn));
	id->cntlid = ctrl->cntid;
	id->ver = ctrl->regs.vs;
	id->cntrltype = NVME_CTRL_CNTRLTYPE_IO;
	id->cmic = flag(ctrl->subsys->nr_ctrls > 1,
			NVME_CTRL_CMIC_MULTI_PORT | NVME_CTRL_CMIC_MULTI_CTRL);
	id->nvmsr = NVME_CTRL_NVMSR_NVMESD;
}

static void fill_times(const struct options *options, struct nvme_id_ctrl *id)
{
	id->rtd3r = options->ready_ns / NS_PER_US + RTD3_MARGIN_US;
	id->rtd3e = options->shutdown_ns / NS_PER_US + RTD3_MARGIN_US;
	id->kas = KAS;
	id->crdt1 = options->crdt;
	if (options->self_test)
		id->edstt = (options->self_test_extended_ns + MINUTE_NS - 1) / MINUTE_NS;
	if (options->firmware_slots)
		id->mtfa = FIRMWARE_MTFA_100MS;
}

static uint32_t oaes(const struct options *options)
{
	return NVME_CTRL_OAES_NA | flag(options->firmware_slots, NVME_CTRL_OAES_FA) |
	       flag(options->lba_status, NVME_CTRL_OAES_LBAS) |
	       flag(options->zns, NVME_CTRL_OAES_ZD);
}

static uint16_t oacs(const struct options *options)
{
	return flag(options->security, NVME_CTRL_OACS_SECURITY) |
	       flag(options->format, NVME_CTRL_OACS_FORMAT) |
	       flag(options->firmware_slots || options->boot_partition, NVME_CTRL_OACS_FW) |
	       flag(options->ns_management, NVME_CTRL_OACS_NS_MGMT) |
	       flag(options->self_test, NVME_CTRL_OACS_SELF_TEST) |
	       flag(options->mi, NVME_CTRL_OACS_NVME_MI) |
	       flag(options->dbbuf, NVME_CTRL_OACS_DBBUF_CFG) |
	       flag(options->lba_status, NVME_CTRL_OACS_LBA_STATUS);
}

static uint16_t oncs(const struct options *options)
{
	return NVME_CTRL_ONCS_SAVE_FEATURES | flag(options->compare, NVME_CTRL_ONCS_COMPARE) |
	       flag(options->write_uncorrectable, NVME_CTRL_ONCS_WRITE_UNCORRECTABLE) |
	       flag(options->dsm, NVME_CTRL_ONCS_DSM) |
	       flag(options->write_zeroes, NVME_CTRL_ONCS_WRITE_ZEROES) |
	       flag(options->reservations, NVME_CTRL_ONCS_RESERVATIONS) |
	       flag(options->timestamp, NVME_CTRL_ONCS_TIMESTAMP) |
	       flag(options->verify, NVME_CTRL_ONCS_VERIFY) |
	       flag(options->copy, NVME_CTRL_ONCS_COPY);
}

static uint8_t lpa(const struct options *options)
{
	return NVME_CTRL_LPA_CMD_EFFECTS | NVME_CTRL_LPA_EXTENDED |
	       NVME_CTRL_LPA_LI0_LI5_LI12_LI13 |
	       flag(options->telemetry, NVME_CTRL_LPA_TELEMETRY) |
	       flag(options->persistent_event, NVME_CTRL_LPA_PERSETENT_EVENT);
}

static void fill_admin(struct ctrl *ctrl, struct nvme_id_ctrl *id)
{
	const struct options *options = ctrl->options;

	id->oaes = oaes(options);
	id->oacs = oacs(options);
	id->ctratt = NVME_CTRL_CTRATT_128_ID |
		     flag(options->power_states > 2, NVME_CTRL_CTRATT_NON_OP_PSP);
	id->acl = options->acl;
	id->aerl = options->aerl;
	id->lpa = lpa(options);
	id->elpe = options->elpe;
	/* There is always one slot, with what the device came with. */
	id->frmw = options->firmware_slots ? firmware_frmw(options) :
					     NVME_CTRL_FRMW_1ST_RO | 1U << 1;
	if (options->firmware_slots || options->boot_partition)
		id->fwug = FIRMWARE_GRANULARITY / 4096;
	if (options->format)
		id->fna = NVME_CTRL_FNA_CRYPTO_ERASE;
	if (options->sanitize)
		id->sanicap = SANITIZE_SANICAP;
	if (options->persistent_event)
		id->pels = PERSISTENT_EVENT_LOG_MAX / 65536;
	if (options->hmb) {
		id->hmpre = options->hmb / 4096;
		id->hmmin = hmb_min(ctrl) / 4096;
		id->hmmaxd = HMB_MAX_DESCRIPTORS;
	}
}

static void fill_power(const struct ctrl *ctrl, struct nvme_id_ctrl *id)
{
	const struct options *options = ctrl->options;
	unsigned int state;

	id->npss = options->power_states - 1;
	for (state = 0; state < options->power_states; state++)
		power_describe(ctrl, state, &id->psd[state]);
	id->apsta = flag(options->apst && options->power_states > 2, NVME_CTRL_APSTA_APST);
	id->wctemp = THERMAL_WCTEMP;
	id->cctemp = THERMAL_CCTEMP;
	if (options->hctm) {
		id->hctma = NVME_CTRL_HCTMA_HCTM;
		id->mntmt = THERMAL_MNTMT;
		id->mxtmt = THERMAL_MXTMT;
	}
}

static void fill_io(const struct ctrl *ctrl, struct nvme_id_ctrl *id)
{
	const struct options *options = ctrl->options;

	id->mdts = options->mdts;
	id->sqes = SQE_CQE(6);
	id->cqes = SQE_CQE(4);
	id->nn = options->max_namespaces;
	id->mnan = options->max_namespaces;
	id->oncs = oncs(options);
	id->vwc = FLUSH_ALL | flag(options->vwc, NVME_CTRL_VWC_PRESENT);
	id->awun = options->awun;
	id->awupf = options->awupf;
	if (options->fused) {
		id->fuses = NVME_CTRL_FUSES_COMPARE_AND_WRITE;
		id->acwu = options->awun;
	}
	if (options->copy)
		id->ocfs = COPY_OCFS;
	id->sgls = flag(options->sgl, XFER_SGLS);
	id->nwpc = flag(options->write_protect, NVME_CTRL_NWPC_WRITE_PROTECT |
						NVME_CTRL_NWPC_WRITE_PROTECT_POWER_CYCLE |
						NVME_CTRL_NWPC_WRITE_PROTECT_PERMANENT);
	put_number(id->tnvmcap, ns_total_capacity(ctrl->subsys));
	put_number(id->unvmcap, ns_free_capacity(ctrl->subsys));
}

uint16_t identify_ctrl(struct cmd *cmd, void *data)
{
	struct ctrl *ctrl = cmd->ctrl;

	fill_names(ctrl, data);
	fill_times(ctrl->options, data);
	fill_admin(ctrl, data);
	fill_power(ctrl, data);
	fill_io(ctrl, data);
	return 0;
}

uint16_t identify_csi_ctrl(struct cmd *cmd, void *data)
{
	const struct options *options = cmd->ctrl->options;
	struct nvme_id_ctrl_nvm *nvm = data;
	uint16_t status = identify_check_csi(cmd);

	if (status)
		return status;
	if (identify_csi(cmd->sqe.cdw11) == NVME_CSI_ZNS) {
		zns_identify_ctrl(options, data);
		return 0;
	}
	nvm->vsl = options->verify ? IO_VSL : 0;
	nvm->wzsl = options->write_zeroes ? IO_WZSL : 0;
	nvm->wusl = options->write_uncorrectable ? IO_WUSL : 0;
	if (options->dsm) {
		nvm->dmrl = DSM_DMRL;
		nvm->dmrsl = DSM_DMRSL;
		nvm->dmsl = DSM_DMSL;
	}
	return 0;
}
