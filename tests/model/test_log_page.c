// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the controller says of itself: identify data and log pages, held against what it does. */
#include <stdlib.h>
#include <string.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "device.h"
#include "events.h"
#include "suites.h"

#define STATUS(sct, sc)		((sct) << 8 | (sc))
#define FAILS(status, code)	ck_assert_int_eq((status) & 0x7ff, code)
#define PAGE			4096
#define ALL_OFF	"size=64M,vwc=off,format=off,sanitize=off,self-test=off,ns-management=off," \
		"security=off,telemetry=off,persistent-event=off,mi=off,firmware-slots=0," \
		"boot-partition=0,timestamp=off,compare=off,fused=off,copy=off,verify=off," \
		"write-zeroes=off,write-uncorrectable=off,dsm=off,reservations=off," \
		"write-protect=off,lba-status=off,hmb=0,apst=off,hctm=off,power-states=1," \
		"dbbuf=off,sgl=off,coalescing=off"

static struct device dev;

static void begin(void)
{
	device_start(&dev, "size=64M,namespaces=3,max-namespaces=8");
}

static void begin_all_off(void)
{
	device_start(&dev, ALL_OFF);
}

static void begin_zones(void)
{
	device_start(&dev, "size=64M,zns=on,zone-size=4M");
}

static void finish(void)
{
	device_stop(&dev);
}

static int admin(struct nvt_sqe sqe, size_t length)
{
	int status = nvt_qpair_exec(nvt_ctrl_admin(dev.ctrl), &sqe, length ? dev.buf : NULL, 0,
				    length, NULL);

	ck_assert_int_ge(status, 0);
	return status;
}

static int identify(uint8_t cns, uint32_t nsid, uint16_t cntid, uint8_t csi)
{
	memset(nvt_buffer_data(dev.buf), 0xee, PAGE);
	return admin(nvt_sqe_identify(cns, nsid, cntid, csi), PAGE);
}

/* The list of changed zones is a namespace's, the others are the controller's. */
static int read_log(uint8_t lid, size_t length, uint64_t offset)
{
	uint32_t nsid = lid == NVME_LOG_LID_ZNS_CHANGED_ZONES ? 1 : NVME_NSID_ALL;

	return admin(nvt_sqe_get_log_page(lid, nsid, length, offset), length);
}

static uint64_t count(const uint8_t field[16])
{
	uint64_t value;

	memcpy(&value, field, sizeof(value));
	return value;
}

static void read_smart(struct device *device, struct nvme_smart_log *log)
{
	ck_assert_int_eq(nvt_get_log_page(device->ctrl, NVME_LOG_LID_SMART, NVME_NSID_ALL, log,
					  sizeof(*log)), 0);
}

START_TEST(controller_has_the_names_of_its_options)
{
	struct device named;
	const struct nvme_id_ctrl *id;

	device_start(&named, "size=64M,serial=S1,model=A model,firmware=F.2,queues=5,mdts=3,"
			     "elpe=9,aerl=2,power-states=4");
	id = nvt_ctrl_id(named.ctrl);
	ck_assert_mem_eq(id->sn, "S1                  ", 20);
	ck_assert_mem_eq(id->mn, "A model                                 ", 40);
	ck_assert_mem_eq(id->fr, "F.2     ", 8);
	ck_assert_uint_eq(id->mdts, 3);
	ck_assert_uint_eq(id->elpe, 9);
	ck_assert_uint_eq(id->aerl, 2);
	ck_assert_uint_eq(id->npss, 3);
	ck_assert_uint_eq(id->ver, 0x20100);
	ck_assert_uint_eq(id->psd[3].flags & NVME_PSD_FLAGS_NOPS, NVME_PSD_FLAGS_NOPS);
	ck_assert_uint_eq(id->psd[1].flags & NVME_PSD_FLAGS_NOPS, 0);
	ck_assert_uint_eq(id->psd[4].mp, 0);
	device_stop(&named);
}
END_TEST

START_TEST(nothing_is_claimed_that_is_off)
{
	const struct nvme_id_ctrl *id = nvt_ctrl_id(dev.ctrl);

	ck_assert_uint_eq(id->oacs, 0);
	ck_assert_uint_eq(id->oncs, NVME_CTRL_ONCS_SAVE_FEATURES);
	ck_assert_uint_eq(id->fuses, 0);
	ck_assert_uint_eq(id->vwc & NVME_CTRL_VWC_PRESENT, 0);
	ck_assert_uint_eq(id->apsta, 0);
	ck_assert_uint_eq(id->hctma, 0);
	ck_assert_uint_eq(id->hmpre, 0);
	ck_assert_uint_eq(id->sanicap, 0);
	ck_assert_uint_eq(id->sgls, 0);
	ck_assert_uint_eq(id->nwpc, 0);
	ck_assert_uint_eq(id->lpa & (NVME_CTRL_LPA_TELEMETRY | NVME_CTRL_LPA_PERSETENT_EVENT), 0);
	ck_assert_uint_eq(id->npss, 0);
}
END_TEST

START_TEST(feature_that_is_off_is_refused)
{
	static const uint8_t fids[] = {
		NVME_FEAT_FID_VOLATILE_WC, NVME_FEAT_FID_AUTO_PST, NVME_FEAT_FID_HOST_MEM_BUF,
		NVME_FEAT_FID_TIMESTAMP, NVME_FEAT_FID_HCTM, NVME_FEAT_FID_NOPSC,
		NVME_FEAT_FID_SANITIZE, NVME_FEAT_FID_RESV_MASK, NVME_FEAT_FID_WRITE_PROTECT,
		NVME_FEAT_FID_IRQ_COALESCE, NVME_FEAT_FID_LBA_STS_INTERVAL,
	};
	unsigned int i;

	for (i = 0; i < sizeof(fids); i++)
		FAILS(admin(nvt_sqe_get_features(fids[i], 0, 1, 0), PAGE), NVME_SC_INVALID_FIELD);
}
END_TEST

/* The Commands Supported and Effects log says the same as the commands do. */
static void check_effects(void)
{
	static uint32_t effects[512];
	struct nvt_sqe sqe;
	unsigned int opcode;
	int status;

	ck_assert_int_eq(read_log(NVME_LOG_LID_CMD_EFFECTS, PAGE, 0), 0);
	memcpy(effects, nvt_buffer_data(dev.buf), sizeof(effects));
	for (opcode = 0; opcode < 256; opcode++) {
		if (effects[opcode] & NVME_CMD_EFFECTS_CSUPP)
			continue;
		sqe = (struct nvt_sqe){ .opcode = opcode, .nsid = 1 };
		status = nvt_qpair_exec(nvt_ctrl_admin(dev.ctrl), &sqe, NULL, 0, 0, NULL);
		FAILS(status, NVME_SC_INVALID_OPCODE);
	}
	for (opcode = 0; opcode < 256; opcode++) {
		sqe = (struct nvt_sqe){ .opcode = opcode, .nsid = 1, .cdw10 = UINT32_MAX,
					.cdw11 = UINT32_MAX };
		status = nvt_qpair_exec(dev.qp, &sqe, NULL, 0, 0, NULL);
		ck_assert_msg(((status & 0x7ff) == NVME_SC_INVALID_OPCODE) ==
				      !(effects[256 + opcode] & NVME_CMD_EFFECTS_CSUPP),
			      "opcode %02xh: effects %#x, status %#x", opcode,
			      effects[256 + opcode], status);
	}
}

START_TEST(effects_log_tells_the_truth)
{
	check_effects();
}
END_TEST

START_TEST(log_pages_are_those_that_are_listed)
{
	static uint32_t listed[256];
	unsigned int lid;
	int status;

	ck_assert_int_eq(read_log(NVME_LOG_LID_SUPPORTED_LOG_PAGES, sizeof(listed), 0), 0);
	memcpy(listed, nvt_buffer_data(dev.buf), sizeof(listed));
	for (lid = 0; lid < 256; lid++) {
		status = read_log(lid, 512, 0) & 0x7ff;
		if (!(listed[lid] & 1))
			ck_assert_int_eq(status, STATUS(NVME_SCT_CMD_SPECIFIC,
							NVME_SC_INVALID_LOG_PAGE));
		else if (lid != NVME_LOG_LID_PERSISTENT_EVENT)
			ck_assert_msg(!status, "log page %02xh ends with %#x", lid, status);
	}
}
END_TEST

START_TEST(features_are_those_that_are_listed)
{
	static uint32_t listed[256];
	unsigned int fid;
	int status;

	ck_assert_int_eq(read_log(NVME_LOG_LID_FID_SUPPORTED_EFFECTS, sizeof(listed), 0), 0);
	memcpy(listed, nvt_buffer_data(dev.buf), sizeof(listed));
	for (fid = 0; fid < 256; fid++) {
		status = admin(nvt_sqe_get_features(fid, NVME_GET_FEATURES_SEL_SUPPORTED, 1, 0), 0);
		ck_assert_int_eq(!status, listed[fid] & 1);
	}
}
END_TEST

START_TEST(part_of_a_log_page_is_what_is_asked_for)
{
	static uint8_t whole[512];
	uint8_t *data = nvt_buffer_data(dev.buf);

	ck_assert_int_eq(read_log(NVME_LOG_LID_CMD_EFFECTS, sizeof(whole), 1024), 0);
	memcpy(whole, data, sizeof(whole));
	memset(data, 0xee, 16);
	ck_assert_int_eq(read_log(NVME_LOG_LID_CMD_EFFECTS, 8, 1024), 0);
	ck_assert_mem_eq(data, whole, 8);
	ck_assert_uint_eq(data[8], 0xee);
	FAILS(read_log(NVME_LOG_LID_CMD_EFFECTS, 8, 2), NVME_SC_INVALID_FIELD);
	FAILS(read_log(NVME_LOG_LID_CMD_EFFECTS, 8, 1 << 20), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(failed_command_is_in_the_error_log)
{
	const struct nvme_error_log_page *entry = nvt_buffer_data(dev.buf);

	FAILS(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 1ULL << 40, 1, 0), NVME_SC_LBA_RANGE);
	FAILS(identify(0x77, 0, 0, 0), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(read_log(NVME_LOG_LID_ERROR, 128, 0), 0);
	ck_assert_uint_eq(entry[0].error_count, 2);
	ck_assert_uint_eq(entry[0].sqid, 0);
	ck_assert_uint_eq(entry[0].parm_error_location, 40);
	ck_assert_uint_eq(entry[0].status_field >> 1 & 0x7ff, NVME_SC_INVALID_FIELD);
	ck_assert_uint_eq(entry[1].error_count, 1);
	ck_assert_uint_eq(entry[1].sqid, nvt_qpair_id(dev.qp));
	ck_assert_uint_eq(entry[1].lba, 1ULL << 40);
	ck_assert_uint_eq(entry[1].nsid, 1);
	nvt_qpair_delete(dev.qp);
	ck_assert_int_eq(nvt_ctrl_reset(dev.ctrl), 0);
	dev.qp = nvt_qpair_create(dev.ctrl, NULL);
	ck_assert_int_eq(read_log(NVME_LOG_LID_ERROR, 128, 0), 0);
	ck_assert_uint_eq(entry[0].error_count, 0);
}
END_TEST

START_TEST(smart_counts_commands_and_data)
{
	const struct nvme_smart_log *log = nvt_buffer_data(dev.buf);
	unsigned int i;

	for (i = 0; i < 10; i++)
		ck_assert_int_eq(nvt_ns_write(dev.ns, dev.qp, dev.buf, 0, 0, 256, 0), 0);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 8, 0), 0);
	FAILS(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 1ULL << 40, 1, 0), NVME_SC_LBA_RANGE);
	ck_assert_int_eq(read_log(NVME_LOG_LID_SMART, sizeof(*log), 0), 0);
	ck_assert_uint_eq(count(log->host_writes), 10);
	ck_assert_uint_eq(count(log->data_units_written), 3);
	ck_assert_uint_eq(count(log->host_reads), 2);
	ck_assert_uint_eq(count(log->data_units_read), 1);
	ck_assert_uint_eq(count(log->power_cycles), 1);
	ck_assert_uint_eq(count(log->unsafe_shutdowns), 0);
	ck_assert_uint_eq(count(log->num_err_log_entries), 1);
	ck_assert_uint_eq(log->avail_spare, 100);
	FAILS(admin(nvt_sqe_get_log_page(NVME_LOG_LID_SMART, 1, 512, 0), 512),
	      NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(counters_survive_a_crash)
{
	struct device kept;
	static struct nvme_smart_log log;

	device_start(&kept, "size=64M,store={dir}");
	ck_assert_int_eq(nvt_ns_write(kept.ns, kept.qp, kept.buf, 0, 0, 8, 0), 0);
	model_kill(&kept.model);
	device_close(&kept);
	model_again(&kept.model);
	device_open(&kept, NULL);
	read_smart(&kept, &log);
	ck_assert_uint_eq(count(log.host_writes), 1);
	ck_assert_uint_eq(count(log.power_cycles), 2);
	ck_assert_uint_eq(count(log.unsafe_shutdowns), 1);
	device_stop(&kept);
}
END_TEST

/* CC.SHN, and waits for CSTS.SHST. */
static void shut_down(struct device *device)
{
	uint64_t cc, csts = 0, end = device_now_ns() + 5000000000ULL;

	ck_assert_int_eq(nvt_pcie_reg_read(device->pcie, 0, NVME_REG_CC, 4, &cc), 0);
	ck_assert_int_eq(nvt_pcie_reg_write(device->pcie, 0, NVME_REG_CC, 4, cc | 1 << 14), 0);
	while (NVME_CSTS_SHST(csts) != 2 && device_now_ns() < end)
		ck_assert_int_eq(nvt_pcie_reg_read(device->pcie, 0, NVME_REG_CSTS, 4, &csts), 0);
	ck_assert_uint_eq(NVME_CSTS_SHST(csts), 2);
}

START_TEST(loss_of_power_is_unsafe_without_a_shutdown)
{
	static struct nvme_smart_log log;
	unsigned int round;

	for (round = 0; round < 2; round++) {
		nvt_buffer_free(dev.buf);
		nvt_qpair_delete(dev.qp);
		if (!round)
			shut_down(&dev);
		nvt_ns_close(dev.ns);
		nvt_ctrl_close(dev.ctrl);
		model_do(&dev.model, "power off");
		model_do(&dev.model, "power on");
		device_open(&dev, NULL);
		read_smart(&dev, &log);
		ck_assert_uint_eq(count(log.unsafe_shutdowns), round);
		ck_assert_uint_eq(count(log.power_cycles), round + 2);
	}
}
END_TEST

START_TEST(namespaces_are_listed)
{
	const struct nvme_ns_list *list = nvt_buffer_data(dev.buf);
	const struct nvme_ctrl_list *ctrls = nvt_buffer_data(dev.buf);
	static const uint8_t cns[] = {
		NVME_IDENTIFY_CNS_NS_ACTIVE_LIST, NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST,
		NVME_IDENTIFY_CNS_CSI_NS_ACTIVE_LIST, NVME_IDENTIFY_CNS_CSI_ALLOCATED_NS_LIST,
	};
	unsigned int i;

	for (i = 0; i < sizeof(cns); i++) {
		ck_assert_int_eq(identify(cns[i], 1, 0, 0), 0);
		ck_assert_uint_eq(list->ns[0], 2);
		ck_assert_uint_eq(list->ns[1], 3);
		ck_assert_uint_eq(list->ns[2], 0);
		FAILS(identify(cns[i], NVME_NSID_ALL, 0, 0), NVME_SC_INVALID_NS);
	}
	ck_assert_int_eq(identify(NVME_IDENTIFY_CNS_NS_CTRL_LIST, 2, 0, 0), 0);
	ck_assert_uint_eq(ctrls->num, 1);
	ck_assert_uint_eq(ctrls->identifier[0], nvt_ctrl_id(dev.ctrl)->cntlid);
	ck_assert_int_eq(identify(NVME_IDENTIFY_CNS_CTRL_LIST, 0, 2, 0), 0);
	ck_assert_uint_eq(ctrls->num, 0);
}
END_TEST

START_TEST(namespace_that_is_not_there_is_zeros)
{
	static const uint8_t zeros[PAGE];

	ck_assert_int_eq(identify(NVME_IDENTIFY_CNS_NS, 7, 0, 0), 0);
	ck_assert_mem_eq(nvt_buffer_data(dev.buf), zeros, PAGE);
	FAILS(identify(NVME_IDENTIFY_CNS_NS, 9, 0, 0), NVME_SC_INVALID_NS);
	FAILS(identify(NVME_IDENTIFY_CNS_NS, 0, 0, 0), NVME_SC_INVALID_NS);
	FAILS(identify(NVME_IDENTIFY_CNS_NS_DESC_LIST, 7, 0, 0), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(namespace_has_its_identifiers)
{
	static struct nvme_id_ns id;
	const uint8_t *at = nvt_buffer_data(dev.buf);

	ck_assert_int_eq(nvt_identify_ns(dev.ctrl, 2, &id), 0);
	ck_assert_int_eq(identify(NVME_IDENTIFY_CNS_NS_DESC_LIST, 2, 0, 0), 0);
	ck_assert_uint_eq(at[0], NVME_NIDT_EUI64);
	ck_assert_mem_eq(at + 4, id.eui64, 8);
	ck_assert_uint_eq(at[12], NVME_NIDT_NGUID);
	ck_assert_mem_eq(at + 16, id.nguid, 16);
	ck_assert_uint_eq(at[32], NVME_NIDT_CSI);
	ck_assert_uint_eq(at[36], NVME_CSI_NVM);
	ck_assert_uint_eq(at[37], 0);
}
END_TEST

START_TEST(identify_lies_once_if_it_is_told_to)
{
	const struct nvme_id_ctrl *id = nvt_buffer_data(dev.buf);
	uint8_t mdts = nvt_ctrl_id(dev.ctrl)->mdts;
	char *log;

	model_do(&dev.model, "fault opcode=identify times=1 do identify byte=77 value=2");
	ck_assert_int_eq(identify(NVME_IDENTIFY_CNS_CTRL, 0, 0, 0), 0);
	ck_assert_uint_eq(id->mdts, 2);
	ck_assert_int_eq(identify(NVME_IDENTIFY_CNS_CTRL, 0, 0, 0), 0);
	ck_assert_uint_eq(id->mdts, mdts);
	log = model_log(&dev.model);
	ck_assert_ptr_nonnull(strstr(log, "CNS 01h has 0x2 in 1 bytes at byte 77"));
	free(log);
}
END_TEST

/* Data of the Zoned Namespace command set, for namespaces that have it. */
START_TEST(zones_are_identified_by_their_command_set)
{
	const struct nvme_zns_id_ns *zns = nvt_buffer_data(dev.buf);
	const uint64_t *sets = nvt_buffer_data(dev.buf);

	ck_assert_int_eq(identify(NVME_IDENTIFY_CNS_CSI_NS, 1, 0, NVME_CSI_ZNS), 0);
	ck_assert_uint_eq(zns->lbafe[0].zsze, (4 << 20) / 512);
	ck_assert_int_eq(identify(NVME_IDENTIFY_CNS_CSI_CTRL, 0, 0, NVME_CSI_ZNS), 0);
	FAILS(identify(NVME_IDENTIFY_CNS_CSI_NS, 1, 0, NVME_CSI_KV), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(identify(NVME_IDENTIFY_CNS_COMMAND_SET_STRUCTURE, 0, 0xffff, 0), 0);
	ck_assert_uint_eq(sets[0], 1 << NVME_CSI_NVM | 1 << NVME_CSI_ZNS);
	ck_assert_uint_eq(sets[1], 0);
	ck_assert_int_eq(read_log(NVME_LOG_LID_ZNS_CHANGED_ZONES, PAGE, 0), 0);
}
END_TEST

/* Two controllers of one subsystem: one makes the namespace read only, the other is told. */
START_TEST(other_controller_is_told_of_a_change)
{
	struct model_opts opts = { .options = "size=64M,namespaces=2", .sockets = 2 };
	struct events events = { 0 };
	struct nvme_ns_list list;
	struct nvt_ctrl *one, *two;
	struct model model;

	model_start_with(&model, &opts);
	one = nvt_ctrl_open(model.address[0], NULL);
	two = nvt_ctrl_open(model.address[1], NULL);
	ck_assert_msg(one && two, "%s", nvt_error());
	ck_assert_uint_ne(nvt_ctrl_id(one)->cntlid, nvt_ctrl_id(two)->cntlid);
	ck_assert_int_eq(nvt_set_feature(two, NVME_FEAT_FID_ASYNC_EVENT, 0, 0x100, NULL), 0);
	events_request(&events, two, 1);
	ck_assert_int_eq(nvt_set_feature(one, NVME_FEAT_FID_WRITE_PROTECT, 2, 1, NULL), 0);
	events_expect(&events, EVENT(NVME_AER_NOTICE, NVME_AER_NOTICE_NS_CHANGED,
				     NVME_LOG_LID_CHANGED_NS), 1);
	ck_assert_int_eq(nvt_get_log_page(two, NVME_LOG_LID_CHANGED_NS, NVME_NSID_ALL, &list,
					  sizeof(list)), 0);
	ck_assert_uint_eq(list.ns[0], 2);
	ck_assert_uint_eq(list.ns[1], 0);
	ck_assert_int_eq(nvt_get_log_page(two, NVME_LOG_LID_CHANGED_NS, NVME_NSID_ALL, &list,
					  sizeof(list)), 0);
	ck_assert_uint_eq(list.ns[0], 0);
	nvt_ctrl_close(two);
	nvt_ctrl_close(one);
	model_stop(&model);
}
END_TEST

static void add_logs(Suite *suite)
{
	TCase *tc = device_case(suite, "logs", begin, finish);

	tcase_add_test(tc, effects_log_tells_the_truth);
	tcase_add_test(tc, log_pages_are_those_that_are_listed);
	tcase_add_test(tc, features_are_those_that_are_listed);
	tcase_add_test(tc, part_of_a_log_page_is_what_is_asked_for);
	tcase_add_test(tc, failed_command_is_in_the_error_log);
	tcase_add_test(tc, smart_counts_commands_and_data);
	tcase_add_test(tc, counters_survive_a_crash);
	tcase_add_test(tc, loss_of_power_is_unsafe_without_a_shutdown);
	tcase_add_test(tc, other_controller_is_told_of_a_change);
}

Suite *log_page_suite(void)
{
	Suite *suite = suite_create("log_page");
	TCase *tc = device_case(suite, "identify", begin, finish);

	tcase_add_test(tc, controller_has_the_names_of_its_options);
	tcase_add_test(tc, namespaces_are_listed);
	tcase_add_test(tc, namespace_that_is_not_there_is_zeros);
	tcase_add_test(tc, namespace_has_its_identifiers);
	tcase_add_test(tc, identify_lies_once_if_it_is_told_to);
	tc = device_case(suite, "all off", begin_all_off, finish);
	tcase_add_test(tc, nothing_is_claimed_that_is_off);
	tcase_add_test(tc, feature_that_is_off_is_refused);
	tcase_add_test(tc, effects_log_tells_the_truth);
	tcase_add_test(tc, log_pages_are_those_that_are_listed);
	tcase_add_test(tc, features_are_those_that_are_listed);
	tc = device_case(suite, "zones", begin_zones, finish);
	tcase_add_test(tc, zones_are_identified_by_their_command_set);
	tcase_add_test(tc, log_pages_are_those_that_are_listed);
	tcase_add_test(tc, features_are_those_that_are_listed);
	add_logs(suite);
	return suite;
}
