/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A controller from inside; <nvt/ctrl.h> is its face. */
#ifndef LIBNVT_CTRL_H
#define LIBNVT_CTRL_H

#include <stdbool.h>
#include <stdint.h>

#include <nvt/ctrl.h>

#include "access/access.h"

#define NVT_DEFAULT_TIMEOUT_MS	10000
#define NVT_MAX_QID		65535

struct nvt_ctrl {
	struct nvt_pcie *pcie;
	struct nvt_ctrl_opts opts;		/* with the defaults filled in */
	uint64_t cap;
	uint64_t epoch;				/* atomic; grows as its queues die */
	struct nvt_qpair *admin;
	struct nvt_qpair *qpairs;		/* I/O queue pairs not deleted yet */
	uint64_t qids[(NVT_MAX_QID + 1) / 64];	/* bitmap of those in use */
	uint32_t max_qpairs;
	uint32_t mdts;				/* bytes */
	bool identified;
	struct nvme_id_ctrl id;
};

/* Inside the library only: the names would match the map of exported symbols. */
#pragma GCC visibility push(hidden)

/* A controller on an open device, which it owns from then on; NULL with errno and text. */
struct nvt_ctrl *nvt_ctrl_new(struct nvt_pcie *pcie, const struct nvt_ctrl_opts *opts);

/* What Identify and Set Features said, whoever sent them. */
void nvt_ctrl_set_id(struct nvt_ctrl *ctrl, const struct nvme_id_ctrl *id);
void nvt_ctrl_set_granted(struct nvt_ctrl *ctrl, uint32_t number_of_queues);

#pragma GCC visibility pop

#endif /* LIBNVT_CTRL_H */
