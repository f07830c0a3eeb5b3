/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * An NVMe controller: initialisation, reset, its admin queue.
 *
 * Thread-safety: one thread at a time; queue pairs other than admin are
 * independent once made.
 */
#ifndef NVT_CTRL_H
#define NVT_CTRL_H

#include <stdint.h>
#include <nvme/types.h>

#include <nvt/pcie.h>
#include <nvt/qpair.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nvt_ctrl;

/**
 * typedef nvt_ctrl_init_fn - an initialisation of the caller's own
 * @ctrl: the controller, disabled or as it was found
 * @arg: the caller's
 *
 * Run by nvt_ctrl_open() and by each nvt_ctrl_reset(), in place of
 * nvt_ctrl_init(). Return: 0 or a negative errno.
 */
typedef int (*nvt_ctrl_init_fn)(struct nvt_ctrl *ctrl, void *arg);

/**
 * struct nvt_ctrl_opts - how to open a controller; zeros are the defaults
 * @timeout_ms: of a command; 0: 10000
 * @admin_entries: of the admin queues, 2 to 4096; 0: 128
 * @admin_backend: enum nvt_backend of the admin queue pair
 * @vector_type: enum nvt_vector_type; NVT_VECTOR_NONE: MSI-X, else MSI, else
 *	INTx, whichever is there
 * @vectors: how many; 0: one for admin and one for each CPU
 * @io_queues: I/O queue pairs to ask for with Number of Queues; 0: as many as
 *	there are vectors and CPUs for, at least 16
 * @no_init: leave the controller as it is found
 * @init: initialisation in place of the default, or NULL
 * @init_arg: for @init
 */
struct nvt_ctrl_opts {
	uint32_t timeout_ms;
	uint32_t admin_entries;
	int admin_backend;
	int vector_type;
	uint32_t vectors;
	uint32_t io_queues;
	uint8_t no_init;
	nvt_ctrl_init_fn init;
	void *init_arg;
};

/**
 * nvt_ctrl_open() - own a device and initialise its controller
 * @addr: as nvt_pcie_open()
 * @opts: how, or NULL for the defaults
 *
 * Return: the controller, or NULL with errno set: as nvt_pcie_open() and
 * nvt_ctrl_init(); EMEDIUMTYPE if the function is not an NVMe controller.
 */
struct nvt_ctrl *nvt_ctrl_open(const char *addr, const struct nvt_ctrl_opts *opts);

/**
 * nvt_ctrl_close() - delete what is left of its queues, disable, give it up
 * @ctrl: the controller, or NULL
 *
 * Its namespaces, queue pairs and buffers must have been freed.
 */
void nvt_ctrl_close(struct nvt_ctrl *ctrl);

/**
 * nvt_ctrl_init() - the default initialisation
 * @ctrl: the controller
 *
 * Disable, admin queues, enable, identify, Number of Queues.
 * NVMe Base 2.1, 3.5.1.
 *
 * Return: 0 or a negative errno: -ETIMEDOUT (CSTS.RDY does not follow within
 * CAP.TO), -EIO (CSTS.CFS, or registers all-ones), -EREMOTEIO (a command
 * failed), -ENOMEM.
 */
int nvt_ctrl_init(struct nvt_ctrl *ctrl);

/**
 * nvt_ctrl_disable() - CC.EN = 0 and wait for CSTS.RDY = 0
 * @ctrl: the controller
 *
 * The admin queue pair and all others are dead. Return: as nvt_ctrl_init().
 */
int nvt_ctrl_disable(struct nvt_ctrl *ctrl);

/**
 * nvt_ctrl_init_admin() - admin queues: memory, AQA, ASQ, ACQ
 * @ctrl: the controller, disabled
 *
 * Return: as nvt_ctrl_init().
 */
int nvt_ctrl_init_admin(struct nvt_ctrl *ctrl);

/**
 * nvt_ctrl_enable() - CC.EN = 1 and wait for CSTS.RDY = 1
 * @ctrl: the controller, disabled, with admin queues
 *
 * With 64-byte SQ and 16-byte CQ entries, 4 KiB pages, the NVM command set.
 * Return: as nvt_ctrl_init(), and -EINVAL (CAP.MPSMIN is above 4 KiB).
 */
int nvt_ctrl_enable(struct nvt_ctrl *ctrl);

/**
 * nvt_ctrl_reset() - controller reset: run the initialisation again
 * @ctrl: the controller
 *
 * Its I/O queue pairs are dead: nvt_qpair_delete() and make them again. A
 * function that lost its power or link and has it back, and with it forgot
 * that it was enabled, gets its config space and vectors again first.
 *
 * Return: as nvt_ctrl_init().
 */
int nvt_ctrl_reset(struct nvt_ctrl *ctrl);

/** nvt_ctrl_pcie() - its PCI function, to use and not to close */
struct nvt_pcie *nvt_ctrl_pcie(const struct nvt_ctrl *ctrl);

/** nvt_ctrl_admin() - its admin queue pair, or NULL before nvt_ctrl_init_admin() */
struct nvt_qpair *nvt_ctrl_admin(const struct nvt_ctrl *ctrl);

/** nvt_ctrl_id() - Identify Controller as of the last initialisation, or NULL */
const struct nvme_id_ctrl *nvt_ctrl_id(const struct nvt_ctrl *ctrl);

/** nvt_ctrl_cap() - register CAP */
uint64_t nvt_ctrl_cap(const struct nvt_ctrl *ctrl);

/** nvt_ctrl_mdts() - largest data transfer in bytes; at most what a PRP list of one page describes */
uint32_t nvt_ctrl_mdts(const struct nvt_ctrl *ctrl);

/** nvt_ctrl_max_qpairs() - I/O queue pairs that the device granted */
uint32_t nvt_ctrl_max_qpairs(const struct nvt_ctrl *ctrl);

#ifdef __cplusplus
}
#endif

#endif /* NVT_CTRL_H */
