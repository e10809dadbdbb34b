// SPDX-License-Identifier: Apache-2.0
/*
 * The places of a run, and what the supervisor is told of all that was gathered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "jail/env.h"
#include "jail/files/layout.h"
#include "policy/surroundings.h"
#include "run_preparation.h"
#include "trust/java_store.h"

#define WITHHELD_SHOWN 6  /* names of credentials; the rest is counted */
#define NAME_SHOWN     64 /* bytes of such a name */

/* Links on the way count (jail/files/layout.h): names stay as they were given. */
static int name_write_dirs(const struct run_options *o, struct preparation *p, struct error *err)
{
	for (size_t i = 0; i < o->n_write_dirs; i++) {
		const char *name = o->write_dirs[i];

		if (access(name, F_OK) < 0) {
			error_set(err, "--write", "name a directory that exists", "%s: %s", name,
				  strerror(errno));
			return -ENOENT;
		}
		if (asprintf(&p->write_dirs[i], "%s%s%s", name[0] == '/' ? "" : p->cwd,
			     name[0] == '/' ? "" : "/", name) < 0) {
			p->write_dirs[i] = NULL;
			return -ENOMEM;
		}
	}
	return 0;
}

/* An earlier agent must not have said where this run's records go. */
static int check_run_dir(const struct run_options *o, const struct preparation *p,
			 struct error *err)
{
	autofree char *path = NULL;

	if (!o->run_dir)
		return 0;
	if (asprintf(&path, "%s%s%s", o->run_dir[0] == '/' ? "" : p->cwd,
		     o->run_dir[0] == '/' ? "" : "/", o->run_dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return layout_check_links(path, places_home(), err);
}

/* The policy's `set`, as an environment has it. */
static int join_set_env(struct preparation *p)
{
	const struct policy_environment *e = policy_environment(p->policy);

	p->set_env = calloc(e->n_set ? e->n_set : 1, sizeof(*p->set_env));
	if (!p->set_env)
		return -ENOMEM;
	for (; p->n_set_env < e->n_set; p->n_set_env++)
		if (asprintf(&p->set_env[p->n_set_env], "%s=%s", e->set[p->n_set_env].name,
			     e->set[p->n_set_env].value) < 0)
			return -ENOMEM;
	return 0;
}

int prepare_places(const struct run_options *o, struct preparation *p, struct error *err)
{
	int r = join_set_env(p);

	if (r)
		return r;
	if (!getcwd(p->cwd, sizeof(p->cwd)) || p->cwd[0] != '/') {
		error_set(err, "working directory", "change to one that exists",
			  "cannot be found: %s", strerror(errno));
		return -ENOENT;
	}
	places_new_run_id(p->run_id);
	r = name_write_dirs(o, p, err);
	if (!r)
		r = check_run_dir(o, p, err);
	if (!r)
		r = places_state_dir(&p->state, err);
	if (!r)
		r = places_run_dir(o->run_dir, p->state.fd, p->run_id, &p->run, err);
	if (!r)
		r = places_config_dir(p->config_dir, err);
	if (!r && fstat(p->run.fd, &p->run_stat))
		r = -errno;
	if (!r && o->policy_path)
		snprintf(p->policy_name, sizeof(p->policy_name), "%s%s%s",
			 o->policy_path[0] == '/' ? "" : p->cwd,
			 o->policy_path[0] == '/' ? "" : "/", o->policy_path);
	return r;
}

/* What holds a home directory, `/` too, is too much to hand over because somebody stood there. */
static bool cwd_may_be_written(const char *cwd, const char *home)
{
	static const char *const private[] = {"/tmp", "/var/tmp", "/dev/shm"};

	for (size_t i = 0; i < ARRAY_SIZE(private); i++)
		if (!strcmp(cwd, private[i]))
			log_notice("%s is private in the jail: it starts empty, and what is "
				   "written there is gone at the end",
				   cwd);
	if (strcmp(cwd, "/") && !(home && path_is_within(home, cwd)))
		return true;
	log_notice("%s is not writable in the jail, because it %s; start in a project's "
		   "directory, or use --write DIR",
		   cwd,
		   !strcmp(cwd, "/")    ? "is the root"
		   : !strcmp(cwd, home) ? "is your home directory"
					: "holds your home directory");
	return false;
}

/* One line for a person whose program asks to log in, though a key is set. */
static void tell_withheld(const struct jail_spec *spec)
{
	struct span names[WITHHELD_SHOWN];
	size_t n = env_withheld(environ, spec, names, WITHHELD_SHOWN), at = 0;
	char list[WITHHELD_SHOWN * (NAME_SHOWN + sizeof(", …"))] = "", more[32] = "";

	if (!n)
		return;
	for (size_t i = 0; i < n && i < WITHHELD_SHOWN; i++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%.*s%s", i ? ", " : "",
				       (int)(names[i].n > NAME_SHOWN ? NAME_SHOWN : names[i].n),
				       names[i].p, names[i].n > NAME_SHOWN ? "…" : "");
	if (n > WITHHELD_SHOWN)
		snprintf(more, sizeof(more), " and %zu more", n - WITHHELD_SHOWN);
	log_notice("withheld from the command, as credentials: %s%s; to let one through: "
		   "--env NAME, or \"environment\":{\"pass\":[\"NAME\"]} in the policy",
		   list, more);
}

static struct jail_names names_of(struct policy_names names)
{
	return (struct jail_names){names.items, names.n};
}

static void fill_surroundings(const struct preparation *p, struct jail_spec *spec)
{
	const struct policy_environment *e = policy_environment(p->policy);
	const struct policy_filesystem *f = policy_filesystem(p->policy);

	spec->read_paths = names_of(f->read);
	spec->write_paths = names_of(f->write);
	spec->hide_paths = names_of(f->hide);
	spec->pass_env = names_of(e->pass);
	spec->unset_env = names_of(e->unset);
	spec->set_env = (struct jail_names){(const char *const *)p->set_env, p->n_set_env};
	spec->sockets = names_of(*policy_sockets(p->policy));
}

/*
 * A user namespace that maps the uid 0 of the one around it is to be had only with CAP_SETFCAP
 * there, by which root in the jail could give files capabilities that count outside.
 */
static bool may_nest(const struct policy_jail *j)
{
	if (!j->nested_sandbox || geteuid())
		return j->nested_sandbox;
	log_notice("nested_sandbox: root can make no sandbox of its own in the jail; run mcpjail "
		   "as another user, or switch the command's sandbox off (chromium --no-sandbox, "
		   "codex -s danger-full-access)");
	return false;
}

static void fill_switches_and_limits(const struct preparation *p, struct jail_spec *spec)
{
	const struct policy_jail *j = policy_jail(p->policy);

	spec->allows_nested_sandbox = may_nest(j);
	spec->allows_ptrace = j->ptrace;
	spec->limits = (struct jail_limits){.processes = j->processes,
					    .memory = j->memory,
					    .open_files = j->open_files,
					    .cpu_milli = j->cpu_milli};
}

struct supervisor_plan plan_of(const struct run_options *o, struct preparation *p)
{
	bool has_home = places_home() && realpath(places_home(), p->home);
	struct supervisor_plan plan = {
		.tier_is_forced = o->tier_is_forced,
		.jail = {.tier = o->tier,
			 .argv = o->command,
			 .cwd = p->cwd,
			 .run_dir = p->run.path,
			 .state_dir = p->state.path,
			 .policy_path = p->policy_path[0] == '/' ? p->policy_path : NULL,
			 .policy_name = p->policy_name[0] ? p->policy_name : NULL,
			 .default_policy_dir = p->config_dir,
			 .home = has_home ? p->home : NULL,
			 .passwd_home = places_passwd_home(),
			 .run_dev = p->run_stat.st_dev,
			 .run_ino = p->run_stat.st_ino,
			 .write_dirs = (const char *const *)p->write_dirs,
			 .n_write_dirs = o->n_write_dirs,
			 .cwd_is_writable = cwd_may_be_written(p->cwd, has_home ? p->home : NULL),
			 .stdio = {p->stdio.agent[0], p->stdio.agent[1], p->stdio.agent[2]},
			 .wants_java_store = java_is_installed(getenv("PATH"), getenv("JAVA_HOME")),
			 .wants_pty = p->stdio.wants_pty,
			 .winsize = terminal_size(),
			 .run_id = p->run_id},
		.dialer = &p->dialer,
		.grant = o->grant,
		.require = o->require,
		.timeout_ms = o->timeout_ms ? o->timeout_ms : policy_jail(p->policy)->run_time_ms,
		.stdio = &p->stdio,
		.relay = &p->relay,
		.policy_path = p->policy_path,
		.policy_fd = p->policy_fd,
		.run_fd = p->run.fd,
		.state_fd = p->state.fd,
		.root_fds = {p->root_fds[0], p->root_fds[1]},
	};

	fill_surroundings(p, &plan.jail);
	fill_switches_and_limits(p, &plan.jail);
	tell_withheld(&plan.jail);
	return plan;
}
