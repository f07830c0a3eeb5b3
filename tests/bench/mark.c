// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Run in a guest whose emulator counts (count.c), this prints the counts to its file. */
#include "mark.h"

int main(void)
{
	MARK();
	return 0;
}
