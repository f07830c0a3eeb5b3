/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "stock.h"

static int find_block(char *node, size_t size)
{
	char pattern[96];
	glob_t found;
	int ret;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/nvme/nvme*/nvme*n1", bare_addr());
	ret = glob(pattern, 0, NULL, &found);
	if (!ret) {
		snprintf(node, size, "/dev/%s", strrchr(found.gl_pathv[0], '/') + 1);
		globfree(&found);
		ret = access(node, R_OK | W_OK);
	}
	return ret;
}

const char *stock_block(void)
{
	static char node[64];
	int i;

	for (i = 0; i < 1000; i++) {
		if (!find_block(node, sizeof(node)))
			return node;
		usleep(10000);
	}
	ck_abort_msg("the stock driver shows no namespace of %s", bare_addr());
	return NULL;
}

static void stock_io(int flags, uint64_t offset, void *data, size_t length)
{
	int fd = open(stock_block(), flags | O_DIRECT | O_SYNC | O_CLOEXEC);
	void *aligned = aligned_alloc(4096, length);
	ssize_t n;

	ck_assert_msg(fd >= 0, "%s: %s", stock_block(), strerror(errno));
	memcpy(aligned, data, length);
	n = flags == O_RDONLY ? pread(fd, aligned, length, offset) :
				pwrite(fd, aligned, length, offset);
	ck_assert_int_eq(n, length);
	memcpy(data, aligned, length);
	free(aligned);
	close(fd);
}

void stock_read(uint64_t offset, void *data, size_t length)
{
	stock_io(O_RDONLY, offset, data, length);
}

void stock_write(uint64_t offset, const void *data, size_t length)
{
	stock_io(O_RDWR, offset, (void *)data, length);
}

int stock_run(char *out, size_t size, const char *format, ...)
{
	char command[1024];
	size_t n = 0, got;
	va_list ap;
	int status;
	FILE *pipe;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	while (n < size - 1 && (got = fread(out + n, 1, size - 1 - n, pipe)))
		n += got;
	out[n] = 0;
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
