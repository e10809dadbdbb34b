// SPDX-License-Identifier: Apache-2.0
#include "jail/env.h"
#include "jail/files/layout.h"

#include <string.h>

#include "base/cleanup.h"
#include "cmocka_all.h"

static const struct jail_spec no_policy = {.run_id = "r1"};
static const struct env_facts facts = {.spec = &no_policy,
				       .ca_path = "/ca.pem",
				       .bundle_path = "/bundle.pem",
				       .cwd = "/work",
				       .wgetrc_path = "/wgetrc",
				       .java_options = "-Dstore=/java.p12"};

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
	{"wget", "SYSTEM_WGETRC=/x", "SYSTEM_WGETRC", "/wgetrc"},
	{"Java", "A=", "JAVA_TOOL_OPTIONS", "-Dstore=/java.p12"},
	{"whose other options stay, in front", "JAVA_TOOL_OPTIONS=-Xmx1g -Dstore=/x",
	 "JAVA_TOOL_OPTIONS", "-Xmx1g -Dstore=/x -Dstore=/java.p12"},
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
	{"credentials are withheld", "NPM_TOKEN=t", "NPM_TOKEN", NULL},
	{"preloaded libraries stay outside", "LD_PRELOAD=/x.so", "LD_PRELOAD", NULL},
	{"files of a runner's commands too", "GITHUB_ENV=/w/env", "GITHUB_ENV", NULL},
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

static void test_build_leaves_java_alone_where_it_has_no_store(void **state)
{
	static const struct env_facts without = {
		.spec = &no_policy, .ca_path = "/c", .bundle_path = "/b", .cwd = "/"};
	char options[] = "JAVA_TOOL_OPTIONS=-Xmx1g";
	char *const bases[][2] = {{options, NULL}, {NULL}};
	static const char *const wanted[] = {"-Xmx1g", NULL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		char **env = NULL;
		const char *value;

		assert_int_equal(env_build(bases[i], &without, &env), 0);
		value = value_of(env, "JAVA_TOOL_OPTIONS");
		assert_int_equal(!value, !wanted[i]);
		if (value)
			assert_string_equal(value, wanted[i]);
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

/* The lists of a policy, one name in each. */
static const struct {
	const char *what, *base, *pass, *unset, *set, *name, *value;
} policies[] = {
	{"passed by name", "NPM_TOKEN=t", "NPM_TOKEN", NULL, NULL, "NPM_TOKEN", "t"},
	{"passed by pattern", "NPM_TOKEN=t", "NPM_*", NULL, NULL, "NPM_TOKEN", "t"},
	{"a pattern matches whole names", "NPM_TOKEN=t", "PM_*", NULL, NULL, "NPM_TOKEN", NULL},
	{"unset wins over pass", "NPM_TOKEN=t", "NPM_TOKEN", "*_TOKEN", NULL, "NPM_TOKEN", NULL},
	{"unset takes what is plain", "EDITOR=vi", NULL, "EDIT*", NULL, "EDITOR", NULL},
	{"set wins over the caller", "EDITOR=vi", NULL, NULL, "EDITOR=ed", "EDITOR", "ed"},
	{"set wins over unset", "EDITOR=vi", NULL, "*", "EDITOR=ed", "EDITOR", "ed"},
	{"set invents", "A=", NULL, NULL, "EDITOR=ed", "EDITOR", "ed"},
	{"set may name a credential", "A=", NULL, NULL, "X_API_KEY=dummy", "X_API_KEY", "dummy"},
	{"set wins over the scratch directories", "TMPDIR=/x", NULL, NULL, "TMPDIR=/work/t",
	 "TMPDIR", "/work/t"},
	{"the jail's sign cannot be unset", "A=", NULL, "*", NULL, "MCPJAIL", "1"},
	{"nor set", "A=", NULL, NULL, "MCPJAIL_RUN=r2", "MCPJAIL_RUN", "r1"},
	{"nor the certificates", "A=", NULL, NULL, "SSL_CERT_FILE=/x", "SSL_CERT_FILE",
	 "/bundle.pem"},
	{"what Java is told stands behind what is set", "JAVA_TOOL_OPTIONS=-Da", NULL, NULL,
	 "JAVA_TOOL_OPTIONS=-Db", "JAVA_TOOL_OPTIONS", "-Db -Dstore=/java.p12"},
	{"and alone where that is unset", "JAVA_TOOL_OPTIONS=-Da", NULL, "JAVA*", NULL,
	 "JAVA_TOOL_OPTIONS", "-Dstore=/java.p12"},
	{"what reaches out is passed by its exact name", "LD_LIBRARY_PATH=/l", "LD_LIBRARY_PATH",
	 NULL, NULL, "LD_LIBRARY_PATH", "/l"},
	{"not by a pattern", "LD_LIBRARY_PATH=/l", "*", NULL, NULL, "LD_LIBRARY_PATH", NULL},
	{"nor in another case", "no_proxy=x", "NO_PROXY", NULL, NULL, "no_proxy", NULL},
	{"but set brings it", "no_proxy=x", NULL, NULL, "no_proxy=y", "no_proxy", "y"},
};

static struct jail_names one(const char *const *slot)
{
	return (struct jail_names){slot, *slot ? 1 : 0};
}

static void test_build_follows_the_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		const struct jail_spec spec = {.run_id = "r1",
					       .pass_env = one(&policies[i].pass),
					       .unset_env = one(&policies[i].unset),
					       .set_env = one(&policies[i].set)};
		struct env_facts with = facts;
		char entry[128];
		char *const base[] = {entry, NULL};
		char **env = NULL;
		const char *value;

		print_message("%s\n", policies[i].what);
		with.spec = &spec;
		memcpy(entry, policies[i].base, strlen(policies[i].base) + 1);
		assert_int_equal(env_build(base, &with, &env), 0);
		value = value_of(env, policies[i].name);
		assert_int_equal(!value, !policies[i].value);
		if (value)
			assert_string_equal(value, policies[i].value);
		env_free(env);
	}
}

static void test_build_moves_what_cannot_be_written(void **state)
{
	static const struct {
		const char *base, *unset, *name, *value;
	} rows[] = {
		{"A=", NULL, "CHROME_CONFIG_HOME", "/tmp/.config"},
		{"A=", NULL, "GOCACHE", "/tmp/.cache/go-build"},
		{"A=", NULL, "npm_config_cache", NULL}, /* the layout has it */
		{"GOCACHE=off", NULL, "GOCACHE", "off"},
		{"A=", "GO*", "GOCACHE", NULL},
	};
	struct layout layout = {.trees = {{.path = (char[]){"/h/.npm"}, .writable = true}},
				.n_trees = 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct jail_spec spec = {
			.run_id = "r1", .home = "/h", .unset_env = one(&rows[i].unset)};
		struct env_facts with = facts;
		char entry[128];
		char *const base[] = {entry, NULL};
		char **env = NULL;
		const char *value;

		with.spec = &spec;
		with.layout = &layout;
		strcpy(entry, rows[i].base);
		assert_int_equal(env_build(base, &with, &env), 0);
		value = value_of(env, rows[i].name);
		assert_int_equal(!value, !rows[i].value);
		if (value)
			assert_string_equal(value, rows[i].value);
		env_free(env);
	}
}

static void test_withheld_names_credentials_alone(void **state)
{
	char *const base[] = {(char[]){"PATH=/bin"},
			      (char[]){"NPM_TOKEN=t"},
			      (char[]){"LD_PRELOAD=x"},
			      (char[]){"NPM_TOKEN=again"},
			      (char[]){"A_TOKEN=passed"},
			      (char[]){"B_TOKEN=unset"},
			      (char[]){"C_TOKEN=set"},
			      (char[]){"HTTPS_PROXY=http://u:p@h"},
			      (char[]){"GITHUB_ENV=/e"},
			      (char[]){"SSL_CERT_FILE=https://u:p@h"},
			      (char[]){"DB=pg://u:p@h/d"},
			      (char[]){"Z_TOKEN"},
			      NULL};
	static const char *const pass[] = {"A_*"}, *const unset[] = {"B_*"},
				 *const set[] = {"C_TOKEN=x"};
	const struct jail_spec spec = {
		.pass_env = {pass, 1}, .unset_env = {unset, 1}, .set_env = {set, 1}};
	struct span names[2];

	(void)state;
	assert_int_equal(env_withheld(base, &spec, names, ARRAY_SIZE(names)), 2);
	assert_true(span_equals(names[0], "NPM_TOKEN"));
	assert_true(span_equals(names[1], "DB"));
	names[1] = span_of("untouched");
	assert_int_equal(env_withheld(base, &spec, names, 1), 2);
	assert_true(span_equals(names[1], "untouched"));
}

static void test_command_files_are_absolute(void **state)
{
	char *const base[] = {(char[]){"GITHUB_OUTPUT=/w/out"}, (char[]){"GITHUB_ENV="},
			      (char[]){"BASH_ENV=relative"},    (char[]){"GITHUB_ACTOR=/w/x"},
			      (char[]){"GITHUB_STATE=/w/s"},    NULL};
	const char *paths[4];

	(void)state;
	assert_int_equal(env_command_files(base, paths, ARRAY_SIZE(paths)), 2);
	assert_string_equal(paths[0], "/w/out");
	assert_string_equal(paths[1], "/w/s");
	assert_int_equal(env_command_files(base, paths, 1), 1);
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
		cmocka_unit_test(test_build_leaves_java_alone_where_it_has_no_store),
		cmocka_unit_test(test_build_keeps_the_first_of_two),
		cmocka_unit_test(test_build_follows_the_policy),
		cmocka_unit_test(test_build_moves_what_cannot_be_written),
		cmocka_unit_test(test_withheld_names_credentials_alone),
		cmocka_unit_test(test_command_files_are_absolute),
		cmocka_unit_test(test_build_works_from_an_empty_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
