/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* How the library leaves its error texts; <nvt/error.h> is how they are read. */
#ifndef NVT_ERR_H
#define NVT_ERR_H

#include <errno.h>

#include <nvt/error.h>

/*
 * Sets the thread's error text and errno; returns @err, a negative errno. The
 * text is "<device>: <operation>: <what>; <what to do>", without a newline.
 * Clean-up after it may change errno: a function that returns NULL does
 * "errno = -err" last.
 */
int nvt_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif /* NVT_ERR_H */
