/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Reservations as reservation*.c share them. */
#ifndef DUT_RESERVATION_PRIV_H
#define DUT_RESERVATION_PRIV_H

#include <nvme/types.h>

#include "nvme/reservation.h"
#include "nvme/subsys.h"

struct registrant {
	uint8_t host[16];		/* an identifier of 64 bits has zeros behind it */
	uint64_t key;
	uint16_t cntid;			/* where it registered: all that a host of 0 is known by */
	uint8_t used, holder, pad[4];
};

/* What survives, in the state. */
struct reservation_state {
	uint32_t generation;
	uint8_t type;			/* enum nvme_resv_rtype; 0: none */
	uint8_t ptpl;
	uint8_t pad[2];
	struct registrant registrants[RESERVATION_REGISTRANTS];
};

struct reservation {
	struct ns *ns;
	struct reservation_state *state;
	uint8_t mask[SUBSYS_CTRLS];	/* feature 82h */
};

/* All registrants hold it together. */
static inline bool reservation_is_shared(uint8_t type)
{
	return type == NVME_RESERVATION_RTYPE_WEAR || type == NVME_RESERVATION_RTYPE_EAAR;
}

/* Registrants may do what the holder may. */
static inline bool reservation_is_for_registrants(uint8_t type)
{
	return type >= NVME_RESERVATION_RTYPE_WERO;
}

/* The registration of a controller's host, or NULL. */
struct registrant *reservation_registrant(const struct ns *ns, const struct ctrl *ctrl);

/* Whether a controller belongs to the host of a registration. */
bool reservation_is_host(const struct registrant *registrant, const struct ctrl *ctrl);

bool reservation_holds(const struct reservation_state *state, const struct registrant *registrant);

/* A registration ends, with the reservation if it was its only holder. True if so. */
bool reservation_unregister(struct reservation_state *state, struct registrant *registrant);

/* To each controller of a host (of all hosts: NULL), but for those of @but's host. */
void reservation_notify(struct ns *ns, const struct registrant *registrant,
			const struct ctrl *but, enum nvme_resv_notify_rnlpt type);

#endif /* DUT_RESERVATION_PRIV_H */
