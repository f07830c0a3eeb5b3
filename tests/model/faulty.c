// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the tests of faults share; see faulty.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faulty.h"

void faulty_start_with(struct faulty *faulty, const char *options, int type, unsigned int vectors,
		       uint16_t vector)
{
	const struct nvt_ctrl_opts opts = {
		.vector_type = type, .vectors = vectors, .timeout_ms = 5000,
	};

	model_start(&faulty->dev.model, options);
	device_open(&faulty->dev, &opts);
	hand_create(&faulty->hand, &faulty->dev, vector);
}

void faulty_start(struct faulty *faulty, const char *options)
{
	faulty_start_with(faulty, options, NVT_VECTOR_MSIX, FAULTY_VECTORS, FAULTY_VECTOR);
}

/* What is armed ends first, so that the device can be put down in order. */
void faulty_stop(struct faulty *faulty)
{
	model_do(&faulty->dev.model, "clear");
	hand_delete(&faulty->hand);
	device_stop(&faulty->dev);
}

unsigned int faulty_arm(struct faulty *faulty, const char *rule)
{
	char request[512], answer[256];
	unsigned int id;

	snprintf(request, sizeof(request), "fault %s", rule);
	ck_assert_msg(model_control(&faulty->dev.model, request, answer, sizeof(answer)), "%s: %s",
		      rule, answer);
	ck_assert_int_eq(sscanf(answer, "id %u", &id), 1);
	return id;
}

static unsigned int shots(struct faulty *faulty, const char *action)
{
	char *log = model_log(&faulty->dev.model), word[64];
	unsigned int n = 0;
	const char *at;

	snprintf(word, sizeof(word), " action=%s ", action);
	for (at = log; (at = strstr(at, word)); at++)
		n++;
	free(log);
	return n;
}

void faulty_assert_shots(struct faulty *faulty, const char *action, unsigned int count)
{
	uint64_t deadline = device_now_ns() + FAULTY_SOON_NS;
	unsigned int n;

	while ((n = shots(faulty, action)) < count && device_now_ns() < deadline)
		usleep(1000);
	ck_assert_msg(n == count, "the log has %u of %s, not %u", n, action, count);
}

uint64_t faulty_interrupts(struct faulty *faulty, unsigned int vector)
{
	struct nvt_vector_counter counter;

	ck_assert_int_eq(nvt_pcie_vector(faulty->dev.pcie, vector, &counter), 0);
	return counter.interrupts;
}

void faulty_wait_interrupts(struct faulty *faulty, unsigned int vector, uint64_t count)
{
	uint64_t deadline = device_now_ns() + FAULTY_SOON_NS;

	while (faulty_interrupts(faulty, vector) < count && device_now_ns() < deadline)
		usleep(100);
	ck_assert_uint_eq(faulty_interrupts(faulty, vector), count);
}

uint32_t faulty_reg(struct faulty *faulty, uint64_t offset)
{
	uint64_t value = 0;

	ck_assert_int_eq(nvt_pcie_reg_read(faulty->dev.pcie, 0, offset, 4, &value), 0);
	return value;
}

uint32_t faulty_config(struct faulty *faulty, uint32_t offset)
{
	uint32_t value = 0;

	ck_assert_int_eq(nvt_pcie_config_read(faulty->dev.pcie, offset, 4, &value), 0);
	return value;
}
