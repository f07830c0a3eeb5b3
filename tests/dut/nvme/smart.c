// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* SMART and health: what is counted, and the log page that is made of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/event.h"
#include "nvme/feature.h"
#include "nvme/ns.h"
#include "nvme/persistent_event.h"
#include "nvme/smart.h"
#include "nvme/subsys.h"
#include "nvme/thermal.h"
#include "options.h"

#define DATA_UNIT		512
#define MINUTE_NS		(60 * NS_PER_S)
#define HOUR_MS			3600000ULL
/* Between commands that are closer than this the controller is not idle. */
#define IDLE_NS			(20 * NS_PER_US)
#define SPARE_BLOCKS		1000	/* a medium error takes one of them */
#define SPARE_THRESHOLD		10	/* percent */
#define ENDURANCE		1000	/* times that the whole capacity can be written */

/* What survives, in the state. */
struct smart_state {
	uint64_t bytes_read, bytes_written;
	uint64_t reads, writes;
	uint64_t busy_ns;
	uint64_t power_cycles, unsafe_shutdowns, media_errors, error_entries;
	uint64_t warning_ns, critical_ns;
	uint64_t level_ns[2];
	uint32_t level_transitions[2];
	uint8_t in_use;			/* since it was last shut down */
	uint8_t pad[7];
};

struct smart {
	struct smart_state *state;
	uint64_t busy_until_ns;
	uint8_t set_warnings;		/* by smart_set_warnings() */
	uint8_t reported;		/* warnings that events were posted for */
};

struct smart *smart_new(struct ctrl *ctrl)
{
	struct smart *smart = calloc(1, sizeof(*smart));
	char name[16];

	if (!smart)
		return NULL;
	snprintf(name, sizeof(name), "smart-%u", ctrl->cntid);
	smart->state = state_section(ctrl->subsys, name, sizeof(*smart->state));
	return smart;
}

void smart_free(struct smart *smart)
{
	free(smart);
}

static void account_time(struct smart *smart, const struct cmd *cmd)
{
	uint64_t end = cmd->ctrl->now_ns, start = cmd->fetched_ns;

	if (start < smart->busy_until_ns + IDLE_NS)
		start = smart->busy_until_ns;
	if (end > start) {
		smart->state->busy_ns += end - start;
		smart->busy_until_ns = end;
	}
}

static uint64_t data_bytes(const struct cmd *cmd)
{
	return ((uint64_t)(cmd->sqe.cdw12 & 0xffff) + 1) << cmd->ns->lba_shift;
}

/*
 * Compare, Read and Verify are the commands that read data units, the first
 * two also host reads; Write and Zone Append are the ones that write.
 * NVM Command Set 1.1, 4.1.4.2
 */
void smart_account(struct cmd *cmd, uint16_t status)
{
	struct smart *smart = cmd->ctrl->smart;
	struct smart_state *state = smart->state;

	account_time(smart, cmd);
	if (!cmd->ns)
		return;
	switch (cmd->sqe.opcode) {
	case nvme_cmd_read:
	case nvme_cmd_compare:
		state->reads++;
		if (!status)
			state->bytes_read += data_bytes(cmd);
		break;
	case nvme_cmd_verify:
		if (!status)
			state->bytes_read += data_bytes(cmd);
		break;
	case nvme_cmd_write:
	case nvme_zns_cmd_append:
		state->writes++;
		if (!status)
			state->bytes_written += data_bytes(cmd);
		break;
	}
}

void smart_power_cycle(struct subsys *subsys)
{
	struct smart_state *state;
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		state = subsys->ctrls[i]->smart->state;
		state->power_cycles++;
		/* The process before this one ended while a host was at work: its power went. */
		smart_unsafe_shutdown(subsys->ctrls[i]);
	}
}

void smart_unsafe_shutdown(struct ctrl *ctrl)
{
	struct smart_state *state = ctrl->smart->state;

	if (!state->in_use)
		return;
	state->in_use = 0;
	state->unsafe_shutdowns++;
	persistent_event_hardware(ctrl, HARDWARE_UNSAFE_SHUTDOWN);
}

void smart_shutdown(struct ctrl *ctrl, bool abrupt)
{
	ctrl->smart->state->in_use = 0;
}

void smart_in_use(struct ctrl *ctrl)
{
	ctrl->smart->state->in_use = 1;
}

void smart_media_error(struct ctrl *ctrl)
{
	ctrl->smart->state->media_errors++;
	persistent_event_hardware(ctrl, HARDWARE_MEDIA);
	smart_check(ctrl);
}

uint64_t smart_error_entry(struct ctrl *ctrl)
{
	return ++ctrl->smart->state->error_entries;
}

uint64_t smart_busy_ns(const struct ctrl *ctrl)
{
	return ctrl->smart->state->busy_ns;
}

void smart_thermal_time(struct ctrl *ctrl, uint64_t ns, bool warning, bool critical,
			unsigned int level)
{
	struct smart_state *state = ctrl->smart->state;

	if (critical)
		state->critical_ns += ns;
	else if (warning)
		state->warning_ns += ns;
	if (level)
		state->level_ns[level - 1] += ns;
}

void smart_thermal_transition(struct ctrl *ctrl, unsigned int level)
{
	ctrl->smart->state->level_transitions[level - 1]++;
}

static uint8_t spare_percent(const struct smart_state *state)
{
	if (state->media_errors >= SPARE_BLOCKS)
		return 0;
	return 100 - state->media_errors * 100 / SPARE_BLOCKS;
}

/* More than 100 is possible, more than 254 is 255. */
static uint8_t used_percent(const struct ctrl *ctrl)
{
	uint64_t endurance = ns_total_capacity(ctrl->subsys) / 100 * ENDURANCE;
	uint64_t percent = endurance ? ctrl->smart->state->bytes_written / endurance : 0;

	return percent > 254 ? 255 : percent;
}

static uint8_t warnings(const struct ctrl *ctrl)
{
	uint8_t bits = ctrl->smart->set_warnings;

	if (spare_percent(ctrl->smart->state) < SPARE_THRESHOLD)
		bits |= NVME_SMART_CRIT_SPARE;
	if (thermal_beyond_threshold(ctrl))
		bits |= NVME_SMART_CRIT_TEMPERATURE;
	return bits;
}

void smart_check(struct ctrl *ctrl)
{
	struct smart *smart = ctrl->smart;
	uint8_t now = warnings(ctrl), risen = now & ~smart->reported;

	smart->reported = now;
	if (risen)
		persistent_event_hardware(ctrl, HARDWARE_CRITICAL_WARNING);
	risen &= feature_value(ctrl, NVME_FEAT_FID_ASYNC_EVENT);
	if (risen & NVME_SMART_CRIT_SPARE)
		event_post(ctrl, NVME_AER_SMART, NVME_AER_SMART_SPARE_THRESHOLD,
			   NVME_LOG_LID_SMART);
	if (risen & NVME_SMART_CRIT_TEMPERATURE)
		event_post(ctrl, NVME_AER_SMART, NVME_AER_SMART_TEMPERATURE_THRESHOLD,
			   NVME_LOG_LID_SMART);
	if (risen & ~(NVME_SMART_CRIT_SPARE | NVME_SMART_CRIT_TEMPERATURE))
		event_post(ctrl, NVME_AER_SMART, NVME_AER_SMART_SUBSYSTEM_RELIABILITY,
			   NVME_LOG_LID_SMART);
}

void smart_set_warnings(struct ctrl *ctrl, uint8_t bits)
{
	ctrl->smart->set_warnings = bits;
	smart_check(ctrl);
}

static void put_count(uint8_t field[16], uint64_t count)
{
	memcpy(field, &count, sizeof(count));
}

/* In thousands, rounded up. 5.1.12.1.3 */
static uint64_t data_units(uint64_t bytes)
{
	return (bytes / DATA_UNIT + 999) / 1000;
}

static void fill_temperature(const struct ctrl *ctrl, struct nvme_smart_log *log)
{
	const struct smart_state *state = ctrl->smart->state;
	uint16_t kelvin = thermal_kelvin(ctrl);
	unsigned int i;

	memcpy(log->temperature, &kelvin, sizeof(kelvin));
	for (i = 0; i < THERMAL_SENSORS; i++)
		log->temp_sensor[i] = thermal_sensor(ctrl, i + 1);
	log->warning_temp_time = state->warning_ns / MINUTE_NS;
	log->critical_comp_time = state->critical_ns / MINUTE_NS;
	log->thm_temp1_trans_count = state->level_transitions[0];
	log->thm_temp2_trans_count = state->level_transitions[1];
	log->thm_temp1_total_time = state->level_ns[0] / NS_PER_S;
	log->thm_temp2_total_time = state->level_ns[1] / NS_PER_S;
}

void smart_fill(struct ctrl *ctrl, struct nvme_smart_log *log)
{
	const struct smart_state *state = ctrl->smart->state;

	memset(log, 0, sizeof(*log));
	log->critical_warning = warnings(ctrl);
	log->avail_spare = spare_percent(state);
	log->spare_thresh = SPARE_THRESHOLD;
	log->percent_used = used_percent(ctrl);
	put_count(log->data_units_read, data_units(state->bytes_read));
	put_count(log->data_units_written, data_units(state->bytes_written));
	put_count(log->host_reads, state->reads);
	put_count(log->host_writes, state->writes);
	put_count(log->ctrl_busy_time, state->busy_ns / MINUTE_NS);
	put_count(log->power_cycles, state->power_cycles);
	put_count(log->power_on_hours, subsys_power_on_ms(ctrl->subsys) / HOUR_MS);
	put_count(log->unsafe_shutdowns, state->unsafe_shutdowns);
	put_count(log->media_errors, state->media_errors);
	put_count(log->num_err_log_entries, state->error_entries);
	fill_temperature(ctrl, log);
}

/* No page for each namespace: LPA bit 0 is 0. */
uint16_t smart_log(struct cmd *cmd, struct log *log)
{
	struct nvme_smart_log *page;

	if (cmd->sqe.nsid != NVME_NSID_NONE && cmd->sqe.nsid != NVME_NSID_ALL)
		return cmd_bad_field(cmd, 4);
	page = log_alloc(log, sizeof(*page));
	if (!page)
		return RETRY(GENERIC(INTERNAL));
	smart_fill(cmd->ctrl, page);
	return 0;
}
