// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Config space of a function at a vfio-user socket: what is found in it, kept and put back. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "access/vfio_user.h"

#define CAPS_MAX	48	/* they are 4-aligned, from 0x40 to 0xff */
#define EXT_CAPS_MAX	960

int vfio_user_config_read(struct vfio_user *vu, uint32_t offset, unsigned int width,
			  uint32_t *value)
{
	uint64_t wide = 0;
	int err = vfio_user_region_read(vu, VFIO_PCI_CONFIG_REGION_INDEX, offset, width, &wide);

	*value = wide;
	return err;
}

int vfio_user_config_write(struct vfio_user *vu, uint32_t offset, unsigned int width,
			   uint32_t value)
{
	return vfio_user_region_write(vu, VFIO_PCI_CONFIG_REGION_INDEX, offset, width, value);
}

int vfio_user_config_update(struct vfio_user *vu, uint32_t offset, unsigned int width,
			    uint32_t clear, uint32_t set)
{
	uint32_t value;
	int err = vfio_user_config_read(vu, offset, width, &value);

	return err ? err : vfio_user_config_write(vu, offset, width, (value & ~clear) | set);
}

static void note_cap(struct vfio_user_caps *caps, uint8_t id, uint16_t pos)
{
	switch (id) {
	case PCI_CAP_ID_MSI:
		caps->msi = pos;
		break;
	case PCI_CAP_ID_MSIX:
		caps->msix = pos;
		break;
	case PCI_CAP_ID_EXP:
		caps->pcie = pos;
		break;
	}
}

/* A list that has no end, or leads out of its space, ends here: what was found counts. */
static int scan_caps(struct vfio_user *vu)
{
	uint32_t status, pos = 0, header;
	int n, err;

	err = vfio_user_config_read(vu, PCI_STATUS, 2, &status);
	if (!err && status & PCI_STATUS_CAP_LIST)
		err = vfio_user_config_read(vu, PCI_CAPABILITY_LIST, 1, &pos);
	for (n = 0; !err && n < CAPS_MAX; n++) {
		pos &= 0xfc;
		if (pos < PCI_STD_HEADER_SIZEOF)
			return 0;
		err = vfio_user_config_read(vu, pos, 2, &header);
		if (!err)
			note_cap(&vu->caps, header & 0xff, pos);
		pos = header >> 8;
	}
	return err;
}

static void note_ext_cap(struct vfio_user_caps *caps, uint16_t id, uint16_t pos)
{
	switch (id) {
	case PCI_EXT_CAP_ID_ERR:
		caps->aer = pos;
		break;
	case PCI_EXT_CAP_ID_LTR:
		caps->ltr = pos;
		break;
	case PCI_EXT_CAP_ID_L1SS:
		caps->l1ss = pos;
		break;
	}
}

static int scan_ext_caps(struct vfio_user *vu)
{
	uint32_t pos = PCI_CFG_SPACE_SIZE, header;
	int n, err;

	if (vu->pcie.info.config_size <= PCI_CFG_SPACE_SIZE)
		return 0;
	for (n = 0; n < EXT_CAPS_MAX && pos >= PCI_CFG_SPACE_SIZE; n++) {
		err = vfio_user_config_read(vu, pos, 4, &header);
		if (err)
			return err;
		if (!header || header == 0xffffffff)
			return 0;
		note_ext_cap(&vu->caps, PCI_EXT_CAP_ID(header), pos);
		pos = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

static int scan_vectors(struct vfio_user *vu)
{
	struct nvt_device_info *info = &vu->pcie.info;
	uint32_t value = 0;
	int err;

	err = vfio_user_config_read(vu, PCI_INTERRUPT_PIN, 1, &value);
	info->intx = value != 0;
	if (!err && vu->caps.msi) {
		err = vfio_user_config_read(vu, vu->caps.msi + PCI_MSI_FLAGS, 2, &value);
		info->max_msi = 1U << ((value & PCI_MSI_FLAGS_QMASK) >> 1);
	}
	if (!err && vu->caps.msix) {
		err = vfio_user_config_read(vu, vu->caps.msix + PCI_MSIX_FLAGS, 2, &value);
		info->max_msix = (value & PCI_MSIX_FLAGS_QSIZE) + 1;
	}
	return err;
}

int vfio_user_config_scan(struct vfio_user *vu)
{
	struct nvt_device_info *info = &vu->pcie.info;
	uint32_t ids = 0, class_code = 0;
	int err;

	err = vfio_user_config_read(vu, PCI_VENDOR_ID, 4, &ids);
	if (!err)
		err = vfio_user_config_read(vu, PCI_CLASS_REVISION, 4, &class_code);
	info->vendor = ids & 0xffff;
	info->device = ids >> 16;
	info->class_code = class_code >> 8;
	/* The link is down: it can be opened all the same, and has nothing. */
	if (err || ids == 0xffffffff)
		return err;
	err = scan_caps(vu);
	if (!err)
		err = scan_ext_caps(vu);
	return err ? err : scan_vectors(vu);
}

static const struct vfio_user_saved header_registers[] = {
	{ PCI_CACHE_LINE_SIZE, 1, 0 }, { PCI_LATENCY_TIMER, 1, 0 }, { PCI_INTERRUPT_LINE, 1, 0 },
	{ PCI_BASE_ADDRESS_0, 4, 0 }, { PCI_BASE_ADDRESS_1, 4, 0 }, { PCI_BASE_ADDRESS_2, 4, 0 },
	{ PCI_BASE_ADDRESS_3, 4, 0 }, { PCI_BASE_ADDRESS_4, 4, 0 }, { PCI_BASE_ADDRESS_5, 4, 0 },
	{ PCI_COMMAND, 2, 0 },
};

static const struct vfio_user_saved pcie_registers[] = {
	{ PCI_EXP_DEVCTL, 2, 0 }, { PCI_EXP_LNKCTL, 2, 0 },
	{ PCI_EXP_DEVCTL2, 2, 0 }, { PCI_EXP_LNKCTL2, 2, 0 },
};

static const struct vfio_user_saved aer_registers[] = {
	{ PCI_ERR_UNCOR_MASK, 4, 0 }, { PCI_ERR_UNCOR_SEVER, 4, 0 }, { PCI_ERR_COR_MASK, 4, 0 },
	{ PCI_ERR_CAP, 4, 0 },
};

static const struct vfio_user_saved ltr_registers[] = {
	{ PCI_LTR_MAX_SNOOP_LAT, 2, 0 }, { PCI_LTR_MAX_NOSNOOP_LAT, 2, 0 },
};

static const struct vfio_user_saved l1ss_registers[] = {
	{ PCI_L1SS_CTL2, 4, 0 }, { PCI_L1SS_CTL1, 4, 0 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int save_group(struct vfio_user *vu, const struct vfio_user_saved *group, size_t n,
		      uint16_t base)
{
	struct vfio_user_saved *saved;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		saved = &vu->saved[vu->nr_saved++];
		*saved = group[i];
		saved->offset += base;
		err = vfio_user_config_read(vu, saved->offset, saved->width, &saved->value);
	}
	return err;
}

/* What Linux saves too; the vectors are set up anew. */
int vfio_user_config_save(struct vfio_user *vu)
{
	const struct {
		const struct vfio_user_saved *registers;
		size_t n;
		uint16_t base;
		bool present;
	} groups[] = {
		{ pcie_registers, COUNT(pcie_registers), vu->caps.pcie, vu->caps.pcie },
		{ aer_registers, COUNT(aer_registers), vu->caps.aer, vu->caps.aer },
		{ ltr_registers, COUNT(ltr_registers), vu->caps.ltr, vu->caps.ltr },
		{ l1ss_registers, COUNT(l1ss_registers), vu->caps.l1ss, vu->caps.l1ss },
		/* Last, since the command register lets the function work. */
		{ header_registers, COUNT(header_registers), 0, true },
	};
	size_t i;
	int err = 0;

	for (i = 0; !err && i < COUNT(groups); i++)
		if (groups[i].present)
			err = save_group(vu, groups[i].registers, groups[i].n, groups[i].base);
	return err;
}

/* The owner wrote there: what the function made of it is what is put back. */
int vfio_user_config_note(struct vfio_user *vu, uint32_t offset, unsigned int width)
{
	struct vfio_user_saved *saved;
	uint32_t ids, value;
	int err;

	err = vfio_user_config_read(vu, PCI_VENDOR_ID, 4, &ids);
	if (err || ids == 0xffffffff)
		return err;
	for (saved = vu->saved; !err && saved < vu->saved + vu->nr_saved; saved++) {
		if (offset >= saved->offset + saved->width || saved->offset >= offset + width)
			continue;
		err = vfio_user_config_read(vu, saved->offset, saved->width, &value);
		if (!err)
			saved->value = value;
	}
	return err;
}

int vfio_user_config_restore(struct vfio_user *vu)
{
	const struct vfio_user_saved *saved;
	int err = 0;

	for (saved = vu->saved; !err && saved < vu->saved + vu->nr_saved; saved++)
		err = vfio_user_config_write(vu, saved->offset, saved->width, saved->value);
	return err;
}

/* A function forgets all at once, so that it was enabled tells of the rest. */
int vfio_user_config_lost(struct vfio_user *vu, bool *lost)
{
	uint32_t enable = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, command;
	int err = vfio_user_config_read(vu, PCI_COMMAND, 2, &command);

	*lost = !err && vu->nr_saved && command != 0xffff &&
		(command ^ vu->saved[vu->nr_saved - 1].value) & enable;
	return err;
}
