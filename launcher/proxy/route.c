// SPDX-License-Identifier: Apache-2.0
#include "proxy/route.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HTTPS_PORT 443
#define HTTP_PORT  80

#define RULE_DEFAULT "/default"
#define RULE_SERVER  "/server/url"

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

void route_host_denial(const char *host, uint16_t port, char *ret, size_t size)
{
	struct http1_authority named = {.port = port};
	char shown[HTTP1_HOST_MAX + 16];

	named.kind = strchr(host, ':') ? HTTP1_HOST_IPV6 : HTTP1_HOST_NAME;
	snprintf(named.host, sizeof(named.host), "%s", host);
	if (http1_authority_format(&named, 0, shown, sizeof(shown))) {
		snprintf(ret, size, "rule " RULE_DEFAULT ": the destination is refused");
		return;
	}
	snprintf(ret, size,
		 "%s is refused by rule " RULE_DEFAULT
		 ": the policy names no such server. What may be reached is its `server`; in this "
		 "version of mcpjail nothing else can be allowed",
		 shown);
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

static void judge(const struct policy_server *server, const struct route_channel *channel,
		  const struct http1_head *head, struct route *ret)
{
	struct span method = http1_head_span(head, head->method_text);

	if (!channel->tls)
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

void route_request(const struct policy *policy, const struct route_channel *channel,
		   const struct http1_head *head, struct route *ret)
{
	struct http1_refusal refusal = {400, ""};
	const struct policy_server *server;

	*ret = (struct route){.kind = ROUTE_REFUSE, .rule = ""};
	if (http1_request_authority(head, channel->tls ? HTTPS_PORT : HTTP_PORT, &ret->authority,
				    &refusal)) {
		ret->authority.host[0] = '\0';
		refuse(ret, refusal.status, "", "%s", refusal.text);
		return;
	}
	if (!layers_agree(channel, head, ret))
		return;
	if (http1_request_path(head, ret->path, &refusal)) {
		refuse(ret, refusal.status, "", "%s", refusal.text);
		return;
	}
	server = policy_server_find(policy, ret->authority.host, ret->authority.port);
	/* The same host by http:// has another default port: say what is wrong, not "unknown". */
	if (!server && !channel->tls)
		server = policy_server_find(policy, ret->authority.host, HTTPS_PORT);
	if (!server) {
		ret->status = 403;
		ret->rule = RULE_DEFAULT;
		route_host_denial(ret->authority.host, ret->authority.port, ret->text,
				  sizeof(ret->text));
		return;
	}
	ret->server = server;
	judge(server, channel, head, ret);
}
