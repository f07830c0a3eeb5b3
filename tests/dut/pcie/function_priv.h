/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Inside of a PCI function. The way of a request:
 *
 *   wire_receive -> message_serve -> region_*, irq_*, map_* -> work_do -> the device's ops
 *
 * and of a DMA of the device:
 *
 *   function_dma_* -> dma_find -> memory, or a message and wire_receive for its reply
 */
#ifndef DUT_FUNCTION_PRIV_H
#define DUT_FUNCTION_PRIV_H

#include <linux/vfio.h>

#include "access/vfio_user_wire.h"
#include "pcie/function.h"

/* Data of one transfer, fds of one message, DMA mappings: what this server takes. */
#define MAX_DATA	(1U << 20)
#define MAX_FDS		16
#define MAX_MAPS	32768

#define PAGE		4096ULL
#define CONFIG_LENGTH	4096
#define STALE_MAPS	32
#define STALE_LENGTH	(64ULL << 20)
#define ABANDONED	16
#define WORK_MAX	4096
#define IRQ_INDEXES	VFIO_PCI_NUM_IRQS
/* The kinds of errors that a function has which is no port. PCIe 6.0, 7.8.4 */
#define AER_UNCORRECTABLE	0x007ff010U
#define AER_CORRECTABLE		0x0000f1c1U
#define REGIONS		VFIO_PCI_NUM_REGIONS
#define WIRE_DATA	(MAX_DATA + 256)

/* A message as it comes in; two are enough, see wire.c. */
struct message {
	struct vfio_user_header header;
	uint8_t *data;			/* WIRE_DATA bytes; what follows the header */
	size_t length;			/* of the data */
	size_t have;			/* bytes of header and data so far */
	int fds[MAX_FDS];	/* -1: taken over */
	unsigned int nr_fds;
	bool excess_fds;		/* there were more, or they could not be received */
	bool used;
};

struct client {
	int fd;
	bool versioned;			/* VERSION was agreed upon */
	bool lost;			/* nothing more goes either way; to be removed */
	bool bar0_mapped;		/* it was given the fd of BAR 0 */
	uint32_t max_data;		/* of a transfer that it takes */
	struct message messages[2];
	struct message *partial;	/* being received */
	uint16_t request_id;		/* of the last request of ours */
	bool waiting;			/* for the reply to it; the device is busy */
	bool abort;			/* the wait is over without it */
	uint16_t abandoned[ABANDONED];	/* ids whose replies are still to come */
	unsigned int nr_abandoned;
};

/* What a device is told, at once or when it is no more in the middle of something. */
enum work_kind { WORK_BAR_WRITE, WORK_RESET, WORK_POWER, WORK_UNMAPPED, WORK_REPLY };

struct work {
	enum work_kind kind;
	int bar;
	unsigned int width;
	uint64_t offset, value;		/* WORK_UNMAPPED: IOVA and length */
	enum function_reset reset;
	unsigned int state;
	struct vfio_user_header header;	/* of the request that WORK_REPLY answers */
	struct work *next;
};

struct dma_map {
	uint64_t iova, length;
	uint8_t *memory;		/* NULL: by messages */
	uint32_t flags;			/* VFIO_DMA_MAP_FLAG_READ, _WRITE */
};

struct dma {
	struct dma_map *maps;		/* by IOVA */
	size_t nr_maps, room;
	size_t nr_asked;		/* of them without memory */
	size_t last;			/* where the last look-up ended */
	/* Removed by the client, memory still at hand, oldest first. */
	struct dma_map *stale;
	size_t nr_stale;
	uint64_t stale_length;
	bool enabled;			/* client, link, D0 and Bus Master Enable */
	volatile bool faulted;		/* SIGBUS: the client has cut a file short */
	struct dma *next;		/* for the signal's handler */
};

struct vector {
	int eventfd;			/* -1: none */
	bool masked;			/* by SET_IRQS; INTx: by itself too */
	bool pending;
};

struct irqs {
	struct vector *vectors[IRQ_INDEXES];
	unsigned int count[IRQ_INDEXES];
	uint8_t *table;			/* MSI-X */
	bool table_written;		/* the client uses it, and not its own */
	uint32_t table_length, pba_offset, pba_length;
	bool intx_level;
	int unmask_eventfd;		/* of INTx; watched; -1: none */
};

struct config {
	uint8_t data[CONFIG_LENGTH];
	uint8_t initial[CONFIG_LENGTH];
	uint8_t writable[CONFIG_LENGTH], clear[CONFIG_LENGTH];	/* masks: RW, RW1C */
	uint8_t sticky[CONFIG_LENGTH];	/* kept in any reset */
	uint8_t kept[CONFIG_LENGTH];	/* kept in a function level reset only */
	uint16_t length;		/* 256 without PCI Express */
	uint16_t pm, msi, msix, pcie, aer;	/* where the capabilities are; 0: none */
};

struct bar {
	uint64_t length;
	uint8_t *memory;		/* NULL: none */
	int fd;				/* of the memory; -1 */
	bool plain;			/* memory all through, no ops */
};

struct function {
	struct loop *loop;
	struct function_params params;
	const struct function_ops *ops;
	void *device;
	struct config config;
	struct irqs irqs;
	struct dma dma;
	struct bar bars[FUNCTION_BARS];
	bool link_up;
	char *path;
	int listener;			/* -1: not listening */
	struct client *client;		/* NULL: none */
	struct work *works, **works_end;
	unsigned int nr_works;
	struct timer later;		/* works, and the end of a lost client */
};

/* function.c */
/* Interrupts, config space, then the device (or as soon as it can). */
void function_reset(struct function *function, enum function_reset kind);
/* What Command, power state, link and client allow has changed. */
void function_gate(struct function *function);
/* Whether the client's accesses reach the BARs. */
bool function_memory_enabled(const struct function *function);

/* work.c */
/* False: too much is waiting. */
bool work_do(struct function *function, const struct work *work);
/* What waits, unless the device is busy. */
void work_run(struct function *function);
void work_drop(struct function *function);
/* It waits for the reply to a DMA request. */
bool device_busy(const struct function *function);

/* server.c */
int server_init(struct function *function);
void server_exit(struct function *function);
/* One line on stderr, and the end of the connection as soon as the device is not busy. */
void client_fail(struct function *function, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* As above without a line: it has gone by itself. */
void client_gone(struct function *function);

/* wire.c */
int wire_init(struct client *client);
void wire_exit(struct client *client);
/* A whole message, or NULL: not yet, or the client is lost. */
struct message *wire_receive(struct function *function);
void message_free(struct message *message);
/* 0 or a negative errno; the client is lost then. @fd -1: none. */
int wire_send(struct function *function, struct vfio_user_header *header, const void *data,
	      size_t length, const void *more, size_t more_length, int fd);
/* The two kinds of reply to @request, unless it wants none. @error is a positive errno. */
void wire_reply(struct function *function, const struct vfio_user_header *request,
		const void *data, size_t length, const void *more, size_t more_length, int fd);
void wire_error(struct function *function, const struct vfio_user_header *request, int error);

/* message.c */
void message_serve(struct function *function, struct message *message);

/* region.c: each answers */
void region_info(struct function *function, struct message *message);
void region_read(struct function *function, struct message *message);
void region_write(struct function *function, struct message *message);
void region_write_multi(struct function *function, struct message *message);

/* bar.c */
int bars_init(struct function *function);
void bars_exit(struct function *function);
/* For mapping clients: all-ones while the link is down. */
void bars_fill(struct function *function, uint8_t byte);
/* 0 or a positive errno. */
int bar_read(struct function *function, int bar, uint64_t offset, void *data, uint32_t count);
int bar_write(struct function *function, int bar, uint64_t offset, const void *data,
	      uint32_t count);

/* irq.c */
int irq_init(struct function *function);
void irq_exit(struct function *function);
void irq_reset(struct function *function);
void irq_client_gone(struct function *function);
/* Sends what is no more held back, after a change of masks, config space or eventfds. */
void irq_update(struct function *function);
void irq_signal(struct vector *vector);
/* In place of the eventfd that it had; -1: none. Unmasked. */
void vector_assign(struct vector *vector, int eventfd);

/* irq_set.c */
/* The eventfd by which the client unmasks INTx; -1: none. */
void irq_unmask_by(struct function *function, int eventfd);
/* 0 or a positive errno. */
int irq_set(struct function *function, struct message *message);
int irq_info(const struct function *function, struct vfio_irq_info *info);

/* msix.c: the table and the PBA in BAR 4 */
int msix_init(struct function *function);
void msix_exit(struct function *function);
void msix_reset(struct function *function);
bool msix_masked(const struct function *function, unsigned int vector);
int msix_read(struct function *function, uint64_t offset, void *data, uint32_t count);
int msix_write(struct function *function, uint64_t offset, const void *data, uint32_t count);

/* dma.c */
void dma_init(struct dma *dma);
void dma_exit(struct dma *dma);
/* Of the client's requests: 0 or a positive errno. */
int dma_map(struct dma *dma, const struct vfio_user_dma_map *request, int fd);
int dma_unmap(struct function *function, struct vfio_user_dma_unmap *request);
struct dma_map *dma_find(struct dma *dma, uint64_t iova);
struct dma_map *dma_find_stale(struct dma *dma, uint64_t iova);
/* Frees memory of removed mappings beyond what is kept. Nobody may hold pointers to it. */
void dma_trim(struct dma *dma);

/* config.c */
void config_reset(struct function *function, enum function_reset kind);
/* 0 or a positive errno. */
int config_read(struct function *function, uint64_t offset, void *data, uint32_t count);
int config_write(struct function *function, uint64_t offset, const void *data, uint32_t count);
uint32_t config_get(const struct config *config, unsigned int offset, unsigned int width);
void config_put(struct config *config, unsigned int offset, unsigned int width, uint32_t value);

/* capability.c */
int config_init(struct function *function);

/* express.c: what follows from a write of the PCI Express capability, and the power state */
void express_link_follow(struct function *function);
unsigned int function_power_state(const struct function *function);

#endif /* DUT_FUNCTION_PRIV_H */
