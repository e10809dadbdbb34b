/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/namespaces.h - why namespaces may not be had here, and what mends it
 */
#ifndef MCPJAIL_JAIL_NAMESPACES_H
#define MCPJAIL_JAIL_NAMESPACES_H

/** namespaces_mend() - The command that lifts the likeliest restriction; never NULL */
const char *namespaces_mend(void);

#endif
