// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* BARs: registers that the device answers, memory that it shares with the client, MSI-X. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pcie/function_priv.h"

/* Sealed: a client that has the fd cannot cut it short under us. */
static int bar_memory_new(struct bar *bar)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int fd = memfd_create("bar", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, bar->length) || fcntl(fd, F_ADD_SEALS, seals))
		goto out_close;
	bar->memory = mmap(NULL, bar->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar->memory == MAP_FAILED)
		goto out_close;
	bar->fd = fd;
	return 0;
out_close:
	bar->memory = NULL;
	close(fd);
	return -ENOMEM;
}

int bars_init(struct function *function)
{
	struct bar *bars = function->bars;

	for (int i = 0; i < FUNCTION_BARS; i++) {
		bars[i].length = function->params.bar_length[i];
		bars[i].fd = -1;
	}
	/* The register page is there for a device that has no BAR 0, too. */
	if (!bars[0].length) {
		struct bar none = { .length = PAGE };
		int err = bar_memory_new(&none);

		bars[0].memory = none.memory;
		bars[0].fd = none.fd;
		return err;
	}
	return bar_memory_new(&bars[0]);
}

void bars_exit(struct function *function)
{
	for (int i = 0; i < FUNCTION_BARS; i++) {
		struct bar *bar = &function->bars[i];

		if (!bar->memory)
			continue;
		munmap(bar->memory, bar->length ? bar->length : PAGE);
		close(bar->fd);
	}
}

void bars_fill(struct function *function, uint8_t byte)
{
	for (int i = 0; i < FUNCTION_BARS; i++)
		if (function->bars[i].memory)
			memset(function->bars[i].memory, byte, function->bars[i].length);
}

void *function_bar0_memory(struct function *function)
{
	return function->bars[0].memory;
}

void *function_bar_memory(struct function *function, int bar)
{
	struct bar *memory = &function->bars[bar];

	if (bar == 0 || !memory->length)
		return NULL;
	if (!memory->memory && bar_memory_new(memory))
		return NULL;
	memory->plain = true;
	return memory->memory;
}

bool function_doorbells_mapped(const struct function *function)
{
	return function_attached(function) && function->client->bar0_mapped;
}

/* Registers are accessed by 1, 2, 4 or 8 bytes at a multiple of that. */
static bool access_natural(uint64_t offset, uint32_t count)
{
	return count <= 8 && !(count & (count - 1)) && !(offset & (count - 1));
}

static bool intercepted(struct function *function, int bar, bool write, uint64_t offset,
			uint32_t count, uint64_t *value)
{
	return count <= 8 && function->ops->intercept &&
	       function->ops->intercept(function->device, bar, write, offset, count, value);
}

static bool bar_is_msix(const struct function *function, int bar)
{
	return bar == 4 && function->irqs.table;
}

int bar_read(struct function *function, int bar, uint64_t offset, void *data, uint32_t count)
{
	const struct bar *memory = &function->bars[bar];
	uint64_t value = 0;

	if (!function_memory_enabled(function)) {
		memset(data, 0xff, count);
		return 0;
	}
	if (!memory->plain && !access_natural(offset, count))
		return EINVAL;
	if (intercepted(function, bar, false, offset, count, &value)) {
		memcpy(data, &value, count);
		return 0;
	}
	if (memory->plain) {
		memcpy(data, memory->memory + offset, count);
		return 0;
	}
	if (bar_is_msix(function, bar))
		return msix_read(function, offset, data, count);
	value = function->ops->bar_read(function->device, bar, offset, count);
	memcpy(data, &value, count);
	return 0;
}

int bar_write(struct function *function, int bar, uint64_t offset, const void *data,
	      uint32_t count)
{
	struct work work = { .kind = WORK_BAR_WRITE, .bar = bar, .offset = offset, .width = count };
	const struct bar *memory = &function->bars[bar];

	if (!function_memory_enabled(function))
		return 0;
	if (!memory->plain && !access_natural(offset, count))
		return EINVAL;
	memcpy(&work.value, data, count < 8 ? count : 8);
	if (intercepted(function, bar, true, offset, count, &work.value))
		return 0;
	if (memory->plain) {
		memcpy(memory->memory + offset, data, count);
		return 0;
	}
	if (bar_is_msix(function, bar))
		return msix_write(function, offset, data, count);
	return work_do(function, &work) ? 0 : ENOBUFS;
}
