// SPDX-License-Identifier: Apache-2.0
/*
 * What --allow, --preset, --forward-host, --env and the command's name add is written into
 * the policy's text before it is loaded: nothing of a run goes by two lists.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "base/text.h"
#include "commands/preset_words.h"
#include "policy/edit.h"
#include "policy/egress.h"
#include "policy/presets.h"
#include "run_preparation.h"

#define ADDITION_MAX 512 /* bytes of one */

static int seal_policy(const struct buf *text, int *ret_fd)
{
	autoclose int fd = memfd_create("mcpjail-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : io_write_all(fd, text->data, text->len);

	if (r)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

/* Every problem of a policy is told, not only the first. */
static int load_policy(const struct buf *text, const char *name, struct preparation *p,
		       struct error *err)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	struct policy *policy = NULL;
	int r = policy_parse(text->data ? (const char *)text->data : "", text->len, name, &policy,
			     &errors);

	if (r && p->is_rereading && policy_errors_count(&errors))
		*err = *policy_errors_at(&errors, 0);
	for (size_t i = 0; r && !p->is_rereading && i < policy_errors_count(&errors); i++) {
		char line[ERROR_LINE_BYTES];

		error_format(policy_errors_at(&errors, i), line, sizeof(line));
		log_error("%s", line);
	}
	if (r)
		return r;
	policy_free(p->policy);
	p->policy = policy;
	return 0;
}

/* --- additions ---------------------------------------------------------------- */

/* Return: 1 if it was added; 0 if the policy has it already; -errno */
static int add(struct buf *text, const char *list, const char *element, struct error *err)
{
	autobuf struct buf longer = BUF_INIT(text->max);
	struct buf swap;
	int r = edit_append((const char *)text->data, text->len, list, element, &longer, err);

	if (r)
		return r == -EEXIST ? 0 : r;
	swap = *text;
	*text = longer;
	longer = swap;
	return 1;
}

static int add_preset(struct buf *text, const char *name, struct error *err)
{
	char element[ADDITION_MAX];

	snprintf(element, sizeof(element), "{\"preset\":\"%s\"}", name);
	return add(text, "/egress", element, err);
}

static int add_preset_of_command(const struct run_options *o, struct buf *text, struct error *err)
{
	const struct policy_preset *preset =
		o->no_preset_by_name ? NULL : policy_preset_for_command(o->command);
	char words[PRESET_WORDS_BYTES];
	int r = preset ? add_preset(text, preset->name, err) : 0;

	if (r <= 0)
		return r;
	preset_words(preset, words);
	log_notice("preset: %s (known by the command's name): %s", preset->name, words);
	return 1;
}

/* @policy: without additions. */
static int add_allowed(const struct destination *d, const struct policy *policy, struct buf *text,
		       struct error *err)
{
	const struct policy_egress *entry = policy_egress_find(policy, d->host, d->port);
	char element[DESTINATION_ENTRY_MAX], written[DESTINATION_TEXT_BYTES];

	destination_text(d, written);
	if (policy_server_find(policy, d->host, d->port)) {
		error_set(err, "--allow", "leave it out",
			  "%s is the policy's MCP server, and reached by its rules only", written);
		return -EINVAL;
	}
	if (entry && policy_egress_mode(entry) == EGRESS_TUNNEL) {
		log_notice("--allow %s: the policy has a tunnel there, %s; nothing was added",
			   written, policy_egress_rule(entry));
		return 0;
	}
	destination_entry(d, element);
	return add(text, "/egress", element, err);
}

static int add_forwarded(uint16_t port, struct buf *text, struct error *err)
{
	char element[ADDITION_MAX];

	snprintf(element, sizeof(element),
		 "{\"host\":\"" POLICY_FORWARD_HOST "\",\"ports\":[%u],\"mode\":\"tunnel\"}", port);
	return add(text, "/egress", element, err);
}

static int add_passed(const char *name, struct buf *text, struct error *err)
{
	char element[ADDITION_MAX];

	if (strlen(name) > ADDITION_MAX - 3) {
		error_set(err, "--env", "name the variable alone",
			  "a name of %zu bytes; at most %d", strlen(name), ADDITION_MAX - 3);
		return -EINVAL;
	}
	if (!strchr(name, '*') && !getenv(name))
		log_notice("--env %s: it is not set in your environment", name);
	snprintf(element, sizeof(element), "\"%s\"", name);
	return add(text, "/environment/pass", element, err);
}

/* --observe: the mode of this run, whichever the policy's own is. As add() */
static int set_observe(struct buf *text, struct error *err)
{
	autobuf struct buf without = BUF_INIT(text->max), with = BUF_INIT(text->max);
	struct buf swap;
	int r = edit_remove((const char *)text->data, text->len, "/mode", &without, err);
	const struct buf *from = r == -ENOENT ? text : &without;

	if (!r || r == -ENOENT)
		r = edit_put((const char *)from->data, from->len, "/mode", "\"observe\"", &with,
			     err);
	if (r)
		return r;
	swap = *text;
	*text = with;
	with = swap;
	return 1;
}

/* Return: whether the text became another, 1 or 0; -errno */
static int add_options(const struct run_options *o, const struct policy *policy, struct buf *text,
		       struct error *err)
{
	int sum = 0, r = 0;

	if (o->observe && !policy_observes(policy))
		sum |= r = set_observe(text, err);
	for (size_t i = 0; r >= 0 && i < o->n_presets; i++, sum |= r)
		r = add_preset(text, o->presets[i], err);
	if (r >= 0)
		sum |= r = add_preset_of_command(o, text, err);
	for (size_t i = 0; r >= 0 && i < o->n_allow; i++, sum |= r)
		r = add_allowed(&o->allow[i], policy, text, err);
	for (size_t i = 0; r >= 0 && i < o->n_forward_ports; i++, sum |= r)
		r = add_forwarded(o->forward_ports[i], text, err);
	for (size_t i = 0; r >= 0 && i < o->n_pass_env; i++, sum |= r)
		r = add_passed(o->pass_env[i], text, err);
	return r < 0 ? r : sum;
}

/* --- the whole ---------------------------------------------------------------- */

/* @text: becomes the policy as used. @name: what errors and the notice call it. */
static int complete_policy(const struct run_options *o, struct preparation *p, struct buf *text,
			   const char *name, struct error *err)
{
	char complete[PATH_MAX + 64];
	int r = load_policy(text, name, p, err), added;

	added = r ? 0 : add_options(o, p->policy, text, err);
	if (added < 0)
		return added;
	snprintf(complete, sizeof(complete), "%s, with what the command line adds", name);
	if (added)
		r = load_policy(text, complete, p, err);
	if (!r && !policy_grant_is_known(p->policy, o->grant)) {
		error_set(err, "--grant", "name one of the policy's `grants`",
			  "the policy has no grant '%s'", o->grant);
		return -EINVAL;
	}
	if (!r)
		r = seal_policy(text, &p->policy_fd);
	if (r && !err->what[0])
		error_set(err, NULL,
			  added ? "leave out, or correct, the option that does not fit"
				: "mend it; `mcpjail policy check FILE` shows the same",
			  "the policy %s cannot be used", added ? complete : name);
	return r;
}

int prepare_policy(const struct run_options *o, struct preparation *p, struct error *err)
{
	autobuf struct buf text = BUF_INIT(0);
	const char *name = p->policy_path, *builtin;
	size_t n;
	int r = places_policy(o->policy_path, p->policy_path, &text, err);

	if (r)
		return r;
	text.max = PLACES_POLICY_MAX;
	if (!p->policy_path[0]) {
		name = POLICY_BUILTIN_NAME;
		builtin = policy_builtin(&n);
		r = buf_append(&text, builtin, n);
	}
	if (!r)
		r = complete_policy(o, p, &text, name, err);
	if (r)
		return r;
	preset_names((const char *)text.data, text.len, p->presets, sizeof(p->presets));
	log_notice("policy: %s", name);
	if (policy_observes(p->policy))
		log_notice("mode observe: calls of tools that the policy classes as read or write "
			   "are forwarded, whatever its rules say; all others are denied");
	return 0;
}
