/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A UNIX stream socket that clients connect to. */
#ifndef DUT_LISTENER_H
#define DUT_LISTENER_H

/*
 * Listens at @path, in place of a socket that nobody listens at any more. The
 * descriptor, which does not block, or a negative errno: -EEXIST (something
 * else is there), -EADDRINUSE, -ENAMETOOLONG, ...
 */
int listener_open(const char *path, int backlog);

#endif /* DUT_LISTENER_H */
