/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/stores.h - hide the credential stores of a home, but for what the policy shows
 */
#ifndef MCPJAIL_JAIL_STORES_H
#define MCPJAIL_JAIL_STORES_H

#include <stddef.h>

#include "base/error.h"
#include "jail/files/layout.h"

#define STORES_MAX 192 /* at least as many as layout_credentials() has */

/* Of one home: indices into layout_credentials(). */
struct stores {
	size_t items[STORES_MAX];
	size_t n;
};

/** stores_find() - Which of the credentials a home has. @home: a path; NULL: it has none */
void stores_find(const char *home, struct stores *ret);

/**
 * stores_hide() - Cover stores of one home
 * @home:       Index into the layout's homes
 * @found:      From stores_find()
 * @scratch_fd: The jail's tmpfs, still writable
 *
 * What the layout's reads name in a store stays visible, read-only unless the policy has it
 * written: a store named itself is not covered, and of one that holds what is named nothing
 * else is there.
 *
 * A store that does not exist yet is not hidden: one that another program makes in a
 * writable tree while the agent runs can be read by it.
 *
 * Return: 0; -errno with @err filled
 */
int stores_hide(const struct layout *layout, size_t home, const struct stores *found,
		int scratch_fd, struct error *err);

#endif
