// SPDX-License-Identifier: Apache-2.0
#include "commands/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "policy/presets.h"

#define GRANT_MAX 64

struct option_spec {
	const char *name;
	char letter;         /* 0: none */
	const char *metavar; /* NULL: takes no value */
	int (*apply)(struct run_options *, const char *value, struct error *);
	const char *help;
};

static int set_policy(struct run_options *o, const char *value, struct error *err)
{
	(void)err;
	o->policy_path = value;
	return 0;
}

/* A grant's name goes into records and counters' keys: printable, short, without separators. */
static int set_grant(struct run_options *o, const char *value, struct error *err)
{
	size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "._@-");

	if (!n || value[n] || n > GRANT_MAX) {
		error_set(err, "--grant", "use letters, digits and . _ @ -, at most 64",
			  "'%s' is no name for a grant", value);
		return -EINVAL;
	}
	o->grant = value;
	return 0;
}

static int set_run_dir(struct run_options *o, const char *value, struct error *err)
{
	(void)err;
	o->run_dir = value;
	return 0;
}

static int set_upstream_ca(struct run_options *o, const char *value, struct error *err)
{
	(void)err;
	o->upstream_ca = value;
	return 0;
}

static int set_summary(struct run_options *o, const char *value, struct error *err)
{
	(void)err;
	o->summary_path = value;
	return 0;
}

static int set_require(struct run_options *o, const char *value, struct error *err)
{
	(void)err;
	o->require = value;
	return 0;
}

static int add_write_dir(struct run_options *o, const char *value, struct error *err)
{
	if (o->n_write_dirs == JAIL_WRITE_DIRS_MAX) {
		error_set(err, "--write", "name a directory above them", "more than %d directories",
			  JAIL_WRITE_DIRS_MAX);
		return -EINVAL;
	}
	o->write_dirs[o->n_write_dirs++] = value;
	return 0;
}

static int set_tier(struct run_options *o, const char *value, struct error *err)
{
	if (strcmp(value, "a") && strcmp(value, "b")) {
		error_set(err, "--tier", "say a or b, or leave it out", "there is no tier '%s'",
			  value);
		return -EINVAL;
	}
	o->tier_is_forced = true;
	o->tier = value[0] == 'a' ? JAIL_TIER_A : JAIL_TIER_B;
	return 0;
}

/* Reads one part of H:P:A:P; an IPv6 literal stands in brackets, which are dropped. */
static bool take_host(const char **at, char *ret, size_t size)
{
	const char *start = *at, *end;

	if (*start == '[') {
		end = strchr(++start, ']');
		if (!end || end[1] != ':')
			return false;
		*at = end + 2;
	} else {
		end = strchr(start, ':');
		if (!end)
			return false;
		*at = end + 1;
	}
	return span_copy(span_bytes(start, (size_t)(end - start)), ret, size);
}

static bool take_port(const char **at, char stop, uint16_t *ret)
{
	unsigned long port = 0;
	char *end;

	if (**at != stop) {
		if (**at < '0' || **at > '9')
			return false;
		port = strtoul(*at, &end, 10);
		if (!port || port > UINT16_MAX || *end != stop)
			return false;
		*at = end;
	}
	*at += stop != '\0';
	*ret = (uint16_t)port;
	return true;
}

static int add_dial_to(struct run_options *o, const char *value, struct error *err)
{
	struct dial_to to = {.port = 0};
	const char *at = value;

	if (o->n_dial_to == IPC_DIALTO_MAX) {
		error_set(err, "--connect-to", "an empty HOST or port means any",
			  "more than %d entries", IPC_DIALTO_MAX);
		return -EINVAL;
	}
	if (!take_host(&at, to.host, sizeof(to.host)) || !take_port(&at, ':', &to.port) ||
	    !take_host(&at, to.address, sizeof(to.address)) ||
	    !take_port(&at, '\0', &to.address_port)) {
		error_set(err, "--connect-to",
			  "write HOST:PORT:ADDRESS:PORT, for example "
			  "promptfax.app:443:127.0.0.1:8443",
			  "'%s' is not of that form", value);
		return -EINVAL;
	}
	for (char *c = to.host; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	o->dial_to[o->n_dial_to++] = to;
	return 0;
}

static int too_many(struct error *err, size_t most)
{
	error_set(err, NULL, "write the rest into a policy file: mcpjail -p FILE",
		  "more than %zu of them", most);
	return -EINVAL;
}

static int add_allow(struct run_options *o, const char *value, struct error *err)
{
	int r;

	if (o->n_allow == OPTIONS_ALLOW_MAX)
		return too_many(err, OPTIONS_ALLOW_MAX);
	r = destination_parse(value, &o->allow[o->n_allow], err);
	o->n_allow += !r;
	return r;
}

static int add_preset(struct run_options *o, const char *value, struct error *err)
{
	const struct policy_preset *preset = policy_preset_find(value);
	char mend[256] = "there are:";
	size_t n = strlen(mend);

	if (!strcmp(value, "none")) {
		o->no_preset_by_name = true;
		return 0;
	}
	if (preset && o->n_presets == OPTIONS_PRESETS_MAX)
		return too_many(err, OPTIONS_PRESETS_MAX);
	if (preset) {
		o->presets[o->n_presets++] = preset->name;
		return 0;
	}
	for (size_t i = 0; i < policy_preset_count() && n < sizeof(mend); i++)
		n += (size_t)snprintf(mend + n, sizeof(mend) - n, "%s %s", i ? "," : "",
				      policy_preset_at(i)->name);
	error_set(err, NULL, mend, "there is no preset '%s'", value);
	return -EINVAL;
}

static int add_forward_port(struct run_options *o, const char *value, struct error *err)
{
	const char *at = value;
	uint16_t port = 0;

	if (o->n_forward_ports == OPTIONS_FORWARD_MAX)
		return too_many(err, OPTIONS_FORWARD_MAX);
	if (!take_port(&at, '\0', &port) || !port) {
		error_set(err, NULL, "write the port only, for example --forward-host 3000",
			  "'%s' is no port of this machine", value);
		return -EINVAL;
	}
	o->forward_ports[o->n_forward_ports++] = port;
	return 0;
}

static int add_env(struct run_options *o, const char *value, struct error *err)
{
	size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "_*");

	if (o->n_pass_env == OPTIONS_ENV_MAX)
		return too_many(err, OPTIONS_ENV_MAX);
	if (value[n] == '=') {
		/* What was meant as a value may be a secret: it is not repeated. */
		error_set(err, NULL,
			  "write --env NAME, and set the variable before mcpjail: "
			  "NAME=… mcpjail …",
			  "takes a name, no value");
		return -EINVAL;
	}
	if (!n || value[n] || (value[0] >= '0' && value[0] <= '9') || !strcmp(value, "*")) {
		error_set(err, NULL, "name one, or several as AWS_*", "'%s' names no variable",
			  value);
		return -EINVAL;
	}
	o->pass_env[o->n_pass_env++] = value;
	return 0;
}

static int set_timeout(struct run_options *o, const char *value, struct error *err)
{
	if (!units_duration(value, &o->timeout_ms))
		return 0;
	error_set(err, "--timeout", "write 500ms, 90s, 10m or 2h", "'%s' is no duration", value);
	return -EINVAL;
}

static int set_fail_on(struct run_options *o, const char *value, struct error *err)
{
	static const struct {
		const char *name;
		enum fail_on bit;
	} names[] = {
		{"denied", FAIL_ON_DENIED}, {"unknown", FAIL_ON_UNKNOWN}, {"lost", FAIL_ON_LOST}};

	while (*value) {
		size_t n = strcspn(value, ","), i = 0;

		while (i < ARRAY_SIZE(names) &&
		       (strlen(names[i].name) != n || strncmp(names[i].name, value, n)))
			i++;
		if (i == ARRAY_SIZE(names)) {
			error_set(
				err, "--fail-on",
				"use denied, unknown, lost; this version does not watch for drift",
				"'%.*s' is not known", (int)n, value);
			return -EINVAL;
		}
		o->fail_on |= names[i].bit;
		value += n + (value[n] == ',');
	}
	return 0;
}

static int set_quiet(struct run_options *o, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	o->verbosity = -1;
	return 0;
}

static int set_verbose(struct run_options *o, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	o->verbosity = o->verbosity < 1 ? 1 : 2;
	return 0;
}

static int set_help(struct run_options *o, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	o->help = true;
	return 0;
}

static int set_observe(struct run_options *o, const char *value, struct error *err)
{
	(void)value;
	(void)err;
	o->observe = true;
	return 0;
}

/* clang-format off */
static const struct option_spec specs[] = {
	{"policy", 'p', "FILE", set_policy, "the policy to judge by"},
	{"allow", 0, "HOST[:PORT]", add_allow, "let the agent reach HOST by https; repeatable"},
	{"preset", 0, "NAME", add_preset, "what a known program needs; none: not by the command's name"},
	{"env", 0, "NAME", add_env, "let a credential of your environment through; repeatable"},
	{"forward-host", 0, "PORT", add_forward_port, "this machine's PORT as host.mcpjail.internal:PORT"},
	{"grant", 'g', "NAME", set_grant, "identity for limits (default $MCPJAIL_GRANT, else default)"},
	{"observe", 0, NULL, set_observe, "forward what the policy classes as read or write, record the rest"},
	{"write", 0, "DIR", add_write_dir, "make DIR writable in the jail; repeatable"},
	{"run-dir", 0, "DIR", set_run_dir, "where this run's records go"},
	{"connect-to", 0, "H:P:A:P", add_dial_to, "dial A:P when H:P is meant; repeatable"},
	{"upstream-ca", 0, "FILE", set_upstream_ca, "extra roots for upstream verification"},
	{"tier", 0, "a|b", set_tier, "hold by namespaces (a), or without (b); else by what there is"},
	{"require", 0, "LIST", set_require, "layers that must be in force, else exit 125"},
	{"timeout", 0, "DURATION", set_timeout, "end the command after 90s, 10m, 2h: exit 124"},
	{"fail-on", 0, "LIST", set_fail_on, "denied (120), unknown or lost (121)"},
	{"summary", 0, "FILE", set_summary, "append the end-of-run summary to FILE"},
	{"quiet", 'q', NULL, set_quiet, "no notices, only errors"},
	{"verbose", 'v', NULL, set_verbose, "show decisions; twice: the protocol"},
	{"help", 'h', NULL, set_help, "this text"},
};
/* clang-format on */

static const struct option_spec *find_long(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++)
		if (strlen(specs[i].name) == n && !strncmp(specs[i].name, name, n))
			return &specs[i];
	return NULL;
}

static const struct option_spec *find_short(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++)
		if (specs[i].letter && specs[i].letter == letter)
			return &specs[i];
	return NULL;
}

static int apply(const struct option_spec *spec, struct run_options *o, const char *value,
		 struct error *err)
{
	int r = -EINVAL;

	if (spec->metavar && (!value || !*value || !strcmp(value, "--")))
		error_set(err, NULL, NULL, "wants a value: %s", spec->metavar);
	else
		r = spec->apply(o, value, err);
	if (r)
		snprintf(err->where, sizeof(err->where), "--%s", spec->name);
	return r;
}

/* --name, --name=value, --name value. Moves *argv to the last word used. */
static int parse_long(char ***argv, struct run_options *o, struct error *err)
{
	const char *name = **argv + 2;
	size_t n = strcspn(name, "=");
	const struct option_spec *spec = find_long(name, n);
	const char *value = name[n] ? name + n + 1 : NULL;

	if (!spec) {
		error_set(err, **argv, "see mcpjail --help", "there is no such option");
		return -EINVAL;
	}
	if (value && !spec->metavar) {
		error_set(err, NULL, NULL, "takes no value");
		snprintf(err->where, sizeof(err->where), "--%s", spec->name);
		return -EINVAL;
	}
	if (spec->metavar && !value && (*argv)[1])
		value = *++*argv;
	return apply(spec, o, value, err);
}

/* -v, -vv, -p FILE, -pFILE. */
static int parse_short(char ***argv, struct run_options *o, struct error *err)
{
	for (const char *at = **argv + 1; *at; at++) {
		const struct option_spec *spec = find_short(*at);
		const char *value = NULL;
		int r;

		if (!spec) {
			error_set(err, **argv, "see mcpjail --help", "there is no option -%c", *at);
			return -EINVAL;
		}
		if (spec->metavar)
			value = at[1] ? at + 1 : (*argv)[1] ? *++*argv : NULL;
		r = apply(spec, o, value, err);
		if (r || spec->metavar)
			return r;
	}
	return 0;
}

int options_parse(char **argv, struct run_options *ret, struct error *err)
{
	struct run_options o = {.verbosity = 0};
	const char *grant = getenv("MCPJAIL_GRANT");
	int r = set_grant(&o, grant && *grant ? grant : "default", err);

	if (r) {
		snprintf(err->where, sizeof(err->where), "$MCPJAIL_GRANT");
		return r;
	}
	for (; !r && *argv && strcmp(*argv, "--"); argv++) {
		if (!strncmp(*argv, "--", 2)) {
			r = parse_long(&argv, &o, err);
		} else if (**argv == '-' && (*argv)[1]) {
			r = parse_short(&argv, &o, err);
		} else {
			error_set(
				err, NULL,
				"write mcpjail [OPTIONS] -- COMMAND [ARG…], or see mcpjail --help",
				"'%s' is neither an option nor a command of mcpjail", *argv);
			r = -EINVAL;
		}
	}
	if (!r && !o.help && (!*argv || !argv[1])) {
		error_set(err, NULL, "write mcpjail [OPTIONS] -- COMMAND [ARG…]",
			  "no command to run");
		r = -EINVAL;
	}
	if (r)
		return r;
	o.command = *argv ? argv + 1 : argv;
	*ret = o;
	return 0;
}

void options_print_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		char name[48];

		if (!specs[i].help)
			continue;
		snprintf(name, sizeof(name), "--%s%s%s", specs[i].name, specs[i].metavar ? " " : "",
			 specs[i].metavar ? specs[i].metavar : "");
		fprintf(out, "  %c%c%c %-24s %s\n", specs[i].letter ? '-' : ' ',
			specs[i].letter ? specs[i].letter : ' ', specs[i].letter ? ',' : ' ', name,
			specs[i].help);
	}
}
