// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The persistent event log: its contexts, and what becomes an event of it. */
#include <endian.h>
#include <string.h>

#include <nvme/types.h>

#include "admin.h"
#include "suites.h"

#define OPTIONS		"size=16M,store={dir}"
#define LOG_LENGTH	65536
#define CDW_COUNT(layout)	((layout) & 7)
#define CQE_DW0			(1U << 3)
#define DATA_COUNT(layout)	((layout) >> 16)

static struct device dev;

static void begin(void)
{
	device_start(&dev, OPTIONS);
}

static void begin_impatient(void)
{
	device_start_impatient(&dev, OPTIONS);
}

static void finish(void)
{
	device_stop(&dev);
}

/* How many events of a type the log has. */
static unsigned int count_events(const unsigned char *log, uint8_t type)
{
	const struct nvme_persistent_event_log *header = (const void *)log;
	size_t at = sizeof(*header), length = le64toh(header->tll);
	unsigned int n = 0, all = 0;

	while (at + sizeof(struct nvme_persistent_event_entry) <= length) {
		const struct nvme_persistent_event_entry *entry = (const void *)(log + at);

		n += entry->etype == type;
		all++;
		at += entry->ehl + 3 + le16toh(entry->el);
	}
	ck_assert_uint_eq(at, length);
	ck_assert_uint_eq(all, le32toh(header->tnev));
	return n;
}

START_TEST(persistent_events_are_read_in_a_context)
{
	const uint8_t lid = NVME_LOG_LID_PERSISTENT_EVENT;
	const unsigned char *log;

	ck_assert_int_eq(admin_log(&dev, lid, NVME_PEVENT_LOG_READ, 0, 512),
			 NVME_SC_CMD_SEQ_ERROR);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_format_nvm, 1, 0, 0), 0, NULL), 0);
	log = admin_log_data(&dev, lid, NVME_PEVENT_LOG_EST_CTX_AND_READ, 65536);
	ck_assert_uint_eq(log[0], lid);
	ck_assert_uint_eq(count_events(log, NVME_PEL_FORMAT_START_EVENT), 1);
	ck_assert_uint_eq(count_events(log, NVME_PEL_FORMAT_COMPLETION_EVENT), 1);
	ck_assert_uint_ge(count_events(log, NVME_PEL_POWER_ON_RESET_EVENT), 1);
	ck_assert_uint_eq(count_events(log, NVME_PEL_SMART_HEALTH_EVENT), 1);
	ck_assert_int_eq(admin_log(&dev, lid, NVME_PEVENT_LOG_EST_CTX_AND_READ, 0, 512),
			 NVME_SC_CMD_SEQ_ERROR);
	/* The context shows what was, whatever comes after it. */
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_format_nvm, 1, 0, 0), 0, NULL), 0);
	log = admin_log_data(&dev, lid, NVME_PEVENT_LOG_READ, 65536);
	ck_assert_uint_eq(count_events(log, NVME_PEL_FORMAT_START_EVENT), 1);
	ck_assert_int_eq(admin_log(&dev, lid, NVME_PEVENT_LOG_RELEASE_CTX, 0, 4), 0);
	log = admin_log_data(&dev, lid, NVME_PEVENT_LOG_EST_CTX_AND_READ, 65536);
	ck_assert_uint_eq(count_events(log, NVME_PEL_FORMAT_START_EVENT), 2);
}
END_TEST

static const unsigned char *read_events(void)
{
	const uint8_t lid = NVME_LOG_LID_PERSISTENT_EVENT;

	admin_log(&dev, lid, NVME_PEVENT_LOG_RELEASE_CTX, 0, 4);
	return admin_log_data(&dev, lid, NVME_PEVENT_LOG_EST_CTX_AND_READ, LOG_LENGTH);
}

/* The last event of a type: its head, and its data behind that. */
static const struct nvme_persistent_event_entry *last_event(uint8_t type, const void **data)
{
	const unsigned char *log = read_events();
	size_t at = sizeof(struct nvme_persistent_event_log);
	const struct nvme_persistent_event_entry *found = NULL;
	size_t length = le64toh(((const struct nvme_persistent_event_log *)log)->tll);

	while (at < length) {
		const struct nvme_persistent_event_entry *entry = (const void *)(log + at);

		if (entry->etype == type)
			found = entry;
		at += entry->ehl + 3 + le16toh(entry->el);
	}
	ck_assert_msg(found != NULL, "no event of type %#x", type);
	*data = (const unsigned char *)found + found->ehl + 3;
	return found;
}

START_TEST(events_survive_a_crash)
{
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_format_nvm, 1, 0, 0), 0, NULL), 0);
	device_close(&dev);
	model_kill(&dev.model);
	model_again(&dev.model);
	device_open(&dev, NULL);
	ck_assert_uint_eq(count_events(read_events(), NVME_PEL_FORMAT_COMPLETION_EVENT), 1);
	ck_assert_uint_eq(count_events(read_events(), NVME_PEL_SMART_HEALTH_EVENT), 2);
}
END_TEST

START_TEST(events_that_are_claimed_are_those_that_come)
{
	const struct nvme_persistent_event_log *log = (const void *)read_events();
	static const uint8_t none[16];

	/* 1 to Dh, but for types of other command sets. */
	ck_assert_uint_eq(log->seb[0] | log->seb[1] << 8, 0x3ffe);
	ck_assert_mem_eq(log->seb + 2, none, sizeof(none));
}
END_TEST

static uint32_t set_features(uint8_t fid, uint32_t cdw11, size_t length)
{
	return admin_run(&dev, nvt_sqe_set_features(fid, 0, 0, cdw11), length, NULL);
}

START_TEST(set_features_is_an_event_with_its_dwords)
{
	const struct nvme_persistent_event_entry *entry;
	const void *data;
	const uint32_t *dwords;

	ck_assert_int_eq(set_features(NVME_FEAT_FID_ARBITRATION, 0x01020303, 0), 0);
	ck_assert_int_eq(set_features(NVME_FEAT_FID_HCTM, 100, 0), NVME_SC_INVALID_FIELD);
	entry = last_event(NVME_PEL_SET_FEATURE_EVENT, &data);
	dwords = data;
	ck_assert_uint_eq(CDW_COUNT(dwords[0]), 6);
	ck_assert_uint_eq(DATA_COUNT(dwords[0]), 0);
	ck_assert_uint_eq(dwords[0] & CQE_DW0, CQE_DW0);
	ck_assert_uint_eq(dwords[1], NVME_FEAT_FID_ARBITRATION);
	ck_assert_uint_eq(dwords[2], 0x01020303);
	ck_assert_uint_eq(le16toh(entry->el), 4 + 6 * 4 + 4);
}
END_TEST

START_TEST(set_features_is_an_event_with_its_data)
{
	const void *data;
	const uint32_t *dwords;

	memset(admin_data(&dev), 0, 512);
	*(uint8_t *)admin_data(&dev) = 1;
	ck_assert_int_eq(set_features(NVME_FEAT_FID_HOST_BEHAVIOR, 0, 512), 0);
	last_event(NVME_PEL_SET_FEATURE_EVENT, &data);
	dwords = data;
	ck_assert_uint_eq(DATA_COUNT(dwords[0]), 512);
	ck_assert_uint_eq(dwords[1] & 0xff, NVME_FEAT_FID_HOST_BEHAVIOR);
	ck_assert_uint_eq(dwords[7], 1);
}
END_TEST

/* That has an event of its own. */
START_TEST(timestamp_is_another_event)
{
	uint64_t stamp = 1700000000000ULL;
	unsigned int before = count_events(read_events(), NVME_PEL_SET_FEATURE_EVENT);

	memcpy(admin_data(&dev), &stamp, sizeof(stamp));
	ck_assert_int_eq(set_features(NVME_FEAT_FID_TIMESTAMP, 0, 8), 0);
	ck_assert_uint_eq(count_events(read_events(), NVME_PEL_TIMESTAMP_EVENT), 1);
	ck_assert_uint_eq(count_events(read_events(), NVME_PEL_SET_FEATURE_EVENT), before);
}
END_TEST

static void cause_correctable(void)
{
	model_do(&dev.model, "fault do pci-error error=bad-dllp");
}

static void cause_non_fatal(void)
{
	model_do(&dev.model, "fault do pci-error error=poisoned-tlp");
}

/* A malformed TLP is fatal unless the severity register says otherwise. */
static void cause_fatal(void)
{
	model_do(&dev.model, "fault do pci-error error=malformed-tlp");
}

static void cause_warning(void)
{
	model_do(&dev.model, "warning 8");
}

static void cause_unsafe_shutdown(void)
{
	device_cut_power(&dev);
}

static void cause_fatal_status(void)
{
	model_do(&dev.model, "fault do cfs");
	device_reopen(&dev);
}

static void cause_media_error(void)
{
	struct nvt_sqe sqe = { .opcode = nvme_cmd_write_uncor, .nsid = 1 };

	ck_assert_int_eq(nvt_qpair_exec(dev.qp, &sqe, NULL, 0, 0, NULL), 0);
	ck_assert_int_ne(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0), 0);
}

static const struct {
	uint16_t code;			/* NVM Subsystem Hardware Error Event Code */
	void (*cause)(void);
} hardware_errors[] = {
	{ 0x01, cause_correctable }, { 0x02, cause_non_fatal }, { 0x03, cause_fatal },
	{ 0x06, cause_warning }, { 0x08, cause_unsafe_shutdown }, { 0x09, cause_fatal_status },
	{ 0x0a, cause_media_error },
};

#define NR_HARDWARE_ERRORS	(int)(sizeof(hardware_errors) / sizeof(hardware_errors[0]))

START_TEST(hardware_error_is_an_event)
{
	unsigned int before = count_events(read_events(), NVME_PEL_NSS_HW_ERROR_EVENT);
	const void *data;

	hardware_errors[_i].cause();
	ck_assert_uint_eq(count_events(read_events(), NVME_PEL_NSS_HW_ERROR_EVENT), before + 1);
	last_event(NVME_PEL_NSS_HW_ERROR_EVENT, &data);
	ck_assert_uint_eq(*(const uint16_t *)data, hardware_errors[_i].code);
}
END_TEST

START_TEST(event_names_its_controller)
{
	const struct model_opts opts = { .options = "size=16M", .sockets = 2 };
	const struct nvme_persistent_event_entry *entry;
	struct nvt_ctrl *other;
	const void *data;

	model_start_with(&dev.model, &opts);
	device_open(&dev, NULL);
	other = nvt_ctrl_open(dev.model.address[1], NULL);
	ck_assert_msg(other != NULL, "%s", nvt_error());
	ck_assert_int_eq(nvt_set_feature(other, NVME_FEAT_FID_ARBITRATION, 0, 1, NULL), 0);
	entry = last_event(NVME_PEL_SET_FEATURE_EVENT, &data);
	ck_assert_uint_eq(le16toh(entry->cntlid), le16toh(nvt_ctrl_id(other)->cntlid));
	ck_assert_int_eq(nvt_set_feature(dev.ctrl, NVME_FEAT_FID_ARBITRATION, 0, 1, NULL), 0);
	entry = last_event(NVME_PEL_SET_FEATURE_EVENT, &data);
	ck_assert_uint_eq(le16toh(entry->cntlid), le16toh(nvt_ctrl_id(dev.ctrl)->cntlid));
	nvt_ctrl_close(other);
	device_stop(&dev);
}
END_TEST

Suite *persistent_event_suite(void)
{
	Suite *suite = suite_create("persistent_event");
	TCase *tc = device_case(suite, "log", begin, finish);

	tcase_add_test(tc, persistent_events_are_read_in_a_context);
	tcase_add_test(tc, events_survive_a_crash);
	tcase_add_test(tc, events_that_are_claimed_are_those_that_come);
	tc = device_case(suite, "set_features", begin, finish);
	tcase_add_test(tc, set_features_is_an_event_with_its_dwords);
	tcase_add_test(tc, set_features_is_an_event_with_its_data);
	tcase_add_test(tc, timestamp_is_another_event);
	tc = device_case(suite, "hardware_errors", begin_impatient, finish);
	tcase_add_loop_test(tc, hardware_error_is_an_event, 0, NR_HARDWARE_ERRORS);
	tc = device_case(suite, "two_controllers", NULL, NULL);
	tcase_add_test(tc, event_names_its_controller);
	return suite;
}
