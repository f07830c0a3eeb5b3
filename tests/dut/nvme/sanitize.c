// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Sanitize: its states, its progress, its log. NVMe Base 2.1, 5.1.22, 5.1.12.1.33 and 8.1.24 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/event.h"
#include "nvme/firmware.h"
#include "nvme/log_page.h"
#include "nvme/ns.h"
#include "nvme/persistent_event.h"
#include "nvme/sanitize.h"
#include "nvme/sanitize_media.h"
#include "nvme/self_test.h"
#include "nvme/smart.h"
#include "nvme/subsys.h"
#include "nvme/telemetry.h"
#include "options.h"

#define CDW10_BYTE	40
#define STEPS		64U		/* of an operation, each a part of the blocks */
#define ACTION(cdw10)	((cdw10) & 7)
#define AUSE		(1U << 3)	/* CDW10 */
#define OIPBP		(1U << 8)
#define NDAS		(1U << 9)
#define PASSES(cdw10)	(((cdw10) >> 4 & 0xf) ? ((cdw10) >> 4 & 0xf) : 16U)
#define NO_TIME		0xffffffffU
#define SPROG_DONE	0xffffU

/* What survives power. */
struct sanitize_state {
	uint32_t status;		/* SSTAT 2:0 */
	uint32_t cdw10, cdw11;		/* of the command that began it */
	uint32_t step;			/* steps done */
	uint32_t passes;		/* whole ones done, of an overwrite */
	uint32_t failed;		/* the host has not recovered from a failure yet */
	uint64_t writes;		/* of hosts, until it was done */
};

struct sanitize {
	struct subsys *subsys;
	struct timer timer;
	struct sanitize_state *state;
	bool will_fail;			/* half-way, by a rule */
};

bool sanitize_busy(const struct subsys *subsys)
{
	return subsys->sanitize->state->status == NVME_SANITIZE_SSTAT_STATUS_IN_PROGESS;
}

bool sanitize_failed(const struct subsys *subsys)
{
	return subsys->sanitize->state->failed;
}

/* All write commands that hosts have completed. */
static uint64_t count_writes(struct subsys *subsys)
{
	uint64_t sum = 0, writes;
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		struct nvme_smart_log smart;

		smart_fill(subsys->ctrls[i], &smart);
		memcpy(&writes, smart.host_writes, sizeof(writes));
		sum += le64toh(writes);
	}
	return sum;
}

static void post_done(struct subsys *subsys)
{
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++)
		event_post(subsys->ctrls[i], NVME_AER_CSS, NVME_AER_CSS_NVM_SANITIZE_COMPLETED,
			   NVME_LOG_LID_SANITIZE);
}

static uint32_t total_steps(const struct sanitize_state *state)
{
	bool overwrite = ACTION(state->cdw10) == NVME_SANITIZE_SANACT_START_OVERWRITE;

	return overwrite ? STEPS * PASSES(state->cdw10) : STEPS;
}

static uint16_t sprog(const struct sanitize_state *state)
{
	if (state->status != NVME_SANITIZE_SSTAT_STATUS_IN_PROGESS)
		return SPROG_DONE;
	return (uint64_t)state->step * 0x10000 / total_steps(state);
}

/* SSTAT without Global Data Erased */
static uint16_t sstat(const struct sanitize_state *state)
{
	return state->status | state->passes << NVME_SANITIZE_SSTAT_COMPLETED_PASSES_SHIFT;
}

static void end(struct sanitize *sanitize, uint32_t status)
{
	struct sanitize_state *state = sanitize->state;
	struct subsys *subsys = sanitize->subsys;
	struct nvme_sanitize_compln_event event;
	bool failed = status == NVME_SANITIZE_SSTAT_STATUS_COMPLETED_FAILED;

	state->status = status;
	state->failed = failed;
	state->writes = count_writes(subsys);
	event = (struct nvme_sanitize_compln_event){
		.sani_prog = htole16(sprog(state)),
		.sani_status = htole16(sstat(state)),
	};
	persistent_event_add(subsys->ctrls[0], NVME_PEL_SANITIZE_COMPLETION_EVENT, &event,
			     sizeof(event));
	if (failed)
		telemetry_capture(subsys->ctrls[0], "sanitize failed");
	post_done(subsys);
}

static struct sanitize_media media_of(const struct sanitize_state *state)
{
	uint32_t pass = state->step / STEPS;
	bool invert = state->cdw10 & OIPBP && (PASSES(state->cdw10) - 1 - pass) % 2;

	return (struct sanitize_media){
		.action = ACTION(state->cdw10),
		/* The last pass leaves the pattern as it was given, those before it in turn. */
		.pattern = invert ? ~state->cdw11 : state->cdw11,
		.step = state->step % STEPS,
		.steps = STEPS,
	};
}

static void finish(struct sanitize *sanitize)
{
	bool keep = sanitize->state->cdw10 & NDAS;

	if (!keep)
		sanitize_media_deallocate(sanitize->subsys);
	sanitize_media_done(sanitize->subsys);
	end(sanitize, NVME_SANITIZE_SSTAT_STATUS_COMPLETE_SUCCESS);
}

/* One part of the blocks; true if there is more to do. */
static bool do_step(struct sanitize *sanitize)
{
	struct sanitize_state *state = sanitize->state;
	struct sanitize_media media = media_of(state);

	if (sanitize->will_fail && state->step >= total_steps(state) / 2) {
		end(sanitize, NVME_SANITIZE_SSTAT_STATUS_COMPLETED_FAILED);
		return false;
	}
	sanitize_media_step(sanitize->subsys, &media);
	state->step++;
	if (ACTION(state->cdw10) == NVME_SANITIZE_SANACT_START_OVERWRITE)
		state->passes = state->step / STEPS;
	if (state->step < total_steps(state))
		return true;
	finish(sanitize);
	return false;
}

static void go_on(struct sanitize *sanitize)
{
	struct subsys *subsys = sanitize->subsys;
	uint64_t step_ns = subsys->options->sanitize_ns / total_steps(sanitize->state);

	timer_arm(subsys->loop, &sanitize->timer, loop_now(subsys->loop) + step_ns);
}

static void step(struct timer *timer)
{
	struct sanitize *sanitize = container_of(timer, struct sanitize, timer);

	if (do_step(sanitize))
		go_on(sanitize);
}

struct sanitize *sanitize_new(struct subsys *subsys)
{
	struct sanitize *sanitize = calloc(1, sizeof(*sanitize));

	if (!sanitize)
		return NULL;
	sanitize->subsys = subsys;
	sanitize->timer.fire = step;
	sanitize->state = state_section(subsys, "sanitize", sizeof(*sanitize->state));
	if (sanitize->state->status == NVME_SANITIZE_SSTAT_STATUS_IN_PROGESS)
		go_on(sanitize);
	return sanitize;
}

void sanitize_free(struct sanitize *sanitize)
{
	if (!sanitize)
		return;
	timer_cancel(sanitize->subsys->loop, &sanitize->timer);
	free(sanitize);
}

void sanitize_power(struct subsys *subsys, bool on)
{
	if (!on)
		timer_cancel(subsys->loop, &subsys->sanitize->timer);
	else if (sanitize_busy(subsys))
		go_on(subsys->sanitize);
}

static uint16_t check_protection(struct subsys *subsys)
{
	uint32_t nsid;

	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++) {
		const struct ns *ns = ns_find(subsys, nsid);

		if (ns && ns->protection != NS_NOT_PROTECTED)
			return GENERIC(NS_WRITE_PROTECTED);
		if (ns && ns->formatting)
			return LATER(GENERIC(FORMAT_IN_PROGRESS));
	}
	return 0;
}

/*
 * Firmware that waits for a reset forbids it. After a failure in the
 * restricted mode, only another try in that mode leads out. 8.1.24.2
 */
static uint16_t check_start(struct cmd *cmd)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	const struct sanitize_state *state = subsys->sanitize->state;

	if (state->failed && !(state->cdw10 & AUSE) && cmd->sqe.cdw10 & AUSE)
		return GENERIC(SANITIZE_FAILED);
	if (firmware_pending(subsys))
		return SPECIFIC(FW_NEEDS_RESET);
	return check_protection(subsys);
}

static void choose_failure(struct cmd *cmd)
{
	const struct fault_shot *shot = fault_find(cmd, FAULT_SANITIZE);

	cmd->ctrl->subsys->sanitize->will_fail = shot;
	if (shot)
		fault_log(cmd, shot, "fails when half of it is done");
}

static void begin(struct cmd *cmd)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	struct sanitize_state *state = subsys->sanitize->state;
	uint32_t cdw10 = cmd->sqe.cdw10, cdw11 = cmd->sqe.cdw11;
	struct nvme_sanitize_start_event event = {
		.sani_cap = htole32(SANITIZE_SANICAP),
		.sani_cdw10 = htole32(cdw10),
		.sani_cdw11 = htole32(cdw11),
	};

	choose_failure(cmd);
	self_test_sanitized(subsys);
	persistent_event_add(cmd->ctrl, NVME_PEL_SANITIZE_START_EVENT, &event, sizeof(event));
	*state = (struct sanitize_state){
		.status = NVME_SANITIZE_SSTAT_STATUS_IN_PROGESS,
		.cdw10 = cdw10,
		.cdw11 = cdw11,
	};
	sanitize_media_begin(subsys);
	/* The operation is of the background: the command that starts it completes first. */
	go_on(subsys->sanitize);
}

/* A host that gives up on a failure that it may give up on. */
static uint16_t exit_failure(struct cmd *cmd)
{
	struct sanitize_state *state = cmd->ctrl->subsys->sanitize->state;

	if (!state->failed)
		return 0;
	if (!(state->cdw10 & AUSE))
		return GENERIC(SANITIZE_FAILED);
	state->failed = false;
	return 0;
}

uint16_t sanitize_run(struct cmd *cmd)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	uint16_t status;

	if (sanitize_busy(subsys))
		return LATER(GENERIC(SANITIZE_IN_PROGRESS));
	switch (ACTION(cmd->sqe.cdw10)) {
	case NVME_SANITIZE_SANACT_EXIT_FAILURE:
		return exit_failure(cmd);
	case NVME_SANITIZE_SANACT_START_BLOCK_ERASE:
	case NVME_SANITIZE_SANACT_START_OVERWRITE:
	case NVME_SANITIZE_SANACT_START_CRYPTO_ERASE:
		break;
	default:
		return cmd_bad_field(cmd, CDW10_BYTE);
	}
	status = check_start(cmd);
	if (!status)
		begin(cmd);
	return status;
}

static uint32_t seconds(uint64_t ns)
{
	return (ns + NS_PER_S - 1) / NS_PER_S;
}

/* Nothing was written since the device was made, or since the last successful operation. */
static bool all_erased(const struct sanitize *sanitize)
{
	const struct sanitize_state *state = sanitize->state;

	return state->status != NVME_SANITIZE_SSTAT_STATUS_IN_PROGESS &&
	       state->status != NVME_SANITIZE_SSTAT_STATUS_COMPLETED_FAILED &&
	       state->writes == count_writes(sanitize->subsys);
}

uint16_t sanitize_log(struct cmd *cmd, struct log *log)
{
	struct subsys *subsys = cmd->ctrl->subsys;
	const struct sanitize_state *state = subsys->sanitize->state;
	struct nvme_sanitize_log_page *page = log_alloc(log, sizeof(*page));
	uint32_t estimate = htole32(seconds(subsys->options->sanitize_ns));

	if (!page)
		return RETRY(GENERIC(INTERNAL));
	page->sprog = htole16(sprog(state));
	page->sstat = htole16(sstat(state) | (all_erased(subsys->sanitize) ?
					      NVME_SANITIZE_SSTAT_GLOBAL_DATA_ERASED : 0));
	page->scdw10 = htole32(state->cdw10);
	page->eto = estimate;
	page->etbe = estimate;
	page->etce = estimate;
	/* NODMMAS 01b: media is not modified again, so there is no time of that. */
	page->etond = htole32(NO_TIME);
	page->etbend = htole32(NO_TIME);
	page->etcend = htole32(NO_TIME);
	return 0;
}
