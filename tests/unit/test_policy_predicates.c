// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "policy/json/json_auto.h"
#include "policy/judge/predicates.h"
#include "base/cleanup.h"

#define H PREDICATE_HOLDS
#define F PREDICATE_FAILS
#define N PREDICATE_MISSING
#define X PREDICATE_MISMATCH

static const struct {
	const char *path; /* behind `body` */
	enum predicate_op op;
	const char *operand, *value; /* JSON */
	unsigned met;
} cases[] = {
	/* eq, neq */
	{"", OP_EQ, "1", "1", H},
	{"", OP_EQ, "1", "2", F},
	{"", OP_NEQ, "1", "2", H},
	{"", OP_NEQ, "1", "1", F},
	{"", OP_EQ, "1", "\"1\"", X},
	{"", OP_NEQ, "1", "\"1\"", X},
	{"", OP_EQ, "\"1\"", "1", X},
	{"", OP_EQ, "1", "true", X},
	{"", OP_EQ, "true", "false", F},
	{"", OP_EQ, "true", "true", H},
	{"", OP_EQ, "true", "null", X},
	{"", OP_EQ, "null", "null", H},
	{"", OP_EQ, "null", "7", F},
	{"", OP_NEQ, "null", "{}", H},
	{"", OP_EQ, "\"a\"", "\"A\"", F},
	{"", OP_EQ, "\"a\"", "\"a\\u0000\"", F},
	{"", OP_EQ, "[1,{\"a\":[true]}]", "[1.0,{\"a\":[true]}]", H},
	{"", OP_EQ, "[1,2]", "[1,2,3]", F},
	{"", OP_EQ, "{\"a\":1}", "{\"b\":1}", F},
	{"", OP_EQ, "{\"a\":1}", "{\"a\":1,\"b\":1}", F},
	{"", OP_EQ, "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", H},
	/* numbers by their exact values */
	{"", OP_EQ, "1", "1.0", H},
	{"", OP_EQ, "1.5", "1", F},
	{"", OP_EQ, "9007199254740993", "9007199254740992.0", F},
	{"", OP_LT, "9007199254740993", "9007199254740992.0", H},
	{"", OP_GT, "9007199254740992.0", "9007199254740993", H},
	{"", OP_LT, "1e300", "9223372036854775807", H},
	{"", OP_GT, "-1e300", "-9223372036854775808", H},
	{"", OP_LT, "9223372036854775808.0", "9223372036854775807", H},
	{"", OP_GTE, "-9223372036854775808.0", "-9223372036854775808", H},
	{"", OP_GT, "-1.5", "-1", H},
	{"", OP_LT, "-1", "-1.5", H},
	{"", OP_LT, "1", "1", F},
	{"", OP_LTE, "1", "1", H},
	{"", OP_GT, "1", "1", F},
	{"", OP_GTE, "1", "1", H},
	{"", OP_GTE, "0.1", "0.1", H},
	{"", OP_LTE, "100", "\"5\"", X},
	{"", OP_GT, "100", "null", X},
	{"", OP_GT, "0", "true", X},
	/* in, not_in */
	{"", OP_IN, "[\"a\",\"b\"]", "\"b\"", H},
	{"", OP_IN, "[\"a\",\"b\"]", "\"c\"", F},
	{"", OP_NOT_IN, "[\"a\",\"b\"]", "\"c\"", H},
	{"", OP_NOT_IN, "[\"a\",\"b\"]", "\"a\"", F},
	{"", OP_IN, "[\"a\",\"b\"]", "7", X},
	{"", OP_NOT_IN, "[\"a\",\"b\"]", "7", X},
	{"", OP_IN, "[\"a\",7]", "7.0", H},
	{"", OP_IN, "[\"a\",null]", "7", F},
	{"", OP_IN, "[\"a\",\"b\"]", "[\"a\"]", X},
	/* parts of strings; elements */
	{"", OP_PREFIX, "\"web_\"", "\"web_search\"", H},
	{"", OP_PREFIX, "\"web_\"", "\"web\"", F},
	{"", OP_PREFIX, "\"web_\"", "\"a web_\"", F},
	{"", OP_PREFIX, "[\"x\",\"web_\"]", "\"web_search\"", H},
	{"", OP_PREFIX, "\"web_\"", "[\"web_search\"]", X},
	{"", OP_SUFFIX, "[\".exe\",\".js\"]", "\"a.js\"", H},
	{"", OP_SUFFIX, "\".js\"", "\".js.txt\"", F},
	{"", OP_SUFFIX, "\".js\"", "7", X},
	{"", OP_CONTAINS, "\"b\"", "\"abc\"", H},
	{"", OP_CONTAINS, "\"b\"", "\"a\\u0000b\"", H},
	{"", OP_CONTAINS, "\"b\"", "\"\"", F},
	{"", OP_CONTAINS, "\"b\"", "[\"abc\"]", F},
	{"", OP_CONTAINS, "[\"c\",\"b\"]", "[7,\"b\"]", H},
	{"", OP_CONTAINS, "\"b\"", "[]", F},
	{"", OP_CONTAINS, "\"b\"", "{\"b\":1}", X},
	{"", OP_CONTAINS, "\"b\"", "null", X},
	/* lengths in characters and elements */
	{"", OP_LEN_GT, "2", "\"abc\"", H},
	{"", OP_LEN_GT, "3", "\"abc\"", F},
	{"", OP_LEN_GT, "1", "\"\xc3\xbc\"", F},
	{"", OP_LEN_LTE, "1", "\"\xf0\x9f\x98\x80\"", H},
	{"", OP_LEN_LTE, "2", "[1,2]", H},
	{"", OP_LEN_GT, "0", "[]", F},
	{"", OP_LEN_GT, "0", "{\"a\":1}", X},
	{"", OP_LEN_LTE, "9", "7", X},
	/* what is there */
	{".a", OP_EXISTS, "true", "{\"a\":null}", H},
	{".a", OP_EXISTS, "false", "{\"a\":null}", F},
	{".a", OP_EXISTS, "true", "{\"b\":1}", F},
	{".a", OP_EXISTS, "false", "{}", H},
	{".a", OP_EXISTS, "true", "[]", X},
	{".a", OP_EXISTS, "false", "\"a\"", X},
	{".a.b", OP_EXISTS, "false", "{}", H},
	{".a.b", OP_EXISTS, "false", "{\"a\":7}", X},
	{"", OP_EXISTS, "true", "null", H},
	/* ways through a value */
	{".a", OP_EQ, "1", "{}", N},
	{".a", OP_EQ, "1", "null", X},
	{".a.b", OP_EQ, "1", "{\"a\":{\"b\":1}}", H},
	{".a.b", OP_EQ, "1", "{\"a\":null}", X},
	{"[0]", OP_EQ, "1", "[1]", H},
	{"[1]", OP_EQ, "1", "[1]", N},
	{"[999999999]", OP_EQ, "1", "[1]", N},
	{"[0]", OP_EQ, "1", "{\"0\":1}", X},
	{"[*]", OP_EQ, "1", "[]", 0},
	{"[*]", OP_EQ, "1", "[1,2]", H | F},
	{"[*]", OP_EQ, "1", "[2,\"a\"]", F | X},
	{"[*]", OP_EQ, "1", "{}", X},
	{".a[*].b", OP_EQ, "1", "{}", N},
	{".a[*].b", OP_EQ, "1", "{\"a\":[{\"b\":1},{},{\"b\":2},7]}", H | F | N | X},
	{".a[*].b", OP_EXISTS, "false", "{\"a\":[{\"b\":1},{}]}", H | F},
	{".a[*].b", OP_EXISTS, "false", "{\"a\":[]}", 0},
	{".a[*][*]", OP_EQ, "1", "{\"a\":[[],[1]]}", H},
	{".a[*][0].b", OP_EQ, "1", "{\"a\":[[{\"b\":1}]]}", H},
};

static unsigned evaluate(const char *path, enum predicate_op op, const char *operand,
			 const char *value, enum path_case names)
{
	struct predicate p = {.op = op};
	autojson json_t *root = json_loads(value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	char text[64];
	const char *what;
	unsigned met;

	snprintf(text, sizeof(text), "body%s", path);
	assert_int_equal(path_parse(text, PATH_BODY, &p.path, &what), 0);
	p.operand = json_loads(operand, JSON_DECODE_ANY, NULL);
	assert_non_null(p.operand);
	assert_non_null(root);
	met = predicate_evaluate(&p, root, names);
	predicates_free(&p, 1);
	return met;
}

static void test_predicates_hold_fail_or_do_not_apply(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned met = evaluate(cases[i].path, cases[i].op, cases[i].operand,
					cases[i].value, PATH_CASE_EXACT);

		if (met != cases[i].met)
			fail_msg("body%s op %d %s on %s: %u, not %u", cases[i].path, cases[i].op,
				 cases[i].operand, cases[i].value, met, cases[i].met);
	}
}

static const struct {
	const char *path, *value;
	unsigned exact, folded;
} names[] = {
	{".ab", "{\"AB\":1}", N, H},
	{".AB", "{\"ab\":1}", N, H},
	{".ab", "{\"ab\":2,\"Ab\":1,\"aB\":\"x\"}", F, H | F | X},
	{".task", "{\"ta\xc5\xbf\xe2\x84\xaa\":1}", N, H},
	{".ta\xc5\xbfk", "{\"TASK\":1}", N, H},
	{".s", "{\"\xc5\xbf\":1}", N, H},
	{".s", "{\"\xc5\xbe\":1}", N, N},
	{".k", "{\"\xe2\x84\xab\":1}", N, N},
	{".\xc3\xa4", "{\"\xc3\x84\":1}", N, N},
	{".a", "{\"ab\":1}", N, N},
	{".ab", "{\"a\":1}", N, N},
	{".a_", "{\"A_\":1,\"A\x7f\":1}", N, H},
	{".A.B[*].C", "{\"a\":{\"b\":[{\"c\":1},{\"C\":2}]}}", N, H | F},
};

static void test_predicates_find_names_in_any_case_if_told_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		unsigned exact =
			evaluate(names[i].path, OP_EQ, "1", names[i].value, PATH_CASE_EXACT);
		unsigned folded =
			evaluate(names[i].path, OP_EQ, "1", names[i].value, PATH_CASE_FOLDED);

		if (exact != names[i].exact || folded != names[i].folded)
			fail_msg("body%s on %s: %u, %u", names[i].path, names[i].value, exact,
				 folded);
	}
}

static const struct {
	const char *text;
	enum path_root root;
	const char *says; /* NULL: sound */
	size_t steps;
} paths[] = {
	{"args", PATH_ARGS, NULL, 0},
	{"body", PATH_BODY, NULL, 0},
	{"args.a.b[0][*].c-d_e f", PATH_ARGS, NULL, 5},
	{"body[*]", PATH_BODY, NULL, 1},
	{"body", PATH_ARGS, "begins with `args`", 0},
	{"args", PATH_BODY, "begins with `body`", 0},
	{"", PATH_BODY, "begins with `body`", 0},
	{"bod", PATH_BODY, "begins with `body`", 0},
	{"bodys", PATH_BODY, "begins with `body`", 0},
	{"body.", PATH_BODY, "a step is", 0},
	{"body..a", PATH_BODY, "a step is", 0},
	{"body.a]", PATH_BODY, "a step is", 0},
	{"body[", PATH_BODY, "a step is", 0},
	{"body[*", PATH_BODY, "a step is", 0},
	{"body[1", PATH_BODY, "a step is", 0},
	{"body[1]a", PATH_BODY, "a step is", 0},
	{"body[1234567890]", PATH_BODY, "a step is", 0},
	{"body[]", PATH_BODY, "a step is", 0},
	{"body.a*", PATH_BODY, "a step is", 0},
	{"body.*", PATH_BODY, "a step is", 0},
	{"body[1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1]", PATH_BODY, NULL, 16},
	{"body[1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1][1]", PATH_BODY, "at most 16", 0},
};

static void test_paths_are_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct path path = {0};
		const char *what = "";
		int r = path_parse(paths[i].text, paths[i].root, &path, &what);

		if (!r != !paths[i].says || path.n != paths[i].steps ||
		    (paths[i].says && !strstr(what, paths[i].says)))
			fail_msg("%s: %d, %zu steps, %s", paths[i].text, r, path.n, what);
		path_free(&path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predicates_hold_fail_or_do_not_apply),
		cmocka_unit_test(test_predicates_find_names_in_any_case_if_told_to),
		cmocka_unit_test(test_paths_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
