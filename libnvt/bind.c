// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Handing a PCI function to nvt.ko and back: driver_override and nothing else,
 * so no other function is ever taken. Documentation/ABI/testing/sysfs-bus-pci.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nvt/pcie.h>

#include "err.h"
#include "host.h"

#define OUR_DRIVER	"nvt"
#define CLASS_NVM	0x0108	/* mass storage, non-volatile memory */

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

	snprintf(path, sizeof(path), "%s/bus/pci/drivers/" OUR_DRIVER, host->sys);
	return !access(path, F_OK);
}

static void current_driver(const struct nvt_host *host, const char *bdf, char *buf, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver", host->sys, bdf);
	nvt_host_link_name(path, buf, size);
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
		execlp("modprobe", "modprobe", "-q", OUR_DRIVER, NULL);
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

	err = write_attr(host, bdf, "driver_override", OUR_DRIVER);
	if (err)
		return fail_sysfs(err, bdf, "bind", "driver_override");
	if (driver[0]) {
		err = write_driver(host, driver, "unbind", bdf);
		if (err) {
			fail_sysfs(err, bdf, "bind", "its driver does not let go");
			goto out_override;
		}
	}
	err = write_driver(host, OUR_DRIVER, "bind", bdf);
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
	current_driver(host, bdf, driver, sizeof(driver));
	if (!strcmp(driver, OUR_DRIVER))
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

int nvt_host_unbind(const struct nvt_host *host, const char *addr)
{
	char bdf[NVT_BDF_LEN], driver[64];
	int err;

	err = find_function(host, addr, "unbind", bdf);
	if (err)
		return err;
	current_driver(host, bdf, driver, sizeof(driver));
	if (strcmp(driver, OUR_DRIVER))
		return nvt_fail(-ENXIO, "%s: unbind: not bound to nvt (driver %s)", bdf,
				driver[0] ? driver : "none");
	err = check_no_owner(host, bdf);
	if (err)
		return err;
	/* First, so that no rescan in between gives it to nvt again. */
	err = write_attr(host, bdf, "driver_override", "\n");
	if (err)
		return fail_sysfs(err, bdf, "unbind", "driver_override");
	err = write_driver(host, OUR_DRIVER, "unbind", bdf);
	if (err) {
		write_attr(host, bdf, "driver_override", OUR_DRIVER);
		return fail_sysfs(err, bdf, "unbind", "nvt does not let go");
	}
	err = probe_any(host, bdf);
	if (err)
		return fail_sysfs(err, bdf, "unbind", "the probe of its stock driver failed");
	return 0;
}

static unsigned int read_hex(const struct nvt_host *host, const char *bdf, const char *attr)
{
	char path[PATH_MAX], text[32];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", host->sys, bdf, attr);
	return nvt_host_read(path, text, sizeof(text)) ? 0 : strtoul(text, NULL, 16);
}

/* Reads @attr of the function's NVMe controller in sysfs, which the stock driver made. */
static void read_nvme_attr(const struct nvt_host *host, const char *bdf, const char *attr,
			   char *buf, size_t size)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/nvme", host->sys, bdf);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "nvme", 4))
			continue;
		snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/nvme/%.32s/%s", host->sys, bdf,
			 entry->d_name, attr);
		nvt_host_read(path, buf, size);
		break;
	}
	closedir(dir);
}

static void fill_entry(const struct nvt_host *host, const char *bdf, struct nvt_pcie_entry *e)
{
	snprintf(e->addr, sizeof(e->addr), "%.15s", bdf);
	current_driver(host, bdf, e->driver, sizeof(e->driver));
	e->vendor = read_hex(host, bdf, "vendor");
	e->device = read_hex(host, bdf, "device");
	e->class_code = read_hex(host, bdf, "class");
	e->minor = nvt_host_minor(host, bdf);
	read_nvme_attr(host, bdf, "model", e->model, sizeof(e->model));
	read_nvme_attr(host, bdf, "serial", e->serial, sizeof(e->serial));
	nvt_host_blocks(host, bdf, e->block, sizeof(e->block));
	nvt_host_in_use(host, bdf, e->in_use, sizeof(e->in_use));
}

static bool is_listed(const struct nvt_host *host, const char *bdf)
{
	char driver[64];

	if (bdf[0] == '.' || strlen(bdf) >= NVT_BDF_LEN)
		return false;
	if (read_hex(host, bdf, "class") >> 8 == CLASS_NVM)
		return true;
	current_driver(host, bdf, driver, sizeof(driver));
	return !strcmp(driver, OUR_DRIVER);
}

int nvt_host_list(const struct nvt_host *host, struct nvt_pcie_entry **list)
{
	struct nvt_pcie_entry *entries;
	struct dirent **names;
	char path[PATH_MAX];
	int i, n, count = 0;

	*list = NULL;
	snprintf(path, sizeof(path), "%s/bus/pci/devices", host->sys);
	n = scandir(path, &names, NULL, alphasort);
	if (n < 0)
		return nvt_fail(-errno, "list: %s: %s; is sysfs mounted?", path, strerror(errno));
	entries = calloc(n ? n : 1, sizeof(*entries));
	for (i = 0; i < n; i++) {
		if (entries && is_listed(host, names[i]->d_name))
			fill_entry(host, names[i]->d_name, &entries[count++]);
		free(names[i]);
	}
	free(names);
	if (!entries)
		return nvt_fail(-ENOMEM, "list: out of memory");
	*list = entries;
	return count;
}

int nvt_pcie_bind(const char *addr)
{
	return nvt_host_bind(&nvt_this_host, addr);
}

int nvt_pcie_unbind(const char *addr)
{
	return nvt_host_unbind(&nvt_this_host, addr);
}

int nvt_pcie_list(struct nvt_pcie_entry **list)
{
	return nvt_host_list(&nvt_this_host, list);
}
