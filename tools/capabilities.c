// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <linux/pci_regs.h>
#include <string.h>

#include "capabilities.h"

#define FIRST		0x40
#define MAX_LEGACY	((256 - FIRST) / 4)
#define EXT_FIRST	0x100
#define MAX_EXT		((4096 - EXT_FIRST) / 4)

static const char *const names[] = {
	[0x01] = "Power Management",
	[0x03] = "Vital Product Data",
	[0x04] = "Slot Identification",
	[0x05] = "MSI",
	[0x07] = "PCI-X",
	[0x08] = "HyperTransport",
	[0x09] = "Vendor-Specific",
	[0x0a] = "Debug Port",
	[0x0c] = "Hot-Plug Controller",
	[0x0d] = "Subsystem ID",
	[0x0f] = "Secure Device",
	[0x10] = "PCI Express",
	[0x11] = "MSI-X",
	[0x12] = "SATA",
	[0x13] = "Advanced Features",
	[0x14] = "Enhanced Allocation",
	[0x15] = "Flattening Portal Bridge",
};

static const char *const ext_names[] = {
	[0x01] = "Advanced Error Reporting",
	[0x02] = "Virtual Channel",
	[0x03] = "Device Serial Number",
	[0x04] = "Power Budgeting",
	[0x05] = "Root Complex Link Declaration",
	[0x06] = "Root Complex Internal Link Control",
	[0x07] = "Root Complex Event Collector",
	[0x08] = "Multi-Function Virtual Channel",
	[0x09] = "Virtual Channel",
	[0x0b] = "Vendor-Specific",
	[0x0d] = "Access Control Services",
	[0x0e] = "Alternative Routing-ID Interpretation",
	[0x0f] = "Address Translation Services",
	[0x10] = "Single Root I/O Virtualization",
	[0x11] = "Multi-Root I/O Virtualization",
	[0x12] = "Multicast",
	[0x13] = "Page Request Interface",
	[0x15] = "Resizable BAR",
	[0x16] = "Dynamic Power Allocation",
	[0x17] = "TPH Requester",
	[0x18] = "Latency Tolerance Reporting",
	[0x19] = "Secondary PCI Express",
	[0x1b] = "Process Address Space ID",
	[0x1d] = "Downstream Port Containment",
	[0x1e] = "L1 PM Substates",
	[0x1f] = "Precision Time Measurement",
	[0x21] = "FRS Queueing",
	[0x22] = "Readiness Time Reporting",
	[0x23] = "Designated Vendor-Specific",
	[0x24] = "VF Resizable BAR",
	[0x25] = "Data Link Feature",
	[0x26] = "Physical Layer 16.0 GT/s",
	[0x27] = "Lane Margining at the Receiver",
	[0x28] = "Hierarchy ID",
	[0x29] = "Native PCIe Enclosure Management",
	[0x2a] = "Physical Layer 32.0 GT/s",
	[0x2b] = "Alternate Protocol",
	[0x2c] = "System Firmware Intermediary",
	[0x2d] = "Shadow Functions",
	[0x2e] = "Data Object Exchange",
	[0x2f] = "Device 3",
	[0x30] = "Integrity and Data Encryption",
	[0x31] = "Physical Layer 64.0 GT/s",
};

static const char *name_in(const char *const *table, size_t n, uint16_t id)
{
	return id < n && table[id] ? table[id] : "unknown";
}

static struct capability make(uint16_t offset, uint16_t id, bool extended)
{
	const char *name = extended ? name_in(ext_names, sizeof(ext_names) / sizeof(char *), id) :
				      name_in(names, sizeof(names) / sizeof(char *), id);

	return (struct capability){ offset, id, extended, name };
}

static size_t find_legacy(const uint8_t *config, struct capability *caps)
{
	uint8_t offset = config[PCI_CAPABILITY_LIST] & ~3;
	size_t n = 0;

	if (!(config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return 0;
	while (offset >= FIRST && n < MAX_LEGACY) {
		caps[n++] = make(offset, config[offset], false);
		offset = config[offset + PCI_CAP_LIST_NEXT] & ~3;
	}
	return n;
}

static size_t find_extended(const uint8_t *config, size_t size, struct capability *caps)
{
	uint32_t header, offset = EXT_FIRST;
	size_t n = 0;

	while (offset >= EXT_FIRST && offset + sizeof(header) <= size && n < MAX_EXT) {
		memcpy(&header, config + offset, sizeof(header));
		if (!header || header == UINT32_MAX)
			break;
		caps[n++] = make(offset, header & 0xffff, true);
		offset = header >> 20 & ~3U;
	}
	return n;
}

size_t capabilities_find(const uint8_t *config, size_t size,
			 struct capability caps[MAX_CAPABILITIES])
{
	size_t n = find_legacy(config, caps);

	return n + find_extended(config, size, caps + n);
}
