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
#define CMB_CQ		4096	/* offset of the completion queue in the CMB */

static int admin(struct hand *hand, uint8_t opcode, uint32_t cdw10, uint32_t cdw11, uint64_t prp1)
{
	struct nvt_sqe sqe = { .opcode = opcode, .prp1 = prp1, .cdw10 = cdw10, .cdw11 = cdw11 };

	return nvt_qpair_exec(nvt_ctrl_admin(hand->dev->ctrl), &sqe, NULL, 0, 0, NULL);
}

static void doorbell_init(struct hand_doorbell *doorbell, struct hand *hand,
			  const struct hand_opts *opts, bool cq)
{
	volatile unsigned char *bar = nvt_pcie_map_bar(hand->dev->pcie, 0, NULL);
	size_t stride = 4UL << NVME_CAP_DSTRD(nvt_ctrl_cap(hand->dev->ctrl));
	size_t offset = (2 * hand->qid + cq) * stride;

	ck_assert_msg(bar != NULL, "%s", nvt_error());
	doorbell->reg = (volatile uint32_t *)(bar + DOORBELLS + offset);
	if (!opts->shadows)
		return;
	doorbell->shadow = (volatile uint32_t *)(opts->shadows + offset);
	doorbell->event_index = (volatile uint32_t *)(opts->event_indexes + offset);
}

/* With a shadow the register is written if the value passes the event index. Base 2.1, B.5 */
static void doorbell_ring(struct hand_doorbell *doorbell, uint32_t value)
{
	uint16_t old = doorbell->value, moved = value - old;

	/* What was written to the queue is there before the doorbell. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	doorbell->value = value;
	if (doorbell->shadow) {
		*doorbell->shadow = value;
		/* The store before the load, against the device, which does it the other way. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if ((uint16_t)(value - *doorbell->event_index - 1) >= moved)
			return;
	}
	*doorbell->reg = value;
	doorbell->rings++;
}

static void create_cq(struct hand *hand, const struct hand_opts *opts, uint32_t entries)
{
	uint32_t flags = INTERRUPTS | (opts->page ? 0 : PHYSICALLY_CONTIGUOUS);

	if (opts->cmb)
		ring_create_at(&hand->cq, (char *)opts->cmb + CMB_CQ, opts->cmb_bus + CMB_CQ,
			       entries, sizeof(struct nvt_cqe));
	else
		ring_create(&hand->cq, hand->dev, entries, sizeof(struct nvt_cqe), opts->page);
	doorbell_init(&hand->cq_doorbell, hand, opts, true);
	ck_assert_int_eq(admin(hand, nvme_admin_create_cq, (entries - 1) << 16 | hand->qid,
			       (uint32_t)opts->vector << 16 | flags, hand->cq.addr), 0);
}

static void create_sq(struct hand *hand, const struct hand_opts *opts, uint32_t entries)
{
	uint32_t cqid = opts->shares ? opts->shares->qid : hand->qid;
	uint32_t flags = opts->priority << 1 | (opts->page ? 0 : PHYSICALLY_CONTIGUOUS);

	if (opts->cmb)
		ring_create_at(&hand->sq, opts->cmb, opts->cmb_bus, entries,
			       sizeof(struct nvt_sqe));
	else
		ring_create(&hand->sq, hand->dev, entries, sizeof(struct nvt_sqe), opts->page);
	doorbell_init(&hand->sq_doorbell, hand, opts, false);
	ck_assert_int_eq(admin(hand, nvme_admin_create_sq, (entries - 1) << 16 | hand->qid,
			       cqid << 16 | flags, hand->sq.addr), 0);
}

void hand_create_with(struct hand *hand, struct device *dev, const struct hand_opts *opts)
{
	uint32_t entries = opts->entries ? opts->entries : HAND_ENTRIES;

	memset(hand, 0, sizeof(*hand));
	hand->dev = dev;
	hand->qid = opts->qid ? opts->qid : HAND_QID;
	hand->shares = opts->shares;
	hand->phase = 1;
	if (!hand->shares)
		create_cq(hand, opts, entries);
	create_sq(hand, opts, entries);
}

void hand_create(struct hand *hand, struct device *dev, uint16_t vector)
{
	const struct hand_opts opts = { .vector = vector };

	hand_create_with(hand, dev, &opts);
}

/* After a reset the queues are gone already. */
void hand_delete(struct hand *hand)
{
	admin(hand, nvme_admin_delete_sq, hand->qid, 0, 0);
	ring_free(&hand->sq);
	if (hand->shares)
		return;
	admin(hand, nvme_admin_delete_cq, hand->qid, 0, 0);
	ring_free(&hand->cq);
}

uint16_t hand_write(struct hand *hand, struct nvt_sqe sqe)
{
	sqe.cid = ++hand->cid;
	*(struct nvt_sqe *)ring_entry(&hand->sq, hand->tail) = sqe;
	hand->tail = (hand->tail + 1) % hand->sq.entries;
	return sqe.cid;
}

void hand_ring(struct hand *hand)
{
	doorbell_ring(&hand->sq_doorbell, hand->tail);
}

uint16_t hand_post(struct hand *hand, struct nvt_sqe sqe)
{
	uint16_t cid = hand_write(hand, sqe);

	hand_ring(hand);
	return cid;
}

const volatile struct nvt_cqe *hand_entry(const struct hand *hand, unsigned int index)
{
	return ring_entry(&hand->cq, index);
}

bool hand_next(struct hand *hand, struct nvt_cqe *cqe, unsigned int timeout_ms)
{
	uint64_t deadline = device_now_ns() + timeout_ms * 1000000ULL;
	const struct nvt_cqe *entry = ring_entry(&hand->cq, hand->head);

	while ((__atomic_load_n(&entry->status_phase, __ATOMIC_ACQUIRE) & 1) != hand->phase) {
		if (device_now_ns() >= deadline)
			return false;
		usleep(50);
	}
	*cqe = *entry;
	hand->head = (hand->head + 1) % hand->cq.entries;
	if (!hand->head)
		hand->phase ^= 1;
	doorbell_ring(&hand->cq_doorbell, hand->head);
	return true;
}

struct nvt_cqe hand_wait(struct hand *hand)
{
	struct nvt_cqe cqe;

	ck_assert_msg(hand_next(hand, &cqe, SOON_MS), "no completion at entry %u", hand->head);
	return cqe;
}

void hand_wait_all(struct hand *hand, unsigned int n, uint16_t *sqids)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct nvt_cqe cqe = hand_wait(hand);

		ck_assert_uint_eq(cqe.status_phase >> 1, 0);
		if (sqids)
			sqids[i] = cqe.sqid;
	}
}
