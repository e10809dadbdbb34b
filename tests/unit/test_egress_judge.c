// SPDX-License-Identifier: Apache-2.0
#include "proxy/egress_judge.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "policy/policy.h"

static const char policy_text[] =
	"{\"version\":\"1\",\"default\":\"deny\",\"egress\":["
	"{\"host\":\"api.example\",\"methods\":[\"POST\",\"GET\"],\"paths\":[\"/v1/**\"],"
	"\"headers\":{\"x-org\":[\"acme\",null]},"
	"\"deny_body\":[{\"path\":\"body.servers\",\"op\":\"exists\",\"value\":true}]},"
	"{\"host\":\"api.example\",\"paths\":[\"/free/*\"]}]}";

static const struct http1_authority api = {.host = "api.example", .port = 443};

static struct policy *load(void)
{
	struct policy *policy = NULL;

	assert_int_equal(policy_parse(policy_text, strlen(policy_text), "test", &policy, NULL), 0);
	return policy;
}

static void read_head(const char *line, const char *fields, struct http1_head *ret)
{
	autobuf struct buf in = BUF_INIT(4096);
	struct http1_refusal refusal = {0, ""};

	assert_int_equal(
		buf_printf(&in, "%s HTTP/1.1\r\nHost: api.example\r\n%s\r\n", line, fields), 0);
	assert_true(http1_read_request(ret, &in, &refusal) > 0);
}

static void test_judge_needs_every_reading_to_be_allowed(void **state)
{
	static const struct {
		const char *line, *fields;
		bool allowed, judges_body;
	} rows[] = {
		{"POST /v1/a", "", true, true},
		{"POST /free/a", "", true, false},
		{"POST /v1/%61", "", true, true},
		{"POST /free/a%2Fb", "", false, false},
		{"POST /v1%2Fa", "", false, false},
		{"POST /v2/a", "", false, false},
		{"PUT /v1/a", "", false, false},
		{"POST /v1/a", "X-HTTP-Method-Override: put\r\n", false, false},
		{"POST /v1/a", "X_Http_Method_Override: put\r\n", false, false},
		{"POST /v1/a", "X-HTTP-Method: GET\r\nX-HTTP-Method: PUT\r\n", false, false},
		{"POST /v1/a", "X-HTTP-Method-Override: get\r\n", true, true},
		{"POST /v1/a", "X-Org: acme\r\n", true, true},
		{"POST /v1/a", "X-Org: acme\r\nx_org: other\r\n", false, false},
		{"POST /v1/a", "X-Org: other\r\nConnection: X-Org\r\n", true, true},
	};
	struct policy *policy = load();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_egress_decision decision;
		struct http1_refusal refusal = {0, ""};
		struct http1_head head = {0};
		struct egress_ask ask;

		read_head(rows[i].line, rows[i].fields, &head);
		assert_int_equal(egress_ask_read(&head, &api, false, &ask, &refusal), 0);
		egress_judge(policy, &head, &ask, &decision);
		if ((decision.verdict == VERDICT_ALLOW) != rows[i].allowed ||
		    (rows[i].allowed && decision.judges_body != rows[i].judges_body))
			fail_msg("%s %s: %s", rows[i].line, rows[i].fields, decision.reason);
		http1_head_free(&head);
	}
	policy_free(policy);
}

#define NULS "{\"a\":1}\0\0"

static void test_judge_denies_bodies_that_it_cannot_read_in_one_way(void **state)
{
	static const struct {
		struct span body;
		bool allowed;
	} rows[] = {
		{{NULL, 0}, true},
		{{"{}", 2}, true},
		{{" [] \r\n", 6}, false},
		{{"{\"a\":1}", 7}, true},
		{{"{\"servers\":1}", 13}, false},
		{{"{\"Servers\":null}", 16}, false},
		{{"{\"\\u0073ervers\":1}", 18}, false},
		{{"{\"\xc5\xbf"
		  "ervers\":1}",
		  14},
		 false},
		{{"{}{\"servers\":1}", 15}, false},
		{{"{}\n{\"servers\":1}", 16}, false},
		{{"{} x", 4}, false},
		{{"{\"a\":1,\"a\":2}", 13}, false},
		{{"\xef\xbb\xbf{}", 5}, false},
		{{"{\0}\0", 4}, false},
		{{NULS, 9}, false},
		{{"{\"a\":\"\xff\"}", 9}, false},
		{{" ", 1}, false},
		{{"\"servers\"", 9}, false},
		{{"servers=1", 9}, false},
	};
	struct policy *policy = load();
	struct http1_refusal refusal = {0, ""};
	struct http1_head head = {0};
	struct egress_ask ask;

	(void)state;
	read_head("POST /v1/a", "", &head);
	assert_int_equal(egress_ask_read(&head, &api, false, &ask, &refusal), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_egress_decision decision;

		egress_judge_body(policy, &head, &ask, rows[i].body, &decision);
		if ((decision.verdict == VERDICT_ALLOW) != rows[i].allowed)
			fail_msg("row %zu: %s", i, decision.reason);
	}
	http1_head_free(&head);
	policy_free(policy);
}

static void test_object_to_body_wants_plain_json(void **state)
{
	static const struct {
		const char *fields;
		bool good;
	} rows[] = {
		{"Content-Length: 2\r\n", true},
		{"Content-Length: 2\r\nContent-Type: application/json\r\n", true},
		{"Content-Length: 2\r\nContent-Type: application/vnd.x+json; charset=UTF-8\r\n",
		 true},
		{"Content-Length: 2\r\nContent-Type: application/json; charset=utf-7\r\n", false},
		{"Content-Length: 2\r\nContent-Type: application/json+protobuf\r\n", false},
		{"Content-Length: 2\r\nContent-Type: application/x-www-form-urlencoded\r\n", false},
		{"Content-Length: 2\r\nContent-Type: text/plain\r\n", false},
		{"Content-Length: 2\r\nContent-Encoding: identity\r\n", true},
		{"Content-Length: 2\r\nContent-Encoding: zstd\r\n", false},
		{"Content-Length: 2\r\nContent-Encoding: identity, gzip\r\n", false},
		{"Content-Length: 2\r\nContent-Encoding: identity\r\nContent-Encoding: br\r\n",
		 false},
		{"Content-Type: text/plain\r\n", true}, /* of no body */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http1_head head = {0};

		read_head("POST /v1/a", rows[i].fields, &head);
		if (!egress_object_to_body(&head) != rows[i].good)
			fail_msg("%s", rows[i].fields);
		http1_head_free(&head);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge_needs_every_reading_to_be_allowed),
		cmocka_unit_test(test_judge_denies_bodies_that_it_cannot_read_in_one_way),
		cmocka_unit_test(test_object_to_body_wants_plain_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
