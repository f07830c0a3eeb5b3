// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Device Self-test. NVMe Base 2.1, 5.1.5 and 8.1.7 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/error_log.h"
#include "nvme/event.h"
#include "nvme/log_page.h"
#include "nvme/ns.h"
#include "nvme/self_test.h"
#include "nvme/smart.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "nvme/telemetry.h"
#include "options.h"

#define NSID_BYTE	4
#define STC_BYTE	40
#define PERCENT		100
#define HOUR_MS		(3600U * 1000)

/* Segments of a test, those of the base specification's example. 8.1.7 */
#define SEGMENT_SMART	2
#define SEGMENT_MEDIA	7

/* What survives power. */
struct self_test_state {
	uint8_t begun;			/* the results are not just zeros */
	uint8_t code;			/* of what is running; 0: nothing is */
	uint8_t percent;
	uint8_t pad;
	uint32_t nsid;
	struct nvme_st_result results[NVME_LOG_ST_MAX_RESULTS];	/* latest first */
};

struct self_test {
	struct ctrl *ctrl;
	struct timer timer;
	struct self_test_state *state;
};

/* Where a test failed; segment 0: it did not. */
struct failure {
	uint8_t segment;
	uint32_t nsid;			/* with lba, of the media segment */
	uint64_t lba;
};

static void add_result(struct self_test *test, enum nvme_status_result outcome,
		       const struct failure *failure)
{
	struct self_test_state *state = test->state;
	struct nvme_st_result result = {
		.dsts = outcome | state->code << NVME_ST_CODE_SHIFT,
		.poh = htole64(subsys_power_on_ms(test->ctrl->subsys) / HOUR_MS),
	};

	if (state->nsid) {
		result.vdi |= NVME_ST_VALID_DIAG_INFO_NSID;
		result.nsid = htole32(state->nsid);
	}
	if (failure && failure->segment)
		result.seg = failure->segment;
	if (failure && failure->segment == SEGMENT_MEDIA) {
		result.vdi |= NVME_ST_VALID_DIAG_INFO_NSID | NVME_ST_VALID_DIAG_INFO_FLBA |
			      NVME_ST_VALID_DIAG_INFO_SCT | NVME_ST_VALID_DIAG_INFO_SC;
		result.nsid = htole32(failure->nsid);
		result.flba = htole64(failure->lba);
		result.sct = NVME_SCT_MEDIA;
		result.sc = NVME_SC_READ_ERROR;
	}
	memmove(state->results + 1, state->results,
		(NVME_LOG_ST_MAX_RESULTS - 1) * sizeof(state->results[0]));
	state->results[0] = result;
}

static void end(struct self_test *test, enum nvme_status_result outcome,
		const struct failure *failure)
{
	timer_cancel(test->ctrl->loop, &test->timer);
	add_result(test, outcome, failure);
	test->state->code = NVME_ST_CURR_OP_NOT_RUNNING;
	test->state->percent = 0;
}

static bool is_under_test(const struct self_test *test, uint32_t nsid)
{
	return test->state->nsid == NVME_NSID_ALL ? ns_attached(test->ctrl, nsid) != NULL :
						    test->state->nsid == nsid;
}

/* The first block that cannot be read. */
static bool check_media(struct self_test *test, struct failure *failure)
{
	struct ctrl *ctrl = test->ctrl;
	uint32_t nsid;

	for (nsid = 1; nsid <= ctrl->options->max_namespaces; nsid++) {
		const struct ns *ns = ns_find(ctrl->subsys, nsid);

		if (!ns || !is_under_test(test, nsid))
			continue;
		failure->lba = store_find(ns->store, 0, ns->nsze, BLOCK_UNCORRECTABLE, true);
		if (failure->lba == UINT64_MAX)
			continue;
		failure->nsid = nsid;
		failure->segment = SEGMENT_MEDIA;
		return false;
	}
	return true;
}

static bool check_smart(struct self_test *test, struct failure *failure)
{
	struct nvme_smart_log smart;

	smart_fill(test->ctrl, &smart);
	if (!(smart.critical_warning & (NVME_SMART_CRIT_DEGRADED | NVME_SMART_CRIT_MEDIA)))
		return true;
	failure->segment = SEGMENT_SMART;
	return false;
}

/* The short test does not look at the media: its time does not allow it. */
static void finish(struct self_test *test)
{
	struct failure failure = { 0 };
	bool passed = check_smart(test, &failure) &&
		      (test->state->code == NVME_ST_CODE_SHORT || check_media(test, &failure));

	end(test, passed ? NVME_ST_RESULT_NO_ERR : NVME_ST_RESULT_KNOWN_SEG_FAIL, &failure);
	if (passed)
		return;
	telemetry_capture(test->ctrl, "device self-test failed");
	error_log_device(test->ctrl, NVME_SC_INTERNAL);
	event_post(test->ctrl, NVME_AER_ERROR, NVME_AER_ERROR_DIAG_FAILURE, NVME_LOG_LID_ERROR);
}

static uint64_t step_ns(const struct self_test *test)
{
	const struct options *options = test->ctrl->options;

	return (test->state->code == NVME_ST_CODE_EXTENDED ? options->self_test_extended_ns :
							     options->self_test_ns) / PERCENT;
}

static void step(struct timer *timer)
{
	struct self_test *test = container_of(timer, struct self_test, timer);

	/* Without power nothing goes on. */
	if (test->ctrl->subsys->powered && ++test->state->percent >= PERCENT) {
		finish(test);
		return;
	}
	timer_arm(test->ctrl->loop, timer, loop_now(test->ctrl->loop) + step_ns(test));
}

static void go_on(struct self_test *test)
{
	test->timer.fire = step;
	timer_arm(test->ctrl->loop, &test->timer, loop_now(test->ctrl->loop) + step_ns(test));
}

/* Whether it goes on after a reset. */
static void after_reset(struct self_test *test)
{
	if (!test->state->code)
		return;
	if (test->state->code == NVME_ST_CODE_EXTENDED)
		go_on(test);
	else
		end(test, NVME_ST_RESULT_CLR, NULL);
}

struct self_test *self_test_new(struct ctrl *ctrl)
{
	struct self_test *test = calloc(1, sizeof(*test));
	char name[32];
	unsigned int i;

	if (!test)
		return NULL;
	test->ctrl = ctrl;
	snprintf(name, sizeof(name), "self-test-%u", ctrl->index);
	test->state = state_section(ctrl->subsys, name, sizeof(*test->state));
	if (!test->state->begun)
		for (i = 0; i < NVME_LOG_ST_MAX_RESULTS; i++)
			test->state->results[i].dsts = NVME_ST_RESULT_NOT_USED;
	test->state->begun = 1;
	after_reset(test);
	return test;
}

void self_test_free(struct self_test *test)
{
	if (!test)
		return;
	timer_cancel(test->ctrl->loop, &test->timer);
	free(test);
}

void self_test_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	after_reset(ctrl->self_test);
}

static void end_all(struct subsys *subsys, uint32_t nsid, enum nvme_status_result outcome)
{
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		struct self_test *test = subsys->ctrls[i] ? subsys->ctrls[i]->self_test : NULL;

		if (test && test->state->code &&
		    (nsid == NVME_NSID_ALL || is_under_test(test, nsid)))
			end(test, outcome, NULL);
	}
}

void self_test_formatted(struct subsys *subsys, uint32_t nsid)
{
	end_all(subsys, nsid, NVME_ST_RESULT_ABORTED_FORMAT);
}

void self_test_sanitized(struct subsys *subsys)
{
	end_all(subsys, NVME_NSID_ALL, NVME_ST_RESULT_ABORTED_SANITIZE);
}

void self_test_ns_gone(struct subsys *subsys, uint32_t nsid)
{
	end_all(subsys, nsid, NVME_ST_RESULT_NS_REMOVED);
}

static uint16_t check_nsid(struct cmd *cmd)
{
	uint32_t nsid = cmd->sqe.nsid;

	if (!nsid || nsid == NVME_NSID_ALL || cmd->ns)
		return 0;
	cmd->error_location = NSID_BYTE;
	return nsid > cmd->ctrl->options->max_namespaces ? GENERIC(INVALID_NS) :
							   GENERIC(INVALID_FIELD);
}

static uint16_t begin(struct cmd *cmd, uint8_t code)
{
	struct self_test *test = cmd->ctrl->self_test;
	uint16_t status = check_nsid(cmd);

	if (status)
		return status;
	if (test->state->code)
		return SPECIFIC(SELF_TEST_IN_PROGRESS);
	test->state->code = code;
	test->state->percent = 0;
	test->state->nsid = cmd->sqe.nsid;
	if (step_ns(test))
		go_on(test);
	else
		finish(test);
	return 0;
}

uint16_t self_test_run(struct cmd *cmd)
{
	struct self_test *test = cmd->ctrl->self_test;
	uint8_t code = cmd->sqe.cdw10 & 0xf;

	switch (code) {
	case NVME_ST_CODE_SHORT:
	case NVME_ST_CODE_EXTENDED:
	case NVME_ST_CODE_VS:
		return begin(cmd, code);
	case NVME_ST_CODE_ABORT:
		if (test->state->code)
			end(test, NVME_ST_RESULT_ABORTED, NULL);
		return 0;
	default:
		return cmd_bad_field(cmd, STC_BYTE);
	}
}

uint16_t self_test_log(struct cmd *cmd, struct log *log)
{
	const struct self_test_state *state = cmd->ctrl->self_test->state;
	struct nvme_self_test_log *page = log_alloc(log, sizeof(*page));

	if (!page)
		return RETRY(GENERIC(INTERNAL));
	page->current_operation = state->code;
	page->completion = state->percent;
	memcpy(page->result, state->results, sizeof(page->result));
	return 0;
}
