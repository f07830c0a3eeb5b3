// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Format, sanitize, self-test and namespace management of the model. */
#include <endian.h>
#include <string.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "admin.h"
#include "suites.h"

#define BLOCKS		8U
#define SPROG_DONE	0xffff
#define PATTERN		0x11223344U
#define OVERWRITE	(NVME_SANITIZE_SANACT_START_OVERWRITE)
#define NDAS		(1U << 9)
#define AUSE		(1U << 3)
#define TIMES		"size=16M,capacity=64M,format-time=20ms,sanitize-time=30ms,"		\
			"self-test-time=20ms,self-test-extended-time=60ms"

static struct device dev;

static void begin(void)
{
	device_start(&dev, TIMES);
}

static void finish(void)
{
	device_stop(&dev);
}

static int run(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11)
{
	return admin_run(&dev, admin_sqe(opcode, nsid, cdw10, cdw11), 0, NULL);
}

static void write_blocks(uint64_t slba)
{
	device_fill(dev.buf, 1);
	ck_assert_int_eq(nvt_ns_write(dev.ns, dev.qp, dev.buf, 0, slba, BLOCKS, 0), 0);
}

/* Each dword of the blocks is this. */
static void assert_blocks(uint64_t slba, uint32_t word)
{
	const uint32_t *data = admin_data(&dev);
	size_t i;

	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, slba, BLOCKS, 0), 0);
	for (i = 0; i < BLOCKS * DEVICE_BLOCK / 4; i++)
		ck_assert_uint_eq(data[i], word);
}

static int format(uint32_t nsid, uint32_t cdw10)
{
	return run(nvme_admin_format_nvm, nsid, cdw10, 0);
}

START_TEST(format_erases_and_changes_the_block_size)
{
	const struct nvme_id_ns *id;
	uint64_t bytes = nvt_ns_size(dev.ns) * DEVICE_BLOCK;
	unsigned int i;

	write_blocks(0);
	id = admin_identify(&dev, NVME_IDENTIFY_CNS_NS, 1);
	for (i = 0; i <= id->nlbaf && (id->lbaf[i].ds != 12 || id->lbaf[i].ms != 8); i++)
		;
	ck_assert_uint_le(i, id->nlbaf);
	/* Metadata at the end of the block, protection information of type 1. */
	ck_assert_int_eq(format(1, i | 1 << 4 | 1 << 5), 0);
	id = admin_identify(&dev, NVME_IDENTIFY_CNS_NS, 1);
	ck_assert_uint_eq(id->flbas, i | 1 << 4);
	ck_assert_uint_eq(id->dps, 1);
	ck_assert_uint_eq(le64toh(id->nsze), bytes / 4096);
	ck_assert_uint_eq(le64toh(id->nuse), 0);
	ck_assert_int_eq(format(1, 0), 0);
	assert_blocks(0, 0);
}
END_TEST

START_TEST(format_of_all_namespaces_and_erases_of_both_kinds)
{
	write_blocks(0);
	ck_assert_int_eq(format(NVME_NSID_ALL, NVME_FORMAT_SES_USER_DATA_ERASE << 9), 0);
	assert_blocks(0, 0);
	write_blocks(0);
	ck_assert_int_eq(format(1, NVME_FORMAT_SES_CRYPTO_ERASE << 9), 0);
	assert_blocks(0, 0);
}
END_TEST

START_TEST(bad_formats_are_refused)
{
	ck_assert_int_eq(format(1, 15), STATUS_SPECIFIC(NVME_SC_INVALID_FORMAT));
	ck_assert_int_eq(format(1, 1 << 12), STATUS_SPECIFIC(NVME_SC_INVALID_FORMAT));
	/* No metadata, so there is no room for protection information. */
	ck_assert_int_eq(format(1, 1 << 5), STATUS_SPECIFIC(NVME_SC_INVALID_FORMAT));
	ck_assert_int_eq(format(1, 3 << 9), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(format(0, 0), NVME_SC_INVALID_NS);
	ck_assert_int_eq(format(0x1000, 0), NVME_SC_INVALID_NS);
}
END_TEST

static void count_end(void *arg, const struct nvt_cpl *cpl)
{
	int *status = arg;

	*status = nvt_cpl_status(cpl);
}

START_TEST(format_in_progress_shows_and_refuses_io)
{
	struct nvt_qpair *admin = nvt_ctrl_admin(dev.ctrl);
	struct nvt_sqe sqe = admin_sqe(nvme_admin_format_nvm, 1, 0, 0);
	const struct nvme_id_ns *id;
	int status = -1;

	ck_assert_int_eq(nvt_qpair_post(admin, &sqe, NULL, 0, 0, count_end, &status), 0);
	nvt_qpair_ring(admin);
	do
		id = admin_identify(&dev, NVME_IDENTIFY_CNS_NS, 1);
	while (!(id->fpi & 0x7f) && status < 0);
	ck_assert_int_lt(status, 0);
	ck_assert_uint_eq(id->fpi & 0x80, 0x80);
	ck_assert_uint_le(id->fpi & 0x7f, 100);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0) & 0x7ff,
			 NVME_SC_FORMAT_IN_PROGRESS);
	ck_assert_int_eq(nvt_qpair_wait(admin, 1, 5000), 1);
	ck_assert_int_eq(status, 0);
	id = admin_identify(&dev, NVME_IDENTIFY_CNS_NS, 1);
	ck_assert_uint_eq(id->fpi & 0x7f, 0);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0), 0);
}
END_TEST

static struct nvme_sanitize_log_page sanitize_status(void)
{
	return *(const struct nvme_sanitize_log_page *)
		admin_log_data(&dev, NVME_LOG_LID_SANITIZE, 0, 512);
}

/* Until it has ended; the log as it is then. */
static struct nvme_sanitize_log_page wait_sanitized(void)
{
	struct nvme_sanitize_log_page log;
	uint16_t last = 0;

	for (log = sanitize_status(); le16toh(log.sprog) != SPROG_DONE; log = sanitize_status()) {
		ck_assert_uint_eq(le16toh(log.sstat) & NVME_SANITIZE_SSTAT_STATUS_MASK,
				  NVME_SANITIZE_SSTAT_STATUS_IN_PROGESS);
		ck_assert_uint_ge(le16toh(log.sprog), last);
		last = le16toh(log.sprog);
	}
	return log;
}

static int sanitize(uint32_t cdw10, uint32_t cdw11)
{
	return run(nvme_admin_sanitize_nvm, 0, cdw10, cdw11);
}

START_TEST(block_erase_leaves_nothing)
{
	struct nvme_sanitize_log_page log = sanitize_status();

	ck_assert_uint_eq(le16toh(log.sstat), NVME_SANITIZE_SSTAT_GLOBAL_DATA_ERASED);
	write_blocks(40);
	ck_assert_uint_eq(le16toh(sanitize_status().sstat), 0);
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_BLOCK_ERASE, 0), 0);
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_BLOCK_ERASE, 0),
			 NVME_SC_SANITIZE_IN_PROGRESS);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0) & 0x7ff,
			 NVME_SC_SANITIZE_IN_PROGRESS);
	ck_assert_int_eq(format(1, 0), NVME_SC_SANITIZE_IN_PROGRESS);
	log = wait_sanitized();
	ck_assert_uint_eq(le16toh(log.sstat), NVME_SANITIZE_SSTAT_STATUS_COMPLETE_SUCCESS |
					      NVME_SANITIZE_SSTAT_GLOBAL_DATA_ERASED);
	ck_assert_uint_eq(le32toh(log.scdw10), NVME_SANITIZE_SANACT_START_BLOCK_ERASE);
	assert_blocks(40, 0);
}
END_TEST

START_TEST(overwrite_without_deallocation_leaves_its_pattern)
{
	struct nvme_sanitize_log_page log;

	write_blocks(40);
	/* Two passes, inverted in turn: the last one is the pattern itself. */
	ck_assert_int_eq(sanitize(OVERWRITE | 2 << 4 | 1 << 8 | NDAS, PATTERN), 0);
	log = wait_sanitized();
	ck_assert_uint_eq(le16toh(log.sstat) >> NVME_SANITIZE_SSTAT_COMPLETED_PASSES_SHIFT & 0x1f,
			  2);
	assert_blocks(40, PATTERN);
	assert_blocks(400, 0);
}
END_TEST

START_TEST(overwrite_and_crypto_erase_deallocate)
{
	const struct nvme_id_ns *id;

	write_blocks(40);
	ck_assert_int_eq(sanitize(OVERWRITE | 1 << 4, PATTERN), 0);
	wait_sanitized();
	assert_blocks(40, 0);
	write_blocks(40);
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_CRYPTO_ERASE, 0), 0);
	wait_sanitized();
	id = admin_identify(&dev, NVME_IDENTIFY_CNS_NS, 1);
	ck_assert_uint_eq(le64toh(id->nuse), 0);
}
END_TEST

/* The next operation, once the rules of before are gone. */
static void make_sanitize_fail(void)
{
	model_do(&dev.model, "clear");
	model_do(&dev.model, "fault nth=1 do sanitize-fail");
}

START_TEST(failed_sanitize_is_left_as_its_mode_allows)
{
	make_sanitize_fail();
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_BLOCK_ERASE, 0), 0);
	ck_assert_uint_eq(le16toh(wait_sanitized().sstat),
			  NVME_SANITIZE_SSTAT_STATUS_COMPLETED_FAILED);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0) & 0x7ff,
			 NVME_SC_SANITIZE_FAILED);
	/* The restricted mode knows no other way out than a sanitize of its kind. */
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_EXIT_FAILURE, 0), NVME_SC_SANITIZE_FAILED);
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_BLOCK_ERASE | AUSE, 0),
			 NVME_SC_SANITIZE_FAILED);
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_BLOCK_ERASE, 0), 0);
	wait_sanitized();
	assert_blocks(0, 0);
	make_sanitize_fail();
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_BLOCK_ERASE | AUSE, 0), 0);
	wait_sanitized();
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_EXIT_FAILURE, 0), 0);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0), 0);
}
END_TEST

START_TEST(sanitize_fails_half_way)
{
	uint64_t last = nvt_ns_size(dev.ns) - BLOCKS;
	char log[4096];

	write_blocks(0);
	write_blocks(last);
	make_sanitize_fail();
	/* Leaving a failure that there is not begins nothing, so it is not the first. */
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_EXIT_FAILURE, 0), 0);
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_BLOCK_ERASE | AUSE, 0), 0);
	ck_assert_uint_eq(le16toh(wait_sanitized().sstat),
			  NVME_SANITIZE_SSTAT_STATUS_COMPLETED_FAILED);
	ck_assert(model_control(&dev.model, "log", log, sizeof(log)));
	ck_assert_msg(strstr(log, "action=sanitize-fail ctrl=1 queue=0") != NULL, "%s", log);
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_EXIT_FAILURE, 0), 0);
	assert_blocks(0, 0);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, last, BLOCKS, 0), 0);
	device_assert_filled(dev.buf, BLOCKS * DEVICE_BLOCK, 1);
}
END_TEST

START_TEST(sanitize_goes_on_after_a_power_cut)
{
	write_blocks(0);
	ck_assert_int_eq(nvt_ns_flush(dev.ns, dev.qp), 0);
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_BLOCK_ERASE, 0), 0);
	model_do(&dev.model, "power off");
	model_do(&dev.model, "power on");
	device_close(&dev);
	device_open(&dev, NULL);
	ck_assert_uint_eq(le16toh(wait_sanitized().sstat) & NVME_SANITIZE_SSTAT_STATUS_MASK,
			  NVME_SANITIZE_SSTAT_STATUS_COMPLETE_SUCCESS);
	assert_blocks(0, 0);
}
END_TEST

static int self_test(uint32_t nsid, uint32_t code)
{
	return run(nvme_admin_dev_self_test, nsid, code, 0);
}

static struct nvme_st_result wait_tested(void)
{
	const struct nvme_self_test_log *log;
	uint8_t last = 0;

	do {
		log = admin_log_data(&dev, NVME_LOG_LID_DEVICE_SELF_TEST, 0, sizeof(*log));
		ck_assert(!log->current_operation || log->completion >= last);
		last = log->completion;
	} while (log->current_operation);
	return log->result[0];
}

START_TEST(self_tests_pass_one_at_a_time)
{
	struct nvme_st_result result;

	ck_assert_int_eq(self_test(NVME_NSID_ALL, NVME_ST_CODE_SHORT), 0);
	ck_assert_int_eq(self_test(0, NVME_ST_CODE_EXTENDED),
			 STATUS_SPECIFIC(NVME_SC_SELF_TEST_IN_PROGRESS));
	result = wait_tested();
	ck_assert_uint_eq(result.dsts, NVME_ST_CODE_SHORT << 4 | NVME_ST_RESULT_NO_ERR);
	ck_assert_int_eq(self_test(0, NVME_ST_CODE_EXTENDED), 0);
	result = wait_tested();
	ck_assert_uint_eq(result.dsts, NVME_ST_CODE_EXTENDED << 4 | NVME_ST_RESULT_NO_ERR);
	ck_assert_uint_eq(result.vdi, 0);
	ck_assert_int_eq(self_test(0x1000, NVME_ST_CODE_SHORT), NVME_SC_INVALID_NS);
	ck_assert_int_eq(self_test(0, 5), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(extended_self_test_finds_the_bad_block)
{
	struct nvt_sqe sqe = { .opcode = nvme_cmd_write_uncor, .nsid = 1, .cdw10 = 1234 };
	struct nvme_st_result result;

	ck_assert_int_eq(nvt_qpair_exec(dev.qp, &sqe, NULL, 0, 0, NULL), 0);
	ck_assert_int_eq(self_test(1, NVME_ST_CODE_EXTENDED), 0);
	result = wait_tested();
	ck_assert_uint_eq(result.dsts, NVME_ST_CODE_EXTENDED << 4 | NVME_ST_RESULT_KNOWN_SEG_FAIL);
	ck_assert_uint_eq(result.seg, 7);
	ck_assert_uint_eq(result.vdi, 0xf);
	ck_assert_uint_eq(le32toh(result.nsid), 1);
	ck_assert_uint_eq(le64toh(result.flba), 1234);
	ck_assert_uint_eq(result.sct << 8 | result.sc, NVME_SCT_MEDIA << 8 | NVME_SC_READ_ERROR);
}
END_TEST

START_TEST(self_tests_end_by_what_disturbs_them)
{
	ck_assert_int_eq(self_test(1, NVME_ST_CODE_EXTENDED), 0);
	ck_assert_int_eq(self_test(0, NVME_ST_CODE_ABORT), 0);
	ck_assert_uint_eq(wait_tested().dsts & 0xf, NVME_ST_RESULT_ABORTED);
	ck_assert_int_eq(self_test(1, NVME_ST_CODE_EXTENDED), 0);
	ck_assert_int_eq(format(1, 0), 0);
	ck_assert_uint_eq(wait_tested().dsts & 0xf, NVME_ST_RESULT_ABORTED_FORMAT);
	ck_assert_int_eq(self_test(1, NVME_ST_CODE_EXTENDED), 0);
	ck_assert_int_eq(sanitize(NVME_SANITIZE_SANACT_START_BLOCK_ERASE, 0), 0);
	ck_assert_uint_eq(wait_tested().dsts & 0xf, NVME_ST_RESULT_ABORTED_SANITIZE);
	wait_sanitized();
	ck_assert_int_eq(self_test(1, NVME_ST_CODE_SHORT), 0);
	device_close(&dev);
	device_open(&dev, NULL);
	ck_assert_uint_eq(wait_tested().dsts & 0xf, NVME_ST_RESULT_CLR);
}
END_TEST

static int create(uint64_t blocks, uint8_t flbas, uint8_t nmic, uint32_t *nsid)
{
	struct nvme_id_ns *id = admin_data(&dev);

	memset(id, 0, sizeof(*id));
	id->nsze = htole64(blocks);
	id->ncap = id->nsze;
	id->flbas = flbas;
	id->nmic = nmic;
	return admin_run(&dev, admin_sqe(nvme_admin_ns_mgmt, 0, 0, 0), sizeof(*id), nsid);
}

static int attach(uint32_t nsid, uint16_t cntid, bool detach)
{
	struct nvme_ctrl_list *list = admin_data(&dev);

	memset(list, 0, sizeof(*list));
	list->num = htole16(1);
	list->identifier[0] = htole16(cntid);
	return admin_run(&dev, admin_sqe(nvme_admin_ns_attach, nsid, detach, 0), sizeof(*list),
			 NULL);
}

static uint16_t own_id(void)
{
	return le16toh(nvt_ctrl_id(dev.ctrl)->cntlid);
}

START_TEST(namespaces_come_and_go)
{
	const uint32_t *list;
	struct nvt_ns *ns;
	uint32_t nsid;

	ck_assert_int_eq(create(2048, 0, 0, &nsid), 0);
	ck_assert_uint_eq(nsid, 2);
	ck_assert_int_eq(attach(nsid, own_id(), true), STATUS_SPECIFIC(NVME_SC_NS_NOT_ATTACHED));
	ck_assert_int_eq(attach(nsid, own_id(), false), 0);
	ck_assert_int_eq(attach(nsid, own_id(), false),
			 STATUS_SPECIFIC(NVME_SC_NS_ALREADY_ATTACHED));
	list = admin_identify(&dev, NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, 0);
	ck_assert_uint_eq(le32toh(list[0]), 1);
	ck_assert_uint_eq(le32toh(list[1]), nsid);
	ns = nvt_ns_open(dev.ctrl, nsid);
	ck_assert_msg(ns != NULL, "%s", nvt_error());
	ck_assert_uint_eq(nvt_ns_size(ns), 2048);
	ck_assert_int_eq(nvt_ns_read(ns, dev.qp, dev.buf, 0, 2047, 1, 0), 0);
	ck_assert_int_eq(attach(nsid, own_id(), true), 0);
	ck_assert_int_eq(nvt_ns_read(ns, dev.qp, dev.buf, 0, 0, 1, 0) & 0x7ff,
			 NVME_SC_INVALID_FIELD);
	nvt_ns_close(ns);
	ck_assert_int_eq(run(nvme_admin_ns_mgmt, nsid, 1, 0), 0);
	ck_assert_int_eq(run(nvme_admin_ns_mgmt, nsid, 1, 0), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(run(nvme_admin_ns_mgmt, NVME_NSID_ALL, 1, 0), 0);
	list = admin_identify(&dev, NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST, 0);
	ck_assert_uint_eq(le32toh(list[0]), 0);
}
END_TEST

START_TEST(namespaces_that_cannot_be_are_refused)
{
	uint32_t nsid;

	ck_assert_int_eq(create(1ULL << 40, 0, 0, &nsid),
			 STATUS_SPECIFIC(NVME_SC_NS_INSUFFICIENT_CAP));
	ck_assert_int_eq(create(2048, 15, 0, &nsid), STATUS_SPECIFIC(NVME_SC_INVALID_FORMAT));
	ck_assert_int_eq(create(0, 0, 0, &nsid), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(create(2048, 0, 0x80, &nsid), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(attach(1, 77, false), STATUS_SPECIFIC(NVME_SC_CTRL_LIST_INVALID));
	ck_assert_int_eq(attach(5, own_id(), false), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(attach(0x1000, own_id(), false), NVME_SC_INVALID_NS);
	ck_assert_int_eq(run(nvme_admin_ns_mgmt, 1, 2, 0), NVME_SC_INVALID_FIELD);
}
END_TEST

/* Commands that read are under way for a while. */
static void begin_slow(void)
{
	device_start(&dev, TIMES ",read=100ms");
}

static struct nvt_ctrl *other;	/* the second controller of the subsystem */

static void begin_two(void)
{
	struct model_opts opts = { .options = TIMES, .sockets = 2 };

	model_start_with(&dev.model, &opts);
	device_open(&dev, NULL);
	other = nvt_ctrl_open(dev.model.address[1], NULL);
	ck_assert_msg(other != NULL, "%s", nvt_error());
}

static void finish_two(void)
{
	nvt_ctrl_close(other);
	finish();
}

static uint16_t other_id(void)
{
	return le16toh(nvt_ctrl_id(other)->cntlid);
}

/* The only entry of the other controller's Changed Attached Namespace List, 0 if it is empty. */
static uint32_t changed_at_other(void)
{
	uint32_t list[NVME_ID_NS_LIST_MAX];

	ck_assert_int_eq(nvt_get_log_page(other, NVME_LOG_LID_CHANGED_NS, NVME_NSID_ALL, list,
					  sizeof(list)), 0);
	ck_assert_uint_eq(list[1], 0);
	return le32toh(list[0]);
}

START_TEST(private_namespace_has_one_controller)
{
	uint32_t nsid;

	ck_assert_int_eq(create(2048, 0, 0, &nsid), 0);
	ck_assert_int_eq(attach(nsid, other_id(), false), 0);
	ck_assert_int_eq(attach(nsid, own_id(), false), STATUS_SPECIFIC(NVME_SC_NS_IS_PRIVATE));
	ck_assert_int_eq(attach(nsid, own_id(), true), STATUS_SPECIFIC(NVME_SC_NS_NOT_ATTACHED));
}
END_TEST

START_TEST(shared_namespace_has_both_and_its_end_is_told)
{
	struct nvme_id_ns id;
	uint32_t nsid;

	ck_assert_int_eq(create(2048, 0, NVME_NS_NMIC_SHARED, &nsid), 0);
	ck_assert_int_eq(attach(nsid, own_id(), false), 0);
	ck_assert_int_eq(attach(nsid, other_id(), false), 0);
	ck_assert_uint_eq(changed_at_other(), nsid);
	ck_assert_int_eq(nvt_identify_ns(other, nsid, &id), 0);
	ck_assert_uint_eq(le64toh(id.nsze), 2048);
	/* The list was read: it is empty until something changes. */
	ck_assert_uint_eq(changed_at_other(), 0);
	ck_assert_int_eq(run(nvme_admin_ns_mgmt, nsid, 1, 0), 0);
	ck_assert_uint_eq(changed_at_other(), nsid);
	ck_assert_int_eq(nvt_identify_ns(other, nsid, &id), 0);
	ck_assert_uint_eq(le64toh(id.nsze), 0);
}
END_TEST

START_TEST(namespace_goes_with_commands_under_way)
{
	struct nvt_sqe sqe = nvt_sqe_read(1, 0, 1, 0);
	int status[8], i;

	for (i = 0; i < 8; i++) {
		struct nvt_sqe one = sqe;

		status[i] = -1;
		ck_assert_int_eq(nvt_qpair_post(dev.qp, &one, dev.buf, i * DEVICE_BLOCK,
						DEVICE_BLOCK, count_end, &status[i]), 0);
	}
	nvt_qpair_ring(dev.qp);
	ck_assert_int_eq(run(nvme_admin_ns_mgmt, NVME_NSID_ALL, 1, 0), 0);
	ck_assert_int_eq(nvt_qpair_wait(dev.qp, 8, 5000), 8);
	for (i = 0; i < 8; i++)
		ck_assert_int_eq(status[i] & 0x7ff, NVME_SC_INVALID_FIELD);
}
END_TEST

Suite *admin_suite(void)
{
	Suite *suite = suite_create("admin");
	TCase *tc = device_case(suite, "format", begin, finish);

	tcase_add_test(tc, format_erases_and_changes_the_block_size);
	tcase_add_test(tc, format_of_all_namespaces_and_erases_of_both_kinds);
	tcase_add_test(tc, bad_formats_are_refused);
	tcase_add_test(tc, format_in_progress_shows_and_refuses_io);
	tc = device_case(suite, "sanitize", begin, finish);
	tcase_add_test(tc, block_erase_leaves_nothing);
	tcase_add_test(tc, overwrite_without_deallocation_leaves_its_pattern);
	tcase_add_test(tc, overwrite_and_crypto_erase_deallocate);
	tcase_add_test(tc, failed_sanitize_is_left_as_its_mode_allows);
	tcase_add_test(tc, sanitize_fails_half_way);
	tcase_add_test(tc, sanitize_goes_on_after_a_power_cut);
	tc = device_case(suite, "self_test", begin, finish);
	tcase_add_test(tc, self_tests_pass_one_at_a_time);
	tcase_add_test(tc, extended_self_test_finds_the_bad_block);
	tcase_add_test(tc, self_tests_end_by_what_disturbs_them);
	tc = device_case(suite, "ns_management", begin, finish);
	tcase_add_test(tc, namespaces_come_and_go);
	tcase_add_test(tc, namespaces_that_cannot_be_are_refused);
	tc = device_case(suite, "slow_reads", begin_slow, finish);
	tcase_add_test(tc, namespace_goes_with_commands_under_way);
	tc = device_case(suite, "two_controllers", begin_two, finish_two);
	tcase_add_test(tc, private_namespace_has_one_controller);
	tcase_add_test(tc, shared_namespace_has_both_and_its_end_is_told);
	return suite;
}
