/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* An NVMe controller of the model: registers, queues, and what belongs to it alone. */
#ifndef DUT_CTRL_H
#define DUT_CTRL_H

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "nvme/queue.h"

#define CTRL_RECENT	64		/* data pointers of completed commands that are remembered */

struct changed_ns;
struct cmd;
struct errors;
struct events;
struct features;
struct function;
struct hmb;
struct interrupts;
struct lba_alert;
struct notices;
struct nvt_sqe;
struct options;
struct power;
struct self_test;
struct smart;
struct subsys;
struct telemetry;
struct thermal;

/* What a controller can be reset by. NVMe Base 2.1, 3.7 */
enum ctrl_reset {
	CTRL_RESET_CC,			/* CC.EN from 1 to 0 */
	CTRL_RESET_FLR,
	CTRL_RESET_PCI,			/* conventional, D3hot, link */
	CTRL_RESET_NSSR,
	CTRL_RESET_POWER,		/* power was off */
};

struct regs {
	uint64_t cap;
	uint32_t vs, intms, cc, csts, aqa, bpinfo, bprsel;
	uint64_t asq, acq, bpmbl, cmbmsc;
	uint32_t cmbloc, cmbsz;
};

/* An SQ is served, and how many commands more until its burst ends. */
struct turn {
	uint32_t qid, left;
};

struct ctrl {
	struct subsys *subsys;
	const struct options *options;
	struct loop *loop;
	struct function *function;
	uint16_t index;			/* in subsys->ctrls */
	uint16_t cntid;			/* index + 1 */
	struct regs regs;
	struct timer ready;		/* CSTS.RDY or CSTS.SHST follows */
	bool enabled;			/* RDY is 1 and commands are taken */
	bool shut_down;			/* CSTS.SHST is 10b */
	uint32_t nr_queues;		/* I/O queue pairs; ids 1 to this */
	uint32_t granted;		/* by Number of Queues, the same for SQs and CQs */
	struct sq **sq;			/* by id, 0 is admin */
	struct cq **cq;
	uint32_t top_queue;		/* the highest id that a queue has */
	struct poller poller;		/* of mapped doorbells */
	struct timer pin;		/* armed: a fault holds INTx up until then */
	/* The arbiter's: whose turn it is, of all and of each class, and weighted credits. */
	struct turn turn;
	struct turn class_turn[4];
	uint32_t credits[4];
	uint64_t now_ns;		/* of this round of fetching */
	bool fetching;			/* not entered again */
	uint32_t outstanding;		/* I/O commands fetched and not completed */
	struct cmd *cmds, *cmds_last;	/* in order of fetching */
	struct cmd *free_cmds;
	uint64_t recent_data[CTRL_RECENT];	/* where the data of the last commands was */
	uint32_t recent;		/* how many there were */
	/* Doorbell Buffer Config: shadow doorbells and event indexes in host memory; 0: none */
	uint64_t shadow_doorbells, event_indexes;

	struct features *features;
	struct events *events;
	struct changed_ns *changed_ns;
	struct errors *errors;
	struct smart *smart;
	struct power *power;
	struct thermal *thermal;
	struct hmb *hmb;
	struct interrupts *interrupts;
	struct lba_alert *lba_alert;
	struct notices *notices;	/* of reservations */
	struct self_test *self_test;
	struct telemetry *telemetry;
};

struct ctrl *ctrl_new(struct subsys *subsys, uint16_t index);
void ctrl_free(struct ctrl *ctrl);

/* Serves it at a socket; 0 or a negative errno. */
int ctrl_listen(struct ctrl *ctrl, const char *path);

void ctrl_reset(struct ctrl *ctrl, enum ctrl_reset kind);

/* CSTS.CFS: nothing more is taken until a reset. */
void ctrl_fail(struct ctrl *ctrl);

/* The admin queues as AQA, ASQ and ACQ have them; 0 or a negative errno. */
int ctrl_create_admin(struct ctrl *ctrl);

/* CC.SHN: the cache is made durable unless it is abrupt, and the shutdown counts as clean or not. */
void ctrl_shut_down(struct ctrl *ctrl, bool abrupt);

/* Fetches and starts commands of all queues as arbitration has it (arbiter.c). True if there were any. */
bool ctrl_fetch(struct ctrl *ctrl);

/* Of vectors: what coalescing holds back (interrupt.c). */
struct interrupts *interrupts_new(struct ctrl *ctrl);
void interrupts_free(struct interrupts *interrupts);

/* An entry was posted to a CQ. */
void interrupt_posted(struct cq *cq, struct cmd *cmd);
void interrupt_consumed(struct cq *cq);
void interrupt_mask_changed(struct ctrl *ctrl);
void interrupt_reset(struct ctrl *ctrl);

/*
 * Fault injection: on a vector whatever the queues have, and through masks.
 * There is one pin, which no vector chooses: it is up as long as a queue has
 * unread entries, else for 2 ms.
 */
void interrupt_force(struct ctrl *ctrl, unsigned int vector);
void interrupt_force_masked(struct ctrl *ctrl, unsigned int vector);

/* A queue begins with its doorbell at 0, whatever was stored there before. */
void ctrl_forget_doorbell(struct ctrl *ctrl, uint16_t qid, bool cq);

/* Bytes of all doorbells. */
uint64_t ctrl_doorbell_length(const struct ctrl *ctrl);

/* DMA to host memory, or to the CMB where the address lies in it. 0 or a negative errno. */
int ctrl_dma_read(struct ctrl *ctrl, uint64_t addr, void *data, size_t length);
int ctrl_dma_write(struct ctrl *ctrl, uint64_t addr, const void *data, size_t length);
/* Memory at @addr if it can be reached directly, else NULL. */
void *ctrl_dma_pointer(struct ctrl *ctrl, uint64_t addr, size_t length, bool write);

/* Bytes of a memory page as CC.MPS has it. */
uint32_t ctrl_page_size(const struct ctrl *ctrl);

#endif /* DUT_CTRL_H */
