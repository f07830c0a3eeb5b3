/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* nvt at the command line: JSON of every subcommand, data, and errors that change nothing. */
#include <check.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bare.h"
#include "stock.h"
#include "suites.h"

static char out[65536];

static struct json_object *nvt_json(const char *args)
{
	struct json_object *json;
	int status = stock_run(out, sizeof(out), "nvt %s", args);

	ck_assert_msg(status == 0, "nvt %s: exit status %d: %s", args, status, out);
	json = json_tokener_parse(out);
	ck_assert_msg(json != NULL, "nvt %s: not JSON: %s", args, out);
	return json;
}

START_TEST(every_query_is_json)
{
	static const char *const queries[] = {
		"list --json", "id-ctrl 01:00.0 --json", "id-ns 01:00.0 --json",
		"reg 01:00.0 --json", "reg 01:00.0 CAP --json", "cfg 01:00.0 --json",
		"cfg 01:00.0 0 --json", "irq 01:00.0 --json",
		"read 01:00.0 --start-block 0 --block-count 0 --data-size 512 --data /dev/null --json",
		"perf 01:00.0 --io-count 64 --json", "perf 01:00.0 --io-count 64 --backend raw --json",
	};

	json_object_put(nvt_json(queries[_i]));
}
END_TEST

START_TEST(bind_and_unbind_are_json)
{
	json_object_put(nvt_json("unbind 01:00.0 --json"));
	stock_block();
	json_object_put(nvt_json("list --json"));
	json_object_put(nvt_json("bind 01:00.0 --json"));
}
END_TEST

START_TEST(list_shows_the_device)
{
	struct json_object *json = nvt_json("list --json"), *devices;

	ck_assert(json_object_object_get_ex(json, "devices", &devices));
	ck_assert_uint_ge(json_object_array_length(devices), 1);
	ck_assert_ptr_nonnull(strstr(out, "0000:01:00.0"));
	ck_assert_ptr_nonnull(strstr(out, "\"nvt\""));
	json_object_put(json);
}
END_TEST

START_TEST(written_data_is_read_back)
{
	char text[512], status[64];
	int backend;

	for (backend = 0; backend < 2; backend++) {
		const char *name = backend ? "raw" : "managed";

		ck_assert_int_eq(stock_run(text, sizeof(text),
			"head -c 8192 /dev/urandom > $TMPDIR/in && "
			"nvt write 01:00.0 --start-block 40 --block-count 15 --data-size 8192 "
			"--data $TMPDIR/in --backend %s && "
			"nvt read 01:00.0 --start-block 40 --block-count 15 --data-size 8192 "
			"--data $TMPDIR/out --backend %s && cmp $TMPDIR/in $TMPDIR/out", name, name), 0);
	}
	suite_unbind();
	ck_assert_int_eq(stock_run(status, sizeof(status), "dd if=%s bs=512 skip=40 count=16 "
				   "iflag=direct status=none | cmp - $TMPDIR/in", stock_block()), 0);
	suite_bind();
}
END_TEST

/* One line that says what is wrong, a status that says of which kind, and nothing changed. */
START_TEST(errors_are_one_line)
{
	static const struct { const char *args; int status; const char *says; } bad[] = {
		{ "frobnicate", 2, "frobnicate" },
		{ "", 2, "help" },
		{ "list --frobnicate", 2, "frobnicate" },
		{ "id-ctrl", 2, "" },
		{ "id-ctrl 0000:7f:00.0", 1, "0000:7f:00.0" },
		{ "id-ctrl nonsense", 1, "nonsense" },
		{ "bind 0000:7f:00.0", 1, "0000:7f:00.0" },
		{ "bind 01:00.0", 1, "already" },
		{ "unbind 02:00.0", 1, "0000:02:00.0" },
		{ "reg 01:00.0 NOSUCH", 2, "NOSUCH" },
		{ "cfg 01:00.0 0x2000", 1, "" },
		{ "read 01:00.0 --start-block nan --data-size 512", 2, "start-block" },
		{ "read 01:00.0 --start-block 0xffffffffffff --data-size 512 --data /dev/null", 3, "" },
		{ "perf 01:00.0 --read-percent 50 --io-count 1", 2, "destroy" },
		{ "perf 01:00.0 --qdepth 100000 --io-count 1", 1, "" },
	};
	char error[4096];
	int status;

	status = stock_run(error, sizeof(error), "nvt %s 2>&1 >/dev/null", bad[_i].args);
	ck_assert_msg(status == bad[_i].status, "nvt %s: exit status %d: %s", bad[_i].args, status,
		      error);
	ck_assert_msg(strncmp(error, "nvt: ", 5) == 0, "%s", error);
	ck_assert_msg(strchr(error, '\n') == error + strlen(error) - 1, "not one line: %s", error);
	ck_assert_msg(strcasestr(error, bad[_i].says) != NULL, "%s", error);
}
END_TEST

START_TEST(interrupts_of_an_owner_are_seen_by_an_observer)
{
	struct json_object *json, *vectors, *first, *count;
	struct bare_buffer buf;
	struct nvt_sqe sqe;
	struct bare b;

	bare_start(&b, 0);
	bare_buffer_create(&b, &buf, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	sqe = bare_identify(1, buf.bus[0]);
	bare_exec(&b, &sqe);
	json = nvt_json("irq 01:00.0 --json");
	ck_assert(json_object_object_get_ex(json, "vectors", &vectors));
	first = json_object_array_get_idx(vectors, 0);
	ck_assert(json_object_object_get_ex(first, "interrupts", &count));
	ck_assert_int_eq(json_object_get_int64(count), 1);
	json_object_put(json);
}
END_TEST

START_TEST(every_command_has_help_with_an_example)
{
	static const char *const commands[] = {
		"", "list", "bind", "unbind", "id-ctrl", "id-ns", "reg", "cfg", "irq", "read", "write",
		"perf",
	};

	ck_assert_int_eq(stock_run(out, sizeof(out), "nvt %s --help", commands[_i]), 0);
	ck_assert_msg(strcasestr(out, "example") != NULL, "%s", out);
	if (_i)
		ck_assert_msg(strstr(out, commands[_i]) != NULL, "%s", out);
}
END_TEST

Suite *tool_suite(void)
{
	Suite *suite = suite_create("tool");
	TCase *tcase = tcase_create("nvt");

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, every_query_is_json, 0, 11);
	tcase_add_test(tcase, bind_and_unbind_are_json);
	tcase_add_test(tcase, list_shows_the_device);
	tcase_add_test(tcase, written_data_is_read_back);
	tcase_add_loop_test(tcase, errors_are_one_line, 0, 15);
	tcase_add_test(tcase, interrupts_of_an_owner_are_seen_by_an_observer);
	tcase_add_loop_test(tcase, every_command_has_help_with_an_example, 0, 12);
	suite_add_tcase(suite, tcase);
	return suite;
}
