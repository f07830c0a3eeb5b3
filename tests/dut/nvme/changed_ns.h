/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The Changed Attached Namespace List of a controller. NVMe Base 2.1, 5.1.12.1.5 */
#ifndef DUT_CHANGED_NS_H
#define DUT_CHANGED_NS_H

#include <stdint.h>

#include "nvme/log_page.h"

struct changed_ns;

struct changed_ns *changed_ns_new(void);
void changed_ns_free(struct changed_ns *changed);
void changed_ns_clear(struct changed_ns *changed);

uint16_t changed_ns_log(struct cmd *cmd, struct log *log);

#endif /* DUT_CHANGED_NS_H */
