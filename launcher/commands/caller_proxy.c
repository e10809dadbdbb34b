// SPDX-License-Identifier: Apache-2.0
#include "caller_proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/span.h"
#include "base/text.h"

#define PROXY_PORT 80 /* of an http:// URL without one */

struct variable {
	const char *name, *value; /* NULL: not set */
};

static const char *const proxies[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
static const char *const exceptions[] = {"no_proxy", "NO_PROXY", NULL};

/* The first that is set and not empty: lower case before upper case, as curl does. */
static struct variable first_set(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);

		if (value && *value)
			return (struct variable){*names, value};
	}
	return (struct variable){NULL, NULL};
}

/* RFC 3986 §2.1; control characters would end the line that they are sent in. */
static bool decode(struct span text, char *ret, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = (uint8_t)text.p[i];
		char hex[3] = {0};

		if (c == '%') {
			if (text.n - i < 3)
				return false;
			memcpy(hex, text.p + i + 1, 2);
			if (text_unhex(hex, &c, 1))
				return false;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || n + 1 >= size)
			return false;
		ret[n++] = (char)c;
	}
	ret[n] = '\0';
	return true;
}

static bool read_authority(struct span text, struct caller_proxy *p)
{
	const char *at = memrchr(text.p, '@', text.n), *end = text.p + text.n, *port;
	struct span host;
	char *stop;
	unsigned long number = PROXY_PORT;

	if (at &&
	    !decode(span_bytes(text.p, (size_t)(at - text.p)), p->userinfo, sizeof(p->userinfo)))
		return false;
	text = at ? span_bytes(at + 1, (size_t)(end - at) - 1) : text;
	if (text.n && text.p[0] == '[') {
		port = memchr(text.p, ']', text.n);
		if (!port)
			return false;
		host = span_bytes(text.p + 1, (size_t)(port - text.p) - 1);
		port++;
	} else {
		port = memchr(text.p, ':', text.n);
		port = port ? port : end;
		host = span_bytes(text.p, (size_t)(port - text.p));
	}
	if (port < end && (*port != ':' || port + 1 == end || port[1] < '0' || port[1] > '9'))
		return false;
	if (port < end) {
		number = strtoul(port + 1, &stop, 10);
		if (stop != end || !number || number > UINT16_MAX)
			return false;
	}
	p->port = (uint16_t)number;
	return host.n && span_copy(host, p->host, sizeof(p->host));
}

/* Of what is no scheme, also "user:pass@…://", nothing is repeated: it may hold a password. */
static bool is_scheme(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.",
			    text.p[i]))
			return false;
	return text.n && text.n <= 16;
}

/* [http://][USER[:PASSWORD]@]HOST[:PORT][/…] */
static int read_proxy(struct variable v, struct caller_proxy *p, struct error *err)
{
	const char *scheme_end = strstr(v.value, "://");
	const char *authority = scheme_end ? scheme_end + 3 : v.value;
	struct span scheme = {v.value, scheme_end ? (size_t)(scheme_end - v.value) : 0};
	size_t n = strcspn(authority, "/?#");

	if (scheme_end && is_scheme(scheme) && strncasecmp(v.value, "http://", strlen("http://"))) {
		error_set(err, v.name,
			  "name an http:// proxy, which may carry https, or unset the variable",
			  "proxies of the kind %.*s:// are not supported", (int)scheme.n, scheme.p);
		return -EINVAL;
	}
	if ((scheme_end && !is_scheme(scheme)) || !read_authority(span_bytes(authority, n), p)) {
		error_set(err, v.name, "write http://[USER:PASSWORD@]HOST:PORT, with %-escapes",
			  "is no URL of a proxy");
		return -EINVAL;
	}
	return 0;
}

int caller_proxy_read(struct caller_proxy *ret, struct error *err)
{
	struct variable proxy = first_set(proxies), no_proxy = first_set(exceptions);
	struct caller_proxy p = {.variable = proxy.name,
				 .no_proxy = no_proxy.name ? no_proxy.value : ""};
	int r;

	*ret = (struct caller_proxy){.no_proxy = ""};
	if (!proxy.name || !strcmp(p.no_proxy, "*"))
		return 0;
	if (strlen(p.no_proxy) > IPC_NOPROXY_MAX) {
		error_set(err, no_proxy.name, "shorten it", "longer than %d bytes",
			  IPC_NOPROXY_MAX);
		return -EINVAL;
	}
	r = read_proxy(proxy, &p, err);
	if (!r)
		*ret = p;
	return r;
}

void caller_proxy_forget(void)
{
	for (const char *const *name = proxies; *name; name++)
		unsetenv(*name);
}

/* Without a password behind it, what stands there may be a secret itself. */
void caller_proxy_words(const struct caller_proxy *p, char *ret)
{
	size_t user = strcspn(p->userinfo, ":");
	bool is_v6 = strchr(p->host, ':') != NULL;

	if (!p->userinfo[user] || !p->userinfo[user + 1])
		user = 0;
	snprintf(ret, CALLER_PROXY_WORDS, "%.*s%s%s%s%s:%u, from %s", (int)user, p->userinfo,
		 user ? "@" : "", is_v6 ? "[" : "", p->host, is_v6 ? "]" : "", p->port,
		 p->variable);
}
