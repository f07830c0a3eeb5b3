// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libFuzzer target: a client that sends any bytes to the vfio-user server. An
 * input is a list of records: a byte of flags, a length of two bytes, so many
 * bytes of a message. All are on the socket before the server reads, since it
 * waits for answers to its own requests in this thread.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "access/vfio_user_wire.h"
#include "pcie/function.h"

#define RECORD_FDS	0x03		/* how many come with the message */
#define RECORD_FD	0x1c		/* the first of them, below */
#define RECORD_RAW	0x20		/* the header's size is as it is in the input */
#define RECORD_CUT	0x40		/* the shared file is cut short after this one */
#define RECORD_BARE	0x80		/* of the first record: no VERSION before it */
#define FILE_LENGTH	65536
#define BAR0_LENGTH	16384

enum { FD_FILE, FD_EVENT, FD_READ_ONLY, FD_PIPE, FD_DIR, FD_EVENT2, FD_SHORT, FD_FILE2, FDS };

struct fuzz {
	struct loop *loop;
	struct function *function;
	struct sockaddr_un address;
	int fds[FDS];
	bool cut;
	volatile uint8_t seen;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fuzz fuzz;

static uint64_t on_bar_read(void *device, int bar, uint64_t offset, unsigned int width)
{
	return offset << bar;
}

static void use_pointer(uint64_t iova, bool write)
{
	uint8_t *at = function_dma_pointer(fuzz.function, iova, 64, write);

	if (at && write)
		memset(at, 0x5a, 64);
	else if (at)
		fuzz.seen = at[0] + at[63];
}

/* What a device might do when it is written to, chosen by the register. */
static void on_bar_write(void *device, int bar, uint64_t offset, unsigned int width,
			 uint64_t value)
{
	uint8_t bytes[9000] = { 0 };
	size_t length = value & 4095 ? value & 4095 : sizeof(bytes);

	switch (offset >> 3 & 15) {
	case 0:
		function_dma_read(fuzz.function, value, bytes, length);
		break;
	case 1:
		function_dma_write(fuzz.function, value, bytes, length);
		break;
	case 2:
		use_pointer(value, false);
		break;
	case 3:
		use_pointer(value, true);
		break;
	case 4:
		function_message(fuzz.function, value);
		break;
	case 5:
		function_intx(fuzz.function, value & 1);
		break;
	case 6:
		function_aer(fuzz.function, value, value >> 32);
		break;
	case 7:
		function_link(fuzz.function, value & 1);
		break;
	case 8:
		function_dma_write_stale(fuzz.function, value, bytes, length);
		break;
	case 9:
		function_message_masked(fuzz.function, value);
		break;
	case 10:
		function_dma_read(fuzz.function, value & ~0xfffULL, bytes, sizeof(bytes));
		break;
	}
}

static void on_reset(void *device, enum function_reset kind)
{
	function_intx(fuzz.function, false);
}

static const struct function_ops ops = {
	.bar_read = on_bar_read,
	.bar_write = on_bar_write,
	.reset = on_reset,
};

static void make_fds(const char *dir)
{
	char path[64];
	int pair[2];

	for (int i = 0; i < FDS; i++)
		fuzz.fds[i] = memfd_create("file", MFD_CLOEXEC);
	ftruncate(fuzz.fds[FD_FILE], FILE_LENGTH);
	ftruncate(fuzz.fds[FD_FILE2], FILE_LENGTH);
	ftruncate(fuzz.fds[FD_SHORT], 100);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fuzz.fds[FD_FILE]);
	dup2(open(path, O_RDONLY), fuzz.fds[FD_READ_ONLY]);
	dup2(eventfd(0, EFD_CLOEXEC), fuzz.fds[FD_EVENT]);
	dup2(eventfd(0, EFD_CLOEXEC), fuzz.fds[FD_EVENT2]);
	pipe(pair);
	close(pair[0]);
	dup2(pair[1], fuzz.fds[FD_PIPE]);
	dup2(open(dir, O_RDONLY), fuzz.fds[FD_DIR]);
}

static void clean_up(void)
{
	function_free(fuzz.function);
	loop_free(fuzz.loop);
	*strrchr(fuzz.address.sun_path, '/') = 0;
	rmdir(fuzz.address.sun_path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct function_params params = {
		.vendor_id = 0x1234, .device_id = 0x5678, .class_code = 0x010802,
		.bar_length = { BAR0_LENGTH, 0, 4096 }, .doorbell_length = 8192,
		.msix_vectors = 67, .msi_vectors = 4, .intx = true,
		.pm = true, .pcie = true, .aer = true, .l1ss = true, .ltr = true,
	};
	char dir[] = "/tmp/nvt-fuzz.XXXXXX";

	if (!mkdtemp(dir))
		abort();
	fuzz.address.sun_family = AF_UNIX;
	snprintf(fuzz.address.sun_path, sizeof(fuzz.address.sun_path), "%s/socket", dir);
	fuzz.loop = loop_new();
	fuzz.function = function_new(fuzz.loop, &params, &ops, NULL);
	if (!fuzz.function || !function_bar_memory(fuzz.function, 2) ||
	    function_listen(fuzz.function, fuzz.address.sun_path))
		abort();
	atexit(clean_up);
	make_fds(dir);
	/* A line for each client that is dropped is not wanted. */
	stderr = fopen("/dev/null", "w");
	return 0;
}

/* Takes the server's messages off its hands until it closes. */
static void *drain(void *arg)
{
	char bytes[65536];

	while (recv(*(int *)arg, bytes, sizeof(bytes), 0) > 0)
		;
	return NULL;
}

static void send_bytes(int fd, const void *data, size_t length, uint8_t flags)
{
	unsigned int nr_fds = flags & RECORD_FDS, first = (flags & RECORD_FD) >> 2;
	union {
		struct cmsghdr cmsg;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)data, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nr_fds) {
		control.cmsg.cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		control.cmsg.cmsg_level = SOL_SOCKET;
		control.cmsg.cmsg_type = SCM_RIGHTS;
		for (unsigned int i = 0; i < nr_fds; i++)
			memcpy(CMSG_DATA(&control.cmsg) + i * sizeof(int),
			       &fuzz.fds[(first + i) % FDS], sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
	}
	sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A record; how long it is. */
static size_t send_record(int fd, const uint8_t *data, size_t size)
{
	struct vfio_user_header header;
	uint8_t bytes[4096];
	size_t length;

	if (size < 3)
		return size;
	length = data[1] | data[2] << 8;
	if (length > size - 3)
		length = size - 3;
	if (length > sizeof(bytes))
		length = sizeof(bytes);
	memcpy(bytes, data + 3, length);
	if (!(data[0] & RECORD_RAW) && length >= sizeof(header)) {
		memcpy(&header, bytes, sizeof(header));
		header.size = length;
		memcpy(bytes, &header, sizeof(header));
	}
	if (length)
		send_bytes(fd, bytes, length, data[0]);
	fuzz.cut |= data[0] & RECORD_CUT;
	return 3 + length;
}

static void send_version(int fd)
{
	const struct {
		struct vfio_user_header header;
		uint16_t major, minor;
		char text[32];
	} message = { { 0, VFIO_USER_VERSION, sizeof(message), 0, 0 }, 0, 0,
		      "{\"max_data_xfer_size\":4096}" };

	send_bytes(fd, &message, sizeof(message), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t reader;

	if (connect(fd, (struct sockaddr *)&fuzz.address, sizeof(fuzz.address)))
		abort();
	function_link(fuzz.function, true);
	fuzz.cut = false;
	if (!size || !(data[0] & RECORD_BARE))
		send_version(fd);
	for (size_t at = 0; at < size;)
		at += send_record(fd, data + at, size - at);
	shutdown(fd, SHUT_WR);
	pthread_create(&reader, NULL, drain, &fd);
	loop_round(fuzz.loop, -1);
	if (fuzz.cut)
		ftruncate(fuzz.fds[FD_FILE], 0);
	/* The first round accepted; it is over when the listening socket is watched again. */
	for (int i = 0; i < 1000 && (i < 3 || function_attached(fuzz.function)); i++)
		loop_round(fuzz.loop, 0);
	shutdown(fd, SHUT_RDWR);
	for (int i = 0; i < 3; i++)
		loop_round(fuzz.loop, 0);
	if (function_attached(fuzz.function))
		abort();
	pthread_join(reader, NULL);
	close(fd);
	if (fuzz.cut)
		ftruncate(fuzz.fds[FD_FILE], FILE_LENGTH);
	return 0;
}
