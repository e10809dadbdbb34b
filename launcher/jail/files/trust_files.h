/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/trust_files.h - make the programs in the jail trust the run's CA
 *
 * Two files, named in the environment (jail/env.h): the CA alone, and the system's bundle
 * with the CA behind it. The second also takes the place of the system's bundle. Where Java
 * is there a third: the same certificates in a key store (trust/java_store.h).
 */
#ifndef MCPJAIL_JAIL_TRUST_FILES_H
#define MCPJAIL_JAIL_TRUST_FILES_H

#include "base/buf.h"
#include "base/error.h"
#include "ipc/messages.h"
#include "jail/files/layout.h"

#define TRUST_CA_PATH     "/run/mcpjail/ca.pem"
#define TRUST_BUNDLE_PATH "/run/mcpjail/ca-bundle.pem"
#define TRUST_JAVA_PATH   "/run/mcpjail/java.p12"

/* What JAVA_TOOL_OPTIONS says. The store has no password: some programs insist on giving one. */
#define TRUST_JAVA_OPTIONS_FOR(path)                                                               \
	"-Djavax.net.ssl.trustStore=" path " -Djavax.net.ssl.trustStoreType=PKCS12 "               \
	"-Djavax.net.ssl.trustStorePassword=changeit"
#define TRUST_JAVA_OPTIONS TRUST_JAVA_OPTIONS_FOR(TRUST_JAVA_PATH)

/**
 * trust_files_prepare() - Copy the system's bundle, before the CA is known
 * @java: For trust_files_write(): bound by JAVA_STORE_MAX; NULL: no store for Java is wanted
 *
 * Return: 0; -errno with @err filled
 */
int trust_files_prepare(int scratch_fd, struct buf *java, struct error *err);

/**
 * trust_files_write() - After trust_files_prepare(): complete the files, and cover the directories
 * that programs look in (jail/trust_places.h)
 * @scratch_fd: The jail's tmpfs, lying on /run; has a directory "run/mcpjail"
 * @java:       As trust_files_prepare() left it; NULL if it was
 *
 * Return: 0; -errno with @err filled
 */
int trust_files_write(const struct msg_trust *trust, const struct layout *layout, int scratch_fd,
		      struct buf *java, struct error *err);

/**
 * trust_files_fill() - As trust_files_write(), without mounting anything
 *
 * Return: 0; -errno with @err filled
 */
int trust_files_fill(const struct msg_trust *trust, int scratch_fd, struct buf *java,
		     struct error *err);

#endif
