// SPDX-License-Identifier: Apache-2.0
#include "proxy/route.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RULE_DEFAULT "/default"
#define RULE_SERVER  "/server/url"

#define SHOWN_BYTES (HTTP1_HOST_MAX + 16)

static void refuse(struct route *ret, unsigned status, const char *rule, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void refuse(struct route *ret, unsigned status, const char *rule, const char *format, ...)
{
	va_list ap;

	ret->kind = ROUTE_REFUSE;
	ret->status = status;
	ret->rule = rule;
	va_start(ap, format);
	vsnprintf(ret->text, sizeof(ret->text), format, ap);
	va_end(ap);
}

/* "example.org", "example.org:8443", "[2001:db8::1]:443"; @default_port is left out. */
static void show_host(const char *host, uint16_t port, uint16_t default_port, char *ret,
		      size_t size)
{
	struct http1_authority named = {.port = port};

	named.kind = strchr(host, ':') ? HTTP1_HOST_IPV6 : HTTP1_HOST_NAME;
	snprintf(named.host, sizeof(named.host), "%s", host);
	if (http1_authority_format(&named, default_port, ret, size))
		snprintf(ret, size, "the destination");
}

/* What the host is known for, where that says more than how to allow it. */
static const char *const known_for[] = {
	[HOST_UNKNOWN] = "the policy does not list it",
	[HOST_TELEMETRY] = "it takes the program's reports home, and they are left out",
	[HOST_LOGIN] = "it is where a person logs in with a browser; log in outside of mcpjail, "
		       "then run the command again",
};

void route_host_denial(const struct policy *policy, const char *host, uint16_t port, char *ret,
		       size_t size)
{
	char shown[SHOWN_BYTES], option[SHOWN_BYTES];

	show_host(host, port, 0, shown, sizeof(shown));
	show_host(host, port, HTTPS_PORT, option, sizeof(option));
	if (!strcmp(host, POLICY_FORWARD_HOST))
		snprintf(
			ret, size,
			"%s is refused by rule " RULE_DEFAULT
			": that port of the host's loopback is not forwarded. To allow it: mcpjail "
			"--forward-host %u",
			shown, port);
	else
		snprintf(ret, size,
			 "%s is refused by rule " RULE_DEFAULT
			 ": %s. To allow it: mcpjail --allow %s for one run, mcpjail policy allow "
			 "%s "
			 "for good",
			 shown, known_for[policy_host_kind(policy, host)], option, option);
}

/* SNI, CONNECT and the request must mean one host: RFC 9110 §15.5.20. */
static bool layers_agree(const struct route_channel *channel, const struct http1_head *head,
			 struct route *ret)
{
	const char *host = ret->authority.host;

	if (channel->tls && strcmp(channel->tls_name, host)) {
		refuse(ret, 421, "", "the TLS handshake named %s, but the request names %s",
		       channel->tls_name, host);
		return false;
	}
	if (channel->tunnel &&
	    (strcmp(channel->tunnel->host, host) || channel->tunnel->port != ret->authority.port)) {
		refuse(ret, 421, "", "CONNECT named %s:%u, but the request inside names %s:%u",
		       channel->tunnel->host, channel->tunnel->port, host, ret->authority.port);
		return false;
	}
	if (channel->tls && head->scheme == HTTP1_SCHEME_HTTP) {
		refuse(ret, 421, "", "the request on a TLS connection names an http URL");
		return false;
	}
	if (channel->tls && !channel->tunnel && channel->port != ret->authority.port) {
		refuse(ret, 421, "", "the connection is to port %u, but the request names %s:%u",
		       channel->port, host, ret->authority.port);
		return false;
	}
	return true;
}

static bool method_is_mcp(const struct http1_head *head)
{
	return head->method == HTTP1_POST || head->method == HTTP1_GET ||
	       head->method == HTTP1_DELETE;
}

static void judge_mcp(const struct policy *policy, const struct policy_server *server,
		      const struct route_channel *channel, const struct http1_head *head,
		      struct route *ret)
{
	struct span method = http1_head_span(head, head->method_text);
	struct http1_refusal refusal = {400, ""};
	bool has_path;

	has_path = !http1_request_path(head, ret->path, &refusal);
	if (has_path)
		server = policy_server_beside(policy, server, ret->path);
	ret->server = server;
	if (!has_path)
		refuse(ret, refusal.status, "", "%s", refusal.text);
	else if (!channel->tls)
		refuse(ret, 403, RULE_SERVER,
		       "plain http to %s is refused by rule " RULE_SERVER
		       ": the policy names it as "
		       "https. Use %s",
		       server->host, server->url);
	else if (strcmp(ret->path, server->path))
		refuse(ret, 403, RULE_SERVER,
		       "%s on %s is refused by rule " RULE_SERVER
		       ": only the MCP endpoint %s may be "
		       "reached on this host",
		       ret->path, server->host, server->url);
	else if (head->has_query)
		refuse(ret, 403, RULE_SERVER,
		       "a query string on %s is refused by rule " RULE_SERVER
		       ": the policy does not "
		       "judge it. Send the request without one",
		       server->url);
	else if (!method_is_mcp(head))
		refuse(ret, 403, RULE_SERVER,
		       "method %.*s on %s is refused by rule " RULE_SERVER
		       ": MCP uses POST, GET and "
		       "DELETE",
		       (int)(method.n < 32 ? method.n : 32), method.n ? method.p : "", server->url);
	else
		ret->kind = ROUTE_MCP;
}

/* What is said before a request's head is looked at. Return: whether it goes on */
static bool entry_takes_requests(const struct policy_egress *entry,
				 const struct route_channel *channel, struct route *ret)
{
	const char *rule = policy_egress_rule(entry), *host = ret->authority.host;

	if (policy_egress_mode(entry) == EGRESS_TUNNEL) {
		refuse(ret, 403, rule,
		       "a request to %s:%u is refused by rule %s: it is a tunnel, through which "
		       "only TLS that names this host passes",
		       host, ret->authority.port, rule);
		return false;
	}
	/* Unencrypted, and to a port that says so. */
	if (!channel->tls && ret->authority.port != HTTP_PORT) {
		refuse(ret, 403, rule,
		       "plain http to %s:%u is refused by rule %s: only https passes. Use "
		       "https://%s:%u/",
		       host, ret->authority.port, rule, host, ret->authority.port);
		return false;
	}
	return true;
}

static void judge_egress(const struct policy *policy, const struct route_channel *channel,
			 const struct http1_head *head, struct route *ret)
{
	struct http1_refusal refusal = {400, ""};
	struct egress_ask *ask = &ret->egress;
	unsigned status = 403;

	if (egress_ask_read(head, &ret->authority, !channel->tls, ask, &refusal)) {
		refuse(ret, refusal.status, "", "%s", refusal.text);
		return;
	}
	egress_judge(policy, head, ask, &ret->decision);
	if (ret->decision.verdict != VERDICT_ALLOW && ask->websocket) {
		/* Codex takes this status, and no other, as a hint to use plain requests. */
		status = 426;
		ask->websocket = false;
		egress_judge(policy, head, ask, &ret->decision);
	}
	if (ret->decision.verdict == VERDICT_ALLOW)
		ret->kind = ROUTE_EGRESS;
	else
		refuse(ret, status, ret->decision.rule, "%s", ret->decision.reason);
}

/* The same host by http:// has another default port: say what is wrong, not "unknown". */
static bool is_known_by_https(const struct policy *policy, const struct route_channel *channel,
			      const struct http1_head *head, struct route *ret)
{
	const char *host = ret->authority.host;
	const struct policy_server *server = policy_server_find(policy, host, HTTPS_PORT);
	const struct policy_egress *entry = policy_egress_find(policy, host, HTTPS_PORT);

	if (channel->tls || (!server && !entry))
		return false;
	if (server)
		judge_mcp(policy, server, channel, head, ret);
	else
		refuse(ret, 403, policy_egress_rule(entry),
		       "plain http to %s is refused by rule %s: only https passes. Use https://%s/",
		       host, policy_egress_rule(entry), host);
	return true;
}

void route_request(const struct policy *policy, const struct route_channel *channel,
		   const struct http1_head *head, struct route *ret)
{
	struct http1_refusal refusal = {400, ""};
	const struct policy_server *server;
	const struct policy_egress *entry;
	const char *host = ret->authority.host;
	uint16_t port;

	memset(ret, 0, sizeof(*ret));
	ret->rule = "";
	if (http1_request_authority(head, channel->tls ? HTTPS_PORT : HTTP_PORT, &ret->authority,
				    &refusal)) {
		ret->authority.host[0] = '\0';
		refuse(ret, refusal.status, "", "%s", refusal.text);
		return;
	}
	if (!layers_agree(channel, head, ret))
		return;
	port = ret->authority.port;
	server = policy_server_find(policy, host, port);
	if (server) {
		judge_mcp(policy, server, channel, head, ret);
		return;
	}
	entry = policy_egress_find(policy, host, port);
	if (entry) {
		if (entry_takes_requests(entry, channel, ret))
			judge_egress(policy, channel, head, ret);
		return;
	}
	if (is_known_by_https(policy, channel, head, ret))
		return;
	ret->status = 403;
	ret->rule = RULE_DEFAULT;
	route_host_denial(policy, host, port, ret->text, sizeof(ret->text));
}
