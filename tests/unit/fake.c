// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "fake.h"

static struct fake *to_fake(struct nvt_pcie *pcie)
{
	return (struct fake *)pcie;
}

/* The struct itself is freed by nvt_pcie_close(), as every struct nvt_pcie is. */
static void fake_close(struct nvt_pcie *pcie)
{
	struct fake *fake = to_fake(pcie);

	if (fake->closed)
		fake->closed(fake);
	fake_stop(fake);
	free(fake->bar);
	free(fake->status);
}

static int fake_info(struct nvt_pcie *pcie, struct nvt_device_info *info)
{
	*info = pcie->info;
	return to_fake(pcie)->fail_call;
}

static void write_cc(struct fake *fake, uint32_t cc)
{
	uint32_t csts = 0;

	if (cc & 1 && !fake->never_ready)
		csts |= 1;
	if (cc & 1 && fake->fatal)
		csts = 2;
	memcpy(fake->bar + NVME_REG_CSTS, &csts, 4);
}

static int fake_reg(struct nvt_pcie *pcie, struct nvt_reg_access *access)
{
	struct fake *fake = to_fake(pcie);

	if (fake->fail_call)
		return fake->fail_call;
	if (access->bar || access->offset + access->width > FAKE_BAR ||
	    access->offset % access->width)
		return -EINVAL;
	fake->last_reg_width = access->width;
	if (!(access->flags & NVT_ACCESS_WRITE)) {
		access->value = 0;
		memcpy(&access->value, fake->bar + access->offset, access->width);
		return 0;
	}
	memcpy(fake->bar + access->offset, &access->value, access->width);
	if (access->offset == NVME_REG_CC)
		fake->write_cc(fake, access->value);
	return 0;
}

static int fake_config(struct nvt_pcie *pcie, struct nvt_config_access *access)
{
	struct fake *fake = to_fake(pcie);

	if (fake->fail_call)
		return fake->fail_call;
	if (access->offset + access->width > pcie->info.config_size ||
	    access->offset % access->width || access->width > 4)
		return -EINVAL;
	if (access->flags & NVT_ACCESS_WRITE)
		memcpy(fake->config + access->offset, &access->value, access->width);
	else
		memcpy(&access->value, fake->config + access->offset, access->width);
	return 0;
}

static volatile void *fake_map_bar(struct nvt_pcie *pcie, int bar, size_t length)
{
	return to_fake(pcie)->bar;
}

static int fake_set_vectors(struct nvt_pcie *pcie, struct nvt_vectors_set *set)
{
	struct fake *fake = to_fake(pcie);

	if (fake->fail_call)
		return fake->fail_call;
	if (set->type != NVT_VECTOR_MSIX && set->type != NVT_VECTOR_NONE)
		return -EOPNOTSUPP;
	if (set->count > pcie->info.max_msix)
		set->count = pcie->info.max_msix;
	fake->status->nr_vectors = set->type ? set->count : 0;
	return 0;
}

static int fake_reset(struct nvt_pcie *pcie, int method)
{
	struct fake *fake = to_fake(pcie);

	if (fake->fail_call)
		return fake->fail_call;
	fake->status->generation++;
	return 0;
}

static int fake_restore(struct nvt_pcie *pcie)
{
	return to_fake(pcie)->fail_call;
}

static int fake_buffer_create(struct nvt_pcie *pcie, struct nvt_buffer *buf)
{
	struct fake *fake = to_fake(pcie);
	size_t i;

	for (buf->id = 0; buf->id < FAKE_BUFFERS && fake->buffer[buf->id]; buf->id++)
		;
	if (buf->id == FAKE_BUFFERS)
		return -ENOSPC;
	buf->data = aligned_alloc(NVT_PAGE_SIZE, buf->length);
	memset(buf->data, 0, buf->length);
	for (i = 0; i < buf->length / NVT_PAGE_SIZE; i++)
		buf->bus[i] = (uintptr_t)buf->data + i * NVT_PAGE_SIZE;
	fake->buffer[buf->id] = buf;
	fake->live_buffers++;
	return 0;
}

static void fake_buffer_free(struct nvt_pcie *pcie, struct nvt_buffer *buf)
{
	to_fake(pcie)->buffer[buf->id] = NULL;
	to_fake(pcie)->live_buffers--;
	free(buf->data);
}

static int fake_queue_create(struct nvt_pcie *pcie, struct nvt_queue_create *create)
{
	struct fake *fake = to_fake(pcie);
	struct fake_queue *q = &fake->queue[create->qid];

	if (create->flags & NVT_QUEUE_MANAGED)
		return -EOPNOTSUPP;
	if (create->qid >= FAKE_QUEUES)
		return -EINVAL;
	if (create->type == NVT_QUEUE_CQ) {
		memset(q, 0, sizeof(*q));
		memset(fake->bar + 0x1000 + create->qid * 8UL, 0, 8);
		q->phase = 1;
		q->entries = create->nr_entries;
		q->cq = fake->buffer[create->buffer_id]->data;
	} else {
		/* Last: the device's thread looks at it. */
		__atomic_store_n(&q->sq, fake->buffer[create->buffer_id]->data, __ATOMIC_RELEASE);
	}
	fake->live_queues++;
	return 0;
}

static int fake_queue_destroy(struct nvt_pcie *pcie, int type, uint16_t qid)
{
	struct fake *fake = to_fake(pcie);

	if (type == NVT_QUEUE_SQ)
		__atomic_store_n(&fake->queue[qid].sq, NULL, __ATOMIC_RELEASE);
	fake->live_queues--;
	return 0;
}

static const struct nvt_access_ops fake_ops = {
	.close = fake_close,
	.info = fake_info,
	.reg = fake_reg,
	.config = fake_config,
	.map_bar = fake_map_bar,
	.set_vectors = fake_set_vectors,
	.reset = fake_reset,
	.restore = fake_restore,
	.buffer_create = fake_buffer_create,
	.buffer_free = fake_buffer_free,
	.queue_create = fake_queue_create,
	.queue_destroy = fake_queue_destroy,
};

void fake_init(struct fake *fake)
{
	/* MQES 63, TO 1 (500 ms), CSS: NVM */
	uint64_t cap = 63 | 1ULL << 24 | 1ULL << 37;

	fake->bar = aligned_alloc(NVT_PAGE_SIZE, FAKE_BAR);
	memset(fake->bar, 0, FAKE_BAR);
	memcpy(fake->bar + NVME_REG_CAP, &cap, 8);
	fake->status = calloc(1, sizeof(*fake->status) +
				 FAKE_VECTORS * sizeof(struct nvt_vector_counter));
	fake->pcie.ops = &fake_ops;
	fake->pcie.status = fake->status;
	strcpy(fake->pcie.addr, "0000:01:00.0");
	pthread_mutex_init(&fake->pcie.lock, NULL);
	fake->pcie.info.class_code = 0x010802;
	fake->pcie.info.config_size = 4096;
	fake->pcie.info.max_msix = FAKE_VECTORS;
	fake->pcie.info.bar_length[0] = FAKE_BAR;
	fake->write_cc = write_cc;
}

struct fake *fake_new(void)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	fake_init(fake);
	return fake;
}

struct nvt_ctrl *fake_ctrl(struct fake *fake)
{
	struct nvt_ctrl *ctrl = calloc(1, sizeof(*ctrl));
	uint32_t enable = 1;

	memcpy(fake->bar + NVME_REG_CC, &enable, 4);
	write_cc(fake, enable);
	ctrl->pcie = &fake->pcie;
	ctrl->opts.timeout_ms = 2000;
	ctrl->opts.admin_entries = 8;
	ctrl->opts.admin_backend = NVT_BACKEND_RAW;
	memcpy(&ctrl->cap, fake->bar + NVME_REG_CAP, 8);
	return ctrl;
}

uint32_t fake_doorbell(struct fake *fake, unsigned int qid, bool is_cq)
{
	const uint32_t *doorbell = (uint32_t *)(fake->bar + 0x1000 + qid * 8 + is_cq * 4);

	return __atomic_load_n(doorbell, __ATOMIC_ACQUIRE);
}

bool fake_fetch(struct fake *fake, unsigned int qid, struct nvt_sqe *sqe)
{
	struct fake_queue *q = &fake->queue[qid];

	if (q->sq_head == fake_doorbell(fake, qid, false))
		return false;
	*sqe = q->sq[q->sq_head];
	q->sq_head = (q->sq_head + 1) % q->entries;
	return true;
}

bool fake_complete(struct fake *fake, unsigned int qid, uint16_t cid, uint16_t status)
{
	struct fake_queue *q = &fake->queue[qid];
	struct nvt_cqe *cqe = &q->cq[q->cq_tail];

	if ((q->cq_tail + 1) % q->entries == fake_doorbell(fake, qid, true))
		return false;
	cqe->dw0 = (uint32_t)cid << 16;
	cqe->sqhd = q->sq_head;
	cqe->sqid = qid;
	cqe->cid = cid;
	__atomic_store_n(&cqe->status_phase, status << 1 | q->phase, __ATOMIC_RELEASE);
	q->cq_tail = (q->cq_tail + 1) % q->entries;
	if (!q->cq_tail)
		q->phase ^= 1;
	return true;
}

static void execute(struct fake *fake, unsigned int qid, const struct nvt_sqe *sqe)
{
	if (!qid) {
		fake->last_admin[sqe->opcode] = *sqe;
		if (sqe->opcode == nvme_admin_identify)
			memset((void *)sqe->prp1, 'x', NVME_IDENTIFY_DATA_SIZE);
	}
	fake_complete(fake, qid, sqe->cid, qid ? 0 : fake->status_of[sqe->opcode]);
}

static void *device(void *arg)
{
	struct fake *fake = arg;
	struct nvt_sqe sqe;
	unsigned int qid;

	while (!__atomic_load_n(&fake->stop, __ATOMIC_ACQUIRE)) {
		for (qid = 0; qid < FAKE_QUEUES; qid++)
			if (!__atomic_load_n(&fake->silent, __ATOMIC_ACQUIRE) &&
			    __atomic_load_n(&fake->queue[qid].sq, __ATOMIC_ACQUIRE) &&
			    fake_fetch(fake, qid, &sqe))
				execute(fake, qid, &sqe);
		sched_yield();
	}
	return NULL;
}

void fake_run(struct fake *fake)
{
	fake->running = !pthread_create(&fake->thread, NULL, device, fake);
}

void fake_stop(struct fake *fake)
{
	if (!fake->running)
		return;
	__atomic_store_n(&fake->stop, true, __ATOMIC_RELEASE);
	pthread_join(fake->thread, NULL);
	fake->running = false;
}
