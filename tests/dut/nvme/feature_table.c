// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The features that the model knows, and those without a data structure. NVMe Base 2.1, 5.1.25 */
#include <stddef.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/feature.h"
#include "nvme/feature_priv.h"
#include "nvme/hmb.h"
#include "nvme/keep_alive.h"
#include "nvme/ns.h"
#include "nvme/power.h"
#include "nvme/subsys.h"
#include "nvme/thermal.h"
#include "options.h"

#define ALL_SENSORS	0xf
#define PS(value)	((value) & NVME_FEAT_PWRMGMT_PS_MASK)
#define TMPTH(value)	((value) & NVME_FEAT_TT_TMPTH_MASK)
#define TMPSEL(value)	((value) >> NVME_FEAT_TT_TMPSEL_SHIFT & NVME_FEAT_TT_TMPSEL_MASK)
#define THSEL(value)	((value) >> NVME_FEAT_TT_THSEL_SHIFT & NVME_FEAT_TT_THSEL_MASK)

static uint16_t check_power(struct cmd *cmd)
{
	return PS(cmd->sqe.cdw11) < cmd->ctrl->options->power_states ?
		       0 : cmd_bad_field(cmd, CDW11_BYTE);
}

static void apply_power(struct ctrl *ctrl)
{
	power_set(ctrl, PS(feature_value(ctrl, NVME_FEAT_FID_POWER_MGMT)));
}

/* The current value is the state that it is in, however it came there. */
static uint16_t get_power(struct cmd *cmd, const struct feature_values *values)
{
	cmd->dw0 = values->dword[NVME_FEAT_FID_POWER_MGMT];
	if (values == &cmd->ctrl->features->current)
		cmd->dw0 = (cmd->dw0 & ~NVME_FEAT_PWRMGMT_PS_MASK) | power_state(cmd->ctrl);
	return 0;
}

static uint16_t check_sensor(struct cmd *cmd, bool all)
{
	uint32_t sensor = TMPSEL(cmd->sqe.cdw11);

	if (THSEL(cmd->sqe.cdw11) > NVME_FEATURE_TEMPTHRESH_THSEL_UNDER ||
	    (sensor > THERMAL_SENSORS && !(all && sensor == ALL_SENSORS)))
		return cmd_bad_field(cmd, CDW11_BYTE + 2);
	return 0;
}

static uint16_t check_threshold(struct cmd *cmd)
{
	return check_sensor(cmd, true);
}

static void store_threshold(struct cmd *cmd, struct feature_values *values)
{
	uint16_t *thresholds = values->threshold[THSEL(cmd->sqe.cdw11)];
	uint32_t sensor = TMPSEL(cmd->sqe.cdw11), i;

	for (i = 0; i <= THERMAL_SENSORS; i++)
		if (sensor == i || sensor == ALL_SENSORS)
			thresholds[i] = TMPTH(cmd->sqe.cdw11);
}

static uint16_t get_threshold(struct cmd *cmd, const struct feature_values *values)
{
	uint16_t status = check_sensor(cmd, false);

	if (!status)
		cmd->dw0 = values->threshold[THSEL(cmd->sqe.cdw11)][TMPSEL(cmd->sqe.cdw11)];
	return status;
}

/* A cache that is switched off holds nothing. */
static void apply_cache(struct ctrl *ctrl)
{
	uint32_t nsid;

	if (feature_vwc_enabled(ctrl))
		return;
	for (nsid = 1; nsid <= ctrl->options->max_namespaces; nsid++)
		if (ns_find(ctrl->subsys, nsid))
			ns_flush(ns_find(ctrl->subsys, nsid));
}

/* Only before the first I/O queue. Submission and completion queues are granted in pairs. */
static uint16_t set_queues(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	uint32_t sqs = cmd->sqe.cdw11 & 0xffff, cqs = cmd->sqe.cdw11 >> 16, wanted;

	if (ctrl->top_queue)
		return GENERIC(CMD_SEQ_ERROR);
	if (sqs == 0xffff || cqs == 0xffff)
		return cmd_bad_field(cmd, sqs == 0xffff ? CDW11_BYTE : CDW11_BYTE + 2);
	wanted = (sqs > cqs ? sqs : cqs) + 1;
	ctrl->granted = wanted < ctrl->nr_queues ? wanted : ctrl->nr_queues;
	cmd->dw0 = (ctrl->granted - 1) | (ctrl->granted - 1) << 16;
	ctrl->features->current.dword[NVME_FEAT_FID_NUM_QUEUES] = cmd->dw0;
	return 0;
}

static uint16_t set_vector(struct cmd *cmd)
{
	struct features *features = cmd->ctrl->features;
	uint32_t vector = cmd->sqe.cdw11 & NVME_FEAT_ICFG_IV_MASK;

	if (vector >= features->nr_vectors)
		return cmd_bad_field(cmd, CDW11_BYTE);
	features->coalescing_off[vector] = cmd->sqe.cdw11 >> NVME_FEAT_ICFG_CD_SHIFT & 1;
	return 0;
}

static uint16_t get_vector(struct cmd *cmd, const struct feature_values *values)
{
	struct features *features = cmd->ctrl->features;
	uint32_t vector = cmd->sqe.cdw11 & NVME_FEAT_ICFG_IV_MASK;

	if (vector >= features->nr_vectors)
		return cmd_bad_field(cmd, CDW11_BYTE);
	cmd->dw0 = values == &features->current ? feature_vector_config(cmd->ctrl, vector) : vector;
	return 0;
}

static uint16_t set_keep_alive(struct cmd *cmd)
{
	keep_alive_set(cmd->ctrl->features->keep_alive, cmd->sqe.cdw11);
	return 0;
}

static uint16_t get_keep_alive(struct cmd *cmd, const struct feature_values *values)
{
	struct features *features = cmd->ctrl->features;

	if (values == &features->current)
		cmd->dw0 = keep_alive_timeout_ms(features->keep_alive);
	return 0;
}

static bool tmt_possible(uint32_t kelvin)
{
	return !kelvin || (kelvin >= THERMAL_MNTMT && kelvin <= THERMAL_MXTMT);
}

static uint16_t check_hctm(struct cmd *cmd)
{
	uint32_t tmt1 = cmd->sqe.cdw11 >> 16, tmt2 = cmd->sqe.cdw11 & 0xffff;

	if (!tmt_possible(tmt1) || !tmt_possible(tmt2) || (tmt1 && tmt2 && tmt1 >= tmt2))
		return cmd_bad_field(cmd, CDW11_BYTE);
	return 0;
}

/* Identify CNS 1Ch has one combination of command sets, of index 0. */
static uint16_t check_profile(struct cmd *cmd)
{
	return cmd->sqe.cdw11 & NVME_FEAT_IOCSP_IOCSCI_MASK ?
		       SPECIFIC(IOCS_COMBINATION_REJECTED) : 0;
}

#define SUPPORTED(part)								\
	static bool has_##part(const struct options *options)			\
	{									\
		return options->part;						\
	}

SUPPORTED(vwc)
SUPPORTED(coalescing)
SUPPORTED(hmb)
SUPPORTED(timestamp)
SUPPORTED(hctm)
SUPPORTED(lba_status)
SUPPORTED(sanitize)
SUPPORTED(zns)
SUPPORTED(reservations)
SUPPORTED(write_protect)

static bool has_apst(const struct options *options)
{
	return options->apst && options->power_states > 2;
}

static bool has_non_operational(const struct options *options)
{
	return options->power_states > 2;
}

#define SAVED		(FEATURE_CHANGEABLE | FEATURE_SAVEABLE)
#define KEPT		(SAVED | FEATURE_PERSISTENT)
#define UNSAVED		FEATURE_CHANGEABLE
#define OF_NS		(FEATURE_CHANGEABLE | FEATURE_PER_NS)
#define ANY_BIT		0xffffffffU
#define EVENT_BITS	(0x3fU | NVME_CTRL_OAES_NA | NVME_CTRL_OAES_FA | 1U << 10 | \
			 NVME_CTRL_OAES_LBAS | NVME_CTRL_OAES_ZD)

static const struct feature features[] = {
	{ .fid = NVME_FEAT_FID_ARBITRATION, .flags = SAVED, .mask = ~0xf8U },
	{ .fid = NVME_FEAT_FID_POWER_MGMT, .flags = SAVED, .mask = 0xff, .check = check_power,
	  .applied = apply_power, .get = get_power },
	{ .fid = NVME_FEAT_FID_TEMP_THRESH, .flags = SAVED, .check = check_threshold,
	  .store = store_threshold, .applied = thermal_check, .get = get_threshold },
	{ .fid = NVME_FEAT_FID_ERR_RECOVERY, .flags = OF_NS, .set = feature_set_error_recovery,
	  .get = feature_get_error_recovery },
	{ .fid = NVME_FEAT_FID_VOLATILE_WC, .flags = SAVED, .mask = NVME_FEAT_VWC_WCE_MASK,
	  .supported = has_vwc, .applied = apply_cache },
	{ .fid = NVME_FEAT_FID_NUM_QUEUES, .flags = UNSAVED, .set = set_queues },
	{ .fid = NVME_FEAT_FID_IRQ_COALESCE, .flags = SAVED, .mask = 0xffff,
	  .supported = has_coalescing },
	{ .fid = NVME_FEAT_FID_IRQ_CONFIG, .flags = UNSAVED, .set = set_vector, .get = get_vector },
	{ .fid = NVME_FEAT_FID_WRITE_ATOMIC, .flags = SAVED, .mask = NVME_FEAT_WA_DN_MASK },
	{ .fid = NVME_FEAT_FID_ASYNC_EVENT, .flags = SAVED, .mask = EVENT_BITS },
	{ .fid = NVME_FEAT_FID_AUTO_PST, .flags = SAVED, .supported = has_apst,
	  .check = feature_check_apst, .store = feature_store_apst, .applied = power_apst_changed,
	  .get = feature_get_apst },
	{ .fid = NVME_FEAT_FID_HOST_MEM_BUF, .flags = UNSAVED, .supported = has_hmb,
	  .set = hmb_set, .get = feature_get_hmb },
	{ .fid = NVME_FEAT_FID_TIMESTAMP, .flags = UNSAVED, .supported = has_timestamp,
	  .set = feature_set_timestamp, .get = feature_get_timestamp },
	{ .fid = NVME_FEAT_FID_KATO, .flags = UNSAVED, .set = set_keep_alive,
	  .get = get_keep_alive },
	{ .fid = NVME_FEAT_FID_HCTM, .flags = SAVED, .mask = ANY_BIT, .supported = has_hctm,
	  .check = check_hctm, .applied = thermal_check },
	{ .fid = NVME_FEAT_FID_NOPSC, .flags = SAVED, .mask = NVME_FEAT_NOPS_NOPPME_MASK,
	  .supported = has_non_operational },
	{ .fid = NVME_FEAT_FID_LBA_STS_INTERVAL, .flags = SAVED, .mask = ANY_BIT,
	  .supported = has_lba_status },
	{ .fid = NVME_FEAT_FID_HOST_BEHAVIOR, .flags = UNSAVED, .check = feature_check_behavior,
	  .store = feature_store_behavior, .get = feature_get_behavior },
	{ .fid = NVME_FEAT_FID_SANITIZE, .flags = SAVED, .mask = NVME_FEAT_SC_NODRM_MASK,
	  .supported = has_sanitize },
	{ .fid = NVME_FEAT_FID_IOCS_PROFILE, .flags = KEPT, .mask = NVME_FEAT_IOCSP_IOCSCI_MASK,
	  .supported = has_zns, .check = check_profile },
	{ .fid = NVME_FEAT_FID_SW_PROGRESS, .flags = KEPT, .mask = NVME_FEAT_SPM_PBSLC_MASK },
	{ .fid = NVME_FEAT_FID_HOST_ID, .flags = UNSAVED, .check = feature_check_host_id,
	  .store = feature_store_host_id, .get = feature_get_host_id },
	{ .fid = NVME_FEAT_FID_RESV_MASK, .flags = OF_NS, .supported = has_reservations,
	  .set = feature_set_resv_mask, .get = feature_get_resv_mask },
	{ .fid = NVME_FEAT_FID_RESV_PERSIST, .flags = OF_NS, .supported = has_reservations,
	  .set = feature_set_resv_persist, .get = feature_get_resv_persist },
	{ .fid = NVME_FEAT_FID_WRITE_PROTECT, .flags = OF_NS, .supported = has_write_protect,
	  .set = feature_set_protection, .get = feature_get_protection },
};

const struct feature *feature_find(const struct ctrl *ctrl, uint8_t fid)
{
	size_t i;

	for (i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (features[i].fid == fid)
			return features[i].supported && !features[i].supported(ctrl->options) ?
				       NULL : &features[i];
	return NULL;
}
