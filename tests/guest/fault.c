/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fault.h"

#define CLEAR		0xc0
#define ARM		0xc1
#define GET_LOG		0xc2
#define LOG_BYTES	65536

bool fault_possible(void)
{
	char path[80], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vendor", bare_addr());
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	return strtoul(text, NULL, 16) == 0x1234;	/* QEMU's is 0x1b36 */
}

static void scratch_free(struct bare *b, struct bare_buffer *buf)
{
	munmap(buf->data, buf->length);
	ck_assert_int_eq(bare_buffer_destroy(b, buf), 0);
}

uint32_t fault_arm(struct bare *b, const char *rule)
{
	struct nvt_sqe sqe = { .opcode = ARM, .cdw10 = strlen(rule) };
	struct bare_buffer text;
	uint32_t id = 0;

	bare_buffer_create(b, &text, NVT_BUFFER_CONTIGUOUS, BARE_PAGE);
	strcpy(text.data, rule);
	sqe.prp1 = text.bus[0];
	ck_assert_msg(bare_admin(b->fd, &sqe, &id) == 0, "refused: %s", rule);
	scratch_free(b, &text);
	return id;
}

void fault_clear(struct bare *b)
{
	struct nvt_sqe sqe = { .opcode = CLEAR };

	ck_assert_uint_eq(bare_admin(b->fd, &sqe, NULL), 0);
}

/* A PRP list behind the first page. */
static void get_log(struct bare *b, struct bare_buffer *log, uint32_t from, uint32_t *length)
{
	struct nvt_sqe sqe = {
		.opcode = GET_LOG, .cdw10 = LOG_BYTES, .cdw11 = from, .prp1 = log->bus[0],
		.prp2 = log->bus[LOG_BYTES / BARE_PAGE],
	};
	uint64_t *list = (uint64_t *)((char *)log->data + LOG_BYTES);
	unsigned int i;

	for (i = 1; i < LOG_BYTES / BARE_PAGE; i++)
		list[i - 1] = log->bus[i];
	memset(log->data, 0, LOG_BYTES);
	ck_assert_uint_eq(bare_admin(b->fd, &sqe, length), 0);
}

unsigned int fault_shots(struct bare *b, const char *action)
{
	struct bare_buffer log;
	unsigned int shots = 0;
	uint32_t length = 0;
	const char *at;
	char word[64];

	bare_buffer_create(b, &log, NVT_BUFFER_CONTIGUOUS, LOG_BYTES + BARE_PAGE);
	get_log(b, &log, 0, &length);
	if (length > LOG_BYTES)
		get_log(b, &log, length - LOG_BYTES, &length);
	((char *)log.data)[LOG_BYTES - 1] = 0;
	snprintf(word, sizeof(word), " action=%s ", action);
	for (at = log.data; (at = strstr(at, word)); at++)
		shots++;
	scratch_free(b, &log);
	return shots;
}
