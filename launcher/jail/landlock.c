// SPDX-License-Identifier: Apache-2.0
/*
 * The pid and network namespaces already keep the agent's signals and abstract sockets
 * inside; the scope is a second wall, of other kernel code, around the agent alone: it
 * keeps init, which shares those namespaces, out of the agent's reach too.
 */
#include "jail/landlock.h"

#include <string.h>

#include "sandbox/landlock.h"

int landlock_scope_agent(bool *ret_applied, struct error *err)
{
	bool known = landlock_abi() >= LANDLOCK_ABI_SCOPE;
	int r = landlock_restrict(LANDLOCK_SCOPE);

	if (r) {
		error_set(err, "landlock", NULL, "the kernel refuses to scope the agent: %s",
			  strerror(-r));
		return r;
	}
	*ret_applied = known;
	return 0;
}
