// SPDX-License-Identifier: Apache-2.0
#include "jail/env.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum env_action {
	ENV_REMOVE = 0,
	ENV_CA,      /* certificates to trust beside those that the program knows */
	ENV_BUNDLE,  /* certificates to trust instead */
	ENV_SCRATCH, /* only where it was set */
	ENV_ONE,
	ENV_RUN,
	ENV_CWD,
};

static const struct env_rule {
	const char *name;
	enum env_action action;
} rules[] = {
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
	{"TMPDIR", ENV_SCRATCH},
	{"TMP", ENV_SCRATCH},
	{"TEMP", ENV_SCRATCH},
	{"http_proxy", ENV_REMOVE},
	{"https_proxy", ENV_REMOVE},
	{"all_proxy", ENV_REMOVE},
	{"HTTP_PROXY", ENV_REMOVE},
	{"HTTPS_PROXY", ENV_REMOVE},
	{"ALL_PROXY", ENV_REMOVE},
	{"SSH_AUTH_SOCK", ENV_REMOVE},
	{"SSH_AGENT_PID", ENV_REMOVE},
	{"GPG_AGENT_INFO", ENV_REMOVE},
	{"DBUS_SESSION_BUS_ADDRESS", ENV_REMOVE},
	{"XDG_RUNTIME_DIR", ENV_REMOVE},
};

static const char *rule_value(const struct env_rule *rule, const struct env_facts *facts)
{
	switch (rule->action) {
	case ENV_REMOVE:
		return NULL;
	case ENV_CA:
		return facts->ca_path;
	case ENV_BUNDLE:
		return facts->bundle_path;
	case ENV_SCRATCH:
		return "/tmp";
	case ENV_ONE:
		return "1";
	case ENV_RUN:
		return facts->run_id;
	case ENV_CWD:
		return facts->cwd;
	}
	return NULL;
}

static bool names_variable(const char *entry, const char *name, size_t n)
{
	return !strncmp(entry, name, n) && entry[n] == '=';
}

static bool has_variable(char *const *env, const char *name, size_t n)
{
	for (; *env; env++)
		if (names_variable(*env, name, n))
			return true;
	return false;
}

static bool is_ruled(const char *entry)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (names_variable(entry, rules[i].name, strlen(rules[i].name)))
			return true;
	return false;
}

static int append(char **env, size_t *n, char *entry)
{
	if (!entry)
		return -ENOMEM;
	env[(*n)++] = entry;
	return 0;
}

static int append_ruled(char *const *base, const struct env_facts *facts, char **env, size_t *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const char *value = rule_value(&rules[i], facts);
		char *entry = NULL;
		int r;

		if (!value || (rules[i].action == ENV_SCRATCH &&
			       !has_variable(base, rules[i].name, strlen(rules[i].name))))
			continue;
		if (asprintf(&entry, "%s=%s", rules[i].name, value) < 0)
			entry = NULL;
		r = append(env, n, entry);
		if (r < 0)
			return r;
	}
	return 0;
}

int env_build(char *const *base, const struct env_facts *facts, char ***ret_env)
{
	size_t n_base = 0, n = 0;
	char **env;
	int r = 0;

	while (base[n_base])
		n_base++;
	env = calloc(n_base + ARRAY_SIZE(rules) + 1, sizeof(*env));
	if (!env)
		return -ENOMEM;
	for (size_t i = 0; !r && i < n_base; i++) {
		size_t name = strcspn(base[i], "=");

		/* Of a name given twice, getenv() sees the first: later ones only confuse. */
		if (base[i][name] && !is_ruled(base[i]) && !has_variable(env, base[i], name))
			r = append(env, &n, strdup(base[i]));
	}
	if (!r)
		r = append_ruled(base, facts, env, &n);
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
