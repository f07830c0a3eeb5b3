// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Handing a PCI function to nvt.ko and back: driver_override and nothing else,
 * so no other function is ever taken. Documentation/ABI/testing/sysfs-bus-pci.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nvt/pcie.h>

#include "access/access.h"
#include "clock.h"
#include "err.h"
#include "host.h"

#define SETTLE_MS	10000	/* a slow drive takes so long to become ready */

/* Writes @text to file @attr of the function; 0 or a negative errno, no text. */
static int write_attr(const struct nvt_host *host, const char *bdf, const char *attr,
		      const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", host->sys, bdf, attr);
	return nvt_host_write(path, text);
}

static int write_driver(const struct nvt_host *host, const char *driver, const char *attr,
			const char *bdf)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/drivers/%s/%s", host->sys, driver, attr);
	return nvt_host_write(path, bdf);
}

static int probe_any(const struct nvt_host *host, const char *bdf)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/drivers_probe", host->sys);
	return nvt_host_write(path, bdf);
}

static bool driver_is_loaded(const struct nvt_host *host)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/drivers/" NVT_DRIVER, host->sys);
	return !access(path, F_OK);
}

/* The operation's own words for an errno of sysfs. */
static int fail_sysfs(int err, const char *bdf, const char *op, const char *what)
{
	if (err == -EACCES || err == -EPERM)
		return nvt_fail(-EPERM, "%s: %s: no permission; run it as root", bdf, op);
	return nvt_fail(err, "%s: %s: %s: %s; see dmesg", bdf, op, what, strerror(-err));
}

static int find_function(const struct nvt_host *host, const char *addr, const char *op,
			 char bdf[NVT_BDF_LEN])
{
	char path[PATH_MAX];
	int err;

	if (nvt_vfio_user_is(addr))
		return nvt_fail(-EINVAL, "%s: %s: a socket has no driver to be taken from or given "
				"to; open it as it is", addr, op);
	err = nvt_host_parse_bdf(addr, bdf);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", host->sys, bdf);
	if (access(path, F_OK))
		return nvt_fail(-ENOENT, "%s: %s: no such PCI function; 'lspci -D' lists them", bdf,
				op);
	return 0;
}

static void run_modprobe(void)
{
	pid_t pid = fork();

	if (!pid) {
		execlp("modprobe", "modprobe", "-q", NVT_DRIVER, NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int load_driver(const struct nvt_host *host, const char *bdf)
{
	if (!driver_is_loaded(host) && host == &nvt_this_host)
		run_modprobe();
	if (driver_is_loaded(host))
		return 0;
	return nvt_fail(-ENOSYS, "%s: bind: the driver is not loaded; load it first: 'modprobe nvt', "
			"or insmod of the nvt.ko that was built for this kernel", bdf);
}

/* Moves the function; on failure puts everything back as it was. */
static int take(const struct nvt_host *host, const char *bdf, const char *driver)
{
	int err;

	err = write_attr(host, bdf, "driver_override", NVT_DRIVER);
	if (err)
		return fail_sysfs(err, bdf, "bind", "driver_override");
	if (driver[0]) {
		err = write_driver(host, driver, "unbind", bdf);
		if (err) {
			fail_sysfs(err, bdf, "bind", "its driver does not let go");
			goto out_override;
		}
	}
	err = write_driver(host, NVT_DRIVER, "bind", bdf);
	if (!err)
		return 0;
	fail_sysfs(err, bdf, "bind", "the probe of nvt failed");
out_override:
	write_attr(host, bdf, "driver_override", "\n");
	if (driver[0])
		write_driver(host, driver, "bind", bdf);
	return err == -EACCES ? -EPERM : err;
}

int nvt_host_bind(const struct nvt_host *host, const char *addr)
{
	char bdf[NVT_BDF_LEN], driver[64], why[PATH_MAX];
	int err;

	err = find_function(host, addr, "bind", bdf);
	if (err)
		return err;
	nvt_host_driver(host, bdf, driver, sizeof(driver));
	if (!strcmp(driver, NVT_DRIVER))
		return nvt_fail(-EALREADY, "%s: bind: bound to nvt already", bdf);
	if (nvt_host_in_use(host, bdf, why, sizeof(why)))
		return nvt_fail(-EBUSY, "%s: bind: %s", bdf, why);
	err = load_driver(host, bdf);
	if (err)
		return err;
	return take(host, bdf, driver);
}

static int check_no_owner(const struct nvt_host *host, const char *bdf)
{
	int nvt_minor = nvt_host_minor(host, bdf);
	char comm[32];
	pid_t pid;

	if (nvt_minor < 0)
		return 0;
	pid = nvt_host_owner(host, nvt_minor, comm, sizeof(comm));
	if (!pid)
		return 0;
	return nvt_fail(-EBUSY, "%s: unbind: owned by another process (%s, pid %d); end it first",
			bdf, comm, pid);
}

/* The stock nvme driver's probe returns before the controller is ready. */
static void wait_until_settled(const struct nvt_host *host, const char *bdf)
{
	char state[32];
	int i;

	for (i = 0; i < SETTLE_MS / 10; i++) {
		nvt_host_nvme_attr(host, bdf, "state", state, sizeof(state));
		if (strcmp(state, "new") && strcmp(state, "connecting") && strcmp(state, "resetting"))
			return;
		nvt_sleep_ns(10 * NVT_NS_PER_MS);
	}
}

int nvt_host_unbind(const struct nvt_host *host, const char *addr)
{
	char bdf[NVT_BDF_LEN], driver[64];
	int err;

	err = find_function(host, addr, "unbind", bdf);
	if (err)
		return err;
	nvt_host_driver(host, bdf, driver, sizeof(driver));
	if (strcmp(driver, NVT_DRIVER))
		return nvt_fail(-ENXIO, "%s: unbind: not bound to nvt (driver %s)", bdf,
				driver[0] ? driver : "none");
	err = check_no_owner(host, bdf);
	if (err)
		return err;
	/* First, so that no rescan in between gives it to nvt again. */
	err = write_attr(host, bdf, "driver_override", "\n");
	if (err)
		return fail_sysfs(err, bdf, "unbind", "driver_override");
	err = write_driver(host, NVT_DRIVER, "unbind", bdf);
	if (err) {
		write_attr(host, bdf, "driver_override", NVT_DRIVER);
		return fail_sysfs(err, bdf, "unbind", "nvt does not let go");
	}
	err = probe_any(host, bdf);
	if (err)
		return fail_sysfs(err, bdf, "unbind", "the probe of its stock driver failed");
	wait_until_settled(host, bdf);
	return 0;
}

int nvt_pcie_bind(const char *addr)
{
	return nvt_host_bind(&nvt_this_host, addr);
}

int nvt_pcie_unbind(const char *addr)
{
	return nvt_host_unbind(&nvt_this_host, addr);
}
