// SPDX-License-Identifier: Apache-2.0
/*
 * What is inferred for a policy to begin with: the class of a tool, and what its arguments are to
 * be.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "commands/policy_init.h"

#define READS    "{\"annotations\":{\"readOnlyHint\":true}}"
#define WRITES   "{\"annotations\":{\"destructiveHint\":false}}"
#define DESTROYS "{\"annotations\":{\"destructiveHint\":true}}"

static const struct {
	const char *tool, *definition; /* NULL: not known */
	enum init_class class;
	const char *because; /* a piece */
} classes[] = {
	{"get_quote", NULL, INIT_READ, "its name says `get`"},
	{"listFiles", NULL, INIT_READ, "`list`"},
	{"get_order", NULL, INIT_READ, "`get`"},
	{"list-payments", NULL, INIT_READ, "`list`"},
	{"get_and_delete_order", NULL, INIT_DESTRUCTIVE, "`delete`"},
	{"createIssue", NULL, INIT_WRITE, "`create`"},
	{"send_fax", NULL, INIT_DESTRUCTIVE, "`send`"},
	{"checkout", NULL, INIT_PAID, "`checkout`"},
	{"delete_and_refund", NULL, INIT_PAID, "`refund`"},
	{"frobnicate", NULL, INIT_UNKNOWN, "neither"},
	{"frobnicate", READS, INIT_READ, "the server says so (readOnlyHint)"},
	{"frobnicate", WRITES, INIT_WRITE, "the server says so"},
	{"getter", NULL, INIT_UNKNOWN, "neither"},
	/* A server makes its tools no harmless by its word, but dangerous. */
	{"delete_all", READS, INIT_DESTRUCTIVE, "`delete`"},
	{"pay", READS, INIT_PAID, "`pay`"},
	{"get_quote", DESTROYS, INIT_DESTRUCTIVE, "destructiveHint"},
	{"create", DESTROYS, INIT_DESTRUCTIVE, "destructiveHint"},
	/* Money is spoken of by what has a price, and by what tells one. */
	{"retry", "{\"description\":\"Sends again, with a new charge.\"}", INIT_PAID, "`charge`"},
	{"get_quote", "{\"description\":\"Says what it costs.\"}", INIT_READ, "`get`"},
	{"upload", "{\"description\":\"Takes a payload.\"}", INIT_WRITE, "`upload`"},
	{"", NULL, INIT_UNKNOWN, "neither"},
	{"a_word_that_is_farlongerthananywordofanyname_get", NULL, INIT_READ, "`get`"},
};

static void test_class_is_the_worst_of_what_is_known(void **state)
{
	size_t hold = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		json_t *definition =
			classes[i].definition ? json_loads(classes[i].definition, 0, NULL) : NULL;
		char because[INIT_BECAUSE_BYTES];
		enum init_class class = init_class_infer(classes[i].tool, definition, because);

		if (class == classes[i].class && strstr(because, classes[i].because))
			hold++;
		else
			print_error("%s: %d, %s\n", classes[i].tool, class, because);
		json_decref(definition);
	}
	assert_int_equal(hold, ARRAY_SIZE(classes));
}

static const struct {
	const char *calls[6]; /* arguments */
	const char *require;  /* JSON */
} ranges[] = {
	{{"{}"}, "[]"},
	{{"{\"n\":3}", "{\"n\":-1.5}", "{\"n\":7}"},
	 "[{\"path\":\"args.n\",\"op\":\"gte\",\"value\":-1.5},"
	 "{\"path\":\"args.n\",\"op\":\"lte\",\"value\":7}]"},
	{{"{\"n\":3}", "{}"},
	 "[{\"path\":\"args.n\",\"op\":\"gte\",\"value\":3,\"optional\":true},"
	 "{\"path\":\"args.n\",\"op\":\"lte\",\"value\":3,\"optional\":true}]"},
	{{"{\"b\":false}", "{\"b\":false}"},
	 "[{\"path\":\"args.b\",\"op\":\"eq\",\"value\":false}]"},
	{{"{\"b\":false}", "{\"b\":true}"}, "[]"},
	{{"{\"s\":\"x\"}", "{\"s\":\"x\"}", "{\"s\":\"x\"}"},
	 "[{\"path\":\"args.s\",\"op\":\"in\",\"value\":[\"x\"]}]"},
	{{"{\"s\":\"x\"}", "{\"s\":\"yy\"}"},
	 "[{\"path\":\"args.s\",\"op\":\"len_lte\",\"value\":64}]"},
	{{"{\"mode\":\"x\"}"}, "[{\"path\":\"args.mode\",\"op\":\"in\",\"value\":[\"x\"]}]"},
	{{"{\"sessionId\":\"x\"}", "{\"sessionId\":\"x\"}", "{\"sessionId\":\"x\"}"}, "[]"},
	{{"{\"u\":\"https://A.example/x\"}", "{\"u\":\"https://b.example:8443?y\"}"},
	 "[{\"path\":\"args.u\",\"op\":\"url\",\"value\":{\"scheme\":[\"https\"],"
	 "\"host_in\":[\"a.example\",\"b.example\"]}}]"},
	{{"{\"u\":\"https://a.example/x\"}", "{\"u\":\"http://a.example/\"}"},
	 "[{\"path\":\"args.u\",\"op\":\"len_lte\",\"value\":64}]"},
	{{"{\"u\":\"https://good.example@evil.example/\"}"},
	 "[{\"path\":\"args.u\",\"op\":\"len_lte\",\"value\":128}]"},
	{{"{\"l\":[1,2,3]}", "{\"l\":[]}"},
	 "[{\"path\":\"args.l\",\"op\":\"len_lte\",\"value\":3},"
	 "{\"path\":\"args.l[*]\",\"op\":\"gte\",\"value\":1,\"optional\":true},"
	 "{\"path\":\"args.l[*]\",\"op\":\"lte\",\"value\":3,\"optional\":true}]"},
	{{"{\"o\":{\"n\":1}}"},
	 "[{\"path\":\"args.o.n\",\"op\":\"gte\",\"value\":1},"
	 "{\"path\":\"args.o.n\",\"op\":\"lte\",\"value\":1}]"},
	/* Of several kinds nothing holds; what paths cannot name is left alone. */
	{{"{\"x\":1}", "{\"x\":\"a\"}"}, "[]"},
	{{"{\"x\":null}", "{\"a.b\":1,\"c[0]\":2,\"\":3}"}, "[]"},
	{{"{\"s\":\"[redacted]\"}", "{\"s\":\"[redacted]\"}"}, "[]"},
};

static bool range_holds(size_t i)
{
	json_t *seen = json_object(), *redact = json_array(), *require, *expected;
	json_t *definition = json_loads(
		"{\"inputSchema\":{\"properties\":{\"mode\":{\"enum\":[\"x\",\"y\"]}}}}", 0, NULL);
	size_t n = 0;
	bool holds;

	for (; n < 6 && ranges[i].calls[n]; n++) {
		json_t *arguments = json_loads(ranges[i].calls[n], 0, NULL);

		assert_int_equal(init_ranges_note(seen, arguments), 0);
		json_decref(arguments);
	}
	require = init_ranges_require(seen, n, definition, redact);
	expected = json_loads(ranges[i].require, 0, NULL);
	holds = require && json_equal(require, expected);
	if (!holds) {
		char *text = json_dumps(require, JSON_COMPACT);

		print_error("case %zu: %s\n", i, text);
		free(text);
	}
	json_decref(seen);
	json_decref(redact);
	json_decref(require);
	json_decref(expected);
	json_decref(definition);
	return holds;
}

static void test_ranges_let_pass_what_was_seen(void **state)
{
	size_t hold = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		hold += range_holds(i);
	assert_int_equal(hold, ARRAY_SIZE(ranges));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class_is_the_worst_of_what_is_known),
		cmocka_unit_test(test_ranges_let_pass_what_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
