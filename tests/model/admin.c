// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Admin commands on a device of tests. */
#include <string.h>

#include "admin.h"

void *admin_data(struct device *device)
{
	return nvt_buffer_data(device->buf);
}

int admin_run(struct device *device, struct nvt_sqe sqe, size_t length, uint32_t *dw0)
{
	struct nvt_cpl cpl;
	int status = nvt_qpair_exec(nvt_ctrl_admin(device->ctrl), &sqe,
				    length ? device->buf : NULL, 0, length, &cpl);

	if (status < 0)
		return status;
	if (dw0)
		*dw0 = cpl.cqe.dw0;
	return status & 0x7ff;
}

struct nvt_sqe admin_sqe(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11)
{
	return (struct nvt_sqe){
		.opcode = opcode,
		.nsid = nsid,
		.cdw10 = cdw10,
		.cdw11 = cdw11,
	};
}

int admin_log(struct device *device, uint8_t lid, uint8_t lsp, uint64_t offset, uint32_t length)
{
	struct nvt_sqe sqe = nvt_sqe_get_log_page(lid, 0, length, offset);

	sqe.cdw10 |= (uint32_t)lsp << 8;
	memset(admin_data(device), 0xa5, length);
	return admin_run(device, sqe, length, NULL);
}

const void *admin_log_data(struct device *device, uint8_t lid, uint8_t lsp, uint32_t length)
{
	ck_assert_int_eq(admin_log(device, lid, lsp, 0, length), 0);
	return admin_data(device);
}

const void *admin_identify(struct device *device, uint8_t cns, uint32_t nsid)
{
	ck_assert_int_eq(admin_run(device, nvt_sqe_identify(cns, nsid, 0, 0), 4096, NULL), 0);
	return admin_data(device);
}
