/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NVT_KMOD_H
#define NVT_KMOD_H

#include <linux/cdev.h>
#include <linux/io_uring_types.h>
#include <linux/kfifo.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "../uapi/nvt.h"
#include "compat.h"

#define NVT_MAX_BUFFERS		65535
#define NVT_MAX_BUFFER_LENGTH	SZ_1G
#define NVT_MMAP_RECORDS(qid)	(((u64)7 << 40) + ((u64)(qid) << 21))
#define NVT_MMAP_BUFFER(id)	(((u64)8 << 40) + ((u64)(id) << 30))

#define NVT_LOW_SQS		64
#define NVT_NR_NOTICES		64

/* An event from a place that cannot sleep. */
struct nvt_notice {
	enum nvt_event event;
	u32 attrs;				/* BIT(NVT_ATTR_SQID) ...: which it has */
	u16 sqid;
	u16 cqid;
	u16 cid;
	u32 vector;
	u8 cqe[16];
	u64 ns;
};

/* Pages apart, so that a write to one kind does not show in another. */
enum nvt_ones { NVT_ONES_REGS, NVT_ONES_BAR, NVT_ONES_BUFFER, NVT_NR_ONES };

/*
 * Lock order: device_lock (PCI core) > mmap_lock > nvt_dev.lock > mem_lock > i_mmap.
 *
 * Every file operation and interrupt handler is an SRCU reader, and a reader
 * may take all of these but device_lock. So nothing waits for SRCU while it
 * holds one of them; queues are freed by call_srcu().
 */
struct nvt_dev {
	struct device dev;
	struct cdev cdev;
	struct pci_dev *pdev;
	int minor;
	bool is_nvme;
	struct pci_saved_state *saved_state;	/* config space as it was found */

	struct srcu_struct srcu;
	struct mutex lock;			/* owner and the objects below */
	struct nvt_file *owner;			/* written under lock and mem_lock */
	struct list_head users;			/* under lock: nvt_file that joined the owner */
	bool shared;				/* under lock: they may */

	struct rw_semaphore mem_lock;		/* state, and what a fault may map */
	enum nvt_state state;			/* written under mem_lock and lock */
	wait_queue_head_t state_wait;
	struct nvt_status *status;		/* the page that user space maps */
	size_t status_length;
	struct inode *inode;			/* its mappings are those of all openers */
	struct page *ones[NVT_NR_ONES];		/* what is read once the device is gone */

	void __iomem *regs;			/* BAR 0 */
	struct xarray buffers;			/* written under lock and mem_lock */
	struct list_head retired;		/* under lock: destroyed, not yet freed */
	bool dma_given;				/* under lock: the owner or a user had buffers */
	bool exposed;				/* under lock: a queue gone here is not there */
	bool unstopped;				/* under lock: would not stop, cut off the bus */
	u32 next_buffer;			/* under lock: ids come round late */

	unsigned int max_msix;			/* as found at probe: so long is status */
	unsigned int max_msi;
	struct nvt_vector *vectors;		/* under lock */
	unsigned int nr_vectors;
	u32 vector_type;
	struct delayed_work intx_unmask;
	struct nvt_irq_ring __rcu *irq_ring;	/* written under lock, read under SRCU */

	struct xarray cqs;			/* written under lock, read under SRCU too */
	struct xarray sqs;			/* likewise */
	struct nvt_sq *low_sqs[NVT_LOW_SQS];	/* those of low ids, found at once */
	struct delayed_work watch;
	u64 watch_ns;				/* when it runs next; a hint */

	spinlock_t notice_lock;			/* writers of notices */
	DECLARE_KFIFO(notices, struct nvt_notice, NVT_NR_NOTICES);
	struct work_struct notice_work;
};

struct nvt_file {
	struct nvt_dev *dev;
	bool user;				/* written under lock and mem_lock */
	struct list_head node;			/* on nvt_dev.users */
};

struct nvt_buffer {
	u32 id;
	u32 kind;
	u64 length;
	struct nvt_file *file;			/* that made it; others never map it */
	unsigned int nr_pages;
	struct page **pages;
	dma_addr_t *bus;			/* of each page */
	struct sg_table *sgt;			/* of a contiguous one */
	u32 bar;				/* of one in a BAR */
	u64 bar_offset;
	void *kva;				/* of a managed ring, by vmap() or ioremap() */
	unsigned int nr_queues;			/* rings in it */
	u64 retired_ns;				/* when it was destroyed, and could not be freed */
	struct list_head node;			/* on nvt_dev.retired */
};

struct nvt_vector {
	struct nvt_dev *dev;
	unsigned int index;
	int irq;
	struct nvt_vector_counter *counter;
	struct list_head cqs;			/* written under dev->lock, read under SRCU */
	unsigned long masked;			/* NVT_MASKED_*, by atomic bit operations */
	struct eventfd_ctx *eventfd;		/* under dev->lock, then synchronize_irq() */
	u64 window_ns;				/* the handler's: since when it counts */
	unsigned int empties;			/* interrupts without a completion */
};

struct nvt_irq_ring {
	struct rcu_head rcu;
	struct nvt_irq_log *log;		/* what user space maps */
	size_t length;
};

struct nvt_cq {
	struct rcu_head rcu;
	struct nvt_dev *dev;
	struct nvt_file *file;
	u16 qid;
	bool deleted;				/* the device said so */
	bool managed;
	u32 nr_entries;
	struct nvt_buffer *buffer;
	unsigned int nr_sqs;			/* under dev->lock */
	struct nvt_vector *vector;		/* NULL: polled */
	struct list_head vector_node;

	spinlock_t lock;			/* head to missed, and the slots of its SQs */
	u32 head;
	u8 phase;
	bool dead;
	u64 reaped;
	u64 unexpected;
	u64 missed;
	const struct nvt_cqe *ring;
	void __iomem *doorbell;
	struct io_ring_ctx *poll_ctx;		/* the one IOPOLL ring; under lock */
	u64 stalled_ns;				/* the watch's: since when an entry is visible, */
	u64 stalled_at;				/* this many having been reaped */
};

/*
 * NULL, NVT_RESERVED, a command in flight, or NVT_ORPHAN. Reserved by
 * cmpxchg(), filled by the one who reserved it, left under cq->lock: whoever
 * takes the command out completes it.
 */
struct nvt_slot {
	struct nvt_cmd *cmd;
	u64 deadline_ns;			/* 0: none */
	bool dataless;				/* an Asynchronous Event Request: never ends */
};

/* Being posted; and given up: nobody waits for it, but the device may still answer. */
#define NVT_RESERVED	((struct nvt_cmd *)1)
#define NVT_ORPHAN	((struct nvt_cmd *)2)

struct nvt_sq {
	struct rcu_head rcu;
	struct nvt_dev *dev;
	struct nvt_file *file;
	u16 qid;
	bool deleted;				/* the device said so */
	bool managed;
	u32 nr_entries;
	struct nvt_buffer *buffer;
	struct nvt_cq *cq;
	struct nvt_record *records;
	struct nvt_slot *slots;			/* by command id */

	spinlock_t lock;			/* tail, dead, submitted, doorbells */
	u32 tail;
	bool dead;
	u64 submitted;
	u64 doorbells;
	u64 completed;				/* this and below under cq->lock */
	u64 timeouts;
	u64 late;
	void *ring;
	void __iomem *doorbell;
};

/* NVMe Base 2.1, 4.2.1 */
struct nvt_cqe {
	__le32 dw0;
	__le32 dw1;
	__le32 sqhd_sqid;
	__le32 cid_status;
};

enum nvt_cmd_kind {
	NVT_CMD_URING,
	NVT_CMD_IOPOLL,
	NVT_CMD_WAITER,				/* a task sleeps until it ends */
};

/*
 * A command in flight, kept with the io_uring request or on the stack of the
 * task that waits. Ids, not pointers: a queue may go before its requests.
 */
struct nvt_cmd {
	u16 sqid;
	u16 cid;
	u16 delete_qid;				/* of a Delete I/O Queue command */
	u8 delete_opcode;
	bool deletes;
	bool dataless;
	u8 kind;				/* enum nvt_cmd_kind */
	s32 res;
	u32 dw0;
	u32 dw1;
};

/* An SRCU reader's. */
static inline struct nvt_sq *nvt_sq_find(struct nvt_dev *dev, u16 qid)
{
	return qid < NVT_LOW_SQS ? READ_ONCE(dev->low_sqs[qid]) : xa_load(&dev->sqs, qid);
}

static inline bool nvt_slot_in_flight(const struct nvt_cmd *cmd)
{
	return cmd && cmd != NVT_RESERVED && cmd != NVT_ORPHAN;
}

/* cdev.c */
extern const struct file_operations nvt_fops;
int nvt_check_owner(struct nvt_file *file);
int nvt_check_user(struct nvt_file *file);

/* inode.c */
struct inode *nvt_inode_new(void);
void nvt_inode_free(struct inode *inode);

/* mmap.c */
int nvt_mmap(struct file *filp, struct vm_area_struct *vma);
void nvt_zap(struct nvt_dev *dev, u64 offset, u64 length);
void nvt_zap_bars(struct nvt_dev *dev);
void *nvt_shared_alloc(size_t length);
void nvt_shared_free(void *memory);

/* pci.c */
enum nvt_iommu nvt_iommu(struct pci_dev *pdev);
int nvt_device_info(struct nvt_file *file, void *arg);
int nvt_reg_access(struct nvt_file *file, void *arg);
int nvt_config_access(struct nvt_file *file, void *arg);
int nvt_reset(struct nvt_file *file, void *arg);

/* buffer.c */
int nvt_buffer_create(struct nvt_file *file, void *arg);
int nvt_buffer_destroy(struct nvt_file *file, void *arg);
int nvt_buffer_map_kva(struct nvt_dev *dev, struct nvt_buffer *buf);
void nvt_buffers_end(struct nvt_file *file);
void nvt_buffers_reap(struct nvt_dev *dev);
void nvt_buffers_free_retired(struct nvt_dev *dev);
void nvt_buffers_free(struct nvt_dev *dev);

/* irq.c */
int nvt_vectors_set(struct nvt_file *file, void *arg);
void nvt_vectors_free(struct nvt_dev *dev);
void nvt_intx_unmask(struct work_struct *work);

/* vector.c */
struct nvt_vector *nvt_vector_get(struct nvt_dev *dev, u32 index);
int nvt_vector_info(struct nvt_file *file, void *arg);
int nvt_vector_mask(struct nvt_file *file, void *arg);
int nvt_vector_eventfd(struct nvt_file *file, void *arg);
void nvt_vector_storm(struct nvt_vector *vector);

/* irqlog.c */
int nvt_irq_log(struct nvt_file *file, void *arg);
void nvt_irq_log_end(struct nvt_dev *dev);
struct nvt_irq_entry *nvt_irq_log_begin(struct nvt_dev *dev, u64 *seq);
void nvt_irq_log_commit(struct nvt_irq_entry *entry, u64 seq, const struct nvt_vector *vector,
			u64 now, u32 completions);

/* queue.c */
int nvt_queue_create(struct nvt_file *file, void *arg);
int nvt_queue_destroy(struct nvt_file *file, void *arg);
int nvt_queue_stats(struct nvt_file *file, void *arg);
u64 nvt_queues_oldest(struct nvt_dev *dev);
void nvt_queues_kill(struct nvt_dev *dev);
void nvt_queues_end_commands(struct nvt_dev *dev);
void nvt_queues_free(struct nvt_dev *dev);
void nvt_queues_end(struct nvt_file *file);

/* submit.c */
void nvt_cmd_init(struct nvt_cmd *cmd, enum nvt_cmd_kind kind, u16 sqid, const u8 *sqe);
int nvt_sq_reserve(struct nvt_sq *sq, struct nvt_cmd *cmd);
bool nvt_sq_post(struct nvt_sq *sq, struct nvt_cmd *cmd, const u8 *sqe, u32 timeout_ms);
void nvt_sq_ring(struct nvt_sq *sq);
void nvt_sq_ring_value(struct nvt_sq *sq, u32 value);

/* reap.c */
bool nvt_cq_visible(struct nvt_cq *cq);
unsigned int nvt_cq_reap(struct nvt_cq *cq, u64 now);
void nvt_cmd_finish_ones(struct nvt_sq *sq, struct nvt_cmd *cmd);
bool nvt_sq_orphan(struct nvt_sq *sq, struct nvt_cmd *cmd);
void nvt_sq_end_commands(struct nvt_sq *sq);

/* command.c */
int nvt_command(struct nvt_file *file, void *arg);
int nvt_admin_delete_queue(struct nvt_dev *dev, u8 opcode, u16 qid);
void nvt_waiter_keep(struct nvt_cmd *cmd, const struct nvt_record *record);
void nvt_waiter_wake(struct nvt_cmd *cmd);

/* watch.c */
void nvt_watch(struct work_struct *work);
void nvt_watch_start(struct nvt_dev *dev);
void nvt_watch_until(struct nvt_dev *dev, u64 deadline_ns);
void nvt_cq_reap_missed(struct nvt_cq *cq, u64 now);

/* uring.c */
int nvt_uring_cmd(struct io_uring_cmd *ioucmd, unsigned int issue_flags);
int nvt_uring_cmd_iopoll(struct io_uring_cmd *ioucmd, struct io_comp_batch *iob,
			 unsigned int poll_flags);
void nvt_uring_complete(struct nvt_cmd *cmd, bool polling);
bool nvt_uring_abandoned(struct nvt_cmd *cmd);

/* stop.c */
void nvt_set_state(struct nvt_dev *dev, enum nvt_state state);
u64 nvt_settled_ns(struct nvt_dev *dev);
void nvt_acquire(struct nvt_dev *dev, struct nvt_file *file);
void nvt_join(struct nvt_dev *dev, struct nvt_file *file);
void nvt_leave(struct nvt_dev *dev, struct nvt_file *file);
void nvt_give_up(struct nvt_dev *dev);
void nvt_freeze(struct nvt_dev *dev, enum nvt_state state);
void nvt_thaw(struct nvt_dev *dev);

/* event.c */
void nvt_event(struct nvt_dev *dev, enum nvt_event event);
void nvt_notify(struct nvt_dev *dev, struct nvt_notice notice);
void nvt_notice_work(struct work_struct *work);
int nvt_event_init(void);
void nvt_event_exit(void);

#endif /* NVT_KMOD_H */
