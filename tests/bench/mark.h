/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* An instruction that does nothing and that no compiler makes: nopl 0x4e565401(%rax,%rax,1). */
#ifndef NVT_BENCH_MARK_H
#define NVT_BENCH_MARK_H

#define MARK_BYTES { 0x0f, 0x1f, 0x84, 0x00, 0x01, 0x54, 0x56, 0x4e }
#define MARK() __asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0x01, 0x54, 0x56, 0x4e")

#endif
