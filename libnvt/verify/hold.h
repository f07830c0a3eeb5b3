/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef NVT_VERIFY_HOLD_H
#define NVT_VERIFY_HOLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Takes all blocks of the range, or none of them if one is held. */
bool nvt_hold_get(_Atomic uint64_t *held, uint64_t slba, uint32_t nlb);
void nvt_hold_put(_Atomic uint64_t *held, uint64_t slba, uint32_t nlb);

#endif /* NVT_VERIFY_HOLD_H */
