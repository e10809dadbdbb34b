// SPDX-License-Identifier: Apache-2.0
/*
 * client - time a 250-byte tools/call over TLS with keep-alive
 *
 * One thread and blocking sockets. Latency: one connection, one call after the other.
 * Load: so many connections, each with one call under way; answers are read in turn and
 * each is followed by the next call at once, so that the server always has work.
 *
 * Prints one line: connect_us=N p50_us=N p99_us=N rps=N. Every answer must be a result
 * without isError, else the figures are worth nothing and it exits 1.
 */
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define REPLY_MAX       65536
#define CALL_BYTES      250

struct settings {
	const char *host, *port, *name, *ca;
	size_t latency_calls, load_calls, connections;
};

struct conn {
	SSL *ssl;
	uint64_t sent_us;
};

static char request[2048];
static size_t request_bytes;

static void die(const char *what)
{
	fprintf(stderr, "client: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A modern call: it needs no session, so that every call stands alone. */
static void request_make(const char *name)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
				   "call\",\"params\":{\"name\":\"get_status\","
				   "\"arguments\":{\"sessionId\":\"ses_demo\",\"sendIntentId\":"
				   "\"int_demo\"},\"_meta\":{"
				   "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
				   "\"io.modelcontextprotocol/clientCapabilities\":{}}";
	char body[CALL_BYTES + 64];
	int n = snprintf(body, sizeof(body), "%s", head);

	/* White space between the braces fills it to the size that is compared. */
	while (n < CALL_BYTES - 2)
		body[n++] = ' ';
	body[n++] = '}';
	body[n++] = '}';
	n = snprintf(request, sizeof(request),
		     "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
		     "Accept: application/json, text/event-stream\r\n"
		     "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
		     "Mcp-Name: get_status\r\nContent-Length: %d\r\n\r\n%.*s",
		     name, n, n, body);
	request_bytes = (size_t)n;
}

static int tcp_connect(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET}, *found;
	int one = 1, fd = -1;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		die("cannot resolve the host");
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	freeaddrinfo(found);
	return fd;
}

static SSL_CTX *tls_new(const struct settings *settings)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls)
		die("TLS");
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_read_ahead(tls, 1);
	if (settings->ca ? SSL_CTX_load_verify_locations(tls, settings->ca, NULL) != 1
			 : SSL_CTX_set_default_verify_paths(tls) != 1)
		die("cannot load the CA");
	return tls;
}

static void conn_open(SSL_CTX *tls, const struct settings *settings, struct conn *ret)
{
	int fd = tcp_connect(settings->host, settings->port);

	ret->ssl = SSL_new(tls);
	errno = 0;
	if (!ret->ssl || SSL_set1_host(ret->ssl, settings->name) != 1 ||
	    SSL_set_tlsext_host_name(ret->ssl, settings->name) != 1 ||
	    SSL_set_fd(ret->ssl, fd) != 1 || SSL_connect(ret->ssl) != 1)
		die("TLS handshake");
}

static void conn_send(struct conn *conn)
{
	conn->sent_us = now_us();
	if (SSL_write(conn->ssl, request, (int)request_bytes) != (int)request_bytes)
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
	return 0;
}

/* Microseconds from the call to its whole answer. */
static uint64_t conn_receive(struct conn *conn)
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

static int compare_us(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void measure_latency(struct conn *conn, size_t calls)
{
	uint64_t *took_us = calloc(calls, sizeof(*took_us));

	if (!took_us)
		die("memory");
	for (size_t i = 0; i < calls / 10; i++) {
		conn_send(conn);
		conn_receive(conn);
	}
	for (size_t i = 0; i < calls; i++) {
		conn_send(conn);
		took_us[i] = conn_receive(conn);
	}
	qsort(took_us, calls, sizeof(*took_us), compare_us);
	printf("p50_us=%lu p99_us=%lu ", took_us[calls / 2], took_us[calls * 99 / 100]);
	free(took_us);
}

static void measure_load(struct conn *conns, const struct settings *settings)
{
	size_t sent = 0, received = 0;
	uint64_t start_us = now_us();

	for (; sent < settings->connections && sent < settings->load_calls; sent++)
		conn_send(&conns[sent]);
	for (size_t i = 0; received < settings->load_calls; i = (i + 1) % settings->connections) {
		conn_receive(&conns[i]);
		received++;
		if (sent < settings->load_calls) {
			conn_send(&conns[i]);
			sent++;
		}
	}
	printf("rps=%.0f ", (double)received * 1e6 / (double)(now_us() - start_us));
}

static size_t number_parse(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n > 100000000) {
		errno = EINVAL;
		die(text);
	}
	return n;
}

static const struct option options[] = {
	{"host", required_argument, NULL, 'h'},        {"port", required_argument, NULL, 'p'},
	{"name", required_argument, NULL, 'n'},        {"ca", required_argument, NULL, 'a'},
	{"latency", required_argument, NULL, 'l'},     {"load", required_argument, NULL, 'r'},
	{"connections", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0},
};

static void options_parse(int argc, char **argv, struct settings *settings)
{
	int id;

	while ((id = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (id == 'h')
			settings->host = optarg;
		else if (id == 'p')
			settings->port = optarg;
		else if (id == 'n')
			settings->name = optarg;
		else if (id == 'a')
			settings->ca = optarg;
		else if (id == 'l')
			settings->latency_calls = number_parse(optarg);
		else if (id == 'r')
			settings->load_calls = number_parse(optarg);
		else if (id == 'c')
			settings->connections = number_parse(optarg);
		else
			exit(2);
	}
	if (settings->connections < 1 || settings->connections > CONNECTIONS_MAX)
		die("--connections out of range");
}

int main(int argc, char **argv)
{
	static struct conn conns[CONNECTIONS_MAX];
	struct settings settings = {
		.host = "promptfax.app", .port = "443", .name = "promptfax.app", .connections = 32};
	uint64_t start_us;
	SSL_CTX *tls;

	options_parse(argc, argv, &settings);
	signal(SIGPIPE, SIG_IGN);
	request_make(settings.name);
	tls = tls_new(&settings);
	start_us = now_us();
	conn_open(tls, &settings, &conns[0]);
	printf("connect_us=%lu ", now_us() - start_us);
	if (settings.latency_calls)
		measure_latency(&conns[0], settings.latency_calls);
	for (size_t i = 1; settings.load_calls && i < settings.connections; i++)
		conn_open(tls, &settings, &conns[i]);
	if (settings.load_calls)
		measure_load(conns, &settings);
	printf("\n");
	for (size_t i = 0; i < settings.connections; i++)
		SSL_free(conns[i].ssl);
	SSL_CTX_free(tls);
	return 0;
}
