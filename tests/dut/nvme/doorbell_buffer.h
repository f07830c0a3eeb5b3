/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Shadow doorbells and event indexes in host memory. NVMe Base 2.1, 5.3.2 and B.5 */
#ifndef DUT_DOORBELL_BUFFER_H
#define DUT_DOORBELL_BUFFER_H

#include "nvme/ctrl.h"

/* Doorbell Buffer Config */
uint16_t doorbell_buffer_config_run(struct cmd *cmd);

/* The admin queue has none. */
static inline bool doorbell_buffer_used(const struct ctrl *ctrl, uint16_t qid)
{
	return ctrl->shadow_doorbells && qid;
}

/* The shadow value as it is in memory now; false: it cannot be read. */
bool doorbell_buffer_peek(struct ctrl *ctrl, uint16_t qid, bool cq, uint32_t *value);

/* The shadow value; the event index is moved to it, so that the host rings at its next change. */
uint32_t doorbell_buffer_tail(struct sq *sq);
uint32_t doorbell_buffer_head(struct cq *cq);

#endif /* DUT_DOORBELL_BUFFER_H */
