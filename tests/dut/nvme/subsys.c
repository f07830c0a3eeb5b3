// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The NVM subsystem: its life, its power. */
#include <stdlib.h>
#include <string.h>

#include "fault/fault.h"
#include "nvme/boot_partition.h"
#include "nvme/firmware.h"
#include "nvme/ns.h"
#include "nvme/persistent_event.h"
#include "nvme/regs.h"
#include "nvme/sanitize.h"
#include "nvme/security.h"
#include "nvme/smart.h"
#include "nvme/state.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "nvme/thermal.h"
#include "nvme/timing.h"
#include "options.h"
#include "pcie/function.h"

#define POWER_STREAM	1	/* of random numbers */

struct power_time {
	uint64_t on_ms;		/* of earlier power cycles */
};

static bool make_parts(struct subsys *subsys)
{
	subsys->faults = faults_new(subsys);
	subsys->timing = timing_new(subsys->options);
	subsys->persistent_events = persistent_events_new(subsys);
	subsys->sanitize = sanitize_new(subsys);
	subsys->firmware = firmware_new(subsys);
	subsys->security = security_new(subsys);
	subsys->boot_partitions = boot_partitions_new(subsys);
	return subsys->faults && subsys->timing && subsys->persistent_events && subsys->sanitize &&
	       subsys->firmware && subsys->security && subsys->boot_partitions;
}

static bool make_ctrls(struct subsys *subsys)
{
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++)
		if (!ctrl_new(subsys, i))
			return false;
	return true;
}

struct subsys *subsys_new(struct loop *loop, const struct options *options, unsigned int nr_ctrls,
			  char *error, size_t size)
{
	struct subsys *subsys;

	if (!nr_ctrls || nr_ctrls > SUBSYS_CTRLS) {
		snprintf(error, size, "%u controllers; 1 to %u are possible", nr_ctrls,
			 SUBSYS_CTRLS);
		return NULL;
	}
	subsys = calloc(1, sizeof(*subsys));
	if (!subsys)
		goto no_memory;
	subsys->loop = loop;
	subsys->options = options;
	subsys->nr_ctrls = nr_ctrls;
	subsys->powered = true;
	subsys->power_on_ns = loop_now(loop);
	snprintf(subsys->nqn, sizeof(subsys->nqn), "nqn.2026-01.org.example:nvt-dut:%s",
		 options->serial);
	random_seed(&subsys->power_random, options->seed, POWER_STREAM);
	if (options->store)
		store_watch_disk(options->store);
	subsys->state = state_open(options->store, error, size);
	if (!subsys->state) {
		free(subsys);
		return NULL;
	}
	subsys->power_time = state_section(subsys, "power-time", sizeof(struct power_time));
	subsys->ns = calloc(options->max_namespaces + 1, sizeof(struct ns *));
	if (!subsys->ns || !make_parts(subsys) || ns_load_all(subsys) || !make_ctrls(subsys))
		goto no_memory;
	smart_power_cycle(subsys);
	persistent_event_power_on(subsys);
	return subsys;

no_memory:
	subsys_free(subsys);
	snprintf(error, size, "the device could not be made: out of memory, or the store");
	return NULL;
}

void subsys_free(struct subsys *subsys)
{
	unsigned int i;

	if (!subsys)
		return;
	for (i = 0; i < subsys->nr_ctrls; i++)
		ctrl_free(subsys->ctrls[i]);
	if (subsys->state)
		subsys->power_time->on_ms = subsys_power_on_ms(subsys);
	if (subsys->ns)
		ns_free_all(subsys);
	boot_partitions_free(subsys->boot_partitions);
	security_free(subsys->security);
	firmware_free(subsys->firmware);
	sanitize_free(subsys->sanitize);
	persistent_events_free(subsys->persistent_events);
	timing_free(subsys->timing);
	faults_free(subsys->faults);
	state_close(subsys->state);
	free(subsys->ns);
	free(subsys);
}

uint64_t subsys_power_on_ms(struct subsys *subsys)
{
	uint64_t now = subsys->powered ? loop_now(subsys->loop) : subsys->power_on_ns;

	return subsys->power_time->on_ms + (now - subsys->power_on_ns) / NS_PER_MS;
}

/* An unsafe shutdown is one that no CC.SHN announced. NVMe Base 2.1, 5.1.12.1.3 */
static void power_off(struct subsys *subsys)
{
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++) {
		if (!subsys->ctrls[i]->shut_down)
			smart_unsafe_shutdown(subsys->ctrls[i]);
		function_link(subsys->ctrls[i]->function, false);
		ctrl_reset(subsys->ctrls[i], CTRL_RESET_POWER);
	}
	ns_power(subsys, false, &subsys->power_random);
	sanitize_power(subsys, false);
	subsys->power_time->on_ms = subsys_power_on_ms(subsys);
	subsys->power_on_ns = loop_now(subsys->loop);
	subsys->powered = false;
}

static void power_on(struct subsys *subsys)
{
	unsigned int i;

	subsys->powered = true;
	subsys->power_on_ns = loop_now(subsys->loop);
	ns_power(subsys, true, &subsys->power_random);
	smart_power_cycle(subsys);
	persistent_event_power_on(subsys);
	for (i = 0; i < subsys->nr_ctrls; i++)
		function_link(subsys->ctrls[i]->function, true);
	sanitize_power(subsys, true);
}

void subsys_power(struct subsys *subsys, bool on)
{
	if (on == subsys->powered)
		return;
	if (on)
		power_on(subsys);
	else
		power_off(subsys);
}

void subsys_reset(struct subsys *subsys)
{
	unsigned int i;

	for (i = 0; i < subsys->nr_ctrls; i++)
		ctrl_reset(subsys->ctrls[i], CTRL_RESET_NSSR);
}

static void print_ctrl(const struct ctrl *ctrl, FILE *out)
{
	fprintf(out, "controller %u: %s, CC %#x, CSTS %#x, %u commands outstanding, %u K\n",
		ctrl->cntid, function_attached(ctrl->function) ? "attached" : "no client",
		ctrl->regs.cc, ctrl->regs.csts, ctrl->outstanding, thermal_kelvin(ctrl));
}

void subsys_print_status(struct subsys *subsys, FILE *out)
{
	uint32_t nsid;
	unsigned int i;

	fprintf(out, "power %s, on for %llu ms\n", subsys->powered ? "on" : "off",
		(unsigned long long)subsys_power_on_ms(subsys));
	for (i = 0; i < subsys->nr_ctrls; i++)
		print_ctrl(subsys->ctrls[i], out);
	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++) {
		const struct ns *ns = ns_find(subsys, nsid);

		if (ns)
			fprintf(out, "namespace %u: %llu blocks of %u+%u bytes, %llu used\n", nsid,
				(unsigned long long)ns->nsze, 1U << ns->lba_shift, ns->ms,
				(unsigned long long)ns_used(ns));
	}
}
