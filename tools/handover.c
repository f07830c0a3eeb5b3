// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handover.h"
#include "output.h"

/* A function that is not listed, being neither NVMe nor nvt's, has only its address. */
static void look_up(const char *addr, struct nvt_pcie_entry *entry)
{
	struct nvt_pcie_entry *list = NULL;
	int i, n = nvt_pcie_list(&list);

	*entry = (struct nvt_pcie_entry){ .minor = -1 };
	snprintf(entry->addr, sizeof(entry->addr), "%.15s", addr);
	for (i = 0; i < n; i++)
		if (!strcmp(list[i].addr, addr))
			*entry = list[i];
	free(list);
}

static void add_device(struct json_object *object, const struct nvt_pcie_entry *was,
		       const struct nvt_pcie_entry *now)
{
	char device[32] = "";

	if (now->minor >= 0)
		snprintf(device, sizeof(device), "/dev/nvt%d", now->minor);
	json_add_optional(object, "driver", now->driver);
	json_add_optional(object, "device", device);
	json_add_optional(object, "was", was->driver);
}

static int move_one(struct cmd *cmd, const char *addr, struct json_object *object,
		    int (*move)(const char *addr), handover_report report)
{
	struct nvt_pcie_entry was, now;
	int err;

	look_up(addr, &was);
	err = move(addr);
	if (err && object) {
		json_add_string(object, "error", nvt_error());
		json_add_number(object, "errno", abs(err));
	}
	if (err)
		return cmd_fail_lib(cmd, err);
	look_up(addr, &now);
	if (object)
		add_device(object, &was, &now);
	else
		report(&was, &now);
	return EXIT_OK;
}

int handover(struct cmd *cmd, int (*move)(const char *addr), handover_report report)
{
	struct json_object *array = cmd->json ? json_add_array(cmd->json, "devices") : NULL;
	struct json_object *object = NULL;
	char addr[ADDRESS_LEN];
	int i, one, code = EXIT_OK;

	for (i = 0; i < cmd->argc; i++) {
		one = cmd_address(cmd, cmd->argv[i], addr);
		if (!one && array) {
			object = json_append_object(array);
			json_add_string(object, "address", addr);
		}
		if (!one)
			one = move_one(cmd, addr, object, move, report);
		code = code ? code : one;
	}
	return code;
}
