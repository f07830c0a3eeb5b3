// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Admin commands: Identify, features, log pages. NVMe Base 2.1, 5.1. */
#include <string.h>

#include <nvt/admin.h>

#include "ctrl.h"
#include "err.h"

#define LOG_PIECE	4096U	/* every controller can transfer so much */

struct nvt_sqe nvt_sqe_identify(uint8_t cns, uint32_t nsid, uint16_t cntid, uint8_t csi)
{
	return (struct nvt_sqe){
		.opcode = nvme_admin_identify,
		.nsid = nsid,
		.cdw10 = cns | (uint32_t)cntid << 16,
		.cdw11 = (uint32_t)csi << 24,
	};
}

struct nvt_sqe nvt_sqe_get_features(uint8_t fid, uint8_t sel, uint32_t nsid, uint32_t cdw11)
{
	return (struct nvt_sqe){
		.opcode = nvme_admin_get_features,
		.nsid = nsid,
		.cdw10 = fid | (sel & 7U) << 8,
		.cdw11 = cdw11,
	};
}

struct nvt_sqe nvt_sqe_set_features(uint8_t fid, int save, uint32_t nsid, uint32_t cdw11)
{
	return (struct nvt_sqe){
		.opcode = nvme_admin_set_features,
		.nsid = nsid,
		.cdw10 = fid | (save ? 1U << 31 : 0),
		.cdw11 = cdw11,
	};
}

/* NUMD is in dwords and 0's based, its upper half in CDW11. */
struct nvt_sqe nvt_sqe_get_log_page(uint8_t lid, uint32_t nsid, uint32_t length, uint64_t offset)
{
	uint32_t numd = length / 4 - 1;

	return (struct nvt_sqe){
		.opcode = nvme_admin_get_log_page,
		.nsid = nsid,
		.cdw10 = lid | (numd & 0xffff) << 16,
		.cdw11 = numd >> 16,
		.cdw12 = (uint32_t)offset,
		.cdw13 = offset >> 32,
	};
}

static int exec(struct nvt_ctrl *ctrl, struct nvt_sqe *sqe, struct nvt_buffer *buf, size_t length,
		struct nvt_cpl *cpl)
{
	if (!ctrl->admin)
		return nvt_fail(-EINVAL, "%s: admin command %#x: the controller is not initialised",
				ctrl->pcie->addr, sqe->opcode);
	return nvt_qpair_exec(ctrl->admin, sqe, buf, 0, length, cpl);
}

/*
 * After a time-out the device may still write to the buffer. The driver keeps
 * that of a managed queue; on a raw one it lives until the device is closed.
 */
static void free_data(struct nvt_ctrl *ctrl, struct nvt_buffer *buf, int result)
{
	if (result != -ETIMEDOUT || ctrl->opts.admin_backend == NVT_BACKEND_MANAGED)
		nvt_buffer_free(buf);
}

int nvt_identify(struct nvt_ctrl *ctrl, uint8_t cns, uint32_t nsid, void *data)
{
	struct nvt_sqe sqe = nvt_sqe_identify(cns, nsid, 0, 0);
	struct nvt_buffer *buf;
	int ret;

	buf = nvt_buffer_create(ctrl->pcie, NVME_IDENTIFY_DATA_SIZE, NVT_BUFFER_CONTIGUOUS);
	if (!buf)
		return -errno;
	ret = exec(ctrl, &sqe, buf, NVME_IDENTIFY_DATA_SIZE, NULL);
	if (!ret)
		memcpy(data, nvt_buffer_data(buf), NVME_IDENTIFY_DATA_SIZE);
	free_data(ctrl, buf, ret);
	return ret;
}

int nvt_identify_ctrl(struct nvt_ctrl *ctrl, struct nvme_id_ctrl *id)
{
	int ret = nvt_identify(ctrl, NVME_IDENTIFY_CNS_CTRL, 0, id);

	if (!ret)
		nvt_ctrl_set_id(ctrl, id);
	return ret;
}

int nvt_identify_ns(struct nvt_ctrl *ctrl, uint32_t nsid, struct nvme_id_ns *id)
{
	return nvt_identify(ctrl, NVME_IDENTIFY_CNS_NS, nsid, id);
}

int nvt_get_feature(struct nvt_ctrl *ctrl, uint8_t fid, uint32_t nsid, uint32_t *value)
{
	struct nvt_sqe sqe = nvt_sqe_get_features(fid, 0, nsid, 0);
	struct nvt_cpl cpl;
	int ret;

	ret = exec(ctrl, &sqe, NULL, 0, &cpl);
	if (!ret)
		*value = cpl.cqe.dw0;
	return ret;
}

int nvt_set_feature(struct nvt_ctrl *ctrl, uint8_t fid, uint32_t nsid, uint32_t cdw11,
		    uint32_t *result)
{
	struct nvt_sqe sqe = nvt_sqe_set_features(fid, 0, nsid, cdw11);
	struct nvt_cpl cpl;
	int ret;

	ret = exec(ctrl, &sqe, NULL, 0, &cpl);
	if (ret)
		return ret;
	if (fid == NVME_FEAT_FID_NUM_QUEUES)
		nvt_ctrl_set_granted(ctrl, cpl.cqe.dw0);
	if (result)
		*result = cpl.cqe.dw0;
	return 0;
}

int nvt_get_log_page(struct nvt_ctrl *ctrl, uint8_t lid, uint32_t nsid, void *data,
		     uint32_t length)
{
	struct nvt_buffer *buf;
	struct nvt_sqe sqe;
	uint32_t done, n;
	int ret = 0;

	if (!length || length % 4)
		return nvt_fail(-EINVAL, "%s: log page %#x: length %u; give a multiple of 4",
				ctrl->pcie->addr, lid, length);
	buf = nvt_buffer_create(ctrl->pcie, LOG_PIECE, NVT_BUFFER_CONTIGUOUS);
	if (!buf)
		return -errno;
	for (done = 0; !ret && done < length; done += n) {
		n = length - done < LOG_PIECE ? length - done : LOG_PIECE;
		sqe = nvt_sqe_get_log_page(lid, nsid, n, done);
		ret = exec(ctrl, &sqe, buf, n, NULL);
		if (!ret)
			memcpy((unsigned char *)data + done, nvt_buffer_data(buf), n);
	}
	free_data(ctrl, buf, ret);
	return ret;
}
