// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Reservation notifications of a controller, of which each is a log page of its own. */
#include <stdlib.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/event.h"
#include "nvme/log_page.h"
#include "nvme/reservation.h"
#include "nvme/reservation_log.h"

#define ROOM		64		/* a power of two */
#define EVENT_CSS	6		/* I/O Command Specific Status */
#define EVENT_AVAILABLE	0		/* Reservation Log Page Available */

struct notice {
	uint64_t count;
	uint32_t nsid;
	enum nvme_resv_notify_rnlpt type;
};

struct notices {
	uint64_t count;			/* LPC: of all that ever were; those lost leave a gap */
	uint32_t head, nr;
	struct notice notice[ROOM];
};

struct notices *notices_new(struct ctrl *ctrl)
{
	return calloc(1, sizeof(struct notices));
}

void notices_free(struct notices *notices)
{
	free(notices);
}

void notices_reset(struct ctrl *ctrl)
{
	ctrl->notices->count = 0;
	ctrl->notices->nr = 0;
}

void notices_add(struct ctrl *ctrl, uint32_t nsid, enum nvme_resv_notify_rnlpt type)
{
	struct notices *notices = ctrl->notices;

	/* 0 is for "there is none": it is left out when the count wraps. */
	if (!++notices->count)
		notices->count = 1;
	if (notices->nr == ROOM) {
		notices->head++;
		notices->nr--;
	}
	notices->notice[(notices->head + notices->nr++) % ROOM] =
		(struct notice){ notices->count, nsid, type };
	event_post(ctrl, EVENT_CSS, EVENT_AVAILABLE, NVME_LOG_LID_RESERVATION);
}

uint16_t reservation_log(struct cmd *cmd, struct log *log)
{
	struct nvme_resv_notification_log *page = log_alloc(log, sizeof(*page));
	struct notices *notices = cmd->ctrl->notices;
	const struct notice *notice = &notices->notice[notices->head % ROOM];

	if (!page)
		return GENERIC(INTERNAL);
	if (!notices->nr)
		return 0;
	page->lpc = htole64(notice->count);
	page->rnlpt = notice->type;
	page->nalp = notices->nr - 1;
	page->nsid = htole32(notice->nsid);
	if (!log_rae(cmd->sqe.cdw10)) {
		notices->head++;
		notices->nr--;
	}
	return 0;
}
