/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the command line says of the device: every part of it can be switched off or sized. */
#ifndef DUT_OPTIONS_H
#define DUT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* How long commands of one kind take. */
enum latency_shape { LATENCY_FIXED, LATENCY_UNIFORM, LATENCY_EXPONENTIAL, LATENCY_NORMAL };

struct latency {
	uint64_t mean_ns;
	uint64_t spread_ns;		/* half the width, or the standard deviation */
	uint64_t per_kib_ns;		/* added for each KiB of data */
	enum latency_shape shape;
};

struct options {
	/* Storage */
	char *store;			/* folder; NULL: memory only */
	uint64_t seed;
	uint64_t size;			/* bytes of each namespace at first */
	uint64_t capacity;		/* bytes in all (TNVMCAP); 0: twice what the namespaces have */
	uint32_t namespaces;		/* attached at first */
	uint32_t max_namespaces;	/* NN and MNAN */
	uint32_t lba;			/* bytes of a block: 512 or 4096 */
	uint32_t metadata;		/* bytes: 0, 8, 16, 64 */
	bool extended;			/* metadata at the end of the block */
	uint32_t pi;			/* protection information type */
	bool pi_first;			/* in the first eight bytes of the metadata */
	bool vwc;			/* volatile write cache */
	uint64_t cache;			/* bytes of it */
	uint32_t awun, awupf;		/* blocks, 0's based */
	bool zns;
	uint64_t zone_size, zone_capacity;	/* bytes */
	uint32_t zone_open, zone_active;	/* 0: no limit */
	uint32_t zasl;			/* maximum Zone Append, 2 to this power pages; 0: MDTS */

	/* PCI */
	uint32_t msix, msi;		/* vectors; 0: no capability */
	bool intx;
	bool aer_cap, l1ss, ltr;
	bool doorbells_mapped;
	uint64_t cmb;			/* bytes; 0: none */

	/* Controller */
	char *serial, *model, *firmware_revision;
	uint32_t queues;		/* I/O queue pairs */
	uint32_t entries;		/* CAP.MQES + 1 */
	bool contiguous;		/* CAP.CQR: queues must be */
	uint32_t dstrd, mpsmin, mpsmax;	/* as in CAP */
	uint32_t timeout;		/* CAP.TO, in 500 ms */
	uint64_t ready_ns;		/* CC.EN to CSTS.RDY */
	uint64_t shutdown_ns;
	bool wrr;			/* weighted round robin with urgent class */
	bool coalescing;
	bool nssr;
	uint32_t crdt;			/* CRDT1; 0: none */
	uint32_t mdts;			/* 2 to this power pages; 0: no limit */
	uint32_t acl, aerl;		/* 0's based */
	uint32_t elpe;			/* error log entries, 0's based */
	uint32_t power_states;		/* 1 to 5; the last two of more than 2 are non-operational */
	bool apst, hctm;
	uint64_t hmb;			/* bytes preferred; 0: no host memory buffer */
	bool dbbuf;
	bool sgl;

	/* Admin commands */
	bool format, sanitize, self_test, ns_management, security, telemetry, persistent_event, mi;
	uint32_t firmware_slots;	/* 0: no firmware commands */
	uint64_t boot_partition;	/* bytes of each of the two; 0: none */
	bool timestamp;
	uint64_t self_test_ns, self_test_extended_ns;
	uint64_t format_ns, sanitize_ns;

	/* NVM commands */
	bool compare, fused, copy, verify, write_zeroes, write_uncorrectable, dsm, reservations,
	     write_protect, lba_status;

	/* Timing */
	struct latency read, write, flush, admin, other;
	uint32_t parallelism;		/* commands in service at once; 0: no limit */
	uint32_t slots;			/* commands fetched and not completed at once */
	uint64_t iops, bandwidth;	/* a second; 0: no limit */
};

/* The defaults. */
void options_init(struct options *options);
void options_free(struct options *options);

/*
 * "NAME[=VALUE],..." into @options. 0, or -EINVAL with one line in @error that
 * says what is wrong and what is wanted.
 */
int options_parse(struct options *options, const char *text, char *error, size_t size);

/* What cannot stand together, and what follows from other options (capacity); as above. */
int options_finish(struct options *options, char *error, size_t size);

void options_help(FILE *out);

#endif /* DUT_OPTIONS_H */
