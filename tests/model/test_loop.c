// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The model's event loop: order of timers, files that go while they are served, pollers. */
#include <string.h>
#include <unistd.h>

#include "pcie_client.h"

#define TIMERS	200

struct alarm {
	struct timer timer;
	unsigned int number;
};

static struct loop *loop;
static struct alarm alarms[TIMERS];
static unsigned int fired[TIMERS], nr_fired, polled, served;
static int pipes[2][2];

static void alarm_fire(struct timer *timer)
{
	fired[nr_fired++] = ((struct alarm *)timer)->number;
}

static void start(void)
{
	loop = loop_new();
	nr_fired = 0;
	for (unsigned int i = 0; i < TIMERS; i++)
		alarms[i] = (struct alarm){ .timer.fire = alarm_fire, .number = i };
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pipe(pipes[i]), 0);
}

static void stop(void)
{
	loop_free(loop);
}

START_TEST(timers_fire_in_order)
{
	uint64_t now_ns = loop_now(loop);

	for (unsigned int i = 0; i < TIMERS; i++)
		timer_arm(loop, &alarms[i].timer, now_ns - 1000 + i * 37 % TIMERS);
	for (unsigned int i = 0; i < TIMERS; i += 3)
		timer_cancel(loop, &alarms[i].timer);
	/* Anew: as if it had not been armed before. */
	timer_arm(loop, &alarms[1].timer, now_ns - 1);
	loop_round(loop, 0);
	ck_assert_uint_eq(nr_fired, TIMERS - (TIMERS + 2) / 3);
	ck_assert_uint_eq(fired[nr_fired - 1], 1);
	for (unsigned int i = 1; i + 1 < nr_fired; i++)
		ck_assert_uint_lt(fired[i - 1] * 37 % TIMERS, fired[i] * 37 % TIMERS);
	ck_assert(!timer_armed(&alarms[1].timer));
}
END_TEST

START_TEST(of_equal_deadlines_the_first_armed_is_first)
{
	for (unsigned int i = 0; i < TIMERS; i++)
		timer_arm(loop, &alarms[i].timer, 5);
	loop_round(loop, 0);
	for (unsigned int i = 0; i < TIMERS; i++)
		ck_assert_uint_eq(fired[i], i);
}
END_TEST

START_TEST(a_round_sleeps_until_the_next_timer)
{
	uint64_t deadline_ns = loop_now(loop) + 5 * NS_PER_MS;

	timer_arm(loop, &alarms[0].timer, deadline_ns);
	loop_round(loop, -1);
	loop_round(loop, -1);
	ck_assert_uint_eq(nr_fired, 1);
	ck_assert_uint_ge(loop_now(loop), deadline_ns);
}
END_TEST

static void take_both(void *arg)
{
	served++;
	loop_unwatch(loop, pipes[0][0]);
	loop_unwatch(loop, pipes[1][0]);
}

START_TEST(a_file_may_go_while_files_are_served)
{
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(loop_watch(loop, pipes[i][0], take_both, NULL), 0);
		ck_assert_int_eq(write(pipes[i][1], "x", 1), 1);
	}
	loop_round(loop, -1);
	loop_round(loop, 0);
	ck_assert_uint_eq(served, 1);
}
END_TEST

static bool poll_some(struct poller *poller)
{
	return ++polled < 100;
}

static void stop_loop(struct timer *timer)
{
	loop_stop(loop);
}

/* While it finds something it is asked without a pause, and after that about each millisecond. */
START_TEST(a_poller_is_asked_less_when_it_finds_nothing)
{
	struct poller poller = { .poll = poll_some };
	struct timer timer = { .fire = stop_loop };

	loop_poll_add(loop, &poller);
	timer_arm(loop, &timer, loop_now(loop) + 300 * NS_PER_MS);
	loop_run(loop);
	ck_assert_uint_gt(polled, 150);
	ck_assert_uint_lt(polled, 50000);
	loop_poll_remove(loop, &poller);
	polled = 0;
	loop_round(loop, 0);
	ck_assert_uint_eq(polled, 0);
}
END_TEST

TCase *loop_case(void)
{
	TCase *tc = tcase_create("loop");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, timers_fire_in_order);
	tcase_add_test(tc, of_equal_deadlines_the_first_armed_is_first);
	tcase_add_test(tc, a_round_sleeps_until_the_next_timer);
	tcase_add_test(tc, a_file_may_go_while_files_are_served);
	tcase_add_test(tc, a_poller_is_asked_less_when_it_finds_nothing);
	return tc;
}
