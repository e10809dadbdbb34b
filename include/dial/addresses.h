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

/* How special an address may be; each includes what stands before it. */
enum address_reach {
	REACH_PUBLIC = 0, /* global unicast only */
	REACH_PRIVATE,    /* private, loopback, link-local, and those for documentation */
	REACH_METADATA,   /* the clouds' services that hand credentials to whoever asks */
	REACH_ANY,        /* also what is nobody's server, or an address in disguise */
};

/**
 * address_refusal() - Why an address may not be dialled by who may reach only so far
 *
 * With REACH_PUBLIC only global unicast passes: what IANA's special-purpose registries
 * (RFC 6890) keep for something else is refused, and IPv6 addresses that carry an IPv4
 * address. With REACH_ANY nothing is refused.
 *
 * Return: what the address is, with the source: "a private address (RFC 1918)"; static;
 * NULL if it may be dialled
 */
const char *address_refusal(const struct sockaddr *address, enum address_reach reach);

/** address_equals() - Whether two are one address, whatever the port */
bool address_equals(const union address *a, const union address *b);

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
