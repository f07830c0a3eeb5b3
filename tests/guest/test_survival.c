/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Whatever happens to the process or the device, nothing hangs and nothing is lost. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <nvt/pcie.h>

#include "bare.h"
#include "suites.h"

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static int open_within(int ms)
{
	uint64_t deadline = now_ms() + ms;
	int fd;

	while ((fd = bare_open(O_RDWR)) == -EBUSY && now_ms() < deadline)
		usleep(1000);
	return fd;
}

static void post_aer(struct bare *b, uint16_t cid)
{
	struct nvt_sqe aer = bare_aer(cid);

	bare_post(b, &aer, 0);
	ck_assert_int_eq(bare_submit(b), 1);
}

/* A child that has commands outstanding, and says so. */
static pid_t owner_in_flight(unsigned int setup_flags)
{
	int ready[2];
	struct bare b;
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		bare_start(&b, setup_flags);
		post_aer(&b, 1);
		post_aer(&b, 2);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void killed_owner(unsigned int setup_flags)
{
	int i, fd;

	for (i = 0; i < 5; i++) {
		pid_t pid = owner_in_flight(setup_flags);

		ck_assert_int_eq(bare_open(O_RDWR), -EBUSY);
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		fd = open_within(10000);
		ck_assert_msg(fd >= 0, "round %d: open: %s", i, strerror(-fd));
		ck_assert_uint_eq(bare_reg_read(fd, 0x1c, 4) & 1, 0);
		close(fd);
	}
}

START_TEST(a_killed_owner_leaves_a_stopped_device)
{
	killed_owner(0);
}
END_TEST

START_TEST(a_killed_polling_owner_does_too)
{
	killed_owner(IORING_SETUP_IOPOLL);
}
END_TEST

START_TEST(a_reset_ends_commands_and_queues)
{
	struct nvt_reset reset = { .size = sizeof(reset) };
	struct nvt_sqe sqe = bare_identify(2, 0);
	uint64_t generation;
	struct bare_cqe cqe;
	struct bare b;

	bare_start(&b, 0);
	generation = b.status->generation;
	post_aer(&b, 1);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_RESET, &reset), 0);
	cqe = bare_wait(&b);
	ck_assert_int_eq(cqe.res, 0x7fff);
	ck_assert_uint_eq(cqe.dw01, UINT64_MAX);
	ck_assert_uint_gt(b.status->generation, generation);
	ck_assert_uint_eq(b.status->state, NVT_STATE_LIVE);
	ck_assert_int_eq(bare_exec(&b, &sqe).res, -EIO);
	/* The mapping is the device's again, not all-ones. */
	ck_assert_uint_eq(*(volatile uint64_t *)b.bar, bare_reg_read(b.fd, 0, 8));
	ck_assert_uint_eq(*(volatile uint32_t *)(b.bar + 0x1c) & 1, 0);
	close(b.fd);
}
END_TEST

START_TEST(a_reset_from_outside_is_the_same)
{
	struct bare_cqe cqe;
	uint64_t generation;
	char path[96];
	struct bare b;
	int fd;

	bare_start(&b, 0);
	generation = b.status->generation;
	post_aer(&b, 1);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", bare_addr());
	fd = open(path, O_WRONLY);
	ck_assert_int_eq(write(fd, "1", 1), 1);
	cqe = bare_wait(&b);
	ck_assert_int_eq(cqe.res, 0x7fff);
	ck_assert_uint_gt(b.status->generation, generation);
}
END_TEST

static void unbind_by_sysfs(void)
{
	int fd = open("/sys/bus/pci/drivers/nvt/unbind", O_WRONLY);
	ssize_t n = strlen(bare_addr());

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bare_addr(), n), n);
	close(fd);
}

static void bind_by_sysfs(void)
{
	int fd = open("/sys/bus/pci/drivers/nvt/bind", O_WRONLY);
	ssize_t n = strlen(bare_addr());

	ck_assert_int_eq(write(fd, bare_addr(), n), n);
	close(fd);
}

/* What a process sees of a device that has gone. */
static void check_gone(struct bare *b, struct bare_buffer *buf)
{
	struct nvt_device_info info = { .size = sizeof(info) };
	struct nvt_sqe sqe = bare_identify(2, 0);

	ck_assert_int_eq(bare_wait(b).res, 0x7fff);
	ck_assert_uint_eq(b->status->state, NVT_STATE_GONE);
	ck_assert_uint_eq(*(volatile uint64_t *)b->bar, UINT64_MAX);
	*(volatile uint32_t *)(b->bar + 0x1000) = 1;
	ck_assert_uint_eq(*(volatile uint32_t *)(b->bar + 0x1c), UINT32_MAX);
	ck_assert_uint_eq(*(volatile uint64_t *)buf->data, UINT64_MAX);
	ck_assert_int_eq(bare_ioctl(b->fd, NVT_IOC_DEVICE_INFO, &info), -ENODEV);
	ck_assert_int_eq(bare_exec(b, &sqe).res, -ENODEV);
}

START_TEST(an_owner_outlives_unbinding)
{
	struct bare_buffer buf;
	struct bare b;
	int fd;

	bare_start(&b, 0);
	bare_buffer_create(&b, &buf, NVT_BUFFER_PAGES, 4 * BARE_PAGE);
	memset(buf.data, 0, buf.length);
	ck_assert_uint_ne(*(volatile uint64_t *)b.bar, UINT64_MAX);
	post_aer(&b, 1);
	unbind_by_sysfs();
	check_gone(&b, &buf);
	bind_by_sysfs();
	fd = bare_open(O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(*(volatile uint64_t *)b.bar, UINT64_MAX);
	close(b.fd);
}
END_TEST

static void write_sysfs(const char *format, const char *value)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), format, bare_addr());
	fd = open(path, O_WRONLY);
	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, value, strlen(value)), (ssize_t)strlen(value));
	close(fd);
}

static void find_port(const char *addr, char *port, size_t size)
{
	char path[64], link[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", addr);
	n = readlink(path, link, sizeof(link) - 1);
	ck_assert_int_gt(n, 0);
	link[n] = 0;
	*strrchr(link, '/') = 0;
	snprintf(port, size, "%s", strrchr(link, '/') + 1);
}

/* Power off by the Slot Control register of its port: here, for good. */
static void cut_power(const char *addr)
{
	char command[96], port[32];

	find_port(addr, port, sizeof(port));
	snprintf(command, sizeof(command), "setpci -s %s CAP_EXP+18.W=700:700", port);
	ck_assert_int_eq(system(command), 0);
}

/* A device of the guest's that this test may destroy. */
/* The device's mappings were once those of the node that was opened first. */
START_TEST(a_node_elsewhere_holds_no_file_system)
{
	char dir[] = "/tmp/nvt-node.XXXXXX", node[64];
	volatile uint64_t *bar;
	struct stat st;
	int fd;

	ck_assert_int_eq(stat(bare_node(), &st), 0);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mount("none", dir, "tmpfs", 0, NULL), 0);
	snprintf(node, sizeof(node), "%s/nvt", dir);
	ck_assert_int_eq(mknod(node, S_IFCHR | 0600, st.st_rdev), 0);
	fd = open(node, O_RDONLY);
	ck_assert_int_ge(fd, 0);
	bar = mmap(NULL, BARE_PAGE, PROT_READ, MAP_SHARED, fd, NVT_MMAP_BAR(0));
	ck_assert_ptr_ne((void *)bar, MAP_FAILED);
	ck_assert_uint_eq(*bar, bare_reg_read(fd, 0, 8));
	ck_assert_int_eq(umount(dir), -1);
	close(fd);
	munmap((void *)bar, BARE_PAGE);
	ck_assert_int_eq(umount(dir), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	fd = bare_open(O_RDONLY);
	ck_assert_uint_ne(bare_reg_read(fd, 0, 8), UINT64_MAX);
	close(fd);
}
END_TEST

static void use_spare(const char *addr)
{
	setenv("NVT_TEST_ADDR", addr, 1);
	suite_bind();
}

/* Dead from one moment to the next; the driver learns of it only when it is removed. */
START_TEST(an_owner_outlives_a_device_that_loses_power)
{
	struct bare_buffer buf;
	uint64_t before;
	struct bare b;

	use_spare("0000:02:00.0");
	bare_start(&b, 0);
	bare_buffer_create(&b, &buf, NVT_BUFFER_PAGES, BARE_PAGE);
	memset(buf.data, 0, buf.length);
	post_aer(&b, 1);
	cut_power(bare_addr());
	before = now_ms();
	write_sysfs("/sys/bus/pci/devices/%s/remove", "1");
	ck_assert_uint_lt(now_ms() - before, 15000);
	check_gone(&b, &buf);
}
END_TEST

/* As above, but the owner closes before anyone has told the driver. */
START_TEST(a_dead_device_is_closed_in_bounded_time)
{
	struct nvt_release release = { .size = sizeof(release) };
	uint64_t before;
	struct bare b;

	use_spare("0000:03:00.0");
	bare_start(&b, 0);
	post_aer(&b, 1);
	cut_power(bare_addr());
	before = now_ms();
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_RELEASE, &release), 0);
	ck_assert_uint_lt(now_ms() - before, 15000);
	ck_assert_int_eq(bare_wait(&b).res, 0x7fff);
	write_sysfs("/sys/bus/pci/devices/%s/remove", "1");
}
END_TEST

struct heard {
	int kind[8];
	unsigned int n;
};

static int hear(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[NVT_ATTR_MAX + 1];
	struct heard *heard = arg;

	nla_parse(attrs, NVT_ATTR_MAX, genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0),
		  NULL);
	ck_assert_str_eq(nla_get_string(attrs[NVT_ATTR_BDF]), bare_addr());
	ck_assert_uint_gt(nla_get_u64(attrs[NVT_ATTR_TIME_NS]), 0);
	if (heard->n < 8)
		heard->kind[heard->n++] = header->cmd;
	return NL_OK;
}

START_TEST(events_tell_of_binding_reset_and_removal)
{
	static const int expected[] = { NVT_EVENT_REMOVED, NVT_EVENT_ADDED, NVT_EVENT_RESET };
	struct nvt_reset reset = { .size = sizeof(reset) };
	struct nl_sock *sock = nl_socket_alloc();
	struct heard heard = { .n = 0 };
	struct pollfd pfd;
	int fd, group;

	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, hear, &heard);
	ck_assert_int_eq(genl_connect(sock), 0);
	group = genl_ctrl_resolve_grp(sock, NVT_GENL_NAME, NVT_GENL_MCGRP);
	ck_assert_int_ge(group, 0);
	ck_assert_int_eq(nl_socket_add_membership(sock, group), 0);
	unbind_by_sysfs();
	bind_by_sysfs();
	fd = bare_open(O_RDWR);
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_RESET, &reset), 0);
	pfd = (struct pollfd) { .fd = nl_socket_get_fd(sock), .events = POLLIN };
	while (heard.n < 3 && poll(&pfd, 1, 5000) == 1)
		nl_recvmsgs_default(sock);
	ck_assert_uint_eq(heard.n, 3);
	ck_assert_mem_eq(heard.kind, expected, sizeof(expected));
	nl_socket_free(sock);
}
END_TEST

Suite *survival_suite(void)
{
	const TTest *const tests[] = {
		a_killed_owner_leaves_a_stopped_device, a_killed_polling_owner_does_too,
		a_reset_ends_commands_and_queues, a_reset_from_outside_is_the_same,
		an_owner_outlives_unbinding, a_node_elsewhere_holds_no_file_system,
		events_tell_of_binding_reset_and_removal,
	};
	Suite *suite = suite_create("survival");
	TCase *tcase = tcase_create("process and device");
	TCase *removal = tcase_create("power loss");
	size_t i;

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	tcase_set_timeout(removal, 60);
	tcase_add_test(removal, an_owner_outlives_a_device_that_loses_power);
	tcase_add_test(removal, a_dead_device_is_closed_in_bounded_time);
	suite_add_tcase(suite, removal);
	return suite;
}
