/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Faults by rules: what a rule matches, what it does, and the log of what it
 * did. A rule is a line of words:
 *
 *   [MATCH]... do ACTION [KEY=VALUE]...
 *
 *   opcode=read lba=64-71 times=1 do flip byte=100 bit=3
 *   reg=CSTS nth=5 do register value=0xffffffff
 *   at=200ms do cfs
 */
#ifndef DUT_FAULT_H
#define DUT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct cmd;
struct ctrl;
struct faults;
struct subsys;

#define FAULT_SHOTS	4		/* rules that can choose one command */
#define FAULT_OWN_VECTOR	UINT32_MAX	/* fault_shot.vector: that of the command's queue */

enum fault_action {
	FAULT_NONE,
	/* of the interrupt of a command's completion */
	FAULT_IRQ_LOST, FAULT_IRQ_EARLY, FAULT_IRQ_LATE, FAULT_IRQ_WRONG, FAULT_IRQ_SPURIOUS,
	FAULT_IRQ_STORM, FAULT_IRQ_MASKED,
	/* of its completion queue entry */
	FAULT_CPL_NEVER, FAULT_CPL_LATE, FAULT_CPL_TWICE, FAULT_CPL_CID, FAULT_CPL_SQID,
	FAULT_CPL_SQHD, FAULT_CPL_PHASE, FAULT_CPL_RANGE, FAULT_CPL_STATUS,
	/* of its data */
	FAULT_DATA_FLIP, FAULT_DATA_STALE, FAULT_DATA_SWAP, FAULT_DATA_MISDIRECT, FAULT_DATA_LOST,
	FAULT_DATA_TORN, FAULT_DATA_LOST_FLUSH, FAULT_DATA_PAST_END, FAULT_DATA_FREED,
	FAULT_DATA_IDENTIFY,
	/* of what it begins */
	FAULT_SANITIZE,
	/* of a register, when it is accessed */
	FAULT_REGISTER,
	FAULT_DOORBELL,
	/* of the controller: from a moment on */
	FAULT_RDY_STUCK, FAULT_RDY_SLOW, FAULT_CFS, FAULT_ALL_ONES, FAULT_EVENT_FLOOD,
	/* of the PCI function */
	FAULT_LINK_DOWN, FAULT_PCI_ERROR, FAULT_REMOVAL, FAULT_CONFIG_ONES,
	FAULT_ACTIONS
};

/* A rule's action as it fell on a command, with its KEY=VALUEs. */
struct fault_shot {
	enum fault_action action;
	uint32_t rule;			/* its id */
	bool has_value;			/* false: value and lba are the action's own choice */
	uint64_t value;			/* status=, cid=, value=, ... whatever the action's one number is */
	uint64_t delay_ns;		/* delay= */
	uint32_t byte, bit, count, vector;
	uint64_t lba;
};

struct faults *faults_new(struct subsys *subsys);
void faults_free(struct faults *faults);

/* Where the log goes as well as to memory; NULL: nowhere. */
void faults_log_to(struct faults *faults, FILE *log);

/* A rule; its times count from now. Its id, or -EINVAL with one line in @error. */
int faults_add(struct faults *faults, const char *rule, char *error, size_t size);

/* All lines of a file, '#' starts a comment; as above, with file and line in @error. */
int faults_load(struct faults *faults, const char *path, char *error, size_t size);

/* Ends a rule (0: all). -ENOENT. */
int faults_clear(struct faults *faults, uint32_t id);

/* One line each: the rules with how often they fired; the log, oldest first. */
void faults_print(struct faults *faults, FILE *out);
void faults_print_log(struct faults *faults, FILE *out);

/* The language of the rules. */
void faults_help(FILE *out);

/* Fills cmd->shots by the rules that match a command when it is fetched. Quick without rules. */
void faults_choose(struct faults *faults, struct cmd *cmd);

/* The shot of this kind that was chosen for a command, or NULL. fault_find() of cmd.h asks only where there are any. */
const struct fault_shot *fault_search(const struct cmd *cmd, enum fault_action action);

/* Logs that a shot acts now; @fmt says what exactly it did ("bit 3 of byte 100 of LBA 64"). */
void fault_log(struct cmd *cmd, const struct fault_shot *shot, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A line of what befell the device without a rule ("power: lost write of LBA 64-71 of namespace 1"). */
void faults_note(struct faults *faults, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Registers and config space (@where: a BAR, or FUNCTION_CONFIG): true if a
 * rule answers the access instead of the device; *value for a read.
 */
bool faults_intercept(struct faults *faults, struct ctrl *ctrl, int where, bool write,
		      uint64_t offset, unsigned int width, uint64_t *value);

/* A doorbell write that is to be ignored: logs it. */
bool faults_eat_doorbell(struct faults *faults, struct ctrl *ctrl, uint16_t qid, bool cq,
			 uint32_t value);

/*
 * Whether a rule holds CSTS.RDY where it is: true, and the value that it
 * sticks at. @delay_ns: how much later than it should RDY may follow.
 */
bool faults_rdy_stuck(struct faults *faults, struct ctrl *ctrl, bool *at);
uint64_t faults_rdy_delay(struct faults *faults, struct ctrl *ctrl);

/*
 * Lays the register rules that hold now over an image of the registers, for a
 * client that maps it. Those that count accesses do not act there: nobody sees
 * the accesses.
 */
void faults_overlay(struct faults *faults, struct ctrl *ctrl, unsigned char *image, size_t length);

#endif /* DUT_FAULT_H */
