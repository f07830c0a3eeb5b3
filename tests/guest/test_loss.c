/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A model that loses its power or its link under the driver, and gets it back. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nvt/nvt.h>

#include "bare.h"
#include "session.h"
#include "suites.h"

#define AT_ONCE_NS	5000000000ULL	/* of a command time-out of 10 s */

static const char *const losses[][2] = {
	{ "tests/vm/ctl power-off", "tests/vm/ctl power-on" },
	{ "tests/vm/ctl link-down", "tests/vm/ctl link-up" },
};

static const int backends[] = { NVT_BACKEND_MANAGED, NVT_BACKEND_RAW };

#define LOSSES (sizeof(losses) / sizeof(losses[0]))
#define RUNS (LOSSES * sizeof(backends) / sizeof(backends[0]))

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void open_on(struct session *s, int backend)
{
	session_open(s, backend);
	memset(nvt_buffer_data(s->buf), 0x5a, SESSION_BUFFER);
	ck_assert_int_eq(nvt_ns_write(s->ns, s->qp, s->buf, 0, 8, 8, 0), 0);
	ck_assert_int_eq(nvt_ns_flush(s->ns, s->qp), 0);
}

static void assert_works(struct session *s)
{
	const unsigned char *data = nvt_buffer_data(s->buf);

	s->qp = nvt_qpair_create(s->ctrl, NULL);
	ck_assert_msg(s->qp != NULL, "%s", nvt_error());
	memset(nvt_buffer_data(s->buf), 0, SESSION_BUFFER);
	/* On a managed queue: a completion comes with its interrupt only. */
	ck_assert_int_eq(nvt_ns_read(s->ns, s->qp, s->buf, 0, 8, 8, 0), 0);
	ck_assert_int_eq(data[0], 0x5a);
	ck_assert_int_eq(data[4095], 0x5a);
}

START_TEST(a_controller_reset_is_enough_after_a_loss)
{
	const char *const *loss = losses[_i % LOSSES];
	uint64_t generation;
	struct session s;

	open_on(&s, backends[_i / LOSSES]);
	generation = nvt_pcie_generation(nvt_ctrl_pcie(s.ctrl));
	ck_assert_int_eq(system(loss[0]), 0);
	ck_assert_int_eq(system(loss[1]), 0);
	ck_assert_msg(nvt_ctrl_reset(s.ctrl) == 0, "%s", nvt_error());
	ck_assert_uint_gt(nvt_pcie_generation(nvt_ctrl_pcie(s.ctrl)), generation);
	ck_assert_int_eq(nvt_qpair_delete(s.qp), 0);
	assert_works(&s);
	session_close(&s);
}
END_TEST

START_TEST(queue_of_a_dead_device_is_deleted_at_once)
{
	const char *const *loss = losses[_i % LOSSES];
	struct session s;
	uint64_t start;

	open_on(&s, backends[_i / LOSSES]);
	ck_assert_int_eq(system(loss[0]), 0);
	start = now_ns();
	ck_assert_int_eq(nvt_qpair_delete(s.qp), -EIO);
	ck_assert_msg(strstr(nvt_error(), "all-ones") != NULL, "%s", nvt_error());
	ck_assert_uint_lt(now_ns() - start, AT_ONCE_NS);
	ck_assert_int_eq(system(loss[1]), 0);
	ck_assert_msg(nvt_ctrl_reset(s.ctrl) == 0, "%s", nvt_error());
	assert_works(&s);
	session_close(&s);
}
END_TEST

START_TEST(an_open_is_enough_after_a_loss)
{
	const char *const *loss = losses[_i];
	struct session s;

	open_on(&s, NVT_BACKEND_MANAGED);
	session_close(&s);
	ck_assert_int_eq(system(loss[0]), 0);
	ck_assert_int_eq(system(loss[1]), 0);
	session_open(&s, NVT_BACKEND_MANAGED);
	ck_assert_int_eq(nvt_qpair_delete(s.qp), 0);
	assert_works(&s);
	session_close(&s);
}
END_TEST

Suite *loss_suite(void)
{
	Suite *suite = suite_create("loss");
	TCase *tcase = tcase_create("loss");

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, a_controller_reset_is_enough_after_a_loss, 0, RUNS);
	tcase_add_loop_test(tcase, queue_of_a_dead_device_is_deleted_at_once, 0, RUNS);
	tcase_add_loop_test(tcase, an_open_is_enough_after_a_loss, 0, LOSSES);
	suite_add_tcase(suite, tcase);
	return suite;
}
