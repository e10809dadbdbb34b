/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/trust_store.h - the system's root certificates, decoded only when a chain needs one
 *
 * A role that is confined cannot open files, and parsing a whole bundle costs tens of
 * milliseconds. So the bundle's text is read at start, cut into DER at leisure, and a
 * root becomes an X509 when the verification of some chain asks for its subject.
 */
#ifndef MCPJAIL_PROXY_TRUST_STORE_H
#define MCPJAIL_PROXY_TRUST_STORE_H

#include <openssl/types.h>
#include <stddef.h>

#include "base/error.h"

#define TRUST_BUNDLE_MAX  (4 * 1024 * 1024) /* bytes of PEM */
#define TRUST_AT_ONCE_MAX (32 * 1024)       /* of PEM that is parsed at once: some 20 roots */
#define TRUST_ROOTS_MAX   2048              /* of all texts together */
#define TRUST_TEXTS_MAX   4

struct trust_store;

/** trust_store_new() - An empty store. Return: 0; -ENOMEM */
int trust_store_new(struct trust_store **ret);
void trust_store_free(struct trust_store *ts);

/**
 * trust_store_load_system() - Open the system's bundle; trust_store_index() reads it
 *
 * SSL_CERT_FILE is not looked at, since the environment of a role is empty. The file that
 * the caller's names comes by trust_store_add_roots(), and counts beside the system's
 * bundle; OpenSSL would take it in the bundle's place.
 *
 * Return: 0; -ENOENT if there is no bundle at any of the usual places; -errno
 */
int trust_store_load_system(struct trust_store *ts, struct error *err);

/**
 * trust_store_load_text() - As trust_store_load_system(), from memory
 *
 * Beside what was loaded before; a text that was loaded already is left out.
 *
 * Return: 0; -EMSGSIZE; -E2BIG beyond TRUST_TEXTS_MAX; -ENOMEM
 */
int trust_store_load_text(struct trust_store *ts, const void *pem, size_t n);

/**
 * trust_store_add_roots() - Add every certificate of a PEM file
 * @fd: Read from its beginning to its end; not closed
 *
 * A file of up to TRUST_AT_ONCE_MAX bytes, which a person may have made, is parsed at once:
 * what is broken in it is told. A larger one is a bundle, and loaded as the system's.
 *
 * Return: 0; -EINVAL if there is no certificate, or one of a small file is broken; -errno
 */
int trust_store_add_roots(struct trust_store *ts, int fd, struct error *err);

/**
 * trust_store_index() - Cut the texts into DER, so that the first verification need not
 *
 * Done by the first look-up otherwise. Blocks that are not certificates are skipped.
 *
 * Return: how many roots the texts held
 */
size_t trust_store_index(struct trust_store *ts);

/** trust_store_attach() - Let @ctx verify against this store, which must outlive it. Return: 0;
 * -ENOMEM */
int trust_store_attach(struct trust_store *ts, SSL_CTX *ctx);

#endif
