/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The driver's events, as they come by netlink. Failures end the test. */
#ifndef NVT_TEST_LISTENER_H
#define NVT_TEST_LISTENER_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include <nvt/cmd.h>
#include <nvt/uapi.h>

#define LISTENER_EVENTS	64

struct event {
	enum nvt_event kind;
	uint32_t attrs;			/* bit n: it has enum nvt_attr n */
	uint32_t sqid;
	uint32_t cqid;
	uint32_t cid;
	uint32_t vector;
	uint32_t seq;
	struct nvt_cqe cqe;
};

struct listener {
	struct nl_sock *sock;
	struct event events[LISTENER_EVENTS];
	unsigned int nr, next;
};

void listener_open(struct listener *l);
void listener_close(struct listener *l);

/* The next event, if one comes in time. */
bool listener_next(struct listener *l, struct event *event, unsigned int timeout_ms);
/* The next event, which must come and be of this kind. */
struct event listener_expect(struct listener *l, enum nvt_event kind);
/* None for a while. */
void listener_quiet(struct listener *l);

#endif /* NVT_TEST_LISTENER_H */
