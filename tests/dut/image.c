// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Firmware images for the model, made at the command line. */
#include <errno.h>
#include <string.h>

#include "image.h"
#include "nvme/firmware_image.h"

#define IMAGE_SIZE	8192
#define REVISION_MAX	8

static const char *const needs_names[] = {
	[FIRMWARE_NEEDS_NOTHING] = "nothing",
	[FIRMWARE_NEEDS_RESET] = "reset",
	[FIRMWARE_NEEDS_CONVENTIONAL_RESET] = "conventional",
	[FIRMWARE_NEEDS_SUBSYSTEM_RESET] = "subsystem",
};

static int find_needs(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(needs_names) / sizeof(needs_names[0]); i++)
		if (!strcmp(name, needs_names[i]))
			return i;
	return -1;
}

int image_print(const char *text, FILE *out)
{
	static unsigned char image[IMAGE_SIZE];
	size_t length = strcspn(text, ",");
	int needs = text[length] ? find_needs(text + length + 1) : FIRMWARE_NEEDS_RESET;
	char revision[REVISION_MAX + 1] = "";

	if (!length || length > REVISION_MAX || needs < 0) {
		fprintf(stderr, "nvt-dut: %s: REVISION[,NEEDS] is wanted: up to 8 characters, and "
			"nothing, reset, conventional or subsystem\n", text);
		return -EINVAL;
	}
	memcpy(revision, text, length);
	firmware_image_make(image, sizeof(image), revision, needs);
	if (fwrite(image, sizeof(image), 1, out) != 1 || fflush(out)) {
		fprintf(stderr, "nvt-dut: firmware image: %s\n", strerror(errno));
		return -EIO;
	}
	return 0;
}
