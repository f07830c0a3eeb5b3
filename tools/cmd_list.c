// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "output.h"

#define COLUMNS	8
#define TEXT_LEN 24	/* of a cell that is made here */

static const char *const headings[COLUMNS] = {
	"ADDRESS", "ID", "DRIVER", "DEVICE", "MODEL", "SERIAL", "BLOCK DEVICES", "IN USE",
};

static void device_name(const struct nvt_pcie_entry *entry, char text[TEXT_LEN])
{
	text[0] = '\0';
	if (entry->minor >= 0)
		snprintf(text, TEXT_LEN, "/dev/nvt%d", entry->minor);
}

static int print_list(struct cmd *cmd, const struct nvt_pcie_entry *list, int n)
{
	const char **cells = calloc(n + 1, sizeof(headings));
	char (*text)[2][TEXT_LEN] = calloc(n + 1, sizeof(*text));
	int i;

	if (!cells || !text) {
		free(cells);
		free(text);
		return cmd_fail(cmd, EXIT_FAILED, ENOMEM, "list: out of memory");
	}
	memcpy(cells, headings, sizeof(headings));
	for (i = 0; i < n; i++) {
		const struct nvt_pcie_entry *e = &list[i];

		snprintf(text[i][0], TEXT_LEN, "%04x:%04x", e->vendor, e->device);
		device_name(e, text[i][1]);
		memcpy(&cells[(i + 1) * COLUMNS],
		       (const char *[]){ e->addr, text[i][0], e->driver, text[i][1], e->model,
					 e->serial, e->block, e->in_use }, sizeof(headings));
	}
	table_print(cells, COLUMNS, n + 1);
	free(text);
	free(cells);
	return EXIT_OK;
}

static void add_blocks(struct json_object *object, const char *names)
{
	struct json_object *array = json_add_array(object, "block_devices");
	char copy[sizeof(((struct nvt_pcie_entry *)NULL)->block)];
	char *name, *save;

	snprintf(copy, sizeof(copy), "%s", names);
	for (name = strtok_r(copy, " ", &save); name; name = strtok_r(NULL, " ", &save))
		json_object_array_add(array, json_object_new_string(name));
}

static void add_entry(struct json_object *array, const struct nvt_pcie_entry *entry)
{
	struct json_object *object = json_append_object(array);
	char text[TEXT_LEN];

	json_add_string(object, "address", entry->addr);
	json_add_number(object, "vendor_id", entry->vendor);
	json_add_number(object, "device_id", entry->device);
	json_add_number(object, "class_code", entry->class_code);
	json_add_optional(object, "driver", entry->driver);
	device_name(entry, text);
	json_add_optional(object, "device", text);
	json_add_optional(object, "model", entry->model);
	json_add_optional(object, "serial", entry->serial);
	add_blocks(object, entry->block);
	json_add_optional(object, "in_use", entry->in_use);
}

static int run_list(struct cmd *cmd)
{
	struct nvt_pcie_entry *list;
	struct json_object *array;
	int i, n, code = EXIT_OK;

	n = nvt_pcie_list(&list);
	if (n < 0)
		return cmd_fail_lib(cmd, n);
	if (cmd->json) {
		array = json_add_array(cmd->json, "devices");
		for (i = 0; i < n; i++)
			add_entry(array, &list[i]);
	} else if (n) {
		code = print_list(cmd, list, n);
	} else {
		puts("no NVMe functions on this host");
	}
	free(list);
	return code;
}

const struct command cmd_list = {
	.name = "list",
	.operands = "",
	.summary = "Lists NVMe functions, and others bound to nvt",
	.about = "IN USE says why a function cannot be bound to nvt now. Model and serial number\n"
		 "are those that the stock driver shows. Columns without any text are left out.",
	.example = "  nvt list --json",
	.run = run_list,
};
