// SPDX-License-Identifier: Apache-2.0
/*
 * policy FILE - what a decision costs by PromptFax's worked policy, all stages but the state, and
 * what loading a policy of two megabytes and 5000 tools does: time on a processor for one
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "policy/load/unwired.h"

#define ROUNDS     20000
#define TIMES      7
#define TOOLS      5000
#define BYTES_MAX  (4u << 20)
#define TOOL_BYTES 420

static const struct {
	const char *tool, *arguments;
} calls[] = {
	{"get_status", "{\"sessionId\":\"ses_demo\",\"sendIntentId\":\"int_demo\"}"},
	{"get_quote", "{\"sessionId\":\"ses_demo\",\"faxNumber\":\"+1 (212) 555-0123\"}"},
	{"start_session",
	 "{\"hostType\":\"claude\",\"files\":[{\"url\":\"https://files.example.com/a/report.pdf\","
	 "\"fileName\":\"report-2026.pdf\",\"download_url\":"
	 "\"https://files.example.com/d/report.pdf\"}]}"},
	{"checkout",
	 "{\"sessionId\":\"s\",\"sendIntentId\":\"int_1\",\"autoSendAfterAuthorization\":false}"},
};

static void check(int failed, const char *what)
{
	if (failed) {
		fprintf(stderr, "policy: %s failed: %d\n", what, failed);
		exit(1);
	}
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double us[TIMES])
{
	qsort(us, TIMES, sizeof(us[0]), compare);
	return us[TIMES / 2];
}

static double decide(const struct policy *policy, const char *tool, const char *arguments)
{
	json_t *parsed = json_loads(arguments, 0, NULL);
	const struct policy_call call = {
		.server = policy_server_at(policy, 0), .tool = tool, .arguments = parsed};
	struct policy_decision decision;
	double us[TIMES];

	check(!parsed, "the arguments");
	for (size_t k = 0; k < TIMES; k++) {
		double start = cpu_us();

		for (int i = 0; i < ROUNDS; i++)
			policy_decide(policy, &call, &decision);
		us[k] = (cpu_us() - start) / ROUNDS;
	}
	check(decision.verdict != VERDICT_ALLOW && !decision.approval.is_required, tool);
	json_decref(parsed);
	return median(us);
}

static void load(const struct buf *text, struct policy **ret)
{
	check(policy_parse_whole((const char *)text->data, text->len, "policy", ret, NULL),
	      "the policy");
}

static void append(struct buf *text, const char *piece)
{
	check(buf_append(text, piece, strlen(piece)), "memory");
}

static double load_large(size_t *ret_bytes)
{
	autobuf struct buf text = BUF_INIT(BYTES_MAX);
	char tool[TOOL_BYTES + 1];
	double us[TIMES];

	append(&text, "{\"version\":\"1\",\"tools\":{");
	for (int i = 0; i < TOOLS; i++) {
		snprintf(
			tool, sizeof(tool),
			"%s\"tool_%d\":{\"limits\":[{\"counter\":\"calls_%d\",\"window\":"
			"\"minute\","
			"\"max\":10,\"scope\":\"grant\"}],\"require\":[{\"path\":\"args.hostType\","
			"\"op\":\"in\",\"value\":[\"claude\",\"other\"]}],\"deny_if\":[{\"path\":"
			"\"args.files[*].fileName\",\"op\":\"regex\",\"value\":\"[/\\\\\\\\]\"}],"
			"\"args\":{\"type\":\"object\",\"properties\":{\"files\":{\"type\":"
			"\"array\","
			"\"maxItems\":5}},\"required\":[\"hostType\"]}}",
			i ? "," : "", i, i);
		append(&text, tool);
	}
	append(&text, "}}");
	for (size_t k = 0; k < TIMES; k++) {
		autopolicy struct policy *policy = NULL;
		double start = cpu_us();

		load(&text, &policy);
		us[k] = cpu_us() - start;
	}
	*ret_bytes = text.len;
	return median(us);
}

int main(int argc, char **argv)
{
	autoclose int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	autobuf struct buf text = BUF_INIT(BYTES_MAX);
	autopolicy struct policy *policy = NULL;
	size_t bytes;
	double us;

	if (fd < 0) {
		fprintf(stderr, "usage: policy FILE\n");
		return 2;
	}
	check(io_read_to_end(fd, &text), "the policy's file");
	load(&text, &policy);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		printf("%10.1f us   a decision about %s by the worked policy\n",
		       decide(policy, calls[i].tool, calls[i].arguments), calls[i].tool);
	us = load_large(&bytes);
	printf("%10.1f ms   a policy of %d tools and %zu bytes, loaded\n", us / 1000, TOOLS, bytes);
	return 0;
}
