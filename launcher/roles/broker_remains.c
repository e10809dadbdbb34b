// SPDX-License-Identifier: Apache-2.0
#include "broker_remains.h"

#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/orphans.h"

#define REMAINS_MS 3000

bool remains_are_scoped(void)
{
	return kill(getppid(), 0) < 0 && errno == EPERM;
}

void remains_end(bool is_scoped)
{
	/*
	 * In the scope of Landlock's domain -1 means all that is in it, and no other. The kernel
	 * reaches all of them at once: nobody can fork out of it.
	 */
	if (is_scoped)
		(void)kill(-1, SIGKILL);
	(void)orphans_end(NULL, NULL, REMAINS_MS);
}
