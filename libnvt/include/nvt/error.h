/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Errors. A function that fails returns a negative errno, or NULL with errno
 * set, and leaves a text. A device's status is a result, not an error: it is
 * returned as a positive number, or in the completion.
 */
#ifndef NVT_ERROR_H
#define NVT_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * nvt_error() - the text of the calling thread's latest failure
 *
 * It says on which device what failed and what to do about it, in one line
 * without a newline: "0000:01:00.0: bind: nvme0n1 is mounted on /mnt; unmount
 * it first".
 *
 * Return: the text, valid until the thread's next failing call; "" when
 * nothing has failed yet.
 */
const char *nvt_error(void);

/**
 * nvt_status_string() - the specification's words for a status
 * @status: status field without the phase bit (completion DW3 >> 17)
 *
 * Return: a constant string, never NULL. NVMe Base 2.1, 4.2.3.
 */
const char *nvt_status_string(uint16_t status);

#ifdef __cplusplus
}
#endif

#endif /* NVT_ERROR_H */
