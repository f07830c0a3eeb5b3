// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The persistent event log. NVMe Base 2.1, 5.1.12.1.14 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/feature.h"
#include "nvme/firmware.h"
#include "nvme/log_page.h"
#include "nvme/persistent_event.h"
#include "nvme/smart.h"
#include "nvme/subsys.h"
#include "options.h"
#include "pcie/function.h"

#define ENTRY_SIZE	sizeof(struct nvme_persistent_event_entry)
#define HEADER_SIZE	sizeof(struct nvme_persistent_event_log)
#define EVENTS_SIZE	(PERSISTENT_EVENT_LOG_MAX - HEADER_SIZE)
#define HEADER_REVISION	2
#define EVENT_REVISION	1
#define LOGGED_DWORDS	6		/* Set Feature event: CDW10 to CDW15 */
#define LOGGED_DW0	(1U << 3)
#define CONTEXT_EXISTS	(1U << 18)	/* Reporting Context Information */

/* Oldest first. */
struct event_store {
	uint32_t used;			/* bytes */
	uint32_t count;
	uint16_t generation;		/* of log headers */
	uint8_t pad[6];
	unsigned char events[EVENTS_SIZE];
};

struct persistent_events {
	struct event_store *store;
	/* By index of a controller: the log as it was when the controller's context was made. */
	unsigned char *contexts[SUBSYS_CTRLS];
	size_t lengths[SUBSYS_CTRLS];
};

_Static_assert(sizeof(struct nvme_persistent_event_log) == 512, "log header");
_Static_assert(sizeof(struct nvme_persistent_event_entry) == 24, "event header");

struct persistent_events *persistent_events_new(struct subsys *subsys)
{
	struct persistent_events *events = calloc(1, sizeof(*events));

	if (events)
		events->store = state_section(subsys, "persistent-events", sizeof(*events->store));
	return events;
}

void persistent_events_free(struct persistent_events *events)
{
	unsigned int i;

	if (!events)
		return;
	for (i = 0; i < SUBSYS_CTRLS; i++)
		free(events->contexts[i]);
	free(events);
}

static size_t event_size(const unsigned char *at)
{
	struct nvme_persistent_event_entry entry;

	memcpy(&entry, at, ENTRY_SIZE);
	return ENTRY_SIZE + le16toh(entry.el);
}

static void make_room(struct event_store *store, size_t size)
{
	size_t gone = 0;

	while (store->used - gone + size > EVENTS_SIZE) {
		gone += event_size(store->events + gone);
		store->count--;
	}
	store->used -= gone;
	memmove(store->events, store->events + gone, store->used);
}

void persistent_event_add(struct ctrl *ctrl, uint8_t type, const void *data, size_t length)
{
	struct event_store *store = ctrl->subsys->persistent_events->store;
	struct nvme_persistent_event_entry entry = {
		.etype = type,
		.etype_rev = EVENT_REVISION,
		/* What follows of the header. */
		.ehl = ENTRY_SIZE - 3,
		.cntlid = htole16(ctrl->cntid),
		.ets = htole64(feature_timestamp(ctrl)),
		.el = htole16(length),
	};

	if (!ctrl->options->persistent_event || length > PERSISTENT_EVENT_MAX)
		return;
	make_room(store, ENTRY_SIZE + length);
	memcpy(store->events + store->used, &entry, ENTRY_SIZE);
	memcpy(store->events + store->used + ENTRY_SIZE, data, length);
	store->used += ENTRY_SIZE + length;
	store->count++;
}

void persistent_event_hardware(struct ctrl *ctrl, enum hardware_error code)
{
	/* Without Additional Hardware Error Information. */
	const uint16_t event[2] = { htole16(code) };

	persistent_event_add(ctrl, NVME_PEL_NSS_HW_ERROR_EVENT, event, sizeof(event));
}

/* Layout, CDW10 to CDW15, the data, dword 0 of the completion. */
void persistent_event_set_feature(struct cmd *cmd, const void *data, size_t length)
{
	unsigned char event[PERSISTENT_EVENT_MAX];
	uint32_t layout = htole32(LOGGED_DWORDS | LOGGED_DW0 | (uint32_t)length << 16);
	size_t at = sizeof(layout);

	if (at + LOGGED_DWORDS * 4 + length + 4 > sizeof(event))
		return;
	memcpy(event, &layout, sizeof(layout));
	memcpy(event + at, &cmd->sqe.cdw10, LOGGED_DWORDS * 4);
	at += LOGGED_DWORDS * 4;
	memcpy(event + at, data, length);
	at += length;
	memcpy(event + at, &cmd->dw0, 4);
	persistent_event_add(cmd->ctrl, NVME_PEL_SET_FEATURE_EVENT, event, at + 4);
}

static uint32_t power_cycles(struct ctrl *ctrl)
{
	struct nvme_smart_log smart;
	uint32_t cycles;

	smart_fill(ctrl, &smart);
	memcpy(&cycles, smart.power_cycles, sizeof(cycles));
	return le32toh(cycles);
}

static void add_reset(struct subsys *subsys, struct ctrl *const *ctrls, unsigned int nr)
{
	struct {
		char revision[8];
		struct nvme_power_on_reset_info_list ctrls[SUBSYS_CTRLS];
	} __attribute__((packed)) event = { .revision = "" };
	unsigned int i;

	memcpy(event.revision, firmware_active_revision(subsys), sizeof(event.revision));
	for (i = 0; i < nr; i++) {
		event.ctrls[i].cid = htole16(ctrls[i]->cntid);
		event.ctrls[i].ctrl_power_cycle = htole32(power_cycles(ctrls[i]));
		event.ctrls[i].power_on_ml_seconds = htole64(subsys_power_on_ms(subsys));
		event.ctrls[i].ctrl_time_stamp = htole64(feature_timestamp(ctrls[i]));
	}
	persistent_event_add(ctrls[0], NVME_PEL_POWER_ON_RESET_EVENT, &event,
			     sizeof(event.revision) + nr * sizeof(event.ctrls[0]));
}

/* SMART is recorded at each power on: what the life before has come to. */
void persistent_event_power_on(struct subsys *subsys)
{
	struct nvme_smart_log smart;

	add_reset(subsys, subsys->ctrls, subsys->nr_ctrls);
	smart_fill(subsys->ctrls[0], &smart);
	persistent_event_add(subsys->ctrls[0], NVME_PEL_SMART_HEALTH_EVENT, &smart, sizeof(smart));
}

static void end_context(struct persistent_events *events, const struct ctrl *ctrl)
{
	free(events->contexts[ctrl->index]);
	events->contexts[ctrl->index] = NULL;
}

void persistent_event_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	end_context(ctrl->subsys->persistent_events, ctrl);
	if (kind != CTRL_RESET_POWER)
		add_reset(ctrl->subsys, &ctrl, 1);
}

static void pad_copy(char *to, size_t size, const char *from)
{
	size_t length = strnlen(from, size);

	memset(to, ' ', size);
	memcpy(to, from, length);
}

static void fill_bitmap(uint8_t bitmap[32])
{
	static const uint8_t types[] = {
		NVME_PEL_SMART_HEALTH_EVENT, NVME_PEL_FW_COMMIT_EVENT, NVME_PEL_TIMESTAMP_EVENT,
		NVME_PEL_POWER_ON_RESET_EVENT, NVME_PEL_NSS_HW_ERROR_EVENT,
		NVME_PEL_CHANGE_NS_EVENT, NVME_PEL_SET_FEATURE_EVENT,
		NVME_PEL_FORMAT_START_EVENT, NVME_PEL_FORMAT_COMPLETION_EVENT,
		NVME_PEL_SANITIZE_START_EVENT, NVME_PEL_SANITIZE_COMPLETION_EVENT,
		NVME_PEL_TELEMETRY_CRT, NVME_PEL_THERMAL_EXCURSION_EVENT,
	};
	size_t i;

	for (i = 0; i < sizeof(types); i++)
		bitmap[types[i] / 8] |= 1U << types[i] % 8;
}

static void fill_header(struct ctrl *ctrl, struct nvme_persistent_event_log *header)
{
	struct subsys *subsys = ctrl->subsys;
	struct event_store *store = subsys->persistent_events->store;
	uint64_t hours = htole64(subsys_power_on_ms(subsys) / (3600 * 1000));

	header->lid = NVME_LOG_LID_PERSISTENT_EVENT;
	header->tnev = htole32(store->count);
	header->tll = htole64(HEADER_SIZE + store->used);
	header->rv = HEADER_REVISION;
	/* What follows of the header. */
	header->lhl = htole16(HEADER_SIZE - 20);
	header->ts = htole64(feature_timestamp(ctrl));
	memcpy(header->poh, &hours, sizeof(hours));
	header->pcc = htole64(power_cycles(ctrl));
	header->vid = htole16(function_config_read(ctrl->function, 0, 2));
	header->ssvid = htole16(function_config_read(ctrl->function, 0x2c, 2));
	pad_copy(header->sn, sizeof(header->sn), subsys->options->serial);
	pad_copy(header->mn, sizeof(header->mn), subsys->options->model);
	memcpy(header->subnqn, subsys->nqn, sizeof(subsys->nqn));
	header->gen_number = htole16(++store->generation);
	header->rci = htole32(CONTEXT_EXISTS);
	fill_bitmap(header->seb);
}

static uint16_t establish(struct ctrl *ctrl)
{
	struct persistent_events *events = ctrl->subsys->persistent_events;
	size_t length = HEADER_SIZE + events->store->used;
	unsigned char *context;

	if (events->contexts[ctrl->index])
		return GENERIC(CMD_SEQ_ERROR);
	context = calloc(1, length);
	if (!context)
		return RETRY(GENERIC(INTERNAL));
	fill_header(ctrl, (struct nvme_persistent_event_log *)context);
	memcpy(context + HEADER_SIZE, events->store->events, events->store->used);
	events->contexts[ctrl->index] = context;
	events->lengths[ctrl->index] = length;
	return 0;
}

uint16_t persistent_event_log(struct cmd *cmd, struct log *log)
{
	struct ctrl *ctrl = cmd->ctrl;
	struct persistent_events *events = ctrl->subsys->persistent_events;
	uint16_t status = 0;

	switch (log_lsp(cmd->sqe.cdw10) & 3) {
	case NVME_PEVENT_LOG_READ:
		if (!events->contexts[ctrl->index])
			status = GENERIC(CMD_SEQ_ERROR);
		break;
	case NVME_PEVENT_LOG_EST_CTX_AND_READ:
		status = establish(ctrl);
		break;
	case NVME_PEVENT_LOG_RELEASE_CTX:
		end_context(events, ctrl);
		/* Nothing is transferred. */
		return 0;
	default:
		status = cmd_bad_field(cmd, 41);
		break;
	}
	if (status)
		return status;
	log->data = events->contexts[ctrl->index];
	log->length = events->lengths[ctrl->index];
	return 0;
}
