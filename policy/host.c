// SPDX-License-Identifier: Apache-2.0
#include "host.h"

#include <arpa/inet.h>
#include <ctype.h>

static const char label_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

bool host_is_name(const char *host)
{
	const char *label = host, *last = host;

	for (;;) {
		size_t n = strspn(label, label_bytes);

		if (!n || n > 63 || label[0] == '-' || label[n - 1] == '-')
			return false;
		last = label;
		if (!label[n])
			break;
		if (label[n] != '.')
			return false;
		label += n + 1;
	}
	return !isdigit((unsigned char)last[0]);
}

/* inet_pton() takes the dotted quad without leading zeros only, so one spelling exists. */
static bool host_is_ipv4(const char *host)
{
	struct in_addr address;

	return inet_pton(AF_INET, host, &address) == 1;
}

const struct complaint *host_parse_ipv6(struct span literal, char *ret_host)
{
	static const struct complaint bad = {"not an IPv6 address between the brackets",
					     "[2001:db8::1]"};
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (!span_copy(literal, text, sizeof(text)) || inet_pton(AF_INET6, text, &address) != 1)
		return &bad;
	inet_ntop(AF_INET6, &address, ret_host, HOST_MAX + 1);
	return NULL;
}

const struct complaint *host_parse(struct span text, char *ret_host)
{
	static const struct complaint missing = {"the host is missing", "api.example.com"};
	static const struct complaint long_host = {"a host has at most 253 characters", NULL};
	static const struct complaint dot = {"the host ends with a dot", "leave the dot out"};
	static const struct complaint bad = {
		"not a host name or address",
		"labels of letters, digits and `-`, a dotted quad, or an IPv6 address in brackets"};

	if (!text.n)
		return &missing;
	if (!span_copy(text, ret_host, HOST_MAX + 1))
		return &long_host;
	for (char *p = ret_host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (text.p[text.n - 1] == '.')
		return &dot;
	return host_is_name(ret_host) || host_is_ipv4(ret_host) ? NULL : &bad;
}
