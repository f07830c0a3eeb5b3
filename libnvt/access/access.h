/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * The one seam below the library's PCIe code: how to reach a device. The
 * layers above do not know which implementation they are on.
 */
#ifndef NVT_ACCESS_H
#define NVT_ACCESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvt/pcie.h>

struct nvt_pcie;

#define NVT_PAGE_SHIFT	12
#define NVT_PAGE_SIZE	(1UL << NVT_PAGE_SHIFT)

struct nvt_buffer {
	struct nvt_pcie *pcie;
	void *data;
	size_t length;		/* in whole pages */
	int kind;		/* enum nvt_buffer_kind */
	uint32_t id;
	uint64_t *bus;		/* the bus address of each page */
	void *access;		/* the access's own */
};

/*
 * All return 0 or a negative errno, map_bar() an address or NULL with errno
 * set; none sets the error text: the caller knows the operation, so it does.
 */
struct nvt_access_ops {
	void (*close)(struct nvt_pcie *pcie);
	int (*info)(struct nvt_pcie *pcie, struct nvt_device_info *info);
	int (*reg)(struct nvt_pcie *pcie, struct nvt_reg_access *access);
	int (*config)(struct nvt_pcie *pcie, struct nvt_config_access *access);
	volatile void *(*map_bar)(struct nvt_pcie *pcie, int bar, size_t length);
	int (*set_vectors)(struct nvt_pcie *pcie, struct nvt_vectors_set *set);
	int (*vector_info)(struct nvt_pcie *pcie, struct nvt_vector_info *info);
	int (*vector_mask)(struct nvt_pcie *pcie, unsigned int vector, bool mask);
	int (*vector_eventfd)(struct nvt_pcie *pcie, unsigned int vector, int fd);
	/* A new log of so many entries as pcie->irq_log in place of an older one; 0 for none. */
	int (*irq_log)(struct nvt_pcie *pcie, uint32_t nr_entries);
	int (*reset)(struct nvt_pcie *pcie, int method);
	/* Puts back config space and vectors if the function lost them with its power or link. */
	int (*restore)(struct nvt_pcie *pcie);
	/* Allocates and maps buf->length bytes; fills data, bus[], and id and access for itself. */
	int (*buffer_create)(struct nvt_pcie *pcie, struct nvt_buffer *buf);
	void (*buffer_free)(struct nvt_pcie *pcie, struct nvt_buffer *buf);
	/* The host's side of a queue; a managed one only where pcie->manages_queues. */
	int (*queue_create)(struct nvt_pcie *pcie, struct nvt_queue_create *create);
	int (*queue_destroy)(struct nvt_pcie *pcie, int type, uint16_t qid);
};

struct nvt_pcie {
	const struct nvt_access_ops *ops;
	char addr[128];
	int fd;					/* of a driver; of io_uring commands too */
	bool manages_queues;			/* a driver can: the managed back end works */
	unsigned int flags;			/* NVT_OPEN_* */
	const volatile struct nvt_status *status;
	size_t status_length;
	struct nvt_device_info info;		/* as of the opening */
	const struct nvt_irq_log *irq_log;	/* NULL without one */
	size_t irq_log_length;
	pthread_mutex_t lock;			/* bar[], irq_base */
	volatile void *bar[6];			/* mapped on first use */
	uint64_t *irq_base;			/* interrupts of each vector at its last clear */
};

/* In pcie.c: restores it as above; 0, or a negative errno with its text. */
int nvt_pcie_restore(struct nvt_pcie *pcie);

/* An open device, or NULL with errno and the error text set. */
struct nvt_pcie *nvt_chardev_open(const char *addr, unsigned int flags);

/* Whether an address is "vfio-user:PATH"; the open of one, as above. */
bool nvt_vfio_user_is(const char *addr);
struct nvt_pcie *nvt_vfio_user_open(const char *addr, unsigned int flags);

#endif /* NVT_ACCESS_H */
