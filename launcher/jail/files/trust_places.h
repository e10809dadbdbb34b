/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/trust_places.h - show the run's CA wherever programs look for certificates
 */
#ifndef MCPJAIL_JAIL_TRUST_PLACES_H
#define MCPJAIL_JAIL_TRUST_PLACES_H

#include "base/error.h"
#include "ipc/messages.h"
#include "jail/files/layout.h"

/**
 * trust_places_cover() - Cover the directories: certificates by hash, p11-kit's anchors, browsers'
 * policies, NSS's databases
 * @scratch_fd: The jail's tmpfs, lying on /run
 *
 * Return: 0; -errno with @err filled
 */
int trust_places_cover(const struct msg_trust *trust, const struct layout *layout, int scratch_fd,
		       struct error *err);

/**
 * trust_places_mount_bundles() - Mount the bundle over the files that other systems look for
 *
 * To be called when TRUST_BUNDLE_PATH has its place.
 *
 * Return: 0; -errno with @err filled
 */
int trust_places_mount_bundles(struct error *err);

#endif
