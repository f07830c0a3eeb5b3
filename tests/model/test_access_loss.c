// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Interrupts, reset and loss of a device on a vfio-user socket. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <nvme/types.h>
#include <nvt/nvt.h>

#include "device.h"
#include "suites.h"

#define SOON_NS	2000000000ULL

static struct device dev;

static void begin(void)
{
	device_start(&dev, "size=64M,msi=8");
}

static void finish(void)
{
	device_stop(&dev);
}

static uint64_t interrupts(unsigned int vector)
{
	struct nvt_vector_counter counter;

	ck_assert_int_eq(nvt_pcie_vector(dev.pcie, vector, &counter), 0);
	return counter.interrupts;
}

/* The thread that counts is another one. */
static void wait_for_interrupts(unsigned int vector, uint64_t count)
{
	uint64_t deadline = device_now_ns() + SOON_NS;

	while (interrupts(vector) < count && device_now_ns() < deadline)
		usleep(100);
	ck_assert_uint_eq(interrupts(vector), count);
}

/* While the line of INTx is up, further completions are part of the same interrupt. */
static void move_data_until_interrupts(unsigned int vector, uint64_t count)
{
	uint64_t deadline = device_now_ns() + SOON_NS;

	while (interrupts(vector) < count && device_now_ns() < deadline)
		device_move_data(&dev, dev.qp, 5);
	ck_assert_uint_ge(interrupts(vector), count);
}

START_TEST(interrupts_are_counted_where_they_arrive)
{
	struct nvt_qpair_opts opts = { .vector = 3 };
	struct nvt_vector_counter counter;
	uint64_t before, others = interrupts(1);
	struct nvt_qpair *own;
	int i;

	own = nvt_qpair_create(dev.ctrl, &opts);
	ck_assert_msg(own != NULL, "%s", nvt_error());
	for (i = 1; i <= 10; i++) {
		before = device_now_ns();
		ck_assert_int_eq(nvt_ns_flush(dev.ns, own), 0);
		wait_for_interrupts(2, i);
		ck_assert_int_eq(nvt_pcie_vector(dev.pcie, 2, &counter), 0);
		ck_assert_uint_ge(counter.last_ns, before);
		ck_assert_uint_le(counter.last_ns, device_now_ns());
		/* No queue is managed here. The number follows that of the interrupts. */
		ck_assert_uint_le(counter.empty, i);
		ck_assert_uint_eq(counter.completions, 0);
	}
	ck_assert_uint_eq(interrupts(1), others);
	nvt_qpair_delete(own);
}
END_TEST

START_TEST(polled_queue_interrupts_nobody)
{
	struct nvt_qpair_opts opts = { .polled = 1, .vector = 3 };
	struct nvt_qpair *polled = nvt_qpair_create(dev.ctrl, &opts), *other;
	int i;

	opts.polled = 0;
	other = nvt_qpair_create(dev.ctrl, &opts);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(nvt_ns_flush(dev.ns, polled), 0);
	/* Of a later command on the same vector: an earlier one would have come before it. */
	ck_assert_int_eq(nvt_ns_flush(dev.ns, other), 0);
	wait_for_interrupts(2, 1);
	nvt_qpair_delete(other);
	nvt_qpair_delete(polled);
}
END_TEST

static const int vector_types[] = { NVT_VECTOR_MSIX, NVT_VECTOR_MSI, NVT_VECTOR_INTX };

START_TEST(each_type_of_interrupt_arrives)
{
	int type = vector_types[_i], n;
	struct nvt_vector_counter counter;
	uint64_t deadline = device_now_ns() + SOON_NS, commands;
	struct nvt_device_info info;
	uint32_t value;

	n = nvt_pcie_set_vectors(dev.pcie, type, 4);
	ck_assert_msg(n == (type == NVT_VECTOR_INTX ? 1 : 4), "%d: %s", n, nvt_error());
	ck_assert_int_eq(nvt_pcie_info(dev.pcie, &info), 0);
	ck_assert_uint_eq(info.nr_vectors, n);
	ck_assert_uint_eq(info.vector_type, type);
	ck_assert_uint_eq(interrupts(0), 0);
	/* While the line of INTx is up, further completions are part of the same interrupt. */
	for (commands = 0; interrupts(0) < 3 && device_now_ns() < deadline; commands++)
		ck_assert_int_eq(nvt_get_feature(dev.ctrl, NVME_FEAT_FID_NUM_QUEUES, 0, &value), 0);
	ck_assert_uint_ge(interrupts(0), 3);
	ck_assert_uint_le(interrupts(0), commands);
	ck_assert_int_eq(nvt_pcie_vector(dev.pcie, n, &counter), -EINVAL);
}
END_TEST

START_TEST(vectors_can_be_freed)
{
	struct nvt_vector_counter counter;

	ck_assert_int_eq(nvt_pcie_set_vectors(dev.pcie, NVT_VECTOR_NONE, 0), 0);
	ck_assert_int_eq(nvt_pcie_vector(dev.pcie, 0, &counter), -EINVAL);
	ck_assert_int_eq(nvt_ns_flush(dev.ns, dev.qp), 0);
	ck_assert_int_eq(nvt_pcie_set_vectors(dev.pcie, NVT_VECTOR_MSIX, 2), 2);
}
END_TEST

static void note_status(void *arg, const struct nvt_cpl *cpl)
{
	*(int *)arg = nvt_cpl_status(cpl);
}

/* A command that the device does not answer until something happens. */
static void post_one_that_stays(int *status)
{
	struct nvt_sqe sqe = { .opcode = nvme_admin_async_event };

	*status = -1;
	ck_assert_int_eq(nvt_qpair_post(nvt_ctrl_admin(dev.ctrl), &sqe, NULL, 0, 0, note_status,
					status), 0);
	ck_assert_int_eq(nvt_qpair_ring(nvt_ctrl_admin(dev.ctrl)), 0);
}

START_TEST(reset_ends_queues_and_keeps_config_space)
{
	uint64_t generation = nvt_pcie_generation(dev.pcie);
	int devctl = nvt_pcie_find_cap(dev.pcie, 0x10) + 8, status;
	uint32_t before, command, value;

	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, devctl, 2, &before), 0);
	ck_assert_int_eq(nvt_pcie_config_write(dev.pcie, devctl, 2, before ^ 0x1000), 0);
	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, 4, 2, &command), 0);
	post_one_that_stays(&status);
	ck_assert_msg(!nvt_pcie_reset(dev.pcie), "%s", nvt_error());
	ck_assert_uint_gt(nvt_pcie_generation(dev.pcie), generation);
	ck_assert_int_eq(nvt_pcie_state(dev.pcie), NVT_STATE_LIVE);
	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, devctl, 2, &value), 0);
	ck_assert_uint_eq(value, before ^ 0x1000);
	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, 4, 2, &value), 0);
	ck_assert_uint_eq(value, command);
	nvt_qpair_poll(nvt_ctrl_admin(dev.ctrl), 0);
	ck_assert_int_eq(status, NVT_STATUS_DEAD);
	ck_assert_int_eq(nvt_ns_flush(dev.ns, dev.qp), -EIO);
}
END_TEST

START_TEST(all_works_again_after_a_reset)
{
	uint64_t before;

	ck_assert_msg(!nvt_pcie_reset(dev.pcie), "%s", nvt_error());
	ck_assert_msg(!nvt_ctrl_reset(dev.ctrl), "%s", nvt_error());
	ck_assert_int_eq(nvt_qpair_delete(dev.qp), 0);
	dev.qp = nvt_qpair_create(dev.ctrl, &(struct nvt_qpair_opts){ .vector = 2 });
	ck_assert_msg(dev.qp != NULL, "%s", nvt_error());
	before = interrupts(1);
	device_move_data(&dev, dev.qp, 5);
	wait_for_interrupts(1, before + 2);
}
END_TEST

START_TEST(lost_server_ends_all_as_a_removal_does)
{
	volatile uint32_t *csts = (volatile uint32_t *)((char *)nvt_pcie_map_bar(dev.pcie, 0, NULL) +
							NVME_REG_CSTS);
	struct nvt_device_info info;
	uint64_t wide, start;
	uint32_t value;
	int status;

	post_one_that_stays(&status);
	model_kill(&dev.model);
	start = device_now_ns();
	ck_assert_int_eq(nvt_qpair_wait(nvt_ctrl_admin(dev.ctrl), 1, 5000), 1);
	ck_assert_int_eq(status, NVT_STATUS_DEAD);
	ck_assert_uint_lt(device_now_ns() - start, SOON_NS);
	ck_assert_int_eq(nvt_pcie_state(dev.pcie), NVT_STATE_GONE);
	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, NVME_REG_CSTS, 4, &wide), -ENODEV);
	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, 0, 4, &value), -ENODEV);
	ck_assert_int_eq(nvt_pcie_info(dev.pcie, &info), -ENODEV);
	ck_assert_int_eq(nvt_pcie_reset(dev.pcie), -ENODEV);
	ck_assert_int_eq(nvt_pcie_set_vectors(dev.pcie, NVT_VECTOR_MSIX, 1), -ENODEV);
	ck_assert_ptr_null(nvt_buffer_create(dev.pcie, 4096, NVT_BUFFER_PAGES));
	ck_assert_int_eq(errno, ENODEV);
	ck_assert_uint_eq(*csts, 0xffffffff);
	ck_assert_int_eq(nvt_ns_flush(dev.ns, dev.qp), -EIO);
	/* Memory is the program's as long as it has it. */
	memset(nvt_buffer_data(dev.buf), 0x5a, DEVICE_BUFFER);
}
END_TEST

static void *kill_soon(void *arg)
{
	usleep(100000);
	kill(dev.model.pid, SIGKILL);
	return NULL;
}

START_TEST(wait_ends_when_the_server_is_lost)
{
	uint64_t start = device_now_ns();
	pthread_t thread;
	int status;

	post_one_that_stays(&status);
	pthread_create(&thread, NULL, kill_soon, NULL);
	ck_assert_int_eq(nvt_qpair_wait(nvt_ctrl_admin(dev.ctrl), 1, 10000), 1);
	ck_assert_int_eq(status, NVT_STATUS_DEAD);
	ck_assert_uint_lt(device_now_ns() - start, SOON_NS);
	pthread_join(thread, NULL);
	model_kill(&dev.model);
}
END_TEST

START_TEST(ioworker_ends_when_the_server_is_lost)
{
	struct nvt_ioworker_opts opts = {
		.random_percent = 100, .read_percent = 100, .qdepth = 32, .time_ms = 20000,
	};
	struct nvt_ioworker *worker = nvt_ioworker_start(dev.ns, &opts);
	uint64_t start = device_now_ns();
	struct nvt_ioworker_result result;
	pthread_t thread;

	ck_assert_msg(worker != NULL, "%s", nvt_error());
	pthread_create(&thread, NULL, kill_soon, NULL);
	ck_assert_int_eq(nvt_ioworker_close(worker, &result), -EIO);
	ck_assert_uint_gt(result.reads, 0);
	ck_assert_uint_lt(device_now_ns() - start, SOON_NS);
	pthread_join(thread, NULL);
	model_kill(&dev.model);
}
END_TEST

START_TEST(link_down_reads_as_all_ones)
{
	volatile uint32_t *csts = (volatile uint32_t *)((char *)nvt_pcie_map_bar(dev.pcie, 0, NULL) +
							NVME_REG_CSTS);
	uint64_t value;

	model_do(&dev.model, "link down");
	ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, NVME_REG_CSTS, 4, &value), 0);
	ck_assert_uint_eq(value, 0xffffffff);
	ck_assert_uint_eq(*csts, 0xffffffff);
	ck_assert_int_eq(nvt_ctrl_reset(dev.ctrl), -EIO);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "all-ones"));
}
END_TEST

static const char *const losses[][2] = {
	{ "power off", "power on" },
	{ "link down", "link up" },
};

#define LOSSES (sizeof(losses) / sizeof(losses[0]))

/* Of both and each type of interrupt. */
START_TEST(controller_reset_is_enough_after_a_loss)
{
	const char *const *loss = losses[_i % LOSSES];
	int type = vector_types[_i / LOSSES];
	uint64_t generation;

	ck_assert_int_ge(nvt_pcie_set_vectors(dev.pcie, type, 1), 1);
	generation = nvt_pcie_generation(dev.pcie);
	model_do(&dev.model, loss[0]);
	model_do(&dev.model, loss[1]);
	ck_assert_msg(!nvt_ctrl_reset(dev.ctrl), "%s", nvt_error());
	ck_assert_uint_gt(nvt_pcie_generation(dev.pcie), generation);
	ck_assert_int_eq(nvt_qpair_delete(dev.qp), 0);
	dev.qp = nvt_qpair_create(dev.ctrl, NULL);
	ck_assert_msg(dev.qp != NULL, "%s", nvt_error());
	move_data_until_interrupts(0, interrupts(0) + 3);
}
END_TEST

START_TEST(loss_of_power_keeps_what_was_written_to_config_space)
{
	int devctl = nvt_pcie_find_cap(dev.pcie, 0x10) + 8;
	uint32_t set, value;

	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, devctl, 2, &value), 0);
	set = value ^ 0x1000;
	ck_assert_int_eq(nvt_pcie_config_write(dev.pcie, devctl, 2, set), 0);
	model_do(&dev.model, "power off");
	model_do(&dev.model, "power on");
	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, devctl, 2, &value), 0);
	ck_assert_uint_ne(value, set);
	ck_assert_msg(!nvt_pcie_reset(dev.pcie), "%s", nvt_error());
	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, devctl, 2, &value), 0);
	ck_assert_uint_eq(value, set);
	ck_assert_msg(!nvt_ctrl_reset(dev.ctrl), "%s", nvt_error());
}
END_TEST

START_TEST(controller_reset_changes_no_config_space_that_is_there)
{
	uint64_t generation;
	uint32_t command;

	device_close(&dev);
	device_open(&dev, &(struct nvt_ctrl_opts){ .timeout_ms = 200 });
	generation = nvt_pcie_generation(dev.pcie);
	ck_assert_int_eq(nvt_pcie_config_write(dev.pcie, PCI_COMMAND, 2, PCI_COMMAND_MEMORY), 0);
	ck_assert_int_eq(nvt_ctrl_disable(dev.ctrl), 0);
	/* Without Bus Master it cannot fetch: what the owner switched off stays off. */
	ck_assert_int_lt(nvt_ctrl_reset(dev.ctrl), 0);
	ck_assert_int_eq(nvt_pcie_config_read(dev.pcie, PCI_COMMAND, 2, &command), 0);
	ck_assert_uint_eq(command, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(nvt_pcie_generation(dev.pcie), generation);
}
END_TEST

/* After these no command is answered, and the time-out of 10 s is not to be waited for. */
static const char *const deaths[][2] = {
	{ "power off" }, { "link down" }, { "power off", "power on" }, { "link down", "link up" },
	{ "fault do cfs" },
};

#define DEATHS		(sizeof(deaths) / sizeof(deaths[0]))
#define AT_ONCE_NS	5000000000ULL
#define CSTS_RDY	1U

/* A fault without a match comes in the model's next round, in which it may still take a command. */
static void kill_controller(const char *const death[2])
{
	uint64_t csts = CSTS_RDY, end = device_now_ns() + AT_ONCE_NS;
	int i;

	for (i = 0; i < 2 && death[i]; i++)
		model_do(&dev.model, death[i]);
	while (csts == CSTS_RDY && device_now_ns() < end)
		ck_assert_int_eq(nvt_pcie_reg_read(dev.pcie, 0, NVME_REG_CSTS, 4, &csts), 0);
	ck_assert_uint_ne(csts, CSTS_RDY);
}

START_TEST(queue_of_a_dead_controller_is_deleted_at_once)
{
	uint64_t start;

	kill_controller(deaths[_i]);
	start = device_now_ns();
	ck_assert_int_eq(nvt_qpair_delete(dev.qp), -EIO);
	dev.qp = NULL;
	ck_assert_msg(strstr(nvt_error(), "all-ones") || strstr(nvt_error(), "CSTS"), "%s",
		      nvt_error());
	ck_assert_uint_lt(device_now_ns() - start, AT_ONCE_NS);
}
END_TEST

START_TEST(dead_controller_is_closed_at_once)
{
	uint64_t start;

	kill_controller(deaths[_i]);
	start = device_now_ns();
	device_close(&dev);
	ck_assert_uint_lt(device_now_ns() - start, AT_ONCE_NS);
	if (_i < 2)
		model_do(&dev.model, _i ? "link up" : "power on");
	model_do(&dev.model, "clear");
	device_open(&dev, NULL);
}
END_TEST

START_TEST(command_of_a_dead_controller_ends_at_once)
{
	uint64_t start;

	kill_controller(deaths[_i]);
	start = device_now_ns();
	ck_assert_int_eq(nvt_ns_flush(dev.ns, dev.qp), NVT_STATUS_DEAD);
	ck_assert_uint_lt(device_now_ns() - start, AT_ONCE_NS);
	ck_assert_int_eq(nvt_ns_flush(dev.ns, dev.qp), -EIO);
	ck_assert_msg(strstr(nvt_error(), "all-ones") || strstr(nvt_error(), "CSTS"), "%s",
		      nvt_error());
}
END_TEST

static void add_interrupts(Suite *suite)
{
	TCase *tc = device_case(suite, "interrupts", begin, finish);

	tcase_add_test(tc, interrupts_are_counted_where_they_arrive);
	tcase_add_test(tc, polled_queue_interrupts_nobody);
	tcase_add_loop_test(tc, each_type_of_interrupt_arrives, 0, 3);
	tcase_add_test(tc, vectors_can_be_freed);
}

static void add_loss(Suite *suite)
{
	TCase *tc = device_case(suite, "loss", begin, finish);

	tcase_add_test(tc, reset_ends_queues_and_keeps_config_space);
	tcase_add_test(tc, all_works_again_after_a_reset);
	tcase_add_test(tc, lost_server_ends_all_as_a_removal_does);
	tcase_add_test(tc, wait_ends_when_the_server_is_lost);
	tcase_add_test(tc, ioworker_ends_when_the_server_is_lost);
	tcase_add_test(tc, link_down_reads_as_all_ones);
	tcase_add_loop_test(tc, controller_reset_is_enough_after_a_loss, 0, LOSSES * 3);
	tcase_add_test(tc, loss_of_power_keeps_what_was_written_to_config_space);
	tcase_add_test(tc, controller_reset_changes_no_config_space_that_is_there);
	tcase_add_loop_test(tc, queue_of_a_dead_controller_is_deleted_at_once, 0, DEATHS);
	tcase_add_loop_test(tc, dead_controller_is_closed_at_once, 0, DEATHS);
	tcase_add_loop_test(tc, command_of_a_dead_controller_ends_at_once, 0, DEATHS);
}

Suite *access_loss_suite(void)
{
	Suite *suite = suite_create("access_loss");

	add_interrupts(suite);
	add_loss(suite);
	return suite;
}
