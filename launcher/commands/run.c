// SPDX-License-Identifier: Apache-2.0
/*
 * `mcpjail [run] -- COMMAND`: gathers what a run needs, while the roles start that know nothing
 * of it yet, then lets the supervisor run it and says how it ended. Of the run itself nothing
 * is begun while anything can still be wrong with what the person asked for.
 */
#include "commands/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "commands/summary.h"
#include "run_preparation.h"

static void preparation_free(struct preparation *p)
{
	for (size_t i = 0; i < JAIL_WRITE_DIRS_MAX; i++)
		free(p->write_dirs[i]);
	for (size_t i = 0; i < p->n_set_env; i++)
		free(p->set_env[i]);
	free(p->set_env);
	policy_free(p->policy);
	stdio_plan_free(&p->stdio);
	relay_free(&p->relay);
	fd_close(&p->policy_fd);
	fd_close(&p->run.fd);
	fd_close(&p->state.fd);
	for (size_t i = 0; i < IPC_ROOTS_MAX; i++)
		fd_close(&p->root_fds[i]);
	fd_close(&p->summary_fd);
}

static int prepare(const struct run_options *o, struct preparation *p, struct error *err)
{
	int r = prepare_policy(o, p, err);

	if (!r)
		r = prepare_network(o, p, err);
	if (!r)
		r = summary_open(o->summary_path, &p->summary_fd, err);
	if (!r)
		r = prepare_places(o, p, err);
	if (!r)
		r = stdio_plan(&p->stdio, &p->relay, err);
	return r;
}

static int exit_of_command(const struct run_result *res, const struct run_options *o)
{
	int status = WIFSIGNALED(res->wait_status) ? 128 + WTERMSIG(res->wait_status)
						   : WEXITSTATUS(res->wait_status);
	bool is_lost =
		res->ledger.lost || res->ledger.failure[0] || res->reason[0] || !res->has_ledger;

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
		log_error("%s%sthe jail could not be made: nothing ran%s", res->reason,
			  res->reason[0] ? "; " : "",
			  res->is_about_request ? "" : "; `mcpjail doctor` says what is missing");
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
		log_error("the command was ended after its %s",
			  o->timeout_ms ? "--timeout" : "time, the policy's `/jail/run_time`");
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
	struct supervision *supervision = NULL;
	struct supervisor_plan plan;
	struct rereading again = {&o, &p};
	char line[ERROR_LINE_BYTES];
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
		r = supervisor_begin(&supervision, &err);
	}
	if (!r)
		r = prepare(&o, &p, &err);
	if (r) {
		supervisor_abandon(supervision);
		if (!err.what[0])
			error_set(&err, NULL, NULL, "%s", strerror(-r));
		error_format(&err, line, sizeof(line));
		log_error("%s", line);
	} else {
		plan = plan_of(&o, &p);
		plan.read_policy = reread_policy;
		plan.read_policy_arg = &again;
		supervisor_run(supervision, &plan, &result);
		status = exit_of(&result, &o);
		/* Fails, as it should, where there is a record of why. */
		if (result.end == RUN_END_NOT_MADE)
			rmdir(p.run.path);
		summary_tell(&result, &(struct summary_facts){.run_dir = p.run.path,
							      .policy = p.policy,
							      .presets = p.presets,
							      .policy_file = o.policy_path,
							      .fd = p.summary_fd});
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
	      "125 no jail, nothing ran; 126 not executable; 127 not found; with --fail-on,\n"
	      "where the command succeeded: 120 denied, 121 unknown or lost\n"
	      "\nother commands: mcpjail policy check|test|explain|diff|init|allow|deny |\n"
	      "                reload [RUN] | trace [RUN] | verify [RUN] | "
	      "doctor [--tls]\n",
	      out);
}
