// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The Keep Alive timer: a host that is silent for too long is gone. NVMe Base 2.1, 3.9 */
#include <stdlib.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/error_log.h"
#include "nvme/feature_priv.h"
#include "nvme/keep_alive.h"

struct keep_alive {
	struct ctrl *ctrl;
	uint32_t timeout_ms;
	struct timer timer;
};

static void expire(struct timer *timer)
{
	struct keep_alive *keep_alive = container_of(timer, struct keep_alive, timer);

	error_log_device(keep_alive->ctrl, NVME_SC_KAT_EXPIRED);
	ctrl_fail(keep_alive->ctrl);
}

struct keep_alive *keep_alive_new(struct ctrl *ctrl)
{
	struct keep_alive *keep_alive = calloc(1, sizeof(*keep_alive));

	if (!keep_alive)
		return NULL;
	keep_alive->ctrl = ctrl;
	keep_alive->timer.fire = expire;
	return keep_alive;
}

void keep_alive_free(struct keep_alive *keep_alive)
{
	if (keep_alive)
		timer_cancel(keep_alive->ctrl->loop, &keep_alive->timer);
	free(keep_alive);
}

static void restart(struct keep_alive *keep_alive)
{
	struct loop *loop = keep_alive->ctrl->loop;

	if (keep_alive->timeout_ms)
		timer_arm(loop, &keep_alive->timer,
			  loop_now(loop) + keep_alive->timeout_ms * NS_PER_MS);
	else
		timer_cancel(loop, &keep_alive->timer);
}

/* Rounded up to the granularity that KAS says. 5.1.25.1.8 */
void keep_alive_set(struct keep_alive *keep_alive, uint32_t kato_ms)
{
	uint64_t units = ((uint64_t)kato_ms + KEEP_ALIVE_UNIT_MS - 1) / KEEP_ALIVE_UNIT_MS;

	if (units > UINT32_MAX / KEEP_ALIVE_UNIT_MS)
		units = UINT32_MAX / KEEP_ALIVE_UNIT_MS;
	keep_alive->timeout_ms = units * KEEP_ALIVE_UNIT_MS;
	restart(keep_alive);
}

uint32_t keep_alive_timeout_ms(const struct keep_alive *keep_alive)
{
	return keep_alive->timeout_ms;
}

uint16_t keep_alive_run(struct cmd *cmd)
{
	restart(cmd->ctrl->features->keep_alive);
	return 0;
}
