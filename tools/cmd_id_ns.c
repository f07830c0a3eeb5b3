// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdio.h>

#include "cmd.h"
#include "fields.h"
#include "identify.h"
#include "output.h"

#define NS(member, format) FIELD(struct nvme_id_ns, member, FIELD_##format)

static const struct field fields[] = {
	NS(nsze, HEX),
	NS(ncap, HEX),
	NS(nuse, HEX),
	NS(nsfeat, HEX),
	NS(nlbaf, DECIMAL),
	NS(flbas, HEX),
	NS(mc, HEX),
	NS(dpc, HEX),
	NS(dps, HEX),
	NS(nmic, HEX),
	NS(rescap, HEX),
	NS(fpi, HEX),
	NS(dlfeat, DECIMAL),
	NS(nawun, DECIMAL),
	NS(nawupf, DECIMAL),
	NS(nacwu, DECIMAL),
	NS(nabsn, DECIMAL),
	NS(nabo, DECIMAL),
	NS(nabspf, DECIMAL),
	NS(noiob, DECIMAL),
	NS(nvmcap, U128),
	NS(npwg, DECIMAL),
	NS(npwa, DECIMAL),
	NS(npdg, DECIMAL),
	NS(npda, DECIMAL),
	NS(nows, DECIMAL),
	NS(mssrl, DECIMAL),
	NS(mcl, DECIMAL),
	NS(msrc, DECIMAL),
	NS(nulbaf, DECIMAL),
	NS(anagrpid, DECIMAL),
	NS(nsattr, DECIMAL),
	NS(nvmsetid, DECIMAL),
	NS(endgid, DECIMAL),
	NS(nguid, BYTES),
	NS(eui64, BYTES),
	{ NULL },
};

static unsigned int formats(const struct nvme_id_ns *id)
{
	unsigned int max = sizeof(id->lbaf) / sizeof(id->lbaf[0]);

	return id->nlbaf < max ? id->nlbaf + 1U : max;
}

static void add_formats(struct json_object *object, const struct nvme_id_ns *id)
{
	struct json_object *array = json_add_array(object, "lbafs");
	struct json_object *format;
	unsigned int i;

	for (i = 0; i < formats(id); i++) {
		format = json_append_object(array);
		json_add_number(format, "ms", id->lbaf[i].ms);
		json_add_number(format, "ds", id->lbaf[i].ds);
		json_add_number(format, "rp", id->lbaf[i].rp & 3);
	}
}

static void show(struct cmd *cmd, const void *data)
{
	const struct identify_args *args = cmd->args;
	const struct nvme_id_ns *id = data;
	unsigned int i;

	if (cmd->json) {
		fields_json(fields, id, cmd->json);
		add_formats(cmd->json, id);
		return;
	}
	printf("NVME Identify Namespace %u:\n", (unsigned int)args->nsid);
	fields_print(fields, id, 8);
	for (i = 0; i < formats(id); i++)
		printf("lbaf %2u : ms:%-3u lbads:%-2u rp:%u%s\n", i, id->lbaf[i].ms,
		       id->lbaf[i].ds, id->lbaf[i].rp & 3,
		       i == identify_format_in_use(id) ? " (in use)" : "");
}

static int run_id_ns(struct cmd *cmd)
{
	const struct identify_args *args = cmd->args;

	return identify(cmd, NVME_IDENTIFY_CNS_NS, args->nsid, show);
}

static const struct option_def options[] = {
	OPT_NSID(struct identify_args),
	OPT_FLAG(struct identify_args, raw, "raw-binary", 'b',
		 "write its 4096 bytes to standard output"),
	{ NULL },
};

static const struct identify_args defaults = { .nsid = 1 };

const struct command cmd_id_ns = {
	.name = "id-ns",
	.operands = "ADDR",
	.summary = "Shows the Identify Namespace data",
	.about = "Names, layout and JSON keys are those of 'nvme id-ns'. The controller is\n"
		 "initialised for it and stopped afterwards. All zeros: there is no such active\n"
		 "namespace.",
	.example = "  nvt id-ns 01:00.0 --namespace-id=1",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.args_size = sizeof(struct identify_args),
	.defaults = &defaults,
	.run = run_id_ns,
};
