// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "output.h"
#include "registers.h"

const struct reg registers[] = {
	{ "CAP", 0x00, 8, "Controller Capabilities" },
	{ "VS", 0x08, 4, "Version" },
	{ "INTMS", 0x0c, 4, "Interrupt Mask Set" },
	{ "INTMC", 0x10, 4, "Interrupt Mask Clear" },
	{ "CC", 0x14, 4, "Controller Configuration" },
	{ "CSTS", 0x1c, 4, "Controller Status" },
	{ "NSSR", 0x20, 4, "NVM Subsystem Reset" },
	{ "AQA", 0x24, 4, "Admin Queue Attributes" },
	{ "ASQ", 0x28, 8, "Admin Submission Queue Base Address" },
	{ "ACQ", 0x30, 8, "Admin Completion Queue Base Address" },
	{ "CMBLOC", 0x38, 4, "Controller Memory Buffer Location" },
	{ "CMBSZ", 0x3c, 4, "Controller Memory Buffer Size" },
	{ "BPINFO", 0x40, 4, "Boot Partition Information" },
	{ "BPRSEL", 0x44, 4, "Boot Partition Read Select" },
	{ "BPMBL", 0x48, 8, "Boot Partition Memory Buffer Location" },
	{ "CMBMSC", 0x50, 8, "Controller Memory Buffer Memory Space Control" },
	{ "CMBSTS", 0x58, 4, "Controller Memory Buffer Status" },
	{ "CMBEBS", 0x5c, 4, "Controller Memory Buffer Elasticity Buffer Size" },
	{ "CMBSWTP", 0x60, 4, "Controller Memory Buffer Sustained Write Throughput" },
	{ "NSSD", 0x64, 4, "NVM Subsystem Shutdown" },
	{ "CRTO", 0x68, 4, "Controller Ready Timeouts" },
	{ "PMRCAP", 0xe00, 4, "Persistent Memory Region Capabilities" },
	{ "PMRCTL", 0xe04, 4, "Persistent Memory Region Control" },
	{ "PMRSTS", 0xe08, 4, "Persistent Memory Region Status" },
	{ "PMREBS", 0xe0c, 4, "Persistent Memory Region Elasticity Buffer Size" },
	{ "PMRSWTP", 0xe10, 4, "Persistent Memory Region Sustained Write Throughput" },
	{ "PMRMSCL", 0xe14, 4, "Persistent Memory Region Memory Space Control Lower" },
	{ "PMRMSCU", 0xe18, 4, "Persistent Memory Region Memory Space Control Upper" },
	{ NULL },
};

/* What a field's value v stands for. */
enum meaning {
	PLAIN,		/* itself */
	PLUS_1,		/* v + 1 */
	HALF_SECONDS,	/* v * 500 */
	SHIFT_1,	/* 1 << v */
	SHIFT_4,	/* 4 << v */
	SHIFT_PAGE,	/* 4096 << v */
};

struct bits {
	const char *reg;
	const char *name;
	uint8_t low;
	uint8_t width;
	enum meaning meaning;
	const char *title;	/* with a meaning: its unit; else what the field is */
};

static const struct bits bits[] = {
	{ "CAP", "MQES", 0, 16, PLUS_1, "entries of a queue at most" },
	{ "CAP", "CQR", 16, 1, PLAIN, "contiguous queues required" },
	{ "CAP", "AMS", 17, 2, PLAIN, "arbitration: 1 weighted round robin, 2 vendor's" },
	{ "CAP", "TO", 24, 8, HALF_SECONDS, "ms until ready at most" },
	{ "CAP", "DSTRD", 32, 4, SHIFT_4, "bytes from doorbell to doorbell" },
	{ "CAP", "NSSRS", 36, 1, PLAIN, "NVM subsystem reset" },
	{ "CAP", "CSS", 37, 8, PLAIN, "command sets: 1 NVM, 40h by CC.CSS, 80h admin only" },
	{ "CAP", "BPS", 45, 1, PLAIN, "boot partitions" },
	{ "CAP", "CPS", 46, 2, PLAIN, "power scope: 1 controller, 2 domain, 3 subsystem" },
	{ "CAP", "MPSMIN", 48, 4, SHIFT_PAGE, "bytes of a page at least" },
	{ "CAP", "MPSMAX", 52, 4, SHIFT_PAGE, "bytes of a page at most" },
	{ "CAP", "PMRS", 56, 1, PLAIN, "persistent memory region" },
	{ "CAP", "CMBS", 57, 1, PLAIN, "controller memory buffer" },
	{ "CAP", "NSSS", 58, 1, PLAIN, "NVM subsystem shutdown" },
	{ "CAP", "CRMS", 59, 2, PLAIN, "ready modes: 1 with media, 2 independent of media" },
	{ "CAP", "NSSES", 61, 1, PLAIN, "enhanced NVM subsystem shutdown" },
	{ "VS", "MJR", 16, 16, PLAIN, "major version" },
	{ "VS", "MNR", 8, 8, PLAIN, "minor version" },
	{ "VS", "TER", 0, 8, PLAIN, "tertiary version" },
	{ "CC", "EN", 0, 1, PLAIN, "enable" },
	{ "CC", "CSS", 4, 3, PLAIN, "command set: 0 NVM, 6 all, 7 admin only" },
	{ "CC", "MPS", 7, 4, SHIFT_PAGE, "bytes of a page" },
	{ "CC", "AMS", 11, 3, PLAIN, "arbitration: 0 round robin, 1 weighted, 7 vendor's" },
	{ "CC", "SHN", 14, 2, PLAIN, "shutdown: 0 none, 1 normal, 2 abrupt" },
	{ "CC", "IOSQES", 16, 4, SHIFT_1, "bytes of a submission queue entry" },
	{ "CC", "IOCQES", 20, 4, SHIFT_1, "bytes of a completion queue entry" },
	{ "CC", "CRIME", 24, 1, PLAIN, "ready independent of media" },
	{ "CSTS", "RDY", 0, 1, PLAIN, "ready" },
	{ "CSTS", "CFS", 1, 1, PLAIN, "controller fatal status" },
	{ "CSTS", "SHST", 2, 2, PLAIN, "shutdown: 0 none, 1 under way, 2 complete" },
	{ "CSTS", "NSSRO", 4, 1, PLAIN, "NVM subsystem reset occurred" },
	{ "CSTS", "PP", 5, 1, PLAIN, "processing paused" },
	{ "CSTS", "ST", 6, 1, PLAIN, "shutdown type: 0 controller, 1 subsystem" },
	{ "AQA", "ASQS", 0, 12, PLUS_1, "entries of the admin submission queue" },
	{ "AQA", "ACQS", 16, 12, PLUS_1, "entries of the admin completion queue" },
	{ "CMBLOC", "BIR", 0, 3, PLAIN, "BAR" },
	{ "CMBLOC", "OFST", 12, 20, PLAIN, "offset, in units of CMBSZ.SZU" },
	{ "CMBSZ", "SQS", 0, 1, PLAIN, "submission queues" },
	{ "CMBSZ", "CQS", 1, 1, PLAIN, "completion queues" },
	{ "CMBSZ", "LISTS", 2, 1, PLAIN, "PRP and SGL lists" },
	{ "CMBSZ", "RDS", 3, 1, PLAIN, "data of reads" },
	{ "CMBSZ", "WDS", 4, 1, PLAIN, "data of writes" },
	{ "CMBSZ", "SZU", 8, 4, PLAIN, "unit: 4 KiB times 16 to this power" },
	{ "CMBSZ", "SZ", 12, 20, PLAIN, "size, in units of SZU" },
	{ "CMBMSC", "CRE", 0, 1, PLAIN, "its registers are enabled" },
	{ "CMBMSC", "CMSE", 1, 1, PLAIN, "its memory space is enabled" },
	{ "CRTO", "CRWMT", 0, 16, HALF_SECONDS, "ms until ready with media at most" },
	{ "CRTO", "CRIMT", 16, 16, HALF_SECONDS, "ms until ready without media at most" },
	{ "PMRCAP", "RDS", 3, 1, PLAIN, "data of reads" },
	{ "PMRCAP", "WDS", 4, 1, PLAIN, "data of writes" },
	{ "PMRCAP", "BIR", 5, 3, PLAIN, "BAR" },
	{ "PMRCAP", "PMRTU", 8, 2, PLAIN, "unit of PMRTO: 0 500 ms, 1 minutes" },
	{ "PMRCAP", "PMRWBM", 10, 4, PLAIN, "write barriers: 1 any read, 2 read of PMRSTS" },
	{ "PMRCAP", "PMRTO", 16, 8, PLAIN, "until ready at most, in units of PMRTU" },
	{ "PMRCAP", "CMSS", 24, 1, PLAIN, "memory space by PMRMSC" },
	{ "PMRCTL", "EN", 0, 1, PLAIN, "enable" },
	{ "PMRSTS", "ERR", 0, 8, PLAIN, "error" },
	{ "PMRSTS", "NRDY", 8, 1, PLAIN, "not ready" },
	{ "PMRSTS", "HSTS", 9, 3, PLAIN, "health: 0 normal" },
	{ "PMRSTS", "CBAI", 12, 1, PLAIN, "controller base address invalid" },
};

#define NR_BITS	(sizeof(bits) / sizeof(bits[0]))

const struct reg *register_find(const char *name)
{
	const struct reg *reg;

	for (reg = registers; reg->name; reg++)
		if (!strcasecmp(name, reg->name))
			return reg;
	return NULL;
}

static uint64_t extract(const struct bits *field, uint64_t value)
{
	return value >> field->low & ((1ULL << field->width) - 1);
}

static uint64_t meaning_of(const struct bits *field, uint64_t v)
{
	switch (field->meaning) {
	case PLUS_1:
		return v + 1;
	case HALF_SECONDS:
		return v * 500;
	case SHIFT_1:
		return 1ULL << v;
	case SHIFT_4:
		return 4ULL << v;
	case SHIFT_PAGE:
		return 4096ULL << v;
	default:
		return v;
	}
}

void register_print_fields(const struct reg *reg, uint64_t value)
{
	size_t i;

	for (i = 0; i < NR_BITS; i++) {
		const struct bits *field = &bits[i];
		unsigned long long v = extract(field, value);

		if (strcmp(field->reg, reg->name))
			continue;
		printf("  %-7s %#-8llx", field->name, v);
		if (field->meaning != PLAIN)
			printf("%llu ", (unsigned long long)meaning_of(field, v));
		puts(field->title);
	}
}

void register_add_fields(const struct reg *reg, uint64_t value, struct json_object *object)
{
	struct json_object *fields = json_object_new_object();
	size_t i;

	for (i = 0; i < NR_BITS; i++)
		if (!strcmp(bits[i].reg, reg->name))
			json_add_number(fields, bits[i].name, extract(&bits[i], value));
	json_object_object_add(object, "fields", fields);
}
