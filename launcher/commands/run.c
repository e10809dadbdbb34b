// SPDX-License-Identifier: Apache-2.0
/*
 * `mcpjail [run] -- COMMAND`: gathers what a run needs, in an order in which nothing has
 * been started while anything can still be wrong with what the person asked for, then
 * lets the supervisor run it and says how it ended.
 */
#include "commands/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "commands/options.h"
#include "commands/summary.h"
#include "policy/policy.h"
#include "roles/supervisor.h"
#include "roles/terminal.h"
#include "state/places.h"

struct preparation {
	char cwd[PATH_MAX], policy_path[PATH_MAX];
	char policy_name[2 * PATH_MAX]; /* as it was given, made absolute: links on its way count */
	char config_dir[PATH_MAX];
	struct stat run_stat;
	struct place run, state;
	char run_id[PLACES_RUN_ID_BYTES];
	char *write_dirs[JAIL_WRITE_DIRS_MAX];
	int policy_fd, summary_fd;
	int root_fds[IPC_ROOTS_MAX]; /* extra roots for upstream */
	struct msg_dialer_config dialer;
	struct stdio_plan stdio;
	struct relay relay;
};

static void preparation_free(struct preparation *p)
{
	for (size_t i = 0; i < JAIL_WRITE_DIRS_MAX; i++)
		free(p->write_dirs[i]);
	stdio_plan_free(&p->stdio);
	relay_free(&p->relay);
	fd_close(&p->policy_fd);
	fd_close(&p->run.fd);
	fd_close(&p->state.fd);
	for (size_t i = 0; i < IPC_ROOTS_MAX; i++)
		fd_close(&p->root_fds[i]);
	fd_close(&p->summary_fd);
}

static int seal_policy(const void *text, size_t n, int *ret_fd)
{
	autoclose int fd = memfd_create("mcpjail-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < n;) {
		ssize_t written = write(fd, (const char *)text + done, n - done);

		if (written < 0)
			return -errno;
		done += (size_t)written;
	}
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* Every problem of a policy is told, not only the first. */
static int check_policy(const char *text, size_t n, const char *name)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	int r = policy_parse(text, n, name, &policy, &errors);

	for (size_t i = 0; r && i < policy_errors_count(&errors); i++) {
		char line[1300];

		error_format(policy_errors_at(&errors, i), line, sizeof(line));
		log_error("%s", line);
	}
	return r;
}

static int prepare_policy(const struct run_options *o, struct preparation *p, struct error *err)
{
	autobuf struct buf text = BUF_INIT(0);
	const char *name, *bytes;
	size_t n;
	int r = places_policy(o->policy_path, p->policy_path, &text, err);

	if (r)
		return r;
	if (p->policy_path[0]) {
		name = p->policy_path;
		bytes = (const char *)text.data;
		n = text.len;
	} else {
		name = "the built-in PromptFax policy";
		bytes = policy_builtin(&n);
	}
	r = check_policy(bytes ? bytes : "", n, name);
	if (!r)
		r = seal_policy(bytes, n, &p->policy_fd);
	if (r)
		error_set(err, NULL, "mend it; `mcpjail policy check FILE` shows the same",
			  "the policy %s cannot be used", name);
	else
		log_notice("policy: %s", name);
	return r;
}

static int prepare_upstream_ca(const struct run_options *o, struct preparation *p,
			       struct error *err)
{
	int r;

	if (!o->upstream_ca)
		return 0;
	p->root_fds[0] = open(o->upstream_ca, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (p->root_fds[0] >= 0)
		return 0;
	r = -errno;
	error_set(err, "--upstream-ca", "name a PEM file of certificates", "%s: %s", o->upstream_ca,
		  strerror(-r));
	return r;
}

static int prepare_places(const struct run_options *o, struct preparation *p, struct error *err)
{
	int r;

	if (!getcwd(p->cwd, sizeof(p->cwd)) || p->cwd[0] != '/') {
		error_set(err, "working directory", "change to one that exists",
			  "cannot be found: %s", strerror(errno));
		return -ENOENT;
	}
	places_new_run_id(p->run_id);
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

static bool path_is_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (!strcmp(dir, "/"))
		return true;
	return !strncmp(path, dir, n) && (path[n] == '/' || !path[n]);
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

static int prepare_write_dirs(const struct run_options *o, struct preparation *p, struct error *err)
{
	for (size_t i = 0; i < o->n_write_dirs; i++) {
		p->write_dirs[i] = realpath(o->write_dirs[i], NULL);
		if (p->write_dirs[i])
			continue;
		error_set(err, "--write", "name a directory that exists", "%s: %s",
			  o->write_dirs[i], strerror(errno));
		return -ENOENT;
	}
	return 0;
}

static int prepare(const struct run_options *o, struct preparation *p, struct error *err)
{
	int r = prepare_policy(o, p, err);

	if (!r)
		r = prepare_upstream_ca(o, p, err);
	if (!r)
		r = summary_open(o->summary_path, &p->summary_fd, err);
	if (!r)
		r = prepare_write_dirs(o, p, err);
	if (!r)
		r = prepare_places(o, p, err);
	if (!r)
		r = stdio_plan(&p->stdio, &p->relay, err);
	return r;
}

static void fill_dialer(const struct run_options *o, struct msg_dialer_config *ret)
{
	*ret = (struct msg_dialer_config){.n_dial_to = o->n_dial_to,
					  .log_level = (uint8_t)log_get_level()};
	for (size_t i = 0; i < o->n_dial_to; i++)
		ret->dial_to[i] = (struct msg_dial_to){
			.host = span_of(o->dial_to[i].host),
			.port = o->dial_to[i].port,
			.address = span_of(o->dial_to[i].address),
			.address_port = o->dial_to[i].address_port,
		};
}

static struct supervisor_plan plan_of(const struct run_options *o, struct preparation *p,
				      char *home)
{
	bool has_home = places_home() && realpath(places_home(), home);

	fill_dialer(o, &p->dialer);
	return (struct supervisor_plan){
		.jail = {.argv = o->command,
			 .cwd = p->cwd,
			 .run_dir = p->run.path,
			 .state_dir = p->state.path,
			 .policy_path = p->policy_path[0] == '/' ? p->policy_path : NULL,
			 .policy_name = p->policy_name[0] ? p->policy_name : NULL,
			 .default_policy_dir = p->config_dir,
			 .home = has_home ? home : NULL,
			 .passwd_home = places_passwd_home(),
			 .run_dev = p->run_stat.st_dev,
			 .run_ino = p->run_stat.st_ino,
			 .write_dirs = (const char *const *)p->write_dirs,
			 .n_write_dirs = o->n_write_dirs,
			 .cwd_is_writable = cwd_may_be_written(p->cwd, has_home ? home : NULL),
			 .stdio = {p->stdio.agent[0], p->stdio.agent[1], p->stdio.agent[2]},
			 .wants_pty = p->stdio.wants_pty,
			 .winsize = terminal_size(),
			 .run_id = p->run_id},
		.dialer = &p->dialer,
		.grant = o->grant,
		.require = o->require,
		.timeout_ms = o->timeout_ms,
		.stdio = &p->stdio,
		.relay = &p->relay,
		.policy_path = p->policy_path,
		.policy_fd = p->policy_fd,
		.run_fd = p->run.fd,
		.state_fd = p->state.fd,
		.root_fds = {p->root_fds[0], p->root_fds[1]},
	};
}

static int exit_of_command(const struct run_result *res, const struct run_options *o)
{
	int status = WIFSIGNALED(res->wait_status) ? 128 + WTERMSIG(res->wait_status)
						   : WEXITSTATUS(res->wait_status);
	bool is_lost = res->ledger.lost || res->ledger.failure[0] || !res->has_ledger;

	if (status)
		return status;
	if ((o->fail_on & FAIL_ON_DENIED) && (res->ledger.denied || res->ledger.egress_refused))
		return EXIT_DENIED;
	if (((o->fail_on & FAIL_ON_LOST) && is_lost) ||
	    ((o->fail_on & FAIL_ON_UNKNOWN) && res->ledger.unknown))
		return EXIT_LOST;
	return 0;
}

static int exit_of(const struct run_result *res, const struct run_options *o)
{
	const char *name = o->command[0];

	switch (res->end) {
	case RUN_END_NOT_MADE:
		log_error("%s%sthe jail could not be made: nothing ran", res->reason,
			  res->reason[0] ? "; " : "");
		return EXIT_NO_JAIL;
	case RUN_END_NOT_EXECED:
		log_error("%s: cannot be executed in the jail: %s%s", name,
			  strerror(res->exec_errno),
			  strncmp(name, "/tmp/", 5) ? ""
						    : "; /tmp is private in the jail: start "
						      "mcpjail in its directory, or use --write");
		return res->exec_errno == ENOENT || res->exec_errno == ENOTDIR
			       ? EXIT_NOT_FOUND
			       : EXIT_NOT_EXECUTABLE;
	case RUN_END_TIMEOUT:
		log_error("the command was ended after its --timeout");
		return EXIT_TIMEOUT;
	case RUN_END_BROKEN:
		log_error("%s; the command was stopped", res->reason);
		return 128 + SIGKILL;
	case RUN_END_EXITED:
		return exit_of_command(res, o);
	}
	return EXIT_NO_JAIL;
}

int command_run(int argc, char **argv)
{
	struct preparation p = {.policy_fd = -1,
				.run = {.fd = -1},
				.state = {.fd = -1},
				.root_fds = {-1, -1},
				.summary_fd = -1,
				.stdio = {.agent = {-1, -1, -1}, .terminal_out = -1}};
	struct run_options o;
	struct error err = {.where = ""};
	struct run_result result;
	struct supervisor_plan plan;
	char line[1300], home[PATH_MAX];
	int status = EXIT_NO_JAIL;
	int r = options_parse(argv, &o, &err);

	(void)argc;
	if (!r && o.help) {
		run_print_help(stdout);
		return 0;
	}
	if (!r) {
		log_set_level(o.verbosity < 0 ? LOG_ERROR
					      : LOG_NOTICE + (enum log_level)o.verbosity);
		r = prepare(&o, &p, &err);
	}
	if (r) {
		error_format(&err, line, sizeof(line));
		log_error("%s", line);
	} else {
		plan = plan_of(&o, &p, home);
		supervisor_run(&plan, &result);
		status = exit_of(&result, &o);
		/* Fails, as it should, where there is a record of why. */
		if (result.end == RUN_END_NOT_MADE)
			rmdir(p.run.path);
		summary_tell(&result, p.run.path, p.summary_fd);
	}
	preparation_free(&p);
	return status;
}

void run_print_help(FILE *out)
{
	fputs("usage: mcpjail [run] [OPTIONS] -- COMMAND [ARG…]\n"
	      "\n"
	      "Runs COMMAND in a jail whose only way to the network is mcpjail's own proxy,\n"
	      "which judges every MCP tool call by a policy and records it.\n\n",
	      out);
	options_print_help(out);
	fputs("\nexit status: the command's own; 128+n when signal n killed it; 124 timeout;\n"
	      "125 no jail, nothing ran; 126 not executable; 127 not found\n"
	      "\nother commands: mcpjail policy check FILE | trace [RUN] | verify RUN\n",
	      out);
}
