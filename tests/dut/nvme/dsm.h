/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Dataset Management. NVM Command Set 1.1, 3.3.3 */
#ifndef DUT_DSM_H
#define DUT_DSM_H

#include <stdint.h>

struct cmd;

/* Limits, as Identify (CSI NVM, CNS 06h) reports them: ranges, blocks of one and of all. */
#define DSM_DMRL	128
#define DSM_DMRSL	(1U << 20)
#define DSM_DMSL	(1U << 24)

uint16_t dsm_run(struct cmd *cmd);

#endif /* DUT_DSM_H */
