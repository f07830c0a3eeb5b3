/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* What the host's /sys, /proc and /dev say of a PCI function. */
#ifndef NVT_HOST_H
#define NVT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NVT_DRIVER	"nvt"
#define NVT_BDF_LEN	16	/* "0000:01:00.0" and its end, with room for a long domain */

/* Where the three trees are: a test puts its own there. */
struct nvt_host {
	const char *sys;
	const char *proc;
	const char *dev;
};

extern const struct nvt_host nvt_this_host;

/* "01:00.0" or "0000:01:00.0" to the latter. Returns 0 or -EINVAL, with text. */
int nvt_host_parse_bdf(const char *addr, char bdf[NVT_BDF_LEN]);

/* Reads a file of sysfs without its last newline and blanks; 0 or a negative errno. */
int nvt_host_read(const char *path, char *buf, size_t size);

/* Writes a string in one write(); 0 or the negative errno of that write. */
int nvt_host_write(const char *path, const char *text);

/* The last component of a symbolic link's target; "" if there is none. */
void nvt_host_link_name(const char *path, char *buf, size_t size);

/* Name of the driver that a function is bound to; "" if to none. */
void nvt_host_driver(const struct nvt_host *host, const char *bdf, char *buf, size_t size);

/* An attribute of the NVMe controller that the stock driver made of a function; "" if there is none. */
void nvt_host_nvme_attr(const struct nvt_host *host, const char *bdf, const char *attr,
			char *buf, size_t size);

/* N of /dev/nvtN of a function, or -1. */
int nvt_host_minor(const struct nvt_host *host, const char *bdf);

/* The process that has /dev/nvtN open for writing; 0 if there is none. */
pid_t nvt_host_owner(const struct nvt_host *host, int nvt_minor, char *comm, size_t size);

/* Names of the function's block devices (not partitions), separated by spaces. */
void nvt_host_blocks(const struct nvt_host *host, const char *bdf, char *buf, size_t size);

/*
 * True if a block device of the function, or a partition of one, is mounted,
 * is swap, or is held; @why says which and how: "nvme0n1 is mounted on /mnt;
 * unmount it first".
 */
bool nvt_host_in_use(const struct nvt_host *host, const char *bdf, char *why, size_t size);

/* The public functions of bind.c and list.c, on any host. */
struct nvt_pcie_entry;
int nvt_host_bind(const struct nvt_host *host, const char *addr);
int nvt_host_unbind(const struct nvt_host *host, const char *addr);
int nvt_host_list(const struct nvt_host *host, struct nvt_pcie_entry **list);

#endif /* NVT_HOST_H */
