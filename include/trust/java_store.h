/* SPDX-License-Identifier: Apache-2.0 */
/**
 * trust/java_store.h - certificates to trust, as Java wants them: a PKCS12 key store
 *
 * Java reads no PEM bundle. It takes from a PKCS12 file (RFC 7292) the certificates that
 * carry the attribute trustedKeyUsage (2.16.840.1.113894.746875.1.1, Java's own).
 *
 * Nothing in the store is secret, and the jail shows it read-only: it is neither encrypted
 * nor authenticated. Java from 8 on reads such a store with any password and with none.
 */
#ifndef MCPJAIL_TRUST_JAVA_STORE_H
#define MCPJAIL_TRUST_JAVA_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define JAVA_STORE_MAX      (16 << 20) /* bytes of a store: of the buffer for java_store_add() */
#define JAVA_STORE_HEAD_MAX 80         /* bytes before the entries */
#define JAVA_STORE_NAME_MAX 32

/**
 * java_store_add() - Append an entry for each certificate of a PEM text
 * @entries: Bound by JAVA_STORE_MAX
 * @name:    Alias of the entries in lower-case ASCII, at most JAVA_STORE_NAME_MAX bytes, for a
 *	     text of one certificate; NULL: Java numbers them
 *
 * What is no certificate by its outer form is left out: Java would refuse the whole store.
 *
 * Return: 0; -EMSGSIZE beyond the buffer's bound; -EINVAL for @name; -ENOMEM
 */
int java_store_add(struct buf *entries, struct span pem, const char *name);

/**
 * java_store_head() - What stands before @n_entries bytes of entries; the store is the two
 * @ret_head: JAVA_STORE_HEAD_MAX bytes
 *
 * Return: bytes in @ret_head
 */
size_t java_store_head(size_t n_entries, uint8_t *ret_head);

/**
 * java_is_installed() - Whether programs started with this environment may use Java
 * @path:      $PATH; NULL: not set
 * @java_home: $JAVA_HOME; NULL: not set
 */
bool java_is_installed(const char *path, const char *java_home);

#endif
