// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

#define EVENTS_MAX 64
#define READ_BYTES 16384
#define INPUT_MAX  (HTTP_HEAD_MAX + HTTP_BODY_MAX)
#define OUTPUT_MAX (2 * HTTP_BODY_MAX)

struct conn {
	int fd;
	SSL *ssl;
	struct buf in, out;
	bool is_last; /* the client wants no further answer on this connection */
	bool close_after_flush;
	bool wants_write; /* EPOLLOUT is armed */
	bool is_stream;   /* an endless answer occupies the connection */
	bool has_reply;   /* a delayed answer occupies it until due_ms */
	uint64_t due_ms;
	struct http_reply reply;
	struct conn *next, *previous; /* in the server's list of all */
};

struct server {
	const struct server_config *config;
	int epoll;
	struct conn *conns;
	size_t n_delayed;
};

enum io { IO_DEAD = 0, IO_ALIVE };

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int server_listen(const char *address, uint16_t port, uint16_t *ret_port)
{
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t length = sizeof(at);
	int one = 1;

	if (fd < 0)
		return -errno;
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		return -EINVAL;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &length) < 0)
		return -errno;
	*ret_port = ntohs(at.sin_port);
	return fd_take(&fd);
}

static void conn_free(struct server *server, struct conn *conn)
{
	if (conn->has_reply) {
		http_reply_clear(&conn->reply);
		server->n_delayed--;
	}
	if (conn->next)
		conn->next->previous = conn->previous;
	if (conn->previous)
		conn->previous->next = conn->next;
	else
		server->conns = conn->next;
	SSL_free(conn->ssl);
	close(conn->fd);
	buf_free(&conn->in);
	buf_free(&conn->out);
	free(conn);
}

static void conn_reset(struct conn *conn)
{
	struct linger abort = {.l_onoff = 1};

	setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
}

static void conn_accept(struct server *server, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *conn = fd >= 0 ? calloc(1, sizeof(*conn)) : NULL;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
	int one = 1;

	if (!conn) {
		if (fd >= 0)
			close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*conn = (struct conn){.fd = fd,
			      .in = BUF_INIT(INPUT_MAX),
			      .out = BUF_INIT(OUTPUT_MAX),
			      .next = server->conns};
	if (conn->next)
		conn->next->previous = conn;
	server->conns = conn;
	if (server->config->tls) {
		conn->ssl = SSL_new(server->config->tls);
		if (conn->ssl && SSL_set_fd(conn->ssl, fd) == 1)
			SSL_set_accept_state(conn->ssl);
	}
	if ((server->config->tls && !conn->ssl) ||
	    epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		conn_free(server, conn);
}

/* Bytes moved; 0 when the call would block; -1 when the peer is gone. */
static int conn_moved(struct conn *conn, ssize_t n)
{
	int why;

	if (n > 0)
		return (int)n;
	if (!conn->ssl)
		return n < 0 && errno == EAGAIN ? 0 : -1;
	why = SSL_get_error(conn->ssl, (int)n);
	ERR_clear_error();
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static enum io conn_read(struct conn *conn)
{
	for (;;) {
		void *room = buf_reserve(&conn->in, READ_BYTES);
		ssize_t got;
		int n;

		if (!room)
			return IO_DEAD;
		got = conn->ssl ? SSL_read(conn->ssl, room, READ_BYTES)
				: recv(conn->fd, room, READ_BYTES, 0);
		n = conn_moved(conn, got);
		if (n <= 0)
			return n < 0 ? IO_DEAD : IO_ALIVE;
		buf_commit(&conn->in, (size_t)n);
		if (n < READ_BYTES && (!conn->ssl || !SSL_has_pending(conn->ssl)))
			return IO_ALIVE;
	}
}

static void conn_watch(struct server *server, struct conn *conn, bool write)
{
	struct epoll_event event = {.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN,
				    .data.ptr = conn};

	if (conn->wants_write == write)
		return;
	conn->wants_write = write;
	epoll_ctl(server->epoll, EPOLL_CTL_MOD, conn->fd, &event);
}

static enum io conn_flush(struct server *server, struct conn *conn)
{
	while (conn->out.len) {
		int chunk = conn->out.len > READ_BYTES ? READ_BYTES : (int)conn->out.len;
		ssize_t put = conn->ssl
				      ? SSL_write(conn->ssl, conn->out.data, chunk)
				      : send(conn->fd, conn->out.data, (size_t)chunk, MSG_NOSIGNAL);
		int n = conn_moved(conn, put);

		if (n < 0)
			return IO_DEAD;
		if (n == 0) {
			conn_watch(server, conn, true);
			return IO_ALIVE;
		}
		buf_consume(&conn->out, (size_t)n);
	}
	conn_watch(server, conn, false);
	if (!conn->close_after_flush)
		return IO_ALIVE;
	if (conn->ssl)
		SSL_shutdown(conn->ssl);
	return IO_DEAD;
}

static enum io conn_finish_reply(struct server *server, struct conn *conn)
{
	struct http_reply *reply = &conn->reply;
	int r = 0;

	if (reply->fault == HTTP_RESET)
		conn_reset(conn);
	if (reply->fault == HTTP_RESET || reply->fault == HTTP_CLOSE_UNANSWERED)
		return IO_DEAD;
	r = http_reply_finish(reply, &conn->out);
	conn->close_after_flush = conn->is_last || reply->fault == HTTP_TRUNCATE;
	conn->is_stream = reply->endless;
	conn->has_reply = false;
	server->n_delayed--;
	http_reply_clear(reply);
	return r < 0 ? IO_DEAD : conn_flush(server, conn);
}

/* Answer what has arrived whole, one after the other, until one answer has to wait. */
static enum io conn_answer(struct server *server, struct conn *conn)
{
	while (!conn->has_reply && !conn->is_stream && !conn->close_after_flush) {
		struct http_request request;
		int got = http_request_take(&conn->in, &request);

		if (got <= 0)
			return got == HTTP_BAD ? IO_DEAD : IO_ALIVE;
		if (conn->ssl && SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name))
			request.sni = SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name);
		conn->reply = (struct http_reply){.early = BUF_INIT(HTTP_BODY_MAX),
						  .body = BUF_INIT(HTTP_BODY_MAX)};
		server->config->answer(server->config->service, &request, &conn->reply);
		conn->is_last = request.close;
		conn->has_reply = true;
		server->n_delayed++;
		http_request_clear(&request);
		if (http_reply_begin(&conn->reply, &conn->out) < 0)
			return IO_DEAD;
		if (conn->reply.delay_ms) {
			conn->due_ms = now_ms() + conn->reply.delay_ms;
			return conn_flush(server, conn);
		}
		if (conn_finish_reply(server, conn) == IO_DEAD)
			return IO_DEAD;
	}
	return IO_ALIVE;
}

static void conn_on_event(struct server *server, struct conn *conn, uint32_t events)
{
	enum io io = IO_ALIVE;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		io = conn_read(conn);
	if (io == IO_ALIVE)
		io = conn_answer(server, conn);
	if (io == IO_ALIVE && conn->out.len)
		io = conn_flush(server, conn);
	if (io == IO_DEAD)
		conn_free(server, conn);
}

/* Milliseconds until the next delayed answer; answers those that are due. */
static int server_on_time(struct server *server)
{
	uint64_t now, soonest = UINT64_MAX;
	struct conn *next;

	if (!server->n_delayed)
		return -1;
	now = now_ms();
	for (struct conn *conn = server->conns; conn; conn = next) {
		next = conn->next;
		if (!conn->has_reply)
			continue;
		if (conn->due_ms > now) {
			soonest = conn->due_ms < soonest ? conn->due_ms : soonest;
			continue;
		}
		if (conn_finish_reply(server, conn) == IO_DEAD ||
		    conn_answer(server, conn) == IO_DEAD)
			conn_free(server, conn);
		else if (conn->has_reply && conn->due_ms < soonest)
			soonest = conn->due_ms;
	}
	return soonest == UINT64_MAX ? -1 : (int)(soonest - now);
}

static int server_loop(struct server *server, int listener, const volatile sig_atomic_t *stop)
{
	struct epoll_event events[EVENTS_MAX];

	while (!*stop) {
		int n = epoll_wait(server->epoll, events, EVENTS_MAX, server_on_time(server));

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				conn_on_event(server, events[i].data.ptr, events[i].events);
			else
				conn_accept(server, listener);
		}
	}
	return 0;
}

int server_run(int listener, const struct server_config *config, const volatile sig_atomic_t *stop)
{
	struct server server = {.config = config, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	struct epoll_event event = {.events = EPOLLIN};
	int r = -errno;

	if (server.epoll < 0)
		return r;
	r = epoll_ctl(server.epoll, EPOLL_CTL_ADD, listener, &event) < 0
		    ? -errno
		    : server_loop(&server, listener, stop);
	while (server.conns)
		conn_free(&server, server.conns);
	close(server.epoll);
	return r;
}
