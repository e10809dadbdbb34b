// SPDX-License-Identifier: Apache-2.0
#include "jail/env.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "env_rules.h"
#include "jail/files/layout.h"
#include "jail/files/patterns.h"

enum env_action {
	ENV_CA = 0, /* certificates to trust beside those that the program knows */
	ENV_BUNDLE, /* certificates to trust instead */
	ENV_WGETRC, /* settings that name certificates */
	ENV_JAVA,   /* what the caller says, and more */
	ENV_ONE,
	ENV_RUN,
	ENV_CWD,
	ENV_TMP,
	ENV_PROXY,
	ENV_NO_PROXY,
	ENV_RESOLVING, /* over TCP: where an answer comes from does not matter then */
};

static const struct env_rule {
	const char *name;
	enum env_action action;
} ours[] = {
	{"MCPJAIL", ENV_ONE},
	{"MCPJAIL_RUN", ENV_RUN},
	{"PWD", ENV_CWD},
	{"SSL_CERT_FILE", ENV_BUNDLE},
	{"NODE_EXTRA_CA_CERTS", ENV_CA},
	{"REQUESTS_CA_BUNDLE", ENV_BUNDLE},
	{"CURL_CA_BUNDLE", ENV_BUNDLE},
	{"GIT_SSL_CAINFO", ENV_BUNDLE},
	{"PIP_CERT", ENV_BUNDLE},
	{"AWS_CA_BUNDLE", ENV_BUNDLE},
	{"CARGO_HTTP_CAINFO", ENV_BUNDLE},
	{"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", ENV_BUNDLE},
	{"NIX_SSL_CERT_FILE", ENV_BUNDLE},
	{"BUNDLE_SSL_CA_CERT", ENV_BUNDLE},
	{"DENO_CERT", ENV_CA},
	{"CODEX_CA_CERTIFICATE", ENV_BUNDLE},
	{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", ENV_BUNDLE},
	{"HTTPLIB2_CA_CERTS", ENV_BUNDLE},
	{"SYSTEM_WGETRC", ENV_WGETRC},
	{"JAVA_TOOL_OPTIONS", ENV_JAVA},
	{"TMPDIR", ENV_TMP},
	{"TMP", ENV_TMP},
	{"TEMP", ENV_TMP},
	{"HTTP_PROXY", ENV_PROXY},
	{"http_proxy", ENV_PROXY},
	{"HTTPS_PROXY", ENV_PROXY},
	{"https_proxy", ENV_PROXY},
	{"RES_OPTIONS", ENV_RESOLVING},
	{"NO_PROXY", ENV_NO_PROXY},
	{"no_proxy", ENV_NO_PROXY},
};

/* Only where they are set: what they name is hidden. */
static const char *const scratch_names[] = {"TMPDIR", "TMP", "TEMP"};

/*
 * Where nobody says otherwise, and the place in the home directory is not writable: programs
 * that do nothing without theirs.
 */
static const struct env_place {
	const char *name, *dir, *used; /* the variable names @dir, the program writes in @used */
} places[] = {
	{"CHROME_CONFIG_HOME", ".config", ".config/chromium"},
	{"GOCACHE", ".cache/go-build", ".cache/go-build"},
	{"npm_config_cache", ".npm", ".npm"},
};

static struct span name_of(const char *entry)
{
	return span_bytes(entry, strcspn(entry, "="));
}

static bool names_variable(const char *entry, struct span name)
{
	return !strncmp(entry, name.p, name.n) && entry[name.n] == '=';
}

static const char *find_in(char *const *env, struct span name)
{
	for (; *env; env++)
		if (names_variable(*env, name))
			return *env;
	return NULL;
}

static const char *find_set(const struct jail_spec *spec, struct span name)
{
	for (size_t i = 0; i < spec->set_env.n; i++)
		if (names_variable(spec->set_env.items[i], name))
			return spec->set_env.items[i];
	return NULL;
}

/* --- what of the caller's stays ------------------------------------------------- */

static bool is_listed(const struct jail_names *patterns, struct span name)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (pattern_matches(patterns->items[i], name, PATTERN_EXACT_CASE))
			return true;
	return false;
}

static bool is_named(const struct jail_names *names, struct span name)
{
	for (size_t i = 0; i < names->n; i++)
		if (span_equals(name, names->items[i]))
			return true;
	return false;
}

static bool is_withheld(const char *entry, const struct jail_spec *spec)
{
	struct span name = name_of(entry);

	return env_kind_of(name, entry + name.n + 1) == ENV_SECRET &&
	       !is_listed(&spec->pass_env, name);
}

static bool is_kept(const char *entry, const struct jail_spec *spec)
{
	struct span name = name_of(entry);

	if (!entry[name.n] || is_listed(&spec->unset_env, name) || is_withheld(entry, spec))
		return false;
	return env_kind_of(name, entry + name.n + 1) != ENV_REACHING ||
	       is_named(&spec->pass_env, name);
}

/* Everything is its own value but what is in a private place now. */
static char *copy_kept(const char *entry)
{
	for (size_t i = 0; i < ARRAY_SIZE(scratch_names); i++) {
		char *moved = NULL;

		if (names_variable(entry, span_of(scratch_names[i])))
			return asprintf(&moved, "%s=/tmp", scratch_names[i]) < 0 ? NULL : moved;
	}
	return strdup(entry);
}

/* --- building ------------------------------------------------------------------- */

static int append(char **env, size_t *n, char *entry)
{
	if (!entry)
		return -ENOMEM;
	env[(*n)++] = entry;
	return 0;
}

/* What the agent would have had, and behind it ours: the last of an option given twice wins. */
static char *java_entry(char *const *base, const struct env_facts *facts, const char *name)
{
	const char *entry = find_set(facts->spec, span_of(name));
	char *joined = NULL;

	if (!entry) {
		entry = find_in(base, span_of(name));
		if (entry && !is_kept(entry, facts->spec))
			entry = NULL;
	}
	if (asprintf(&joined, "%s=%s%s%s", name, entry ? entry + strlen(name) + 1 : "",
		     entry ? " " : "", facts->java_options) < 0)
		return NULL;
	return joined;
}

static const char *rule_value(const struct env_rule *rule, const struct env_facts *facts)
{
	switch (rule->action) {
	case ENV_CA:
		return facts->ca_path;
	case ENV_BUNDLE:
		return facts->bundle_path;
	case ENV_WGETRC:
		return facts->wgetrc_path;
	case ENV_JAVA:
		return facts->java_options;
	case ENV_ONE:
		return "1";
	case ENV_RUN:
		return facts->spec->run_id;
	case ENV_CWD:
		return facts->cwd;
	case ENV_TMP:
		return facts->tmp_path;
	case ENV_PROXY:
		return facts->proxy_url;
	case ENV_NO_PROXY:
		return facts->no_proxy;
	case ENV_RESOLVING:
		return facts->proxy_url ? "use-vc" : NULL;
	}
	return NULL;
}

static int append_ours(char *const *base, const struct env_facts *facts, char **env, size_t *n)
{
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(ours); i++) {
		const char *value = rule_value(&ours[i], facts);
		char *entry = NULL;

		if (!value)
			continue;
		if (ours[i].action == ENV_JAVA)
			entry = java_entry(base, facts, ours[i].name);
		else if (asprintf(&entry, "%s=%s", ours[i].name, value) < 0)
			entry = NULL;
		r = append(env, n, entry);
	}
	return r;
}

/* Of a name given twice, getenv() sees the first: later ones only confuse. */
static bool is_new(char *const *env, const char *entry)
{
	return !find_in(env, name_of(entry));
}

static bool place_is_missing(const struct env_place *place, const struct env_facts *facts)
{
	const char *home = facts->spec->home;
	autofree char *path = NULL;

	if (is_listed(&facts->spec->unset_env, span_of(place->name)))
		return false;
	return !home || !facts->layout || asprintf(&path, "%s/%s", home, place->used) < 0 ||
	       !layout_is_writable(facts->layout, path);
}

static int append_place(const struct env_place *place, const struct env_facts *facts, char **env,
			size_t *n)
{
	char *entry = NULL;

	if (asprintf(&entry, "%s=%s/%s", place->name, facts->tmp_path ? facts->tmp_path : "/tmp",
		     place->dir) < 0)
		return -ENOMEM;
	if (is_new(env, entry))
		return append(env, n, entry);
	free(entry);
	return 0;
}

static int fill(char *const *base, const struct env_facts *facts, char **env)
{
	const struct jail_names *set = &facts->spec->set_env;
	size_t n = 0;
	int r = append_ours(base, facts, env, &n);

	for (size_t i = 0; !r && i < set->n; i++)
		if (is_new(env, set->items[i]))
			r = append(env, &n, strdup(set->items[i]));
	for (; !r && *base; base++)
		if (is_kept(*base, facts->spec) && is_new(env, *base))
			r = append(env, &n, copy_kept(*base));
	for (size_t i = 0; !r && i < ARRAY_SIZE(places); i++)
		if (place_is_missing(&places[i], facts))
			r = append_place(&places[i], facts, env, &n);
	return r;
}

int env_build(char *const *base, const struct env_facts *facts, char ***ret_env)
{
	size_t n_base = 0;
	char **env;
	int r;

	while (base[n_base])
		n_base++;
	env = calloc(n_base + facts->spec->set_env.n + ARRAY_SIZE(ours) + ARRAY_SIZE(places) + 1,
		     sizeof(*env));
	if (!env)
		return -ENOMEM;
	r = fill(base, facts, env);
	if (r < 0) {
		env_free(env);
		return r;
	}
	*ret_env = env;
	return 0;
}

void env_free(char **env)
{
	for (char **entry = env; env && *entry; entry++)
		free(*entry);
	free(env);
}

/* --- what a person is told -------------------------------------------------------- */

static bool is_ours(struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (span_equals(name, ours[i].name))
			return true;
	return false;
}

size_t env_withheld(char *const *base, const struct jail_spec *spec, struct span *ret_names,
		    size_t max)
{
	size_t n = 0;

	for (char *const *entry = base; *entry; entry++) {
		struct span name = name_of(*entry);

		if (!(*entry)[name.n] || is_ours(name) || find_set(spec, name) ||
		    is_listed(&spec->unset_env, name) || !is_withheld(*entry, spec) ||
		    find_in(base, name) != *entry)
			continue;
		if (n < max)
			ret_names[n] = name;
		n++;
	}
	return n;
}

size_t env_command_files(char *const *base, const char **ret_paths, size_t max)
{
	size_t n = 0;

	for (; *base && n < max; base++) {
		struct span name = name_of(*base);
		const char *value = *base + name.n + 1;

		if ((*base)[name.n] && env_takes_commands(name) && value[0] == '/')
			ret_paths[n++] = value;
	}
	return n;
}
