// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A namespace and its Read, Write and Flush. NVM Command Set 1.1, 3.3. */
#include <stdlib.h>
#include <string.h>

#include <nvt/admin.h>
#include <nvt/error.h>
#include <nvt/ns.h>

#include "ctrl.h"
#include "err.h"

#define FLBAS_INTERLEAVED	(1U << 4)	/* metadata at the end of each block */

struct nvt_ns {
	struct nvt_ctrl *ctrl;
	uint32_t nsid;
	uint32_t lba_size;
	uint32_t block_size;
	struct nvme_id_ns id;
};

/* FLBAS bits 3:0, and 6:5 above them where there are more than 16 formats. NVM 1.1, 4.1.5.1 */
static unsigned int format_index(const struct nvme_id_ns *id)
{
	unsigned int index = id->flbas & 0xf;

	if (id->nlbaf > 15)
		index |= (id->flbas >> 5 & 3) << 4;
	return index;
}

static int fill(struct nvt_ns *ns)
{
	const struct nvme_lbaf *format = &ns->id.lbaf[format_index(&ns->id)];
	const char *addr = ns->ctrl->pcie->addr;

	if (!ns->id.nsze)
		return nvt_fail(-ENOENT, "%s: namespace %u: not active; Identify its list of "
				"namespaces (CNS 02h)", addr, ns->nsid);
	if (format->ds < 9 || format->ds > 31)
		return nvt_fail(-EREMOTEIO, "%s: namespace %u: its LBA format has 2^%u bytes",
				addr, ns->nsid, format->ds);
	ns->lba_size = 1U << format->ds;
	ns->block_size = ns->lba_size;
	if (ns->id.flbas & FLBAS_INTERLEAVED)
		ns->block_size += format->ms;
	return 0;
}

static int identify(struct nvt_ns *ns)
{
	int status = nvt_identify_ns(ns->ctrl, ns->nsid, &ns->id);

	if (status > 0)
		return nvt_fail(-EREMOTEIO, "%s: namespace %u: Identify: status %#x: %s",
				ns->ctrl->pcie->addr, ns->nsid, status, nvt_status_string(status));
	return status ? status : fill(ns);
}

struct nvt_ns *nvt_ns_open(struct nvt_ctrl *ctrl, uint32_t nsid)
{
	struct nvt_ns *ns = calloc(1, sizeof(*ns));
	int err;

	if (!ns) {
		nvt_fail(-ENOMEM, "%s: namespace %u: out of memory", ctrl->pcie->addr, nsid);
		return NULL;
	}
	ns->ctrl = ctrl;
	ns->nsid = nsid;
	err = identify(ns);
	if (err) {
		free(ns);
		errno = -err;
		return NULL;
	}
	return ns;
}

void nvt_ns_close(struct nvt_ns *ns)
{
	free(ns);
}

struct nvt_ctrl *nvt_ns_ctrl(const struct nvt_ns *ns)
{
	return ns->ctrl;
}

uint32_t nvt_ns_id(const struct nvt_ns *ns)
{
	return ns->nsid;
}

uint64_t nvt_ns_size(const struct nvt_ns *ns)
{
	return ns->id.nsze;
}

uint32_t nvt_ns_lba_size(const struct nvt_ns *ns)
{
	return ns->lba_size;
}

uint32_t nvt_ns_block_size(const struct nvt_ns *ns)
{
	return ns->block_size;
}

const struct nvme_id_ns *nvt_ns_identify(const struct nvt_ns *ns)
{
	return &ns->id;
}

/* SLBA in CDW10 and CDW11, NLB in CDW12 15:0, 0's based. */
static struct nvt_sqe read_or_write(uint8_t opcode, uint32_t nsid, uint64_t slba, uint32_t nlb,
				    uint32_t flags)
{
	return (struct nvt_sqe){
		.opcode = opcode,
		.nsid = nsid,
		.cdw10 = (uint32_t)slba,
		.cdw11 = slba >> 32,
		.cdw12 = ((nlb - 1) & 0xffff) | flags,
	};
}

struct nvt_sqe nvt_sqe_read(uint32_t nsid, uint64_t slba, uint32_t nlb, uint32_t flags)
{
	return read_or_write(nvme_cmd_read, nsid, slba, nlb, flags);
}

struct nvt_sqe nvt_sqe_write(uint32_t nsid, uint64_t slba, uint32_t nlb, uint32_t flags)
{
	return read_or_write(nvme_cmd_write, nsid, slba, nlb, flags);
}

struct nvt_sqe nvt_sqe_flush(uint32_t nsid)
{
	return (struct nvt_sqe){ .opcode = nvme_cmd_flush, .nsid = nsid };
}

int nvt_ns_read(struct nvt_ns *ns, struct nvt_qpair *qp, struct nvt_buffer *buf, size_t offset,
		uint64_t slba, uint32_t nlb, uint32_t flags)
{
	struct nvt_sqe sqe = nvt_sqe_read(ns->nsid, slba, nlb, flags);

	return nvt_qpair_exec(qp, &sqe, buf, offset, (size_t)nlb * ns->block_size, NULL);
}

int nvt_ns_write(struct nvt_ns *ns, struct nvt_qpair *qp, struct nvt_buffer *buf, size_t offset,
		 uint64_t slba, uint32_t nlb, uint32_t flags)
{
	struct nvt_sqe sqe = nvt_sqe_write(ns->nsid, slba, nlb, flags);

	return nvt_qpair_exec(qp, &sqe, buf, offset, (size_t)nlb * ns->block_size, NULL);
}

int nvt_ns_flush(struct nvt_ns *ns, struct nvt_qpair *qp)
{
	struct nvt_sqe sqe = nvt_sqe_flush(ns->nsid);

	return nvt_qpair_exec(qp, &sqe, NULL, 0, 0, NULL);
}
