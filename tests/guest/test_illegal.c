/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What a device answers to queues that must not be: the table below, status
 * codes of NVMe Base 2.1, 5.2.1 to 5.2.4, as the model gives them, and what
 * QEMU's device says: for CQs that cannot be deleted another code. QPRIO has no illegal value; the queue that
 * is in use, and that has an SQ, is 1.
 */
#include <check.h>

#include "bare.h"
#include "fault.h"
#include "queue.h"
#include "suites.h"

#define DELETE_SQ	0x00
#define CREATE_SQ	0x01
#define DELETE_CQ	0x04
#define CREATE_CQ	0x05
#define PC		1U
#define IEN		2U
#define CAP_CQR		(1ull << 16)

#define FIELD_INVALID	0x002	/* Invalid Field in Command */
#define PRP_OFFSET	0x013	/* PRP Offset Invalid */
#define CQ_INVALID	0x100	/* Completion Queue Invalid */
#define QID_INVALID	0x101	/* Invalid Queue Identifier */
#define SIZE_INVALID	0x102	/* Invalid Queue Size */
#define VECTOR_INVALID	0x108	/* Invalid Interrupt Vector */
#define DELETE_INVALID	0x10c	/* Invalid Queue Deletion */

#define ONE_TOO_MANY	0xfffe	/* a queue id, or a size, that is just too large */

static const struct illegal {
	const char *what;
	const char *clause;		/* of NVMe Base 2.1 */
	uint8_t opcode;
	uint16_t qid;
	uint16_t high;			/* CDW11 31:16: the CQ of an SQ, the vector of a CQ */
	uint32_t entries;
	uint32_t flags;			/* CDW11 15:0 */
	uint32_t prp;			/* bytes off the page */
	uint16_t status;
	uint16_t qemu;			/* what QEMU's device says */
} table[] = {
	{ "CQ 0", "5.2.1", CREATE_CQ, 0, 0, 16, PC, 0, QID_INVALID, QID_INVALID },
	{ "CQ in use", "5.2.1", CREATE_CQ, 1, 0, 16, PC, 0, QID_INVALID, QID_INVALID },
	{ "CQ beyond the last", "5.2.1", CREATE_CQ, ONE_TOO_MANY, 0, 16, PC, 0, QID_INVALID, QID_INVALID },
	{ "CQ 65535", "5.2.1", CREATE_CQ, 65535, 0, 16, PC, 0, QID_INVALID, QID_INVALID },
	{ "CQ of 1 entry", "5.2.1", CREATE_CQ, 2, 0, 1, PC, 0, SIZE_INVALID, SIZE_INVALID },
	{ "CQ beyond MQES", "5.2.1", CREATE_CQ, 2, 0, ONE_TOO_MANY, PC, 0, SIZE_INVALID, SIZE_INVALID },
	{ "CQ off the page by 4", "5.2.1", CREATE_CQ, 2, 0, 16, PC, 4, PRP_OFFSET, PRP_OFFSET },
	{ "CQ off the page by 2 KiB", "5.2.1", CREATE_CQ, 2, 0, 16, PC, 2048, PRP_OFFSET, PRP_OFFSET },
	{ "CQ in pages, with CAP.CQR", "5.2.1", CREATE_CQ, 2, 0, 16, 0, 0, FIELD_INVALID, FIELD_INVALID },
	{ "CQ with a vector too large", "5.2.1", CREATE_CQ, 2, 2048, 16, PC | IEN, 0, VECTOR_INVALID, VECTOR_INVALID },
	{ "CQ with vector 65535", "5.2.1", CREATE_CQ, 2, 65535, 16, PC | IEN, 0, VECTOR_INVALID, VECTOR_INVALID },
	{ "SQ 0", "5.2.2", CREATE_SQ, 0, 1, 16, PC, 0, QID_INVALID, QID_INVALID },
	{ "SQ in use", "5.2.2", CREATE_SQ, 1, 1, 16, PC, 0, QID_INVALID, QID_INVALID },
	{ "SQ beyond the last", "5.2.2", CREATE_SQ, ONE_TOO_MANY, 1, 16, PC, 0, QID_INVALID, QID_INVALID },
	{ "SQ to CQ 0", "5.2.2", CREATE_SQ, 2, 0, 16, PC, 0, CQ_INVALID, CQ_INVALID },
	{ "SQ to a CQ that is not there", "5.2.2", CREATE_SQ, 2, 2, 16, PC, 0, CQ_INVALID, CQ_INVALID },
	{ "SQ to CQ 65535", "5.2.2", CREATE_SQ, 2, 65535, 16, PC, 0, CQ_INVALID, CQ_INVALID },
	{ "SQ of 1 entry", "5.2.2", CREATE_SQ, 2, 1, 1, PC, 0, SIZE_INVALID, SIZE_INVALID },
	{ "SQ beyond MQES", "5.2.2", CREATE_SQ, 2, 1, ONE_TOO_MANY, PC, 0, SIZE_INVALID, SIZE_INVALID },
	{ "SQ off the page by 4", "5.2.2", CREATE_SQ, 2, 1, 16, PC, 4, PRP_OFFSET, PRP_OFFSET },
	{ "SQ in pages, with CAP.CQR", "5.2.2", CREATE_SQ, 2, 1, 16, 0, 0, FIELD_INVALID, FIELD_INVALID },
	{ "delete CQ 0", "5.2.3", DELETE_CQ, 0, 0, 0, 0, 0, QID_INVALID, CQ_INVALID },
	{ "delete a CQ that is not there", "5.2.3", DELETE_CQ, 2, 0, 0, 0, 0, QID_INVALID, CQ_INVALID },
	{ "delete CQ 65535", "5.2.3", DELETE_CQ, 65535, 0, 0, 0, 0, QID_INVALID, CQ_INVALID },
	{ "delete a CQ that has an SQ", "5.2.3", DELETE_CQ, 1, 0, 0, 0, 0, DELETE_INVALID, DELETE_INVALID },
	{ "delete SQ 0", "5.2.4", DELETE_SQ, 0, 0, 0, 0, 0, QID_INVALID, QID_INVALID },
	{ "delete an SQ that is not there", "5.2.4", DELETE_SQ, 2, 0, 0, 0, 0, QID_INVALID, QID_INVALID },
	{ "delete SQ 65535", "5.2.4", DELETE_SQ, 65535, 0, 0, 0, 0, QID_INVALID, QID_INVALID },
};

static struct nvt_sqe command_of(struct bare *b, const struct illegal *row, uint64_t bus)
{
	uint16_t qid = row->qid == ONE_TOO_MANY ? queue_number(b) + 1 : row->qid;
	uint32_t entries = row->entries == ONE_TOO_MANY ? queue_max_entries(b) + 1 : row->entries;

	return (struct nvt_sqe) {
		.opcode = row->opcode, .prp1 = bus + row->prp, .cdw10 = (entries - 1) << 16 | qid,
		.cdw11 = (uint32_t)row->high << 16 | row->flags,
	};
}

static bool applies(struct bare *b, const struct illegal *row)
{
	bool create = row->opcode == CREATE_CQ || row->opcode == CREATE_SQ;

	return !create || row->flags & PC || bare_reg_read(b->fd, 0, 8) & CAP_CQR;
}

START_TEST(illegal_queues_get_the_answer_of_the_specification)
{
	const struct illegal *row = &table[_i];
	uint16_t expected = fault_possible() ? row->status : row->qemu, status;
	struct bare_buffer mem;
	struct nvt_sqe sqe;
	struct pair p;
	struct bare b;

	bare_start(&b, 0);
	/* Before the first queue, as the number of queues is asked for. */
	sqe = command_of(&b, row, 0);
	pair_create(&b, &p, 1, BARE_ENTRIES, 0);
	bare_buffer_create(&b, &mem, NVT_BUFFER_CONTIGUOUS, 2 * BARE_PAGE);
	sqe.prp1 = mem.bus[0] + row->prp;
	if (!applies(&b, row))
		return;
	status = bare_admin(b.fd, &sqe, NULL);
	ck_assert_msg(status == expected, "%s: 0x%x, not 0x%x (NVMe Base 2.1, %s)", row->what, status,
		      expected, row->clause);
	/* And all is as it was. */
	queue_verify(&b, 1, BARE_ENTRIES, &p.data, 0, 2, _i);
	ck_assert_uint_eq(queue_delete_device(&b, NVT_QUEUE_SQ, 1), 0);
	ck_assert_uint_eq(queue_delete_device(&b, NVT_QUEUE_SQ, 1), QID_INVALID);
	ck_assert_uint_eq(queue_delete_device(&b, NVT_QUEUE_CQ, 1), 0);
	ck_assert_uint_eq(queue_delete_device(&b, NVT_QUEUE_CQ, 1),
			  fault_possible() ? QID_INVALID : CQ_INVALID);
}
END_TEST

Suite *illegal_suite(void)
{
	Suite *suite = suite_create("illegal");
	TCase *tcase = tcase_create("answers");

	tcase_add_unchecked_fixture(tcase, suite_bind, suite_unbind);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, illegal_queues_get_the_answer_of_the_specification, 0,
			    sizeof(table) / sizeof(table[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}
