// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "fields.h"
#include "identify.h"
#include "output.h"

#define CTRL(member, format) FIELD(struct nvme_id_ctrl, member, FIELD_##format)

static const struct field fields[] = {
	CTRL(vid, HEX),
	CTRL(ssvid, HEX),
	CTRL(sn, TEXT),
	CTRL(mn, TEXT),
	CTRL(fr, TEXT),
	CTRL(rab, DECIMAL),
	CTRL(ieee, OUI),
	CTRL(cmic, HEX),
	CTRL(mdts, DECIMAL),
	CTRL(cntlid, DECIMAL),
	CTRL(ver, HEX),
	CTRL(rtd3r, HEX),
	CTRL(rtd3e, HEX),
	CTRL(oaes, HEX),
	CTRL(ctratt, HEX),
	CTRL(rrls, HEX),
	CTRL(cntrltype, DECIMAL),
	CTRL(fguid, UUID),
	CTRL(crdt1, DECIMAL),
	CTRL(crdt2, DECIMAL),
	CTRL(crdt3, DECIMAL),
	CTRL(nvmsr, DECIMAL),
	CTRL(vwci, DECIMAL),
	CTRL(mec, DECIMAL),
	CTRL(oacs, HEX),
	CTRL(acl, DECIMAL),
	CTRL(aerl, DECIMAL),
	CTRL(frmw, HEX),
	CTRL(lpa, HEX),
	CTRL(elpe, DECIMAL),
	CTRL(npss, DECIMAL),
	CTRL(avscc, HEX),
	CTRL(apsta, HEX),
	CTRL(wctemp, DECIMAL),
	CTRL(cctemp, DECIMAL),
	CTRL(mtfa, DECIMAL),
	CTRL(hmpre, DECIMAL),
	CTRL(hmmin, DECIMAL),
	CTRL(tnvmcap, U128),
	CTRL(unvmcap, U128),
	CTRL(rpmbs, HEX),
	CTRL(edstt, DECIMAL),
	CTRL(dsto, DECIMAL),
	CTRL(fwug, DECIMAL),
	CTRL(kas, DECIMAL),
	CTRL(hctma, HEX),
	CTRL(mntmt, DECIMAL),
	CTRL(mxtmt, DECIMAL),
	CTRL(sanicap, HEX),
	CTRL(hmminds, DECIMAL),
	CTRL(hmmaxd, DECIMAL),
	CTRL(nsetidmax, DECIMAL),
	CTRL(endgidmax, DECIMAL),
	CTRL(anatt, DECIMAL),
	CTRL(anacap, DECIMAL),
	CTRL(anagrpmax, DECIMAL),
	CTRL(nanagrpid, DECIMAL),
	CTRL(pels, DECIMAL),
	CTRL(domainid, DECIMAL),
	CTRL(megcap, U128),
	CTRL(sqes, HEX),
	CTRL(cqes, HEX),
	CTRL(maxcmd, DECIMAL),
	CTRL(nn, DECIMAL),
	CTRL(oncs, HEX),
	CTRL(fuses, HEX),
	CTRL(fna, HEX),
	CTRL(vwc, HEX),
	CTRL(awun, DECIMAL),
	CTRL(awupf, DECIMAL),
	CTRL(icsvscc, DECIMAL),
	CTRL(nwpc, DECIMAL),
	CTRL(acwu, DECIMAL),
	CTRL(ocfs, HEX),
	CTRL(sgls, HEX),
	CTRL(mnan, DECIMAL),
	CTRL(maxdna, U128),
	CTRL(maxcna, DECIMAL),
	CTRL(subnqn, TEXT),
	CTRL(ioccsz, DECIMAL),
	CTRL(iorcsz, DECIMAL),
	CTRL(icdoff, DECIMAL),
	CTRL(fcatt, HEX),
	CTRL(msdbd, DECIMAL),
	CTRL(ofcs, HEX),
	{ NULL },
};

static void print_power(const char *name, uint16_t power, unsigned int scale)
{
	static const double watt[] = { 0, 0.0001, 0.01 };

	if (scale == 1 || scale == 2)
		printf("%s:%.*fW", name, scale == 1 ? 4 : 2, power * watt[scale]);
	else
		printf("%s:-", name);
}

static void print_power_state(int index, const struct nvme_id_psd *psd)
{
	unsigned int workload = psd->apws & 7;

	printf("ps %6d : ", index);
	print_power("mp", psd->mp, psd->flags & NVME_PSD_FLAGS_MXPS ? 1 : 2);
	printf(" %soperational enlat:%u exlat:%u rrt:%u rrl:%u\n",
	       psd->flags & NVME_PSD_FLAGS_NOPS ? "non-" : "", psd->enlat, psd->exlat, psd->rrt,
	       psd->rrl);
	printf("%12srwt:%u rwl:%u ", "", psd->rwt, psd->rwl);
	print_power("idle_power", psd->idlp, psd->ips >> 6);
	print_power(" active_power", psd->actp, psd->apws >> 6);
	printf("\n%12sactive_power_workload:", "");
	if (workload)
		printf("%u\n", workload);
	else
		puts("-");
}

static void add_power_state(struct json_object *ps, const struct nvme_id_psd *psd)
{
	json_add_number(ps, "max_power", psd->mp);
	json_add_number(ps, "flags", psd->flags);
	json_add_number(ps, "entry_lat", psd->enlat);
	json_add_number(ps, "exit_lat", psd->exlat);
	json_add_number(ps, "read_tput", psd->rrt);
	json_add_number(ps, "read_lat", psd->rrl);
	json_add_number(ps, "write_tput", psd->rwt);
	json_add_number(ps, "write_lat", psd->rwl);
	json_add_number(ps, "idle_power", psd->idlp);
	json_add_number(ps, "idle_scale", psd->ips >> 6);
	json_add_number(ps, "active_power", psd->actp);
	json_add_number(ps, "active_power_work", psd->apws & 7);
	json_add_number(ps, "active_scale", psd->apws >> 6);
}

static int power_states(const struct nvme_id_ctrl *id)
{
	int max = sizeof(id->psd) / sizeof(id->psd[0]);

	return id->npss < max ? id->npss + 1 : max;
}

static void show(struct cmd *cmd, const void *data)
{
	const struct nvme_id_ctrl *id = data;
	struct json_object *states;
	int i;

	if (cmd->json) {
		fields_json(fields, id, cmd->json);
		states = json_add_array(cmd->json, "psds");
		for (i = 0; i < power_states(id); i++)
			add_power_state(json_append_object(states), &id->psd[i]);
		return;
	}
	puts("NVME Identify Controller:");
	fields_print(fields, id, 10);
	for (i = 0; i < power_states(id); i++)
		print_power_state(i, &id->psd[i]);
}

static int run_id_ctrl(struct cmd *cmd)
{
	return identify(cmd, NVME_IDENTIFY_CNS_CTRL, 0, show);
}

static const struct option_def options[] = {
	OPT_FLAG(struct identify_args, raw, "raw-binary", 'b',
		 "write its 4096 bytes to standard output"),
	{ NULL },
};

const struct command cmd_id_ctrl = {
	.name = "id-ctrl",
	.operands = "ADDR",
	.summary = "Shows the Identify Controller data",
	.about = "Names, layout and JSON keys are those of 'nvme id-ctrl'. The controller is\n"
		 "initialised for it and stopped afterwards.",
	.example = "  nvt id-ctrl 01:00.0 --json",
	.min_operands = 1,
	.max_operands = 1,
	.options = options,
	.args_size = sizeof(struct identify_args),
	.run = run_id_ctrl,
};
