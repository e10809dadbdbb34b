// SPDX-License-Identifier: Apache-2.0
/*
 * origin - the MCP server that is measured against: as little work as possible
 *
 * origin CERT KEY: serves TLS on a port of 127.0.0.1, which it prints as "port N", one
 * thread, keep-alive, until its parent ends. Calls of get_report get 50 KB, calls of watch
 * an event stream whose events tell when they were sent, all others 250 bytes. Requests
 * are told apart by the tool's name in their first bytes; nothing else of them is looked at.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX      4096
#define REQUEST_MAX    16384
#define BIG_BYTES      51200
#define REPLY_MAX      (BIG_BYTES + 4096)
#define FIRST_EVENT_US 50000 /* from the head, so that it can be seen to come before */
#define EVENT_EVERY_US 4000
#define EVENTS         100

struct conn {
	SSL *ssl; /* NULL: free */
	int fd;
	char in[REQUEST_MAX];
	size_t n;
	unsigned events_left; /* of a stream, the result included */
	uint64_t due_us;
};

static struct conn *conns[CONNS_MAX];
static char small[1024], big[REPLY_MAX];
static size_t small_bytes, big_bytes, n_streams;

static void die(const char *what)
{
	fprintf(stderr, "origin: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static size_t reply_make(char *ret, size_t size, size_t text_bytes)
{
	static char body[REPLY_MAX], text[REPLY_MAX];
	int n;

	/* Ordinary text, with some quotation marks and line breaks to be escaped. */
	for (size_t i = 0; i < text_bytes; i++)
		text[i] = i % 80 == 79 ? 'n' : i % 80 == 78 ? '\\' : (char)('a' + i % 26);
	if (text_bytes && text[text_bytes - 1] == '\\')
		text[text_bytes - 1] = 'x';
	n = snprintf(body, sizeof(body),
		     "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"text\","
		     "\"text\":\"%.*s\"}],\"isError\":false}}",
		     (int)text_bytes, text);
	n = snprintf(ret, size,
		     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		     "Content-Length: %d\r\n\r\n%s",
		     n, body);
	return (size_t)n;
}

static void conn_drop(struct conn *c)
{
	if (c->events_left)
		n_streams--;
	conns[c->fd] = NULL;
	SSL_free(c->ssl);
	close(c->fd);
	free(c);
}

/* Everything here fits into a socket's buffer, so that a write never has to wait. */
static bool conn_write(struct conn *c, const char *bytes, size_t n)
{
	return SSL_write(c->ssl, bytes, (int)n) == (int)n;
}

static bool conn_write_chunk(struct conn *c, const char *text, bool is_last)
{
	char chunk[1024];
	int n = snprintf(chunk, sizeof(chunk), "%zx\r\n%s\r\n%s", strlen(text), text,
			 is_last ? "0\r\n\r\n" : "");

	return conn_write(c, chunk, (size_t)n);
}

static bool conn_next_event(struct conn *c)
{
	char text[512];

	c->due_us = now_us() + EVENT_EVERY_US;
	if (--c->events_left == 0) {
		n_streams--;
		return conn_write_chunk(
			c,
			"data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":"
			"[],\"isError\":false}}\n\n",
			true);
	}
	snprintf(text, sizeof(text),
		 "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{"
		 "\"level\":\"info\",\"data\":{\"sent_us\":%llu}}}\n\n",
		 (unsigned long long)now_us());
	return conn_write_chunk(c, text, false);
}

static bool conn_answer(struct conn *c, size_t request_bytes)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";

	if (memmem(c->in, request_bytes, "\"watch\"", 7)) {
		c->events_left = EVENTS + 1;
		c->due_us = now_us() + FIRST_EVENT_US;
		n_streams++;
		return conn_write(c, head, sizeof(head) - 1);
	}
	if (memmem(c->in, request_bytes, "\"get_report\"", 12))
		return conn_write(c, big, big_bytes);
	return conn_write(c, small, small_bytes);
}

/* Bytes of the request at the front; 0: not whole yet. */
static size_t request_bytes(const struct conn *c)
{
	const char *end = memmem(c->in, c->n, "\r\n\r\n", 4), *length;
	size_t n;

	if (!end)
		return 0;
	length = strcasestr(c->in, "content-length:");
	n = (size_t)(end - c->in) + 4 +
	    (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
	return n <= c->n ? n : 0;
}

static bool conn_read(struct conn *c)
{
	for (;;) {
		int got;
		size_t n;

		/* What another connection left there would be taken for this one's. */
		ERR_clear_error();
		got = SSL_read(c->ssl, c->in + c->n, (int)(sizeof(c->in) - 1 - c->n));
		if (got <= 0)
			return SSL_get_error(c->ssl, got) == SSL_ERROR_WANT_READ;
		c->n += (size_t)got;
		c->in[c->n] = '\0';
		while ((n = request_bytes(c)) > 0) {
			if (!conn_answer(c, n))
				return false;
			c->n -= n;
			memmove(c->in, c->in + n, c->n + 1);
		}
		if (c->n == sizeof(c->in) - 1)
			return false;
	}
}

static void accept_all(int listener, int epoll, SSL_CTX *tls)
{
	int one = 1, fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event e = {.events = EPOLLIN};
		struct conn *c = fd < CONNS_MAX ? calloc(1, sizeof(*c)) : NULL;

		if (!c) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->fd = fd;
		c->ssl = SSL_new(tls);
		if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1)
			die("SSL_new");
		SSL_set_accept_state(c->ssl);
		conns[fd] = c;
		e.data.fd = fd;
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
	}
}

static int run_streams(void)
{
	uint64_t now = now_us(), next = UINT64_MAX;

	for (size_t i = 0; n_streams && i < CONNS_MAX; i++) {
		struct conn *c = conns[i];

		if (!c || !c->events_left)
			continue;
		if (c->due_us <= now && !conn_next_event(c)) {
			conn_drop(c);
			continue;
		}
		if (c->events_left && c->due_us < next)
			next = c->due_us;
	}
	return next == UINT64_MAX ? -1 : next > now ? (int)((next - now + 999) / 1000) : 0;
}

static int listen_on_loopback(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4096) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		die("listen");
	printf("port %u\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	int listener, epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[64];

	if (argc != 3 || !tls || epoll < 0 ||
	    SSL_CTX_use_certificate_chain_file(tls, argv[1]) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, argv[2], SSL_FILETYPE_PEM) != 1)
		die("usage: origin CERT KEY");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_num_tickets(tls, 1);
	small_bytes = reply_make(small, sizeof(small), 150);
	big_bytes = reply_make(big, sizeof(big), BIG_BYTES);
	listener = listen_on_loopback();
	events[0] = (struct epoll_event){.events = EPOLLIN, .data.fd = listener};
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &events[0]);
	for (;;) {
		int n = epoll_wait(epoll, events, 64, run_streams());

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == listener)
				accept_all(listener, epoll, tls);
			else if (conns[fd] && !conn_read(conns[fd]))
				conn_drop(conns[fd]);
		}
	}
}
