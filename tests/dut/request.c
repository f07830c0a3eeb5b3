// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What can be asked for at the control socket. */
#include <errno.h>
#include <string.h>

#include "control.h"
#include "fault/fault.h"
#include "nvme/ns.h"
#include "nvme/smart.h"
#include "nvme/subsys.h"
#include "nvme/thermal.h"
#include "nvme/zns.h"
#include "pcie/function.h"
#include "units.h"

#define BLANK		" \t"
#define ERROR_MAX	400

/* What a request says when it fails; empty: it is ok. */
struct answer {
	FILE *out;
	char error[ERROR_MAX];
};

static void fail(struct answer *answer, const char *text)
{
	snprintf(answer->error, sizeof(answer->error), "%s", text);
}

static void request_fault(struct subsys *subsys, const char *rule, struct answer *answer)
{
	int id = faults_add(subsys->faults, rule, answer->error, sizeof(answer->error));

	if (id > 0)
		fprintf(answer->out, "id %d\n", id);
}

static void request_faults(struct subsys *subsys, const char *text, struct answer *answer)
{
	faults_print(subsys->faults, answer->out);
}

static void request_clear(struct subsys *subsys, const char *text, struct answer *answer)
{
	uint64_t id = 0;

	if (*text && (!units_number(text, &id) || !id || id > UINT32_MAX))
		fail(answer, "clear [ID]: the id of a rule is wanted, or nothing for all");
	else if (faults_clear(subsys->faults, id))
		fail(answer, "there is no such rule; \"faults\" lists them");
}

static void request_log(struct subsys *subsys, const char *text, struct answer *answer)
{
	faults_print_log(subsys->faults, answer->out);
}

static void request_power(struct subsys *subsys, const char *text, struct answer *answer)
{
	bool on = !strcmp(text, "on");

	if (!on && strcmp(text, "off")) {
		fail(answer, "power on, or power off, is wanted");
		return;
	}
	faults_note(subsys->faults, "control: power %s", text);
	subsys_power(subsys, on);
}

static void request_link(struct subsys *subsys, const char *text, struct answer *answer)
{
	char state[8] = "", extra[2];
	unsigned int n = 0, i;
	int words;

	words = sscanf(text, "%7s %u %1s", state, &n, extra);
	if ((strcmp(state, "up") && strcmp(state, "down")) || words > 2 || n > subsys->nr_ctrls ||
	    (words == 2 && !n) || (words == 1 && strcmp(text, state))) {
		fail(answer, "link up [N], or link down [N], is wanted; N is a controller from 1");
		return;
	}
	if (!subsys->powered) {
		fail(answer, "the power is off");
		return;
	}
	faults_note(subsys->faults, "control: link %s", text);
	for (i = 0; i < subsys->nr_ctrls; i++)
		if (!n || i == n - 1)
			function_link(subsys->ctrls[i]->function, !strcmp(state, "up"));
}

static void request_status(struct subsys *subsys, const char *text, struct answer *answer)
{
	unsigned int i;

	subsys_print_status(subsys, answer->out);
	for (i = 0; i < subsys->nr_ctrls; i++)
		fprintf(answer->out, "link %u %s\n", i + 1,
			function_link_is_up(subsys->ctrls[i]->function) ? "up" : "down");
}

static void request_temperature(struct subsys *subsys, const char *text, struct answer *answer)
{
	uint64_t kelvin;
	unsigned int i;

	if (!units_number(text, &kelvin) || kelvin > 1000) {
		fail(answer, "temperature KELVIN: a number up to 1000 is wanted");
		return;
	}
	faults_note(subsys->faults, "control: temperature %llu K", (unsigned long long)kelvin);
	for (i = 0; i < subsys->nr_ctrls; i++)
		thermal_set(subsys->ctrls[i], kelvin);
}

static void request_warning(struct subsys *subsys, const char *text, struct answer *answer)
{
	uint64_t bits;
	unsigned int i;

	if (!units_number(text, &bits) || bits > 0x3f) {
		fail(answer, "warning BITS: those of Critical Warning, up to 0x3f, are wanted");
		return;
	}
	faults_note(subsys->faults, "control: warning %#llx", (unsigned long long)bits);
	for (i = 0; i < subsys->nr_ctrls; i++)
		smart_set_warnings(subsys->ctrls[i], bits);
}

static enum nvme_zns_zs zone_state(const char *name)
{
	if (!strcmp(name, "full"))
		return NVME_ZNS_ZS_FULL;
	if (!strcmp(name, "read-only"))
		return NVME_ZNS_ZS_READ_ONLY;
	return !strcmp(name, "offline") ? NVME_ZNS_ZS_OFFLINE : 0;
}

static void request_zone(struct subsys *subsys, const char *text, struct answer *answer)
{
	unsigned long long slba;
	char state[16], extra[2];
	unsigned int nsid;
	struct ns *ns;

	if (sscanf(text, "%u %llu %15s %1s", &nsid, &slba, state, extra) != 3 ||
	    !zone_state(state)) {
		fail(answer, "zone NSID LBA full|read-only|offline is wanted");
		return;
	}
	ns = ns_find(subsys, nsid);
	if (!ns || !ns->zns)
		fail(answer, "there is no such namespace of zones");
	else if (!zns_degrade(ns, slba, zone_state(state)))
		fail(answer, "there is no such zone, or it cannot become that");
	else
		faults_note(subsys->faults, "control: zone %s", text);
}

static void request_help(struct subsys *subsys, const char *text, struct answer *answer);

static const struct request {
	const char *name, *operands, *help;
	void (*run)(struct subsys *subsys, const char *text, struct answer *answer);
	bool takes_text;
} requests[] = {
	{ "fault", " RULE", "arms a rule; its id", request_fault, true },
	{ "faults", "", "the rules, with how often they matched, fired and acted", request_faults,
	  false },
	{ "clear", " [ID]", "ends a rule, or all", request_clear, true },
	{ "log", "", "what the faults did so far", request_log, false },
	{ "power", " on|off", "cuts the power, and gives it back", request_power, true },
	{ "link", " up|down [N]", "of all controllers, or of the N-th", request_link, true },
	{ "status", "", "power, controllers, namespaces, links", request_status, false },
	{ "temperature", " KELVIN", "the device gets this warm", request_temperature, true },
	{ "warning", " BITS", "Critical Warning has these, whatever the counters say",
	  request_warning, true },
	{ "zone", " NSID LBA full|read-only|offline", "the zone of the block wears out", request_zone,
	  true },
	{ "help", " [faults]", "this list, or the language of the rules", request_help, true },
};

static void request_help(struct subsys *subsys, const char *text, struct answer *answer)
{
	char line[64];
	size_t i;

	if (!strcmp(text, "faults")) {
		faults_help(answer->out);
		return;
	}
	if (*text) {
		fail(answer, "help, or help faults, is wanted");
		return;
	}
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		snprintf(line, sizeof(line), "%s%s", requests[i].name, requests[i].operands);
		fprintf(answer->out, "%-20s %s\n", line, requests[i].help);
	}
}

static const struct request *find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (!strcmp(requests[i].name, name))
			return &requests[i];
	return NULL;
}

/* Blanks at its end are cut off. */
static void trim(char *line)
{
	size_t length = strlen(line);

	while (length && strchr(BLANK "\r", line[length - 1]))
		line[--length] = 0;
}

void control_request(struct subsys *subsys, char *line, FILE *out)
{
	struct answer answer = { .out = out };
	const struct request *request;
	char *name, *text;

	trim(line);
	name = line + strspn(line, BLANK);
	text = name + strcspn(name, BLANK);
	if (*text)
		*text++ = 0;
	text += strspn(text, BLANK);
	request = find(name);
	if (!request)
		snprintf(answer.error, sizeof(answer.error),
			 "unknown request '%.40s'; \"help\" lists them", name);
	else if (*text && !request->takes_text)
		snprintf(answer.error, sizeof(answer.error), "%s takes no operand", name);
	else
		request->run(subsys, text, &answer);
	if (*answer.error)
		fprintf(out, "error: %s\n", answer.error);
	else
		fputs("ok\n", out);
}
