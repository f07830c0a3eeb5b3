/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A PCI function under test: binding, registers, config space, interrupt
 * vectors, reset. It need not be an NVMe controller.
 *
 * Thread-safety: calls on one struct nvt_pcie may come from any thread, but
 * for nvt_pcie_close() and nvt_pcie_set_vectors(), which must be alone.
 */
#ifndef NVT_PCIE_H
#define NVT_PCIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvt/uapi.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nvt_pcie;

#define NVT_OPEN_OBSERVE	(1U << 0)	/* read only; works beside an owner */

/**
 * nvt_pcie_open() - open a device
 * @addr: PCI address, "0000:01:00.0" or "01:00.0", of a function that is
 *	bound to nvt.ko; or "vfio-user:PATH", a function that a program such
 *	as nvt-dut serves at the UNIX socket PATH
 * @flags: 0 to own the device, NVT_OPEN_OBSERVE to read it only
 *
 * A socket has one client at a time: an observer of it works beside nobody,
 * and enables Memory Space and nothing else. The loss of its server is as the
 * removal of the device: state GONE, registers all-ones, queues dead.
 *
 * Return: the device, or NULL with errno set: EINVAL (not an address), ENOENT
 * (no such function or socket), ENXIO (not bound to nvt), EBUSY (owned by another
 * open file), EPERM (needs CAP_SYS_RAWIO), EACCES (no IOMMU translates for it, or no
 * permission on the socket), ECONNREFUSED (nobody serves the socket), EPROTO (the
 * driver speaks another version of <nvt/uapi.h>, the server not vfio-user).
 */
struct nvt_pcie *nvt_pcie_open(const char *addr, unsigned int flags);

/**
 * nvt_pcie_close() - stop the device and give it up
 * @pcie: the device, or NULL
 *
 * Its buffers and queues end too. Another open succeeds when this returns.
 */
void nvt_pcie_close(struct nvt_pcie *pcie);

/**
 * nvt_pcie_addr() - its address
 * @pcie: the device
 *
 * Return: "0000:01:00.0" or "vfio-user:PATH", valid as long as the device is open.
 */
const char *nvt_pcie_addr(const struct nvt_pcie *pcie);

/**
 * nvt_pcie_info() - what it is
 * @pcie: the device
 * @info: filled in; see <nvt/uapi.h>
 *
 * Return: 0 or a negative errno.
 */
int nvt_pcie_info(struct nvt_pcie *pcie, struct nvt_device_info *info);

/**
 * nvt_pcie_generation() - a number that grows with each reset, sleep, removal
 * @pcie: the device
 */
uint64_t nvt_pcie_generation(struct nvt_pcie *pcie);

/**
 * nvt_pcie_state() - its state now
 * @pcie: the device
 *
 * Return: enum nvt_state.
 */
int nvt_pcie_state(struct nvt_pcie *pcie);

/**
 * nvt_pcie_reg_read() - read a register of exactly this width
 * @pcie: the device
 * @bar: 0 to 5
 * @offset: in bytes, a multiple of @width
 * @width: 1, 2, 4 or 8 bytes
 * @value: where it goes
 *
 * Return: 0 or a negative errno: -EINVAL (BAR, width, alignment, range),
 * -EAGAIN (in reset or asleep), -ENODEV (gone).
 */
int nvt_pcie_reg_read(struct nvt_pcie *pcie, int bar, uint64_t offset, int width, uint64_t *value);

/**
 * nvt_pcie_reg_write() - write a register of exactly this width
 * @pcie: the device, owned
 * @bar: 0 to 5
 * @offset: in bytes, a multiple of @width
 * @width: 1, 2, 4 or 8 bytes
 * @value: to write
 *
 * Return: as nvt_pcie_reg_read(), and -EBADF for an observer.
 */
int nvt_pcie_reg_write(struct nvt_pcie *pcie, int bar, uint64_t offset, int width, uint64_t value);

/**
 * nvt_pcie_map_bar() - map a BAR, uncached
 * @pcie: the device
 * @bar: 0 to 5
 * @length: its length in bytes, or NULL
 *
 * The mapping is made once and lasts until the device is closed. For an
 * observer it is read-only.
 *
 * On a vfio-user device only the areas that its server names, such as the
 * doorbells, can be written through it. The other pages show the registers
 * and take no store: those go through nvt_pcie_reg_write().
 *
 * Return: its address, or NULL with errno set: EINVAL (no such BAR),
 * EOPNOTSUPP (a vfio-user server does not let it be mapped), ENODEV.
 */
volatile void *nvt_pcie_map_bar(struct nvt_pcie *pcie, int bar, size_t *length);

/**
 * nvt_pcie_config_read() - read config space
 * @pcie: the device
 * @offset: in bytes, a multiple of @width
 * @width: 1, 2 or 4 bytes
 * @value: where it goes
 *
 * Return: 0 or a negative errno: -EINVAL (width, alignment, range), -EIO.
 */
int nvt_pcie_config_read(struct nvt_pcie *pcie, uint32_t offset, int width, uint32_t *value);

/**
 * nvt_pcie_config_write() - write config space
 * @pcie: the device, owned
 * @offset: in bytes, a multiple of @width
 * @width: 1, 2 or 4 bytes
 * @value: to write
 *
 * Return: as nvt_pcie_config_read(), and -EBADF for an observer.
 */
int nvt_pcie_config_write(struct nvt_pcie *pcie, uint32_t offset, int width, uint32_t value);

/**
 * nvt_pcie_find_cap() - find a capability
 * @pcie: the device
 * @id: PCI capability id, 0x01 being power management
 *
 * Return: its offset in config space, -ENOENT if there is none, -ELOOP if the
 * list runs in a circle, -EIO. PCI Local Bus 3.0, 6.7.
 */
int nvt_pcie_find_cap(struct nvt_pcie *pcie, uint8_t id);

/**
 * nvt_pcie_find_ext_cap() - find an extended capability
 * @pcie: the device
 * @id: PCI Express extended capability id, 0x0001 being AER
 *
 * Return: as nvt_pcie_find_cap(). PCI Express Base 6.0, 7.6.3.
 */
int nvt_pcie_find_ext_cap(struct nvt_pcie *pcie, uint16_t id);

/**
 * nvt_pcie_set_vectors() - allocate interrupt vectors
 * @pcie: the device, owned
 * @type: enum nvt_vector_type; NVT_VECTOR_NONE frees them
 * @count: vectors wanted
 *
 * In place of those allocated before; counters start at zero.
 *
 * Return: vectors allocated, 1 to @count (0 for NVT_VECTOR_NONE), or a
 * negative errno: -EOPNOTSUPP (no such interrupts), -ENOSPC (none left in the
 * host), -EBUSY (a managed queue uses one), -EBADF.
 */
int nvt_pcie_set_vectors(struct nvt_pcie *pcie, int type, unsigned int count);

/**
 * nvt_pcie_vector() - what a vector has seen
 * @pcie: the device
 * @vector: 0 to the number of allocated vectors - 1
 * @counter: filled in
 *
 * No system call. Return: 0, or -EINVAL: no such vector.
 */
int nvt_pcie_vector(struct nvt_pcie *pcie, unsigned int vector, struct nvt_vector_counter *counter);

/**
 * nvt_pcie_reset() - reset the function, by the first method that it has
 * @pcie: the device, owned
 *
 * Every queue is dead afterwards: see nvt_ctrl_reset().
 *
 * Return: 0 or a negative errno: -ENOTTY (it has no reset), -EAGAIN (busy,
 * try again), -EBADF.
 */
int nvt_pcie_reset(struct nvt_pcie *pcie);

/**
 * nvt_pcie_bind() - take a function from its driver and give it to nvt.ko
 * @addr: PCI address
 *
 * Refused while a block device on it is mounted, is swap, or is held by
 * another (LVM, RAID, device mapper, an open exclusive claim).
 *
 * Return: 0; or a negative errno: -EINVAL (not a PCI address), -ENOENT, -EBUSY (in use),
 * -EALREADY (bound to nvt already), -ENOSYS (nvt.ko is not loaded),
 * -EPERM (needs root), or what the driver's probe returned.
 */
int nvt_pcie_bind(const char *addr);

/**
 * nvt_pcie_unbind() - give a function back to its stock driver
 * @addr: PCI address
 *
 * Return: 0; or a negative errno: -EINVAL, -ENOENT, -ENXIO (not bound to
 * nvt), -EBUSY (an open file owns it), -EPERM.
 */
int nvt_pcie_unbind(const char *addr);

/**
 * struct nvt_pcie_entry - one function that nvt.ko has or could have
 * @addr: "0000:01:00.0"
 * @driver: name of the driver that it is bound to, or ""
 * @model: model name that the stock driver shows, or ""
 * @serial: serial number that the stock driver shows, or ""
 * @block: its block devices, separated by spaces, or ""
 * @minor: N of /dev/nvtN, or -1
 * @vendor: PCI vendor id
 * @device: PCI device id
 * @class_code: PCI class code
 * @in_use: why it cannot be bound ("nvme0n1 is mounted on /mnt"), or ""
 */
struct nvt_pcie_entry {
	char addr[16];
	char driver[32];
	char model[48];
	char serial[24];
	char block[160];
	int minor;
	uint16_t vendor;
	uint16_t device;
	uint32_t class_code;
	char in_use[160];
};

/**
 * nvt_pcie_list() - NVMe functions of this host, and others bound to nvt.ko
 * @list: set to an array in order of address; free() it
 *
 * Return: how many, or a negative errno.
 */
int nvt_pcie_list(struct nvt_pcie_entry **list);

#ifdef __cplusplus
}
#endif

#endif /* NVT_PCIE_H */
