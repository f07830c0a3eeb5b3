// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What survives the process: named sections of a mapped file, or of memory where there is no store. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nvme/state.h"
#include "nvme/subsys.h"
#include "options.h"

#define MAGIC		0x3130657461747374ULL	/* "tstate01" */
#define LENGTH		(16UL << 20)		/* sparse: only what is used takes room */
#define ALIGN		64UL

struct header {
	uint64_t magic;
	uint64_t used;		/* bytes of the file, header included */
};

struct section {
	char name[32];
	uint64_t size;
	uint64_t pad[3];
	unsigned char data[];
};

struct state {
	struct header *header;
};

static int open_file(const char *store)
{
	char path[4096];

	if (!store)
		return memfd_create("nvt-dut-state", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "%s/state", store);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
}

static struct state *fail(char *error, size_t size, const char *store, const char *what)
{
	snprintf(error, size, "store %s: state: %s", store ? store : "(memory)", what);
	return NULL;
}

struct state *state_open(const char *store, char *error, size_t size)
{
	struct state *state;
	struct header *header = MAP_FAILED;
	int fd = open_file(store);

	if (fd >= 0 && !ftruncate(fd, LENGTH))
		header = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (header == MAP_FAILED)
		return fail(error, size, store, strerror(errno));
	if (!header->magic)
		*header = (struct header){ MAGIC, ALIGN };
	state = calloc(1, sizeof(*state));
	if (header->magic != MAGIC || header->used > LENGTH || !state) {
		munmap(header, LENGTH);
		free(state);
		return fail(error, size, store, "not a state file of this version; remove it");
	}
	state->header = header;
	return state;
}

void state_close(struct state *state)
{
	if (!state)
		return;
	munmap(state->header, LENGTH);
	free(state);
}

static uint64_t section_length(uint64_t size)
{
	return (sizeof(struct section) + size + ALIGN - 1) & ~(ALIGN - 1);
}

static void die(const char *name, const char *what)
{
	fprintf(stderr, "nvt-dut: state: section %s %s\n", name, what);
	exit(EXIT_FAILURE);
}

void *state_section(struct subsys *subsys, const char *name, size_t size)
{
	struct header *header = subsys->state->header;
	struct section *section;
	uint64_t at;

	for (at = ALIGN; at < header->used; at += section_length(section->size)) {
		section = (struct section *)((unsigned char *)header + at);
		if (section->size > LENGTH || section_length(section->size) > header->used - at)
			die("(any)", "is damaged; remove the store's state file");
		if (strncmp(section->name, name, sizeof(section->name) - 1))
			continue;
		if (section->size != size)
			die(name, "was made by another version or with other options; remove it");
		return section->data;
	}
	if (section_length(size) > LENGTH - header->used)
		die(name, "does not fit");
	section = (struct section *)((unsigned char *)header + header->used);
	snprintf(section->name, sizeof(section->name), "%s", name);
	section->size = size;
	header->used += section_length(size);
	return section->data;
}
