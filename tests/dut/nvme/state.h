/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What survives the process and power cycles; state_section() in subsys.h hands it out. */
#ifndef DUT_STATE_H
#define DUT_STATE_H

#include <stddef.h>

struct state;

/* In a file of the folder @store (NULL: in memory). NULL with one line in @error. */
struct state *state_open(const char *store, char *error, size_t size);
void state_close(struct state *state);

#endif /* DUT_STATE_H */
