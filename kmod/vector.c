// SPDX-License-Identifier: GPL-2.0-only
/* One interrupt vector under the owner's hand: masked, looked at, tied to an eventfd. */
#include <linux/eventfd.h>
#include <linux/interrupt.h>
#include <linux/nospec.h>

#include "nvt_kmod.h"

struct nvt_vector *nvt_vector_get(struct nvt_dev *dev, u32 index)
{
	lockdep_assert_held(&dev->lock);
	if (dev->state != NVT_STATE_LIVE)
		return ERR_PTR(-EAGAIN);
	if (index >= dev->nr_vectors)
		return ERR_PTR(-EINVAL);
	return &dev->vectors[array_index_nospec(index, dev->nr_vectors)];
}

static int nvt_msix_read(struct pci_dev *pdev, int where, u32 offset, u32 *value)
{
	void __iomem *at;
	u32 location;

	pci_read_config_dword(pdev, pdev->msix_cap + where, &location);
	at = pci_iomap_range(pdev, location & PCI_MSIX_TABLE_BIR,
			     (location & PCI_MSIX_TABLE_OFFSET) + offset, sizeof(u32));
	if (!at)
		return -EIO;
	*value = readl(at);
	pci_iounmap(pdev, at);
	return 0;
}

static int nvt_msix_info(struct pci_dev *pdev, struct nvt_vector_info *info)
{
	u32 control, pending;
	int ret;

	ret = nvt_msix_read(pdev, PCI_MSIX_TABLE, info->vector * PCI_MSIX_ENTRY_SIZE +
			    PCI_MSIX_ENTRY_VECTOR_CTRL, &control);
	if (!ret)
		ret = nvt_msix_read(pdev, PCI_MSIX_PBA, info->vector / 32 * sizeof(u32), &pending);
	if (ret)
		return ret;
	info->masked = control & PCI_MSIX_ENTRY_CTRL_MASKBIT;
	info->pending = pending >> info->vector % 32 & 1;
	return 0;
}

static int nvt_msi_info(const struct nvt_vector *vector, struct nvt_vector_info *info)
{
	struct pci_dev *pdev = vector->dev->pdev;
	u32 mask, pending;
	u16 control;
	int at;

	pci_read_config_word(pdev, pdev->msi_cap + PCI_MSI_FLAGS, &control);
	if (!(control & PCI_MSI_FLAGS_MASKBIT)) {
		info->masked = !!READ_ONCE(vector->masked);
		info->pending = NVT_PENDING_UNKNOWN;
		return 0;
	}
	at = pdev->msi_cap + (control & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
	pci_read_config_dword(pdev, at, &mask);
	pci_read_config_dword(pdev, at + 4, &pending);
	info->masked = mask >> info->vector & 1;
	info->pending = pending >> info->vector & 1;
	return 0;
}

static int nvt_intx_info(struct pci_dev *pdev, struct nvt_vector_info *info)
{
	u16 command, status;

	pci_read_config_word(pdev, PCI_COMMAND, &command);
	pci_read_config_word(pdev, PCI_STATUS, &status);
	info->masked = !!(command & PCI_COMMAND_INTX_DISABLE);
	info->pending = !!(status & PCI_STATUS_INTERRUPT);
	return 0;
}

static int nvt_vector_read(const struct nvt_vector *vector, struct nvt_vector_info *info)
{
	info->irq = vector->irq;
	switch (vector->dev->vector_type) {
	case NVT_VECTOR_MSIX:
		return nvt_msix_info(vector->dev->pdev, info);
	case NVT_VECTOR_MSI:
		return nvt_msi_info(vector, info);
	default:
		return nvt_intx_info(vector->dev->pdev, info);
	}
}

int nvt_vector_info(struct nvt_file *file, void *arg)
{
	struct nvt_vector_info *info = arg;
	struct nvt_dev *dev = file->dev;
	struct nvt_vector *vector;
	int ret;

	if (info->flags)
		return -EINVAL;
	mutex_lock(&dev->lock);
	vector = nvt_vector_get(dev, info->vector);
	ret = PTR_ERR_OR_ZERO(vector);
	if (!ret)
		ret = nvt_vector_read(vector, info);
	mutex_unlock(&dev->lock);
	return ret;
}

/* The line of INTx is shared, so there the device is told; the others are their own. */
static void nvt_vector_silence(struct nvt_vector *vector)
{
	if (vector->dev->vector_type == NVT_VECTOR_INTX) {
		pci_intx(vector->dev->pdev, 0);
		synchronize_irq(vector->irq);
	} else {
		disable_irq(vector->irq);
	}
}

static void nvt_vector_unsilence(struct nvt_vector *vector)
{
	if (vector->dev->vector_type == NVT_VECTOR_INTX) {
		if (!READ_ONCE(vector->masked))
			pci_intx(vector->dev->pdev, 1);
	} else {
		enable_irq(vector->irq);
	}
}

static void nvt_vector_set_masked(struct nvt_vector *vector, u32 bit, bool masked)
{
	if (masked && !test_and_set_bit(ilog2(bit), &vector->masked))
		nvt_vector_silence(vector);
	else if (!masked && test_and_clear_bit(ilog2(bit), &vector->masked))
		nvt_vector_unsilence(vector);
	WRITE_ONCE(vector->counter->masked, READ_ONCE(vector->masked));
}

int nvt_vector_mask(struct nvt_file *file, void *arg)
{
	struct nvt_vector_mask *mask = arg;
	struct nvt_dev *dev = file->dev;
	struct nvt_vector *vector;
	int ret;

	if (mask->flags & ~NVT_VECTOR_MASK || mask->resv)
		return -EINVAL;
	mutex_lock(&dev->lock);
	ret = nvt_check_owner(file);
	if (ret)
		goto out_unlock;
	vector = nvt_vector_get(dev, mask->vector);
	ret = PTR_ERR_OR_ZERO(vector);
	if (ret)
		goto out_unlock;
	nvt_vector_set_masked(vector, NVT_MASKED_OWNER, mask->flags & NVT_VECTOR_MASK);
	if (!(mask->flags & NVT_VECTOR_MASK))
		nvt_vector_set_masked(vector, NVT_MASKED_STORM, false);
out_unlock:
	mutex_unlock(&dev->lock);
	return ret;
}

/* From the handler, which leaves INTx masked as it found it. */
void nvt_vector_storm(struct nvt_vector *vector)
{
	struct nvt_vector_counter *counter = vector->counter;
	struct nvt_notice notice = {
		.event	= NVT_EVENT_INTERRUPT_STORM,
		.attrs	= BIT(NVT_ATTR_VECTOR),
		.vector	= vector->index,
		.ns	= counter->last_ns,
	};

	if (test_and_set_bit(ilog2(NVT_MASKED_STORM), &vector->masked))
		return;
	if (vector->dev->vector_type != NVT_VECTOR_INTX)
		disable_irq_nosync(vector->irq);
	vector->empties = 0;
	WRITE_ONCE(counter->masked, READ_ONCE(vector->masked));
	WRITE_ONCE(counter->storms, counter->storms + 1);
	nvt_notify(vector->dev, notice);
}

/* A handler that still signals the old one is waited for. */
static void nvt_vector_signal(struct nvt_vector *vector, struct eventfd_ctx *eventfd)
{
	struct eventfd_ctx *old = vector->eventfd;

	WRITE_ONCE(vector->eventfd, eventfd);
	synchronize_irq(vector->irq);
	if (old)
		eventfd_ctx_put(old);
}

int nvt_vector_eventfd(struct nvt_file *file, void *arg)
{
	struct nvt_vector_eventfd *set = arg;
	struct eventfd_ctx *eventfd = NULL;
	struct nvt_dev *dev = file->dev;
	struct nvt_vector *vector;
	int ret;

	if (set->flags || set->fd < -1)
		return -EINVAL;
	if (set->fd >= 0) {
		eventfd = eventfd_ctx_fdget(set->fd);
		if (IS_ERR(eventfd))
			return PTR_ERR(eventfd);
	}
	mutex_lock(&dev->lock);
	ret = nvt_check_owner(file);
	if (!ret) {
		vector = nvt_vector_get(dev, set->vector);
		ret = PTR_ERR_OR_ZERO(vector);
	}
	if (!ret)
		nvt_vector_signal(vector, eventfd);
	mutex_unlock(&dev->lock);
	if (ret && eventfd)
		eventfd_ctx_put(eventfd);
	return ret;
}
