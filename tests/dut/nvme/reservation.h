/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Reservations of a namespace: who is registered, who may do what. NVMe Base 2.1, 8.1.22 */
#ifndef DUT_RESERVATION_H
#define DUT_RESERVATION_H

#include <stdbool.h>
#include <stdint.h>

struct cmd;
struct ctrl;
struct log;
struct ns;
struct reservation;

#define RESERVATION_REGISTRANTS	32

/* What RESCAP says: persistence, the six types, and IEKEY as of NVMe 1.3 and later. */
#define RESERVATION_RESCAP	0xff

/* As the state has it: NULL if there is no memory. The namespace keeps it in ns->reservation. */
struct reservation *reservation_new(struct ns *ns);
void reservation_free(struct reservation *reservation);

/* The namespace is deleted, or made anew: nothing is left, in the state neither. */
void reservation_forget(struct ns *ns);

/* Power was off: without PTPL nothing survives. */
void reservation_power(struct ns *ns);

/* A Controller Level Reset ends registrations by a Host Identifier of 0, nobody being it again. */
void reservation_reset(struct ctrl *ctrl);

/* True if a reservation forbids the command to its host. Cheap where there is none. */
bool reservation_conflict(const struct cmd *cmd);

/* The same for one namespace that a command reads or writes beside its own (Copy). */
bool reservation_forbids(const struct ns *ns, const struct ctrl *ctrl, bool write);

/* Features 82h (of this controller and namespace) and 83h (PTPL; of the namespace). */
uint32_t reservation_mask(const struct ns *ns, const struct ctrl *ctrl);
void reservation_set_mask(struct ns *ns, const struct ctrl *ctrl, uint32_t mask);
bool reservation_persists(const struct ns *ns);
void reservation_set_persists(struct ns *ns, bool ptpl);

uint16_t reservation_register_run(struct cmd *cmd);
uint16_t reservation_report_run(struct cmd *cmd);
uint16_t reservation_acquire_run(struct cmd *cmd);
uint16_t reservation_release_run(struct cmd *cmd);

/* Log page 80h: the oldest notification that was not read, which goes with it unless RAE is 1. */
uint16_t reservation_log(struct cmd *cmd, struct log *log);

#endif /* DUT_RESERVATION_H */
