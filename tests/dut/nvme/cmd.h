/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The way of a command in the device:
 *
 *   cmd_fetch -> cmd_schedule -> (its latency) -> cmd_run -> cmd_complete -> cq_post -> interrupt
 */
#ifndef DUT_CMD_H
#define DUT_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include <nvt/cmd.h>

#include "fault/fault.h"
#include "loop.h"
#include "nvme/status.h"
#include "nvme/xfer.h"

struct cmd;
struct ctrl;
struct cq;
struct ns;
struct options;
struct sq;

#define NO_LOCATION		0xffff

/* What a command needs before its handler runs, and what it does. */
#define COMMAND_NS		(1U << 0)	/* NSID must be an attached namespace: cmd->ns */
#define COMMAND_NS_OR_ALL	(1U << 1)	/* or FFFFFFFFh: cmd->ns is NULL then */
#define COMMAND_NO_NS		(1U << 2)	/* NSID must be 0 */
#define COMMAND_WRITES		(1U << 3)	/* changes data: refused on a write-protected namespace */
#define COMMAND_READS		(1U << 4)	/* reads data: a reservation may forbid it */
#define COMMAND_IN_SANITIZE	(1U << 5)	/* allowed while a sanitize is under way or has failed */
#define COMMAND_IN_FORMAT	(1U << 6)	/* allowed while a format is under way */
#define COMMAND_AT_ONCE		(1U << 7)	/* no latency: AER, Abort, queue commands */
#define COMMAND_RANGE		(1U << 8)	/* SLBA in CDW10/11, NLB in CDW12 15:0: checked against the namespace */

struct command {
	uint8_t opcode;
	const char *name;		/* the specification's, for logs */
	uint32_t flags;
	uint32_t effects;		/* in the Commands Supported and Effects log, without CSUPP */
	/* A status, or CMD_PENDING. */
	uint16_t (*run)(struct cmd *cmd);
	bool (*supported)(const struct options *options);	/* NULL: always */
};

struct cmd {
	struct nvt_sqe sqe;
	struct ctrl *ctrl;
	struct sq *sq;			/* NULL: deleted, while the completion waits for room */
	struct cq *cq;
	uint16_t sqid, sqhd;		/* for the completion */
	const struct command *command;	/* NULL: no such opcode */
	struct ns *ns;
	struct xfer data;
	struct xfer *meta;		/* a metadata buffer, while one is used; xfer.c's */
	uint32_t dw0, dw1;		/* of the completion; set by the handler */
	uint64_t fetched_ns;
	uint64_t slba;			/* of COMMAND_RANGE */
	uint32_t nlb;			/* real number, not 0's based */
	struct cmd *fused;		/* of a fused second command: the first */
	struct timer timer;
	/* While it is CMD_PENDING: ends the handler's work when the command is aborted or its queue goes. */
	void (*cancel)(struct cmd *cmd);
	void *context;			/* the handler's, while pending */
	struct fault_shot shots[FAULT_SHOTS];	/* faults that this command was chosen for */
	uint8_t nr_shots;
	bool running;			/* its handler has been called */
	bool done;			/* completed; only its completion entry waits */
	bool delayed;			/* by a fault, once */
	bool waited;			/* for room in its CQ */
	uint16_t status;
	uint16_t error_location;	/* byte 7:0 and bit 10:8 of the SQE at fault; NO_LOCATION */
	struct cmd *next_waiting;	/* in cq->waiting */
	struct cmd *prev, *next;	/* in ctrl->cmds, in order of fetching */
};

/* Invalid Field in Command, for the field at @byte of the submission queue entry. */
static inline uint16_t cmd_bad_field(struct cmd *cmd, uint16_t byte)
{
	cmd->error_location = byte;
	return GENERIC(INVALID_FIELD);
}

/* The shot of this kind that was chosen for a command, or NULL. */
static inline const struct fault_shot *fault_find(const struct cmd *cmd, enum fault_action action)
{
	return cmd->nr_shots ? fault_search(cmd, action) : NULL;
}

/* Ends a CMD_PENDING command. */
void cmd_complete(struct cmd *cmd, uint16_t status);

/*
 * Sends @have bytes of a data structure to the host, cut to @want, the
 * remainder zeros: what Identify and Get Log Page end with. A status.
 */
uint16_t cmd_reply(struct cmd *cmd, const void *data, size_t have, size_t want);

/* Takes exactly @length bytes from the host. A status. */
uint16_t cmd_take(struct cmd *cmd, void *data, size_t length);

/* Ends a command that waits, or whose work can be cancelled; false if it is too late. */
bool cmd_end(struct cmd *cmd, uint16_t status);

/* Ends with Command Abort Requested if it can still be aborted; false if not there or too late. */
bool cmd_abort(struct ctrl *ctrl, uint16_t sqid, uint16_t cid);

/* An SQ is deleted: what is outstanding in it ends with Command Aborted due to SQ Deletion. */
void cmd_end_queue(struct ctrl *ctrl, struct sq *sq);

/* A reset: what is outstanding ends without a completion. */
void cmd_drop(struct ctrl *ctrl);

/* A command is taken from an SQ that has one. */
void cmd_fetch(struct sq *sq);

/* Its completion entry is out, or will never be. */
void cmd_free(struct cmd *cmd);

/* The memory of those not in use. */
void cmd_free_all(struct ctrl *ctrl);

/* The tables, of all that the options leave; NULL if there is no such command. @csi: the I/O command set. */
const struct command *admin_command(const struct ctrl *ctrl, uint8_t opcode);
const struct command *io_command(const struct ctrl *ctrl, uint8_t csi, uint8_t opcode);

/* By its name, whatever the options; *admin: of the admin command set. NULL: no such name. */
const struct command *command_named(const char *name, bool *admin);

#endif /* DUT_CMD_H */
