// SPDX-License-Identifier: Apache-2.0
/*
 * A name that is missing here costs the person a credential, one too many costs them a line
 * of policy. Names are compared without regard to case: npm and git read either.
 */
#include "env_rules.h"

#include <string.h>

#include "base/cleanup.h"
#include "jail/files/patterns.h"

#define ENV_TOKEN_MIN 20 /* bytes of a value that is judged by how it begins */

static const char *const reaching[] = {
	/* The loader of every program runs what these name, the caller's tracers and wrappers. */
	"LD_*",
	/* Every connection is captured as it is; a proxy at the host's loopback is out of reach. */
	"HTTP_PROXY",
	"HTTPS_PROXY",
	"FTP_PROXY",
	"ALL_PROXY",
	"RSYNC_PROXY",
	"SOCKS_PROXY",
	"PIP_PROXY",
	"NPM_CONFIG_*PROXY",
	"NO_PROXY",
	/* Agents and buses of the session, and its directory: hidden in the jail. */
	"SSH_AUTH_SOCK",
	"SSH_AGENT_PID",
	"GPG_AGENT_INFO",
	"DBUS_SESSION_BUS_ADDRESS",
	"XDG_RUNTIME_DIR",
};

/*
 * Not kept back: NODE_OPTIONS, PYTHONPATH, JAVA_TOOL_OPTIONS and the like. They say how programs
 * run within the jail, by files that the agent can read anyhow, and reach nothing beyond it.
 */

/*
 * The runner outside acts on what is written to these files; with BASH_ENV every later shell of
 * a CircleCI job does, and bash runs it before any script.
 */
static const char *const command_files[] = {
	"GITHUB_ENV",           "GITHUB_PATH",
	"GITHUB_OUTPUT",        "GITHUB_STATE",
	"GITHUB_STEP_SUMMARY",  "FORGEJO_ENV",
	"FORGEJO_PATH",         "FORGEJO_OUTPUT",
	"FORGEJO_STATE",        "FORGEJO_STEP_SUMMARY",
	"CIRRUS_ENV",           "BUILDKITE_ENV_FILE",
	"ENVMAN_ENVSTORE_PATH", "BASH_ENV",
};

/* What the next table would take for a credential, and is a setting. */
static const char *const settings[] = {
	"*MAX_TOKEN",      "*_PER_TOKEN",       "*_API_KEY_HELPER_*", "*API_KEY_HEADER*",
	"*PASSWORDLESS*",  "*_PASSWORD_PROMPT", "*PASSWORD_LENGTH*",  "*PASSWORD_MIN_*",
	"*PASSWORD_MAX_*", "*PASSWORD_RESET_*", "PASSWORD_STORE_DIR", "SECRET_NAME",
	"*_SECRET_NAME",   "*PUBLIC_KEY",       "*_PUBLISHABLE_KEY",  "*PRIMARY_KEY",
	"*_PARTITION_KEY", "PARTITION_KEY",     "*SORT_KEY",          "*CACHE_KEY",
};

static const char *const secrets[] = {
	/* keys of services and of people */
	"*_KEY",
	"*_KEYS",
	"*_KEY_FILE",
	"*APIKEY",
	"*API_KEY_*",
	"*AUTHKEY",
	"*_ACCESS_KEY_ID",
	"*PRIVATEKEY",
	"*PRIVATE_KEY_*",
	/* bearers */
	"*TOKEN",
	"*_TOKEN_FILE",
	"*BEARER_TOKEN_*",
	"TF_TOKEN_*",
	"POETRY_PYPI_TOKEN_*",
	"JWT",
	"*_JWT",
	"*_JWT_V*",
	"*_PAT",
	"COOKIE",
	"*_COOKIE",
	"OP_SESSION_*",
	"BW_SESSION",
	"AUTH",
	"*_AUTH",
	"DOCKER_AUTH_CONFIG",
	"*_WEBHOOK",
	"*_WEBHOOK_URL",
	/* Bundler's, for a host: dots are written as two underscores */
	"BUNDLE_*__COM",
	"BUNDLE_*__ORG",
	"BUNDLE_*__IO",
	/* the runner's own: they ask it for further tokens */
	"ACTIONS_ID_TOKEN_REQUEST_*",
	/* passwords */
	"*PASSWORD*",
	"*PASSWD",
	"*PASSPHRASE*",
	"PASS",
	"*_PASS",
	"SSHPASS",
	"*_PWD",
	"PGPASSFILE",
	/* anything that says so */
	"SECRET",
	"SECRET_*",
	"*_SECRET*",
	"CREDENTIAL",
	"*_CREDENTIAL",
	"CREDENTIALS",
	"CREDENTIALS_*",
	"*_CREDENTIALS",
	"*_CREDENTIALS_*",
	"*_CREDS",
	"*CONNECTION_STRING",
	/* files of credentials, which may lie where nothing hides them */
	"KUBECONFIG",
	"NETRC",
};

/* Under a name of the table above: a switch. */
static const char *const switches[] = {
	"", "0", "1", "true", "false", "yes", "no", "on", "off", "none",
};

/* How the tokens of well-known services begin. */
static const char *const token_beginnings[] = {
	"sk-",         "sk_live_",
	"sk_test_",    "rk_live_",
	"rk_test_",    "whsec_",
	"gsk_",        "xai-",
	"pplx-",       "tvly-",
	"r8_",         "hf_",
	"lsv2_",       "ghp_",
	"gho_",        "ghu_",
	"ghs_",        "ghr_",
	"github_pat_", "glpat-",
	"glptt-",      "gldt-",
	"glrt-",       "xoxa-",
	"xoxb-",       "xoxe",
	"xoxp-",       "xoxr-",
	"xoxs-",       "xapp-",
	"AKIA",        "ASIA",
	"AIza",        "ya29",
	"npm_",        "pypi-",
	"rubygems_",   "dckr_pat_",
	"SG.",         "dop_v1_",
	"doo_v1_",     "shpat_",
	"shpss_",      "hvs.",
	"hvb.",        "tskey-",
	"sbp_",        "lin_api_",
	"figd_",       "ATATT",
	"dp.st.",      "ops_eyJ",
	"FlyV1 ",      "PMAK-",
	"eyJ",         "Bearer ",
	"Basic ",      "AGE-SECRET-KEY-",
};

static bool begins_alike(const char *pattern, struct span name)
{
	return *pattern == '*' || *pattern == '?' ||
	       (name.n && (*pattern | ' ') == (name.p[0] | ' '));
}

/* Before each command, of each variable: nearly all are told apart by their first letter. */
static bool is_in(const char *const *patterns, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++)
		if (begins_alike(patterns[i], name) &&
		    pattern_matches(patterns[i], name, PATTERN_ANY_CASE))
			return true;
	return false;
}

static bool begins_like_token(struct span s)
{
	if (s.n < ENV_TOKEN_MIN)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(token_beginnings); i++)
		if (!strncmp(s.p, token_beginnings[i], strlen(token_beginnings[i])))
			return true;
	return false;
}

/* RFC 3986 §3.2: the authority ends at the first of "/?#"; what stands before its last "@" is
 * the user's. A user without a password is a name, unless it looks like a token. */
static bool has_userinfo(struct span authority)
{
	const char *at = memrchr(authority.p, '@', authority.n), *colon;
	struct span user;

	if (!at)
		return false;
	user = span_bytes(authority.p, (size_t)(at - authority.p));
	colon = memchr(user.p, ':', user.n);
	return (colon && user.n > 1) || begins_like_token(user);
}

static bool holds_url_with_password(const char *value)
{
	for (const char *p = value; (p = strstr(p, "://"));) {
		p += 3;
		if (has_userinfo(span_bytes(p, strcspn(p, "/?# \t\n\"'"))))
			return true;
	}
	return false;
}

/* A field of a connection string, of a URL's query, or of a request's head. */
static bool holds_password_field(const char *value)
{
	static const char *const fields[] = {
		"password=",      "passwd=",  "pwd=",          "accountkey=",
		"api_key=",       "apikey=",  "access_token=", "authorization:",
		"authorization=", "api-key:", "api-key=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		for (const char *p = value; (p = strcasestr(p, fields[i])); p++)
			if (p == value || strchr("?&;,=\'\" \t\n-_", p[-1]))
				return true;
	return false;
}

/* Also as a member of JSON, or with lines joined. */
static bool holds_private_key(const char *value)
{
	const char *begin = strstr(value, "-----BEGIN ");

	return (begin && strstr(begin, "PRIVATE KEY")) ||
	       !strncmp(value, "PuTTY-User-Key-File-", strlen("PuTTY-User-Key-File-"));
}

static bool is_switch(const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (!strcasecmp(value, switches[i]))
			return true;
	return false;
}

bool env_takes_commands(struct span name)
{
	return is_in(command_files, ARRAY_SIZE(command_files), name);
}

enum env_kind env_kind_of(struct span name, const char *value)
{
	if (is_in(reaching, ARRAY_SIZE(reaching), name) || env_takes_commands(name))
		return ENV_REACHING;
	if (is_in(secrets, ARRAY_SIZE(secrets), name) &&
	    !is_in(settings, ARRAY_SIZE(settings), name))
		return is_switch(value) ? ENV_PLAIN : ENV_SECRET;
	return begins_like_token(span_of(value)) || holds_url_with_password(value) ||
			       holds_password_field(value) || holds_private_key(value)
		       ? ENV_SECRET
		       : ENV_PLAIN;
}
