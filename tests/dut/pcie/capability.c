// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Config space as it is after power on, with what of it can be written. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "pcie/function_priv.h"

/* Where the capabilities are; the chain has those that there are in this order. */
#define AT_PM		0x40
#define AT_MSI		0x50
#define AT_MSIX		0x70
#define AT_PCIE		0x80
#define AT_AER		0x100
#define AT_SERIAL	0x150
#define AT_L1SS		0x160
#define AT_LTR		0x170

#define LINK_CONTROL	(PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC | \
			 PCI_EXP_LNKCTL_ES | PCI_EXP_LNKCTL_CLKREQ_EN | PCI_EXP_LNKCTL_HAWD)
#define LTR_LATENCY	(PCI_LTR_VALUE_MASK | PCI_LTR_SCALE_MASK)
#define L1SS_SUPPORTED	0x1fU
/* T_POWER_ON 10 us, Common_Mode_Restore_Time 10 us */
#define L1SS_TIMES	(5U << 19 | 10U << 8)

static void initial(struct config *config, unsigned int offset, unsigned int width, uint32_t value)
{
	memcpy(config->initial + offset, &value, width);
}

static void writable(struct config *config, unsigned int offset, unsigned int width, uint32_t mask)
{
	memcpy(config->writable + offset, &mask, width);
}

static void clearable(struct config *config, unsigned int offset, unsigned int width, uint32_t mask)
{
	memcpy(config->clear + offset, &mask, width);
}

static void sticky(struct config *config, unsigned int offset, unsigned int width, uint32_t mask)
{
	memcpy(config->sticky + offset, &mask, width);
}

static void kept(struct config *config, unsigned int offset, unsigned int width, uint32_t mask)
{
	memcpy(config->kept + offset, &mask, width);
}

static void bar_add(struct config *config, const struct function *function, int bar)
{
	const struct function_params *params = &function->params;
	unsigned int offset = PCI_BASE_ADDRESS_0 + 4 * bar;
	uint64_t length = function->bars[bar].length;
	bool wide = !(bar % 2) && !function->bars[bar + 1].length;
	uint32_t type = wide ? PCI_BASE_ADDRESS_MEM_TYPE_64 : PCI_BASE_ADDRESS_MEM_TYPE_32;

	if (params->bar_prefetchable[bar])
		type |= PCI_BASE_ADDRESS_MEM_PREFETCH;
	initial(config, offset, 4, type);
	writable(config, offset, 4, ~(length - 1));
	if (wide)
		writable(config, offset + 4, 4, ~(length - 1) >> 32);
}

static void header_add(struct config *config, const struct function *function)
{
	const struct function_params *params = &function->params;

	initial(config, PCI_VENDOR_ID, 2, params->vendor_id);
	initial(config, PCI_DEVICE_ID, 2, params->device_id);
	initial(config, PCI_CLASS_REVISION, 4, params->class_code << 8 | params->revision_id);
	initial(config, PCI_SUBSYSTEM_VENDOR_ID, 2, params->subsystem_vendor_id);
	initial(config, PCI_SUBSYSTEM_ID, 2, params->subsystem_id);
	writable(config, PCI_COMMAND, 2,
		 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		 PCI_COMMAND_INTX_DISABLE);
	clearable(config, PCI_STATUS, 2,
		  PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT |
		  PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR |
		  PCI_STATUS_DETECTED_PARITY);
	writable(config, PCI_CACHE_LINE_SIZE, 1, 0xff);
	writable(config, PCI_INTERRUPT_LINE, 1, 0xff);
	initial(config, PCI_INTERRUPT_PIN, 1, params->intx);
	for (int i = 0; i < FUNCTION_BARS; i++)
		if (function->bars[i].length)
			bar_add(config, function, i);
}

/* Appends to the chain; its place. */
static uint16_t capability_add(struct config *config, unsigned int *link, uint8_t id,
			       unsigned int at)
{
	initial(config, *link, 1, at);
	initial(config, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	initial(config, at, 1, id);
	*link = at + PCI_CAP_LIST_NEXT;
	return at;
}

static void pm_fill(struct config *config, const struct function_params *params)
{
	unsigned int at = config->pm;

	initial(config, at + PCI_PM_PMC, 2, 3);
	initial(config, at + PCI_PM_CTRL, 2, params->no_soft_reset ? PCI_PM_CTRL_NO_SOFT_RESET : 0);
	writable(config, at + PCI_PM_CTRL, 2, PCI_PM_CTRL_STATE_MASK);
}

static void msi_fill(struct config *config, const struct function_params *params)
{
	unsigned int at = config->msi, vectors = params->msi_vectors;
	uint32_t all = vectors == 32 ? ~0U : (1U << vectors) - 1;

	initial(config, at + PCI_MSI_FLAGS, 2,
		__builtin_ctz(vectors) << 1 | PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
	writable(config, at + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	writable(config, at + PCI_MSI_ADDRESS_LO, 4, ~3U);
	writable(config, at + PCI_MSI_ADDRESS_HI, 4, ~0U);
	writable(config, at + PCI_MSI_DATA_64, 2, 0xffff);
	writable(config, at + PCI_MSI_MASK_64, 4, all);
}

static void msix_fill(struct config *config, const struct function *function)
{
	unsigned int at = config->msix;

	initial(config, at + PCI_MSIX_FLAGS, 2, function->params.msix_vectors - 1);
	writable(config, at + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	initial(config, at + PCI_MSIX_TABLE, 4, 4);
	initial(config, at + PCI_MSIX_PBA, 4, function->irqs.pba_offset | 4);
}

static void link_fill(struct config *config, const struct function_params *params)
{
	uint32_t speed = params->max_link_speed ? params->max_link_speed : 4;
	uint32_t width = params->max_link_width ? params->max_link_width : 4;
	unsigned int at = config->pcie;

	/* ASPM L0s and L1 with exit latencies below 1 and 8 us, clock power management */
	initial(config, at + PCI_EXP_LNKCAP, 4,
		speed | width << 4 | PCI_EXP_LNKCAP_ASPMS | 4U << 12 | 3U << 15 |
		PCI_EXP_LNKCAP_CLKPM | 1U << 22);
	writable(config, at + PCI_EXP_LNKCTL, 2, LINK_CONTROL);
	kept(config, at + PCI_EXP_LNKCTL, 2, LINK_CONTROL);
	initial(config, at + PCI_EXP_LNKCAP2, 4, ((1U << speed) - 1) << 1);
	initial(config, at + PCI_EXP_LNKCTL2, 2, speed);
	writable(config, at + PCI_EXP_LNKCTL2, 2, PCI_EXP_LNKCTL2_TLS | PCI_EXP_LNKCTL2_HASD);
	sticky(config, at + PCI_EXP_LNKCTL2, 2, PCI_EXP_LNKCTL2_TLS);
	kept(config, at + PCI_EXP_LNKCTL2, 2, PCI_EXP_LNKCTL2_HASD);
}

/* PCIe 6.0, 7.5.3; what a function level reset keeps: 6.6.2 */
static void pcie_fill(struct config *config, const struct function_params *params)
{
	unsigned int at = config->pcie;

	initial(config, at + PCI_EXP_FLAGS, 2, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
	/* 512 bytes, extended tags, any latency accepted */
	initial(config, at + PCI_EXP_DEVCAP, 4,
		2 | PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_L0S | PCI_EXP_DEVCAP_L1 |
		PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR);
	initial(config, at + PCI_EXP_DEVCTL, 2,
		PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B);
	writable(config, at + PCI_EXP_DEVCTL, 2,
		 0xffff & ~(PCI_EXP_DEVCTL_PHANTOM | PCI_EXP_DEVCTL_AUX_PME));
	kept(config, at + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_PAYLOAD);
	clearable(config, at + PCI_EXP_DEVSTA, 2,
		  PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED |
		  PCI_EXP_DEVSTA_URD);
	link_fill(config, params);
	/* Completion Timeout ranges A to D, and its disable */
	initial(config, at + PCI_EXP_DEVCAP2, 4, 0x1f | (params->ltr ? PCI_EXP_DEVCAP2_LTR : 0));
	writable(config, at + PCI_EXP_DEVCTL2, 2,
		 0x1f | (params->ltr ? PCI_EXP_DEVCTL2_LTR_EN : 0));
}

/* Appends an extended capability; its place. */
static uint16_t extended_add(struct config *config, unsigned int *last, uint16_t id,
			     unsigned int version, unsigned int at)
{
	uint32_t header;

	/* The chain begins at 100h: the first one must be there. */
	if (!*last)
		at = PCI_CFG_SPACE_SIZE;
	initial(config, at, 4, id | version << 16);
	if (*last) {
		memcpy(&header, config->initial + *last, 4);
		initial(config, *last, 4, header | at << 20);
	}
	*last = at;
	return at;
}

/* PCIe 6.0, 7.8.4 */
static void aer_fill(struct config *config)
{
	unsigned int at = config->aer;
	uint32_t fatal = PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_RX_OVER |
			 PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_INTN;

	clearable(config, at + PCI_ERR_UNCOR_STATUS, 4, AER_UNCORRECTABLE);
	writable(config, at + PCI_ERR_UNCOR_MASK, 4, AER_UNCORRECTABLE);
	initial(config, at + PCI_ERR_UNCOR_MASK, 4, PCI_ERR_UNC_INTN);
	initial(config, at + PCI_ERR_UNCOR_SEVER, 4, fatal);
	writable(config, at + PCI_ERR_UNCOR_SEVER, 4, AER_UNCORRECTABLE);
	clearable(config, at + PCI_ERR_COR_STATUS, 4, AER_CORRECTABLE);
	initial(config, at + PCI_ERR_COR_MASK, 4,
		PCI_ERR_COR_ADV_NFAT | PCI_ERR_COR_INTERNAL | PCI_ERR_COR_LOG_OVER);
	writable(config, at + PCI_ERR_COR_MASK, 4, AER_CORRECTABLE);
	memset(config->sticky + at + PCI_ERR_UNCOR_STATUS, 0xff,
	       PCI_ERR_ROOT_COMMAND - PCI_ERR_UNCOR_STATUS);
}

static void l1ss_fill(struct config *config, unsigned int at)
{
	initial(config, at + PCI_L1SS_CAP, 4, L1SS_SUPPORTED | L1SS_TIMES);
	writable(config, at + PCI_L1SS_CTL1, 4,
		 PCI_L1SS_CTL1_L1SS_MASK | PCI_L1SS_CTL1_LTR_L12_TH_VALUE |
		 PCI_L1SS_CTL1_LTR_L12_TH_SCALE);
	writable(config, at + PCI_L1SS_CTL2, 4, 0xfb);
	kept(config, at + PCI_L1SS_CTL1, 4, ~0U);
	kept(config, at + PCI_L1SS_CTL2, 4, ~0U);
}

static void extended_fill(struct config *config, const struct function_params *params)
{
	unsigned int last = 0, at;

	if (params->aer) {
		config->aer = extended_add(config, &last, PCI_EXT_CAP_ID_ERR, 2, AT_AER);
		aer_fill(config);
	}
	if (params->serial_number) {
		at = extended_add(config, &last, PCI_EXT_CAP_ID_DSN, 1, AT_SERIAL);
		initial(config, at + 4, 4, params->serial_number);
		initial(config, at + 8, 4, params->serial_number >> 32);
	}
	if (params->l1ss) {
		at = extended_add(config, &last, PCI_EXT_CAP_ID_L1SS, 1, AT_L1SS);
		l1ss_fill(config, at);
	}
	if (params->ltr) {
		at = extended_add(config, &last, PCI_EXT_CAP_ID_LTR, 1, AT_LTR);
		writable(config, at + PCI_LTR_MAX_SNOOP_LAT, 2, LTR_LATENCY);
		writable(config, at + PCI_LTR_MAX_NOSNOOP_LAT, 2, LTR_LATENCY);
	}
}

int config_init(struct function *function)
{
	const struct function_params *params = &function->params;
	struct config *config = &function->config;
	unsigned int link = PCI_CAPABILITY_LIST;

	config->length = params->pcie ? CONFIG_LENGTH : PCI_CFG_SPACE_SIZE;
	header_add(config, function);
	if (params->pm) {
		config->pm = capability_add(config, &link, PCI_CAP_ID_PM, AT_PM);
		pm_fill(config, params);
	}
	if (params->msi_vectors) {
		config->msi = capability_add(config, &link, PCI_CAP_ID_MSI, AT_MSI);
		msi_fill(config, params);
	}
	if (params->msix_vectors) {
		config->msix = capability_add(config, &link, PCI_CAP_ID_MSIX, AT_MSIX);
		msix_fill(config, function);
	}
	if (params->pcie) {
		config->pcie = capability_add(config, &link, PCI_CAP_ID_EXP, AT_PCIE);
		pcie_fill(config, params);
		extended_fill(config, params);
	}
	config_reset(function, FUNCTION_RESET_LOST);
	return 0;
}
