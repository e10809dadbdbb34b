// SPDX-License-Identifier: Apache-2.0
/*
 * Queries to the DNS stub, each behind its length as over TCP. What must hold of a reply:
 *   - glibc's parser reads it, whole: the query's id and question, no more records than
 *     counted, nothing behind them;
 *   - an address is of the jail's own ranges or loopback, and leads back to the name that
 *     was asked for, by look-up and by a PTR query;
 *   - the same query has the same reply, over UDP as over TCP, also in pieces.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <strings.h>

#include "fuzz.h"
#include "proxy/dns.h"
#include "proxy/http1.h"

#define NAMES_MAX 4 /* so that the table fills up */

static bool is_loopback(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;

	if (a->ss_family == AF_INET)
		return v4->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static bool is_ours(const struct sockaddr_storage *a)
{
	static const uint8_t prefix[] = {0xfd, 'm', 'c', 'p', 'j', 'a', 'i', 'l'};
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;

	if (a->ss_family == AF_INET)
		return (ntohl(v4->sin_addr.s_addr) & 0xfffe0000u) == 0xc6120000u;
	return !memcmp(&v6->sin6_addr, prefix, sizeof(prefix));
}

static bool is_under_localhost(const char *host)
{
	size_t n = strlen(host), k = strlen("localhost");

	return n >= k && !strcmp(host + n - k, "localhost") && (n == k || host[n - k - 1] == '.');
}

static bool read_address(const ns_rr *rr, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (ns_rr_type(*rr) == ns_t_a) {
		must(ns_rr_rdlen(*rr) == 4);
		v4->sin_family = AF_INET;
		memcpy(&v4->sin_addr, ns_rr_rdata(*rr), 4);
		return true;
	}
	if (ns_rr_type(*rr) == ns_t_aaaa) {
		must(ns_rr_rdlen(*rr) == 16);
		v6->sin6_family = AF_INET6;
		memcpy(&v6->sin6_addr, ns_rr_rdata(*rr), 16);
		return true;
	}
	return false;
}

/* A PTR query for an address, RFC 1035 §3.5, RFC 3596 §2.5. Return: bytes */
static size_t make_ptr_query(const struct sockaddr_storage *a, uint8_t *ret, size_t size)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
	static const uint8_t header[12] = {0, 1, 1, 0, 0, 1};
	static const uint8_t tail[] = {0, ns_t_ptr, 0, ns_c_in};
	const uint8_t *p = (const uint8_t *)&v4->sin_addr;
	uint8_t name[256];
	char text[128];
	int n = 0;

	if (a->ss_family == AF_INET) {
		snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa", p[3], p[2], p[1], p[0]);
	} else {
		p = v6->sin6_addr.s6_addr;
		for (size_t i = 16; i-- > 0;)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%x.%x.", p[i] & 15u,
				      p[i] >> 4);
		snprintf(text + n, sizeof(text) - (size_t)n, "ip6.arpa");
	}
	n = ns_name_pton(text, name, sizeof(name));
	must(n >= 0);
	n = 0;
	while (name[n])
		n += name[n] + 1;
	n++;
	must(sizeof(header) + (size_t)n + sizeof(tail) <= size);
	memcpy(ret, header, sizeof(header));
	memcpy(ret + sizeof(header), name, (size_t)n);
	memcpy(ret + sizeof(header) + (size_t)n, tail, sizeof(tail));
	return sizeof(header) + (size_t)n + sizeof(tail);
}

static void check_address(struct dns_names *names, const struct sockaddr_storage *a,
			  const char *asked)
{
	char host[HTTP1_HOST_MAX + 1], target[NS_MAXDNAME];
	uint8_t query[300], reply[DNS_REPLY_MAX];
	const char *name;
	ns_msg message;
	ns_rr rr;
	size_t n;

	must(!http1_host_normalise(span_of(asked), host, NULL));
	if (is_loopback(a)) {
		must(is_under_localhost(host));
		return;
	}
	must(is_ours(a));
	name = dns_names_find_address(names, (const struct sockaddr *)(const void *)a);
	must(name && !strcmp(name, host));
	n = make_ptr_query(a, query, sizeof(query));
	n = dns_answer(names, query, n, reply);
	must(n && !ns_initparse(reply, (int)n, &message) && ns_msg_count(message, ns_s_an) == 1);
	must(!ns_parserr(&message, ns_s_an, 0, &rr) && ns_rr_type(rr) == ns_t_ptr);
	must(ns_name_uncompress(reply, reply + n, ns_rr_rdata(rr), target, sizeof(target)) >= 0);
	must(!strcmp(target, host));
}

static void check_answers(struct dns_names *names, ns_msg *message, const char *asked)
{
	struct sockaddr_storage address;
	ns_rr rr;

	must(ns_msg_count(*message, ns_s_an) <= 1 && ns_msg_count(*message, ns_s_ns) == 0 &&
	     ns_msg_count(*message, ns_s_ar) <= 1);
	for (int i = 0; i < ns_msg_count(*message, ns_s_an); i++) {
		must(!ns_parserr(message, ns_s_an, i, &rr));
		must(ns_msg_getflag(*message, ns_f_rcode) == ns_r_noerror);
		must(!strcasecmp(ns_rr_name(rr), asked));
		if (read_address(&rr, &address))
			check_address(names, &address, asked);
		else
			must(ns_rr_type(rr) == ns_t_ptr);
	}
	for (int i = 0; i < ns_msg_count(*message, ns_s_ar); i++) {
		must(!ns_parserr(message, ns_s_ar, i, &rr));
		must(ns_rr_type(rr) == ns_t_opt);
	}
}

static void check_reply(struct dns_names *names, struct span query, const uint8_t *reply, size_t n)
{
	ns_msg message;
	ns_rr question;

	must(n >= 12 && n <= DNS_REPLY_MAX);
	must(!ns_initparse(reply, (int)n, &message));
	must(!memcmp(reply, query.p, 2) && (reply[2] & 0x80));
	must(ns_msg_count(message, ns_s_qd) <= 1);
	if (!ns_msg_count(message, ns_s_qd)) {
		must(!ns_msg_count(message, ns_s_an));
		return;
	}
	must(!ns_parserr(&message, ns_s_qd, 0, &question));
	/* Byte for byte: resolvers vary the case of letters to tell a forged reply. */
	must(n >= query.n || ns_msg_count(message, ns_s_qd));
	check_answers(names, &message, ns_rr_name(question));
}

static void ask(struct dns_names *names, struct span query, struct buf *ret_replies)
{
	uint8_t first[DNS_REPLY_MAX], second[DNS_REPLY_MAX];
	size_t n = dns_answer(names, query.p, query.n, first);

	if (n) {
		uint8_t length[2] = {(uint8_t)(n >> 8), (uint8_t)n};

		check_reply(names, query, first, n);
		must(!buf_append(ret_replies, length, 2) && !buf_append(ret_replies, first, n));
	}
	must(dns_answer(names, query.p, query.n, second) == n && !memcmp(first, second, n));
}

/* Return: whether the connection stays open */
static bool ask_stream(struct dns_names *names, struct span bytes, size_t step, struct buf *out)
{
	autobuf struct buf in = BUF_INIT(FUZZ_BUF_MAX);
	int r = 0;

	while (!r && bytes.n) {
		size_t n = step < bytes.n ? step : bytes.n;

		must(!buf_append(&in, bytes.p, n));
		bytes = span_bytes(bytes.p + n, bytes.n - n);
		r = dns_answer_stream(names, &in, out);
	}
	must(!r || r == -EPROTO);
	return !r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autobuf struct buf stream = BUF_INIT(FUZZ_BUF_MAX), datagrams = BUF_INIT(FUZZ_BUF_MAX);
	autobuf struct buf tcp = BUF_INIT(FUZZ_BUF_MAX), bytewise = BUF_INIT(FUZZ_BUF_MAX);
	struct dns_names *names[3];
	bool is_open;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		must(!dns_names_new(NAMES_MAX, &names[i]));
	/* The input: queries of at most 255 bytes, each behind its length. */
	for (size_t i = 0; i < n; i += 1u + data[i]) {
		size_t length = data[i] < n - i - 1 ? data[i] : n - i - 1;
		autofree char *query = fuzz_copy(data + i + 1, length);
		uint8_t framing[2] = {0, (uint8_t)length};

		ask(names[0], span_bytes(query, length), &datagrams);
		must(!buf_append(&stream, framing, 2) && !buf_append(&stream, query, length));
	}
	is_open = ask_stream(names[1], span_bytes(stream.data, stream.len), stream.len, &tcp);
	must(is_open == ask_stream(names[2], span_bytes(stream.data, stream.len), 1, &bytewise));
	must(fuzz_same(&tcp, &bytewise));
	/* A query without a reply ends a connection; up to there both are the same. */
	must(tcp.len <= datagrams.len && (!tcp.len || !memcmp(tcp.data, datagrams.data, tcp.len)));
	must(!is_open || tcp.len == datagrams.len);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		dns_names_free(names[i]);
	return 0;
}
