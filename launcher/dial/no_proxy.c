// SPDX-License-Identifier: Apache-2.0
/*
 * There is no specification. The form is curl's (lib/noproxy.c), with ports as Go has them.
 */
#include "dial/no_proxy.h"

#include <string.h>
#include <strings.h>

#include "base/span.h"
#include "dial/addresses.h"

#define SEPARATORS ", \t\r\n"
#define ENTRY_MAX  256 /* bytes; a DNS name has 253 */

/* Decimal digits only, up to @max. */
static bool parse_number(const char *text, unsigned max, unsigned *ret)
{
	unsigned value = 0;

	if (!*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
	}
	if (value > max)
		return false;
	*ret = value;
	return true;
}

static bool is_within(const union address *address, const union address *prefix, unsigned bits)
{
	bool v6 = address->any.sa_family == AF_INET6;
	const uint8_t *a =
		v6 ? address->v6.sin6_addr.s6_addr : (const uint8_t *)&address->v4.sin_addr.s_addr;
	const uint8_t *p =
		v6 ? prefix->v6.sin6_addr.s6_addr : (const uint8_t *)&prefix->v4.sin_addr.s_addr;
	unsigned bytes = bits / 8, rest = bits % 8;

	if (address->any.sa_family != prefix->any.sa_family || memcmp(a, p, bytes))
		return false;
	return !rest || !((a[bytes] ^ p[bytes]) >> (8 - rest));
}

/* Cuts the entry at its slash. */
static bool range_matches(char *entry, const union address *address)
{
	char *slash = strchr(entry, '/');
	union address prefix;
	unsigned bits = 0;

	if (slash)
		*slash = '\0';
	if (!address_parse(entry, 0, &prefix))
		return false;
	bits = prefix.any.sa_family == AF_INET ? 32 : 128;
	if (slash && !parse_number(slash + 1, bits, &bits))
		return false;
	return is_within(address, &prefix, bits);
}

/* The name itself, or what ends in it behind a dot. */
static bool name_matches(const char *entry, const char *host)
{
	size_t n, host_n = strlen(host);

	if (!strncmp(entry, "*.", 2))
		entry++;
	if (*entry == '.')
		entry++;
	n = strlen(entry);
	if (n && entry[n - 1] == '.')
		n--;
	if (host_n && host[host_n - 1] == '.')
		host_n--;
	if (!n || n > host_n || strncasecmp(host + host_n - n, entry, n))
		return false;
	return n == host_n || host[host_n - n - 1] == '.';
}

/*
 * Cuts off brackets and ":port". Two colons outside of brackets are an IPv6 address's.
 * Return: false if the entry is for another port, or malformed
 */
static bool take_port(char **entry, uint16_t port)
{
	unsigned value = 0;
	char *rest;

	if (**entry == '[') {
		rest = strchr(*entry, ']');
		if (!rest)
			return false;
		*rest++ = '\0';
		++*entry;
	} else {
		rest = strchr(*entry, ':');
		if (!rest || strchr(rest + 1, ':'))
			return true;
	}
	if (!*rest)
		return true;
	if (*rest != ':')
		return false;
	*rest = '\0';
	return parse_number(rest + 1, UINT16_MAX, &value) && value == port;
}

static bool entry_matches(struct span text, const char *host, uint16_t port)
{
	char copy[ENTRY_MAX], *entry = copy;
	union address address;

	if (!span_copy(text, copy, sizeof(copy)))
		return false;
	if (!strcmp(entry, "*"))
		return true;
	if (!take_port(&entry, port))
		return false;
	if (address_parse(host, port, &address))
		return range_matches(entry, &address);
	return name_matches(entry, host);
}

bool no_proxy_matches(const char *list, const char *host, uint16_t port)
{
	for (const char *at = list + strspn(list, SEPARATORS); *at;) {
		size_t n = strcspn(at, SEPARATORS);

		if (entry_matches(span_bytes(at, n), host, port))
			return true;
		at += n;
		at += strspn(at, SEPARATORS);
	}
	return false;
}
