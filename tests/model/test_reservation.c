// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Reservations of the model: two hosts, each at a controller of its own, on one namespace. */
#include <stdio.h>
#include <string.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "admin.h"
#include "device.h"
#include "events.h"
#include "suites.h"

#define HOSTS		2
#define KEY(host)	(0x1111ULL * ((host) + 1))
#define IEKEY		(1U << 3)
#define CONFLICT	NVME_SC_RESERVATION_CONFLICT
#define WAIT_MS		5000

static struct device host[HOSTS];

static int feature(unsigned int h, uint8_t fid, uint32_t nsid, uint32_t cdw11, size_t length)
{
	return admin_run(&host[h], admin_sqe(nvme_admin_set_features, nsid, fid, cdw11), length,
			 NULL);
}

static void set_host_id(unsigned int h, uint64_t id)
{
	memcpy(nvt_buffer_data(host[h].buf), &id, sizeof(id));
	ck_assert_int_eq(feature(h, NVME_FEAT_FID_HOST_ID, 0, 0, 8), 0);
}

static void start(const char *options)
{
	const struct model_opts opts = { .options = options, .sockets = HOSTS };
	unsigned int h;

	memset(host, 0, sizeof(host));
	model_start_with(&host[0].model, &opts);
	for (h = 0; h < HOSTS; h++) {
		if (h) {
			host[h].model = host[0].model;
			strcpy(host[h].model.address[0], host[0].model.address[h]);
		}
		device_open(&host[h], NULL);
		set_host_id(h, 0xa0 + h);
	}
}

static void begin(void)
{
	start("size=64M");
}

static void begin_slow(void)
{
	start("size=64M,read=10s");
}

static void begin_kept(void)
{
	start("size=64M,store={dir}");
}

static void finish(void)
{
	device_close(&host[1]);
	device_stop(&host[0]);
}

static int ends(unsigned int h, struct nvt_sqe sqe, size_t length)
{
	int status = nvt_qpair_exec(host[h].qp, &sqe, length ? host[h].buf : NULL, 0, length,
				    NULL);

	ck_assert_msg(status >= 0, "%s", nvt_error());
	return status & 0x7ff;
}

static int reserve(unsigned int h, uint8_t opcode, uint32_t cdw10, uint64_t key, uint64_t other)
{
	struct nvt_sqe sqe = { .opcode = opcode, .nsid = 1, .cdw10 = cdw10 };
	uint64_t *keys = nvt_buffer_data(host[h].buf);

	keys[0] = key;
	keys[1] = other;
	return ends(h, sqe, opcode == nvme_cmd_resv_release ? 8 : 16);
}

static int enroll(unsigned int h)
{
	return reserve(h, nvme_cmd_resv_register, NVME_RESERVATION_RREGA_REGISTER_KEY, 0, KEY(h));
}

static int leave(unsigned int h)
{
	return reserve(h, nvme_cmd_resv_register, NVME_RESERVATION_RREGA_UNREGISTER_KEY, KEY(h),
		       0);
}

static int acquire(unsigned int h, uint8_t type)
{
	return reserve(h, nvme_cmd_resv_acquire, type << 8, KEY(h), 0);
}

static int preempt(unsigned int h, uint8_t action, uint8_t type, uint64_t key)
{
	return reserve(h, nvme_cmd_resv_acquire, action | type << 8, KEY(h), key);
}

static int release(unsigned int h, uint8_t type)
{
	return reserve(h, nvme_cmd_resv_release, type << 8, KEY(h), 0);
}

static int clear(unsigned int h)
{
	return reserve(h, nvme_cmd_resv_release, NVME_RESERVATION_RRELA_CLEAR, KEY(h), 0);
}

static const struct nvme_resv_status *report(unsigned int h)
{
	struct nvt_sqe sqe = { .opcode = nvme_cmd_resv_report, .nsid = 1, .cdw10 = 4096 / 4 - 1 };

	memset(nvt_buffer_data(host[h].buf), 0xa5, 4096);
	ck_assert_int_eq(ends(h, sqe, 4096), 0);
	return nvt_buffer_data(host[h].buf);
}

static int reads(unsigned int h)
{
	return ends(h, nvt_sqe_read(1, 0, 1, 0), DEVICE_BLOCK);
}

static int writes(unsigned int h)
{
	return ends(h, nvt_sqe_write(1, 0, 1, 0), DEVICE_BLOCK);
}

static const struct nvme_resv_notification_log *notification(unsigned int h)
{
	return admin_log_data(&host[h], NVME_LOG_LID_RESERVATION, 0, 64);
}

START_TEST(capabilities_are_told)
{
	ck_assert_uint_eq(nvt_ns_identify(host[0].ns)->rescap, 0xff);
	ck_assert(nvt_ctrl_id(host[0].ctrl)->oncs & NVME_CTRL_ONCS_RESERVATIONS);
}
END_TEST

START_TEST(keys_are_registered_replaced_and_taken_back)
{
	uint8_t replace = NVME_RESERVATION_RREGA_REPLACE_KEY;

	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(reserve(0, nvme_cmd_resv_register, 0, 0, 5), CONFLICT);
	ck_assert_int_eq(reserve(0, nvme_cmd_resv_register, replace, 5, 6), CONFLICT);
	ck_assert_int_eq(reserve(0, nvme_cmd_resv_register, replace, KEY(0), 6), 0);
	ck_assert_uint_eq(report(0)->regctl_ds[0].rkey, 6);
	ck_assert_int_eq(reserve(0, nvme_cmd_resv_register, replace | IEKEY, 99, KEY(0)), 0);
	ck_assert_int_eq(leave(0), 0);
	ck_assert_int_eq(leave(0), CONFLICT);
	/* Without a registration a replacement that ignores the key is one. */
	ck_assert_int_eq(reserve(0, nvme_cmd_resv_register, replace | IEKEY, 0, KEY(0)), 0);
	ck_assert_int_eq(leave(0), 0);
	ck_assert_int_eq(reserve(0, nvme_cmd_resv_register, 3, 0, 5), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(a_report_lists_hosts_holder_and_generation)
{
	const struct nvme_resv_status *status;

	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	ck_assert_int_eq(acquire(1, NVME_RESERVATION_RTYPE_WE), 0);
	status = report(0);
	ck_assert_uint_eq(status->gen, 2);
	ck_assert_uint_eq(status->rtype, NVME_RESERVATION_RTYPE_WE);
	ck_assert_uint_eq(status->regctl[0], 2);
	ck_assert_uint_eq(status->ptpls, 0);
	ck_assert_uint_eq(status->regctl_ds[0].cntlid, nvt_ctrl_id(host[0].ctrl)->cntlid);
	ck_assert_uint_eq(status->regctl_ds[0].rcsts, 0);
	ck_assert_uint_eq(status->regctl_ds[0].hostid, 0xa0);
	ck_assert_uint_eq(status->regctl_ds[0].rkey, KEY(0));
	ck_assert_uint_eq(status->regctl_ds[1].cntlid, nvt_ctrl_id(host[1].ctrl)->cntlid);
	ck_assert_uint_eq(status->regctl_ds[1].rcsts, 1);
	ck_assert_uint_eq(status->regctl_ds[1].hostid, 0xa1);
}
END_TEST

START_TEST(the_report_follows_the_length_of_host_identifiers)
{
	struct nvt_sqe sqe = { .opcode = nvme_cmd_resv_report, .nsid = 1, .cdw10 = 31,
			       .cdw11 = 1 };

	ck_assert_int_eq(ends(0, sqe, 128), NVME_SC_HOSTID_FORMAT);
}
END_TEST

/* What a reservation of each type leaves to a host that is not registered, and to one that is. */
START_TEST(each_type_forbids_what_it_should)
{
	static const struct {
		int stranger_reads, stranger_writes, registrant_reads, registrant_writes;
	} want[] = {
		[NVME_RESERVATION_RTYPE_WE] = { 0, CONFLICT, 0, CONFLICT },
		[NVME_RESERVATION_RTYPE_EA] = { CONFLICT, CONFLICT, CONFLICT, CONFLICT },
		[NVME_RESERVATION_RTYPE_WERO] = { 0, CONFLICT, 0, 0 },
		[NVME_RESERVATION_RTYPE_EARO] = { CONFLICT, CONFLICT, 0, 0 },
		[NVME_RESERVATION_RTYPE_WEAR] = { 0, CONFLICT, 0, 0 },
		[NVME_RESERVATION_RTYPE_EAAR] = { CONFLICT, CONFLICT, 0, 0 },
	};
	uint8_t type;

	for (type = NVME_RESERVATION_RTYPE_WE; type <= NVME_RESERVATION_RTYPE_EAAR; type++) {
		ck_assert_int_eq(enroll(0), 0);
		ck_assert_int_eq(acquire(0, type), 0);
		ck_assert_int_eq(reads(0), 0);
		ck_assert_int_eq(writes(0), 0);
		ck_assert_int_eq(reads(1), want[type].stranger_reads);
		ck_assert_int_eq(writes(1), want[type].stranger_writes);
		ck_assert_int_eq(ends(1, nvt_sqe_flush(1), 0), want[type].stranger_writes);
		ck_assert_int_eq(enroll(1), 0);
		ck_assert_int_eq(reads(1), want[type].registrant_reads);
		ck_assert_int_eq(writes(1), want[type].registrant_writes);
		ck_assert_int_eq(leave(1), 0);
		ck_assert_int_eq(release(0, type), 0);
		ck_assert_int_eq(writes(1), 0);
		ck_assert_int_eq(leave(0), 0);
	}
}
END_TEST

static int admin(unsigned int h, uint8_t opcode, uint32_t nsid, uint32_t cdw10)
{
	return admin_run(&host[h], admin_sqe(opcode, nsid, cdw10, 0), 0, NULL);
}

START_TEST(a_namespace_is_not_formatted_nor_deleted_by_others)
{
	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_WE), 0);
	ck_assert_int_eq(admin(1, nvme_admin_format_nvm, 1, 0), CONFLICT);
	ck_assert_int_eq(admin(1, nvme_admin_format_nvm, NVME_NSID_ALL, 0), CONFLICT);
	ck_assert_int_eq(admin(1, nvme_admin_ns_mgmt, 1, 1), CONFLICT);
	ck_assert_int_eq(ends(1, nvt_sqe_flush(NVME_NSID_ALL), 0), CONFLICT);
	ck_assert_int_eq(admin(0, nvme_admin_format_nvm, 1, 0), 0);
	ck_assert_int_eq(admin(0, nvme_admin_ns_mgmt, 1, 1), 0);
}
END_TEST

START_TEST(acquire_is_for_registrants_and_the_first)
{
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_WE), CONFLICT);
	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	ck_assert_int_eq(acquire(0, 7), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(acquire(0, 0), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_WE), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_WE), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_EA), CONFLICT);
	ck_assert_int_eq(acquire(1, NVME_RESERVATION_RTYPE_WE), CONFLICT);
	/* Only its holder releases it, with the type that it has; others do no harm. */
	ck_assert_int_eq(release(1, NVME_RESERVATION_RTYPE_WE), 0);
	ck_assert_uint_eq(report(0)->rtype, NVME_RESERVATION_RTYPE_WE);
	ck_assert_int_eq(release(0, NVME_RESERVATION_RTYPE_EA), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(release(0, NVME_RESERVATION_RTYPE_WE), 0);
	ck_assert_uint_eq(report(0)->rtype, 0);
}
END_TEST

START_TEST(all_registrants_hold_it_until_the_last_leaves)
{
	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_WEAR), 0);
	ck_assert_uint_eq(report(0)->regctl_ds[1].rcsts, 1);
	ck_assert_int_eq(leave(0), 0);
	ck_assert_uint_eq(report(0)->rtype, NVME_RESERVATION_RTYPE_WEAR);
	ck_assert_int_eq(writes(0), CONFLICT);
	ck_assert_int_eq(leave(1), 0);
	ck_assert_uint_eq(report(0)->rtype, 0);
}
END_TEST

START_TEST(a_holder_that_leaves_releases)
{
	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_WERO), 0);
	ck_assert_int_eq(leave(0), 0);
	ck_assert_uint_eq(report(1)->rtype, 0);
	ck_assert_uint_eq(notification(1)->rnlpt, NVME_RESV_NOTIFY_RNLPT_RESERVATION_RELEASED);
}
END_TEST

START_TEST(preempt_takes_the_reservation_and_tells_the_loser)
{
	const struct nvme_resv_notification_log *page;

	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	ck_assert_int_eq(acquire(1, NVME_RESERVATION_RTYPE_WE), 0);
	ck_assert_int_eq(preempt(0, NVME_RESERVATION_RACQA_PREEMPT, NVME_RESERVATION_RTYPE_EA, 0),
			 NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(preempt(0, NVME_RESERVATION_RACQA_PREEMPT, NVME_RESERVATION_RTYPE_EA, 7),
			 CONFLICT);
	ck_assert_int_eq(preempt(0, NVME_RESERVATION_RACQA_PREEMPT, NVME_RESERVATION_RTYPE_EA,
				 KEY(1)), 0);
	ck_assert_int_eq(reads(1), CONFLICT);
	ck_assert_uint_eq(report(0)->rtype, NVME_RESERVATION_RTYPE_EA);
	ck_assert_uint_eq(report(0)->regctl[0], 1);
	page = notification(1);
	ck_assert_uint_eq(page->lpc, 1);
	ck_assert_uint_eq(page->rnlpt, NVME_RESV_NOTIFY_RNLPT_REGISTRATION_PREEMPTED);
	ck_assert_uint_eq(page->nsid, 1);
	ck_assert_uint_eq(notification(1)->lpc, 0);
	ck_assert_uint_eq(notification(0)->lpc, 0);
}
END_TEST

START_TEST(preempt_with_key_0_drops_all_other_registrants)
{
	uint8_t type = NVME_RESERVATION_RTYPE_EAAR;

	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	ck_assert_int_eq(acquire(1, type), 0);
	ck_assert_int_eq(preempt(0, NVME_RESERVATION_RACQA_PREEMPT, type, 0), 0);
	ck_assert_uint_eq(report(0)->regctl[0], 1);
	ck_assert_int_eq(reads(1), CONFLICT);
	ck_assert_int_eq(reads(0), 0);
}
END_TEST

struct seen {
	unsigned int count;
	uint16_t status;
};

static void done(void *arg, const struct nvt_cpl *cpl)
{
	struct seen *seen = arg;

	seen->count++;
	seen->status = nvt_cpl_status(cpl) & 0x7ff;
}

/* The device has fetched them all. */
static void wait_outstanding(unsigned int h, unsigned int count)
{
	char status[2048], want[64], *line = NULL;

	snprintf(want, sizeof(want), " %u commands outstanding", count);
	do {
		ck_assert(model_control(&host[0].model, "status", status, sizeof(status)));
		line = strstr(status, h ? "controller 2:" : "controller 1:");
		ck_assert_ptr_nonnull(line);
		*strchrnul(line, '\n') = '\0';
	} while (!strstr(line, want));
}

START_TEST(preempt_and_abort_ends_the_losers_commands)
{
	struct seen seen = { 0 };
	uint64_t began = device_now_ns();
	unsigned int i;

	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	ck_assert_int_eq(acquire(1, NVME_RESERVATION_RTYPE_WE), 0);
	for (i = 0; i < 4; i++) {
		struct nvt_sqe sqe = nvt_sqe_read(1, i, 1, 0);

		ck_assert_int_eq(nvt_qpair_post(host[1].qp, &sqe, host[1].buf, 512 * i, 512, done,
						&seen), 0);
	}
	ck_assert_int_eq(nvt_qpair_ring(host[1].qp), 0);
	wait_outstanding(1, 4);
	ck_assert_int_eq(preempt(0, NVME_RESERVATION_RACQA_PREEMPT_AND_ABORT,
				 NVME_RESERVATION_RTYPE_WE, KEY(1)), 0);
	ck_assert_int_ge(nvt_qpair_wait(host[1].qp, 4, WAIT_MS), 0);
	ck_assert_uint_eq(seen.count, 4);
	ck_assert_uint_eq(seen.status, NVME_SC_CMD_ABORTED_PREMEPT);
	ck_assert_uint_lt(device_now_ns() - began, 5000000000ULL);
}
END_TEST

START_TEST(clear_ends_all_and_tells_the_others)
{
	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_EA), 0);
	ck_assert_int_eq(clear(1), 0);
	ck_assert_uint_eq(report(1)->regctl[0], 0);
	ck_assert_uint_eq(report(1)->rtype, 0);
	ck_assert_uint_eq(notification(0)->rnlpt, NVME_RESV_NOTIFY_RNLPT_RESERVATION_PREEMPTED);
	ck_assert_uint_eq(notification(1)->rnlpt, NVME_RESV_NOTIFY_RNLPT_EMPTY);
	ck_assert_int_eq(clear(1), CONFLICT);
}
END_TEST

START_TEST(notifications_can_be_masked)
{
	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	ck_assert_int_eq(feature(0, NVME_FEAT_FID_RESV_MASK, 1, 1U << 3, 0), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_EA), 0);
	ck_assert_int_eq(clear(1), 0);
	ck_assert_uint_eq(notification(0)->rnlpt, NVME_RESV_NOTIFY_RNLPT_EMPTY);
}
END_TEST

START_TEST(a_notification_is_an_event)
{
	struct events events = { 0 };

	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(enroll(1), 0);
	events_request(&events, host[1].ctrl, 1);
	ck_assert_int_eq(preempt(0, NVME_RESERVATION_RACQA_PREEMPT, NVME_RESERVATION_RTYPE_WE,
				 KEY(1)), 0);
	events_expect(&events, EVENT(NVME_AER_CSS, 0, NVME_LOG_LID_RESERVATION), 1);
}
END_TEST

START_TEST(a_host_of_identifier_0_is_another_after_a_reset)
{
	set_host_id(0, 0);
	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_EA), 0);
	ck_assert_int_eq(reads(1), CONFLICT);
	device_close(&host[0]);
	device_open(&host[0], NULL);
	ck_assert_int_eq(reads(1), 0);
	ck_assert_uint_eq(report(1)->regctl[0], 0);
}
END_TEST

static void power_cycle(void)
{
	unsigned int h;

	for (h = 0; h < HOSTS; h++)
		device_close(&host[h]);
	model_do(&host[0].model, "power off");
	model_do(&host[0].model, "power on");
	for (h = 0; h < HOSTS; h++) {
		device_open(&host[h], NULL);
		set_host_id(h, 0xa0 + h);
	}
}

START_TEST(power_takes_reservations_unless_they_persist)
{
	ck_assert_int_eq(enroll(0), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_EA), 0);
	power_cycle();
	ck_assert_int_eq(reads(1), 0);
	ck_assert_uint_eq(report(0)->regctl[0], 0);
	ck_assert_int_eq(reserve(0, nvme_cmd_resv_register,
				 (uint32_t)NVME_RESERVATION_CPTPL_PERSIST << 30, 0, KEY(0)), 0);
	ck_assert_int_eq(acquire(0, NVME_RESERVATION_RTYPE_EA), 0);
	ck_assert_uint_eq(report(0)->ptpls, 1);
	power_cycle();
	ck_assert_int_eq(reads(1), CONFLICT);
	ck_assert_int_eq(reads(0), 0);
	ck_assert_uint_eq(report(0)->regctl_ds[0].rkey, KEY(0));
	ck_assert_int_eq(feature(0, NVME_FEAT_FID_RESV_PERSIST, 1, 0, 0), 0);
	ck_assert_uint_eq(report(0)->ptpls, 0);
	power_cycle();
	ck_assert_int_eq(reads(1), 0);
}
END_TEST

Suite *reservation_suite(void)
{
	Suite *suite = suite_create("reservation");
	TCase *tc = device_case(suite, "two hosts", begin, finish);

	tcase_add_test(tc, capabilities_are_told);
	tcase_add_test(tc, keys_are_registered_replaced_and_taken_back);
	tcase_add_test(tc, a_report_lists_hosts_holder_and_generation);
	tcase_add_test(tc, the_report_follows_the_length_of_host_identifiers);
	tcase_add_test(tc, each_type_forbids_what_it_should);
	tcase_add_test(tc, a_namespace_is_not_formatted_nor_deleted_by_others);
	tcase_add_test(tc, acquire_is_for_registrants_and_the_first);
	tcase_add_test(tc, all_registrants_hold_it_until_the_last_leaves);
	tcase_add_test(tc, a_holder_that_leaves_releases);
	tcase_add_test(tc, preempt_takes_the_reservation_and_tells_the_loser);
	tcase_add_test(tc, preempt_with_key_0_drops_all_other_registrants);
	tcase_add_test(tc, clear_ends_all_and_tells_the_others);
	tcase_add_test(tc, notifications_can_be_masked);
	tcase_add_test(tc, a_notification_is_an_event);
	tcase_add_test(tc, a_host_of_identifier_0_is_another_after_a_reset);
	tc = device_case(suite, "slow", begin_slow, finish);
	tcase_add_test(tc, preempt_and_abort_ends_the_losers_commands);
	tc = device_case(suite, "power", begin_kept, finish);
	tcase_add_test(tc, power_takes_reservations_unless_they_persist);
	return suite;
}
