// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* An I/O queue pair laid by hand; see hand.h. */
#include <string.h>
#include <unistd.h>

#include <nvme/types.h>

#include "hand.h"

#define DOORBELLS	0x1000
#define PHYSICALLY_CONTIGUOUS	1U
#define INTERRUPTS	2U
#define SOON_MS		2000

static int admin(struct hand *hand, uint8_t opcode, uint32_t cdw10, uint32_t cdw11, uint64_t prp1)
{
	struct nvt_sqe sqe = { .opcode = opcode, .prp1 = prp1, .cdw10 = cdw10, .cdw11 = cdw11 };

	return nvt_qpair_exec(nvt_ctrl_admin(hand->dev->ctrl), &sqe, NULL, 0, 0, NULL);
}

void hand_create(struct hand *hand, struct device *dev, uint16_t vector)
{
	uint32_t size = (HAND_ENTRIES - 1) << 16 | HAND_QID;
	volatile unsigned char *bar = nvt_pcie_map_bar(dev->pcie, 0, NULL);
	size_t stride = 4UL << NVME_CAP_DSTRD(nvt_ctrl_cap(dev->ctrl));

	ck_assert_msg(bar != NULL, "%s", nvt_error());
	memset(hand, 0, sizeof(*hand));
	hand->dev = dev;
	hand->phase = 1;
	hand->sq_memory = nvt_buffer_create(dev->pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	hand->cq_memory = nvt_buffer_create(dev->pcie, 4096, NVT_BUFFER_CONTIGUOUS);
	hand->sq_doorbell = (volatile uint32_t *)(bar + DOORBELLS + 2 * HAND_QID * stride);
	hand->cq_doorbell = (volatile uint32_t *)(bar + DOORBELLS + (2 * HAND_QID + 1) * stride);
	ck_assert_int_eq(admin(hand, nvme_admin_create_cq, size,
			       (uint32_t)vector << 16 | INTERRUPTS | PHYSICALLY_CONTIGUOUS,
			       nvt_buffer_bus(hand->cq_memory, 0)), 0);
	ck_assert_int_eq(admin(hand, nvme_admin_create_sq, size,
			       (uint32_t)HAND_QID << 16 | PHYSICALLY_CONTIGUOUS,
			       nvt_buffer_bus(hand->sq_memory, 0)), 0);
}

/* After a reset the queues are gone already. */
void hand_delete(struct hand *hand)
{
	admin(hand, nvme_admin_delete_sq, HAND_QID, 0, 0);
	admin(hand, nvme_admin_delete_cq, HAND_QID, 0, 0);
	nvt_buffer_free(hand->sq_memory);
	nvt_buffer_free(hand->cq_memory);
}

uint16_t hand_post(struct hand *hand, struct nvt_sqe sqe)
{
	struct nvt_sqe *ring = nvt_buffer_data(hand->sq_memory);

	sqe.cid = ++hand->cid;
	ring[hand->tail] = sqe;
	hand->tail = (hand->tail + 1) % HAND_ENTRIES;
	/* The entry before the doorbell, against the device that polls that. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*hand->sq_doorbell = hand->tail;
	return sqe.cid;
}

const volatile struct nvt_cqe *hand_entry(const struct hand *hand, unsigned int index)
{
	return (const volatile struct nvt_cqe *)nvt_buffer_data(hand->cq_memory) + index;
}

bool hand_next(struct hand *hand, struct nvt_cqe *cqe, unsigned int timeout_ms)
{
	uint64_t deadline = device_now_ns() + timeout_ms * 1000000ULL;
	const struct nvt_cqe *entry = nvt_buffer_data(hand->cq_memory);

	entry += hand->head;
	while ((__atomic_load_n(&entry->status_phase, __ATOMIC_ACQUIRE) & 1) != hand->phase) {
		if (device_now_ns() >= deadline)
			return false;
		usleep(50);
	}
	*cqe = *entry;
	hand->head = (hand->head + 1) % HAND_ENTRIES;
	if (!hand->head)
		hand->phase ^= 1;
	*hand->cq_doorbell = hand->head;
	return true;
}

struct nvt_cqe hand_wait(struct hand *hand)
{
	struct nvt_cqe cqe;

	ck_assert_msg(hand_next(hand, &cqe, SOON_MS), "no completion at entry %u", hand->head);
	return cqe;
}
