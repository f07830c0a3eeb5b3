// SPDX-License-Identifier: GPL-2.0-only
/* DMA buffers. Their memory outlives all that the device may still write to it. */
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "nvt_kmod.h"

/* Out of memory is the caller's error, no reason to kill a process. */
#define NVT_BUFFER_GFP		(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
#define NVT_BUFFER_GFP_ACCOUNT	(NVT_BUFFER_GFP | __GFP_ACCOUNT)

static void nvt_buffer_free_pages(struct nvt_dev *dev, struct nvt_buffer *buf)
{
	unsigned int i;

	for (i = 0; i < buf->nr_pages && buf->pages[i]; i++)
		dma_free_pages(&dev->pdev->dev, PAGE_SIZE, buf->pages[i], buf->bus[i],
			       DMA_BIDIRECTIONAL);
}

static void nvt_buffer_free(struct nvt_dev *dev, struct nvt_buffer *buf)
{
	if (buf->kind == NVT_BUFFER_BAR && buf->kva)
		iounmap((void __force __iomem *)buf->kva);
	else
		vunmap(buf->kva);
	if (buf->sgt)
		dma_free_noncontiguous(&dev->pdev->dev, buf->length, buf->sgt, DMA_BIDIRECTIONAL);
	else if (buf->kind == NVT_BUFFER_PAGES && buf->pages && buf->bus)
		nvt_buffer_free_pages(dev, buf);
	kvfree(buf->pages);
	kvfree(buf->bus);
	kfree(buf);
}

/* One run of bus addresses: of pages behind an IOMMU, else of one block of memory. */
static int nvt_buffer_alloc_contiguous(struct nvt_dev *dev, struct nvt_buffer *buf)
{
	struct sg_page_iter iter;
	unsigned int i = 0;

	buf->sgt = dma_alloc_noncontiguous(&dev->pdev->dev, buf->length, DMA_BIDIRECTIONAL,
					   NVT_BUFFER_GFP | __GFP_ZERO, 0);
	if (!buf->sgt)
		return -ENOMEM;
	for_each_sgtable_page(buf->sgt, &iter, 0) {
		buf->pages[i] = sg_page_iter_page(&iter);
		buf->bus[i] = sg_dma_address(buf->sgt->sgl) + i * PAGE_SIZE;
		i++;
	}
	return 0;
}

/* Shuffled, so that nobody gets contiguous pages by chance. */
static int nvt_buffer_alloc_pages(struct nvt_dev *dev, struct nvt_buffer *buf)
{
	unsigned int i, j;

	for (i = 0; i < buf->nr_pages; i++) {
		buf->pages[i] = dma_alloc_pages(&dev->pdev->dev, PAGE_SIZE, &buf->bus[i],
						DMA_BIDIRECTIONAL, NVT_BUFFER_GFP);
		if (!buf->pages[i])
			return -ENOMEM;
		cond_resched();
	}
	for (i = buf->nr_pages - 1; i > 0; i--) {
		j = get_random_u32() % (i + 1);
		swap(buf->pages[i], buf->pages[j]);
		swap(buf->bus[i], buf->bus[j]);
	}
	return 0;
}

/* Where the device sees its own memory: NVMe Base 2.1, 3.1.4.11 */
static int nvt_buffer_take_bar(struct nvt_dev *dev, struct nvt_buffer *buf,
			       const struct nvt_buffer_create *create)
{
	struct pci_dev *pdev = dev->pdev;
	unsigned int i;
	u64 length;

	if (create->bar >= PCI_STD_NUM_BARS)
		return -EINVAL;
	buf->bar = array_index_nospec(create->bar, PCI_STD_NUM_BARS);
	buf->bar_offset = create->bar_offset;
	if (!(pci_resource_flags(pdev, buf->bar) & IORESOURCE_MEM))
		return -EINVAL;
	length = pci_resource_len(pdev, buf->bar);
	if (!PAGE_ALIGNED(buf->bar_offset) || buf->bar_offset >= length ||
	    buf->length > length - buf->bar_offset)
		return -EINVAL;
	for (i = 0; i < buf->nr_pages; i++)
		buf->bus[i] = pci_bus_address(pdev, buf->bar) + buf->bar_offset +
			      (u64)i * PAGE_SIZE;
	return 0;
}

static int nvt_buffer_fill(struct nvt_dev *dev, struct nvt_buffer *buf,
			   const struct nvt_buffer_create *create)
{
	switch (buf->kind) {
	case NVT_BUFFER_CONTIGUOUS:
		return nvt_buffer_alloc_contiguous(dev, buf);
	case NVT_BUFFER_PAGES:
		return nvt_buffer_alloc_pages(dev, buf);
	default:
		return nvt_buffer_take_bar(dev, buf, create);
	}
}

static struct nvt_buffer *nvt_buffer_alloc(struct nvt_dev *dev,
					   const struct nvt_buffer_create *create)
{
	struct nvt_buffer *buf = kzalloc(sizeof(*buf), NVT_BUFFER_GFP_ACCOUNT);
	int ret = -ENOMEM;

	if (!buf)
		return ERR_PTR(-ENOMEM);
	buf->kind = create->kind;
	buf->length = create->length;
	buf->nr_pages = create->length >> PAGE_SHIFT;
	buf->pages = kvcalloc(buf->nr_pages, sizeof(*buf->pages), NVT_BUFFER_GFP_ACCOUNT);
	buf->bus = kvcalloc(buf->nr_pages, sizeof(*buf->bus), NVT_BUFFER_GFP_ACCOUNT);
	if (buf->pages && buf->bus)
		ret = nvt_buffer_fill(dev, buf, create);
	if (ret) {
		nvt_buffer_free(dev, buf);
		return ERR_PTR(ret);
	}
	return buf;
}

static int nvt_buffer_publish(struct nvt_file *file, struct nvt_buffer *buf)
{
	struct nvt_dev *dev = file->dev;
	int ret;

	mutex_lock(&dev->lock);
	ret = nvt_check_user(file);
	if (!ret) {
		buf->file = file;
		down_write(&dev->mem_lock);
		ret = xa_alloc_cyclic(&dev->buffers, &buf->id, buf,
				      XA_LIMIT(1, NVT_MAX_BUFFERS), &dev->next_buffer,
				      GFP_KERNEL_ACCOUNT);
		up_write(&dev->mem_lock);
		if (ret == -EBUSY)
			ret = -ENOSPC;
		if (ret < 0)
			goto out_unlock;
		ret = 0;
		dev->dma_given = true;
	}
out_unlock:
	mutex_unlock(&dev->lock);
	return ret;
}

static int nvt_buffer_copy_bus(const struct nvt_buffer *buf, u64 __user *addrs)
{
	BUILD_BUG_ON(sizeof(dma_addr_t) != sizeof(u64));
	return copy_to_user(addrs, buf->bus, array_size(buf->nr_pages, sizeof(u64))) ? -EFAULT : 0;
}

int nvt_buffer_create(struct nvt_file *file, void *arg)
{
	struct nvt_buffer_create *create = arg;
	struct nvt_buffer *buf;
	int ret;

	if (create->flags || create->kind > NVT_BUFFER_BAR || create->resv || !create->length ||
	    !PAGE_ALIGNED(create->length) || create->length > NVT_MAX_BUFFER_LENGTH)
		return -EINVAL;
	if (create->kind != NVT_BUFFER_BAR && (create->bar || create->bar_offset))
		return -EINVAL;
	ret = nvt_check_user(file);
	if (ret)
		return ret;
	buf = nvt_buffer_alloc(file->dev, create);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = nvt_buffer_copy_bus(buf, u64_to_user_ptr(create->bus_addrs));
	if (!ret)
		ret = nvt_buffer_publish(file, buf);
	if (ret) {
		nvt_buffer_free(file->dev, buf);
		return ret;
	}
	create->id = buf->id;
	create->mmap_offset = create->kind == NVT_BUFFER_BAR ?
		NVT_MMAP_BAR(create->bar) + create->bar_offset : NVT_MMAP_BUFFER(buf->id);
	return 0;
}

/* No fault can map it any more, and what was mapped is gone. */
static void nvt_buffer_unpublish(struct nvt_dev *dev, struct nvt_buffer *buf)
{
	lockdep_assert_held(&dev->lock);
	down_write(&dev->mem_lock);
	xa_erase(&dev->buffers, buf->id);
	up_write(&dev->mem_lock);
	nvt_zap(dev, NVT_MMAP_BUFFER(buf->id), buf->length);
}

/* What was kept, and the device is done with. */
void nvt_buffers_reap(struct nvt_dev *dev)
{
	u64 settled_ns = nvt_settled_ns(dev);
	struct nvt_buffer *buf, *next;

	lockdep_assert_held(&dev->lock);
	list_for_each_entry_safe(buf, next, &dev->retired, node) {
		if (buf->retired_ns >= settled_ns)
			continue;
		list_del(&buf->node);
		nvt_buffer_free(dev, buf);
	}
}

static void nvt_buffer_retire(struct nvt_dev *dev, struct nvt_buffer *buf)
{
	nvt_buffer_unpublish(dev, buf);
	buf->retired_ns = ktime_get_ns();
	list_add(&buf->node, &dev->retired);
	nvt_buffers_reap(dev);
}

int nvt_buffer_destroy(struct nvt_file *file, void *arg)
{
	struct nvt_buffer_destroy *destroy = arg;
	struct nvt_dev *dev = file->dev;
	struct nvt_buffer *buf;
	int ret;

	if (destroy->flags || destroy->resv)
		return -EINVAL;
	mutex_lock(&dev->lock);
	ret = nvt_check_user(file);
	if (ret)
		goto out_unlock;
	buf = xa_load(&dev->buffers, destroy->id);
	if (!buf || buf->file != file)
		ret = -ENOENT;
	else if (buf->nr_queues)
		ret = -EBUSY;
	if (ret)
		goto out_unlock;
	nvt_buffer_retire(dev, buf);
out_unlock:
	mutex_unlock(&dev->lock);
	return ret;
}

/* Registers may be in the same BAR, which decides for an uncached mapping of a CMB. */
int nvt_buffer_map_kva(struct nvt_dev *dev, struct nvt_buffer *buf)
{
	if (!buf->kva && buf->kind == NVT_BUFFER_BAR)
		buf->kva = (void __force *)ioremap(pci_resource_start(dev->pdev, buf->bar) +
						   buf->bar_offset, buf->length);
	else if (!buf->kva)
		buf->kva = vmap(buf->pages, buf->nr_pages, VM_MAP, PAGE_KERNEL);
	return buf->kva ? 0 : -ENOMEM;
}

/* Those of one user, whose queues have ended. */
void nvt_buffers_end(struct nvt_file *file)
{
	struct nvt_buffer *buf;
	unsigned long id;

	xa_for_each(&file->dev->buffers, id, buf)
		if (buf->file == file)
			nvt_buffer_retire(file->dev, buf);
}

/* Only when the device does not write any more. */
void nvt_buffers_free_retired(struct nvt_dev *dev)
{
	struct nvt_buffer *buf, *next;

	lockdep_assert_held(&dev->lock);
	list_for_each_entry_safe(buf, next, &dev->retired, node) {
		list_del(&buf->node);
		nvt_buffer_free(dev, buf);
	}
}

/* All of them. Only when the device has stopped and the queues are freed. */
void nvt_buffers_free(struct nvt_dev *dev)
{
	struct nvt_buffer *buf;
	unsigned long id;

	xa_for_each(&dev->buffers, id, buf) {
		nvt_buffer_unpublish(dev, buf);
		nvt_buffer_free(dev, buf);
	}
	nvt_buffers_free_retired(dev);
}
