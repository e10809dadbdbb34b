// SPDX-License-Identifier: Apache-2.0
/*
 * What a host may be is the policy's to say: its loader is asked about the least policy that
 * names the host, and its complaint is told. Here is only what a command line adds: the
 * port, brackets, upper case, and what people write instead of a host.
 */
#include "commands/destination.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/egress.h"
#include "policy/policy.h"

static int refuse(struct error *err, const char *text, const char *mend, const char *what)
{
	error_set(err, NULL, mend, "'%.100s' %s", text, what);
	return -EINVAL;
}

/* "https://user@example.org:8443/x?y": what is to be written is in it. */
static int refuse_url(struct error *err, const char *text)
{
	const char *scheme = strstr(text, "://");
	const char *host = scheme ? scheme + 3 : text;
	const char *user_end = host + strcspn(host, "/?#@");
	char mend[IPC_HOST_MAX + 64];
	size_t n;

	if (*user_end == '@')
		host = user_end + 1;
	n = strcspn(host, "/?#");
	snprintf(mend, sizeof(mend), "write the host only: %.*s", n > IPC_HOST_MAX ? 0 : (int)n,
		 host);
	return refuse(err, text, n ? mend : "write the host only",
		      scheme ? "is a URL" : "is more than a host");
}

/* @text: digits up to the end. */
static bool read_port(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long port = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;

	if (!port || port > UINT16_MAX || *end)
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT. The host goes to @ret as it was written. */
static int split(const char *text, struct destination *ret, struct error *err)
{
	const char *colon = strchr(text, ':');
	struct span host = {text, strcspn(text, ":")};

	if (text[0] == '[') {
		const char *close = strchr(text, ']');

		if (!close || (close[1] && close[1] != ':'))
			return refuse(err, text, "write [2001:db8::1] or [2001:db8::1]:8443",
				      "has a bracket too many or too few");
		host = span_bytes(text + 1, (size_t)(close - text) - 1);
		colon = close[1] ? close + 1 : NULL;
	} else if (colon && strchr(colon + 1, ':')) {
		return refuse(err, text, "an IPv6 address stands in brackets, [2001:db8::1]",
			      "has more than one colon");
	}
	ret->has_port = colon != NULL;
	ret->port = DESTINATION_PORT;
	if (colon && !read_port(colon + 1, &ret->port))
		return refuse(err, text, "a port is a number from 1 to 65535",
			      "has no port behind its colon");
	if (host.n && host.p[host.n - 1] == '.')
		host.n--;
	if (!host.n || !span_copy(host, ret->host, sizeof(ret->host)))
		return refuse(err, text, "write HOST or HOST:PORT, for example example.org",
			      host.n ? "is longer than a host name can be" : "names no host");
	return 0;
}

/* One address has one spelling in policies: inet_ntop()'s, without upper case. */
static void normalise(char *host)
{
	uint8_t address[sizeof(struct in6_addr)];

	for (char *c = host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	if (inet_pton(AF_INET6, host, address) == 1)
		inet_ntop(AF_INET6, address, host, IPC_HOST_MAX + 1);
}

bool destination_is_loopback(const char *host)
{
	size_t n = strlen(host), tail = strlen(".localhost");

	return !strcmp(host, "localhost") || !strcmp(host, "::1") || !strcmp(host, "0.0.0.0") ||
	       !strncmp(host, "127.", 4) || (n > tail && !strcmp(host + n - tail, ".localhost"));
}

static int ask_the_policy(const char *text, const struct destination *d, struct error *err)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	char entry[DESTINATION_ENTRY_MAX], least[DESTINATION_ENTRY_MAX + 64];
	const struct error *first;
	const char *why;
	int r;

	destination_entry(d, entry);
	/* Whether it is a server of the policy in force is found out with that one. */
	snprintf(least, sizeof(least),
		 "{\"server\":{\"url\":\"https://server.invalid/\"},\"egress\":[%s]}", entry);
	r = policy_parse(least, strlen(least), "", &policy, &errors);
	first = r == -EINVAL ? policy_errors_at(&errors, 0) : NULL;
	/* Of a host that it cannot take the loader says "`HOST`: WHY". */
	why = first ? strstr(first->what, "`: ") : NULL;
	if (why)
		error_set(err, NULL, first->mend, "'%.100s' is refused: %s", text,
			  why + strlen("`: "));
	else if (first)
		error_set(err, NULL, first->mend, "%s", first->what);
	return r;
}

int destination_parse(const char *text, struct destination *ret, struct error *err)
{
	struct destination d = {.port = DESTINATION_PORT};
	int r;

	if (strpbrk(text, "/?#@"))
		return refuse_url(err, text);
	if (*text && !text[strspn(text, "0123456789")])
		return refuse(err, text, "write HOST:PORT; the host's own loopback: --forward-host",
			      "is a port, no host");
	r = split(text, &d, err);
	if (r)
		return r;
	normalise(d.host);
	if (!strcmp(d.host, POLICY_FORWARD_HOST))
		return refuse(err, text, "--forward-host PORT lets the agent reach a port of it",
			      "is this machine");
	if (destination_is_loopback(d.host))
		return refuse(err, text,
			      "--forward-host PORT lets the agent reach a port of this machine, "
			      "as " POLICY_FORWARD_HOST ":PORT",
			      "is the jail's own loopback, not this machine's");
	r = ask_the_policy(text, &d, err);
	if (!r)
		*ret = d;
	return r;
}

void destination_entry(const struct destination *d, char *ret)
{
	/* A host of this form needs no escape; another one does not load. */
	char host[IPC_HOST_MAX + 1];
	size_t n = 0;

	for (const char *c = d->host; *c; c++)
		host[n++] = *c == '"' || *c == '\\' || (unsigned char)*c < 0x20 ? '?' : *c;
	host[n] = '\0';
	if (d->port == DESTINATION_PORT)
		snprintf(ret, DESTINATION_ENTRY_MAX, "{\"host\":\"%s\"}", host);
	else
		snprintf(ret, DESTINATION_ENTRY_MAX, "{\"host\":\"%s\",\"ports\":[%u]}", host,
			 d->port);
}

void destination_text(const struct destination *d, char *ret)
{
	bool is_v6 = strchr(d->host, ':') != NULL;
	int n = snprintf(ret, DESTINATION_TEXT_BYTES, "%s%s%s", is_v6 ? "[" : "", d->host,
			 is_v6 ? "]" : "");

	if (d->port != DESTINATION_PORT)
		snprintf(ret + n, DESTINATION_TEXT_BYTES - (size_t)n, ":%u", d->port);
}
