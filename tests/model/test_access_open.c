// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Opening a device on a vfio-user socket: who may, and the words for what goes wrong. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nvme/types.h>
#include <nvt/nvt.h>

#include "device.h"
#include "suites.h"

static struct model model;

static void begin(void)
{
	model_start(&model, "size=64M");
}

static void finish(void)
{
	model_stop(&model);
}

static void assert_open_fails(const char *address, int err, const char *words)
{
	errno = 0;
	ck_assert_ptr_null(nvt_pcie_open(address, 0));
	ck_assert_msg(errno == err, "%d: %s", errno, nvt_error());
	ck_assert_msg(strstr(nvt_error(), words) != NULL, "%s", nvt_error());
}

START_TEST(second_client_is_refused)
{
	struct nvt_pcie *first = nvt_pcie_open(model.address[0], 0);

	ck_assert_msg(first != NULL, "%s", nvt_error());
	assert_open_fails(model.address[0], EBUSY, "one client at a time");
	nvt_pcie_close(first);
}
END_TEST

START_TEST(next_client_comes_at_once)
{
	struct nvt_pcie *one;
	uint64_t value;
	int i;

	for (i = 0; i < 20; i++) {
		one = nvt_pcie_open(model.address[0], 0);
		ck_assert_msg(one != NULL, "%s", nvt_error());
		ck_assert_int_eq(nvt_pcie_reg_read(one, 0, NVME_REG_CC, 4, &value), 0);
		ck_assert_uint_eq(value & 1, 0);
		ck_assert_int_eq(nvt_pcie_reg_write(one, 0, NVME_REG_CC, 4, 0x460001), 0);
		nvt_pcie_close(one);
	}
}
END_TEST

START_TEST(client_that_was_killed_leaves_the_device_usable)
{
	struct nvt_ctrl *ctrl;
	int i, status;
	pid_t pid;

	for (i = 0; i < 5; i++) {
		pid = fork();
		if (!pid) {
			ctrl = nvt_ctrl_open(model.address[0], NULL);
			raise(ctrl ? SIGKILL : SIGABRT);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		ctrl = nvt_ctrl_open(model.address[0], NULL);
		ck_assert_msg(ctrl != NULL, "%s", nvt_error());
		nvt_ctrl_close(ctrl);
	}
}
END_TEST

START_TEST(observer_changes_nothing)
{
	struct nvt_pcie *observer = nvt_pcie_open(model.address[0], NVT_OPEN_OBSERVE);
	uint64_t value;
	uint32_t command;

	ck_assert_msg(observer != NULL, "%s", nvt_error());
	ck_assert_int_eq(nvt_pcie_reg_read(observer, 0, NVME_REG_VS, 4, &value), 0);
	ck_assert_uint_ne(value, 0xffffffff);
	ck_assert_int_eq(nvt_pcie_config_read(observer, 4, 2, &command), 0);
	ck_assert_uint_eq(command & 4, 0);
	ck_assert_int_eq(nvt_pcie_reg_write(observer, 0, NVME_REG_CC, 4, 1), -EBADF);
	ck_assert_int_eq(nvt_pcie_config_write(observer, 4, 2, 6), -EBADF);
	ck_assert_int_eq(nvt_pcie_set_vectors(observer, NVT_VECTOR_MSIX, 1), -EBADF);
	ck_assert_int_eq(nvt_pcie_reset(observer), -EBADF);
	ck_assert_ptr_null(nvt_buffer_create(observer, 4096, NVT_BUFFER_PAGES));
	ck_assert_int_eq(errno, EBADF);
	nvt_pcie_close(observer);
}
END_TEST

START_TEST(bad_sockets_are_named)
{
	char address[200];

	assert_open_fails("vfio-user:/tmp/nvt-no-such-socket", ENOENT, "no such socket");
	assert_open_fails("vfio-user:", EINVAL, "no path");
	assert_open_fails("vfio-user:/dev/null", ECONNREFUSED, "nobody serves this socket");
	memset(address, 'x', sizeof(address));
	memcpy(address, "vfio-user:/tmp/", 15);
	address[sizeof(address) - 1] = '\0';
	assert_open_fails(address, ENAMETOOLONG, "107 characters");
	model_kill(&model);
	assert_open_fails(model.address[0], ECONNREFUSED, "nobody serves this socket");
}
END_TEST

static void *talk_nonsense(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char words[64] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	if (write(fd, words, sizeof(words)) < 0)
		perror("write");
	while (read(fd, words, sizeof(words)) > 0)
		;
	close(fd);
	return NULL;
}

START_TEST(server_of_something_else_is_found_out)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	char address[120];
	pthread_t thread;

	snprintf(name.sun_path, sizeof(name.sun_path), "%s/other", model.dir);
	snprintf(address, sizeof(address), "vfio-user:%s", name.sun_path);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	pthread_create(&thread, NULL, talk_nonsense, &listener);
	assert_open_fails(address, EPROTO, "does not speak vfio-user");
	pthread_join(thread, NULL);
	close(listener);
}
END_TEST

START_TEST(trapped_doorbells_cannot_be_mapped)
{
	struct model trapped;

	model_start(&trapped, "doorbells=trapped");
	errno = 0;
	ck_assert_ptr_null(nvt_ctrl_open(trapped.address[0], NULL));
	ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "doorbells=mapped"));
	model_stop(&trapped);
}
END_TEST

static void add_opening(Suite *suite)
{
	TCase *tc = device_case(suite, "opening", begin, finish);

	tcase_add_test(tc, second_client_is_refused);
	tcase_add_test(tc, next_client_comes_at_once);
	tcase_add_test(tc, client_that_was_killed_leaves_the_device_usable);
	tcase_add_test(tc, observer_changes_nothing);
	tcase_add_test(tc, bad_sockets_are_named);
	tcase_add_test(tc, server_of_something_else_is_found_out);
	tcase_add_test(tc, trapped_doorbells_cannot_be_mapped);
}

Suite *access_open_suite(void)
{
	Suite *suite = suite_create("access_open");

	add_opening(suite);
	return suite;
}
