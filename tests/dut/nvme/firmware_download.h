/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Firmware Image Download: an image that arrives in pieces. NVMe Base 2.1, 5.1.9 */
#ifndef DUT_FIRMWARE_DOWNLOAD_H
#define DUT_FIRMWARE_DOWNLOAD_H

#include <stddef.h>
#include <stdint.h>

struct cmd;
struct ctrl;
struct options;

#define FIRMWARE_GRANULARITY	4096U		/* of downloads: FWUG is 1 */
#define FIRMWARE_MAX		(1U << 20)	/* bytes of an image in a slot */

struct download {
	unsigned char *data;
	unsigned char *pieces;		/* of FIRMWARE_GRANULARITY each: what is there */
	size_t room;			/* bytes */
	size_t length;			/* behind the last piece */
	const struct ctrl *owner;	/* who began it; NULL: nobody has */
};

/* 0 or a negative errno. */
int download_init(struct download *download, const struct options *options);
void download_fini(struct download *download);

/* Nothing is downloaded. */
void download_drop(struct download *download);

/* Its length if there is something and no piece is missing, else 0. */
size_t download_complete(const struct download *download);

uint16_t firmware_download_run(struct cmd *cmd);

#endif /* DUT_FIRMWARE_DOWNLOAD_H */
