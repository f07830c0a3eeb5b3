/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* All of libnvt. */
#ifndef NVT_NVT_H
#define NVT_NVT_H

#include <nvt/error.h>
#include <nvt/pcie.h>
#include <nvt/irq.h>
#include <nvt/buffer.h>
#include <nvt/cmd.h>
#include <nvt/qpair.h>
#include <nvt/ctrl.h>
#include <nvt/admin.h>
#include <nvt/ns.h>
#include <nvt/verify.h>
#include <nvt/ioworker.h>
#include <nvt/irq_check.h>

#endif /* NVT_NVT_H */
