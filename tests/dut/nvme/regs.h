/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The registers of a controller, and what of the controller they move. */
#ifndef DUT_REGS_H
#define DUT_REGS_H

#include "nvme/ctrl.h"

#define REGS_IMAGE	0x1000		/* bytes of registers before the doorbells */
#define CMB_BAR		2		/* where the Controller Memory Buffer is */
#define CMBMSC_CMSE	(1ULL << 1)	/* its address in commands is that of CMBMSC.CBA */

void regs_init(struct ctrl *ctrl);

/* Of ctrl->ready: CSTS.RDY follows CC.EN, or CSTS.SHST follows CC.SHN. */
void regs_follow(struct timer *timer);

/* As the kind of reset leaves them. */
void regs_reset(struct ctrl *ctrl, enum ctrl_reset kind);

/* Registers at @offset of BAR 0. */
uint64_t regs_read(struct ctrl *ctrl, uint64_t offset, unsigned int width);
void regs_write(struct ctrl *ctrl, uint64_t offset, unsigned int width, uint64_t value);

/* Copies the registers to where a client that maps them sees them. */
void regs_publish(struct ctrl *ctrl);

#endif /* DUT_REGS_H */
