// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libFuzzer on the rules of faults: each input is a rule, which is armed on a
 * controller, met by accesses, doorbells and time, printed, and cleared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault/fault.h"
#include "loop.h"
#include "nvme/subsys.h"
#include "options.h"
#include "pcie/function.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CSTS	0x1c
#define ROUNDS	4

struct target {
	struct options options;
	struct loop *loop;
	struct subsys *subsys;
	FILE *null;
};

static struct target *target_new(void)
{
	struct target *target = calloc(1, sizeof(*target));
	char error[256] = "";

	if (!target)
		abort();
	options_init(&target->options);
	if (options_parse(&target->options, "size=64K,queues=2,cache=4K", error, sizeof(error)) ||
	    options_finish(&target->options, error, sizeof(error)))
		abort();
	target->loop = loop_new();
	target->subsys = subsys_new(target->loop, &target->options, 1, error, sizeof(error));
	target->null = fopen("/dev/null", "w");
	if (!target->subsys || !target->null) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	return target;
}

static void meet(struct faults *faults, struct ctrl *ctrl)
{
	uint64_t value = 1;
	bool at;

	faults_intercept(faults, ctrl, 0, false, CSTS, 4, &value);
	faults_intercept(faults, ctrl, 0, true, CSTS - 8, 8, &value);
	faults_intercept(faults, ctrl, FUNCTION_CONFIG, false, 0, 2, &value);
	faults_eat_doorbell(faults, ctrl, 1, false, 1);
	faults_rdy_stuck(faults, ctrl, &at);
	faults_rdy_delay(faults, ctrl);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target *target;
	char text[4096], error[256] = "";
	struct faults *faults;
	int i, id;

	if (!target)
		target = target_new();
	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	faults = target->subsys->faults;
	id = faults_add(faults, text, error, sizeof(error));
	/* Who is refused is told why, in one line. */
	if (id <= 0 && (!*error || strchr(error, '\n')))
		abort();
	for (i = 0; id > 0 && i < ROUNDS; i++) {
		meet(faults, target->subsys->ctrls[0]);
		loop_round(target->loop, 0);
	}
	faults_print(faults, target->null);
	faults_clear(faults, 0);
	function_link(target->subsys->ctrls[0]->function, true);
	return 0;
}
