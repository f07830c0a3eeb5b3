/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Hand-over to nvt and back, and that both drivers see the same device and the same data. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nvt/nvt.h>

#include "bare.h"
#include "session.h"
#include "stock.h"
#include "suites.h"

#define CHUNK	SESSION_BUFFER

static void bind_now(void)
{
	ck_assert_msg(nvt_pcie_bind(bare_addr()) == 0, "%s", nvt_error());
}

static void unbind_now(void)
{
	ck_assert_msg(nvt_pcie_unbind(bare_addr()) == 0, "%s", nvt_error());
}

static void read_config(uint8_t *config, size_t length)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bare_addr());
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(read(fd, config, length), (ssize_t)length);
	close(fd);
}

static void fill(uint8_t *data, size_t length, unsigned int seed)
{
	while (length--)
		*data++ = (seed = seed * 1103515245 + 12345) >> 16;
}

static const int backends[] = { NVT_BACKEND_MANAGED, NVT_BACKEND_RAW };

START_TEST(what_we_write_the_stock_driver_reads)
{
	uint8_t ours[CHUNK], theirs[CHUNK];
	struct session s;
	uint32_t nlb;

	fill(ours, sizeof(ours), 1 + _i);
	bind_now();
	session_open(&s, backends[_i]);
	nlb = CHUNK / nvt_ns_lba_size(s.ns);
	memcpy(nvt_buffer_data(s.buf), ours, CHUNK);
	ck_assert_int_eq(nvt_ns_write(s.ns, s.qp, s.buf, 0, 16 * nlb, nlb, 0), 0);
	ck_assert_int_eq(nvt_ns_flush(s.ns, s.qp), 0);
	session_close(&s);
	unbind_now();
	stock_read(16 * CHUNK, theirs, CHUNK);
	ck_assert_mem_eq(ours, theirs, CHUNK);
}
END_TEST

START_TEST(what_the_stock_driver_writes_we_read)
{
	uint8_t theirs[CHUNK];
	struct session s;
	uint32_t nlb;

	fill(theirs, sizeof(theirs), 77 + _i);
	stock_write(32 * CHUNK, theirs, CHUNK);
	bind_now();
	session_open(&s, backends[_i]);
	nlb = CHUNK / nvt_ns_lba_size(s.ns);
	ck_assert_int_eq(nvt_ns_read(s.ns, s.qp, s.buf, 0, 32 * nlb, nlb, 0), 0);
	ck_assert_mem_eq(nvt_buffer_data(s.buf), theirs, CHUNK);
	session_close(&s);
	unbind_now();
}
END_TEST

START_TEST(identify_data_equals_nvme_clis)
{
	char ctrl_cli[4097], ns_cli[4097];
	struct nvme_id_ctrl id;
	struct nvme_id_ns id_ns;
	struct session s;

	ck_assert_int_eq(stock_run(ctrl_cli, sizeof(ctrl_cli), "nvme id-ctrl -b %s", stock_block()), 0);
	ck_assert_int_eq(stock_run(ns_cli, sizeof(ns_cli), "nvme id-ns -b %s", stock_block()), 0);
	bind_now();
	session_open(&s, NVT_BACKEND_MANAGED);
	ck_assert_int_eq(nvt_identify_ctrl(s.ctrl, &id), 0);
	ck_assert_int_eq(nvt_identify_ns(s.ctrl, 1, &id_ns), 0);
	session_close(&s);
	unbind_now();
	ck_assert_mem_eq(&id, ctrl_cli, sizeof(id));
	ck_assert_mem_eq(&id_ns, ns_cli, sizeof(id_ns));
}
END_TEST

START_TEST(config_space_equals_lspcis)
{
	static char ours[65536], theirs[65536];

	bind_now();
	ck_assert_int_eq(stock_run(ours, sizeof(ours), "nvt cfg %s | grep -E '^[0-9a-f]{2,3}: '",
				   bare_addr()), 0);
	ck_assert_int_eq(stock_run(theirs, sizeof(theirs),
				   "lspci -xxxx -s %s | grep -E '^[0-9a-f]{2,3}: '", bare_addr()), 0);
	unbind_now();
	ck_assert_uint_gt(strlen(theirs), 10000);
	ck_assert_str_eq(ours, theirs);
}
END_TEST

START_TEST(config_space_comes_back_as_it_was)
{
	uint8_t before[4096], after[4096];
	struct session s;

	bind_now();
	unbind_now();
	stock_block();
	read_config(before, sizeof(before));
	bind_now();
	session_open(&s, NVT_BACKEND_RAW);
	ck_assert_int_eq(nvt_pcie_config_write(nvt_ctrl_pcie(s.ctrl), 0x3c, 1, 0x77), 0);
	session_close(&s);
	unbind_now();
	stock_block();
	read_config(after, sizeof(after));
	ck_assert_mem_eq(before, after, sizeof(before));
}
END_TEST

START_TEST(binding_twice_is_refused)
{
	bind_now();
	ck_assert_int_eq(nvt_pcie_bind(bare_addr()), -EALREADY);
	ck_assert_ptr_nonnull(strstr(nvt_error(), bare_addr()));
	unbind_now();
	ck_assert_int_eq(nvt_pcie_unbind(bare_addr()), -ENXIO);
}
END_TEST

START_TEST(an_owned_device_is_not_unbound)
{
	struct nvt_pcie *pcie;

	bind_now();
	pcie = nvt_pcie_open(bare_addr(), 0);
	ck_assert_msg(pcie != NULL, "%s", nvt_error());
	ck_assert_int_eq(nvt_pcie_unbind(bare_addr()), -EBUSY);
	ck_assert_ptr_null(nvt_pcie_open(bare_addr(), 0));
	ck_assert_int_eq(errno, EBUSY);
	nvt_pcie_close(pcie);
	unbind_now();
}
END_TEST

static void stock_must(const char *format, const char *argument)
{
	char command[256], out[4096];

	snprintf(command, sizeof(command), format, argument);
	ck_assert_msg(stock_run(out, sizeof(out), "%s 2>&1", command) == 0, "%s: %s", command, out);
}

START_TEST(a_mounted_device_is_refused_and_untouched)
{
	char dir[] = "/run/tmp/mntXXXXXX";
	struct stat st;
	FILE *file;
	char path[64];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	stock_must("mkfs.ext4 -q -F %s 64M", stock_block());
	ck_assert_int_eq(mount(stock_block(), dir, "ext4", 0, NULL), 0);
	snprintf(path, sizeof(path), "%s/file", dir);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(nvt_pcie_bind(bare_addr()), -EBUSY);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "is mounted on"));
	ck_assert_ptr_nonnull(strstr(nvt_error(), dir));
	ck_assert_int_gt(fprintf(file, "still here"), 0);
	ck_assert_int_eq(fclose(file), 0);
	sync();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, 10);
	ck_assert_int_eq(umount(dir), 0);
	bind_now();
	unbind_now();
	ck_assert_int_eq(mount(stock_block(), dir, "ext4", 0, NULL), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(umount(dir), 0);
	rmdir(dir);
}
END_TEST

START_TEST(a_device_in_exclusive_use_is_refused)
{
	int fd = open(stock_block(), O_RDONLY | O_EXCL);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(nvt_pcie_bind(bare_addr()), -EBUSY);
	close(fd);
	bind_now();
	unbind_now();
}
END_TEST

START_TEST(bad_addresses_are_refused)
{
	static const struct { const char *addr; int error; } bad[] = {
		{ "", -EINVAL }, { "nonsense", -EINVAL }, { "0000:01:00", -EINVAL },
		{ "0000:01:00.8", -EINVAL }, { "0000:7f:1f.7", -ENOENT }, { "7f:00.0", -ENOENT },
		{ "../../0000:01:00.0", -EINVAL },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(nvt_pcie_bind(bad[i].addr) == bad[i].error, "%s", bad[i].addr);
		ck_assert_msg(nvt_pcie_unbind(bad[i].addr) == bad[i].error, "%s", bad[i].addr);
		ck_assert_ptr_null(nvt_pcie_open(bad[i].addr, 0));
		ck_assert_int_eq(-errno, bad[i].error);
		ck_assert_uint_gt(strlen(nvt_error()), 0);
	}
	ck_assert_ptr_null(nvt_pcie_open(bare_addr(), 0));
	ck_assert_int_eq(errno, ENXIO);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "nvt bind"));
}
END_TEST

Suite *handover_suite(void)
{
	const TTest *const tests[] = {
		identify_data_equals_nvme_clis, config_space_equals_lspcis,
		config_space_comes_back_as_it_was, binding_twice_is_refused,
		an_owned_device_is_not_unbound, a_mounted_device_is_refused_and_untouched,
		a_device_in_exclusive_use_is_refused, bad_addresses_are_refused,
	};
	Suite *suite = suite_create("handover");
	TCase *tcase = tcase_create("stock driver");
	size_t i;

	tcase_set_timeout(tcase, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, what_we_write_the_stock_driver_reads, 0, 2);
	tcase_add_loop_test(tcase, what_the_stock_driver_writes_we_read, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
