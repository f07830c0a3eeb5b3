// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Access to a device through nvt.ko: /dev/nvtN. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "access/access.h"
#include "err.h"
#include "host.h"

static int driver_call(struct nvt_pcie *pcie, unsigned long request, void *arg)
{
	return ioctl(pcie->fd, request, arg) < 0 ? -errno : 0;
}

static int chardev_info(struct nvt_pcie *pcie, struct nvt_device_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return driver_call(pcie, NVT_IOC_DEVICE_INFO, info);
}

static int chardev_reg(struct nvt_pcie *pcie, struct nvt_reg_access *access)
{
	access->size = sizeof(*access);
	return driver_call(pcie, NVT_IOC_REG_ACCESS, access);
}

static int chardev_config(struct nvt_pcie *pcie, struct nvt_config_access *access)
{
	access->size = sizeof(*access);
	return driver_call(pcie, NVT_IOC_CONFIG_ACCESS, access);
}

static volatile void *chardev_map_bar(struct nvt_pcie *pcie, int bar, size_t length)
{
	int prot = pcie->flags & NVT_OPEN_OBSERVE ? PROT_READ : PROT_READ | PROT_WRITE;
	void *map = mmap(NULL, length, prot, MAP_SHARED, pcie->fd, NVT_MMAP_BAR(bar));

	return map == MAP_FAILED ? NULL : map;
}

static int chardev_set_vectors(struct nvt_pcie *pcie, struct nvt_vectors_set *set)
{
	set->size = sizeof(*set);
	return driver_call(pcie, NVT_IOC_VECTORS_SET, set);
}

static int chardev_vector_info(struct nvt_pcie *pcie, struct nvt_vector_info *info)
{
	info->size = sizeof(*info);
	return driver_call(pcie, NVT_IOC_VECTOR_INFO, info);
}

static int chardev_vector_mask(struct nvt_pcie *pcie, unsigned int vector, bool mask)
{
	struct nvt_vector_mask set = {
		.size = sizeof(set), .flags = mask ? NVT_VECTOR_MASK : 0, .vector = vector,
	};

	return driver_call(pcie, NVT_IOC_VECTOR_MASK, &set);
}

static int chardev_vector_eventfd(struct nvt_pcie *pcie, unsigned int vector, int fd)
{
	struct nvt_vector_eventfd set = { .size = sizeof(set), .vector = vector, .fd = fd };

	return driver_call(pcie, NVT_IOC_VECTOR_EVENTFD, &set);
}

static void unmap_irq_log(struct nvt_pcie *pcie)
{
	if (pcie->irq_log)
		munmap((void *)pcie->irq_log, pcie->irq_log_length);
	pcie->irq_log = NULL;
}

static int chardev_irq_log(struct nvt_pcie *pcie, uint32_t nr_entries)
{
	struct nvt_irq_log_set set = { .size = sizeof(set), .nr_entries = nr_entries };
	void *map;
	int err;

	err = driver_call(pcie, NVT_IOC_IRQ_LOG, &set);
	if (err)
		return err;
	unmap_irq_log(pcie);
	if (!nr_entries)
		return 0;
	map = mmap(NULL, set.length, PROT_READ, MAP_SHARED, pcie->fd, NVT_MMAP_IRQ_LOG);
	if (map == MAP_FAILED)
		return -errno;
	pcie->irq_log = map;
	pcie->irq_log_length = set.length;
	return 0;
}

static int chardev_reset(struct nvt_pcie *pcie, int method)
{
	struct nvt_reset reset = { .size = sizeof(reset), .method = method };

	return driver_call(pcie, NVT_IOC_RESET, &reset);
}

/* The driver puts config space and vectors back as it resets a function that has forgotten them. */
static int chardev_restore(struct nvt_pcie *pcie)
{
	struct nvt_config_access command = { .offset = PCI_COMMAND, .width = 2 };
	int err = chardev_config(pcie, &command);

	if (err || command.value == 0xffff || command.value & PCI_COMMAND_MEMORY)
		return err;
	return chardev_reset(pcie, NVT_RESET_FUNCTION);
}

static void destroy_buffer(struct nvt_pcie *pcie, uint32_t id)
{
	struct nvt_buffer_destroy destroy = { .size = sizeof(destroy), .id = id };

	driver_call(pcie, NVT_IOC_BUFFER_DESTROY, &destroy);
}

static int chardev_buffer_create(struct nvt_pcie *pcie, struct nvt_buffer *buf)
{
	struct nvt_buffer_create create = {
		.size = sizeof(create),
		.kind = buf->kind,
		.length = buf->length,
		.bus_addrs = (uintptr_t)buf->bus,
	};
	void *map;
	int err;

	err = driver_call(pcie, NVT_IOC_BUFFER_CREATE, &create);
	if (err)
		return err;
	map = mmap(NULL, buf->length, PROT_READ | PROT_WRITE, MAP_SHARED, pcie->fd,
		   create.mmap_offset);
	if (map == MAP_FAILED) {
		err = -errno;
		destroy_buffer(pcie, create.id);
		return err;
	}
	buf->data = map;
	buf->id = create.id;
	return 0;
}

static void chardev_buffer_free(struct nvt_pcie *pcie, struct nvt_buffer *buf)
{
	munmap(buf->data, buf->length);
	destroy_buffer(pcie, buf->id);
}

static int chardev_queue_create(struct nvt_pcie *pcie, struct nvt_queue_create *create)
{
	create->size = sizeof(*create);
	return driver_call(pcie, NVT_IOC_QUEUE_CREATE, create);
}

static int chardev_queue_destroy(struct nvt_pcie *pcie, int type, uint16_t qid)
{
	struct nvt_queue_destroy destroy = { .size = sizeof(destroy), .type = type, .qid = qid };

	return driver_call(pcie, NVT_IOC_QUEUE_DESTROY, &destroy);
}

/*
 * An io_uring that had commands on the file can keep it open for a while, so
 * the device is given up by name: the next owner need not wait for that.
 */
static void chardev_close(struct nvt_pcie *pcie)
{
	struct nvt_release release = { .size = sizeof(release) };
	int bar;

	if (!(pcie->flags & NVT_OPEN_OBSERVE))
		driver_call(pcie, NVT_IOC_RELEASE, &release);
	for (bar = 0; bar < 6; bar++)
		if (pcie->bar[bar])
			munmap((void *)pcie->bar[bar], pcie->info.bar_length[bar]);
	unmap_irq_log(pcie);
	if (pcie->status)
		munmap((void *)pcie->status, pcie->status_length);
	close(pcie->fd);
}

static const struct nvt_access_ops chardev_ops = {
	.close = chardev_close,
	.info = chardev_info,
	.reg = chardev_reg,
	.config = chardev_config,
	.map_bar = chardev_map_bar,
	.set_vectors = chardev_set_vectors,
	.vector_info = chardev_vector_info,
	.vector_mask = chardev_vector_mask,
	.vector_eventfd = chardev_vector_eventfd,
	.irq_log = chardev_irq_log,
	.reset = chardev_reset,
	.restore = chardev_restore,
	.buffer_create = chardev_buffer_create,
	.buffer_free = chardev_buffer_free,
	.queue_create = chardev_queue_create,
	.queue_destroy = chardev_queue_destroy,
};

static int fail_not_bound(const struct nvt_host *host, const char *bdf)
{
	char path[PATH_MAX], driver[64];

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", host->sys, bdf);
	if (access(path, F_OK))
		return nvt_fail(-ENOENT, "%s: open: no such PCI function; 'lspci -D' lists them",
				bdf);
	strcat(path, "/driver");
	nvt_host_link_name(path, driver, sizeof(driver));
	return nvt_fail(-ENXIO, "%s: open: not bound to nvt (driver %s); run 'nvt bind %s'", bdf,
			driver[0] ? driver : "none", bdf);
}

static int fail_busy(const struct nvt_host *host, const char *bdf, int nvt_minor)
{
	char comm[32];
	pid_t pid = nvt_host_owner(host, nvt_minor, comm, sizeof(comm));

	if (!pid)
		return nvt_fail(-EBUSY, "%s: open: owned by another process; close it first", bdf);
	return nvt_fail(-EBUSY, "%s: open: owned by another process (%s, pid %d); close it first",
			bdf, comm, pid);
}

static int fail_open(const struct nvt_host *host, const char *bdf, int nvt_minor, int err)
{
	switch (err) {
	case -EBUSY:
		return fail_busy(host, bdf, nvt_minor);
	case -EPERM:
		return nvt_fail(err, "%s: open: needs CAP_SYS_RAWIO and no kernel lockdown; run it "
				"as root, without Secure Boot lockdown", bdf);
	case -EACCES:
		/* The node's own permission, before the driver is asked. */
		if (geteuid())
			return nvt_fail(-EPERM, "%s: open: no permission on /dev/nvt%d; run it as "
					"root", bdf, nvt_minor);
		return nvt_fail(err, "%s: open: no IOMMU translates for this device; boot with "
				"intel_iommu=on, or load nvt with unsafe_dma=1 if you accept that "
				"it can write anywhere", bdf);
	default:
		return nvt_fail(err, "%s: open: /dev/nvt%d: %s; see dmesg", bdf, nvt_minor,
				strerror(-err));
	}
}

static int open_node(struct nvt_pcie *pcie, const struct nvt_host *host)
{
	int nvt_minor = nvt_host_minor(host, pcie->addr);
	int mode = pcie->flags & NVT_OPEN_OBSERVE ? O_RDONLY : O_RDWR;
	char path[PATH_MAX];

	if (nvt_minor < 0)
		return fail_not_bound(host, pcie->addr);
	snprintf(path, sizeof(path), "%s/nvt%d", host->dev, nvt_minor);
	pcie->fd = open(path, mode | O_CLOEXEC);
	if (pcie->fd < 0)
		return fail_open(host, pcie->addr, nvt_minor, -errno);
	return 0;
}

static int map_status(struct nvt_pcie *pcie)
{
	void *map;
	int err;

	err = chardev_info(pcie, &pcie->info);
	if (err)
		return nvt_fail(err, "%s: open: device info: %s", pcie->addr, strerror(-err));
	if (pcie->info.abi_version != NVT_ABI_VERSION)
		return nvt_fail(-EPROTO, "%s: open: nvt.ko has ABI %u and libnvt %u; install the two "
				"of one release", pcie->addr, pcie->info.abi_version,
				NVT_ABI_VERSION);
	map = mmap(NULL, pcie->info.status_length, PROT_READ, MAP_SHARED, pcie->fd,
		   NVT_MMAP_STATUS);
	if (map == MAP_FAILED)
		return nvt_fail(-errno, "%s: open: status page: %s", pcie->addr, strerror(errno));
	pcie->status = map;
	pcie->status_length = pcie->info.status_length;
	return 0;
}

struct nvt_pcie *nvt_chardev_open(const char *addr, unsigned int flags)
{
	const struct nvt_host *host = &nvt_this_host;
	struct nvt_pcie *pcie;
	char bdf[NVT_BDF_LEN];
	int err;

	if (nvt_host_parse_bdf(addr, bdf))
		return NULL;
	pcie = calloc(1, sizeof(*pcie));
	if (!pcie) {
		nvt_fail(-ENOMEM, "%s: open: out of memory", bdf);
		return NULL;
	}
	pcie->ops = &chardev_ops;
	pcie->manages_queues = true;
	pcie->flags = flags;
	strcpy(pcie->addr, bdf);
	pthread_mutex_init(&pcie->lock, NULL);
	err = open_node(pcie, host);
	if (err)
		goto out_free;
	err = map_status(pcie);
	if (err)
		goto out_close;
	return pcie;

out_close:
	chardev_close(pcie);
out_free:
	free(pcie);
	errno = -err;
	return NULL;
}
