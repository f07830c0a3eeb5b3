/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The NVM subsystem: controllers, namespaces, and what they share and keep. */
#ifndef DUT_SUBSYS_H
#define DUT_SUBSYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "nvme/ctrl.h"
#include "nvme/timing.h"

struct boot_partitions;
struct faults;
struct firmware;
struct loop;
struct ns;
struct options;
struct persistent_events;
struct sanitize;
struct security;
struct state;
struct power_time;

#define SUBSYS_CTRLS	8

struct subsys {
	const struct options *options;
	struct loop *loop;
	struct state *state;
	struct faults *faults;
	struct timing *timing;
	struct ctrl *ctrls[SUBSYS_CTRLS];
	unsigned int nr_ctrls;
	struct ns **ns;			/* by NSID, 1 to options->max_namespaces; NULL: not allocated */
	bool powered;
	uint64_t power_on_ns;		/* since when it is as @powered says */
	struct power_time *power_time;
	struct random power_random;	/* what a cut of power does to data */
	char nqn[224];
	struct sanitize *sanitize;
	struct firmware *firmware;
	struct persistent_events *persistent_events;
	struct security *security;
	struct boot_partitions *boot_partitions;
};

/* NULL with one line in @error. */
struct subsys *subsys_new(struct loop *loop, const struct options *options, unsigned int nr_ctrls,
			  char *error, size_t size);
void subsys_free(struct subsys *subsys);

/* Power is cut, or comes back: storage, counters, controllers. */
void subsys_power(struct subsys *subsys, bool on);

/* NSSR: all controllers. */
void subsys_reset(struct subsys *subsys);

/* One line each of what is going on. */
void subsys_print_status(struct subsys *subsys, FILE *out);

/*
 * Memory that survives the process and power cycles, where there is a store:
 * zeroed when @name is asked for first, else as it was left. Same pointer each
 * time. Exits with an error text if a store holds it in another size.
 */
void *state_section(struct subsys *subsys, const char *name, size_t size);

/* Milliseconds of power-on time, over all power cycles. */
uint64_t subsys_power_on_ms(struct subsys *subsys);

#endif /* DUT_SUBSYS_H */
