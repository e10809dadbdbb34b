/* SPDX-License-Identifier: Apache-2.0 */
/**
 * host.h - the one spelling of a host: a name in lower case, or an address
 */
#ifndef MCPJAIL_POLICY_HOST_H
#define MCPJAIL_POLICY_HOST_H

#include <stdbool.h>

#include "base/span.h"

#define HOST_MAX 253

/* What is wrong with a text, and what would be right; @mend may be NULL. Static. */
struct complaint {
	const char *what, *mend;
};

/**
 * host_parse() - Read a host name (RFC 1123 §2.1) or a dotted quad
 * @ret_host: HOST_MAX + 1 bytes; undefined on failure
 *
 * Strict rather than lenient: what two parsers might read in two ways is refused, above all
 * a last label that begins with a digit, and an address in another form than inet_ntop()'s.
 *
 * Return: NULL, or what is wrong
 */
const struct complaint *host_parse(struct span text, char *ret_host);

/** host_parse_ipv6() - Read what stands between the brackets. As host_parse() */
const struct complaint *host_parse_ipv6(struct span literal, char *ret_host);

/** host_is_name() - Whether a host in normal form is a name, no address */
bool host_is_name(const char *host);

#endif
