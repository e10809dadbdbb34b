/* SPDX-License-Identifier: Apache-2.0 */
/**
 * role_policy.h - a policy that reaches a role while it serves
 */
#ifndef MCPJAIL_ROLES_ROLE_POLICY_H
#define MCPJAIL_ROLES_ROLE_POLICY_H

#include "base/buf.h"
#include "ipc/channel.h"
#include "policy/policy.h"

/**
 * role_policy_text() - The bytes of a policy's memfd, by calls that a confined role may make
 *
 * The position is left alone: the memfd's other holders share it.
 *
 * Return: 0; -EFBIG; -ENOMEM; -errno
 */
int role_policy_text(int fd, struct buf *ret);

/**
 * role_policy_load() - Read and load it
 * @err: Filled with the first of its errors
 *
 * Return: 0; -EINVAL; -errno
 */
int role_policy_load(int fd, struct policy **ret, struct error *err);

/** role_policy_answer() - Tell the supervisor whether it was taken: @r, and @err if it says more */
int role_policy_answer(struct channel *supervisor, enum message_type type, int r,
		       const struct error *err);

#endif
