/* SPDX-License-Identifier: Apache-2.0 */
/**
 * trust/ca.h - the certification authority of one run
 *
 * Its key is made at the start of a run, stays in the keeper's memory, and dies with it.
 * What it signs is worth something only inside the run's jail, where it is trusted.
 */
#ifndef MCPJAIL_TRUST_CA_H
#define MCPJAIL_TRUST_CA_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define CA_SPKI_BYTES  91   /* of every P-256 SubjectPublicKeyInfo with an uncompressed point */
#define CA_BACKDATED_S 3600 /* for clocks that are behind */
#define CA_VALID_S     (30 * 86400)
#define CA_PEM_MAX     4096
#define CA_LEAF_MAX    4096 /* bytes of a certificate */

struct ca;

/**
 * ca_new() - A fresh ECDSA P-256 key and its self-signed certificate
 * @name: Goes into the subject, so that a person can tell runs apart; at most 40 bytes
 *
 * Return: 0; -ENOMEM; -EIO if OpenSSL will not
 */
int ca_new(const char *name, struct ca **ret);

/** ca_free() - Wipes the key. NULL is fine */
void ca_free(struct ca *ca);

/** ca_pem() - The certificate, for trust stores. Return: 0; -errno */
int ca_pem(const struct ca *ca, struct buf *ret_pem);

/** ca_subject_hash() - Names the certificate's file in a hashed directory (openssl-rehash) */
uint32_t ca_subject_hash(const struct ca *ca);

/**
 * ca_sign_leaf() - Certify a server's key for one host
 * @host: DNS name in lower case without wildcard, or an IPv4 or IPv6
 *	  literal without brackets; the only subjectAltName
 * @spki: P-256 only, CA_SPKI_BYTES
 * @ret_der: Appended to
 *
 * Return: 0; -EINVAL for a host or key that is not of that form; -EMSGSIZE; -ENOMEM; -EIO
 */
int ca_sign_leaf(struct ca *ca, struct span host, struct span spki, struct buf *ret_der);

#endif
