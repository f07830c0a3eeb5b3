/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Tracepoints nvt:submit, nvt:complete, nvt:irq: what was sent, and nothing while they are off. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "bare.h"
#include "queue.h"
#include "suites.h"

#define TRACING	"/sys/kernel/tracing"

static char trace[65536];

static void write_trace(const char *name, const char *text)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), TRACING "/%s", name);
	fd = open(path, O_WRONLY | O_TRUNC);
	ck_assert_msg(fd >= 0, "%s", path);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void read_trace(void)
{
	FILE *file = fopen(TRACING "/trace", "r");
	size_t n = fread(trace, 1, sizeof(trace) - 1, file);

	trace[n] = 0;
	fclose(file);
}

static void start_trace(void)
{
	if (access(TRACING "/events", F_OK))
		ck_assert_int_eq(mount("tracefs", TRACING, "tracefs", 0, NULL), 0);
	write_trace("trace", "\n");
	write_trace("events/nvt/enable", "1");
}

static unsigned int count(const char *word)
{
	unsigned int n = 0;
	const char *at;

	for (at = trace; (at = strstr(at, word)); at++)
		n++;
	return n;
}

START_TEST(each_command_shows_with_its_fields)
{
	const struct bare_opts opts = { .vectors = 2 };
	unsigned int minor = 99;
	struct nvt_sqe sqe;
	char line[200];
	struct pair p;
	struct bare b;
	int i;

	bare_start_as(&b, &opts);
	ck_assert_int_eq(sscanf(bare_node(), "/dev/nvt%u", &minor), 1);
	pair_create(&b, &p, 1, BARE_ENTRIES, 1);
	start_trace();
	for (i = 0; i < 5; i++) {
		sqe = queue_read(20 + i, 100 + i, p.data.bus[0]);
		sqe.cdw11 = i == 4 ? 0xffffffff : 0;		/* LBA Out of Range */
		sqe.cdw13 = 0x13 + i;
		ck_assert_int_eq(bare_exec_on(&b, &sqe, 1).res & 0x7ff, i == 4 ? 0x080 : 0);
	}
	bare_wait_completions(&b, 1, 5);
	write_trace("events/nvt/enable", "0");
	ck_assert_int_eq(bare_exec_on(&b, &sqe, 1).res & 0x7ff, 0x080);
	read_trace();
	ck_assert_msg(count(" submit: ") == 5, "%s", trace);
	ck_assert_uint_eq(count(" complete: "), 5);
	ck_assert_uint_ge(count(" irq: "), 1);
	for (i = 0; i < 5; i++) {
		snprintf(line, sizeof(line),
			 " submit: nvt%u sqid=1 cid=%d opcode=0x02 nsid=1 cdw10=0x%x 0x%x 0x7 0x%x 0x0 0x0",
			 minor, 20 + i, (100 + i) * QUEUE_BLOCKS, i == 4 ? 0xffffffff : 0, 0x13 + i);
		ck_assert_msg(count(line) == 1, "not there: %s\n%s", line, trace);
		snprintf(line, sizeof(line), " complete: nvt%u cqid=1 sqid=1 sqhd=%d cid=%d status=0x%x",
			 minor, 1 + i, 20 + i,
			 ((const struct nvt_cqe *)p.sq.records[20 + i].cqe)->status_phase >> 1);
		ck_assert_msg(count(line) == 1, "not there: %s\n%s", line, trace);
	}
	snprintf(line, sizeof(line), " irq: nvt%u vector=1 ns=", minor);
	ck_assert_uint_ge(count(line), 1);
	ck_assert_uint_eq(count("completions=0"), 0);
}
END_TEST

START_TEST(nothing_shows_while_they_are_off)
{
	struct pair p;
	struct bare b;

	start_trace();
	write_trace("events/nvt/enable", "0");
	write_trace("trace", "\n");
	bare_start(&b, 0);
	pair_create(&b, &p, 1, BARE_ENTRIES, 0);
	queue_verify(&b, 1, BARE_ENTRIES, &p.data, 0, 10, 1);
	read_trace();
	ck_assert_msg(!strstr(trace, "nvt"), "%s", trace);
}
END_TEST

Suite *trace_suite(void)
{
	Suite *suite = suite_create("trace");
	TCase *tcase = tcase_create("tracepoints");

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, each_command_shows_with_its_fields);
	tcase_add_test(tcase, nothing_shows_while_they_are_off);
	suite_add_tcase(suite, tcase);
	return suite;
}
