// SPDX-License-Identifier: Apache-2.0
#include "jail/env.h"

#include <string.h>

#include "base/cleanup.h"
#include "cmocka_all.h"

static const struct env_facts facts = {
	.ca_path = "/ca.pem", .bundle_path = "/bundle.pem", .run_id = "r1", .cwd = "/work"};

/* The value of @name, NULL if it is not there; fails if it is there twice. */
static const char *value_of(char *const *env, const char *name)
{
	const char *value = NULL;
	size_t n = strlen(name);

	for (; *env; env++) {
		if (strncmp(*env, name, n) || (*env)[n] != '=')
			continue;
		assert_null(value);
		value = *env + n + 1;
	}
	return value;
}

static const struct {
	const char *what, *base, *name, *value;
} cases[] = {
	{"other variables stay", "EDITOR=vi", "EDITOR", "vi"},
	{"values keep their equals signs", "A=b=c", "A", "b=c"},
	{"empty values stay", "A=", "A", ""},
	{"the jail is announced", "A=", "MCPJAIL", "1"},
	{"and cannot be denied by the caller", "MCPJAIL=0", "MCPJAIL", "1"},
	{"the run is named", "MCPJAIL_RUN=old", "MCPJAIL_RUN", "r1"},
	{"PWD is the canonical directory", "PWD=/link", "PWD", "/work"},
	{"bundle where it was unset", "A=", "SSL_CERT_FILE", "/bundle.pem"},
	{"bundle in place of another", "CURL_CA_BUNDLE=/corp.pem", "CURL_CA_BUNDLE", "/bundle.pem"},
	{"Node adds to its own roots", "A=", "NODE_EXTRA_CA_CERTS", "/ca.pem"},
	{"Deno too", "A=", "DENO_CERT", "/ca.pem"},
	{"Python", "A=", "REQUESTS_CA_BUNDLE", "/bundle.pem"},
	{"git", "A=", "GIT_SSL_CAINFO", "/bundle.pem"},
	{"pip", "A=", "PIP_CERT", "/bundle.pem"},
	{"aws", "A=", "AWS_CA_BUNDLE", "/bundle.pem"},
	{"cargo", "A=", "CARGO_HTTP_CAINFO", "/bundle.pem"},
	{"gcloud", "A=", "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", "/bundle.pem"},
	{"nix", "A=", "NIX_SSL_CERT_FILE", "/bundle.pem"},
	{"bundler", "A=", "BUNDLE_SSL_CA_CERT", "/bundle.pem"},
	{"codex", "A=", "CODEX_CA_CERTIFICATE", "/bundle.pem"},
	{"gRPC", "A=", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/bundle.pem"},
	{"httplib2", "A=", "HTTPLIB2_CA_CERTS", "/bundle.pem"},
	{"a scratch directory that is hidden is replaced", "TMPDIR=/run/user/1/t", "TMPDIR",
	 "/tmp"},
	{"none is invented", "A=", "TMPDIR", NULL},
	{"proxies of the host are out of reach", "HTTPS_PROXY=http://127.0.0.1:3128", "HTTPS_PROXY",
	 NULL},
	{"in lower case too", "all_proxy=socks5h://x", "all_proxy", NULL},
	{"the ssh agent is hidden", "SSH_AUTH_SOCK=/run/s", "SSH_AUTH_SOCK", NULL},
	{"so is the session bus", "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/b",
	 "DBUS_SESSION_BUS_ADDRESS", NULL},
	{"a name that only begins alike stays", "PWD_OLD=x", "PWD_OLD", "x"},
};

static void test_build_sets_replaces_and_removes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char entry[128];
		char *const base[] = {entry, NULL};
		char **env = NULL;
		const char *value;

		print_message("%s\n", cases[i].what);
		memcpy(entry, cases[i].base, strlen(cases[i].base) + 1);
		assert_int_equal(env_build(base, &facts, &env), 0);
		value = value_of(env, cases[i].name);
		if (cases[i].value) {
			assert_non_null(value);
			assert_string_equal(value, cases[i].value);
		} else {
			assert_null(value);
		}
		env_free(env);
	}
}

static void test_build_keeps_the_first_of_two(void **state)
{
	char first[] = "PATH=/a", second[] = "PATH=/b", none[] = "NOTHING";
	char *const base[] = {first, none, second, NULL};
	char **env = NULL;

	(void)state;
	assert_int_equal(env_build(base, &facts, &env), 0);
	assert_string_equal(value_of(env, "PATH"), "/a");
	for (char **entry = env; *entry; entry++)
		assert_string_not_equal(*entry, "NOTHING");
	env_free(env);
}

static void test_build_works_from_an_empty_environment(void **state)
{
	char *const base[] = {NULL};
	char **env = NULL;

	(void)state;
	assert_int_equal(env_build(base, &facts, &env), 0);
	assert_string_equal(value_of(env, "MCPJAIL"), "1");
	env_free(env);
	env_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_build_sets_replaces_and_removes),
		cmocka_unit_test(test_build_keeps_the_first_of_two),
		cmocka_unit_test(test_build_works_from_an_empty_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
