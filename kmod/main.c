// SPDX-License-Identifier: GPL-2.0-only
/* The module and the PCI driver: binding, removal, reset, sleep, errors. */
#include <linux/dma-mapping.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "nvt_kmod.h"

#define NVT_MAX_DEVICES	256

static dev_t nvt_devt;
static struct class *nvt_class;
static DEFINE_IDA(nvt_minors);

static void nvt_dev_release(struct device *device)
{
	struct nvt_dev *dev = container_of(device, struct nvt_dev, dev);
	unsigned int i;

	cancel_work_sync(&dev->notice_work);
	nvt_inode_free(dev->inode);
	srcu_barrier(&dev->srcu);
	cleanup_srcu_struct(&dev->srcu);
	xa_destroy(&dev->buffers);
	xa_destroy(&dev->cqs);
	xa_destroy(&dev->sqs);
	vfree(dev->status);
	for (i = 0; i < NVT_NR_ONES && dev->ones[i]; i++)
		__free_page(dev->ones[i]);
	ida_free(&nvt_minors, dev->minor);
	pci_dev_put(dev->pdev);
	kfree(dev);
}

static int nvt_alloc_ones(struct nvt_dev *dev)
{
	unsigned int i;

	for (i = 0; i < NVT_NR_ONES; i++) {
		dev->ones[i] = alloc_page(GFP_KERNEL);
		if (!dev->ones[i])
			return -ENOMEM;
		memset(page_address(dev->ones[i]), 0xff, PAGE_SIZE);
	}
	return 0;
}

static void nvt_dev_init(struct nvt_dev *dev, struct pci_dev *pdev)
{
	dev->pdev = pci_dev_get(pdev);
	dev->is_nvme = pdev->class == PCI_CLASS_STORAGE_EXPRESS;
	mutex_init(&dev->lock);
	init_rwsem(&dev->mem_lock);
	init_waitqueue_head(&dev->state_wait);
	INIT_LIST_HEAD(&dev->users);
	INIT_LIST_HEAD(&dev->retired);
	INIT_DELAYED_WORK(&dev->watch, nvt_watch);
	spin_lock_init(&dev->notice_lock);
	INIT_KFIFO(dev->notices);
	INIT_WORK(&dev->notice_work, nvt_notice_work);
	dev->max_msix = max(pci_msix_vec_count(pdev), 0);
	dev->max_msi = max(pci_msi_vec_count(pdev), 0);
	INIT_DELAYED_WORK(&dev->intx_unmask, nvt_intx_unmask);
	xa_init_flags(&dev->buffers, XA_FLAGS_ALLOC1);
	xa_init(&dev->cqs);
	xa_init(&dev->sqs);
	device_initialize(&dev->dev);
	dev->dev.class = nvt_class;
	dev->dev.parent = &pdev->dev;
	dev->dev.devt = MKDEV(MAJOR(nvt_devt), dev->minor);
	dev->dev.release = nvt_dev_release;
}

static struct nvt_dev *nvt_dev_alloc(struct pci_dev *pdev)
{
	struct nvt_dev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	unsigned int nr_vectors;
	int ret = -ENOMEM;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	ret = init_srcu_struct(&dev->srcu);
	if (ret)
		goto out_free;
	ret = ida_alloc_max(&nvt_minors, NVT_MAX_DEVICES - 1, GFP_KERNEL);
	if (ret < 0)
		goto out_srcu;
	dev->minor = ret;
	dev->inode = nvt_inode_new();
	ret = PTR_ERR_OR_ZERO(dev->inode);
	if (ret)
		goto out_minor;
	nvt_dev_init(dev, pdev);

	nr_vectors = max3(dev->max_msix, dev->max_msi, 1U);
	dev->status_length = PAGE_ALIGN(struct_size(dev->status, vector, nr_vectors));
	dev->status = vmalloc_user(dev->status_length);
	ret = dev->status ? nvt_alloc_ones(dev) : -ENOMEM;
	if (!ret)
		ret = dev_set_name(&dev->dev, "nvt%d", dev->minor);
	if (ret) {
		put_device(&dev->dev);
		return ERR_PTR(ret);
	}
	return dev;
out_minor:
	ida_free(&nvt_minors, dev->minor);
out_srcu:
	cleanup_srcu_struct(&dev->srcu);
out_free:
	kfree(dev);
	return ERR_PTR(ret);
}

static int nvt_enable(struct nvt_dev *dev)
{
	struct pci_dev *pdev = dev->pdev;
	int ret;

	ret = pci_enable_device_mem(pdev);
	if (ret)
		return ret;
	ret = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		goto out_disable;
	ret = pci_request_mem_regions(pdev, "nvt");
	if (ret)
		goto out_disable;
	if (pci_resource_flags(pdev, 0) & IORESOURCE_MEM)
		dev->regs = pci_ioremap_bar(pdev, 0);
	if (dev->is_nvme && !dev->regs) {
		ret = -ENOMEM;
		goto out_regions;
	}
	/* As it was found, for whoever has it next. */
	pci_save_state(pdev);
	dev->saved_state = pci_store_saved_state(pdev);
	return 0;
out_regions:
	pci_release_mem_regions(pdev);
out_disable:
	pci_disable_device(pdev);
	return ret;
}

static void nvt_disable(struct nvt_dev *dev)
{
	struct pci_dev *pdev = dev->pdev;

	if (dev->regs)
		iounmap(dev->regs);
	dev->regs = NULL;
	pci_load_and_free_saved_state(pdev, &dev->saved_state);
	if (pci_device_is_present(pdev)) {
		pci_restore_state(pdev);
		/* Bus mastering is the next driver's to turn on. */
		pci_clear_master(pdev);
	}
	pci_release_mem_regions(pdev);
	pci_disable_device(pdev);
}

static int nvt_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct nvt_dev *dev = nvt_dev_alloc(pdev);
	int ret;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = nvt_enable(dev);
	if (ret)
		goto out_put;
	pci_set_drvdata(pdev, dev);
	cdev_init(&dev->cdev, &nvt_fops);
	dev->cdev.owner = THIS_MODULE;
	ret = cdev_device_add(&dev->cdev, &dev->dev);
	if (ret)
		goto out_disable;
	nvt_event(dev, NVT_EVENT_ADDED);
	return 0;
out_disable:
	nvt_disable(dev);
out_put:
	put_device(&dev->dev);
	return ret;
}

static void nvt_remove(struct pci_dev *pdev)
{
	struct nvt_dev *dev = pci_get_drvdata(pdev);

	cdev_device_del(&dev->cdev, &dev->dev);
	nvt_freeze(dev, NVT_STATE_GONE);
	/* No file operation is left inside; those that come find it gone. */
	synchronize_srcu(&dev->srcu);
	mutex_lock(&dev->lock);
	nvt_give_up(dev);
	mutex_unlock(&dev->lock);
	nvt_event(dev, NVT_EVENT_REMOVED);
	nvt_disable(dev);
	put_device(&dev->dev);
}

static void nvt_shutdown(struct pci_dev *pdev)
{
	nvt_freeze(pci_get_drvdata(pdev), NVT_STATE_SUSPENDED);
	pci_clear_master(pdev);
}

static int nvt_suspend(struct device *device)
{
	nvt_freeze(dev_get_drvdata(device), NVT_STATE_SUSPENDED);
	return 0;
}

static int nvt_resume(struct device *device)
{
	nvt_thaw(dev_get_drvdata(device));
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(nvt_pm_ops, nvt_suspend, nvt_resume);

/* After a loss of power or link the PCI core would save, and put back, a function that is off. */
static void nvt_restore_lost(struct nvt_dev *dev)
{
	struct pci_dev *pdev = dev->pdev;
	u16 command;

	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (PCI_POSSIBLE_ERROR(command) || command & PCI_COMMAND_MEMORY)
		return;
	if (pci_load_saved_state(pdev, dev->saved_state))
		return;
	/* The vectors too: those that the kernel knows of. */
	pci_restore_state(pdev);
	if (READ_ONCE(dev->owner))
		pci_set_master(pdev);
}

static void nvt_reset_prepare(struct pci_dev *pdev)
{
	nvt_restore_lost(pci_get_drvdata(pdev));
	nvt_freeze(pci_get_drvdata(pdev), NVT_STATE_RESETTING);
}

static void nvt_reset_done(struct pci_dev *pdev)
{
	struct nvt_dev *dev = pci_get_drvdata(pdev);

	nvt_thaw(dev);
	nvt_event(dev, NVT_EVENT_RESET);
}

static pci_ers_result_t nvt_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct nvt_dev *dev = pci_get_drvdata(pdev);

	nvt_event(dev, NVT_EVENT_PCI_ERROR);
	switch (state) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		nvt_freeze(dev, NVT_STATE_RESETTING);
		return PCI_ERS_RESULT_NEED_RESET;
	default:
		nvt_freeze(dev, NVT_STATE_GONE);
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

static pci_ers_result_t nvt_slot_reset(struct pci_dev *pdev)
{
	struct nvt_dev *dev = pci_get_drvdata(pdev);

	pci_restore_state(pdev);
	pci_save_state(pdev);
	nvt_thaw(dev);
	nvt_event(dev, NVT_EVENT_RESET);
	return PCI_ERS_RESULT_RECOVERED;
}

static const struct pci_error_handlers nvt_error_handlers = {
	.error_detected	= nvt_error_detected,
	.slot_reset	= nvt_slot_reset,
	.reset_prepare	= nvt_reset_prepare,
	.reset_done	= nvt_reset_done,
};

/* No id table: a device comes only by its driver_override. */
static struct pci_driver nvt_driver = {
	.name		= "nvt",
	.probe		= nvt_probe,
	.remove		= nvt_remove,
	.shutdown	= nvt_shutdown,
	.err_handler	= &nvt_error_handlers,
	.driver.pm	= pm_sleep_ptr(&nvt_pm_ops),
};

static int __init nvt_init(void)
{
	int ret;

	ret = alloc_chrdev_region(&nvt_devt, 0, NVT_MAX_DEVICES, "nvt");
	if (ret)
		return ret;
	nvt_class = nvt_class_create("nvt");
	if (IS_ERR(nvt_class)) {
		ret = PTR_ERR(nvt_class);
		goto out_region;
	}
	ret = nvt_event_init();
	if (ret)
		goto out_class;
	ret = pci_register_driver(&nvt_driver);
	if (ret)
		goto out_event;
	return 0;
out_event:
	nvt_event_exit();
out_class:
	class_destroy(nvt_class);
out_region:
	unregister_chrdev_region(nvt_devt, NVT_MAX_DEVICES);
	return ret;
}

static void __exit nvt_exit(void)
{
	pci_unregister_driver(&nvt_driver);
	nvt_event_exit();
	class_destroy(nvt_class);
	unregister_chrdev_region(nvt_devt, NVT_MAX_DEVICES);
	ida_destroy(&nvt_minors);
}

module_init(nvt_init);
module_exit(nvt_exit);

MODULE_AUTHOR("The libnvt authors");
MODULE_DESCRIPTION("Raw access to a PCIe NVMe device under test");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
