// SPDX-License-Identifier: Apache-2.0
/*
 * What a connection is, from its first bytes, and how it becomes TLS. Of TLS the whole
 * ClientHello is read first: it may name a host that the policy lets through unread. If
 * not, the bytes are given back and the handshake is made here. What belongs to such a host
 * but cannot be told from its hello is refused: with TLS of ours the agent would only see a
 * certificate that it does not expect.
 */
#include "proxy/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "policy/egress.h"
#include "proxy/client_hello.h"
#include "proxy/ssh.h"
#include "proxy/tunnel.h"

#define TLS_HANDSHAKE_BYTE 0x16 /* RFC 8446 §5.1: ContentType handshake */
#define LEAVES_ASKED_MAX   64   /* of the keeper at a time, so that neither blocks the other */

static const char ssh_greeting[] = "SSH-"; /* RFC 4253 §4.2 */

/* Recorded, and reset: an answer would not be understood. */
static enum conn_step deny(struct conn *c, const char *protocol, const char *rule,
			   const char *reason)
{
	conn_record_denied(c, &(struct conn_denial){protocol, rule, reason});
	conn_abort(c);
	return CONN_END;
}

static const struct policy_egress *find_tunnel(const struct conn *c, const char *host,
					       uint16_t port)
{
	const struct policy_egress *entry = policy_egress_find(c->conns->policy, host, port);

	return entry && policy_egress_mode(entry) == EGRESS_TUNNEL ? entry : NULL;
}

/* --- the host's own loopback ------------------------------------------------------ */

bool conn_begin_forward(struct conn *c)
{
	const char *host = c->has_tunnel ? c->tunnel.host : c->dns_name;
	uint16_t port = conn_meant_port(c);
	const struct policy_egress *entry =
		host && !strcmp(host, POLICY_FORWARD_HOST) ? find_tunnel(c, host, port) : NULL;

	if (!entry)
		return false;
	/* At once, and whatever it speaks: the server may be the one to begin. */
	tunnel_start(c, &(struct tunnel_target){host, port, "tcp", policy_egress_rule(entry)});
	return true;
}

/* --- ssh ---------------------------------------------------------------------------- */

static enum conn_step refuse_ssh(struct conn *c)
{
	const char *host = conn_meant_host(c);
	bool has_https = policy_egress_find(c->conns->policy, host, HTTPS_PORT) ||
			 policy_server_find(c->conns->policy, host, HTTPS_PORT);
	char text[SSH_TEXT_MAX + 1];

	snprintf(text, sizeof(text),
		 "mcpjail: ssh to %s is refused by rule /default: only https leaves the jail. "
		 "Use https%s%s; for git: git remote set-url origin https://%s/OWNER/REPO",
		 host, has_https ? "" : ", allowed by mcpjail --allow ", has_https ? "" : host,
		 host);
	conn_record_denied(c, &(struct conn_denial){"ssh", "/default", text + strlen("mcpjail: ")});
	c->close = true;
	if (ssh_write_refusal(&c->out, text))
		return CONN_END;
	conn_enter(c, CONN_FLUSH, CONN_WRITE_MS);
	return CONN_AGAIN;
}

static bool begins_like_ssh(const struct buf *in)
{
	size_t n = in->len < strlen(ssh_greeting) ? in->len : strlen(ssh_greeting);

	return !n || !memcmp(in->data, ssh_greeting, n);
}

/* There are methods that begin with an S as well: SEARCH (RFC 5323). */
static enum conn_step tell_ssh_from_http(struct conn *c)
{
	const size_t n = strlen(ssh_greeting);

	while (c->in.len < n && begins_like_ssh(&c->in)) {
		ssize_t got = conn_read(c);

		if (got == -EAGAIN)
			return CONN_WAIT;
		if (got <= 0)
			break;
	}
	if (c->in.len >= n && begins_like_ssh(&c->in))
		return refuse_ssh(c);
	conn_enter(c, CONN_HEAD, CONN_HEAD_MS);
	return CONN_AGAIN;
}

/* --- the first byte ----------------------------------------------------------- */

enum conn_step conn_step_first_byte(struct conn *c)
{
	char reason[128];
	int byte;

	/* Whoever waits for the first byte of an answer is still there to be looked at. */
	if (c->awaits_exec)
		return CONN_WAIT;
	byte = c->in.len ? c->in.data[0] : stream_peek(&c->stream);
	if (byte == -EAGAIN)
		return CONN_WAIT;
	if (byte < 0)
		return CONN_END;
	if (byte == TLS_HANDSHAKE_BYTE && !c->stream.ssl) {
		conn_enter(c, CONN_HELLO, CONN_HANDSHAKE_MS);
		return CONN_AGAIN;
	}
	if (byte == ssh_greeting[0])
		return tell_ssh_from_http(c);
	/* Methods are upper case; HTTP's one empty line may stand before them. */
	if ((byte >= 'A' && byte <= 'Z') || byte == '\r' || byte == '\n') {
		conn_enter(c, CONN_HEAD, CONN_HEAD_MS);
		return CONN_AGAIN;
	}
	snprintf(reason, sizeof(reason), "neither TLS nor HTTP (first byte 0x%02x)",
		 (unsigned)byte);
	deny(c, "tcp", NULL, reason);
	return CONN_END;
}

/* --- the ClientHello ------------------------------------------------------------- */

static enum conn_step start_tls(struct conn *c)
{
	if (stream_accept(&c->stream, c->conns->tls, conn_meant_host(c)))
		return CONN_END;
	conn_enter(c, CONN_HANDSHAKE, CONN_HANDSHAKE_MS);
	return CONN_AGAIN;
}

/* What was read goes back to where OpenSSL will read it. */
static enum conn_step intercept(struct conn *c)
{
	if (c->in.len && stream_unread(&c->stream, c->in.data, c->in.len))
		return CONN_END;
	buf_clear(&c->in);
	return start_tls(c);
}

/* Why a hello cannot be believed to be for the host that is let through. */
static const char *object_to_hello(const struct client_hello *hello, bool whole)
{
	if (!whole)
		return hello->why;
	if (hello->has_ech)
		return "it is an encrypted ClientHello, which hides the host that is meant";
	if (!hello->server_name[0])
		return "it names no host (SNI)";
	return NULL;
}

/* Intercepted, unless the policy has a tunnel for what the hello names, or should have named. */
static enum conn_step on_hello(struct conn *c, const struct client_hello *hello, bool whole)
{
	const char *meant = conn_meant_host(c), *name = whole ? hello->server_name : "";
	uint16_t port = conn_meant_port(c);
	const struct policy_egress *expected = find_tunnel(c, meant, port);
	const struct policy_egress *entry = *name ? find_tunnel(c, name, port) : NULL;
	const char *why = object_to_hello(hello, whole);
	char reason[HTTP1_HOST_MAX * 2 + 256];

	if (!entry && (!expected || !why))
		return intercept(c);
	if (why)
		snprintf(reason, sizeof(reason),
			 "TLS passes to %s only if its ClientHello can be judged: %s",
			 entry ? name : meant, why);
	else if (c->has_tunnel && strcmp(c->tunnel.host, name))
		snprintf(reason, sizeof(reason), "CONNECT named %s, but the TLS handshake names %s",
			 c->tunnel.host, name);
	else {
		tunnel_start(c,
			     &(struct tunnel_target){name, port, "tls", policy_egress_rule(entry)});
		return c->state == CONN_EXCHANGE ? CONN_WAIT : CONN_AGAIN;
	}
	return deny(c, "tls", policy_egress_rule(entry ? entry : expected), reason);
}

enum conn_step conn_step_hello(struct conn *c)
{
	struct client_hello hello = {.why = "it is cut short"};
	int n;

	for (;;) {
		ssize_t got;

		n = client_hello_parse(c->in.data, c->in.len, &hello);
		if (n != PARSE_MORE)
			break;
		got = conn_read(c);
		if (got == -EAGAIN)
			return CONN_WAIT;
		if (got <= 0)
			break;
	}
	return on_hello(c, &hello, n > 0);
}

/* --- TLS ------------------------------------------------------------------------ */

static void ask_for_leaf(struct conn *c)
{
	struct msg_leaf_request request = {.host = span_of(c->stream.name)};
	size_t n;

	c->awaits_leaf = true;
	/* One question for each name is enough. */
	for (struct conn *other = c->conns->all; other; other = other->next)
		if (other != c && other->asked_leaf && !strcmp(other->stream.name, c->stream.name))
			return;
	if (c->asked_leaf || c->conns->leaves_asked >= LEAVES_ASKED_MAX)
		return;
	request.spki.p = (const char *)certs_spki(c->conns->certs, &n);
	request.spki.n = n;
	c->asked_leaf = true;
	c->conns->leaves_asked++;
	if (channel_send(c->conns->keeper, MSG_LEAF_REQUEST, &request)) {
		log_error("the keeper is gone");
		c->conns->loop->stop = true;
	}
}

enum conn_step conn_step_handshake(struct conn *c)
{
	char why[256] = "", reason[320];
	int r;

	if (c->awaits_leaf)
		return CONN_WAIT;
	r = stream_handshake(&c->stream, why, sizeof(why));
	if (r == -EAGAIN)
		return CONN_WAIT;
	if (r == -ENOKEY) {
		ask_for_leaf(c);
		return CONN_WAIT;
	}
	if (r) {
		snprintf(reason, sizeof(reason), "TLS handshake failed: %s", why);
		conn_record_denied(c, &(struct conn_denial){.protocol = "tls", .reason = reason});
		return CONN_END;
	}
	log_protocol("conn %llu: TLS for %s", (unsigned long long)c->id, c->stream.name);
	conn_enter(c, CONN_HEAD, CONN_HEAD_MS);
	return CONN_AGAIN;
}

int conns_on_leaf(struct conns *conns, const struct msg_leaf *leaf)
{
	char host[CERTS_HOST_MAX + 1];
	bool good;
	struct conn *c, *next;

	if (!conns->leaves_asked || !span_copy(leaf->host, host, sizeof(host)))
		return -EPROTO;
	conns->leaves_asked--;
	good = !certs_add(conns->certs, host, leaf->certificate.p, leaf->certificate.n);
	for (c = conns->all; c; c = next) {
		bool same = c->awaits_leaf && !strcmp(c->stream.name, host);

		next = c->next;
		if (!c->awaits_leaf || (!same && c->asked_leaf))
			continue;
		c->awaits_leaf = false;
		if (same)
			c->asked_leaf = false;
		if (same && !good) {
			deny(c, "tls", NULL, "no certificate could be made for this name");
			continue;
		}
		conn_run(c);
	}
	return 0;
}
