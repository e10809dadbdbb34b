// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mcp/json.h"

/* A literal's bytes, NULs inside it included. */
#define TEXT(literal) literal, sizeof(literal) - 1

static int parse(const char *p, size_t n, const struct mcp_json_limits *limits)
{
	json_t *root = NULL;
	int r = mcp_json_parse(span_bytes(p, n), limits, &root, NULL);

	assert_true(r ? root == NULL : root != NULL);
	json_decref(root);
	return r;
}

static void test_json_parses_strictly(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		int r;
	} cases[] = {
		{TEXT("{}"), 0},
		{TEXT("[]"), 0},
		{TEXT(" \t\r\n{\"a\" : [1, true, null]} \n"), 0},
		{TEXT("{\"a\":\"\xc3\xa9\"}"), 0},
		{TEXT("{\"a\":\"\\ud83d\\ude00 \\/ \\u0065\"}"), 0},
		{TEXT("{\"a\":\"1e400 [[[[ -0 \\\" 01\"}"), 0},
		{TEXT("{\"a\":0.1,\"b\":1e2,\"c\":-5}"), 0},
		{TEXT("{\"a\":{\"x\":1},\"b\":{\"x\":1}}"), 0},
		{TEXT("{\"a\":1,\"A\":2}"), 0},
		/* what is no JSON */
		{TEXT(""), -EBADMSG},
		{TEXT("   "), -EBADMSG},
		{TEXT("1"), -EBADMSG},
		{TEXT("\"a\""), -EBADMSG},
		{TEXT("null"), -EBADMSG},
		{TEXT("{"), -EBADMSG},
		{TEXT("{}}"), -EBADMSG},
		{TEXT("{} {}"), -EBADMSG},
		{TEXT("{}x"), -EBADMSG},
		{TEXT("{\"a\":1,}"), -EBADMSG},
		{TEXT("[1,]"), -EBADMSG},
		{TEXT("{'a':1}"), -EBADMSG},
		{TEXT("{a:1}"), -EBADMSG},
		{TEXT("{\"a\":True}"), -EBADMSG},
		{TEXT("{\"a\":NaN}"), -EBADMSG},
		{TEXT("{\"a\":Infinity}"), -EBADMSG},
		{TEXT("{\"a\":1 /* b */}"), -EBADMSG},
		{TEXT("{\"a\":\"b"), -EBADMSG},
		{TEXT("{\"a\":\"b\\\"}"), -EBADMSG},
		{TEXT("{\"a\":\"\\x41\"}"), -EBADMSG},
		{TEXT("{\"a\":\"\n\"}"), -EBADMSG},
		{TEXT("{\"a\":\"\t\"}"), -EBADMSG},
		/* bytes */
		{TEXT("\xef\xbb\xbf{}"), -EBADMSG},
		{TEXT("\xff\xfe{\0}\0"), -EBADMSG},
		{TEXT("{\0}\0"), -EBADMSG},
		{TEXT("\0{\0}"), -EBADMSG},
		{TEXT("{}\0"), -EBADMSG},
		{TEXT("[1\0,2]"), -EBADMSG},
		{TEXT("[true\0]"), -EBADMSG},
		{TEXT("[1,\0 2]"), -EBADMSG},
		{TEXT("{\"a\":\"\xff\"}"), -EBADMSG},
		{TEXT("{\"a\":\"\xc0\xaf\"}"), -EBADMSG},
		{TEXT("{\"a\":\"\xed\xa0\x80\"}"), -EBADMSG},
		{TEXT("{\"a\":\"\xf4\x90\x80\x80\"}"), -EBADMSG},
		{TEXT("{\"a\":\"\xc3"), -EBADMSG},
		{TEXT("{\"a\":\"\\ud800\"}"), -EBADMSG},
		{TEXT("{\"a\":\"\\udc00\\ud800\"}"), -EBADMSG},
		/* duplicate keys, anywhere, however written */
		{TEXT("{\"a\":1,\"a\":1}"), -EBADMSG},
		{TEXT("{\"a\":1,\"b\":2,\"\\u0061\":3}"), -EBADMSG},
		{TEXT("{\"a\":[{\"b\":{\"c\":1,\"c\":2}}]}"), -EBADMSG},
		{TEXT("{\"\":1,\"\":2}"), -EBADMSG},
		/* NUL */
		{TEXT("{\"a\\u0000b\":1}"), -EBADMSG},
		{TEXT("{\"a\":\"x\\u0000y\"}"), -EBADMSG},
		{TEXT("{\"a\":\"x\0y\"}"), -EBADMSG},
		/* numbers */
		{TEXT("{\"a\":-0}"), -EBADMSG},
		{TEXT("{\"a\":1e400}"), -EBADMSG},
		{TEXT("{\"a\":1e-400}"), -EBADMSG},
		{TEXT("{\"a\":12345678901234567890}"), -EBADMSG},
		{TEXT("{\"a\":0.1000000000000000055511151231257827}"), -EBADMSG},
		{TEXT("[[[0.10000000000000001]]]"), -EBADMSG},
		{TEXT("{\"a\":01}"), -EBADMSG},
		{TEXT("{\"a\":+1}"), -EBADMSG},
		{TEXT("{\"a\":.5}"), -EBADMSG},
		{TEXT("{\"a\":5.}"), -EBADMSG},
		{TEXT("{\"a\":0x1}"), -EBADMSG},
		{TEXT("{\"a\":1_0}"), -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = parse(cases[i].text, cases[i].n, &mcp_request_limits);

		if (r != cases[i].r)
			fail_msg("%s: got %d, expected %d", cases[i].text, r, cases[i].r);
	}
}

static void test_json_allows_nul_only_where_told(void **state)
{
	(void)state;
	assert_int_equal(parse(TEXT("{\"a\":\"x\\u0000y\"}"), &mcp_response_limits), 0);
	assert_int_equal(parse(TEXT("{\"a\\u0000b\":1}"), &mcp_response_limits), -EBADMSG);
}

static void test_json_bounds_depth(void **state)
{
	static const char *const openings[] = {"[", "{\"a\":"};
	static const char *const closings[] = {"]", "}"};

	(void)state;
	for (size_t kind = 0; kind < ARRAY_SIZE(openings); kind++)
		for (size_t depth = 64; depth <= 65; depth++) {
			autobuf struct buf b = BUF_INIT(4096);

			for (size_t i = 0; i < depth; i++)
				buf_puts(&b, i + 1 < depth ? openings[kind] : "[");
			for (size_t i = 0; i < depth; i++)
				buf_puts(&b, i ? closings[kind] : "]");
			assert_int_equal(parse((char *)b.data, b.len, &mcp_request_limits),
					 depth == 64 ? 0 : -EMSGSIZE);
		}
}

static void test_json_survives_a_hundred_thousand_brackets(void **state)
{
	autofree char *deep = malloc(100000);

	(void)state;
	memset(deep, '[', 100000);
	assert_int_equal(parse(deep, 100000, &mcp_request_limits), -EMSGSIZE);
}

static void test_json_bounds_values_and_bytes(void **state)
{
	const struct mcp_json_limits limits = {.bytes = 16, .depth = 4, .values = 4};

	(void)state;
	assert_int_equal(parse(TEXT("[1,2,3,4]"), &limits), 0);
	assert_int_equal(parse(TEXT("[1,2,3,4,5]"), &limits), -EMSGSIZE);
	assert_int_equal(parse(TEXT("[[],[]]"), &limits), 0);
	assert_int_equal(parse(TEXT("[[],[],1]"), &limits), -EMSGSIZE);
	assert_int_equal(parse(TEXT("{}"), &limits), 0);
	assert_int_equal(parse(TEXT("{\"a\":1}"), &limits), -EMSGSIZE);
	assert_int_equal(parse(TEXT("[             1]"), &limits), 0);
	assert_int_equal(parse(TEXT("[              1]"), &limits), -EMSGSIZE);
}

static void test_json_error_names_the_byte_and_the_fault(void **state)
{
	static const struct {
		const char *text, *where, *what;
	} cases[] = {
		{"{\"a\":-0}", "byte 5", "a number could not be passed on with its exact value"},
		{"{\"a\":1,\"a\":2}", "byte 10", "an object has the same key twice"},
		{"{\"a\":1", "byte 6", "the JSON text ends too early"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		json_t *root;

		assert_int_equal(
			mcp_json_parse(span_of(cases[i].text), &mcp_request_limits, &root, &err),
			-EBADMSG);
		assert_string_equal(err.where, cases[i].where);
		assert_string_equal(err.what, cases[i].what);
	}
}

static void test_json_tells_folded_keys_apart(void **state)
{
	static const struct {
		const char *text;
		bool distinct;
	} cases[] = {
		{"{}", true},
		{"{\"method\":1,\"params\":2}", true},
		{"{\"method\":1,\"Method\":2}", false},
		{"{\"METHOD\":1,\"a\":0,\"method\":2}", false},
		{"{\"params\":1,\"param\xc5\xbf\":2}", false},
		{"{\"params\":1,\"PARAM\\u017f\":2}", false},
		{"{\"token\":1,\"to\xe2\x84\xaa"
		 "en\":2}",
		 false},
		{"{\"token\":1,\"TO\\u212aEN\":2}", false},
		{"{\"param\xc5\xbf\":1,\"PARAMS\":2}", false},
		{"{\"params\":1,\"params \":2}", true},
		{"{\"a\":1,\"aa\":2,\"\":3}", true},
		{"{\"i\":1,\"\\u0131\":2,\"\\u0130\":3}", true},
		{"{\"\\u00e9\":1,\"\\u00c9\":2}", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *root = json_loads(cases[i].text, 0, NULL);

		assert_non_null(root);
		if (mcp_json_keys_are_distinct(root) != cases[i].distinct)
			fail_msg("%s: expected %d", cases[i].text, cases[i].distinct);
	}
}

static void test_json_tells_folded_keys_apart_however_many(void **state)
{
	json_auto_t *object = json_object();
	char key[16];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		json_object_set_new(object, key, json_null());
	}
	assert_true(mcp_json_keys_are_distinct(object));
	json_object_set_new(object, "K777", json_null());
	assert_false(mcp_json_keys_are_distinct(object));
}

static void test_json_looks_at_the_keys_of_every_object_within(void **state)
{
	static const struct {
		const char *text;
		bool distinct;
	} cases[] = {
		{"{\"a\":{\"b\":1},\"b\":[{\"a\":1},{\"A\":1},\"a\"],\"c\":null}", true},
		{"[]", true},
		{"{\"a\":1,\"A\":2}", false},
		{"{\"a\":{\"to\":1,\"To\":2}}", false},
		{"{\"a\":[[1,{\"b\":{\"\\u212a\":1,\"k\":2}}]]}", false},
		{"[{\"a\":1},{\"b\":1,\"B\":1}]", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *root = json_loads(cases[i].text, 0, NULL);

		assert_non_null(root);
		if (mcp_json_all_keys_are_distinct(root) != cases[i].distinct)
			fail_msg("%s: expected %d", cases[i].text, cases[i].distinct);
	}
}

/* Every prefix of a text, each ending right before a page that can not be read. */
static void test_json_reads_no_byte_past_its_text(void **state)
{
	static const char text[] = "{\"a\\n\":[1,-2.5e3,\"\xe2\x84\xaa\\u212a\",true,null],\"b\":{"
				   "\"c\":\"\\ud83d\\ude00\"}}";
	const size_t page = 4096, n = sizeof(text) - 1;
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
	for (size_t i = 0; i <= n; i++) {
		memcpy(map + page - i, text, i);
		assert_int_equal(parse(map + page - i, i, &mcp_request_limits),
				 i == n ? 0 : -EBADMSG);
	}
	munmap(map, 2 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_parses_strictly),
		cmocka_unit_test(test_json_allows_nul_only_where_told),
		cmocka_unit_test(test_json_bounds_depth),
		cmocka_unit_test(test_json_survives_a_hundred_thousand_brackets),
		cmocka_unit_test(test_json_bounds_values_and_bytes),
		cmocka_unit_test(test_json_error_names_the_byte_and_the_fault),
		cmocka_unit_test(test_json_tells_folded_keys_apart),
		cmocka_unit_test(test_json_tells_folded_keys_apart_however_many),
		cmocka_unit_test(test_json_looks_at_the_keys_of_every_object_within),
		cmocka_unit_test(test_json_reads_no_byte_past_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
