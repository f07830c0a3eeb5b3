/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Admin commands. The functions build the entry; nvt_qpair_exec() or
 * nvt_qpair_post() on nvt_ctrl_admin() sends it. Those that take a controller
 * send it and wait.
 *
 * The latter return 0, a positive status of the device, or a negative errno
 * as nvt_qpair_exec() does. Thread-safety: as the controller.
 */
#ifndef NVT_ADMIN_H
#define NVT_ADMIN_H

#include <stddef.h>
#include <stdint.h>
#include <nvme/types.h>

#include <nvt/cmd.h>
#include <nvt/ctrl.h>

#ifdef __cplusplus
extern "C" {
#endif

/** nvt_sqe_identify() - Identify; 4096 bytes of data. NVMe Base 2.1, 5.1.13 */
struct nvt_sqe nvt_sqe_identify(uint8_t cns, uint32_t nsid, uint16_t cntid, uint8_t csi);

/** nvt_sqe_get_features() - Get Features; @sel: 0 current, 1 default, 2 saved, 3 capabilities. 5.1.11 */
struct nvt_sqe nvt_sqe_get_features(uint8_t fid, uint8_t sel, uint32_t nsid, uint32_t cdw11);

/** nvt_sqe_set_features() - Set Features; @save: also across power cycles. 5.1.25 */
struct nvt_sqe nvt_sqe_set_features(uint8_t fid, int save, uint32_t nsid, uint32_t cdw11);

/** nvt_sqe_get_log_page() - Get Log Page; @length: of the data, a multiple of 4; @offset: in the log. 5.1.12 */
struct nvt_sqe nvt_sqe_get_log_page(uint8_t lid, uint32_t nsid, uint32_t length, uint64_t offset);

/**
 * nvt_identify() - Identify, into the caller's memory
 * @ctrl: the controller
 * @cns: which data structure
 * @nsid: of which namespace
 * @data: 4096 bytes
 */
int nvt_identify(struct nvt_ctrl *ctrl, uint8_t cns, uint32_t nsid, void *data);

/** nvt_identify_ctrl() - Identify Controller (CNS 01h) */
int nvt_identify_ctrl(struct nvt_ctrl *ctrl, struct nvme_id_ctrl *id);

/** nvt_identify_ns() - Identify Namespace (CNS 00h) */
int nvt_identify_ns(struct nvt_ctrl *ctrl, uint32_t nsid, struct nvme_id_ns *id);

/**
 * nvt_get_feature() - current value of a feature without a data structure
 * @ctrl: the controller
 * @fid: feature id
 * @nsid: namespace id, 0 where the feature has none
 * @value: DW0 of the completion
 */
int nvt_get_feature(struct nvt_ctrl *ctrl, uint8_t fid, uint32_t nsid, uint32_t *value);

/**
 * nvt_set_feature() - set a feature without a data structure
 * @ctrl: the controller
 * @fid: feature id
 * @nsid: namespace id, 0 where the feature has none
 * @cdw11: its value
 * @result: DW0 of the completion, or NULL
 */
int nvt_set_feature(struct nvt_ctrl *ctrl, uint8_t fid, uint32_t nsid, uint32_t cdw11,
		    uint32_t *result);

/**
 * nvt_get_log_page() - read a log page, in pieces where it is long
 * @ctrl: the controller
 * @lid: log page id
 * @nsid: namespace id, NVME_NSID_ALL where the log is the controller's
 * @data: where it goes
 * @length: bytes, a multiple of 4
 */
int nvt_get_log_page(struct nvt_ctrl *ctrl, uint8_t lid, uint32_t nsid, void *data,
		     uint32_t length);

#ifdef __cplusplus
}
#endif

#endif /* NVT_ADMIN_H */
