/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/trust_files.h - make the programs in the jail trust the run's CA
 *
 * Two files, named in the environment (jail/env.h): the CA alone, and the system's bundle
 * with the CA behind it. The second also takes the place of the system's bundle.
 */
#ifndef MCPJAIL_JAIL_TRUST_FILES_H
#define MCPJAIL_JAIL_TRUST_FILES_H

#include "base/error.h"
#include "ipc/messages.h"

#define TRUST_CA_PATH     "/run/mcpjail/ca.pem"
#define TRUST_BUNDLE_PATH "/run/mcpjail/ca-bundle.pem"

/**
 * trust_files_prepare() - Copy the system's bundle, before the CA is known
 *
 * Return: 0; -errno with @err filled
 */
int trust_files_prepare(int scratch_fd, struct error *err);

/**
 * trust_files_write() - After trust_files_prepare(): complete both files, and mount the directory
 * of certificates
 * @scratch_fd: The jail's tmpfs, lying on /run; has directories "run/mcpjail" and "certs"
 *
 * Return: 0; -errno with @err filled
 */
int trust_files_write(const struct msg_trust *trust, int scratch_fd, struct error *err);

/**
 * trust_files_mount() - Mount the bundle over the files that other systems look for
 *
 * To be called when TRUST_BUNDLE_PATH has its place.
 *
 * Return: 0; -errno with @err filled
 */
int trust_files_mount(struct error *err);

#endif
