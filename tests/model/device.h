/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A model that runs, opened, with what most tests need of it. */
#ifndef DEVICE_H
#define DEVICE_H

#include <check.h>
#include <stdint.h>

#include <nvt/nvt.h>

#include "model.h"

#define DEVICE_BLOCK	512
#define DEVICE_BUFFER	(128 * 1024)

struct device {
	struct model model;
	struct nvt_ctrl *ctrl;
	struct nvt_pcie *pcie;
	struct nvt_ns *ns;
	struct nvt_qpair *qp;
	struct nvt_buffer *buf;		/* DEVICE_BUFFER bytes, in pages */
};

/* Failures end the test. */
void device_start(struct device *device, const char *options);
void device_open(struct device *device, const struct nvt_ctrl_opts *opts);

/* For tests that leave commands without an answer: those time out soon. */
void device_start_impatient(struct device *device, const char *options);
void device_close(struct device *device);
void device_stop(struct device *device);

/* Closed and opened again; the second without power in between. */
void device_reopen(struct device *device);
void device_cut_power(struct device *device);

/* An init of nvt_ctrl_opts: as nvt_ctrl_init(), with these bits of CC too (a uintptr_t). */
int device_init_cc(struct nvt_ctrl *ctrl, void *bits);

/* CLOCK_MONOTONIC. */
uint64_t device_now_ns(void);

/* Words that tell their place and the seed. */
void device_fill(struct nvt_buffer *buf, unsigned int seed);
void device_assert_filled(struct nvt_buffer *buf, size_t length, unsigned int seed);

/* Writes blocks on a queue of the device, reads them back and compares. */
void device_move_data(struct device *device, struct nvt_qpair *qp, unsigned int number);

/* A case of a suite with a fixture for each test and a minute for it. */
TCase *device_case(Suite *suite, const char *name, SFun setup, SFun teardown);

#endif /* DEVICE_H */
