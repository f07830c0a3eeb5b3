/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Zones of a namespace: their states, write pointers and limits. Zoned Namespace Command Set 1.2 */
#ifndef DUT_ZNS_H
#define DUT_ZNS_H

#include <stdbool.h>
#include <stdint.h>
#include <nvme/types.h>

struct cmd;
struct ctrl;
struct log;
struct ns;
struct options;
struct zns;

#define ZNS_EXTENSION	64		/* bytes of a zone descriptor extension */

/* What survives of a zone. */
struct zone {
	uint8_t state;			/* enum nvme_zns_zs */
	uint8_t attributes;		/* enum nvme_zns_za */
	uint8_t pad[6];
	uint64_t wp;			/* the next block to be written, from the zone's first */
};

/* Bytes that a namespace of zones may have: whole zones only. */
bool zns_fits(const struct options *options, uint64_t bytes);

/*
 * As the state has them; all empty where it has none. NULL with a line on
 * stderr. The namespace (nsze, lba_shift, nsid set) keeps it in ns->zns.
 */
struct zns *zns_new(struct ns *ns);
void zns_free(struct zns *zns);

/* The namespace is deleted, or made anew: nothing is left in the state. */
void zns_forget(struct ns *ns);

/* A new format, or a sanitize: all zones are empty, sized for the namespace as it is now. */
void zns_format(struct ns *ns);

/* Power was off: no zone is open. */
void zns_power(struct ns *ns);

/* A write did not survive a cut of power: the write pointer goes back to where it began. */
void zns_lost(struct ns *ns, uint64_t slba, uint64_t nlb);

/* Blocks that can be written in all zones (NCAP). */
uint64_t zns_capacity(const struct ns *ns);

/* Blocks of a zone, and those of it that can be written. */
uint64_t zns_zone_size(const struct ns *ns);
uint64_t zns_zone_capacity(const struct ns *ns);

/*
 * Before blocks are read or written. A status; a zone that can be written is
 * open then. The first two are for cmd->slba and cmd->nlb.
 */
uint16_t zns_check_read(struct cmd *cmd);
uint16_t zns_check_write(struct cmd *cmd);
uint16_t zns_check_read_range(const struct ns *ns, uint64_t slba, uint64_t nlb);
uint16_t zns_check_write_range(struct ns *ns, uint64_t slba, uint64_t nlb);

/* Blocks were written: the write pointer moves on. */
void zns_wrote(struct ns *ns, uint64_t slba, uint64_t nlb);

/* Identify with CSI 2, 4096 bytes zeroed by the caller. They say the same of each namespace. */
void zns_identify_ns(const struct options *options, void *data);
void zns_identify_ctrl(const struct options *options, void *data);

/*
 * The device wears out: a zone becomes Read Only or Offline, or is finished by
 * the controller (Full); hosts are told. False: @slba or the transition is wrong.
 */
bool zns_degrade(struct ns *ns, uint64_t slba, enum nvme_zns_zs state);

/* For the report and the log. */
uint32_t zns_nr_zones(const struct ns *ns);
const struct zone *zns_zone(const struct ns *ns, uint32_t index);
const void *zns_extension(const struct ns *ns, uint32_t index);

uint16_t zone_send_run(struct cmd *cmd);
uint16_t zone_append_run(struct cmd *cmd);
uint16_t zone_receive_run(struct cmd *cmd);

/* Log page BFh, the Changed Zone List of a controller; read without RAE it is empty afterwards. */
uint16_t zns_changed_zones_log(struct cmd *cmd, struct log *log);

#endif /* DUT_ZNS_H */
