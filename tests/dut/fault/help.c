// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The language of the rules, as "help faults" has it. */
#include "fault/rule.h"

void faults_help(FILE *out)
{
	fputs("[MATCH]... do ACTION [KEY=VALUE]...\n"
	      "Times are written with ns, us, ms or s and count from when the rule is armed.\n"
	      "Without a match that names accesses, doorbells or a time: at each command that the action\n"
	      "suits; controller and PCI: at once. What happens once, or lasts, happens once in all\n"
	      "unless times=, every= or period= say more.\n"
	      "MATCH, all of which must fit:\n", out);
	match_key_print_help(out);
	fputs("ACTION:\n", out);
	action_print_help(out);
	fputs("Without for=TIME what lasts (register behind a time or a command, rdy-stuck, rdy-slow,\n"
	      "all-ones, link-down, config-ones) lasts until the rule is cleared.\n"
	      "error= is one of: ", out);
	pci_error_print_names(out);
	fputs("\nExamples: a bit that flips at the third read of block 64, a register that\n"
	      "changes on its own, a link that goes down three times:\n"
	      "  opcode=read lba=64 nth=3 do flip byte=100 bit=3\n"
	      "  at=200ms do register reg=CAP value=0 for=1s\n"
	      "  opcode=write every=1000 times=3 do link-down for=50ms\n", out);
}
