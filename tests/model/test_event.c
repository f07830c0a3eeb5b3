// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Asynchronous events: each kind, what masks it, and what lets it be told again. */
#include <string.h>
#include <unistd.h>

#include <nvme/types.h>

#include "admin.h"
#include "events.h"
#include "nvme/firmware_image.h"
#include "suites.h"

#define RAE		0x80
#define DOORBELLS	0x1000
#define IMAGE		4608
#define REQUESTS	8		/* AERL is 7 */
#define ALL_NOTICES	0xffffffffU
#define OPTIONS		"size=16M,firmware-slots=3,self-test-extended-time=10ms,sanitize-time=10ms"

static struct device dev;
static struct nvt_ctrl *other;		/* the second controller of the subsystem */
static struct events events;

static void begin(void)
{
	const struct model_opts opts = { .options = OPTIONS, .sockets = 2 };

	memset(&events, 0, sizeof(events));
	model_start_with(&dev.model, &opts);
	device_open(&dev, NULL);
	other = nvt_ctrl_open(dev.model.address[1], NULL);
	ck_assert_msg(other != NULL, "%s", nvt_error());
}

static void finish(void)
{
	nvt_ctrl_close(other);
	device_stop(&dev);
}

static void set(struct nvt_ctrl *ctrl, uint8_t fid, uint32_t nsid, uint32_t value)
{
	ck_assert_int_eq(nvt_set_feature(ctrl, fid, nsid, value, NULL), 0);
}

/* The queue pair of the device is 1, and there is no queue 15. */
static void ring(uint16_t qid, bool cq, uint32_t value)
{
	ck_assert_int_eq(nvt_pcie_reg_write(dev.pcie, 0, DOORBELLS + 8 * qid + 4 * cq, 4, value), 0);
}

static void cause_wrong_queue(void)
{
	ring(15, false, 1);
}

static void cause_wrong_tail(void)
{
	ring(1, false, 0xffff);
}

/* A head that goes over entries that nobody has written. */
static void cause_wrong_head(void)
{
	ring(1, true, nvt_qpair_entries(dev.qp) / 2);
}

static void cause_heat(void)
{
	model_do(&dev.model, "temperature 310");
	model_do(&dev.model, "temperature 350");
}

static void cause_cold(void)
{
	set(dev.ctrl, NVME_FEAT_FID_TEMP_THRESH, 0, NVME_FEATURE_TEMPTHRESH_THSEL_UNDER << 20 | 290);
	model_do(&dev.model, "temperature 310");
	model_do(&dev.model, "temperature 280");
}

/* Sensor 2 is warmer than the composite temperature, which stays below its own threshold. */
static void cause_hot_sensor(void)
{
	set(dev.ctrl, NVME_FEAT_FID_TEMP_THRESH, 0, 2U << 16 | 328);
	model_do(&dev.model, "temperature 310");
	model_do(&dev.model, "temperature 325");
}

static void cause_spare(void)
{
	model_do(&dev.model, "warning 0");
	model_do(&dev.model, "warning 0x1");
}

static void cause_read_only(void)
{
	model_do(&dev.model, "warning 0");
	model_do(&dev.model, "warning 0x8");
}

static void cause_change_of_namespace(void)
{
	static uint32_t protect;

	protect = !protect;
	set(other, NVME_FEAT_FID_WRITE_PROTECT, 1, protect);
}

static void cause_activation(void)
{
	struct nvt_sqe download = admin_sqe(nvme_admin_fw_download, 0, IMAGE / 4 - 1, 0);
	struct nvt_sqe commit = admin_sqe(nvme_admin_fw_commit, 0,
					  2 | NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE_IMMEDIATE << 3, 0);

	firmware_image_make(admin_data(&dev), IMAGE, "next", FIRMWARE_NEEDS_NOTHING);
	ck_assert_int_eq(admin_run(&dev, download, IMAGE, NULL), 0);
	ck_assert_int_eq(admin_run(&dev, commit, 0, NULL), 0);
}

static void mark_uncorrectable(uint32_t slba)
{
	struct nvt_sqe sqe = { .opcode = nvme_cmd_write_uncor, .nsid = 1, .cdw10 = slba };

	ck_assert_int_eq(nvt_qpair_exec(dev.qp, &sqe, NULL, 0, 0, NULL), 0);
}

static void cause_failed_self_test(void)
{
	const struct nvme_self_test_log *log;

	mark_uncorrectable(0);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_dev_self_test, 1,
						   NVME_ST_CODE_EXTENDED, 0), 0, NULL), 0);
	do
		log = admin_log_data(&dev, NVME_LOG_LID_DEVICE_SELF_TEST, RAE, sizeof(*log));
	while (log->current_operation);
}

static void cause_uncorrectable_block(void)
{
	static uint32_t slba = 100;

	mark_uncorrectable(slba);
	slba += 2;
}

static void cause_sanitize(void)
{
	const struct nvme_sanitize_log_page *log;

	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_sanitize_nvm, 0,
						   NVME_SANITIZE_SANACT_START_BLOCK_ERASE, 0), 0,
				   NULL), 0);
	do
		log = admin_log_data(&dev, NVME_LOG_LID_SANITIZE, RAE, sizeof(*log));
	while (log->sprog != 0xffff);
}

static const struct kind {
	uint32_t dw0;
	uint32_t enable;		/* bit of Asynchronous Event Configuration; the first have none */
	void (*cause)(void);
} kinds[] = {
	{ EVENT(NVME_AER_ERROR, NVME_AER_ERROR_INVALID_DB_REG, NVME_LOG_LID_ERROR), 0,
	  cause_wrong_queue },
	{ EVENT(NVME_AER_ERROR, NVME_AER_ERROR_INVALID_DB_VAL, NVME_LOG_LID_ERROR), 0,
	  cause_wrong_tail },
	{ EVENT(NVME_AER_ERROR, NVME_AER_ERROR_INVALID_DB_VAL, NVME_LOG_LID_ERROR), 0,
	  cause_wrong_head },
	{ EVENT(NVME_AER_ERROR, NVME_AER_ERROR_DIAG_FAILURE, NVME_LOG_LID_ERROR), 0,
	  cause_failed_self_test },
	{ EVENT(NVME_AER_CSS, NVME_AER_CSS_NVM_SANITIZE_COMPLETED, NVME_LOG_LID_SANITIZE), 0,
	  cause_sanitize },
	{ EVENT(NVME_AER_SMART, NVME_AER_SMART_TEMPERATURE_THRESHOLD, NVME_LOG_LID_SMART),
	  NVME_SMART_CRIT_TEMPERATURE, cause_heat },
	{ EVENT(NVME_AER_SMART, NVME_AER_SMART_TEMPERATURE_THRESHOLD, NVME_LOG_LID_SMART),
	  NVME_SMART_CRIT_TEMPERATURE, cause_cold },
	{ EVENT(NVME_AER_SMART, NVME_AER_SMART_TEMPERATURE_THRESHOLD, NVME_LOG_LID_SMART),
	  NVME_SMART_CRIT_TEMPERATURE, cause_hot_sensor },
	{ EVENT(NVME_AER_SMART, NVME_AER_SMART_SPARE_THRESHOLD, NVME_LOG_LID_SMART),
	  NVME_SMART_CRIT_SPARE, cause_spare },
	{ EVENT(NVME_AER_SMART, NVME_AER_SMART_SUBSYSTEM_RELIABILITY, NVME_LOG_LID_SMART),
	  NVME_SMART_CRIT_MEDIA, cause_read_only },
	{ EVENT(NVME_AER_NOTICE, NVME_AER_NOTICE_NS_CHANGED, NVME_LOG_LID_CHANGED_NS),
	  NVME_CTRL_OAES_NA, cause_change_of_namespace },
	{ EVENT(NVME_AER_NOTICE, NVME_AER_NOTICE_FW_ACT_STARTING, NVME_LOG_LID_FW_SLOT),
	  NVME_CTRL_OAES_FA, cause_activation },
	{ EVENT(NVME_AER_NOTICE, NVME_AER_NOTICE_TELEMETRY, NVME_LOG_LID_TELEMETRY_CTRL), 1U << 10,
	  cause_failed_self_test },
	{ EVENT(NVME_AER_NOTICE, NVME_AER_NOTICE_LBA_STATUS_ALERT, NVME_LOG_LID_LBA_STATUS),
	  NVME_CTRL_OAES_LBAS, cause_uncorrectable_block },
};

#define ALWAYS_ON	5
#define NR_KINDS	(int)(sizeof(kinds) / sizeof(kinds[0]))

/* With RAE it is left as it was. */
static void read_log_of(const struct kind *kind, uint8_t rae)
{
	admin_log_data(&dev, kind->dw0 >> 16, rae, 512);
}

START_TEST(event_is_told_once_until_its_log_is_read)
{
	const struct kind *kind = &kinds[_i];

	set(dev.ctrl, NVME_FEAT_FID_ASYNC_EVENT, 0, kind->enable);
	events_request(&events, dev.ctrl, REQUESTS);
	kind->cause();
	events_expect(&events, kind->dw0, 1);
	kind->cause();
	events_expect(&events, kind->dw0, 1);
	read_log_of(kind, RAE);
	events_expect(&events, kind->dw0, 1);
	/* What has come since is in the log that is read now, so it is not told of. */
	read_log_of(kind, 0);
	events_expect(&events, kind->dw0, 1);
	kind->cause();
	events_expect(&events, kind->dw0, 2);
}
END_TEST

START_TEST(event_that_is_off_is_not_told)
{
	const struct kind *kind = &kinds[_i];
	int i;

	set(dev.ctrl, NVME_FEAT_FID_ASYNC_EVENT, 0, ALL_NOTICES & ~kind->enable);
	events_request(&events, dev.ctrl, REQUESTS);
	kind->cause();
	events_expect(&events, kind->dw0, 0);
	/* Nor later, when it is on. */
	set(dev.ctrl, NVME_FEAT_FID_ASYNC_EVENT, 0, kind->enable);
	events_expect(&events, kind->dw0, 0);
	/* What the cause has led to besides masks others of its type. */
	for (i = 0; i < NR_KINDS; i++)
		read_log_of(&kinds[i], 0);
	kind->cause();
	events_expect(&events, kind->dw0, 1);
}
END_TEST

START_TEST(event_waits_for_a_request)
{
	const struct kind *kind = &kinds[_i];

	set(dev.ctrl, NVME_FEAT_FID_ASYNC_EVENT, 0, kind->enable);
	kind->cause();
	events_request(&events, dev.ctrl, 2);
	events_expect(&events, kind->dw0, 1);
}
END_TEST

/* Of AERL and one more. */
START_TEST(requests_are_limited)
{
	events_request(&events, dev.ctrl, nvt_ctrl_id(dev.ctrl)->aerl + 2U);
	events_wait(&events, 1);
	ck_assert_uint_eq(events.nr, 1);
	ck_assert_uint_eq(events.cqe[0].status_phase >> 1 & 0x7ff,
			  STATUS_SPECIFIC(NVME_SC_ASYNC_LIMIT));
}
END_TEST

/* LSIRI of 300 ms: what comes meanwhile is told with it. */
START_TEST(alert_of_blocks_comes_at_its_interval)
{
	const uint32_t alert = EVENT(NVME_AER_NOTICE, NVME_AER_NOTICE_LBA_STATUS_ALERT,
				     NVME_LOG_LID_LBA_STATUS);
	uint64_t before;

	set(dev.ctrl, NVME_FEAT_FID_ASYNC_EVENT, 0, NVME_CTRL_OAES_LBAS);
	set(dev.ctrl, NVME_FEAT_FID_LBA_STS_INTERVAL, 0, 3);
	events_request(&events, dev.ctrl, 2);
	before = device_now_ns();
	cause_uncorrectable_block();
	cause_uncorrectable_block();
	events_wait(&events, 1);
	ck_assert_uint_ge(device_now_ns() - before, 300000000);
	events_expect(&events, alert, 1);
	/* A block that was known to be uncorrectable is no news. */
	read_log_of(&kinds[NR_KINDS - 1], 0);
	set(dev.ctrl, NVME_FEAT_FID_LBA_STS_INTERVAL, 0, 0);
	mark_uncorrectable(100);
	events_expect(&events, alert, 1);
}
END_TEST

Suite *event_suite(void)
{
	Suite *suite = suite_create("event");
	TCase *tc = device_case(suite, "kinds", begin, finish);

	tcase_add_loop_test(tc, event_is_told_once_until_its_log_is_read, 0, NR_KINDS);
	tcase_add_loop_test(tc, event_that_is_off_is_not_told, ALWAYS_ON, NR_KINDS);
	tcase_add_loop_test(tc, event_waits_for_a_request, 0, NR_KINDS);
	tcase_add_test(tc, requests_are_limited);
	tcase_add_test(tc, alert_of_blocks_comes_at_its_interval);
	return suite;
}
