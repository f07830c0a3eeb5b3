// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Power states. Of more than two the last two are non-operational. */
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/feature.h"
#include "nvme/power.h"
#include "nvme/smart.h"
#include "nvme/thermal.h"
#include "options.h"

#define NON_OPERATIONAL		2
/* Each operational state below the first makes commands slower by this much. */
#define STEP_NS			(20 * NS_PER_US)
#define ITPS(entry)	((entry) >> NVME_APST_ENTRY_ITPS_SHIFT & NVME_APST_ENTRY_ITPS_MASK)
#define ITPT_MS(entry)	((entry) >> NVME_APST_ENTRY_ITPT_SHIFT & NVME_APST_ENTRY_ITPT_MASK)

struct power_figures {
	uint16_t max, idle, active;	/* in 10 mW; of non-operational states in 100 uW */
	uint32_t entry_us, exit_us;
};

static const struct power_figures operational[] = {
	{ 850, 50, 650, 0, 0 },
	{ 600, 50, 450, 5, 5 },
	{ 450, 50, 300, 10, 10 },
	{ 350, 50, 250, 15, 15 },
	{ 250, 50, 200, 20, 20 },
};

static const struct power_figures non_operational[NON_OPERATIONAL] = {
	{ 500, 400, 0, 2000, 5000 },
	{ 50, 40, 0, 5000, 20000 },
};

struct power {
	struct ctrl *ctrl;
	unsigned int state;
	uint64_t active_ns;		/* when a command was fetched last */
	uint64_t entered_ns;		/* the state */
	uint64_t awake_ns;		/* when the way out of a non-operational state ends */
	struct timer idle;
};

static unsigned int nr_operational(const struct ctrl *ctrl)
{
	unsigned int n = ctrl->options->power_states;

	return n > NON_OPERATIONAL ? n - NON_OPERATIONAL : n;
}

bool power_operational(const struct ctrl *ctrl, unsigned int state)
{
	return state < nr_operational(ctrl);
}

static const struct power_figures *figures(const struct ctrl *ctrl, unsigned int state)
{
	unsigned int n = nr_operational(ctrl);

	return state < n ? operational + state : non_operational + (state - n);
}

static void idle_ends(struct timer *timer);

struct power *power_new(struct ctrl *ctrl)
{
	struct power *power = calloc(1, sizeof(*power));

	if (!power)
		return NULL;
	power->ctrl = ctrl;
	power->idle.fire = idle_ends;
	return power;
}

void power_free(struct power *power)
{
	if (power)
		timer_cancel(power->ctrl->loop, &power->idle);
	free(power);
}

unsigned int power_state(const struct ctrl *ctrl)
{
	return ctrl->power->state;
}

static uint64_t idle_since(const struct power *power)
{
	return power->active_ns > power->entered_ns ? power->active_ns : power->entered_ns;
}

/* The timer of Idle Time Prior to Transition, where the state has one. 8.1.18.2 */
static void watch_idle(struct power *power)
{
	struct ctrl *ctrl = power->ctrl;
	uint64_t entry;

	if (feature_apst(ctrl, power->state, &entry) && ITPT_MS(entry))
		timer_arm(ctrl->loop, &power->idle,
			  idle_since(power) + ITPT_MS(entry) * NS_PER_MS);
	else
		timer_cancel(ctrl->loop, &power->idle);
}

static void enter(struct power *power, unsigned int state, uint64_t now)
{
	power->state = state;
	power->entered_ns = now;
	watch_idle(power);
}

/* Commands do not arm it anew; it looks itself whether there were any. */
static void idle_ends(struct timer *timer)
{
	struct power *power = container_of(timer, struct power, idle);
	struct ctrl *ctrl = power->ctrl;
	uint64_t now = loop_now(ctrl->loop), entry, time_ns;

	if (!feature_apst(ctrl, power->state, &entry) || !ITPT_MS(entry))
		return;
	time_ns = ITPT_MS(entry) * NS_PER_MS;
	if (ctrl->outstanding)
		timer_arm(ctrl->loop, timer, now + time_ns);
	else if (now - idle_since(power) < time_ns)
		timer_arm(ctrl->loop, timer, idle_since(power) + time_ns);
	else
		enter(power, ITPS(entry), now);
}

/* Power Management and Autonomous Power State Transition are set again already. */
void power_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	struct power *power = ctrl->power;
	uint64_t now = loop_now(ctrl->loop);

	power->active_ns = now;
	power->awake_ns = 0;
	enter(power, feature_value(ctrl, NVME_FEAT_FID_POWER_MGMT) & NVME_FEAT_PWRMGMT_PS_MASK,
	      now);
}

void power_set(struct ctrl *ctrl, unsigned int state)
{
	enter(ctrl->power, state, loop_now(ctrl->loop));
}

void power_apst_changed(struct ctrl *ctrl)
{
	watch_idle(ctrl->power);
}

void power_active(struct ctrl *ctrl)
{
	ctrl->power->active_ns = ctrl->now_ns;
	smart_in_use(ctrl);
}

/* From a non-operational state to the last operational one. 8.1.18.1 */
static void leave(struct power *power, uint64_t now)
{
	const struct power_figures *from = figures(power->ctrl, power->state);
	uint64_t entered = power->entered_ns + from->entry_us * NS_PER_US;

	/* The way in is gone to its end before the way out begins. */
	power->awake_ns = (entered > now ? entered : now) + from->exit_us * NS_PER_US;
	enter(power, nr_operational(power->ctrl) - 1, now);
}

uint64_t power_wake(const struct cmd *cmd)
{
	struct ctrl *ctrl = cmd->ctrl;
	struct power *power = ctrl->power;
	uint64_t delay = thermal_delay(ctrl), now = cmd->fetched_ns;

	if (!cmd->sqid)
		return delay;
	if (!power_operational(ctrl, power->state))
		leave(power, now);
	if (power->awake_ns > now)
		delay += power->awake_ns - now;
	return delay + power->state * STEP_NS;
}

void power_describe(const struct ctrl *ctrl, unsigned int state, struct nvme_id_psd *psd)
{
	const struct power_figures *of = figures(ctrl, state);

	memset(psd, 0, sizeof(*psd));
	psd->mp = of->max;
	psd->enlat = of->entry_us;
	psd->exlat = of->exit_us;
	psd->rrt = psd->rrl = psd->rwt = psd->rwl = state;
	psd->idlp = of->idle;
	if (power_operational(ctrl, state)) {
		psd->ips = NVME_PSD_PS_10_MILLI_WATT << 6;
		psd->actp = of->active;
		psd->apws = NVME_PSD_PS_10_MILLI_WATT << 6 | NVME_PSD_WORKLOAD_2;
	} else {
		psd->flags = NVME_PSD_FLAGS_MXPS | NVME_PSD_FLAGS_NOPS;
		psd->ips = NVME_PSD_PS_100_MICRO_WATT << 6;
	}
}
