/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The ABI, compiled for 32 and for 64 bit: a size that changes breaks programs. */
#include "../uapi/nvt.h"

#define SIZE(name, size) _Static_assert(sizeof(struct name) == (size), #name)

SIZE(nvt_vector_counter, 64);
SIZE(nvt_status, 64);
SIZE(nvt_device_info, 120);
SIZE(nvt_reg_access, 32);
SIZE(nvt_config_access, 24);
SIZE(nvt_buffer_create, 56);
SIZE(nvt_buffer_destroy, 16);
SIZE(nvt_vectors_set, 16);
SIZE(nvt_vector_info, 24);
SIZE(nvt_vector_mask, 16);
SIZE(nvt_vector_eventfd, 16);
SIZE(nvt_irq_entry, 32);
SIZE(nvt_irq_log, 64);
SIZE(nvt_irq_log_set, 24);
SIZE(nvt_queue_create, 48);
SIZE(nvt_queue_destroy, 16);
SIZE(nvt_queue_stats, 72);
SIZE(nvt_command, 112);
SIZE(nvt_reset, 16);
SIZE(nvt_release, 8);
SIZE(nvt_share, 8);
SIZE(nvt_uring_command, 80);
SIZE(nvt_uring_doorbell, 80);
SIZE(nvt_record, 32);
