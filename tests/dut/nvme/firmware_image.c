// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Firmware images: made and checked. */
#include <endian.h>
#include <isa-l.h>
#include <string.h>

#include "nvme/firmware_image.h"

/* What is taken while the field itself is 0. */
static uint32_t image_crc(const void *image, size_t length)
{
	struct firmware_image header;
	unsigned char *rest = (unsigned char *)image + sizeof(header);
	uint32_t crc;

	memcpy(&header, image, sizeof(header));
	header.crc = 0;
	crc = crc32_iscsi((unsigned char *)&header, sizeof(header), 0xffffffff);
	return ~crc32_iscsi(rest, length - sizeof(header), crc);
}

void firmware_image_make(void *image, size_t length, const char *revision,
			 enum firmware_needs needs)
{
	struct firmware_image header = {
		.length = htole32(length),
		.needs = htole32(needs),
	};

	memcpy(header.magic, FIRMWARE_MAGIC, sizeof(header.magic));
	memset(header.revision, ' ', sizeof(header.revision));
	memcpy(header.revision, revision, strnlen(revision, sizeof(header.revision)));
	memcpy(image, &header, sizeof(header));
	header.crc = htole32(image_crc(image, length));
	memcpy(image, &header, sizeof(header));
}

/* FR is ASCII. */
static bool is_printable(const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

bool firmware_image_valid(const void *image, size_t length)
{
	struct firmware_image header;

	if (length < sizeof(header))
		return false;
	memcpy(&header, image, sizeof(header));
	return !memcmp(header.magic, FIRMWARE_MAGIC, sizeof(header.magic)) &&
	       le32toh(header.length) == length && !header.reserved &&
	       le32toh(header.needs) <= FIRMWARE_NEEDS_SUBSYSTEM_RESET &&
	       is_printable(header.revision, sizeof(header.revision)) &&
	       le32toh(header.crc) == image_crc(image, length);
}
