/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A vfio-user server in a thread, of a function that does next to nothing. It
 * can be told to answer badly, and to ask for memory; see the offsets.
 */
#ifndef VFIO_SERVER_H
#define VFIO_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define VFIO_SERVER_BAR		0x4000
#define VFIO_SERVER_MSIX	0x40	/* in config space; 3 vectors, table in BAR 0 at 0x1000 */

/* Registers of BAR 0 at which something happens. The others read as their offset. */
#define VFIO_SERVER_ASK		0x10	/* read: asks, then answers */
#define VFIO_SERVER_ASK_LATER	0x14	/* read: answers, then asks */
#define VFIO_SERVER_REFUSE	0x18	/* is answered with EPERM */
#define VFIO_SERVER_WRONG_ID	0x1c	/* is answered as if it were another one */
#define VFIO_SERVER_HUGE	0x20	/* the answer says that it is 4 GiB long */
#define VFIO_SERVER_LEAVE	0x24	/* closes the socket in place of an answer */
#define VFIO_SERVER_SHORT	0x28	/* the answer has no data */

/* A request of the server, and how it was answered. */
struct vfio_server_ask {
	uint16_t command;
	uint64_t address;
	uint64_t count;
	unsigned char data[8192];	/* to be written; what was read */
	unsigned int answers;		/* atomic */
	uint32_t error;
};

struct vfio_server {
	char address[96];		/* "vfio-user:..." */
	char path[80];
	int listener;
	int client;
	pthread_t thread;
	unsigned char config[256];
	/* What it says of itself; set before it is opened. */
	const char *capabilities;	/* of VERSION */
	bool cannot_reset;
	uint64_t region_info[32];	/* of BAR 0, in place of the plain one */
	uint32_t region_info_length;
	bool send_fd;			/* with it, of a file of one page less */
	struct vfio_server_ask ask;
	/* What it was told. */
	unsigned int resets, maps, unmaps;
	unsigned int irq_messages, irq_fds, most_fds;
};

struct vfio_server *vfio_server_new(void);
void vfio_server_start(struct vfio_server *server);
void vfio_server_free(struct vfio_server *server);

#endif /* VFIO_SERVER_H */
