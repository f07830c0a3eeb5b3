// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdio.h>
#include <string.h>

#include "capabilities.h"
#include "cmd.h"
#include "output.h"

#define CONFIG_MAX	4096

struct cfg_args {
	uint64_t width;
};

static void print_dump(const uint8_t *config, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if (i % 16 == 0)
			printf("%02zx:", i);
		printf(" %02x%s", config[i], i % 16 == 15 ? "\n" : "");
	}
}

static void print_capabilities(const struct capability *caps, size_t n)
{
	size_t i;

	if (n)
		puts("\nCapabilities:");
	for (i = 0; i < n; i++)
		printf("  [%02x] %s%s (%0*x)\n", caps[i].offset, caps[i].name,
		       caps[i].extended ? ", extended" : "", caps[i].extended ? 4 : 2, caps[i].id);
}

static void add_dump(struct json_object *object, const uint8_t *config, size_t size,
		     const struct capability *caps, size_t n)
{
	char hex[2 * CONFIG_MAX + 1];
	struct json_object *array, *cap;
	size_t i;

	for (i = 0; i < size; i++)
		sprintf(hex + 2 * i, "%02x", config[i]);
	json_add_number(object, "size", size);
	json_add_string(object, "bytes", hex);
	array = json_add_array(object, "capabilities");
	for (i = 0; i < n; i++) {
		cap = json_append_object(array);
		json_add_number(cap, "offset", caps[i].offset);
		json_add_number(cap, "id", caps[i].id);
		json_add_bool(cap, "extended", caps[i].extended);
		json_add_string(cap, "name", caps[i].name);
	}
}

static int dump(struct cmd *cmd, struct nvt_pcie *pcie)
{
	struct capability caps[MAX_CAPABILITIES];
	_Alignas(4) uint8_t config[CONFIG_MAX];
	struct nvt_device_info info;
	uint32_t value, i, size;
	size_t n;
	int err;

	err = nvt_pcie_info(pcie, &info);
	if (err)
		return cmd_fail_lib(cmd, err);
	size = info.config_size < CONFIG_MAX ? info.config_size : CONFIG_MAX;
	for (i = 0; i < size; i += sizeof(value)) {
		err = nvt_pcie_config_read(pcie, i, sizeof(value), &value);
		if (err)
			return cmd_fail_lib(cmd, err);
		memcpy(config + i, &value, sizeof(value));
	}
	n = capabilities_find(config, size, caps);
	if (cmd->json) {
		add_dump(cmd->json, config, size, caps, n);
		return EXIT_OK;
	}
	print_dump(config, size);
	print_capabilities(caps, n);
	return EXIT_OK;
}

static int access_one(struct cmd *cmd, struct nvt_pcie *pcie, uint32_t offset, uint32_t value)
{
	int width = (int)((const struct cfg_args *)cmd->args)->width;
	int err;

	if (cmd->argc == 2)
		err = nvt_pcie_config_read(pcie, offset, width, &value);
	else
		err = nvt_pcie_config_write(pcie, offset, width, value);
	if (err)
		return cmd_fail_lib(cmd, err);
	if (cmd->json) {
		json_add_number(cmd->json, "offset", offset);
		json_add_number(cmd->json, "width", width);
		json_add_number(cmd->json, "value", value);
	} else {
		printf("0x%03x  0x%0*x\n", offset, 2 * width, value);
	}
	return EXIT_OK;
}

static int parse(struct cmd *cmd, uint64_t *offset, uint64_t *value)
{
	const struct cfg_args *args = cmd->args;
	int code;

	if (args->width == 3)
		return cmd_fail_usage(cmd, "--width: 3 is not 1, 2 or 4");
	if (cmd->argc == 1)
		return EXIT_OK;
	code = cmd_number(cmd, "offset", cmd->argv[1], offset);
	if (!code && *offset > UINT32_MAX)
		code = cmd_fail_usage(cmd, "offset: %s is beyond config space", cmd->argv[1]);
	if (code || cmd->argc == 2)
		return code;
	code = cmd_number(cmd, "value", cmd->argv[2], value);
	if (!code && *value >> 8 * args->width)
		code = cmd_fail_usage(cmd, "value: %s has more than %u bytes", cmd->argv[2],
				      (unsigned int)args->width);
	return code;
}

static int run_cfg(struct cmd *cmd)
{
	uint64_t offset = 0, value = 0;
	struct nvt_pcie *pcie;
	int code;

	code = parse(cmd, &offset, &value);
	if (!code)
		code = cmd_open_pcie(cmd, cmd->argc > 2 ? 0 : NVT_OPEN_OBSERVE, &pcie);
	if (code)
		return code;
	if (cmd->argc == 1)
		code = dump(cmd, pcie);
	else
		code = access_one(cmd, pcie, offset, value);
	nvt_pcie_close(pcie);
	return code;
}

static const struct cfg_args defaults = { .width = 4 };

static const struct option_def options[] = {
	OPT_NUMBER(struct cfg_args, width, "width", 'w', "1|2|4", 1, 4,
		   "bytes of a single access (default 4)"),
	{ NULL },
};

const struct command cmd_cfg = {
	.name = "cfg",
	.operands = "ADDR [OFFSET [VALUE]]",
	.summary = "Shows or writes PCI config space",
	.about = "All of it in the layout of 'lspci -xxxx', and the capabilities by name. Reading\n"
		 "works beside a process that owns the device. Writing owns it meanwhile, and\n"
		 "giving it up stops the controller.",
	.example = "  nvt cfg 01:00.0\n"
		   "  nvt cfg 01:00.0 0x4 --width 2",
	.min_operands = 1,
	.max_operands = 3,
	.options = options,
	.args_size = sizeof(struct cfg_args),
	.defaults = &defaults,
	.run = run_cfg,
};
