/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/crypto.h - how a role begins with OpenSSL, and a hash that needs no beginning
 *
 * What OpenSSL does by itself on its first use suits programs that load code at run time:
 * a configuration file, tables of every cipher by name, a random generator of its own with
 * the look-ups that needs. Here it costs more than all that a role asks of it.
 */
#ifndef MCPJAIL_BASE_CRYPTO_H
#define MCPJAIL_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SHA256_BYTES 32

/**
 * crypto_init() - To be called first, once, by a role that uses OpenSSL
 * @for_tls: Certificates are going to be judged, which asks for digests by number, and
 *	     ERR_reason_error_string() be asked
 *
 * No file is read, then or later: randomness is the kernel's, by getrandom(2). Nothing is
 * tidied at exit.
 *
 * Return: 0; -EIO
 */
int crypto_init(bool for_tls);

/** crypto_sha256() - Of @n bytes. Needs no crypto_init() */
void crypto_sha256(const void *bytes, size_t n, uint8_t ret[CRYPTO_SHA256_BYTES]);

#endif
