/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Protection information with 16-bit guards, types 1 to 3. NVM Command Set 1.1, 5.3 */
#ifndef DUT_PROTECTION_H
#define DUT_PROTECTION_H

#include <stdbool.h>
#include <stdint.h>

struct cmd;
struct ns;

#define PROTECTION_LENGTH	8

#define PRCHK_REF		(1U << 0)
#define PRCHK_APP		(1U << 1)
#define PRCHK_GUARD		(1U << 2)
#define PRINFO_PRACT		(1U << 3)

/* What a command asks for. */
struct protection {
	uint8_t prinfo;
	uint32_t ref_tag;		/* of the first block */
	uint16_t app_tag, app_mask;
};

/* From CDW12, 14 and 15, as all commands but Copy have it. */
struct protection protection_of(const struct cmd *cmd);

/* Whether the fields can be used for blocks from @slba on. A status. */
uint16_t protection_validate(const struct ns *ns, const struct protection *protection,
			     uint64_t slba);

/* The controller inserts and strips the metadata: none of it crosses the bus. */
bool protection_is_all(const struct ns *ns, const struct protection *protection);

/*
 * Blocks with their data and metadata apart. The check gives a status, and in
 * *bad the place of the block that failed it.
 */
uint16_t protection_check(const struct ns *ns, const struct protection *protection,
			  const unsigned char *data, const unsigned char *meta, uint32_t nlb,
			  uint32_t *bad);
void protection_generate(const struct ns *ns, const struct protection *protection,
			 const unsigned char *data, unsigned char *meta, uint32_t nlb);

/* Adds to each reference tag. ZNS 1.2, Zone Append with PIREMAP */
void protection_remap(const struct ns *ns, unsigned char *meta, uint32_t nlb, uint32_t add);

/* Where the information is in the metadata of a block. */
unsigned char *protection_place(const struct ns *ns, unsigned char *meta);

#endif /* DUT_PROTECTION_H */
