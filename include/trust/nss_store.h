/* SPDX-License-Identifier: Apache-2.0 */
/**
 * trust/nss_store.h - a certificate to trust, as NSS wants it: databases
 *
 * Chromium and its relatives take the certificates that a person trusts beside their own list
 * from a directory with NSS's database (`sql:` form: SQLite, one table, a column for each PKCS #11
 * attribute). There is no file of plain certificates that they would read.
 */
#ifndef MCPJAIL_TRUST_NSS_STORE_H
#define MCPJAIL_TRUST_NSS_STORE_H

#include "base/buf.h"
#include "base/span.h"

#define NSS_STORE_CERTIFICATES "cert9.db" /* names in the directory */
#define NSS_STORE_KEYS         "key4.db"
#define NSS_STORE_BYTES        12288 /* at most, of each */

/**
 * nss_store_make() - The database that trusts one certificate for servers
 * @pem: One certificate of at most some 3 kB
 * @ret: Bound by NSS_STORE_BYTES; appended to
 *
 * Chromium opens it only where it may write, too.
 *
 * Return: 0; -EBADMSG if that is no certificate; -EMSGSIZE if it is too long; -ENOMEM
 */
int nss_store_make(struct span pem, struct buf *ret);

/** nss_store_make_keys() - A database of no keys, without which nobody opens the other to read */
int nss_store_make_keys(struct buf *ret);

#endif
