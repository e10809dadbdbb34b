/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/tier_b/tier_b_internal.h - the parts of tier B (private to jail/)
 *
 *	tier_b.c        what is made and tried before the jail is; the start
 *	tier_b_check.c  what only mounts could have protected
 *	tier_b_dir.c    the run's own directory
 *	tier_b_files.c  files, as Landlock domains
 *	tier_b_init.c   what init does instead of namespaces and mounts
 *	tier_b_selftest.c  whether it holds
 */
#ifndef MCPJAIL_JAIL_TIER_B_INTERNAL_H
#define MCPJAIL_JAIL_TIER_B_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "jail/env.h"
#include "jail/files/layout.h"

#define TIER_B_DIR_BYTES  64
#define TIER_B_PATH_BYTES (2 * TIER_B_DIR_BYTES) /* of what lies in it */
#define TIER_B_JAVA_BYTES 512                    /* of JAVA_TOOL_OPTIONS */

/*
 * Within the run's own directory: "run/mcpjail", with files by which programs trust the CA; and
 * "tmp", the agent's.
 */
#define TIER_B_CA     "run/mcpjail/ca.pem"
#define TIER_B_BUNDLE "run/mcpjail/ca-bundle.pem"
#define TIER_B_JAVA   "run/mcpjail/java.p12"
#define TIER_B_WGETRC "run/mcpjail/wgetrc"

/* A proxy for programs whose resolver does not take the answers of ours (RFC 2544's range). */
#define TIER_B_PROXY_URL "http://198.19.255.2:3128"
#define TIER_B_NO_PROXY  "localhost,127.0.0.1,::1"

struct tier_b {
	struct layout layout;
	char dir[TIER_B_DIR_BYTES]; /* canonical; "": none yet */
	int pty_master, pty_slave;  /* -1: none wanted */
};

/** tier_b_path() - The path of what lies in the run's own directory */
static inline void tier_b_path(const struct tier_b *b, const char *name,
			       char ret[TIER_B_PATH_BYTES])
{
	snprintf(ret, TIER_B_PATH_BYTES, "%s/%s", b->dir, name);
}

/** tier_b_make_dir() - With all that will be in "run"; fills b->dir. Return: 0; -errno, @err filled
 */
int tier_b_make_dir(struct tier_b *b, struct error *err);
void tier_b_remove_dir(const struct tier_b *b);

/* Those in it that init writes, and nobody makes any more; NULL-terminated. */
extern const char *const tier_b_files_of_init[];

/** tier_b_is_whole() - Whether a tree is permitted by a rule of its own, with all below */
static inline bool tier_b_is_whole(const struct layout_tree *tree)
{
	return tree->writable || tree->in_scratch;
}

/** tier_b_check() - Refuse what cannot be protected here. Return: 0; -errno with @err filled */
int tier_b_check(const struct layout *layout, struct error *err);

/**
 * tier_b_confine() - The domain of broker, init and agent
 *
 * Reading is permitted everywhere but in what the layout hides and the jail of tier A
 * replaces, by rules for all that lies beside those: Landlock has none that take away. What is
 * made later in a directory that holds something hidden can therefore not be read. Names can be
 * listed everywhere.
 *
 * Return: 0; -errno with @err filled
 */
int tier_b_confine(const struct tier_b *b, struct error *err);

/** tier_b_confine_agent() - The agent's own, within it; after no_new_privs, before the filter */
int tier_b_confine_agent(const struct tier_b *b, struct error *err);

/** tier_b_selftest() - Tries what the agent must not be able to do. Return: 0; -errno */
int tier_b_selftest(const struct tier_b *b, struct error *err);

/* The names of the run's own files. */
struct tier_b_names {
	char ca[TIER_B_PATH_BYTES], bundle[TIER_B_PATH_BYTES], tmp[TIER_B_PATH_BYTES];
	char wgetrc[TIER_B_PATH_BYTES], java[TIER_B_JAVA_BYTES];
};

/**
 * tier_b_fill_env() - What the agent's environment says otherwise than in tier A
 * @names: Where @facts' strings are kept
 */
void tier_b_fill_env(const struct tier_b *b, struct tier_b_names *names, struct env_facts *facts);

/* What init needs in place of the network and the mounts of tier A. */
struct tier_b_sockets {
	int tcp, tcp6; /* the proxy's listeners on the loopback; tcp6 is -1 without IPv6 */
	int pidfd;     /* init's own */
};

#define TIER_B_SOCKETS_NONE ((struct tier_b_sockets){-1, -1, -1})

int tier_b_open_sockets(struct tier_b_sockets *ret, struct error *err);
void tier_b_close_sockets(struct tier_b_sockets *sockets);

#endif
