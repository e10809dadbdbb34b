/* SPDX-License-Identifier: Apache-2.0 */
/**
 * tls_internal.h - what tls.c and tls_stream.c share
 */
#ifndef MCPJAIL_LAUNCHER_PROXY_TLS_INTERNAL_H
#define MCPJAIL_LAUNCHER_PROXY_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include "proxy/tls.h"

struct tls_server {
	SSL_CTX *ctx;
	struct certs *certs; /* borrowed */
	BIO_METHOD *bio;
};

struct tls_client {
	SSL_CTX *ctx;
	BIO_METHOD *bio;
};

/** tls_stream_bio_method() - A BIO that reads a stream's early bytes, then its socket */
BIO_METHOD *tls_stream_bio_method(void);

#endif
