/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the parts of the features share: their values and their table. */
#ifndef DUT_FEATURE_PRIV_H
#define DUT_FEATURE_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <nvme/types.h>

#include "nvme/ctrl.h"

struct keep_alive;
struct options;

#define FEATURE_SENSORS		9	/* the composite temperature and eight sensors */
#define BEHAVIOR_LENGTH		512
#define CDW10_BYTE		40
#define CDW11_BYTE		44
#define NSID_BYTE		4

/* One value of each feature: there are three of these, current, default and saved. */
struct feature_values {
	uint32_t dword[256];
	uint16_t threshold[2][FEATURE_SENSORS];		/* over, under */
	struct nvme_feat_auto_pst apst;
	uint8_t behavior[BEHAVIOR_LENGTH];
	uint8_t host_id[16];
	uint8_t host_id_extended;
	uint8_t pad[3];
};

struct feature_state {
	uint64_t valid;
	struct feature_values saved;
};

struct features {
	struct ctrl *ctrl;
	struct feature_values current, defaults;
	struct feature_state *state;
	uint32_t nr_vectors;
	bool *coalescing_off;		/* by vector */
	uint32_t *error_recovery;	/* by NSID */
	struct keep_alive *keep_alive;
	/* Timestamp: what it was at a moment of the loop's clock. */
	uint64_t timestamp_ms, timestamp_ns;
	bool timestamp_set;
	uint8_t incoming[BEHAVIOR_LENGTH];	/* data of the Set Features under way */
	size_t incoming_length;
};

#define FEATURE_SAVEABLE	(1U << 0)
#define FEATURE_PER_NS		(1U << 1)
#define FEATURE_CHANGEABLE	(1U << 2)
#define FEATURE_PERSISTENT	(1U << 3)	/* what is set is saved in any case */

/*
 * A feature is set by @set; or else, where that is NULL, @check says whether
 * it can be, @store puts it into one of the three values and @applied does
 * what follows from it. All may be NULL: one dword that can be anything.
 */
struct feature {
	uint8_t fid;
	uint32_t flags;
	uint32_t mask;			/* of CDW11: what the dword has */
	bool (*supported)(const struct options *options);
	uint16_t (*set)(struct cmd *cmd);
	uint16_t (*check)(struct cmd *cmd);
	void (*store)(struct cmd *cmd, struct feature_values *values);
	void (*applied)(struct ctrl *ctrl);
	uint16_t (*get)(struct cmd *cmd, const struct feature_values *values);
};

/* The feature if the options leave it, or NULL (feature_table.c). */
const struct feature *feature_find(const struct ctrl *ctrl, uint8_t fid);

/* Features with a data structure (feature_data.c). */
uint16_t feature_check_apst(struct cmd *cmd);
void feature_store_apst(struct cmd *cmd, struct feature_values *values);
uint16_t feature_get_apst(struct cmd *cmd, const struct feature_values *values);
uint16_t feature_check_behavior(struct cmd *cmd);
void feature_store_behavior(struct cmd *cmd, struct feature_values *values);
uint16_t feature_get_behavior(struct cmd *cmd, const struct feature_values *values);
uint16_t feature_check_host_id(struct cmd *cmd);
void feature_store_host_id(struct cmd *cmd, struct feature_values *values);
uint16_t feature_get_host_id(struct cmd *cmd, const struct feature_values *values);
uint16_t feature_set_timestamp(struct cmd *cmd);
uint16_t feature_get_timestamp(struct cmd *cmd, const struct feature_values *values);
void feature_timestamp_start(struct features *features);
uint16_t feature_get_hmb(struct cmd *cmd, const struct feature_values *values);

/* Features of a namespace (feature_ns.c). */
uint16_t feature_set_error_recovery(struct cmd *cmd);
uint16_t feature_get_error_recovery(struct cmd *cmd, const struct feature_values *values);
uint16_t feature_set_resv_mask(struct cmd *cmd);
uint16_t feature_get_resv_mask(struct cmd *cmd, const struct feature_values *values);
uint16_t feature_set_resv_persist(struct cmd *cmd);
uint16_t feature_get_resv_persist(struct cmd *cmd, const struct feature_values *values);
uint16_t feature_set_protection(struct cmd *cmd);
uint16_t feature_get_protection(struct cmd *cmd, const struct feature_values *values);

#endif /* DUT_FEATURE_PRIV_H */
