/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A PCI function that is served to one client at a time over vfio-user. It
 * knows nothing of NVMe: what stands behind its BARs is the device's.
 */
#ifndef DUT_FUNCTION_H
#define DUT_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"

#define FUNCTION_BARS	6

enum function_reset {
	FUNCTION_RESET_FLR,		/* Initiate Function Level Reset in Device Control */
	FUNCTION_RESET_BUS,		/* DEVICE_RESET of the client: a conventional reset */
	FUNCTION_RESET_D3,		/* D3hot to D0 where PMCSR.No_Soft_Reset is 0 */
	FUNCTION_RESET_LOST,		/* the client is gone */
};

enum function_access {
	FUNCTION_CONFIG = -1,		/* instead of a BAR number */
};

/* The device behind the function. All are called from the loop's thread. */
struct function_ops {
	uint64_t (*bar_read)(void *device, int bar, uint64_t offset, unsigned int width);
	void (*bar_write)(void *device, int bar, uint64_t offset, unsigned int width,
			  uint64_t value);
	/* Config space and interrupts are as after a reset already; DMA maps stay unless LOST. */
	void (*reset)(void *device, enum function_reset kind);
	/* PMCSR.PowerState was written: 0 to 3. May be NULL. */
	void (*power_state)(void *device, unsigned int state);
	/* A client attached. May be NULL. */
	void (*attached)(void *device);
	/*
	 * Memory that the device may still use is unmapped; the range may be larger than what was
	 * mapped in it (all: 0 and UINT64_MAX). Pointers are good until this returns. May be NULL.
	 */
	void (*dma_unmapped)(void *device, uint64_t iova, uint64_t length);
	/*
	 * Asked before each access of config space (FUNCTION_CONFIG) and of a BAR: true if it is
	 * answered by a fault, with *value set for a read (a write is dropped). May be NULL.
	 */
	bool (*intercept)(void *device, int where, bool write, uint64_t offset,
			  unsigned int width, uint64_t *value);
};

/* What a function has; zeros leave a capability out. */
struct function_params {
	uint16_t vendor_id, device_id, subsystem_vendor_id, subsystem_id;
	uint8_t revision_id;
	uint32_t class_code;
	/* A power of two from 4096. 64 bits in an even place where the next place is 0. */
	uint64_t bar_length[FUNCTION_BARS];
	bool bar_prefetchable[FUNCTION_BARS];
	/* Bytes of BAR 0 from 4096 on that a client may map for writing (doorbells); 0: none. */
	uint64_t doorbell_length;
	unsigned int msix_vectors;		/* 0 to 2048; table and PBA in BAR 4 */
	unsigned int msi_vectors;		/* 0, 1, 2, 4, ... 32 */
	bool intx;
	bool pm, pcie, aer, l1ss, ltr;
	bool no_soft_reset;			/* PMCSR bit 3 */
	uint8_t max_link_speed, max_link_width;	/* LNKCAP; 0: 4 (16 GT/s) and 4 */
	uint64_t serial_number;		/* Device Serial Number capability; 0: none */
};

struct function;

/* NULL with errno set. Serves nobody until function_listen(). */
struct function *function_new(struct loop *loop, const struct function_params *params,
			      const struct function_ops *ops, void *device);
void function_free(struct function *function);

/*
 * Listens at @path, in place of a stale socket there; 0 or a negative errno. A
 * client that comes while there is one waits until that has left.
 */
int function_listen(struct function *function, const char *path);

bool function_attached(const struct function *function);

/*
 * Memory of BAR 0 as a mapping client sees it. Reads of its first page come
 * from here only for such a client, so the device keeps an image of its
 * registers there; doorbells are the client's own stores. Never NULL.
 */
void *function_bar0_memory(struct function *function);

/*
 * Memory behind a BAR that is plain memory (CMB, boot partition): mapped by the client, no ops
 * called. A BAR becomes such by the first call, which is to be made before function_listen(). NULL:
 * BAR 0, no such BAR, or no memory.
 */
void *function_bar_memory(struct function *function, int bar);

/* Whether the client has mapped, or may map, the doorbells: then they must be polled. */
bool function_doorbells_mapped(const struct function *function);

/*
 * DMA. Copies by the client's shared memory or by DMA_READ and DMA_WRITE
 * messages; of requests that arrive meanwhile, the device hears when it is back
 * in the loop (reads of a BAR excepted). 0, or -EFAULT where the client has
 * mapped nothing, Bus Master Enable is 0, or a reset came in between,
 * -ENOTCONN.
 */
int function_dma_read(struct function *function, uint64_t iova, void *data, size_t length);
int function_dma_write(struct function *function, uint64_t iova, const void *data, size_t length);

/*
 * The memory at @iova if @length bytes of it are in one shared mapping, else
 * NULL. Valid until the loop's next round.
 */
void *function_dma_pointer(struct function *function, uint64_t iova, size_t length, bool write);

/*
 * Fault injection: as above, through mappings that the client has removed but
 * whose memory is still at hand (the last 32, and 64 MiB).
 */
int function_dma_write_stale(struct function *function, uint64_t iova, const void *data,
			     size_t length);

/*
 * Interrupts. A message to a vector that is masked, with the function mask set
 * or without Bus Master Enable, becomes pending in the PBA (MSI: Pending Bits)
 * and is sent when it is unmasked. Without MSI-X and MSI enabled it is lost, and
 * so is one to a vector that is not there. True if a message went out.
 */
bool function_message(struct function *function, unsigned int vector);

/* Fault injection: sent although masked. */
bool function_message_masked(struct function *function, unsigned int vector);

/*
 * The level of the INTx pin. Interrupt Disable and the client's mask are
 * honoured, Interrupt Status follows.
 */
void function_intx(struct function *function, bool asserted);

enum function_irq { FUNCTION_IRQ_NONE, FUNCTION_IRQ_INTX, FUNCTION_IRQ_MSI, FUNCTION_IRQ_MSIX };

/* Which of them is enabled now, and how many vectors it has. */
enum function_irq function_irq_mode(const struct function *function, unsigned int *vectors);

/*
 * Records errors in the AER capability and Device Status, and signals the
 * client's error interrupt if it has set one and they are not masked.
 */
void function_aer(struct function *function, uint32_t uncorrectable, uint32_t correctable);

/* Whether one of these errors is fatal, as the host has set their severity. */
bool function_aer_fatal(const struct function *function, uint32_t uncorrectable);

/*
 * The link: while it is down, all reads of the client (config space, BARs, also
 * mapped) give all-ones, writes are dropped, and DMA fails. Up again, config
 * space is as after a reset and the device gets FUNCTION_RESET_BUS. Memory of
 * BARs is all-ones meanwhile, and zeros when the link is up again: the device
 * leaves it alone while the link is down. A client that goes does not change it.
 */
void function_link(struct function *function, bool up);
bool function_link_is_up(const struct function *function);

/* Config space as it is, beside the client: for tests and the control socket. */
uint32_t function_config_read(struct function *function, unsigned int offset, unsigned int width);

#endif /* DUT_FUNCTION_H */
