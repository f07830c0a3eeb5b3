/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The other side of every cross-check: the stock driver, its block device, other people's tools. */
#ifndef NVT_TEST_STOCK_H
#define NVT_TEST_STOCK_H

#include <stddef.h>
#include <stdint.h>

/* Waits until the stock driver shows the device's first namespace; its node, "/dev/nvme0n1". */
const char *stock_block(void);

/* Reads or writes the block device, past the page cache. */
void stock_read(uint64_t offset, void *data, size_t length);
void stock_write(uint64_t offset, const void *data, size_t length);

/* Runs a shell command. Up to @size - 1 bytes of what it prints go to @out; returns its exit status. */
int stock_run(char *out, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* NVT_TEST_STOCK_H */
