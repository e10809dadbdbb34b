// SPDX-License-Identifier: Apache-2.0
#include "policy_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "commands/destination.h"
#include "policy/edit.h"
#include "policy/egress.h"
#include "policy_draft.h"
#include "policy_parts.h"

#define CHANGES_MAX 64 /* of one kind, in one go */

struct change {
	const char *verb; /* "allow" or "deny" */
	const char *file; /* NULL: the user's own */
	bool as_json;
	struct destination hosts[CHANGES_MAX];
	size_t n_hosts;
	const char *tools[CHANGES_MAX];
	size_t n_tools;
};

/* --- arguments ------------------------------------------------------------------ */

static int add_host(struct change *c, const char *text)
{
	struct error err = {.what = ""};

	if (c->n_hosts == CHANGES_MAX) {
		log_error("policy %s: more than %d hosts", c->verb, CHANGES_MAX);
		return POLICY_EXIT_CANNOT;
	}
	if (destination_parse(text, &c->hosts[c->n_hosts], &err)) {
		snprintf(err.where, sizeof(err.where), "policy %s", c->verb);
		return policy_cannot(&err);
	}
	c->n_hosts++;
	return 0;
}

static int add_tool(struct change *c, const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				"_.-");

	if (strcmp(c->verb, "allow") || !n || name[n] || c->n_tools == CHANGES_MAX) {
		log_error("policy %s: --tool %s: %s", c->verb, name,
			  strcmp(c->verb, "allow") ? "remove the tool's rule from the file, or "
						     "give it \"action\": \"deny\""
			  : c->n_tools == CHANGES_MAX
				  ? "too many tools"
				  : "the name of a tool has letters, digits and _ . - only");
		return POLICY_EXIT_CANNOT;
	}
	c->tools[c->n_tools++] = name;
	return 0;
}

static int set_file(struct change *c, const char *file)
{
	c->file = file;
	return 0;
}

/* Options with a value: "-p FILE", "--policy FILE", "--policy=FILE". */
static const struct {
	const char *name;
	int (*apply)(struct change *c, const char *value);
} options[] = {{"-p", set_file}, {"--policy", set_file}, {"--tool", add_tool}};

/* Moves *a to the last word used. */
static int read_option(struct change *c, char ***a)
{
	size_t n = strcspn(**a, "=");
	const char *value = (**a)[n] ? **a + n + 1 : NULL;

	if (!strcmp(**a, "--json")) {
		c->as_json = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strlen(options[i].name) != n || strncmp(**a, options[i].name, n))
			continue;
		if (!value && (*a)[1])
			value = *++*a;
		if (value && *value)
			return options[i].apply(c, value);
		log_error("policy %s: %s wants a value", c->verb, options[i].name);
		return POLICY_EXIT_CANNOT;
	}
	log_error("policy %s: unknown option %s; it has --json, -p FILE%s", c->verb, **a,
		  strcmp(c->verb, "allow") ? "" : " and --tool NAME");
	return POLICY_EXIT_CANNOT;
}

static int read_arguments(struct change *c, char **arguments)
{
	bool only_hosts = false;
	int r = 0;

	for (char **a = arguments; !r && *a; a++) {
		if (!only_hosts && !strcmp(*a, "--"))
			only_hosts = true;
		else if (!only_hosts && (*a)[0] == '-')
			r = read_option(c, &a);
		else
			r = add_host(c, *a);
	}
	if (!r && !c->n_hosts && !c->n_tools) {
		log_error("policy %s: name a host, for example mcpjail policy %s example.org",
			  c->verb, c->verb);
		r = POLICY_EXIT_CANNOT;
	}
	return r;
}

/* The entry of `egress` that a rule's pointer, "/egress/3", names; NULL for another pointer. */
static json_t *entry_at(const json_t *root, const char *rule)
{
	if (strncmp(rule, "/egress/", strlen("/egress/")))
		return NULL;
	return json_array_get(json_object_get(root, "egress"),
			      strtoul(rule + strlen("/egress/"), NULL, 10));
}

/* --- allow ------------------------------------------------------------------------ */

/* Whether an entry lets every request through, or is a tunnel, beside which no other may be. */
static bool allows_all(const struct draft *d, const struct policy_egress *entry)
{
	json_t *root = draft_json(d);
	json_t *object = entry_at(root, policy_egress_rule(entry));
	const char *key;
	json_t *value;
	bool is_open = json_is_object(object);

	json_object_foreach (object, key, value)
		is_open = is_open &&
			  (!strcmp(key, "host") || !strcmp(key, "ports") || !strcmp(key, "mode"));
	json_decref(root);
	return is_open || policy_egress_mode(entry) == EGRESS_TUNNEL;
}

static int allow_host(struct draft *d, const struct destination *to)
{
	const struct policy_egress *entry = policy_egress_find(d->policy, to->host, to->port);
	char element[DESTINATION_ENTRY_MAX], written[DESTINATION_TEXT_BYTES];
	autobuf struct buf edited = BUF_INIT(d->text.max);
	struct error err = {.what = ""};
	int r;

	destination_text(to, written);
	if (policy_server_find(d->policy, to->host, to->port)) {
		log_error("policy allow: %s is the policy's MCP server: its tools are allowed one "
			  "by one, by --tool NAME",
			  written);
		return POLICY_EXIT_CANNOT;
	}
	if (entry && allows_all(d, entry)) {
		draft_say(d, "already allowed: %s, by %s", written, policy_egress_rule(entry));
		return 0;
	}
	destination_entry(to, element);
	r = edit_append((const char *)d->text.data, d->text.len, "/egress", element, &edited, &err);
	draft_say(d, "%s: %s", r == -EEXIST ? "already allowed" : "allowed", written);
	return r == -EEXIST ? 0 : draft_take(d, r, &edited, &err);
}

/* A rule that is there may deny or limit; what a person wants of it is not to be guessed. */
static int allow_tool(struct draft *d, const char *tool)
{
	autobuf struct buf edited = BUF_INIT(d->text.max);
	struct error err = {.what = ""};
	char pointer[EDIT_POINTER_MAX];
	json_t *root = draft_json(d);
	const json_t *rule = json_object_get(json_object_get(root, "tools"), tool);
	bool is_there = rule != NULL, is_plain = json_is_object(rule) && !json_object_size(rule);
	int r;

	json_decref(root);
	if (is_plain) {
		draft_say(d, "already allowed: tool %s", tool);
		return 0;
	}
	if (is_there) {
		log_error("policy allow: /tools/%s has a rule of its own: change it in %s", tool,
			  d->file.path);
		return POLICY_EXIT_WRONG;
	}
	snprintf(pointer, sizeof(pointer), "/tools/%s", tool);
	r = edit_put((const char *)d->text.data, d->text.len, pointer, "{}", &edited, &err);
	draft_say(d, "allowed: tool %s", tool);
	r = draft_take(d, r, &edited, &err);
	if (!r)
		r = draft_load(d);
	if (!r && !policy_tool_is_visible(d->policy, policy_server_at(d->policy, 0), tool)) {
		log_error("policy allow: tool %s stays denied, by `hide` or `all_tools` in %s; the "
			  "file is as it was",
			  tool, d->file.path);
		r = POLICY_EXIT_WRONG;
	}
	return r;
}

int policy_allow(char **arguments)
{
	struct change c = {.verb = "allow"};
	autodraft struct draft d = DRAFT_INIT;
	int r = read_arguments(&c, arguments);

	d.as_json = c.as_json;
	if (!r)
		r = draft_begin(&d, c.file);
	for (size_t i = 0; !r && i < c.n_hosts; i++)
		r = allow_host(&d, &c.hosts[i]);
	for (size_t i = 0; !r && i < c.n_tools; i++)
		r = allow_tool(&d, c.tools[i]);
	return r ? r : draft_end(&d);
}

/* --- deny ------------------------------------------------------------------------- */

/* @ret_i: its place in the list, if there is one. */
static bool has_port(const json_t *ports, uint16_t port, size_t *ret_i)
{
	for (size_t i = 0; i < json_array_size(ports); i++) {
		if (json_integer_value(json_array_get(ports, i)) != port)
			continue;
		*ret_i = i;
		return true;
	}
	return !ports && port == DESTINATION_PORT;
}

/* What is to be taken out for @to: the pointer of its last entry, or of that one's port. */
static bool find_last(const json_t *egress, const struct destination *to, char *ret, size_t size)
{
	for (size_t i = json_array_size(egress); i--;) {
		const json_t *entry = json_array_get(egress, i);
		const char *host = json_string_value(json_object_get(entry, "host"));
		const json_t *ports = json_object_get(entry, "ports");
		size_t at = 0;

		if (!host || strcasecmp(host, to->host) ||
		    (to->has_port && !has_port(ports, to->port, &at)))
			continue;
		if (to->has_port && json_array_size(ports) > 1)
			snprintf(ret, size, "/egress/%zu/ports/%zu", i, at);
		else
			snprintf(ret, size, "/egress/%zu", i);
		return true;
	}
	return false;
}

static void say_still_allowed(struct draft *d, const struct destination *to, const char *written)
{
	const struct policy_egress *entry = policy_egress_find(d->policy, to->host, to->port);
	json_t *root = draft_json(d);
	const json_t *object = entry ? entry_at(root, policy_egress_rule(entry)) : NULL;
	const char *preset = json_string_value(json_object_get(object, "preset"));
	const char *host = json_string_value(json_object_get(object, "host"));

	if (policy_server_find(d->policy, to->host, to->port))
		draft_say(d, "still reached: %s is the policy's MCP server", written);
	else if (entry)
		draft_say(d, "still allowed: %s, by %s, %s%s", written, policy_egress_rule(entry),
			  preset ? "the preset " : "which has ",
			  preset ? preset
			  : host ? host
				 : "it");
	json_decref(root);
}

/* What was taken out for a host. */
struct removal {
	size_t n;
	json_t *bans; /* entries with `deny_body` */
};

/* Return: 0; exit status. @ret_done: whether there was something to take out */
static int take_out(struct draft *d, const struct destination *to, struct removal *removal,
		    bool *ret_done)
{
	autobuf struct buf edited = BUF_INIT(d->text.max);
	json_t *root = draft_json(d), *egress = json_object_get(root, "egress"), *entry;
	struct error err = {.what = ""};
	char pointer[64];
	int r = 0;

	*ret_done = find_last(egress, to, pointer, sizeof(pointer));
	if (*ret_done) {
		entry = entry_at(root, pointer);
		if (json_array_size(json_object_get(entry, "deny_body")))
			json_array_append(removal->bans, entry);
		removal->n++;
		r = edit_remove((const char *)d->text.data, d->text.len, pointer, &edited, &err);
		r = draft_take(d, r, &edited, &err);
	}
	json_decref(root);
	return r;
}

/* What else a wildcard's names are allowed by is not looked for: it may be. */
static bool stays_allowed(const struct draft *d, const struct destination *to, const json_t *entry)
{
	const json_t *ports = json_object_get(entry, "ports");
	bool is_allowed = to->host[0] == '*';

	if (to->has_port || !ports)
		return is_allowed || policy_egress_find(d->policy, to->host, to->port);
	for (size_t i = 0; !is_allowed && i < json_array_size(ports); i++)
		is_allowed =
			policy_egress_find(d->policy, to->host,
					   (uint16_t)json_integer_value(json_array_get(ports, i)));
	return is_allowed;
}

/*
 * An entry allows, and what its `deny_body` says it forbids to all others. Where one of those
 * still allows the host, taking the entry out would let more through than before.
 */
static int check_bans(const struct draft *d, const struct destination *to, const char *written,
		      const json_t *bans)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (bans, i, entry) {
		if (!stays_allowed(d, to, entry))
			continue;
		log_error("policy deny: the `deny_body` of an entry for %s forbids what other "
			  "entries would allow without it: change them in %s; the file is as it "
			  "was",
			  written, d->file.path);
		return POLICY_EXIT_WRONG;
	}
	return 0;
}

static int deny_host(struct draft *d, const struct destination *to)
{
	struct removal removal = {.bans = json_array()};
	char written[DESTINATION_TEXT_BYTES];
	bool is_there = true;
	int r = 0;

	destination_text(to, written);
	while (!r && is_there)
		r = take_out(d, to, &removal, &is_there);
	if (!r && removal.n)
		r = draft_load(d);
	if (!r)
		r = check_bans(d, to, written, removal.bans);
	json_decref(removal.bans);
	if (r)
		return r;
	draft_say(d, removal.n ? "removed: %s" : "no entry of its own: %s", written);
	if (to->host[0] != '*')
		say_still_allowed(d, to, written);
	return 0;
}

int policy_deny(char **arguments)
{
	struct change c = {.verb = "deny"};
	autodraft struct draft d = DRAFT_INIT;
	int r = read_arguments(&c, arguments);

	d.as_json = c.as_json;
	if (!r)
		r = draft_begin(&d, c.file);
	for (size_t i = 0; !r && i < c.n_hosts; i++)
		r = deny_host(&d, &c.hosts[i]);
	return r ? r : draft_end(&d);
}
