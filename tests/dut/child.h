/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The command that the device is served to, and the signals that end it or us. */
#ifndef DUT_CHILD_H
#define DUT_CHILD_H

#include "loop.h"

struct child;

/*
 * Takes SIGTERM, SIGINT, SIGHUP and SIGCHLD, and starts @argv (NULL: nothing).
 * The loop is stopped by such a signal, or when the command has ended. NULL
 * with one line on stderr.
 */
struct child *child_new(struct loop *loop, char **argv);
void child_free(struct child *child);

/* What to exit with: the command's status, 128 and the signal that ended it, or 0 without one. */
int child_status(const struct child *child);

#endif /* DUT_CHILD_H */
