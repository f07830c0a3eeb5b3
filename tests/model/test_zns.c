// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Zones of the model: write pointers, states, limits, reports, and what a cut of power leaves. */
#include <string.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "admin.h"
#include "events.h"
#include "device.h"
#include "suites.h"

#define ZONE		2048U		/* blocks of 512 bytes: 1 MiB */
#define CAPACITY	1536U
#define ZONES		64U
#define OPTIONS		"zns=on,size=64M,zone-size=1M,zone-capacity=768K,zone-open=3,zone-active=5"
#define MOST		256U		/* blocks that one command of the buffer can move */
#define ALL		(1U << 8)	/* Select All */
#define PARTIAL		(1U << 16)
#define SPECIFIC(sc)	STATUS_SPECIFIC(NVME_SC_ZNS_##sc)

static struct device dev;

static void begin(void)
{
	device_start(&dev, OPTIONS ",zasl=4,mdts=5");
}

static void begin_kept(void)
{
	device_start(&dev, OPTIONS ",store={dir}");
}

static void finish(void)
{
	device_stop(&dev);
}

static int ends(struct nvt_sqe sqe, size_t length, struct nvt_cpl *cpl)
{
	int status = nvt_qpair_exec(dev.qp, &sqe, length ? dev.buf : NULL, 0, length, cpl);

	ck_assert_msg(status >= 0, "%s", nvt_error());
	return status & 0x7ff;
}

static int write_at(uint64_t slba, uint32_t nlb)
{
	return ends(nvt_sqe_write(1, slba, nlb, 0), nlb * DEVICE_BLOCK, NULL);
}

/* From the beginning of a zone. */
static void write_zone(uint32_t zone, uint32_t nlb)
{
	uint32_t done, n;

	for (done = 0; done < nlb; done += n) {
		n = nlb - done < MOST ? nlb - done : MOST;
		ck_assert_int_eq(write_at(zone * ZONE + done, n), 0);
	}
}

static int append(uint64_t zslba, uint32_t nlb, uint64_t *lba)
{
	struct nvt_sqe sqe = nvt_sqe_write(1, zslba, nlb, 0);
	struct nvt_cpl cpl;
	int status;

	sqe.opcode = nvme_zns_cmd_append;
	status = ends(sqe, nlb * DEVICE_BLOCK, &cpl);
	*lba = cpl.cqe.dw0 | (uint64_t)cpl.cqe.dw1 << 32;
	return status;
}

static int manage_at(uint64_t slba, uint32_t cdw13)
{
	struct nvt_sqe sqe = { .opcode = nvme_zns_cmd_mgmt_send, .nsid = 1, .cdw10 = slba,
			       .cdw11 = slba >> 32, .cdw13 = cdw13 };

	return ends(sqe, cdw13 == NVME_ZNS_ZSA_SET_DESC_EXT ? 64 : 0, NULL);
}

static int manage(uint32_t zone, uint32_t action)
{
	return manage_at((uint64_t)zone * ZONE, action);
}

static int report_at(uint64_t slba, uint32_t cdw13, size_t length)
{
	struct nvt_sqe sqe = { .opcode = nvme_zns_cmd_mgmt_recv, .nsid = 1, .cdw10 = slba,
			       .cdw12 = length / 4 - 1, .cdw13 = cdw13 };

	memset(nvt_buffer_data(dev.buf), 0xa5, DEVICE_BUFFER);
	return ends(sqe, length, NULL);
}

static const struct nvme_zone_report *report(uint32_t zone, uint32_t cdw13, size_t length)
{
	ck_assert_int_eq(report_at(zone * ZONE, cdw13, length), 0);
	return nvt_buffer_data(dev.buf);
}

static struct nvme_zns_desc describe(uint32_t zone)
{
	return report(zone, PARTIAL, 128)->entries[0];
}

static void assert_zone(uint32_t zone, enum nvme_zns_zs state, uint64_t written)
{
	struct nvme_zns_desc desc = describe(zone);

	ck_assert_uint_eq(desc.zs >> 4, state);
	ck_assert_uint_eq(desc.zslba, zone * ZONE);
	if (state != NVME_ZNS_ZS_FULL)
		ck_assert_uint_eq(desc.wp, zone * ZONE + written);
}

static uint64_t count(uint32_t filter)
{
	return report(0, filter << 8, 64)->nr_zones;
}

START_TEST(identify_tells_zones_and_limits)
{
	struct nvt_sqe sqe = nvt_sqe_identify(5, 1, 0, 0);
	const struct nvme_zns_id_ns *id = nvt_buffer_data(dev.buf);

	sqe.cdw11 = NVME_CSI_ZNS << 24;
	ck_assert_int_eq(admin_run(&dev, sqe, 4096, NULL), 0);
	ck_assert_uint_eq(id->zoc, 0);
	ck_assert_uint_eq(id->mar, 4);
	ck_assert_uint_eq(id->mor, 2);
	ck_assert_uint_eq(id->lbafe[0].zsze, ZONE);
	ck_assert_uint_eq(id->lbafe[0].zdes, 1);
	sqe.nsid = 0;
	sqe.cdw10 = 6;
	ck_assert_int_eq(admin_run(&dev, sqe, 4096, NULL), 0);
	ck_assert_uint_eq(*(uint8_t *)nvt_buffer_data(dev.buf), 4);
	ck_assert_uint_eq(nvt_ns_size(dev.ns), ZONES * ZONE);
	ck_assert_uint_eq(nvt_ns_identify(dev.ns)->ncap, ZONES * CAPACITY);
}
END_TEST

START_TEST(a_zone_is_written_in_sequence)
{
	ck_assert_int_eq(write_at(3 * ZONE + 1, 1), SPECIFIC(INVALID_WRITE));
	assert_zone(3, NVME_ZNS_ZS_EMPTY, 0);
	ck_assert_int_eq(write_at(3 * ZONE, 8), 0);
	assert_zone(3, NVME_ZNS_ZS_IMPL_OPEN, 8);
	ck_assert_int_eq(write_at(3 * ZONE, 8), SPECIFIC(INVALID_WRITE));
	ck_assert_int_eq(write_at(3 * ZONE + 8, 8), 0);
	assert_zone(3, NVME_ZNS_ZS_IMPL_OPEN, 16);
}
END_TEST

START_TEST(a_zone_is_full_at_its_capacity)
{
	write_zone(1, CAPACITY - 8);
	ck_assert_int_eq(write_at(ZONE + CAPACITY - 8, 9), SPECIFIC(BOUNDARY_ERROR));
	ck_assert_int_eq(write_at(2 * ZONE - 4, 8), SPECIFIC(BOUNDARY_ERROR));
	ck_assert_int_eq(write_at(ZONE + CAPACITY - 8, 8), 0);
	assert_zone(1, NVME_ZNS_ZS_FULL, CAPACITY);
	ck_assert_int_eq(write_at(ZONE + CAPACITY, 1), SPECIFIC(FULL));
	ck_assert_int_eq(write_at(ZONE, 1), SPECIFIC(FULL));
}
END_TEST

START_TEST(write_zeroes_obeys_the_write_pointer)
{
	struct nvt_sqe sqe = nvt_sqe_write(1, 8, 8, 0);

	sqe.opcode = nvme_cmd_write_zeroes;
	ck_assert_int_eq(ends(sqe, 0, NULL), SPECIFIC(INVALID_WRITE));
	sqe.cdw10 = 0;
	ck_assert_int_eq(ends(sqe, 0, NULL), 0);
	assert_zone(0, NVME_ZNS_ZS_IMPL_OPEN, 8);
}
END_TEST

START_TEST(append_tells_where_it_wrote)
{
	uint64_t lba;

	device_fill(dev.buf, 1);
	ck_assert_int_eq(append(5 * ZONE, 8, &lba), 0);
	ck_assert_uint_eq(lba, 5 * ZONE);
	device_fill(dev.buf, 2);
	ck_assert_int_eq(append(5 * ZONE, 16, &lba), 0);
	ck_assert_uint_eq(lba, 5 * ZONE + 8);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, lba, 16, 0), 0);
	device_assert_filled(dev.buf, 16 * DEVICE_BLOCK, 2);
	assert_zone(5, NVME_ZNS_ZS_IMPL_OPEN, 24);
}
END_TEST

START_TEST(append_has_limits)
{
	uint64_t lba;

	ck_assert_int_eq(append(5 * ZONE + 8, 8, &lba), NVME_SC_INVALID_FIELD);
	/* ZASL: 64 KiB */
	ck_assert_int_eq(append(5 * ZONE, 128, &lba), 0);
	ck_assert_int_eq(append(5 * ZONE, 129, &lba), NVME_SC_INVALID_FIELD);
	write_zone(6, CAPACITY - 4);
	ck_assert_int_eq(append(6 * ZONE, 8, &lba), SPECIFIC(BOUNDARY_ERROR));
	ck_assert_int_eq(append(6 * ZONE, 4, &lba), 0);
	ck_assert_int_eq(append(6 * ZONE, 4, &lba), SPECIFIC(FULL));
	ck_assert_int_eq(manage(ZONES - 1, NVME_ZNS_ZSA_FINISH), 0);
	ck_assert_int_eq(append((ZONES - 1) * ZONE, 4, &lba), SPECIFIC(FULL));
}
END_TEST

START_TEST(an_implicitly_opened_zone_makes_room)
{
	uint32_t zone;

	for (zone = 0; zone < 4; zone++)
		write_zone(zone, 8);
	ck_assert_uint_eq(count(NVME_ZNS_ZRAS_REPORT_IMPL_OPENED), 3);
	ck_assert_uint_eq(count(NVME_ZNS_ZRAS_REPORT_CLOSED), 1);
	assert_zone(0, NVME_ZNS_ZS_CLOSED, 8);
	assert_zone(3, NVME_ZNS_ZS_IMPL_OPEN, 8);
}
END_TEST

START_TEST(explicitly_opened_zones_do_not_make_room)
{
	uint32_t zone;

	for (zone = 0; zone < 3; zone++)
		ck_assert_int_eq(manage(zone, NVME_ZNS_ZSA_OPEN), 0);
	ck_assert_int_eq(manage(3, NVME_ZNS_ZSA_OPEN), SPECIFIC(TOO_MANY_OPENS));
	ck_assert_int_eq(write_at(3 * ZONE, 1), SPECIFIC(TOO_MANY_OPENS));
	ck_assert_int_eq(write_at(2 * ZONE, 1), 0);
	assert_zone(2, NVME_ZNS_ZS_EXPL_OPEN, 1);
	ck_assert_int_eq(manage(2, NVME_ZNS_ZSA_CLOSE), 0);
	assert_zone(2, NVME_ZNS_ZS_CLOSED, 1);
	ck_assert_int_eq(write_at(3 * ZONE, 1), 0);
}
END_TEST

START_TEST(active_zones_are_limited)
{
	uint32_t zone;

	for (zone = 0; zone < 5; zone++)
		write_zone(zone, 8);
	ck_assert_int_eq(write_at(5 * ZONE, 1), SPECIFIC(TOO_MANY_ACTIVE));
	ck_assert_int_eq(manage(5, NVME_ZNS_ZSA_OPEN), SPECIFIC(TOO_MANY_ACTIVE));
	ck_assert_int_eq(manage(5, NVME_ZNS_ZSA_SET_DESC_EXT), SPECIFIC(TOO_MANY_ACTIVE));
	ck_assert_int_eq(manage(4, NVME_ZNS_ZSA_FINISH), 0);
	ck_assert_int_eq(write_at(5 * ZONE, 1), 0);
}
END_TEST

START_TEST(a_reset_zone_is_empty_and_reads_zeros)
{
	const unsigned char *data = nvt_buffer_data(dev.buf);

	device_fill(dev.buf, 3);
	write_zone(7, CAPACITY);
	ck_assert_int_eq(manage(7, NVME_ZNS_ZSA_RESET), 0);
	assert_zone(7, NVME_ZNS_ZS_EMPTY, 0);
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 7 * ZONE, MOST, 0), 0);
	ck_assert(!data[0] && !memcmp(data, data + 1, MOST * DEVICE_BLOCK - 1));
	ck_assert_int_eq(write_at(7 * ZONE, 1), 0);
}
END_TEST

START_TEST(transitions_that_there_are_not)
{
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_CLOSE), SPECIFIC(INVAL_TRANSITION));
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_OFFLINE), SPECIFIC(INVAL_TRANSITION));
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_FINISH), 0);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_OPEN), SPECIFIC(INVAL_TRANSITION));
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_CLOSE), SPECIFIC(INVAL_TRANSITION));
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_SET_DESC_EXT), SPECIFIC(INVAL_TRANSITION));
	/* An open zone that nothing was written to is empty again. */
	ck_assert_int_eq(manage(1, NVME_ZNS_ZSA_OPEN), 0);
	ck_assert_int_eq(manage(1, NVME_ZNS_ZSA_CLOSE), 0);
	assert_zone(1, NVME_ZNS_ZS_EMPTY, 0);
}
END_TEST

START_TEST(wrong_fields_are_refused)
{
	ck_assert_int_eq(manage_at(1, NVME_ZNS_ZSA_OPEN), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(manage(ZONES, NVME_ZNS_ZSA_OPEN), NVME_SC_LBA_RANGE);
	ck_assert_int_eq(manage(0, 0x6), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_ZRWA_FLUSH), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_OPEN | 1 << 9), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_SET_DESC_EXT | ALL), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(report_at(ZONES * ZONE, 0, 4096), NVME_SC_LBA_RANGE);
	ck_assert_int_eq(report_at(0, 2, 4096), NVME_SC_INVALID_FIELD);
	ck_assert_int_eq(report_at(0, 8 << 8, 4096), NVME_SC_INVALID_FIELD);
}
END_TEST

START_TEST(select_all_takes_the_states_that_suit)
{
	write_zone(0, 8);
	write_zone(1, 8);
	ck_assert_int_eq(manage(2, NVME_ZNS_ZSA_FINISH), 0);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_CLOSE | ALL), 0);
	ck_assert_uint_eq(count(NVME_ZNS_ZRAS_REPORT_CLOSED), 2);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_OPEN | ALL), 0);
	ck_assert_uint_eq(count(NVME_ZNS_ZRAS_REPORT_EXPL_OPENED), 2);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_FINISH | ALL), 0);
	ck_assert_uint_eq(count(NVME_ZNS_ZRAS_REPORT_FULL), 3);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_RESET | ALL), 0);
	ck_assert_uint_eq(count(NVME_ZNS_ZRAS_REPORT_EMPTY), ZONES);
}
END_TEST

START_TEST(select_all_opens_all_or_none)
{
	uint32_t zone;

	for (zone = 0; zone < 4; zone++)
		write_zone(zone, 8);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_CLOSE | ALL), 0);
	ck_assert_int_eq(manage(0, NVME_ZNS_ZSA_OPEN | ALL), SPECIFIC(TOO_MANY_OPENS));
	ck_assert_uint_eq(count(NVME_ZNS_ZRAS_REPORT_CLOSED), 4);
}
END_TEST

START_TEST(reports_count_what_matches_or_what_fits)
{
	const struct nvme_zone_report *zones;

	ck_assert_int_eq(manage(10, NVME_ZNS_ZSA_FINISH), 0);
	ck_assert_int_eq(manage(20, NVME_ZNS_ZSA_FINISH), 0);
	ck_assert_uint_eq(report(0, 0, 64 + 3 * 64)->nr_zones, ZONES);
	ck_assert_uint_eq(report(0, PARTIAL, 64 + 3 * 64)->nr_zones, 3);
	ck_assert_uint_eq(report(60, PARTIAL, 4096)->nr_zones, 4);
	zones = report(0, NVME_ZNS_ZRAS_REPORT_FULL << 8, 4096);
	ck_assert_uint_eq(zones->nr_zones, 2);
	ck_assert_uint_eq(zones->entries[0].zslba, 10 * ZONE);
	ck_assert_uint_eq(zones->entries[1].zslba, 20 * ZONE);
	ck_assert_uint_eq(zones->entries[1].zcap, CAPACITY);
	ck_assert_uint_eq(zones->entries[1].zt, NVME_ZONE_TYPE_SEQWRITE_REQ);
	/* Nothing is left of what the buffer had. */
	ck_assert_uint_eq(zones->entries[2].zs, 0);
	ck_assert_uint_eq(report(11, NVME_ZNS_ZRAS_REPORT_FULL << 8, 4096)->nr_zones, 1);
}
END_TEST

START_TEST(a_descriptor_extension_is_kept_until_reset)
{
	const unsigned char *data = nvt_buffer_data(dev.buf);
	const struct nvme_zone_report *zones;

	device_fill(dev.buf, 9);
	ck_assert_int_eq(manage(4, NVME_ZNS_ZSA_SET_DESC_EXT), 0);
	assert_zone(4, NVME_ZNS_ZS_CLOSED, 0);
	zones = report(4, PARTIAL | NVME_ZNS_ZRA_EXTENDED_REPORT_ZONES, 64 + 2 * 128);
	ck_assert_uint_eq(zones->nr_zones, 2);
	ck_assert_uint_eq(zones->entries[0].za, NVME_ZNS_ZA_ZDEV);
	memmove(nvt_buffer_data(dev.buf), data + 128, 64);
	device_assert_filled(dev.buf, 64, 9);
	ck_assert_int_eq(manage(4, NVME_ZNS_ZSA_RESET), 0);
	ck_assert_uint_eq(describe(4).za, 0);
}
END_TEST

START_TEST(worn_zones_are_told)
{
	const struct nvme_zns_changed_zone_log *list;
	struct nvt_sqe sqe = nvt_sqe_get_log_page(NVME_LOG_LID_ZNS_CHANGED_ZONES, 1, 4096, 0);

	write_zone(2, 8);
	write_zone(3, 8);
	model_do(&dev.model, "zone 1 4096 read-only");
	model_do(&dev.model, "zone 1 20480 offline");
	model_do(&dev.model, "zone 1 6144 full");
	ck_assert(!model_control(&dev.model, "zone 1 8192 full", NULL, 0));
	assert_zone(2, NVME_ZNS_ZS_READ_ONLY, UINT64_MAX - 2 * ZONE);
	ck_assert_uint_eq(describe(3).za, NVME_ZNS_ZA_ZFC);
	ck_assert_int_eq(write_at(2 * ZONE + 8, 1), SPECIFIC(READ_ONLY));
	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 2 * ZONE, 8, 0), 0);
	ck_assert_int_eq(manage(2, NVME_ZNS_ZSA_RESET), SPECIFIC(INVAL_TRANSITION));
	ck_assert_int_eq(write_at(10 * ZONE, 1), SPECIFIC(OFFLINE));
	ck_assert_int_eq(ends(nvt_sqe_read(1, 10 * ZONE - 1, 8, 0), 4096, NULL), SPECIFIC(OFFLINE));
	ck_assert_int_eq(admin_run(&dev, sqe, 4096, NULL), 0);
	list = nvt_buffer_data(dev.buf);
	ck_assert_uint_eq(list->nrzid, 3);
	ck_assert_uint_eq(list->zid[0], 2 * ZONE);
	ck_assert_uint_eq(list->zid[1], 3 * ZONE);
	ck_assert_uint_eq(list->zid[2], 10 * ZONE);
	ck_assert_int_eq(admin_run(&dev, sqe, 4096, NULL), 0);
	ck_assert_uint_eq(list->nrzid, 0);
	ck_assert_int_eq(manage(2, NVME_ZNS_ZSA_OFFLINE), 0);
	assert_zone(2, NVME_ZNS_ZS_OFFLINE, UINT64_MAX - 2 * ZONE);
}
END_TEST

START_TEST(a_worn_zone_is_an_event_that_names_the_namespace)
{
	struct events events = { 0 };

	ck_assert_int_eq(nvt_set_feature(dev.ctrl, NVME_FEAT_FID_ASYNC_EVENT, 0,
					 NVME_CTRL_OAES_ZD, NULL), 0);
	events_request(&events, dev.ctrl, 1);
	model_do(&dev.model, "zone 1 0 offline");
	events_wait(&events, 1);
	/* Notice, Zone Descriptor Changed, its log. */
	ck_assert_uint_eq(events.cqe[0].dw0, 0xbfef02);
	ck_assert_uint_eq(events.cqe[0].dw1, 1);
}
END_TEST

START_TEST(a_format_empties_all_zones)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_format_nvm, .nsid = 1 };

	write_zone(0, 8);
	ck_assert_int_eq(manage(1, NVME_ZNS_ZSA_FINISH), 0);
	ck_assert_int_eq(admin_run(&dev, sqe, 0, NULL), 0);
	ck_assert_uint_eq(count(NVME_ZNS_ZRAS_REPORT_EMPTY), ZONES);
}
END_TEST

static void again(void)
{
	model_again(&dev.model);
	device_open(&dev, NULL);
}

START_TEST(zones_survive_the_process)
{
	write_zone(0, 8);
	ck_assert_int_eq(manage(1, NVME_ZNS_ZSA_OPEN), 0);
	ck_assert_int_eq(manage(2, NVME_ZNS_ZSA_FINISH), 0);
	ck_assert_int_eq(nvt_ns_flush(dev.ns, dev.qp), 0);
	device_close(&dev);
	model_kill(&dev.model);
	again();
	assert_zone(0, NVME_ZNS_ZS_CLOSED, 8);
	assert_zone(1, NVME_ZNS_ZS_EMPTY, 0);
	assert_zone(2, NVME_ZNS_ZS_FULL, 0);
	ck_assert_int_eq(write_at(8, 8), 0);
}
END_TEST

/* Whatever is lost: before the write pointer is what was written, and writing goes on there. */
START_TEST(a_power_cut_takes_the_write_pointer_back_to_what_is_left)
{
	struct nvme_zns_desc desc;
	uint32_t i, left;

	device_fill(dev.buf, 4);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(write_at(i * 8, 8), 0);
	ck_assert_int_eq(nvt_ns_flush(dev.ns, dev.qp), 0);
	for (i = 4; i < 40; i++)
		ck_assert_int_eq(write_at(i * 8, 8), 0);
	model_do(&dev.model, "power off");
	device_close(&dev);
	model_do(&dev.model, "power on");
	device_open(&dev, NULL);
	desc = describe(0);
	ck_assert_uint_eq(desc.zs >> 4, NVME_ZNS_ZS_CLOSED);
	ck_assert_uint_ge(desc.wp, 32);
	/* The seed is one that loses something. */
	ck_assert_uint_lt(desc.wp, 320);
	left = desc.wp;
	for (i = 0; i < left; i++) {
		ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, i & ~7U, 8, 0), 0);
		if (i % 8 == 7)
			device_assert_filled(dev.buf, 8 * DEVICE_BLOCK, 4);
	}
	ck_assert_int_eq(write_at(left, 8), 0);
}
END_TEST

Suite *zns_suite(void)
{
	Suite *suite = suite_create("zns");
	TCase *tc = device_case(suite, "zones", begin, finish);

	tcase_add_test(tc, identify_tells_zones_and_limits);
	tcase_add_test(tc, a_zone_is_written_in_sequence);
	tcase_add_test(tc, a_zone_is_full_at_its_capacity);
	tcase_add_test(tc, write_zeroes_obeys_the_write_pointer);
	tcase_add_test(tc, append_tells_where_it_wrote);
	tcase_add_test(tc, append_has_limits);
	tcase_add_test(tc, an_implicitly_opened_zone_makes_room);
	tcase_add_test(tc, explicitly_opened_zones_do_not_make_room);
	tcase_add_test(tc, active_zones_are_limited);
	tcase_add_test(tc, a_reset_zone_is_empty_and_reads_zeros);
	tcase_add_test(tc, transitions_that_there_are_not);
	tcase_add_test(tc, wrong_fields_are_refused);
	tcase_add_test(tc, select_all_takes_the_states_that_suit);
	tcase_add_test(tc, select_all_opens_all_or_none);
	tcase_add_test(tc, reports_count_what_matches_or_what_fits);
	tcase_add_test(tc, a_descriptor_extension_is_kept_until_reset);
	tcase_add_test(tc, worn_zones_are_told);
	tcase_add_test(tc, a_worn_zone_is_an_event_that_names_the_namespace);
	tcase_add_test(tc, a_format_empties_all_zones);
	tc = device_case(suite, "power", begin_kept, finish);
	tcase_add_test(tc, zones_survive_the_process);
	tcase_add_test(tc, a_power_cut_takes_the_write_pointer_back_to_what_is_left);
	return suite;
}
