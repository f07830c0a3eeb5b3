/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The contract between nvt.ko and user space.
 *
 * A PCI function bound to nvt.ko is /dev/nvtN. Opened for reading it can be
 * observed: registers, config space, state and interrupt counts. Opened for
 * writing it is owned: at most one open file at a time drives the device,
 * and all that it made (buffers, vectors, queues, commands) ends with it.
 * An owner may let others in (NVT_IOC_SHARE): a file opened for writing then
 * is a user, with buffers, I/O queues and commands of its own.
 *
 * Every struct starts with its own size, has the same layout on 32 and 64
 * bit, and may grow at its end: a larger one than the driver knows is taken
 * while its unknown part is zero (else -E2BIG), a smaller one as if filled
 * up with zeros. Unknown flags and non-zero reserved fields are -EINVAL.
 *
 * Errors that every ioctl may return, beside its own:
 *   -ENODEV  the device is gone (removed or unbound)
 *   -EINVAL  size too small, unknown flag, reserved field not zero
 *   -E2BIG   the part of the struct that this driver does not know is not zero
 *   -EFAULT  the struct, or memory that it points to, cannot be accessed
 *   -EBADF   the file is an observer (O_RDONLY) and the call changes something,
 *	      or it is a user and the call is the owner's
 *   -ENOTTY  no such ioctl
 */
#ifndef _UAPI_NVT_H
#define _UAPI_NVT_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define NVT_ABI_VERSION		1

#define NVT_IOC_MAGIC		0xd7

/*
 * The offsets of mmap(). All are MAP_SHARED.
 *
 * NVT_MMAP_BAR(n)	a BAR, uncached; an observer may map it for reading
 *			only, and a user the registers (below 1000h of BAR 0).
 *			While the device is being reset an access waits;
 *			after its removal every page reads as all-ones.
 * NVT_MMAP_STATUS	struct nvt_status and the vector counters, read-only.
 *			It stays readable after removal.
 * NVT_MMAP_IRQ_LOG	struct nvt_irq_log, read-only, once NVT_IOC_IRQ_LOG made
 *			one. It stays readable, also when another took its place.
 *
 * Buffers and command records have the offset that their ioctl returned.
 */
#define NVT_MMAP_BAR(n)		((__u64)(n) << 40)
#define NVT_MMAP_STATUS		((__u64)6 << 40)
#define NVT_MMAP_IRQ_LOG	(NVT_MMAP_STATUS + ((__u64)1 << 39))

enum nvt_state {
	NVT_STATE_LIVE		= 0,
	NVT_STATE_RESETTING	= 1,	/* a PCI reset is under way */
	NVT_STATE_SUSPENDED	= 2,	/* system sleep */
	NVT_STATE_GONE		= 3,	/* removed or unbound: close the file */
};

/**
 * struct nvt_vector_counter - what one interrupt vector has seen
 * @interrupts: interrupts that arrived since the vector was allocated
 * @completions: completions of managed queues reaped by them
 * @empty: interrupts at which no managed queue had a new completion
 * @last_ns: CLOCK_MONOTONIC at entry to the handler of the latest one
 * @last_cpu: the CPU that took it
 * @masked: bits of NVT_MASKED_*
 * @prev_ns: @last_ns of the one before
 * @storms: how often the vector was masked because it never stopped
 *
 * Written by the interrupt handler alone: @prev_ns, @last_ns and @last_cpu,
 * then @interrupts, then, when the queues have been reaped, the other two.
 */
struct nvt_vector_counter {
	__u64 interrupts;
	__u64 completions;
	__u64 empty;
	__u64 last_ns;
	__u32 last_cpu;
	__u32 masked;
	__u64 prev_ns;
	__u64 storms;
	__u64 resv;
};

#define NVT_MASKED_OWNER	0x1U	/* by NVT_IOC_VECTOR_MASK */
#define NVT_MASKED_STORM	0x2U	/* by the driver, to keep the host alive */

/**
 * struct nvt_status - the page at NVT_MMAP_STATUS
 * @generation: grows with each reset, sleep and removal; queues made in an
 *	earlier generation are dead
 * @state: enum nvt_state
 * @nr_vectors: how many entries of @vector are in use
 * @vector: the counters
 */
struct nvt_status {
	__u64 generation;
	__u32 state;
	__u32 nr_vectors;
	__u64 resv[6];
	struct nvt_vector_counter vector[];
};

/**
 * struct nvt_irq_entry - one interrupt
 * @seq: its index + 1, written last: any other value means that the entry is
 *	being written, or was overwritten
 * @ns: CLOCK_MONOTONIC at entry to the handler
 * @vector: the one it arrived at
 * @cpu: the CPU that took it
 * @completions: of managed queues, new at it
 * @resv: 0
 */
struct nvt_irq_entry {
	__u64 seq;
	__u64 ns;
	__u32 vector;
	__u32 cpu;
	__u32 completions;
	__u32 resv;
};

/**
 * struct nvt_irq_log - the ring at NVT_MMAP_IRQ_LOG
 * @head: interrupts since the ring was made; that of index i is at
 *	@entry[i % @nr_entries], unless i + @nr_entries < @head: overwritten
 * @nr_entries: a power of two
 * @entry: the interrupts of all vectors, in the order of their arrival
 */
struct nvt_irq_log {
	__u64 head;
	__u32 nr_entries;
	__u32 resv0;
	__u64 resv[6];
	struct nvt_irq_entry entry[];
};

enum nvt_iommu {
	NVT_IOMMU_NONE		= 0,	/* bus addresses are physical */
	NVT_IOMMU_PASSTHROUGH	= 1,	/* there is one and it does not translate */
	NVT_IOMMU_TRANSLATED	= 2,	/* the device reaches its buffers only */
};

/**
 * struct nvt_device_info - NVT_IOC_DEVICE_INFO
 * @size: sizeof(struct nvt_device_info)
 * @flags: 0
 * @abi_version: out, NVT_ABI_VERSION of the driver
 * @iommu: out, enum nvt_iommu
 * @domain: out, PCI domain
 * @bus: out, PCI bus
 * @devfn: out, device and function, as in PCI_DEVFN()
 * @class_code: out, PCI class code, 24 bits
 * @vendor: out, vendor id
 * @device: out, device id
 * @config_size: out, bytes of config space, 256 or 4096
 * @max_msix: out, size of the MSI-X table, 0 without the capability
 * @max_msi: out, messages of the MSI capability, 0 without it
 * @intx: out, 1 if the function has an interrupt pin
 * @nr_vectors: out, vectors allocated now
 * @vector_type: out, enum nvt_vector_type of them
 * @resv: 0
 * @status_length: out, bytes to map at NVT_MMAP_STATUS
 * @bar_length: out, bytes of each memory BAR, 0 where there is none
 */
struct nvt_device_info {
	__u32 size;
	__u32 flags;
	__u32 abi_version;
	__u32 iommu;
	__u32 domain;
	__u16 bus;
	__u16 devfn;
	__u32 class_code;
	__u16 vendor;
	__u16 device;
	__u32 config_size;
	__u32 max_msix;
	__u32 max_msi;
	__u32 intx;
	__u32 nr_vectors;
	__u32 vector_type;
	__u32 resv[2];
	__u64 status_length;
	__u64 bar_length[6];
};

/*
 * NVT_IOC_DEVICE_INFO - what the device is. Works on observers.
 */
#define NVT_IOC_DEVICE_INFO	_IOWR(NVT_IOC_MAGIC, 0x00, struct nvt_device_info)

#define NVT_ACCESS_WRITE	0x1U

/**
 * struct nvt_reg_access - NVT_IOC_REG_ACCESS
 * @size: sizeof(struct nvt_reg_access)
 * @flags: NVT_ACCESS_WRITE, else it reads
 * @bar: 0 to 5
 * @width: bytes: 1, 2, 4 or 8
 * @offset: bytes from the start of the BAR, a multiple of @width
 * @value: in for a write, out for a read
 */
struct nvt_reg_access {
	__u32 size;
	__u32 flags;
	__u32 bar;
	__u32 width;
	__u64 offset;
	__u64 value;
};

/*
 * NVT_IOC_REG_ACCESS - one read or write of exactly the given width.
 *
 *   -EINVAL  no such BAR, bad width, not aligned, or beyond the end
 *   -EAGAIN  the device is being reset or is asleep
 */
#define NVT_IOC_REG_ACCESS	_IOWR(NVT_IOC_MAGIC, 0x01, struct nvt_reg_access)

/**
 * struct nvt_config_access - NVT_IOC_CONFIG_ACCESS
 * @size: sizeof(struct nvt_config_access)
 * @flags: NVT_ACCESS_WRITE, else it reads
 * @offset: byte in config space, a multiple of @width
 * @width: bytes: 1, 2 or 4
 * @value: in for a write, out for a read
 * @resv: 0
 */
struct nvt_config_access {
	__u32 size;
	__u32 flags;
	__u32 offset;
	__u32 width;
	__u32 value;
	__u32 resv;
};

/*
 * NVT_IOC_CONFIG_ACCESS - one read or write of config space.
 *
 *   -EINVAL  bad width, not aligned, or beyond the end
 *   -EIO     the bus reported an error
 */
#define NVT_IOC_CONFIG_ACCESS	_IOWR(NVT_IOC_MAGIC, 0x02, struct nvt_config_access)

enum nvt_buffer_kind {
	NVT_BUFFER_CONTIGUOUS	= 0,	/* one run of bus addresses */
	NVT_BUFFER_PAGES	= 1,	/* single pages, their bus order shuffled */
	NVT_BUFFER_BAR		= 2,	/* memory of the device in a BAR, as a CMB */
};

/**
 * struct nvt_buffer_create - NVT_IOC_BUFFER_CREATE
 * @size: sizeof(struct nvt_buffer_create)
 * @flags: 0
 * @kind: enum nvt_buffer_kind
 * @id: out, names the buffer in other calls
 * @length: bytes, a multiple of the page size
 * @bus_addrs: user pointer to __u64[@length / page size]: the bus address of
 *	each page is written there
 * @mmap_offset: out, where to map it; the mapping covers the whole buffer
 * @bar_offset: of NVT_BUFFER_BAR: bytes from the start of the BAR, a multiple
 *	of the page size; else 0
 * @bar: of NVT_BUFFER_BAR: 0 to 5; else 0
 * @resv: 0
 */
struct nvt_buffer_create {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 id;
	__u64 length;
	__u64 bus_addrs;
	__u64 mmap_offset;
	__u64 bar_offset;
	__u32 bar;
	__u32 resv;
};

/*
 * NVT_IOC_BUFFER_CREATE - zeroed DMA memory, coherent with the device. That in
 * a BAR is the device's own and as it was left; it is mapped as the BAR is.
 *
 *   -EINVAL  unknown kind; length 0, not in whole pages, or above 1 GiB; not
 *	      all within the BAR
 *   -ENOMEM  no memory (without an IOMMU a contiguous buffer ends at 4 MiB)
 *   -ENOSPC  too many buffers
 */
#define NVT_IOC_BUFFER_CREATE	_IOWR(NVT_IOC_MAGIC, 0x10, struct nvt_buffer_create)

/**
 * struct nvt_buffer_destroy - NVT_IOC_BUFFER_DESTROY
 * @size: sizeof(struct nvt_buffer_destroy)
 * @flags: 0
 * @id: of the buffer
 * @resv: 0
 */
struct nvt_buffer_destroy {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 resv;
};

/*
 * NVT_IOC_BUFFER_DESTROY - the buffer's id and mappings end.
 *
 * Its memory is freed at once, unless the driver knows that the device may
 * still write to it (a cancelled command was not answered yet, or a queue was
 * destroyed here and, as far as a managed admin queue saw, not on the device):
 * then it is kept until the controller has stopped. Of what is outstanding in
 * a raw queue only the owner knows: such commands must have ended.
 *
 *   -ENOENT  no such buffer
 *   -EBUSY   a queue is in it
 */
#define NVT_IOC_BUFFER_DESTROY	_IOW(NVT_IOC_MAGIC, 0x11, struct nvt_buffer_destroy)

enum nvt_vector_type {
	NVT_VECTOR_NONE		= 0,
	NVT_VECTOR_MSIX		= 1,
	NVT_VECTOR_MSI		= 2,
	NVT_VECTOR_INTX		= 3,
};

/**
 * struct nvt_vectors_set - NVT_IOC_VECTORS_SET
 * @size: sizeof(struct nvt_vectors_set)
 * @flags: 0
 * @type: enum nvt_vector_type; NVT_VECTOR_NONE frees what is allocated
 * @count: in: vectors wanted; out: vectors allocated, 1 to @count
 */
struct nvt_vectors_set {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 count;
};

/*
 * NVT_IOC_VECTORS_SET - allocate interrupt vectors of one type, in place of
 * those allocated before. Their counters in the status page start at zero.
 *
 *   -EINVAL      unknown type; count 0, or not 0 with NVT_VECTOR_NONE
 *   -EOPNOTSUPP  the function has no such interrupts
 *   -EBUSY       a managed completion queue uses a vector
 *   -ENOSPC      the host has no vectors left
 */
#define NVT_IOC_VECTORS_SET	_IOWR(NVT_IOC_MAGIC, 0x20, struct nvt_vectors_set)

#define NVT_PENDING_UNKNOWN	0xffffffffU

/**
 * struct nvt_vector_info - NVT_IOC_VECTOR_INFO
 * @size: sizeof(struct nvt_vector_info)
 * @flags: 0
 * @vector: index of an allocated one
 * @irq: out, the host's number, for /proc/interrupts and /proc/irq/N/smp_affinity
 * @masked: out, 1 if the device says so: vector control of MSI-X, mask bit of
 *	MSI, Interrupt Disable of INTx
 * @pending: out, 1 if the device holds an interrupt back: PBA of MSI-X, pending
 *	bit of MSI, Interrupt Status of INTx; NVT_PENDING_UNKNOWN for an MSI
 *	capability without mask bits
 */
struct nvt_vector_info {
	__u32 size;
	__u32 flags;
	__u32 vector;
	__u32 irq;
	__u32 masked;
	__u32 pending;
};

/*
 * NVT_IOC_VECTOR_INFO - what host and device say of a vector, read back from
 * the device. Works on observers.
 *
 *   -EINVAL  no such vector
 *   -EAGAIN  the device is being reset or is asleep
 */
#define NVT_IOC_VECTOR_INFO	_IOWR(NVT_IOC_MAGIC, 0x21, struct nvt_vector_info)

#define NVT_VECTOR_MASK		0x1U

/**
 * struct nvt_vector_mask - NVT_IOC_VECTOR_MASK
 * @size: sizeof(struct nvt_vector_mask)
 * @flags: NVT_VECTOR_MASK, else it unmasks
 * @vector: index of an allocated one
 * @resv: 0
 */
struct nvt_vector_mask {
	__u32 size;
	__u32 flags;
	__u32 vector;
	__u32 resv;
};

/*
 * NVT_IOC_VECTOR_MASK - mask or unmask a vector at the device; an MSI
 * capability without mask bits is masked at the host. When it returns the
 * handler has ended. Masking twice is masking once. Unmasking also ends what
 * the driver masked because of a storm.
 *
 *   -EINVAL  no such vector
 *   -EAGAIN  the device is being reset or is asleep
 */
#define NVT_IOC_VECTOR_MASK	_IOW(NVT_IOC_MAGIC, 0x22, struct nvt_vector_mask)

/**
 * struct nvt_vector_eventfd - NVT_IOC_VECTOR_EVENTFD
 * @size: sizeof(struct nvt_vector_eventfd)
 * @flags: 0
 * @vector: index of an allocated one
 * @fd: an eventfd, or -1 to end it
 */
struct nvt_vector_eventfd {
	__u32 size;
	__u32 flags;
	__u32 vector;
	__s32 fd;
};

/*
 * NVT_IOC_VECTOR_EVENTFD - add 1 to an eventfd at each interrupt of a vector,
 * after it was counted and managed queues were reaped.
 *
 *   -EINVAL  no such vector, or not an eventfd
 *   -EBADF   no such file
 */
#define NVT_IOC_VECTOR_EVENTFD	_IOW(NVT_IOC_MAGIC, 0x23, struct nvt_vector_eventfd)

/**
 * struct nvt_irq_log_set - NVT_IOC_IRQ_LOG
 * @size: sizeof(struct nvt_irq_log_set)
 * @flags: 0
 * @nr_entries: a power of two up to 2^20, or 0 for no log
 * @resv: 0
 * @length: out, bytes to map at NVT_MMAP_IRQ_LOG
 */
struct nvt_irq_log_set {
	__u32 size;
	__u32 flags;
	__u32 nr_entries;
	__u32 resv;
	__u64 length;
};

/*
 * NVT_IOC_IRQ_LOG - start a new, empty log of single interrupts, or end it.
 * It goes on through NVT_IOC_VECTORS_SET and resets.
 */
#define NVT_IOC_IRQ_LOG		_IOWR(NVT_IOC_MAGIC, 0x24, struct nvt_irq_log_set)

enum nvt_queue_type {
	NVT_QUEUE_SQ		= 0,
	NVT_QUEUE_CQ		= 1,
};

#define NVT_QUEUE_MANAGED	0x1U
#define NVT_NO_VECTOR		0xffffffffU

/**
 * struct nvt_queue_create - NVT_IOC_QUEUE_CREATE
 * @size: sizeof(struct nvt_queue_create)
 * @flags: NVT_QUEUE_MANAGED: the driver submits and completes; else the ring
 *	and the doorbell are the owner's and the driver only knows that the
 *	queue is there
 * @type: enum nvt_queue_type
 * @nr_entries: 2 to 65536, the real number, not 0's based
 * @qid: 0 is the admin queue
 * @cqid: of an SQ: the CQ that it completes to, which must exist and be
 *	managed if the SQ is; of a CQ: 0
 * @vector: of a managed CQ: the vector to reap it at, or NVT_NO_VECTOR for
 *	one that is polled (IORING_SETUP_IOPOLL); else NVT_NO_VECTOR
 * @buffer_id: the buffer that holds the ring
 * @resv: 0
 * @buffer_offset: of the ring in it, a multiple of 4
 * @records_offset: out, of a managed SQ: mmap() offset of struct nvt_record
 *	[@nr_entries], read-only
 */
struct nvt_queue_create {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 nr_entries;
	__u16 qid;
	__u16 cqid;
	__u32 vector;
	__u32 buffer_id;
	__u32 resv;
	__u64 buffer_offset;
	__u64 records_offset;
};

/*
 * NVT_IOC_QUEUE_CREATE - make the host's side of a queue. The device's side
 * is the owner's: AQA, ASQ and ACQ, or a Create I/O Queue command, sent
 * afterwards. The memory of a managed CQ is cleared.
 *
 *   -EINVAL  a field is out of range, or the ring does not fit its buffer
 *   -ENOENT  no such buffer or CQ
 *   -EEXIST  the queue exists
 *   -EIO     the CQ is dead: the device was reset; make it again
 *   -EOPNOTSUPP  managed, and the function is not an NVMe controller
 *   -ENODEV  the registers read as all-ones
 *   -EAGAIN  the device is being reset or is asleep
 */
#define NVT_IOC_QUEUE_CREATE	_IOWR(NVT_IOC_MAGIC, 0x30, struct nvt_queue_create)

/**
 * struct nvt_queue_destroy - NVT_IOC_QUEUE_DESTROY
 * @size: sizeof(struct nvt_queue_destroy)
 * @flags: 0
 * @type: enum nvt_queue_type
 * @qid: of the queue
 * @resv: 0
 */
struct nvt_queue_destroy {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u16 qid;
	__u16 resv;
};

/*
 * NVT_IOC_QUEUE_DESTROY - end the host's side of a queue. Its outstanding
 * commands complete with an all-ones completion. Delete the queue on the
 * device first.
 *
 *   -ENOENT  no such queue
 *   -EBUSY   a CQ that an SQ still completes to
 */
#define NVT_IOC_QUEUE_DESTROY	_IOW(NVT_IOC_MAGIC, 0x31, struct nvt_queue_destroy)

/**
 * struct nvt_queue_stats - NVT_IOC_QUEUE_STATS
 * @size: sizeof(struct nvt_queue_stats)
 * @flags: 0
 * @qid: of a managed SQ
 * @resv: 0
 * @submitted: out, commands written to the ring
 * @completed: out, completions that matched a command
 * @doorbells: out, writes of the tail doorbell
 * @unexpected: out, completions on its CQ that matched no command: unknown
 *	command id or SQ id, or a second one
 * @timeouts: out, commands whose time was up
 * @late: out, completions of commands that had timed out or been cancelled
 * @missed: out, completions on its CQ that no interrupt told of
 */
struct nvt_queue_stats {
	__u32 size;
	__u32 flags;
	__u16 qid;
	__u16 resv[3];
	__u64 submitted;
	__u64 completed;
	__u64 doorbells;
	__u64 unexpected;
	__u64 timeouts;
	__u64 late;
	__u64 missed;
};

/*
 * NVT_IOC_QUEUE_STATS - counters of a managed SQ. Works on observers.
 *
 *   -ENOENT  no such managed SQ
 */
#define NVT_IOC_QUEUE_STATS	_IOWR(NVT_IOC_MAGIC, 0x32, struct nvt_queue_stats)

#define NVT_COMMAND_NO_DOORBELL	0x1U	/* NVT_URING_COMMAND: rung later */
#define NVT_COMMAND_ANY_CID	0x2U	/* NVT_IOC_COMMAND: the driver picks it */

/**
 * struct nvt_command - NVT_IOC_COMMAND
 * @size: sizeof(struct nvt_command)
 * @flags: NVT_COMMAND_ANY_CID
 * @sqid: a managed SQ whose CQ has a vector
 * @resv: 0
 * @timeout_ms: 1 to 3600000
 * @sqe: in, as in struct nvt_uring_command; out with NVT_COMMAND_ANY_CID: with
 *	the command id that it had
 * @cqe: out, the completion queue entry; all-ones if the queue died
 * @submit_ns: out, as in struct nvt_record
 * @complete_ns: out, likewise
 */
struct nvt_command {
	__u32 size;
	__u32 flags;
	__u16 sqid;
	__u16 resv;
	__u32 timeout_ms;
	__u8  sqe[64];
	__u8  cqe[16];
	__u64 submit_ns;
	__u64 complete_ns;
};

/*
 * NVT_IOC_COMMAND - one NVMe command, start to end. What the device says is in
 * @cqe, not in the return value. A user may send commands to the admin SQ of
 * the owner in this way, with a command id that the driver picks.
 *
 *   -EINVAL      command id out of range, no time-out
 *   -ENOENT      no such managed SQ
 *   -EOPNOTSUPP  its CQ is polled
 *   -EEXIST      the command id is in use
 *   -EBUSY       no command id is free
 *   -EIO         the queue was dead before the command was sent
 *   -ETIME       the device did not answer in time; late answers are counted,
 *		  and the command id stays in use until then
 *   -EINTR       the process is being killed
 */
#define NVT_IOC_COMMAND		_IOWR(NVT_IOC_MAGIC, 0x33, struct nvt_command)

enum nvt_reset_method {
	NVT_RESET_FUNCTION	= 0,	/* the first that works of sysfs reset_method */
};

/**
 * struct nvt_reset - NVT_IOC_RESET
 * @size: sizeof(struct nvt_reset)
 * @flags: 0
 * @method: enum nvt_reset_method
 * @resv: 0
 */
struct nvt_reset {
	__u32 size;
	__u32 flags;
	__u32 method;
	__u32 resv;
};

/*
 * NVT_IOC_RESET - reset the PCI function. Config space is restored, vectors
 * and buffers stay, every queue is dead and its commands complete with an
 * all-ones completion; the generation grows. A function that forgot, with its
 * power or link, that Memory Space was enabled gets its config space as of the
 * bind, and its vectors.
 *
 *   -EINVAL  unknown method
 *   -ENOTTY  the function cannot be reset in this way
 *   -EAGAIN  the device is being removed or reset: try again
 */
#define NVT_IOC_RESET		_IOW(NVT_IOC_MAGIC, 0x40, struct nvt_reset)

/**
 * struct nvt_release - NVT_IOC_RELEASE
 * @size: sizeof(struct nvt_release)
 * @flags: 0
 */
struct nvt_release {
	__u32 size;
	__u32 flags;
};

/*
 * NVT_IOC_RELEASE - give the device up now: stop it, complete every command,
 * free every object. What close() does too, but with io_uring close() may do
 * it later; when this returns, the next owner can open the device. The file
 * is an observer afterwards.
 */
#define NVT_IOC_RELEASE		_IOW(NVT_IOC_MAGIC, 0x41, struct nvt_release)

#define NVT_SHARE_ON		0x1U

/**
 * struct nvt_share - NVT_IOC_SHARE
 * @size: sizeof(struct nvt_share)
 * @flags: NVT_SHARE_ON, else it closes the door
 */
struct nvt_share {
	__u32 size;
	__u32 flags;
};

/*
 * NVT_IOC_SHARE - whether others may open the device for writing and use it
 * beside its owner, who keeps registers, config space, vectors, resets and the
 * admin queue. When a user ends, its I/O queues are deleted on the device by
 * the owner's managed admin queue; without one, or without an answer, its
 * memory is kept until the controller has stopped. When the owner ends, all end.
 */
#define NVT_IOC_SHARE		_IOW(NVT_IOC_MAGIC, 0x42, struct nvt_share)

/**
 * struct nvt_uring_command - the 80 bytes at sqe->cmd of NVT_URING_COMMAND
 * @sqe: the submission queue entry, which goes to the ring as it is. Its
 *	command id must be below nr_entries - 1 of the queue and not in use:
 *	it names the command's record.
 * @sqid: a managed SQ of this file
 * @flags: NVT_COMMAND_NO_DOORBELL
 * @timeout_ms: when to give up waiting, 0 for never
 * @resv: 0
 */
struct nvt_uring_command {
	__u8  sqe[64];
	__u16 sqid;
	__u16 flags;
	__u32 timeout_ms;
	__u32 resv[2];
};

/**
 * struct nvt_record - what is known of a command, at the index of its id
 * @cqe: the completion queue entry as the device wrote it; all-ones if the
 *	command ended because its queue died
 * @submit_ns: CLOCK_MONOTONIC when it was written to the ring
 * @complete_ns: CLOCK_MONOTONIC when the interrupt arrived (or the poll ran)
 *	at which it was reaped, or when its batch was, for all but the first
 *	batch of an interrupt; never before @submit_ns
 *
 * Valid from the io_uring completion until the command id is used again.
 */
struct nvt_record {
	__u8  cqe[16];
	__u64 submit_ns;
	__u64 complete_ns;
};

/*
 * NVT_URING_COMMAND - cmd_op of IORING_OP_URING_CMD: one NVMe command.
 *
 * The ring needs IORING_SETUP_SQE128 and IORING_SETUP_CQE32; it must be an
 * IOPOLL ring if and only if the SQ completes to a CQ without a vector. More
 * than two commands in one io_uring_enter() ring the doorbell once.
 *
 * The CQE's res is the status field of the completion without its phase bit
 * (DW3 >> 17), 0 being success, or a negative errno; its first extra word is
 * DW0 of the completion in bits 31:0 and DW1 in bits 63:32.
 *
 *   -EOPNOTSUPP  not an SQE128 and CQE32 ring, or polled and not polled mixed
 *   -EINVAL      command id out of range, unknown flag, reserved not zero
 *   -EEXIST      the command id is in use
 *   -ENOENT      no such managed SQ
 *   -EIO         the queue is dead: the device was reset; make it again
 *   -ETIME       time is up (a tenth of a second more at most); the record is
 *		  all-ones. The command id stays in use until the device answers
 *		  or the queue is destroyed.
 *   -ECANCELED   the request was cancelled, or its process or ring is ending.
 *		  The command id stays in use likewise.
 */
#define NVT_URING_COMMAND	_IO(NVT_IOC_MAGIC, 0x80)

#define NVT_DOORBELL_VALUE	0x1U

/**
 * struct nvt_uring_doorbell - the 80 bytes at sqe->cmd of NVT_URING_DOORBELL
 * @sqid: a managed SQ of this file
 * @flags: NVT_DOORBELL_VALUE: write @value, else the tail of the ring
 * @value: anything; the driver's idea of the tail stays as it is
 * @resv: 0
 */
struct nvt_uring_doorbell {
	__u16 sqid;
	__u16 flags;
	__u32 value;
	__u32 resv[18];
};

/*
 * NVT_URING_DOORBELL - cmd_op of IORING_OP_URING_CMD: write the tail doorbell
 * now. The CQE's res is 0 or a negative errno as of NVT_URING_COMMAND.
 */
#define NVT_URING_DOORBELL	_IO(NVT_IOC_MAGIC, 0x81)

/*
 * Events: generic netlink family "nvt", multicast group "events". Netlink can
 * lose messages; NVT_ATTR_SEQ shows a gap, the status page shows the state.
 */
#define NVT_GENL_NAME		"nvt"
#define NVT_GENL_VERSION	1
#define NVT_GENL_MCGRP		"events"

enum nvt_event {
	NVT_EVENT_UNSPEC,
	NVT_EVENT_ADDED,		/* a device was bound */
	NVT_EVENT_REMOVED,		/* a device was unbound or removed */
	NVT_EVENT_RESET,		/* a reset ended */
	NVT_EVENT_PCI_ERROR,		/* the PCI core reported an error */
	NVT_EVENT_COMMAND_TIMEOUT,	/* SQID, CID */
	NVT_EVENT_COMPLETION_LATE,	/* of a command given up. SQID, CID, CQE */
	NVT_EVENT_COMPLETION_UNEXPECTED, /* of no command. CQID, SQID, CID, CQE */
	NVT_EVENT_INTERRUPT_LOST,	/* completions found without one. CQID, VECTOR */
	NVT_EVENT_INTERRUPT_STORM,	/* the vector was masked. VECTOR */
};

enum nvt_attr {
	NVT_ATTR_UNSPEC,
	NVT_ATTR_PAD,
	NVT_ATTR_MINOR,			/* u32: N of /dev/nvtN */
	NVT_ATTR_BDF,			/* string: 0000:01:00.0 */
	NVT_ATTR_GENERATION,		/* u64: after the event */
	NVT_ATTR_TIME_NS,		/* u64: CLOCK_MONOTONIC */
	NVT_ATTR_SEQ,			/* u32: counts the driver's events */
	NVT_ATTR_SQID,			/* u32 */
	NVT_ATTR_CQID,			/* u32 */
	NVT_ATTR_CID,			/* u32 */
	NVT_ATTR_VECTOR,		/* u32 */
	NVT_ATTR_CQE,			/* binary, 16 bytes, as the device wrote it */
	__NVT_ATTR_MAX,
};

#define NVT_ATTR_MAX		(__NVT_ATTR_MAX - 1)

#endif /* _UAPI_NVT_H */
