// SPDX-License-Identifier: Apache-2.0
/*
 * What an entry allows, it allows alone; what its `deny_body` forbids, no other entry allows. So
 * a request needs one entry that matches it, and then every entry whose `deny_body` applies is
 * asked. The first that denies is named.
 */
#include "policy/egress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "policy/judge/egress_match.h"
#include "policy/model.h"

#define HTTPS_PORT   443
#define METHOD_SHOWN 24 /* bytes of the agent's own words in a sentence */
#define PATH_SHOWN   160
#define NAMES_SHOWN  6 /* methods, paths or values that a sentence lists */

#define ASK_SOMEONE "Retrying will not help; if it is needed, ask the person you work for."

const struct policy_egress *policy_egress_find(const struct policy *policy, const char *host,
					       uint16_t port)
{
	const struct policy_egress *found = NULL;

	/* Private addresses will do if one entry says so. */
	for (size_t i = 0; i < policy->n_egress; i++)
		if (egress_is_for(&policy->egress[i], host, port) &&
		    (!found || (policy->egress[i].may_be_private && !found->may_be_private)))
			found = &policy->egress[i];
	return found;
}

enum egress_mode policy_egress_mode(const struct policy_egress *entry)
{
	return entry->mode;
}

const char *policy_egress_rule(const struct policy_egress *entry)
{
	return entry->rule;
}

bool policy_egress_may_be_private(const struct policy_egress *entry)
{
	return entry->may_be_private;
}

/* --- sentences -------------------------------------------------------------- */

struct sentence {
	char *text;
	size_t used, size;
};

static void say(struct sentence *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct sentence *s, const char *format, ...)
{
	va_list ap;
	int n;

	if (s->used >= s->size)
		return;
	va_start(ap, format);
	n = vsnprintf(s->text + s->used, s->size - s->used, format, ap);
	va_end(ap);
	if (n > 0)
		s->used += (size_t)n;
}

/* "a, b and 3 more" */
static void say_names(struct sentence *s, const struct policy_names *names)
{
	for (size_t i = 0; i < names->n && i < NAMES_SHOWN; i++)
		say(s, "%s%s", i ? ", " : "", names->items[i]);
	if (names->n > NAMES_SHOWN)
		say(s, " and %zu more", names->n - NAMES_SHOWN);
}

static void say_request(struct sentence *s, const struct policy_egress_request *r)
{
	char method[METHOD_SHOWN], path[PATH_SHOWN], port[8] = "";

	text_escape_terminal(r->method.p, r->method.n, method, sizeof(method));
	text_escape_terminal(r->path, strlen(r->path), path, sizeof(path));
	if (r->port != HTTPS_PORT)
		snprintf(port, sizeof(port), ":%u", r->port);
	say(s, "%s %s%s%s", method, r->host, port, path);
}

static void say_rule(struct sentence *s, const char *rule, const struct policy_egress *entry)
{
	say(s, " is refused by rule %s", rule);
	if (entry->preset)
		say(s, " (preset %s)", entry->preset);
	say(s, ": ");
}

static struct sentence sentence_begin(struct policy_egress_decision *ret, const char *rule)
{
	*ret = (struct policy_egress_decision){.verdict = VERDICT_DENY};
	snprintf(ret->rule, sizeof(ret->rule), "%s", rule);
	return (struct sentence){.text = ret->reason, .size = sizeof(ret->reason)};
}

/* --- heads ------------------------------------------------------------------ */

/* How far a request came: the entry that is nearest to matching it. */
struct nearest {
	const struct policy_egress *entry;
	enum egress_match match;
	const struct egress_header *header;
};

static struct nearest find_nearest(const struct policy *policy,
				   const struct policy_egress_request *request)
{
	struct nearest best = {.match = EGRESS_OTHER_HOST};

	for (size_t i = 0; i < policy->n_egress; i++) {
		struct nearest one = {.entry = &policy->egress[i]};

		one.match = egress_match(one.entry, request, &one.header);
		if (one.match > best.match)
			best = one;
	}
	return best;
}

/* What is allowed there instead, by all entries for the host. */
static void say_allowed(struct sentence *s, const struct policy *policy,
			const struct policy_egress_request *request)
{
	const char *between = "";

	say(s, "the policy allows there ");
	for (size_t i = 0; i < policy->n_egress; i++) {
		const struct policy_egress *entry = &policy->egress[i];

		if (!egress_is_for(entry, request->host, request->port))
			continue;
		say(s, "%s", between);
		if (entry->methods.n)
			say_names(s, &entry->methods);
		else
			say(s, "any method");
		say(s, " of ");
		if (entry->paths.n)
			say_names(s, &entry->paths);
		else
			say(s, "any path");
		between = "; ";
	}
	say(s, ". ");
}

static void say_header(struct sentence *s, const struct egress_header *header)
{
	say(s, "the header field %s must be ", header->name);
	if (header->values.n)
		say_names(s, &header->values);
	if (header->may_be_absent)
		say(s, "%sabsent", header->values.n ? ", or " : "");
	say(s, ". ");
}

static void deny_host(const struct policy_egress_request *request,
		      struct policy_egress_decision *ret)
{
	struct sentence s = sentence_begin(ret, "/default");

	say(&s, "%s:%u is refused by rule /default: the policy's `egress` does not list it. %s",
	    request->host, request->port, ASK_SOMEONE);
}

static void deny_head(const struct policy *policy, const struct policy_egress_request *request,
		      const struct nearest *nearest, struct policy_egress_decision *ret)
{
	struct sentence s = sentence_begin(ret, nearest->entry->rule);

	say_request(&s, request);
	say_rule(&s, nearest->entry->rule, nearest->entry);
	switch (nearest->match) {
	case EGRESS_OTHER_HOST:
	case EGRESS_OTHER_METHOD:
	case EGRESS_OTHER_PATH:
		say_allowed(&s, policy, request);
		break;
	case EGRESS_OTHER_HEADER:
		say_header(&s, nearest->header);
		break;
	case EGRESS_NO_WEBSOCKET:
		say(&s, "WebSockets need \"websocket\": true there. ");
		break;
	case EGRESS_MATCHES: /* a tunnel, in which no request is seen */
		say(&s, "the host is reached by tunnel only. ");
		break;
	}
	say(&s, "%s", ASK_SOMEONE);
}

static void deny_websocket(const struct policy_egress_request *request,
			   const struct policy_egress *entry, struct policy_egress_decision *ret)
{
	struct sentence s = sentence_begin(ret, entry->rule);

	say_request(&s, request);
	say_rule(&s, entry->rule, entry);
	say(&s, "`deny_body` judges what is sent there, and what a WebSocket carries cannot be "
		"judged. Send requests by HTTP instead.");
}

/* Return: an entry whose `deny_body` applies to the request; NULL if there is none */
static const struct policy_egress *find_restricting(const struct policy *policy,
						    const struct policy_egress_request *request)
{
	for (size_t i = 0; i < policy->n_egress; i++)
		if (egress_restricts(&policy->egress[i], request))
			return &policy->egress[i];
	return NULL;
}

void policy_egress_decide(const struct policy *policy, const struct policy_egress_request *request,
			  struct policy_egress_decision *ret)
{
	const struct policy_egress *restricting;
	struct nearest nearest = find_nearest(policy, request);

	if (nearest.match == EGRESS_OTHER_HOST) {
		deny_host(request, ret);
		return;
	}
	if (nearest.match != EGRESS_MATCHES || nearest.entry->mode != EGRESS_INSPECT) {
		deny_head(policy, request, &nearest, ret);
		return;
	}
	restricting = find_restricting(policy, request);
	if (restricting && request->websocket) {
		deny_websocket(request, restricting, ret);
		return;
	}
	*ret = (struct policy_egress_decision){.verdict = VERDICT_ALLOW,
					       .judges_body = restricting != NULL};
	snprintf(ret->rule, sizeof(ret->rule), "%s", nearest.entry->rule);
}

/* --- bodies ----------------------------------------------------------------- */

/* Return: whether it denies the body; what it met is told. */
static bool predicate_denies(const struct predicate *p, const json_t *body, unsigned *ret_met)
{
	unsigned met = predicate_evaluate(p, body, PATH_CASE_FOLDED);

	*ret_met = met;
	return met & (PREDICATE_HOLDS | PREDICATE_GAVE_UP) ||
	       (met & PREDICATE_MISMATCH && !p->is_optional);
}

static void deny_body(const struct policy_egress_request *request,
		      const struct policy_egress *entry, const struct predicate *p, unsigned met,
		      struct policy_egress_decision *ret)
{
	struct sentence s = sentence_begin(ret, p->rule);

	say(&s, "The body of ");
	say_request(&s, request);
	say_rule(&s, p->rule, entry);
	if (!(met & PREDICATE_HOLDS))
		say(&s, "%s is not of the kind that can be judged; refused is what %s. ", p->names,
		    p->words);
	else if (p->reason)
		say(&s, "%s (%s %s). ", p->reason, p->names, p->words);
	else
		say(&s, "%s %s. ", p->names, p->words);
	say(&s, "Send the request without it, or ask the person you work for.");
}

void policy_egress_decide_body(const struct policy *policy,
			       const struct policy_egress_request *request, const json_t *body,
			       struct policy_egress_decision *ret)
{
	policy_egress_decide(policy, request, ret);
	if (ret->verdict != VERDICT_ALLOW || !body)
		return;
	for (size_t i = 0; i < policy->n_egress; i++) {
		const struct policy_egress *entry = &policy->egress[i];

		if (!egress_restricts(entry, request))
			continue;
		for (size_t k = 0; k < entry->n_deny_body; k++) {
			unsigned met;

			if (!predicate_denies(&entry->deny_body[k], body, &met))
				continue;
			deny_body(request, entry, &entry->deny_body[k], met, ret);
			return;
		}
	}
}

/* --- hosts that a preset leaves out ----------------------------------------- */

static bool names_cover(const struct policy_names *hosts, const char *host)
{
	for (size_t i = 0; i < hosts->n; i++) {
		bool is_wildcard = hosts->items[i][0] == '*';

		if (egress_host_covers(hosts->items[i] + is_wildcard, is_wildcard, host))
			return true;
	}
	return false;
}

enum host_kind policy_host_kind(const struct policy *policy, const char *host)
{
	if (names_cover(&policy->telemetry, host))
		return HOST_TELEMETRY;
	return names_cover(&policy->login, host) ? HOST_LOGIN : HOST_UNKNOWN;
}
