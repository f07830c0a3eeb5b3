// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Config space: masks say what a write changes, then follows what it means. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "pcie/function_priv.h"

uint32_t config_get(const struct config *config, unsigned int offset, unsigned int width)
{
	uint32_t value = 0;

	memcpy(&value, config->data + offset, width);
	return value;
}

void config_put(struct config *config, unsigned int offset, unsigned int width, uint32_t value)
{
	memcpy(config->data + offset, &value, width);
}

void config_reset(struct function *function, enum function_reset kind)
{
	struct config *config = &function->config;

	for (unsigned int i = 0; i < CONFIG_LENGTH; i++) {
		uint8_t keep = kind == FUNCTION_RESET_LOST ? 0 : config->sticky[i];

		if (kind == FUNCTION_RESET_FLR || kind == FUNCTION_RESET_D3)
			keep |= config->kept[i];
		config->data[i] = (config->initial[i] & ~keep) | (config->data[i] & keep);
	}
	express_link_follow(function);
}

static bool touches(unsigned int offset, unsigned int width, unsigned int reg, unsigned int length)
{
	return offset < reg + length && reg < offset + width;
}

/* PCI Power Management 1.2, 3.2.4: a state that is not supported is not entered. */
static void power_written(struct function *function, unsigned int before)
{
	struct config *config = &function->config;
	unsigned int control = config->pm + PCI_PM_CTRL;
	struct work work = { .kind = WORK_POWER, .state = function_power_state(function) };

	if (work.state != 0 && work.state != 3) {
		config_put(config, control, 2,
			   (config_get(config, control, 2) & ~PCI_PM_CTRL_STATE_MASK) | before);
		return;
	}
	if (work.state == before)
		return;
	function_gate(function);
	if (!work_do(function, &work))
		client_fail(function, "too many requests while the device waits for DMA");
	if (!work.state && !function->params.no_soft_reset)
		function_reset(function, FUNCTION_RESET_D3);
	irq_update(function);
}

/* PCIe 6.0, 7.5.3.4: Initiate Function Level Reset reads as 0. */
static void device_control_written(struct function *function)
{
	unsigned int control = function->config.pcie + PCI_EXP_DEVCTL;
	uint32_t value = config_get(&function->config, control, 2);

	if (!(value & PCI_EXP_DEVCTL_BCR_FLR))
		return;
	config_put(&function->config, control, 2, value & ~PCI_EXP_DEVCTL_BCR_FLR);
	function_reset(function, FUNCTION_RESET_FLR);
}

static void config_written(struct function *function, unsigned int offset, unsigned int width,
			   unsigned int power)
{
	const struct config *config = &function->config;

	if (touches(offset, width, PCI_COMMAND, 2)) {
		function_gate(function);
		irq_update(function);
	}
	if (config->msi && touches(offset, width, config->msi, PCI_MSI_PENDING_64))
		irq_update(function);
	if (config->msix && touches(offset, width, config->msix + PCI_MSIX_FLAGS, 2))
		irq_update(function);
	if (config->pm && touches(offset, width, config->pm + PCI_PM_CTRL, 2))
		power_written(function, power);
	if (!config->pcie)
		return;
	if (touches(offset, width, config->pcie + PCI_EXP_LNKCTL2, 2))
		express_link_follow(function);
	if (touches(offset, width, config->pcie + PCI_EXP_DEVCTL, 2))
		device_control_written(function);
}

static void config_store(struct function *function, unsigned int offset, unsigned int width,
			 uint32_t value)
{
	struct config *config = &function->config;
	unsigned int power = function_power_state(function);

	for (unsigned int i = 0; i < width; i++) {
		uint8_t *byte = &config->data[offset + i];
		uint8_t writable = config->writable[offset + i];
		uint8_t written = value >> 8 * i;

		*byte = (*byte & ~writable) | (written & writable);
		*byte &= ~(written & config->clear[offset + i]);
	}
	config_written(function, offset, width, power);
}

/* Requests are of any length; they are made of naturally aligned accesses to at most a dword. */
static unsigned int access_width(uint64_t offset, uint32_t count)
{
	unsigned int width = 4;

	while (offset & (width - 1) || width > count)
		width /= 2;
	return width;
}

static bool intercepted(struct function *function, bool write, unsigned int offset,
			unsigned int width, uint64_t *value)
{
	return function->ops->intercept &&
	       function->ops->intercept(function->device, FUNCTION_CONFIG, write, offset, width,
					value);
}

int config_read(struct function *function, uint64_t offset, void *data, uint32_t count)
{
	uint8_t *to = data;

	while (count) {
		unsigned int width = access_width(offset, count);
		uint64_t value = 0;

		if (!intercepted(function, false, offset, width, &value))
			value = config_get(&function->config, offset, width);
		memcpy(to, &value, width);
		to += width;
		offset += width;
		count -= width;
	}
	return 0;
}

int config_write(struct function *function, uint64_t offset, const void *data, uint32_t count)
{
	const uint8_t *from = data;

	/* No host writes more at once. */
	if (count > 8)
		return EINVAL;
	while (count) {
		unsigned int width = access_width(offset, count);
		uint64_t value = 0;

		memcpy(&value, from, width);
		if (!intercepted(function, true, offset, width, &value))
			config_store(function, offset, width, value);
		from += width;
		offset += width;
		count -= width;
	}
	return 0;
}
