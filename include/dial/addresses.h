/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dial/addresses.h - which addresses may be dialled
 */
#ifndef MCPJAIL_DIAL_ADDRESSES_H
#define MCPJAIL_DIAL_ADDRESSES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_TEXT_MAX 64 /* bytes of an address as text, NUL included */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/**
 * address_refusal() - Why an address is not one of the public internet's
 *
 * Only global unicast passes: what IANA's special-purpose registries (RFC 6890) keep for
 * something else is refused, and IPv6 addresses that carry an IPv4 address.
 *
 * Return: what the address is, with the source: "a private address (RFC 1918)"; static;
 * NULL if it may be dialled
 */
const char *address_refusal(const struct sockaddr *address);

/**
 * address_parse() - Take a literal address in its one canonical form
 *
 * Dotted quads without leading zeros; IPv6 without brackets, zone or IPv4 tail.
 *
 * Return: false, and nothing written, for every other text
 */
bool address_parse(const char *text, uint16_t port, union address *ret);

/** address_format() - The address, without its port; @ret_text holds ADDRESS_TEXT_MAX bytes */
void address_format(const struct sockaddr *address, char *ret_text);

/** address_size() - Bytes of the address for connect() */
socklen_t address_size(const union address *address);

#endif
