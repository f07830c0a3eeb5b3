/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Get Log Page: which pages there are, and the part that is asked for. NVMe Base 2.1, 5.1.12 */
#ifndef DUT_LOG_PAGE_H
#define DUT_LOG_PAGE_H

#include <stdbool.h>
#include <stdint.h>

struct cmd;
struct ctrl;
struct subsys;

/* A log page as its provider gives it. The command's LSP, LSI and RAE are in cmd->sqe. */
struct log {
	const void *data;
	uint64_t length;
	void *allocated;		/* freed after the reply; NULL: @data stays where it is */
};

static inline uint8_t log_lsp(uint32_t cdw10)
{
	return cdw10 >> 8 & 0x7f;
}

/* Retain Asynchronous Event: reading must change nothing. */
static inline bool log_rae(uint32_t cdw10)
{
	return cdw10 >> 15 & 1;
}

/* Log Specific Identifier */
static inline uint16_t log_lsi(uint32_t cdw11)
{
	return cdw11 >> 16;
}

/* A zeroed page of @length bytes that is freed after the reply; NULL without memory. */
void *log_alloc(struct log *log, uint64_t length);

uint16_t get_log_page_run(struct cmd *cmd);

/* Whether there is such a page. */
bool log_supported(const struct ctrl *ctrl, uint8_t lid);

/*
 * A namespace came, went, or is not what it was: into the Changed Namespace
 * List, and an event. To all controllers, or to all but the one whose command
 * did it. 5.1.12.1.5
 */
void log_changed_ns(struct subsys *subsys, uint32_t nsid);
void log_changed_ns_others(struct ctrl *ctrl, uint32_t nsid);

#endif /* DUT_LOG_PAGE_H */
