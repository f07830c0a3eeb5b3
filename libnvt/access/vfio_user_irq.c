// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Interrupts from a vfio-user socket: each vector is an eventfd, and a thread
 * counts in the status page what arrives there, as the driver's handler does.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "access/vfio_user.h"

#define MAX_FDS		16	/* in one message, however many the server takes */
#define BATCH		32
#define INTX_RETRY_MS	1	/* how soon a line that is still up is looked at again */

/* In the place of a vector's number. */
#define SOURCE_SOCKET	UINT32_MAX
#define SOURCE_WAKE	(UINT32_MAX - 1)

static const uint32_t irq_index[] = {
	[NVT_VECTOR_MSIX] = VFIO_PCI_MSIX_IRQ_INDEX,
	[NVT_VECTOR_MSI] = VFIO_PCI_MSI_IRQ_INDEX,
	[NVT_VECTOR_INTX] = VFIO_PCI_INTX_IRQ_INDEX,
};

static int set_irqs(struct vfio_user *vu, uint32_t flags, uint32_t start, uint32_t count,
		    const int *fds)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = flags,
		.index = irq_index[vu->irqs.type],
		.start = start,
		.count = count,
	};
	struct vfio_user_call call = {
		.command = VFIO_USER_DEVICE_SET_IRQS,
		.request = &set,
		.length = sizeof(set),
		.fds = fds,
		.nr_fds = fds ? count : 0,
	};

	return vfio_user_channel_call(&vu->channel, &call);
}

static void take_interrupt(struct vfio_user *vu, unsigned int vector)
{
	if (vfio_user_vector_take(vu, vector) && vu->irqs.type == NVT_VECTOR_INTX)
		vu->irqs.held = true;
}

/*
 * The server masks INTx as it sends it. The line stays up until the owner of
 * the queue has moved its CQ head, so it is unmasked once it is low: else it
 * would be sent again and again.
 */
static void release_line(struct vfio_user *vu)
{
	uint32_t status;

	if (vfio_user_config_read(vu, PCI_STATUS, 2, &status))
		return;
	if (status & PCI_STATUS_INTERRUPT && status != 0xffff)
		return;
	vu->irqs.held = false;
	set_irqs(vu, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, NULL);
}

static void take_socket(struct vfio_user *vu)
{
	vfio_user_channel_serve(&vu->channel);
	if (__atomic_load_n(&vu->channel.broken, __ATOMIC_ACQUIRE))
		epoll_ctl(vu->irqs.epoll, EPOLL_CTL_DEL, vu->channel.fd, NULL);
}

/* False: the thread is to end. */
static bool take_event(struct vfio_user *vu, uint32_t source)
{
	if (source == SOURCE_WAKE)
		return false;
	if (source == SOURCE_SOCKET)
		take_socket(vu);
	else
		take_interrupt(vu, source);
	return true;
}

static void *watch(void *vfio_user)
{
	struct vfio_user *vu = vfio_user;
	struct epoll_event events[BATCH];
	bool go_on = true;
	int i, n;

	while (go_on) {
		n = epoll_wait(vu->irqs.epoll, events, BATCH, vu->irqs.held ? INTX_RETRY_MS : -1);
		for (i = 0; i < n; i++)
			go_on &= take_event(vu, events[i].data.u32);
		if (go_on && vu->irqs.held)
			release_line(vu);
	}
	return NULL;
}

static int add_source(struct vfio_user *vu, int fd, uint32_t source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = source };

	return epoll_ctl(vu->irqs.epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int add_sources(struct vfio_user *vu)
{
	unsigned int i;
	int err;

	err = add_source(vu, vu->irqs.wake, SOURCE_WAKE, EPOLLIN);
	/* By edges: what comes while a call waits for it is the caller's. */
	if (!err)
		err = add_source(vu, vu->channel.fd, SOURCE_SOCKET, EPOLLIN | EPOLLRDHUP | EPOLLET);
	for (i = 0; !err && i < vu->irqs.nr; i++)
		err = add_source(vu, vu->irqs.eventfd[i], i, EPOLLIN);
	return err;
}

/* It takes no signals: they are the program's. */
static int create_thread(struct vfio_user *vu)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&vu->irqs.thread, NULL, watch, vu);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int vfio_user_irq_start(struct vfio_user *vu)
{
	struct vfio_user_irqs *irqs = &vu->irqs;
	int err;

	irqs->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (irqs->epoll < 0)
		return -errno;
	irqs->wake = eventfd(0, EFD_CLOEXEC);
	err = irqs->wake < 0 ? -errno : add_sources(vu);
	if (!err)
		err = create_thread(vu);
	if (!err) {
		irqs->running = true;
		return 0;
	}
	if (irqs->wake >= 0)
		close(irqs->wake);
	close(irqs->epoll);
	return err;
}

void vfio_user_irq_stop(struct vfio_user *vu)
{
	uint64_t one = 1;

	if (!vu->irqs.running)
		return;
	while (write(vu->irqs.wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(vu->irqs.thread, NULL);
	close(vu->irqs.wake);
	close(vu->irqs.epoll);
	vu->irqs.running = false;
}

static int give_eventfds(struct vfio_user *vu)
{
	uint32_t most = vu->max_fds < MAX_FDS ? vu->max_fds : MAX_FDS, start, n;
	int err = 0;

	for (start = 0; !err && start < vu->irqs.nr; start += n) {
		n = vu->irqs.nr - start < most ? vu->irqs.nr - start : most;
		err = set_irqs(vu, VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, start,
			       n, vu->irqs.eventfd + start);
	}
	return err;
}

/* PCI Express Base 6.0, 7.7.2: each entry of the table has its mask, which is set at first. */
static int set_masks(struct vfio_user *vu, bool all)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < vu->irqs.nr; i++)
		err = vfio_user_vector_set_control(vu, i, all || vu->status->vector[i].masked);
	return err;
}

static int enable_msix(struct vfio_user *vu)
{
	int err = set_masks(vu, false);

	return err ? err : vfio_user_config_update(vu, vu->caps.msix + PCI_MSIX_FLAGS, 2,
						   PCI_MSIX_FLAGS_MASKALL, PCI_MSIX_FLAGS_ENABLE);
}

static int enable_msi(struct vfio_user *vu)
{
	uint32_t log2 = 0;
	int err = set_masks(vu, false);

	/* A capability without mask bits has nothing masked. */
	if (err && err != -EOPNOTSUPP)
		return err;
	while (1U << log2 < vu->irqs.nr)
		log2++;
	return vfio_user_config_update(vu, vu->caps.msi + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_QSIZE,
				       log2 << 4 | PCI_MSI_FLAGS_ENABLE);
}

static int enable_intx(struct vfio_user *vu)
{
	int err = set_masks(vu, false);

	return err ? err : set_irqs(vu, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK, 0, 1,
				    NULL);
}

/* The files first: then no message of the device meets nobody. */
int vfio_user_irq_enable(struct vfio_user *vu)
{
	int err = give_eventfds(vu);

	vu->irqs.held = false;
	if (err || !vu->irqs.nr)
		return err;
	switch (vu->irqs.type) {
	case NVT_VECTOR_MSIX:
		return enable_msix(vu);
	case NVT_VECTOR_MSI:
		return enable_msi(vu);
	default:
		return enable_intx(vu);
	}
}

static void disable(struct vfio_user *vu)
{
	switch (vu->irqs.type) {
	case NVT_VECTOR_MSIX:
		vfio_user_config_update(vu, vu->caps.msix + PCI_MSIX_FLAGS, 2,
					PCI_MSIX_FLAGS_ENABLE, 0);
		set_masks(vu, true);
		break;
	case NVT_VECTOR_MSI:
		vfio_user_config_update(vu, vu->caps.msi + PCI_MSI_FLAGS, 2,
					PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE, 0);
		break;
	default:
		vfio_user_config_update(vu, PCI_COMMAND, 2, 0, PCI_COMMAND_INTX_DISABLE);
		break;
	}
	/* Count 0 takes all the files back. */
	set_irqs(vu, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0, NULL);
}

/* With the thread stopped. */
void vfio_user_irq_free(struct vfio_user *vu)
{
	struct vfio_user_irqs *irqs = &vu->irqs;
	unsigned int i;

	__atomic_store_n(&vu->status->nr_vectors, 0, __ATOMIC_RELEASE);
	if (irqs->nr)
		disable(vu);
	for (i = 0; i < irqs->nr; i++) {
		close(irqs->eventfd[i]);
		if (irqs->forward[i] >= 0)
			close(irqs->forward[i]);
	}
	free(irqs->eventfd);
	free(irqs->forward);
	irqs->eventfd = NULL;
	irqs->forward = NULL;
	irqs->nr = 0;
	irqs->type = NVT_VECTOR_NONE;
}

static int make_eventfds(struct vfio_user *vu, unsigned int n)
{
	struct vfio_user_irqs *irqs = &vu->irqs;

	irqs->eventfd = calloc(n, sizeof(*irqs->eventfd));
	irqs->forward = calloc(n, sizeof(*irqs->forward));
	if (!irqs->eventfd || !irqs->forward)
		return -ENOMEM;
	for (irqs->nr = 0; irqs->nr < n; irqs->nr++) {
		irqs->forward[irqs->nr] = -1;
		irqs->eventfd[irqs->nr] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (irqs->eventfd[irqs->nr] < 0)
			/* The process may have no more files. */
			return errno == EMFILE || errno == ENFILE ? -ENOSPC : -errno;
	}
	return 0;
}

static int allocate(struct vfio_user *vu, int type, unsigned int n)
{
	int err;

	vu->irqs.type = type;
	memset(vu->status->vector, 0, n * sizeof(vu->status->vector[0]));
	err = make_eventfds(vu, n);
	if (!err)
		err = vfio_user_irq_enable(vu);
	if (err) {
		vfio_user_irq_free(vu);
		return err;
	}
	__atomic_store_n(&vu->status->nr_vectors, n, __ATOMIC_RELEASE);
	return 0;
}

/* As many as are wanted, there and possible: MSI has powers of two. PCI Local Bus 3.0, 6.8.1.3 */
static unsigned int choose_count(const struct vfio_user *vu, const struct nvt_vectors_set *set)
{
	const struct nvt_device_info *info = &vu->pcie.info;
	unsigned int n, most;

	most = set->type == NVT_VECTOR_MSIX ? info->max_msix :
	       set->type == NVT_VECTOR_MSI  ? info->max_msi : info->intx;
	n = set->count < most ? set->count : most;
	while (set->type == NVT_VECTOR_MSI && n & (n - 1))
		n &= n - 1;
	return n;
}

static int replace(struct vfio_user *vu, struct nvt_vectors_set *set, unsigned int n)
{
	int err = 0, start_err;

	vfio_user_irq_stop(vu);
	vfio_user_irq_free(vu);
	if (n)
		err = allocate(vu, set->type, n);
	start_err = vfio_user_irq_start(vu);
	set->count = n;
	return err ? err : start_err;
}

int vfio_user_set_vectors(struct nvt_pcie *pcie, struct nvt_vectors_set *set)
{
	struct vfio_user *vu = to_vfio_user(pcie);
	uint32_t state = __atomic_load_n(&vu->status->state, __ATOMIC_ACQUIRE);
	unsigned int n;

	if (set->type > NVT_VECTOR_INTX || !set->type != !set->count)
		return -EINVAL;
	if (pcie->flags & NVT_OPEN_OBSERVE)
		return -EBADF;
	if (state != NVT_STATE_LIVE)
		return state == NVT_STATE_GONE ? -ENODEV : -EAGAIN;
	n = set->type ? choose_count(vu, set) : 0;
	if (set->type && !n)
		return -EOPNOTSUPP;
	return replace(vu, set, n);
}
