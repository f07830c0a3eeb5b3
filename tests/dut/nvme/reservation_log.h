/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Reservation notifications of a controller: log page 80h and its event. NVMe Base 2.1, 8.1.22 */
#ifndef DUT_RESERVATION_LOG_H
#define DUT_RESERVATION_LOG_H

#include <stdint.h>
#include <nvme/types.h>

struct ctrl;
struct notices;

struct notices *notices_new(struct ctrl *ctrl);
void notices_free(struct notices *notices);

/* A Controller Level Reset: what was not read is gone, the count begins anew. */
void notices_reset(struct ctrl *ctrl);

/* Adds one and reports it as an asynchronous event; what is masked is for the caller to know. */
void notices_add(struct ctrl *ctrl, uint32_t nsid, enum nvme_resv_notify_rnlpt type);

#endif /* DUT_RESERVATION_LOG_H */
