// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Temperature. Each second the device moves a part of the way to the
 * temperature that its load of that second would bring it to in the end.
 */
#include <stdlib.h>

#include <nvme/types.h>

#include "nvme/event.h"
#include "nvme/feature.h"
#include "nvme/persistent_event.h"
#include "nvme/smart.h"
#include "nvme/subsys.h"
#include "nvme/thermal.h"

#define TICK_NS			NS_PER_S
#define IDLE_MILLIKELVIN	308000
#define BUSY_MILLIKELVIN	335000	/* always busy: below the warning */
#define PART			16	/* of the way is gone in a tick */
#define SENSOR_STEP		5	/* kelvin that each sensor is warmer than the one before */
/* Light and heavy throttling: a command takes so much longer. */
#define LIGHT_NS		(50 * NS_PER_US)
#define HEAVY_NS		(500 * NS_PER_US)

/* Levels of thermal management: 1 from TMT1 on, 2 from TMT2 or the critical temperature on. */
enum level { COOL, LIGHT, HEAVY };

struct thermal {
	struct ctrl *ctrl;
	uint32_t millikelvin;
	unsigned int held;		/* kelvin; 0: it follows the load */
	enum level level;
	bool over;			/* beyond the threshold of the composite temperature */
	uint64_t ticked_ns;
	uint64_t busy_ns;		/* as smart had it then */
	uint64_t delay_ns;
	struct timer tick;
};

static void tick(struct timer *timer);

struct thermal *thermal_new(struct ctrl *ctrl)
{
	struct thermal *thermal = calloc(1, sizeof(*thermal));

	if (!thermal)
		return NULL;
	thermal->ctrl = ctrl;
	thermal->millikelvin = IDLE_MILLIKELVIN;
	thermal->ticked_ns = loop_now(ctrl->loop);
	thermal->busy_ns = smart_busy_ns(ctrl);
	thermal->tick.fire = tick;
	timer_arm(ctrl->loop, &thermal->tick, thermal->ticked_ns + TICK_NS);
	return thermal;
}

void thermal_free(struct thermal *thermal)
{
	if (thermal)
		timer_cancel(thermal->ctrl->loop, &thermal->tick);
	free(thermal);
}

unsigned int thermal_kelvin(const struct ctrl *ctrl)
{
	const struct thermal *thermal = ctrl->thermal;

	return thermal->held ? thermal->held : thermal->millikelvin / 1000;
}

unsigned int thermal_sensor(const struct ctrl *ctrl, unsigned int sensor)
{
	return thermal_kelvin(ctrl) + (sensor ? (sensor - 1) * SENSOR_STEP : 0);
}

static bool sensor_beyond(const struct ctrl *ctrl, unsigned int sensor)
{
	unsigned int kelvin = thermal_sensor(ctrl, sensor);

	return kelvin >= feature_temperature_threshold(ctrl, sensor, false) ||
	       kelvin <= feature_temperature_threshold(ctrl, sensor, true);
}

bool thermal_beyond_threshold(const struct ctrl *ctrl)
{
	unsigned int sensor;

	for (sensor = 0; sensor <= THERMAL_SENSORS; sensor++)
		if (sensor_beyond(ctrl, sensor))
			return true;
	return false;
}

uint64_t thermal_delay(const struct ctrl *ctrl)
{
	return ctrl->thermal->delay_ns;
}

/* TMT1 in 31:16 and TMT2 in 15:0, each 0 where it is off. 5.1.25.1.13 */
static enum level level_of(const struct ctrl *ctrl, unsigned int kelvin)
{
	uint32_t hctm = feature_value(ctrl, NVME_FEAT_FID_HCTM);
	uint32_t tmt1 = hctm >> 16, tmt2 = hctm & 0xffff;

	if (kelvin >= THERMAL_CCTEMP || (tmt2 && kelvin >= tmt2))
		return HEAVY;
	return tmt1 && kelvin >= tmt1 ? LIGHT : COOL;
}

static void update_level(struct thermal *thermal)
{
	static const uint64_t delays[] = { [LIGHT] = LIGHT_NS, [HEAVY] = HEAVY_NS };
	enum level level = level_of(thermal->ctrl, thermal_kelvin(thermal->ctrl));

	if (level > thermal->level)
		smart_thermal_transition(thermal->ctrl, level);
	thermal->level = level;
	thermal->delay_ns = delays[level];
}

/* The Thermal Excursion event of the persistent log. 5.1.12.1.14.2.13 */
static void log_excursion(struct thermal *thermal)
{
	struct ctrl *ctrl = thermal->ctrl;
	unsigned int kelvin = thermal_kelvin(ctrl);
	uint16_t limit = feature_temperature_threshold(ctrl, 0, false);
	bool over = kelvin >= limit;
	struct nvme_thermal_exc_event event = {
		.over_temp = over ? (kelvin - limit > 255 ? 255 : kelvin - limit) : 0,
		.threshold = over,
	};

	if (over != thermal->over)
		persistent_event_add(ctrl, NVME_PEL_THERMAL_EXCURSION_EVENT, &event,
				     sizeof(event));
	thermal->over = over;
}

void thermal_check(struct ctrl *ctrl)
{
	update_level(ctrl->thermal);
	log_excursion(ctrl->thermal);
	smart_check(ctrl);
}

void thermal_set(struct ctrl *ctrl, unsigned int kelvin)
{
	ctrl->thermal->held = kelvin;
	thermal_check(ctrl);
}

static void follow_load(struct thermal *thermal, uint64_t passed_ns)
{
	uint64_t busy_ns = smart_busy_ns(thermal->ctrl), work_ns = busy_ns - thermal->busy_ns;
	int64_t goal;

	if (work_ns > passed_ns)
		work_ns = passed_ns;
	goal = IDLE_MILLIKELVIN +
	       (int64_t)((BUSY_MILLIKELVIN - IDLE_MILLIKELVIN) * work_ns / passed_ns);
	thermal->millikelvin += (goal - (int64_t)thermal->millikelvin) / PART;
	thermal->busy_ns = busy_ns;
}

static void tick(struct timer *timer)
{
	struct thermal *thermal = container_of(timer, struct thermal, tick);
	struct ctrl *ctrl = thermal->ctrl;
	uint64_t now = loop_now(ctrl->loop), passed_ns = now - thermal->ticked_ns;
	unsigned int kelvin = thermal_kelvin(ctrl);

	timer_arm(ctrl->loop, timer, now + TICK_NS);
	thermal->ticked_ns = now;
	if (!ctrl->subsys->powered || !passed_ns) {
		thermal->busy_ns = smart_busy_ns(ctrl);
		return;
	}
	smart_thermal_time(ctrl, passed_ns, kelvin >= THERMAL_WCTEMP, kelvin >= THERMAL_CCTEMP,
			   thermal->level);
	follow_load(thermal, passed_ns);
	thermal_check(ctrl);
}
