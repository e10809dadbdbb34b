// SPDX-License-Identifier: Apache-2.0
/*
 * What people write for a host that is not one: told by what it looks like.
 */
#include <stdio.h>
#include <string.h>

#include "policy/host.h"
#include "policy/load/load_egress.h"
#include "policy/public_suffix.h"

static const struct complaint *address_refusal(const char *text, char *ret_host)
{
	static const struct complaint mapped = {"an IPv4 address in the form of IPv6",
						"write the dotted quad"};
	size_t n = strlen(text);
	bool in_brackets = n > 2 && text[0] == '[' && text[n - 1] == ']';
	const struct complaint *wrong = host_parse_ipv6(
		in_brackets ? span_bytes(text + 1, n - 2) : span_of(text), ret_host);

	/* The name under which it is asked for is the dotted quad, whatever form that had. */
	return wrong ? wrong : strchr(ret_host, '.') ? &mapped : NULL;
}

/* @suffix: what follows "*." */
static const struct complaint *wildcard_refusal(const char *suffix, char *ret_host)
{
	static const struct complaint address = {"a wildcard before an address",
						 "write each address"};
	static const struct complaint public_suffix = {
		"anyone can have a name under a public suffix",
		"name the hosts, or a suffix that has one owner"};
	const struct complaint *wrong = host_parse(span_of(suffix), ret_host);

	if (wrong)
		return wrong;
	if (!host_is_name(ret_host))
		return &address;
	return public_suffix_is(ret_host) ? &public_suffix : NULL;
}

static const struct complaint *form_refusal(const char *text)
{
	static const struct complaint url = {"a URL or path, no host",
					     "write the host alone, and paths into `paths`"};
	static const struct complaint port = {"a port in the host", "put it into `ports`"};
	static const struct complaint all = {"`*` would be every host", "name the hosts"};
	static const struct complaint star = {"a `*` that is not the whole first label",
					      "\"*.example.com\" is every name below example.com"};
	const char *colon = strchr(text, ':'), *asterisk = strrchr(text, '*');

	if (strchr(text, '/'))
		return &url;
	if (!strcmp(text, "*"))
		return &all;
	if (asterisk && (asterisk != text || text[1] != '.'))
		return &star;
	if (colon && (!strchr(colon + 1, ':') || strstr(text, "]:")))
		return &port;
	for (const char *p = text; *p; p++) {
		static const struct complaint bytes = {
			"a non-ASCII character in the host",
			"write an international name in its xn-- form"};

		if ((unsigned char)*p >= 0x80)
			return &bytes;
	}
	return NULL;
}

const char *load_host_text(struct load *l, const char *text)
{
	bool is_wildcard = !strncmp(text, "*.", 2);
	const struct complaint *wrong = form_refusal(text);
	char host[HOST_MAX + 1], normal[HOST_MAX + 3];

	if (!wrong && is_wildcard)
		wrong = wildcard_refusal(text + 2, host);
	else if (!wrong && strpbrk(text, ":["))
		wrong = address_refusal(text, host);
	else if (!wrong)
		wrong = host_parse(span_of(text), host);
	if (wrong) {
		load_error(l, wrong->mend, "`%.60s`: %s", text, wrong->what);
		return NULL;
	}
	snprintf(normal, sizeof(normal), "%s%s", is_wildcard ? "*." : "", host);
	return load_keep(l, normal);
}
