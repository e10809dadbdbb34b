// SPDX-License-Identifier: Apache-2.0
#include "policy_init.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "policy/json/json_auto.h"
#include "policy_parts.h"

struct asked {
	const char *server, *run;
	const char *connect_to, *upstream_ca; /* as a run's options, for the server */
	bool as_json;
};

static int read_arguments(char **arguments, struct asked *ret)
{
	const struct policy_option options[] = {{"--from-server", &ret->server, NULL},
						{"--from-run", &ret->run, NULL},
						{"--connect-to", &ret->connect_to, NULL},
						{"--upstream-ca", &ret->upstream_ca, NULL},
						{"--json", NULL, &ret->as_json}};
	const struct policy_syntax syntax = {
		.usage = "policy init [--json] --from-run RUN | --from-server URL "
			 "[--connect-to H:P:A:P] [--upstream-ca FILE]",
		.options = options,
		.n_options = ARRAY_SIZE(options),
	};
	int r = policy_read_arguments(&syntax, arguments);

	if (r || !ret->server != !ret->run)
		return r;
	log_error("policy init: name one of --from-server URL and --from-run RUN");
	return POLICY_EXIT_CANNOT;
}

/* What is proposed loads, or is not proposed: a person would find it out much later. */
static int check(const char *text)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;

	if (!policy_parse(text, strlen(text), "the inferred policy", &policy, &errors))
		return 0;
	policy_print_errors("the inferred policy", &errors);
	log_error("policy init: what was seen cannot be written as a policy");
	return POLICY_EXIT_WRONG;
}

static int tell(const char *text, json_t *policy, json_t *inferred, bool as_json)
{
	autojson json_t *report = NULL;
	const json_t *one;
	size_t i;

	if (as_json) {
		report = json_pack("{s:O, s:O}", "policy", policy, "inferred", inferred);
		return policy_print_json(report);
	}
	json_array_foreach (inferred, i, one)
		log_notice("%s", json_string_value(json_object_get(one, "text")));
	log_notice("a proposal, inferred and not reviewed: read it, keep it as a file, and try it "
		   "with `mcpjail policy check` and `policy explain`");
	puts(text);
	return 0;
}

static int propose(const struct init_seen *seen, const struct asked *asked)
{
	autojson json_t *inferred = NULL;
	autojson json_t *policy = init_policy(seen, &inferred);
	autofree char *text = policy ? json_dumps(policy, JSON_INDENT(2)) : NULL;
	int r;

	if (!text) {
		log_error("policy init: out of memory");
		return POLICY_EXIT_CANNOT;
	}
	r = check(text);
	return r ? r : tell(text, policy, inferred, asked->as_json);
}

/* --connect-to and --upstream-ca mean what they do for a run, and are read by its table. */
static int see_server(const struct asked *asked, struct init_seen *ret, struct error *err)
{
	char connect_to[] = "--connect-to", upstream_ca[] = "--upstream-ca", end[] = "--",
	     command[] = "policy";
	char *argv[8] = {NULL};
	struct run_options options;
	size_t n = 0;
	int r;

	if (asked->connect_to) {
		argv[n++] = connect_to;
		argv[n++] = (char *)(uintptr_t)asked->connect_to;
	}
	if (asked->upstream_ca) {
		argv[n++] = upstream_ca;
		argv[n++] = (char *)(uintptr_t)asked->upstream_ca;
	}
	argv[n++] = end;
	argv[n++] = command;
	r = options_parse(argv, &options, err);
	return r ? r : init_from_server(asked->server, &options, ret, err);
}

int policy_init(char **arguments)
{
	autoseen struct init_seen seen = {.tools = NULL};
	struct asked asked = {.server = NULL};
	struct error err = {.what = ""};
	int r = read_arguments(arguments, &asked);

	if (r)
		return r;
	if (asked.run ? init_from_run(asked.run, &seen, &err) : see_server(&asked, &seen, &err))
		return policy_cannot(&err);
	if (!seen.n_tools) {
		log_error("policy init: no tool was listed or called: there is nothing to infer a "
			  "policy from");
		return POLICY_EXIT_WRONG;
	}
	return propose(&seen, &asked);
}
