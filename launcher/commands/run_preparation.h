/* SPDX-License-Identifier: Apache-2.0 */
/**
 * run_preparation.h - what a run needs, gathered before anything of it is started
 *
 * Every prepare_…() returns 0 or -errno, with @err filled where that says more than the number;
 * what it acquired by then is released by preparation_free().
 */
#ifndef MCPJAIL_COMMANDS_RUN_PREPARATION_H
#define MCPJAIL_COMMANDS_RUN_PREPARATION_H

#include <limits.h>
#include <sys/stat.h>

#include "caller_proxy.h"
#include "commands/options.h"
#include "policy/policy.h"
#include "roles/supervisor.h"
#include "roles/terminal.h"
#include "state/places.h"

#define PRESET_NAMES_MAX 256 /* bytes of a list of presets' names */

struct preparation {
	/* run_policy.c */
	bool is_rereading;              /* errors are not said: the first goes to @err */
	char policy_path[PATH_MAX];     /* "": built in */
	struct policy *policy;          /* in force, what the options add included */
	char presets[PRESET_NAMES_MAX]; /* that it takes in: "claude-code, github" */
	int policy_fd;                  /* its text, sealed */
	/* run_network.c */
	int root_fds[IPC_ROOTS_MAX]; /* extra roots for upstream */
	struct caller_proxy proxy;
	struct msg_dialer_config dialer;
	/* run_plan.c */
	char cwd[PATH_MAX], home[PATH_MAX], config_dir[PATH_MAX];
	char policy_name[2 * PATH_MAX]; /* as it was given, made absolute: links on its way count */
	struct stat run_stat;
	struct place run, state;
	char run_id[PLACES_RUN_ID_BYTES];
	char *write_dirs[JAIL_WRITE_DIRS_MAX];
	char **set_env; /* "NAME=value" */
	size_t n_set_env;
	/* run.c */
	int summary_fd;
	struct stdio_plan stdio;
	struct relay relay;
};

/**
 * prepare_policy() - The policy in force, with what the options and the command's name add
 *
 * What is added is in the text that is sealed, so that roles, ledger and run directory see
 * one policy. Says which policy it is, and which preset was found by name.
 */
int prepare_policy(const struct run_options *o, struct preparation *p, struct error *err);

/* For reread_policy(); both must outlive the run. */
struct rereading {
	const struct run_options *options;
	const struct preparation *preparation; /* what the run was started with */
};

/** reread_policy() - struct supervisor_plan's read_policy; @arg: a struct rereading */
int reread_policy(void *arg, char *ret_path, int *ret_fd, struct error *err);

/** prepare_network() - --connect-to, --upstream-ca; the caller's HTTPS_PROXY, SSL_CERT_FILE */
int prepare_network(const struct run_options *o, struct preparation *p, struct error *err);

/** prepare_places() - Working directory, run directory, state, --write, the policy's environment */
int prepare_places(const struct run_options *o, struct preparation *p, struct error *err);

/**
 * plan_of() - What the supervisor is to do; borrows from both
 *
 * Says what the agent may not write, and which credentials it does not get.
 */
struct supervisor_plan plan_of(const struct run_options *o, struct preparation *p);

#endif
