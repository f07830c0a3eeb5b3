// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Registers that follow others: link status, power state, errors. */
#include <linux/pci_regs.h>

#include "pcie/function_priv.h"

#define LINK_TRAINED	PCI_EXP_LNKSTA_SLC

unsigned int function_power_state(const struct function *function)
{
	const struct config *config = &function->config;

	if (!config->pm)
		return 0;
	return config_get(config, config->pm + PCI_PM_CTRL, 1) & PCI_PM_CTRL_STATE_MASK;
}

/*
 * The link runs at Target Link Speed, as far as it can. In truth the other end
 * retrains it; no client's root port tells of that, so it is done at once.
 */
void express_link_follow(struct function *function)
{
	struct config *config = &function->config;
	uint32_t capabilities, target, speed;

	if (!config->pcie)
		return;
	capabilities = config_get(config, config->pcie + PCI_EXP_LNKCAP, 4);
	target = config_get(config, config->pcie + PCI_EXP_LNKCTL2, 2) & PCI_EXP_LNKCTL2_TLS;
	speed = capabilities & PCI_EXP_LNKCAP_SLS;
	if (target && target < speed)
		speed = target;
	config_put(config, config->pcie + PCI_EXP_LNKSTA, 2,
		   speed | (capabilities & PCI_EXP_LNKCAP_MLW) | LINK_TRAINED);
}

static uint32_t fatal_errors(const struct config *config)
{
	return config->aer ? config_get(config, config->aer + PCI_ERR_UNCOR_SEVER, 4)
			   : PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP;
}

bool function_aer_fatal(const struct function *function, uint32_t uncorrectable)
{
	return uncorrectable & fatal_errors(&function->config);
}

/* PCIe 6.0, 7.5.3.5: Device Status tells of an error whether it is masked or not. */
static void device_status_add(struct config *config, uint32_t uncorrectable, uint32_t correctable)
{
	unsigned int status = config->pcie + PCI_EXP_DEVSTA;
	uint32_t severity = fatal_errors(config);
	uint32_t value = config_get(config, status, 2);

	if (correctable)
		value |= PCI_EXP_DEVSTA_CED;
	if (uncorrectable & severity)
		value |= PCI_EXP_DEVSTA_FED;
	if (uncorrectable & ~severity)
		value |= PCI_EXP_DEVSTA_NFED;
	if (uncorrectable & PCI_ERR_UNC_UNSUP)
		value |= PCI_EXP_DEVSTA_URD;
	config_put(config, status, 2, value);
}

/* PCIe 6.0, 7.8.4.7: the First Error Pointer stays while the error that it names does. */
static void first_error_note(struct config *config, uint32_t errors)
{
	unsigned int control = config->aer + PCI_ERR_CAP;
	uint32_t status = config_get(config, config->aer + PCI_ERR_UNCOR_STATUS, 4);
	uint32_t value = config_get(config, control, 4);

	if (!errors || status & 1U << PCI_ERR_CAP_FEP(value))
		return;
	value = (value & ~0x1fU) | __builtin_ctz(errors);
	config_put(config, control, 4, value);
}

void function_aer(struct function *function, uint32_t uncorrectable, uint32_t correctable)
{
	struct config *config = &function->config;
	struct irqs *irqs = &function->irqs;
	uint32_t reported = 0;

	if (config->pcie)
		device_status_add(config, uncorrectable, correctable);
	if (!config->aer)
		return;
	uncorrectable &= AER_UNCORRECTABLE;
	correctable &= AER_CORRECTABLE;
	reported |= uncorrectable & ~config_get(config, config->aer + PCI_ERR_UNCOR_MASK, 4);
	first_error_note(config, reported);
	reported |= correctable & ~config_get(config, config->aer + PCI_ERR_COR_MASK, 4);
	config_put(config, config->aer + PCI_ERR_UNCOR_STATUS, 4,
		   config_get(config, config->aer + PCI_ERR_UNCOR_STATUS, 4) | uncorrectable);
	config_put(config, config->aer + PCI_ERR_COR_STATUS, 4,
		   config_get(config, config->aer + PCI_ERR_COR_STATUS, 4) | correctable);
	if (reported && irqs->count[VFIO_PCI_ERR_IRQ_INDEX])
		irq_signal(&irqs->vectors[VFIO_PCI_ERR_IRQ_INDEX][0]);
}
