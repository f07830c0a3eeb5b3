// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A plugin of QEMU's (plugin interface 7, QEMU 11) that counts what the guest executes. After a
 * submission doorbell it holds the processor until the device has done all, so that nobody spins or
 * sleeps for want of a completion and the counts are those of the path alone. At each mark (see
 * mark.c) it prints them: instructions in user space and in the kernel, system calls, SQ doorbells,
 * CQ doorbells, interrupts. The argument is out=FILE.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mark.h"

/* Of QEMU's interface, which Debian ships no header of, what is used here. */
typedef uint64_t plugin_id;
typedef struct {
	void *score;
	size_t offset;
} plugin_u64;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
enum { PLUGIN_ADD = 0, PLUGIN_NO_REGS = 0, PLUGIN_STORES = 2, PLUGIN_INTERRUPT = 1 };

void *qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_sum(plugin_u64 counter);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*cb)(struct qemu_plugin_tb *, void *),
					   void *data);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, int op,
						       plugin_u64 counter, uint64_t n);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn, int op,
							 plugin_u64 counter, uint64_t n);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int, void *), int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      void (*cb)(unsigned int, uint32_t, uint64_t, void *),
				      int flags, int rw, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t length);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t info, uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *at);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *at);
const char *qemu_plugin_hwaddr_device_name(const struct qemu_plugin_hwaddr *at);
void qemu_plugin_register_vcpu_discon_cb(plugin_id id, int type, void (*cb)(void), void *data);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 7;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* In the guest's memory map the doorbells are the second page of BAR 0, which is 16 KiB here. */
#define BAR_MASK	0x3fffULL
#define DOORBELLS	0x1000ULL

static plugin_u64 user, kernel, syscalls;
static uint64_t sq_doorbells, cq_doorbells, interrupts;
static FILE *out;
static int device_stat;	/* of the thread that is the device: QEMU's first */

static void pause_ns(long ns)
{
	struct timespec now, start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000000000L + now.tv_nsec - start.tv_nsec < ns);
}

/* A thread with work to do is runnable, also while it waits for a processor. */
static bool device_sleeps(void)
{
	char text[128] = { 0 };
	const char *state;

	if (pread(device_stat, text, sizeof(text) - 1, 0) <= 0)
		return true;
	state = strrchr(text, ')');
	return !state || state[2] == 'S';
}

static void hold(void)
{
	unsigned int asleep = 0;

	while (asleep < 3) {
		pause_ns(10000);
		asleep = device_sleeps() ? asleep + 1 : 0;
	}
}

static void stored(unsigned int cpu, uint32_t info, uint64_t vaddr, void *data)
{
	struct qemu_plugin_hwaddr *at = qemu_plugin_get_hwaddr(info, vaddr);
	const char *device;
	uint64_t offset;

	if (!at || !qemu_plugin_hwaddr_is_io(at))
		return;
	device = qemu_plugin_hwaddr_device_name(at);
	offset = qemu_plugin_hwaddr_phys_addr(at) & BAR_MASK;
	if (!device || strncmp(device, "nvme", 4) || offset < DOORBELLS || offset >= 2 * DOORBELLS)
		return;
	if (offset & 4) {
		cq_doorbells++;
		return;
	}
	sq_doorbells++;
	hold();
}

static void interrupted(void)
{
	interrupts++;
}

static void marked(unsigned int cpu, void *data)
{
	fprintf(out, "%lu %lu %lu %lu %lu %lu\n", qemu_plugin_u64_sum(user),
		qemu_plugin_u64_sum(kernel), qemu_plugin_u64_sum(syscalls), sq_doorbells,
		cq_doorbells, interrupts);
	fflush(out);
}

/* Stores to registers are "mov" to memory, by Linux's accessors and by compilers alike. */
static bool is_store(const uint8_t *insn)
{
	if (*insn >= 0x40 && *insn < 0x48)
		insn++;
	return (insn[0] == 0x89 || insn[0] == 0xc7) && insn[1] >> 6 != 3;
}

static void translated(struct qemu_plugin_tb *tb, void *data)
{
	static const uint8_t mark[] = MARK_BYTES, syscall[] = { 0x0f, 0x05 };
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	bool in_kernel = qemu_plugin_tb_vaddr(tb) >> 63;

	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, PLUGIN_ADD,
							  in_kernel ? kernel : user, n);
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint8_t bytes[16] = { 0 };

		qemu_plugin_insn_data(insn, bytes, sizeof(bytes));
		if (!in_kernel && !memcmp(bytes, mark, sizeof(mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, PLUGIN_NO_REGS, NULL);
		else if (!in_kernel && !memcmp(bytes, syscall, sizeof(syscall)))
			qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, PLUGIN_ADD,
									    syscalls, 1);
		else if (is_store(bytes))
			qemu_plugin_register_vcpu_mem_cb(insn, stored, PLUGIN_NO_REGS,
							 PLUGIN_STORES, NULL);
	}
}

static bool argument(const char *text, const char *name, const char **value)
{
	size_t length = strlen(name);

	*value = text + length;
	return !strncmp(text, name, length);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	const char *value;
	char path[64];
	int i;

	for (i = 0; i < argc; i++)
		if (argument(argv[i], "out=", &value))
			out = fopen(value, "w");
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	device_stat = open(path, O_RDONLY | O_CLOEXEC);
	if (!out || device_stat < 0) {
		fprintf(stderr, "count: out=FILE is wanted, in a folder that is there\n");
		return -1;
	}
	user.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	kernel.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	syscalls.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated, NULL);
	qemu_plugin_register_vcpu_discon_cb(id, PLUGIN_INTERRUPT, interrupted, NULL);
	return 0;
}
