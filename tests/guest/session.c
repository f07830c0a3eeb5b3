/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include <check.h>

#include "bare.h"
#include "session.h"

void session_open(struct session *s, int backend)
{
	struct nvt_qpair_opts opts = { .backend = backend };

	s->ctrl = nvt_ctrl_open(bare_addr(), NULL);
	ck_assert_msg(s->ctrl != NULL, "%s", nvt_error());
	s->ns = nvt_ns_open(s->ctrl, 1);
	ck_assert_msg(s->ns != NULL, "%s", nvt_error());
	s->qp = nvt_qpair_create(s->ctrl, &opts);
	ck_assert_msg(s->qp != NULL, "%s", nvt_error());
	s->buf = nvt_buffer_create(nvt_ctrl_pcie(s->ctrl), SESSION_BUFFER, NVT_BUFFER_PAGES);
	ck_assert_msg(s->buf != NULL, "%s", nvt_error());
}

void session_close(struct session *s)
{
	nvt_buffer_free(s->buf);
	ck_assert_int_eq(nvt_qpair_delete(s->qp), 0);
	nvt_ns_close(s->ns);
	nvt_ctrl_close(s->ctrl);
}
