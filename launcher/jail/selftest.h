/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/selftest.h - does the jail hold? Tried from inside, each time, before it is used
 */
#ifndef MCPJAIL_JAIL_SELFTEST_H
#define MCPJAIL_JAIL_SELFTEST_H

#include "base/error.h"
#include "jail/files/layout.h"
#include "jail/net/netns.h"

/**
 * selftest_network() - TCP, DNS and other datagrams go where they must
 *
 * To be called in init before anybody else reads from @net's sockets; leaves them empty.
 *
 * Return: 0; -errno with @err filled
 */
int selftest_network(const struct netns *net, struct error *err);

/**
 * selftest_mounts() - Nothing is mounted writable but what the layout says, and /run; nothing
 * shows the host's kernel
 *
 * /run is in use until mounts_finish(); selftest_files() sees to it.
 *
 * Return: 0; -errno with @err filled
 */
int selftest_mounts(const struct layout *layout, struct error *err);

/**
 * selftest_files() - Nothing can be written or seen that must not be; /proc is the jail's own
 *
 * To be called in init, with its mounts finished and its privileges dropped.
 *
 * Return: 0; -errno with @err filled
 */
int selftest_files(const struct layout *layout, struct error *err);

/**
 * selftest_agent() - The agent's process, right before exec, can do nothing it must not
 *
 * Return: 0; -errno with @err filled
 */
int selftest_agent(const struct layout *layout, struct error *err);

/** selftest_calls() - Of that, what is the same in tier B: the filter. Return: 0; -errno */
int selftest_calls(struct error *err);

/** selftest_broken() - Fill @err: @where does not hold, because of @what. Return: -EPERM */
int selftest_broken(struct error *err, const char *what, const char *where);

#endif
