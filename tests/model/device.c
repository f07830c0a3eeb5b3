// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A model that runs, opened; see device.h. */
#include <string.h>
#include <time.h>

#include <nvme/types.h>

#include "device.h"

#define CC_EN		1U
#define CC_SIZES	(6U << 16 | 4U << 20)	/* of entries: 64 and 16 bytes */
#define CSTS_RDY	1U
#define CSTS_CFS	2U
#define SHORT_MS	2000
#define READY_NS	5000000000ULL

uint64_t device_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

int device_init_cc(struct nvt_ctrl *ctrl, void *bits)
{
	uint32_t cc = CC_SIZES | (uint32_t)(uintptr_t)bits;
	struct nvt_pcie *pcie = nvt_ctrl_pcie(ctrl);
	uint64_t csts = 0, end = device_now_ns() + READY_NS;
	struct nvme_id_ctrl id;

	ck_assert_int_eq(nvt_ctrl_disable(ctrl), 0);
	ck_assert_int_eq(nvt_ctrl_init_admin(ctrl), 0);
	ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, NVME_REG_CC, 4, cc), 0);
	ck_assert_int_eq(nvt_pcie_reg_write(pcie, 0, NVME_REG_CC, 4, cc | CC_EN), 0);
	while (!(csts & CSTS_RDY) && device_now_ns() < end)
		ck_assert_int_eq(nvt_pcie_reg_read(pcie, 0, NVME_REG_CSTS, 4, &csts), 0);
	ck_assert_uint_eq(csts & (CSTS_RDY | CSTS_CFS), CSTS_RDY);
	ck_assert_int_eq(nvt_identify_ctrl(ctrl, &id), 0);
	return nvt_set_feature(ctrl, NVME_FEAT_FID_NUM_QUEUES, 0, 15 << 16 | 15, NULL);
}

void device_open(struct device *device, const struct nvt_ctrl_opts *opts)
{
	device->ctrl = nvt_ctrl_open(device->model.address[0], opts);
	ck_assert_msg(device->ctrl != NULL, "%s", nvt_error());
	device->pcie = nvt_ctrl_pcie(device->ctrl);
	device->ns = nvt_ns_open(device->ctrl, 1);
	ck_assert_msg(device->ns != NULL, "%s", nvt_error());
	device->qp = nvt_qpair_create(device->ctrl, NULL);
	ck_assert_msg(device->qp != NULL, "%s", nvt_error());
	device->buf = nvt_buffer_create(device->pcie, DEVICE_BUFFER, NVT_BUFFER_PAGES);
	ck_assert_msg(device->buf != NULL, "%s", nvt_error());
}

void device_close(struct device *device)
{
	nvt_buffer_free(device->buf);
	nvt_qpair_delete(device->qp);
	nvt_ns_close(device->ns);
	nvt_ctrl_close(device->ctrl);
}

void device_start(struct device *device, const char *options)
{
	model_start(&device->model, options);
	device_open(device, NULL);
}

void device_start_impatient(struct device *device, const char *options)
{
	const struct nvt_ctrl_opts opts = { .timeout_ms = SHORT_MS };

	model_start(&device->model, options);
	device_open(device, &opts);
}

void device_stop(struct device *device)
{
	device_close(device);
	model_stop(&device->model);
}

void device_reopen(struct device *device)
{
	device_close(device);
	device_open(device, NULL);
}

void device_cut_power(struct device *device)
{
	device_close(device);
	model_do(&device->model, "power off");
	model_do(&device->model, "power on");
	device_open(device, NULL);
}

static uint32_t word_at(unsigned int seed, size_t i)
{
	return seed * 2654435761U + i;
}

void device_fill(struct nvt_buffer *buf, unsigned int seed)
{
	uint32_t *word = nvt_buffer_data(buf);
	size_t i;

	for (i = 0; i < nvt_buffer_length(buf) / 4; i++)
		word[i] = word_at(seed, i);
}

void device_assert_filled(struct nvt_buffer *buf, size_t length, unsigned int seed)
{
	const uint32_t *word = nvt_buffer_data(buf);
	size_t i;

	for (i = 0; i < length / 4; i++)
		if (word[i] != word_at(seed, i))
			ck_abort_msg("byte %zu is not what was written", i * 4);
}

void device_move_data(struct device *device, struct nvt_qpair *qp, unsigned int number)
{
	struct nvt_buffer *buf = nvt_buffer_create(device->pcie, 4096, NVT_BUFFER_CONTIGUOUS);

	ck_assert_msg(buf != NULL, "%s", nvt_error());
	device_fill(buf, number);
	ck_assert_int_eq(nvt_ns_write(device->ns, qp, buf, 0, 8 * number, 8, 0), 0);
	memset(nvt_buffer_data(buf), 0, 4096);
	ck_assert_int_eq(nvt_ns_read(device->ns, qp, buf, 0, 8 * number, 8, 0), 0);
	device_assert_filled(buf, 4096, number);
	nvt_buffer_free(buf);
}

TCase *device_case(Suite *suite, const char *name, SFun setup, SFun teardown)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return tc;
}
