// SPDX-License-Identifier: Apache-2.0
/*
 * Host names, authorities, paths and server URLs: one line of input each. What must hold:
 *   - normalising is idempotent, and what it yields is in the one spelling that the policy
 *     compares: lower case, no dot segments, no escapes that hide a separator;
 *   - what is taken for an address, inet_pton() takes for that address, and nothing that
 *     getaddrinfo() would read as an address passes as a name;
 *   - an authority that was parsed, formats and parses to itself;
 *   - a server's URL names a host and a path in that same spelling, else no request would
 *     ever match it.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>

#include "../../policy/server_url.h"
#include "fuzz.h"
#include "proxy/http1.h"

static void check_host(struct span text)
{
	char host[HTTP1_HOST_MAX + 1], again[HTTP1_HOST_MAX + 1];
	enum http1_host_kind kind = HTTP1_HOST_NAME, kind_again = HTTP1_HOST_NAME;
	struct in_addr v4;
	uint8_t address[16];

	if (http1_host_normalise(text, host, &kind))
		return;
	must(!http1_host_normalise(span_of(host), again, &kind_again));
	must(!strcmp(host, again) && kind == kind_again);
	for (const char *c = host; *c; c++)
		must(*c > ' ' && *c < 0x7f && !isupper(*c) && !strchr("/\\?#@%[]", *c));
	if (kind == HTTP1_HOST_IPV4)
		must(inet_pton(AF_INET, host, address) == 1);
	if (kind == HTTP1_HOST_IPV6)
		must(inet_pton(AF_INET6, host, address) == 1);
	/* inet_aton() reads all that getaddrinfo() does: 127.1, 0x7f.1, 2130706433, 010.1 */
	if (kind == HTTP1_HOST_NAME)
		must(!inet_aton(host, &v4) && host[strlen(host) - 1] != '.');
}

static void check_authority(struct span text)
{
	struct http1_authority a, again;
	char formatted[HTTP1_HOST_MAX + 16];

	if (http1_authority_parse(text, 443, &a))
		return;
	must(a.port && (a.has_port || a.port == 443));
	must(!http1_authority_format(&a, 443, formatted, sizeof(formatted)));
	must(!http1_authority_parse(span_of(formatted), 443, &again));
	must(!strcmp(a.host, again.host) && a.port == again.port && a.kind == again.kind);
}

static void check_path(struct span text)
{
	char path[HTTP1_PATH_MAX + 1], again[HTTP1_PATH_MAX + 1];

	if (http1_path_normalise(text, path))
		return;
	must(path[0] == '/' && strlen(path) <= text.n);
	must(!http1_path_normalise(span_of(path), again) && !strcmp(path, again));
	must(!strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../"));
	for (const char *c = path; *c; c++) {
		must(*c > ' ' && *c < 0x7f && !strchr("\\?#", *c));
		if (*c == '%')
			must(isxdigit(c[1]) && isxdigit(c[2]) && !islower(c[1]) && !islower(c[2]) &&
			     strncmp(c, "%2E", 3) != 0 && strncmp(c, "%2F", 3) != 0 &&
			     strncmp(c, "%5C", 3) != 0 && strncmp(c, "%25", 3) != 0 &&
			     strncmp(c, "%00", 3) != 0);
	}
}

static void check_url(struct span text)
{
	char copy[4097], host[HTTP1_HOST_MAX + 1], path[HTTP1_PATH_MAX + 1];
	struct server_url url, again;
	const char *what = NULL, *mend = NULL;

	if (memchr(text.p, '\0', text.n) || !span_copy(text, copy, sizeof(copy)))
		return;
	if (server_url_parse(copy, &url, &what, &mend)) {
		must(what);
		return;
	}
	must(url.port && !strncmp(url.url, "https://", 8));
	must(!http1_host_normalise(span_of(url.host), host, NULL) && !strcmp(host, url.host));
	must(!http1_path_normalise(span_of(url.path), path) && !strcmp(path, url.path));
	must(!server_url_parse(url.url, &again, &what, &mend));
	must(!strcmp(url.url, again.url) && !strcmp(url.host, again.host) &&
	     !strcmp(url.path, again.path) && url.port == again.port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span left = span_bytes(data, n), line, rest;

	while (left.n) {
		autofree char *copy = NULL;

		fuzz_split(left, "\n", &line, &rest);
		copy = fuzz_copy(line.p, line.n);
		line = span_bytes(copy, line.n);
		check_host(line);
		check_authority(line);
		check_path(line);
		check_url(line);
		left = rest;
	}
	return 0;
}
