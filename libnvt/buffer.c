// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* DMA buffers. */
#include <stdlib.h>
#include <string.h>

#include <nvt/buffer.h>

#include "access/access.h"
#include "err.h"

#define BUFFER_MAX	(1UL << 30)

static int fail_create(const struct nvt_buffer *buf, int err)
{
	const char *addr = buf->pcie->addr;

	if (err == -EBADF)
		return nvt_fail(err, "%s: buffer: the device is open to observe; open it to own it",
				addr);
	if (err == -ENOMEM && buf->kind == NVT_BUFFER_CONTIGUOUS)
		return nvt_fail(err, "%s: buffer: no %zu contiguous bytes; without an IOMMU 4 MiB "
				"are the most: use a buffer of pages", addr, buf->length);
	return nvt_fail(err, "%s: buffer: %zu bytes: %s", addr, buf->length, strerror(-err));
}

static int allocate(struct nvt_buffer *buf)
{
	int err;

	buf->bus = calloc(buf->length >> NVT_PAGE_SHIFT, sizeof(*buf->bus));
	if (!buf->bus)
		return -ENOMEM;
	err = buf->pcie->ops->buffer_create(buf->pcie, buf);
	if (err)
		free(buf->bus);
	return err;
}

struct nvt_buffer *nvt_buffer_create(struct nvt_pcie *pcie, size_t length, int kind)
{
	struct nvt_buffer *buf;
	int err;

	if (!length || length > BUFFER_MAX ||
	    (kind != NVT_BUFFER_CONTIGUOUS && kind != NVT_BUFFER_PAGES)) {
		nvt_fail(-EINVAL, "%s: buffer: length %zu of kind %d; give 1 byte to 1 GiB of a "
			 "known kind", pcie->addr, length, kind);
		return NULL;
	}
	buf = calloc(1, sizeof(*buf));
	if (!buf) {
		nvt_fail(-ENOMEM, "%s: buffer: out of memory", pcie->addr);
		return NULL;
	}
	buf->pcie = pcie;
	buf->kind = kind;
	buf->length = (length + NVT_PAGE_SIZE - 1) & ~(NVT_PAGE_SIZE - 1);
	err = allocate(buf);
	if (err) {
		fail_create(buf, err);
		free(buf);
		errno = -err;
		return NULL;
	}
	return buf;
}

void nvt_buffer_free(struct nvt_buffer *buf)
{
	if (!buf)
		return;
	buf->pcie->ops->buffer_free(buf->pcie, buf);
	free(buf->bus);
	free(buf);
}

void *nvt_buffer_data(const struct nvt_buffer *buf)
{
	return buf->data;
}

size_t nvt_buffer_length(const struct nvt_buffer *buf)
{
	return buf->length;
}

uint64_t nvt_buffer_bus(const struct nvt_buffer *buf, size_t offset)
{
	return buf->bus[offset >> NVT_PAGE_SHIFT] + (offset & (NVT_PAGE_SIZE - 1));
}
