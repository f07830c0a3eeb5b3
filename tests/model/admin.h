/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Admin commands on a device of tests, with its buffer for data. */
#ifndef ADMIN_H
#define ADMIN_H

#include <stdint.h>

#include "device.h"

/* A status with its type, as NVME_SC_* and NVME_SCT_* have them. */
#define STATUS_SPECIFIC(sc)	(NVME_SCT_CMD_SPECIFIC << 8 | (sc))

/* The data of commands: the device's buffer. */
void *admin_data(struct device *device);

/*
 * Runs it with @length bytes of data; the status without its flags, or a negative errno. @dw0
 * may be NULL.
 */
int admin_run(struct device *device, struct nvt_sqe sqe, size_t length, uint32_t *dw0);

/* Commands of which little more than the opcode is said. */
struct nvt_sqe admin_sqe(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11);

/* Part of a log page, with RAE as bit 7 of @lsp; the status. */
int admin_log(struct device *device, uint8_t lid, uint8_t lsp, uint64_t offset, uint32_t length);

/* Part of a log page that must be there; its data. */
const void *admin_log_data(struct device *device, uint8_t lid, uint8_t lsp, uint32_t length);

/* Identify that must succeed; its data. */
const void *admin_identify(struct device *device, uint8_t cns, uint32_t nsid);

#endif /* ADMIN_H */
