// SPDX-License-Identifier: Apache-2.0
/*
 * Strict rather than lenient: a text in which browsers (WHATWG) and others (RFC 3986) might see
 * different hosts is unsound, and denied whichever way the rule asks.
 */
#include "policy/judge/url_terms.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "policy/host.h"

#define SCHEME_MAX 32

struct url {
	char scheme[SCHEME_MAX + 1];
	char host[HOST_MAX + 1];
	uint16_t port; /* 0: none is known */
	bool has_host;
};

/* --- reading ---------------------------------------------------------------- */

/* Schemes whose URLs name a host however many slashes follow (WHATWG URL, "special"). */
static const struct {
	const char *scheme;
	uint16_t port;
} specials[] = {
	{"https", 443}, {"http", 80}, {"wss", 443}, {"ws", 80}, {"ftp", 21}, {"file", 0},
};

static bool scheme_is_special(const char *scheme, uint16_t *ret_port)
{
	for (size_t i = 0; i < ARRAY_SIZE(specials); i++) {
		if (strcmp(scheme, specials[i].scheme))
			continue;
		*ret_port = specials[i].port;
		return true;
	}
	return false;
}

/* Return: bytes of the scheme, its colon not counted; 0: none */
static size_t take_scheme(struct span text, char *ret)
{
	size_t n = 0;

	while (n < text.n && n < SCHEME_MAX &&
	       (isalpha((unsigned char)text.p[n]) ||
		(n && (isdigit((unsigned char)text.p[n]) || strchr("+-.", text.p[n]))))) {
		ret[n] = (char)tolower((unsigned char)text.p[n]);
		n++;
	}
	ret[n] = '\0';
	return n < text.n && text.p[n] == ':' ? n : 0;
}

/* Blanks and controls are dropped by some readers, a reverse solidus is a slash to some. */
static bool has_unsound_bytes(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] <= 0x20 || text.p[i] == 0x7f || text.p[i] == '\\')
			return true;
	return false;
}

static bool take_port(struct span digits, uint16_t *ret)
{
	unsigned value = 0;

	if (!digits.n || digits.n > 5 || digits.p[0] == '0')
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		if (!isdigit((unsigned char)digits.p[i]))
			return false;
		value = value * 10 + (unsigned)(digits.p[i] - '0');
	}
	*ret = (uint16_t)value;
	return value <= UINT16_MAX;
}

/* HOST, HOST:PORT or [IPv6]:PORT; users and passwords are for who wants to mislead. */
static bool take_authority(struct span authority, struct url *ret)
{
	const char *bracket = authority.n ? memchr(authority.p, ']', authority.n) : NULL;
	const char *end = authority.p + authority.n;
	const char *colon = bracket ? bracket + 1
				    : (authority.n ? memchr(authority.p, ':', authority.n) : NULL);
	struct span host = {authority.p, (size_t)((colon ? colon : end) - authority.p)};

	if (bracket) {
		if (authority.p[0] != '[' ||
		    host_parse_ipv6(span_bytes(host.p + 1, host.n - 2), ret->host))
			return false;
	} else if (host_parse(host, ret->host)) {
		return false;
	}
	ret->has_host = true;
	if (!colon || colon == end)
		return true;
	return *colon == ':' &&
	       take_port(span_bytes(colon + 1, (size_t)(end - colon - 1)), &ret->port);
}

static struct span authority_of(struct span rest)
{
	size_t n = 0;

	while (n < rest.n && !strchr("/?#", rest.p[n]))
		n++;
	return span_bytes(rest.p, n);
}

/* Whether a text without a sound beginning may still be a URL to someone. */
static bool looks_like_url(struct span text)
{
	char scheme[SCHEME_MAX + 1];
	uint16_t port;
	size_t slashes = 0;

	while (text.n && (unsigned char)text.p[0] <= 0x20) {
		text.p++;
		text.n--;
	}
	for (size_t i = 0; i < text.n && i < 2; i++)
		slashes += text.p[i] == '/' || text.p[i] == '\\';
	if (slashes == 2)
		return true;
	/* Readers that drop line feeds and tabs find a scheme where there is none to others. */
	for (size_t i = 0; i < text.n && text.p[i] != ':'; i++)
		if (strchr("\t\r\n", text.p[i]))
			return memchr(text.p, ':', text.n);
	return take_scheme(text, scheme) && scheme_is_special(scheme, &port);
}

static enum url_answer url_parse(struct span text, struct url *ret)
{
	size_t n = take_scheme(text, ret->scheme);
	struct span rest;
	bool is_special;

	if (!n)
		return looks_like_url(text) ? URL_UNSOUND : URL_NO_URL;
	rest = span_bytes(text.p + n + 1, text.n - n - 1);
	is_special = scheme_is_special(ret->scheme, &ret->port);
	if (rest.n < 2 || memcmp(rest.p, "//", 2)) {
		/* A host and a port to who does without a scheme. */
		if (is_special || (rest.n && isdigit((unsigned char)rest.p[0])))
			return URL_UNSOUND;
		return has_unsound_bytes(text) ? URL_NO_URL : URL_FITS;
	}
	if (has_unsound_bytes(text))
		return URL_UNSOUND;
	rest = span_bytes(rest.p + 2, rest.n - 2);
	return take_authority(authority_of(rest), ret) ? URL_FITS : URL_UNSOUND;
}

/* --- which addresses are public --------------------------------------------- */

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

/* Not of the public internet (IANA's special-purpose registries, RFC 6890), and cloud services. */
static const struct {
	uint32_t prefix;
	unsigned bits;
} special_v4[] = {
	{V4(0, 0, 0, 0), 8},       {V4(10, 0, 0, 0), 8},       {V4(100, 64, 0, 0), 10},
	{V4(127, 0, 0, 0), 8},     {V4(168, 63, 129, 16), 32}, {V4(169, 254, 0, 0), 16},
	{V4(172, 16, 0, 0), 12},   {V4(192, 0, 0, 0), 24},     {V4(192, 0, 2, 0), 24},
	{V4(192, 88, 99, 0), 24},  {V4(192, 168, 0, 0), 16},   {V4(198, 18, 0, 0), 15},
	{V4(198, 51, 100, 0), 24}, {V4(203, 0, 113, 0), 24},   {V4(224, 0, 0, 0), 3},
};

static bool v4_is_private(uint32_t address)
{
	for (size_t i = 0; i < ARRAY_SIZE(special_v4); i++)
		if (!((address ^ special_v4[i].prefix) >> (32 - special_v4[i].bits)))
			return true;
	return false;
}

/* Public is 2000::/3, without what in it is for protocols, documentation, or IPv4 in disguise. */
static bool v6_is_private(const uint8_t b[16])
{
	unsigned first = (unsigned)b[0] << 8 | b[1];

	if (b[0] >> 5 != 1)
		return true;
	return (first == 0x2001 && (b[2] < 2 || (b[2] == 0x0d && b[3] == 0xb8))) ||
	       first == 0x2002 || (first == 0x3fff && b[2] < 0x10);
}

static bool name_is_private(const char *host)
{
	static const char *const suffixes[] = {".localhost", ".local",    ".internal", ".lan",
					       ".home.arpa", ".intranet", ".corp",     ".home"};
	size_t n = strlen(host);

	if (!strchr(host, '.'))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t m = strlen(suffixes[i]);

		if (n > m && !strcmp(host + n - m, suffixes[i]))
			return true;
	}
	return false;
}

static bool host_is_private(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return v4_is_private(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return v6_is_private(v6.s6_addr);
	return name_is_private(host);
}

/* --- terms ------------------------------------------------------------------ */

static bool scheme_is_listed(const struct url_terms *terms, const char *scheme)
{
	for (size_t i = 0; i < terms->n_schemes; i++)
		if (!strcmp(terms->schemes[i], scheme))
			return true;
	return !terms->n_schemes;
}

static bool host_is_listed(const struct url_terms *terms, const struct url *url)
{
	size_t n = strlen(url->host);

	for (size_t i = 0; i < terms->n_hosts && url->has_host; i++) {
		const char *host = terms->hosts[i];
		size_t m = strlen(host) - 1; /* of what follows the `*`, with its dot */

		if (host[0] == '*' ? n > m && !strcmp(url->host + n - m, host + 1)
				   : !strcmp(url->host, host))
			return true;
	}
	return !terms->n_hosts;
}

static bool port_is_listed(const struct url_terms *terms, const struct url *url)
{
	for (size_t i = 0; i < terms->n_ports; i++)
		if (terms->ports[i] == url->port)
			return true;
	return !terms->n_ports;
}

static bool reach_fits(const struct url_terms *terms, const struct url *url)
{
	if (terms->reach == URL_ANY_HOST)
		return true;
	return url->has_host && host_is_private(url->host) == (terms->reach == URL_PRIVATE);
}

enum url_answer url_judge(const struct url_terms *terms, struct span text)
{
	struct url url = {.port = 0};
	enum url_answer answer = url_parse(text, &url);

	if (answer != URL_FITS)
		return answer;
	return scheme_is_listed(terms, url.scheme) && host_is_listed(terms, &url) &&
			       port_is_listed(terms, &url) && reach_fits(terms, &url)
		       ? URL_FITS
		       : URL_DIFFERS;
}
