// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt vectors: counted where they arrive, then managed queues are reaped. */
#include <linux/interrupt.h>
#include <linux/ktime.h>

#include "nvt_kmod.h"

#define NVT_INTX_RETRY_MS 1

unsigned int nvt_max_vectors(struct pci_dev *pdev)
{
	return max3(pci_msix_vec_count(pdev), pci_msi_vec_count(pdev), 1);
}

static unsigned int nvt_vector_reap(struct nvt_vector *vector, u64 now)
{
	struct nvt_dev *dev = vector->dev;
	unsigned int reaped = 0;
	struct nvt_cq *cq;
	int idx;

	idx = srcu_read_lock(&dev->srcu);
	list_for_each_entry_srcu(cq, &vector->cqs, vector_node, srcu_read_lock_held(&dev->srcu))
		reaped += nvt_cq_reap(cq, now);
	srcu_read_unlock(&dev->srcu, idx);
	return reaped;
}

static irqreturn_t nvt_vector_handler(int irq, void *data)
{
	struct nvt_vector *vector = data;
	struct nvt_vector_counter *counter = vector->counter;
	u64 now = ktime_get_ns();
	unsigned int reaped;

	WRITE_ONCE(counter->last_ns, now);
	WRITE_ONCE(counter->last_cpu, smp_processor_id());
	/* Pairs with the acquire of a reader of the status page. */
	smp_store_release(&counter->interrupts, counter->interrupts + 1);
	reaped = nvt_vector_reap(vector, now);
	if (reaped)
		WRITE_ONCE(counter->completions, counter->completions + reaped);
	else
		WRITE_ONCE(counter->empty, counter->empty + 1);
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

	if (!pci_check_and_mask_intx(dev->pdev))
		return IRQ_NONE;
	nvt_vector_handler(irq, data);
	if (!pci_check_and_unmask_intx(dev->pdev))
		schedule_delayed_work(&dev->intx_unmask, msecs_to_jiffies(NVT_INTX_RETRY_MS));
	return IRQ_HANDLED;
}

void nvt_intx_unmask(struct work_struct *work)
{
	struct nvt_dev *dev = container_of(work, struct nvt_dev, intx_unmask.work);

	/* What came while the line was masked holds it up. */
	nvt_vector_reap(&dev->vectors[0], ktime_get_ns());
	if (!pci_check_and_unmask_intx(dev->pdev))
		schedule_delayed_work(&dev->intx_unmask, msecs_to_jiffies(NVT_INTX_RETRY_MS));
}

/* In hard interrupt context also under "threadirqs", except where that cannot take spinlocks. */
static int nvt_vector_request(struct nvt_vector *vector)
{
	struct nvt_dev *dev = vector->dev;
	unsigned long flags = IS_ENABLED(CONFIG_PREEMPT_RT) ? 0 : IRQF_NO_THREAD;

	if (dev->vector_type == NVT_VECTOR_INTX)
		return request_irq(vector->irq, nvt_intx_handler, flags | IRQF_SHARED,
				   dev_name(&dev->dev), vector);
	return request_irq(vector->irq, nvt_vector_handler, flags, dev_name(&dev->dev), vector);
}

void nvt_vectors_free(struct nvt_dev *dev)
{
	unsigned int i;

	lockdep_assert_held(&dev->lock);
	if (dev->vector_type == NVT_VECTOR_NONE)
		return;
	for (i = 0; i < dev->nr_vectors; i++)
		free_irq(dev->vectors[i].irq, &dev->vectors[i]);
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

static unsigned int nvt_vectors_available(struct pci_dev *pdev, u32 type)
{
	switch (type) {
	case NVT_VECTOR_MSIX:
		return max(pci_msix_vec_count(pdev), 0);
	case NVT_VECTOR_MSI:
		return max(pci_msi_vec_count(pdev), 0);
	case NVT_VECTOR_INTX:
		return pdev->pin ? 1 : 0;
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
	unsigned int available = nvt_vectors_available(dev->pdev, set->type);
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
