// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The NVMe functions of the host, and whose they are. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvt/pcie.h>

#include "err.h"
#include "host.h"

#define CLASS_NVM	0x0108	/* mass storage, non-volatile memory */

static unsigned int read_hex(const struct nvt_host *host, const char *bdf, const char *attr)
{
	char path[PATH_MAX], text[32];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", host->sys, bdf, attr);
	return nvt_host_read(path, text, sizeof(text)) ? 0 : strtoul(text, NULL, 16);
}

static void fill_entry(const struct nvt_host *host, const char *bdf, struct nvt_pcie_entry *e)
{
	snprintf(e->addr, sizeof(e->addr), "%.15s", bdf);
	nvt_host_driver(host, bdf, e->driver, sizeof(e->driver));
	e->vendor = read_hex(host, bdf, "vendor");
	e->device = read_hex(host, bdf, "device");
	e->class_code = read_hex(host, bdf, "class");
	e->minor = nvt_host_minor(host, bdf);
	nvt_host_nvme_attr(host, bdf, "model", e->model, sizeof(e->model));
	nvt_host_nvme_attr(host, bdf, "serial", e->serial, sizeof(e->serial));
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
	nvt_host_driver(host, bdf, driver, sizeof(driver));
	return !strcmp(driver, NVT_DRIVER);
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

int nvt_pcie_list(struct nvt_pcie_entry **list)
{
	return nvt_host_list(&nvt_this_host, list);
}
