// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* An NVMe controller: from power-on to identified. NVMe Base 2.1, 3.5.1. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nvt/admin.h>
#include <nvt/error.h>

#include "clock.h"
#include "ctrl.h"
#include "err.h"
#include "ring/prp.h"
#include "transport/transport.h"

#define CLASS_NVME		0x010802	/* mass storage, non-volatile memory, NVMe I/O controller */
#define ALL_ONES		0xffffffffU
#define CC_EN			(1U << NVME_CC_EN_SHIFT)
#define TO_UNIT_MS		500		/* of CAP.TO */
#define MIN_READY_MS		1000
#define READY_POLL_NS		NVT_NS_PER_MS
#define DEFAULT_ADMIN_ENTRIES	128
#define MIN_IO_QUEUES		16

static int read32(struct nvt_ctrl *ctrl, uint64_t offset, uint32_t *value)
{
	uint64_t wide = 0;
	int err = nvt_pcie_reg_read(ctrl->pcie, 0, offset, 4, &wide);

	*value = wide;
	return err;
}

static int write32(struct nvt_ctrl *ctrl, uint64_t offset, uint32_t value)
{
	return nvt_pcie_reg_write(ctrl->pcie, 0, offset, 4, value);
}

static int fail_all_ones(struct nvt_ctrl *ctrl, const char *what)
{
	return nvt_fail(-EIO, "%s: %s: registers read as all-ones; the device is gone or its link "
			"is down", ctrl->pcie->addr, what);
}

static uint32_t ready_timeout_ms(const struct nvt_ctrl *ctrl)
{
	uint32_t ms = NVME_CAP_TO(ctrl->cap) * TO_UNIT_MS;

	return ms > MIN_READY_MS ? ms : MIN_READY_MS;
}

/* CFS ends the wait for RDY = 1 only: clearing CC.EN is the way out of it. */
static int wait_ready(struct nvt_ctrl *ctrl, uint32_t ready, const char *what)
{
	uint32_t timeout_ms = ready_timeout_ms(ctrl), csts;
	uint64_t deadline = nvt_now_ns() + timeout_ms * NVT_NS_PER_MS;
	bool last;
	int err;

	for (;;) {
		/* Looked at before the register: a late look counts in full. */
		last = nvt_now_ns() >= deadline;
		err = read32(ctrl, NVME_REG_CSTS, &csts);
		if (err)
			return err;
		if (csts == ALL_ONES)
			return fail_all_ones(ctrl, what);
		if (NVME_CSTS_RDY(csts) == ready)
			return 0;
		if (ready && NVME_CSTS_CFS(csts))
			return nvt_fail(-EIO, "%s: %s: controller fatal status (CSTS %#x); reset "
					"the function", ctrl->pcie->addr, what, csts);
		if (last)
			return nvt_fail(-ETIMEDOUT, "%s: %s: CSTS.RDY is not %u after %u ms (CSTS "
					"%#x); reset the function", ctrl->pcie->addr, what, ready,
					timeout_ms, csts);
		nvt_sleep_ns(READY_POLL_NS);
	}
}

int nvt_ctrl_disable(struct nvt_ctrl *ctrl)
{
	uint32_t cc;
	int err;

	__atomic_add_fetch(&ctrl->epoch, 1, __ATOMIC_RELEASE);
	err = read32(ctrl, NVME_REG_CC, &cc);
	if (err)
		return err;
	if (cc == ALL_ONES)
		return fail_all_ones(ctrl, "disable");
	if (cc & CC_EN) {
		err = write32(ctrl, NVME_REG_CC, cc & ~CC_EN);
		if (err)
			return err;
	}
	return wait_ready(ctrl, 0, "disable");
}

int nvt_ctrl_init_admin(struct nvt_ctrl *ctrl)
{
	struct nvt_qpair_opts opts = {
		.backend = ctrl->opts.admin_backend,
		.entries = ctrl->opts.admin_entries,
	};
	uint32_t entries = opts.entries;
	int err;

	nvt_qpair_free(ctrl->admin);
	ctrl->admin = nvt_qpair_new(ctrl, 0, &opts);
	if (!ctrl->admin)
		return -errno;
	/* AQA: ACQS in 27:16, ASQS in 11:0, both 0's based. 3.1.4.8 */
	err = write32(ctrl, NVME_REG_AQA, (entries - 1) << 16 | (entries - 1));
	if (!err)
		err = nvt_pcie_reg_write(ctrl->pcie, 0, NVME_REG_ASQ, 8,
					 ctrl->admin->sq_mem->bus[0]);
	if (!err)
		err = nvt_pcie_reg_write(ctrl->pcie, 0, NVME_REG_ACQ, 8,
					 ctrl->admin->cq_mem->bus[0]);
	return err;
}

/* CAP.CSS bit 7, admin only, can stand beside the others: it is what is left without them. */
static uint32_t choose_cc(const struct nvt_ctrl *ctrl)
{
	uint32_t supported = NVME_CAP_CSS(ctrl->cap), css = NVME_CC_CSS_NVM;

	if (supported & NVME_CAP_CSS_CSI)
		css = NVME_CC_CSS_CSI;
	else if (supported == NVME_CAP_CSS_ADMIN)
		css = NVME_CC_CSS_ADMIN;
	return css << NVME_CC_CSS_SHIFT | 6 << NVME_CC_IOSQES_SHIFT | 4 << NVME_CC_IOCQES_SHIFT;
}

int nvt_ctrl_enable(struct nvt_ctrl *ctrl)
{
	uint32_t cc = choose_cc(ctrl);
	int err;

	if (NVME_CAP_MPSMIN(ctrl->cap))
		return nvt_fail(-EINVAL, "%s: enable: its smallest page is %u KiB (CAP.MPSMIN); this "
				"host has pages of 4 KiB", ctrl->pcie->addr,
				4U << NVME_CAP_MPSMIN(ctrl->cap));
	/* CC.CSS and the sizes change only while EN is 0, so they are set first. 3.1.4.5 */
	err = write32(ctrl, NVME_REG_CC, cc);
	if (!err)
		err = write32(ctrl, NVME_REG_CC, cc | CC_EN);
	if (!err)
		err = wait_ready(ctrl, 1, "enable");
	return err;
}

/* A status of the device, where only an errno can be returned. */
static int status_to_errno(struct nvt_ctrl *ctrl, int status, const char *what)
{
	if (status <= 0)
		return status;
	if (status == NVT_STATUS_DEAD)
		return nvt_fail(-EIO, "%s: %s: %s; reset the controller", ctrl->pcie->addr, what,
				nvt_qpair_cause(ctrl->admin));
	return nvt_fail(-EREMOTEIO, "%s: %s: status %#x: %s", ctrl->pcie->addr, what, status,
			nvt_status_string(status));
}

static uint32_t wanted_io_queues(const struct nvt_ctrl *ctrl)
{
	uint32_t vectors = ctrl->pcie->status->nr_vectors;
	uint32_t cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t n = vectors < cpus ? vectors : cpus;

	if (ctrl->opts.io_queues)
		return ctrl->opts.io_queues < NVT_MAX_QID ? ctrl->opts.io_queues : NVT_MAX_QID;
	return n > MIN_IO_QUEUES ? n : MIN_IO_QUEUES;
}

/* A device that refuses to be asked has one queue pair at least. 5.1.25.2.1 */
static int set_number_of_queues(struct nvt_ctrl *ctrl)
{
	uint32_t n = wanted_io_queues(ctrl) - 1;
	int status;

	ctrl->max_qpairs = 1;
	status = nvt_set_feature(ctrl, NVME_FEAT_FID_NUM_QUEUES, 0, n << 16 | n, NULL);
	return status < 0 || status == NVT_STATUS_DEAD ?
		       status_to_errno(ctrl, status, "Set Features (Number of Queues)") : 0;
}

int nvt_ctrl_init(struct nvt_ctrl *ctrl)
{
	struct nvme_id_ctrl id;
	int err;

	err = nvt_ctrl_disable(ctrl);
	if (!err)
		err = nvt_ctrl_init_admin(ctrl);
	if (!err)
		err = nvt_ctrl_enable(ctrl);
	if (!err)
		err = status_to_errno(ctrl, nvt_identify_ctrl(ctrl, &id), "Identify Controller");
	if (!err)
		err = set_number_of_queues(ctrl);
	return err;
}

static int run_init(struct nvt_ctrl *ctrl)
{
	if (ctrl->opts.init)
		return ctrl->opts.init(ctrl, ctrl->opts.init_arg);
	return nvt_ctrl_init(ctrl);
}

int nvt_ctrl_reset(struct nvt_ctrl *ctrl)
{
	int err;

	/* Also where an initialisation of the caller's own disables in its own way. */
	__atomic_add_fetch(&ctrl->epoch, 1, __ATOMIC_RELEASE);
	err = nvt_pcie_restore(ctrl->pcie);
	return err ? err : run_init(ctrl);
}

void nvt_ctrl_set_id(struct nvt_ctrl *ctrl, const struct nvme_id_ctrl *id)
{
	ctrl->id = *id;
	ctrl->identified = true;
	ctrl->mdts = NVT_PRP_MAX_LENGTH;
	/* In units of the smallest page, a power of two; 0 is no limit. */
	if (id->mdts && id->mdts < 9)
		ctrl->mdts = NVT_PAGE_SIZE << id->mdts;
}

void nvt_ctrl_set_granted(struct nvt_ctrl *ctrl, uint32_t number_of_queues)
{
	uint32_t sqs = (number_of_queues & 0xffff) + 1, cqs = (number_of_queues >> 16) + 1;

	ctrl->max_qpairs = sqs < cqs ? sqs : cqs;
}

static int choose_vector_type(const struct nvt_device_info *info, uint32_t *max)
{
	if (info->max_msix) {
		*max = info->max_msix;
		return NVT_VECTOR_MSIX;
	}
	if (info->max_msi) {
		*max = info->max_msi;
		return NVT_VECTOR_MSI;
	}
	*max = info->intx;
	return info->intx ? NVT_VECTOR_INTX : NVT_VECTOR_NONE;
}

/* Without any interrupt all queues are polled. */
static int allocate_vectors(struct nvt_ctrl *ctrl)
{
	uint32_t max, count = ctrl->opts.vectors;
	int type = choose_vector_type(&ctrl->pcie->info, &max);
	int n;

	if (ctrl->opts.vector_type) {
		type = ctrl->opts.vector_type;
		max = type == NVT_VECTOR_MSIX ? ctrl->pcie->info.max_msix :
		      type == NVT_VECTOR_MSI  ? ctrl->pcie->info.max_msi : 1;
	}
	if (type == NVT_VECTOR_NONE)
		return 0;
	if (!count)
		count = 1 + sysconf(_SC_NPROCESSORS_ONLN);
	n = nvt_pcie_set_vectors(ctrl->pcie, type, max && count > max ? max : count);
	return n < 0 ? n : 0;
}

static int fill_opts(struct nvt_ctrl *ctrl, const struct nvt_ctrl_opts *opts)
{
	if (opts)
		ctrl->opts = *opts;
	if (!ctrl->opts.timeout_ms)
		ctrl->opts.timeout_ms = NVT_DEFAULT_TIMEOUT_MS;
	ctrl->opts.admin_backend = nvt_backend_choose(ctrl->pcie, ctrl->opts.admin_backend);
	if (!ctrl->opts.admin_entries)
		ctrl->opts.admin_entries = DEFAULT_ADMIN_ENTRIES;
	if (ctrl->opts.admin_entries < 2 || ctrl->opts.admin_entries > 4096)
		return nvt_fail(-EINVAL, "%s: open: admin queues of %u entries; give 2 to 4096",
				ctrl->pcie->addr, ctrl->opts.admin_entries);
	return 0;
}

static int start(struct nvt_ctrl *ctrl)
{
	int err;

	if (ctrl->pcie->info.class_code == ALL_ONES >> 8)
		return fail_all_ones(ctrl, "open");
	if (ctrl->pcie->info.class_code != CLASS_NVME)
		return nvt_fail(-EMEDIUMTYPE, "%s: open: not an NVMe controller (class %06x)",
				ctrl->pcie->addr, ctrl->pcie->info.class_code);
	/* A driver keeps a device that lost its power while nobody had it open. */
	err = nvt_pcie_restore(ctrl->pcie);
	if (!err)
		err = nvt_pcie_reg_read(ctrl->pcie, 0, NVME_REG_CAP, 8, &ctrl->cap);
	if (err)
		return err;
	if (ctrl->cap == UINT64_MAX)
		return fail_all_ones(ctrl, "open");
	err = allocate_vectors(ctrl);
	if (err || ctrl->opts.no_init)
		return err;
	return run_init(ctrl);
}

/* Without a word to the device: the driver stops it when it is given up. */
static void free_ctrl(struct nvt_ctrl *ctrl)
{
	struct nvt_qpair *qp;

	while ((qp = ctrl->qpairs)) {
		ctrl->qpairs = qp->next;
		nvt_qpair_orphan(qp);
	}
	nvt_qpair_free(ctrl->admin);
	nvt_pcie_close(ctrl->pcie);
	free(ctrl);
}

struct nvt_ctrl *nvt_ctrl_new(struct nvt_pcie *pcie, const struct nvt_ctrl_opts *opts)
{
	struct nvt_ctrl *ctrl = calloc(1, sizeof(*ctrl));
	int err;

	if (!ctrl) {
		nvt_fail(-ENOMEM, "%s: open: out of memory", pcie->addr);
		nvt_pcie_close(pcie);
		errno = ENOMEM;
		return NULL;
	}
	ctrl->pcie = pcie;
	ctrl->mdts = NVT_PRP_MAX_LENGTH;
	err = fill_opts(ctrl, opts);
	if (!err)
		err = start(ctrl);
	if (!err)
		return ctrl;
	free_ctrl(ctrl);
	errno = -err;
	return NULL;
}

struct nvt_ctrl *nvt_ctrl_open(const char *addr, const struct nvt_ctrl_opts *opts)
{
	struct nvt_pcie *pcie = nvt_pcie_open(addr, 0);

	return pcie ? nvt_ctrl_new(pcie, opts) : NULL;
}

void nvt_ctrl_close(struct nvt_ctrl *ctrl)
{
	if (!ctrl)
		return;
	nvt_ctrl_disable(ctrl);
	free_ctrl(ctrl);
}

struct nvt_pcie *nvt_ctrl_pcie(const struct nvt_ctrl *ctrl)
{
	return ctrl->pcie;
}

struct nvt_qpair *nvt_ctrl_admin(const struct nvt_ctrl *ctrl)
{
	return ctrl->admin;
}

const struct nvme_id_ctrl *nvt_ctrl_id(const struct nvt_ctrl *ctrl)
{
	return ctrl->identified ? &ctrl->id : NULL;
}

uint64_t nvt_ctrl_cap(const struct nvt_ctrl *ctrl)
{
	return ctrl->cap;
}

uint32_t nvt_ctrl_mdts(const struct nvt_ctrl *ctrl)
{
	return ctrl->mdts;
}

uint32_t nvt_ctrl_max_qpairs(const struct nvt_ctrl *ctrl)
{
	return ctrl->max_qpairs;
}
