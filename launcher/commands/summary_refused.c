// SPDX-License-Identifier: Apache-2.0
/*
 * What a person is to do about a destination, a socket or a system call that was refused. The names
 * come from the agent, and what is offered here gets pasted into a shell: a flag is offered only
 * for what destination_parse() accepts as one host, which leaves letters, digits, dots and hyphens,
 * and an IPv6 address, which is quoted. The agent's own words are the refused destination, told
 * once, at the beginning.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "commands/destination.h"
#include "policy/egress.h"
#include "policy/surroundings.h"
#include "summary_lines.h"

#define ADVICE_BYTES 1024

struct refused {
	const char *host, *protocol;
	uint16_t port;
	uint64_t count;
	bool is_address;
};

static bool is_address(const char *host)
{
	uint8_t address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static struct refused refused_at(const struct run_result *res, size_t i)
{
	const char *host = res->ledger.refused[i].host;

	return (struct refused){
		.host = host,
		.protocol = res->ledger.refused[i].protocol,
		.port = (uint16_t)res->ledger.refused[i].port,
		.count = res->ledger.refused[i].count,
		.is_address = is_address(host),
	};
}

/* --- advice by protocol --------------------------------------------------------- */

static void advise_loopback(const struct refused *r, char *ret)
{
	snprintf(ret, ADVICE_BYTES,
		 "nothing listens there in the jail; if this machine's own port %u was meant: "
		 "--forward-host %u, and " POLICY_FORWARD_HOST ":%u in the jail",
		 r->port, r->port, r->port);
}

/* A wildcard is none: it would allow more than was refused, and means something to a shell. */
static bool read_name(const char *text, struct destination *ret)
{
	return !is_address(text) && !strchr(text, '*') && !destination_parse(text, ret, NULL);
}

static void advise_ssh(const struct refused *r, char *ret)
{
	struct destination d;

	if (read_name(r->host, &d))
		snprintf(ret, ADVICE_BYTES,
			 "ssh does not leave the jail; for git use https: git config --global "
			 "url.\"https://%s/\".insteadOf git@%s:, and --allow %s",
			 d.host, d.host, d.host);
	else
		snprintf(ret, ADVICE_BYTES,
			 "ssh does not leave the jail; for git use a remote of https, and --allow "
			 "its host");
}

static void advise_dns(const struct refused *r, char *ret)
{
	(void)r;
	snprintf(ret, ADVICE_BYTES,
		 "answered by the jail's own DNS; no query leaves, and no flag "
		 "changes that");
}

static void advise_datagrams(const struct refused *r, char *ret)
{
	snprintf(ret, ADVICE_BYTES,
		 "%s does not leave the jail, and no flag changes that; most programs fall back "
		 "to https",
		 r->protocol);
}

static void advise_tcp(const struct refused *r, char *ret)
{
	(void)r;
	snprintf(ret, ADVICE_BYTES,
		 "it said nothing, or spoke neither HTTP nor TLS, and no flag lets other "
		 "protocols out");
}

/* Those whose advice does not depend on the policy. */
static const struct protocol {
	const char *name;
	const char *shown; /* behind the port; "": nothing */
	bool is_stream;    /* which a forwarded port carries, whatever is said in it */
	void (*advise)(const struct refused *r, char *ret);
} protocols[] = {
	{"loopback", "", false, advise_loopback},
	{"ssh", " (ssh)", true, advise_ssh},
	{"tcp", " (tcp)", true, advise_tcp},
	{"dns", " (dns)", false, advise_dns},
	{"udp", " (udp)", false, advise_datagrams},
	{"udplite", " (udplite)", false, advise_datagrams},
	{"icmp", " (icmp)", false, advise_datagrams},
	{"icmpv6", " (icmpv6)", false, advise_datagrams},
	{"sctp", " (sctp)", false, advise_datagrams},
	{"dccp", " (dccp)", false, advise_datagrams},
	{"ip", " (ip)", false, advise_datagrams},
};

/* --- advice for what a rule could allow ------------------------------------------- */

/* " -p FILE" for a policy that was named, if it can be written without quotation marks. */
static void file_option(const struct summary_facts *facts, char *ret, size_t size)
{
	const char *file = facts->policy_file;

	ret[0] = '\0';
	if (!file)
		return;
	if (!file[strspn(file, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			       "/._+-")] &&
	    strlen(file) + sizeof(" -p ") <= size)
		snprintf(ret, size, " -p %s", file);
	else
		snprintf(ret, size, " -p FILE");
}

static void advise_name(const struct refused *r, const struct summary_facts *facts, char *ret)
{
	char text[IPC_HOST_MAX + 16], written[DESTINATION_TEXT_BYTES], file[256];
	bool is_v6 = r->is_address && strchr(r->host, ':');
	const char *quote = is_v6 ? "'" : ""; /* brackets are a pattern to a shell */
	struct destination d;

	snprintf(text, sizeof(text), is_v6 ? "[%s]:%u" : "%s:%u", r->host, r->port);
	if (!read_name(text, &d)) {
		snprintf(ret, ADVICE_BYTES, "no flag allows it: that is no host name");
		return;
	}
	destination_text(&d, written);
	file_option(facts, file, sizeof(file));
	snprintf(ret, ADVICE_BYTES, "to allow it: --allow %s%s%s, or mcpjail policy allow%s %s%s%s",
		 quote, written, quote, file, quote, written, quote);
}

static void advise_forwarded(const struct refused *r, const struct summary_facts *facts, char *ret)
{
	if (facts->policy && policy_egress_find(facts->policy, r->host, r->port))
		snprintf(ret, ADVICE_BYTES,
			 "that port is forwarded: mcpjail trace shows why it was refused");
	else
		snprintf(ret, ADVICE_BYTES,
			 "to reach this machine's own port %u: --forward-host %u", r->port,
			 r->port);
}

static void advise_host(const struct refused *r, const struct summary_facts *facts, char *ret)
{
	if (destination_is_loopback(r->host))
		advise_loopback(r, ret);
	else if (facts->policy && policy_host_kind(facts->policy, r->host) == HOST_LOGIN)
		snprintf(ret, ADVICE_BYTES,
			 "to log in, do it outside the jail first: start the command once without "
			 "mcpjail");
	else
		advise_name(r, facts, ret);
}

static const struct protocol *find_protocol(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (!strcmp(name, protocols[i].name))
			return &protocols[i];
	return NULL;
}

static void tell_destination(const struct summary_facts *facts, const struct refused *r)
{
	const char *bracket = r->is_address && strchr(r->host, ':') ? "[" : "";
	const struct protocol *protocol = find_protocol(r->protocol);
	char advice[ADVICE_BYTES] = "";

	if ((!protocol || protocol->is_stream) && !strcmp(r->host, POLICY_FORWARD_HOST))
		advise_forwarded(r, facts, advice);
	else if (protocol)
		protocol->advise(r, advice);
	else
		advise_host(r, facts, advice);
	summary_say(facts, "refused: %s%s%s:%u%s, %" PRIu64 " time%s; %s", bracket, r->host,
		    bracket[0] ? "]" : "", r->port, protocol ? protocol->shown : "", r->count,
		    r->count == 1 ? "" : "s", advice);
}

/* --- what is no destination ----------------------------------------------------------- */

/* Only what can be pasted into a policy as it is. */
static void tell_socket(const struct summary_facts *facts, const struct refused *r)
{
	char advice[ADVICE_BYTES] = "list it in the policy's \"sockets\"";

	if (r->host[0] == '/' && !strpbrk(r->host, "\"\\*?"))
		snprintf(advice, sizeof(advice), "\"sockets\": [\"%s\"] in the policy", r->host);
	summary_say(facts, "refused: the socket %s, %" PRIu64 " time%s; to allow it: %s", r->host,
		    r->count, r->count == 1 ? "" : "s", advice);
}

static bool is_on(const struct summary_facts *facts, const char *name)
{
	return facts->policy && !strcmp(name, "nested_sandbox") &&
	       policy_jail(facts->policy)->nested_sandbox;
}

static void tell_switch(const struct summary_facts *facts, const struct refused *r)
{
	static const struct {
		const char *rule, *what, *name;
	} switches[] = {
		{"/jail/nested_sandbox", "a sandbox of the command's own", "nested_sandbox"},
		{"/jail/ptrace", "tracing a process", "ptrace"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		const char *name = switches[i].name;
		char advice[ADVICE_BYTES] = "mcpjail trace shows why";

		if (strcmp(switches[i].rule, r->host) != 0)
			continue;
		/* Else it is root's, or asks for what no switch allows. */
		if (!is_on(facts, name))
			snprintf(advice, sizeof(advice),
				 "to allow it: \"jail\": {\"%s\": true} in the policy", name);
		summary_say(facts, "refused: %s, %" PRIu64 " time%s; %s", switches[i].what,
			    r->count, r->count == 1 ? "" : "s", advice);
	}
}

static void tell(const struct summary_facts *facts, const struct refused *r)
{
	if (!strcmp(r->protocol, EVENT_PROTOCOL_JAIL))
		tell_switch(facts, r);
	else if (!strcmp(r->protocol, EVENT_PROTOCOL_UNIX))
		tell_socket(facts, r);
	else
		tell_destination(facts, r);
}

/* --- what has no destination of its own ---------------------------------------------- */

/* An agent that fills the list, or is refused by an allowed host, is not to pass for a quiet one.
 */
static void tell_rest(const struct run_result *res, const struct summary_facts *facts)
{
	uint64_t n = res->ledger.refused_elsewhere, requests = res->ledger.refused_requests;

	if (n)
		summary_say(facts,
			    "refused: %" PRIu64 " more time%s, at destinations beyond those; "
			    "mcpjail trace shows them",
			    n, n == 1 ? "" : "s");
	if (requests)
		summary_say(facts,
			    "refused: %" PRIu64 " request%s, for what was said and not for where "
			    "it went; mcpjail trace shows why",
			    requests, requests == 1 ? "" : "s");
}

/* --- the list ---------------------------------------------------------------------- */

void summary_refused(const struct run_result *res, const struct summary_facts *facts)
{
	size_t told = 0, left = 0, telemetry = 0;
	uint64_t telemetry_count = 0;

	for (size_t i = 0; i < res->ledger.n_refused; i++) {
		struct refused r = refused_at(res, i);

		if (facts->policy && policy_host_kind(facts->policy, r.host) == HOST_TELEMETRY) {
			telemetry++;
			telemetry_count += r.count;
		} else if (told < SUMMARY_REFUSED_MAX) {
			tell(facts, &r);
			told++;
		} else {
			left++;
		}
	}
	/* Of destinations beyond the list nothing is known but that there were refusals. */
	if (left)
		summary_say(facts, "refused: and %zu%s more; mcpjail trace shows them", left,
			    res->ledger.n_refused == IPC_REFUSED_MAX ? " or" : "");
	if (telemetry)
		summary_say(facts,
			    "refused as telemetry: %zu host%s, %" PRIu64 " time%s (left out by "
			    "preset %s on purpose)",
			    telemetry, telemetry == 1 ? "" : "s", telemetry_count,
			    telemetry_count == 1 ? "" : "s", facts->presets);
	tell_rest(res, facts);
}
