// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Asynchronous Event Requests; see events.h. */
#include <nvme/types.h>

#include "events.h"

#define SOON_NS		5000000000ULL

static void ended(void *arg, const struct nvt_cpl *cpl)
{
	struct events *events = arg;

	/* A queue that is deleted ends them too. */
	if (nvt_cpl_status(cpl) == NVT_STATUS_DEAD)
		return;
	ck_assert_uint_lt(events->nr, EVENTS_MAX);
	events->cqe[events->nr++] = cpl->cqe;
}

void events_request(struct events *events, struct nvt_ctrl *ctrl, unsigned int n)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_async_event };

	events->ctrl = ctrl;
	while (n--)
		ck_assert_int_eq(nvt_qpair_post(nvt_ctrl_admin(ctrl), &sqe, NULL, 0, 0, ended,
						events), 0);
	ck_assert_int_eq(nvt_qpair_ring(nvt_ctrl_admin(ctrl)), 0);
}

void events_wait(struct events *events, unsigned int nr)
{
	uint64_t deadline = device_now_ns() + SOON_NS;

	while (events->nr < nr && device_now_ns() < deadline)
		ck_assert_int_ge(nvt_qpair_poll(nvt_ctrl_admin(events->ctrl), 0), 0);
	ck_assert_uint_ge(events->nr, nr);
}

unsigned int events_count(struct events *events, uint32_t dw0)
{
	struct nvt_sqe sqe = nvt_sqe_get_features(NVME_FEAT_FID_ARBITRATION, 0, 0, 0);
	unsigned int i, found = 0;

	ck_assert_int_eq(nvt_qpair_exec(nvt_ctrl_admin(events->ctrl), &sqe, NULL, 0, 0, NULL), 0);
	for (i = 0; i < events->nr; i++)
		found += events->cqe[i].dw0 == dw0 && !(events->cqe[i].status_phase >> 1);
	return found;
}

void events_expect(struct events *events, uint32_t dw0, unsigned int count)
{
	uint64_t deadline = device_now_ns() + SOON_NS;

	while (events_count(events, dw0) < count && device_now_ns() < deadline)
		;
	ck_assert_uint_eq(events_count(events, dw0), count);
}
