// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Interrupts: which may go out now, which wait for it. A client hears of them by eventfds. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pcie/function_priv.h"

int irq_init(struct function *function)
{
	const struct function_params *params = &function->params;
	struct irqs *irqs = &function->irqs;

	irqs->count[VFIO_PCI_INTX_IRQ_INDEX] = params->intx;
	irqs->count[VFIO_PCI_MSI_IRQ_INDEX] = params->msi_vectors;
	irqs->count[VFIO_PCI_MSIX_IRQ_INDEX] = params->msix_vectors;
	irqs->count[VFIO_PCI_ERR_IRQ_INDEX] = params->aer;
	for (int index = 0; index < IRQ_INDEXES; index++) {
		irqs->vectors[index] = calloc(irqs->count[index] + 1, sizeof(struct vector));
		if (!irqs->vectors[index])
			return -ENOMEM;
		for (unsigned int i = 0; i < irqs->count[index]; i++)
			irqs->vectors[index][i].eventfd = -1;
	}
	return 0;
}

void irq_exit(struct function *function)
{
	irq_client_gone(function);
	for (int index = 0; index < IRQ_INDEXES; index++)
		free(function->irqs.vectors[index]);
}

void irq_client_gone(struct function *function)
{
	struct irqs *irqs = &function->irqs;

	irq_unmask_by(function, -1);
	for (int index = 0; index < IRQ_INDEXES; index++)
		for (unsigned int i = 0; irqs->vectors[index] && i < irqs->count[index]; i++)
			vector_assign(&irqs->vectors[index][i], -1);
	irqs->table_written = false;
}

void irq_reset(struct function *function)
{
	struct irqs *irqs = &function->irqs;

	irqs->intx_level = false;
	for (int index = 0; index < IRQ_INDEXES; index++)
		for (unsigned int i = 0; i < irqs->count[index]; i++)
			irqs->vectors[index][i].pending = false;
	/* With the level gone, whatever the line was masked for is over. */
	if (irqs->count[VFIO_PCI_INTX_IRQ_INDEX])
		irqs->vectors[VFIO_PCI_INTX_IRQ_INDEX][0].masked = false;
	msix_reset(function);
}

void vector_assign(struct vector *vector, int eventfd)
{
	if (vector->eventfd >= 0)
		close(vector->eventfd);
	vector->eventfd = eventfd;
	vector->masked = false;
}

void irq_signal(struct vector *vector)
{
	const uint64_t one = 1;

	/* It is non-blocking: where the counter is full, the client has been told often enough. */
	if (vector->eventfd >= 0 && write(vector->eventfd, &one, sizeof(one)) < 0)
		return;
}

enum function_irq function_irq_mode(const struct function *function, unsigned int *vectors)
{
	const struct config *config = &function->config;
	unsigned int control;

	if (config->msix) {
		control = config_get(config, config->msix + PCI_MSIX_FLAGS, 2);
		*vectors = (control & PCI_MSIX_FLAGS_QSIZE) + 1;
		if (control & PCI_MSIX_FLAGS_ENABLE)
			return FUNCTION_IRQ_MSIX;
	}
	if (config->msi) {
		control = config_get(config, config->msi + PCI_MSI_FLAGS, 2);
		*vectors = 1U << ((control & PCI_MSI_FLAGS_QSIZE) >> 4);
		/* More than there are: PCI 3.0, 6.8.1.3 leaves it open; no more than there are. */
		if (*vectors > function->params.msi_vectors)
			*vectors = function->params.msi_vectors;
		if (control & PCI_MSI_FLAGS_ENABLE)
			return FUNCTION_IRQ_MSI;
	}
	*vectors = function->params.intx;
	return function->params.intx ? FUNCTION_IRQ_INTX : FUNCTION_IRQ_NONE;
}

/* The VFIO index of the messages that are enabled, or -1. */
static int message_index(const struct function *function, unsigned int *vectors)
{
	switch (function_irq_mode(function, vectors)) {
	case FUNCTION_IRQ_MSIX:
		return VFIO_PCI_MSIX_IRQ_INDEX;
	case FUNCTION_IRQ_MSI:
		return VFIO_PCI_MSI_IRQ_INDEX;
	default:
		return -1;
	}
}

static bool message_held(const struct function *function, int index, unsigned int number)
{
	const struct vector *vector = &function->irqs.vectors[index][number];
	const struct config *config = &function->config;

	/* A message is a memory write: without Bus Master Enable there is none. */
	if (vector->masked || vector->eventfd < 0 || !function->dma.enabled)
		return true;
	if (index == VFIO_PCI_MSI_IRQ_INDEX)
		return config_get(config, config->msi + PCI_MSI_MASK_64, 4) >> number & 1;
	return config_get(config, config->msix + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_MASKALL ||
	       msix_masked(function, number);
}

/* PCI 3.0, 6.8.1.7: Pending Bits. Those of MSI-X are made when the PBA is read. */
static void pending_publish(struct function *function)
{
	struct config *config = &function->config;
	uint32_t pending = 0;

	if (!config->msi)
		return;
	for (unsigned int i = 0; i < function->params.msi_vectors; i++)
		pending |= (uint32_t)function->irqs.vectors[VFIO_PCI_MSI_IRQ_INDEX][i].pending << i;
	config_put(config, config->msi + PCI_MSI_PENDING_64, 4, pending);
}

bool function_message(struct function *function, unsigned int number)
{
	unsigned int vectors;
	int index = message_index(function, &vectors);

	if (index < 0 || number >= vectors)
		return false;
	if (message_held(function, index, number)) {
		function->irqs.vectors[index][number].pending = true;
		pending_publish(function);
		return false;
	}
	irq_signal(&function->irqs.vectors[index][number]);
	return true;
}

bool function_message_masked(struct function *function, unsigned int number)
{
	unsigned int vectors;
	int index = message_index(function, &vectors);

	if (index < 0 || number >= vectors || function->irqs.vectors[index][number].eventfd < 0)
		return false;
	irq_signal(&function->irqs.vectors[index][number]);
	return true;
}

static void messages_send_pending(struct function *function)
{
	unsigned int vectors = 0;
	int enabled = message_index(function, &vectors);

	for (int index = VFIO_PCI_MSI_IRQ_INDEX; index <= VFIO_PCI_MSIX_IRQ_INDEX; index++) {
		for (unsigned int i = 0; i < function->irqs.count[index]; i++) {
			struct vector *vector = &function->irqs.vectors[index][i];

			if (!vector->pending)
				continue;
			/* What is disabled forgets. */
			if (index == enabled && i < vectors && message_held(function, index, i))
				continue;
			vector->pending = false;
			if (index == enabled && i < vectors)
				irq_signal(vector);
		}
	}
	pending_publish(function);
}

/*
 * INTx masks itself with each signal. The client unmasks it when its guest has
 * acknowledged the interrupt; a line that is still asserted then signals anew,
 * and one that was asserted meanwhile for the first time.
 */
static void intx_update(struct function *function)
{
	struct irqs *irqs = &function->irqs;
	struct config *config = &function->config;
	uint32_t status = config_get(config, PCI_STATUS, 2);
	struct vector *line = irqs->vectors[VFIO_PCI_INTX_IRQ_INDEX];
	unsigned int vectors;

	if (!irqs->count[VFIO_PCI_INTX_IRQ_INDEX])
		return;
	/* PCI 3.0, 6.2.3: Interrupt Status tells of the line behind Interrupt Disable. */
	config_put(config, PCI_STATUS, 2, irqs->intx_level ? status | PCI_STATUS_INTERRUPT :
							     status & ~PCI_STATUS_INTERRUPT);
	if (!irqs->intx_level || line->masked || line->eventfd < 0)
		return;
	if (!function->link_up || function_power_state(function) ||
	    config_get(config, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE ||
	    function_irq_mode(function, &vectors) != FUNCTION_IRQ_INTX)
		return;
	/* What the device has not been told yet may be what it waits for to deassert the line. */
	if (function->works || device_busy(function)) {
		timer_arm(function->loop, &function->later, 0);
		return;
	}
	line->masked = true;
	irq_signal(line);
}

void function_intx(struct function *function, bool asserted)
{
	if (function->irqs.intx_level == asserted)
		return;
	function->irqs.intx_level = asserted;
	intx_update(function);
}

void irq_update(struct function *function)
{
	messages_send_pending(function);
	intx_update(function);
}
