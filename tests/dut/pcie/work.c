// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What the device is told. While it waits for a DMA reply it is in the middle
 * of a command, so whatever would change it is kept until it is back in the
 * loop; the client has its answer meanwhile, as for a posted write. A write that
 * may make the device ask for DMA is kept until it is answered: a QEMU thread
 * that waits for the answer holds the lock without which no DMA is served.
 */
#include <stdlib.h>

#include "pcie/function_priv.h"

bool device_busy(const struct function *function)
{
	return function->client && function->client->waiting;
}

static void work_tell(struct function *function, const struct work *work)
{
	const struct function_ops *ops = function->ops;

	switch (work->kind) {
	case WORK_BAR_WRITE:
		ops->bar_write(function->device, work->bar, work->offset, work->width, work->value);
		break;
	case WORK_RESET:
		ops->reset(function->device, work->reset);
		break;
	case WORK_POWER:
		if (ops->power_state)
			ops->power_state(function->device, work->state);
		break;
	case WORK_UNMAPPED:
		if (ops->dma_unmapped)
			ops->dma_unmapped(function->device, work->offset, work->value);
		break;
	case WORK_REPLY:
		wire_reply(function, &work->header, NULL, 0, NULL, 0, -1);
		break;
	}
}

static bool is_answered_first(const struct function *function, const struct work *work)
{
	return work->kind == WORK_BAR_WRITE && function->dma.nr_asked;
}

bool work_do(struct function *function, const struct work *work)
{
	struct work *kept;

	if (!device_busy(function) && !function->works && !is_answered_first(function, work)) {
		work_tell(function, work);
		return true;
	}
	if (function->nr_works == WORK_MAX)
		return false;
	kept = malloc(sizeof(*kept));
	if (!kept)
		return false;
	*kept = *work;
	kept->next = NULL;
	*function->works_end = kept;
	function->works_end = &kept->next;
	function->nr_works++;
	timer_arm(function->loop, &function->later, 0);
	return true;
}

static struct work *work_take(struct function *function)
{
	struct work *work = function->works;

	function->works = work->next;
	if (!work->next)
		function->works_end = &function->works;
	function->nr_works--;
	return work;
}

void work_run(struct function *function)
{
	while (function->works && !device_busy(function)) {
		struct work *work = work_take(function);

		work_tell(function, work);
		free(work);
	}
}

void work_drop(struct function *function)
{
	while (function->works)
		free(work_take(function));
}
