// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Features that have a data structure. NVMe Base 2.1, 5.1.25.1 */
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/feature.h"
#include "nvme/feature_priv.h"
#include "nvme/hmb.h"
#include "nvme/persistent_event.h"
#include "nvme/power.h"
#include "nvme/subsys.h"
#include "options.h"

#define APST_ENTRIES		32
#define ITPS(entry)		((entry) >> NVME_APST_ENTRY_ITPS_SHIFT & NVME_APST_ENTRY_ITPS_MASK)
#define ITPT_MS(entry)		((entry) >> NVME_APST_ENTRY_ITPT_SHIFT & NVME_APST_ENTRY_ITPT_MASK)
#define BEHAVIOR_ACRE		0
#define BEHAVIOR_ETDAS		1
#define BEHAVIOR_LBAFEE		2
#define TIMESTAMP_LENGTH	8
#define TIMESTAMP_MASK		0xffffffffffffULL
#define TIMESTAMP_SET		(1ULL << 49)
#define EXHID(cmd)		((cmd)->sqe.cdw11 & NVME_FEAT_HOSTID_EXHID_MASK)

/* Where a state goes when idle must be there, and not serve I/O. 5.1.25.1.7 */
uint16_t feature_check_apst(struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	struct nvme_feat_auto_pst apst;
	uint16_t status = cmd_take(cmd, &apst, sizeof(apst));
	unsigned int i, state;

	if (status)
		return status;
	for (i = 0; i < ctrl->options->power_states; i++) {
		state = ITPS(apst.apst_entry[i]);
		if (ITPT_MS(apst.apst_entry[i]) &&
		    (state >= ctrl->options->power_states || power_operational(ctrl, state)))
			return GENERIC(INVALID_FIELD);
	}
	memcpy(ctrl->features->incoming, &apst, sizeof(apst));
	ctrl->features->incoming_length = sizeof(apst);
	return 0;
}

void feature_store_apst(struct cmd *cmd, struct feature_values *values)
{
	values->dword[NVME_FEAT_FID_AUTO_PST] = cmd->sqe.cdw11 & NVME_FEAT_APST_APSTE_MASK;
	memcpy(&values->apst, cmd->ctrl->features->incoming, sizeof(values->apst));
}

uint16_t feature_get_apst(struct cmd *cmd, const struct feature_values *values)
{
	cmd->dw0 = values->dword[NVME_FEAT_FID_AUTO_PST];
	return cmd_reply(cmd, &values->apst, sizeof(values->apst), sizeof(values->apst));
}

bool feature_apst(const struct ctrl *ctrl, unsigned int power_state, uint64_t *entry)
{
	const struct feature_values *values = &ctrl->features->current;

	*entry = values->apst.apst_entry[power_state % APST_ENTRIES];
	return values->dword[NVME_FEAT_FID_AUTO_PST];
}

/* What is not supported cannot be enabled: the extended LBA formats. 5.1.25.1.14 */
uint16_t feature_check_behavior(struct cmd *cmd)
{
	uint8_t *behavior = cmd->ctrl->features->incoming;
	uint16_t status = cmd_take(cmd, behavior, BEHAVIOR_LENGTH);

	if (status)
		return status;
	if (behavior[BEHAVIOR_ACRE] > 1 || behavior[BEHAVIOR_ETDAS] > 1 ||
	    behavior[BEHAVIOR_LBAFEE])
		return GENERIC(INVALID_FIELD);
	cmd->ctrl->features->incoming_length = BEHAVIOR_LENGTH;
	return 0;
}

void feature_store_behavior(struct cmd *cmd, struct feature_values *values)
{
	memcpy(values->behavior, cmd->ctrl->features->incoming, BEHAVIOR_LENGTH);
}

uint16_t feature_get_behavior(struct cmd *cmd, const struct feature_values *values)
{
	return cmd_reply(cmd, values->behavior, BEHAVIOR_LENGTH, BEHAVIOR_LENGTH);
}

bool feature_retry_delay(const struct ctrl *ctrl)
{
	return ctrl->options->crdt && ctrl->features->current.behavior[BEHAVIOR_ACRE];
}

static size_t host_id_length(const struct cmd *cmd)
{
	return EXHID(cmd) ? 16 : 8;
}

uint16_t feature_check_host_id(struct cmd *cmd)
{
	uint8_t *host_id = cmd->ctrl->features->incoming;

	memset(host_id, 0, 16);
	cmd->ctrl->features->incoming_length = host_id_length(cmd);
	return cmd_take(cmd, host_id, host_id_length(cmd));
}

void feature_store_host_id(struct cmd *cmd, struct feature_values *values)
{
	memcpy(values->host_id, cmd->ctrl->features->incoming, sizeof(values->host_id));
	values->host_id_extended = EXHID(cmd);
}

/* One of 16 bytes cannot be given as 8, nor the other way; one never set can. 5.1.25.1.28 */
uint16_t feature_get_host_id(struct cmd *cmd, const struct feature_values *values)
{
	static const uint8_t none[sizeof(values->host_id)];

	if (values->host_id_extended != EXHID(cmd) && memcmp(values->host_id, none, sizeof(none)))
		return GENERIC(HOSTID_FORMAT);
	return cmd_reply(cmd, values->host_id, host_id_length(cmd), host_id_length(cmd));
}

const uint8_t *feature_host_id(const struct ctrl *ctrl, bool *extended)
{
	const struct feature_values *values = &ctrl->features->current;

	*extended = values->host_id_extended;
	return values->host_id;
}

void feature_timestamp_start(struct features *features)
{
	features->timestamp_ms = 0;
	features->timestamp_ns = loop_now(features->ctrl->loop);
	features->timestamp_set = false;
}

uint64_t feature_timestamp(const struct ctrl *ctrl)
{
	const struct features *features = ctrl->features;
	uint64_t passed_ns = loop_now(ctrl->loop) - features->timestamp_ns;
	uint64_t ms = (features->timestamp_ms + passed_ns / NS_PER_MS) & TIMESTAMP_MASK;

	return ms | (features->timestamp_set ? TIMESTAMP_SET : 0);
}

/* The event of the persistent log: what the time was before. 5.1.12.1.14.2.3 */
static void log_change(struct ctrl *ctrl, uint64_t before)
{
	struct nvme_time_stamp_change_event event = {
		.previous_timestamp = before,
		.ml_secs_since_reset =
			(loop_now(ctrl->loop) - ctrl->subsys->power_on_ns) / NS_PER_MS,
	};

	persistent_event_add(ctrl, NVME_PEL_TIMESTAMP_EVENT, &event, sizeof(event));
}

uint16_t feature_set_timestamp(struct cmd *cmd)
{
	struct features *features = cmd->ctrl->features;
	uint64_t before = feature_timestamp(cmd->ctrl), timestamp;
	uint16_t status = cmd_take(cmd, &timestamp, TIMESTAMP_LENGTH);

	if (status)
		return status;
	features->timestamp_ms = timestamp & TIMESTAMP_MASK;
	features->timestamp_ns = loop_now(cmd->ctrl->loop);
	features->timestamp_set = true;
	log_change(cmd->ctrl, before);
	return 0;
}

uint16_t feature_get_timestamp(struct cmd *cmd, const struct feature_values *values)
{
	struct features *features = cmd->ctrl->features;
	uint64_t timestamp = values == &features->current ? feature_timestamp(cmd->ctrl) : 0;

	return cmd_reply(cmd, &timestamp, TIMESTAMP_LENGTH, TIMESTAMP_LENGTH);
}

uint16_t feature_get_hmb(struct cmd *cmd, const struct feature_values *values)
{
	struct nvme_host_mem_buf_attrs attributes;

	memset(&attributes, 0, sizeof(attributes));
	if (values == &cmd->ctrl->features->current) {
		cmd->dw0 = hmb_value(cmd->ctrl);
		hmb_attributes(cmd->ctrl, &attributes);
	}
	return cmd_reply(cmd, &attributes, sizeof(attributes), sizeof(attributes));
}
