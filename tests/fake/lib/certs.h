/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fake/lib/certs.h - a test server's own CA and certificate, made at start
 */
#ifndef MCPJAIL_TESTS_FAKE_CERTS_H
#define MCPJAIL_TESTS_FAKE_CERTS_H

#include <openssl/ssl.h>
#include <stddef.h>

/**
 * certs_make_server() - A TLS context with a fresh leaf under a fresh CA
 * @names:   DNS names or IP addresses for the leaf
 * @ca_path: Where the CA's PEM goes; NULL: nowhere
 *
 * Return: 0; -errno; -EIO when OpenSSL fails
 */
int certs_make_server(const char *const *names, size_t n_names, const char *ca_path,
		      SSL_CTX **ret_tls);

/** certs_load_server() - A TLS context from PEM files. Return: 0; -EIO */
int certs_load_server(const char *cert_path, const char *key_path, SSL_CTX **ret_tls);

#endif
