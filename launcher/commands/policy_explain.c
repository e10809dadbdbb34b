// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "mcp/json.h"
#include "policy/json/json_auto.h"
#include "policy_call.h"
#include "policy_parts.h"

#define CALL_TEXT_MAX (8u << 20) /* bytes, earlier results included */

/* @name: "-" is standard input. Return: 0; -errno with @err filled */
static int read_call(const char *name, json_t **ret, struct error *err)
{
	autobuf struct buf text = BUF_INIT(CALL_TEXT_MAX);
	const struct mcp_json_limits limits = {
		.bytes = CALL_TEXT_MAX, .depth = 64, .values = 1u << 20, .allow_nul = true};
	bool is_stdin = !strcmp(name, "-");
	autoclose int fd = is_stdin ? -1 : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r = !is_stdin && fd < 0 ? -errno : 0;

	if (!r)
		r = io_read_to_end(is_stdin ? STDIN_FILENO : fd, &text);
	if (r) {
		error_set(err, name, NULL, "%s", strerror(-r));
		return r;
	}
	r = mcp_json_parse(span_bytes(text.data, text.len), &limits, ret, err);
	if (r)
		snprintf(err->where, sizeof(err->where), "%s", name);
	return r;
}

static void print_judged(const struct judged_call *judged, const struct asked_call *call)
{
	autojson json_t *report = judged_call_report(judged);
	const json_t *stage;
	size_t i;

	policy_print_line("%s  %s  %s", verdict_word(judged->verdict), call->tool,
			  judged_rule(judged));
	if (judged_reason(judged)[0])
		policy_print_line("  %s", judged_reason(judged));
	json_array_foreach (json_object_get(report, "stages"), i, stage) {
		const char *rule = json_string_value(json_object_get(stage, "rule"));

		policy_print_line("  %-9s %s%s%s",
				  json_string_value(json_object_get(stage, "stage")),
				  json_string_value(json_object_get(stage, "verdict")),
				  *rule ? "  " : "", rule);
	}
}

static int explain(const struct policy *policy, const json_t *object, const char *name,
		   bool as_json)
{
	static const int exits[] = {[VERDICT_DENY] = POLICY_EXIT_WRONG,
				    [VERDICT_ALLOW] = POLICY_EXIT_SOUND,
				    [VERDICT_ASK] = POLICY_EXIT_ASK};
	autocall struct asked_call call = {.server = NULL};
	struct error err = {.what = ""};
	struct judged_call judged;
	autojson json_t *report = NULL;
	int r = asked_call_read(object, &call, &err);

	if (!r)
		r = asked_call_judge(&call, policy, &judged, &err);
	if (r) {
		if (!err.what[0])
			error_set(&err, NULL, NULL, "%s", strerror(-r));
		snprintf(err.where, sizeof(err.where), "%s", name);
		return policy_cannot(&err);
	}
	if (as_json) {
		report = judged_call_report(&judged);
		r = policy_print_json(report);
	} else {
		print_judged(&judged, &call);
	}
	return r ? r : exits[judged.verdict];
}

int policy_explain_command(char **arguments)
{
	autopolicytext struct policy_text t = {.policy = NULL};
	autojson json_t *object = NULL;
	bool as_json = false;
	const char *file = NULL, *call = NULL;
	struct error err = {.what = ""};
	const struct policy_option options[] = {{"--json", NULL, &as_json},
						{"--call", &call, NULL}};
	const struct policy_syntax syntax = {
		.usage = "policy explain [--json] [FILE] --call CALL.json",
		.options = options,
		.n_options = ARRAY_SIZE(options),
		.files = &file,
		.files_max = 1,
	};
	int r = policy_read_arguments(&syntax, arguments);

	if (r)
		return r;
	if (!call) {
		error_set(&err, "policy explain", "--call FILE, or --call - for standard input",
			  "there is no call to explain");
		return policy_cannot(&err);
	}
	/* Under a policy that does not load nothing can be said of a call. */
	if (policy_text_load(file, &t))
		return POLICY_EXIT_CANNOT;
	if (read_call(call, &object, &err))
		return policy_cannot(&err);
	return explain(t.policy, object, call, as_json);
}
