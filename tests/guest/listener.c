/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include <check.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <poll.h>
#include <string.h>

#include "bare.h"
#include "listener.h"

#define EVENT_MS	10000
#define QUIET_MS	150

static uint32_t number(struct nlattr **attrs, int attr)
{
	return attrs[attr] ? nla_get_u32(attrs[attr]) : 0;
}

static int hear(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[NVT_ATTR_MAX + 1];
	struct listener *l = arg;
	struct event *event = &l->events[l->nr % LISTENER_EVENTS];
	int i;

	nla_parse(attrs, NVT_ATTR_MAX, genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0),
		  NULL);
	ck_assert_ptr_nonnull(attrs[NVT_ATTR_BDF]);
	if (strcmp(nla_get_string(attrs[NVT_ATTR_BDF]), bare_addr()))
		return NL_OK;
	*event = (struct event) {
		.kind = header->cmd,
		.sqid = number(attrs, NVT_ATTR_SQID), .cqid = number(attrs, NVT_ATTR_CQID),
		.cid = number(attrs, NVT_ATTR_CID), .vector = number(attrs, NVT_ATTR_VECTOR),
		.seq = number(attrs, NVT_ATTR_SEQ),
	};
	for (i = 1; i <= NVT_ATTR_MAX; i++)
		event->attrs |= attrs[i] ? 1u << i : 0;
	if (attrs[NVT_ATTR_CQE]) {
		ck_assert_int_eq(nla_len(attrs[NVT_ATTR_CQE]), sizeof(event->cqe));
		memcpy(&event->cqe, nla_data(attrs[NVT_ATTR_CQE]), sizeof(event->cqe));
	}
	l->nr++;
	return NL_OK;
}

void listener_open(struct listener *l)
{
	int group;

	memset(l, 0, sizeof(*l));
	l->sock = nl_socket_alloc();
	nl_socket_disable_seq_check(l->sock);
	nl_socket_modify_cb(l->sock, NL_CB_VALID, NL_CB_CUSTOM, hear, l);
	ck_assert_int_eq(genl_connect(l->sock), 0);
	group = genl_ctrl_resolve_grp(l->sock, NVT_GENL_NAME, NVT_GENL_MCGRP);
	ck_assert_int_ge(group, 0);
	ck_assert_int_eq(nl_socket_add_membership(l->sock, group), 0);
}

void listener_close(struct listener *l)
{
	nl_socket_free(l->sock);
}

bool listener_next(struct listener *l, struct event *event, unsigned int timeout_ms)
{
	struct pollfd pfd = { .fd = nl_socket_get_fd(l->sock), .events = POLLIN };

	while (l->next == l->nr && poll(&pfd, 1, timeout_ms) == 1)
		nl_recvmsgs_default(l->sock);	/* one datagram a call */
	if (l->next == l->nr)
		return false;
	*event = l->events[l->next++ % LISTENER_EVENTS];
	return true;
}

struct event listener_expect(struct listener *l, enum nvt_event kind)
{
	struct event event = { .kind = NVT_EVENT_UNSPEC };

	ck_assert_msg(listener_next(l, &event, EVENT_MS), "no event, where %d should come", kind);
	ck_assert_msg(event.kind == kind, "event %d, not %d: SQ %u, CQ %u, command %u", event.kind,
		      kind, event.sqid, event.cqid, event.cid);
	return event;
}

void listener_quiet(struct listener *l)
{
	struct event event;

	ck_assert_msg(!listener_next(l, &event, QUIET_MS),
		      "an event %d out of place: SQ %u, CQ %u, command %u", event.kind, event.sqid,
		      event.cqid, event.cid);
}
