// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>

#include "cmd.h"
#include "output.h"
#include "registers.h"

#define OPTIONAL_FROM	0x38	/* CMBLOC and all above it */
#define CLASS_NVME	0x010802	/* NVM Express, I/O controller */

struct reg_args {
	uint64_t width;
	uint64_t bar;
};

/* What a run accesses; its @name is "" where only the offset was given. */
struct target {
	struct reg reg;
	int bar;
	bool named;
};

static int check_width(struct cmd *cmd, const struct reg_args *args)
{
	uint64_t w = args->width;

	if (w == 0 || w == 1 || w == 2 || w == 4 || w == 8)
		return EXIT_OK;
	return cmd_fail_usage(cmd, "--width: %llu is not 1, 2, 4 or 8", (unsigned long long)w);
}

static int find_target(struct cmd *cmd, struct target *target)
{
	const struct reg_args *args = cmd->args;
	const struct reg *reg = register_find(cmd->argv[1]);
	uint64_t offset;

	*target = (struct target){ .bar = (int)args->bar, .named = reg };
	if (reg && args->bar)
		return cmd_fail_usage(cmd, "%s is in BAR 0; with --bar give an offset", reg->name);
	if (!reg && !parse_number(cmd->argv[1], true, &offset))
		return cmd_fail_usage(cmd, "'%s' is neither a register's name nor an offset; "
				      "without it all are shown", cmd->argv[1]);
	if (!reg && offset > UINT32_MAX)
		return cmd_fail_usage(cmd, "offset %s is beyond any BAR", cmd->argv[1]);
	if (reg)
		target->reg = *reg;
	else
		target->reg = (struct reg){ .name = "", .offset = (uint32_t)offset, .width = 4 };
	if (args->width)
		target->reg.width = (uint8_t)args->width;
	return EXIT_OK;
}

static void show(struct json_object *object, const struct target *target, uint64_t value)
{
	const struct reg *reg = &target->reg;
	/* A part of a register does not have its fields. */
	bool whole = target->named && reg->width == register_find(reg->name)->width;

	if (object) {
		json_add_optional(object, "name", reg->name);
		json_add_number(object, "bar", target->bar);
		json_add_number(object, "offset", reg->offset);
		json_add_number(object, "width", reg->width);
		json_add_number(object, "value", value);
		if (whole)
			register_add_fields(reg, value, object);
		return;
	}
	printf("%-8s0x%04x  0x%0*llx%s%s\n", reg->name, reg->offset, 2 * reg->width,
	       (unsigned long long)value, whole ? "  " : "", whole ? reg->title : "");
	/* A zero among the optional ones: the device has none, and the fields would say nothing. */
	if (whole && (value || reg->offset < OPTIONAL_FROM))
		register_print_fields(reg, value);
}

static int read_one(struct cmd *cmd, struct nvt_pcie *pcie, const struct target *target,
		    struct json_object *object)
{
	uint64_t value;
	int err;

	err = nvt_pcie_reg_read(pcie, target->bar, target->reg.offset, target->reg.width, &value);
	if (err)
		return cmd_fail_lib(cmd, err);
	show(object, target, value);
	return EXIT_OK;
}

static int dump(struct cmd *cmd, struct nvt_pcie *pcie)
{
	struct json_object *array = NULL;
	struct nvt_device_info info;
	const struct reg *reg;
	int code, err;

	err = nvt_pcie_info(pcie, &info);
	if (err)
		return cmd_fail_lib(cmd, err);
	if (info.class_code != CLASS_NVME)
		return cmd_fail(cmd, EXIT_FAILED, EMEDIUMTYPE, "%s: reg: not an NVMe controller; "
				"give an offset", nvt_pcie_addr(pcie));
	if (cmd->json)
		array = json_add_array(cmd->json, "registers");
	for (reg = registers; reg->name; reg++) {
		struct target target = { .reg = *reg, .named = true };

		if (reg->offset + reg->width > info.bar_length[0])
			break;
		code = read_one(cmd, pcie, &target, array ? json_append_object(array) : NULL);
		if (code)
			return code;
	}
	return EXIT_OK;
}

static int write_one(struct cmd *cmd, struct nvt_pcie *pcie, const struct target *target,
		     uint64_t value)
{
	int err;

	err = nvt_pcie_reg_write(pcie, target->bar, target->reg.offset, target->reg.width, value);
	if (err)
		return cmd_fail_lib(cmd, err);
	show(cmd->json, target, value);
	return EXIT_OK;
}

static int parse(struct cmd *cmd, struct target *target, uint64_t *value)
{
	const struct reg_args *args = cmd->args;
	int code;

	if (cmd->argc == 1 && (args->bar || args->width))
		return cmd_fail_usage(cmd, "--bar and --width need an offset");
	if (cmd->argc == 1)
		return EXIT_OK;
	code = check_width(cmd, args);
	if (!code)
		code = find_target(cmd, target);
	if (code || cmd->argc == 2)
		return code;
	code = cmd_number(cmd, "value", cmd->argv[2], value);
	if (!code && target->reg.width < 8 && *value >> 8 * target->reg.width)
		code = cmd_fail_usage(cmd, "value: %s has more than %u bytes", cmd->argv[2],
				      target->reg.width);
	return code;
}

static int run_reg(struct cmd *cmd)
{
	struct target target;
	struct nvt_pcie *pcie;
	uint64_t value;
	int code;

	code = parse(cmd, &target, &value);
	if (!code)
		code = cmd_open_pcie(cmd, cmd->argc > 2 ? 0 : NVT_OPEN_OBSERVE, &pcie);
	if (code)
		return code;
	if (cmd->argc == 1)
		code = dump(cmd, pcie);
	else if (cmd->argc == 2)
		code = read_one(cmd, pcie, &target, cmd->json);
	else
		code = write_one(cmd, pcie, &target, value);
	nvt_pcie_close(pcie);
	return code;
}

static const struct option_def options[] = {
	OPT_NUMBER(struct reg_args, width, "width", 'w', "1|2|4|8", 1, 8,
		   "bytes of the access (default: the register's, else 4)"),
	OPT_NUMBER(struct reg_args, bar, "bar", 0, "N", 0, 5, "which BAR (default 0)"),
	{ NULL },
};

const struct command cmd_reg = {
	.name = "reg",
	.operands = "ADDR [NAME|OFFSET [VALUE]]",
	.summary = "Shows or writes registers",
	.about = "Reading works beside a process that owns the device. Writing owns it meanwhile,\n"
		 "and giving it up stops the controller. A vfio-user socket has one client at a\n"
		 "time, and its server resets the function when that leaves.",
	.example = "  nvt reg 01:00.0 CSTS\n"
		   "  nvt reg 01:00.0 0x1000 --width 4\n"
		   "  nvt reg 01:00.0 INTMS 0x1",
	.min_operands = 1,
	.max_operands = 3,
	.options = options,
	.args_size = sizeof(struct reg_args),
	.run = run_reg,
};
