// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What each option is: name, kind, limits, default, help. */
#include "options.h"
#include "options_table.h"

#define K			(1ULL << 10)
#define M			(1ULL << 20)
#define T			(1ULL << 40)
#define MINUTE_NS		60000000000ULL
#define FIELD(field)		offsetof(struct options, field)
#define HEADING(text)		{ .help = text }
#define FLAG(name, field, value, help)						\
	{ name, FIELD(field), OPTION_FLAG, 0, 0, value, help }
#define NUMBER(name, field, min, max, value, help)				\
	{ name, FIELD(field), OPTION_NUMBER, min, max, value, help }
#define SIZE(name, field, min, max, value, help)				\
	{ name, FIELD(field), OPTION_SIZE, min, max, value, help }
#define TIME(name, field, value, help)						\
	{ name, FIELD(field), OPTION_TIME, 0, 60 * MINUTE_NS, value, help }
#define TEXT(name, field, max, value, help)					\
	{ name, FIELD(field), OPTION_TEXT, 1, max, value, help }
#define LATENCY(name, field, help)						\
	{ name, FIELD(field), OPTION_LATENCY, 0, MINUTE_NS, "0", help }

const struct option_entry option_entries[] = {
	HEADING("Storage"),
	TEXT("store", store, 4000, NULL, "folder that keeps data and state; without: memory only"),
	{ "seed", FIELD(seed), OPTION_WIDE, 0, UINT64_MAX, "1",
	  "of all that is random: latency, power cuts, prob= of faults" },
	SIZE("size", size, 64 * K, 64 * T, "1G", "bytes of each namespace"),
	SIZE("capacity", capacity, 0, 256 * T, "0",
	     "bytes in all (TNVMCAP); 0: twice what the first namespaces have"),
	NUMBER("namespaces", namespaces, 0, 128, "1", "attached at first"),
	NUMBER("max-namespaces", max_namespaces, 1, 128, "16", "NN and MNAN"),
	NUMBER("lba", lba, 512, 4096, "512", "bytes of a logical block: 512 or 4096"),
	NUMBER("metadata", metadata, 0, 64, "0", "bytes of metadata of a block: 0, 8, 16 or 64"),
	FLAG("extended", extended, "off", "metadata at the end of the block, not in a buffer of its own"),
	NUMBER("pi", pi, 0, 3, "0", "protection information type; needs metadata"),
	FLAG("pi-first", pi_first, "off", "protection information in the first bytes of the metadata"),
	FLAG("vwc", vwc, "on", "volatile write cache"),
	SIZE("cache", cache, 4 * K, 1024 * M, "32M", "bytes of the write cache"),
	NUMBER("awun", awun, 0, 65535, "65535", "blocks written atomically, 0's based"),
	NUMBER("awupf", awupf, 0, 65535, "0", "the same when power is cut, 0's based"),
	FLAG("zns", zns, "off", "the namespaces are zoned"),
	SIZE("zone-size", zone_size, 4 * K, T, "16M", "bytes of a zone, a power of two"),
	SIZE("zone-capacity", zone_capacity, 0, T, "0", "bytes that can be written; 0: all of it"),
	NUMBER("zone-open", zone_open, 0, 65536, "14", "open zones at most; 0: no limit"),
	NUMBER("zone-active", zone_active, 0, 65536, "14", "active zones at most; 0: no limit"),
	NUMBER("zasl", zasl, 0, 16, "0", "Zone Append limit, 2 to this power pages; 0: as mdts"),

	HEADING("PCI"),
	NUMBER("msix", msix, 0, 2048, "65", "MSI-X vectors; 0: no capability"),
	NUMBER("msi", msi, 0, 32, "32", "MSI vectors, a power of two; 0: no capability"),
	FLAG("intx", intx, "on", "INTA#"),
	FLAG("aer", aer_cap, "on", "Advanced Error Reporting"),
	FLAG("l1ss", l1ss, "on", "L1 PM Substates"),
	FLAG("ltr", ltr, "on", "Latency Tolerance Reporting"),
	{ "doorbells", FIELD(doorbells_mapped), OPTION_DOORBELLS, 0, 0, "mapped",
	  "mapped: the client may map them, and they are polled; trapped: each write is a message" },
	SIZE("cmb", cmb, 0, 1024 * M, "0", "Controller Memory Buffer, a power of two from 1M; 0: none"),

	HEADING("Controller"),
	TEXT("serial", serial, 20, "NVTDUT0001", "serial number"),
	TEXT("model", model, 40, "nvt-dut model", "model number"),
	TEXT("firmware", firmware_revision, 8, "1.0", "firmware revision"),
	NUMBER("queues", queues, 1, 2047, "16", "I/O queue pairs"),
	NUMBER("entries", entries, 2, 65536, "1024", "of a queue (CAP.MQES + 1)"),
	FLAG("contiguous", contiguous, "off", "queues must be contiguous (CAP.CQR)"),
	NUMBER("dstrd", dstrd, 0, 8, "0", "doorbell stride: 4 bytes times 2 to this power"),
	NUMBER("mpsmin", mpsmin, 0, 4, "0", "memory page: 4 KiB times 2 to this power, at least"),
	NUMBER("mpsmax", mpsmax, 0, 4, "4", "and at most"),
	NUMBER("timeout", timeout, 1, 255, "10", "CAP.TO in units of 500 ms"),
	TIME("ready", ready_ns, "0", "from CC.EN to CSTS.RDY"),
	TIME("shutdown", shutdown_ns, "0", "from CC.SHN to CSTS.SHST"),
	FLAG("wrr", wrr, "on", "weighted round robin with urgent class"),
	FLAG("coalescing", coalescing, "on", "interrupt coalescing"),
	FLAG("nssr", nssr, "on", "NVM Subsystem Reset"),
	NUMBER("mdts", mdts, 0, 12, "7", "maximum transfer, 2 to this power pages; 0: no limit"),
	NUMBER("crdt", crdt, 0, 65535, "1", "CRDT1 in 100 ms: when to retry a command that found it busy"),
	NUMBER("acl", acl, 0, 255, "3", "Abort commands at once, 0's based"),
	NUMBER("aerl", aerl, 0, 255, "7", "Asynchronous Event Requests at once, 0's based"),
	NUMBER("elpe", elpe, 0, 255, "63", "entries of the error log, 0's based"),
	NUMBER("power-states", power_states, 1, 5, "5", "the last two of more than 2 are non-operational"),
	FLAG("apst", apst, "on", "autonomous power state transitions"),
	FLAG("hctm", hctm, "on", "host controlled thermal management"),
	SIZE("hmb", hmb, 0, 1024 * M, "16M", "Host Memory Buffer wanted, in 4K; 0: none"),
	FLAG("dbbuf", dbbuf, "on", "Doorbell Buffer Config"),
	FLAG("sgl", sgl, "on", "SGLs"),

	HEADING("Admin commands"),
	FLAG("format", format, "on", "Format NVM"),
	FLAG("sanitize", sanitize, "on", "Sanitize"),
	FLAG("self-test", self_test, "on", "Device Self-test"),
	FLAG("ns-management", ns_management, "on", "Namespace Management and Attachment"),
	FLAG("security", security, "on", "Security Send and Receive"),
	FLAG("telemetry", telemetry, "on", "telemetry logs"),
	FLAG("persistent-event", persistent_event, "on", "persistent event log"),
	FLAG("mi", mi, "on", "NVMe-MI Send and Receive"),
	NUMBER("firmware-slots", firmware_slots, 0, 7, "3", "0: no firmware commands"),
	SIZE("boot-partition", boot_partition, 0, 4 * M, "128K",
	     "bytes of each of the two, in 128K; 0: none"),
	FLAG("timestamp", timestamp, "on", "Timestamp feature"),
	TIME("self-test-time", self_test_ns, "1s", "of a short self-test"),
	TIME("self-test-extended-time", self_test_extended_ns, "3s", "of an extended one"),
	TIME("format-time", format_ns, "200ms", "of a format"),
	TIME("sanitize-time", sanitize_ns, "2s", "of a sanitize"),

	HEADING("NVM commands"),
	FLAG("compare", compare, "on", "Compare"),
	FLAG("fused", fused, "on", "fused Compare and Write"),
	FLAG("copy", copy, "on", "Copy"),
	FLAG("verify", verify, "on", "Verify"),
	FLAG("write-zeroes", write_zeroes, "on", "Write Zeroes"),
	FLAG("write-uncorrectable", write_uncorrectable, "on", "Write Uncorrectable"),
	FLAG("dsm", dsm, "on", "Dataset Management"),
	FLAG("reservations", reservations, "on", "reservations"),
	FLAG("write-protect", write_protect, "on", "namespace write protection"),
	FLAG("lba-status", lba_status, "on", "Get LBA Status"),

	HEADING("Timing"),
	LATENCY("read", read, "latency of reads: MEAN[+-SPREAD][/SHAPE][@EACH-KIB]"),
	LATENCY("write", write, "latency of writes"),
	LATENCY("flush", flush, "latency of flushes"),
	LATENCY("admin", admin, "latency of admin commands"),
	LATENCY("other", other, "latency of all others"),
	NUMBER("parallelism", parallelism, 0, 65536, "0", "commands in service at once; 0: no limit"),
	NUMBER("slots", slots, 1, 65536, "1024", "I/O commands fetched and not completed at once"),
	{ "iops", FIELD(iops), OPTION_WIDE, 0, 1000000000, "0", "commands a second; 0: no limit" },
	SIZE("bandwidth", bandwidth, 0, T, "0", "bytes a second; 0: no limit"),
};

const size_t option_count = sizeof(option_entries) / sizeof(option_entries[0]);
