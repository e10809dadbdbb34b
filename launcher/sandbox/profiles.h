/* SPDX-License-Identifier: Apache-2.0 */
/**
 * profiles.h - the system calls that each role keeps (private to sandbox/)
 */
#ifndef MCPJAIL_SANDBOX_PROFILES_H
#define MCPJAIL_SANDBOX_PROFILES_H

#include "sandbox/confine.h"
#include "sandbox/seccomp.h"

/* A profile's rows are those with this bit among their sets. */
#define PROFILE_BIT(profile) (1u << (profile))

extern const struct seccomp_table profiles_table;

#endif
