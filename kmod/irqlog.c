// SPDX-License-Identifier: GPL-2.0-only
/* The log of single interrupts: written by all handlers, read by user space from its mapping. */
#include <linux/log2.h>

#include "nvt_kmod.h"

#define NVT_MAX_LOG_ENTRIES	BIT(20)

static void nvt_irq_ring_free(struct rcu_head *rcu)
{
	struct nvt_irq_ring *ring = container_of(rcu, struct nvt_irq_ring, rcu);

	nvt_shared_free(ring->log);
	kfree(ring);
}

static struct nvt_irq_ring *nvt_irq_ring_alloc(u32 nr_entries)
{
	struct nvt_irq_ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);

	if (!ring)
		return ERR_PTR(-ENOMEM);
	ring->length = PAGE_ALIGN(struct_size(ring->log, entry, nr_entries));
	ring->log = nvt_shared_alloc(ring->length);
	if (!ring->log) {
		kfree(ring);
		return ERR_PTR(-ENOMEM);
	}
	ring->log->nr_entries = nr_entries;
	return ring;
}

static void nvt_irq_log_replace(struct nvt_dev *dev, struct nvt_irq_ring *ring)
{
	struct nvt_irq_ring *old;

	old = rcu_replace_pointer(dev->irq_ring, ring, lockdep_is_held(&dev->lock));
	if (old)
		call_srcu(&dev->srcu, &old->rcu, nvt_irq_ring_free);
}

void nvt_irq_log_end(struct nvt_dev *dev)
{
	nvt_irq_log_replace(dev, NULL);
}

int nvt_irq_log(struct nvt_file *file, void *arg)
{
	struct nvt_irq_log_set *set = arg;
	struct nvt_irq_ring *ring = NULL;
	struct nvt_dev *dev = file->dev;
	int ret;

	if (set->flags || set->resv || set->nr_entries > NVT_MAX_LOG_ENTRIES ||
	    (set->nr_entries && !is_power_of_2(set->nr_entries)))
		return -EINVAL;
	if (set->nr_entries) {
		ring = nvt_irq_ring_alloc(set->nr_entries);
		if (IS_ERR(ring))
			return PTR_ERR(ring);
	}
	mutex_lock(&dev->lock);
	ret = nvt_check_owner(file);
	if (!ret) {
		set->length = ring ? ring->length : 0;
		nvt_irq_log_replace(dev, ring);
	}
	mutex_unlock(&dev->lock);
	if (ret && ring)
		nvt_irq_ring_free(&ring->rcu);
	return ret;
}

/* At entry to the handler, so that the order is that of arrival. NULL: no log. */
struct nvt_irq_entry *nvt_irq_log_begin(struct nvt_dev *dev, u64 *seq)
{
	struct nvt_irq_ring *ring = srcu_dereference(dev->irq_ring, &dev->srcu);
	struct nvt_irq_entry *entry;

	if (!ring)
		return NULL;
	*seq = atomic64_inc_return((atomic64_t *)&ring->log->head);
	entry = &ring->log->entry[(*seq - 1) & (ring->log->nr_entries - 1)];
	WRITE_ONCE(entry->seq, 0);
	/* A reader that sees new contents sees that the entry is being written. */
	smp_wmb();
	return entry;
}

void nvt_irq_log_commit(struct nvt_irq_entry *entry, u64 seq, const struct nvt_vector *vector,
			u64 now, u32 completions)
{
	if (!entry)
		return;
	WRITE_ONCE(entry->ns, now);
	WRITE_ONCE(entry->vector, vector->index);
	WRITE_ONCE(entry->cpu, smp_processor_id());
	WRITE_ONCE(entry->completions, completions);
	/* The entry is whole. */
	smp_store_release(&entry->seq, seq);
}
