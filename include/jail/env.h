/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/env.h - the agent's environment
 *
 * The caller's, with these differences; what comes first wins:
 *	ours	 MCPJAIL=1, MCPJAIL_RUN, PWD, and the variables by which programs are told of
 *		 certificates to trust: no policy changes them
 *	set	 the policy's `set`, whatever the caller's environment says
 *	unset	 the policy's `unset`
 *	reaching what loads code into every program (LD_*), leads to a proxy, names a socket or
 *	out	 directory of the session, or a file by which a CI runner takes commands: kept
 *		 from the agent unless `pass` has the exact name
 *	secret	 what looks like a credential, by its name or its value: withheld unless `pass`
 *		 has it, by name or by pattern
 *	moved	 TMPDIR, TMP, TEMP are /tmp where they were set: what they named is not there; with
 *		 a tmp_path they are always that
 *	places	 where Chromium, Go and npm keep what they cannot do without: below /tmp (or the
 *		 tmp_path), if it is named nowhere and the one in the home is not writable
 */
#ifndef MCPJAIL_JAIL_ENV_H
#define MCPJAIL_JAIL_ENV_H

#include <stddef.h>

#include "base/span.h"
#include "jail/jail.h"

struct layout;

struct env_facts {
	const struct jail_spec *spec; /* its pass_env, unset_env, set_env, run_id */
	const char *ca_path;          /* the run's CA alone */
	const char *bundle_path;      /* the system's bundle and the run's CA */
	const char *java_options;     /* added to the caller's JAVA_TOOL_OPTIONS; NULL: none */
	const char *cwd;
	const struct layout *layout; /* jail/files/layout.h: what is writable; NULL: nothing */
	/* Where the machine's own network and files are the agent's; NULL: neither is */
	const char *tmp_path;    /* a directory of its own for temporary files */
	const char *wgetrc_path; /* in place of the system's wgetrc, which names no certificates */
	const char *proxy_url;   /* for programs that cannot resolve names */
	const char *no_proxy;
};

/**
 * env_build() - Make the agent's environment
 * @base:    NULL-terminated "NAME=value" strings; not changed
 * @ret_env: NULL-terminated, to be freed by env_free(). Each name once; without @base's
 *	     strings that have no "="
 *
 * Return: 0; -ENOMEM
 */
int env_build(char *const *base, const struct env_facts *facts, char ***ret_env);

void env_free(char **env);

/**
 * env_withheld() - Credentials of the caller that the agent does not get
 * @base:      NULL-terminated "NAME=value" strings
 * @spec:      Its pass_env, unset_env and set_env: what they name is not counted
 * @ret_names: Up to @max names, borrowed from @base, which hold on to no value: each ends
 *	       where the name does, so that none can be printed by mistake
 *
 * What is kept from the agent because it reaches out is not counted.
 *
 * Return: how many there are, be it more than @max
 */
size_t env_withheld(char *const *base, const struct jail_spec *spec, struct span *ret_names,
		    size_t max);

/**
 * env_command_files() - Files by which a CI runner takes commands from the steps of a job
 * @ret_paths: Up to @max absolute paths, borrowed from @base
 *
 * Return: how many were filled in
 */
size_t env_command_files(char *const *base, const char **ret_paths, size_t max);

#endif
