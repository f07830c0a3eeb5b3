// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The options of an ioworker: defaults and limits. */
#include <inttypes.h>
#include <sched.h>
#include <sys/random.h>

#include "err.h"
#include "ioworker/worker.h"
#include "transport/transport.h"
#include "verify/verify.h"

#define MAX_QDEPTH	65534U
#define DEFAULT_QDEPTH	64U
#define MAX_NLB		65536U
#define MAX_BUFFER	(1ULL << 30)	/* NVT_IOC_BUFFER_CREATE */
#define PAGE		4096U

static const char *addr_of(struct nvt_ns *ns)
{
	return nvt_pcie_addr(nvt_ctrl_pcie(nvt_ns_ctrl(ns)));
}

static int limit(struct nvt_ns *ns, const char *option, uint64_t value, uint64_t max,
		 const char *why)
{
	if (value <= max)
		return 0;
	return nvt_fail(-EINVAL, "%s: ioworker: %s %" PRIu64 " is above %" PRIu64 "; %s",
			addr_of(ns), option, value, max, why);
}

static uint64_t choose_seed(void)
{
	uint64_t seed = 0;

	while (!seed)
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			seed = (uintptr_t)&seed;
	return seed;
}

static uint32_t max_qdepth(struct nvt_ns *ns)
{
	/* MQES is 0's based, and a queue of n entries holds n - 1 commands. */
	uint32_t mqes = nvt_ctrl_cap(nvt_ns_ctrl(ns)) & 0xffff;

	return mqes < MAX_QDEPTH ? mqes : MAX_QDEPTH;
}

static void put_defaults(struct nvt_ns *ns, struct nvt_ioworker_opts *o)
{
	uint32_t lba_size = nvt_ns_lba_size(ns), depth = max_qdepth(ns);

	o->backend = nvt_backend_choose(nvt_ctrl_pcie(nvt_ns_ctrl(ns)), o->backend);
	if (!o->io_blocks)
		o->io_blocks = lba_size < 4096 ? 4096 / lba_size : 1;
	if (!o->qdepth)
		o->qdepth = depth && depth < DEFAULT_QDEPTH ? depth : DEFAULT_QDEPTH;
	if (!o->region_end)
		o->region_end = nvt_ns_size(ns);
	if (!o->seed)
		o->seed = choose_seed();
}

static int check_percent(struct nvt_ns *ns, const struct nvt_ioworker_opts *o)
{
	int err = limit(ns, "random_percent", o->random_percent, 100, "it is a percentage");

	return err ? err : limit(ns, "read_percent", o->read_percent, 100, "it is a percentage");
}

static int check_size(struct nvt_ns *ns, const struct nvt_ioworker_opts *o)
{
	uint32_t mdts = nvt_ctrl_mdts(nvt_ns_ctrl(ns)) / nvt_ns_block_size(ns);

	return limit(ns, "io_blocks", o->io_blocks, mdts < MAX_NLB ? mdts : MAX_NLB,
		     "a command cannot transfer more");
}

static int check_qdepth(struct nvt_ns *ns, const struct nvt_ioworker_opts *o)
{
	uint32_t bytes = nvt_ioworker_slot_bytes(ns, o);
	int err = limit(ns, "qdepth", o->qdepth, max_qdepth(ns),
			"the controller's queues do not take more (CAP.MQES)");

	if (!err)
		err = limit(ns, "qdepth", o->qdepth, MAX_BUFFER / bytes,
			    "the data of all commands must fit 1 GiB; reduce io_blocks");
	return err;
}

static int check_region(struct nvt_ns *ns, const struct nvt_ioworker_opts *o)
{
	int err = limit(ns, "region_end", o->region_end, nvt_ns_size(ns),
			"the namespace ends there");

	if (!o->region_end)
		return nvt_fail(-EINVAL, "%s: ioworker: the namespace has no blocks",
				addr_of(ns));
	if (!err)
		err = limit(ns, "region_start", o->region_start, o->region_end - 1,
			    "the region needs a block before region_end");
	if (!err && o->random_percent)
		err = limit(ns, "io_blocks", o->io_blocks, o->region_end - o->region_start,
			    "a random command must fit the region");
	return err;
}

static int check_mode(struct nvt_ns *ns, const struct nvt_ioworker_opts *o)
{
	if (o->backend != NVT_BACKEND_MANAGED && o->backend != NVT_BACKEND_RAW)
		return nvt_fail(-EINVAL, "%s: ioworker: backend %d is unknown; 0 is the default, "
				"1 managed, 2 raw", addr_of(ns), o->backend);
	if (!o->time_ms && !o->io_count && o->random_percent)
		return nvt_fail(-EINVAL, "%s: ioworker: random_percent %u is above 0 with neither "
				"time_ms nor io_count; set one of them", addr_of(ns),
				o->random_percent);
	return limit(ns, "cpu", o->cpu, CPU_SETSIZE, "it is a CPU number + 1");
}

static int check_verify(struct nvt_ns *ns, const struct nvt_ioworker_opts *o)
{
	struct nvt_verify *v = o->verify;

	if (!v || (v->blocks == nvt_ns_size(ns) && v->lba_size == nvt_ns_lba_size(ns) &&
		   v->block_size == nvt_ns_block_size(ns)))
		return 0;
	return nvt_fail(-EINVAL, "%s: ioworker: verify is for %" PRIu64 " blocks of %u bytes, "
			"the namespace has %" PRIu64 " of %u; make one for this namespace",
			addr_of(ns), v->blocks, v->lba_size, nvt_ns_size(ns),
			nvt_ns_lba_size(ns));
}

int nvt_ioworker_resolve(struct nvt_ns *ns, struct nvt_ioworker_opts *opts)
{
	static int (*const checks[])(struct nvt_ns *, const struct nvt_ioworker_opts *) = {
		check_mode, check_percent, check_size, check_qdepth, check_region, check_verify,
	};
	size_t i;
	int err = 0;

	put_defaults(ns, opts);
	for (i = 0; !err && i < sizeof(checks) / sizeof(checks[0]); i++)
		err = checks[i](ns, opts);
	return err;
}

/* A power of two up to a page, then whole pages: no command touches a page more than it must. */
uint32_t nvt_ioworker_slot_bytes(struct nvt_ns *ns, const struct nvt_ioworker_opts *opts)
{
	uint32_t bytes = opts->io_blocks * nvt_ns_block_size(ns), slot = 4;

	while (slot < bytes && slot < PAGE)
		slot *= 2;
	return bytes > PAGE ? (bytes + PAGE - 1) / PAGE * PAGE : slot;
}
