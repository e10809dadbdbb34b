// SPDX-License-Identifier: Apache-2.0
/*
 * Names whose standing does not change from one edition of the list to the next.
 */
#include "cmocka_all.h"

#include "../../policy/public_suffix.h"
#include "base/cleanup.h"

static const struct {
	const char *name;
	bool is_public;
} names[] = {
	{"com", true},
	{"uk", true},
	{"co.uk", true},
	{"example.co.uk", false},
	{"example.com", false},
	{"x.example.com", false},
	{"github.io", true},
	{"github.com", false},
	{"x.github.io", false},
	{"s3.amazonaws.com", true},
	{"amazonaws.com", false},
	{"xn--p1ai", true},
	{"xn--55qx5d.cn", true},
	/* *.ck, and !www.ck */
	{"ck", true},
	{"any.ck", true},
	{"x.any.ck", false},
	{"www.ck", false},
	/* *.kawasaki.jp, and !city.kawasaki.jp */
	{"kawasaki.jp", true},
	{"any.kawasaki.jp", true},
	{"city.kawasaki.jp", false},
	{"x.city.kawasaki.jp", false},
	/* one label, listed or not */
	{"internal", true},
	{"c", true},
	{"", true},
	/* beginnings and continuations of what is listed */
	{"o.uk", false},
	{"co.ukk", false},
	{"xco.uk", false},
	{"github.i", false},
	{"github.iox", false},
	{"com.", false},
	{".com", false},
	{"\xff.com", false},
	/* what international names of the list begin with is none */
	{"x.m", false},
};

static void test_public_suffixes_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (public_suffix_is(names[i].name) != names[i].is_public)
			fail_msg("%s", names[i].name);
}

/* Any two bytes: an answer, and nothing read outside of the list. */
static void test_public_suffix_survives_any_name(void **state)
{
	char name[] = "..com";

	(void)state;
	for (int a = 1; a < 256; a++) {
		for (int b = 1; b < 256; b++) {
			name[0] = (char)a;
			name[1] = (char)b;
			public_suffix_is(name);
			public_suffix_is(name + 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public_suffixes_are_known),
		cmocka_unit_test(test_public_suffix_survives_any_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
