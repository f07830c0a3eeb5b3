/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A firmware image as the model takes it: this header, and any payload behind
 * it. The length is a multiple of four, all numbers are little-endian.
 */
#ifndef DUT_FIRMWARE_IMAGE_H
#define DUT_FIRMWARE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIRMWARE_MAGIC		"NVTDUTFW"

/* The least that activates it. */
enum firmware_needs {
	FIRMWARE_NEEDS_NOTHING,
	FIRMWARE_NEEDS_RESET,			/* of the controller */
	FIRMWARE_NEEDS_CONVENTIONAL_RESET,
	FIRMWARE_NEEDS_SUBSYSTEM_RESET,
};

struct firmware_image {
	char magic[8];
	char revision[8];		/* FR, padded with spaces */
	uint32_t length;		/* of all, this header included */
	uint32_t needs;			/* enum firmware_needs */
	uint32_t reserved;
	uint32_t crc;			/* CRC-32C of all, taken while this field is 0 */
};

/*
 * Makes one of @image, @length bytes with room for the header; what is behind that is the
 * payload.
 */
void firmware_image_make(void *image, size_t length, const char *revision,
			 enum firmware_needs needs);

bool firmware_image_valid(const void *image, size_t length);

#endif /* DUT_FIRMWARE_IMAGE_H */
