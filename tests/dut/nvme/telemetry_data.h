/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the data areas of telemetry hold: the controller's state as lines of text. */
#ifndef DUT_TELEMETRY_DATA_H
#define DUT_TELEMETRY_DATA_H

#include <stddef.h>

struct ctrl;

/*
 * Area 1: health; 2: registers, queues and commands; 3: namespaces and media. Bytes written,
 * @room at most.
 */
size_t telemetry_data(struct ctrl *ctrl, unsigned int area, char *to, size_t room);

#endif /* DUT_TELEMETRY_DATA_H */
