/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/trust_files.h - make the programs in the jail trust the run's CA
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

/** struct trust_system - What the system's own bundle brings, in memory */
struct trust_system {
	struct buf pem;  /* the bundle; empty: there is none */
	struct buf java; /* what is ready of the key store for Java */
	bool wants_java;
};

#define TRUST_BUNDLE_MAX (16 << 20) /* bytes of the system's bundle that are taken over */

#define TRUST_SYSTEM_INIT(wants_java)                                                              \
	((struct trust_system){BUF_INIT(TRUST_BUNDLE_MAX), BUF_INIT(JAVA_STORE_MAX), (wants_java)})

void trust_system_free(struct trust_system *system);

/** trust_system_open() - The system's bundle, to be read from. Return: a descriptor; -1: none */
int trust_system_open(void);

/**
 * trust_system_read() - Read it, and begin the key store for Java if that is wanted
 * @bundle_fd: From trust_system_open()
 * @ret:       TRUST_SYSTEM_INIT to begin with
 *
 * Touches nothing else: it may run beside whatever mounts.
 *
 * Return: 0; -errno with @err filled
 */
int trust_system_read(int bundle_fd, struct trust_system *ret, struct error *err);

/**
 * trust_files_prepare() - Write the system's bundle, before the CA is known
 * @scratch_fd: The jail's tmpfs, lying on /run; has a directory "run/mcpjail"
 *
 * Return: 0; -errno with @err filled
 */
int trust_files_prepare(int scratch_fd, const struct trust_system *system, struct error *err);

/**
 * trust_files_write() - After trust_files_prepare(): complete the files, and cover the directories
 * that programs look in (jail/files/trust_places.h)
 * @system: As trust_system_read() left it
 *
 * Return: 0; -errno with @err filled
 */
int trust_files_write(const struct msg_trust *trust, const struct layout *layout, int scratch_fd,
		      struct trust_system *system, struct error *err);

/**
 * trust_files_fill() - As trust_files_write(), without mounting anything
 *
 * Return: 0; -errno with @err filled
 */
int trust_files_fill(const struct msg_trust *trust, int scratch_fd, struct trust_system *system,
		     struct error *err);

#endif
