// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Firmware and boot partitions, security, telemetry, NVMe-MI of the model. */
#include <endian.h>
#include <string.h>

#include <libnvme-mi.h>
#include <nvt/nvt.h>

#include "admin.h"
#include "nvme/firmware_image.h"
#include "suites.h"

#define PIECE		4096U
#define IMAGE		(2 * PIECE + 512)
#define OPTIONS		"size=16M,firmware-slots=3,firmware=base,boot-partition=128K,power-states=1," \
			"self-test-extended-time=300ms"
#define PARTITION	(128U * 1024)
#define MI_CDW10	(NVME_MI_MT_MI << 11 | 4)
#define CLEAR		(1U << 31)
#define ALL		(1U << 31)
#define RAE		0x80

static struct device dev;

static void begin(void)
{
	device_start(&dev, OPTIONS);
}

static void finish(void)
{
	device_stop(&dev);
}

/* @length bytes of @data to the same offset of the download. */
static int download(const void *data, uint32_t offset, uint32_t length)
{
	struct nvt_sqe sqe = admin_sqe(nvme_admin_fw_download, 0, length / 4 - 1, offset / 4);

	memcpy(admin_data(&dev), (const char *)data + offset, length);
	return admin_run(&dev, sqe, length, NULL);
}

static void download_image(const char *revision, enum firmware_needs needs)
{
	static unsigned char image[IMAGE];
	uint32_t offset;

	firmware_image_make(image, IMAGE, revision, needs);
	/* The last piece first: the order is the host's. */
	ck_assert_int_eq(download(image, 2 * PIECE, IMAGE - 2 * PIECE), 0);
	for (offset = 0; offset < 2 * PIECE; offset += PIECE)
		ck_assert_int_eq(download(image, offset, PIECE), 0);
}

static int commit(uint32_t slot, uint32_t action)
{
	return admin_run(&dev, admin_sqe(nvme_admin_fw_commit, 0, slot | action << 3, 0), 0, NULL);
}

static struct nvme_firmware_slot slots(void)
{
	return *(const struct nvme_firmware_slot *)
		admin_log_data(&dev, NVME_LOG_LID_FW_SLOT, 0, sizeof(struct nvme_firmware_slot));
}

static void assert_revision(const char *revision)
{
	const struct nvme_id_ctrl *id = admin_identify(&dev, NVME_IDENTIFY_CNS_CTRL, 0);

	ck_assert_mem_eq(id->fr, revision, strlen(revision));
}

START_TEST(image_is_active_after_a_reset)
{
	struct nvme_firmware_slot log;

	download_image("second", FIRMWARE_NEEDS_RESET);
	ck_assert_int_eq(commit(2, NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE), 0);
	log = slots();
	ck_assert_uint_eq(log.afi, 1 | 2 << 4);
	ck_assert_mem_eq(log.frs[1], "second  ", 8);
	assert_revision("base ");
	device_reopen(&dev);
	assert_revision("second  ");
	ck_assert_uint_eq(slots().afi, 2);
	ck_assert_int_eq(commit(1, NVME_FW_COMMIT_CA_SET_ACTIVE), 0);
	device_reopen(&dev);
	assert_revision("base ");
}
END_TEST

START_TEST(image_is_active_at_once)
{
	download_image("atonce", FIRMWARE_NEEDS_NOTHING);
	ck_assert_int_eq(commit(3, NVME_FW_COMMIT_CA_REPLACE), 0);
	assert_revision("base ");
	ck_assert_int_eq(commit(3, NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE_IMMEDIATE), 0);
	assert_revision("atonce  ");
}
END_TEST

START_TEST(image_names_the_reset_that_it_needs)
{
	download_image("later", FIRMWARE_NEEDS_RESET);
	ck_assert_int_eq(commit(2, NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE_IMMEDIATE),
			 STATUS_SPECIFIC(NVME_SC_FW_NEEDS_RESET));
	download_image("power", FIRMWARE_NEEDS_SUBSYSTEM_RESET);
	ck_assert_int_eq(commit(3, NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE),
			 STATUS_SPECIFIC(NVME_SC_FW_NEEDS_SUBSYS_RESET));
	device_reopen(&dev);
	assert_revision("base ");
	device_cut_power(&dev);
	assert_revision("power   ");
}
END_TEST

START_TEST(bad_images_and_slots_are_refused)
{
	static unsigned char image[IMAGE];

	ck_assert_int_eq(commit(2, NVME_FW_COMMIT_CA_REPLACE),
			 STATUS_SPECIFIC(NVME_SC_FIRMWARE_IMAGE));
	firmware_image_make(image, PIECE, "bad", FIRMWARE_NEEDS_NOTHING);
	image[100] ^= 1;
	ck_assert_int_eq(download(image, 0, PIECE), 0);
	ck_assert_int_eq(commit(2, NVME_FW_COMMIT_CA_REPLACE),
			 STATUS_SPECIFIC(NVME_SC_FIRMWARE_IMAGE));
	/* Its middle is missing. */
	firmware_image_make(image, IMAGE, "hole", FIRMWARE_NEEDS_NOTHING);
	ck_assert_int_eq(download(image, 0, PIECE), 0);
	ck_assert_int_eq(download(image, 2 * PIECE, IMAGE - 2 * PIECE), 0);
	ck_assert_int_eq(commit(2, NVME_FW_COMMIT_CA_REPLACE),
			 STATUS_SPECIFIC(NVME_SC_FIRMWARE_IMAGE));
	download_image("good", FIRMWARE_NEEDS_NOTHING);
	ck_assert_int_eq(commit(1, NVME_FW_COMMIT_CA_REPLACE),
			 STATUS_SPECIFIC(NVME_SC_FIRMWARE_SLOT));
	ck_assert_int_eq(commit(4, NVME_FW_COMMIT_CA_REPLACE),
			 STATUS_SPECIFIC(NVME_SC_FIRMWARE_SLOT));
	ck_assert_int_eq(commit(3, NVME_FW_COMMIT_CA_SET_ACTIVE),
			 STATUS_SPECIFIC(NVME_SC_FIRMWARE_IMAGE));
	ck_assert_int_eq(commit(2, 4), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(pieces_that_do_not_fit_are_refused)
{
	static unsigned char image[IMAGE];

	ck_assert_int_eq(download(image, 512, 512), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(download(image, 0, PIECE), 0);
	ck_assert_int_eq(download(image, 0, PIECE), STATUS_SPECIFIC(NVME_SC_OVERLAPPING_RANGE));
	/* The host may begin anew. */
	download_image("again", FIRMWARE_NEEDS_NOTHING);
	ck_assert_int_eq(commit(2, NVME_FW_COMMIT_CA_REPLACE), 0);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_fw_download, 0, PIECE / 4 - 1,
						   0xfffffc00), PIECE, NULL),
			 NVME_SC_INVALID_FIELD);
}
END_TEST

static void write_partition(unsigned int id, unsigned int seed)
{
	device_fill(dev.buf, seed);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_fw_download, 0, PARTITION / 4 - 1,
						   0), PARTITION, NULL), 0);
	ck_assert_int_eq(commit(id << 31, NVME_FW_COMMIT_CA_REPLACE_BOOT_PARTITION), 0);
}

static uint32_t boot_info(void)
{
	uint64_t value;

	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, NVME_REG_BPINFO, 4, &value), 0);
	return value;
}

static void read_partition(uint64_t bus, uint32_t select)
{
	ck_assert_int_eq(nvt_pcie_reg_write(dev.pcie, 0, NVME_REG_BPMBL, 8, bus), 0);
	ck_assert_int_eq(nvt_pcie_reg_write(dev.pcie, 0, NVME_REG_BPRSEL, 4, select), 0);
}

START_TEST(boot_partition_is_read_by_registers)
{
	struct nvt_buffer *to = nvt_buffer_create(dev.pcie, PARTITION, NVT_BUFFER_CONTIGUOUS);

	ck_assert_uint_eq(boot_info(), 1);
	write_partition(1, 5);
	ck_assert_int_eq(commit(1U << 31, NVME_FW_COMMIT_CA_ACTIVATE_BOOT_PARTITION), 0);
	ck_assert_uint_eq(boot_info(), 1 | 1U << 31);
	/* All of partition 1: 32 pages from 0 on. */
	read_partition(nvt_buffer_bus(to, 0), 1U << 31 | 32);
	ck_assert_uint_eq(boot_info() >> 24 & 3, 2);
	device_assert_filled(to, PARTITION, 5);
	/* One page from its page 3 on, then past its end. */
	read_partition(nvt_buffer_bus(to, 0), 1U << 31 | 3 << 10 | 1);
	ck_assert_uint_eq(boot_info() >> 24 & 3, 2);
	device_fill(dev.buf, 5);
	ck_assert_mem_eq(nvt_buffer_data(to), (char *)admin_data(&dev) + 3 * 4096, 4096);
	read_partition(nvt_buffer_bus(to, 0), 1U << 31 | 31 << 10 | 2);
	ck_assert_uint_eq(boot_info() >> 24 & 3, 3);
	nvt_buffer_free(to);
}
END_TEST

START_TEST(boot_partition_is_read_by_its_log)
{
	const struct nvme_boot_partition *log;
	uint32_t word;

	write_partition(0, 9);
	device_fill(dev.buf, 9);
	memcpy(&word, (char *)admin_data(&dev) + 4096, sizeof(word));
	log = admin_log_data(&dev, NVME_LOG_LID_BOOT_PARTITION, 0, 8192);
	ck_assert_uint_eq(log->lid, NVME_LOG_LID_BOOT_PARTITION);
	ck_assert_uint_eq(le32toh(log->bpinfo), 1);
	ck_assert_mem_eq(log->boot_partition_data + 4096, &word, sizeof(word));
}
END_TEST

static int security(uint8_t opcode, uint8_t protocol, uint16_t specific, uint32_t length)
{
	return admin_run(&dev, admin_sqe(opcode, 0, (uint32_t)protocol << 24 | specific << 8, length), length,
			 NULL);
}

START_TEST(security_protocols_are_listed_and_others_refused)
{
	const unsigned char *list = admin_data(&dev);

	ck_assert_int_eq(security(nvme_admin_security_recv, 0, 0, 512), 0);
	ck_assert_uint_eq(list[6] << 8 | list[7], 2);
	ck_assert_uint_eq(list[8], 0);
	ck_assert_uint_eq(list[9], 0xf0);
	ck_assert_int_eq(security(nvme_admin_security_recv, 0, 1, 512), 0);
	ck_assert_int_eq(security(nvme_admin_security_recv, 0, 2, 512), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(security(nvme_admin_security_recv, 0xea, 0, 512), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(security(nvme_admin_security_send, 0, 0, 512), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(security_drawer_gives_back_what_was_sent)
{
	device_fill(dev.buf, 3);
	ck_assert_int_eq(security(nvme_admin_security_send, 0xf0, 1, 512), 0);
	memset(admin_data(&dev), 0, 1024);
	ck_assert_int_eq(security(nvme_admin_security_recv, 0xf0, 1, 512), 0);
	device_assert_filled(dev.buf, 512, 3);
	ck_assert_int_eq(security(nvme_admin_security_send, 0xf0, 4, 512), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(telemetry_of_the_host_is_a_snapshot)
{
	const struct nvme_telemetry_log *log;
	uint32_t length;
	uint8_t generation;

	log = admin_log_data(&dev, NVME_LOG_LID_TELEMETRY_HOST, 0, 512);
	generation = log->hostdgn;
	ck_assert_uint_eq(log->dalb3, 0);
	log = admin_log_data(&dev, NVME_LOG_LID_TELEMETRY_HOST, NVME_LOG_TELEM_HOST_LSP_CREATE,
			     512);
	ck_assert_uint_eq(log->lpi, NVME_LOG_LID_TELEMETRY_HOST);
	ck_assert_uint_eq(log->hostdgn, (uint8_t)(generation + 1));
	ck_assert_uint_gt(le16toh(log->dalb1), 0);
	ck_assert_uint_gt(le16toh(log->dalb2), le16toh(log->dalb1));
	ck_assert_uint_gt(le16toh(log->dalb3), le16toh(log->dalb2));
	length = (le16toh(log->dalb3) + 1) * 512;
	log = admin_log_data(&dev, NVME_LOG_LID_TELEMETRY_HOST, 0, length);
	ck_assert_ptr_nonnull(memmem(log, length, "power cycles 1,", 15));
	ck_assert_ptr_nonnull(memmem(log, length, "namespace 1: 32768 blocks", 25));
	ck_assert_int_eq(admin_log(&dev, NVME_LOG_LID_TELEMETRY_HOST, 0, 4, 512),
			 NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(admin_log(&dev, NVME_LOG_LID_TELEMETRY_HOST, 0, 0, 256),
			 NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(telemetry_of_the_controller_tells_of_a_failure)
{
	struct nvt_sqe uncorrectable = { .opcode = nvme_cmd_write_uncor, .nsid = 1 };
	const struct nvme_telemetry_log *log;

	log = admin_log_data(&dev, NVME_LOG_LID_TELEMETRY_CTRL, RAE, 512);
	ck_assert_uint_eq(log->ctrlavail, 0);
	ck_assert_int_eq(nvt_qpair_exec(dev.qp, &uncorrectable, NULL, 0, 0, NULL), 0);
	ck_assert_int_eq(admin_run(&dev, admin_sqe(nvme_admin_dev_self_test, 1,
						   NVME_ST_CODE_EXTENDED, 0), 0, NULL), 0);
	do
		log = admin_log_data(&dev, NVME_LOG_LID_TELEMETRY_CTRL, RAE, 512);
	while (!log->ctrlavail);
	ck_assert_str_eq((const char *)log->rsnident, "device self-test failed");
	ck_assert_uint_eq(log->ctrldgn, 1);
	ck_assert_uint_gt(le16toh(log->dalb3), 0);
	admin_log_data(&dev, NVME_LOG_LID_TELEMETRY_CTRL, 0, 512);
	log = admin_log_data(&dev, NVME_LOG_LID_TELEMETRY_CTRL, RAE, 512);
	ck_assert_uint_eq(log->ctrlavail, 0);
}
END_TEST

/* A tunnelled command; the response in completion dword 0. */
static uint32_t tunnel(uint8_t nvme_opcode, uint8_t opcode, uint32_t dword0, uint32_t dword1,
		       size_t length)
{
	struct nvt_sqe sqe = admin_sqe(nvme_opcode, 0, MI_CDW10, opcode);
	uint32_t response;

	sqe.cdw12 = dword0;
	sqe.cdw13 = dword1;
	ck_assert_int_eq(admin_run(&dev, sqe, length, &response), 0);
	return response;
}

static uint32_t receive(uint8_t opcode, uint32_t dword0, uint32_t dword1, size_t length)
{
	return tunnel(nvme_admin_nvme_mi_recv, opcode, dword0, dword1, length);
}

START_TEST(management_interface_tells_of_the_subsystem)
{
	const uint8_t read = nvme_mi_mi_opcode_mi_data_read;
	const struct nvme_mi_read_nvm_ss_info *subsys = admin_data(&dev);
	const struct nvme_mi_read_port_info *port = admin_data(&dev);
	const struct nvme_ctrl_list *list = admin_data(&dev);
	const struct nvme_mi_read_ctrl_info *ctrl = admin_data(&dev);
	uint16_t cntid = le16toh(nvt_ctrl_id(dev.ctrl)->cntlid);

	ck_assert_uint_eq(receive(read, nvme_mi_dtyp_subsys_info << 24, 0, 32), 32 << 8);
	ck_assert_uint_eq(subsys->nump, 0);
	ck_assert_uint_eq(receive(read, nvme_mi_dtyp_port_info << 24, 0, 32), 32 << 8);
	ck_assert_uint_eq(port->portt, 1);
	ck_assert_uint_gt(port->pcie.mlw, 0);
	ck_assert_uint_eq(receive(read, nvme_mi_dtyp_ctrl_list << 24, 0, 4), 4 << 8);
	ck_assert_uint_eq(le16toh(list->num), 1);
	ck_assert_uint_eq(le16toh(list->identifier[0]), cntid);
	ck_assert_uint_eq(receive(read, nvme_mi_dtyp_ctrl_info << 24 | cntid, 0, 32), 32 << 8);
	ck_assert_uint_eq(le16toh(ctrl->vid), le16toh(nvt_ctrl_id(dev.ctrl)->vid));
	/* The byte at fault is in the response. */
	ck_assert_uint_eq(receive(read, nvme_mi_dtyp_ctrl_info << 24 | 99, 0, 32),
			  NVME_MI_RESP_INVALID_PARAM | 8 << 16);
	ck_assert_uint_eq(receive(0x77, 0, 0, 32), NVME_MI_RESP_INVALID_OPCODE);
}
END_TEST

START_TEST(management_interface_tells_of_changes_of_health)
{
	const uint8_t poll = nvme_mi_mi_opcode_subsys_health_status_poll;
	const struct nvme_mi_nvm_ss_health_status *subsys = admin_data(&dev);
	const struct nvme_mi_ctrl_health_status *ctrl = admin_data(&dev);

	ck_assert_uint_eq(receive(poll, 0, CLEAR, 8), 0);
	ck_assert_uint_eq(subsys->nss, 0x38);
	model_do(&dev.model, "temperature 333");
	ck_assert_uint_eq(receive(poll, 0, 0, 8), 0);
	ck_assert_uint_eq(subsys->ctemp, 60);
	ck_assert_uint_eq(le16toh(subsys->ccs), NVME_MI_CCS_CTEMP);
	/* Controller Health Status Poll: all of them, one entry. */
	ck_assert_uint_eq(receive(2, ALL, CLEAR, 16), 1 << 24);
	ck_assert_uint_eq(le16toh(ctrl->ctemp), 333);
	ck_assert_uint_eq(le16toh(ctrl->csts) & NVME_MI_CSTS_RDY, NVME_MI_CSTS_RDY);
	/* Only those that have changed: none. */
	ck_assert_uint_eq(receive(2, 0, 0x1f, 0), 0);
	ck_assert_uint_eq(receive(nvme_mi_mi_opcode_configuration_get, NVME_MI_CONFIG_MCTP_MTU, 0,
				  0), 64 << 8);
	ck_assert_uint_eq(tunnel(nvme_admin_nvme_mi_send, nvme_mi_mi_opcode_configuration_set,
				 NVME_MI_CONFIG_MCTP_MTU, 64, 0), 0);
}
END_TEST

static void begin_kept(void)
{
	device_start(&dev, OPTIONS ",store={dir}");
}

START_TEST(slots_and_partitions_survive_a_crash)
{
	const unsigned char *log;
	uint32_t word;

	download_image("kept", FIRMWARE_NEEDS_NOTHING);
	ck_assert_int_eq(commit(2, NVME_FW_COMMIT_CA_REPLACE_AND_ACTIVATE_IMMEDIATE), 0);
	write_partition(0, 11);
	memcpy(&word, admin_data(&dev), sizeof(word));
	device_close(&dev);
	model_kill(&dev.model);
	model_again(&dev.model);
	device_open(&dev, NULL);
	assert_revision("kept    ");
	log = admin_log_data(&dev, NVME_LOG_LID_BOOT_PARTITION, 0, 512);
	ck_assert_mem_eq(log + sizeof(struct nvme_boot_partition), &word, sizeof(word));
}
END_TEST

Suite *firmware_suite(void)
{
	Suite *suite = suite_create("firmware");
	TCase *tc = device_case(suite, "firmware", begin, finish);

	tcase_add_test(tc, image_is_active_after_a_reset);
	tcase_add_test(tc, image_is_active_at_once);
	tcase_add_test(tc, image_names_the_reset_that_it_needs);
	tcase_add_test(tc, bad_images_and_slots_are_refused);
	tcase_add_test(tc, pieces_that_do_not_fit_are_refused);
	tc = device_case(suite, "boot_partition", begin, finish);
	tcase_add_test(tc, boot_partition_is_read_by_registers);
	tcase_add_test(tc, boot_partition_is_read_by_its_log);
	tc = device_case(suite, "security", begin, finish);
	tcase_add_test(tc, security_protocols_are_listed_and_others_refused);
	tcase_add_test(tc, security_drawer_gives_back_what_was_sent);
	tc = device_case(suite, "telemetry", begin, finish);
	tcase_add_test(tc, telemetry_of_the_host_is_a_snapshot);
	tcase_add_test(tc, telemetry_of_the_controller_tells_of_a_failure);
	tc = device_case(suite, "kept", begin_kept, finish);
	tcase_add_test(tc, slots_and_partitions_survive_a_crash);
	tc = device_case(suite, "management", begin, finish);
	tcase_add_test(tc, management_interface_tells_of_the_subsystem);
	tcase_add_test(tc, management_interface_tells_of_changes_of_health);
	return suite;
}
