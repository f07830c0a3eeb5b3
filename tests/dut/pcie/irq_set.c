// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the client wants of interrupts: GET_IRQ_INFO and SET_IRQS. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pcie/function_priv.h"

#define DATA_FLAGS	VFIO_IRQ_SET_DATA_TYPE_MASK
#define ACTION_FLAGS	VFIO_IRQ_SET_ACTION_TYPE_MASK

/*
 * QEMU stops its guest when the error interrupt comes, so it is not told of
 * it; a client that wants it can set it.
 */
static bool index_told(uint32_t index)
{
	return index <= VFIO_PCI_MSIX_IRQ_INDEX;
}

int irq_info(const struct function *function, struct vfio_irq_info *info)
{
	if (!index_told(info->index))
		return EINVAL;
	info->argsz = sizeof(*info);
	info->count = function->irqs.count[info->index];
	info->flags = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE;
	if (info->index == VFIO_PCI_INTX_IRQ_INDEX)
		info->flags |= VFIO_IRQ_INFO_AUTOMASKED;
	return 0;
}

/* Anything else could block the write of an interrupt, or raise a signal. */
static bool is_eventfd(int fd)
{
	static const char want[] = "anon_inode:[eventfd]";
	char link[32], name[sizeof(want)];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, name, sizeof(name));
	return length == sizeof(want) - 1 && !memcmp(name, want, length);
}

static int eventfds_check(const struct message *message)
{
	for (unsigned int i = 0; i < message->nr_fds; i++)
		if (!is_eventfd(message->fds[i]) ||
		    fcntl(message->fds[i], F_SETFL, O_RDWR | O_NONBLOCK))
			return EINVAL;
	return 0;
}

static int take_fd(struct message *message, unsigned int number)
{
	int fd = number < message->nr_fds ? message->fds[number] : -1;

	if (fd >= 0)
		message->fds[number] = -1;
	return fd;
}

static void unmask_ready(void *arg)
{
	struct function *function = arg;
	uint64_t count;

	if (read(function->irqs.unmask_eventfd, &count, sizeof(count)) < 0)
		return;
	function->irqs.vectors[VFIO_PCI_INTX_IRQ_INDEX][0].masked = false;
	irq_update(function);
}

void irq_unmask_by(struct function *function, int eventfd)
{
	struct irqs *irqs = &function->irqs;

	if (irqs->unmask_eventfd >= 0) {
		loop_unwatch(function->loop, irqs->unmask_eventfd);
		close(irqs->unmask_eventfd);
	}
	irqs->unmask_eventfd = eventfd;
	if (eventfd >= 0)
		loop_watch(function->loop, eventfd, unmask_ready, function);
}

/* The client signals the eventfd to unmask by, see <linux/vfio.h>; INTx only, as in Linux. */
static int set_eventfds(struct function *function, const struct vfio_irq_set *set,
			struct message *message)
{
	uint32_t action = set->flags & ACTION_FLAGS;

	if (message->nr_fds && message->nr_fds != set->count)
		return EINVAL;
	if (eventfds_check(message))
		return EINVAL;
	if (action == VFIO_IRQ_SET_ACTION_UNMASK && set->index == VFIO_PCI_INTX_IRQ_INDEX) {
		irq_unmask_by(function, take_fd(message, 0));
		return 0;
	}
	if (action != VFIO_IRQ_SET_ACTION_TRIGGER)
		return EOPNOTSUPP;
	for (uint32_t i = 0; i < set->count; i++)
		vector_assign(&function->irqs.vectors[set->index][set->start + i],
			      take_fd(message, i));
	irq_update(function);
	return 0;
}

static int set_now(struct function *function, const struct vfio_irq_set *set,
		   const struct message *message)
{
	const uint8_t *wanted = message->data + sizeof(*set);
	bool every = set->flags & VFIO_IRQ_SET_DATA_NONE;

	if (message->nr_fds || (!every && message->length - sizeof(*set) < set->count))
		return EINVAL;
	for (uint32_t i = 0; i < set->count; i++) {
		struct vector *vector = &function->irqs.vectors[set->index][set->start + i];

		if (!every && !wanted[i])
			continue;
		if (set->flags & VFIO_IRQ_SET_ACTION_TRIGGER)
			irq_signal(vector);
		else
			vector->masked = set->flags & VFIO_IRQ_SET_ACTION_MASK;
	}
	irq_update(function);
	return 0;
}

/* A count of 0 disables all of an index. */
static int disable_index(struct function *function, const struct vfio_irq_set *set)
{
	if (set->start || (set->flags & ~ACTION_FLAGS) != VFIO_IRQ_SET_DATA_NONE ||
	    !(set->flags & VFIO_IRQ_SET_ACTION_TRIGGER))
		return EINVAL;
	for (unsigned int i = 0; i < function->irqs.count[set->index]; i++) {
		vector_assign(&function->irqs.vectors[set->index][i], -1);
		function->irqs.vectors[set->index][i].pending = false;
	}
	if (set->index == VFIO_PCI_INTX_IRQ_INDEX)
		irq_unmask_by(function, -1);
	return 0;
}

static bool one_bit(uint32_t value)
{
	return value && !(value & (value - 1));
}

int irq_set(struct function *function, struct message *message)
{
	struct vfio_irq_set set;

	memcpy(&set, message->data, sizeof(set));
	if (set.argsz < sizeof(set) || set.index >= IRQ_INDEXES ||
	    set.flags & ~(DATA_FLAGS | ACTION_FLAGS) || !one_bit(set.flags & DATA_FLAGS) ||
	    !one_bit(set.flags & ACTION_FLAGS))
		return EINVAL;
	if (!set.count)
		return disable_index(function, &set);
	if (set.start >= function->irqs.count[set.index] ||
	    set.count > function->irqs.count[set.index] - set.start)
		return EINVAL;
	if (!index_told(set.index) && !(set.flags & VFIO_IRQ_SET_ACTION_TRIGGER))
		return EINVAL;
	if (set.flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return set_eventfds(function, &set, message);
	return set_now(function, &set, message);
}
