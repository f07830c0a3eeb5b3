// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Power states, thermal management, shutdown and reset of the subsystem. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <nvme/types.h>

#include "admin.h"
#include "suites.h"

#define US		1000ULL
#define WAIT_NS		5000000000ULL
#define NSSR		0x4e564d65	/* "NVMe" */
#define NSSRO		(1U << 4)
#define RDY		1U
#define ROUNDS		20
#define NORMAL		1U
#define ABRUPT		2U
#define SHN(kind)	((kind) << 14)

static struct device dev;

static void begin(void)
{
	device_start(&dev, "size=16M");
}

static void begin_impatient(void)
{
	device_start_impatient(&dev, "size=16M");
}

static void finish(void)
{
	device_stop(&dev);
}

static int set(uint8_t fid, uint32_t value)
{
	return admin_run(&dev, nvt_sqe_set_features(fid, 0, 0, value), 0, NULL);
}

static uint32_t get(uint8_t fid)
{
	uint32_t value;

	ck_assert_int_eq(admin_run(&dev, nvt_sqe_get_features(fid, 0, 0, 0), 0, &value), 0);
	return value;
}

static uint64_t read_takes(void)
{
	uint64_t before = device_now_ns();

	ck_assert_int_eq(nvt_ns_read(dev.ns, dev.qp, dev.buf, 0, 0, 1, 0), 0);
	return device_now_ns() - before;
}

/* The quickest of some: what the device takes at least. */
static uint64_t read_takes_at_least(void)
{
	uint64_t least = UINT64_MAX, ns;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		ns = read_takes();
		if (ns < least)
			least = ns;
	}
	return least;
}

static bool is_operational(unsigned int state)
{
	return !(nvt_ctrl_id(dev.ctrl)->psd[state].flags & NVME_PSD_FLAGS_NOPS);
}

START_TEST(states_are_described_by_their_cost)
{
	const struct nvme_id_ctrl *id = nvt_ctrl_id(dev.ctrl);
	unsigned int state;

	ck_assert_uint_eq(id->npss, 4);
	for (state = 0; state <= id->npss; state++) {
		const struct nvme_id_psd *psd = &id->psd[state];

		ck_assert_int_eq(is_operational(state), state < 3);
		ck_assert_uint_lt(psd->rrl, id->npss + 1);
		if (!state)
			continue;
		ck_assert_uint_gt(psd->enlat + psd->exlat, psd[-1].enlat + psd[-1].exlat);
		/* In 10 mW, or in 100 uW. */
		ck_assert_uint_lt(psd->mp * (is_operational(state) ? 100 : 1),
				  psd[-1].mp * (is_operational(state - 1) ? 100 : 1));
	}
}
END_TEST

START_TEST(operational_state_stays_and_is_slower)
{
	uint64_t least[3];
	unsigned int state;

	for (state = 0; state < 3; state++) {
		ck_assert_int_eq(set(NVME_FEAT_FID_POWER_MGMT, state), 0);
		least[state] = read_takes_at_least();
		ck_assert_uint_eq(get(NVME_FEAT_FID_POWER_MGMT), state);
		/* By 20 us for each state, as the model has it. */
		ck_assert_uint_ge(least[state], 20 * US * state);
	}
}
END_TEST

/* To wake up takes the way out, when the way in is over. Admin commands do not wake it. */
START_TEST(non_operational_state_ends_with_io_after_its_latencies)
{
	unsigned int state = 3 + _i;
	const struct nvme_id_psd *psd = &nvt_ctrl_id(dev.ctrl)->psd[state];

	ck_assert_int_eq(set(NVME_FEAT_FID_POWER_MGMT, state), 0);
	ck_assert_uint_eq(get(NVME_FEAT_FID_POWER_MGMT), state);
	admin_identify(&dev, NVME_IDENTIFY_CNS_CTRL, 0);
	ck_assert_uint_eq(get(NVME_FEAT_FID_POWER_MGMT), state);
	usleep(2 * psd->enlat);
	ck_assert_uint_ge(read_takes(), psd->exlat * US);
	ck_assert_uint_eq(get(NVME_FEAT_FID_POWER_MGMT), 2);
	ck_assert_uint_lt(read_takes_at_least(), psd->exlat * US);
}
END_TEST

START_TEST(way_into_a_state_is_gone_to_its_end)
{
	const struct nvme_id_psd *psd = &nvt_ctrl_id(dev.ctrl)->psd[4];
	uint64_t before = device_now_ns();

	ck_assert_int_eq(set(NVME_FEAT_FID_POWER_MGMT, 4), 0);
	read_takes();
	ck_assert_uint_ge(device_now_ns() - before, (psd->enlat + psd->exlat) * US);
}
END_TEST

static void set_transitions(const uint64_t *entries, unsigned int nr, int status)
{
	uint64_t *data = admin_data(&dev);

	memset(data, 0, 256);
	memcpy(data, entries, nr * sizeof(*entries));
	ck_assert_int_eq(admin_run(&dev, nvt_sqe_set_features(NVME_FEAT_FID_AUTO_PST, 0, 0, 1), 256,
				   NULL), status);
}

#define TRANSITION(state, ms)	((uint64_t)(state) << 3 | (uint64_t)(ms) << 8)

/* Looking at it is activity too, so it gets time between. */
static void wait_for_state(unsigned int state, unsigned int look_ms)
{
	uint64_t end = device_now_ns() + WAIT_NS;

	do
		usleep(look_ms * 1000);
	while (get(NVME_FEAT_FID_POWER_MGMT) != state && device_now_ns() < end);
	ck_assert_uint_eq(get(NVME_FEAT_FID_POWER_MGMT), state);
}

/* First to state 3, then from there to 4; I/O brings it back, and it goes again. */
START_TEST(idle_controller_goes_down_step_by_step)
{
	const uint64_t entries[] = {
		TRANSITION(3, 20), TRANSITION(3, 20), TRANSITION(3, 20), TRANSITION(4, 200),
	};

	set_transitions(entries, 4, 0);
	wait_for_state(3, 100);
	wait_for_state(4, 400);
	ck_assert_uint_ge(read_takes(), nvt_ctrl_id(dev.ctrl)->psd[4].exlat * US);
	ck_assert_uint_eq(get(NVME_FEAT_FID_POWER_MGMT), 2);
	wait_for_state(3, 100);
}
END_TEST

START_TEST(busy_controller_stays_awake)
{
	const uint64_t entries[] = { TRANSITION(3, 2000) };
	uint64_t end = device_now_ns() + 3000000 * US;

	set_transitions(entries, 1, 0);
	while (device_now_ns() < end) {
		read_takes();
		ck_assert_uint_eq(get(NVME_FEAT_FID_POWER_MGMT), 0);
		usleep(20000);
	}
}
END_TEST

START_TEST(transitions_to_operational_states_are_refused)
{
	const uint64_t awake[] = { TRANSITION(1, 20) }, nowhere[] = { TRANSITION(7, 20) };

	set_transitions(awake, 1, NVME_SC_INVALID_FIELD);
	set_transitions(nowhere, 1, NVME_SC_INVALID_FIELD);
}
END_TEST

static const struct nvme_smart_log *smart(void)
{
	return admin_log_data(&dev, NVME_LOG_LID_SMART, 0, sizeof(struct nvme_smart_log));
}

START_TEST(thermal_management_counts_and_slows_down)
{
	ck_assert_int_eq(set(NVME_FEAT_FID_HCTM, 330U << 16 | 340), 0);
	model_do(&dev.model, "temperature 335");
	ck_assert_uint_ge(read_takes_at_least(), 50 * US);
	ck_assert_uint_eq(smart()->thm_temp1_trans_count, 1);
	ck_assert_uint_eq(smart()->thm_temp2_trans_count, 0);
	model_do(&dev.model, "temperature 342");
	ck_assert_uint_ge(read_takes_at_least(), 500 * US);
	ck_assert_uint_eq(smart()->thm_temp1_trans_count, 1);
	ck_assert_uint_eq(smart()->thm_temp2_trans_count, 1);
	ck_assert_uint_eq(smart()->temp_sensor[0], 342);
	/* Down is no transition to a level; up again is. */
	model_do(&dev.model, "temperature 320");
	ck_assert_uint_lt(read_takes_at_least(), 500 * US);
	model_do(&dev.model, "temperature 335");
	ck_assert_uint_eq(smart()->thm_temp1_trans_count, 2);
}
END_TEST

START_TEST(time_of_thermal_management_is_counted)
{
	uint64_t end = device_now_ns() + 2 * WAIT_NS;

	ck_assert_int_eq(set(NVME_FEAT_FID_HCTM, 330U << 16 | 340), 0);
	model_do(&dev.model, "temperature 335");
	while (smart()->thm_temp1_total_time < 2 && device_now_ns() < end)
		usleep(50000);
	ck_assert_uint_ge(smart()->thm_temp1_total_time, 2);
	ck_assert_uint_eq(smart()->thm_temp2_total_time, 0);
}
END_TEST

static uint32_t reg(uint64_t offset)
{
	uint64_t value;

	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, offset, 4, &value), 0);
	return value;
}

static void write_reg(uint64_t offset, uint32_t value)
{
	ck_assert_int_eq(nvt_pcie_reg_write(dev.pcie, 0, offset, 4, value), 0);
}

static void begin_slow_shutdown(void)
{
	device_start(&dev, "size=16M,shutdown=200ms");
}

/* As a host does it, without I/O queues. Occurring, then complete, and never before its time. */
static void shut_down(uint32_t kind)
{
	uint64_t before, end;

	nvt_qpair_delete(dev.qp);
	dev.qp = NULL;
	before = device_now_ns();
	end = before + WAIT_NS;
	write_reg(NVME_REG_CC, (reg(NVME_REG_CC) & ~SHN(3U)) | SHN(kind));
	while (NVME_CSTS_SHST(reg(NVME_REG_CSTS)) == 1 && device_now_ns() < end)
		usleep(1000);
	ck_assert_uint_eq(NVME_CSTS_SHST(reg(NVME_REG_CSTS)), 2);
	ck_assert_uint_ge(device_now_ns() - before, 200000 * US);
}

static uint64_t unsafe_shutdowns(void)
{
	uint64_t count;

	memcpy(&count, smart()->unsafe_shutdowns, sizeof(count));
	return count;
}

START_TEST(shutdown_of_either_kind_is_safe)
{
	static const uint32_t kinds[] = { NORMAL, ABRUPT };

	shut_down(kinds[_i]);
	/* The library's close disables the controller, which does not take that back. */
	device_cut_power(&dev);
	ck_assert_uint_eq(unsafe_shutdowns(), 0);
	device_cut_power(&dev);
	ck_assert_uint_eq(unsafe_shutdowns(), 1);
}
END_TEST

START_TEST(shutdown_ends_with_a_reset)
{
	shut_down(NORMAL);
	device_reopen(&dev);
	ck_assert_uint_eq(NVME_CSTS_SHST(reg(NVME_REG_CSTS)), 0);
	device_move_data(&dev, dev.qp, 1);
	/* In use again, so it counts. */
	device_cut_power(&dev);
	ck_assert_uint_eq(unsafe_shutdowns(), 1);
}
END_TEST

/* The commands' queue is there still. */
START_TEST(controller_that_is_shut_down_takes_no_commands)
{
	struct nvt_sqe sqe = nvt_sqe_get_features(NVME_FEAT_FID_ARBITRATION, 0, 0, 0);
	struct nvt_qpair *admin = nvt_ctrl_admin(dev.ctrl);

	shut_down(NORMAL);
	ck_assert_int_eq(nvt_qpair_post(admin, &sqe, NULL, 0, 0, NULL, NULL), 0);
	ck_assert_int_eq(nvt_qpair_wait(admin, 1, 100), -ETIMEDOUT);
	device_reopen(&dev);
	get(NVME_FEAT_FID_ARBITRATION);
}
END_TEST

START_TEST(reset_of_the_subsystem_resets_all_and_shows)
{
	ck_assert_uint_eq(NVME_CAP_NSSRC(nvt_ctrl_cap(dev.ctrl)), 1);
	ck_assert_int_eq(set(NVME_FEAT_FID_ARBITRATION, 3), 0);
	write_reg(NVME_REG_NSSR, NSSR + 1);
	ck_assert_uint_eq(reg(NVME_REG_CSTS) & (NSSRO | RDY), RDY);
	write_reg(NVME_REG_NSSR, NSSR);
	ck_assert_uint_eq(reg(NVME_REG_CSTS) & (NSSRO | RDY), NSSRO);
	ck_assert_uint_eq(reg(NVME_REG_CC), 0);
	ck_assert_uint_eq(reg(NVME_REG_AQA), 0);
	device_reopen(&dev);
	ck_assert_uint_eq(reg(NVME_REG_CSTS) & (NSSRO | RDY), NSSRO | RDY);
	write_reg(NVME_REG_CSTS, NSSRO);
	ck_assert_uint_eq(reg(NVME_REG_CSTS) & NSSRO, 0);
	ck_assert_uint_eq(get(NVME_FEAT_FID_ARBITRATION), 0);
	device_move_data(&dev, dev.qp, 1);
}
END_TEST

Suite *power_suite(void)
{
	Suite *suite = suite_create("power");
	TCase *tc = device_case(suite, "states", begin, finish);

	tcase_add_test(tc, states_are_described_by_their_cost);
	tcase_add_test(tc, operational_state_stays_and_is_slower);
	tcase_add_loop_test(tc, non_operational_state_ends_with_io_after_its_latencies, 0, 2);
	tcase_add_test(tc, way_into_a_state_is_gone_to_its_end);
	tcase_add_test(tc, idle_controller_goes_down_step_by_step);
	tcase_add_test(tc, busy_controller_stays_awake);
	tcase_add_test(tc, transitions_to_operational_states_are_refused);
	tc = device_case(suite, "heat", begin, finish);
	tcase_add_test(tc, thermal_management_counts_and_slows_down);
	tcase_add_test(tc, time_of_thermal_management_is_counted);
	tc = device_case(suite, "shutdown", begin_slow_shutdown, finish);
	tcase_add_loop_test(tc, shutdown_of_either_kind_is_safe, 0, 2);
	tcase_add_test(tc, shutdown_ends_with_a_reset);
	tcase_add_test(tc, controller_that_is_shut_down_takes_no_commands);
	tc = device_case(suite, "subsystem_reset", begin_impatient, finish);
	tcase_add_test(tc, reset_of_the_subsystem_resets_all_and_shows);
	return suite;
}
