/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An nvt-dut of the test's own, in a folder of its own. The program is $NVT_DUT,
 * else nvt-dut beside the folder of the test program. Whatever goes wrong here
 * ends the test; when the test ends, the program ends too.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MODEL_SOCKETS	4

/* How to start it; zeros are the defaults. */
struct model_opts {
	const char *options;		/* of -o, or NULL */
	const char *faults;		/* the text of a file of rules, or NULL */
	unsigned int sockets;		/* controllers of the one subsystem; 0: 1 */
};

struct model {
	pid_t pid;			/* 0 while it does not run */
	int out;			/* its standard output */
	char dir[64];			/* its sockets and logs; gone with model_stop() */
	unsigned int sockets;
	char socket[MODEL_SOCKETS][80];
	char address[MODEL_SOCKETS][96];	/* "vfio-user:..." of each */
	char options[512];
	char faults[80];
};

/* The path of nvt-dut. */
const char *model_program(void);

/* Returns when it serves. @options as -o has them, "{dir}" being the folder; NULL: none. */
void model_start(struct model *model, const char *options);
void model_start_with(struct model *model, const struct model_opts *opts);

/* It must end with status 0 then, and nothing of it is left. */
void model_stop(struct model *model);

/* As if it had crashed; model_again() starts it anew with what is in its folder. */
void model_kill(struct model *model);
void model_again(struct model *model);

/*
 * One request on the control socket. The lines of the answer go to @answer,
 * unless that is NULL, "error: ..." included. True for "ok".
 */
bool model_control(const struct model *model, const char *request, char *answer, size_t size);

/* As above, and it must be "ok". */
void model_do(const struct model *model, const char *request);

/* What --log has so far; free() it. */
char *model_log(const struct model *model);

#endif /* MODEL_H */
