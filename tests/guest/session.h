/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A controller opened through the library, with what most tests need of it. */
#ifndef NVT_TEST_SESSION_H
#define NVT_TEST_SESSION_H

#include <nvt/nvt.h>

#define SESSION_BUFFER	65536

struct session {
	struct nvt_ctrl *ctrl;
	struct nvt_ns *ns;
	struct nvt_qpair *qp;
	struct nvt_buffer *buf;			/* SESSION_BUFFER bytes */
};

/* Failures end the test. */
void session_open(struct session *s, int backend);
void session_close(struct session *s);

#endif /* NVT_TEST_SESSION_H */
