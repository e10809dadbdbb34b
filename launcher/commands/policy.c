// SPDX-License-Identifier: Apache-2.0
#include "commands/policy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "policy/policy.h"
#include "policy_change.h"
#include "state/places.h"

#define REPORT_BYTES_MAX (1u << 20) /* of --json: POLICY_ERRORS_MAX errors, all escaped */

struct check {
	bool as_json;
	const char *file; /* as the person named it; NULL: the policy in force */
};

static void print_usage(FILE *out)
{
	fputs("usage: mcpjail policy check [--json] [FILE]\n"
	      "       mcpjail policy allow [-p FILE] HOST[:PORT]… [--tool NAME]…\n"
	      "       mcpjail policy deny [-p FILE] HOST[:PORT]…\n\n"
	      "  check   whether a policy loads; names every error with line, column and JSON\n"
	      "          pointer. Without FILE: the policy that a run would use.\n"
	      "          exit status: 0 sound, 1 wrong, 2 cannot be read\n"
	      "  allow   let the agent reach HOST by https, or call the tool NAME, from the next\n"
	      "          run on. Without FILE: your own policy, ~/.config/mcpjail/policy.json,\n"
	      "          which is made from the policy in force if you have none.\n"
	      "  deny    take out what allow put in.\n"
	      "          exit status of both: 0 done, 1 the policy is wrong, 2 cannot be read or\n"
	      "          written; unless it is 0, the file is as it was\n",
	      out);
}

/* --- reports ---------------------------------------------------------------- */

void policy_print_errors(const char *name, const struct policy_errors *errors)
{
	size_t n = policy_errors_count(errors);
	char line[ERROR_LINE_BYTES];

	for (size_t i = 0; i < n; i++) {
		error_format(policy_errors_at(errors, i), line, sizeof(line));
		log_error("%s", line);
	}
	if (errors->omitted)
		log_error("%s: %zu errors, the first %d are shown", name, n + errors->omitted,
			  POLICY_ERRORS_MAX);
	else
		log_error("%s: %zu error%s", name, n, n == 1 ? "" : "s");
}

static void print_sound(const char *name, const struct policy *policy)
{
	char shown[PATH_MAX], sha256[65];
	size_t n = policy_tool_count(policy);

	text_escape_terminal(name, strlen(name), shown, sizeof(shown));
	text_hex(policy_sha256(policy), 32, sha256);
	printf("%s: sound (%zu tool%s listed, %s, sha256 %s)\n", shown, n, n == 1 ? "" : "s",
	       policy_server_at(policy, 0)->url, sha256);
}

static void put_string(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":", key);
	text_append_json_string(b, value, strlen(value));
}

static void put_error(struct buf *b, const struct policy_errors *errors, size_t i)
{
	const struct error *error = policy_errors_at(errors, i);
	struct policy_place place = policy_errors_place(errors, i);

	buf_printf(b, "%s{\"line\":%zu,\"column\":%zu,", i ? "," : "", place.line, place.column);
	put_string(b, "pointer", place.pointer);
	buf_puts(b, ",");
	put_string(b, "what", error->what);
	buf_puts(b, ",");
	put_string(b, "mend", error->mend);
	buf_puts(b, "}");
}

/* @policy: NULL if it did not load. */
static void print_json(const char *name, const struct policy *policy,
		       const struct policy_errors *errors)
{
	autobuf struct buf b = BUF_INIT(REPORT_BYTES_MAX);
	char sha256[65];

	buf_puts(&b, "{");
	put_string(&b, "file", name);
	buf_printf(&b, ",\"sound\":%s", policy ? "true" : "false");
	if (policy) {
		text_hex(policy_sha256(policy), 32, sha256);
		buf_printf(&b, ",\"sha256\":\"%s\",\"tools\":%zu,", sha256,
			   policy_tool_count(policy));
		put_string(&b, "server", policy_server_at(policy, 0)->url);
	}
	buf_puts(&b, ",\"errors\":[");
	for (size_t i = 0; i < policy_errors_count(errors); i++)
		put_error(&b, errors, i);
	buf_printf(&b, "],\"errors_omitted\":%zu}\n", errors->omitted);
	fwrite(b.data, 1, b.len, stdout);
}

/* --- check ------------------------------------------------------------------ */

static int check_text(const struct check *c, const char *name, const char *text, size_t n)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	int r = policy_parse(text, n, name, &policy, &errors);

	if (r == -ENOMEM) {
		log_error("%s: out of memory", name);
		return POLICY_EXIT_CANNOT;
	}
	if (c->as_json)
		print_json(name, policy, &errors);
	else if (r)
		policy_print_errors(name, &errors);
	else
		print_sound(name, policy);
	return r ? POLICY_EXIT_WRONG : POLICY_EXIT_SOUND;
}

static int check_file(const struct check *c)
{
	autobuf struct buf text = BUF_INIT(0);
	char path[PATH_MAX], line[ERROR_LINE_BYTES];
	const char *bytes;
	struct error err;
	size_t n;

	if (places_policy(c->file, path, &text, &err)) {
		error_format(&err, line, sizeof(line));
		log_error("%s", line);
		return POLICY_EXIT_CANNOT;
	}
	if (!c->file && !path[0]) {
		bytes = policy_builtin(&n);
		return check_text(c, POLICY_BUILTIN_NAME, bytes, n);
	}
	return check_text(c, c->file ? c->file : path, text.len ? (const char *)text.data : "",
			  text.len);
}

/* @arguments: behind "check". Return: 0; POLICY_EXIT_CANNOT after saying what is wrong with them */
static int check_parse(char **arguments, struct check *ret)
{
	bool only_files = false;

	for (char **a = arguments; *a; a++) {
		if (!only_files && !strcmp(*a, "--")) {
			only_files = true;
		} else if (!only_files && !strcmp(*a, "--json")) {
			ret->as_json = true;
		} else if (!only_files && (*a)[0] == '-' && (*a)[1]) {
			log_error("policy check: unknown option %s; it has --json only", *a);
			return POLICY_EXIT_CANNOT;
		} else if (ret->file) {
			log_error("policy check: one file at a time, not %s as well", *a);
			return POLICY_EXIT_CANNOT;
		} else {
			ret->file = *a;
		}
	}
	return 0;
}

static int command_check(char **arguments)
{
	struct check c = {.as_json = false};
	int r = check_parse(arguments, &c);

	return r ? r : check_file(&c);
}

static int command_help(char **arguments)
{
	(void)arguments;
	print_usage(stdout);
	return POLICY_EXIT_SOUND;
}

static const struct {
	const char *name;
	int (*run)(char **arguments);
} subcommands[] = {
	{"check", command_check}, {"allow", policy_allow},  {"deny", policy_deny},
	{"help", command_help},   {"--help", command_help}, {"-h", command_help},
};

int command_policy(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return POLICY_EXIT_CANNOT;
	}
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		if (!strcmp(argv[1], subcommands[i].name))
			return subcommands[i].run(argv + 2);
	log_error(
		"policy %s: no such command in this version; there are: policy check, allow, deny",
		argv[1]);
	return POLICY_EXIT_CANNOT;
}
