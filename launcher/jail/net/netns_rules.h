/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/net/netns_rules.h - the packet rules that bring TCP to our listener
 */
#ifndef MCPJAIL_JAIL_NETNS_RULES_H
#define MCPJAIL_JAIL_NETNS_RULES_H

#include <stdint.h>

/**
 * netns_rules_load() - Load them into this network namespace
 * @port:    Of the transparent listener
 * @ret_log: Socket of the log (jail/netlog.h); -1 where the kernel has no nfnetlink_log
 *
 * Return: 0; -errno
 */
int netns_rules_load(uint16_t port, int *ret_log);

#endif
