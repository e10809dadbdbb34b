// SPDX-License-Identifier: Apache-2.0
/*
 * A policy's text, and behind a line "---" the arguments of a call. What must hold:
 *   - a text is refused with at least one error, each of which names a place in the text;
 *   - a text that loads is JSON without duplicate keys to jansson alone, and means the same
 *     when it is laid out anew: every decision about every tool comes out as before;
 *   - a tool that a call can reach is shown, a denial gives a reason and a rule, limits and
 *     charges come only with permission, and what is redacted stays redacted;
 *   - for egress: what is allowed is allowed by an entry for that host; the order of entries
 *     means nothing; what a `deny_body` forbids, no further entry permits.
 */
#include <errno.h>
#include <jansson.h>

#include "fuzz.h"
#include "policy/egress.h"
#include "policy/explain.h"
#include "policy/load/unwired.h"
#include "policy/policy.h"
#include "policy/surroundings.h"

#define TOOLS_MAX 12

static void check_errors(const struct policy_errors *errors, struct span text)
{
	size_t lines = 1;

	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	must(policy_errors_count(errors) >= 1 && policy_errors_count(errors) <= POLICY_ERRORS_MAX);
	for (size_t i = 0; i < policy_errors_count(errors); i++) {
		const struct error *e = policy_errors_at(errors, i);
		struct policy_place place = policy_errors_place(errors, i);

		must(e && e->what[0] && !strncmp(e->where, "policy.json", 11));
		must(place.line >= 1 && place.line <= lines && place.column >= 1 &&
		     place.column <= text.n + 1);
		must(!place.pointer[0] || place.pointer[0] == '/');
	}
}

/* jansson writes a double with digits that no policy may have. */
static bool has_real(const json_t *value)
{
	json_t *object = (json_t *)(uintptr_t)value;
	bool has = json_is_real(value);

	for (void *i = json_object_iter(object); i && !has; i = json_object_iter_next(object, i))
		has = has_real(json_object_iter_value(i));
	for (size_t i = 0; i < json_array_size(value) && !has; i++)
		has = has_real(json_array_get(value, i));
	return has;
}

/* The same document otherwise laid out. */
static struct policy *load_again(const json_t *root, size_t flags)
{
	autofree char *text = json_dumps(root, flags);
	autopolicyerrors struct policy_errors errors = {.items = NULL};
	struct policy *policy = NULL;

	must(text);
	if (policy_parse_whole(text, strlen(text), "policy.json", &policy, &errors)) {
		fprintf(stderr, "%s\n%s: %s\n", text, policy_errors_at(&errors, 0)->where,
			policy_errors_at(&errors, 0)->what);
		must(!"the same document loads in another layout");
	}
	return policy;
}

/* --- calls ------------------------------------------------------------------------ */

static void check_decision(const struct policy *policy, const struct policy_call *call,
			   struct policy_decision *d)
{
	char text[1801];

	policy_decide(policy, call, d);
	must(d->verdict == VERDICT_ALLOW || d->verdict == VERDICT_DENY ||
	     d->verdict == VERDICT_ASK);
	must(!d->rule[0] || d->rule[0] == '/');
	must(d->n_limits <= POLICY_LIMITS_MAX && d->n_bound <= POLICY_BINDS_MAX);
	must(d->verdict == VERDICT_ALLOW || d->approval.is_required ||
	     (!d->n_limits && !d->n_bound && !d->once.rule));
	for (size_t i = 0; i < d->n_limits; i++)
		must(d->limits[i]->rule[0] == '/' && d->limits[i]->window_ms &&
		     strlen(d->limits[i]->counter) <= POLICY_COUNTER_MAX);
	if (d->verdict == VERDICT_ALLOW) {
		must(!d->reason[0] && policy_tool_is_visible(policy, call->server, call->tool));
		return;
	}
	must(d->reason[0]);
	policy_denial(d, call->tool, text, sizeof(text));
	must(!strncmp(text, "mcpjail denied ", 15) && strlen(text) < sizeof(text) - 1);
}

/* Every stage up to the one that decides, and only that one has something to say. */
static void check_explained(const struct policy *policy, const struct policy_call *call)
{
	struct policy_decision plain, d;
	struct policy_trace trace;
	bool is_over = false, is_stateful;

	policy_decide(policy, call, &plain);
	policy_explain(policy, call, NULL, &d, &trace);
	for (unsigned i = 0; i < POLICY_STAGES; i++) {
		const struct policy_step *step = &trace.steps[i];
		bool speaks = step->verdict == STEP_DENIES || step->verdict == STEP_ASKS;

		must(is_over == (step->verdict == STEP_NOT_REACHED));
		must(speaks == (step->rule[0] == '/') && speaks == (step->reason[0] != '\0'));
		must(!speaks || !strcmp(step->rule, d.rule));
		is_over = is_over || speaks;
	}
	must((trace.verdict == VERDICT_ALLOW) == !is_over);
	is_stateful = trace.steps[STAGE_BIND].verdict == STEP_DENIES ||
		      trace.steps[STAGE_LIMITS].verdict == STEP_DENIES;
	must(is_stateful || (plain.verdict == d.verdict && !strcmp(plain.rule, d.rule)));
}

static void check_redaction(const struct policy *policy, const struct policy_call *call)
{
	json_auto_t *once = NULL, *twice = NULL;
	struct policy_call again = *call;

	must(!policy_redact_arguments(policy, call, &once) && json_is_object(once));
	again.arguments = once;
	must(!policy_redact_arguments(policy, &again, &twice) && json_equal(once, twice));
}

static void compare_call(const struct policy *policy, const struct policy *other,
			 const struct policy_call *call)
{
	struct policy_call same = *call;
	struct policy_decision a, b;

	check_decision(policy, call, &a);
	check_explained(policy, call);
	check_redaction(policy, call);
	same.server = policy_server_at(other, 0);
	check_decision(other, &same, &b);
	must(a.verdict == b.verdict && a.durable == b.durable && a.n_limits == b.n_limits);
	must(!strcmp(a.rule, b.rule) && !strcmp(a.reason, b.reason));
	for (size_t i = 0; i < a.n_limits; i++)
		must(!strcmp(a.limits[i]->rule, b.limits[i]->rule) &&
		     a.limits[i]->max == b.limits[i]->max && a.amounts[i] == b.amounts[i] &&
		     !a.distinct[i] == !b.distinct[i]);
	must(a.n_bound == b.n_bound && a.approval.is_required == b.approval.is_required);
}

static void check_calls(const struct policy *policy, const struct policy *other, const json_t *root,
			const json_t *arguments)
{
	struct policy_call call = {.arguments = arguments};
	const char *tool;
	size_t n = 0;
	json_t *rule;

	if (!policy_server_count(policy))
		return;
	must(policy_server_count(other) == policy_server_count(policy));
	call.server = policy_server_at(policy, 0);
	must(policy_server_find(policy, call.server->host, call.server->port));
	call.tool = "unlisted_tool";
	compare_call(policy, other, &call);
	json_object_foreach (json_object_get(root, "tools"), tool, rule) {
		if (n++ == TOOLS_MAX)
			break;
		call.tool = tool;
		compare_call(policy, other, &call);
	}
}

/* --- egress ------------------------------------------------------------------------- */

static bool header_of(void *arg, const char *name, size_t i, struct span *ret)
{
	(void)arg;
	if (i || strcmp(name, "content-type") != 0)
		return false;
	*ret = span_of("application/json");
	return true;
}

static const struct {
	const char *method, *path;
	bool websocket;
} requests[] = {
	{"GET", "/", false},      {"POST", "/v1/messages", false}, {"POST", "/mcp", false},
	{"GET", "/a/b/c", false}, {"GET", "/socket", true},
};

static enum verdict judge(const struct policy *policy, struct policy_egress_request *request,
			  const json_t *body, struct policy_egress_decision *d)
{
	bool judges_body;

	policy_egress_decide(policy, request, d);
	must(d->verdict == VERDICT_ALLOW || d->verdict == VERDICT_DENY);
	must(d->verdict == VERDICT_ALLOW || (d->reason[0] && !d->judges_body));
	must(!d->rule[0] || d->rule[0] == '/');
	judges_body = d->judges_body;
	if (!judges_body)
		return d->verdict;
	policy_egress_decide_body(policy, request, body, d);
	must(d->verdict == VERDICT_ALLOW || (d->verdict == VERDICT_DENY && d->reason[0]));
	return d->verdict;
}

/* The first port of an entry, as it was written. */
static uint16_t port_of(const json_t *entry)
{
	const json_t *port = json_array_get(json_object_get(entry, "ports"), 0);

	return json_is_integer(port) ? (uint16_t)json_integer_value(port) : 443;
}

/* A host that an entry is for: itself, or a name below a "*." */
static bool host_of(const json_t *entry, char *ret, size_t size)
{
	const char *host = json_string_value(json_object_get(entry, "host"));

	if (!host)
		return false;
	snprintf(ret, size, "%s%s", host[0] == '*' ? "a" : "", host + (host[0] == '*'));
	for (char *c = ret; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	return true;
}

static json_t *with_reversed_egress(const json_t *root)
{
	json_t *copy = json_deep_copy(root), *list = json_array();
	const json_t *egress = json_object_get(root, "egress");

	for (size_t i = json_array_size(egress); i-- > 0;)
		json_array_append(list, json_array_get(egress, i));
	json_object_set_new(copy, "egress", list);
	return copy;
}

/* The same document with an entry that allows everything at one host; NULL if it will not load. */
static struct policy *load_with_entry(const json_t *root, const char *host, uint16_t port)
{
	json_auto_t *copy = json_deep_copy(root);
	struct policy *policy = NULL;
	autofree char *text = NULL;

	json_array_append_new(json_object_get(copy, "egress"),
			      json_pack("{s:s, s:[i]}", "host", host, "ports", port));
	text = json_dumps(copy, JSON_COMPACT);
	must(text);
	return policy_parse(text, strlen(text), "policy.json", &policy, NULL) ? NULL : policy;
}

static void check_host(const json_t *root, const struct policy *policy,
		       const struct policy *reversed, const char *host, uint16_t port,
		       const json_t *body)
{
	const struct policy_egress *entry = policy_egress_find(policy, host, port);
	autopolicy struct policy *wider = NULL;

	must(!entry == !policy_egress_find(reversed, host, port));
	must(!entry || policy_egress_rule(entry)[0] == '/');
	must(!entry || policy_egress_mode(entry) ==
			       policy_egress_mode(policy_egress_find(reversed, host, port)));
	if (!entry || policy_egress_mode(entry) != EGRESS_INSPECT)
		return;
	wider = load_with_entry(root, host, port);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct policy_egress_request request = {.host = host,
							.port = port,
							.method = span_of(requests[i].method),
							.path = requests[i].path,
							.websocket = requests[i].websocket,
							.header = header_of};
		struct policy_egress_decision a, b, head;
		enum verdict verdict = judge(policy, &request, body, &a);

		must(verdict == judge(reversed, &request, body, &b));
		policy_egress_decide(policy, &request, &head);
		/* What only the body is denied for stays denied. */
		if (wider && verdict == VERDICT_DENY && head.judges_body)
			must(judge(wider, &request, body, &b) == VERDICT_DENY);
		if (wider && verdict == VERDICT_ALLOW)
			must(judge(wider, &request, body, &b) == VERDICT_ALLOW);
	}
}

static void check_egress(const json_t *root, const struct policy *policy, const json_t *body)
{
	const json_t *egress = json_object_get(root, "egress"), *entry;
	json_auto_t *reversed_root = NULL;
	autopolicy struct policy *reversed = NULL;
	char host[1024];
	size_t i;

	policy_host_kind(policy, "statsig.anthropic.com");
	must(!policy_egress_find(policy, "not-in-any-policy.invalid", 443) ||
	     json_array_size(egress));
	if (!json_array_size(egress))
		return;
	reversed_root = with_reversed_egress(root);
	reversed = load_again(reversed_root, JSON_COMPACT);
	json_array_foreach (egress, i, entry)
		if (i < 6 && host_of(entry, host, sizeof(host)))
			check_host(root, policy, reversed, host, port_of(entry), body);
	check_host(root, policy, reversed, "api.anthropic.com", 443, body);
}

static void check_surroundings(const struct policy *policy)
{
	const struct policy_environment *environment = policy_environment(policy);
	const struct policy_filesystem *files = policy_filesystem(policy);

	must(environment && files);
	must(environment->pass.n <= POLICY_NAMES_MAX && files->write.n <= POLICY_NAMES_MAX);
	for (size_t i = 0; i < environment->n_set; i++)
		must(environment->set[i].name[0] && environment->set[i].value);
	for (size_t i = 0; i < files->write.n; i++)
		must(files->write.items[i][0]);
}

/* What nothing carries out yet loads as well, for who only wants to know. */
static int load_whole(const char *text, size_t n, struct policy **ret)
{
	autopolicyerrors struct policy_errors errors = {.items = NULL};
	int r = policy_parse_whole(text, n, "policy.json", ret, &errors);

	must(r == 0 || (r == -EINVAL && policy_errors_count(&errors)));
	return r;
}

/* What a call returned earlier is found again by its own strings. */
static void check_yields(const json_t *arguments)
{
	json_auto_t *result = json_object();
	const json_t *value;
	const char *key;

	json_object_set(result, "structuredContent", (json_t *)(uintptr_t)arguments);
	json_object_foreach ((json_t *)(uintptr_t)arguments, key, value) {
		uint8_t digest[32];

		must(!json_string_length(value) ||
		     policy_result_yields(result, json_string_value(value),
					  json_string_length(value)));
		must(!policy_values_digest(&value, 1, digest));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char *copy = NULL;
	autopolicyerrors struct policy_errors errors = {.items = NULL};
	autopolicy struct policy *policy = NULL, *again = NULL, *whole = NULL;
	json_auto_t *root = NULL, *arguments = NULL;
	struct span text, call;
	int r;

	fuzz_split(span_bytes(data, n), "\n---\n", &text, &call);
	copy = fuzz_copy(text.p, text.n);
	r = policy_parse(copy, text.n, "policy.json", &policy, &errors);
	must(!r || r == -EINVAL);
	must(!r == !policy_errors_count(&errors));
	if (r)
		check_errors(&errors, text);
	if (load_whole(copy, text.n, &whole)) {
		must(r);
		return 0;
	}
	root = json_loadb(copy, text.n, JSON_REJECT_DUPLICATES, NULL);
	must(root);
	arguments = call.n ? json_loadb(call.p, call.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (!json_is_object(arguments)) {
		json_decref(arguments);
		arguments = NULL;
	}
	check_yields(arguments);
	if (!has_real(root))
		again = load_again(root, JSON_INDENT(2));
	check_calls(whole, again ? again : whole, root, arguments);
	if (!r && again)
		check_egress(root, policy, arguments);
	if (!r)
		check_surroundings(policy);
	return 0;
}
