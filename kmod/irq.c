// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts: counted and logged where they arrive, then managed queues are reaped. */
#include <linux/eventfd.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>

#include "nvt_kmod.h"
#include "trace.h"

#define NVT_INTX_RETRY_MS	1
#define NVT_STORM_WINDOW_MS	100

static unsigned int storm_limit = 100000;
module_param(storm_limit, uint, 0644);
MODULE_PARM_DESC(storm_limit,
		 "interrupts a second without a completion at which a vector is masked, 0: never");

static unsigned int nvt_vector_reap(struct nvt_vector *vector, u64 now)
{
	unsigned int reaped = 0;
	struct nvt_cq *cq;

	list_for_each_entry_srcu(cq, &vector->cqs, vector_node,
				 srcu_read_lock_held(&vector->dev->srcu))
		reaped += nvt_cq_reap(cq, now);
	return reaped;
}

/* Whoever floods the host without anything to say is silenced. */
static bool nvt_vector_floods(struct nvt_vector *vector, u64 now)
{
	unsigned int limit = READ_ONCE(storm_limit);

	if (now - vector->window_ns >= NVT_STORM_WINDOW_MS * (u64)NSEC_PER_MSEC) {
		vector->window_ns = now;
		vector->empties = 0;
	}
	vector->empties++;
	return limit && vector->empties > limit / (MSEC_PER_SEC / NVT_STORM_WINDOW_MS);
}

static void nvt_vector_count(struct nvt_vector *vector, u64 now)
{
	struct nvt_vector_counter *counter = vector->counter;

	WRITE_ONCE(counter->prev_ns, counter->last_ns);
	WRITE_ONCE(counter->last_ns, now);
	WRITE_ONCE(counter->last_cpu, smp_processor_id());
	/* Pairs with the acquire of a reader of the status page. */
	smp_store_release(&counter->interrupts, counter->interrupts + 1);
}

static irqreturn_t nvt_vector_handler(int irq, void *data)
{
	struct nvt_vector *vector = data;
	struct nvt_vector_counter *counter = vector->counter;
	struct nvt_dev *dev = vector->dev;
	struct nvt_irq_entry *entry;
	u64 now = ktime_get_ns(), seq;
	struct eventfd_ctx *eventfd;
	unsigned int reaped;
	int idx;

	nvt_vector_count(vector, now);
	idx = srcu_read_lock(&dev->srcu);
	entry = nvt_irq_log_begin(dev, &seq);
	reaped = nvt_vector_reap(vector, now);
	if (reaped)
		WRITE_ONCE(counter->completions, counter->completions + reaped);
	else
		WRITE_ONCE(counter->empty, counter->empty + 1);
	nvt_irq_log_commit(entry, seq, vector, now, reaped);
	srcu_read_unlock(&dev->srcu, idx);
	trace_irq(vector, now, reaped);
	eventfd = READ_ONCE(vector->eventfd);
	if (eventfd)
		nvt_eventfd_signal(eventfd);
	if (!reaped && nvt_vector_floods(vector, now))
		nvt_vector_storm(vector);
	/* Even with nothing to reap: the owner of a raw queue looks by itself. */
	return IRQ_HANDLED;
}

/*
 * The line stays up until the owner of a raw queue has moved its CQ head, so
 * it is masked, and looked at again later where reaping did not lower it.
 */
static irqreturn_t nvt_intx_handler(int irq, void *data)
{
	struct nvt_vector *vector = data;
	struct nvt_dev *dev = vector->dev;

	/* The line is shared: while the device's own is masked it is another's. */
	if (READ_ONCE(vector->masked) || !pci_check_and_mask_intx(dev->pdev))
		return IRQ_NONE;
	nvt_vector_handler(irq, data);
	if (!READ_ONCE(vector->masked) && !pci_check_and_unmask_intx(dev->pdev))
		schedule_delayed_work(&dev->intx_unmask, msecs_to_jiffies(NVT_INTX_RETRY_MS));
	return IRQ_HANDLED;
}

void nvt_intx_unmask(struct work_struct *work)
{
	struct nvt_dev *dev = container_of(work, struct nvt_dev, intx_unmask.work);

	struct nvt_vector *vector = &dev->vectors[0];
	int idx;

	/* What came while the line was masked holds it up. */
	idx = srcu_read_lock(&dev->srcu);
	nvt_vector_reap(vector, ktime_get_ns());
	srcu_read_unlock(&dev->srcu, idx);
	if (!READ_ONCE(vector->masked) && !pci_check_and_unmask_intx(dev->pdev))
		schedule_delayed_work(&dev->intx_unmask, msecs_to_jiffies(NVT_INTX_RETRY_MS));
}

/* In hard interrupt context also under "threadirqs", except where that cannot take spinlocks. */
static int nvt_vector_request(struct nvt_vector *vector)
{
	struct nvt_dev *dev = vector->dev;
	unsigned long flags = IS_ENABLED(CONFIG_PREEMPT_RT) ? 0 : IRQF_NO_THREAD;

	/* disable_irq() is to mask the vector at the device, now. */
	if (dev->vector_type != NVT_VECTOR_INTX)
		irq_set_status_flags(vector->irq, IRQ_DISABLE_UNLAZY);
	if (dev->vector_type == NVT_VECTOR_INTX)
		return request_irq(vector->irq, nvt_intx_handler, flags | IRQF_SHARED,
				   dev_name(&dev->dev), vector);
	return request_irq(vector->irq, nvt_vector_handler, flags, dev_name(&dev->dev), vector);
}

static void nvt_vector_release(struct nvt_vector *vector)
{
	free_irq(vector->irq, vector);
	irq_clear_status_flags(vector->irq, IRQ_DISABLE_UNLAZY);
	if (vector->eventfd)
		eventfd_ctx_put(vector->eventfd);
}

void nvt_vectors_free(struct nvt_dev *dev)
{
	unsigned int i;

	lockdep_assert_held(&dev->lock);
	if (dev->vector_type == NVT_VECTOR_NONE)
		return;
	for (i = 0; i < dev->nr_vectors; i++)
		nvt_vector_release(&dev->vectors[i]);
	cancel_delayed_work_sync(&dev->intx_unmask);
	pci_free_irq_vectors(dev->pdev);
	kvfree(dev->vectors);
	dev->vectors = NULL;
	dev->nr_vectors = 0;
	dev->vector_type = NVT_VECTOR_NONE;
	WRITE_ONCE(dev->status->nr_vectors, 0);
}

static void nvt_vector_init(struct nvt_dev *dev, unsigned int index)
{
	struct nvt_vector *vector = &dev->vectors[index];

	vector->dev = dev;
	vector->index = index;
	vector->irq = pci_irq_vector(dev->pdev, index);
	vector->counter = &dev->status->vector[index];
	memset(vector->counter, 0, sizeof(*vector->counter));
	INIT_LIST_HEAD(&vector->cqs);
}

static int nvt_vectors_alloc(struct nvt_dev *dev, u32 type, unsigned int count)
{
	static const unsigned int irq_flags[] = {
		[NVT_VECTOR_MSIX] = PCI_IRQ_MSIX,
		[NVT_VECTOR_MSI] = PCI_IRQ_MSI,
		[NVT_VECTOR_INTX] = PCI_IRQ_INTX,
	};
	int nr, ret;

	dev->vectors = kvcalloc(count, sizeof(*dev->vectors), GFP_KERNEL_ACCOUNT);
	if (!dev->vectors)
		return -ENOMEM;
	nr = pci_alloc_irq_vectors(dev->pdev, 1, count, irq_flags[type]);
	if (nr < 0) {
		kvfree(dev->vectors);
		dev->vectors = NULL;
		return nr;
	}
	dev->vector_type = type;
	for (dev->nr_vectors = 0; dev->nr_vectors < nr; dev->nr_vectors++) {
		nvt_vector_init(dev, dev->nr_vectors);
		ret = nvt_vector_request(&dev->vectors[dev->nr_vectors]);
		if (ret) {
			nvt_vectors_free(dev);
			return ret;
		}
	}
	WRITE_ONCE(dev->status->nr_vectors, nr);
	return 0;
}

static unsigned int nvt_vectors_available(struct nvt_dev *dev, u32 type)
{
	switch (type) {
	case NVT_VECTOR_MSIX:
		return dev->max_msix;
	case NVT_VECTOR_MSI:
		return dev->max_msi;
	case NVT_VECTOR_INTX:
		return dev->pdev->pin ? 1 : 0;
	default:
		return 0;
	}
}

static bool nvt_vectors_used(struct nvt_dev *dev)
{
	struct nvt_cq *cq;
	unsigned long qid;

	xa_for_each(&dev->cqs, qid, cq)
		if (cq->vector)
			return true;
	return false;
}

static int nvt_vectors_replace(struct nvt_dev *dev, struct nvt_vectors_set *set)
{
	unsigned int available = nvt_vectors_available(dev, set->type);
	int ret;

	if (dev->state != NVT_STATE_LIVE)
		return -EAGAIN;
	if (set->type != NVT_VECTOR_NONE && !available)
		return -EOPNOTSUPP;
	if (nvt_vectors_used(dev))
		return -EBUSY;
	nvt_vectors_free(dev);
	if (set->type == NVT_VECTOR_NONE)
		return 0;
	ret = nvt_vectors_alloc(dev, set->type, min(set->count, available));
	if (!ret)
		set->count = dev->nr_vectors;
	return ret;
}

int nvt_vectors_set(struct nvt_file *file, void *arg)
{
	struct nvt_vectors_set *set = arg;
	struct nvt_dev *dev = file->dev;
	int ret;

	if (set->flags || set->type > NVT_VECTOR_INTX ||
	    !set->type != !set->count)
		return -EINVAL;
	mutex_lock(&dev->lock);
	ret = nvt_check_owner(file);
	if (!ret)
		ret = nvt_vectors_replace(dev, set);
	mutex_unlock(&dev->lock);
	return ret;
}
