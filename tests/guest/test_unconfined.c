/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A host without an IOMMU: what is refused, and what the administrator can allow. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nvt/nvt.h>

#include "bare.h"
#include "session.h"
#include "suites.h"

static void set_unsafe_dma(const char *value)
{
	int fd = open("/sys/module/nvt/parameters/unsafe_dma", O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, value, 1), 1);
	close(fd);
}

static bool tainted_by_user(void)
{
	FILE *file = fopen("/proc/sys/kernel/tainted", "r");
	unsigned long taint = 0;

	ck_assert_int_eq(fscanf(file, "%lu", &taint), 1);
	fclose(file);
	return taint & 1 << 6;
}

START_TEST(an_unconfined_device_is_not_owned)
{
	ck_assert_int_eq(bare_open(O_RDWR), -EACCES);
	ck_assert_ptr_null(nvt_ctrl_open(bare_addr(), NULL));
	ck_assert_int_eq(errno, EACCES);
	ck_assert_ptr_nonnull(strstr(nvt_error(), "IOMMU"));
	ck_assert_ptr_nonnull(strstr(nvt_error(), "unsafe_dma=1"));
	ck_assert(!tainted_by_user());
}
END_TEST

START_TEST(it_can_be_observed)
{
	struct nvt_device_info info = { .size = sizeof(info) };
	int fd = bare_open(O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bare_ioctl(fd, NVT_IOC_DEVICE_INFO, &info), 0);
	ck_assert_uint_eq(info.iommu, NVT_IOMMU_NONE);
}
END_TEST

START_TEST(unsafe_dma_allows_it_and_taints)
{
	struct session s;

	set_unsafe_dma("1");
	session_open(&s, NVT_BACKEND_RAW);
	ck_assert_int_eq(nvt_ns_read(s.ns, s.qp, s.buf, 0, 0, 8, 0), 0);
	session_close(&s);
	ck_assert(tainted_by_user());
	set_unsafe_dma("0");
	ck_assert_int_eq(bare_open(O_RDWR), -EACCES);
}
END_TEST

/* One block of the host's memory: no larger than its allocator has them. */
START_TEST(trap_8_contiguous_memory_ends_at_4_mib)
{
	uint64_t bus[2048];
	struct nvt_buffer_create create = {
		.size = sizeof(create), .kind = NVT_BUFFER_CONTIGUOUS, .length = 8 << 20,
		.bus_addrs = (uintptr_t)bus,
	};
	struct bare_buffer buf;
	struct bare b;
	size_t i;

	set_unsafe_dma("1");
	bare_own(&b);
	ck_assert_int_eq(bare_ioctl(b.fd, NVT_IOC_BUFFER_CREATE, &create), -ENOMEM);
	bare_buffer_create(&b, &buf, NVT_BUFFER_CONTIGUOUS, 1 << 20);
	for (i = 1; i < buf.length / BARE_PAGE; i++)
		ck_assert_uint_eq(buf.bus[i], buf.bus[0] + i * BARE_PAGE);
	set_unsafe_dma("0");
}
END_TEST

Suite *unconfined_suite(void)
{
	Suite *suite = suite_create("unconfined");
	TCase *tcase = tcase_create("no IOMMU");

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, an_unconfined_device_is_not_owned);
	tcase_add_test(tcase, it_can_be_observed);
	tcase_add_test(tcase, unsafe_dma_allows_it_and_taints);
	tcase_add_test(tcase, trap_8_contiguous_memory_ends_at_4_mib);
	suite_add_tcase(suite, tcase);
	return suite;
}
