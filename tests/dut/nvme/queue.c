// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Rings, doorbells, and the completion queue entry as it goes out. NVMe Base 2.1, 3.3 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/completion_fault.h"
#include "nvme/ctrl.h"
#include "nvme/doorbell_buffer.h"
#include "nvme/event.h"
#include "nvme/queue.h"

#define SQE_SHIFT	6
#define CQE_SHIFT	4

static uint64_t entry_addr(const struct ctrl *ctrl, const struct ring *ring, uint32_t index)
{
	uint64_t offset = (uint64_t)index << ring->entry_shift;
	uint32_t page = ctrl_page_size(ctrl);

	uint32_t last = (((uint64_t)ring->entries << ring->entry_shift) - 1) / page;

	if (!ring->pages)
		return ring->addr + offset;
	/* A fault goes beyond the end: of the last page then. */
	if (offset / page > last)
		return ring->pages[last] + (offset - (uint64_t)last * page);
	return ring->pages[offset / page] + offset % page;
}

static uint32_t next_index(const struct ring *ring, uint32_t index)
{
	return index + 1 == ring->entries ? 0 : index + 1;
}

/* The last entry of a full list page points to the next one. 4.3.1 */
static int read_page_list(struct ctrl *ctrl, struct ring *ring, uint64_t list, uint32_t nr)
{
	uint32_t page = ctrl_page_size(ctrl), per_page = page / 8, done = 0, n;
	int err;

	while (done < nr) {
		n = nr - done;
		if (n > per_page)
			n = per_page - 1;
		err = ctrl_dma_read(ctrl, list, ring->pages + done, n * 8ULL);
		if (err)
			return err;
		done += n;
		if (done < nr) {
			err = ctrl_dma_read(ctrl, list + (per_page - 1) * 8ULL, &list, 8);
			if (err)
				return err;
		}
	}
	for (n = 0; n < nr; n++)
		if (ring->pages[n] % page)
			return -EINVAL;
	return 0;
}

static int ring_init(struct ctrl *ctrl, struct ring *ring, uint64_t addr, bool contiguous)
{
	uint64_t bytes = (uint64_t)ring->entries << ring->entry_shift;
	uint32_t page = ctrl_page_size(ctrl), nr = (bytes + page - 1) / page;
	int err;

	ring->addr = addr;
	if (contiguous)
		return 0;
	ring->pages = calloc(nr, sizeof(*ring->pages));
	if (!ring->pages)
		return -ENOMEM;
	err = read_page_list(ctrl, ring, addr, nr);
	if (err) {
		free(ring->pages);
		ring->pages = NULL;
	}
	return err;
}

static void update_top(struct ctrl *ctrl)
{
	uint32_t qid;

	for (qid = ctrl->nr_queues; qid && !ctrl->sq[qid] && !ctrl->cq[qid]; qid--)
		;
	ctrl->top_queue = qid;
}

int cq_create(struct ctrl *ctrl, uint16_t id, uint64_t addr, uint32_t entries, bool contiguous,
	      bool interrupts, uint16_t vector)
{
	struct cq *cq = calloc(1, sizeof(*cq));
	int err;

	if (!cq)
		return -ENOMEM;
	cq->ctrl = ctrl;
	cq->id = id;
	cq->ring.entries = entries;
	cq->ring.entry_shift = CQE_SHIFT;
	cq->interrupts = interrupts;
	cq->vector = vector;
	cq->phase = true;
	err = ring_init(ctrl, &cq->ring, addr, contiguous);
	if (err) {
		free(cq);
		return err;
	}
	ctrl->cq[id] = cq;
	ctrl_forget_doorbell(ctrl, id, true);
	update_top(ctrl);
	return 0;
}

int sq_create(struct ctrl *ctrl, uint16_t id, struct cq *cq, uint64_t addr, uint32_t entries,
	      bool contiguous, uint8_t priority)
{
	struct sq *sq = calloc(1, sizeof(*sq));
	int err;

	if (!sq)
		return -ENOMEM;
	sq->ctrl = ctrl;
	sq->id = id;
	sq->cq = cq;
	sq->ring.entries = entries;
	sq->ring.entry_shift = SQE_SHIFT;
	sq->priority = priority;
	err = ring_init(ctrl, &sq->ring, addr, contiguous);
	if (err) {
		free(sq);
		return err;
	}
	cq->nr_sqs++;
	ctrl->sq[id] = sq;
	ctrl_forget_doorbell(ctrl, id, false);
	update_top(ctrl);
	return 0;
}

/* Completions that wait for room, or are late by a fault, outlive their SQ. */
static void orphan_completions(struct sq *sq)
{
	struct cmd *cmd;

	for (cmd = sq->ctrl->cmds; cmd; cmd = cmd->next)
		if (cmd->sq == sq)
			cmd->sq = NULL;
}

static void drop_completions(struct cq *cq)
{
	struct cmd *cmd, *next;

	for (cmd = cq->ctrl->cmds; cmd; cmd = next) {
		next = cmd->next;
		if (cmd->cq == cq)
			cmd_free(cmd);
	}
}

void sq_delete(struct sq *sq)
{
	struct ctrl *ctrl = sq->ctrl;

	orphan_completions(sq);
	sq->cq->nr_sqs--;
	ctrl->sq[sq->id] = NULL;
	free(sq->ring.pages);
	free(sq);
	update_top(ctrl);
}

void cq_delete(struct cq *cq)
{
	struct ctrl *ctrl = cq->ctrl;

	drop_completions(cq);
	timer_cancel(ctrl->loop, &cq->late);
	ctrl->cq[cq->id] = NULL;
	free(cq->ring.pages);
	free(cq);
	update_top(ctrl);
}

void sq_doorbell(struct sq *sq, uint32_t tail)
{
	if (doorbell_buffer_used(sq->ctrl, sq->id))
		tail = doorbell_buffer_tail(sq);
	if (tail >= sq->ring.entries) {
		event_post(sq->ctrl, NVME_AER_ERROR, NVME_AER_ERROR_INVALID_DB_VAL,
			   NVME_LOG_LID_ERROR);
		return;
	}
	sq->tail = tail;
}

/* Room again: what waited goes out. */
static void cq_resume(struct cq *cq)
{
	struct cmd *cmd;

	while (cq->waiting && !cq_full(cq)) {
		cmd = cq->waiting;
		cq->waiting = cmd->next_waiting;
		if (!cq->waiting)
			cq->waiting_last = NULL;
		cq_post(cq, cmd);
	}
}

/* The head may move over entries that were posted, and not further. 3.3.1.2.2 */
static bool head_is_possible(const struct cq *cq, uint32_t head)
{
	uint32_t n = cq->ring.entries;

	return head < n && (head + n - cq->head) % n <= (cq->tail + n - cq->head) % n;
}

void cq_doorbell(struct cq *cq, uint32_t head)
{
	if (doorbell_buffer_used(cq->ctrl, cq->id))
		head = doorbell_buffer_head(cq);
	if (!head_is_possible(cq, head)) {
		event_post(cq->ctrl, NVME_AER_ERROR, NVME_AER_ERROR_INVALID_DB_VAL,
			   NVME_LOG_LID_ERROR);
		return;
	}
	cq->head = head;
	interrupt_consumed(cq);
	cq_resume(cq);
}

int sq_take(struct sq *sq, struct nvt_sqe *sqe)
{
	uint64_t addr = entry_addr(sq->ctrl, &sq->ring, sq->head);
	const struct nvt_sqe *entry = ctrl_dma_pointer(sq->ctrl, addr, sizeof(*sqe), false);
	int err;

	if (entry) {
		*sqe = *entry;
	} else {
		err = ctrl_dma_read(sq->ctrl, addr, sqe, sizeof(*sqe));
		if (err)
			return err;
	}
	sq->head = next_index(&sq->ring, sq->head);
	return 0;
}

int cq_store(struct cq *cq, uint32_t index, const struct nvt_cqe *cqe)
{
	uint64_t addr = entry_addr(cq->ctrl, &cq->ring, index);
	struct nvt_cqe *entry = ctrl_dma_pointer(cq->ctrl, addr, sizeof(*cqe), true);
	uint32_t last;

	if (!entry)
		return ctrl_dma_write(cq->ctrl, addr, cqe, sizeof(*cqe));
	entry->dw0 = cqe->dw0;
	entry->dw1 = cqe->dw1;
	entry->sqhd = cqe->sqhd;
	entry->sqid = cqe->sqid;
	/* The phase bit last, against the host that polls it. */
	last = cqe->cid | (uint32_t)cqe->status_phase << 16;
	__atomic_store_n((uint32_t *)&entry->cid, last, __ATOMIC_RELEASE);
	return 0;
}

bool cq_write(struct cq *cq, const struct nvt_cqe *cqe)
{
	if (cq_full(cq) && doorbell_buffer_used(cq->ctrl, cq->id)) {
		uint32_t head = doorbell_buffer_head(cq);

		if (head_is_possible(cq, head))
			cq->head = head;
	}
	if (cq_full(cq))
		return false;
	if (cq_store(cq, cq->tail, cqe)) {
		ctrl_fail(cq->ctrl);
		return true;
	}
	cq->tail = next_index(&cq->ring, cq->tail);
	if (!cq->tail)
		cq->phase = !cq->phase;
	return true;
}

static void wait_for_room(struct cq *cq, struct cmd *cmd)
{
	cmd->waited = true;
	cmd->next_waiting = NULL;
	if (cq->waiting)
		cq->waiting_last->next_waiting = cmd;
	else
		cq->waiting = cmd;
	cq->waiting_last = cmd;
}

void cq_post(struct cq *cq, struct cmd *cmd)
{
	struct nvt_cqe cqe = {
		.dw0 = cmd->dw0,
		.dw1 = cmd->dw1,
		.sqhd = cmd->sq ? cmd->sq->head : cmd->sqhd,
		.sqid = cmd->sqid,
		.cid = cmd->sqe.cid,
		.status_phase = cmd->status << 1 | cq->phase,
	};

	/* In the order in which they ended: behind those that wait already. */
	if (cq->waiting && !cmd->waited) {
		wait_for_room(cq, cmd);
		return;
	}
	if (cmd->nr_shots && completion_fault(cq, cmd, &cqe))
		return;
	if (!cq_write(cq, &cqe)) {
		wait_for_room(cq, cmd);
		return;
	}
	interrupt_posted(cq, cmd);
	cmd_free(cmd);
}
