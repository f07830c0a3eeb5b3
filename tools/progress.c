// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "progress.h"

#define PERIOD_NS	250000000ULL
#define TO_LINE_START	"\r\033[K"	/* and clear it */

static int window_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return 80;
	return size.ws_col;
}

void progress_start(struct progress *progress)
{
	progress->on = isatty(STDERR_FILENO);
}

/* Of the limit that is nearer; negative where there is none. */
static double fraction_done(const struct progress *p)
{
	double by_time = -1, by_count = -1, done;

	if (p->time_ms)
		by_time = (double)p->elapsed_ns / 1e6 / (double)p->time_ms;
	if (p->io_count)
		by_count = (double)p->ios / (double)p->io_count;
	done = by_time > by_count ? by_time : by_count;
	return done > 1 ? 1 : done;
}

static int add_time_left(const struct progress *p, char *text, size_t size)
{
	double done = fraction_done(p), left;

	if (done < 0)
		return snprintf(text, size, "%.0f s", (double)p->elapsed_ns / 1e9);
	left = done > 0 ? (double)p->elapsed_ns / 1e9 * (1 - done) / done : 0;
	return snprintf(text, size, "%3.0f%%  %.0f s left", done * 100, ceil(left));
}

void progress_show(struct progress *p)
{
	uint64_t interval = p->elapsed_ns - p->shown_ns;
	char text[200];
	double iops;
	int n;

	if (!p->on || interval < PERIOD_NS)
		return;
	iops = (double)(p->ios - p->shown_ios) * 1e9 / (double)interval;
	n = add_time_left(p, text, sizeof(text));
	snprintf(text + n, sizeof(text) - n, "  %.0f IOPS  %.1f MiB/s  %llu errors", iops,
		 iops * (double)p->io_bytes / (1 << 20), (unsigned long long)p->errors);
	/* A full last column would wrap on some terminals. */
	fprintf(stderr, TO_LINE_START "%.*s", window_width() - 1, text);
	p->shown_ns = p->elapsed_ns;
	p->shown_ios = p->ios;
}

void progress_clear(const struct progress *progress)
{
	if (progress->on)
		fputs(TO_LINE_START, stderr);
}
