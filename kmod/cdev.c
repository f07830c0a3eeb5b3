// SPDX-License-Identifier: GPL-2.0-only
/* /dev/nvtN: who may open it, who owns the device, and the table of ioctls. */
#include <linux/fs.h>
#include <linux/moduleparam.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "nvt_kmod.h"

static bool unsafe_dma;
module_param(unsafe_dma, bool, 0644);
MODULE_PARM_DESC(unsafe_dma, "own devices that no IOMMU confines: they can write to all memory");

int nvt_check_owner(struct nvt_file *file)
{
	return READ_ONCE(file->dev->owner) == file ? 0 : -EBADF;
}

/* The owner, or one that it let in. */
int nvt_check_user(struct nvt_file *file)
{
	return READ_ONCE(file->user) ? 0 : nvt_check_owner(file);
}

/* A device that is not confined to its buffers is as powerful as the kernel. */
static int nvt_check_iommu(struct nvt_dev *dev)
{
	if (nvt_iommu(dev->pdev) == NVT_IOMMU_TRANSLATED)
		return 0;
	if (!unsafe_dma) {
		dev_warn(&dev->dev,
			 "%s: no IOMMU translates for this device: boot with intel_iommu=on or amd_iommu=on, or load nvt with unsafe_dma=1\n",
			 pci_name(dev->pdev));
		return -EACCES;
	}
	dev_warn(&dev->dev, "%s: opened without an IOMMU (unsafe_dma=1)\n", pci_name(dev->pdev));
	add_taint(TAINT_USER, LOCKDEP_STILL_OK);
	return 0;
}

static int nvt_own(struct nvt_dev *dev, struct nvt_file *file)
{
	int ret;

	if (dev->owner && !dev->shared)
		return -EBUSY;
	ret = security_locked_down(LOCKDOWN_PCI_ACCESS);
	if (!ret)
		ret = nvt_check_iommu(dev);
	if (ret)
		return ret;
	if (dev->owner)
		nvt_join(dev, file);
	else
		nvt_acquire(dev, file);
	return 0;
}

static int nvt_open_locked(struct nvt_dev *dev, struct nvt_file *file, struct file *filp)
{
	int ret = 0;

	if (dev->state == NVT_STATE_GONE)
		return -ENODEV;
	filp->f_mapping = dev->inode->i_mapping;
	if (filp->f_mode & FMODE_WRITE)
		ret = nvt_own(dev, file);
	if (!ret)
		get_device(&dev->dev);
	return ret;
}

static int nvt_open(struct inode *inode, struct file *filp)
{
	struct nvt_dev *dev = container_of(inode->i_cdev, struct nvt_dev, cdev);
	struct nvt_file *file;
	int ret;

	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;
	file->dev = dev;
	mutex_lock(&dev->lock);
	ret = nvt_open_locked(dev, file, filp);
	mutex_unlock(&dev->lock);
	if (ret) {
		kfree(file);
		return ret;
	}
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

static void nvt_end(struct nvt_file *file)
{
	struct nvt_dev *dev = file->dev;

	if (dev->owner == file)
		nvt_give_up(dev);
	else if (file->user)
		nvt_leave(dev, file);
}

static int nvt_fop_release(struct inode *inode, struct file *filp)
{
	struct nvt_file *file = filp->private_data;
	struct nvt_dev *dev = file->dev;

	mutex_lock(&dev->lock);
	nvt_end(file);
	mutex_unlock(&dev->lock);
	kfree(file);
	put_device(&dev->dev);
	return 0;
}

static int nvt_release(struct nvt_file *file, void *arg)
{
	struct nvt_release *release = arg;
	struct nvt_dev *dev = file->dev;
	int ret;

	if (release->flags)
		return -EINVAL;
	mutex_lock(&dev->lock);
	ret = nvt_check_user(file);
	if (!ret)
		nvt_end(file);
	mutex_unlock(&dev->lock);
	return ret;
}

static int nvt_share(struct nvt_file *file, void *arg)
{
	struct nvt_share *share = arg;
	struct nvt_dev *dev = file->dev;
	int ret;

	if (share->flags & ~NVT_SHARE_ON)
		return -EINVAL;
	mutex_lock(&dev->lock);
	ret = nvt_check_owner(file);
	if (!ret)
		dev->shared = share->flags & NVT_SHARE_ON;
	mutex_unlock(&dev->lock);
	return ret;
}

/* The struct of any ioctl. */
union nvt_arg {
	struct nvt_device_info info;
	struct nvt_reg_access reg;
	struct nvt_config_access config;
	struct nvt_buffer_create buffer_create;
	struct nvt_buffer_destroy buffer_destroy;
	struct nvt_vectors_set vectors;
	struct nvt_vector_info vector_info;
	struct nvt_vector_mask vector_mask;
	struct nvt_vector_eventfd vector_eventfd;
	struct nvt_irq_log_set irq_log;
	struct nvt_queue_create queue_create;
	struct nvt_queue_destroy queue_destroy;
	struct nvt_queue_stats stats;
	struct nvt_command command;
	struct nvt_reset reset;
	struct nvt_release release;
	struct nvt_share share;
};

static const struct nvt_ioctl {
	unsigned int cmd;
	int (*handler)(struct nvt_file *file, void *arg);
} nvt_ioctls[] = {
	{ NVT_IOC_DEVICE_INFO,		nvt_device_info },
	{ NVT_IOC_REG_ACCESS,		nvt_reg_access },
	{ NVT_IOC_CONFIG_ACCESS,	nvt_config_access },
	{ NVT_IOC_BUFFER_CREATE,	nvt_buffer_create },
	{ NVT_IOC_BUFFER_DESTROY,	nvt_buffer_destroy },
	{ NVT_IOC_VECTORS_SET,		nvt_vectors_set },
	{ NVT_IOC_VECTOR_INFO,		nvt_vector_info },
	{ NVT_IOC_VECTOR_MASK,		nvt_vector_mask },
	{ NVT_IOC_VECTOR_EVENTFD,	nvt_vector_eventfd },
	{ NVT_IOC_IRQ_LOG,		nvt_irq_log },
	{ NVT_IOC_QUEUE_CREATE,		nvt_queue_create },
	{ NVT_IOC_QUEUE_DESTROY,	nvt_queue_destroy },
	{ NVT_IOC_QUEUE_STATS,		nvt_queue_stats },
	{ NVT_IOC_COMMAND,		nvt_command },
	{ NVT_IOC_RESET,		nvt_reset },
	{ NVT_IOC_RELEASE,		nvt_release },
	{ NVT_IOC_SHARE,		nvt_share },
};

/* By number and direction: the size in it changes when a struct grows. */
static const struct nvt_ioctl *nvt_ioctl_find(unsigned int cmd)
{
	const unsigned int mask = ~(_IOC_SIZEMASK << _IOC_SIZESHIFT);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nvt_ioctls); i++)
		if ((cmd & mask) == (nvt_ioctls[i].cmd & mask))
			return &nvt_ioctls[i];
	return NULL;
}

static int nvt_ioctl_call(struct nvt_file *file, const struct nvt_ioctl *ioctl, void __user *uarg)
{
	union nvt_arg arg = { };
	u32 ksize = _IOC_SIZE(ioctl->cmd), usize;
	int ret;

	if (get_user(usize, (u32 __user *)uarg))
		return -EFAULT;
	if (usize < 2 * sizeof(u32) || usize > PAGE_SIZE)
		return -EINVAL;
	if (WARN_ON_ONCE(ksize > sizeof(arg)))
		return -ENOTTY;
	ret = copy_struct_from_user(&arg, ksize, uarg, usize);
	if (!ret)
		ret = ioctl->handler(file, &arg);
	if (!ret && _IOC_DIR(ioctl->cmd) & _IOC_READ)
		ret = copy_to_user(uarg, &arg, min(usize, ksize)) ? -EFAULT : 0;
	return ret;
}

static long nvt_fop_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	const struct nvt_ioctl *ioctl = nvt_ioctl_find(cmd);
	struct nvt_file *file = filp->private_data;
	struct nvt_dev *dev = file->dev;
	int idx, ret = -ENODEV;

	if (!ioctl)
		return -ENOTTY;
	idx = srcu_read_lock(&dev->srcu);
	if (READ_ONCE(dev->state) != NVT_STATE_GONE)
		ret = nvt_ioctl_call(file, ioctl, (void __user *)arg);
	srcu_read_unlock(&dev->srcu, idx);
	return ret;
}

const struct file_operations nvt_fops = {
	.owner			= THIS_MODULE,
	.open			= nvt_open,
	.release		= nvt_fop_release,
	.unlocked_ioctl		= nvt_fop_ioctl,
	.compat_ioctl		= compat_ptr_ioctl,
	.mmap			= nvt_mmap,
	.uring_cmd		= nvt_uring_cmd,
	.uring_cmd_iopoll	= nvt_uring_cmd_iopoll,
};
