/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The subsystem's firmware as its own files see it. */
#ifndef DUT_FIRMWARE_PRIV_H
#define DUT_FIRMWARE_PRIV_H

#include <stdint.h>

#include "nvme/firmware.h"

struct firmware_slot {
	char revision[8];
	uint32_t valid;
	uint32_t needs;			/* enum firmware_needs */
};

/* What survives power. */
struct firmware_state {
	uint8_t active;			/* slot, 1 to 7; 0: never started */
	uint8_t next;			/* at the next reset that its image needs; 0: none */
	uint8_t pad[6];
	struct firmware_slot slots[FIRMWARE_SLOTS_MAX];
};

struct firmware {
	struct firmware_state *state;
	struct download download;
	char revision[9];		/* of the active slot, as text */
};

#endif /* DUT_FIRMWARE_PRIV_H */
