// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Host memory buffer. The controller keeps a table in it, 4 KiB records with a
 * checksum that it knows: it writes them step by step, later reads them again
 * in turn, and reports a record that the host has changed.
 */
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "nvme/cmd.h"
#include "nvme/error_log.h"
#include "nvme/event.h"
#include "nvme/hmb.h"
#include "nvme/smart.h"
#include "options.h"

#define RECORD			4096U
#define SMALLEST		65536U	/* bytes that it takes if it does not get all */
#define EHM			(1U << 0)
#define MR			(1U << 1)
#define CDW12_BYTE		48
#define CDW13_BYTE		52
#define CDW15_BYTE		60
#define WRITE_STEP		64	/* records in a step */
#define WRITE_NS		NS_PER_MS
#define CHECK_STEP		16
#define CHECK_NS		(500 * NS_PER_MS)

/* NVMe Base 2.1, 5.1.25.1.12: Host Memory Buffer Descriptor Entry */
struct hmb_descriptor {
	uint64_t addr;
	uint32_t pages;			/* of CC.MPS */
	uint32_t reserved;
};

struct hmb_record {
	uint64_t index, generation;
	unsigned char table[RECORD - 2 * sizeof(uint64_t)];
};

struct hmb {
	struct ctrl *ctrl;
	bool enabled;
	struct nvme_host_mem_buf_attrs attributes;
	uint32_t nr_descriptors;
	struct hmb_descriptor *descriptors;
	uint32_t page_size;		/* that the descriptors count in */
	uint64_t records;		/* that the buffer has room for */
	uint64_t written;		/* of them, from the first on */
	uint64_t next;			/* to be checked */
	uint64_t generation;
	uint64_t *sums;			/* of what was written, by record */
	struct timer work;
	struct hmb_record record;
};

static void work(struct timer *timer);

uint32_t hmb_min(const struct ctrl *ctrl)
{
	return ctrl->options->hmb < SMALLEST ? ctrl->options->hmb : SMALLEST;
}

struct hmb *hmb_new(struct ctrl *ctrl)
{
	struct hmb *hmb = calloc(1, sizeof(*hmb));

	if (!hmb)
		return NULL;
	hmb->ctrl = ctrl;
	hmb->work.fire = work;
	return hmb;
}

/* The contents stay known, for a host that gives the same memory back. */
static void disable(struct hmb *hmb)
{
	hmb->enabled = false;
	timer_cancel(hmb->ctrl->loop, &hmb->work);
}

static void forget(struct hmb *hmb)
{
	disable(hmb);
	free(hmb->descriptors);
	free(hmb->sums);
	hmb->descriptors = NULL;
	hmb->sums = NULL;
	hmb->nr_descriptors = 0;
	hmb->records = 0;
	hmb->written = 0;
}

void hmb_free(struct hmb *hmb)
{
	if (!hmb)
		return;
	forget(hmb);
	free(hmb);
}

void hmb_reset(struct ctrl *ctrl, enum ctrl_reset kind)
{
	if (kind == CTRL_RESET_POWER)
		forget(ctrl->hmb);
	else
		disable(ctrl->hmb);
}

/* FNV-1a by quadwords: enough to see that somebody else has written. */
static uint64_t checksum(const struct hmb_record *record)
{
	uint64_t sum = 0xcbf29ce484222325ULL, word;
	size_t i;

	for (i = 0; i < sizeof(*record); i += sizeof(word)) {
		memcpy(&word, (const unsigned char *)record + i, sizeof(word));
		sum = (sum ^ word) * 0x100000001b3ULL;
	}
	return sum;
}

/* Where a record is in the host's memory: in whole pages, which hold whole records. */
static uint64_t record_addr(const struct hmb *hmb, uint64_t index)
{
	uint64_t per_page = hmb->page_size / RECORD, room;
	uint32_t i;

	for (i = 0; i < hmb->nr_descriptors; i++) {
		room = hmb->descriptors[i].pages * per_page;
		if (index < room)
			break;
		index -= room;
	}
	return hmb->descriptors[i].addr + index * RECORD;
}

/* Without its buffer the controller goes on; the host is told that it has lost or harmed it. */
static void report(struct hmb *hmb, uint16_t status)
{
	struct ctrl *ctrl = hmb->ctrl;

	error_log_device(ctrl, status);
	event_post(ctrl, NVME_AER_ERROR, NVME_AER_ERROR_TRANSIENT_INTERNAL_ERROR,
		   NVME_LOG_LID_ERROR);
}

/* What it keeps: the counters as they are now. */
static int write_record(struct hmb *hmb, uint64_t index)
{
	struct hmb_record *record = &hmb->record;

	memset(record, 0, sizeof(*record));
	record->index = index;
	record->generation = hmb->generation++;
	smart_fill(hmb->ctrl, (struct nvme_smart_log *)record->table);
	hmb->sums[index] = checksum(record);
	return ctrl_dma_write(hmb->ctrl, record_addr(hmb, index), record, sizeof(*record));
}

/* A harmed record is written anew. */
static int check_record(struct hmb *hmb, uint64_t index)
{
	struct hmb_record *record = &hmb->record;
	int err = ctrl_dma_read(hmb->ctrl, record_addr(hmb, index), record, sizeof(*record));

	if (err || checksum(record) == hmb->sums[index])
		return err;
	report(hmb, NVME_SC_INTERNAL);
	return write_record(hmb, index);
}

static int step(struct hmb *hmb)
{
	unsigned int i;
	int err = 0;

	if (hmb->written < hmb->records) {
		for (i = 0; i < WRITE_STEP && hmb->written < hmb->records && !err; i++)
			err = write_record(hmb, hmb->written++);
		return err;
	}
	for (i = 0; i < CHECK_STEP && i < hmb->records && !err; i++) {
		err = check_record(hmb, hmb->next);
		hmb->next = (hmb->next + 1) % hmb->records;
	}
	return err;
}

static void schedule(struct hmb *hmb)
{
	struct loop *loop = hmb->ctrl->loop;

	timer_arm(loop, &hmb->work, loop_now(loop) + (hmb->written < hmb->records ? WRITE_NS :
										  CHECK_NS));
}

static void work(struct timer *timer)
{
	struct hmb *hmb = container_of(timer, struct hmb, work);

	if (step(hmb)) {
		forget(hmb);
		report(hmb, NVME_SC_DATA_XFER_ERROR);
		return;
	}
	schedule(hmb);
}

void hmb_unmapped(struct ctrl *ctrl, uint64_t iova, uint64_t length)
{
	struct hmb *hmb = ctrl->hmb;
	uint64_t bytes;
	uint32_t i;

	for (i = 0; hmb->enabled && i < hmb->nr_descriptors; i++) {
		bytes = (uint64_t)hmb->descriptors[i].pages * hmb->page_size;
		if (iova >= hmb->descriptors[i].addr + bytes ||
		    hmb->descriptors[i].addr >= iova + length)
			continue;
		forget(hmb);
		report(hmb, NVME_SC_DATA_XFER_ERROR);
	}
}

static bool descriptors_possible(struct cmd *cmd, const struct hmb_descriptor *descriptors,
				 uint32_t nr, uint64_t pages)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < nr; i++) {
		if (!descriptors[i].pages || descriptors[i].addr % ctrl_page_size(cmd->ctrl))
			return false;
		sum += descriptors[i].pages;
	}
	return sum >= pages;
}

/* Memory of the same places and size as before. */
static bool is_same(const struct hmb *hmb, const struct hmb_descriptor *descriptors, uint32_t nr,
		    uint64_t records)
{
	return hmb->sums && hmb->nr_descriptors == nr && hmb->records == records &&
	       hmb->page_size == ctrl_page_size(hmb->ctrl) &&
	       !memcmp(hmb->descriptors, descriptors, nr * sizeof(*descriptors));
}

/* Takes the descriptors over. Contents count only if the host says that they are unchanged. */
static uint16_t use(struct cmd *cmd, struct hmb_descriptor *descriptors, uint32_t nr)
{
	struct hmb *hmb = cmd->ctrl->hmb;
	uint64_t bytes = (uint64_t)cmd->sqe.cdw12 * ctrl_page_size(cmd->ctrl);
	uint64_t most = cmd->ctrl->options->hmb;
	uint64_t records = (bytes < most ? bytes : most) / RECORD;

	if (cmd->sqe.cdw11 & MR && is_same(hmb, descriptors, nr, records)) {
		free(descriptors);
		return 0;
	}
	forget(hmb);
	hmb->descriptors = descriptors;
	hmb->nr_descriptors = nr;
	hmb->page_size = ctrl_page_size(cmd->ctrl);
	hmb->records = records;
	hmb->sums = calloc(records, sizeof(*hmb->sums));
	if (hmb->sums)
		return 0;
	forget(hmb);
	return RETRY(GENERIC(INTERNAL));
}

static uint16_t enable(struct cmd *cmd, struct hmb_descriptor *descriptors, uint32_t nr)
{
	struct hmb *hmb = cmd->ctrl->hmb;
	uint16_t status = use(cmd, descriptors, nr);

	if (status)
		return status;
	hmb->enabled = true;
	hmb->next = 0;
	hmb->attributes.hsize = cmd->sqe.cdw12;
	hmb->attributes.hmdlal = cmd->sqe.cdw13;
	hmb->attributes.hmdlau = cmd->sqe.cdw14;
	hmb->attributes.hmdlec = nr;
	schedule(hmb);
	return 0;
}

static uint16_t check_enable(struct cmd *cmd)
{
	uint64_t bytes = (uint64_t)cmd->sqe.cdw12 * ctrl_page_size(cmd->ctrl);

	if (cmd->ctrl->hmb->enabled)
		return GENERIC(CMD_SEQ_ERROR);
	if (bytes < hmb_min(cmd->ctrl))
		return cmd_bad_field(cmd, CDW12_BYTE);
	if (cmd->sqe.cdw13 & 0xf)
		return cmd_bad_field(cmd, CDW13_BYTE);
	if (!cmd->sqe.cdw15 || cmd->sqe.cdw15 > HMB_MAX_DESCRIPTORS)
		return cmd_bad_field(cmd, CDW15_BYTE);
	return 0;
}

uint16_t hmb_set(struct cmd *cmd)
{
	uint64_t list = cmd->sqe.cdw13 | (uint64_t)cmd->sqe.cdw14 << 32;
	uint32_t nr = cmd->sqe.cdw15;
	struct hmb_descriptor *descriptors;
	uint16_t status;

	if (!(cmd->sqe.cdw11 & EHM)) {
		disable(cmd->ctrl->hmb);
		return 0;
	}
	status = check_enable(cmd);
	if (status)
		return status;
	descriptors = calloc(nr, sizeof(*descriptors));
	if (!descriptors)
		return RETRY(GENERIC(INTERNAL));
	if (ctrl_dma_read(cmd->ctrl, list, descriptors, nr * sizeof(*descriptors)))
		status = RETRY(GENERIC(DATA_XFER_ERROR));
	else if (!descriptors_possible(cmd, descriptors, nr, cmd->sqe.cdw12))
		status = cmd_bad_field(cmd, CDW13_BYTE);
	if (status) {
		free(descriptors);
		return status;
	}
	return enable(cmd, descriptors, nr);
}

uint32_t hmb_value(const struct ctrl *ctrl)
{
	return ctrl->hmb->enabled ? EHM : 0;
}

void hmb_attributes(const struct ctrl *ctrl, struct nvme_host_mem_buf_attrs *attributes)
{
	if (ctrl->hmb->enabled)
		*attributes = ctrl->hmb->attributes;
}
