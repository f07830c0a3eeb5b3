/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The control socket: requests of one line, each answered by lines of which
 * the last is "ok" or begins with "error: ".
 */
#ifndef DUT_CONTROL_H
#define DUT_CONTROL_H

#include <stddef.h>
#include <stdio.h>

struct control;
struct subsys;

/* NULL with one line in @error. */
struct control *control_new(struct subsys *subsys, const char *path, char *error, size_t size);
void control_free(struct control *control);

/* Serves one request, a line without its end, and writes the answer. */
void control_request(struct subsys *subsys, char *line, FILE *out);

#endif /* DUT_CONTROL_H */
