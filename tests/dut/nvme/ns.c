// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The namespaces of the subsystem, and the table of them that is kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/ctrl.h"
#include "nvme/ns.h"
#include "nvme/protection.h"
#include "nvme/reservation.h"
#include "nvme/status.h"
#include "nvme/store.h"
#include "nvme/subsys.h"
#include "nvme/zns.h"
#include "options.h"

/* What the state keeps of a namespace. */
struct entry {
	uint8_t used, csi, lbaf, extended, pi, pi_first, shared, protection;
	uint32_t attached;
	uint32_t pad;
	uint64_t nsze, ncap;
	uint8_t nguid[16], eui64[8];
};

struct table {
	uint32_t filled;		/* the first namespaces have been made */
	uint32_t made;			/* namespaces ever made, for their identifiers */
	struct entry entry[];		/* by NSID - 1 */
};

static struct table *table_of(struct subsys *subsys)
{
	return state_section(subsys, "namespaces", sizeof(struct table) +
			     subsys->options->max_namespaces * sizeof(struct entry));
}

bool ns_lbaf(unsigned int index, uint32_t *lba_shift, uint32_t *ms)
{
	static const uint32_t metadata[] = { 0, 8, 16, 64 };

	if (index >= NS_LBAFS)
		return false;
	*lba_shift = index < NS_LBAFS / 2 ? 9 : 12;
	*ms = metadata[index % (NS_LBAFS / 2)];
	return true;
}

struct ns *ns_find(const struct subsys *subsys, uint32_t nsid)
{
	return nsid && nsid <= subsys->options->max_namespaces ? subsys->ns[nsid] : NULL;
}

struct ns *ns_attached(const struct ctrl *ctrl, uint32_t nsid)
{
	struct ns *ns = ns_find(ctrl->subsys, nsid);

	return ns && ns->attached & 1U << ctrl->index ? ns : NULL;
}

static void save(const struct ns *ns)
{
	struct entry *entry = &table_of(ns->subsys)->entry[ns->nsid - 1];

	*entry = (struct entry){ .used = true, .csi = ns->csi, .lbaf = ns->lbaf,
				 .extended = ns->extended, .pi = ns->pi, .pi_first = ns->pi_first,
				 .shared = ns->shared, .protection = ns->protection,
				 .attached = ns->attached, .nsze = ns->nsze, .ncap = ns->ncap };
	memcpy(entry->nguid, ns->nguid, sizeof(entry->nguid));
	memcpy(entry->eui64, ns->eui64, sizeof(entry->eui64));
}

static void take_format(struct ns *ns, const struct ns *want)
{
	ns->lbaf = want->lbaf;
	ns_lbaf(ns->lbaf, &ns->lba_shift, &ns->ms);
	ns->extended = want->extended && ns->ms;
	ns->pi = want->pi;
	ns->pi_first = want->pi_first && want->pi;
}

static struct ns *load(struct subsys *subsys, const struct entry *entry, uint32_t nsid)
{
	struct ns *ns = calloc(1, sizeof(*ns));

	if (!ns)
		return NULL;
	*ns = (struct ns){ .subsys = subsys, .nsid = nsid, .csi = entry->csi, .lbaf = entry->lbaf,
			   .extended = entry->extended, .pi = entry->pi,
			   .pi_first = entry->pi_first, .shared = entry->shared,
			   .protection = entry->protection, .attached = entry->attached,
			   .nsze = entry->nsze, .ncap = entry->ncap };
	memcpy(ns->nguid, entry->nguid, sizeof(ns->nguid));
	memcpy(ns->eui64, entry->eui64, sizeof(ns->eui64));
	return ns;
}

static bool open_store(struct ns *ns, bool anew)
{
	ns->store = store_open(ns->subsys, ns->nsid, ns->nsze, ns->lba_shift, ns->ms, anew);
	if (ns->store)
		ns->store->sequential = ns->csi == NVME_CSI_ZNS;
	return ns->store;
}

static void free_ns(struct ns *ns, bool remove)
{
	store_close(ns->store, remove);
	zns_free(ns->zns);
	reservation_free(ns->reservation);
	free(ns);
}

/* What stands behind a namespace whose fields are set. False: it is freed. */
static bool make_parts(struct ns *ns, bool anew)
{
	if (!ns_lbaf(ns->lbaf, &ns->lba_shift, &ns->ms) || !open_store(ns, anew))
		goto out_free;
	if (anew)
		reservation_forget(ns);
	ns->reservation = reservation_new(ns);
	if (!ns->reservation)
		goto out_free;
	if (ns->csi == NVME_CSI_ZNS) {
		if (anew)
			zns_forget(ns);
		ns->zns = zns_new(ns);
		if (!ns->zns)
			goto out_free;
		ns->ncap = zns_capacity(ns);
	}
	ns->subsys->ns[ns->nsid] = ns;
	return true;

out_free:
	free_ns(ns, anew);
	return false;
}

/* FNV-1a: identifiers that differ, and are the same for the same history. */
static uint64_t hash(uint64_t seed, const void *data, size_t length)
{
	const unsigned char *byte = data;
	uint64_t value = 0xcbf29ce484222325ULL ^ seed;

	while (length--)
		value = (value ^ *byte++) * 0x100000001b3ULL;
	return value;
}

static void set_identifiers(struct ns *ns, uint32_t number)
{
	const char *serial = ns->subsys->options->serial;
	uint64_t part = hash(number, serial, strlen(serial)), other = hash(part, &part, sizeof(part));

	memcpy(ns->eui64, &part, sizeof(part));
	memcpy(ns->nguid, &other, sizeof(other));
	memcpy(ns->nguid + sizeof(other), &part, sizeof(part));
	/* Locally administered: of no vendor. */
	ns->eui64[0] = (ns->eui64[0] & 0xfc) | 2;
	ns->nguid[8] = (ns->nguid[8] & 0xfc) | 2;
}

static uint16_t check_format(const struct ns *want)
{
	uint32_t lba_shift, ms;

	if (!ns_lbaf(want->lbaf, &lba_shift, &ms) || want->pi > 3 ||
	    (want->pi && ms < PROTECTION_LENGTH))
		return SPECIFIC(INVALID_FORMAT);
	return 0;
}

/* NVMe Base 2.1, 5.1.21: what a namespace may be. */
static uint16_t check_want(const struct subsys *subsys, const struct ns *want)
{
	uint32_t lba_shift = 0, ms;
	uint16_t status = check_format(want);

	if (status)
		return status;
	ns_lbaf(want->lbaf, &lba_shift, &ms);
	if (want->csi != NVME_CSI_NVM && (want->csi != NVME_CSI_ZNS || !subsys->options->zns))
		return SPECIFIC(IOCS_NOT_SUPPORTED);
	if (!want->nsze || want->ncap > want->nsze)
		return GENERIC(INVALID_FIELD);
	if (want->csi == NVME_CSI_NVM && want->ncap != want->nsze)
		return SPECIFIC(THIN_PROV_NOT_SUPP);
	if (want->nsze > ns_free_capacity(subsys) >> lba_shift)
		return SPECIFIC(NS_INSUFFICIENT_CAP);
	if (want->csi == NVME_CSI_ZNS && !zns_fits(subsys->options, want->nsze << lba_shift))
		return GENERIC(INVALID_FIELD);
	return 0;
}

static uint32_t free_nsid(const struct subsys *subsys)
{
	uint32_t nsid;

	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++)
		if (!subsys->ns[nsid])
			return nsid;
	return 0;
}

uint16_t ns_create(struct subsys *subsys, const struct ns *want, uint32_t nsid, struct ns **made)
{
	uint16_t status = check_want(subsys, want);
	struct ns *ns;

	if (status)
		return status;
	if (!nsid)
		nsid = free_nsid(subsys);
	if (!nsid || nsid > subsys->options->max_namespaces || subsys->ns[nsid])
		return SPECIFIC(NS_ID_UNAVAILABLE);
	ns = calloc(1, sizeof(*ns));
	if (!ns)
		return GENERIC(INTERNAL);
	*ns = (struct ns){ .subsys = subsys, .nsid = nsid, .csi = want->csi,
			   .shared = want->shared, .nsze = want->nsze, .ncap = want->ncap };
	take_format(ns, want);
	set_identifiers(ns, ++table_of(subsys)->made);
	if (!make_parts(ns, true))
		return GENERIC(INTERNAL);
	save(ns);
	*made = ns;
	return 0;
}

void ns_delete(struct ns *ns)
{
	struct subsys *subsys = ns->subsys;

	if (ns->zns)
		zns_forget(ns);
	reservation_forget(ns);
	memset(&table_of(subsys)->entry[ns->nsid - 1], 0, sizeof(struct entry));
	subsys->ns[ns->nsid] = NULL;
	free_ns(ns, true);
}

static void close_store(struct ns *ns)
{
	store_close(ns->store, true);
	ns->store = NULL;
}

uint16_t ns_format(struct ns *ns, const struct ns *want)
{
	uint64_t bytes = ns->nsze << ns->lba_shift;
	uint32_t lba_shift = ns->lba_shift, ms = ns->ms;
	uint16_t status = check_format(want);

	if (status)
		return status;
	take_format(ns, want);
	if (lba_shift == ns->lba_shift && ms == ns->ms) {
		store_erase(ns->store);
	} else {
		close_store(ns);
		ns->nsze = bytes >> ns->lba_shift;
		ns->ncap = ns->nsze;
		/* A namespace without blocks cannot stay; what was there is gone already. */
		if (!open_store(ns, true)) {
			ns_delete(ns);
			return GENERIC(INTERNAL);
		}
	}
	if (ns->zns) {
		zns_format(ns);
		ns->ncap = zns_capacity(ns);
	}
	save(ns);
	return 0;
}

void ns_attach(struct ns *ns, const struct ctrl *ctrl, bool attach)
{
	if (attach)
		ns->attached |= 1U << ctrl->index;
	else
		ns->attached &= ~(1U << ctrl->index);
	save(ns);
}

void ns_protect(struct ns *ns, enum ns_protection protection)
{
	ns->protection = protection;
	save(ns);
}

void ns_flush(struct ns *ns)
{
	store_flush(ns->store);
}

static void power_on(struct ns *ns)
{
	if (ns->protection == NS_PROTECTED_UNTIL_POWER_CYCLE)
		ns_protect(ns, NS_NOT_PROTECTED);
	if (ns->zns)
		zns_power(ns);
	reservation_power(ns);
}

void ns_power(struct subsys *subsys, bool on, struct random *random)
{
	uint32_t nsid;

	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++) {
		if (!subsys->ns[nsid])
			continue;
		if (on)
			power_on(subsys->ns[nsid]);
		else
			store_power_cut(subsys->ns[nsid]->store, random);
	}
}

uint64_t ns_used(const struct ns *ns)
{
	return ns->store->allocated;
}

uint64_t ns_total_capacity(const struct subsys *subsys)
{
	const struct options *options = subsys->options;

	return options->capacity ? options->capacity : 2 * options->size * options->namespaces;
}

uint64_t ns_free_capacity(const struct subsys *subsys)
{
	uint64_t total = ns_total_capacity(subsys), used = 0;
	uint32_t nsid;

	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++)
		if (subsys->ns[nsid])
			used += subsys->ns[nsid]->nsze << subsys->ns[nsid]->lba_shift;
	return used < total ? total - used : 0;
}

static uint8_t lbaf_of(const struct options *options)
{
	uint32_t lba_shift, ms;
	uint8_t i;

	for (i = 0; ns_lbaf(i, &lba_shift, &ms); i++)
		if (1U << lba_shift == options->lba && ms == options->metadata)
			return i;
	return NS_LBAFS;
}

static int load_table(struct subsys *subsys, const struct table *table)
{
	uint32_t nsid;
	struct ns *ns;

	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++) {
		if (!table->entry[nsid - 1].used)
			continue;
		ns = load(subsys, &table->entry[nsid - 1], nsid);
		if (!ns || !make_parts(ns, false))
			return -1;
	}
	return 0;
}

/* As the options have it; a disk's image that lies in the store is taken as it is. */
static int make_first(struct subsys *subsys, struct table *table, uint32_t nsid)
{
	const struct options *options = subsys->options;
	struct ns *ns = calloc(1, sizeof(*ns));
	struct ns want = { .lbaf = lbaf_of(options), .extended = options->extended,
			   .pi = options->pi, .pi_first = options->pi_first };

	if (!ns)
		return -1;
	*ns = (struct ns){ .subsys = subsys, .nsid = nsid, .shared = subsys->nr_ctrls > 1,
			   .csi = options->zns ? NVME_CSI_ZNS : NVME_CSI_NVM,
			   .attached = (1U << subsys->nr_ctrls) - 1 };
	if (check_format(&want)) {
		fprintf(stderr, "nvt-dut: no format of %u+%u bytes with protection type %u\n",
			options->lba, options->metadata, options->pi);
		free(ns);
		return -1;
	}
	take_format(ns, &want);
	ns->nsze = options->size >> ns->lba_shift;
	if (options->zns)
		ns->nsze -= ns->nsze % (options->zone_size >> ns->lba_shift);
	ns->ncap = ns->nsze;
	set_identifiers(ns, ++table->made);
	if (!make_parts(ns, false))
		return -1;
	save(ns);
	return 0;
}

int ns_load_all(struct subsys *subsys)
{
	struct table *table = table_of(subsys);
	uint32_t nsid;

	if (table->filled)
		return load_table(subsys, table);
	for (nsid = 1; nsid <= subsys->options->namespaces; nsid++)
		if (make_first(subsys, table, nsid))
			return -1;
	table->filled = true;
	return 0;
}

void ns_free_all(struct subsys *subsys)
{
	uint32_t nsid;

	for (nsid = 1; nsid <= subsys->options->max_namespaces; nsid++) {
		if (!subsys->ns[nsid])
			continue;
		save(subsys->ns[nsid]);
		free_ns(subsys->ns[nsid], false);
		subsys->ns[nsid] = NULL;
	}
}
