// SPDX-License-Identifier: Apache-2.0
/*
 * The top level of a policy, its server and its tools; and what ends a load: the checks of
 * what holds between parts. A policy comes out only if no step found a problem.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crypto.h"
#include "policy/load/load.h"
#include "policy/load/load_egress.h"
#include "policy/load/load_grants.h"
#include "policy/load/load_jail.h"
#include "policy/load/load_limits.h"
#include "policy/load/load_presets.h"
#include "policy/load/load_rule.h"
#include "policy/load/load_servers.h"
#include "policy/load/load_surroundings.h"
#include "policy/load/load_tests.h"
#include "policy/load/unwired.h"

static const struct load_word versions[] = {{"1", 1}};
static const struct load_word defaults[] = {{"deny", 0}, {"allow", 1}};
static const struct load_word modes[] = {{"enforce", 0}, {"observe", 1}};

static void load_version(struct load *l, const json_t *value, void *into)
{
	int version;

	(void)into;
	load_word(l, value, LOAD_WORDS(versions), &version);
}

static void load_default(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;
	int allows;

	if (load_word(l, value, LOAD_WORDS(defaults), &allows))
		policy->default_allows = allows;
}

static void load_mode(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;
	int observes;

	if (load_word(l, value, LOAD_WORDS(modes), &observes))
		policy->observes = observes;
}

/* Other stores than the local one belong to the language, and are URLs. */
static void load_state(struct load *l, const json_t *value, void *into)
{
	const char *store;

	(void)into;
	if (!load_string(l, value, &store) || !strcmp(store, "local"))
		return;
	if (strchr(store, ':'))
		load_error(l, "\"local\"", "a shared store is not supported by this version yet");
	else
		load_error(l, "\"local\"", "unknown store `%.60s`", store);
}

/* What the proxy does without asking; whoever wants otherwise is told. */
static const struct load_word answers[] = {{"deny", 0}, {"allow", WORD_UNSUPPORTED}};

static void load_answer(struct load *l, const json_t *value, void *into)
{
	int answer;

	(void)into;
	load_word(l, value, LOAD_WORDS(answers), &answer);
}

static const struct load_key request_keys[] = {
	{"sampling", load_answer, false},
	{"elicitation", load_answer, false},
	{"roots", load_answer, false},
};

static const struct load_keys request_table = {
	.owner = "`server_requests`",
	.write = "{\"sampling\":\"deny\"}",
	.keys = request_keys,
	.n = ARRAY_SIZE(request_keys),
};

static void load_server_requests(struct load *l, const json_t *value, void *into)
{
	load_object(l, value, &request_table, into);
}

/* --- the top level ---------------------------------------------------------- */

static const struct load_key policy_keys[] = {
	{"version", load_version, false},
	{"default", load_default, false},
	{"mode", load_mode, false},
	{"server", load_server, false},
	{"tools", load_tools, false},
	{"hide", load_hide, false},
	{"all_tools", load_all_tools, false},
	{"state", load_state, false},
	{"egress", load_egress, false},
	{"environment", load_environment, false},
	{"filesystem", load_filesystem, false},
	{"sockets", load_sockets, false},
	{"jail", load_jail, false},
	{"servers", load_servers, false},
	{"resources", NULL, false},
	{"prompts", NULL, false},
	{"completions", NULL, false},
	{"server_requests", load_server_requests, false},
	{"grants", load_grants, false},
	{"tests", load_tests, false},
};

static const struct load_keys policy_table = {
	.owner = "a policy",
	.write = "{\"version\":\"1\",\"default\":\"deny\",\"tools\":{\"start_session\":{}}}",
	.keys = policy_keys,
	.n = ARRAY_SIZE(policy_keys),
};

static void parse_text(struct load *l)
{
	load_text(l, &policy_table, l->policy);
	load_check_servers(l);
	load_check_grants(l);
	load_check_limits(l);
	/* The policy's own word on a variable goes before a preset's, so presets come last. */
	load_presets(l);
	load_check_egress(l);
}

static int parse(struct load *l, struct policy **ret)
{
	autopolicy struct policy *policy = calloc(1, sizeof(*policy));

	if (!policy)
		return -ENOMEM;
	l->policy = policy;
	policy->single.pointer = "";
	policy->single.all_tools.action = ACTION_ALLOW;
	policy->no_arguments = json_object();
	if (!policy->no_arguments)
		return -ENOMEM;
	parse_text(l);
	if (l->is_out_of_memory)
		return -ENOMEM;
	if (l->has_errors)
		return -EINVAL;
	crypto_sha256(l->text, l->n, policy->sha256);
	*ret = ptr_take(&policy);
	return 0;
}

int policy_parse(const char *text, size_t n, const char *name, struct policy **ret,
		 struct policy_errors *errors)
{
	struct load l = {.text = text, .n = n, .name = name, .errors = errors};

	return parse(&l, ret);
}

int policy_parse_whole(const char *text, size_t n, const char *name, struct policy **ret,
		       struct policy_errors *errors)
{
	struct load l = {
		.text = text, .n = n, .name = name, .errors = errors, .takes_unwired = true};

	return parse(&l, ret);
}
