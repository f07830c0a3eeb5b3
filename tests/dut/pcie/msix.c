// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The MSI-X table and the Pending Bit Array, in BAR 4. PCI 3.0, 6.8.2 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "pcie/function_priv.h"

int msix_init(struct function *function)
{
	struct irqs *irqs = &function->irqs;
	uint32_t vectors = function->params.msix_vectors;
	struct bar *bar = &function->bars[4];

	if (!vectors)
		return 0;
	irqs->table_length = vectors * PCI_MSIX_ENTRY_SIZE;
	irqs->pba_offset = (irqs->table_length + PAGE - 1) / PAGE * PAGE;
	irqs->pba_length = (vectors + 63) / 64 * 8;
	for (bar->length = PAGE; bar->length < irqs->pba_offset + PAGE;)
		bar->length *= 2;
	irqs->table = malloc(irqs->table_length);
	if (!irqs->table)
		return -ENOMEM;
	msix_reset(function);
	return 0;
}

void msix_exit(struct function *function)
{
	free(function->irqs.table);
}

static uint8_t *vector_control(const struct function *function, unsigned int vector)
{
	return function->irqs.table + vector * PCI_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL;
}

void msix_reset(struct function *function)
{
	struct irqs *irqs = &function->irqs;

	if (!irqs->table)
		return;
	memset(irqs->table, 0, irqs->table_length);
	for (unsigned int i = 0; i < function->params.msix_vectors; i++)
		*vector_control(function, i) = PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

/*
 * All vectors are masked at first. A client like QEMU keeps the table to
 * itself, and masks there; then ours has nothing to say.
 */
bool msix_masked(const struct function *function, unsigned int vector)
{
	return function->irqs.table_written &&
	       *vector_control(function, vector) & PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

static uint64_t pba_word(const struct irqs *irqs, uint32_t word)
{
	unsigned int count = irqs->count[VFIO_PCI_MSIX_IRQ_INDEX];
	const struct vector *vectors = irqs->vectors[VFIO_PCI_MSIX_IRQ_INDEX];
	uint64_t bits = 0;

	for (unsigned int i = 0; i < 64 && word * 64 + i < count; i++)
		bits |= (uint64_t)vectors[word * 64 + i].pending << i;
	return bits;
}

int msix_read(struct function *function, uint64_t offset, void *data, uint32_t count)
{
	const struct irqs *irqs = &function->irqs;
	uint64_t word;

	memset(data, 0, count);
	if (offset < irqs->table_length)
		memcpy(data, irqs->table + offset, count);
	else if (offset >= irqs->pba_offset && offset - irqs->pba_offset < irqs->pba_length) {
		word = pba_word(irqs, (offset - irqs->pba_offset) / 8);
		memcpy(data, (uint8_t *)&word + offset % 8, count);
	}
	return 0;
}

/* Dwords and quadwords only. The PBA is not written by software. */
int msix_write(struct function *function, uint64_t offset, const void *data, uint32_t count)
{
	struct irqs *irqs = &function->irqs;

	if (count < 4)
		return EINVAL;
	if (offset >= irqs->table_length)
		return 0;
	memcpy(irqs->table + offset, data, count);
	for (uint64_t vector = offset / PCI_MSIX_ENTRY_SIZE;
	     vector <= (offset + count - 1) / PCI_MSIX_ENTRY_SIZE; vector++) {
		uint8_t *control = vector_control(function, vector);

		control[0] &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
		memset(control + 1, 0, 3);
	}
	irqs->table_written = true;
	irq_update(function);
	return 0;
}
