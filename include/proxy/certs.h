/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/certs.h - the proxy's leaf key, and the leaves that the keeper signed over it
 *
 * One key serves every host name; what differs is the certificate. The authority's key
 * is the keeper's: this cache only remembers what came back.
 */
#ifndef MCPJAIL_PROXY_CERTS_H
#define MCPJAIL_PROXY_CERTS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CERTS_MAX      512 /* leaves kept; the least recently used makes room */
#define CERTS_HOST_MAX 253 /* bytes of a name or of an address literal without brackets */
#define CERTS_SPKI_MAX 256

struct certs;

/** certs_new() - An empty cache with a fresh P-256 key. Return: 0; -ENOMEM */
int certs_new(struct certs **ret);
void certs_free(struct certs *certs);

/** certs_spki() - DER SubjectPublicKeyInfo of the key, borrowed; @ret_n is its length */
const uint8_t *certs_spki(const struct certs *certs, size_t *ret_n);

/** certs_key() - The key itself, borrowed */
EVP_PKEY *certs_key(const struct certs *certs);

/**
 * certs_add() - Remember the leaf for a host
 * @host: Lower case, not retained
 *
 * Return: 0; -EINVAL unless @der is exactly one certificate over this cache's key;
 * -ENAMETOOLONG; -ENOMEM
 */
int certs_add(struct certs *certs, const char *host, const void *der, size_t n);

/** certs_find() - The leaf for a host, borrowed until the next certs_add(); NULL if unknown */
X509 *certs_find(struct certs *certs, const char *host);

#endif
