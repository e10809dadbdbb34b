// SPDX-License-Identifier: Apache-2.0
/* Queries are written in shorthand and sent as bytes; replies are read back by the test's own
 * decoder. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "guard.h"
#include "proxy/dns.h"

enum { A = 1, NS = 2, PTR = 12, MX = 15, TXT = 16, AAAA = 28, SRV = 33, HTTPS = 65, ANY = 255 };

#define ID 0xabcdu
#define RD 0x0100u

static size_t put_name(uint8_t *p, const char *name)
{
	size_t n = 0;

	while (*name) {
		size_t len = strcspn(name, ".");

		p[n++] = (uint8_t)len;
		memcpy(p + n, name, len);
		n += len;
		name += len + (name[len] == '.');
	}
	p[n++] = 0;
	return n;
}

static size_t put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return 2;
}

static unsigned int get16(const uint8_t *p)
{
	return (unsigned int)(p[0] << 8 | p[1]);
}

static size_t put_header(uint8_t *p, unsigned int flags, unsigned int qd, unsigned int ar)
{
	put16(p, ID);
	put16(p + 2, flags);
	put16(p + 4, qd);
	put16(p + 6, 0);
	put16(p + 8, 0);
	put16(p + 10, ar);
	return 12;
}

static size_t make_query(uint8_t *p, const char *name, unsigned int type)
{
	size_t n = put_header(p, RD, 1, 0);

	n += put_name(p + n, name);
	n += put16(p + n, type);
	return n + put16(p + n, 1);
}

static size_t put_opt(uint8_t *p, unsigned int version, unsigned int flags)
{
	size_t n = 0;

	p[n++] = 0;
	n += put16(p + n, 41);
	n += put16(p + n, 4096);
	n += put16(p + n, version);
	n += put16(p + n, flags);
	return n + put16(p + n, 0);
}

/* "NOERROR 198.18.0.1", "NXDOMAIN", "" for no reply. Checks what every reply must have. */
static void read_reply(const uint8_t *query, size_t query_bytes, const uint8_t *p, size_t n,
		       char *ret, size_t size)
{
	static const char *const codes[] = {"NOERROR",  "FORMERR", "SERVFAIL",
					    "NXDOMAIN", "NOTIMP",  "REFUSED"};
	char text[INET6_ADDRSTRLEN] = "";
	size_t at = 12;

	ret[0] = '\0';
	if (!n)
		return;
	assert_true(n >= 12 && n <= 549);
	assert_memory_equal(p, query, 2);
	assert_true(p[2] & 0x80);
	assert_int_equal(p[2] & 1, query[2] & 1);
	assert_int_equal(p[2] & 2, 0); /* never truncated */
	assert_in_range(p[3] & 15, 0, 5);
	snprintf(ret, size, "%s", codes[p[3] & 15]);
	if (get16(p + 4)) {
		assert_int_equal(get16(p + 4), 1);
		while (p[at])
			at += p[at] + 1u;
		at += 5;
		assert_true(at <= n && at <= query_bytes);
		assert_memory_equal(p + 12, query + 12, at - 12);
	}
	assert_int_equal(get16(p + 8), 0);
	if (get16(p + 6)) {
		unsigned int type = get16(p + at + 2), len = get16(p + at + 10);

		assert_int_equal(get16(p + 6), 1);
		assert_int_equal(get16(p + at), 0xc00c);
		assert_int_equal(get16(p + at + 4), 1);
		at += 12;
		if (type == PTR) {
			for (size_t i = at; p[i]; i += p[i] + 1u)
				snprintf(ret + strlen(ret), size - strlen(ret), "%c%.*s",
					 i == at ? ' ' : '.', p[i], (const char *)p + i + 1);
		} else {
			assert_int_equal(len, type == A ? 4 : 16);
			inet_ntop(type == A ? AF_INET : AF_INET6, p + at, text, sizeof(text));
			snprintf(ret + strlen(ret), size - strlen(ret), " %s", text);
		}
		at += len;
	}
	if (get16(p + 10)) {
		assert_int_equal(get16(p + 10), 1);
		assert_int_equal(p[at], 0);
		assert_int_equal(get16(p + at + 1), 41);
		snprintf(ret + strlen(ret), size - strlen(ret), " EDNS%s%s",
			 p[at + 5] ? " BADVERS" : "", p[at + 7] & 0x80 ? " DO" : "");
		at += 11;
	}
	assert_int_equal(at, n);
}

static void ask_bytes(struct dns_names *names, const uint8_t *query, size_t n, char *ret,
		      size_t size)
{
	struct guard in = guard_new(), out = guard_new();
	uint8_t *reply = (uint8_t *)out.memory + GUARD_BYTES - DNS_REPLY_MAX;
	size_t replied = dns_answer(names, guard_place(&in, query, n), n, reply);

	read_reply(query, n, reply, replied, ret, size);
	guard_free(&in);
	guard_free(&out);
}

static void expect(struct dns_names *names, const char *name, unsigned int type, const char *reply)
{
	uint8_t query[512];
	char got[600];

	ask_bytes(names, query, make_query(query, name, type), got, sizeof(got));
	if (strcmp(got, reply) != 0)
		fail_msg("%s %u: %s, expected %s", name, type, got, reply);
}

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define L61 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"
#define R6  "0.0.0.0.0.0.0.0.0.0.0.0.c.6.9.6.1.6.a.6.0.7.3.6.d.6.d.f.ip6.arpa"

/* In this order, one after another, on one table. */
static const struct {
	const char *name;
	unsigned int type;
	const char *reply;
} questions[] = {
	{"promptfax.app", A, "NOERROR 198.18.0.1"},
	{"promptfax.app", AAAA, "NOERROR fd6d:6370:6a61:696c::1"},
	{"PromptFax.APP", A, "NOERROR 198.18.0.1"},
	{"other.example", AAAA, "NOERROR fd6d:6370:6a61:696c::2"},
	{"other.example", A, "NOERROR 198.18.0.2"},
	{"single", A, "NOERROR 198.18.0.3"},
	{"xn--bcher-kva.example", A, "NOERROR 198.18.0.4"},
	{"promptfax.app", HTTPS, "NOERROR"},
	{"promptfax.app", 64, "NOERROR"},
	{"promptfax.app", MX, "NOERROR"},
	{"promptfax.app", TXT, "NOERROR"},
	{"promptfax.app", ANY, "NOERROR"},
	{"promptfax.app", 252, "REFUSED"},
	{"promptfax.app", 251, "REFUSED"},
	{"_mcp._tcp.promptfax.app", SRV, "NOERROR"},
	{"", NS, "NOERROR"},
	{"localhost", A, "NOERROR 127.0.0.1"},
	{"LocalHost", AAAA, "NOERROR ::1"},
	{"a.localhost", A, "NOERROR 127.0.0.1"},
	{"localhost", TXT, "NOERROR"},
	{"notlocalhost", A, "NOERROR 198.18.0.5"},
	{"invalid", A, "NXDOMAIN"},
	{"a.invalid", AAAA, "NXDOMAIN"},
	{"a.onion", A, "NXDOMAIN"},
	{"bunion", A, "NOERROR 198.18.0.6"},
	{"ipv4only.arpa", A, "NXDOMAIN"},
	{"10.0.0.1", A, "NXDOMAIN"},
	{"0x7f.1", A, "NXDOMAIN"},
	{"2130706433", A, "NXDOMAIN"},
	{"a b.example", A, "NXDOMAIN"},
	{"a\xc3\xa9.example", A, "NXDOMAIN"},
	{"-a.example", A, "NXDOMAIN"},
	{"a@b.example", TXT, "NXDOMAIN"},
	{L63 "." L63 "." L63 "." L61, A, "NOERROR 198.18.0.7"},
	{"1.0.18.198.in-addr.arpa", PTR, "NOERROR promptfax.app"},
	{"2.0.18.198.IN-ADDR.ARPA", PTR, "NOERROR other.example"},
	{"7.0.18.198.in-addr.arpa", PTR, "NOERROR " L63 "." L63 "." L63 "." L61},
	{"1.0.18.198.in-addr.arpa", A, "NOERROR"},
	{"8.0.18.198.in-addr.arpa", PTR, "NXDOMAIN"},
	{"0.0.18.198.in-addr.arpa", PTR, "NXDOMAIN"},
	{"1.0.20.198.in-addr.arpa", PTR, "NXDOMAIN"},
	{"257.0.18.198.in-addr.arpa", PTR, "NXDOMAIN"},
	{"x.1.0.18.198.in-addr.arpa", PTR, "NXDOMAIN"},
	{"1.0.18.198.in-addr.arpa.arpa", PTR, "NXDOMAIN"},
	{"1.0.0.127.in-addr.arpa", PTR, "NOERROR localhost"},
	{"8.8.8.8.in-addr.arpa", PTR, "NXDOMAIN"},
	{"1.0.0.0." R6, PTR, "NOERROR promptfax.app"},
	{"2.0.0.0." R6, PTR, "NOERROR other.example"},
	{"9.0.0.0." R6, PTR, "NXDOMAIN"},
	{"1.0.0.1." R6, PTR, "NXDOMAIN"},
	{"g.0.0.0." R6, PTR, "NXDOMAIN"},
	{"0.0.0." R6, PTR, "NXDOMAIN"},
};

static void test_questions_get_their_answers(void **state)
{
	struct dns_names *names = NULL;

	(void)state;
	assert_true(ARRAY_SIZE(questions) >= 30);
	assert_int_equal(dns_names_new(100, &names), 0);
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++)
		expect(names, questions[i].name, questions[i].type, questions[i].reply);
	dns_names_free(names);
}

#define Q "\1a\7example\0"

static const struct {
	const char *name;
	const char *bytes; /* behind the id */
	size_t n;
	const char *reply;
} raw[] = {
#define RAW(name, bytes, reply)                                                                    \
	{                                                                                          \
		(name), (bytes), sizeof(bytes) - 1, (reply)                                        \
	}
	RAW("plain", "\1\0\0\1\0\0\0\0\0\0" Q "\0\1\0\1", "NOERROR 198.18.0.1"),
	RAW("no recursion wanted", "\0\0\0\1\0\0\0\0\0\0" Q "\0\1\0\1", "NOERROR 198.18.0.1"),
	RAW("a response", "\x81\0\0\1\0\0\0\0\0\0" Q "\0\1\0\1", ""),
	RAW("header cut short", "\1\0\0\1\0\0\0\0\0", ""),
	RAW("STATUS", "\x11\0\0\1\0\0\0\0\0\0" Q "\0\1\0\1", "NOTIMP"),
	RAW("UPDATE", "\x28\0\0\1\0\0\0\0\0\0" Q "\0\1\0\1", "NOTIMP"),
	RAW("no question", "\1\0\0\0\0\0\0\0\0\0", "FORMERR"),
	RAW("two questions", "\1\0\0\2\0\0\0\0\0\0" Q "\0\1\0\1" Q "\0\1\0\1", "FORMERR"),
	RAW("an answer", "\1\0\0\1\0\1\0\0\0\0" Q "\0\1\0\1", "FORMERR"),
	RAW("an authority", "\1\0\0\1\0\0\0\1\0\0" Q "\0\1\0\1", "FORMERR"),
	RAW("class CHAOS", "\1\0\0\1\0\0\0\0\0\0" Q "\0\1\0\3", "REFUSED"),
	RAW("name cut short", "\1\0\0\1\0\0\0\0\0\0\1a\7exam", "FORMERR"),
	RAW("name without end", "\1\0\0\1\0\0\0\0\0\0\1a", "FORMERR"),
	RAW("type cut short", "\1\0\0\1\0\0\0\0\0\0" Q "\0\1\0", "FORMERR"),
	RAW("compressed question", "\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", "FORMERR"),
	RAW("compressed behind a label", "\1\0\0\1\0\0\0\0\0\0\1a\xc0\x0c\0\1\0\1", "FORMERR"),
	RAW("label of 64", "\1\0\0\1\0\0\0\0\0\0\x40" L63 "x\0\0\1\0\1", "FORMERR"),
	RAW("name of 256",
	    "\1\0\0\1\0\0\0\0\0\0\x3f" L63 "\x3f" L63 "\x3f" L63 "\x3e" L61 "z\0\0\1\0\1",
	    "FORMERR"),
	RAW("bytes behind", "\1\0\0\1\0\0\0\0\0\0" Q "\0\1\0\1x", "FORMERR"),
	RAW("dot within a label", "\1\0\0\1\0\0\0\0\0\0\3a.b\7example\0\0\1\0\1", "NXDOMAIN"),
	RAW("NUL within a label", "\1\0\0\1\0\0\0\0\0\0\3a\0b\7example\0\0\1\0\1", "NXDOMAIN"),
	RAW("NUL behind a good name", "\1\0\0\1\0\0\0\0\0\0\1a\1\0\0\0\1\0\1", "NXDOMAIN"),
	RAW("EDNS", "\1\0\0\1\0\0\0\0\0\1" Q "\0\1\0\1\0\0\x29\x10\0\0\0\0\0\0\0",
	    "NOERROR 198.18.0.1 EDNS"),
	RAW("EDNS, DNSSEC wanted", "\1\0\0\1\0\0\0\0\0\1" Q "\0\1\0\1\0\0\x29\x10\0\0\0\x80\0\0\0",
	    "NOERROR 198.18.0.1 EDNS DO"),
	RAW("EDNS with a cookie",
	    "\1\0\0\1\0\0\0\0\0\1" Q "\0\x1c\0\1\0\0\x29\x10\0\0\0\0\0\0\x0c\0\x0a\0\x08"
	    "12345678",
	    "NOERROR fd6d:6370:6a61:696c::1 EDNS"),
	RAW("EDNS version 1", "\1\0\0\1\0\0\0\0\0\1" Q "\0\1\0\1\0\0\x29\x10\0\0\1\0\0\0\0",
	    "NOERROR EDNS BADVERS"),
	RAW("EDNS twice",
	    "\1\0\0\1\0\0\0\0\0\2" Q "\0\1\0\1\0\0\x29\x10\0\0\0\0\0\0\0\0\0\x29\x10\0\0\0\0\0\0\0",
	    "FORMERR"),
	RAW("EDNS under a name", "\1\0\0\1\0\0\0\0\0\1" Q "\0\1\0\1\1a\0\0\x29\x10\0\0\0\0\0\0\0",
	    "FORMERR"),
	RAW("EDNS cut short", "\1\0\0\1\0\0\0\0\0\1" Q "\0\1\0\1\0\0\x29\x10\0\0\0\0\0\0",
	    "FORMERR"),
	RAW("EDNS, data cut short",
	    "\1\0\0\1\0\0\0\0\0\1" Q "\0\1\0\1\0\0\x29\x10\0\0\0\0\0\0\4abc", "FORMERR"),
	RAW("EDNS missing", "\1\0\0\1\0\0\0\0\0\1" Q "\0\1\0\1", "FORMERR"),
	RAW("another additional record",
	    "\1\0\0\1\0\0\0\0\0\1" Q "\0\1\0\1\xc0\x0c\0\x10\0\1\0\0\0\0\0\2\1x",
	    "NOERROR 198.18.0.1"),
#undef RAW
};

static void test_raw_queries(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(raw); i++) {
		uint8_t query[512] = {ID >> 8, ID & 0xff};
		struct dns_names *names = NULL;
		char got[600];

		assert_int_equal(dns_names_new(4, &names), 0);
		memcpy(query + 2, raw[i].bytes, raw[i].n);
		ask_bytes(names, query, raw[i].n + 2, got, sizeof(got));
		if (strcmp(got, raw[i].reply) != 0)
			fail_msg("%s: %s, expected %s", raw[i].name, got, raw[i].reply);
		dns_names_free(names);
	}
}

/* Every shorter query is refused or dropped, and none reads past its end. */
static void test_queries_cut_anywhere(void **state)
{
	struct dns_names *names = NULL;
	uint8_t query[64];
	size_t n = make_query(query, "promptfax.app", A);
	char got[600];

	(void)state;
	put16(query + 10, 1);
	n += put_opt(query + n, 0, 0);
	assert_int_equal(dns_names_new(4, &names), 0);
	for (size_t cut = 0; cut < n; cut++) {
		ask_bytes(names, query, cut, got, sizeof(got));
		assert_string_equal(got, cut < 12 ? "" : "FORMERR");
	}
	ask_bytes(names, query, n, got, sizeof(got));
	assert_string_equal(got, "NOERROR 198.18.0.1 EDNS");
	dns_names_free(names);
}

static const char *find(const struct dns_names *names, const char *address)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(443)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return dns_names_find_address(names, (struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return dns_names_find_address(names, (struct sockaddr *)&in6);
}

static void test_addresses_lead_back_to_names(void **state)
{
	struct dns_names *names = NULL;
	struct sockaddr other = {.sa_family = AF_UNIX};

	(void)state;
	assert_int_equal(dns_names_new(4, &names), 0);
	expect(names, "a.example", A, "NOERROR 198.18.0.1");
	expect(names, "B.example", AAAA, "NOERROR fd6d:6370:6a61:696c::2");
	assert_string_equal(find(names, "198.18.0.1"), "a.example");
	assert_string_equal(find(names, "198.18.0.2"), "b.example");
	assert_string_equal(find(names, "::ffff:198.18.0.2"), "b.example");
	assert_string_equal(find(names, "fd6d:6370:6a61:696c::1"), "a.example");
	assert_null(find(names, "198.18.0.0"));
	assert_null(find(names, "198.18.0.3"));
	assert_null(find(names, "198.20.0.1"));
	assert_null(find(names, "8.8.8.8"));
	assert_null(find(names, "fd6d:6370:6a61:696c::"));
	assert_null(find(names, "fd6d:6370:6a61:696c::3"));
	assert_null(find(names, "fd6d:6370:6a61:696c:0:1::1"));
	assert_null(find(names, "fd6d:6370:6a61:696d::1"));
	assert_null(find(names, "::198.18.0.1"));
	assert_null(dns_names_find_address(names, &other));
	dns_names_free(names);
}

static void test_full_table_fails_and_keeps_what_it_has(void **state)
{
	struct dns_names *names = NULL;

	(void)state;
	assert_int_equal(dns_names_new(2, &names), 0);
	expect(names, "a.example", A, "NOERROR 198.18.0.1");
	expect(names, "b.example", A, "NOERROR 198.18.0.2");
	expect(names, "c.example", A, "SERVFAIL");
	expect(names, "c.example", AAAA, "SERVFAIL");
	expect(names, "c.example", TXT, "NOERROR");
	expect(names, "a.example", AAAA, "NOERROR fd6d:6370:6a61:696c::1");
	expect(names, "localhost", A, "NOERROR 127.0.0.1");
	dns_names_free(names);
}

static void test_table_holds_its_maximum(void **state)
{
	struct dns_names *names = NULL;
	char name[32], reply[64];

	(void)state;
	assert_int_equal(dns_names_new(0, &names), -EINVAL);
	assert_int_equal(dns_names_new(DNS_NAMES_MAX + 1, &names), -EINVAL);
	assert_int_equal(dns_names_new(DNS_NAMES_MAX, &names), 0);
	for (int pass = 0; pass < 2; pass++)
		for (unsigned int i = 0; i < DNS_NAMES_MAX; i++) {
			snprintf(name, sizeof(name), "n%u.example", i);
			snprintf(reply, sizeof(reply), "NOERROR 198.18.%u.%u", (i + 1) >> 8,
				 (i + 1) & 255);
			expect(names, name, A, reply);
		}
	assert_string_equal(find(names, "198.18.64.0"), "n16383.example");
	expect(names, "more.example", A, "SERVFAIL");
	dns_names_free(names);
	dns_names_free(NULL);
}

static void test_stream_answers_whole_queries(void **state)
{
	struct dns_names *names = NULL;
	autobuf struct buf in = BUF_INIT(DNS_TCP_PENDING_MAX), out = BUF_INIT(DNS_TCP_PENDING_MAX);
	uint8_t framed[128];
	size_t n = 0, len;
	char got[600];

	(void)state;
	assert_int_equal(dns_names_new(4, &names), 0);
	len = make_query(framed + 2, "a.example", A);
	put16(framed, (unsigned int)len);
	n = len + 2;
	/* Byte by byte, and then two at once. */
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(out.len, 0);
		assert_int_equal(buf_append(&in, framed + i, 1), 0);
		assert_int_equal(dns_answer_stream(names, &in, &out), 0);
	}
	assert_int_equal(in.len, 0);
	assert_int_equal(get16(out.data), out.len - 2);
	read_reply(framed + 2, len, out.data + 2, out.len - 2, got, sizeof(got));
	assert_string_equal(got, "NOERROR 198.18.0.1");
	buf_append(&in, framed, n);
	buf_append(&in, framed, n);
	buf_append(&in, framed, 1);
	assert_int_equal(dns_answer_stream(names, &in, &out), 0);
	assert_int_equal(in.len, 1);
	assert_int_equal(out.len, 3 * (get16(out.data) + 2u));
	dns_names_free(names);
}

static void test_stream_is_closed_or_waits(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
		{"\0\0", 2},
		{"\0\x0b", 2},
		{"\x10\x01", 2},
		{"\0\x0c\xab\xcd\x81\0\0\0\0\0\0\0\0\0", 14}, /* a response */
	};
	struct dns_names *names = NULL;
	uint8_t framed[128];
	size_t len = make_query(framed + 2, "a.example", A);
	autobuf struct buf full = BUF_INIT(DNS_REPLY_MAX), in = BUF_INIT(1000);

	(void)state;
	assert_int_equal(dns_names_new(4, &names), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autobuf struct buf wrong = BUF_INIT(1000), out = BUF_INIT(10000);

		buf_append(&wrong, bad[i].bytes, bad[i].n);
		assert_int_equal(dns_answer_stream(names, &wrong, &out), -EPROTO);
		assert_int_equal(out.len, 0);
	}
	put16(framed, (unsigned int)len);
	buf_append(&in, framed, len + 2);
	assert_int_equal(dns_answer_stream(names, &in, &full), 0);
	assert_int_equal(in.len, len + 2);
	dns_names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions_get_their_answers),
		cmocka_unit_test(test_raw_queries),
		cmocka_unit_test(test_queries_cut_anywhere),
		cmocka_unit_test(test_addresses_lead_back_to_names),
		cmocka_unit_test(test_full_table_fails_and_keeps_what_it_has),
		cmocka_unit_test(test_table_holds_its_maximum),
		cmocka_unit_test(test_stream_answers_whole_queries),
		cmocka_unit_test(test_stream_is_closed_or_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
