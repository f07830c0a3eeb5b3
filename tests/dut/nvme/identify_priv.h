/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the parts of Identify share: each fills the 4096 zeroed bytes of the reply. A status. */
#ifndef DUT_IDENTIFY_PRIV_H
#define DUT_IDENTIFY_PRIV_H

#include <stdint.h>

struct cmd;

#define NSID_BYTE	4
#define CDW10_BYTE	40
#define CDW11_BYTE	44

static inline uint8_t identify_csi(uint32_t cdw11)
{
	return cdw11 >> 24;
}

/* Whether the controller has that I/O command set. A status. */
uint16_t identify_check_csi(struct cmd *cmd);

/* The controller (identify_ctrl.c). */
uint16_t identify_ctrl(struct cmd *cmd, void *data);
uint16_t identify_csi_ctrl(struct cmd *cmd, void *data);

/* A namespace (identify_ns.c). */
uint16_t identify_ns(struct cmd *cmd, void *data);
uint16_t identify_allocated_ns(struct cmd *cmd, void *data);
uint16_t identify_csi_ns(struct cmd *cmd, void *data);
uint16_t identify_csi_allocated_ns(struct cmd *cmd, void *data);
uint16_t identify_independent_ns(struct cmd *cmd, void *data);
uint16_t identify_ns_format(struct cmd *cmd, void *data);
uint16_t identify_csi_ns_format(struct cmd *cmd, void *data);
uint16_t identify_descriptors(struct cmd *cmd, void *data);

/* Lists (identify_list.c). */
uint16_t identify_active_list(struct cmd *cmd, void *data);
uint16_t identify_csi_active_list(struct cmd *cmd, void *data);
uint16_t identify_allocated_list(struct cmd *cmd, void *data);
uint16_t identify_csi_allocated_list(struct cmd *cmd, void *data);
uint16_t identify_ns_ctrl_list(struct cmd *cmd, void *data);
uint16_t identify_ctrl_list(struct cmd *cmd, void *data);
uint16_t identify_command_sets(struct cmd *cmd, void *data);

#endif /* DUT_IDENTIFY_PRIV_H */
