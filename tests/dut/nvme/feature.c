// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Set Features and Get Features: the current, the default and the saved value of each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/feature.h"
#include "nvme/feature_priv.h"
#include "nvme/keep_alive.h"
#include "nvme/persistent_event.h"
#include "nvme/subsys.h"
#include "nvme/thermal.h"
#include "options.h"

#define SAVE			(1U << 31)
#define NO_THRESHOLD		0xffff
#define FID(cmd)		((cmd)->sqe.cdw10 & 0xff)
#define SELECT(cmd)		((cmd)->sqe.cdw10 >> 8 & 7)

static void make_defaults(struct features *features)
{
	const struct options *options = features->ctrl->options;
	struct feature_values *values = &features->defaults;
	unsigned int sensor;

	values->dword[NVME_FEAT_FID_VOLATILE_WC] = options->vwc;
	values->dword[NVME_FEAT_FID_NUM_QUEUES] =
		(options->queues - 1) | (options->queues - 1) << 16;
	for (sensor = 0; sensor < FEATURE_SENSORS; sensor++)
		values->threshold[0][sensor] = NO_THRESHOLD;
	values->threshold[0][0] = THERMAL_WCTEMP;
}

/* Values that were saved with other options may not be possible any more. */
static void load_saved(struct features *features)
{
	struct feature_state *state = features->state;
	const struct feature *feature;
	struct feature_values *saved = &state->saved;
	unsigned int fid;

	if (!state->valid)
		*saved = features->defaults;
	state->valid = 1;
	for (fid = 0; fid < 256; fid++) {
		feature = feature_find(features->ctrl, fid);
		if (!feature || !(feature->flags & FEATURE_SAVEABLE))
			saved->dword[fid] = features->defaults.dword[fid];
	}
	if ((saved->dword[NVME_FEAT_FID_POWER_MGMT] & NVME_FEAT_PWRMGMT_PS_MASK) >=
	    features->ctrl->options->power_states) {
		saved->dword[NVME_FEAT_FID_POWER_MGMT] = 0;
		saved->dword[NVME_FEAT_FID_AUTO_PST] = 0;
		memset(&saved->apst, 0, sizeof(saved->apst));
	}
}

struct features *features_new(struct ctrl *ctrl)
{
	const struct options *options = ctrl->options;
	struct features *features = calloc(1, sizeof(*features));
	char name[32];

	if (!features)
		return NULL;
	features->ctrl = ctrl;
	features->nr_vectors = options->msix ? options->msix : options->msi ? options->msi : 1;
	features->coalescing_off = calloc(features->nr_vectors, sizeof(bool));
	features->error_recovery = calloc(options->max_namespaces + 1, sizeof(uint32_t));
	features->keep_alive = keep_alive_new(ctrl);
	if (!features->coalescing_off || !features->error_recovery || !features->keep_alive) {
		features_free(features);
		return NULL;
	}
	snprintf(name, sizeof(name), "features-%u", ctrl->cntid);
	features->state = state_section(ctrl->subsys, name, sizeof(*features->state));
	make_defaults(features);
	load_saved(features);
	features->current = features->state->saved;
	feature_timestamp_start(features);
	return features;
}

void features_free(struct features *features)
{
	if (!features)
		return;
	keep_alive_free(features->keep_alive);
	free(features->error_recovery);
	free(features->coalescing_off);
	free(features);
}

void features_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	struct features *features = ctrl->features;

	features->current = features->state->saved;
	memset(features->coalescing_off, 0, features->nr_vectors * sizeof(bool));
	memset(features->error_recovery, 0,
	       (ctrl->options->max_namespaces + 1) * sizeof(uint32_t));
	keep_alive_set(features->keep_alive, 0);
	/* The Timestamp goes on, unless power was off. 5.1.25.1.10 */
	if (kind == CTRL_RESET_POWER)
		feature_timestamp_start(features);
}

uint32_t feature_value(const struct ctrl *ctrl, uint8_t fid)
{
	return ctrl->features->current.dword[fid];
}

uint32_t feature_vector_config(const struct ctrl *ctrl, uint16_t vector)
{
	const struct features *features = ctrl->features;
	bool off = vector < features->nr_vectors && features->coalescing_off[vector];

	return vector | (uint32_t)off << NVME_FEAT_ICFG_CD_SHIFT;
}

bool feature_vwc_enabled(const struct ctrl *ctrl)
{
	return feature_value(ctrl, NVME_FEAT_FID_VOLATILE_WC) & NVME_FEAT_VWC_WCE_MASK;
}

uint16_t feature_temperature_threshold(const struct ctrl *ctrl, unsigned int sensor, bool under)
{
	return ctrl->features->current.threshold[under][sensor];
}

static uint16_t check_scope(struct cmd *cmd, const struct feature *feature)
{
	uint32_t nsid = cmd->sqe.nsid;

	if (feature->flags & FEATURE_PER_NS || nsid == NVME_NSID_NONE || nsid == NVME_NSID_ALL)
		return 0;
	cmd->error_location = NSID_BYTE;
	return nsid > cmd->ctrl->options->max_namespaces ? GENERIC(INVALID_NS) :
							   SPECIFIC(FEATURE_NOT_PER_NS);
}

static void store(struct cmd *cmd, const struct feature *feature, struct feature_values *values)
{
	if (feature->store)
		feature->store(cmd, values);
	else
		values->dword[feature->fid] = cmd->sqe.cdw11 & feature->mask;
}

static uint16_t set(struct cmd *cmd, const struct feature *feature)
{
	struct features *features = cmd->ctrl->features;
	uint16_t status;

	if (feature->set)
		return feature->set(cmd);
	status = feature->check ? feature->check(cmd) : 0;
	if (status)
		return status;
	store(cmd, feature, &features->current);
	if (cmd->sqe.cdw10 & SAVE || feature->flags & FEATURE_PERSISTENT)
		store(cmd, feature, &features->state->saved);
	if (feature->applied)
		feature->applied(cmd->ctrl);
	return 0;
}

uint16_t set_features_run(struct cmd *cmd)
{
	const struct feature *feature = feature_find(cmd->ctrl, FID(cmd));
	uint16_t status;

	if (!feature)
		return cmd_bad_field(cmd, CDW10_BYTE);
	if (cmd->sqe.cdw10 & SAVE && !(feature->flags & FEATURE_SAVEABLE)) {
		cmd->error_location = (7U << 8) | (CDW10_BYTE + 3);
		return SPECIFIC(FEATURE_NOT_SAVEABLE);
	}
	cmd->ctrl->features->incoming_length = 0;
	status = check_scope(cmd, feature);
	if (!status)
		status = set(cmd, feature);
	/* The Timestamp has an event of its own. */
	if (!status && FID(cmd) != NVME_FEAT_FID_TIMESTAMP)
		persistent_event_set_feature(cmd, cmd->ctrl->features->incoming,
					     cmd->ctrl->features->incoming_length);
	return status;
}

static uint16_t get(struct cmd *cmd, const struct feature *feature,
		    const struct feature_values *values)
{
	if (feature->get)
		return feature->get(cmd, values);
	cmd->dw0 = values->dword[feature->fid];
	return 0;
}

uint16_t get_features_run(struct cmd *cmd)
{
	const struct feature *feature = feature_find(cmd->ctrl, FID(cmd));
	struct features *features = cmd->ctrl->features;

	if (!feature)
		return cmd_bad_field(cmd, CDW10_BYTE);
	switch (SELECT(cmd)) {
	case NVME_GET_FEATURES_SEL_CURRENT:
		return get(cmd, feature, &features->current);
	case NVME_GET_FEATURES_SEL_DEFAULT:
		return get(cmd, feature, &features->defaults);
	case NVME_GET_FEATURES_SEL_SAVED:
		/* What cannot be saved has its default there. */
		return get(cmd, feature, feature->flags & FEATURE_SAVEABLE ?
						 &features->state->saved : &features->defaults);
	case NVME_GET_FEATURES_SEL_SUPPORTED:
		cmd->dw0 = feature->flags &
			   (FEATURE_SAVEABLE | FEATURE_PER_NS | FEATURE_CHANGEABLE);
		return 0;
	default:
		return cmd_bad_field(cmd, CDW10_BYTE + 1);
	}
}

/* Changeable ones change the controller, or the namespace that they are of. */
void feature_effects(const struct ctrl *ctrl, uint32_t effects[256])
{
	const struct feature *feature;
	uint32_t scope;
	unsigned int fid;

	memset(effects, 0, 256 * sizeof(*effects));
	for (fid = 0; fid < 256; fid++) {
		feature = feature_find(ctrl, fid);
		if (!feature)
			continue;
		scope = feature->flags & FEATURE_PER_NS ? NVME_FID_SUPPORTED_EFFECTS_SCOPE_NS :
							  NVME_FID_SUPPORTED_EFFECTS_SCOPE_CTRL;
		effects[fid] = NVME_FID_SUPPORTED_EFFECTS_FSUPP |
			       scope << NVME_FID_SUPPORTED_EFFECTS_SCOPE_SHIFT;
	}
}
