/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker_remains.h - tier B: end what the agent's processes leave behind
 *
 * There is no pid namespace whose end would be theirs. What outlives its parents becomes the
 * broker's child, and is killed when the jail's init has ended, or the supervisor has.
 */
#ifndef MCPJAIL_LAUNCHER_ROLES_BROKER_REMAINS_H
#define MCPJAIL_LAUNCHER_ROLES_BROKER_REMAINS_H

#include <stdbool.h>

/**
 * remains_are_scoped() - Whether this process can send signals to nobody but the jail
 *
 * Tried on the supervisor, its parent; to be asked before confine_broker().
 */
bool remains_are_scoped(void);

/** remains_end() - Kill all of them. @is_scoped: as told by remains_are_scoped() */
void remains_end(bool is_scoped);

#endif
