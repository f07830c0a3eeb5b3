// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The block devices of a PCI function, and whether the system uses them.
 *
 * /sys/class/block is searched for devices below the function, of any kind of
 * storage. With native NVMe multipath only a hidden path device is below it:
 * nvme0c1n2, whose visible head is nvme0n2.
 */
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

#define NAME_LEN	64

/* Called for each block device of the function, partitions too; non-zero ends the walk. */
typedef int (*block_fn)(const struct nvt_host *host, const char *name, void *arg);

/* nvme0c1n2 -> nvme0n2; false for other names. */
static bool multipath_head(const char *name, char head[NAME_LEN])
{
	unsigned int subsys, ctrl, ns;
	int end = -1;

	if (sscanf(name, "nvme%uc%un%u%n", &subsys, &ctrl, &ns, &end) != 3 || name[end])
		return false;
	snprintf(head, NAME_LEN, "nvme%un%u", subsys, ns);
	return true;
}

/* Whether a block device is the disk @disk or a partition of it. */
static bool is_disk_or_part(const struct nvt_host *host, const char *name, const char *disk)
{
	char path[PATH_MAX];

	if (!strcmp(name, disk))
		return true;
	snprintf(path, sizeof(path), "%s/class/block/%s/%s/partition", host->sys, disk, name);
	return !access(path, F_OK);
}

static int each_block(const struct nvt_host *host, block_fn fn, void *arg,
		      bool (*match)(const struct nvt_host *host, const char *name, const char *key),
		      const char *key)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/block", host->sys);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!ret && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strlen(entry->d_name) < NAME_LEN &&
		    match(host, entry->d_name, key))
			ret = fn(host, entry->d_name, arg);
	closedir(dir);
	return ret;
}

/* A device behind a bridge is below the bridge too: taking the bridge would take it. */
static bool is_below_function(const struct nvt_host *host, const char *name, const char *bdf)
{
	char path[PATH_MAX], real[PATH_MAX], part[NVT_BDF_LEN + 2];

	snprintf(path, sizeof(path), "%s/class/block/%s", host->sys, name);
	snprintf(part, sizeof(part), "/%s/", bdf);
	return realpath(path, real) && strstr(real, part);
}

struct function_walk {
	block_fn fn;
	void *arg;
};

static int visible_block(const struct nvt_host *host, const char *name, void *arg)
{
	struct function_walk *walk = arg;
	char head[NAME_LEN];

	if (multipath_head(name, head))
		return each_block(host, walk->fn, walk->arg, is_disk_or_part, head);
	return walk->fn(host, name, walk->arg);
}

static int each_block_of(const struct nvt_host *host, const char *bdf, block_fn fn, void *arg)
{
	struct function_walk walk = { .fn = fn, .arg = arg };

	return each_block(host, visible_block, &walk, is_below_function, bdf);
}

struct text {
	char *buf;
	size_t size;
};

static int add_disk_name(const struct nvt_host *host, const char *name, void *arg)
{
	struct text *names = arg;
	size_t used = strlen(names->buf);
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/class/block/%s/partition", host->sys, name);
	if (access(path, F_OK))
		snprintf(names->buf + used, names->size - used, "%s%s", used ? " " : "", name);
	return 0;
}

void nvt_host_blocks(const struct nvt_host *host, const char *bdf, char *buf, size_t size)
{
	struct text names = { .buf = buf, .size = size };

	buf[0] = '\0';
	each_block_of(host, bdf, add_disk_name, &names);
}

/*
 * One mountinfo line is "id parent major:minor root mountpoint options
 * [optional]... - type source superoptions". A file system over several
 * devices (btrfs) has a number of its own there, so the source counts too.
 */
static bool mount_line_is_on(const char *line, const char *dev, const char *node,
			     char mountpoint[PATH_MAX])
{
	char number[32], source[PATH_MAX];
	const char *tail = strstr(line, " - ");

	if (sscanf(line, "%*s %*s %31s %*s %4095s", number, mountpoint) != 2)
		return false;
	if (!strcmp(number, dev))
		return true;
	return tail && sscanf(tail + 3, "%*s %4095s", source) == 1 && !strcmp(source, node);
}

static bool mounted_in(const char *mountinfo, const char *dev, const char *node, char *where)
{
	FILE *file = fopen(mountinfo, "re");
	bool found = false;
	char *line = NULL;
	size_t len = 0;

	if (!file)
		return false;
	while (!found && getline(&line, &len, file) > 0)
		found = mount_line_is_on(line, dev, node, where);
	free(line);
	fclose(file);
	return found;
}

/* Other mount namespaces (containers) are seen through the processes in them. */
static bool mounted_anywhere(const struct nvt_host *host, const char *dev, const char *node,
			     char where[PATH_MAX])
{
	char path[PATH_MAX], own_ns[NAME_LEN], ns[NAME_LEN];
	struct dirent *entry;
	bool found;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/self/mountinfo", host->proc);
	found = mounted_in(path, dev, node, where);
	snprintf(path, sizeof(path), "%s/self/ns/mnt", host->proc);
	nvt_host_link_name(path, own_ns, sizeof(own_ns));
	dir = opendir(host->proc);
	if (!dir)
		return found;
	while (!found && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/%.32s/ns/mnt", host->proc, entry->d_name);
		nvt_host_link_name(path, ns, sizeof(ns));
		if (!strcmp(ns, own_ns))
			continue;
		snprintf(path, sizeof(path), "%s/%.32s/mountinfo", host->proc, entry->d_name);
		found = mounted_in(path, dev, node, where);
	}
	closedir(dir);
	return found;
}

static bool is_swap(const struct nvt_host *host, const char *node)
{
	char path[PATH_MAX], name[PATH_MAX];
	bool found = false;
	char *line = NULL;
	size_t len = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/swaps", host->proc);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && getline(&line, &len, file) > 0)
		found = sscanf(line, "%4095s", name) == 1 && !strcmp(name, node);
	free(line);
	fclose(file);
	return found;
}

static bool first_holder(const struct nvt_host *host, const char *name, char holder[NAME_LEN])
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/class/block/%s/holders", host->sys, name);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			found = snprintf(holder, NAME_LEN, "%.63s", entry->d_name) > 0;
	closedir(dir);
	return found;
}

/* O_EXCL without O_CREAT claims a block device, as a mount does. open(2). */
static bool is_claimed(const char *node)
{
	int fd = open(node, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EBUSY;
}

static int check_block(const struct nvt_host *host, const char *name, void *arg)
{
	char path[PATH_MAX], node[PATH_MAX], where[PATH_MAX], dev[32], holder[NAME_LEN];
	struct text *why = arg;

	snprintf(node, sizeof(node), "%s/%s", host->dev, name);
	snprintf(path, sizeof(path), "%s/class/block/%s/dev", host->sys, name);
	if (!nvt_host_read(path, dev, sizeof(dev)) && mounted_anywhere(host, dev, node, where))
		snprintf(why->buf, why->size, "%s is mounted on %s; unmount it first", name, where);
	else if (is_swap(host, node))
		snprintf(why->buf, why->size, "%s is swap; run 'swapoff %s' first", name, node);
	else if (first_holder(host, name, holder))
		snprintf(why->buf, why->size, "%s is held by %s; stop that first", name, holder);
	else if (is_claimed(node))
		snprintf(why->buf, why->size,
			 "%s is claimed by another (a mount, an array, a program); end that first",
			 name);
	return why->buf[0] != '\0';
}

bool nvt_host_in_use(const struct nvt_host *host, const char *bdf, char *why, size_t size)
{
	struct text text = { .buf = why, .size = size };

	why[0] = '\0';
	return each_block_of(host, bdf, check_block, &text);
}
