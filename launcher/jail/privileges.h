/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/privileges.h - give up every privilege for good
 */
#ifndef MCPJAIL_JAIL_PRIVILEGES_H
#define MCPJAIL_JAIL_PRIVILEGES_H

#include <stdbool.h>

#include "base/error.h"

/**
 * privileges_drop() - No capability, no way to get one, no new privileges
 *
 * Empties the bounding, ambient, inheritable, permitted and effective sets; locks the
 * securebits so that uid 0 means nothing. Holds for all children, through every exec. Who has
 * no right to change the bounding set, outside of a user namespace, keeps that and the
 * securebits: with no new privileges they bring nothing.
 *
 * Return: 0; -errno with @err filled
 */
int privileges_drop(struct error *err);

/** privileges_are_out_of_reach() - Whether this process has none, and no exec brings any */
bool privileges_are_out_of_reach(void);

/** privileges_are_gone() - Whether the bounding set is empty as well */
bool privileges_are_gone(void);

#endif
