/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fake/lib/server.h - an HTTP server over TLS on one epoll loop
 */
#ifndef MCPJAIL_TESTS_FAKE_SERVER_H
#define MCPJAIL_TESTS_FAKE_SERVER_H

#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>

#include "http.h"

struct server_config {
	SSL_CTX *tls; /* NULL: plain HTTP */
	void (*answer)(void *service, const struct http_request *request,
		       struct http_reply *ret_reply);
	void *service;
};

/** server_listen() - Listen on a loopback address. Return: the socket, or -errno */
int server_listen(const char *address, uint16_t port, uint16_t *ret_port);

/**
 * server_run() - Serve until *@stop
 *
 * Requests of one connection are answered in order; a delayed answer holds its
 * own connection only.
 *
 * Return: 0; -errno
 */
int server_run(int listener, const struct server_config *config, const volatile sig_atomic_t *stop);

#endif
