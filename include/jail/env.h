/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/env.h - the agent's environment
 *
 * The caller's, with these differences:
 *	set      MCPJAIL=1, MCPJAIL_RUN, PWD, and the variables by which programs are told
 *		 of certificates to trust
 *	set      TMPDIR, TMP, TEMP to /tmp where they were set: what they named is not there
 *	removed  proxies: every connection is captured as it is, and a proxy at the host's
 *		 loopback is out of reach; sockets and directories of the session (ssh and
 *		 D-Bus agents, the runtime directory), which the jail hides
 */
#ifndef MCPJAIL_JAIL_ENV_H
#define MCPJAIL_JAIL_ENV_H

struct env_facts {
	const char *ca_path;     /* the run's CA alone */
	const char *bundle_path; /* the system's bundle and the run's CA */
	const char *run_id;
	const char *cwd;
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

#endif
