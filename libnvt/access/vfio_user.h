/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A PCI function at a vfio-user socket, and what the parts of this access share. */
#ifndef NVT_VFIO_USER_H
#define NVT_VFIO_USER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "access/access.h"
#include "access/iova.h"
#include "access/vfio_user_message.h"

#define VFIO_USER_BARS		6
#define VFIO_USER_AREAS		8	/* of one BAR that may be mapped */
#define VFIO_USER_SAVED		24	/* registers that are put back after a reset or a loss */

struct vfio_user_area {
	uint64_t offset;
	uint64_t size;
};

/* A BAR as the server describes it. */
struct vfio_user_bar {
	uint64_t size;			/* 0: there is none */
	uint64_t offset;		/* in the file */
	int fd;				/* to map it from, or -1 */
	unsigned int nr_areas;
	struct vfio_user_area area[VFIO_USER_AREAS];	/* to map for writing */
	bool image;			/* the rest holds an image of the registers, to be read */
	int ones;			/* what takes its place when the server is lost, or -1 */
	void *map;			/* as long as pcie.bar[] is it */
};

/* Capabilities of config space; 0 where there is none. */
struct vfio_user_caps {
	uint16_t msi;
	uint16_t msix;
	uint16_t pcie;
	uint16_t aer;
	uint16_t ltr;
	uint16_t l1ss;
};

struct vfio_user_saved {
	uint16_t offset;
	uint16_t width;
	uint32_t value;
};

/* The vectors, and the thread that counts their interrupts. */
struct vfio_user_irqs {
	int type;			/* enum nvt_vector_type */
	unsigned int nr;
	int *eventfd;			/* of each */
	int *forward;			/* the owner's eventfd of each, or -1 */
	pthread_mutex_t lock;		/* counters, forward[] and the log while the thread runs */
	bool held;			/* INTx is masked until its line is low */
	int epoll;
	int wake;			/* eventfd that ends the thread */
	bool running;
	pthread_t thread;
};

struct vfio_user {
	struct nvt_pcie pcie;		/* first: the ops are given it */
	struct vfio_user_channel channel;
	unsigned int max_fds;		/* that the server takes in one message */
	bool can_reset;			/* by DEVICE_RESET */
	struct vfio_user_bar bar[VFIO_USER_BARS];
	bool bars_lost;			/* under pcie.lock; none is mapped any more */
	struct vfio_user_caps caps;
	struct vfio_user_saved saved[VFIO_USER_SAVED];	/* of an owner's: as it set them */
	unsigned int nr_saved;
	struct vfio_user_irqs irqs;
	struct nvt_status *status;	/* what pcie.status shows */
	pthread_mutex_t state_lock;	/* status->state and its changes */
	pthread_mutex_t memory_lock;	/* iova */
	struct nvt_iova_space iova;
};

static inline struct vfio_user *to_vfio_user(struct nvt_pcie *pcie)
{
	return (struct vfio_user *)pcie;
}

/* vfio_user_open.c: frees all but the struct, whether or not it was ever connected. */
void vfio_user_disconnect(struct vfio_user *vu);

/* vfio_user.c; the accesses of a region look at no state. */
extern const struct nvt_access_ops vfio_user_ops;
void vfio_user_lost(void *vfio_user);
int vfio_user_region_read(struct vfio_user *vu, uint32_t region, uint64_t offset,
			  unsigned int width, uint64_t *value);
int vfio_user_region_write(struct vfio_user *vu, uint32_t region, uint64_t offset,
			   unsigned int width, uint64_t value);

/* vfio_user_config.c: what the function says of itself in config space. */
int vfio_user_config_read(struct vfio_user *vu, uint32_t offset, unsigned int width,
			  uint32_t *value);
int vfio_user_config_write(struct vfio_user *vu, uint32_t offset, unsigned int width,
			   uint32_t value);
int vfio_user_config_update(struct vfio_user *vu, uint32_t offset, unsigned int width,
			    uint32_t clear, uint32_t set);
int vfio_user_config_scan(struct vfio_user *vu);
int vfio_user_config_save(struct vfio_user *vu);
int vfio_user_config_note(struct vfio_user *vu, uint32_t offset, unsigned int width);
int vfio_user_config_restore(struct vfio_user *vu);
int vfio_user_config_lost(struct vfio_user *vu, bool *lost);

/* vfio_user_bar.c */
int vfio_user_bars_scan(struct vfio_user *vu);
volatile void *vfio_user_bar_map(struct nvt_pcie *pcie, int bar, size_t length);
void vfio_user_bars_lose(struct vfio_user *vu);	/* all-ones in place of each mapping */
void vfio_user_bars_free(struct vfio_user *vu);

/* vfio_user_buffer.c */
int vfio_user_buffer_create(struct nvt_pcie *pcie, struct nvt_buffer *buf);
void vfio_user_buffer_free(struct nvt_pcie *pcie, struct nvt_buffer *buf);
int vfio_user_buffer_access(void *vfio_user, bool write, uint64_t address, void *data,
			    size_t count);

/*
 * vfio_user_irq.c. The thread also looks after the socket. It is stopped while
 * vectors or the function change.
 */
int vfio_user_irq_start(struct vfio_user *vu);
void vfio_user_irq_stop(struct vfio_user *vu);
int vfio_user_set_vectors(struct nvt_pcie *pcie, struct nvt_vectors_set *set);
int vfio_user_irq_enable(struct vfio_user *vu);	/* on the device: again after a reset */
void vfio_user_irq_free(struct vfio_user *vu);

/* vfio_user_vector.c: one vector; true if it had interrupts. */
bool vfio_user_vector_take(struct vfio_user *vu, unsigned int vector);
int vfio_user_vector_set_control(struct vfio_user *vu, unsigned int vector, bool mask);
int vfio_user_vector_info(struct nvt_pcie *pcie, struct nvt_vector_info *info);
int vfio_user_vector_mask(struct nvt_pcie *pcie, unsigned int vector, bool mask);
int vfio_user_vector_eventfd(struct nvt_pcie *pcie, unsigned int vector, int fd);
int vfio_user_irq_log(struct nvt_pcie *pcie, uint32_t nr_entries);

#endif /* NVT_VFIO_USER_H */
