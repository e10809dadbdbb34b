// SPDX-License-Identifier: Apache-2.0
#include "call.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPLY_MAX   (256 * 1024)
#define REQUEST_MAX 2048

void die(const char *what)
{
	fprintf(stderr, "client: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int compare_us(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

SSL_CTX *call_tls(const char *ca)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls)
		die("TLS");
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	if (ca ? SSL_CTX_load_verify_locations(tls, ca, NULL) != 1
	       : SSL_CTX_set_default_verify_paths(tls) != 1)
		die("cannot load the CA");
	return tls;
}

static struct addrinfo *resolve(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET}, *found;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		die("cannot resolve the host");
	return found;
}

static int tcp_connect(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static struct addrinfo *first_hop(const struct endpoint *to)
{
	char host[256];
	const char *colon;

	if (!to->via)
		return resolve(to->host, to->port);
	colon = strrchr(to->via, ':');
	if (!colon)
		die("--via wants HOST:PORT");
	snprintf(host, sizeof(host), "%.*s", (int)(colon - to->via), to->via);
	return resolve(host, colon + 1);
}

static void ask_tunnel(int fd, const struct endpoint *to)
{
	char text[1024];
	size_t n = 0;
	int length = snprintf(text, sizeof(text), "CONNECT %s:%s HTTP/1.1\r\nHost: %s:%s\r\n\r\n",
			      to->host, to->port, to->host, to->port);

	if (write(fd, text, (size_t)length) != length)
		die("CONNECT");
	while (n < 4 || memcmp(text + n - 4, "\r\n\r\n", 4) != 0)
		if (n == sizeof(text) || read(fd, text + n++, 1) != 1)
			die("the answer to CONNECT");
	if (strncmp(text, "HTTP/1.1 200", 12) != 0 && strncmp(text, "HTTP/1.0 200", 12) != 0)
		die("CONNECT was refused");
}

static void connect_to(const struct endpoint *to, const struct addrinfo *address, struct conn *ret)
{
	int fd = tcp_connect(address);

	if (to->via)
		ask_tunnel(fd, to);
	ret->ssl = SSL_new(to->tls);
	errno = 0;
	if (!ret->ssl || SSL_set1_host(ret->ssl, to->name) != 1 ||
	    SSL_set_tlsext_host_name(ret->ssl, to->name) != 1 || SSL_set_fd(ret->ssl, fd) != 1 ||
	    SSL_connect(ret->ssl) != 1)
		die("TLS handshake");
}

void conn_open(const struct endpoint *to, struct conn *ret)
{
	struct addrinfo *address = first_hop(to);

	connect_to(to, address, ret);
	freeaddrinfo(address);
}

uint64_t conn_handshake(const struct endpoint *to)
{
	struct addrinfo *address = first_hop(to);
	uint64_t start_us = now_us(), took_us;
	struct conn conn;

	connect_to(to, address, &conn);
	took_us = now_us() - start_us;
	freeaddrinfo(address);
	conn_close(&conn);
	return took_us;
}

void conn_close(struct conn *conn)
{
	if (conn->ssl) {
		close(SSL_get_fd(conn->ssl));
		SSL_free(conn->ssl);
	}
	conn->ssl = NULL;
}

/* White space between the last braces fills the body to the size that is compared. */
static size_t request_make(const char *name, const char *tool, char *ret, size_t size)
{
	char body[CALL_BYTES + 64];
	int n = snprintf(
		body, sizeof(body),
		"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{"
		"\"name\":\"%s\",\"arguments\":{\"sessionId\":\"ses_demo\",\"sendIntentId\":"
		"\"int_demo\"},\"_meta\":{"
		"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
		"\"io.modelcontextprotocol/clientCapabilities\":{}}",
		tool);

	while (n < CALL_BYTES - 2)
		body[n++] = ' ';
	body[n++] = '}';
	body[n++] = '}';
	n = snprintf(ret, size,
		     "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
		     "Accept: application/json, text/event-stream\r\n"
		     "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
		     "Mcp-Name: %s\r\nContent-Length: %d\r\n\r\n%.*s",
		     name, tool, n, n, body);
	return (size_t)n;
}

void call_send(struct conn *conn, const char *name, const char *tool)
{
	static char request[REQUEST_MAX];
	static char made_for[256];
	static size_t n;
	char key[256];

	snprintf(key, sizeof(key), "%s %s", name, tool);
	if (strcmp(key, made_for) != 0) {
		n = request_make(name, tool, request, sizeof(request));
		memcpy(made_for, key, sizeof(made_for));
	}
	conn->sent_us = now_us();
	if (SSL_write(conn->ssl, request, (int)n) != (int)n)
		die("send");
}

/* Bytes of head and body once the head is here; 0: not yet. */
static size_t reply_length(const char *reply, size_t n)
{
	const char *end = memmem(reply, n, "\r\n\r\n", 4);
	const char *length;

	if (!end)
		return 0;
	for (length = reply; length < end; length = strstr(length, "\r\n") + 2)
		if (!strncasecmp(length, "Content-Length:", 15))
			return (size_t)(end - reply) + 4 + strtoul(length + 15, NULL, 10);
	die("an answer without Content-Length");
}

uint64_t call_receive(struct conn *conn)
{
	static char reply[REPLY_MAX];
	size_t n = 0, want = 0;
	uint64_t took_us;

	while (!want || n < want) {
		int got = SSL_read(conn->ssl, reply + n, (int)(sizeof(reply) - 1 - n));

		if (got <= 0)
			die("receive");
		n += (size_t)got;
		reply[n] = '\0';
		if (!want)
			want = reply_length(reply, n);
	}
	took_us = now_us() - conn->sent_us;
	errno = 0;
	if (strncmp(reply, "HTTP/1.1 200", 12) != 0 || !strstr(reply, "\"isError\":false")) {
		fprintf(stderr, "%s\n", reply);
		die("the call was not answered with a result");
	}
	return took_us;
}

/* The time in each event that has become whole; what is left begins behind the last one. */
static size_t take_events(const char *text, size_t n, uint64_t at_us, struct stream_times *ret)
{
	static const char mark[] = "\"sent_us\":";
	size_t from = 0;

	for (;;) {
		const char *found = memmem(text + from, n - from, mark, sizeof(mark) - 1);
		char *end;
		uint64_t sent_us;

		if (!found)
			return from;
		sent_us = strtoull(found + sizeof(mark) - 1, &end, 10);
		if (end == text + n)
			return from;
		if (ret->n < sizeof(ret->delay_us) / sizeof(ret->delay_us[0]))
			ret->delay_us[ret->n++] = at_us - sent_us;
		from = (size_t)(end - text);
	}
}

void call_stream(struct conn *conn, struct stream_times *ret)
{
	static char text[REPLY_MAX];
	size_t n = 0, seen = 0;

	*ret = (struct stream_times){.n = 0};
	while (!memmem(text, n, "\r\n0\r\n\r\n", 7)) {
		int got = SSL_read(conn->ssl, text + n, (int)(sizeof(text) - 1 - n));
		uint64_t at_us = now_us();

		if (got <= 0)
			die("receive a stream");
		n += (size_t)got;
		text[n] = '\0';
		if (!ret->head_us && strstr(text, "\r\n\r\n"))
			ret->head_us = at_us - conn->sent_us;
		seen += take_events(text + seen, n - seen, at_us, ret);
		if (!ret->first_us && ret->n)
			ret->first_us = at_us - conn->sent_us;
	}
	errno = 0;
	if (!ret->n || !strstr(text, "\"isError\":false"))
		die("the stream was not one of events and a result");
}
