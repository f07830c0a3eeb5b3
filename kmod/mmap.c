// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process maps: BARs, buffers, the status page, command records.
 *
 * BAR and buffer pages arrive by fault, so that zapping takes them away and
 * the next access decides anew: the page, a wait for the end of a reset, or,
 * when the device is gone, a page of all-ones. Never SIGBUS.
 */
#include <linux/io.h>
#include <linux/nvme.h>
#include <linux/vmalloc.h>

#include "nvt_kmod.h"

#define NVT_RESET_TIMEOUT	(60 * HZ)

void nvt_zap(struct nvt_dev *dev, u64 offset, u64 length)
{
	unmap_mapping_range(dev->inode->i_mapping, offset, length, 1);
}

void nvt_zap_bars(struct nvt_dev *dev)
{
	nvt_zap(dev, NVT_MMAP_BAR(0), NVT_MMAP_STATUS);
}

static bool nvt_state_final(struct nvt_dev *dev)
{
	enum nvt_state state = READ_ONCE(dev->state);

	return state == NVT_STATE_LIVE || state == NVT_STATE_GONE;
}

static vm_fault_t nvt_insert_ones(struct nvt_dev *dev, struct vm_fault *vmf, enum nvt_ones kind)
{
	return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(dev->ones[kind]));
}

/* To write to registers is a right that a file can lose while it has them mapped. */
static bool nvt_bar_reachable(struct nvt_dev *dev, struct vm_area_struct *vma)
{
	return dev->state == NVT_STATE_LIVE &&
	       (!(vma->vm_flags & VM_MAYWRITE) || !nvt_check_user(vma->vm_file->private_data));
}

static vm_fault_t nvt_bar_insert(struct nvt_dev *dev, struct vm_fault *vmf)
{
	u64 offset = (u64)vmf->pgoff << PAGE_SHIFT;
	unsigned int bar = offset >> 40;
	u64 in_bar = offset - NVT_MMAP_BAR(bar);
	phys_addr_t start = pci_resource_start(dev->pdev, bar);

	if (!nvt_bar_reachable(dev, vmf->vma))
		return nvt_insert_ones(dev, vmf, in_bar ? NVT_ONES_BAR : NVT_ONES_REGS);
	return vmf_insert_pfn(vmf->vma, vmf->address, (start + in_bar) >> PAGE_SHIFT);
}

/* A reset that never ends must not hold the process for ever; its end zaps what was inserted. */
static vm_fault_t nvt_bar_fault(struct vm_fault *vmf)
{
	struct nvt_file *file = vmf->vma->vm_file->private_data;
	struct nvt_dev *dev = file->dev;
	vm_fault_t ret;

	if (wait_event_killable_timeout(dev->state_wait, nvt_state_final(dev),
					NVT_RESET_TIMEOUT) < 0)
		return VM_FAULT_NOPAGE;		/* the process is dying */
	down_read(&dev->mem_lock);
	ret = nvt_bar_insert(dev, vmf);
	up_read(&dev->mem_lock);
	return ret;
}

static vm_fault_t nvt_buffer_fault(struct vm_fault *vmf)
{
	struct nvt_file *file = vmf->vma->vm_file->private_data;
	struct nvt_dev *dev = file->dev;
	unsigned long id = (unsigned long)vmf->vma->vm_private_data;
	/* Not from vm_pgoff, which moves when the mapping is split. */
	unsigned long page = vmf->pgoff - (NVT_MMAP_BUFFER(id) >> PAGE_SHIFT);
	struct nvt_buffer *buf;
	vm_fault_t ret;

	down_read(&dev->mem_lock);
	buf = xa_load(&dev->buffers, id);
	if (buf && buf->file == file && page < buf->nr_pages)
		ret = vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(buf->pages[page]));
	else
		ret = nvt_insert_ones(dev, vmf, NVT_ONES_BUFFER);
	up_read(&dev->mem_lock);
	return ret;
}

static const struct vm_operations_struct nvt_bar_vm_ops = { .fault = nvt_bar_fault };
static const struct vm_operations_struct nvt_buffer_vm_ops = { .fault = nvt_buffer_fault };

#define NVT_VM_FLAGS (VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP)

/* A user writes to doorbells, and to a CMB. */
static bool nvt_bar_allowed(struct nvt_file *file, unsigned long vm_flags, unsigned int bar,
			    u64 in_bar)
{
	return !(vm_flags & VM_WRITE) || !READ_ONCE(file->user) || bar || in_bar >= NVME_REG_DBS;
}

static int nvt_mmap_bar(struct nvt_file *file, struct vm_area_struct *vma, u64 offset, u64 length)
{
	struct nvt_dev *dev = file->dev;
	unsigned int bar = offset >> 40;
	u64 in_bar = offset - NVT_MMAP_BAR(bar);
	u64 bar_length;

	if (bar >= PCI_STD_NUM_BARS || !(pci_resource_flags(dev->pdev, bar) & IORESOURCE_MEM))
		return -EINVAL;
	bar_length = PAGE_ALIGN(pci_resource_len(dev->pdev, bar));
	/* A page that is not all its own may hold another device's registers. */
	if (pci_resource_len(dev->pdev, bar) < PAGE_SIZE || in_bar >= bar_length ||
	    length > bar_length - in_bar)
		return -EINVAL;
	if (!nvt_bar_allowed(file, vma->vm_flags, bar, in_bar))
		return -EACCES;
	nvt_vm_flags_mod(vma, NVT_VM_FLAGS, vma->vm_flags & VM_WRITE ? 0 : VM_MAYWRITE);
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	vma->vm_ops = &nvt_bar_vm_ops;
	return 0;
}

static int nvt_mmap_buffer(struct nvt_file *file, struct vm_area_struct *vma, u64 offset,
			   u64 length)
{
	unsigned long id = (offset - NVT_MMAP_BUFFER(0)) >> 30;
	struct nvt_dev *dev = file->dev;
	struct nvt_buffer *buf;
	int ret = -EINVAL;

	down_read(&dev->mem_lock);
	buf = xa_load(&dev->buffers, id);
	/* What is in a BAR is mapped as the BAR is. */
	if (buf && offset == NVT_MMAP_BUFFER(id) && length == buf->length &&
	    buf->file == file && buf->kind != NVT_BUFFER_BAR)
		ret = 0;
	up_read(&dev->mem_lock);
	if (ret)
		return ret;
	nvt_vm_flags_mod(vma, NVT_VM_FLAGS, 0);
	vma->vm_private_data = (void *)id;
	vma->vm_ops = &nvt_buffer_vm_ops;
	return 0;
}

/* vfree() in a callback writes to the start of what it frees: that is a page which nobody maps. */
void *nvt_shared_alloc(size_t length)
{
	void *memory = vmalloc_user(PAGE_SIZE + PAGE_ALIGN(length));

	return memory ? memory + PAGE_SIZE : NULL;
}

void nvt_shared_free(void *memory)
{
	if (memory)
		vfree(memory - PAGE_SIZE);
}

/* Plain memory of the driver, shared by reference: it survives the device. */
static int nvt_mmap_readonly(struct vm_area_struct *vma, void *vmalloc, u64 offset)
{
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	nvt_vm_flags_mod(vma, VM_DONTEXPAND, VM_MAYWRITE);
	return remap_vmalloc_range(vma, vmalloc, offset >> PAGE_SHIFT);
}

/* From where vmalloc() began: against that the kernel checks the length. */
static int nvt_mmap_shared(struct vm_area_struct *vma, void *memory)
{
	return nvt_mmap_readonly(vma, memory - PAGE_SIZE, PAGE_SIZE);
}

static int nvt_mmap_irq_log(struct nvt_dev *dev, struct vm_area_struct *vma)
{
	struct nvt_irq_ring *ring;
	int ret = -EINVAL;

	mutex_lock(&dev->lock);
	ring = rcu_dereference_protected(dev->irq_ring, lockdep_is_held(&dev->lock));
	if (ring)
		ret = nvt_mmap_shared(vma, ring->log);
	mutex_unlock(&dev->lock);
	return ret;
}

static int nvt_mmap_records(struct nvt_file *file, struct vm_area_struct *vma, u64 offset)
{
	unsigned long qid = (offset - NVT_MMAP_RECORDS(0)) >> 21;
	struct nvt_dev *dev = file->dev;
	int ret = -EINVAL;
	struct nvt_sq *sq;

	mutex_lock(&dev->lock);
	sq = xa_load(&dev->sqs, qid);
	if (sq && sq->records && offset == NVT_MMAP_RECORDS(qid) && sq->file == file)
		ret = nvt_mmap_shared(vma, sq->records);
	mutex_unlock(&dev->lock);
	return ret;
}

static int nvt_mmap_region(struct nvt_file *file, struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 length = vma->vm_end - vma->vm_start;

	if (offset >= NVT_MMAP_BUFFER(0))
		return nvt_mmap_buffer(file, vma, offset, length);
	if (offset >= NVT_MMAP_RECORDS(0))
		return nvt_mmap_records(file, vma, offset);
	if (offset == NVT_MMAP_IRQ_LOG)
		return nvt_mmap_irq_log(file->dev, vma);
	if (offset >= NVT_MMAP_STATUS)
		return nvt_mmap_readonly(vma, file->dev->status, offset - NVT_MMAP_STATUS);
	return nvt_mmap_bar(file, vma, offset, length);
}

int nvt_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct nvt_file *file = filp->private_data;
	struct nvt_dev *dev = file->dev;
	int idx, ret = -ENODEV;

	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	idx = srcu_read_lock(&dev->srcu);
	if (READ_ONCE(dev->state) != NVT_STATE_GONE)
		ret = nvt_mmap_region(file, vma);
	srcu_read_unlock(&dev->srcu, idx);
	return ret;
}
