/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Copy, with source ranges of format 0h. NVM Command Set 1.1, 3.3.2 */
#ifndef DUT_COPY_H
#define DUT_COPY_H

#include <stdint.h>

struct cmd;

/* Limits, as Identify Namespace reports them: blocks of a source, of all, sources (0's based). */
#define COPY_MSSRL	1024
#define COPY_MCL	4096
#define COPY_MSRC	127
#define COPY_OCFS	0x1		/* Identify Controller: format 0h, that of 16-bit guards or none */

uint16_t copy_run(struct cmd *cmd);

#endif /* DUT_COPY_H */
