// SPDX-License-Identifier: Apache-2.0
/*
 * One query in, one reply out. A query is read whole and strictly before anything
 * of it is used: one question, uncompressed, nothing behind the last record. The
 * reply repeats the question byte for byte (resolvers vary the case of names and
 * compare), and nothing else that the agent sent.
 *
 * There is no SOA in a negative answer, so that no resolver keeps one: a name that
 * is refused while the table is full may work in another run.
 */
#include "proxy/dns.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "proxy/dns_internal.h"
#include "proxy/http1.h"

#define HEADER_BYTES  12u
#define NAME_MAX_WIRE 255u
#define EDNS_PAYLOAD  1232u /* what we say we take over UDP; DNS flag day 2020 */

enum { TYPE_A = 1, TYPE_PTR = 12, TYPE_AAAA = 28, TYPE_OPT = 41, TYPE_IXFR = 251, TYPE_AXFR = 252 };
enum { CLASS_IN = 1 };
enum {
	NOERROR = 0,
	FORMERR = 1,
	SERVFAIL = 2,
	NXDOMAIN = 3,
	NOTIMP = 4,
	REFUSED = 5,
	BADVERS = 16
};

#define FLAG_QR       0x8000u
#define FLAG_AA       0x0400u
#define FLAG_RD       0x0100u
#define FLAG_RA       0x0080u
#define FLAG_CD       0x0010u
#define OPCODE(flags) (((flags) >> 11) & 15u)

struct question {
	size_t bytes; /* of the wire form, behind the header */
	char host[HTTP1_HOST_MAX + 1];
	bool is_host; /* host is normalised, and a name rather than an address */
	bool is_root;
	uint16_t type, class;
};

struct query {
	const uint8_t *p;
	size_t n;
	uint16_t flags;
	struct question question;
	bool has_edns;
	uint8_t edns_version;
	bool wants_dnssec;
};

/* Bounded by the asserts; DNS_REPLY_MAX holds the longest reply twice over. */
struct writer {
	uint8_t *p;
	size_t n;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_bytes(struct writer *w, const void *bytes, size_t n)
{
	assert(n <= DNS_REPLY_MAX - w->n);
	if (n)
		memcpy(w->p + w->n, bytes, n);
	w->n += n;
}

static void put16(struct writer *w, unsigned int v)
{
	uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	put_bytes(w, b, sizeof(b));
}

/*
 * An uncompressed name at @at. Return: bytes of it; 0 if it is malformed. @ret_text
 * holds its labels with dots between them; a dot within a label becomes a byte that
 * no host name has.
 */
static size_t read_name(const struct query *q, size_t at, char *ret_text, size_t size)
{
	size_t from = at, used = 0;

	while (at < q->n && q->p[at]) {
		size_t len = q->p[at];

		if (len > 63 || len >= q->n - at || at + len + 2 - from > NAME_MAX_WIRE ||
		    used + len + 2 > size)
			return 0;
		if (used)
			ret_text[used++] = '.';
		for (size_t i = 1; i <= len; i++)
			ret_text[used++] = q->p[at + i] == '.' ? ' ' : (char)q->p[at + i];
		at += len + 1;
	}
	if (at >= q->n)
		return 0;
	ret_text[used] = '\0';
	return at + 1 - from;
}

static int read_question(struct query *q)
{
	enum http1_host_kind kind = HTTP1_HOST_NAME;
	struct question *question = &q->question;
	char text[NAME_MAX_WIRE + 2];
	size_t n = read_name(q, HEADER_BYTES, text, sizeof(text));
	size_t labels = n ? n - 2 : 0; /* a name of k text bytes is k + 2 on the wire */

	if (!n || q->n - HEADER_BYTES - n < 4)
		return -EPROTO;
	question->is_root = n == 1;
	question->bytes = n + 4;
	question->type = get16(q->p + HEADER_BYTES + n);
	question->class = get16(q->p + HEADER_BYTES + n + 2);
	/* By length, since a label may hold a NUL. */
	question->is_host =
		!question->is_root &&
		!http1_host_normalise(span_bytes(text, labels), question->host, &kind) &&
		kind == HTTP1_HOST_NAME;
	return 0;
}

/* One record of the additional section: a root or pointer name, fixed part, data. */
static int read_additional(struct query *q, size_t *at)
{
	char text[NAME_MAX_WIRE + 2];
	bool is_pointer = *at + 1 < q->n && (q->p[*at] & 0xc0) == 0xc0;
	size_t name = is_pointer ? 2 : read_name(q, *at, text, sizeof(text));
	const uint8_t *p;

	if (!name || q->n - *at < name + 10)
		return -EPROTO;
	p = q->p + *at + name;
	if (q->n - *at - name - 10 < get16(p + 8))
		return -EPROTO;
	*at += name + 10 + get16(p + 8);
	if (get16(p) != TYPE_OPT)
		return 0;
	if (q->has_edns || name != 1)
		return -EPROTO;
	q->has_edns = true;
	q->edns_version = p[5];
	q->wants_dnssec = (p[6] & 0x80) != 0;
	return 0;
}

/* Return: 0; FORMERR or another code to answer with */
static int read_query(struct query *q)
{
	size_t at;

	if (OPCODE(q->flags) != 0)
		return NOTIMP;
	if (get16(q->p + 4) != 1 || get16(q->p + 6) != 0 || get16(q->p + 8) != 0)
		return FORMERR;
	if (read_question(q))
		return FORMERR;
	at = HEADER_BYTES + q->question.bytes;
	for (unsigned int i = 0; i < get16(q->p + 10); i++)
		if (read_additional(q, &at)) {
			q->has_edns = false;
			return FORMERR;
		}
	if (at != q->n)
		return FORMERR;
	return q->edns_version ? BADVERS : NOERROR;
}

static bool is_under(const char *host, const char *domain)
{
	size_t n = strlen(host), d = strlen(domain);

	return n >= d && !strcmp(host + n - d, domain) && (n == d || host[n - d - 1] == '.');
}

static void put_answer(struct writer *w, unsigned int type, const void *data, size_t n)
{
	put16(w, 0xc000u | HEADER_BYTES); /* the name of the question */
	put16(w, type);
	put16(w, CLASS_IN);
	put16(w, 0);
	put16(w, DNS_TTL_SECONDS);
	put16(w, (unsigned int)n);
	put_bytes(w, data, n);
}

/* Return: a response code. One answer at most is written, and counted by the caller. */
static int answer_localhost(uint16_t type, struct writer *w)
{
	struct in_addr v4 = {htonl(INADDR_LOOPBACK)};

	if (type == TYPE_A)
		put_answer(w, type, &v4, sizeof(v4));
	else if (type == TYPE_AAAA)
		put_answer(w, type, &in6addr_loopback, sizeof(in6addr_loopback));
	return NOERROR;
}

static int answer_host(struct dns_names *names, const struct question *question, struct writer *w)
{
	uint8_t address[16];
	uint32_t index = 0;

	if (question->type != TYPE_A && question->type != TYPE_AAAA)
		return NOERROR;
	if (dns_names_intern(names, question->host, &index))
		return SERVFAIL;
	if (question->type == TYPE_A) {
		dns_index_to_v4(index, address);
		put_answer(w, TYPE_A, address, 4);
	} else {
		dns_index_to_v6(index, address);
		put_answer(w, TYPE_AAAA, address, 16);
	}
	return NOERROR;
}

/* "1.0.18.198.in-addr.arpa": the labels are the address, last byte first. */
static const char *find_reverse_v4(const struct dns_names *names, const char *host)
{
	unsigned int b[4];
	uint8_t address[4];
	int end = 0;

	if (sscanf(host, "%3u.%3u.%3u.%3u.in-addr.arpa%n", &b[3], &b[2], &b[1], &b[0], &end) != 4 ||
	    !end || host[end])
		return NULL;
	for (size_t i = 0; i < 4; i++) {
		if (b[i] > 255)
			return NULL;
		address[i] = (uint8_t)b[i];
	}
	if (!memcmp(address, "\x7f\0\0\1", 4))
		return "localhost";
	return dns_names_find_v4(names, address);
}

/* Thirty-two nibbles, last first, then "ip6.arpa". */
static const char *find_reverse_v6(const struct dns_names *names, const char *host)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t address[16] = {0};

	if (strlen(host) != 64 + 8 || strcmp(host + 64, "ip6.arpa") != 0)
		return NULL;
	for (size_t i = 0; i < 32; i++) {
		const char *digit = strchr(digits, host[2 * i]);

		if (!digit || host[2 * i + 1] != '.')
			return NULL;
		address[15 - i / 2] |= (uint8_t)((digit - digits) << (i % 2 ? 4 : 0));
	}
	if (!memcmp(address, &in6addr_loopback, sizeof(address)))
		return "localhost";
	return dns_names_find_v6(names, address);
}

static int answer_reverse(const struct dns_names *names, const struct question *question,
			  struct writer *w)
{
	const char *name = find_reverse_v4(names, question->host);
	uint8_t wire[NAME_MAX_WIRE];
	size_t n = 0;

	if (!name)
		name = find_reverse_v6(names, question->host);
	if (!name)
		return NXDOMAIN;
	if (question->type != TYPE_PTR)
		return NOERROR;
	while (*name) {
		size_t len = strcspn(name, ".");

		wire[n++] = (uint8_t)len;
		memcpy(wire + n, name, len);
		n += len;
		name += len + (name[len] == '.');
	}
	wire[n++] = 0;
	put_answer(w, TYPE_PTR, wire, n);
	return NOERROR;
}

static int answer_question(struct dns_names *names, const struct question *question,
			   struct writer *w)
{
	if (question->class != CLASS_IN || question->type == TYPE_AXFR ||
	    question->type == TYPE_IXFR)
		return REFUSED;
	if (question->is_root)
		return NOERROR;
	if (!question->is_host || is_under(question->host, "invalid") ||
	    is_under(question->host, "onion"))
		return NXDOMAIN;
	if (is_under(question->host, "localhost"))
		return answer_localhost(question->type, w);
	if (is_under(question->host, "arpa"))
		return answer_reverse(names, question, w);
	return answer_host(names, question, w);
}

/* RFC 6891 §6.1: ours, not an echo, with the extended code and the DO bit. */
static void put_edns(struct writer *w, const struct query *q, int code)
{
	static const uint8_t root_name = 0;

	put_bytes(w, &root_name, 1);
	put16(w, TYPE_OPT);
	put16(w, EDNS_PAYLOAD);
	put16(w, (unsigned int)code >> 4 << 8);
	put16(w, q->wants_dnssec ? 0x8000u : 0);
	put16(w, 0);
}

size_t dns_answer(struct dns_names *names, const void *query, size_t n, void *ret_reply)
{
	struct query q = {.p = query, .n = n};
	struct writer w = {.p = ret_reply}, header = {.p = ret_reply};
	size_t answers_at;
	bool has_answer;
	int code;

	if (n < HEADER_BYTES || n > DNS_QUERY_MAX)
		return 0;
	q.flags = get16(q.p + 2);
	if (q.flags & FLAG_QR)
		return 0;
	code = read_query(&q);
	w.n = HEADER_BYTES;
	if (code == NOERROR || code == BADVERS)
		put_bytes(&w, q.p + HEADER_BYTES, q.question.bytes);
	answers_at = w.n;
	if (code == NOERROR)
		code = answer_question(names, &q.question, &w);
	has_answer = w.n > answers_at;
	if (q.has_edns)
		put_edns(&w, &q, code);
	put16(&header, get16(q.p));
	put16(&header, FLAG_QR | FLAG_AA | FLAG_RA | (q.flags & (FLAG_RD | FLAG_CD | 0x7800u)) |
			       ((unsigned int)code & 15u));
	put16(&header, answers_at > HEADER_BYTES);
	put16(&header, has_answer);
	put16(&header, 0);
	put16(&header, q.has_edns);
	return w.n;
}

int dns_answer_stream(struct dns_names *names, struct buf *in, struct buf *out)
{
	while (in->len >= 2) {
		size_t n = get16(in->data), reply;
		uint8_t framed[2 + DNS_REPLY_MAX];
		int r;

		if (n < HEADER_BYTES || n > DNS_QUERY_MAX)
			return -EPROTO;
		if (in->len - 2 < n || out->max - out->len < sizeof(framed))
			return 0;
		reply = dns_answer(names, in->data + 2, n, framed + 2);
		buf_consume(in, 2 + n);
		if (!reply)
			return -EPROTO;
		framed[0] = (uint8_t)(reply >> 8);
		framed[1] = (uint8_t)reply;
		r = buf_append(out, framed, reply + 2);
		if (r)
			return r;
	}
	return 0;
}
