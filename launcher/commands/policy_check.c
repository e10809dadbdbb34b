// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "policy_parts.h"

#define REPORT_BYTES_MAX (1u << 20) /* of --json: POLICY_ERRORS_MAX errors, all escaped */

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

int policy_check(char **arguments)
{
	autopolicytext struct policy_text t = {.policy = NULL};
	bool as_json = false;
	const char *file = NULL;
	const struct policy_option options[] = {{"--json", NULL, &as_json}};
	const struct policy_syntax syntax = {
		.usage = "policy check [--json] [FILE]",
		.options = options,
		.n_options = 1,
		.files = &file,
		.files_max = 1,
	};
	int r = policy_read_arguments(&syntax, arguments);

	if (!r)
		r = policy_text_read(file, &t);
	if (r == POLICY_EXIT_CANNOT)
		return r;
	if (as_json)
		print_json(t.name, t.policy, &t.errors);
	else if (r)
		policy_print_errors(t.name, &t.errors);
	else
		print_sound(t.name, t.policy);
	return r;
}
