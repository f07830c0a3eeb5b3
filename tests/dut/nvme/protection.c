// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Protection information with 16-bit guards: checked, generated, remapped. */
#include <endian.h>
#include <isa-l/crc.h>
#include <string.h>

#include "nvme/cmd.h"
#include "nvme/ns.h"
#include "nvme/protection.h"

#define PRINFO_SHIFT	26		/* in CDW12 */
#define APP_ESCAPE	0xffff
#define REF_ESCAPE	0xffffffff

/* NVM Command Set 1.1, 5.3.1: big-endian, as in SCSI. */
struct tuple {
	uint16_t guard;
	uint16_t app_tag;
	uint32_t ref_tag;
} __attribute__((packed));

struct protection protection_of(const struct cmd *cmd)
{
	return (struct protection){ .prinfo = cmd->sqe.cdw12 >> PRINFO_SHIFT & 0xf,
				    .ref_tag = cmd->sqe.cdw14,
				    .app_tag = cmd->sqe.cdw15 & 0xffff,
				    .app_mask = cmd->sqe.cdw15 >> 16 };
}

/* 5.3.3: with type 1 the reference tag is the block's address, with type 3 it is not checked. */
uint16_t protection_validate(const struct ns *ns, const struct protection *protection,
			     uint64_t slba)
{
	if (!ns->pi || !(protection->prinfo & PRCHK_REF))
		return 0;
	if (ns->pi == 3 || (ns->pi == 1 && protection->ref_tag != (uint32_t)slba))
		return SPECIFIC(INVALID_PI);
	return 0;
}

bool protection_is_all(const struct ns *ns, const struct protection *protection)
{
	return ns->pi && protection->prinfo & PRINFO_PRACT && ns->ms == PROTECTION_LENGTH;
}

unsigned char *protection_place(const struct ns *ns, unsigned char *meta)
{
	return ns->pi_first ? meta : meta + ns->ms - PROTECTION_LENGTH;
}

/* What of the metadata is before the information is guarded too. */
static uint16_t guard(const struct ns *ns, const unsigned char *data, const unsigned char *meta)
{
	uint16_t crc = crc16_t10dif(0, data, 1UL << ns->lba_shift);

	return ns->pi_first ? crc : crc16_t10dif(crc, meta, ns->ms - PROTECTION_LENGTH);
}

static bool is_escaped(const struct ns *ns, const struct tuple *tuple)
{
	return be16toh(tuple->app_tag) == APP_ESCAPE &&
	       (ns->pi != 3 || be32toh(tuple->ref_tag) == REF_ESCAPE);
}

static uint16_t check_block(const struct ns *ns, const struct protection *protection,
			    const unsigned char *data, const unsigned char *meta, uint32_t ref_tag)
{
	struct tuple tuple;

	memcpy(&tuple, protection_place(ns, (unsigned char *)meta), sizeof(tuple));
	if (is_escaped(ns, &tuple))
		return 0;
	if (protection->prinfo & PRCHK_GUARD && be16toh(tuple.guard) != guard(ns, data, meta))
		return MEDIA(GUARD_CHECK);
	if (protection->prinfo & PRCHK_APP &&
	    (be16toh(tuple.app_tag) ^ protection->app_tag) & protection->app_mask)
		return MEDIA(APPTAG_CHECK);
	if (protection->prinfo & PRCHK_REF && be32toh(tuple.ref_tag) != ref_tag)
		return MEDIA(REFTAG_CHECK);
	return 0;
}

static uint32_t ref_tag_of(const struct ns *ns, const struct protection *protection, uint32_t i)
{
	return ns->pi == 3 ? protection->ref_tag : protection->ref_tag + i;
}

uint16_t protection_check(const struct ns *ns, const struct protection *protection,
			  const unsigned char *data, const unsigned char *meta, uint32_t nlb,
			  uint32_t *bad)
{
	uint16_t status;
	uint32_t i;

	if (!ns->pi)
		return 0;
	for (i = 0; i < nlb; i++) {
		status = check_block(ns, protection, data + ((size_t)i << ns->lba_shift),
				     meta + (size_t)i * ns->ms, ref_tag_of(ns, protection, i));
		if (status) {
			*bad = i;
			return status;
		}
	}
	return 0;
}

void protection_generate(const struct ns *ns, const struct protection *protection,
			 const unsigned char *data, unsigned char *meta, uint32_t nlb)
{
	struct tuple tuple;
	uint32_t i;

	for (i = 0; i < nlb; i++, data += 1UL << ns->lba_shift, meta += ns->ms) {
		tuple.guard = htobe16(guard(ns, data, meta));
		tuple.app_tag = htobe16(protection->app_tag);
		tuple.ref_tag = htobe32(ref_tag_of(ns, protection, i));
		memcpy(protection_place(ns, meta), &tuple, sizeof(tuple));
	}
}

void protection_remap(const struct ns *ns, unsigned char *meta, uint32_t nlb, uint32_t add)
{
	struct tuple tuple;

	for (; nlb; nlb--, meta += ns->ms) {
		memcpy(&tuple, protection_place(ns, meta), sizeof(tuple));
		if (is_escaped(ns, &tuple))
			continue;
		tuple.ref_tag = htobe32(be32toh(tuple.ref_tag) + add);
		memcpy(protection_place(ns, meta), &tuple, sizeof(tuple));
	}
}
