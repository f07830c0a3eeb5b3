// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Errors of PCI Express: AER with its header log, Device Status, the error interrupt. */
#include <linux/pci_regs.h>

#include "pcie/function_priv.h"

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

/* PCIe 6.0, 2.2.1: bits 31:24 of the first dword, and what follows there. */
#define MEMORY_READ		0x20000000U	/* of a 64-bit address, as the next one */
#define MEMORY_WRITE		0x60000000U
#define COMPLETION_WITH_DATA	0x4a000000U
#define DIGEST			(1U << 15)
#define POISONED		(1U << 14)
#define DEVICE_ID		0x0100U		/* 01:00.0: a function is not told of its bus here */
#define FIRST_DWORD_BYTES	0xfU

struct tlp {
	uint32_t dword[4];
};

/* To or from the registers of the function. */
static struct tlp memory_request(const struct config *config, uint32_t first)
{
	return (struct tlp){ {
		first,
		FIRST_DWORD_BYTES,
		config_get(config, PCI_BASE_ADDRESS_1, 4),
		config_get(config, PCI_BASE_ADDRESS_0, 4) & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK,
	} };
}

/* Of a read of 64 bytes of host memory, from the root complex. */
static struct tlp completion(uint32_t first, uint32_t tag)
{
	return (struct tlp){ { first | 16, 64, DEVICE_ID << 16 | tag << 8, 0 } };
}

/* One that such an error would meet. PCIe 6.0, 6.2.7: the others have none, so zeros. */
static struct tlp tlp_of(const struct config *config, uint32_t error)
{
	switch (error) {
	case PCI_ERR_UNC_POISON_TLP:
		return completion(COMPLETION_WITH_DATA | POISONED, 1);
	case PCI_ERR_UNC_UNX_COMP:
		return completion(COMPLETION_WITH_DATA, 0xff);
	case PCI_ERR_UNC_COMP_ABORT:
	case PCI_ERR_UNC_UNSUP:
		return memory_request(config, MEMORY_READ | 1);
	case PCI_ERR_UNC_ECRC:
		return memory_request(config, MEMORY_WRITE | DIGEST | 1);
	case PCI_ERR_UNC_MALF_TLP:
		/* Longer than any Max_Payload_Size that has been programmed. */
		return memory_request(config, MEMORY_WRITE | 0x3ff);
	default:
		return (struct tlp){ { 0 } };
	}
}

/* PCIe 6.0, 7.8.4.7 and 7.8.4.8: the first error and its header stay while that error does. */
static void first_error_note(struct config *config, uint32_t errors)
{
	unsigned int control = config->aer + PCI_ERR_CAP, first, i;
	uint32_t status = config_get(config, config->aer + PCI_ERR_UNCOR_STATUS, 4);
	uint32_t value = config_get(config, control, 4);
	struct tlp tlp;

	if (!errors || status & 1U << PCI_ERR_CAP_FEP(value))
		return;
	first = __builtin_ctz(errors);
	config_put(config, control, 4, (value & ~0x1fU) | first);
	tlp = tlp_of(config, 1U << first);
	for (i = 0; i < 4; i++)
		config_put(config, config->aer + PCI_ERR_HEADER_LOG + 4 * i, 4, tlp.dword[i]);
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
