/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/secret.h - random keys that outlive a run, in the state directory
 */
#ifndef MCPJAIL_STATE_SECRET_H
#define MCPJAIL_STATE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#define SECRET_BYTES 32

/**
 * secret_load() - Read a secret, making it, 0600, the first time it is asked for
 *
 * Any number of processes may do so at once and get the same.
 *
 * Return: 0; -EPERM if another user owns it or may read it; -errno
 */
int secret_load(int state_dirfd, const char *name, uint8_t ret[SECRET_BYTES]);

#endif
