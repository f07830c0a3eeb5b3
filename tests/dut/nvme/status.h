/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The status of a command as the handlers return it: the status field of a
 * completion without its phase bit. SC 7:0, SCT 10:8, CRD 12:11, M 13, DNR 14.
 */
#ifndef DUT_STATUS_H
#define DUT_STATUS_H

#include <stdint.h>
#include <nvme/types.h>

#define STATUS_DNR		(1U << 14)
#define STATUS_MORE		(1U << 13)

/* As libnvme has them: generic ones as they are, the others with their type. All that a retry cannot help. */
#define GENERIC(sc)		((uint16_t)(NVME_SC_##sc | STATUS_DNR))
#define SPECIFIC(sc)		((uint16_t)(NVME_SC_##sc | NVME_SCT_CMD_SPECIFIC << 8 | STATUS_DNR))
#define MEDIA(sc)		((uint16_t)(NVME_SC_##sc | NVME_SCT_MEDIA << 8 | STATUS_DNR))
#define RETRY(status)		((uint16_t)((status) & ~STATUS_DNR))

/* The device is busy: in CRDT1, if the host has ACRE enabled, or whenever it likes. */
#define STATUS_CRD1		(1U << 11)
#define LATER(status)		((uint16_t)(RETRY(status) | STATUS_CRD1))

/* A handler's word that it will call cmd_complete() later. */
#define CMD_PENDING		0xffff

#endif /* DUT_STATUS_H */
