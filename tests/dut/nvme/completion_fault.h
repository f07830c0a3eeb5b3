/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Faults of a completion on its way to the host: its queue entry and its interrupt. */
#ifndef DUT_COMPLETION_FAULT_H
#define DUT_COMPLETION_FAULT_H

#include <stdbool.h>

struct cmd;
struct cq;
struct nvt_cqe;

/* Changes the entry; true if it goes no further now: it comes later, or never. */
bool completion_fault(struct cq *cq, struct cmd *cmd, struct nvt_cqe *cqe);

/* True if the interrupt of this completion is not to be sent in the ordinary way. */
bool interrupt_fault(struct cq *cq, struct cmd *cmd);

#endif /* DUT_COMPLETION_FAULT_H */
