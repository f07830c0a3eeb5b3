/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* The driver's contract, ioctl by ioctl. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "suites.h"

START_TEST(struct_sizes_are_checked)
{
	struct {
		struct nvt_device_info info;
		uint64_t tail;
	} big = { .info.size = sizeof(big) };
	int fd = bare_open(O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_DEVICE_INFO, &big), 0);
	big.info = (struct nvt_device_info) { .size = sizeof(big) };
	big.tail = 1;
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_DEVICE_INFO, &big), -E2BIG);
	big.info.size = 4;
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_DEVICE_INFO, &big), -EINVAL);
	big.info.size = 0;
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_DEVICE_INFO, &big), -EINVAL);
	big.info = (struct nvt_device_info) { .size = sizeof(big.info), .flags = 1 };
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_DEVICE_INFO, &big), -EINVAL);
}
END_TEST

START_TEST(a_small_struct_is_filled_up_with_zeros)
{
	struct nvt_device_info info = { .size = 16, .bus = 0x5a };
	int fd = bare_open(O_RDONLY);

	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_DEVICE_INFO, &info), 0);
	ck_assert_uint_eq(info.abi_version, NVT_ABI_VERSION);
	ck_assert_uint_eq(info.bus, 0x5a);	/* past what we said we have */
}
END_TEST

START_TEST(bad_ioctls_are_refused)
{
	int fd = bare_open(O_RDWR);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bare_ioctl(fd, _IOWR(NVT_IOC_MAGIC, 0x7f, int), &fd), -ENOTTY);
	ck_assert_int_eq(bare_ioctl(fd, _IOW('x', 0, struct nvt_device_info), &fd), -ENOTTY);
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_DEVICE_INFO, (void *)8), -EFAULT);
}
END_TEST

START_TEST(one_owner_and_many_observers)
{
	int owner = bare_open(O_RDWR);
	int a = bare_open(O_RDONLY), b = bare_open(O_RDONLY);

	ck_assert_int_ge(owner, 0);
	ck_assert_int_ge(a, 0);
	ck_assert_int_ge(b, 0);
	ck_assert_int_eq(bare_open(O_RDWR), -EBUSY);
	ck_assert_uint_eq(bare_reg_read(a, 0, 8), bare_reg_read(owner, 0, 8));
	close(owner);
	owner = bare_open(O_RDWR);
	ck_assert_int_ge(owner, 0);
}
END_TEST

START_TEST(observers_change_nothing)
{
	struct nvt_reg_access reg = {
		.size = sizeof(reg), .flags = NVT_ACCESS_WRITE, .width = 4, .offset = 0x14,
	};
	struct nvt_config_access config = {
		.size = sizeof(config), .flags = NVT_ACCESS_WRITE, .width = 4, .offset = 0x3c,
	};
	struct nvt_reset reset = { .size = sizeof(reset) };
	struct nvt_release release = { .size = sizeof(release) };
	struct bare b = { .fd = bare_open(O_RDONLY) };
	struct bare_buffer buf;
	struct nvt_buffer_create create = {
		.size = sizeof(create), .length = BARE_PAGE, .bus_addrs = (uintptr_t)buf.bus,
	};

	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_REG_ACCESS, &reg), -EBADF);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_CONFIG_ACCESS, &config), -EBADF);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create), -EBADF);
	ck_assert_int_eq(bare_vectors(&b, NVT_VECTOR_MSIX, 1), -EBADF);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_RESET, &reset), -EBADF);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_RELEASE, &release), -EBADF);
	ck_assert_ptr_eq(mmap(NULL, BARE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd, 0),
			 MAP_FAILED);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_ptr_ne(mmap(NULL, BARE_PAGE, PROT_READ, MAP_SHARED, b.fd, 0), MAP_FAILED);
}
END_TEST

START_TEST(a_released_file_observes)
{
	struct nvt_release release = { .size = sizeof(release) };
	struct bare b;
	int next;

	bare_start(&b, 0);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_RELEASE, &release), 0);
	next = bare_open(O_RDWR);
	ck_assert_int_ge(next, 0);
	ck_assert_uint_eq(bare_reg_read(b.fd, 0x1c, 4) & 1, 0);
	ck_assert_uint_ne(bare_reg_read(b.fd, 0, 8), UINT64_MAX);
	ck_assert_int_eq(bare_vectors(&b, NVT_VECTOR_MSIX, 1), -EBADF);
	/* What it had mapped for writing is no longer the device. */
	ck_assert_uint_eq(*(volatile uint64_t *)b.bar, UINT64_MAX);
	bare_reg_write(next, 0x24, 4, 0x000f000f);
	*(volatile uint32_t *)(b.bar + 0x24) = 0x001f001f;
	ck_assert_uint_eq(bare_reg_read(next, 0x24, 4), 0x000f000f);
}
END_TEST

START_TEST(registers_by_ioctl_and_mapping_agree)
{
	struct bare b;
	uint64_t cap;

	bare_own(&b);
	cap = bare_reg_read(b.fd, 0, 8);
	ck_assert_uint_ne(cap, 0);
	ck_assert_uint_eq((uint32_t)cap, bare_reg_read(b.fd, 0, 4));
	ck_assert_uint_eq(cap >> 32, bare_reg_read(b.fd, 4, 4));
	ck_assert_uint_eq(cap, *(volatile uint64_t *)b.bar);
	bare_reg_write(b.fd, 0x24, 4, 0x000f000f);
	ck_assert_uint_eq(*(volatile uint32_t *)(b.bar + 0x24), 0x000f000f);
	*(volatile uint32_t *)(b.bar + 0x24) = 0x001f001f;
	ck_assert_uint_eq(bare_reg_read(b.fd, 0x24, 4), 0x001f001f);
}
END_TEST

START_TEST(bad_register_accesses_are_refused)
{
	static const struct { uint32_t bar, width; uint64_t offset; } bad[] = {
		{ 0, 3, 0 }, { 0, 16, 0 }, { 0, 0, 0 }, { 0, 4, 2 }, { 0, 8, 4 },
		{ 0, 4, 1ull << 40 }, { 0, 4, UINT64_MAX - 3 }, { 1, 4, 0 }, { 6, 4, 0 },
		{ 0xffffffff, 4, 0 },
	};
	int fd = bare_open(O_RDWR);
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct nvt_reg_access reg = {
			.size = sizeof(reg), .bar = bad[i].bar, .width = bad[i].width,
			.offset = bad[i].offset,
		};

		ck_assert_msg(bare_ioctl(fd, NVT_IOC_REG_ACCESS, &reg) == -EINVAL, "entry %zu", i);
	}
}
END_TEST

START_TEST(config_space_is_what_sysfs_shows)
{
	uint8_t ours[4096], theirs[4096];
	struct nvt_config_access config = { .size = sizeof(config), .width = 1 };
	int fd = bare_open(O_RDONLY), sysfs;
	char path[80];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bare_addr());
	sysfs = open(path, O_RDONLY);
	n = read(sysfs, theirs, sizeof(theirs));
	ck_assert_int_eq(n, 4096);
	for (config.offset = 0; config.offset < 4096; config.offset++) {
		ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_CONFIG_ACCESS, &config), 0);
		ours[config.offset] = config.value;
	}
	ck_assert_mem_eq(ours, theirs, sizeof(ours));
	config.offset = 4096;
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_CONFIG_ACCESS, &config), -EINVAL);
	config = (struct nvt_config_access) { .size = sizeof(config), .width = 4, .offset = 2 };
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_CONFIG_ACCESS, &config), -EINVAL);
}
END_TEST

START_TEST(config_writes_reach_the_device)
{
	struct nvt_config_access config = {
		.size = sizeof(config), .flags = NVT_ACCESS_WRITE, .width = 1, .offset = 0x3c,
		.value = 0x5a,
	};
	int fd = bare_open(O_RDWR), sysfs;
	char path[80];
	uint8_t line;

	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_CONFIG_ACCESS, &config), 0);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bare_addr());
	sysfs = open(path, O_RDONLY);
	ck_assert_int_eq(pread(sysfs, &line, 1, 0x3c), 1);
	ck_assert_uint_eq(line, 0x5a);
}
END_TEST

START_TEST(contiguous_buffers_are_contiguous_and_zeroed)
{
	static const uint8_t zeros[BARE_PAGE];
	struct bare_buffer buf;
	struct bare b;
	size_t i;

	bare_own(&b);
	bare_buffer_create(&b, &buf, NVT_BUFFER_CONTIGUOUS, 4 << 20);
	for (i = 0; i < buf.length / BARE_PAGE; i++) {
		ck_assert_uint_eq(buf.bus[i], buf.bus[0] + i * BARE_PAGE);
		ck_assert_mem_eq((char *)buf.data + i * BARE_PAGE, zeros, BARE_PAGE);
	}
}
END_TEST

START_TEST(page_buffers_are_scattered)
{
	struct bare_buffer buf;
	size_t i, runs = 0;
	struct bare b;

	bare_own(&b);
	bare_buffer_create(&b, &buf, NVT_BUFFER_PAGES, 256 * BARE_PAGE);
	for (i = 0; i + 1 < 256; i++) {
		ck_assert_uint_eq(buf.bus[i] % BARE_PAGE, 0);
		runs += buf.bus[i + 1] == buf.bus[i] + BARE_PAGE;
	}
	ck_assert_uint_lt(runs, 16);
}
END_TEST

START_TEST(bad_buffers_are_refused)
{
	uint64_t bus[1];
	struct nvt_buffer_create create = { .size = sizeof(create), .bus_addrs = (uintptr_t)bus };
	struct bare b;

	bare_own(&b);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create), -EINVAL);
	create.length = 100;
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create), -EINVAL);
	create.length = 2ull << 30;
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create), -EINVAL);
	create.length = BARE_PAGE;
	create.kind = 9;
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create), -EINVAL);
	create.kind = NVT_BUFFER_CONTIGUOUS;
	create.bus_addrs = 8;
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create), -EFAULT);
}
END_TEST

START_TEST(a_destroyed_buffer_reads_as_ones)
{
	struct bare_buffer buf;
	struct bare b;

	bare_own(&b);
	bare_buffer_create(&b, &buf, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	memset(buf.data, 0x11, BARE_PAGE);
	ck_assert_int_eq(bare_buffer_destroy(&b, &buf), 0);
	ck_assert_uint_eq(*(volatile uint64_t *)buf.data, UINT64_MAX);
	ck_assert_int_eq(bare_buffer_destroy(&b, &buf), -ENOENT);
}
END_TEST

static size_t available_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	size_t kib = 0;
	char line[128];

	while (!kib && fgets(line, sizeof(line), file))
		sscanf(line, "MemAvailable: %zu", &kib);
	fclose(file);
	ck_assert_uint_gt(kib, 0);
	return kib << 10;
}

/* A process that holds memory, and goes first when there is none: each page of a buffer is mapped for the device. */
static pid_t hold_memory(size_t length)
{
	int ready[2];
	pid_t child;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (!child) {
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);
		bool held = write(fd, "1000", 4) == 4 &&
			    mmap(NULL, length, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED;

		_exit(write(ready[1], "", held) == held && !pause());
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

START_TEST(buffers_without_end_end_in_an_error)
{
	const size_t left = 64 << 20, length = 8 << 20, before = available_memory();
	uint64_t bus[length / BARE_PAGE];
	struct nvt_buffer_create create = {
		.size = sizeof(create), .kind = NVT_BUFFER_PAGES, .length = length,
		.bus_addrs = (uintptr_t)bus,
	};
	struct nvt_release release = { .size = sizeof(release) };
	struct bare b;
	pid_t holder;
	int i, ret = 0;

	ck_assert_uint_gt(before, left);
	bare_own(&b);
	holder = hold_memory(before - left);
	for (i = 0; i < 1000 && !ret; i++)
		ret = bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create);
	kill(holder, SIGKILL);
	ck_assert_int_eq(waitpid(holder, NULL, 0), holder);
	ck_assert_int_eq(ret, -ENOMEM);
	ck_assert_int_gt(i, 2);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_RELEASE, &release), 0);
	ck_assert_uint_gt(available_memory(), before - left / 2);
	bare_own(&b);
	create.length = BARE_PAGE;
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create), 0);
}
END_TEST

START_TEST(vectors_come_in_each_type)
{
	struct nvt_device_info info = { .size = sizeof(info) };
	struct bare b;

	bare_own(&b);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_DEVICE_INFO, &info), 0);
	ck_assert_uint_gt(info.max_msix, 1);
	ck_assert_int_eq(bare_vectors(&b, NVT_VECTOR_MSIX, 2), 2);
	ck_assert_uint_eq(b.status->nr_vectors, 2);
	ck_assert_int_eq(bare_vectors(&b, NVT_VECTOR_INTX, 4), 1);
	ck_assert_int_eq(bare_vectors(&b, NVT_VECTOR_MSI, 1), info.max_msi ? 1 : -EOPNOTSUPP);
	ck_assert_int_eq(bare_vectors(&b, NVT_VECTOR_MSIX, 0), -EINVAL);
	ck_assert_int_eq(bare_vectors(&b, 17, 1), -EINVAL);
	ck_assert_int_eq(bare_vectors(&b, NVT_VECTOR_NONE, 0), 0);
	ck_assert_uint_eq(b.status->nr_vectors, 0);
	ck_assert_int_gt(bare_vectors(&b, NVT_VECTOR_MSIX, 100000), 1);
}
END_TEST

START_TEST(the_status_page_is_read_only)
{
	struct bare b;

	bare_own(&b);
	ck_assert_ptr_eq(mmap(NULL, BARE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, b.fd,
			      NVT_MMAP_STATUS), MAP_FAILED);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_eq(mprotect((void *)b.status, BARE_PAGE, PROT_READ | PROT_WRITE), -1);
	ck_assert_ptr_eq(mmap(NULL, BARE_PAGE, PROT_READ, MAP_PRIVATE, b.fd, 0), MAP_FAILED);
}
END_TEST

Suite *uapi_suite(void)
{
	const TTest *const tests[] = {
		struct_sizes_are_checked, a_small_struct_is_filled_up_with_zeros,
		bad_ioctls_are_refused, one_owner_and_many_observers, observers_change_nothing,
		a_released_file_observes, registers_by_ioctl_and_mapping_agree,
		bad_register_accesses_are_refused, config_space_is_what_sysfs_shows,
		config_writes_reach_the_device, contiguous_buffers_are_contiguous_and_zeroed,
		page_buffers_are_scattered, bad_buffers_are_refused,
		a_destroyed_buffer_reads_as_ones, buffers_without_end_end_in_an_error,
		vectors_come_in_each_type, the_status_page_is_read_only,
	};
	Suite *suite = suite_create("uapi");
	TCase *tcase = tcase_create("contract");
	size_t i;

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 30);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}
