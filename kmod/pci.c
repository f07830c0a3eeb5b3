// SPDX-License-Identifier: GPL-2.0-only
/* The PCI function as it is: identity, registers, config space, reset. */
#include <linux/iommu.h>

#include "nvt_kmod.h"

enum nvt_iommu nvt_iommu(struct pci_dev *pdev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&pdev->dev);

	if (!domain)
		return NVT_IOMMU_NONE;
	if (domain->type == IOMMU_DOMAIN_IDENTITY)
		return NVT_IOMMU_PASSTHROUGH;
	return NVT_IOMMU_TRANSLATED;
}

static u64 nvt_bar_length(struct pci_dev *pdev, unsigned int bar)
{
	if (bar >= PCI_STD_NUM_BARS || !(pci_resource_flags(pdev, bar) & IORESOURCE_MEM))
		return 0;
	return pci_resource_len(pdev, bar);
}

int nvt_device_info(struct nvt_file *file, void *arg)
{
	struct nvt_device_info *info = arg;
	struct nvt_dev *dev = file->dev;
	struct pci_dev *pdev = dev->pdev;
	unsigned int bar;

	if (info->flags)
		return -EINVAL;
	mutex_lock(&dev->lock);
	*info = (struct nvt_device_info) {
		.size		= info->size,
		.abi_version	= NVT_ABI_VERSION,
		.iommu		= nvt_iommu(pdev),
		.domain		= pci_domain_nr(pdev->bus),
		.bus		= pdev->bus->number,
		.devfn		= pdev->devfn,
		.class_code	= pdev->class,
		.vendor		= pdev->vendor,
		.device		= pdev->device,
		.config_size	= pdev->cfg_size,
		.max_msix	= dev->max_msix,
		.max_msi	= dev->max_msi,
		.intx		= !!pdev->pin,
		.nr_vectors	= dev->nr_vectors,
		.vector_type	= dev->vector_type,
		.status_length	= dev->status_length,
	};
	mutex_unlock(&dev->lock);
	for (bar = 0; bar < ARRAY_SIZE(info->bar_length); bar++)
		info->bar_length[bar] = nvt_bar_length(pdev, bar);
	return 0;
}

static void nvt_mmio(void __iomem *addr, struct nvt_reg_access *reg)
{
	bool write = reg->flags & NVT_ACCESS_WRITE;

	switch (reg->width) {
	case 1:
		if (write)
			writeb(reg->value, addr);
		else
			reg->value = readb(addr);
		break;
	case 2:
		if (write)
			writew(reg->value, addr);
		else
			reg->value = readw(addr);
		break;
	case 4:
		if (write)
			writel(reg->value, addr);
		else
			reg->value = readl(addr);
		break;
	case 8:
		if (write)
			writeq(reg->value, addr);
		else
			reg->value = readq(addr);
		break;
	}
}

/* BAR 0 stays mapped; of another BAR just the page, so that a large CMB costs nothing. */
static int nvt_reg_access_live(struct nvt_dev *dev, struct nvt_reg_access *reg)
{
	void __iomem *page;

	if (reg->bar == 0 && dev->regs) {
		nvt_mmio(dev->regs + reg->offset, reg);
		return 0;
	}
	page = pci_iomap_range(dev->pdev, reg->bar, reg->offset & PAGE_MASK, PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	nvt_mmio(page + offset_in_page(reg->offset), reg);
	pci_iounmap(dev->pdev, page);
	return 0;
}

int nvt_reg_access(struct nvt_file *file, void *arg)
{
	struct nvt_reg_access *reg = arg;
	struct nvt_dev *dev = file->dev;
	u64 length = nvt_bar_length(dev->pdev, reg->bar);
	int ret;

	if (reg->flags & ~NVT_ACCESS_WRITE || !is_power_of_2(reg->width) || reg->width > 8 ||
	    reg->offset & (reg->width - 1) || reg->offset >= length ||
	    length - reg->offset < reg->width)
		return -EINVAL;
	down_read(&dev->mem_lock);
	if (reg->flags & NVT_ACCESS_WRITE && nvt_check_owner(file))
		ret = -EBADF;
	else if (dev->state == NVT_STATE_GONE)
		ret = -ENODEV;
	else if (dev->state != NVT_STATE_LIVE)
		ret = -EAGAIN;
	else
		ret = nvt_reg_access_live(dev, reg);
	up_read(&dev->mem_lock);
	return ret;
}

static int nvt_config_write(struct pci_dev *pdev, const struct nvt_config_access *config)
{
	switch (config->width) {
	case 1:
		return pci_user_write_config_byte(pdev, config->offset, config->value);
	case 2:
		return pci_user_write_config_word(pdev, config->offset, config->value);
	default:
		return pci_user_write_config_dword(pdev, config->offset, config->value);
	}
}

static int nvt_config_read(struct pci_dev *pdev, struct nvt_config_access *config)
{
	u8 byte = 0;
	u16 word = 0;
	u32 dword = 0;
	int ret;

	switch (config->width) {
	case 1:
		ret = pci_user_read_config_byte(pdev, config->offset, &byte);
		config->value = byte;
		return ret;
	case 2:
		ret = pci_user_read_config_word(pdev, config->offset, &word);
		config->value = word;
		return ret;
	default:
		ret = pci_user_read_config_dword(pdev, config->offset, &dword);
		config->value = dword;
		return ret;
	}
}

int nvt_config_access(struct nvt_file *file, void *arg)
{
	struct nvt_config_access *config = arg;
	struct pci_dev *pdev = file->dev->pdev;
	int ret;

	if (config->flags & ~NVT_ACCESS_WRITE || config->resv || !is_power_of_2(config->width) ||
	    config->width > 4 || config->offset & (config->width - 1) ||
	    config->offset >= pdev->cfg_size)
		return -EINVAL;
	if (!(config->flags & NVT_ACCESS_WRITE))
		return nvt_config_read(pdev, config);
	/* Under no lock: it waits for a reset to end, which waits for them. */
	ret = nvt_check_owner(file);
	return ret ? ret : nvt_config_write(pdev, config);
}

/*
 * Tries, and does not wait, for device_lock: remove() holds it while it waits
 * for this ioctl to end.
 */
int nvt_reset(struct nvt_file *file, void *arg)
{
	struct nvt_reset *reset = arg;
	int ret;

	if (reset->flags || reset->resv || reset->method != NVT_RESET_FUNCTION)
		return -EINVAL;
	ret = nvt_check_owner(file);
	return ret ? ret : pci_try_reset_function(file->dev->pdev);
}
