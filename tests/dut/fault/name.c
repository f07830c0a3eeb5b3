// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Names of registers and of PCI Express errors. */
#include <strings.h>

#include <linux/pci_regs.h>
#include <nvme/types.h>

#include "fault/rule.h"

#define COUNT(table)	(sizeof(table) / sizeof((table)[0]))

/* NVMe Base 2.1, 3.1.4 */
static const struct {
	const char *name;
	uint16_t offset, width;
} registers[] = {
	{ "CAP", NVME_REG_CAP, 8 },
	{ "VS", NVME_REG_VS, 4 },
	{ "INTMS", NVME_REG_INTMS, 4 },
	{ "INTMC", NVME_REG_INTMC, 4 },
	{ "CC", NVME_REG_CC, 4 },
	{ "CSTS", NVME_REG_CSTS, 4 },
	{ "NSSR", NVME_REG_NSSR, 4 },
	{ "AQA", NVME_REG_AQA, 4 },
	{ "ASQ", NVME_REG_ASQ, 8 },
	{ "ACQ", NVME_REG_ACQ, 8 },
	{ "CMBLOC", NVME_REG_CMBLOC, 4 },
	{ "CMBSZ", NVME_REG_CMBSZ, 4 },
	{ "BPINFO", NVME_REG_BPINFO, 4 },
	{ "BPRSEL", NVME_REG_BPRSEL, 4 },
	{ "BPMBL", NVME_REG_BPMBL, 8 },
	{ "CMBMSC", NVME_REG_CMBMSC, 8 },
	{ "CMBSTS", NVME_REG_CMBSTS, 4 },
	{ "CRTO", NVME_REG_CRTO, 4 },
};

bool register_named(const char *name, struct range *bytes)
{
	size_t i;

	for (i = 0; i < COUNT(registers); i++) {
		if (strcasecmp(name, registers[i].name))
			continue;
		bytes->first = registers[i].offset;
		bytes->last = bytes->first + registers[i].width - 1;
		return true;
	}
	return false;
}

const char *register_name(uint64_t offset)
{
	size_t i;

	for (i = 0; i < COUNT(registers); i++)
		if (offset >= registers[i].offset &&
		    offset - registers[i].offset < registers[i].width)
			return registers[i].name;
	return NULL;
}

/* PCI Express Base, 7.8.4.2 and 7.8.4.5 */
static const struct {
	const char *name;
	uint32_t uncorrectable, correctable;
} errors[] = {
	{ "receiver", 0, PCI_ERR_COR_RCVR },
	{ "bad-tlp", 0, PCI_ERR_COR_BAD_TLP },
	{ "bad-dllp", 0, PCI_ERR_COR_BAD_DLLP },
	{ "replay-rollover", 0, PCI_ERR_COR_REP_ROLL },
	{ "replay-timeout", 0, PCI_ERR_COR_REP_TIMER },
	{ "advisory", 0, PCI_ERR_COR_ADV_NFAT },
	{ "data-link-protocol", PCI_ERR_UNC_DLP, 0 },
	{ "poisoned-tlp", PCI_ERR_UNC_POISON_TLP, 0 },
	{ "flow-control", PCI_ERR_UNC_FCP, 0 },
	{ "completion-timeout", PCI_ERR_UNC_COMP_TIME, 0 },
	{ "completer-abort", PCI_ERR_UNC_COMP_ABORT, 0 },
	{ "unexpected-completion", PCI_ERR_UNC_UNX_COMP, 0 },
	{ "receiver-overflow", PCI_ERR_UNC_RX_OVER, 0 },
	{ "malformed-tlp", PCI_ERR_UNC_MALF_TLP, 0 },
	{ "ecrc", PCI_ERR_UNC_ECRC, 0 },
	{ "unsupported-request", PCI_ERR_UNC_UNSUP, 0 },
};

bool pci_error_named(const char *name, uint32_t *uncorrectable, uint32_t *correctable)
{
	size_t i;

	for (i = 0; i < COUNT(errors); i++) {
		if (strcasecmp(name, errors[i].name))
			continue;
		*uncorrectable = errors[i].uncorrectable;
		*correctable = errors[i].correctable;
		return true;
	}
	return false;
}

void pci_error_print_names(FILE *out)
{
	size_t i;

	for (i = 0; i < COUNT(errors); i++)
		fprintf(out, "%s%s", i ? " " : "", errors[i].name);
}
