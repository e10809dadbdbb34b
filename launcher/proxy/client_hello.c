// SPDX-License-Identifier: Apache-2.0
/*
 * The handshake message is put together from its records first, and then read from one
 * piece with a cursor that cannot pass its end: whatever a length says, a read beyond
 * makes the whole hello bad. Lengths within lengths must fill what they stand in exactly,
 * because a reader that ignores left-over bytes may see another name than one that does not.
 */
#include "proxy/client_hello.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/span.h"

#define RECORD_HEAD      5
#define RECORD_MAX       16384 /* RFC 8446 §5.1 */
#define RECORD_HANDSHAKE 22
#define MESSAGE_HEAD     4
#define MESSAGE_HELLO    1
#define RANDOM_BYTES     32
#define SESSION_MAX      32
#define EXTENSIONS_MAX   128

#define EXTENSION_SERVER_NAME 0
#define NAME_TYPE_HOST        0

/* encrypted_client_hello, what its drafts used, and encrypted_server_name before it. */
static const uint16_t ech_extensions[] = {
	0xfe0d, 0xfe08, 0xfe09, 0xfe0a, 0xfe0b, 0xfe0c, 0xff02, 0xff03, 0xffce,
};

struct cursor {
	const uint8_t *p;
	size_t n;
	bool bad;
};

static uint32_t take_number(struct cursor *c, size_t bytes)
{
	uint32_t v = 0;

	if (c->bad || c->n < bytes) {
		c->bad = true;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | c->p[i];
	c->p += bytes;
	c->n -= bytes;
	return v;
}

static struct cursor take_bytes(struct cursor *c, size_t n)
{
	struct cursor taken = {c->p, n, false};

	if (c->bad || c->n < n) {
		c->bad = true;
		return (struct cursor){NULL, 0, true};
	}
	c->p += n;
	c->n -= n;
	return taken;
}

/* A vector behind its length, which is written in @bytes bytes. */
static struct cursor take_vector(struct cursor *c, size_t bytes)
{
	uint32_t n = take_number(c, bytes);

	return take_bytes(c, n);
}

/* --- records ---------------------------------------------------------------------- */

struct message {
	uint8_t bytes[CLIENT_HELLO_MAX];
	size_t len;
	size_t taken; /* bytes of the records */
};

/* How long the message says it is, its own head included; 0 before that is known. */
static size_t message_bytes(const struct message *m)
{
	if (m->len < MESSAGE_HEAD)
		return 0;
	return MESSAGE_HEAD +
	       ((size_t)m->bytes[1] << 16 | (size_t)m->bytes[2] << 8 | (size_t)m->bytes[3]);
}

static const char *object_to_record(const uint8_t *head, size_t n)
{
	size_t length;

	if (head[0] != RECORD_HANDSHAKE)
		return "another record where the ClientHello should be";
	if (n >= 2 && head[1] != 3)
		return "a record of no version of TLS";
	if (n < RECORD_HEAD)
		return NULL;
	length = (size_t)head[3] << 8 | head[4];
	return !length || length > RECORD_MAX ? "a record of impossible length" : NULL;
}

static const char *object_to_message(const struct message *m)
{
	if (m->len && m->bytes[0] != MESSAGE_HELLO)
		return "another message where the ClientHello should be";
	if (message_bytes(m) > CLIENT_HELLO_MAX)
		return "a ClientHello over 16 KiB";
	return NULL;
}

/* Return: NULL once .len is the whole message; "" if more has to come; else what is wrong */
static const char *join_records(const uint8_t *bytes, size_t n, struct message *m)
{
	const char *why = NULL;

	while (!message_bytes(m) || m->len < message_bytes(m)) {
		const uint8_t *record = bytes + m->taken;
		size_t left = n - m->taken, length, have;

		if (!left)
			return "";
		why = object_to_record(record, left);
		if (why || left < RECORD_HEAD)
			return why ? why : "";
		length = (size_t)record[3] << 8 | record[4];
		if (m->taken + RECORD_HEAD + length > CLIENT_HELLO_MAX)
			return "a ClientHello over 16 KiB";
		have = left - RECORD_HEAD < length ? left - RECORD_HEAD : length;
		memcpy(m->bytes + m->len, record + RECORD_HEAD, have);
		m->len += have;
		why = object_to_message(m);
		if (why || have < length)
			return why ? why : "";
		m->taken += RECORD_HEAD + length;
	}
	/* The client has no more to say before it is answered: RFC 8446 §4.1.2. */
	return m->len > message_bytes(m) ? "something behind the ClientHello in its record" : NULL;
}

/* --- the message -------------------------------------------------------------------- */

/* RFC 6066 §3: one name, of a host, in ASCII and without a dot behind it. */
static const char *read_server_name(struct cursor body, char *ret)
{
	struct cursor list = take_vector(&body, 2);
	uint32_t type = take_number(&list, 1);
	struct cursor name = take_vector(&list, 2);
	struct span text = span_bytes(name.p, name.n);
	enum http1_host_kind kind;

	if (body.bad || body.n || list.bad || list.n || type != NAME_TYPE_HOST)
		return "a malformed server name";
	if (!text.n || text.p[text.n - 1] == '.' || http1_host_normalise(text, ret, &kind) ||
	    kind != HTTP1_HOST_NAME)
		return "a server name that is no host name";
	return NULL;
}

static bool is_ech(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(ech_extensions); i++)
		if (ech_extensions[i] == type)
			return true;
	return false;
}

static const char *read_extensions(struct cursor all, struct client_hello *ret)
{
	uint16_t seen[EXTENSIONS_MAX];
	size_t n_seen = 0;

	while (all.n && !all.bad) {
		uint32_t type = take_number(&all, 2);
		struct cursor body = take_vector(&all, 2);
		const char *why = NULL;

		if (body.bad)
			break;
		/* RFC 8446 §4.2: not two of a type. */
		for (size_t i = 0; i < n_seen; i++)
			if (seen[i] == type)
				return "an extension twice";
		if (n_seen == EXTENSIONS_MAX)
			return "too many extensions";
		seen[n_seen++] = (uint16_t)type;
		if (type == EXTENSION_SERVER_NAME)
			why = read_server_name(body, ret->server_name);
		if (why)
			return why;
		ret->has_ech = ret->has_ech || is_ech(type);
	}
	return all.bad ? "a malformed ClientHello" : NULL;
}

static const char *read_message(struct cursor c, struct client_hello *ret)
{
	struct cursor session, ciphers, compressions, extensions;

	take_number(&c, 2); /* version: whatever it is, the server decides */
	take_bytes(&c, RANDOM_BYTES);
	session = take_vector(&c, 1);
	ciphers = take_vector(&c, 2);
	compressions = take_vector(&c, 1);
	if (c.bad || session.n > SESSION_MAX || ciphers.n < 2 || ciphers.n % 2 || !compressions.n)
		return "a malformed ClientHello";
	if (!c.n)
		return NULL;
	extensions = take_vector(&c, 2);
	if (c.bad || c.n)
		return "a malformed ClientHello";
	return read_extensions(extensions, ret);
}

int client_hello_parse(const uint8_t *bytes, size_t n, struct client_hello *ret)
{
	struct client_hello hello = {.server_name = ""};
	struct message m = {.len = 0};
	const char *why = join_records(bytes, n, &m);

	if (why && !*why)
		return (int)PARSE_MORE;
	if (!why)
		why = read_message(
			(struct cursor){m.bytes + MESSAGE_HEAD, m.len - MESSAGE_HEAD, false},
			&hello);
	if (why) {
		ret->why = why;
		return (int)PARSE_BAD;
	}
	*ret = hello;
	return (int)m.taken;
}
