// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues as objects: made over a buffer, killed, freed. A managed one is
 * driven by uring.c and reap.c; a raw one is known, so that its memory is not
 * freed under the device.
 */
#include <linux/nospec.h>
#include <linux/nvme.h>

#include "nvt_kmod.h"

#define NVT_SQE_SIZE	64
#define NVT_CQE_SIZE	16

/* NVMe over PCIe Transport 1.1, 3.1.2: from 1000h on, SQ tail and CQ head in turn. */
static int nvt_queue_doorbell(struct nvt_dev *dev, const struct nvt_queue_create *create,
			      void __iomem **doorbell)
{
	u64 cap = readq(dev->regs + NVME_REG_CAP);
	u64 offset;

	if (cap == U64_MAX)
		return -ENODEV;
	offset = NVME_REG_DBS + ((2ULL * create->qid + (create->type == NVT_QUEUE_CQ)) <<
				 (2 + NVME_CAP_STRIDE(cap)));
	if (offset + 4 > pci_resource_len(dev->pdev, 0))
		return -EINVAL;
	*doorbell = dev->regs + offset;
	return 0;
}

static struct nvt_buffer *nvt_queue_buffer(struct nvt_file *file,
					   const struct nvt_queue_create *create)
{
	struct nvt_dev *dev = file->dev;
	u64 length = (u64)create->nr_entries *
		     (create->type == NVT_QUEUE_SQ ? NVT_SQE_SIZE : NVT_CQE_SIZE);
	struct nvt_buffer *buf = xa_load(&dev->buffers, create->buffer_id);
	int ret;

	if (!buf || buf->file != file)
		return ERR_PTR(-ENOENT);
	if (!IS_ALIGNED(create->buffer_offset, 4) || create->buffer_offset >= buf->length ||
	    length > buf->length - create->buffer_offset)
		return ERR_PTR(-EINVAL);
	if (create->flags & NVT_QUEUE_MANAGED) {
		ret = nvt_buffer_map_kva(dev, buf);
		if (ret)
			return ERR_PTR(ret);
	}
	return buf;
}

static void nvt_cq_free(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct nvt_cq, rcu));
}

static void nvt_sq_free(struct rcu_head *rcu)
{
	struct nvt_sq *sq = container_of(rcu, struct nvt_sq, rcu);

	nvt_shared_free(sq->records);
	kvfree(sq->slots);
	kfree(sq);
}

static int nvt_cq_manage(struct nvt_cq *cq, const struct nvt_queue_create *create)
{
	struct nvt_dev *dev = cq->dev;
	void *ring = cq->buffer->kva + create->buffer_offset;

	if (create->vector != NVT_NO_VECTOR && create->vector >= dev->nr_vectors)
		return -EINVAL;
	memset(ring, 0, array_size(create->nr_entries, NVT_CQE_SIZE));
	cq->managed = true;
	cq->ring = ring;
	cq->phase = 1;
	if (create->vector != NVT_NO_VECTOR)
		cq->vector = &dev->vectors[array_index_nospec(create->vector, dev->nr_vectors)];
	return nvt_queue_doorbell(dev, create, &cq->doorbell);
}

static int nvt_cq_create(struct nvt_file *file, const struct nvt_queue_create *create,
			 struct nvt_buffer *buf)
{
	struct nvt_dev *dev = file->dev;
	struct nvt_cq *cq;
	int ret = 0;

	if (create->cqid)
		return -EINVAL;
	cq = kzalloc(sizeof(*cq), GFP_KERNEL_ACCOUNT);
	if (!cq)
		return -ENOMEM;
	cq->dev = dev;
	cq->file = file;
	cq->qid = create->qid;
	cq->nr_entries = create->nr_entries;
	cq->buffer = buf;
	spin_lock_init(&cq->lock);
	if (create->flags & NVT_QUEUE_MANAGED)
		ret = nvt_cq_manage(cq, create);
	else if (create->vector != NVT_NO_VECTOR)
		ret = -EINVAL;
	if (!ret)
		ret = xa_insert(&dev->cqs, cq->qid, cq, GFP_KERNEL_ACCOUNT);
	if (ret) {
		kfree(cq);
		return ret == -EBUSY ? -EEXIST : ret;
	}
	if (cq->vector)
		list_add_tail_rcu(&cq->vector_node, &cq->vector->cqs);
	buf->nr_queues++;
	return 0;
}

static int nvt_sq_manage(struct nvt_sq *sq, const struct nvt_queue_create *create)
{
	if (!sq->cq->managed)
		return -EINVAL;
	sq->managed = true;
	sq->ring = sq->buffer->kva + create->buffer_offset;
	sq->slots = kvcalloc(sq->nr_entries, sizeof(*sq->slots), GFP_KERNEL_ACCOUNT);
	sq->records = nvt_shared_alloc(array_size(sq->nr_entries, sizeof(*sq->records)));
	if (!sq->slots || !sq->records)
		return -ENOMEM;
	return nvt_queue_doorbell(sq->dev, create, &sq->doorbell);
}

static int nvt_sq_publish(struct nvt_dev *dev, struct nvt_sq *sq)
{
	int ret = xa_insert(&dev->sqs, sq->qid, sq, GFP_KERNEL_ACCOUNT);

	if (ret || sq->qid >= NVT_LOW_SQS)
		return ret;
	/* Whoever sees the queue sees what is in it. */
	smp_store_release(&dev->low_sqs[sq->qid], sq);
	return 0;
}

static void nvt_sq_withdraw(struct nvt_dev *dev, u16 qid)
{
	if (qid < NVT_LOW_SQS)
		WRITE_ONCE(dev->low_sqs[qid], NULL);
	xa_erase(&dev->sqs, qid);
}

static int nvt_sq_create(struct nvt_file *file, struct nvt_queue_create *create,
			 struct nvt_buffer *buf)
{
	struct nvt_dev *dev = file->dev;
	struct nvt_cq *cq = xa_load(&dev->cqs, create->cqid);
	struct nvt_sq *sq;
	int ret = 0;

	if (create->vector != NVT_NO_VECTOR)
		return -EINVAL;
	if (!cq || cq->file != file)
		return -ENOENT;
	if (READ_ONCE(cq->dead))
		return -EIO;
	sq = kzalloc(sizeof(*sq), GFP_KERNEL_ACCOUNT);
	if (!sq)
		return -ENOMEM;
	sq->dev = dev;
	sq->file = file;
	sq->qid = create->qid;
	sq->nr_entries = create->nr_entries;
	sq->buffer = buf;
	sq->cq = cq;
	spin_lock_init(&sq->lock);
	if (create->flags & NVT_QUEUE_MANAGED)
		ret = nvt_sq_manage(sq, create);
	if (!ret)
		ret = nvt_sq_publish(dev, sq);
	if (ret) {
		nvt_sq_free(&sq->rcu);
		return ret == -EBUSY ? -EEXIST : ret;
	}
	cq->nr_sqs++;
	buf->nr_queues++;
	create->records_offset = sq->managed ? NVT_MMAP_RECORDS(sq->qid) : 0;
	if (sq->managed)
		nvt_watch_start(dev);
	return 0;
}

static int nvt_queue_create_live(struct nvt_file *file, struct nvt_queue_create *create)
{
	struct nvt_dev *dev = file->dev;
	struct nvt_buffer *buf;

	if (dev->state != NVT_STATE_LIVE)
		return -EAGAIN;
	if (create->flags & NVT_QUEUE_MANAGED && !dev->is_nvme)
		return -EOPNOTSUPP;
	buf = nvt_queue_buffer(file, create);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	return create->type == NVT_QUEUE_CQ ? nvt_cq_create(file, create, buf) :
					      nvt_sq_create(file, create, buf);
}

int nvt_queue_create(struct nvt_file *file, void *arg)
{
	struct nvt_queue_create *create = arg;
	struct nvt_dev *dev = file->dev;
	int ret;

	if (create->flags & ~NVT_QUEUE_MANAGED || create->type > NVT_QUEUE_CQ || create->resv ||
	    create->nr_entries < 2 || create->nr_entries > 65536)
		return -EINVAL;
	mutex_lock(&dev->lock);
	ret = create->qid ? nvt_check_user(file) : nvt_check_owner(file);
	if (!ret)
		ret = nvt_queue_create_live(file, create);
	mutex_unlock(&dev->lock);
	return ret;
}

static void nvt_sq_kill(struct nvt_sq *sq)
{
	spin_lock(&sq->lock);
	sq->dead = true;
	spin_unlock(&sq->lock);
}

static void nvt_cq_kill(struct nvt_cq *cq)
{
	spin_lock_irq(&cq->lock);
	cq->dead = true;
	spin_unlock_irq(&cq->lock);
}

/*
 * Where a managed admin queue has not seen it deleted, the device may still
 * write to the ring, and to the data of commands that were in it. Where there
 * is none, the owner is the only one who knows.
 */
static void nvt_queue_left(struct nvt_dev *dev, struct nvt_buffer *buf, bool deleted)
{
	struct nvt_sq *admin = xa_load(&dev->sqs, 0);

	buf->nr_queues--;
	if (!deleted && admin && admin->managed)
		dev->exposed = true;
}

static bool nvt_sq_has_orphans(struct nvt_sq *sq)
{
	unsigned int cid;

	for (cid = 0; sq->managed && cid < sq->nr_entries; cid++)
		if (READ_ONCE(sq->slots[cid].cmd) == NVT_ORPHAN)
			return true;
	return false;
}

static int nvt_sq_destroy(struct nvt_dev *dev, u16 qid)
{
	struct nvt_sq *sq = xa_load(&dev->sqs, qid);

	if (!sq)
		return -ENOENT;
	nvt_sq_kill(sq);
	/* All commands of a deleted queue have ended. NVMe Base 2.1, 5.2.4 */
	if (!READ_ONCE(sq->deleted) && nvt_sq_has_orphans(sq))
		dev->exposed = true;
	nvt_sq_end_commands(sq);
	nvt_queue_left(dev, sq->buffer, READ_ONCE(sq->deleted));
	nvt_sq_withdraw(dev, qid);
	sq->cq->nr_sqs--;
	call_srcu(&dev->srcu, &sq->rcu, nvt_sq_free);
	return 0;
}

static int nvt_cq_destroy(struct nvt_dev *dev, u16 qid)
{
	struct nvt_cq *cq = xa_load(&dev->cqs, qid);

	if (!cq)
		return -ENOENT;
	if (cq->nr_sqs)
		return -EBUSY;
	nvt_cq_kill(cq);
	if (cq->vector)
		list_del_rcu(&cq->vector_node);
	nvt_queue_left(dev, cq->buffer, READ_ONCE(cq->deleted));
	xa_erase(&dev->cqs, qid);
	call_srcu(&dev->srcu, &cq->rcu, nvt_cq_free);
	return 0;
}

static int nvt_queue_check_file(struct nvt_file *file, const struct nvt_queue_destroy *destroy)
{
	struct nvt_sq *sq;
	struct nvt_cq *cq;

	if (destroy->type == NVT_QUEUE_SQ) {
		sq = xa_load(&file->dev->sqs, destroy->qid);
		return sq && sq->file == file ? 0 : -ENOENT;
	}
	cq = xa_load(&file->dev->cqs, destroy->qid);
	return cq && cq->file == file ? 0 : -ENOENT;
}

int nvt_queue_destroy(struct nvt_file *file, void *arg)
{
	struct nvt_queue_destroy *destroy = arg;
	struct nvt_dev *dev = file->dev;
	int ret;

	if (destroy->flags || destroy->type > NVT_QUEUE_CQ || destroy->resv)
		return -EINVAL;
	mutex_lock(&dev->lock);
	ret = nvt_check_user(file);
	if (!ret)
		ret = nvt_queue_check_file(file, destroy);
	if (!ret)
		ret = destroy->type == NVT_QUEUE_SQ ? nvt_sq_destroy(dev, destroy->qid) :
						      nvt_cq_destroy(dev, destroy->qid);
	mutex_unlock(&dev->lock);
	return ret;
}

int nvt_queue_stats(struct nvt_file *file, void *arg)
{
	struct nvt_queue_stats *stats = arg;
	struct nvt_dev *dev = file->dev;
	struct nvt_sq *sq;
	int ret = -ENOENT;

	if (stats->flags || stats->resv[0] || stats->resv[1] || stats->resv[2])
		return -EINVAL;
	mutex_lock(&dev->lock);
	sq = xa_load(&dev->sqs, stats->qid);
	if (sq && sq->managed) {
		spin_lock(&sq->lock);
		stats->submitted = sq->submitted;
		stats->doorbells = sq->doorbells;
		spin_unlock(&sq->lock);
		spin_lock_irq(&sq->cq->lock);
		stats->completed = sq->completed;
		stats->unexpected = sq->cq->unexpected;
		stats->timeouts = sq->timeouts;
		stats->late = sq->late;
		stats->missed = sq->cq->missed;
		spin_unlock_irq(&sq->cq->lock);
		ret = 0;
	}
	mutex_unlock(&dev->lock);
	return ret;
}

static u64 nvt_sq_oldest(struct nvt_sq *sq)
{
	u64 oldest = U64_MAX;
	struct nvt_cmd *cmd;
	u32 cid;

	for (cid = 0; sq->managed && cid < sq->nr_entries; cid++) {
		/* Pairs with the release of nvt_sq_post(). */
		cmd = smp_load_acquire(&sq->slots[cid].cmd);
		if (cmd == NVT_RESERVED)
			return 0;
		if (cmd && !sq->slots[cid].dataless)
			oldest = min(oldest, READ_ONCE(sq->records[cid].submit_ns));
	}
	return oldest;
}

/* When the oldest command was sent that has data and is not answered; else U64_MAX. */
u64 nvt_queues_oldest(struct nvt_dev *dev)
{
	u64 oldest = U64_MAX;
	struct nvt_sq *sq;
	unsigned long qid;

	lockdep_assert_held(&dev->lock);
	xa_for_each(&dev->sqs, qid, sq)
		oldest = min(oldest, nvt_sq_oldest(sq));
	return oldest;
}

/* From here on nothing is posted, nor reaped. */
void nvt_queues_kill(struct nvt_dev *dev)
{
	struct nvt_cq *cq;
	struct nvt_sq *sq;
	unsigned long qid;

	lockdep_assert_held(&dev->lock);
	xa_for_each(&dev->sqs, qid, sq)
		nvt_sq_kill(sq);
	xa_for_each(&dev->cqs, qid, cq)
		nvt_cq_kill(cq);
}

void nvt_queues_end_commands(struct nvt_dev *dev)
{
	struct nvt_sq *sq;
	unsigned long qid;

	lockdep_assert_held(&dev->lock);
	xa_for_each(&dev->sqs, qid, sq)
		nvt_sq_end_commands(sq);
}

void nvt_queues_free(struct nvt_dev *dev)
{
	struct nvt_cq *cq;
	struct nvt_sq *sq;
	unsigned long qid;

	xa_for_each(&dev->sqs, qid, sq)
		nvt_sq_destroy(dev, qid);
	xa_for_each(&dev->cqs, qid, cq)
		nvt_cq_destroy(dev, qid);
}

/* Those of one user, deleted on the device too where that can be done in a moment. */
void nvt_queues_end(struct nvt_file *file)
{
	struct nvt_dev *dev = file->dev;
	bool answers = dev->state == NVT_STATE_LIVE;
	struct nvt_cq *cq;
	struct nvt_sq *sq;
	unsigned long qid;

	lockdep_assert_held(&dev->lock);
	xa_for_each(&dev->sqs, qid, sq)
		if (sq->file == file)
			nvt_sq_kill(sq);
	xa_for_each(&dev->sqs, qid, sq) {
		if (sq->file != file)
			continue;
		answers = answers && !nvt_admin_delete_queue(dev, nvme_admin_delete_sq, qid);
		dev->exposed |= !READ_ONCE(sq->deleted);
		nvt_sq_destroy(dev, qid);
	}
	xa_for_each(&dev->cqs, qid, cq) {
		if (cq->file != file)
			continue;
		answers = answers && !nvt_admin_delete_queue(dev, nvme_admin_delete_cq, qid);
		dev->exposed |= !READ_ONCE(cq->deleted);
		nvt_cq_destroy(dev, qid);
	}
}
