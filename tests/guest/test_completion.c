/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Each fault of the model's completions, armed, and what the driver makes of
 * it; the table is in tests/dut/fault/README.md.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"
#include "fault.h"
#include "listener.h"
#include "queue.h"
#include "suites.h"

#define ENTRIES		16
#define TIMEOUT_MS	300

static const uint8_t ones[16] = { [0 ... 15] = 0xff };

struct faulty {
	struct bare b;
	struct pair p, other;		/* SQ and CQ 1 with vector 1, and 2 with vector 2 */
	struct listener l;
	char action[32];		/* of the rule, and how often the log has it of earlier tests */
	unsigned int earlier;
};

static void start(struct faulty *f, const char *rule)
{
	const struct bare_opts opts = { .vectors = 3 };

	bare_start_as(&f->b, &opts);
	pair_create(&f->b, &f->p, 1, ENTRIES, 1);
	pair_create(&f->b, &f->other, 2, ENTRIES, 2);
	queue_verify(&f->b, 1, ENTRIES, &f->p.data, 0, 2, 1);
	listener_open(&f->l);
	ck_assert_int_eq(sscanf(strstr(rule, " do "), " do %31s", f->action), 1);
	f->earlier = fault_shots(&f->b, f->action);
	fault_arm(&f->b, rule);
}

/* The fault was acted out so often, nothing else was reported, and both queues are as good as ever. */
static void check_end(struct faulty *f, unsigned int shots)
{
	ck_assert_uint_eq(fault_shots(&f->b, f->action), f->earlier + shots);
	queue_verify(&f->b, 1, ENTRIES, &f->p.data, 0, ENTRIES, 2);
	queue_verify(&f->b, 2, ENTRIES, &f->other.data, 0, ENTRIES, 3);
	listener_quiet(&f->l);
	ck_assert_uint_eq(bare_stats(f->b.fd, 2).unexpected, 0);
	ck_assert_uint_eq(bare_stats(f->b.fd, 1).missed, 0);
}

/* A read of command id @cid that is given up after TIMEOUT_MS. */
static int32_t timed_read(struct faulty *f, uint16_t cid)
{
	struct nvt_uring_command command = { .sqid = 1, .timeout_ms = TIMEOUT_MS };
	struct nvt_sqe sqe = queue_read(cid, 0, f->p.data.bus[0]);
	struct bare_cqe ended;

	memcpy(command.sqe, &sqe, 64);
	bare_post_op(&f->b, NVT_URING_COMMAND, &command, cid);
	ck_assert_int_eq(bare_submit(&f->b), 1);
	ended = bare_wait(&f->b);
	ck_assert_uint_eq(ended.user_data, cid);
	return ended.res;
}

static void expect_timeout(struct faulty *f, uint16_t cid)
{
	struct event event = listener_expect(&f->l, NVT_EVENT_COMMAND_TIMEOUT);

	ck_assert_uint_eq(event.sqid, 1);
	ck_assert_uint_eq(event.cid, cid);
	ck_assert_mem_eq((const void *)f->p.sq.records[cid].cqe, ones, 16);
}

/* The entry, as the device wrote it, of which nobody knows. */
static void expect_unexpected(struct faulty *f, uint16_t sqid, uint16_t cid)
{
	struct event event = listener_expect(&f->l, NVT_EVENT_COMPLETION_UNEXPECTED);

	ck_assert_uint_eq(event.cqid, 1);
	ck_assert_uint_eq(event.sqid, sqid);
	ck_assert_uint_eq(event.cid, cid);
	ck_assert_uint_eq(event.cqe.sqid, sqid);
	ck_assert_uint_eq(event.cqe.cid, cid);
}

/* Deleted and made again, so that the id that never came back is free. */
static void remake(struct faulty *f)
{
	pair_delete(&f->b, &f->p);
	pair_create(&f->b, &f->p, 1, ENTRIES, 1);
}

START_TEST(a_completion_never_comes)
{
	struct faulty f;

	start(&f, "queue=1 nth=1 do cpl-never");
	ck_assert_int_eq(timed_read(&f, 5), -ETIME);
	expect_timeout(&f, 5);
	ck_assert_int_eq(timed_read(&f, 5), -EEXIST);
	ck_assert_int_eq(timed_read(&f, 6), 0);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).timeouts, 1);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).late, 0);
	remake(&f);
	check_end(&f, 1);
}
END_TEST

START_TEST(a_completion_comes_late)
{
	struct event event;
	struct faulty f;

	start(&f, "queue=1 nth=1 do cpl-late delay=1500ms");
	ck_assert_int_eq(timed_read(&f, 5), -ETIME);
	expect_timeout(&f, 5);
	event = listener_expect(&f.l, NVT_EVENT_COMPLETION_LATE);
	ck_assert_uint_eq(event.cqid, 1);
	ck_assert_uint_eq(event.sqid, 1);
	ck_assert_uint_eq(event.cid, 5);
	ck_assert_uint_eq(event.cqe.cid, 5);
	ck_assert_uint_eq(event.cqe.status_phase >> 1, 0);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).late, 1);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).unexpected, 0);
	check_end(&f, 1);			/* with command id 5 */
}
END_TEST

START_TEST(a_completion_comes_twice)
{
	struct faulty f;

	start(&f, "queue=1 nth=1 do cpl-twice");
	ck_assert_int_eq(timed_read(&f, 5), 0);
	expect_unexpected(&f, 1, 5);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).unexpected, 1);
	check_end(&f, 1);
}
END_TEST

START_TEST(a_completion_has_an_unknown_id)
{
	struct faulty f;

	start(&f, "queue=1 nth=1 do cpl-cid");
	ck_assert_int_eq(timed_read(&f, 5), -ETIME);
	expect_unexpected(&f, 1, 5 ^ 0x4000);
	expect_timeout(&f, 5);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).unexpected, 1);
	remake(&f);
	check_end(&f, 1);
}
END_TEST

/* Then the other command ends too soon, and its own completion is the one too many. */
START_TEST(a_completion_has_another_commands_id)
{
	struct nvt_uring_command command = { .sqid = 1, .timeout_ms = TIMEOUT_MS };
	struct nvt_sqe sqe;
	struct bare_cqe ended;
	struct faulty f;
	uint16_t cid;

	start(&f, "queue=1 cid=5 nth=1 do cpl-cid cid=6");
	for (cid = 5; cid <= 6; cid++) {
		sqe = queue_read(cid, 0, f.p.data.bus[0]);
		memcpy(command.sqe, &sqe, 64);
		command.flags = cid == 5 ? NVT_COMMAND_NO_DOORBELL : 0;
		bare_post_op(&f.b, NVT_URING_COMMAND, &command, cid);
		ck_assert_int_eq(bare_submit(&f.b), 1);
	}
	ended = bare_wait(&f.b);
	ck_assert_uint_eq(ended.user_data, 6);
	ck_assert_int_eq(ended.res, 0);
	expect_unexpected(&f, 1, 6);
	ended = bare_wait(&f.b);
	ck_assert_uint_eq(ended.user_data, 5);
	ck_assert_int_eq(ended.res, -ETIME);
	expect_timeout(&f, 5);
	remake(&f);
	check_end(&f, 1);
}
END_TEST

/* SQ 2 is there, and completes to another CQ: it must not lose its command of that id. */
START_TEST(a_completion_has_another_sq)
{
	struct nvt_uring_command command = { .sqid = 2, .flags = NVT_COMMAND_NO_DOORBELL };
	struct nvt_uring_doorbell ring = { .sqid = 2 };
	struct bare_cqe ended;
	struct nvt_sqe sqe;
	struct faulty f;

	start(&f, "queue=1 nth=1 do cpl-sqid");
	sqe = queue_read(5, 0, f.other.data.bus[0]);
	memcpy(command.sqe, &sqe, 64);
	bare_post_op(&f.b, NVT_URING_COMMAND, &command, 25);
	ck_assert_int_eq(bare_submit(&f.b), 1);
	ck_assert_int_eq(timed_read(&f, 5), -ETIME);
	expect_unexpected(&f, 2, 5);
	expect_timeout(&f, 5);
	ck_assert(!bare_peek(&f.b, &ended, 0));
	bare_post_op(&f.b, NVT_URING_DOORBELL, &ring, 99);
	ck_assert_int_eq(bare_submit(&f.b), 1);
	ck_assert_uint_eq(bare_wait(&f.b).user_data, 99);
	ended = bare_wait(&f.b);
	ck_assert_uint_eq(ended.user_data, 25);
	ck_assert_int_eq(ended.res, 0);
	remake(&f);
	check_end(&f, 1);
}
END_TEST

/* The driver has no use for it, and hands it on. */
START_TEST(a_completion_has_a_wrong_sq_head)
{
	struct faulty f;

	start(&f, "queue=1 nth=1 do cpl-sqhd sqhd=4711");
	ck_assert_int_eq(timed_read(&f, 5), 0);
	ck_assert_uint_eq(((const struct nvt_cqe *)f.p.sq.records[5].cqe)->sqhd, 4711);
	check_end(&f, 1);
}
END_TEST

/* The entry is not there to anybody who looks at the phase, and hides all behind it. */
START_TEST(a_completion_is_out_of_phase)
{
	struct faulty f;

	start(&f, "queue=1 nth=1 do cpl-phase");
	ck_assert_int_eq(timed_read(&f, 5), -ETIME);
	expect_timeout(&f, 5);
	ck_assert_int_eq(timed_read(&f, 6), -ETIME);
	expect_timeout(&f, 6);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).unexpected, 0);
	queue_verify(&f.b, 2, ENTRIES, &f.other.data, 0, 4, 1);
	remake(&f);
	check_end(&f, 1);
}
END_TEST

/* Behind the ring lies the rest of its page, which is ours to look at. */
START_TEST(a_completion_is_beyond_the_ring)
{
	const struct nvt_cqe *behind;
	struct faulty f;

	start(&f, "queue=1 nth=1 do cpl-range");
	behind = (struct nvt_cqe *)((char *)f.p.cq.mem->data + f.p.cq.offset) + ENTRIES;
	ck_assert_uint_eq(behind->cid, 0);
	ck_assert_int_eq(timed_read(&f, 5), -ETIME);
	expect_timeout(&f, 5);
	ck_assert_uint_eq(behind->cid, 5);
	ck_assert_int_eq(timed_read(&f, 6), 0);
	remake(&f);
	check_end(&f, 1);
}
END_TEST

START_TEST(a_completion_has_any_status)
{
	struct faulty f;

	start(&f, "queue=1 nth=1 do status status=0x281 dnr=1");
	ck_assert_int_eq(timed_read(&f, 5), 0x4281);
	check_end(&f, 1);
}
END_TEST

/* Found by the watch, within a second, and said to be so. */
START_TEST(an_interrupt_is_lost)
{
	struct event event;
	struct nvt_record record;
	struct nvt_sqe sqe;
	uint64_t interrupts;
	struct faulty f;

	start(&f, "queue=1 nth=1 do irq-lost");
	bare_wait_completions(&f.b, 1, 4);
	interrupts = f.b.status->vector[1].interrupts;
	sqe = queue_read(5, 0, f.p.data.bus[0]);
	ck_assert_int_eq(bare_exec_on(&f.b, &sqe, 1).res, 0);
	record = *(const struct nvt_record *)&f.p.sq.records[5];
	ck_assert_uint_lt(record.complete_ns - record.submit_ns, 1000000000);
	event = listener_expect(&f.l, NVT_EVENT_INTERRUPT_LOST);
	ck_assert_uint_eq(event.cqid, 1);
	ck_assert_uint_eq(event.vector, 1);
	ck_assert_uint_eq(f.b.status->vector[1].interrupts, interrupts);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).missed, 1);
	remake(&f);
	check_end(&f, 1);
}
END_TEST

/* A task that waits looks by itself before it gives up. */
START_TEST(an_interrupt_is_lost_to_a_waiting_task)
{
	struct nvt_command command = { .sqid = 1, .timeout_ms = 50 };
	struct nvt_sqe sqe;
	struct faulty f;

	start(&f, "queue=1 nth=1 do irq-lost");
	sqe = queue_read(5, 0, f.p.data.bus[0]);
	ck_assert_int_eq(bare_command(f.b.fd, &command, &sqe), 0);
	ck_assert_uint_eq(((struct nvt_cqe *)command.cqe)->cid, 5);
	listener_expect(&f.l, NVT_EVENT_INTERRUPT_LOST);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).missed, 1);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).timeouts, 0);
	remake(&f);
	check_end(&f, 1);
}
END_TEST

/* So many reports at once that some are lost; SEQ tells how many. */
START_TEST(a_flood_of_faults_harms_nobody)
{
	struct faulty f;
	int i;

	start(&f, "queue=1 do cpl-twice");
	for (i = 0; i < 200; i++)
		ck_assert_int_eq(timed_read(&f, i % 8), 0);
	fault_clear(&f.b);
	while (bare_stats(f.b.fd, 1).unexpected < 200)
		usleep(1000);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).unexpected, 200);
	ck_assert_uint_eq(bare_stats(f.b.fd, 1).completed, 204);
	listener_close(&f.l);
	listener_open(&f.l);
	check_end(&f, 200);
}
END_TEST

Suite *completion_suite(void)
{
	const TTest *const tests[] = {
		a_completion_never_comes, a_completion_comes_late, a_completion_comes_twice,
		a_completion_has_an_unknown_id, a_completion_has_another_commands_id,
		a_completion_has_another_sq, a_completion_has_a_wrong_sq_head,
		a_completion_is_out_of_phase, a_completion_is_beyond_the_ring,
		a_completion_has_any_status, an_interrupt_is_lost,
		an_interrupt_is_lost_to_a_waiting_task, a_flood_of_faults_harms_nobody,
	};
	Suite *suite = suite_create("completion");
	TCase *tcase = tcase_create("faults");
	size_t i;

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
