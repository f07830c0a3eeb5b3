// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Reading and writing sysfs; who has /dev/nvtN open. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "host.h"

const struct nvt_host nvt_this_host = { .sys = "/sys", .proc = "/proc", .dev = "/dev" };

int nvt_host_parse_bdf(const char *addr, char bdf[NVT_BDF_LEN])
{
	unsigned int domain = 0, bus, dev, fn;
	int end = -1;

	if (!addr)
		return nvt_fail(-EINVAL, "no PCI address given; it looks like 0000:01:00.0");
	if (sscanf(addr, "%8x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn, &end) != 4 || addr[end]) {
		domain = 0;
		end = -1;
		if (sscanf(addr, "%2x:%2x.%1x%n", &bus, &dev, &fn, &end) != 3 || addr[end])
			goto bad;
	}
	if (domain > 0xffffff || dev > 31 || fn > 7)
		goto bad;
	snprintf(bdf, NVT_BDF_LEN, "%04x:%02x:%02x.%x", domain, bus, dev, fn);
	return 0;
bad:
	return nvt_fail(-EINVAL, "%.64s: not a PCI address; it looks like 0000:01:00.0 or 01:00.0",
			addr);
}

int nvt_host_read(const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	buf[0] = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	while (n > 0 && isspace((unsigned char)buf[n - 1]))
		n--;
	buf[n] = '\0';
	return 0;
}

int nvt_host_write(const char *path, const char *text)
{
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

void nvt_host_link_name(const char *path, char *buf, size_t size)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	buf[0] = '\0';
	if (n <= 0)
		return;
	target[n] = '\0';
	slash = strrchr(target, '/');
	snprintf(buf, size, "%s", slash ? slash + 1 : target);
}

int nvt_host_minor(const struct nvt_host *host, const char *bdf)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int nvt_minor = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/nvt", host->sys, bdf);
	dir = opendir(path);
	if (!dir)
		return -1;
	while (nvt_minor < 0 && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "nvt%d", &nvt_minor) != 1)
			nvt_minor = -1;
	closedir(dir);
	return nvt_minor;
}

/* Whether one of the process's open files is the node, opened for writing. */
static bool process_owns(const struct nvt_host *host, const char *pid, const char *node)
{
	char path[PATH_MAX], target[PATH_MAX], info[512];
	bool owns = false;
	struct dirent *entry;
	unsigned int flags;
	const char *p;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s/fd", host->proc, pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!owns && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, node))
			continue;
		snprintf(path, sizeof(path), "%s/%s/fdinfo/%.32s", host->proc, pid,
			 entry->d_name);
		if (nvt_host_read(path, info, sizeof(info)))
			continue;
		p = strstr(info, "flags:");
		owns = p && sscanf(p, "flags: %o", &flags) == 1 && (flags & O_ACCMODE) != O_RDONLY;
	}
	closedir(dir);
	return owns;
}

pid_t nvt_host_owner(const struct nvt_host *host, int nvt_minor, char *comm, size_t size)
{
	char path[PATH_MAX], node[PATH_MAX];
	struct dirent *entry;
	pid_t pid = 0;
	DIR *dir;

	comm[0] = '\0';
	snprintf(node, sizeof(node), "%s/nvt%d", host->dev, nvt_minor);
	dir = opendir(host->proc);
	if (!dir)
		return 0;
	while (!pid && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (!process_owns(host, entry->d_name, node))
			continue;
		pid = atoi(entry->d_name);
		snprintf(path, sizeof(path), "%s/%d/comm", host->proc, pid);
		nvt_host_read(path, comm, size);
	}
	closedir(dir);
	return pid;
}

void nvt_host_driver(const struct nvt_host *host, const char *bdf, char *buf, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver", host->sys, bdf);
	nvt_host_link_name(path, buf, size);
}

void nvt_host_nvme_attr(const struct nvt_host *host, const char *bdf, const char *attr,
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
