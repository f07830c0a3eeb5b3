// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Registers that follow others: link status, power state. */
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
