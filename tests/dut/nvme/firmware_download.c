// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Firmware Image Download. NVMe Base 2.1, 5.1.9 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/firmware_download.h"
#include "nvme/firmware_priv.h"
#include "nvme/subsys.h"
#include "options.h"

#define NUMD_BYTE	40
#define OFST_BYTE	44
#define MISSING		0	/* pieces */
#define WHOLE		1
#define SHORT		2	/* does not fill its granule: only the last one may */

static size_t pieces_of(size_t length)
{
	return (length + FIRMWARE_GRANULARITY - 1) / FIRMWARE_GRANULARITY;
}

int download_init(struct download *download, const struct options *options)
{
	size_t room = options->boot_partition > FIRMWARE_MAX ? options->boot_partition :
							       FIRMWARE_MAX;

	memset(download, 0, sizeof(*download));
	download->room = room;
	download->data = calloc(1, room);
	download->pieces = calloc(1, pieces_of(room));
	return download->data && download->pieces ? 0 : -ENOMEM;
}

void download_fini(struct download *download)
{
	free(download->data);
	free(download->pieces);
}

void download_drop(struct download *download)
{
	memset(download->pieces, 0, pieces_of(download->room));
	download->length = 0;
	download->owner = NULL;
}

size_t download_complete(const struct download *download)
{
	size_t n = pieces_of(download->length);

	if (!n || memchr(download->pieces, MISSING, n) || memchr(download->pieces, SHORT, n - 1))
		return 0;
	return download->length;
}

static bool overlaps(const struct download *download, size_t offset, size_t length)
{
	const unsigned char *piece = download->pieces + offset / FIRMWARE_GRANULARITY;
	size_t n = pieces_of(length);

	return memchr(piece, WHOLE, n) || memchr(piece, SHORT, n);
}

/*
 * Two images at once show as pieces of two controllers or as a piece twice: the host begins
 * anew. FRMW.SMUD
 */
static uint16_t check_overlap(struct cmd *cmd, struct download *download, size_t offset,
			      size_t length)
{
	bool other = download->owner && download->owner != cmd->ctrl;

	if (!other && !overlaps(download, offset, length))
		return 0;
	download_drop(download);
	return SPECIFIC(OVERLAPPING_RANGE);
}

static void mark(struct download *download, size_t offset, size_t length)
{
	unsigned char *piece = download->pieces + offset / FIRMWARE_GRANULARITY;

	memset(piece, WHOLE, pieces_of(length));
	if (length % FIRMWARE_GRANULARITY)
		piece[pieces_of(length) - 1] = SHORT;
	if (offset + length > download->length)
		download->length = offset + length;
}

uint16_t firmware_download_run(struct cmd *cmd)
{
	struct download *download = &cmd->ctrl->subsys->firmware->download;
	size_t length = ((size_t)cmd->sqe.cdw10 + 1) * 4, offset = (size_t)cmd->sqe.cdw11 * 4;
	uint16_t status;

	if (offset % FIRMWARE_GRANULARITY)
		return cmd_bad_field(cmd, OFST_BYTE);
	if (length > download->room || offset > download->room - length)
		return cmd_bad_field(cmd, length > download->room ? NUMD_BYTE : OFST_BYTE);
	status = check_overlap(cmd, download, offset, length);
	if (!status)
		status = cmd_take(cmd, download->data + offset, length);
	if (status)
		return status;
	mark(download, offset, length);
	download->owner = cmd->ctrl;
	return 0;
}
