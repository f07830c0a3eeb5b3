// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <pthread.h>
#include <string.h>

#include <nvt/cmd.h>
#include <nvt/error.h>

#include "err.h"
#include "suites.h"

START_TEST(failure_sets_text_and_errno_and_returns_it)
{
	errno = 0;
	ck_assert_int_eq(nvt_fail(-EBUSY, "%s: open: owned", "0000:01:00.0"), -EBUSY);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_str_eq(nvt_error(), "0000:01:00.0: open: owned");
}
END_TEST

START_TEST(text_can_be_made_from_the_one_before)
{
	nvt_fail(-EIO, "inner");
	nvt_fail(-EIO, "outer: %s", nvt_error());
	ck_assert_str_eq(nvt_error(), "outer: inner");
}
END_TEST

START_TEST(long_text_is_cut)
{
	char longer[2000];

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	nvt_fail(-EIO, "%s", longer);
	ck_assert_uint_lt(strlen(nvt_error()), sizeof(longer) - 1);
	ck_assert_uint_gt(strlen(nvt_error()), 100);
}
END_TEST

static void *other_thread(void *text)
{
	strcpy(text, nvt_error());
	nvt_fail(-EIO, "of the other thread");
	return NULL;
}

START_TEST(text_is_of_the_thread)
{
	char seen[64] = "?";
	pthread_t thread;

	nvt_fail(-EIO, "of this thread");
	ck_assert_int_eq(pthread_create(&thread, NULL, other_thread, seen), 0);
	pthread_join(thread, NULL);
	ck_assert_str_eq(seen, "");
	ck_assert_str_eq(nvt_error(), "of this thread");
}
END_TEST

START_TEST(every_status_has_a_string)
{
	unsigned int status;

	for (status = 0; status <= 0x7fff; status++) {
		ck_assert_ptr_nonnull(nvt_status_string(status));
		ck_assert_int_ne(nvt_status_string(status)[0], '\0');
	}
}
END_TEST

START_TEST(status_string_ignores_dnr_and_more)
{
	ck_assert_str_eq(nvt_status_string(0x4002), nvt_status_string(0x0002));
	ck_assert_str_eq(nvt_status_string(0x2281), nvt_status_string(0x0281));
	ck_assert_ptr_nonnull(strstr(nvt_status_string(0x0002), "Invalid Field"));
}
END_TEST

START_TEST(dead_status_says_that_no_device_sent_it)
{
	ck_assert_ptr_nonnull(strstr(nvt_status_string(NVT_STATUS_DEAD), "died"));
}
END_TEST

Suite *error_suite(void)
{
	Suite *suite = suite_create("error");
	TCase *tc = tcase_create("error");

	tcase_add_test(tc, failure_sets_text_and_errno_and_returns_it);
	tcase_add_test(tc, text_can_be_made_from_the_one_before);
	tcase_add_test(tc, long_text_is_cut);
	tcase_add_test(tc, text_is_of_the_thread);
	tcase_add_test(tc, every_status_has_a_string);
	tcase_add_test(tc, status_string_ignores_dnr_and_more);
	tcase_add_test(tc, dead_status_says_that_no_device_sent_it);
	suite_add_tcase(suite, tc);
	return suite;
}
