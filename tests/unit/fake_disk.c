// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* An NVMe controller in a thread, on the device of fake.h; see fake_disk.h. */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include <nvt/error.h>

#include "fake.h"
#include "fake_disk.h"

#define QUEUES		FAKE_QUEUES
#define DOORBELLS	0x1000
#define SC_ABORTED_SQ	0x08
#define SC_BAD_OPCODE	0x01
#define SC_LBA_RANGE	0x80
#define SC_READ_ERROR	0x281

struct queue {
	bool used;
	uint32_t entries;
	uint16_t cqid;			/* of an SQ */
	void *ring;
	uint32_t at;			/* head of an SQ, tail of a CQ */
	uint16_t phase;
};

struct pending {
	struct nvt_sqe sqe;
	uint16_t sqid;
};

struct fake_disk {
	struct fake fake;		/* first: nvt_pcie_close() frees it */
	struct fake_disk_opts opts;
	pthread_t thread;
	pthread_mutex_t lock;		/* all that follows, but for the BAR */
	bool stop;
	bool paused;
	enum fake_fault fault;
	uint64_t fault_lba;
	uint32_t fault_hits;
	struct queue sq[QUEUES];
	struct queue cq[QUEUES];
	struct pending *pending;
	uint32_t nr_pending;
	uint32_t max_pending;
	struct fake_command *log;
	uint32_t nr_log;
	unsigned int seed;
	uint8_t *data;
};

#define MAX_PENDING	(QUEUES * 65536U)

static uint32_t block_size(const struct fake_disk *disk)
{
	return (1U << disk->opts.lba_shift) + disk->opts.metadata;
}

static uint32_t bar_get(struct fake_disk *disk, uint32_t offset)
{
	return __atomic_load_n((uint32_t *)(disk->fake.bar + offset), __ATOMIC_ACQUIRE);
}

static void bar_set(struct fake_disk *disk, uint32_t offset, uint32_t value)
{
	__atomic_store_n((uint32_t *)(disk->fake.bar + offset), value, __ATOMIC_RELEASE);
}

static uint64_t bar_get64(struct fake_disk *disk, uint32_t offset)
{
	return bar_get(disk, offset) | (uint64_t)bar_get(disk, offset + 4) << 32;
}

static void answer(struct fake_disk *disk, const struct pending *p, uint32_t dw0, uint16_t status)
{
	struct queue *sq = &disk->sq[p->sqid], *cq = &disk->cq[sq->cqid];
	struct nvt_cqe *cqe = (struct nvt_cqe *)cq->ring + cq->at;

	cqe->dw0 = dw0;
	cqe->dw1 = 0;
	cqe->sqhd = (uint16_t)sq->at;
	cqe->sqid = p->sqid;
	cqe->cid = p->sqe.cid;
	__atomic_store_n(&cqe->status_phase, (uint16_t)(status << 1 | cq->phase), __ATOMIC_RELEASE);
	if (++cq->at == cq->entries) {
		cq->at = 0;
		cq->phase ^= 1;
	}
}

/* PRP1, then PRP2 or the list that it points to. NVMe Base 2.1, 4.1.1. */
static uint8_t *page_of(const struct nvt_sqe *sqe, size_t length, size_t done, size_t *left)
{
	size_t first = 4096 - (sqe->prp1 & 4095), page;
	uint64_t bus;

	if (done < first) {
		*left = first - done;
		return (uint8_t *)(uintptr_t)sqe->prp1 + done;
	}
	page = (done - first) / 4096;
	*left = 4096 - (done - first) % 4096;
	bus = length - first <= 4096 ? sqe->prp2 : ((uint64_t *)(uintptr_t)sqe->prp2)[page];
	return (uint8_t *)(uintptr_t)bus + (done - first) % 4096;
}

static void copy(const struct nvt_sqe *sqe, size_t length, size_t done, uint8_t *mem, size_t n,
		 bool to_host)
{
	uint8_t *host;
	size_t left;

	while (n) {
		host = page_of(sqe, length, done, &left);
		if (left > n)
			left = n;
		if (to_host)
			memcpy(host, mem, left);
		else
			memcpy(mem, host, left);
		mem += left;
		done += left;
		n -= left;
	}
}

static uint64_t slba_of(const struct nvt_sqe *sqe)
{
	return sqe->cdw10 | (uint64_t)sqe->cdw11 << 32;
}

static uint32_t nlb_of(const struct nvt_sqe *sqe)
{
	return (sqe->cdw12 & 0xffff) + 1;
}

static bool hits(struct fake_disk *disk, const struct pending *p, enum fake_fault fault)
{
	return p->sqid && disk->fault == fault && slba_of(&p->sqe) <= disk->fault_lba &&
	       disk->fault_lba - slba_of(&p->sqe) < nlb_of(&p->sqe);
}

/* Where a block goes that is written, or NULL: nowhere. */
static uint8_t *target(struct fake_disk *disk, uint64_t lba)
{
	if (lba == disk->fault_lba && disk->fault == FAKE_LOSE && disk->fault_hits++)
		return NULL;
	if (lba == disk->fault_lba && disk->fault == FAKE_MISDIRECT)
		lba++;
	return disk->data + lba * block_size(disk);
}

static void write_block(struct fake_disk *disk, const struct nvt_sqe *sqe, uint32_t i)
{
	uint32_t size = block_size(disk);
	uint8_t *to = target(disk, slba_of(sqe) + i);

	if (to)
		copy(sqe, (size_t)nlb_of(sqe) * size, (size_t)i * size, to, size, false);
}

static void read_block(struct fake_disk *disk, const struct nvt_sqe *sqe, uint32_t i)
{
	uint32_t size = block_size(disk);
	uint64_t lba = slba_of(sqe) + i;
	uint8_t *from = disk->data + lba * size;
	bool flip = disk->fault == FAKE_FLIP && lba == disk->fault_lba;

	from[100] ^= flip << 3;
	copy(sqe, (size_t)nlb_of(sqe) * size, (size_t)i * size, from, size, true);
	from[100] ^= flip << 3;
}

static void do_io(struct fake_disk *disk, const struct pending *p)
{
	const struct nvt_sqe *sqe = &p->sqe;
	uint32_t i;

	if (slba_of(sqe) + nlb_of(sqe) > disk->opts.blocks) {
		answer(disk, p, 0, SC_LBA_RANGE);
		return;
	}
	if (hits(disk, p, FAKE_FAIL)) {
		answer(disk, p, 0, SC_READ_ERROR);
		return;
	}
	for (i = 0; i < nlb_of(sqe); i++) {
		if (sqe->opcode == nvme_cmd_write)
			write_block(disk, sqe, i);
		else
			read_block(disk, sqe, i);
	}
	answer(disk, p, 0, sqe->opcode == nvme_cmd_write || sqe->opcode == nvme_cmd_read ?
				   0 : SC_BAD_OPCODE);
}

static void identify(struct fake_disk *disk, const struct nvt_sqe *sqe)
{
	uint8_t page[4096] = { 0 };
	struct nvme_id_ns *ns = (void *)page;
	struct nvme_id_ctrl *ctrl = (void *)page;

	if ((sqe->cdw10 & 0xff) == NVME_IDENTIFY_CNS_CTRL) {
		ctrl->mdts = disk->opts.mdts;
		ctrl->sqes = 0x66;
		ctrl->cqes = 0x44;
		ctrl->nn = 1;
	} else if ((sqe->cdw10 & 0xff) == NVME_IDENTIFY_CNS_NS) {
		ns->nsze = disk->opts.blocks;
		ns->ncap = disk->opts.blocks;
		ns->flbas = disk->opts.metadata ? 1 << 4 : 0;
		ns->lbaf[0].ds = (uint8_t)disk->opts.lba_shift;
		ns->lbaf[0].ms = (uint16_t)disk->opts.metadata;
	}
	copy(sqe, sizeof(page), 0, page, sizeof(page), true);
}

static void create_queue(struct queue *q, const struct nvt_sqe *sqe)
{
	*q = (struct queue){
		.used = true,
		.entries = (sqe->cdw10 >> 16) + 1,
		.cqid = (uint16_t)(sqe->cdw11 >> 16),
		.ring = (void *)(uintptr_t)sqe->prp1,
		.phase = 1,
	};
}

static void abort_pending(struct fake_disk *disk, uint16_t sqid)
{
	uint32_t i = 0;

	while (i < disk->nr_pending) {
		if (disk->pending[i].sqid != sqid) {
			i++;
			continue;
		}
		answer(disk, &disk->pending[i], 0, SC_ABORTED_SQ);
		disk->pending[i] = disk->pending[--disk->nr_pending];
	}
}

static void do_admin(struct fake_disk *disk, const struct pending *p)
{
	const struct nvt_sqe *sqe = &p->sqe;
	uint16_t qid = (sqe->cdw10 & 0xffff) % QUEUES, status = 0;
	uint32_t dw0 = 0;

	switch (sqe->opcode) {
	case nvme_admin_identify:
		identify(disk, sqe);
		break;
	case nvme_admin_set_features:
		dw0 = (QUEUES - 2) << 16 | (QUEUES - 2);
		break;
	case nvme_admin_create_cq:
		create_queue(&disk->cq[qid], sqe);
		bar_set(disk, DOORBELLS + 8U * qid + 4, 0);
		break;
	case nvme_admin_create_sq:
		create_queue(&disk->sq[qid], sqe);
		bar_set(disk, DOORBELLS + 8U * qid, 0);
		break;
	case nvme_admin_delete_sq:
		abort_pending(disk, qid);
		disk->sq[qid].used = false;
		break;
	case nvme_admin_delete_cq:
		disk->cq[qid].used = false;
		break;
	default:
		status = SC_BAD_OPCODE;
	}
	answer(disk, p, dw0, status);
}

static void note(struct fake_disk *disk, const struct pending *p)
{
	struct fake_command *c = &disk->log[disk->nr_log];

	if (disk->nr_log == FAKE_LOG)
		return;
	disk->nr_log++;
	c->slba = slba_of(&p->sqe);
	c->nlb = nlb_of(&p->sqe);
	c->write = p->sqe.opcode == nvme_cmd_write;
}

static void fetch(struct fake_disk *disk, uint16_t sqid)
{
	struct queue *sq = &disk->sq[sqid];
	uint32_t tail = bar_get(disk, DOORBELLS + 8U * sqid);
	struct pending p = { .sqid = sqid };

	while (sq->used && sq->at != tail && tail < sq->entries) {
		p.sqe = ((struct nvt_sqe *)sq->ring)[sq->at];
		sq->at = sq->at + 1 == sq->entries ? 0 : sq->at + 1;
		if (sqid) {
			note(disk, &p);
			disk->pending[disk->nr_pending++] = p;
		} else {
			do_admin(disk, &p);
		}
	}
	if (disk->nr_pending > disk->max_pending)
		disk->max_pending = disk->nr_pending;
}

static void die(struct fake_disk *disk)
{
	bar_set(disk, NVME_REG_CSTS, 0xffffffff);
	__atomic_add_fetch(&disk->fake.status->generation, 1, __ATOMIC_RELEASE);
	memset(disk->sq, 0, sizeof(disk->sq));
	disk->nr_pending = 0;
}

static void do_random(struct fake_disk *disk)
{
	uint32_t i = (uint32_t)rand_r(&disk->seed) % disk->nr_pending;
	struct pending p = disk->pending[i];

	if (hits(disk, &p, FAKE_DIE)) {
		die(disk);
		return;
	}
	if (hits(disk, &p, FAKE_SILENT))
		return;
	disk->pending[i] = disk->pending[--disk->nr_pending];
	do_io(disk, &p);
}

static void turn(struct fake_disk *disk)
{
	uint32_t n;
	uint16_t i;

	for (i = 0; i < QUEUES; i++)
		fetch(disk, i);
	if (disk->paused || !disk->nr_pending)
		return;
	for (n = 1 + (uint32_t)rand_r(&disk->seed) % disk->nr_pending; n && disk->nr_pending; n--)
		do_random(disk);
}

static void *fake_thread(void *arg)
{
	struct fake_disk *disk = arg;
	bool stop;

	do {
		pthread_mutex_lock(&disk->lock);
		turn(disk);
		stop = disk->stop;
		pthread_mutex_unlock(&disk->lock);
		sched_yield();
	} while (!stop);
	return NULL;
}

static void end_disk(struct fake *fake)
{
	struct fake_disk *disk = (struct fake_disk *)fake;

	pthread_mutex_lock(&disk->lock);
	disk->stop = true;
	pthread_mutex_unlock(&disk->lock);
	pthread_join(disk->thread, NULL);
	pthread_mutex_destroy(&disk->lock);
	free(disk->data);
	free(disk->log);
	free(disk->pending);
}

static void enable(struct fake_disk *disk)
{
	uint32_t aqa = bar_get(disk, NVME_REG_AQA);
	struct queue *sq = &disk->sq[0], *cq = &disk->cq[0];

	*sq = (struct queue){ .used = true, .entries = (aqa & 0xfff) + 1 };
	sq->ring = (void *)(uintptr_t)bar_get64(disk, NVME_REG_ASQ);
	*cq = (struct queue){ .used = true, .entries = (aqa >> 16) + 1, .phase = 1 };
	cq->ring = (void *)(uintptr_t)bar_get64(disk, NVME_REG_ACQ);
}

static void set_cc(struct fake *fake, uint32_t cc)
{
	struct fake_disk *disk = (struct fake_disk *)fake;

	pthread_mutex_lock(&disk->lock);
	memset(disk->sq, 0, sizeof(disk->sq));
	memset(disk->cq, 0, sizeof(disk->cq));
	memset(fake->bar + DOORBELLS, 0, FAKE_BAR - DOORBELLS);
	disk->nr_pending = 0;
	if (cc & 1)
		enable(disk);
	bar_set(disk, NVME_REG_CSTS, cc & 1);
	pthread_mutex_unlock(&disk->lock);
}

struct fake_disk *fake_disk_create(const struct fake_disk_opts *opts)
{
	struct fake_disk *disk = calloc(1, sizeof(*disk));

	disk->opts = opts ? *opts : (struct fake_disk_opts){ 0 };
	if (!disk->opts.blocks)
		disk->opts.blocks = 4096;
	if (!disk->opts.lba_shift)
		disk->opts.lba_shift = 9;
	if (!disk->opts.mqes)
		disk->opts.mqes = 1023;
	if (!disk->opts.mdts)
		disk->opts.mdts = 5;
	disk->seed = disk->opts.seed;
	disk->pending = calloc(MAX_PENDING, sizeof(*disk->pending));
	disk->log = calloc(FAKE_LOG, sizeof(*disk->log));
	disk->data = calloc(disk->opts.blocks, block_size(disk));
	fake_init(&disk->fake);
	disk->fake.write_cc = set_cc;
	disk->fake.closed = end_disk;
	pthread_mutex_init(&disk->lock, NULL);
	/* MQES in 15:0, TO of 1 s in 31:24, the NVM command set in bit 37. */
	bar_set(disk, NVME_REG_CAP, 2U << 24 | 1U << 16 | disk->opts.mqes);
	bar_set(disk, NVME_REG_CAP + 4, 1U << 5);
	ck_assert_int_eq(pthread_create(&disk->thread, NULL, fake_thread, disk), 0);
	return disk;
}

struct nvt_ctrl *fake_disk_ctrl(struct fake_disk *disk, uint32_t timeout_ms)
{
	const struct nvt_ctrl_opts opts = {
		.timeout_ms = timeout_ms,
		.admin_backend = NVT_BACKEND_RAW,
	};
	struct nvt_ctrl *ctrl = nvt_ctrl_new(&disk->fake.pcie, &opts);

	ck_assert_msg(ctrl != NULL, "%s", nvt_error());
	return ctrl;
}

void fake_disk_fault(struct fake_disk *disk, enum fake_fault fault, uint64_t lba)
{
	pthread_mutex_lock(&disk->lock);
	disk->fault = fault;
	disk->fault_lba = lba;
	disk->fault_hits = 0;
	pthread_mutex_unlock(&disk->lock);
}

void fake_disk_pause(struct fake_disk *disk, bool pause)
{
	pthread_mutex_lock(&disk->lock);
	disk->paused = pause;
	pthread_mutex_unlock(&disk->lock);
}

uint8_t *fake_disk_block(struct fake_disk *disk, uint64_t lba)
{
	return disk->data + lba * block_size(disk);
}

uint32_t fake_disk_log(struct fake_disk *disk, const struct fake_command **log)
{
	uint32_t n;

	pthread_mutex_lock(&disk->lock);
	*log = disk->log;
	n = disk->nr_log;
	pthread_mutex_unlock(&disk->lock);
	return n;
}

uint32_t fake_disk_max_depth(struct fake_disk *disk)
{
	uint32_t n;

	pthread_mutex_lock(&disk->lock);
	n = disk->max_pending;
	pthread_mutex_unlock(&disk->lock);
	return n;
}
