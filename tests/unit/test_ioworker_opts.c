// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Options of an ioworker that are refused, and the words for it. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include <nvt/nvt.h>

#include "fake_disk.h"
#include "suites.h"

static struct nvt_ctrl *ctrl;
static struct nvt_ns *ns;

static void make_disk(const struct fake_disk_opts *opts)
{
	ctrl = fake_disk_ctrl(fake_disk_create(opts), 500);
	ns = nvt_ns_open(ctrl, 1);
	ck_assert_msg(ns != NULL, "%s", nvt_error());
}

static void make(void)
{
	make_disk(NULL);
}

static void drop(void)
{
	nvt_ns_close(ns);
	nvt_ctrl_close(ctrl);
}

static void remake(const struct fake_disk_opts *opts)
{
	drop();
	make_disk(opts);
}

static struct nvt_ioworker_opts raw(void)
{
	return (struct nvt_ioworker_opts){ .backend = NVT_BACKEND_RAW, .qdepth = 16 };
}

static void assert_refused(const struct nvt_ioworker_opts *o, const char *text)
{
	errno = 0;
	ck_assert_ptr_null(nvt_ioworker_start(ns, o));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_msg(strstr(nvt_error(), text) != NULL, "%s", nvt_error());
}

START_TEST(bad_options_are_refused_by_name)
{
	struct nvt_ioworker_opts o = raw();

	o.qdepth = 70000;
	assert_refused(&o, "0000:01:00.0: ioworker: qdepth 70000 is above 1023; ");
	o = raw();
	o.io_blocks = 257;
	assert_refused(&o, "io_blocks 257 is above 256");
	o = raw();
	o.read_percent = 101;
	assert_refused(&o, "read_percent 101 is above 100");
	o = raw();
	o.random_percent = 101;
	o.io_count = 1;
	assert_refused(&o, "random_percent 101 is above 100");
	o = raw();
	o.random_percent = 1;
	assert_refused(&o, "random_percent 1 is above 0 with neither time_ms nor io_count");
	o = raw();
	o.region_end = 4097;
	assert_refused(&o, "region_end 4097 is above 4096");
	o = raw();
	o.region_start = 4096;
	assert_refused(&o, "region_start 4096 is above 4095");
	o = raw();
	o.backend = 7;
	assert_refused(&o, "backend 7 is unknown");
	o = raw();
	o.cpu = 1000;
	assert_refused(&o, "there is no CPU 999");
}
END_TEST

START_TEST(random_command_must_fit_the_region)
{
	struct nvt_ioworker_opts o = raw();

	o.io_count = 1;
	o.random_percent = 1;
	o.region_end = 7;
	assert_refused(&o, "io_blocks 8 is above 7");
}
END_TEST

START_TEST(data_of_all_commands_must_fit_a_buffer)
{
	const struct fake_disk_opts deep = { .mqes = 65535 };
	struct nvt_ioworker_opts o = raw();

	remake(&deep);
	o.qdepth = 65535;
	assert_refused(&o, "qdepth 65535 is above 65534");
	o.qdepth = 8193;
	o.io_blocks = 256;
	assert_refused(&o, "qdepth 8193 is above 8192");
}
END_TEST

START_TEST(verifier_of_another_namespace_is_refused)
{
	const struct fake_disk_opts small = { .blocks = 100 };
	struct nvt_verify *other = nvt_verify_create(ns);
	struct nvt_ioworker_opts o = raw();

	ck_assert_ptr_nonnull(other);
	remake(&small);
	o.verify = other;
	assert_refused(&o, "verify is for 4096 blocks");
	nvt_verify_free(other);
}
END_TEST

Suite *ioworker_opts_suite(void)
{
	Suite *s = suite_create("ioworker_opts");
	TCase *tc = tcase_create("refused");

	tcase_add_checked_fixture(tc, make, drop);
	tcase_add_test(tc, bad_options_are_refused_by_name);
	tcase_add_test(tc, random_command_must_fit_the_region);
	tcase_add_test(tc, data_of_all_commands_must_fit_a_buffer);
	tcase_add_test(tc, verifier_of_another_namespace_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
