// SPDX-License-Identifier: Apache-2.0
/*
 * The server that the runtimes talk to: TLS at a port of 127.0.0.1, with a certificate of an
 * authority made for it, which only the proxy of the doctor's own jails is told to trust. A
 * runtime sees the proxy's certificate; a request that arrives here was sent by a runtime
 * that trusts it.
 *
 * One connection after the other, each with a time limit. Every request is answered with
 * the same page, which git takes for a list of references.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "commands/doctor_parts.h"
#include "trust/ca.h"

#define REQUEST_MAX   16384
#define CONNECTION_S  5
#define PAGE          "0123456789012345678901234567890123456789\trefs/heads/mcpjail-doctor\n"
#define SEEN_MAX      65536
#define SEEN_PATH_MAX 200

/* --- certificates -------------------------------------------------------------------------- */

static void ca_cleanup(struct ca **ca)
{
	ca_free(*ca);
}

static void key_cleanup(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void context_cleanup(SSL_CTX **context)
{
	SSL_CTX_free(*context);
}

static int write_ca(const struct ca *ca, const char *path)
{
	autobuf struct buf pem = BUF_INIT(CA_PEM_MAX);
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : ca_pem(ca, &pem);

	return r ? r : io_write_all(fd, pem.data, pem.len);
}

static int make_context(struct ca *ca, SSL_CTX **ret)
{
	__attribute__((cleanup(key_cleanup))) EVP_PKEY *key = EVP_EC_gen("P-256");
	__attribute__((cleanup(context_cleanup))) SSL_CTX *context =
		SSL_CTX_new(TLS_server_method());
	autobuf struct buf leaf = BUF_INIT(CA_LEAF_MAX);
	uint8_t spki[CA_SPKI_BYTES], *at = spki;
	int r;

	if (!key || !context || i2d_PUBKEY(key, NULL) != CA_SPKI_BYTES)
		return -EIO;
	i2d_PUBKEY(key, &at);
	r = ca_sign_leaf(ca, span_of(DOCTOR_HOST), span_bytes(spki, sizeof(spki)), &leaf);
	if (r)
		return r;
	if (SSL_CTX_use_certificate_ASN1(context, (int)leaf.len, leaf.data) != 1 ||
	    SSL_CTX_use_PrivateKey(context, key) != 1)
		return -EIO;
	*ret = ptr_take(&context);
	return 0;
}

/* --- serving ------------------------------------------------------------------------------ */

/* Up to the empty line behind the head. A body, which no runtime here sends, is not read. */
static bool read_head(SSL *ssl, char *ret, size_t size)
{
	size_t n = 0;

	while (n < size - 1) {
		int got = SSL_read(ssl, ret + n, (int)(size - 1 - n));

		if (got <= 0)
			return false;
		n += (size_t)got;
		ret[n] = '\0';
		if (strstr(ret, "\r\n\r\n"))
			return true;
	}
	return false;
}

/* The path, as a line: what reads it matches it, and nothing else. */
static void report(const char *head, int seen_fd)
{
	const char *path = strchr(head, ' ');
	char line[SEEN_PATH_MAX + 2];
	int n;

	if (!path)
		return;
	path++;
	n = snprintf(line, sizeof(line), "%.*s\n", (int)strcspn(path, " ?\r\n"), path);
	if (n > 0 && n < (int)sizeof(line) && write(seen_fd, line, (size_t)n) < 0)
		_exit(1);
}

static void serve_one(SSL_CTX *context, int fd, int seen_fd)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
				     "Connection: close\r\nContent-Length: ";
	const struct timeval limit = {CONNECTION_S, 0};
	char head[REQUEST_MAX], page[512];
	SSL *ssl = SSL_new(context);
	int n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 &&
	    read_head(ssl, head, sizeof(head))) {
		report(head, seen_fd);
		n = snprintf(page, sizeof(page), "%s%zu\r\n\r\n%s", answer, strlen(PAGE), PAGE);
		if (SSL_write(ssl, page, n) == n)
			SSL_shutdown(ssl);
	}
	SSL_free(ssl);
}

static _Noreturn void serve(SSL_CTX *context, int listener, int seen_fd)
{
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		autoclose int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			serve_one(context, fd, seen_fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			_exit(1);
	}
}

/* --- start and end -------------------------------------------------------------------------- */

static int listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(address);
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 64) ||
	    getsockname(fd, (struct sockaddr *)&address, &n))
		return -errno;
	*ret_port = ntohs(address.sin_port);
	return fd_take(&fd);
}

int doctor_server_start(const struct doctor_place *place, struct doctor_server *ret)
{
	__attribute__((cleanup(ca_cleanup))) struct ca *ca = NULL;
	__attribute__((cleanup(context_cleanup))) SSL_CTX *context = NULL;
	struct doctor_server server = {.seen_fd = -1};
	autoclose int listener = -1, seen_in = -1, seen_out = -1;
	pid_t parent = getpid();
	int pair[2], r;

	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	snprintf(server.ca_path, sizeof(server.ca_path), "%s/ca.pem", place->path);
	r = ca_new("doctor", &ca);
	if (!r)
		r = write_ca(ca, server.ca_path);
	if (!r)
		r = make_context(ca, &context);
	if (r)
		return r;
	listener = listen_on_loopback(&server.port);
	if (listener < 0)
		return listener;
	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	seen_out = pair[0];
	seen_in = pair[1];
	if (fcntl(seen_out, F_SETFL, O_NONBLOCK))
		return -errno;
	server.pid = fork();
	if (server.pid < 0)
		return -errno;
	if (!server.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		serve(context, listener, seen_in);
	}
	server.seen_fd = fd_take(&seen_out);
	*ret = server;
	return 0;
}

void doctor_server_stop(struct doctor_server *server)
{
	if (server->pid > 0) {
		kill(server->pid, SIGKILL);
		waitpid(server->pid, NULL, 0);
	}
	server->pid = 0;
	fd_close(&server->seen_fd);
}

bool doctor_server_saw(struct doctor_server *server, const char *path)
{
	char lines[SEEN_MAX];
	ssize_t n = read(server->seen_fd, lines, sizeof(lines) - 1);
	size_t length = strlen(path);

	lines[n > 0 ? n : 0] = '\0';
	for (const char *at = lines; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (!strncmp(at, path, length) && (at[length] == '\n' || at[length] == '/'))
			return true;
	return false;
}
