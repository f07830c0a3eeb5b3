// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Asynchronous events: what is reported, when, and what holds it back. */
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/event.h"
#include "nvme/feature.h"
#include "options.h"

#define MAX_REQUESTS	256	/* AERL is a byte, 0's based */
#define MAX_PENDING	64
#define TYPES		8

struct event {
	uint8_t type, info, log;
	uint8_t zero;			/* events are compared as memory */
	uint32_t parameter;
};

struct events {
	struct ctrl *ctrl;
	struct cmd *requests[MAX_REQUESTS];	/* in order of their arrival */
	unsigned int nr_requests;
	struct event pending[MAX_PENDING];	/* what no request has carried yet */
	unsigned int nr_pending;
	/* Of each type: reported, and not cleared by reading the log page that it named. */
	bool masked[TYPES];
	uint8_t masked_by[TYPES];
	unsigned int flood;
};

struct events *events_new(struct ctrl *ctrl)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events)
		events->ctrl = ctrl;
	return events;
}

void events_free(struct events *events)
{
	free(events);
}

/* The requests themselves were dropped by the core. */
void events_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	struct events *events = ctrl->events;

	events->nr_requests = 0;
	events->nr_pending = 0;
	events->flood = 0;
	memset(events->masked, 0, sizeof(events->masked));
}

/* These wait for the host to clear them; the others are said once. 5.1.2 */
static bool needs_clearing(uint8_t type)
{
	return type != EVENT_IMMEDIATE && type != NVME_AER_VS;
}

static void remove_request(struct events *events, unsigned int i)
{
	events->nr_requests--;
	memmove(events->requests + i, events->requests + i + 1,
		(events->nr_requests - i) * sizeof(*events->requests));
}

static void answer(struct events *events, const struct event *event)
{
	struct cmd *cmd = events->requests[0];

	remove_request(events, 0);
	cmd->dw0 = event->type | (uint32_t)event->info << 8 | (uint32_t)event->log << 16;
	cmd->dw1 = event->parameter;
	cmd_complete(cmd, 0);
}

static void remove_pending(struct events *events, unsigned int i)
{
	events->nr_pending--;
	memmove(events->pending + i, events->pending + i + 1,
		(events->nr_pending - i) * sizeof(*events->pending));
}

/* Reports what can be reported, the oldest first. */
static void deliver(struct events *events)
{
	static const struct event noise = { .type = NVME_AER_VS };
	struct event event;
	unsigned int i = 0;

	while (events->nr_requests && events->flood) {
		events->flood--;
		answer(events, &noise);
	}
	while (events->nr_requests && i < events->nr_pending) {
		event = events->pending[i];
		if (events->masked[event.type]) {
			i++;
			continue;
		}
		remove_pending(events, i);
		events->masked[event.type] = needs_clearing(event.type);
		events->masked_by[event.type] = event.log;
		answer(events, &event);
	}
}

static void cancel_request(struct cmd *cmd)
{
	struct events *events = cmd->ctrl->events;
	unsigned int i;

	for (i = 0; i < events->nr_requests; i++)
		if (events->requests[i] == cmd) {
			remove_request(events, i);
			return;
		}
}

uint16_t event_request_run(struct cmd *cmd)
{
	struct events *events = cmd->ctrl->events;

	if (events->nr_requests > cmd->ctrl->options->aerl || events->nr_requests == MAX_REQUESTS)
		return SPECIFIC(ASYNC_LIMIT);
	cmd->cancel = cancel_request;
	events->requests[events->nr_requests++] = cmd;
	deliver(events);
	return CMD_PENDING;
}

/* Asynchronous Event Configuration has a bit for each notice, from bit 8 on. 5.1.25.1.9 */
static uint32_t notice_bit(uint8_t info)
{
	if (info == EVENT_NOTICE_ZONE)
		return NVME_CTRL_OAES_ZD;
	return info < 8 ? 1U << (8 + info) : 0;
}

/* Of SMART there is a bit for each Critical Warning, which its caller looks at. */
static bool enabled(const struct ctrl *ctrl, uint8_t type, uint8_t info)
{
	return type != NVME_AER_NOTICE ||
	       feature_value(ctrl, NVME_FEAT_FID_ASYNC_EVENT) & notice_bit(info);
}

static bool is_pending(const struct events *events, const struct event *event)
{
	unsigned int i;

	for (i = 0; i < events->nr_pending; i++)
		if (!memcmp(events->pending + i, event, sizeof(*event)))
			return true;
	return false;
}

void event_post(struct ctrl *ctrl, uint8_t type, uint8_t info, uint8_t log)
{
	event_post_about(ctrl, type, info, log, 0);
}

void event_post_about(struct ctrl *ctrl, uint8_t type, uint8_t info, uint8_t log,
		      uint32_t parameter)
{
	struct event event = { type % TYPES, info, log, 0, parameter };
	struct events *events = ctrl->events;

	if (!enabled(ctrl, type, info) || is_pending(events, &event) ||
	    events->nr_pending == MAX_PENDING)
		return;
	events->pending[events->nr_pending++] = event;
	deliver(events);
}

void event_log_read(struct ctrl *ctrl, uint8_t log)
{
	struct events *events = ctrl->events;
	unsigned int type, i = 0;

	/* The host has just seen what these would send it to. */
	while (i < events->nr_pending)
		if (needs_clearing(events->pending[i].type) && events->pending[i].log == log)
			remove_pending(events, i);
		else
			i++;
	for (type = 0; type < TYPES; type++)
		if (events->masked[type] && events->masked_by[type] == log)
			events->masked[type] = false;
	deliver(events);
}

void event_flood(struct ctrl *ctrl, unsigned int count)
{
	ctrl->events->flood += count;
	deliver(ctrl->events);
}
