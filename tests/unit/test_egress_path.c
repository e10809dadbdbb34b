// SPDX-License-Identifier: Apache-2.0
#include "proxy/egress_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "guard.h"

static const struct {
	const char *path;
	const char *readings[EGRESS_READINGS_MAX]; /* none: refused */
} rows[] = {
	{"/", {"/"}},
	{"/v1/messages", {"/v1/messages"}},
	{"/a/b/", {"/a/b/"}},
	{"/%61%7e", {"/a~"}},
	{"/a%20b", {"/a%20b", "/a b"}},
	{"/a%2fb", {"/a%2Fb", "/a/b"}},
	{"/a%2f%2fb", {"/a%2F%2Fb", "/a//b", "/a/b"}},
	{"/a//b", {"/a//b", "/a/b"}},
	{"/a;b/c", {"/a;b/c", "/a/c"}},
	{"/a%2F/;b%3Fc", {"/a%2F/;b%3Fc", "/a//;b?c", "/a/;b?c", "/a/"}},
	{"/a%23b", {"/a%23b", "/a#b", "/a"}},
	{"/a%25", {"/a%25", "/a%"}},
	{"/a%2541", {"/a%2541", "/aA"}},
	{"/a%25252fb", {"/a%25252fb", "/a/b"}},
	{"/a|{}", {"/a%7C%7B%7D", "/a|{}"}},
	{"/..a/.b/c..", {"/..a/.b/c.."}},
	{"/...", {"/..."}},
	{"", {NULL}},
	{"a", {NULL}},
	{"/.", {NULL}},
	{"/a/..", {NULL}},
	{"/%2E./a", {NULL}},
	{"/a%2f%2e%2e%2fb", {NULL}},
	{"/a%252f..%252fb", {NULL}},
	{"/a/.;x/b", {NULL}},
	{"/a/..%3Fx", {NULL}},
	{"/a/%23/..;/b", {NULL}},
	{"/a/%3F/.%3Bx", {NULL}},
	{"/a\\b", {NULL}},
	{"/a%5Cb", {NULL}},
	{"/a%255Cb", {NULL}},
	{"/a%00", {NULL}},
	{"/a%2500", {NULL}},
	{"/a%7f", {NULL}},
	{"/a%ff", {NULL}},
	{"/a%c0%ae", {NULL}},
	{"/a%2", {NULL}},
	{"/a%", {NULL}},
	{"/a%g0", {NULL}},
	{"/a b", {NULL}},
	{"/a?b", {NULL}},
	{"/a\xc3\xa9", {NULL}},
	{"/a%252525252f", {NULL}},
};

static void test_path_has_all_its_readings_or_is_refused(void **state)
{
	struct egress_path *got = malloc(sizeof(*got));
	struct guard g = guard_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = strlen(rows[i].path), k = 0;
		int r = egress_path_read(span_bytes(guard_place(&g, rows[i].path, n), n), got);

		if (!!r != !rows[i].readings[0])
			fail_msg("%s: %d", rows[i].path, r);
		for (; !r && k < got->n; k++)
			if (!rows[i].readings[k] ||
			    strcmp(got->readings[k], rows[i].readings[k]) != 0)
				fail_msg("%s: reading %zu is %s", rows[i].path, k,
					 got->readings[k]);
		if (!r && k < EGRESS_READINGS_MAX && rows[i].readings[k])
			fail_msg("%s is not read as %s", rows[i].path, rows[i].readings[k]);
	}
	guard_free(&g);
	free(got);
}

static void test_path_is_bounded_as_it_is_sent(void **state)
{
	struct egress_path *got = malloc(sizeof(*got));
	char path[HTTP1_PATH_MAX + 2];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	assert_int_equal(egress_path_read(span_bytes(path, HTTP1_PATH_MAX - 8), got), 0);
	assert_int_not_equal(egress_path_read(span_bytes(path, HTTP1_PATH_MAX + 1), got), 0);
	memset(path + 1, '|', sizeof(path) - 1); /* each becomes three */
	assert_int_not_equal(egress_path_read(span_bytes(path, HTTP1_PATH_MAX / 2), got), 0);
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_has_all_its_readings_or_is_refused),
		cmocka_unit_test(test_path_is_bounded_as_it_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
