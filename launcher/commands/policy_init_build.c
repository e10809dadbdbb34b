// SPDX-License-Identifier: Apache-2.0
/*
 * The policy that is proposed: the least that lets pass again what was seen to pass. What is
 * paid or cannot be undone waits for a person, whoever had let it pass; what was only tried
 * stays denied, with a rule that says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy/policy.h"
#include "policy_init.h"

#define MINUTE_NS      UINT64_C(60000000000)
#define RATE_LEAST     10 /* a minute */
#define RATE_GUESS     30 /* where nothing was seen */
#define DAY_GUESS      5
#define SENTENCE_BYTES 768

/* What becomes of a tool. */
enum fate { FATE_OMIT = 0, FATE_DENY, FATE_ASK, FATE_ALLOW };

struct proposal {
	const struct init_tool *tool;
	enum fate fate;
	const char *class; /* NULL: not known */
	char because[INIT_BECAUSE_BYTES];
	size_t peak; /* calls in a minute */
};

/* The most in any minute. */
static size_t peak_of(const struct init_tool *tool)
{
	size_t peak = 0, first = 0;

	for (size_t i = 0; i < tool->n_times; i++) {
		while (tool->times_ns[i] - tool->times_ns[first] >= MINUTE_NS)
			first++;
		if (i - first + 1 > peak)
			peak = i - first + 1;
	}
	return peak;
}

static bool is_risky(const char *class)
{
	return !class || !strcmp(class, "paid") || !strcmp(class, "destructive");
}

static struct proposal propose(const struct init_seen *seen, const struct init_tool *tool)
{
	struct proposal p = {.tool = tool, .class = tool->class, .peak = peak_of(tool)};
	enum init_class inferred = init_class_infer(tool->name, tool->definition, p.because);

	if (tool->class)
		snprintf(p.because, sizeof(p.because), "the run's policy says so");
	else
		p.class = init_class_name(inferred);
	if (seen->is_run && !tool->calls)
		p.fate = is_risky(p.class) && tool->denied ? FATE_ASK
			 : tool->denied                    ? FATE_DENY
							   : FATE_OMIT;
	else
		p.fate = is_risky(p.class) ? FATE_ASK : FATE_ALLOW;
	return p;
}

/* --- a rule ---------------------------------------------------------------------------- */

static json_t *limit_of(const struct init_seen *seen, const struct proposal *p)
{
	bool is_daily = p->fate == FATE_ASK;
	size_t max = is_daily ? p->tool->calls : 2 * p->peak;
	char counter[POLICY_TOOL_MAX + 8];

	if (is_daily && !max)
		max = seen->is_run ? 1 : DAY_GUESS;
	else if (!is_daily && max < RATE_LEAST)
		max = seen->is_run ? RATE_LEAST : RATE_GUESS;
	snprintf(counter, sizeof(counter), "%.*s_%s", POLICY_TOOL_MAX, p->tool->name,
		 is_daily ? "day" : "rate");
	return json_pack("[{s:s, s:s, s:I, s:s}]", "counter", counter, "window",
			 is_daily ? "day" : "minute", "max", (json_int_t)max, "scope", "grant");
}

static void reason_of(const struct proposal *p, char ret[SENTENCE_BYTES])
{
	if (p->fate == FATE_DENY)
		snprintf(ret, SENTENCE_BYTES,
			 "tried %zu time%s in an observed run and denied by %s; nobody has "
			 "reviewed it",
			 p->tool->denied, p->tool->denied == 1 ? "" : "s", p->tool->denied_by);
	else if (!p->class)
		snprintf(ret, SENTENCE_BYTES, "what it does is not known");
	else if (!strcmp(p->class, "paid"))
		snprintf(ret, SENTENCE_BYTES, "it costs money");
	else
		snprintf(ret, SENTENCE_BYTES, "it cannot be undone");
}

static json_t *rule_of(const struct init_seen *seen, const struct proposal *p)
{
	autojson json_t *rule = json_object(), *redact = json_array(), *require = NULL;
	char reason[SENTENCE_BYTES];
	int r = 0;

	if (p->class)
		r |= json_object_set_new(rule, "class", json_string(p->class));
	if (p->fate != FATE_ALLOW) {
		reason_of(p, reason);
		r |= json_object_set_new(
			rule, "action",
			json_string(p->fate == FATE_DENY ? "deny" : "require_approval"));
		r |= json_object_set_new(rule, "reason", json_string(reason));
	}
	if (p->fate != FATE_DENY)
		r |= json_object_set_new(rule, "limits", limit_of(seen, p));
	require = init_ranges_require(p->tool->ranges, p->tool->calls, p->tool->definition, redact);
	if (json_array_size(require))
		r |= json_object_set(rule, "require", require);
	if (json_array_size(redact))
		r |= json_object_set(rule, "redact", redact);
	return r || !require ? NULL : ptr_take(&rule);
}

/* --- what is told of it -------------------------------------------------------------------- */

static json_t *inference_of(const struct proposal *p)
{
	static const char *const actions[] = {[FATE_OMIT] = "left out, so denied",
					      [FATE_DENY] = "denied",
					      [FATE_ASK] = "asks a person",
					      [FATE_ALLOW] = "allowed"};
	static const char *const words[] = {[FATE_OMIT] = "omit",
					    [FATE_DENY] = "deny",
					    [FATE_ASK] = "require_approval",
					    [FATE_ALLOW] = "allow"};
	const struct init_tool *t = p->tool;
	char text[SENTENCE_BYTES], seen[128] = "";

	if (t->calls)
		snprintf(seen, sizeof(seen), "; %zu call%s passed, at most %zu in a minute",
			 t->calls, t->calls == 1 ? "" : "s", p->peak);
	else if (t->denied)
		snprintf(seen, sizeof(seen), "; tried %zu time%s, and denied", t->denied,
			 t->denied == 1 ? "" : "s");
	else if (p->fate == FATE_OMIT)
		snprintf(seen, sizeof(seen), "; it was not called");
	snprintf(text, sizeof(text), "%s: %s, because %s%s: %s", t->name,
		 p->class ? p->class : "of no known class", p->because, seen, actions[p->fate]);
	return json_pack("{s:s, s:s?, s:s, s:s, s:I, s:s}", "tool", t->name, "class", p->class,
			 "because", p->because, "action", words[p->fate], "calls",
			 (json_int_t)t->calls, "text", text);
}

/* --- the whole --------------------------------------------------------------------------- */

/* What the run's own policy said of the agent's surroundings, it needed to run as it did. */
static int keep_surroundings(const struct init_seen *seen, json_t *policy)
{
	static const char *const kept[] = {"hide", "filesystem", "environment",    "sockets",
					   "jail", "state",      "server_requests"};
	json_t *egress = json_array();
	const json_t *entry;
	size_t i;
	int r = !egress;

	json_array_foreach (json_object_get(seen->policy, "egress"), i, entry) {
		char index[24];

		snprintf(index, sizeof(index), "%zu", i);
		/* What a preset forbids to all others is of use unused. */
		if (json_object_get(seen->egress, index) || json_object_get(entry, "deny_body") ||
		    json_object_get(entry, "preset"))
			r |= json_array_append(egress, (json_t *)(uintptr_t)entry);
	}
	if (json_array_size(egress))
		r |= json_object_set(policy, "egress", egress);
	json_decref(egress);
	for (size_t k = 0; k < ARRAY_SIZE(kept); k++) {
		json_t *value = json_object_get(seen->policy, kept[k]);

		if (value)
			r |= json_object_set(policy, kept[k], value);
	}
	return r;
}

/* A server's entry, with what the run's policy says of it: its pin, its headers. */
static json_t *server_of(const struct init_seen *seen, const char *url)
{
	const json_t *single = json_object_get(seen->policy, "server"), *value;
	const json_t *known =
		json_string_value(json_object_get(single, "url")) &&
				!strcmp(json_string_value(json_object_get(single, "url")), url)
			? single
			: NULL;
	const char *name;

	json_object_foreach (json_object_get(seen->policy, "servers"), name, value) {
		const char *its = json_string_value(json_object_get(value, "url"));

		if (its && !strcmp(its, url))
			known = value;
	}
	return known ? json_deep_copy(known) : json_pack("{s:s}", "url", url);
}

/* "https://a.example:8443/mcp" → "a.example:8443" */
static void name_of_server(const char *url, char *ret, size_t size)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	snprintf(ret, size, "%.*s", (int)strcspn(host, "/"), host);
}

/* Where a tool's rule belongs: the policy itself, or with several servers its server's entry. */
static json_t *place_of(json_t *policy, const struct init_seen *seen, const char *url, bool single)
{
	json_t *servers, *server;
	char name[256];

	if (single) {
		if (!json_object_get(policy, "server"))
			json_object_set_new(policy, "server", server_of(seen, url));
		server = policy;
	} else {
		if (!json_object_get(policy, "servers"))
			json_object_set_new(policy, "servers", json_object());
		servers = json_object_get(policy, "servers");
		name_of_server(url, name, sizeof(name));
		if (!json_object_get(servers, name))
			json_object_set_new(servers, name, server_of(seen, url));
		server = json_object_get(servers, name);
	}
	if (!json_object_get(server, "tools"))
		json_object_set_new(server, "tools", json_object());
	return json_object_get(server, "tools");
}

static bool has_one_server(const struct init_seen *seen)
{
	for (size_t i = 1; i < seen->n_tools; i++)
		if (strcmp(seen->tools[i].server, seen->tools[0].server))
			return false;
	return true;
}

json_t *init_policy(const struct init_seen *seen, json_t **ret_inferred)
{
	autojson json_t *policy =
		json_pack("{s:s, s:s, s:s}", "version", "1", "default", "deny", "mode", "enforce");
	autojson json_t *inferred = json_array();
	bool single = has_one_server(seen);
	int r = !policy || !inferred;

	for (size_t i = 0; !r && i < seen->n_tools; i++) {
		const struct proposal p = propose(seen, &seen->tools[i]);

		r |= json_array_append_new(inferred, inference_of(&p));
		if (p.fate != FATE_OMIT)
			r |= json_object_set_new(place_of(policy, seen, p.tool->server, single),
						 p.tool->name, rule_of(seen, &p));
	}
	if (!r)
		r |= keep_surroundings(seen, policy);
	if (r)
		return NULL;
	*ret_inferred = ptr_take(&inferred);
	return ptr_take(&policy);
}
