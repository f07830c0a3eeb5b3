/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* One line on standard error, rewritten in place; nothing where that is not a terminal. */
#ifndef NVT_TOOL_PROGRESS_H
#define NVT_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct progress - how far a load is
 * @time_ms: its limit, or 0
 * @io_count: its limit, or 0
 * @io_bytes: of one command
 * @ios: that have ended
 * @errors: so far
 * @elapsed_ns: since the start
 * @on: standard error is a terminal
 * @shown_ns: @elapsed_ns when it was shown last
 * @shown_ios: @ios then
 */
struct progress {
	uint64_t time_ms;
	uint64_t io_count;
	uint64_t io_bytes;
	uint64_t ios;
	uint64_t errors;
	uint64_t elapsed_ns;
	bool on;
	uint64_t shown_ns;
	uint64_t shown_ios;
};

void progress_start(struct progress *progress);
/* Shows it, but not too often. */
void progress_show(struct progress *progress);
void progress_clear(const struct progress *progress);

#endif /* NVT_TOOL_PROGRESS_H */
