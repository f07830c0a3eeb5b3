// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A PCI function: what it is made of, its resets, and its link. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "pcie/function_priv.h"

static bool params_valid(const struct function_params *params)
{
	unsigned int msi = params->msi_vectors;

	if (msi > 32 || (msi & (msi - 1)) || params->msix_vectors > 2048)
		return false;
	if (params->max_link_speed > 6 || params->max_link_width > 32)
		return false;
	if (params->msix_vectors && (params->bar_length[4] || params->bar_length[5]))
		return false;
	for (int i = 0; i < FUNCTION_BARS; i++) {
		uint64_t length = params->bar_length[i];

		if (length && (length < PAGE || (length & (length - 1))))
			return false;
	}
	if (params->doorbell_length % PAGE)
		return false;
	return !params->doorbell_length ||
	       params->doorbell_length <= params->bar_length[0] - PAGE;
}

struct function *function_new(struct loop *loop, const struct function_params *params,
			      const struct function_ops *ops, void *device)
{
	struct function *function;

	if (!params_valid(params)) {
		errno = EINVAL;
		return NULL;
	}
	function = calloc(1, sizeof(*function));
	if (!function)
		return NULL;
	function->loop = loop;
	function->params = *params;
	function->ops = ops;
	function->device = device;
	function->link_up = true;
	function->irqs.unmask_eventfd = -1;
	dma_init(&function->dma);
	if (server_init(function) || bars_init(function) || irq_init(function) ||
	    msix_init(function) || config_init(function)) {
		function_free(function);
		errno = ENOMEM;
		return NULL;
	}
	return function;
}

void function_free(struct function *function)
{
	if (!function)
		return;
	server_exit(function);
	work_drop(function);
	irq_exit(function);
	msix_exit(function);
	dma_exit(&function->dma);
	bars_exit(function);
	free(function);
}

bool function_attached(const struct function *function)
{
	return function->client && function->client->versioned && !function->client->lost;
}

bool function_memory_enabled(const struct function *function)
{
	return function->link_up && !function_power_state(function) &&
	       config_get(&function->config, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
}

void function_gate(struct function *function)
{
	function->dma.enabled = function_attached(function) && function->link_up &&
		!function_power_state(function) &&
		config_get(&function->config, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

void function_reset(struct function *function, enum function_reset kind)
{
	struct work work = { .kind = WORK_RESET, .reset = kind };

	/* DMA ends with the reset: whoever waits for it gives up. */
	if (function->client)
		function->client->abort = true;
	config_reset(function, kind);
	irq_reset(function);
	function_gate(function);
	if (!work_do(function, &work))
		client_fail(function, "too many requests while the device waits for DMA");
}

void function_link(struct function *function, bool up)
{
	if (function->link_up == up)
		return;
	function->link_up = up;
	function_gate(function);
	if (!up) {
		if (function->client)
			function->client->abort = true;
		bars_fill(function, 0xff);
		return;
	}
	bars_fill(function, 0);
	function_reset(function, FUNCTION_RESET_BUS);
}

bool function_link_is_up(const struct function *function)
{
	return function->link_up;
}

uint32_t function_config_read(struct function *function, unsigned int offset, unsigned int width)
{
	if (width > 4 || offset + width > CONFIG_LENGTH)
		return UINT32_MAX;
	return config_get(&function->config, offset, width);
}
