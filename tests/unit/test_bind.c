// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Binding, on a /sys, /proc and /dev of files in a folder: what is refused,
 * what is written, what is put back. Nothing there reacts to a write.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nvt/error.h>
#include <nvt/pcie.h>

#include "host.h"
#include "suites.h"

#define BDF	"0000:01:00.0"
#define DEVICE	"sys/bus/pci/devices/" BDF

static char root[64];
static char sys[80], proc[80], dev[80];
static struct nvt_host host = { .sys = sys, .proc = proc, .dev = dev };

/* A path below the root; its folders are made. */
static const char *at(const char *path)
{
	static char full[PATH_MAX];
	char *slash;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	return full;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(at(path), "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

static const char *get(const char *path)
{
	static char text[256];

	ck_assert_int_eq(nvt_host_read(at(path), text, sizeof(text)), 0);
	return text;
}

static void link_to(const char *path, const char *target)
{
	unlink(at(path));
	ck_assert_int_eq(symlink(target, at(path)), 0);
}

/* A block device that is below the function, as the class folder shows it. */
static void put_block(const char *name, const char *folder, const char *number)
{
	char path[256], target[256];

	snprintf(path, sizeof(path), "sys/%s/dev", folder);
	put(path, number);
	snprintf(path, sizeof(path), "sys/class/block/%s", name);
	snprintf(target, sizeof(target), "../../%s", folder);
	link_to(path, target);
	snprintf(path, sizeof(path), "dev/%s", name);
	put(path, "");
}

static void make_host(void)
{
	strcpy(root, "/tmp/nvt-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(sys, sizeof(sys), "%s/sys", root);
	snprintf(proc, sizeof(proc), "%s/proc", root);
	snprintf(dev, sizeof(dev), "%s/dev", root);
	put("sys/bus/pci/drivers_probe", "");
	put("sys/bus/pci/drivers/nvme/bind", "");
	put("sys/bus/pci/drivers/nvme/unbind", "");
	put("sys/bus/pci/drivers/nvt/bind", "");
	put("sys/bus/pci/drivers/nvt/unbind", "");
	put("sys/devices/pci0000:00/" BDF "/driver_override", "(null)");
	put("sys/devices/pci0000:00/" BDF "/class", "0x010802\n");
	put("sys/devices/pci0000:00/" BDF "/vendor", "0x1b36\n");
	put("sys/devices/pci0000:00/" BDF "/device", "0x0010\n");
	link_to(DEVICE, "../../../devices/pci0000:00/" BDF);
	link_to(DEVICE "/driver", "../../../bus/pci/drivers/nvme");
	put(DEVICE "/nvme/nvme0/model", "QEMU NVMe Ctrl        \n");
	put(DEVICE "/nvme/nvme0/serial", "NVT0\n");
	put_block("nvme0n1", "devices/pci0000:00/" BDF "/nvme/nvme0/nvme0n1", "259:0\n");
	put("proc/self/mountinfo", "21 1 0:5 / /proc rw - proc proc rw\n");
	put("proc/swaps", "Filename Type Size Used Priority\n");
	link_to("proc/self/ns/mnt", "mnt:[1]");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void remove_host(void)
{
	nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void assert_untouched(void)
{
	ck_assert_str_eq(get("sys/bus/pci/drivers/nvme/unbind"), "");
	ck_assert_str_eq(get("sys/bus/pci/drivers/nvt/bind"), "");
	ck_assert_str_eq(get(DEVICE "/driver_override"), "(null)");
}

static void assert_refused(const char *text)
{
	ck_assert_int_eq(nvt_host_bind(&host, BDF), -EBUSY);
	ck_assert_str_eq(nvt_error(), text);
	assert_untouched();
}

struct address {
	const char *given, *bdf;
};

static const struct address addresses[] = {
	{ "0000:01:00.0", "0000:01:00.0" },
	{ "01:00.0", "0000:01:00.0" },
	{ "10000:e1:1f.7", "10000:e1:1f.7" },
	{ "a0:00.1", "0000:a0:00.1" },
	{ "01:00", NULL },
	{ "", NULL },
	{ "nvme0", NULL },
	{ "0000:01:00.8", NULL },
	{ "0000:01:20.0", NULL },
	{ "0000:01:00.0x", NULL },
	{ "0000:01:00.0/..", NULL },
	{ NULL, NULL },
};

START_TEST(addresses_are_parsed)
{
	char bdf[NVT_BDF_LEN];

	if (!addresses[_i].bdf) {
		ck_assert_int_eq(nvt_host_parse_bdf(addresses[_i].given, bdf), -EINVAL);
		ck_assert_ptr_nonnull(strstr(nvt_error(), "looks like 0000:01:00.0"));
		return;
	}
	ck_assert_int_eq(nvt_host_parse_bdf(addresses[_i].given, bdf), 0);
	ck_assert_str_eq(bdf, addresses[_i].bdf);
}
END_TEST

START_TEST(bind_moves_the_function)
{
	ck_assert_msg(!nvt_host_bind(&host, "01:00.0"), "%s", nvt_error());
	ck_assert_str_eq(get(DEVICE "/driver_override"), "nvt");
	ck_assert_str_eq(get("sys/bus/pci/drivers/nvme/unbind"), BDF);
	ck_assert_str_eq(get("sys/bus/pci/drivers/nvt/bind"), BDF);
}
END_TEST

START_TEST(bind_of_a_function_without_driver_needs_no_unbind)
{
	unlink(at(DEVICE "/driver"));
	ck_assert_int_eq(nvt_host_bind(&host, BDF), 0);
	ck_assert_str_eq(get("sys/bus/pci/drivers/nvme/unbind"), "");
	ck_assert_str_eq(get("sys/bus/pci/drivers/nvt/bind"), BDF);
}
END_TEST

START_TEST(failed_bind_puts_all_back)
{
	unlink(at("sys/bus/pci/drivers/nvt/bind"));
	ck_assert_int_eq(nvt_host_bind(&host, BDF), -ENOENT);
	ck_assert_str_eq(get(DEVICE "/driver_override"), "");
	ck_assert_str_eq(get("sys/bus/pci/drivers/nvme/bind"), BDF);
}
END_TEST

START_TEST(bind_twice_says_so)
{
	link_to(DEVICE "/driver", "../../../bus/pci/drivers/nvt");
	ck_assert_int_eq(nvt_host_bind(&host, BDF), -EALREADY);
	ck_assert_str_eq(nvt_error(), BDF ": bind: bound to nvt already");
}
END_TEST

START_TEST(missing_driver_is_named)
{
	unlink(at("sys/bus/pci/drivers/nvt/bind"));
	unlink(at("sys/bus/pci/drivers/nvt/unbind"));
	rmdir(at("sys/bus/pci/drivers/nvt"));
	ck_assert_int_eq(nvt_host_bind(&host, BDF), -ENOSYS);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "modprobe nvt"));
}
END_TEST

START_TEST(missing_function_is_named)
{
	ck_assert_int_eq(nvt_host_bind(&host, "0000:02:00.0"), -ENOENT);
	ck_assert_int_eq(nvt_host_unbind(&host, "0000:02:00.0"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "0000:02:00.0: unbind: no such PCI function"));
}
END_TEST

START_TEST(mounted_device_is_refused)
{
	put("proc/self/mountinfo", "21 1 0:5 / /proc rw - proc proc rw\n"
	    "30 21 259:0 / /mnt rw,relatime shared:1 - ext4 /dev/root rw\n");
	assert_refused(BDF ": bind: nvme0n1 is mounted on /mnt; unmount it first");
}
END_TEST

START_TEST(mounted_partition_is_refused)
{
	put_block("nvme0n1p2", "devices/pci0000:00/" BDF "/nvme/nvme0/nvme0n1/nvme0n1p2",
		  "259:2\n");
	put("proc/self/mountinfo", "30 21 259:2 / /home rw - ext4 /dev/nvme0n1p2 rw\n");
	assert_refused(BDF ": bind: nvme0n1p2 is mounted on /home; unmount it first");
}
END_TEST

START_TEST(mount_by_another_device_number_is_refused)
{
	char line[256];

	snprintf(line, sizeof(line), "30 21 0:40 / /data rw - btrfs %s/nvme0n1 rw\n", dev);
	put("proc/self/mountinfo", line);
	assert_refused(BDF ": bind: nvme0n1 is mounted on /data; unmount it first");
}
END_TEST

START_TEST(mount_in_a_container_is_refused)
{
	link_to("proc/42/ns/mnt", "mnt:[2]");
	put("proc/42/mountinfo", "30 21 259:0 / /volume rw - xfs /dev/x rw\n");
	assert_refused(BDF ": bind: nvme0n1 is mounted on /volume; unmount it first");
}
END_TEST

START_TEST(mount_of_a_multipath_head_is_refused)
{
	unlink(at("sys/class/block/nvme0n1"));
	put_block("nvme3c0n1", "devices/pci0000:00/" BDF "/nvme/nvme0/nvme3c0n1", "259:7\n");
	put_block("nvme3n1", "devices/virtual/nvme-subsystem/nvme-subsys3/nvme3n1", "259:1\n");
	put_block("nvme3n1p1", "devices/virtual/nvme-subsystem/nvme-subsys3/nvme3n1/nvme3n1p1",
		  "259:2\n");
	put("sys/devices/virtual/nvme-subsystem/nvme-subsys3/nvme3n1/nvme3n1p1/partition", "1\n");
	put("proc/self/mountinfo", "30 21 259:2 / /mnt rw - ext4 /dev/nvme3n1p1 rw\n");
	assert_refused(BDF ": bind: nvme3n1p1 is mounted on /mnt; unmount it first");
}
END_TEST

START_TEST(mount_of_another_device_is_none_of_ours)
{
	put_block("nvme1n1", "devices/pci0000:00/0000:02:00.0/nvme/nvme1/nvme1n1", "259:9\n");
	put("proc/self/mountinfo", "30 21 259:9 / /mnt rw - ext4 /dev/nvme1n1 rw\n");
	ck_assert_int_eq(nvt_host_bind(&host, BDF), 0);
}
END_TEST

START_TEST(swap_is_refused)
{
	char line[256], text[256];

	snprintf(line, sizeof(line), "Filename Type\n%s/nvme0n1 partition 1 0 -2\n", dev);
	put("proc/swaps", line);
	snprintf(text, sizeof(text), BDF ": bind: nvme0n1 is swap; run 'swapoff %s/nvme0n1' first",
		 dev);
	assert_refused(text);
}
END_TEST

START_TEST(holder_is_named)
{
	put("sys/class/block/nvme0n1/holders/dm-0", "");
	assert_refused(BDF ": bind: nvme0n1 is held by dm-0; stop that first");
}
END_TEST

START_TEST(unbind_gives_it_back)
{
	link_to(DEVICE "/driver", "../../../bus/pci/drivers/nvt");
	put(DEVICE "/driver_override", "nvt");
	ck_assert_msg(!nvt_host_unbind(&host, BDF), "%s", nvt_error());
	ck_assert_str_eq(get(DEVICE "/driver_override"), "");
	ck_assert_str_eq(get("sys/bus/pci/drivers/nvt/unbind"), BDF);
	ck_assert_str_eq(get("sys/bus/pci/drivers_probe"), BDF);
}
END_TEST

START_TEST(unbind_of_what_is_not_bound_is_refused)
{
	ck_assert_int_eq(nvt_host_unbind(&host, BDF), -ENXIO);
	ck_assert_str_eq(nvt_error(), BDF ": unbind: not bound to nvt (driver nvme)");
}
END_TEST

static void put_opener(const char *flags)
{
	char node[128];

	link_to(DEVICE "/driver", "../../../bus/pci/drivers/nvt");
	put(DEVICE "/nvt/nvt0/dev", "243:0\n");
	snprintf(node, sizeof(node), "%s/nvt0", dev);
	link_to("proc/77/fd/3", node);
	put("proc/77/fdinfo/3", flags);
	put("proc/77/comm", "worker\n");
}

START_TEST(unbind_names_the_owner)
{
	put_opener("pos:\t0\nflags:\t02100002\nmnt_id:\t1\n");
	ck_assert_int_eq(nvt_host_unbind(&host, BDF), -EBUSY);
	ck_assert_str_eq(nvt_error(),
			 BDF ": unbind: owned by another process (worker, pid 77); end it first");
	ck_assert_str_eq(get("sys/bus/pci/drivers/nvt/unbind"), "");
}
END_TEST

START_TEST(observer_does_not_hinder_unbind)
{
	put_opener("pos:\t0\nflags:\t02100000\nmnt_id:\t1\n");
	ck_assert_int_eq(nvt_host_unbind(&host, BDF), 0);
}
END_TEST

START_TEST(list_shows_nvme_functions_and_ours)
{
	struct nvt_pcie_entry *list;

	put("sys/bus/pci/devices/0000:00:1f.0/class", "0x060100\n");
	put("sys/bus/pci/devices/0000:03:00.0/class", "0x020000\n");
	link_to("sys/bus/pci/devices/0000:03:00.0/driver", "../../drivers/nvt");
	put("sys/bus/pci/devices/0000:03:00.0/nvt/nvt2/dev", "243:2\n");
	put("proc/self/mountinfo", "30 21 259:0 / /mnt rw - ext4 /dev/nvme0n1 rw\n");
	ck_assert_int_eq(nvt_host_list(&host, &list), 2);
	ck_assert_str_eq(list[0].addr, BDF);
	ck_assert_str_eq(list[0].driver, "nvme");
	ck_assert_str_eq(list[0].model, "QEMU NVMe Ctrl");
	ck_assert_str_eq(list[0].serial, "NVT0");
	ck_assert_str_eq(list[0].block, "nvme0n1");
	ck_assert_str_eq(list[0].in_use, "nvme0n1 is mounted on /mnt; unmount it first");
	ck_assert_int_eq(list[0].minor, -1);
	ck_assert_uint_eq(list[0].vendor, 0x1b36);
	ck_assert_uint_eq(list[0].class_code, 0x010802);
	ck_assert_str_eq(list[1].addr, "0000:03:00.0");
	ck_assert_str_eq(list[1].driver, "nvt");
	ck_assert_int_eq(list[1].minor, 2);
	free(list);
}
END_TEST

Suite *bind_suite(void)
{
	Suite *suite = suite_create("bind");
	TCase *tc = tcase_create("bind");

	tcase_add_checked_fixture(tc, make_host, remove_host);
	tcase_add_loop_test(tc, addresses_are_parsed, 0, sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_test(tc, bind_moves_the_function);
	tcase_add_test(tc, bind_of_a_function_without_driver_needs_no_unbind);
	tcase_add_test(tc, failed_bind_puts_all_back);
	tcase_add_test(tc, bind_twice_says_so);
	tcase_add_test(tc, missing_driver_is_named);
	tcase_add_test(tc, missing_function_is_named);
	tcase_add_test(tc, mounted_device_is_refused);
	tcase_add_test(tc, mounted_partition_is_refused);
	tcase_add_test(tc, mount_by_another_device_number_is_refused);
	tcase_add_test(tc, mount_in_a_container_is_refused);
	tcase_add_test(tc, mount_of_a_multipath_head_is_refused);
	tcase_add_test(tc, mount_of_another_device_is_none_of_ours);
	tcase_add_test(tc, swap_is_refused);
	tcase_add_test(tc, holder_is_named);
	tcase_add_test(tc, unbind_gives_it_back);
	tcase_add_test(tc, unbind_of_what_is_not_bound_is_refused);
	tcase_add_test(tc, unbind_names_the_owner);
	tcase_add_test(tc, observer_does_not_hinder_unbind);
	tcase_add_test(tc, list_shows_nvme_functions_and_ours);
	suite_add_tcase(suite, tc);
	return suite;
}
