/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Host memory buffer: pages of the host that the controller keeps data in. NVMe Base 2.1, 8.2.3 */
#ifndef DUT_HMB_H
#define DUT_HMB_H

#include <stdint.h>
#include <nvme/types.h>

#include "nvme/ctrl.h"

struct options;

/* Bytes that the host must give at least (HMMIN). */
uint64_t hmb_minimum(const struct options *options);

#define HMB_MAX_DESCRIPTORS	1024	/* HMMAXD */

struct hmb *hmb_new(struct ctrl *ctrl);
void hmb_free(struct hmb *hmb);
void hmb_reset(struct ctrl *ctrl, enum ctrl_reset kind);

/* Bytes without which it cannot be enabled (HMMIN). */
uint32_t hmb_min(const struct ctrl *ctrl);

/* Feature 0Dh. A status. */
uint16_t hmb_set(struct cmd *cmd);

/* Its value and its attributes. */
uint32_t hmb_value(const struct ctrl *ctrl);
void hmb_attributes(const struct ctrl *ctrl, struct nvme_host_mem_buf_attrs *attributes);

/* The host took memory away that may belong to the buffer. */
void hmb_unmapped(struct ctrl *ctrl, uint64_t iova, uint64_t length);

#endif /* DUT_HMB_H */
