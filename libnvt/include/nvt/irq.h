/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Interrupts of a PCI function, vector by vector: counted, waited for, masked,
 * read back, logged one by one. nvt_pcie_set_vectors() allocates the vectors,
 * nvt_pcie_vector() reads their counters.
 *
 * Thread-safety: calls may come from any thread, but for nvt_irq_log_start()
 * and nvt_irq_log_stop(), which must be alone with the readers of the log.
 *
 * INTMS and INTMC of NVMe, which mask what is not MSI-X, are registers: see
 * nvt_pcie_reg_write().
 */
#ifndef NVT_IRQ_H
#define NVT_IRQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvt/pcie.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * nvt_irq_count() - interrupts of a vector since it was cleared
 * @pcie: the device
 * @vector: 0 to the number of allocated vectors - 1
 * @count: filled in
 *
 * No system call. Return: 0, or -EINVAL: no such vector.
 */
int nvt_irq_count(struct nvt_pcie *pcie, unsigned int vector, uint64_t *count);

/**
 * nvt_irq_clear() - count interrupts of a vector from now on
 * @pcie: the device
 * @vector: as nvt_irq_count()
 *
 * Only of this handle: what nvt_pcie_vector() counts goes on. Return: as
 * nvt_irq_count(), and -ENOMEM.
 */
int nvt_irq_clear(struct nvt_pcie *pcie, unsigned int vector);

/**
 * nvt_irq_isset() - whether a vector had an interrupt since it was cleared
 * @pcie: the device
 * @vector: as nvt_irq_count()
 *
 * Return: 1 or 0, or a negative errno as nvt_irq_count().
 */
int nvt_irq_isset(struct nvt_pcie *pcie, unsigned int vector);

/**
 * nvt_irq_wait() - wait for the nth interrupt of a vector since it was cleared
 * @pcie: the device
 * @vector: as nvt_irq_count()
 * @nth: returns when so many have come; more may have
 * @timeout_ms: at most so long
 *
 * Return: 0; or a negative errno: -ETIMEDOUT, -EINVAL (no such vector),
 * -ENODEV (the device went away).
 */
int nvt_irq_wait(struct nvt_pcie *pcie, unsigned int vector, uint64_t nth, unsigned int timeout_ms);

/**
 * nvt_irq_info() - what host and device say of a vector, read back from the device
 * @pcie: the device
 * @vector: as nvt_irq_count()
 * @info: filled in; see <nvt/uapi.h>. On a vfio-user device @irq is 0.
 *
 * Return: 0, or a negative errno: -EINVAL, -EAGAIN (in reset), -ENODEV.
 */
int nvt_irq_info(struct nvt_pcie *pcie, unsigned int vector, struct nvt_vector_info *info);

/**
 * nvt_irq_pending() - whether the device holds an interrupt of a vector back
 * @pcie: the device
 * @vector: as nvt_irq_count()
 *
 * The PBA of MSI-X, the pending bit of MSI, Interrupt Status of INTx.
 *
 * Return: 1 or 0, or a negative errno: as nvt_irq_info(), and -EOPNOTSUPP (an
 * MSI capability without mask bits has no pending bits either).
 */
int nvt_irq_pending(struct nvt_pcie *pcie, unsigned int vector);

/**
 * nvt_irq_mask() - mask a vector at the device
 * @pcie: the device, owned
 * @vector: as nvt_irq_count()
 *
 * What was sent before has been counted when this returns. Masking twice is
 * masking once.
 *
 * Return: 0, or a negative errno: as nvt_irq_info(), -EBADF (open to observe),
 * -EOPNOTSUPP (vfio-user, and the MSI capability has no mask bits).
 */
int nvt_irq_mask(struct nvt_pcie *pcie, unsigned int vector);

/**
 * nvt_irq_unmask() - unmask a vector; also ends what the driver masked because of a storm
 * @pcie: the device, owned
 * @vector: as nvt_irq_count()
 *
 * Return: as nvt_irq_mask().
 */
int nvt_irq_unmask(struct nvt_pcie *pcie, unsigned int vector);

/**
 * nvt_irq_eventfd() - add 1 to an eventfd at each interrupt of a vector
 * @pcie: the device, owned
 * @vector: as nvt_irq_count()
 * @fd: the eventfd, still the caller's, or -1 to end it
 *
 * Return: 0, or a negative errno: as nvt_irq_mask(), -EINVAL (not an eventfd).
 */
int nvt_irq_eventfd(struct nvt_pcie *pcie, unsigned int vector, int fd);

/**
 * nvt_irq_affinity() - which CPUs may take the interrupts of a vector
 * @pcie: the device
 * @vector: as nvt_irq_count()
 * @cpus: filled in: a list such as "0,2-3", as /proc/irq/N/smp_affinity_list has it
 * @size: of @cpus
 *
 * Return: 0, or a negative errno: as nvt_irq_info(), -EOPNOTSUPP (vfio-user: the
 * host has no interrupt), or of the file.
 */
int nvt_irq_affinity(struct nvt_pcie *pcie, unsigned int vector, char *cpus, size_t size);

/**
 * nvt_irq_set_affinity() - which CPUs shall take the interrupts of a vector
 * @pcie: the device
 * @vector: as nvt_irq_count()
 * @cpus: a list such as "0,2-3"
 *
 * Return: as nvt_irq_affinity(); -EINVAL too for what is no list of CPUs that run.
 */
int nvt_irq_set_affinity(struct nvt_pcie *pcie, unsigned int vector, const char *cpus);

/**
 * nvt_irq_log_start() - log each interrupt from now on, in a new log
 * @pcie: the device, owned
 * @entries: of the ring, a power of two up to 2^20
 *
 * On a vfio-user device an interrupt's time is when its eventfd was read;
 * several that were read at once have the same.
 *
 * Return: 0, or a negative errno: -EINVAL, -ENOMEM, -EBADF, -ENODEV.
 */
int nvt_irq_log_start(struct nvt_pcie *pcie, uint32_t entries);

/** nvt_irq_log_stop() - end and free the log */
void nvt_irq_log_stop(struct nvt_pcie *pcie);

/**
 * struct nvt_irq_cursor - how far a reader of the log is; zeros are its start
 * @next: index of the next interrupt to read
 * @overwritten: interrupts that were gone before they were read
 */
struct nvt_irq_cursor {
	uint64_t next;
	uint64_t overwritten;
};

/**
 * nvt_irq_log_read() - what the log has got since
 * @pcie: the device
 * @cursor: of this reader, moved on
 * @entries: filled in, in the order of arrival
 * @max: at most so many
 *
 * No system call. Return: how many, or -EINVAL: there is no log.
 */
int nvt_irq_log_read(struct nvt_pcie *pcie, struct nvt_irq_cursor *cursor,
		     struct nvt_irq_entry *entries, unsigned int max);

#ifdef __cplusplus
}
#endif

#endif /* NVT_IRQ_H */
