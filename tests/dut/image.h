/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Firmware images for the model, made at the command line. */
#ifndef DUT_IMAGE_H
#define DUT_IMAGE_H

#include <stdio.h>

/*
 * "REVISION[,NEEDS]": an image to @out. NEEDS is the least that activates it: nothing, reset (the
 * default), conventional or subsystem. 0, or -EINVAL or -EIO with a line on stderr.
 */
int image_print(const char *text, FILE *out);

#endif /* DUT_IMAGE_H */
