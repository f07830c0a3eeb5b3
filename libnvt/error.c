// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The thread's error text, and the words for a status. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libnvme.h>

#include <nvt/cmd.h>

#include "err.h"

#define SC_SCT_MASK	0x7ff	/* without CRD, More and Do Not Retry */

static _Thread_local char error_text[512];

int nvt_fail(int err, const char *fmt, ...)
{
	char text[sizeof(error_text)];
	va_list args;

	/* An argument may be the present text, so it is not printed over. */
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	memcpy(error_text, text, sizeof(text));
	errno = -err;
	return err;
}

const char *nvt_error(void)
{
	return error_text;
}

const char *nvt_status_string(uint16_t status)
{
	const char *s;

	if (status == NVT_STATUS_DEAD)
		return "Queue Dead: the queue died before the device answered";
	s = nvme_status_to_string(status & SC_SCT_MASK, false);
	return s ? s : "unrecognized";
}
