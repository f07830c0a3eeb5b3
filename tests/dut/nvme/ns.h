/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A namespace: its format, where its blocks are, whom it is attached to. */
#ifndef DUT_NS_H
#define DUT_NS_H

#include <stdbool.h>
#include <stdint.h>
#include <nvme/types.h>

struct cmd;
struct ctrl;
struct random;
struct reservation;
struct store;
struct subsys;
struct zns;

#define NS_LBAFS	8		/* 512 and 4096 bytes, each with 0, 8, 16 and 64 of metadata */

/* Write protection, as in feature 84h. NVM Command Set 1.1, feature 84h */
enum ns_protection { NS_NOT_PROTECTED, NS_PROTECTED, NS_PROTECTED_UNTIL_POWER_CYCLE, NS_PROTECTED_FOR_EVER };

struct ns {
	struct subsys *subsys;
	uint32_t nsid;
	uint8_t csi;			/* NVME_CSI_NVM or NVME_CSI_ZNS */
	uint8_t lbaf;			/* index of the format */
	uint32_t lba_shift;		/* log2 of the data bytes of a block */
	uint32_t ms;			/* metadata bytes of a block */
	bool extended;			/* metadata follows the data of each block */
	uint8_t pi;			/* protection information type, 0 to 3 */
	bool pi_first;			/* PI in the first bytes of the metadata */
	bool shared;			/* NMIC bit 0 */
	uint64_t nsze, ncap;		/* blocks */
	uint32_t attached;		/* bit per index of a controller */
	uint8_t nguid[16], eui64[8];
	enum ns_protection protection;
	bool formatting;
	uint8_t format_left;		/* percent */
	struct store *store;
	struct zns *zns;		/* NULL unless csi is ZNS */
	struct reservation *reservation;
};

/* log2 of the bytes, and metadata bytes, of a format; false beyond NS_LBAFS. */
bool ns_lbaf(unsigned int index, uint32_t *lba_shift, uint32_t *ms);

/* The namespace, or NULL: not allocated; the latter also if not attached to the controller. */
struct ns *ns_find(const struct subsys *subsys, uint32_t nsid);
struct ns *ns_attached(const struct ctrl *ctrl, uint32_t nsid);

/*
 * Makes one out of *want (csi, lbaf, extended, pi, pi_first, shared, nsze, ncap); its
 * table entry is kept in the state. NSID 0: the first that is free. A status, and the namespace.
 */
uint16_t ns_create(struct subsys *subsys, const struct ns *want, uint32_t nsid, struct ns **made);
void ns_delete(struct ns *ns);

/*
 * A new format, which loses all blocks: lbaf, extended, pi and pi_first of *want. The
 * bytes stay, so nsze and ncap follow the size of the blocks. A status.
 */
uint16_t ns_format(struct ns *ns, const struct ns *want);

/* Attachment, kept in the state; events and the changed namespace list are the caller's. */
void ns_attach(struct ns *ns, const struct ctrl *ctrl, bool attach);

/* Write protection, kept in the state. */
void ns_protect(struct ns *ns, enum ns_protection protection);

/* What is in its write cache becomes durable. */
void ns_flush(struct ns *ns);

/* Power of all namespaces: at a cut what is in write caches is lost, kept or torn. */
void ns_power(struct subsys *subsys, bool on, struct random *random);

/* Blocks that are allocated (NUSE). */
uint64_t ns_used(const struct ns *ns);

/* Bytes of the subsystem's capacity, and of what no namespace has. */
uint64_t ns_total_capacity(const struct subsys *subsys);
uint64_t ns_free_capacity(const struct subsys *subsys);

/* At start: those that the state has, else those that the options ask for. 0 or a negative errno with text on stderr. */
int ns_load_all(struct subsys *subsys);
void ns_free_all(struct subsys *subsys);

#endif /* DUT_NS_H */
