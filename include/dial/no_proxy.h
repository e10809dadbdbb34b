/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dial/no_proxy.h - whom the caller's NO_PROXY says to reach without the proxy
 */
#ifndef MCPJAIL_DIAL_NO_PROXY_H
#define MCPJAIL_DIAL_NO_PROXY_H

#include <stdbool.h>
#include <stdint.h>

/**
 * no_proxy_matches() - Whether a host and port are in the list
 * @list: Entries between commas or white space, as curl reads them
 * @host: A name or an address literal without brackets
 *
 * An entry is `*` for every host; a name, with or without a leading `.` or `*.`, for that
 * name and all below it; an address; or a range of addresses as `10.0.0.0/8`. A name or an
 * address may have a port behind `:`, with an IPv6 address in brackets then, and is for that
 * port only. No name is looked up: addresses match addresses, names match names, without
 * regard to case and to a dot at the end. What is none of these matches nothing.
 */
bool no_proxy_matches(const char *list, const char *host, uint16_t port);

#endif
