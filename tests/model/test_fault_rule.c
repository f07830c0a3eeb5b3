// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The language of the rules, how they count, and the three ways in which they are armed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>

#include "faulty.h"
#include "suites.h"

#define FAULT_CLEAR	0xc0
#define FAULT_ARM	0xc1
#define FAULT_LOG	0xc2
#define STATUS(cqe)	((cqe).status_phase >> 1)
#define FAILED		0x6		/* Internal Error, as the rules here have it */

static struct faulty faulty;

static void begin(void)
{
	faulty_start(&faulty, "size=64M,seed=5");
}

static void finish(void)
{
	faulty_stop(&faulty);
}

/* A rule that must be refused, and a word that the text must have. */
static const struct {
	const char *rule, *text;
} bad_rules[] = {
	{ "", "do ACTION" },
	{ "do", "no action" },
	{ "opcode=read", "do ACTION" },
	{ "do nothing", "unknown action 'nothing'" },
	{ "speed=3 do cfs", "unknown match 'speed'" },
	{ "opcode=raed do cfs", "opcode=raed" },
	{ "opcode=0x100 do cfs", "up to 0xff" },
	{ "queue=70000 do flip", "up to 65535" },
	{ "lba=9-8 do flip", "A-B" },
	{ "lba=1 lba=2 do flip", "lba is there twice" },
	{ "io admin do cpl-never", "no queue is left" },
	{ "opcode=identify queue=1 do cpl-never", "no queue is left" },
	{ "io=1 do cpl-never", "no value" },
	{ "opcode do cpl-never", "opcode: " },
	{ "nth=0 do cfs", "from 1" },
	{ "prob=1.5 do cfs", "probability" },
	{ "prob=0 do flip", "probability" },
	{ "at=5 do cfs", "at=5" },
	{ "at=1s nth=3 do cfs", "not of one kind" },
	{ "opcode=read reg=CSTS do cfs", "not of one kind" },
	{ "at=1s do flip", "flip is for commands" },
	{ "reg=CSTS do cpl-late", "cpl-late is for commands" },
	{ "io do doorbell-lost", "doorbell-lost is for doorbells" },
	{ "reg=XYZ do cfs", "reg=XYZ" },
	{ "reg=0x1000 do cfs", "below 0x1000" },
	{ "config=0-8 do register value=1", "up to 8 of them" },
	{ "access=read do register value=1", "which register?" },
	{ "nth=5 do register value=1", "which register?" },
	{ "reg=VS do register", "value= is wanted" },
	{ "reg=VS do register value=0x100000000", "does not fit 4 bytes" },
	{ "config=4 do register value=256", "does not fit 1 byte" },
	{ "reg=VS access=write do register value=1", "no value=" },
	{ "reg=VS do register value=1 for=1s", "no reg=, config= or for=" },
	{ "after=2s before=1s do flip", "after= is behind before=" },
	{ "state=happy do flip", "state=happy" },
	{ "do cfs value=1", "cfs takes no key" },
	{ "do flip byte=0 byte=1", "byte= is there twice" },
	{ "do flip bit=8", "up to 7" },
	{ "do flip bit", "bit: " },
	{ "do irq-wrong", "vector= is wanted" },
	{ "do status", "status= is wanted" },
	{ "do status status=0x800", "up to 0x7ff" },
	{ "do rdy-stuck value=2", "value=0 or value=1" },
	{ "do rdy-slow", "delay= is wanted" },
	{ "do rdy-slow delay=0", "delay=0" },
	{ "do identify byte=4093 value=1 count=4", "4096 bytes" },
	{ "do identify byte=0 value=256", "does not fit" },
	{ "do pci-error error=bad-luck", "error=bad-luck" },
	{ "do link-down for=2h", "for=2h" },
};

START_TEST(bad_rule_is_refused_with_a_reason)
{
	char request[256], answer[256];

	snprintf(request, sizeof(request), "fault %s", bad_rules[_i].rule);
	ck_assert(!model_control(&faulty.dev.model, request, answer, sizeof(answer)));
	ck_assert_msg(strstr(answer, bad_rules[_i].text) != NULL, "'%s': %s", bad_rules[_i].rule,
		      answer);
	ck_assert(model_control(&faulty.dev.model, "faults", answer, sizeof(answer)));
	ck_assert_str_eq(answer, "");
}
END_TEST

static bool flush_fails(void)
{
	uint16_t status;

	hand_post(&faulty.hand, nvt_sqe_flush(1));
	status = STATUS(hand_wait(&faulty.hand));
	ck_assert(!status || status == FAILED);
	return status;
}

/* Which of 12 commands fail, as a row of digits. */
static void assert_failures(const char *rule, const char *expected)
{
	char row[13] = "";
	int i;

	faulty_arm(&faulty, rule);
	for (i = 0; i < 12; i++)
		row[i] = flush_fails() ? '1' : '0';
	ck_assert_str_eq(row, expected);
	model_do(&faulty.dev.model, "clear");
}

START_TEST(rules_count)
{
	assert_failures("io do status status=6", "111111111111");
	assert_failures("io times=2 do status status=6", "110000000000");
	assert_failures("io nth=3 do status status=6", "001000000000");
	assert_failures("io nth=3 times=4 do status status=6", "001111000000");
	assert_failures("io every=4 do status status=6", "000100010001");
	assert_failures("io nth=2 every=4 do status status=6", "010001000100");
	assert_failures("io nth=2 every=4 times=2 do status status=6", "010001000000");
	assert_failures("opcode=0 queue=7 nsid=1 ctrl=1 do status status=6", "111111111111");
	assert_failures("queue=1-6 do status status=6", "000000000000");
	assert_failures("nsid=2 do status status=6", "000000000000");
	assert_failures("ctrl=2 do status status=6", "000000000000");
	assert_failures("admin do status status=6", "000000000000");
	assert_failures("lba=0 do status status=6", "000000000000");
	assert_failures("state=ready do status status=6", "111111111111");
	assert_failures("state=sanitizing do status status=6", "000000000000");
	assert_failures("after=1000s do status status=6", "000000000000");
}
END_TEST

START_TEST(command_id_is_matched)
{
	faulty_arm(&faulty, "cid=2-3 queue=7 do status status=6");
	ck_assert(!flush_fails());
	ck_assert(flush_fails());
	ck_assert(flush_fails());
	ck_assert(!flush_fails());
}
END_TEST

START_TEST(blocks_are_matched)
{
	struct nvt_ns *ns = faulty.dev.ns;
	struct nvt_qpair *qp = faulty.dev.qp;
	struct nvt_buffer *buf = faulty.dev.buf;

	faulty_arm(&faulty, "opcode=write lba=64-71 do status status=6");
	ck_assert_int_eq(nvt_ns_write(ns, qp, buf, 0, 56, 8, 0), 0);
	ck_assert_int_eq(nvt_ns_write(ns, qp, buf, 0, 57, 8, 0), FAILED);
	ck_assert_int_eq(nvt_ns_write(ns, qp, buf, 0, 71, 1, 0), FAILED);
	ck_assert_int_eq(nvt_ns_write(ns, qp, buf, 0, 60, 100, 0), FAILED);
	ck_assert_int_eq(nvt_ns_write(ns, qp, buf, 0, 72, 1, 0), 0);
	ck_assert_int_eq(nvt_ns_read(ns, qp, buf, 0, 64, 1, 0), 0);
}
END_TEST

/* The rules have ids, and so streams of chance, of their own: one model each. */
static void chances(char row[65])
{
	int i;

	faulty_arm(&faulty, "io prob=0.3 do status status=6");
	for (i = 0; i < 64; i++)
		row[i] = flush_fails() ? '1' : '0';
	row[64] = 0;
}

START_TEST(chance_is_that_of_the_seed)
{
	char one[65], two[65], other[65];

	chances(one);
	faulty_stop(&faulty);
	faulty_start(&faulty, "size=64M,seed=5");
	chances(two);
	faulty_stop(&faulty);
	faulty_start(&faulty, "size=64M,seed=6");
	chances(other);
	ck_assert_str_eq(one, two);
	ck_assert_str_ne(one, other);
	ck_assert_ptr_nonnull(strchr(one, '0'));
	ck_assert_ptr_nonnull(strchr(one, '1'));
}
END_TEST

START_TEST(event_happens_once_unless_it_is_told_otherwise)
{
	char answer[512];

	faulty_arm(&faulty, "queue=7 do irq-storm vector=5 count=1");
	faulty_arm(&faulty, "queue=7 times=3 do irq-storm vector=6 count=1");
	faulty_arm(&faulty, "at=1ms period=5ms times=4 do irq-spurious vector=4");
	for (int i = 0; i < 8; i++) {
		ck_assert(!flush_fails());
		/* Those of one round of the device are one. */
		faulty_assert_shots(&faulty, "irq-storm", i < 3 ? 2 + i : 4);
	}
	faulty_wait_interrupts(&faulty, 5, 1);
	faulty_wait_interrupts(&faulty, 6, 3);
	faulty_wait_interrupts(&faulty, 4, 4);
	ck_assert(model_control(&faulty.dev.model, "faults", answer, sizeof(answer)));
	ck_assert_ptr_nonnull(strstr(answer, "1 matched=1 fired=1 acted=1 over: queue=7 do"));
	ck_assert_ptr_nonnull(strstr(answer, "2 matched=3 fired=3 acted=3 over: "));
	ck_assert_ptr_nonnull(strstr(answer, "3 matched=4 fired=4 acted=4 over: "));
}
END_TEST

START_TEST(cleared_rule_does_nothing)
{
	unsigned int first = faulty_arm(&faulty, "io do status status=6"), second;
	char request[32], answer[64];

	second = faulty_arm(&faulty, "admin opcode=keep-alive do status status=6");
	ck_assert_uint_eq(second, first + 1);
	ck_assert(flush_fails());
	snprintf(request, sizeof(request), "clear %u", first);
	model_do(&faulty.dev.model, request);
	ck_assert(!flush_fails());
	ck_assert(!model_control(&faulty.dev.model, request, answer, sizeof(answer)));
	ck_assert(!model_control(&faulty.dev.model, "clear x", answer, sizeof(answer)));
	model_do(&faulty.dev.model, "clear");
}
END_TEST

static int vendor(uint8_t opcode, uint32_t cdw10, uint32_t cdw11, bool data, uint32_t *dw0)
{
	struct nvt_sqe sqe = { .opcode = opcode, .cdw10 = cdw10, .cdw11 = cdw11 };
	struct nvt_cpl cpl;
	int status = nvt_qpair_exec(nvt_ctrl_admin(faulty.dev.ctrl), &sqe,
				    data ? faulty.dev.buf : NULL, 0, data ? cdw10 : 0, &cpl);

	if (dw0)
		*dw0 = cpl.cqe.dw0;
	return status;
}

static int arm(const char *rules, uint32_t *id)
{
	strcpy(nvt_buffer_data(faulty.dev.buf), rules);
	return vendor(FAULT_ARM, (strlen(rules) + 3) & ~3U, 0, true, id);
}

START_TEST(host_arms_and_clears_by_commands)
{
	static const char rules[] = "# two\nio nth=1 do status status=6\n\nio nth=3 do status status=6\n";
	uint32_t id;

	ck_assert_int_eq(arm(rules, &id), 0);
	ck_assert_uint_eq(id, 2);
	ck_assert(flush_fails());
	ck_assert(!flush_fails());
	ck_assert_int_eq(vendor(FAULT_CLEAR, id, 0, false, NULL), 0);
	ck_assert(!flush_fails());
	ck_assert_int_eq(vendor(FAULT_CLEAR, id, 0, false, NULL) & 0x7ff, NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(vendor(FAULT_CLEAR, 0, 0, false, NULL), 0);
}
END_TEST

START_TEST(host_arms_all_rules_or_none)
{
	char answer[256], *log;
	uint32_t id;

	ck_assert_int_eq(arm("io do status status=6\nio do magic\n", &id) & 0x7ff,
			 NVME_SC_INVALID_FIELD);
	ck_assert(!flush_fails());
	ck_assert(model_control(&faulty.dev.model, "faults", answer, sizeof(answer)));
	ck_assert_str_eq(answer, "");
	log = model_log(&faulty.dev.model);
	ck_assert_ptr_nonnull(strstr(log, "fault-arm: refused: unknown action 'magic'"));
	free(log);
	ck_assert_int_eq(vendor(FAULT_ARM, 0, 0, false, NULL) & 0x7ff, NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(host_reads_the_log)
{
	const char *text = nvt_buffer_data(faulty.dev.buf);
	uint32_t length, rest;

	faulty_arm(&faulty, "io nth=1 do status status=6");
	ck_assert(flush_fails());
	ck_assert_int_eq(vendor(FAULT_LOG, 4096, 0, true, &length), 0);
	ck_assert_uint_eq(length, strlen(text));
	ck_assert_ptr_nonnull(strstr(text, " rule=1 action=status ctrl=1 queue=7 cid=1 opcode=flush "
				     "nsid=1: "));
	ck_assert_int_eq(vendor(FAULT_LOG, 4096, length - 2, true, &rest), 0);
	ck_assert_uint_eq(rest, length);
	ck_assert_uint_eq(strlen(text), 2);
	ck_assert_int_eq(vendor(FAULT_LOG, 4096, length + 100, true, &rest), 0);
	ck_assert_uint_eq(strlen(text), 0);
}
END_TEST

START_TEST(what_is_armed_can_be_cleared)
{
	uint32_t value;

	faulty_arm(&faulty, "admin do status status=6");
	ck_assert_int_eq(nvt_get_feature(faulty.dev.ctrl, NVME_FEAT_FID_NUM_QUEUES, 0, &value),
			 FAILED);
	ck_assert_int_eq(vendor(FAULT_CLEAR, 0, 0, false, NULL), 0);
	ck_assert_int_eq(nvt_get_feature(faulty.dev.ctrl, NVME_FEAT_FID_NUM_QUEUES, 0, &value), 0);
}
END_TEST

START_TEST(rules_come_from_a_file)
{
	const struct model_opts opts = {
		.options = "size=64M",
		.faults = "# of a file\n\nio nth=2 do status status=6 # here\n",
	};

	faulty_stop(&faulty);
	model_start_with(&faulty.dev.model, &opts);
	device_open(&faulty.dev, NULL);
	hand_create(&faulty.hand, &faulty.dev, 1);
	ck_assert(!flush_fails());
	ck_assert(flush_fails());
	ck_assert(!flush_fails());
}
END_TEST

START_TEST(control_socket_answers)
{
	char answer[8192];

	ck_assert(model_control(&faulty.dev.model, "help", answer, sizeof(answer)));
	ck_assert_ptr_nonnull(strstr(answer, "fault RULE"));
	ck_assert(model_control(&faulty.dev.model, "help faults", answer, sizeof(answer)));
	ck_assert_ptr_nonnull(strstr(answer, "dma-past-end"));
	ck_assert(model_control(&faulty.dev.model, "status", answer, sizeof(answer)));
	ck_assert_ptr_nonnull(strstr(answer, "power on"));
	ck_assert_ptr_nonnull(strstr(answer, "link 1 up"));
	ck_assert(!model_control(&faulty.dev.model, "dance", answer, sizeof(answer)));
	ck_assert_ptr_nonnull(strstr(answer, "unknown request 'dance'"));
	ck_assert(!model_control(&faulty.dev.model, "power maybe", answer, sizeof(answer)));
	ck_assert(!model_control(&faulty.dev.model, "link down 2", answer, sizeof(answer)));
	ck_assert(!model_control(&faulty.dev.model, "temperature hot", answer, sizeof(answer)));
	ck_assert(!model_control(&faulty.dev.model, "log please", answer, sizeof(answer)));
}
END_TEST

Suite *fault_rule_suite(void)
{
	Suite *suite = suite_create("fault_rule");
	TCase *tc = device_case(suite, "rules", begin, finish);

	tcase_add_loop_test(tc, bad_rule_is_refused_with_a_reason, 0,
			    sizeof(bad_rules) / sizeof(bad_rules[0]));
	tcase_add_test(tc, rules_count);
	tcase_add_test(tc, command_id_is_matched);
	tcase_add_test(tc, blocks_are_matched);
	tcase_add_test(tc, chance_is_that_of_the_seed);
	tcase_add_test(tc, event_happens_once_unless_it_is_told_otherwise);
	tcase_add_test(tc, cleared_rule_does_nothing);
	tcase_add_test(tc, host_arms_and_clears_by_commands);
	tcase_add_test(tc, host_arms_all_rules_or_none);
	tcase_add_test(tc, host_reads_the_log);
	tcase_add_test(tc, what_is_armed_can_be_cleared);
	tcase_add_test(tc, rules_come_from_a_file);
	tcase_add_test(tc, control_socket_answers);
	return suite;
}
