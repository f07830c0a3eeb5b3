/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A PCI function with a small device behind it, and a vfio-user client, in one thread. */
#ifndef PCIE_CLIENT_H
#define PCIE_CLIENT_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/vfio.h>

#include "access/vfio_user_wire.h"
#include "loop.h"
#include "pcie/function.h"

/* Where the device's parts are. */
#define CLIENT_BAR0		16384
#define CLIENT_DOORBELLS	8192
#define CLIENT_MSIX		70
#define CLIENT_MSI		8

struct pcie_client {
	struct loop *loop;
	struct function *function;
	char dir[32], path[48];
	int fd;				/* -1: not connected */
	uint16_t id;			/* of the last request */
	char log[2048];			/* what the device was told, a word each */
	uint8_t regs[4096];		/* of BAR 0 */
	/* Called by a write of BAR 0; may be NULL. */
	void (*on_write)(struct pcie_client *client, uint64_t offset, uint64_t value);
	bool ones;			/* the device's intercept answers all-ones */
	int result;			/* of what on_write did */
	uint8_t data[8192];
};

struct pcie_reply {
	struct vfio_user_header header;
	uint8_t data[2 * 4096];
	size_t length;			/* of the data */
	int fds[4];
	unsigned int nr_fds;
};

/* What a function with everything has. */
struct function_params pcie_params(void);

/* Serves; nobody is connected. Failures end the test. */
void pcie_start(struct pcie_client *client, const struct function_params *params);
void pcie_stop(struct pcie_client *client);
/* The loop, until it has nothing more to do. */
void pcie_pump(struct pcie_client *client);
/* As above; what it says on stderr meanwhile. Valid until the next call. */
const char *pcie_pump_text(struct pcie_client *client);

void pcie_connect(struct pcie_client *client);		/* without VERSION */
void pcie_attach(struct pcie_client *client);		/* with it */
void pcie_leave(struct pcie_client *client);
/* Whether the server has closed the connection. */
bool pcie_dropped(struct pcie_client *client);

/* A request; its id. */
uint16_t pcie_send(struct pcie_client *client, uint16_t command, uint32_t flags, const void *data,
		   size_t length, const int *fds, unsigned int nr_fds);
/* A reply of ours to the server's request @id. */
void pcie_answer(struct pcie_client *client, uint16_t id, uint16_t command, uint32_t flags,
		 const void *data, size_t length);
/* The next message from the server, after a pump; false if there is none. */
bool pcie_receive(struct pcie_client *client, struct pcie_reply *reply);
/* A request and its reply; the error of that, 0 for none. */
uint32_t pcie_ask(struct pcie_client *client, uint16_t command, const void *data, size_t length,
		  struct pcie_reply *reply);
uint32_t pcie_ask_fds(struct pcie_client *client, uint16_t command, const void *data,
		      size_t length, const int *fds, unsigned int nr_fds);

/* The frequent ones. A region read or write of up to 8 bytes: 0 or the error. */
uint32_t pcie_region_read(struct pcie_client *client, uint32_t region, uint64_t offset,
			  uint32_t count, uint64_t *value);
uint32_t pcie_region_write(struct pcie_client *client, uint32_t region, uint64_t offset,
			   uint32_t count, uint64_t value);
/* As above, no errors allowed. */
uint64_t pcie_load(struct pcie_client *client, uint32_t region, uint64_t offset, uint32_t count);
void pcie_store(struct pcie_client *client, uint32_t region, uint64_t offset, uint32_t count,
		uint64_t value);
uint32_t pcie_config(struct pcie_client *client, unsigned int offset, unsigned int width);
void pcie_config_set(struct pcie_client *client, unsigned int offset, unsigned int width,
		     uint32_t value);
/* Where a capability is; 0: none. */
unsigned int pcie_capability(struct pcie_client *client, uint8_t id);
unsigned int pcie_extended(struct pcie_client *client, uint16_t id);

uint32_t pcie_map(struct pcie_client *client, uint64_t iova, uint64_t size, uint32_t flags, int fd,
		  uint64_t offset);
uint32_t pcie_unmap(struct pcie_client *client, uint64_t iova, uint64_t size, uint32_t flags,
		    uint64_t *unmapped);
/* @eventfd -1: none is sent. */
uint32_t pcie_set_irq(struct pcie_client *client, uint32_t flags, uint32_t index, uint32_t start,
		      uint32_t count, int eventfd);
/* How often it was signalled since the last look. */
uint64_t pcie_signals(int eventfd);

/* The cases, of which test_pcie.c makes the suite. */
TCase *pcie_hostile_case(void);
TCase *pcie_config_case(void);
TCase *pcie_irq_case(void);
TCase *pcie_dma_case(void);
TCase *loop_case(void);

#endif /* PCIE_CLIENT_H */
