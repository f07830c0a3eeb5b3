/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between the supported kernels, 6.1 and newer. */
#ifndef NVT_COMPAT_H
#define NVT_COMPAT_H

#include <linux/device/class.h>
#include <linux/eventfd.h>
#include <linux/io_uring_types.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

#ifndef CONFIG_X86_64
#error "nvt relies on cache-coherent DMA and 64-bit MMIO: x86-64 only"
#endif

/* 6.5: the payload moved from io_uring_cmd.cmd to the SQE */
static inline const void *nvt_uring_payload(const struct io_uring_cmd *ioucmd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return ioucmd->sqe->cmd;
#else
	return ioucmd->cmd;
#endif
}

/* 6.18: io_uring_cmd_done() lost res2, which has a call of its own */
static inline void nvt_uring_done(struct io_uring_cmd *ioucmd, s32 res, u64 res2,
				  unsigned int issue_flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	io_uring_cmd_done32(ioucmd, res, res2, issue_flags);
#else
	io_uring_cmd_done(ioucmd, res, res2, issue_flags);
#endif
}

/* 6.19: task work takes a request and a token in place of the command */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 19, 0)
#define NVT_DEFINE_TASK_WORK(name, body)				\
static void name(struct io_tw_req tw_req, io_tw_token_t tw)		\
{									\
	body(io_uring_cmd_from_tw(tw_req), IO_URING_CMD_TASK_WORK_ISSUE_FLAGS); \
}
#else
#define NVT_DEFINE_TASK_WORK(name, body)				\
static void name(struct io_uring_cmd *ioucmd, unsigned int issue_flags)	\
{									\
	body(ioucmd, issue_flags);					\
}
#endif

/* 6.5: lazy wake-up, one for as many completions as the waiter wants */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define nvt_uring_in_task io_uring_cmd_do_in_task_lazy
#else
#define nvt_uring_in_task io_uring_cmd_complete_in_task
#endif

/* 6.7: cancelling */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define NVT_URING_CANCEL IO_URING_F_CANCEL
static inline void nvt_uring_cancelable(struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
	if (!(issue_flags & IO_URING_F_IOPOLL))
		io_uring_cmd_mark_cancelable(ioucmd, issue_flags);
}
#else
#define NVT_URING_CANCEL 0
static inline void nvt_uring_cancelable(struct io_uring_cmd *ioucmd, unsigned int issue_flags)
{
}
#endif

/* 6.8: eventfd_signal() lost its count */
static inline void nvt_eventfd_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd);
#else
	eventfd_signal(eventfd, 1);
#endif
}

/* 6.13: a request knows its task through the task's io_uring context */
static inline struct task_struct *nvt_uring_task(const struct io_kiocb *req)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	return req->tctx->task;
#else
	return req->task;
#endif
}

/* 6.8: PCI_IRQ_LEGACY became PCI_IRQ_INTX */
#ifndef PCI_IRQ_INTX
#define PCI_IRQ_INTX PCI_IRQ_LEGACY
#endif

/* 6.4: class_create() lost its module */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define nvt_class_create(name) class_create(name)
#else
#define nvt_class_create(name) class_create(THIS_MODULE, name)
#endif

/* 6.3: vm_flags became read-only */
static inline void nvt_vm_flags_mod(struct vm_area_struct *vma, unsigned long set,
				    unsigned long clear)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

#endif /* NVT_COMPAT_H */
